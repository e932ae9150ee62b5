//! The CSV files, for spreadsheets: RFC 4180, comma, CR LF, UTF-8, one header line, columns in a stable order.
//!
//! Every column is described in `docs/report-files.md`. Lists of the document are written in full: unlike the page,
//! these files cut nothing that the document holds.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, tab or a line end for a formula, and a log line may
//! begin with any of them. Such *text* cells get a leading `'`; so do cells that begin with `'` themselves, so that
//! taking one `'` off a text cell that has one always gives the value back. Columns of numbers are left alone.

mod files;
mod layout;
mod performance;
#[cfg(test)]
mod tests;

pub use files::{files, sizes};
pub use layout::layout;
pub use performance::performance;

use crate::document::{CheckReport, Finding, JobReport, Place, Report, Severity};
use crate::error::Result;
use crate::evidence::{Cell, CellDifference, RowDifference, RowDifferenceKind, Value};
use crate::link;
use crate::table::{Table, number, text};
use crate::words;

const FINDINGS: &[&str] = &[
    "job",
    "id",
    "check",
    "code",
    "severity",
    "side",
    "file",
    "row_group",
    "row",
    "column",
    "count",
    "message",
    "evidence",
    "defect",
    "waived",
    "waived_reason",
    "waived_owner",
    "waived_expires",
    "action",
    "link",
];
const ROWS: &[&str] = &[
    "job",
    "difference",
    "kind",
    "key",
    "column",
    "change",
    "baseline_type",
    "baseline_value",
    "baseline_cut_from",
    "candidate_type",
    "candidate_value",
    "candidate_cut_from",
    "baseline_file",
    "baseline_row_group",
    "baseline_row",
    "candidate_file",
    "candidate_row_group",
    "candidate_row",
];
const BLAST: &[&str] = &["job", "position", "group", "told_apart", "rows", "changed", "missing", "extra"];
const CHECKS: &[&str] = &[
    "job",
    "signal",
    "kind",
    "job_verdict",
    "check",
    "status",
    "gates",
    "blockers",
    "warnings",
    "infos",
    "waived",
    "files",
    "rows",
    "columns",
    "bytes",
    "duration_ms",
    "summary",
];

/// All CSV files: name and content.
///
/// # Errors
/// [`Error::Format`] where a file cannot be put together.
pub fn render_all(report: &Report) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("findings.csv", findings(report)?),
        ("rows.csv", rows(report)?),
        ("blast.csv", blast(report)?),
        ("files.csv", files(report)?),
        ("sizes.csv", sizes(report)?),
        ("layout.csv", layout(report)?),
        ("checks.csv", checks(report)?),
        ("performance.csv", performance(report)?),
    ])
}

/// `findings.csv`: one line per finding.
///
/// # Errors
/// [`Error::Format`] where the file cannot be put together.
pub fn findings(report: &Report) -> Result<String> {
    let mut table = Table::new("findings.csv", FINDINGS)?;
    for job in &report.jobs {
        for finding in job.checks.iter().flat_map(|check| &check.findings) {
            table.line(&finding_cells(job, finding))?;
        }
    }
    table.finish()
}

/// `rows.csv`: one line per changed cell of each sampled row difference.
///
/// # Errors
/// [`Error::Format`] where the file cannot be put together.
pub fn rows(report: &Report) -> Result<String> {
    let mut table = Table::new("rows.csv", ROWS)?;
    for job in &report.jobs {
        let samples = job.rows.iter().flat_map(|rows| &rows.samples);
        for (index, difference) in samples.enumerate() {
            let mut cells = difference.cells.iter().map(Some).collect::<Vec<_>>();
            // A difference without cells must not vanish from the table.
            if cells.is_empty() {
                cells.push(None);
            }
            for cell in cells {
                table.line(&row_cells(job, index, difference, cell))?;
            }
        }
    }
    table.finish()
}

/// `blast.csv`: one line per group of differing rows, and one for all further groups of a job together.
///
/// # Errors
/// [`Error::Format`] where the file cannot be put together.
pub fn blast(report: &Report) -> Result<String> {
    let mut table = Table::new("blast.csv", BLAST)?;
    for job in &report.jobs {
        let Some(blast) = job.rows.as_ref().and_then(|rows| rows.blast.as_ref()) else { continue };
        let groups = blast.groups.iter().map(|group| (blast.label(&group.values), true, &group.counts));
        let other = blast.other.iter().map(|counts| ("all other groups".to_owned(), false, counts));
        for (index, (label, told_apart, counts)) in groups.chain(other).enumerate() {
            table.line(&[
                text(&job.id),
                (index + 1).to_string(),
                text(&label),
                told_apart.to_string(),
                counts.rows().to_string(),
                counts.changed.to_string(),
                counts.missing.to_string(),
                counts.extra.to_string(),
            ])?;
        }
    }
    table.finish()
}

