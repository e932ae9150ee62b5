//! From the rows of differing buckets to counts, samples and the file of differences.
//!
//! 1. Equal rows cancel. Of the rest the row keys are read, and rows of one key form a group (see `leave`).
//! 2. The groups come in the order of the baseline's rows. Some thousand rows at a time are fetched on both sides, paired and
//!    counted (see `pair`).
//! 3. Rows without a partner come last, in reading order.
//!
//! Every list of rows goes through a sorter that spills (`crate::spill`): what is held are the fetched rows of one block (see
//! `block`).

use super::Failure;
use super::block::Blocks;
use super::damaged::Damaged;
use super::fetch::Source;
use super::highest::Places;
use super::noise::{Judged, Noise};
use super::pair::{self, Group};
use super::record::{Entry, Grouped, Hashed, Known, Spot};
use super::tally::{At, NOISE, REPRODUCED, SAMPLE_LIMIT, Tally, Unpaired};
use super::{leave, stream};
use crate::check::KnownDefect;
use crate::error::{Error, Result};
use crate::spill::{Sorted, Sorter, Spill};
use reports::document::Role;

/// What the differences are wanted for.
pub(super) enum Purpose<'n, 'a> {
    /// To be told. What the baseline does not reproduce itself is set apart, where that is known.
    Sides(Option<&'n mut Noise<'a>>),
    /// The second side is another run of the first: to know what is noise.
    Runs(&'n mut Noise<'a>),
}

/// Rows that known defects of the baseline explain exactly.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    /// Rows of the candidate that the baseline loses (defect D).
    pub(super) lost: Places,
    /// Rows of points that damaged sketches touch (defect H).
    pub(super) damaged: Damaged,
}

/// Both sides, where rows that find no partner go, and what is counted.
struct Work<'a, 'b, 'n> {
    a: &'b Source<'b>,
    b: &'b Source<'b>,
    spill: &'a Spill,
    alone_a: Sorter<'a, Entry>,
    alone_b: Sorter<'a, Entry>,
    purpose: Purpose<'n, 'a>,
    excuses: &'b Excuses,
    tally: &'b mut Tally,
}

/// Pairs the rows of differing buckets and counts what changed. Returns how many keys were paired greedily.
#[expect(clippy::too_many_arguments, reason = "each is another thing, and they are nowhere else together")]
pub(super) fn attribute<'a>(
    source_a: &Source<'_>,
    source_b: &Source<'_>,
    spill: &'a Spill,
    rows_a: Sorter<'a, Hashed>,
    rows_b: Sorter<'a, Hashed>,
    excuses: &Excuses,
    mut purpose: Purpose<'_, 'a>,
    tally: &mut Tally,
) -> std::result::Result<u64, Failure> {
    let tolerant = !source_a.scan.comparison.tolerances.is_empty();
    let mut look = |row: &Hashed, known: Known| match &mut purpose {
        Purpose::Sides(Some(noise)) | Purpose::Runs(noise) => noise.look(row, known),
        Purpose::Sides(None) => Ok(known),
    };
    let (left_a, left_b) = leave::cancel(spill, rows_a.finish()?, rows_b.finish()?, tolerant, &mut look)?;
    let (keyed_a, keyed_b) = rayon::join(
        || source_a.scan.keys(source_a.side, &source_a.views, left_a.finish()?, spill),
        || source_b.scan.keys(source_b.side, &source_b.views, left_b.finish()?, spill),
    );
    let (keyed_a, keyed_b) = (keyed_a?, keyed_b?);
    let leave::Groups { mut sizes, mut a, mut b, alone_a, alone_b } = leave::group(spill, keyed_a, keyed_b)?;
    let mut work = Work { a: source_a, b: source_b, spill, alone_a, alone_b, purpose, excuses, tally };
    let mut greedy_groups = 0;
    let Blocks { exact, piece, budget } = blocks(source_a, source_b, spill.memory().limit());
    let mut block: Vec<Group> = Vec::new();
    let mut rows = 0;
    while let Some(size) = sizes.next()? {
        source_a.scan.cancel.check()?;
        let larger = size.a.max(size.b);
        if larger > exact as u64 {
            greedy_groups += 1;
            let blocks = larger.div_ceil(piece as u64);
            for number in 0..blocks {
                // By share and not by position: where one side has more rows, both lists still run side by side.
                let share = |rows: u64| share(rows, number + 1, blocks) - share(rows, number, blocks);
                let a = take(&mut a, size.group, share(size.a))?;
                let b = take(&mut b, size.group, share(size.b))?;
                work.settle(&[Group { a, b }], true)?;
            }
        } else {
            let a = take(&mut a, size.group, size.a)?;
            let b = take(&mut b, size.group, size.b)?;
            rows += a.len().max(b.len());
            block.push(Group { a, b });
            if rows >= budget {
                work.settle(&std::mem::take(&mut block), false)?;
                rows = 0;
            }
        }
    }
    work.settle(&block, false)?;
    drop((sizes, a, b, block));
    work.rest(budget)?;
    Ok(greedy_groups)
}

