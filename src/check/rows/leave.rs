//! Who is left: equal rows cancel, and what is left is brought into groups of one row key. Streams in, streams out; nothing is held
//! but the rows of one class that differ within a tolerance.

use super::record::{Entry, Grouped, Hashed, Keyed, Known, Left, Size, Spot};
use crate::error::Result;
use crate::spill::{Sorted, Sorter, Spill};

/// Rows of one class a side that are held; more of them go through a sorter.
const HELD: usize = 4_096;

/// Takes away what both sides hold alike, as often as both hold it.
///
/// With `tolerant`, rows of one class cancel only if they agree altogether, row for row: whoever is left may find a partner
/// within tolerance that an early cancellation would have taken away.
///
/// `look` sees every row of the candidate that is left, in the order of its hashes, and says what is known of it.
pub(super) fn cancel<'a>(
    spill: &'a Spill,
    mut a: Sorted<'a, Hashed>,
    mut b: Sorted<'a, Hashed>,
    tolerant: bool,
    look: Look<'_>,
) -> Result<(Sorter<'a, Left>, Sorter<'a, Left>)> {
    let (mut left_a, mut left_b) = (Sorter::new(spill), Sorter::new(spill));
    // The class of which rows were cancelled last: of it the baseline holds a row.
    let mut cancelled = None;
    loop {
        let (first_a, first_b) = (a.peek().map(|it| it.class), b.peek().map(|it| it.class));
        let class = match (first_a, first_b) {
            (None, None) => return Ok((left_a, left_b)),
            (Some(a), Some(b)) => a.min(b),
            (Some(class), None) | (None, Some(class)) => class,
        };
        let (in_a, in_b) = (first_a == Some(class), first_b == Some(class));
        if tolerant && in_a && in_b {
            let mut stretches = (Stretch::new(spill), Stretch::new(spill));
            if !alike(class, &mut a, &mut b, &mut stretches)? {
                keep(stretches, &mut left_a, &mut left_b, look)?;
            }
            continue;
        }
        match (in_a.then(|| a.next()).transpose()?.flatten(), in_b.then(|| b.next()).transpose()?.flatten()) {
            (Some(_), Some(_)) => cancelled = Some(class),
            (Some(row), None) => left_a.push(Left { spot: row.spot, known: Known::No })?,
            (None, Some(row)) => {
                let known = look(&row, doubled(cancelled == Some(class)))?;
                left_b.push(Left { spot: row.spot, known })?;
            }
            (None, None) => {}
        }
    }
}

/// Says what is known of a row of the candidate that is left, given what is known already.
pub(super) type Look<'l> = &'l mut dyn FnMut(&Hashed, Known) -> Result<Known>;

fn doubled(doubled: bool) -> Known {
    if doubled { Known::Doubled } else { Known::No }
}

/// Takes all rows of a class and tells whether both sides hold the same.
fn alike(
    class: u128,
    a: &mut Sorted<'_, Hashed>,
    b: &mut Sorted<'_, Hashed>,
    stretches: &mut (Stretch<'_>, Stretch<'_>),
) -> Result<bool> {
    let mut alike = true;
    loop {
        let of_class = |side: &mut Sorted<'_, Hashed>| match side.peek() {
            Some(row) if row.class == class => side.next(),
            _ => Ok(None),
        };
        let (x, y) = (of_class(a)?, of_class(b)?);
        if x.is_none() && y.is_none() {
            return Ok(alike);
        }
        alike &= x.map(|it| it.full) == y.map(|it| it.full);
        x.map_or(Ok(()), |row| stretches.0.push(row))?;
        y.map_or(Ok(()), |row| stretches.1.push(row))?;
    }
}

/// Keeps all rows of two stretches, and marks those of the candidate that the baseline holds too.
fn keep(
    (a, b): (Stretch<'_>, Stretch<'_>),
    left_a: &mut Sorter<'_, Left>,
    left_b: &mut Sorter<'_, Left>,
    look: Look<'_>,
) -> Result<()> {
    let (mut a, mut b) = (a.rows()?, b.rows()?);
    let mut next = a.next()?;
    let mut last = None;
    while let Some(row) = b.next()? {
        while let Some(before) = next.filter(|it| it.full <= row.full) {
            left_a.push(Left { spot: before.spot, known: Known::No })?;
            last = Some(before.full);
            next = a.next()?;
        }
        let known = look(&row, doubled(last == Some(row.full)))?;
        left_b.push(Left { spot: row.spot, known })?;
    }
    while let Some(row) = next {
        left_a.push(Left { spot: row.spot, known: Known::No })?;
        next = a.next()?;
    }
    Ok(())
}

