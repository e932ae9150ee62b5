//! The document of a self-test in every format: page, Markdown, CSV, terminal, JSON. Each renders from [`Selftest`] and from nothing
//! else.

mod markdown;
mod page;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use document::selftest::*;

pub use self::markdown::render as markdown;
pub use self::page::render as html;
pub use self::table::{csv, text};

use crate::error::{Error, Result};
use crate::file_set::FileSet;

/// Names of the files that [`write_all`] leaves.
pub const FILES: [&str; 4] = ["selftest.json", "selftest.csv", "selftest.md", "selftest.html"];

/// Writes `selftest.json`, `.csv`, `.md` and `.html` into `dir`, which is created where it is missing.
///
/// # Errors
/// [`Error::Io`] naming the path, [`Error::Format`].
pub fn write_all(selftest: &Selftest, dir: &Path) -> Result<()> {
    let mut json = serde_json::to_string_pretty(selftest)
        .map_err(|error| Error::Format { format: "selftest.json", message: error.to_string() })?;
    json.push('\n');
    let mut set = FileSet::new(dir)?;
    set.add("selftest.csv", csv(selftest)?.as_bytes())?;
    set.add("selftest.md", markdown(selftest).as_bytes())?;
    set.add("selftest.html", html(selftest).as_bytes())?;
    set.add("selftest.json", json.as_bytes())?;
    set.publish()
}
