//! DETERMINISM: is a side's output the same when it does the same work again?
//!
//! `--noise N` lets each side that runs do each job N more times; the unified writer also with other settings, and the candidate
//! also with the input rows in another order (`crate::rerun`). Each of these runs is held against the side's first one:
//!
//! 1. It ends in the same way: completed, or failed in the same class. A setting that does not suffice, or an input whose new
//!    order the side refuses, says nothing.
//! 2. It holds the same multiset of rows, by the rows of ROWS: ignored columns and tolerances hold. Where rows are merged, a new
//!    order of the input may change sums in their last digits and which row a point takes its labels from: then keys and
//!    rollups are compared, the latter within [`RELATIVE`].
//! 3. Alone, it passes what is asked of every output (ACCOUNTING, ORDER, GROUP, METADATA) as the first run does. With 2 that
//!    is: the same sequence of keys.
//! 4. A run in which nothing was changed leaves the same bytes. Other bytes with the same rows are told, and do not gate.
//!
//! What the candidate does not reproduce is a blocker. What the baseline does not reproduce is noise: told here, and set apart in
//! ROWS so that it is not blamed on the candidate.
//!
//! Cost: for each further run, what ROWS and those checks cost.

mod noise;
#[cfg(test)]
mod tests;

pub use noise::excuse;

use std::collections::BTreeSet;

use reports::determinism::{RerunChange, RerunEvidence, RerunResult};
use reports::document::{CheckStatus, Coverage, Finding, Role, Severity, SideOutcome};
use reports::manifest::{ErrorClass, Manifest};

use super::draft::counted;
use super::finding::{Refine, finding};
use super::{
    Check, Comparison, Observed, Outcome, Rerun, RerunKind, Subject, Tolerance, accounting, group, metadata,
    order, rows,
};
use crate::error::Result;

const CHECK: &str = "DETERMINISM";

/// Relative difference of rollups that the order of a sum may make: as in SKETCH.
const RELATIVE: f64 = 1e-9;

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Determinism;

impl Check for Determinism {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut said = Vec::new();
        for side in subject.sides() {
            let mut judged = Vec::new();
            for rerun in &side.reruns {
                subject.cancel.check()?;
                let (evidence, findings) = judge(subject, side, rerun)?;
                if evidence.result != RerunResult::Unknown {
                    cover(&mut outcome.coverage, &rerun.observed);
                }
                outcome.findings.extend(findings);
                judged.push(evidence);
            }
            said.push(summary(side, &judged));
            outcome.evidence.reruns.extend(judged);
        }
        outcome.summary = said.join("; ");
        let told = |it: &&RerunEvidence| it.side == Role::Candidate && it.result != RerunResult::Unknown;
        if subject.candidate.reruns.is_empty() {
            outcome.status = Some(CheckStatus::NotApplicable);
        } else if outcome.evidence.reruns.iter().find(told).is_none() {
            outcome.status = Some(CheckStatus::Inconclusive);
        } else if outcome.coverage.is_empty() {
            // It fails again as it failed: that was looked at, though there is no row.
            outcome.coverage.files = subject.job.inputs.len() as u64;
        }
        Ok(outcome)
    }
}

fn cover(coverage: &mut Coverage, run: &Observed) {
    coverage.files += run.output.files.len() as u64;
    coverage.rows += run.output.rows();
    coverage.bytes += run.output.bytes();
}

/// One side in one clause.
fn summary(side: &Observed, runs: &[RerunEvidence]) -> String {
    if runs.is_empty() {
        return match side.outcome {
            SideOutcome::Recorded => format!("the {} was recorded and cannot be run again", side.role),
            _ => format!("the {} was run once; --noise N runs it again", side.role),
        };
    }
    let of = |result: RerunResult| runs.iter().filter(|it| it.result == result).count();
    let (same, unknown) = (of(RerunResult::Same), of(RerunResult::Unknown));
    let noise = if side.role == Role::Baseline && of(RerunResult::Differs) > 0 { ": noise" } else { "" };
    let open = if unknown == 0 { String::new() } else { format!(", {unknown} say nothing") };
    format!(
        "the {} left the same in {same} of {}{noise}{open}",
        side.role,
        counted(runs.len() as u64, "further run")
    )
}

/// What was seen of one run.
struct Seen<'a> {
    side: &'a Observed,
    rerun: &'a Rerun,
    said: Vec<String>,
    findings: Vec<Finding>,
    differs: bool,
    unknown: bool,
}

impl Seen<'_> {
    /// Something that the first run did not do.
    fn differs(
        &mut self,
        severity: Severity,
        code: &str,
        what: String,
        refine: impl FnOnce(Finding) -> Finding,
    ) {
        self.differs |= severity == Severity::Blocker;
        let found = finding(
            CHECK,
            code,
            if self.side.role == Role::Baseline { Severity::Info } else { severity },
            Some(self.side.role),
            format!("{} of the {}: {what}", self.rerun.label, self.side.role),
        );
        self.findings.push(refine(found));
        self.said.push(what);
    }

    /// Code of a finding about rows: by what was changed, so that each can be waived by itself.
    fn code(&self) -> &'static str {
        match self.rerun.kind {
            RerunKind::Again => "determinism.again",
            RerunKind::Setting => "determinism.setting",
            RerunKind::Order => "determinism.order",
        }
    }

    fn nothing(&mut self, why: String) {
        self.unknown = true;
        self.said.push(why);
    }
}