/// Where the first `number` of `blocks` equal shares of `rows` end.
fn share(rows: u64, number: u64, blocks: u64) -> u64 {
    let end = u128::from(rows) * u128::from(number) / u128::from(blocks.max(1));
    u64::try_from(end).unwrap_or(rows)
}

/// The next `count` rows of a group.
fn take(rows: &mut Sorted<'_, Grouped>, group: Spot, count: u64) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for _ in 0..count {
        match rows.next()? {
            Some(row) if row.group == group => entries.push(row.entry),
            _ => return Err(Error::internal("a group of rows is smaller than was counted")),
        }
    }
    Ok(entries)
}

/// Bytes of a decoded row, by the size that the footers announce, with room for what decoding adds.
fn per_row(source: &Source<'_>) -> u64 {
    let output = &source.side.output;
    let groups = output.files.iter().flat_map(|file| file.metadata.row_groups());
    let bytes: u64 = groups.map(|group| u64::try_from(group.total_byte_size()).unwrap_or(0)).sum();
    (bytes / output.rows().max(1)).max(16) * 2
}

/// The same with what is held of each cell.
fn fetched(source: &Source<'_>) -> u64 {
    Blocks::row(source.columns.len(), per_row(source))
}

/// Rows that are fetched and paired at a time.
pub(super) fn blocks(a: &Source<'_>, b: &Source<'_>, limit: u64) -> Blocks {
    Blocks::of(a.columns.len(), per_row(a).max(per_row(b)), limit)
}

