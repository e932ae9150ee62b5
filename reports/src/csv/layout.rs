//! `layout.csv`: how each column of each side is laid out.

use crate::document::{JobReport, Report, Role};
use crate::error::Result;
use crate::layout::ColumnLayout;
use crate::table::{Table, text};

pub(super) const COLUMNS: &[&str] = &[
    "job",
    "column",
    "side",
    "side_name",
    "files",
    "chunks",
    "codecs",
    "encodings",
    "dictionaries",
    "fallbacks",
    "pages",
    "largest_page",
    "compressed_bytes",
    "uncompressed_bytes",
];

/// `layout.csv`: one line per job, column and side.
///
/// # Errors
/// [`crate::Error::Format`] where the file cannot be put together.
pub fn layout(report: &Report) -> Result<String> {
    let mut table = Table::new("layout.csv", COLUMNS)?;
    for job in &report.jobs {
        for column in job.layout.iter().flat_map(|layout| &layout.columns) {
            for (role, chunks) in [(Role::Baseline, &column.baseline), (Role::Candidate, &column.candidate)] {
                if let Some(chunks) = chunks {
                    table.line(&cells(job, &column.column, role, chunks))?;
                }
            }
        }
    }
    table.finish()
}

fn cells(job: &JobReport, column: &str, role: Role, chunks: &ColumnLayout) -> Vec<String> {
    let side = match role {
        Role::Baseline => job.baseline.as_ref(),
        Role::Candidate => Some(&job.candidate),
    };
    vec![
        text(&job.id),
        text(column),
        role.to_string(),
        text(side.map_or("", |side| &side.side.name)),
        chunks.files.to_string(),
        chunks.chunks.to_string(),
        text(&chunks.codecs.join(" ")),
        text(&chunks.encodings.join(" ")),
        chunks.dictionaries.to_string(),
        chunks.fallbacks.to_string(),
        chunks.pages.to_string(),
        chunks.largest_page.to_string(),
        chunks.compressed.to_string(),
        chunks.uncompressed.to_string(),
    ]
}
