//! `files.csv` and `sizes.csv`: what each side left, file by file and as a distribution.

use std::collections::BTreeMap;

use crate::document::{JobReport, Report, Role, SideReport, StatedFile};
use crate::error::Result;
use crate::evidence::{SizeSummary, SizesEvidence};
use crate::table::{Table, number, text};

pub(super) const FILES: &[&str] = &[
    "job",
    "side",
    "side_name",
    "position",
    "path",
    "found",
    "in_manifest",
    "rows",
    "bytes",
    "row_groups",
    "columns",
    "codecs",
    "created_by",
    "digest",
    "stated_position",
    "stated_rows",
    "stated_bytes",
    "first_ts",
    "last_ts",
    "fingerprints",
    "split_dateint",
    "split_hour",
    "split_ingest_dateint",
    "split_file_index",
    "tid_count",
    "min_tid",
    "max_tid",
    "slot",
    "span_count",
    "trace_count",
    "passed_over",
    "looks_like_data",
];
pub(super) const SIZES: &[&str] = &[
    "job",
    "side",
    "side_name",
    "files",
    "total_bytes",
    "bytes_per_row",
    "smallest",
    "quantile_25",
    "median",
    "quantile_75",
    "largest",
    "coefficient_of_variation",
    "share_below_30",
    "share_above_200",
    "target",
    "kolmogorov_smirnov",
    "wasserstein",
    "small_sample",
];

/// `files.csv`: one line per file and side, found, only stated, or passed over.
///
/// # Errors
/// [`Error::Format`] where the file cannot be put together.
pub fn files(report: &Report) -> Result<String> {
    let mut table = Table::new("files.csv", FILES)?;
    for job in &report.jobs {
        for (role, side) in sides(job) {
            for line in file_lines(job, role, side) {
                table.line(&line)?;
            }
        }
    }
    table.finish()
}

/// `sizes.csv`: one line per job and side, with the distribution of its file sizes.
///
/// # Errors
/// [`Error::Format`] where the file cannot be put together.
pub fn sizes(report: &Report) -> Result<String> {
    let mut table = Table::new("sizes.csv", SIZES)?;
    for job in &report.jobs {
        let Some(sizes) = &job.sizes else { continue };
        for (role, side) in sides(job) {
            let summary = match role {
                Role::Baseline => &sizes.baseline,
                Role::Candidate => &sizes.candidate,
            };
            if let Some(summary) = summary {
                table.line(&size_cells(job, role, side, sizes, summary))?;
            }
        }
    }
    table.finish()
}

fn sides(job: &JobReport) -> impl Iterator<Item = (Role, &SideReport)> {
    job.baseline.iter().map(|side| (Role::Baseline, side)).chain([(Role::Candidate, &job.candidate)])
}

fn file_lines(job: &JobReport, role: Role, side: &SideReport) -> Vec<Vec<String>> {
    let stated = side.manifest.iter().flat_map(|manifest| &manifest.files).enumerate();
    let mut stated: BTreeMap<&str, Vec<(usize, &StatedFile)>> =
        stated.fold(BTreeMap::new(), |mut map, (position, file)| {
            map.entry(file.path.as_str()).or_default().push((position, file));
            map
        });
    let head = |path: &str, position: Option<usize>, in_manifest: bool| {
        vec![
            text(&job.id),
            role.to_string(),
            text(&side.side.name),
            number(position.map(|position| position as u64 + 1)),
            text(path),
            position.is_some().to_string(),
            if side.manifest.is_some() { in_manifest.to_string() } else { String::new() },
        ]
    };
    let mut lines = Vec::new();
    for (position, file) in side.files.iter().enumerate() {
        let entries = stated.remove(file.path.as_str()).unwrap_or_default();
        // An entry that is stated twice gives two lines: the second is a fault that must be seen.
        for entry in entries.iter().map(Some).chain(entries.is_empty().then_some(None)) {
            let mut line = head(&file.path, Some(position), entry.is_some());
            line.extend([
                file.rows.to_string(),
                file.bytes.to_string(),
                file.row_groups.to_string(),
                file.columns.to_string(),
                text(&file.codecs.join(" ")),
                text(file.created_by.as_deref().unwrap_or_default()),
                text(&file.digest),
            ]);
            line.extend(stated_cells(entry));
            line.extend([String::new(), String::new()]);
            lines.push(line);
        }
    }
    // What the manifest names and nobody found, in the manifest's order.
    let mut absent: Vec<_> = stated.into_values().flatten().collect();
    absent.sort_by_key(|(position, _)| *position);
    for entry in &absent {
        let mut line = head(&entry.1.path, None, true);
        line.extend(vec![String::new(); 7]);
        line.extend(stated_cells(Some(entry)));
        line.extend([String::new(), String::new()]);
        lines.push(line);
    }
    for entry in &side.passed_over {
        let mut line = head(&entry.path, None, false);
        // It is there, and is not among the files that are judged.
        line[5] = true.to_string();
        line.extend(vec![String::new(); 7]);
        line.extend(stated_cells(None));
        line.extend([entry.why.as_str().to_owned(), entry.parquet.to_string()]);
        lines.push(line);
    }
    lines
}

fn stated_cells(entry: Option<&(usize, &StatedFile)>) -> [String; 16] {
    let Some((position, file)) = entry else { return Default::default() };
    let signed = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        (position + 1).to_string(),
        number(file.record_count),
        number(file.file_size),
        signed(file.first_ts),
        signed(file.last_ts),
        number(file.fingerprint_count),
        signed(file.split_key.map(|key| key.dateint)),
        signed(file.split_key.map(|key| key.hour)),
        signed(file.split_key.map(|key| key.ingest_dateint)),
        signed(file.split_key.map(|key| key.file_index)),
        number(file.tid_count),
        signed(file.min_tid),
        signed(file.max_tid),
        signed(file.slot),
        number(file.span_count),
        number(file.trace_count),
    ]
}

fn size_cells(
    job: &JobReport,
    role: Role,
    side: &SideReport,
    sizes: &SizesEvidence,
    summary: &SizeSummary,
) -> Vec<String> {
    let float = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut cells = vec![
        text(&job.id),
        role.to_string(),
        text(&side.side.name),
        summary.sizes.len().to_string(),
        summary.total.to_string(),
        float(summary.bytes_per_row),
    ];
    cells.extend((0..5).map(|index| number(summary.quantiles.get(index).copied())));
    cells.extend([
        float(summary.coefficient_of_variation),
        float(summary.share_below_30),
        float(summary.share_above_200),
        number(sizes.target),
        float(sizes.kolmogorov_smirnov),
        float(sizes.wasserstein),
        sizes.small_sample.to_string(),
    ]);
    cells
}