impl Work<'_, '_, '_> {
    /// Fetches the rows of some groups, pairs them and counts.
    fn settle(&mut self, groups: &[Group], greedy: bool) -> std::result::Result<(), Failure> {
        let all = |side: fn(&Group) -> &Vec<Entry>| groups.iter().flat_map(side).copied().collect::<Vec<_>>();
        let (wanted_a, wanted_b) = (all(|group| &group.a), all(|group| &group.b));
        let memory = self.spill.memory();
        let bytes = wanted_a.len() as u64 * fetched(self.a) + wanted_b.len() as u64 * fetched(self.b);
        let room = memory.fetch_limit() / 4;
        let held = memory.fetching(bytes);
        let rows_a = self.a.load(&wanted_a, room)?;
        let rows_b = self.b.load(&wanted_b, room)?;
        let whole = rows_a.whole && rows_b.whole;
        if !whole && groups.len() > 1 {
            // Fewer at a time: the footers promised smaller values than there are.
            drop((rows_a, rows_b, held));
            let (first, second) = groups.split_at(groups.len() / 2);
            self.settle(first, greedy)?;
            return self.settle(second, greedy);
        }
        for group in groups {
            let pairs = pair::pair(self.a, &group.a, &group.b, &rows_a, &rows_b, greedy)?;
            let mut free_a = vec![true; group.a.len()];
            let mut free_b = vec![true; group.b.len()];
            for (i, j) in pairs {
                free_a[i] = false;
                free_b[j] = false;
                let a = At { source: self.a, entry: &group.a[i], row: rows_a.row(&group.a[i])? };
                let b = At { source: self.b, entry: &group.b[j], row: rows_b.row(&group.b[j])? };
                let changed = self.a.changed(a.row, b.row);
                if !whole && !changed.is_empty() {
                    // The values of this pair alone.
                    let one_a = self.a.load(std::slice::from_ref(a.entry), u64::MAX)?;
                    let one_b = self.b.load(std::slice::from_ref(b.entry), u64::MAX)?;
                    let a = At { row: one_a.row(a.entry)?, ..a };
                    let b = At { row: one_b.row(b.entry)?, ..b };
                    self.differ(a, b, &changed)?;
                    continue;
                }
                self.differ(a, b, &changed)?;
            }
            for (entry, _) in group.a.iter().zip(&free_a).filter(|(_, free)| **free) {
                self.alone_a.push(*entry)?;
            }
            for (entry, _) in group.b.iter().zip(&free_b).filter(|(_, free)| **free) {
                self.alone_b.push(*entry)?;
            }
        }
        Ok(())
    }

    /// Counts a pair and hands it over, or learns from it.
    fn differ(&mut self, a: At<'_>, b: At<'_>, changed: &[usize]) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let (names, tally) = (a.source.columns, &mut *self.tally);
        let judged = match &mut self.purpose {
            Purpose::Runs(noise) => {
                return noise.changed(a.entry.spot, changed.iter().map(|&column| &names[column]));
            }
            Purpose::Sides(_) if self.excuses.damaged.pair(a.entry.spot, b.entry.spot) => {
                tally.damaged_pair(a, b, changed);
                stream::pair(a, b, changed, None, Some(KnownDefect::DamagedSketchesMerged));
                return Ok(());
            }
            Purpose::Sides(None) => None,
            Purpose::Sides(Some(noise)) => Some(noise.pair(a.entry.spot, b.entry.known, changed, names)?),
        };
        match judged {
            None => {
                tally.pair(a, b, changed);
                stream::pair(a, b, changed, None, None);
            }
            Some(Judged::Real(real)) => {
                tally.pair(a, b, &real);
                stream::pair(a, b, &real, None, None);
            }
            Some(Judged::Reproduced) => {
                tally.aside.baseline += 1;
                tally.aside.reproduced += 1;
                stream::pair(a, b, changed, Some(REPRODUCED), None);
            }
            Some(Judged::Undecided) => {
                tally.aside.baseline += 1;
                tally.aside.changed += 1;
                for &column in changed {
                    *tally.aside.columns.entry(names[column].clone()).or_default() += 1;
                }
                stream::pair(a, b, changed, Some(NOISE), None);
            }
        }
        Ok(())
    }

    /// Counts the rows that found no partner, and hands them over: missing, then extra, then those that are set apart.
    fn rest(self, budget: usize) -> std::result::Result<(), Failure> {
        let Self { a, b, spill, alone_a, alone_b, purpose, excuses: Excuses { lost, damaged }, tally } = self;
        let noise = match purpose {
            Purpose::Runs(noise) => {
                tally.extra = alone_b.count();
                let mut missing = alone_a.finish()?;
                while let Some(entry) = missing.next()? {
                    noise.absent(entry.spot)?;
                }
                return Ok(());
            }
            Purpose::Sides(noise) => noise,
        };
        let noise = noise.as_deref();
        let (mut missing, missing_damaged) = parted(spill, alone_a, damaged, Role::Baseline)?;
        let mut aside = Aside::new(spill);
        if let Some(noise) = noise {
            missing = aside.part(missing, |entry| noise.missing(entry.spot))?;
        }
        tally.damaged.missing = missing_damaged.count();
        tally.missing = missing.count() + tally.damaged.missing;
        tally.aside.baseline += aside.count();
        let mut missing = missing.finish()?;
        alone(a, spill, Unpaired::Missing, budget, tally, || missing.next())?;
        drop(missing);
        aside.tell(a, true, budget, tally)?;
        let mut missing = missing_damaged.finish()?;
        alone(a, spill, Unpaired::Damaged { missing: true }, budget, tally, || missing.next())?;
        drop(missing);
        let (alone_b, extra_damaged) = parted(spill, alone_b, damaged, Role::Candidate)?;
        let (mut extra, mut excused, mut unseen) = (Sorter::new(spill), Vec::new(), 0);
        let mut all = alone_b.finish()?;
        while let Some(entry) = all.next()? {
            if lost.contains(&entry.spot) {
                excused.push(entry);
            } else {
                unseen += u64::from(entry.known != Known::Rerun);
                extra.push(entry)?;
            }
        }
        drop(all);
        // Excused are all of the rows or none: where one of them was paired with another row, something else is wrong.
        if excused.len() != lost.len() {
            unseen += excused.len() as u64;
            excused.drain(..).try_for_each(|entry| extra.push(entry))?;
        }
        let mut aside = Aside::new(spill);
        if let Some(noise) = noise {
            extra = aside.part(extra, |entry| Ok(noise.extra(entry.known, unseen)))?;
        }
        tally.excused = excused.len() as u64;
        tally.damaged.extra = extra_damaged.count();
        tally.extra = extra.count() + tally.excused + tally.damaged.extra;
        let mut extra = extra.finish()?;
        alone(b, spill, Unpaired::Extra, budget, tally, || extra.next())?;
        drop(extra);
        aside.tell(b, false, budget, tally)?;
        let mut damaged = extra_damaged.finish()?;
        alone(b, spill, Unpaired::Damaged { missing: false }, budget, tally, || damaged.next())?;
        let mut excused = excused.into_iter();
        alone(b, spill, Unpaired::Excused, budget, tally, || Ok(excused.next()))
    }
}