fn judge(subject: &Subject<'_>, side: &Observed, rerun: &Rerun) -> Result<(RerunEvidence, Vec<Finding>)> {
    let other = &rerun.observed;
    let mut evidence = RerunEvidence {
        side: side.role,
        run: rerun.label.clone(),
        changed: match rerun.kind {
            RerunKind::Again => RerunChange::Nothing,
            RerunKind::Setting => RerunChange::Setting,
            RerunKind::Order => RerunChange::Order,
        },
        result: RerunResult::Same,
        said: String::new(),
        files: other.output.files.len() as u64,
        identical_files: identical(side, other),
        rows: other.output.rows(),
        rows_changed: 0,
        rows_missing: 0,
        rows_extra: 0,
        columns: std::collections::BTreeMap::new(),
    };
    let mut seen =
        Seen { side, rerun, said: Vec::new(), findings: Vec::new(), differs: false, unknown: false };
    if ended(&mut seen) && whole(&mut seen) {
        compare(subject, &mut seen, &mut evidence)?;
        alone(subject, &mut seen)?;
        if seen.findings.is_empty() {
            bytes(&mut seen, evidence.identical_files);
        }
    }
    evidence.result = if seen.differs {
        RerunResult::Differs
    } else if seen.unknown {
        RerunResult::Unknown
    } else {
        RerunResult::Same
    };
    evidence.said = if seen.said.is_empty() { "the same".to_owned() } else { seen.said.join("; ") };
    Ok((evidence, seen.findings))
}

/// Whether both runs completed; tells where they ended differently.
fn ended(seen: &mut Seen<'_>) -> bool {
    let failed = |it: &SideOutcome| match it {
        SideOutcome::Failed { failure, .. } => Some(failure.clone()),
        _ => None,
    };
    match (failed(&seen.side.outcome), failed(&seen.rerun.observed.outcome)) {
        (None, None) => return true,
        (Some(first), Some(again)) if first.class == again.class => {
            seen.said.push(format!("failed again, in class {}", again.class));
        }
        (None, Some(again)) if seen.rerun.kind == RerunKind::Setting && again.class == ErrorClass::Config => {
            seen.nothing(format!("the setting was refused: {}", again.message));
        }
        (None, Some(again))
            if seen.rerun.kind == RerunKind::Order
                && matches!(again.class, ErrorClass::Unsorted | ErrorClass::Input) =>
        {
            seen.nothing(format!("the input in this order was refused: {}", again.message));
        }
        (first, again) => {
            let words = |it: Option<reports::manifest::Failure>| match it {
                Some(failure) => format!("failed ({}: {})", failure.class, failure.message),
                None => "completed".to_owned(),
            };
            let what = format!("{}; the first run {}", words(again), words(first));
            seen.differs(Severity::Blocker, "determinism.outcome", what, |it| it);
        }
    }
    false
}

/// Whether both runs left only files that can be read.
fn whole(seen: &mut Seen<'_>) -> bool {
    if !seen.side.output.unreadable.is_empty() {
        seen.nothing("the first run left files that cannot be read".to_owned());
        return false;
    }
    let Some(file) = seen.rerun.observed.output.unreadable.first() else { return true };
    let what = format!("{} cannot be read: {}", file.path, file.reason);
    seen.differs(Severity::Blocker, seen.code(), what, |it| it);
    false
}

/// The rows of both runs.
fn compare(subject: &Subject<'_>, seen: &mut Seen<'_>, evidence: &mut RerunEvidence) -> Result<()> {
    let first = Observed { role: Role::Baseline, reruns: Vec::new(), ..seen.side.clone() };
    let again = Observed { role: Role::Candidate, ..seen.rerun.observed.clone() };
    if first.output.rows() == 0 && again.output.rows() == 0 {
        return Ok(());
    }
    let comparison = comparison(subject, seen.rerun, &first);
    let of_runs = Subject {
        job: &seen.rerun.job,
        baseline: Some(&first),
        candidate: &again,
        comparison: &comparison,
        known_defects: &[],
        differences: None,
        ..*subject
    };
    let outcome = rows::Rows.examine(&of_runs)?;
    let Some(found) = outcome.evidence.rows else {
        let unreadable = outcome.findings.iter().find(|it| it.severity == Severity::Blocker);
        match unreadable {
            Some(found) => seen.differs(Severity::Blocker, seen.code(), found.message.clone(), |it| it),
            None => seen.nothing(outcome.summary),
        }
        return Ok(());
    };
    evidence.rows_changed = found.changed;
    evidence.rows_missing = found.missing;
    evidence.rows_extra = found.extra;
    evidence.columns = found.columns.iter().map(|it| (it.column.clone(), it.rows)).collect();
    if found.changed + found.missing + found.extra == 0 {
        return Ok(());
    }
    let columns: Vec<String> =
        found.columns.iter().map(|it| format!("{:?} in {}", it.column, counted(it.rows, "row"))).collect();
    let columns =
        if columns.is_empty() { String::new() } else { format!(" (columns: {})", columns.join(", ")) };
    let what = format!(
        "{} changed, {} missing, {} extra against the first run{columns}",
        counted(found.changed, "row"),
        found.missing,
        found.extra
    );
    let place = outcome.findings.first().and_then(|it| it.place.clone());
    seen.differs(Severity::Blocker, seen.code(), what, |it| Finding {
        place,
        count: found.changed + found.missing + found.extra,
        ..it
    });
    Ok(())
}

