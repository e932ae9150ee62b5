//! Accounting where a job merges rows: fewer rows come out than went in, and that is right.
//!
//! 1. `crate::rollup` works out what becomes of every input row by the rules of the merge.
//! 2. What a side declares must be that: drops by reason, rows outside the time range, rows that became part of others.
//! 3. A side that does not state its merges, or has no manifest, cannot be judged by a sum; the rows that it wrote are then compared
//!    with the rows that the rules yield. Without a model missing rows are undecided, and the summary says so.
//! 4. On a baseline known to lose the highest group key (defect D), exactly the rows of that key being lost is that defect.
//! 5. A baseline known to merge damaged sketches (defect H) is judged by the account that its way of decoding yields. Where that
//!    holds exactly, what it states otherwise than the rules is that defect.

use std::collections::BTreeMap;

use corpora::signal::RowsRule;
use reports::document::{Finding, Role, SideOutcome};
use reports::manifest::Manifest;

use super::books::{GAINED, LOST, counted};
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
    /// The job may merge rows, and what becomes of them cannot be worked out.
    Unknown(String),
    /// The signal lets a writer leave rows out and merge them as it likes.
    Free,
}

/// What became of a sum that the rules of the merge decide.
pub(super) struct Judged {
    /// A clause for the summary.
    pub(super) said: String,
    /// Rows that the inputs yield and that are neither written nor declared.
    pub(super) lost: u64,
    /// Rows written beyond those.
    pub(super) gained: u64,
}

impl Rules {
    /// The rules of a job. What becomes of merged rows is worked out only where some side can be compared with it.
    ///
    /// # Errors
    /// Where the request to stop was met.
    pub(super) fn of(subject: &Subject<'_>) -> Result<Self> {
        let Some(signal) = subject.job.signal.as_deref() else { return Ok(Self::Plain) };
        if signal.rows == RowsRule::Free {
            return Ok(Self::Free);
        }
        let merges = signal.rollup.is_some() && subject.job.kind == crate::job::JobKind::Compact;
        let judged = subject.sides().any(|side| {
            let comparable = side.output.manifest.is_some() || subject.rows_in.is_some();
            comparable && !matches!(side.outcome, SideOutcome::Failed { .. })
        });
        if !merges || !judged {
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

/// Compares what a side states with the rules. Returns what became of the sum where the rules decide it; `None` where the side
/// states its merges, so that the sum of what it states is still to be judged, and where there are no such rules.
pub(super) fn judge(
    side: &Observed,
    manifest: &Manifest,
    rules: &Rules,
    outcome: &mut Outcome,
) -> Option<Judged> {
    let role = side.role;
    let Rules::Known { account, highest_lost } = rules else { return None };
    let highest_lost = *highest_lost && role == Role::Baseline;
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
) -> Judged {
    let (role, written, expected) = (side.role, side.output.rows(), all.expected());
    // A row that is declared to be dropped is not lost in silence, even where the rules keep it: that is reported as a wrong drop.
    let beyond =
        reports::total(reasons(manifest, all).into_values().map(|(stated, due)| stated.saturating_sub(due)));
    let lost = expected.saturating_sub(written).saturating_sub(beyond);
    let gained = written.saturating_sub(expected);
    if lost > 0 {
        let are = if lost == 1 { "is" } else { "are" };
        let message = format!(
            "the {role} wrote {written} rows where the inputs yield {expected}: {lost} {are} lost silently"
        );
        let draft = counted(side, LOST, message, lost);
        outcome.findings.push(rules.explained(role, lost, Counts::expected, draft));
    } else if gained > 0 {
        let message =
            format!("the {role} wrote {written} rows where the inputs yield {expected}: {gained} too many");
        outcome.findings.push(counted(side, GAINED, message, gained));
    }
    let drops = if states_drops { "" } else { ", and no drops: those were not judged" };
    let said = format!(
        "{role}: {written} rows written of {expected} that the inputs yield; it states no merges{drops}"
    );
    Judged { said, lost, gained }
}
