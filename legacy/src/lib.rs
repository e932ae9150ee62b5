//! The legacy writers.
