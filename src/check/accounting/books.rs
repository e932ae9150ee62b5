//! The books of each side: rows of the inputs against rows written, dropped and merged.
//!
//! 1. What a manifest declares stands as declared, where it does not contradict the inputs. A drop that the harness cannot confirm (no
//!    rule of the signal knows its reason) is a warning on the candidate, and a PASS names it.
//! 2. Without a manifest, or where it is silent, the rules of the signal alone excuse a row that is missing.
//! 3. A signal with `rows = "free"` leaves a side's rows open, but for what its manifest states.
//! 4. Where rows may have been merged and no model says how many, missing rows leave the check undecided.
//! 5. Sums that 64 bits do not hold are a finding.

use reports::counted as number;
use reports::document::{Finding, Role, Severity, SideKind};
use reports::manifest::Manifest;

use super::CODE;
use super::drops::Droppable;
use super::merge::{self, Rules};
use crate::check::finding::{Refine, finding, severity_on};
use crate::check::{KnownDefect, Observed, Outcome, Subject};
use crate::error::Result;

/// Code of a finding of rows that are in no book.
pub(super) const LOST: &str = "accounting.rows-lost";
/// Code of a finding of more rows than went in.
pub(super) const GAINED: &str = "accounting.rows-gained";
/// Code of a finding of declared drops; a verdict names those that are warnings.
pub(crate) const DECLARED: &str = "accounting.declared-drop";
/// Name of the evidence that holds the declared reason.
pub(crate) const REASON: &str = "reason";
/// Code of a finding of declared merges that nothing confirms.
pub(crate) const MERGED: &str = "accounting.declared-merge";
/// Code of a finding of rows that the signal leaves open.
pub(crate) const FREE: &str = "accounting.free-rows";

/// Whether a side's books were judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// They were.
    Judged,
    /// There was nothing to compare them with.
    Unjudged,
    /// Rows are missing, and nothing says whether that is right.
    Undecided,
}

/// Rows that a side lost or gained.
#[derive(Debug, Clone, Copy, Default)]
struct Balance {
    lost: u64,
    gained: u64,
    /// Rows that the side had to account for.
    of: u64,
    /// True where these are the rows that a merge yields, and not those of the inputs.
    yielded: bool,
}

/// What is known of a job's rows, and what was found of each side.
pub(super) struct Books<'a> {
    subject: &'a Subject<'a>,
    rules: Rules,
    droppable: Droppable<'a>,
    baseline: Balance,
    candidate: Balance,
}

impl<'a> Books<'a> {
    /// Opens the books of a job.
    ///
    /// # Errors
    /// Where the request to stop was met.
    pub(super) fn open(subject: &'a Subject<'a>) -> Result<Self> {
        Ok(Self {
            subject,
            rules: Rules::of(subject)?,
            droppable: Droppable::of(subject),
            baseline: Balance::default(),
            candidate: Balance::default(),
        })
    }

    /// Judges the rows of one side, and says in a clause what was found.
    ///
    /// # Errors
    /// An interruption, an error of the machine.
    pub(super) fn judge(&mut self, side: &Observed, outcome: &mut Outcome) -> Result<(Standing, String)> {
        let role = side.role;
        if side.output.manifest.is_none() {
            let only = if self.subject.rows_in.is_none() {
                "only readability was checked"
            } else if !side.output.unreadable.is_empty() {
                "a file cannot be read, so its rows were not counted"
            } else {
                ""
            };
            if !only.is_empty() {
                return Ok((Standing::Unjudged, format!("the {role} left no manifest: {only}")));
            }
            if self.subject.job.expected.no_rows && side.output.rows() == 0 {
                return Ok((
                    Standing::Judged,
                    format!("{role}: no rows, as the job is declared to yield none"),
                ));
            }
        }
        let (mut strict, mut balance) = (Outcome::default(), Balance::default());
        let (state, mut said) = self.rows(side, &self.rules, &mut strict, &mut balance)?;
        if let Some(lenient) = self.rules.lenient().filter(|_| role == Role::Baseline) {
            let (mut by_defect, mut by_lenient) = (Outcome::default(), Balance::default());
            let (_, said_by_defect) = self.rows(side, &lenient, &mut by_defect, &mut by_lenient)?;
            let is_difference = |found: &Finding| found.code != DECLARED && found.defect.is_none();
            if !by_defect.findings.iter().any(is_difference) {
                (said, balance) = (said_by_defect, by_lenient);
                let letter = KnownDefect::DamagedSketchesMerged.letter();
                for found in strict.findings.iter_mut().filter(|found| is_difference(found)) {
                    found.defect = Some(letter.to_owned());
                }
            }
        }
        outcome.findings.append(&mut strict.findings);
        match role {
            Role::Baseline => self.baseline = balance,
            Role::Candidate => self.candidate = balance,
        }
        Ok((state, said))
    }

