//! Runs over time in every format: page, CSV, terminal, JSON. Each renders from [`Trend`] and from nothing else.

mod html;
mod shared;
mod table;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

pub use document::trend::*;

pub use self::html::render as render_html;
pub use self::table::render as render_csv;
pub use self::text::render as render_text;

use crate::error::{Error, Result};
use crate::file_set::FileSet;

/// Names of the files that [`write_all`] leaves.
pub const FILES: [&str; 3] = ["trend.json", "trend.csv", "trend.html"];

/// The document as JSON text.
///
/// # Errors
/// [`Error::Format`] where a value cannot be JSON.
pub fn to_text(trend: &Trend) -> Result<String> {
    let mut text = serde_json::to_string_pretty(trend)
        .map_err(|error| Error::Format { format: "trend.json", message: error.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// Writes `trend.json`, `trend.csv` and `trend.html` into `dir`, which is created where it is missing.
///
/// # Errors
/// [`Error::Io`] naming the path, [`Error::Format`].
pub fn write_all(trend: &Trend, dir: &Path) -> Result<()> {
    let mut set = FileSet::new(dir)?;
    set.add("trend.csv", render_csv(trend)?.as_bytes())?;
    set.add("trend.html", render_html(trend).as_bytes())?;
    set.add("trend.json", to_text(trend)?.as_bytes())?;
    set.publish()
}
