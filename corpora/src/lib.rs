//! What the data is: signals, column names, corpus specifications, seeded generators, segment loading.
//!
//! - [`Signals`]: definitions of signals, shipped and the user's own. Data, never code.
//! - [`Catalog`] and [`CorpusSpec`]: named, immutable, seeded sets of input segments with the parameters of the job.
//! - [`load`], [`Segment`], [`check_signal`]: the user's own segments.
//! - [`listing`]: which files below a directory are data, for inputs and outputs alike.
//! - [`parameters`]: job parameters in layers, each value with its origin; [`JobFile`]: the `job.toml` beside segments.
//!
//! This crate runs no writer and judges nothing.

mod catalog;
mod error;
pub mod footer;
mod generate;
mod job_file;
mod key_order;
pub mod listing;
mod load;
pub mod parameters;
pub mod regular;
pub mod repair;
mod segment;
pub mod signal;
mod signal_rules;
mod signals;
pub mod spec;
pub mod stated;
mod structure;
pub mod thrift;

pub use catalog::Catalog;
pub use error::{Error, ErrorKind, Result};
pub use generate::{Generate, Generated};
pub use job_file::JobFile;
pub use key_order::KeyOrder;
pub use load::load;
pub use segment::{ColumnInfo, Segment, check_signal, has_order, inspect, inspect_all, rows_of};
pub use signals::Signals;
pub use spec::{CorpusSpec, JobKind};