    /// Says of the candidate's loss or gain that the baseline has one too: no comparison of the two can see it. Such a finding comes
    /// first, so that a verdict names it.
    pub(super) fn tell_common(&self, outcome: &mut Outcome) {
        let (a, b) = (self.baseline, self.candidate);
        let what = if b.yielded { "rows that the inputs yield" } else { "input rows" };
        let pairs = [
            (LOST, "accounting.common-loss", a.lost, b.lost, "lose"),
            (GAINED, "accounting.common-gain", a.gained, b.gained, "add"),
        ];
        for (alone, common, baseline, candidate, verb) in pairs {
            if baseline == 0 || candidate == 0 {
                continue;
            }
            let is_it = |found: &Finding| found.code == alone && found.side == Some(Role::Candidate);
            let Some(at) = outcome.findings.iter().position(is_it) else { continue };
            let mut found = outcome.findings.remove(at);
            let how = match (verb, baseline == candidate) {
                ("lose", true) => format!("both sides lose {candidate} of {} {what}", b.of),
                ("lose", false) => format!(
                    "both sides lose rows, the baseline {baseline} and the candidate {candidate} of {} {what}",
                    b.of
                ),
                (_, true) => format!("both sides write {candidate} rows too many, of {} {what}", b.of),
                (_, false) => format!(
                    "both sides write too many rows, the baseline {baseline} and the candidate {candidate}, of {} {what}",
                    b.of
                ),
            };
            common.clone_into(&mut found.code);
            // The way out names the code that a waiver needs.
            found.message = format!("{how}; {}", found.message.replace(alone, common));
            outcome.findings.insert(0, found.with("baseline", baseline).with("candidate", candidate));
        }
    }

