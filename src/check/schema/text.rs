//! Text that is not UTF-8: which column, how much of it, and where the first stands.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use reports::document::{Finding, Place, Role, Severity};

use super::CHECK;
use super::columns::{Column, count, name};
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding as draft};
use crate::output::stored::NOT_UTF8;

/// What is counted of a node.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Values that are not null.
    pub(super) values: u64,
    /// Those that should be UTF-8 and are not.
    pub(super) not_utf8: u64,
    /// Sum of their hashes: in any order the same.
    digest: u128,
}

impl Tally {
    /// Counts text that is not UTF-8 among the values of a leaf.
    pub(super) fn texts(&mut self, array: &ArrayRef, valid: Option<&NullBuffer>) {
        if *array.data_type() != NOT_UTF8 {
            return;
        }
        let texts = array.as_binary::<i64>();
        for row in (0..texts.len()).filter(|&row| valid.is_none_or(|valid| valid.is_valid(row))) {
            let text = texts.value(row);
            if std::str::from_utf8(text).is_err() {
                self.not_utf8 += 1;
                let hash = blake3::hash(text);
                let (halves, _) = hash.as_bytes().as_chunks::<16>();
                let half = halves.first().map_or(0, |it| u128::from_le_bytes(*it));
                self.digest = self.digest.wrapping_add(half);
            }
        }
    }
}

/// Text that is not UTF-8 in a node of a side.
#[derive(Debug, Clone)]
pub(super) struct NotUtf8 {
    values: u64,
    digest: u128,
    first: Place,
}

/// Adds what one more file holds, the first of it at `first`.
pub(super) fn add(known: &mut Option<NotUtf8>, tally: &Tally, first: Place) {
    let known = known.get_or_insert(NotUtf8 { values: 0, digest: 0, first });
    known.values += tally.not_utf8;
    known.digest = known.digest.wrapping_add(tally.digest);
}

/// The first row of an array whose node number `node` holds text that is not UTF-8.
pub(super) fn first_row(array: &ArrayRef, node: usize) -> u64 {
    let holds = |row: usize| {
        let mut tallies = vec![Tally::default(); node + 1];
        count(&array.slice(row, 1), None, &mut tallies, &mut 0);
        tallies[node].not_utf8 > 0
    };
    (0..array.len()).find(|&row| holds(row)).unwrap_or(0) as u64
}

/// The finding about a node of both sides, where one of them holds such text.
pub(super) fn finding(path: &[String], a: Option<&Column>, b: Option<&Column>) -> Option<Finding> {
    let of = |side: Option<&Column>| side.and_then(|column| column.not_utf8.clone());
    let (a, b) = (of(a), of(b));
    let same = a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| (a.values, a.digest) == (b.values, b.digest));
    let (severity, role, found, more) = match (a, b) {
        (_, Some(b)) if same => (Severity::Info, None, b, ", and byte for byte the same in the baseline"),
        (_, Some(b)) => (Severity::Blocker, Some(Role::Candidate), b, ""),
        (Some(a), None) => (Severity::Info, Some(Role::Baseline), a, ""),
        (None, None) => return None,
    };
    let message = format!(
        "text column {:?} holds {} that {} not UTF-8, the first in row {} of {}{more}",
        name(path),
        counted(found.values, "value"),
        if found.values == 1 { "is" } else { "are" },
        found.first.row.unwrap_or(0),
        found.first.file.as_deref().unwrap_or("the output"),
    );
    Some(draft(CHECK, "schema.not_utf8", severity, role, message).at(found.first).counting(found.values))
}
