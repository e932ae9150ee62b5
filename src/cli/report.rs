//! `parallax report REPORT.json --out DIR`: every format rendered again from one document.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::{Common, Format, terminal};
use crate::error::Result;
use crate::exit::Exit;
use crate::report_dir;

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The document, as a run left it.
    #[arg(value_name = "REPORT.json")]
    report: PathBuf,
    /// Directory to write the report to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Rendered {
    out: String,
}

impl ReportArgs {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        let report = report_dir::read(&self.report)?;
        // Rendered again in its own place, a report keeps the outputs beside it.
        let own = self.report.canonicalize().ok().and_then(|path| path.parent().map(Path::to_path_buf));
        if own.is_none() || own != self.out.canonicalize().ok() {
            report_dir::prepare(&self.out, false)?;
        }
        report_dir::write(&report, &self.out)?;
        match common.format {
            Format::Text => terminal::text(&format!("report: {}\n", self.out.join("index.html").display()))?,
            Format::Json => terminal::json(&Rendered { out: self.out.display().to_string() })?,
        }
        Ok(Exit::Pass)
    }
}
