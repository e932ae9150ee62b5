//! The rules by which rows become points.
//!
//! 1. The group with the lowest key over all inputs is taken; its rows come input after input, each in row order.
//! 2. A row alone in its group needs a time in range, which is aligned; it passes as it is.
//! 3. In a larger group a row must have, in this order: a time, in range, a name, a sketch that can be merged. An empty sketch
//!    with a count of 1 and a sum stands for that one value; where no sketch can hold the value, the row contributes nothing and
//!    still counts as a contribution.
//! 4. Rows of one aligned time and name are one point. A point of one row is that row; one of more has the sum of their
//!    sketches. A point whose sketches add up to nothing is dropped with all its rows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::Model;
use super::account::{Account, Counts};
use super::input::{Cursor, Row};
use super::row::{Cells, bytes_hash, key_hash};
use super::sketch::Sketch;
use crate::cancel::Cancel;
use crate::error::Error;

/// Reason of a dropped row: no time.
pub const MISSING_TIMESTAMP: &str = "missing_timestamp";
/// Reason of a dropped row: the time lies outside the job's range.
pub const OUT_OF_RANGE: &str = "out_of_range";
/// Reason of a dropped row: no name.
pub const MISSING_NAME: &str = "missing_name";
/// Reason of a dropped row: no sketch.
pub const MISSING_SKETCH: &str = "missing_sketch";
/// Reason of a dropped row: an empty sketch that stands for no single value.
pub const EMPTY_SKETCH: &str = "empty_sketch";
/// Reason of a dropped row: bytes that are no sketch, or one of another accuracy.
pub const UNDECODABLE_SKETCH: &str = "undecodable_sketch";
/// Reason of dropped rows: their sketches add up to nothing.
pub const EMPTY_MERGE: &str = "empty_merge";

/// Positions in [`Cells`] of the columns that the rules look at.
const COUNT: usize = 0;
const SUM: usize = 1;

/// Why a merge was not worked out.
#[derive(Debug)]
pub enum Stop {
    /// The inputs do not allow it.
    NoModel(String),
    /// It could not be done.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// How a point came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The only row of its group.
    Lone,
    /// The only contribution in a larger group.
    Single,
    /// Made of more than one row.
    Merged,
}

impl Kind {
    /// For messages.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Lone => "alone in its group",
            Self::Single => "not merged",
            Self::Merged => "merged",
        }
    }
}

/// A row that the output must hold.
#[derive(Debug)]
pub struct Point {
    /// Hash of group, time and name.
    pub key: u128,
    /// Group key.
    pub group: i64,
    /// Aligned time.
    pub time: i64,
    /// Name; only a lone row can be without one.
    pub name: Option<Arc<str>>,
    /// How it came about.
    pub kind: Kind,
    /// Its first row: number of the input, and the row in it.
    pub origin: (usize, u64),
    /// Hash of the stored sketch of its first row.
    pub stored: u128,
    /// The merged sketch; only for a merged point.
    pub merged: Option<Sketch>,
    /// Rollup values of its first row.
    pub cells: Cells,
}

/// A point in the making.
struct Growing {
    rows: u64,
    origin: (usize, u64),
    stored: u128,
    cells: Cells,
    sketch: Sketch,
}

impl Model {
    /// Works out the merge: hands every point to `visit`, by ascending group, and returns the account.
    ///
    /// # Errors
    /// Why there is no model after all, or what could not be done.
    pub fn run(&self, cancel: &Cancel, mut visit: impl FnMut(Point)) -> Result<Account, Stop> {
        let mut cursors = Vec::with_capacity(self.inputs.len());
        for (number, input) in self.inputs.iter().enumerate() {
            cursors.push(Cursor::open(self, number, input, cancel)?);
        }
        let mut heap: BinaryHeap<Reverse<(i64, usize)>> = cursors
            .iter()
            .enumerate()
            .filter_map(|(number, cursor)| Some(Reverse((cursor.group()?, number))))
            .collect();
        let mut account = Account::default();
        while let Some(&Reverse((group, _))) = heap.peek() {
            let mut gathered =
                Group { model: self, first: None, growing: BTreeMap::new(), counts: Counts::default() };
            while let Some(&Reverse((next, number))) = heap.peek()
                && next == group
            {
                heap.pop();
                let cursor = &mut cursors[number];
                while cursor.group() == Some(group) {
                    if let Some(row) = cursor.take(cancel)? {
                        gathered.take(row);
                    }
                }
                if let Some(group) = cursor.group() {
                    heap.push(Reverse((group, number)));
                }
            }
            let counts = gathered.finish(group, &mut visit);
            account.all.add(&counts);
            if group == i64::MAX {
                account.highest.add(&counts);
            }
        }
        Ok(account)
    }

