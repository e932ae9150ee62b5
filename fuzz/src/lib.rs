//! The bodies of the fuzz targets, one module a target. `tests/fuzz.rs` of the main workspace compiles them in as well, and
//! gives each some thousand inputs in every test run.

pub mod bundle;
pub mod damage;
pub mod documents;
pub mod footer;
pub mod hostile;
pub mod input;
pub mod json;
pub mod memory;
pub mod oracle;
pub mod page_headers;
pub mod parquet_file;
pub mod segment_input;
pub mod sketch;
pub mod sound;
pub mod texts;
pub mod thrift;
