//! SKETCH: do rollups and sketches say the same, and what the inputs say? Is there one row per point?
//!
//! A point is a group, an interval and a name; `crate::rollup` works out from the inputs which points there must be.
//!
//! 1. The points of the model are held in memory, in as many parts as keep them below 128 MiB. For each part both sides
//!    are read once; every row is looked at in exactly one part.
//! 2. Rows are held against their point: a merged one against the sum of its sketches, bin by bin, and against the rollups
//!    recomputed from it; any other must have passed unchanged. What is missing, doubled or not expected is told.
//! 3. Without a model merges cannot be recomputed: rollups are then held against the row's own sketch, within its accuracy,
//!    and a disagreement is a warning. The summary says so. Where the inputs are known all the same (unsorted, say), the check is
//!    inconclusive unless something is wrong.
//! 4. On a baseline known to lose the highest group key (defect D), exactly all points of that key missing are that defect.
//! 5. A baseline known to merge damaged sketches (defect H) is compared with the points that its way of decoding yields, and the
//!    candidate with those of the strict way.
//!
//! A job with known inputs and no interval merges nothing: the question does not arise. Where the inputs are unknown, outputs of a
//! signal with a rule are taken to be merged.
//!
//! Tolerances: counts and bins are exact; recomputed rollups may differ by 1e-9 relative (sums that cancel out, by 1e-12 of the sum
//! of magnitudes), or by what the policy says of the column. Cost: one pass over the inputs' few columns where all points fit, else
//! one more a part; one pass a part over each side.

mod judge;
mod side;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use reports::document::{CheckStatus, Finding, Role, SideOutcome};
use reports::signal_evidence::RollupAccount;

use self::judge::{Judge, RELATIVE};
use self::side::Pass;
use self::tally::Tally;
use super::draft::{self, SideError, counted};
use super::finding::Refine;
use super::{Check, Evidence, KnownDefect, Observed, Outcome, Subject};
use crate::error::{Error, Result};
use crate::rollup::sketch::{Decoding, Mapping};
use crate::rollup::{Account, Columns, Model, Modelled, Points};

const CHECK: &str = "SKETCH";

/// Bytes that the expected points of one part may take, and the keys seen of a side as well.
const BOUND: u64 = 128 << 20;

/// Bytes that one key seen takes at most.
const KEY_BYTES: u64 = 40;

/// The check.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sketches;

impl Check for Sketches {
    fn code(&self) -> &'static str {
        CHECK
    }

    fn examine(&self, subject: &Subject<'_>) -> Result<Outcome> {
        examine_within(subject, BOUND)
    }
}

/// The check with another bound on memory.
fn examine_within(subject: &Subject<'_>, bound: u64) -> Result<Outcome> {
    let signal = subject.job.signal.as_deref();
    let Some((columns, rule)) = signal.and_then(|it| Some((Columns::of(it)?, it.rollup.as_ref()?))) else {
        let summary = "the signal has no rule for merging rows".to_owned();
        return Ok(draft::decided(CheckStatus::NotApplicable, summary));
    };
    // Without one of these no row has a point; sketches and rollups can be left out one by one.
    let keys = [&columns.group, &columns.time, &columns.name];
    if let Some(why) = keys.into_iter().find_map(|column| subject.unread(column)) {
        let summary = format!("rollups are not judged: {why}");
        return Ok(draft::decided(CheckStatus::NotApplicable, summary));
    }
    if subject.job.kind == crate::job::JobKind::Ingest {
        let summary = "an ingest job merges no rows".to_owned();
        return Ok(draft::decided(CheckStatus::NotApplicable, summary));
    }
    if subject.job.parameters.interval.is_none() && !subject.job.inputs.is_empty() {
        let summary = "the job names no interval: it merges no rows".to_owned();
        return Ok(draft::decided(CheckStatus::NotApplicable, summary));
    }
    let empty = subject.sides().all(|side| {
        !matches!(side.outcome, SideOutcome::Failed { .. })
            && side.output.unreadable.is_empty()
            && side.output.rows() == 0
    });
    let nothing = draft::nothing_to_examine(subject, CHECK, "sketch");
    if let Some(outcome) = &nothing
        && !empty
    {
        return Ok(outcome.clone());
    }
    let judge = Judge {
        columns: &columns,
        mapping: Mapping::new(rule.relative_accuracy),
        comparison: subject.comparison,
    };
    let mut outcome = match examine(subject, &judge, bound) {
        Ok(outcome) => outcome,
        Err(failed) => return draft::read_failed(CHECK, "sketch", failed),
    };
    if let Some(nothing) = nothing {
        outcome.status = nothing.status;
        outcome.coverage = nothing.coverage;
        outcome.summary = format!("{}; {}", nothing.summary, outcome.summary);
    }
    Ok(outcome)
}

