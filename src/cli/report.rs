//! `parallax report REPORT.json --out DIR`: every format rendered again from one document, redacted where asked for; the exit is that of
//! the run; and
//! `parallax report --resolve DIGEST --raw DIR`: what a digest of a redacted report stands for.

use std::path::{Path, PathBuf};

use clap::Args;
use reports::document::Report;
use serde::Serialize;

use super::redact::{RedactArgs, read_key, redact_into};
use super::{Common, Format, noted, terminal};
use crate::claim::{Claim, Kind};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report_dir;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The document, as a run left it.
    #[arg(value_name = "REPORT.json", required_unless_present = "resolve")]
    report: Option<PathBuf>,
    /// Directory to write the report to.
    #[arg(long, value_name = "DIR", required_unless_present = "resolve")]
    out: Option<PathBuf>,
    #[command(flatten)]
    redact: RedactArgs,
    /// Say what a digest of a redacted report stands for.
    #[arg(long, value_name = "DIGEST", requires = "raw", conflicts_with_all = ["report", "out", "redact"])]
    resolve: Option<String>,
    /// The directory that `--raw-out` named.
    #[arg(long, value_name = "DIR", requires = "resolve")]
    raw: Option<PathBuf>,
}

#[derive(Serialize)]
struct Rendered {
    out: String,
}

#[derive(Serialize)]
struct Resolved {
    digest: String,
    texts: Vec<ResolvedText>,
}

#[derive(Serialize)]
struct ResolvedText {
    text: String,
    /// JSON pointers into the raw document.
    places: Vec<String>,
}

/// Places shown of one text on a terminal.
const PLACES: usize = 5;

impl ReportArgs {
    pub(super) fn redaction(&self) -> (&RedactArgs, Option<&Path>) {
        (&self.redact, self.out.as_deref())
    }

    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        match (&self.report, &self.out, &self.resolve, &self.raw) {
            (_, _, Some(digest), Some(raw)) => resolve(digest, raw, common.format),
            (Some(report), Some(out), ..) => self.render(report, out, common),
            _ => Err(Error::usage("name a report and --out, or --resolve and --raw")),
        }
    }

    fn render(&self, from: &Path, out: &Path, common: &Common) -> Result<Exit> {
        let report = if self.redact.redact {
            let report = report_dir::read(from)?;
            redacted(&report, from, &self.redact, out, common)?;
            shown(out, common)?;
            report
        } else if is_in(from, out) {
            // Rendered again in its own place, a report keeps the outputs beside it.
            let _claim = noted(Claim::take(out, Kind::Report, "--out")?);
            let report = report_dir::read(from)?;
            report_dir::write(&report, out)?;
            shown(out, common)?;
            report
        } else {
            report_dir::spare(out, std::iter::once(from))?;
            let _claim = noted(report_dir::prepare(out, false, "--out")?);
            let rendered = report_dir::read(from).and_then(|report| {
                report_dir::write(&report, out)?;
                shown(out, common)?;
                Ok(report)
            });
            rendered.inspect_err(|_| {
                // The first error counts; one while clearing up would only hide it.
                drop(report_dir::clear(out));
            })?
        };
        Ok(if report.run.complete { Exit::from(report.verdict) } else { Exit::Interrupted })
    }
}

fn shown(out: &Path, common: &Common) -> Result<()> {
    match common.format {
        Format::Text => terminal::text(&format!("report: {}\n", terminal::path(&out.join("index.html")))),
        Format::Json => terminal::json(&Rendered { out: out.display().to_string() }),
    }
}

/// True where the document lies in the directory itself.
fn is_in(document: &Path, dir: &Path) -> bool {
    let own = document.canonicalize().ok().and_then(|path| path.parent().map(Path::to_path_buf));
    own.is_some() && own == dir.canonicalize().ok()
}

fn redacted(report: &Report, from: &Path, args: &RedactArgs, out: &Path, common: &Common) -> Result<()> {
    if report.redacted.is_some() {
        return Err(Error::input(format!("{} is redacted already; name the raw document", from.display())));
    }
    for dir in std::iter::once(out).chain(args.raw_out.as_deref()) {
        if is_in(from, dir) {
            return Err(Error::usage(format!(
                "{} lies in {}, which would be cleared; name another directory",
                from.display(),
                dir.display()
            )));
        }
    }
    redact_into(report, args, out, common).map(drop)
}

fn resolve(digest: &str, raw: &Path, format: Format) -> Result<Exit> {
    let report = report_dir::read(&raw.join(report_dir::DOCUMENT))?;
    let found = reports::redact::resolve(&report, &read_key(raw)?, digest);
    if found.is_empty() {
        return Err(Error::input(format!(
            "{digest} is no digest of the raw document in {}: it belongs to another key, or its value was not sampled",
            raw.display()
        )));
    }
    let texts: Vec<ResolvedText> =
        found.into_iter().map(|(text, places)| ResolvedText { text, places }).collect();
    match format {
        Format::Json => terminal::json(&Resolved { digest: digest.to_owned(), texts })?,
        Format::Text => {
            for ResolvedText { text, places } in texts {
                terminal::text(&format!("{}\n", text.escape_debug()))?;
                for place in places.iter().take(PLACES) {
                    terminal::text(&format!("    at {}\n", place.escape_debug()))?;
                }
                if places.len() > PLACES {
                    terminal::text(&format!("    and {} more places\n", places.len() - PLACES))?;
                }
            }
        }
    }
    Ok(Exit::Pass)
}
