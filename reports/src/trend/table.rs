//! `trend.csv`: one line a run.

use document::trend::{Figures, Run, Trend};

use crate::error::Result;
use crate::table::{Table, text};
use crate::words;

const COLUMNS: &[&str] = &[
    "run",
    "started",
    "report",
    "mode",
    "phase",
    "verdict",
    "complete",
    "jobs_passed",
    "jobs_failed",
    "jobs_inconclusive",
    "blockers",
    "warnings",
    "rows_differing",
    "rows_in",
    "baseline_rows",
    "candidate_rows",
    "baseline_files",
    "candidate_files",
    "baseline_bytes",
    "candidate_bytes",
    "baseline_rows_per_second",
    "candidate_rows_per_second",
    "baseline_peak_bytes",
    "candidate_peak_bytes",
    "duration_ms",
    "version",
    "headline",
];

/// The file.
///
/// # Errors
/// [`crate::Error::Format`] where it cannot be put together.
pub fn render(trend: &Trend) -> Result<String> {
    let mut table = Table::new("trend.csv", COLUMNS)?;
    for (index, run) in trend.runs.iter().enumerate() {
        table.line(&cells(index, run))?;
    }
    table.finish()
}

fn cells(index: usize, run: &Run) -> Vec<String> {
    let mut cells = vec![
        (index + 1).to_string(),
        text(&run.started),
        text(&run.path),
        words::mode(run.mode).to_owned(),
        text(run.phase.as_deref().unwrap_or_default()),
        words::verdict(run.verdict).to_owned(),
        run.complete.to_string(),
    ];
    let counts = [
        run.jobs_passed,
        run.jobs_failed,
        run.jobs_inconclusive,
        run.blockers,
        run.warnings,
        run.rows_differing,
        run.rows_in,
    ];
    cells.extend(counts.map(|number| number.to_string()));
    let mut both =
        |pick: &dyn Fn(&Figures) -> String| cells.extend([pick(&run.baseline), pick(&run.candidate)]);
    let figure = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    both(&|side| side.rows.to_string());
    both(&|side| side.files.to_string());
    both(&|side| side.bytes.to_string());
    both(&|side| figure(side.rows_per_second));
    both(&|side| figure(side.peak_bytes));
    cells.extend([run.duration_ms.to_string(), text(&run.version), text(&run.headline)]);
    cells
}