/// An error that no side is the cause of.
fn ours(error: Error) -> SideError {
    SideError { role: Role::Candidate, file: String::new(), error }
}

/// The model with its account and, where they fit, all its points.
struct Known {
    model: Model,
    account: Account,
    points: Option<Points>,
    parts: u64,
}

/// Prepares the model; `Err` inside is the reason why there is none.
fn prepare(subject: &Subject<'_>, bound: u64) -> Result<std::result::Result<Known, String>> {
    let model = match Model::open(subject.job, subject.cancel)? {
        Modelled::Known(model) => model.leniently_too(decoding(subject, Role::Baseline) == Decoding::Lenient),
        Modelled::Unknown(reason) => return Ok(Err(reason)),
    };
    Ok(match model.points(0, 1, bound, subject.cancel)? {
        Modelled::Unknown(reason) => Err(reason),
        Modelled::Known((account, points)) => {
            // Parts are not quite equal: some room is left.
            let parts =
                if points.overflowed { points.bytes.div_ceil((bound / 4 * 3).max(1)).max(2) } else { 1 };
            let points = (!points.overflowed).then_some(points);
            Ok(Known { model, account, points, parts })
        }
    })
}

/// How a side decodes damaged sketches.
fn decoding(subject: &Subject<'_>, role: Role) -> Decoding {
    let known = subject.known_defects.contains(&KnownDefect::DamagedSketchesMerged);
    if known && role == Role::Baseline { Decoding::Lenient } else { Decoding::Strict }
}

fn examine(subject: &Subject<'_>, judge: &Judge<'_>, bound: u64) -> std::result::Result<Outcome, SideError> {
    let (mut known, reason) = match prepare(subject, bound).map_err(ours)? {
        Ok(known) => (Some(known), None),
        Err(reason) => (None, Some(reason)),
    };
    let rows = subject.sides().map(|side| side.output.rows()).max().unwrap_or(0);
    let parts = known.as_ref().map_or(1, |known| known.parts).max((rows * KEY_BYTES).div_ceil(bound.max(1)));
    let mut baseline = subject.baseline.map(|side| (side, Tally::new(side.role)));
    let mut candidate = Tally::new(subject.candidate.role);
    for part in 0..parts {
        let points = match &mut known {
            None => None,
            Some(known) => Some(match known.points.take().filter(|_| parts == 1) {
                Some(points) => points,
                None => match known.model.points(part, parts, u64::MAX, subject.cancel).map_err(ours)? {
                    Modelled::Known((_, points)) => points,
                    Modelled::Unknown(reason) => return Err(ours(Error::internal(reason))),
                },
            }),
        };
        let pass = Pass {
            judge,
            interval: subject.job.parameters.interval.filter(|interval| *interval != 0),
            points: points.as_ref(),
            decoding: Decoding::Strict,
            part,
            parts,
            cancel: subject.cancel,
        };
        let of_baseline = Pass { decoding: decoding(subject, Role::Baseline), ..pass };
        let (a, b) = rayon::join(
            || baseline.as_mut().map_or(Ok(()), |(side, tally)| of_baseline.examine(side, tally)),
            || pass.examine(subject.candidate, &mut candidate),
        );
        a?;
        b?;
    }
    let sides: Vec<(&Observed, &Tally)> = baseline
        .iter()
        .map(|(side, tally)| (*side, tally))
        .chain(std::iter::once((subject.candidate, &candidate)))
        .collect();
    let whole = known.as_ref().map(|known| &known.account);
    let account = |side: &Observed| whole.map(|account| account.by(decoding(subject, side.role)));
    let damaged = whole.map_or(0, |account| account.damaged);
    let mut coverage = draft::coverage(subject);
    coverage.columns = judge.columns.all().len() as u64;
    Ok(Outcome {
        findings: sides.iter().flat_map(|(side, tally)| told(subject, side, tally, account(side))).collect(),
        coverage,
        summary: summary(&candidate, damaged, reason.as_deref()),
        // The job merges rows and nobody could work out what they should be: looking at each row alone is no pass.
        status: (reason.is_some() && !subject.job.inputs.is_empty()).then_some(CheckStatus::Inconclusive),
        evidence: Evidence {
            sketches: sides.iter().map(|(_, tally)| tally.evidence.clone()).collect(),
            rollup: sides
                .iter()
                .filter_map(|(side, tally)| Some(accounted(side, tally, account(side)?)))
                .collect(),
            ..Evidence::default()
        },
    })
}

