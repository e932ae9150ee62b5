//! `parallax trend DIR...`: runs over time, and what changed since the last green one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use reports::manifest::ErrorClass;
use reports::trend::{self, Skipped, Trend};

use super::{Common, Format, noted, terminal};
use crate::claim::{self, Kind};
use crate::error::{Error, Result, chain, display};
use crate::exit::Exit;
use crate::report_dir::{self, DOCUMENT};

/// Default directory of the trend.
const DEFAULT_OUT: &str = "parallax-trend";
/// Folders that a store may have above its reports.
const DEPTH: usize = 6;

/// Arguments of `trend`.
#[derive(Debug, Args)]
pub struct TrendArgs {
    /// Report directories, the report.json in them, or directories that hold such directories.
    #[arg(value_name = "DIR", required = true)]
    reports: Vec<PathBuf>,
    /// Directory for trend.json, trend.csv and trend.html [default: parallax-trend].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl TrendArgs {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        let out = self.out.clone().unwrap_or_else(|| DEFAULT_OUT.into());
        // An older trend goes first: whatever happens from here on, it must not be taken for this one.
        let _claim = noted(claim::begin(&out, Kind::Trend, &trend::FILES, "--out")?);
        self.follow(&out, common).inspect_err(|_| {
            // The first error counts; one while clearing up would only hide it.
            drop(claim::remove(&out, &trend::FILES));
        })
    }

    fn follow(&self, out: &Path, common: &Common) -> Result<Exit> {
        let mut documents = BTreeSet::new();
        for path in &self.reports {
            let found = documents_in(path)?;
            if found.is_empty() {
                return Err(Error::input(format!(
                    "{} holds no {DOCUMENT}, nor does a folder in it",
                    display(path)
                )));
            }
            documents.extend(found);
        }
        let (mut read, mut skipped) = (Vec::new(), Vec::new());
        for document in &documents {
            let name = display(document.parent().unwrap_or(document));
            match report_dir::read(document) {
                Ok(report) => read.push((name, report)),
                // One old report must not hide the others; it is named in every format.
                Err(error) => skipped.push(Skipped { path: name, reason: chain(&error) }),
            }
        }
        if let (true, Some(first)) = (read.is_empty(), skipped.first()) {
            return Err(Error::input(format!("no report could be read; the first: {}", first.reason)));
        }
        let trend = Trend::of(read, skipped);
        trend::write_all(&trend, out).map_err(|error| {
            Error::new(
                ErrorClass::Io,
                format!("cannot write the trend to {}: {}", display(out), chain(&error)),
            )
        })?;
        match common.format {
            Format::Text => {
                let mut text = trend::render_text(&trend, terminal::width());
                text.push_str(&format!("\ntrend: {}\n", display(&out.join("trend.html"))));
                terminal::text(&text)?;
            }
            Format::Json => terminal::json(&trend)?,
        }
        Ok(Exit::Pass)
    }
}

/// The documents that a path stands for.
fn documents_in(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.join(DOCUMENT).is_file() {
        return Ok(vec![path.join(DOCUMENT)]);
    }
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(path).max_depth(DEPTH).follow_links(true) {
        let entry = entry.map_err(|error| Error::input(format!("cannot read the store: {error}")))?;
        if entry.file_type().is_file() && entry.file_name() == DOCUMENT {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}
