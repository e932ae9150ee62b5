//! SIZES: are file counts and sizes distributed as before, and near the target?
//!
//! 1. Each side is summed up: total, bytes per row, quantiles, coefficient of variation, shares far from the target.
//! 2. With at least ten files a side the distributions are compared: two-sample Kolmogorov-Smirnov statistic, and
//!    Wasserstein-1 distance in units of the baseline's standard deviation. Where the target is known they are reported only.
//! 3. Where the target is known: too many tiny files, or a file far above the target that no group and no row forces, fail. Files that
//!    the bytes need are counted per hour where the result is split by hour, for no writer may join those.
//! 4. Where it is not known, the baseline is the yardstick: an explosion of tiny files fails, and so do sizes of another distribution
//!    (p below 0.01) whose medians or largest files lie a factor of two apart.
//! 5. Growth of total bytes over the baseline warns, then fails: from a baseline of 1 MiB on, and where the target is not known also
//!    by 1 MiB over a smaller one.
//!
//! The target is the job's `target_size`. Where rows per file govern the split it is known only if somebody gave it: the
//! default of a parameter that nobody uses says nothing.

pub(super) mod spread;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use reports::document::{Finding, Role, Severity};
use reports::evidence::{SizeSummary, SizesEvidence};

use super::draft::{self, SideError, counted};
use super::finding::{evidence, finding, in_file};
use super::{Check, Evidence, Observed, Outcome, Subject};
use crate::error::Result;
use crate::job::JobKind;
use crate::output::OutputFile;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};

const CHECK: &str = "SIZES";

/// Bytes by which the frames (footer, indexes) of two honest writers' files may differ, of a file and of each of its columns.
const FRAME: u64 = 4 << 10;
const FRAME_OF_COLUMN: u64 = 512;

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes;

impl Check for Sizes {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        if let Some(outcome) = draft::nothing_to_examine(subject, CHECK, "sizes") {
            return Ok(outcome);
        }
        let target = target(subject);
        let candidate = summarise(subject.candidate, target);
        let baseline = subject.baseline.map(|side| summarise(side, target));
        let mut findings = Vec::new();
        match target {
            Some(target) => {
                findings.extend(tiny_files(subject, target, &candidate));
                match too_large(subject, target) {
                    Ok(found) => findings.extend(found),
                    Err(failed) => return draft::read_failed(CHECK, "sizes", failed),
                }
            }
            None => {
                findings.extend(baseline.as_ref().and_then(|it| exploded(subject, it, &candidate)));
                findings.extend(baseline.as_ref().and_then(|it| redistributed(subject, it, &candidate)));
            }
        }
        if let Some(baseline) = &baseline {
            findings.extend(grew(subject, target, baseline, &candidate));
            findings.extend(count_changed(target, baseline, &candidate));
        }
        let summary = in_words(target, baseline.as_ref(), &candidate);
        let enough = baseline
            .as_ref()
            .is_some_and(|it| it.sizes.len() >= spread::SAMPLE && candidate.sizes.len() >= spread::SAMPLE);
        let compared =
            baseline.as_ref().filter(|_| enough).map(|it| (it.sizes.as_slice(), candidate.sizes.as_slice()));
        let sizes = SizesEvidence {
            target,
            kolmogorov_smirnov: compared.map(|(a, b)| spread::kolmogorov_smirnov(a, b)),
            wasserstein: compared.and_then(|(a, b)| spread::scaled_wasserstein(a, b)),
            small_sample: !enough,
            baseline,
            candidate: Some(candidate),
        };
        Ok(Outcome {
            findings,
            coverage: draft::coverage(subject),
            summary,
            status: None,
            evidence: Evidence { sizes: Some(sizes), ..Evidence::default() },
        })
    }
}

/// The target size, where it is known.
fn target(subject: &Subject<'_>) -> Option<u64> {
    let parameters = &subject.job.parameters;
    let by_rows = parameters.rows_per_file.is_some_and(|rows| rows > 0);
    let default =
        subject.job.parameter_origins.iter().any(|it| it.key == "target_size" && it.origin == "default");
    parameters.target_size.filter(|&target| target > 0 && !(by_rows && default))
}

#[expect(clippy::cast_precision_loss, reason = "sizes and counts far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn summarise(side: &Observed, target: Option<u64>) -> SizeSummary {
    let sizes: Vec<u64> = side.output.files.iter().map(|file| file.info.bytes).collect();
    let total = sizes.iter().sum();
    let rows = side.output.rows();
    let files = sizes.len() as u64;
    let fraction = |wanted: &dyn Fn(f64) -> bool| {
        let target = target.filter(|_| files > 0)?;
        let count = sizes.iter().filter(|&&size| wanted(share(size, target))).count() as u64;
        Some(share(count, files))
    };
    SizeSummary {
        total,
        bytes_per_row: (rows > 0).then(|| share(total, rows)),
        quantiles: spread::quantiles(&sizes),
        coefficient_of_variation: spread::variation(&sizes),
        share_below_30: fraction(&|it| it < 0.3),
        share_above_200: fraction(&|it| it > 2.0),
        sizes,
    }
}