    /// The row counts of a side against the inputs, the files and the rules.
    fn rows(
        &self,
        side: &Observed,
        rules: &Rules,
        outcome: &mut Outcome,
        balance: &mut Balance,
    ) -> Result<(Standing, String)> {
        let (role, written, rows_in) = (side.role, side.output.rows(), self.subject.rows_in);
        let silent = Manifest::default();
        let manifest = side.output.manifest.as_ref().unwrap_or(&silent);
        let stated = side.output.manifest.is_some();
        self.declared(side, manifest, rules, outcome);
        if let (Some(read), Some(rows_in)) = (manifest.rows_read, rows_in)
            && read != rows_in
        {
            let difference = read.abs_diff(rows_in);
            let message = format!("the {role} says it read {read} rows, the inputs hold {rows_in}");
            let draft = counted(side, "accounting.rows-read", message, difference);
            outcome.findings.push(rules.explained(role, difference, |highest| highest.rows_in, draft));
        }
        let merged = manifest.rows_merged.unwrap_or(0);
        let drops = manifest.rows_dropped.values().try_fold(0_u64, |sum, rows| sum.checked_add(*rows));
        let sums =
            drops.and_then(|dropped| Some((dropped, dropped.checked_add(written)?.checked_add(merged)?)));
        let Some((dropped, accounted)) = sums else {
            let message = format!(
                "the counts of the {role}'s manifest overflow 64 bits: rows_dropped, rows_merged and the {written} rows written \
                 have no sum"
            );
            outcome.findings.push(counted(side, "accounting.overflow", message, 1));
            return Ok((Standing::Judged, format!("{role}: the counts of its manifest overflow")));
        };
        if let Rules::Known { account, .. } = rules
            && let Some(judged) = merge::judge(side, manifest, rules, outcome)
        {
            if let Some(found) = outcome.findings.iter_mut().find(|found| found.code == LOST) {
                found.message.push_str(&self.way_out(side, LOST));
            }
            let of = account.all.expected();
            *balance = Balance { lost: judged.lost, gained: judged.gained, of, yielded: true };
            return Ok((Standing::Judged, judged.said));
        }
        let Some(read) = rows_in.or(manifest.rows_read) else {
            return Ok((
                Standing::Judged,
                format!("{role}: {written} rows written; the input rows are unknown"),
            ));
        };
        balance.of = read;
        let judged = if stated { Standing::Judged } else { Standing::Unjudged };
        if matches!(rules, Rules::Free) && dropped == 0 && merged == 0 {
            return Ok((judged, free(side, read, outcome)));
        }
        if let Rules::Unknown(reason) = rules
            && manifest.rows_merged.is_none()
            && accounted <= read
        {
            if accounted == read {
                return Ok((Standing::Judged, format!("{role}: {read} rows read, {written} written")));
            }
            // Where the inputs are unknown, as much was judged as can be.
            let state = if rows_in.is_some() { Standing::Undecided } else { judged };
            let said = format!(
                "{role}: {written} rows written of {read}; how many rows were merged is not stated and cannot be worked out ({reason}), \
                 so the sum was not judged"
            );
            return Ok((state, said));
        }
        let by_rule = match self.by_rule(side, manifest, rules, accounted < read, outcome)? {
            Ok(rows) => rows.min(read.saturating_sub(accounted)),
            Err(_) if accounted >= read => 0,
            Err(why) => {
                let said = format!(
                    "{role}: {written} rows written of {read}; how many of the others the signal lets a writer leave out cannot be \
                     counted ({why}), so the sum was not judged"
                );
                return Ok((Standing::Undecided, said));
            }
        };
        if by_rule > 0 {
            let reasons: Vec<String> = self.droppable.reasons().map(|reason| format!("`{reason}`")).collect();
            let message = format!(
                "the {role} left out {} for the reason {}, as the signal lets a writer do",
                number(by_rule, "row", "rows"),
                reasons.join(" or ")
            );
            outcome
                .findings
                .push(finding(CODE, DECLARED, Severity::Info, Some(role), message).counting(by_rule));
        }
        let accounted = accounted.saturating_add(by_rule);
        let apart = if merged == 0 { String::new() } else { format!(", {merged} merged into others") };
        let did = match (stated, merged) {
            (false, _) => format!(
                "the {role} wrote {written} of {} and left no manifest",
                number(read, "input row", "input rows")
            ),
            (true, 0) => {
                format!("the {role} read {read} rows, wrote {written} and declared {dropped} dropped")
            }
            (true, _) => format!(
                "the {role} read {read} rows, wrote {written}, merged away {merged} and declared {dropped} dropped"
            ),
        };
        if accounted < read {
            balance.lost = read - accounted;
            let are = if balance.lost == 1 { "is" } else { "are" };
            let message = format!("{did}: {} {are} lost silently{}", balance.lost, self.way_out(side, LOST));
            let draft = counted(side, LOST, message, balance.lost);
            outcome.findings.push(rules.explained(role, balance.lost, |highest| highest.rows_in, draft));
        } else if accounted > read {
            balance.gained = accounted - read;
            let message = format!("{did}: {} too many", balance.gained);
            outcome.findings.push(counted(side, GAINED, message, balance.gained));
        }
        let dropped = dropped.saturating_add(by_rule);
        Ok((
            Standing::Judged,
            format!(
                "{role}: {read} rows read, {written} written{apart}, {dropped} dropped by declared reason"
            ),
        ))
    }