/// Rows of one class, in order.
struct Stretch<'a> {
    spill: &'a Spill,
    few: Vec<Hashed>,
    more: Option<Sorter<'a, Hashed>>,
}

/// The same, to be taken out.
struct Rows<'a> {
    few: std::vec::IntoIter<Hashed>,
    more: Option<Sorted<'a, Hashed>>,
}

impl<'a> Stretch<'a> {
    fn new(spill: &'a Spill) -> Self {
        Self { spill, few: Vec::new(), more: None }
    }

    fn push(&mut self, row: Hashed) -> Result<()> {
        if self.few.len() < HELD {
            self.few.push(row);
            return Ok(());
        }
        self.more.get_or_insert_with(|| Sorter::new(self.spill)).push(row)
    }

    fn rows(self) -> Result<Rows<'a>> {
        Ok(Rows { few: self.few.into_iter(), more: self.more.map(Sorter::finish).transpose()? })
    }
}

impl Rows<'_> {
    fn next(&mut self) -> Result<Option<Hashed>> {
        match (self.few.next(), &mut self.more) {
            (Some(row), _) => Ok(Some(row)),
            (None, Some(more)) => more.next(),
            (None, None) => Ok(None),
        }
    }
}

/// Rows of keys that both sides hold, and rows of keys that one side holds.
pub(super) struct Groups<'a> {
    pub(super) sizes: Sorted<'a, Size>,
    pub(super) a: Sorted<'a, Grouped>,
    pub(super) b: Sorted<'a, Grouped>,
    pub(super) alone_a: Sorter<'a, Entry>,
    pub(super) alone_b: Sorter<'a, Entry>,
}

/// Groups what is left by row key, in reading order of the groups' first rows in the baseline.
pub(super) fn group<'a>(spill: &'a Spill, a: Sorter<'a, Keyed>, b: Sorter<'a, Keyed>) -> Result<Groups<'a>> {
    let (mut a, mut b) = (a.finish()?, b.finish()?);
    let (mut sizes, mut group_a, mut group_b) = (Sorter::new(spill), Sorter::new(spill), Sorter::new(spill));
    let (mut alone_a, mut alone_b) = (Sorter::new(spill), Sorter::new(spill));
    let class = |row: &Keyed| (row.alternative, row.key);
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (None, None) => break,
            (Some(x), Some(y)) if class(&x) == class(&y) => {
                let (class, group) = (class(&x), x.spot);
                let count_a = take(&mut a, class, group, &mut group_a)?;
                let count_b = take(&mut b, class, group, &mut group_b)?;
                sizes.push(Size { group, a: count_a, b: count_b })?;
            }
            (Some(x), y) if y.is_none_or(|y| class(&x) < class(&y)) => {
                alone_a.push(entry(&x))?;
                a.next()?;
            }
            (_, Some(y)) => {
                alone_b.push(entry(&y))?;
                b.next()?;
            }
            // Covered above: where only the baseline has a row, it is alone.
            (Some(_), None) => {}
        }
    }
    drop((a, b));
    Ok(Groups { sizes: sizes.finish()?, a: group_a.finish()?, b: group_b.finish()?, alone_a, alone_b })
}

fn entry(row: &Keyed) -> Entry {
    Entry { spot: row.spot, alternative: row.alternative, known: row.known }
}

/// Moves all rows of a key into their group.
fn take(
    rows: &mut Sorted<'_, Keyed>,
    class: (u16, u128),
    group: Spot,
    into: &mut Sorter<'_, Grouped>,
) -> Result<u64> {
    let mut count = 0;
    while let Some(row) = rows.peek().copied().filter(|row| (row.alternative, row.key) == class) {
        into.push(Grouped { group, entry: entry(&row) })?;
        rows.next()?;
        count += 1;
    }
    Ok(count)
}
