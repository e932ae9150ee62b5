//! Accounting where a job merges rows: fewer rows come out than went in, and that is right.
//!
//! 1. `crate::rollup` works out what becomes of every input row by the rules of the merge.
//! 2. What a side declares must be that: drops by reason, rows outside the time range, rows that became part of others.
//! 3. A side that does not state its merges cannot be judged by a sum; the rows that it wrote are then held against the rows
//!    that the rules yield. Without a model nothing is judged, and the summary says so.
//! 4. On a baseline known to lose the highest group key (defect D), exactly the rows of that key being lost is that defect.
//! 5. A baseline known to merge damaged sketches (defect H) is judged by the account that its way of decoding yields. Where that
//!    holds exactly, what it states otherwise than the rules is that defect.

use std::collections::BTreeMap;

use reports::document::{Finding, Role, SideOutcome};
use reports::manifest::Manifest;

use super::counted;
use crate::check::finding::Refine;
use crate::check::{KnownDefect, Observed, Outcome, Subject};
use crate::error::Result;
use crate::rollup::{Account, Counts, Model, Modelled};

/// What is known of the rules that the job's rows follow.
pub(super) enum Rules {
    /// The job merges nothing: every row is written or dropped.
    Plain,
    /// The job merges rows, and this is what becomes of them.
    Known {
        /// The account of the inputs.
        account: Account,
        /// The baseline is known to lose the highest group key, and the inputs hold it.
        highest_lost: bool,
    },
    /// The job merges rows, and nobody can say what becomes of them.
    Unknown(String),
}

impl Rules {
    /// The rules of a job, worked out only where some side has a manifest that could be held against them.
    ///
    /// # Errors
    /// Where the request to stop was met.
    pub(super) fn of(subject: &Subject<'_>) -> Result<Self> {
        let merges = subject.job.signal.as_ref().is_some_and(|signal| signal.rollup.is_some())
            && subject.job.parameters.interval.is_some()
            && subject.job.kind == crate::job::JobKind::Compact;
        let stated = subject.sides().any(|side| {
            !matches!(side.outcome, SideOutcome::Failed { .. }) && side.output.manifest.is_some()
        });
        if !merges || !stated {
            return Ok(Self::Plain);
        }
        let lenient = subject.known_defects.contains(&KnownDefect::DamagedSketchesMerged);
        let account = match Model::open(subject.job, subject.cancel)? {
            Modelled::Known(model) => model.leniently_too(lenient).account(subject.cancel)?,
            Modelled::Unknown(reason) => Modelled::Unknown(reason),
        };
        Ok(match account {
            Modelled::Unknown(reason) => Self::Unknown(reason),
            Modelled::Known(account) => {
                let highest_lost = account.highest.rows_in > 0
                    && subject.known_defects.contains(&KnownDefect::HighestTidLost);
                Self::Known { account, highest_lost }
            }
        })
    }

    /// The rules by the original's way of decoding damaged sketches (defect H), where the baseline is known to have it and it
    /// changes the account.
    pub(super) fn lenient(&self) -> Option<Self> {
        let Self::Known { account, highest_lost } = self else { return None };
        let lenient = account.lenient.as_deref().filter(|lenient| lenient.all != account.all)?;
        Some(Self::Known { account: lenient.clone(), highest_lost: *highest_lost })
    }

    /// Names defect D where it explains exactly so many rows on that side.
    pub(super) fn explained(
        &self,
        role: Role,
        rows: u64,
        lost: impl Fn(&Counts) -> u64,
        finding: Finding,
    ) -> Finding {
        match self {
            Self::Known { account, highest_lost: true }
                if role == Role::Baseline && rows == lost(&account.highest) =>
            {
                finding.explained_by(KnownDefect::HighestTidLost.letter())
            }
            _ => finding,
        }
    }
}

