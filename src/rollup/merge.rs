//! The rules by which rows become points.
//!
//! 1. The group with the lowest key over all inputs is taken; its rows come input after input, each in row order.
//! 2. A row alone in its group needs a time in range, which is aligned; it passes as it is.
//! 3. In a larger group a row must have, in this order: a time, in range, a name, a sketch that can be merged. An empty sketch
//!    with a count of 1 and a sum stands for that one value; where no sketch can hold the value, the row contributes nothing and
//!    still counts as a contribution.
//! 4. Rows of one aligned time and name are one point. A point of one row is that row; one of more has the sum of their
//!    sketches. A point whose sketches add up to nothing is dropped with all its rows.
//!
//! Where it is asked for, points that damaged sketches touch are worked out by both ways of decoding, side by side: from the
//! first such row on, such a point grows twice.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::Model;
use super::account::{Account, Counts};
use super::input::{Cursor, Row};
use super::row::{Cells, bytes_hash, key_hash};
use super::sketch::{Decoding, Sketch};
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

/// By which ways of decoding sketches a point is there. They part only where damaged sketches are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// By both, and the same.
    Both,
    /// So by the strict one.
    Strict,
    /// So by the original's (defect H).
    Lenient,
}

impl Reading {
    /// True where the point is there by this way of decoding.
    #[must_use]
    pub fn is_of(self, decoding: Decoding) -> bool {
        match self {
            Self::Both => true,
            Self::Strict => decoding == Decoding::Strict,
            Self::Lenient => decoding == Decoding::Lenient,
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
    /// By which ways of decoding it is so.
    pub reading: Reading,
}

/// Aligned time and name of a point of a group.
type Key = (i64, Arc<str>);

/// What a row's sketch is, or why the row is dropped.
type Read = Result<Sketch, &'static str>;

/// A point in the making.
#[derive(Clone)]
struct Growing {
    rows: u64,
    origin: (usize, u64),
    stored: u128,
    cells: Cells,
    sketch: Sketch,
}

impl Growing {
    /// Adds a row to a point.
    fn grow(point: &mut Option<Self>, row: &Row, sketch: Sketch) {
        match point {
            Some(point) => {
                point.rows += 1;
                point.sketch.add(&sketch);
            }
            None => {
                let stored = bytes_hash(row.sketch.as_deref());
                *point = Some(Self { rows: 1, origin: row.origin, stored, cells: row.cells.clone(), sketch });
            }
        }
    }

    /// Counts the rows of a finished point. False where their sketches add up to nothing: they are dropped.
    fn counted(&self, counts: &mut Counts) -> bool {
        if self.rows == 1 {
            counts.single += 1;
        } else if self.sketch.is_empty() {
            counts.drop(EMPTY_MERGE, self.rows);
            return false;
        } else {
            counts.merged_in += self.rows;
            counts.merged_out += 1;
        }
        true
    }

    fn finished(self, group: i64, (time, name): Key, reading: Reading) -> Point {
        let merged = self.rows > 1;
        Point {
            key: key_hash(group, time, Some(&name)),
            group,
            time,
            name: Some(name),
            kind: if merged { Kind::Merged } else { Kind::Single },
            origin: self.origin,
            stored: self.stored,
            merged: merged.then_some(self.sketch),
            cells: self.cells,
            reading,
        }
    }
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
        let (mut account, mut lenient) = (Account::default(), Account::default());
        while let Some(&Reverse((group, _))) = heap.peek() {
            let mut gathered = Group::new(self);
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
            account.damaged += gathered.damaged;
            let counts = gathered.finish(group, &mut visit);
            for (account, counts) in [&mut account, &mut lenient].into_iter().zip(&counts) {
                account.all.add(counts);
                if group == i64::MAX {
                    account.highest.add(counts);
                }
            }
        }
        account.lenient = (account.damaged > 0).then(|| Box::new(lenient));
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

    /// What a row of a larger group adds to its point, and what it adds by the original's way of decoding where that is something
    /// else; or why the row is dropped.
    fn contribution(&self, row: &Row) -> Result<(Key, Read, Option<Read>), &'static str> {
        let time = self.time(row)?;
        let name = row.name.as_ref().ok_or(MISSING_NAME)?;
        let key = (time, Arc::clone(name));
        let stored = row.sketch.as_ref().ok_or(MISSING_SKETCH)?;
        if stored.is_empty() {
            return match (row.cells.get(COUNT), row.cells.get(SUM)) {
                (Some(1.0), Some(sum)) => {
                    Ok((key, Ok(Sketch::of(sum, &self.mapping).unwrap_or_default()), None))
                }
                _ => Err(EMPTY_SKETCH),
            };
        }
        let (strict, lenient) = if self.lenient {
            Sketch::decode_both(stored, &self.mapping)
        } else {
            (Sketch::decode(stored, &self.mapping), None)
        };
        let read = |decoded: Result<Sketch, _>| decoded.map_err(|_| UNDECODABLE_SKETCH);
        Ok((key, read(strict), lenient.map(read)))
    }
}

/// One group while its rows come in.
struct Group<'a> {
    model: &'a Model,
    /// The first row, as long as no other has come.
    first: Option<Row>,
    growing: BTreeMap<Key, Option<Growing>>,
    /// What the original's way of decoding makes of the points that damaged sketches touch.
    parted: BTreeMap<Key, Option<Growing>>,
    /// Rows with such a sketch.
    damaged: u64,
    /// Strict, then lenient.
    counts: [Counts; 2],
}