    /// One finding for each reason that a manifest declares, and one for merges that nothing confirms.
    fn declared(&self, side: &Observed, manifest: &Manifest, rules: &Rules, outcome: &mut Outcome) {
        let role = side.role;
        let modelled = matches!(rules, Rules::Known { .. });
        // Without the inputs nothing could be confirmed anyway.
        let doubt = role == Role::Candidate && self.subject.rows_in.is_some() && !modelled;
        let severity = |doubted: bool| if doubted { Severity::Warning } else { Severity::Info };
        for (reason, count) in manifest.rows_dropped.iter().filter(|(_, count)| **count > 0) {
            let doubted = doubt && !self.droppable.reasons().any(|known| known == reason.as_str());
            let so = if doubted { ", which no rule of the signal confirms" } else { "" };
            let message = format!("the {role} dropped {count} rows for the declared reason `{reason}`{so}");
            let found = finding(CODE, DECLARED, severity(doubted), Some(role), message);
            outcome.findings.push(found.counting(*count).with(REASON, reason));
        }
        if let Some(merged) = manifest.rows_merged.filter(|merged| *merged > 0 && !modelled)
            && self.subject.rows_in.is_some()
        {
            let message = format!(
                "the {role} declares that {merged} rows became part of others, which no rule of the signal confirms"
            );
            outcome
                .findings
                .push(finding(CODE, MERGED, severity(doubt), Some(role), message).counting(merged));
        }
    }

    /// Rows that the rules of the signal excuse where the manifest is silent of them, or why they cannot be counted. What the manifest
    /// declares for such a reason must not be more than was left out.
    fn by_rule(
        &self,
        side: &Observed,
        manifest: &Manifest,
        rules: &Rules,
        short: bool,
        outcome: &mut Outcome,
    ) -> Result<std::result::Result<u64, String>> {
        let declared = |reason: &str| manifest.rows_dropped.get(reason).copied().unwrap_or(0);
        let states = self.droppable.reasons().any(|reason| manifest.rows_dropped.contains_key(reason));
        let asked = self.droppable.reasons().next().is_some() && (short || states);
        if !asked || matches!(rules, Rules::Known { .. }) {
            return Ok(Ok(0));
        }
        let left_out = match self.droppable.left_out(side)? {
            Ok(left_out) => left_out,
            // A reason that is stated needs no excuse.
            Err(_) if states => return Ok(Ok(0)),
            Err(why) => return Ok(Err(why)),
        };
        for reason in self.droppable.reasons() {
            let (stated, found) = (declared(reason), left_out.of(reason));
            if stated > found {
                let message = format!(
                    "the {} declares {stated} rows dropped as `{reason}`, it left out {found} such rows of the inputs",
                    side.role
                );
                let draft = counted(side, "accounting.drops", message, stated - found);
                outcome.findings.push(draft.with("stated", stated).with("found", found));
            }
        }
        Ok(Ok(if states { 0 } else { left_out.any }))
    }

    /// What a writer that may leave rows out has to say, where the side is one that a user can change.
    fn way_out(&self, side: &Observed, code: &str) -> String {
        if !matches!(side.info.kind, SideKind::Command | SideKind::Recorded) || self.subject.rows_in.is_none()
        {
            return String::new();
        }
        let signal = self.subject.job.signal.as_ref().map(|signal| signal.name.as_str());
        let key = signal.filter(|name| !name.is_empty());
        let key = key.map(|name| format!("`rows = \"free\"` under [signal.{name}], ")).unwrap_or_default();
        format!(
            "; a writer that may leave rows out or merge them says so: `rows_dropped` or `rows_merged` in its manifest, {key}or a waiver \
             for {code}"
        )
    }
}

/// The clause for a side whose rows the signal leaves open; a difference is noted.
fn free(side: &Observed, read: u64, outcome: &mut Outcome) -> String {
    let (role, written) = (side.role, side.output.rows());
    let open = read.abs_diff(written);
    if open > 0 {
        let message = format!(
            "the {role} wrote {written} rows of {read}, which the signal leaves open (`rows = \"free\"`)"
        );
        outcome.findings.push(finding(CODE, FREE, Severity::Info, Some(role), message).counting(open));
    }
    format!(
        "{role}: {written} rows written of {read}; the signal says `rows = \"free\"`, so the sum was not judged"
    )
}

/// A finding that gates on the candidate, standing for `count` rows.
pub(super) fn counted(side: &Observed, code: &str, message: String, count: u64) -> Finding {
    finding(CODE, code, severity_on(side.role), Some(side.role), message).counting(count)
}