/// The findings of one side, with the known defect that explains them exactly.
fn told(subject: &Subject<'_>, side: &Observed, tally: &Tally, account: Option<&Account>) -> Vec<Finding> {
    let lost_highest = side.role == Role::Baseline
        && subject.known_defects.contains(&KnownDefect::HighestTidLost)
        && tally.missing == tally.missing_highest
        && account.is_some_and(|account| account.highest.expected() == tally.missing);
    tally
        .findings(side)
        .into_iter()
        .map(|finding| {
            if lost_highest && finding.code == "sketch.missing_point" {
                finding.explained_by(KnownDefect::HighestTidLost.letter())
            } else {
                finding
            }
        })
        .collect()
}

/// What became of the input rows, by the rules and by what the side did.
fn accounted(side: &Observed, tally: &Tally, account: &Account) -> RollupAccount {
    let rules = &account.all;
    let declared = side.output.manifest.as_ref().map(|manifest| manifest.rows_dropped.clone());
    let beyond = reports::total(
        declared.iter().flatten().map(|(reason, rows)| rows.saturating_sub(rules.dropped_as(reason))),
    );
    RollupAccount {
        side: side.role,
        rows_in: rules.rows_in,
        lone: rules.lone,
        single: rules.single,
        merged_in: rules.merged_in,
        merged_out: rules.merged_out,
        dropped: rules.dropped.iter().map(|(reason, rows)| ((*reason).to_owned(), *rows)).collect(),
        expected: rules.expected(),
        written: side.output.rows(),
        declared,
        lost: tally.missing.saturating_sub(beyond),
        invented: tally.unexpected + tally.copies,
    }
}

fn summary(candidate: &Tally, damaged: u64, reason: Option<&str>) -> String {
    let seen = &candidate.evidence;
    let largest = largest(&seen.largest_difference);
    let damaged = match damaged {
        0 => String::new(),
        rows => format!(
            "; the baseline takes damaged sketches of {} as far as they can be read (defect H) and is compared with that",
            counted(rows, "row")
        ),
    };
    match reason {
        None => format!(
            "{} recomputed from the inputs, {} sketches decoded; bins and counts are compared exactly, recomputed rollups \
             within {RELATIVE:e} relative or the policy's tolerance; largest difference: {largest}{damaged}",
            counted(seen.recomputed, "merged row"),
            seen.sketches
        ),
        Some(reason) => format!(
            "merges were not recomputed: {reason}; {} looked at, {} sketches decoded, rollups held against each row's own \
             sketch only",
            counted(seen.rows, "row"),
            seen.sketches
        ),
    }
}

fn largest(differences: &BTreeMap<String, f64>) -> String {
    let largest = differences.iter().max_by(|a, b| a.1.total_cmp(b.1));
    largest.map_or_else(|| "none".to_owned(), |(column, by)| format!("{by:.1e} in {column}"))
}