fn in_words(target: Option<u64>, baseline: Option<&SizeSummary>, candidate: &SizeSummary) -> String {
    let side = |summary: &SizeSummary| {
        format!("{} of {} bytes", counted(summary.sizes.len() as u64, "file"), summary.total)
    };
    let mut words = format!("candidate: {}", side(candidate));
    if let Some(baseline) = baseline {
        words = format!("baseline: {}; {words}", side(baseline));
        if baseline.sizes.len() < spread::SAMPLE || candidate.sizes.len() < spread::SAMPLE {
            words.push_str(&format!("; small sample (fewer than {} files a side)", spread::SAMPLE));
        }
    }
    match target {
        Some(target) => format!("{words}; target {target} bytes"),
        None => format!("{words}; target unknown"),
    }
}

/// Files that the candidate's bytes need at the target size, and whether they were counted by hour. `None` where the result is
/// split by hour and nothing says which file belongs to which.
fn needed(subject: &Subject<'_>, target: u64) -> Option<u64> {
    let by_hour = subject.job.kind == JobKind::Ingest || subject.job.parameters.split_hours == Some(true);
    let output = &subject.candidate.output;
    let mut hours: BTreeMap<Option<(i64, i64)>, u64> = BTreeMap::new();
    for file in &output.files {
        let entry = file.manifest_index.and_then(|index| output.manifest.as_ref()?.files.get(index));
        let hour = entry.and_then(|entry| entry.split_key).map(|key| (key.dateint, key.hour));
        if by_hour && hour.is_none() {
            return None;
        }
        *hours.entry(hour).or_default() += file.info.bytes;
    }
    Some(hours.values().map(|bytes| bytes.div_ceil(target)).sum())
}

fn tiny_files(subject: &Subject<'_>, target: u64, candidate: &SizeSummary) -> Option<Finding> {
    let bounds = subject.size_bounds;
    let needed = needed(subject, target)?.max(1);
    let files = candidate.sizes.len() as u64;
    let tiny = candidate.sizes.iter().filter(|&&size| share(size, target) < bounds.tiny_share).count() as u64;
    if share(files, needed) <= bounds.file_factor || 2 * tiny < files {
        return None;
    }
    let message = format!(
        "{} where the bytes need {needed}, {tiny} of them below {:.0} % of the target of {target} bytes",
        counted(files, "file"),
        100.0 * bounds.tiny_share
    );
    let mut draft = finding(CHECK, "sizes.tiny_files", Severity::Blocker, Some(Role::Candidate), message);
    draft.count = tiny;
    draft.evidence = vec![
        evidence("files", files.to_string()),
        evidence("files needed", needed.to_string()),
        evidence("median", candidate.quantiles.get(2).copied().unwrap_or_default().to_string()),
    ];
    Some(draft)
}

/// Files far above the target: blockers, but for those that one group forces, which are named.
fn too_large(subject: &Subject<'_>, target: u64) -> std::result::Result<Vec<Finding>, SideError> {
    let bounds = subject.size_bounds;
    let named = subject.job.signal.as_ref().and_then(|it| it.group_key.as_deref());
    let unread = named.and_then(|column| subject.unread(column));
    let group_key = named.filter(|_| unread.is_none());
    let mut findings = Vec::new();
    for file in &subject.candidate.output.files {
        let size = file.info.bytes;
        if share(size, target) <= bounds.large_share {
            continue;
        }
        let one_row = file.info.rows == 1;
        let forced = match group_key.filter(|_| !one_row) {
            Some(column) => forced(subject, file, column, target).map_err(|error| SideError {
                role: Role::Candidate,
                file: file.info.path.clone(),
                error,
            })?,
            None => one_row,
        };
        let (severity, why) = match &unread {
            _ if one_row => (Severity::Info, ", because one row must stay whole".to_owned()),
            // One group that must stay whole would be no fault.
            Some(why) => (Severity::Warning, format!("; whether one group forces it is not known: {why}")),
            None if forced => (Severity::Info, ", because one group must stay whole".to_owned()),
            None => (Severity::Blocker, String::new()),
        };
        let message = format!(
            "{} holds {size} bytes, {:.0} % of the target of {target}{why}",
            file.info.path,
            100.0 * share(size, target)
        );
        let mut draft = finding(CHECK, "sizes.too_large", severity, Some(Role::Candidate), message);
        draft.place = Some(in_file(&file.info.path));
        findings.push(draft);
    }
    Ok(findings)
}