    /// The aligned time of a row, or why the row is dropped.
    fn time(&self, row: &Row) -> Result<i64, &'static str> {
        let time = row.time.ok_or(MISSING_TIMESTAMP)?;
        if time < self.start || time >= self.end {
            return Err(OUT_OF_RANGE);
        }
        Ok(self.aligned(time))
    }

    /// What a row of a larger group adds to its point, or why it is dropped.
    fn contribution(&self, row: &Row) -> Result<(i64, Arc<str>, Sketch), &'static str> {
        let time = self.time(row)?;
        let name = row.name.as_ref().ok_or(MISSING_NAME)?;
        let stored = row.sketch.as_ref().ok_or(MISSING_SKETCH)?;
        let sketch = if stored.is_empty() {
            match (row.cells.get(COUNT), row.cells.get(SUM)) {
                (Some(1.0), Some(sum)) => Sketch::of(sum, &self.mapping).unwrap_or_default(),
                _ => return Err(EMPTY_SKETCH),
            }
        } else {
            Sketch::decode(stored, &self.mapping).map_err(|_| UNDECODABLE_SKETCH)?
        };
        Ok((time, Arc::clone(name), sketch))
    }
}

/// One group while its rows come in.
struct Group<'a> {
    model: &'a Model,
    /// The first row, as long as no other has come.
    first: Option<Row>,
    growing: BTreeMap<(i64, Arc<str>), Growing>,
    counts: Counts,
}

impl Group<'_> {
    fn take(&mut self, row: Row) {
        self.counts.rows_in += 1;
        if self.counts.rows_in == 1 {
            self.first = Some(row);
            return;
        }
        if let Some(first) = self.first.take() {
            self.contribute(&first);
        }
        self.contribute(&row);
    }

    fn contribute(&mut self, row: &Row) {
        match self.model.contribution(row) {
            Err(reason) => self.counts.drop(reason, 1),
            Ok((time, name, sketch)) => match self.growing.entry((time, name)) {
                std::collections::btree_map::Entry::Occupied(mut point) => {
                    let point = point.get_mut();
                    point.rows += 1;
                    point.sketch.add(&sketch);
                }
                std::collections::btree_map::Entry::Vacant(place) => {
                    let stored = bytes_hash(row.sketch.as_deref());
                    place.insert(Growing {
                        rows: 1,
                        origin: row.origin,
                        stored,
                        cells: row.cells.clone(),
                        sketch,
                    });
                }
            },
        }
    }

    fn finish(mut self, group: i64, visit: &mut impl FnMut(Point)) -> Counts {
        if let Some(row) = self.first.take() {
            match self.model.time(&row) {
                Err(reason) => self.counts.drop(reason, 1),
                Ok(time) => {
                    self.counts.lone += 1;
                    visit(Point {
                        key: key_hash(group, time, row.name.as_deref()),
                        group,
                        time,
                        kind: Kind::Lone,
                        origin: row.origin,
                        stored: bytes_hash(row.sketch.as_deref()),
                        merged: None,
                        cells: row.cells,
                        name: row.name,
                    });
                }
            }
            return self.counts;
        }
        for ((time, name), grown) in self.growing {
            let merged = grown.rows > 1;
            if merged && grown.sketch.is_empty() {
                self.counts.drop(EMPTY_MERGE, grown.rows);
                continue;
            }
            if merged {
                self.counts.merged_in += grown.rows;
                self.counts.merged_out += 1;
            } else {
                self.counts.single += 1;
            }
            visit(Point {
                key: key_hash(group, time, Some(&name)),
                group,
                time,
                name: Some(name),
                kind: if merged { Kind::Merged } else { Kind::Single },
                origin: grown.origin,
                stored: grown.stored,
                merged: merged.then_some(grown.sketch),
                cells: grown.cells,
            });
        }
        self.counts
    }
}
