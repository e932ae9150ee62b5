//! Parallax: A/B shadow comparison of Parquet writers. Is the new writer safe to roll out?

pub mod cancel;
pub mod check;
pub mod error;
pub mod job;
pub mod output;
pub mod side;