/// Whether one group fills a file so far that splitting between groups would have left it too large all the same: the
/// rows of all other groups make up no more than one target, by their share of the rows.
fn forced(subject: &Subject<'_>, file: &OutputFile, column: &str, target: u64) -> Result<bool> {
    let mut groups: HashMap<String, u64> = HashMap::new();
    let mut last: Option<(KeyValue, u64)> = None;
    let mut settle = |run: Option<(KeyValue, u64)>| {
        if let Some((key, rows)) = run {
            *groups.entry(key.text()).or_default() += rows;
        }
    };
    for located in file.batches(Some(&[column.to_owned()]), 0)? {
        subject.cancel.check()?;
        let batch = located?.batch;
        let keys = KeyColumn::new(&batch, column, KeyRule::AsStored);
        for row in 0..batch.num_rows() {
            let key = keys.value(row);
            match &mut last {
                Some((known, rows)) if *known == key => *rows += 1,
                _ => settle(last.replace((key, 1))),
            }
        }
    }
    settle(last);
    let largest = groups.values().copied().max().unwrap_or(0);
    let others = u128::from(file.info.rows.saturating_sub(largest)) * u128::from(file.info.bytes);
    Ok(others <= u128::from(target) * u128::from(file.info.rows.max(1)))
}

fn exploded(subject: &Subject<'_>, baseline: &SizeSummary, candidate: &SizeSummary) -> Option<Finding> {
    let bounds = subject.size_bounds;
    let (ours, theirs) = (baseline.sizes.len() as u64, candidate.sizes.len() as u64);
    let median = candidate.quantiles.get(2).copied().unwrap_or_default();
    let many = share(theirs, ours.max(1)) > bounds.explosion_factor && theirs >= bounds.explosion_files;
    if !many || median >= bounds.explosion_median {
        return None;
    }
    let message = format!(
        "{theirs} files where the baseline writes {ours}, with a median of {median} bytes: an explosion of tiny files"
    );
    let mut draft = finding(CHECK, "sizes.exploded", Severity::Blocker, Some(Role::Candidate), message);
    draft.count = theirs;
    Some(draft)
}

/// Sizes of another distribution than the baseline's, so far apart that readers notice. What footers, statistics and indexes of honest
/// writers differ by, in each file, is not.
fn redistributed(subject: &Subject<'_>, baseline: &SizeSummary, candidate: &SizeSummary) -> Option<Finding> {
    let leaves = |file: &OutputFile| file.metadata.file_metadata().schema_descr().num_columns() as u64;
    let columns = subject.sides().flat_map(|side| &side.output.files).map(leaves).max().unwrap_or(0);
    let frame = FRAME.max(columns.saturating_mul(FRAME_OF_COLUMN));
    let [_, _, old, _, oldest] = baseline.quantiles.as_slice() else { return None };
    let [_, _, new, _, newest] = candidate.quantiles.as_slice() else { return None };
    if !spread::differ(&baseline.sizes, &candidate.sizes, frame) {
        return None;
    }
    let message = format!(
        "file sizes are distributed otherwise than the baseline's: median {new} against {old} bytes, largest {newest} against {oldest}"
    );
    let mut draft = finding(CHECK, "sizes.distribution", Severity::Blocker, Some(Role::Candidate), message);
    let (a, b) = (&baseline.sizes, &candidate.sizes);
    draft.count = b.len() as u64;
    draft.evidence = vec![
        evidence("Kolmogorov-Smirnov statistic", format!("{:.3}", spread::kolmogorov_smirnov(a, b))),
        evidence("p", format!("{:.2e}", spread::p_value(a, b))),
    ];
    Some(draft)
}

fn grew(
    subject: &Subject<'_>,
    target: Option<u64>,
    baseline: &SizeSummary,
    candidate: &SizeSummary,
) -> Option<Finding> {
    let bounds = subject.size_bounds;
    let floor = bounds.bytes_floor.max(1);
    let more = candidate.total.saturating_sub(baseline.total);
    // Where a target says how large files are, a few rows in many files are no growth of the data.
    let small = baseline.total < floor && (target.is_some() || more < floor);
    if more == 0 || baseline.total == 0 || small {
        return None;
    }
    let growth = share(more, baseline.total);
    let severity = if growth > bounds.bytes_fail {
        Severity::Blocker
    } else if growth > bounds.bytes_warn {
        Severity::Warning
    } else {
        return None;
    };
    let message = format!(
        "the candidate takes {:.1} % more bytes than the baseline: {} against {}",
        100.0 * growth,
        candidate.total,
        baseline.total
    );
    Some(finding(CHECK, "sizes.total_grew", severity, Some(Role::Candidate), message))
}

/// Another number of files: told as a warning where the target is unknown. With a target the baseline is no yardstick.
fn count_changed(target: Option<u64>, baseline: &SizeSummary, candidate: &SizeSummary) -> Option<Finding> {
    let (ours, theirs) = (baseline.sizes.len() as u64, candidate.sizes.len() as u64);
    if ours == theirs {
        return None;
    }
    let severity = if target.is_some() { Severity::Info } else { Severity::Warning };
    let message = format!("{} in the candidate, {ours} in the baseline", counted(theirs, "file"));
    let mut draft = finding(CHECK, "sizes.count_changed", severity, None, message);
    draft.count = ours.abs_diff(theirs);
    Some(draft)
}
