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
        let (mut read, mut skipped) = (Vec::new(), Vec::new());
        for path in &self.reports {
            let found = documents_in(path, &mut skipped)?;
            if found.is_empty() {
                return Err(Error::input(format!(
                    "{} holds no {DOCUMENT}, nor does a folder in it",
                    display(path)
                )));
            }
            documents.extend(found);
        }
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
                text.push_str(&format!("\ntrend: {}\n", terminal::path(&out.join("trend.html"))));
                terminal::text(&text)?;
            }
            Format::Json => terminal::json(&trend)?,
        }
        Ok(Exit::Pass)
    }
}

/// The documents that a path stands for. What of a store cannot be walked, such as a link that leads back up, is passed over and
/// named in `skipped`.
fn documents_in(path: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<PathBuf>> {
    corpora::regular::check_unless_missing(path).map_err(|source| Error::io("cannot read", path, source))?;
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.join(DOCUMENT).is_file() {
        return Ok(vec![path.join(DOCUMENT)]);
    }
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(path).max_depth(DEPTH).follow_links(true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() > 0 => {
                let at = error.path().unwrap_or(path);
                let reason = match error.loop_ancestor() {
                    Some(above) => format!("it links back to {}, which is walked already", display(above)),
                    None => format!("it cannot be read: {error}"),
                };
                skipped.push(Skipped { path: display(at), reason });
                continue;
            }
            Err(error) => return Err(Error::input(format!("cannot read the store: {error}"))),
        };
        if entry.file_type().is_file() && entry.file_name() == DOCUMENT {
            found.push(entry.into_path());
        }
    }
    Ok(found)
}
