//! What the baseline states for readers and the candidate does not: bounds and null counts of columns, and the declared order of rows.
//!
//! A column's bounds count where a reader may use them: both are there, and the footer states the order of the column or they are
//! numbers in the fields of old. Chunks that cannot have bounds (no value with a place in the order) and null counts of required columns
//! are left out. What the baseline itself states only in places is lost only where the candidate states it nowhere.

use std::collections::BTreeMap;

use reports::document::{Finding, Place, Severity};

use super::CHECK;
use super::facts::Laid;
use super::side::Looked;
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding};

pub(super) const STATISTICS: &str = "layout.statistics_lost";
pub(super) const SORTING: &str = "layout.sorting_lost";
/// Columns named in a message, and in a finding's evidence.
const IN_MESSAGE: usize = 5;
const NAMED: usize = 100;

/// Chunks of a column that could have something, and that have it.
#[derive(Default, Clone, Copy)]
struct Share {
    could: u64,
    have: u64,
}

impl Share {
    fn of(chunks: &[Laid], what: fn(&Laid) -> Option<bool>) -> Self {
        let mut share = Self::default();
        for has in chunks.iter().filter_map(what) {
            share.could += 1;
            share.have += u64::from(has);
        }
        share
    }

    fn lost_to(self, other: Self) -> bool {
        let missing = other.have < other.could;
        missing && self.have > 0 && (self.have == self.could || other.have == 0)
    }
}

/// Findings about what `b` does not state and `a` does.
pub(super) fn findings(a: &Looked, b: &Looked) -> Vec<Finding> {
    // Without any statistics there is one finding about all of them.
    let any = b.columns.values().flatten().any(|it| it.statistics);
    let statistics = if any { statistics(a, b) } else { None };
    statistics.into_iter().chain(sorting(a, b)).collect()
}

fn statistics(a: &Looked, b: &Looked) -> Option<Finding> {
    let mut told: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut parts = Vec::new();
    let mut unordered = false;
    for (what, of) in
        [("bounds", (|it| it.bounds) as fn(&Laid) -> Option<bool>), ("null counts", |it| it.null_count)]
    {
        let mut names = Vec::new();
        for (column, ours) in &a.columns {
            let Some(theirs) = b.columns.get(column) else { continue };
            let (ours, share) = (Share::of(ours, of), Share::of(theirs, of));
            if ours.lost_to(share) {
                names.push(format!("{column:?}"));
                unordered |= what == "bounds" && theirs.iter().any(|it| it.orderless);
                told.entry(column).or_default().push(format!(
                    "{what} in {} of {} chunks of the baseline, in {} of {} of the candidate",
                    ours.have, ours.could, share.have, share.could
                ));
            }
        }
        if !names.is_empty() {
            let more = if names.len() > IN_MESSAGE { ", .." } else { "" };
            let count = counted(names.len() as u64, "column");
            names.truncate(IN_MESSAGE);
            parts.push(format!("{what} of {count} ({}{more})", names.join(", ")));
        }
    }
    if told.is_empty() {
        return None;
    }
    let why = if unordered {
        "; readers ignore bounds in a footer that does not state the order of their column"
    } else {
        ""
    };
    let message = format!("the baseline states {}, the candidate does not{why}", parts.join(" and "));
    let mut draft = finding(CHECK, STATISTICS, Severity::Warning, None, message).counting(told.len() as u64);
    if let (1, Some(column)) = (told.len(), told.keys().next()) {
        draft = draft.at(Place { column: Some((*column).to_owned()), ..Place::default() });
    }
    for (column, said) in told.iter().take(NAMED) {
        draft = draft.with(column, said.join("; "));
    }
    if told.len() > NAMED {
        draft = draft.with("columns not named here", told.len() - NAMED);
    }
    Some(draft)
}

/// The order that the baseline declares in every row group of more than one row.
fn sorting(a: &Looked, b: &Looked) -> Option<Finding> {
    if a.undeclared > 0 || a.sorting.is_empty() {
        return None;
    }
    let ours: Vec<&str> = a.sorting.keys().map(String::as_str).collect();
    let declared = |words: &String| {
        let further =
            |ours: &&&str| words.strip_prefix(**ours).is_some_and(|it| it.is_empty() || it.starts_with(", "));
        ours.iter().any(|ours| further(&ours))
    };
    let other = b.sorting.keys().find(|words| !declared(words));
    let message = match other {
        Some(other) => format!(
            "the baseline declares that rows are sorted by {}, the candidate by {other}",
            ours.join(" or by ")
        ),
        None if b.undeclared > 0 => format!(
            "the baseline declares that rows are sorted by {}, the candidate declares no order in {}",
            ours.join(" or by "),
            counted(b.undeclared, "row group")
        ),
        None => return None,
    };
    Some(finding(CHECK, SORTING, Severity::Warning, None, message))
}