/// Parts the rows of a side: those that defect H does not excuse, and those that it does.
fn parted<'a>(
    spill: &'a Spill,
    rows: Sorter<'a, Entry>,
    damaged: &Damaged,
    role: Role,
) -> Result<(Sorter<'a, Entry>, Sorter<'a, Entry>)> {
    if damaged.rows(role).next().is_none() {
        return Ok((rows, Sorter::new(spill)));
    }
    let (mut rest, mut found) = (Sorter::new(spill), Sorter::new(spill));
    let mut rows = rows.finish()?;
    while let Some(entry) = rows.next()? {
        if damaged.holds(role, entry.spot) { found.push(entry)? } else { rest.push(entry)? }
    }
    Ok((rest, found))
}

/// Rows without a counterpart that are set apart.
struct Aside<'a> {
    spill: &'a Spill,
    reproduced: Sorter<'a, Entry>,
    undecided: Sorter<'a, Entry>,
}

impl<'a> Aside<'a> {
    fn new(spill: &'a Spill) -> Self {
        Self { spill, reproduced: Sorter::new(spill), undecided: Sorter::new(spill) }
    }

    fn count(&self) -> u64 {
        self.reproduced.count() + self.undecided.count()
    }

    /// Takes those out that are set apart, and gives back the rest.
    fn part(
        &mut self,
        rows: Sorter<'a, Entry>,
        judge: impl Fn(&Entry) -> Result<Judged>,
    ) -> Result<Sorter<'a, Entry>> {
        let mut rows = rows.finish()?;
        let mut rest = Sorter::new(self.spill);
        while let Some(entry) = rows.next()? {
            match judge(&entry)? {
                Judged::Real(_) => rest.push(entry)?,
                Judged::Reproduced => self.reproduced.push(entry)?,
                Judged::Undecided => self.undecided.push(entry)?,
            }
        }
        Ok(rest)
    }

    /// Counts them and hands them over.
    fn tell(
        self,
        source: &Source<'_>,
        missing: bool,
        budget: usize,
        tally: &mut Tally,
    ) -> std::result::Result<(), Failure> {
        tally.aside.unpaired |= self.count() > 0;
        tally.aside.reproduced += self.reproduced.count();
        let undecided = if missing { &mut tally.aside.missing } else { &mut tally.aside.extra };
        *undecided += self.undecided.count();
        for (rows, code) in [(self.reproduced, REPRODUCED), (self.undecided, NOISE)] {
            let mut rows = rows.finish()?;
            alone(source, self.spill, Unpaired::Aside { missing, code }, budget, tally, || rows.next())?;
        }
        Ok(())
    }
}

/// Counts rows without a partner, and fetches and hands over those that are asked for.
fn alone(
    source: &Source<'_>,
    spill: &Spill,
    kind: Unpaired,
    budget: usize,
    tally: &mut Tally,
    mut next: impl FnMut() -> Result<Option<Entry>>,
) -> std::result::Result<(), Failure> {
    // Without a file of differences nobody asks for more rows than are shown.
    let wanted = if source.scan.differences.is_some() { usize::MAX } else { SAMPLE_LIMIT };
    let mut taken = 0;
    loop {
        source.scan.cancel.check()?;
        let mut block = Vec::new();
        while block.len() < budget
            && let Some(entry) = next()?
        {
            tally.duplicated += u64::from(kind == Unpaired::Extra && entry.known == Known::Doubled);
            block.push(entry);
        }
        if block.is_empty() {
            return Ok(());
        }
        let shown = &block[..block.len().min(wanted.saturating_sub(taken))];
        if !shown.is_empty() {
            let _room = spill.memory().fetching(shown.len() as u64 * fetched(source));
            let loaded = source.load(shown, spill.memory().fetch_limit() / 2)?;
            for (position, entry) in shown.iter().enumerate() {
                let one;
                let row = if loaded.whole {
                    loaded.row(entry)?
                } else {
                    one = source.load(std::slice::from_ref(entry), u64::MAX)?;
                    one.row(entry)?
                };
                let at = At { source, entry, row };
                if taken + position < SAMPLE_LIMIT {
                    tally.unpaired(at, kind);
                }
                stream::unpaired(at, kind, kind == Unpaired::Extra && entry.known == Known::Doubled);
            }
        }
        taken += block.len();
    }
}
