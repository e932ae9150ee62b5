//! The report document and one renderer a format.
//!
//! A run of Parallax produces one document, [`document::Report`]: plain serde data, versioned. Every format
//! (HTML, CSV, text) renders from it and from nothing else, so a report can be rebuilt later and elsewhere
//! from `report.json` alone. This crate knows neither Arrow nor Parquet nor the writers.

pub mod document;
pub mod evidence;
pub mod manifest;
