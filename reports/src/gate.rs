//! The gate document in every format: page, Markdown, terminal, JSON. Each renders from [`Gate`] and from nothing else.

mod html;
mod markdown;
mod shared;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;

pub use document::gate::*;

pub use self::html::render as render_html;
pub use self::markdown::render as render_markdown;
pub use self::text::render as render_text;

use crate::error::{Error, Result};
use crate::file_set::FileSet;

/// Names of the files that [`write_all`] leaves.
pub const FILES: [&str; 3] = ["gate.json", "gate.md", "gate.html"];

/// The document as JSON text.
///
/// # Errors
/// [`Error::Format`] where a value cannot be JSON.
pub fn to_text(gate: &Gate) -> Result<String> {
    let mut text = serde_json::to_string_pretty(gate)
        .map_err(|error| Error::Format { format: "gate.json", message: error.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// Writes `gate.json`, `gate.md` and `gate.html` into `dir`, which is created where it is missing.
///
/// # Errors
/// [`Error::Io`] naming the path, [`Error::Format`].
pub fn write_all(gate: &Gate, dir: &Path) -> Result<()> {
    let mut set = FileSet::new(dir)?;
    set.add("gate.md", render_markdown(gate).as_bytes())?;
    set.add("gate.html", render_html(gate).as_bytes())?;
    set.add("gate.json", to_text(gate)?.as_bytes())?;
    set.publish()
}