impl<'a> Group<'a> {
    fn new(model: &'a Model) -> Self {
        Self {
            model,
            first: None,
            growing: BTreeMap::new(),
            parted: BTreeMap::new(),
            damaged: 0,
            counts: <[Counts; 2]>::default(),
        }
    }

    fn take(&mut self, row: Row) {
        self.counts.iter_mut().for_each(|counts| counts.rows_in += 1);
        if self.counts[0].rows_in == 1 {
            self.first = Some(row);
            return;
        }
        if let Some(first) = self.first.take() {
            self.contribute(&first);
        }
        self.contribute(&row);
    }

    fn contribute(&mut self, row: &Row) {
        let (key, strict, lenient) = match self.model.contribution(row) {
            Ok(contribution) => contribution,
            Err(reason) => {
                self.counts.iter_mut().for_each(|counts| counts.drop(reason, 1));
                return;
            }
        };
        if lenient.is_some() {
            self.damaged += 1;
            if !self.parted.contains_key(&key) {
                let so_far = self.growing.get(&key).cloned().flatten();
                self.parted.insert(key.clone(), so_far);
            }
        }
        let [of_strict, of_lenient] = &mut self.counts;
        match (lenient.as_ref().unwrap_or(&strict), self.parted.get_mut(&key)) {
            (Err(reason), _) => of_lenient.drop(reason, 1),
            (Ok(sketch), Some(point)) => Growing::grow(point, row, sketch.clone()),
            // The same point by both ways.
            (Ok(_), None) => {}
        }
        match strict {
            Err(reason) => of_strict.drop(reason, 1),
            Ok(sketch) => Growing::grow(self.growing.entry(key).or_default(), row, sketch),
        }
    }

    /// Hands over the points of the group. Returns what became of its rows, by each way of decoding.
    fn finish(mut self, group: i64, visit: &mut impl FnMut(Point)) -> [Counts; 2] {
        if let Some(row) = self.first.take() {
            match self.model.time(&row) {
                Err(reason) => self.counts.iter_mut().for_each(|counts| counts.drop(reason, 1)),
                Ok(time) => {
                    self.counts.iter_mut().for_each(|counts| counts.lone += 1);
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
                        reading: Reading::Both,
                    });
                }
            }
            return self.counts;
        }
        let [of_strict, of_lenient] = &mut self.counts;
        for (key, grown) in self.growing {
            let Some(grown) = grown else { continue };
            let parted = self.parted.contains_key(&key);
            let kept = grown.counted(of_strict);
            if !parted {
                grown.counted(of_lenient);
            }
            if kept {
                visit(grown.finished(group, key, if parted { Reading::Strict } else { Reading::Both }));
            }
        }
        for (key, grown) in self.parted {
            if let Some(grown) = grown.filter(|grown| grown.counted(of_lenient)) {
                visit(grown.finished(group, key, Reading::Lenient));
            }
        }
        self.counts
    }
}
