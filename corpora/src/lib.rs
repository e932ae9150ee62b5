//! What the data is: signals, column names, corpus specifications, seeded generators, segment loading.

pub mod parameters;
pub mod signal;