/// Holds a manifest against the rules. Returns the sentence for the summary where the sum of rows cannot be judged, or was
/// judged by the rules; `None` where it is still to be judged.
pub(super) fn judge(
    side: &Observed,
    manifest: &Manifest,
    rules: &Rules,
    outcome: &mut Outcome,
) -> Option<String> {
    let (role, written) = (side.role, side.output.rows());
    let (account, highest_lost) = match rules {
        Rules::Plain => return None,
        Rules::Unknown(reason) => {
            return manifest.rows_merged.is_none().then(|| {
                format!(
                    "{role}: {written} rows written; how many rows were merged is not stated and cannot be worked out \
                     ({reason}), so the sum was not judged"
                )
            });
        }
        Rules::Known { account, highest_lost } => (account, *highest_lost && role == Role::Baseline),
    };
    let rest = account.without_highest();
    // With defect D a baseline may have seen the rows of the highest group key or not; both are its account.
    let accepted: Vec<&Counts> = if highest_lost { vec![&account.all, &rest] } else { vec![&account.all] };
    let states_merge = manifest.rows_merged.is_some() || manifest.merge_stats.is_some();
    let states_drops = states_merge || !manifest.rows_dropped.is_empty();
    if states_drops && !accepted.iter().any(|rules| drops_agree(manifest, rules)) {
        drops(side, manifest, &account.all, outcome);
    }
    if let Some(stats) = manifest.merge_stats {
        let stated = stats.datapoints_out_of_range;
        let wanted = account.all.dropped_as("out_of_range");
        if !accepted.iter().any(|rules| rules.dropped_as("out_of_range") == stated) {
            let message = format!("the {role} counts {stated} rows out of range, the inputs hold {wanted}");
            let draft = counted(side, "accounting.out_of_range", message, stated.abs_diff(wanted));
            outcome.findings.push(draft.with("stated", stated).with("found", wanted));
        }
    }
    if let Some(stated) = manifest.rows_merged {
        let wanted = account.all.merged();
        if !accepted.iter().any(|rules| rules.merged() == stated) {
            let message =
                format!("the {role} says that {stated} rows became part of others, by the rules {wanted} do");
            let draft = counted(side, "accounting.rows-merged", message, stated.abs_diff(wanted));
            outcome.findings.push(draft.with("stated", stated).with("found", wanted));
        }
        return None;
    }
    Some(by_rules(side, manifest, rules, &account.all, states_drops, outcome))
}

fn drops_agree(manifest: &Manifest, rules: &Counts) -> bool {
    reasons(manifest, rules).values().all(|(declared, wanted)| declared == wanted)
}

/// Declared and due drops by reason.
fn reasons<'a>(manifest: &'a Manifest, rules: &Counts) -> BTreeMap<&'a str, (u64, u64)> {
    let mut reasons: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (reason, rows) in &manifest.rows_dropped {
        reasons.entry(reason).or_default().0 = *rows;
    }
    for (reason, rows) in &rules.dropped {
        reasons.entry(reason).or_default().1 = *rows;
    }
    reasons
}

/// One finding a reason whose rows are not those that the rules drop.
fn drops(side: &Observed, manifest: &Manifest, rules: &Counts, outcome: &mut Outcome) {
    for (reason, (declared, wanted)) in reasons(manifest, rules) {
        if declared == wanted {
            continue;
        }
        let message = format!(
            "the {} declares {declared} rows dropped as `{reason}`, the rules drop {wanted}",
            side.role
        );
        let draft = counted(side, "accounting.drops", message, declared.abs_diff(wanted));
        outcome.findings.push(draft.with("stated", declared).with("found", wanted));
    }
}

/// The rows that a side wrote against those that the rules yield, where it does not state its merges.
fn by_rules(
    side: &Observed,
    manifest: &Manifest,
    rules: &Rules,
    all: &Counts,
    states_drops: bool,
    outcome: &mut Outcome,
) -> String {
    let (role, written, expected) = (side.role, side.output.rows(), all.expected());
    // A row that is declared to be dropped is not lost in silence, even where the rules keep it: that is told as a wrong drop.
    let beyond: u64 =
        reasons(manifest, all).values().map(|(declared, wanted)| declared.saturating_sub(*wanted)).sum();
    let lost = expected.saturating_sub(written).saturating_sub(beyond);
    if lost > 0 {
        let message = format!(
            "the {role} wrote {written} rows where the inputs yield {expected}: {lost} are lost silently"
        );
        let draft = counted(side, "accounting.rows-lost", message, lost);
        outcome.findings.push(rules.explained(role, lost, Counts::expected, draft));
    } else if written > expected {
        let gained = written - expected;
        let message =
            format!("the {role} wrote {written} rows where the inputs yield {expected}: {gained} too many");
        outcome.findings.push(counted(side, "accounting.rows-gained", message, gained));
    }
    let drops = if states_drops { "" } else { ", and no drops: those were not judged" };
    format!("{role}: {written} rows written of {expected} that the inputs yield; it states no merges{drops}")
}
