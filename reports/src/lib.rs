//! One renderer a format of the report document.
//!
//! A run of Parallax produces one document, [`document::Report`]: plain serde data, versioned. Every format
//! (HTML, CSV, JUnit, Markdown, text) renders from it and from nothing else, so a report can be rebuilt later and elsewhere
//! from `report.json` alone. The document itself, and the models computed from it, are the crate `parallax-document`
//! (`reports/document/`); its modules are exported here again. This crate knows neither Arrow nor Parquet nor the writers.
//!
//! Renderers depend on models and on shared pieces (`page`, `plot`, `table`, `markdown_text`, `file_set`), never on each other; only
//! `write` knows several of them.
//!
//! Renderers are pure functions of the document: the same document gives the same bytes, on any machine, at any time.
//! Data values (log lines, file names) are untrusted text to all of them: escaped, cut, never interpreted.

pub mod csv;
mod error;
mod file_set;
pub mod gate;
pub mod guide;
pub mod html;
mod interval;
pub mod json;
pub mod junit;
mod link;
mod mark;
pub mod markdown;
mod markdown_text;
mod page;
mod plot;
pub mod redact;
pub mod selftest;
pub mod summary;
mod table;
pub mod trend;
mod wrap;
mod write;

#[cfg(test)]
use ::document::fixture;
pub use ::document::headline::is_common;
pub use ::document::report as document;
pub use ::document::schema::schema_text;
pub use ::document::total::total;
pub use ::document::words::{counted, status as status_word, verdict as verdict_word};
pub use ::document::{
    blast, determinism, evidence, layout, manifest, measurement, policy, schema, signal_evidence, visible,
};
use ::document::{headline, scoreboard, side, words};

pub use error::{Error, Result};
pub use file_set::is_temporary;
pub use write::{FILES, write_all};