/// `checks.csv`: one line per job and check.
///
/// # Errors
/// [`Error::Format`] where the file cannot be put together.
pub fn checks(report: &Report) -> Result<String> {
    let mut table = Table::new("checks.csv", CHECKS)?;
    for job in &report.jobs {
        for check in &job.checks {
            table.line(&check_cells(job, check))?;
        }
    }
    table.finish()
}

fn finding_cells(job: &JobReport, finding: &Finding) -> Vec<String> {
    let evidence: Vec<_> =
        finding.evidence.iter().map(|evidence| format!("{}={}", evidence.name, evidence.value)).collect();
    let waived = finding.waived.as_ref();
    let mut cells = vec![
        text(&job.id),
        text(&finding.id),
        text(&finding.check),
        text(&finding.code),
        words::severity(finding.severity).to_owned(),
        finding.side.map(|side| side.to_string()).unwrap_or_default(),
    ];
    let place = finding.place.clone().unwrap_or_default();
    cells.extend(place_cells(Some(&place)));
    cells.extend([
        text(place.column.as_deref().unwrap_or_default()),
        finding.count.to_string(),
        text(&finding.message),
        text(&evidence.join("; ")),
        text(finding.defect.as_deref().unwrap_or_default()),
        waived.is_some().to_string(),
        text(waived.map_or("", |waived| &waived.reason)),
        text(waived.map_or("", |waived| &waived.owner)),
        text(waived.and_then(|waived| waived.expires.as_deref()).unwrap_or_default()),
        finding.action.map(|action| action.to_string()).unwrap_or_default(),
        link::to_finding(&finding.id),
    ]);
    cells
}

fn row_cells(
    job: &JobReport,
    index: usize,
    difference: &RowDifference,
    cell: Option<&CellDifference>,
) -> Vec<String> {
    let kind = match difference.kind {
        RowDifferenceKind::Changed => "changed",
        RowDifferenceKind::Missing => "missing",
        RowDifferenceKind::Extra => "extra",
    };
    let mut cells = vec![
        text(&job.id),
        (index + 1).to_string(),
        kind.to_owned(),
        text(&key(&difference.key)),
        text(cell.map_or("", |cell| &cell.column)),
        text(cell.map_or("", |cell| &cell.kind)),
    ];
    cells.extend(value_cells(cell.map(|cell| &cell.baseline)));
    cells.extend(value_cells(cell.map(|cell| &cell.candidate)));
    cells.extend(place_cells(difference.baseline.as_ref()));
    cells.extend(place_cells(difference.candidate.as_ref()));
    cells
}

/// `column=value; column=value`; a null is written as `column is null`.
fn key(cells: &[Cell]) -> String {
    let part = |cell: &Cell| match &cell.value.text {
        Some(text) => format!("{}={text}", cell.column),
        None => format!("{} is null", cell.column),
    };
    cells.iter().map(part).collect::<Vec<_>>().join("; ")
}

fn value_cells(value: Option<&Value>) -> [String; 3] {
    let Some(value) = value else { return Default::default() };
    [text(&value.type_class), text(value.text.as_deref().unwrap_or_default()), number(value.cut_from)]
}

fn place_cells(place: Option<&Place>) -> [String; 3] {
    let Some(place) = place else { return Default::default() };
    [text(place.file.as_deref().unwrap_or_default()), number(place.row_group), number(place.row)]
}

fn check_cells(job: &JobReport, check: &CheckReport) -> Vec<String> {
    let unwaived = |severity: Severity| {
        check.findings.iter().filter(|found| found.waived.is_none() && found.severity == severity).count()
    };
    vec![
        text(&job.id),
        text(job.signal.as_deref().unwrap_or_default()),
        text(job.kind.as_deref().unwrap_or_default()),
        words::verdict(job.verdict).to_owned(),
        text(&check.check),
        words::status(check.status).replace(' ', "-"),
        check.gates.to_string(),
        unwaived(Severity::Blocker).to_string(),
        unwaived(Severity::Warning).to_string(),
        unwaived(Severity::Info).to_string(),
        check.findings.iter().filter(|found| found.waived.is_some()).count().to_string(),
        check.coverage.files.to_string(),
        check.coverage.rows.to_string(),
        check.coverage.columns.to_string(),
        check.coverage.bytes.to_string(),
        check.duration_ms.to_string(),
        text(&check.summary),
    ]
}
