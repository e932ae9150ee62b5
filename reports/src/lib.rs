//! The report document and one renderer a format.
//!
//! A run of Parallax produces one document, [`document::Report`]: plain serde data, versioned. Every format
//! (HTML, CSV, JUnit, Markdown, text) renders from it and from nothing else, so a report can be rebuilt later and elsewhere
//! from `report.json` alone. This crate knows neither Arrow nor Parquet nor the writers.
//!
//! Renderers are pure functions of the document: the same document gives the same bytes, on any machine, at any time.
//! Data values (log lines, file names) are text of strangers to all of them: escaped, cut, never interpreted.

pub mod blast;
pub mod csv;
pub mod determinism;
pub mod document;
mod error;
pub mod evidence;
mod finding;
pub mod gate;
pub mod guide;
mod headline;
pub mod html;
mod interval;
pub mod json;
pub mod junit;
pub mod layout;
mod link;
pub mod manifest;
mod mark;
pub mod markdown;
pub mod measurement;
mod plot;
pub mod policy;
pub mod redact;
pub mod schema;
pub mod selftest;
mod side;
pub mod signal_evidence;
mod stated;
pub mod summary;
pub mod trend;
pub mod visible;
mod words;
mod wrap;
mod write;

#[cfg(test)]
#[allow(dead_code, unused_imports, reason = "tests outside of the crate use the rest")]
mod fixture;

pub use error::{Error, Result};
pub use headline::is_common;
pub use schema::schema_text;
pub use words::{counted, status as status_word, total, verdict as verdict_word};
pub use write::{FILES, is_temporary, write_all};
