//! What was changed and was not the changer's own, as findings. What `crate::isolate` saw is data here.
//!
//! A side that certainly did it is named; the candidate then fails, and a baseline leaves the job undecided. Where more than one may have
//! done it, or the file was in other hands too, the job is undecided and the sides are named that were at work.

use reports::document::{Finding, Role, Severity};

use super::Outcome;
use super::finding::{Refine, finding, in_file};

/// What was changed and was not the changer's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A copy of an input, which one side alone was given.
    Copy,
    /// An input where it lies.
    Input,
    /// An output of this side, after the side had ended.
    Output(Role),
    /// A file that lies in the outputs of both sides.
    Shared,
}

/// Something that changed while sides were at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// What it was.
    pub what: What,
    /// Which run of the side it was, where that was not the first.
    pub run: Option<String>,
    /// The first file, by the path that a reader of the report knows.
    pub path: String,
    /// What became of it.
    pub how: String,
    /// Files altogether.
    pub count: u64,
    /// External sides that may have done it.
    pub by: Vec<Role>,
    /// True where no other than the one side in `by` is known to have had the file in its hands.
    pub certain: bool,
}

impl Touched {
    /// What the changed files amount to; `None` where none is.
    #[must_use]
    pub fn of(
        what: What,
        changed: &[(String, String)],
        run: Option<&str>,
        by: Vec<Role>,
        certain: bool,
    ) -> Option<Self> {
        let (path, how) = changed.first()?.clone();
        Some(Self { what, run: run.map(str::to_owned), path, how, count: changed.len() as u64, by, certain })
    }
}

/// Adds a finding for each change to `outcome` and a word to `said`; true where the job cannot be decided because of one.
pub(super) fn report(
    check: &str,
    touched: &[Touched],
    outcome: &mut Outcome,
    said: &mut Vec<String>,
) -> bool {
    let mut undecided = false;
    for change in touched {
        let found = of(check, change);
        undecided |= found.severity != Severity::Blocker;
        said.push(lead(change));
        outcome.findings.push(found);
    }
    undecided
}

fn of(check: &str, change: &Touched) -> Finding {
    let code = match change.what {
        What::Copy | What::Input => "errors.inputs-changed",
        What::Output(_) => "errors.output-changed",
        What::Shared => "errors.output-shared",
    };
    let named = change.by.first().copied().filter(|_| change.certain);
    let severity = if named == Some(Role::Candidate) { Severity::Blocker } else { Severity::Warning };
    let more = match change.count {
        1 => String::new(),
        count => format!(", and {} more files", count - 1),
    };
    let hint = hint(change);
    let message = format!("{}: {} ({}{more}){hint}", lead(change), change.path, change.how);
    finding(check, code, severity, named, message).at(in_file(&change.path)).counting(change.count)
}

/// What happened, in a few words.
fn lead(change: &Touched) -> String {
    let run = change.run.as_deref().map(|run| format!(" in {run}")).unwrap_or_default();
    let by = sides(&change.by);
    match (change.what, change.certain) {
        (What::Copy, _) => format!("{by} changed its inputs{run}"),
        (What::Input, true) => format!("an input was changed while {by} was at work on it"),
        (What::Input, false) if change.by.is_empty() => {
            "an input was changed while the job was done".to_owned()
        }
        (What::Input, false) => format!("an input was changed while {by} worked, or after that"),
        (What::Output(of), _) => match change.by.as_slice() {
            [other] if *other != of => {
                format!("the output of the {of}{run} was changed after it had ended, while {by} worked")
            }
            _ => format!("the output of the {of}{run} was changed after it had ended"),
        },
        (What::Shared, _) => "a file lies in the outputs of both sides".to_owned(),
    }
}

/// What follows from it, to be read behind the message.
fn hint(change: &Touched) -> &'static str {
    match (change.what, change.certain) {
        (What::Copy, _) => "; it had copies, so the inputs are as they were",
        (What::Input, true) => {
            "; it was given the input itself and no copy (--isolate off, or more than 1 GiB of inputs)"
        }
        (What::Input, false) if change.by.is_empty() => {
            "; no external side was at work, so another process did it: run again when nothing writes to the inputs"
        }
        (What::Input, false) => {
            "; another process, or one that a side left running, may have done it: run again when nothing writes to the inputs"
        }
        (What::Output(_), true) => "",
        (What::Output(_), false) => "; a process that a side left running may have done it",
        (What::Shared, _) => "; write a file of your own, for a change of one is a change of both",
    }
}

fn sides(by: &[Role]) -> String {
    let named: Vec<String> = by.iter().map(|role| format!("the {role}")).collect();
    if named.is_empty() { "no external side".to_owned() } else { named.join(" or ") }
}

#[cfg(test)]
mod tests {
    use reports::document::CheckStatus;

    use super::*;
    use crate::check::errors::Errors;
    use crate::check::fixture::{Fixture, blockers, codes, rows};

    fn examine(what: What, by: &[Role], certain: bool) -> Outcome {
        let mut fixture = Fixture::pair(&rows(), &rows());
        let changed = [("in/a.parquet".to_owned(), "it was removed".to_owned())];
        fixture.touched.extend(Touched::of(what, &changed, None, by.to_vec(), certain));
        fixture.examine(&Errors)
    }

    #[test]
    fn the_candidate_fails_for_what_it_certainly_did_and_all_else_is_undecided() {
        let (a, b) = (Role::Baseline, Role::Candidate);
        for (what, code) in [
            (What::Copy, "errors.inputs-changed"),
            (What::Input, "errors.inputs-changed"),
            (What::Output(a), "errors.output-changed"),
            (What::Shared, "errors.output-shared"),
        ] {
            let certain = examine(what, &[b], true);
            assert_eq!(blockers(&certain), [code]);
            assert_eq!(certain.findings[0].side, Some(b));
            for (by, certain) in [(&[a][..], true), (&[a, b], false), (&[b], false), (&[], false)] {
                let open = examine(what, by, certain);
                assert_eq!(open.status, Some(CheckStatus::Inconclusive), "{what:?} {by:?}");
                assert_eq!(codes(&open, Severity::Warning), [code]);
                assert_eq!(open.findings[0].side, by.first().copied().filter(|_| certain));
                assert!(open.findings[0].message.contains("in/a.parquet"), "{}", open.findings[0].message);
            }
        }
        assert_eq!(
            examine(What::Copy, &[b], true).findings[0].message,
            "the candidate changed its inputs: in/a.parquet (it was removed); it had copies, so the inputs are as they were"
        );
    }
}