/// How the rows of two runs are compared.
fn comparison(subject: &Subject<'_>, rerun: &Rerun, first: &Observed) -> Comparison {
    let mut comparison = subject.comparison.clone();
    let signal = subject.job.signal.as_deref();
    let rule = signal.and_then(|signal| signal.rollup.as_ref().map(|rule| (signal, rule)));
    let Some((signal, rule)) = rule.filter(|_| rerun.kind == RerunKind::Order) else { return comparison };
    let keys: BTreeSet<&str> = signal.row_keys.iter().flatten().map(String::as_str).collect();
    let recomputed: BTreeSet<&str> = rule.recomputed().collect();
    let mut columns = BTreeSet::new();
    for file in first.output.files.iter().chain(&rerun.observed.output.files) {
        if let Ok(schema) = file.arrow_schema() {
            columns.extend(schema.fields().iter().map(|field| field.name().clone()));
        }
    }
    for name in columns.into_iter().filter(|name| !keys.contains(name.as_str())) {
        if recomputed.contains(name.as_str()) {
            comparison.tolerances.entry(name).or_insert(Tolerance { absolute: 0.0, relative: RELATIVE });
        } else {
            let why = "a merged row takes it from the first of its rows";
            comparison.ignored.entry(name).or_insert_with(|| why.to_owned());
        }
    }
    comparison
}

/// What every output is asked: where the first run passes, this one must.
fn alone(subject: &Subject<'_>, seen: &mut Seen<'_>) -> Result<()> {
    if seen.side.role == Role::Baseline {
        return Ok(());
    }
    let checks: [&dyn Check; 4] =
        [&accounting::Accounting, &order::Order, &group::Group, &metadata::Metadata];
    for check in checks {
        let blockers = |side: &Observed, job| -> Result<Vec<Finding>> {
            let of_one = Subject { job, baseline: None, candidate: side, differences: None, ..*subject };
            let mut found = check.examine(&of_one)?.findings;
            found.retain(|it| it.severity == Severity::Blocker && it.waived.is_none());
            Ok(found)
        };
        let again = blockers(&seen.rerun.observed, &seen.rerun.job)?;
        if again.is_empty() {
            continue;
        }
        let first: BTreeSet<String> =
            blockers(seen.side, subject.job)?.into_iter().map(|it| it.code).collect();
        for found in again.into_iter().filter(|it| !first.contains(&it.code)) {
            let what = format!("{}, which the first run passes: {}", check.code(), found.message);
            seen.differs(Severity::Blocker, seen.code(), what, |it| it.counting(found.count));
        }
    }
    Ok(())
}

/// Files that both runs left byte for byte.
fn identical(first: &Observed, again: &Observed) -> u64 {
    let mut left: std::collections::HashMap<&str, u64> = std::collections::HashMap::new();
    for file in &first.output.files {
        *left.entry(&file.info.digest).or_default() += 1;
    }
    let mut take = |digest: &str| match left.get_mut(digest) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    again.output.files.iter().filter(|file| take(&file.info.digest)).count() as u64
}

/// Bytes and statements of a run that holds the same rows.
fn bytes(seen: &mut Seen<'_>, identical: u64) {
    let (first, again) = (&seen.side.output.files, &seen.rerun.observed.output.files);
    let files = again.len() as u64;
    if seen.rerun.kind != RerunKind::Again {
        if first.len() != again.len() {
            seen.said.push(format!("the same rows, in {} instead of {}", again.len(), first.len()));
        }
        return;
    }
    if identical != files || first.len() != again.len() {
        let what = format!("the same rows, but only {identical} of {} byte for byte", counted(files, "file"));
        seen.differs(Severity::Info, "determinism.bytes", what, |it| it);
    } else if let (Some(a), Some(b)) = (&seen.side.output.manifest, &seen.rerun.observed.output.manifest)
        && stated(a) != stated(b)
    {
        let what = "the same files, but another manifest".to_owned();
        seen.differs(Severity::Warning, "determinism.manifest", what, |it| it);
    }
}

/// What a manifest states but for the names of files, which may be random.
fn stated(manifest: &Manifest) -> Manifest {
    let mut manifest = manifest.clone();
    manifest.files.iter_mut().for_each(|file| file.path.clear());
    manifest
}
