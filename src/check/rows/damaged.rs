//! Rows that differ because the baseline is known to take damaged sketches as far as it can read them (defect H).
//!
//! Which points damaged sketches touch, and what each way of decoding makes of them, is worked out from the inputs
//! (`crate::rollup`). The defect excuses one point at a time, and only where both hold exactly: the baseline's row is what the
//! original's decoding yields, and the candidate's is what strict decoding yields; where one of them yields nothing, that side must
//! have no row.
//!
//! A row is what a point yields where every column that a merge leaves alone has the value of the point's first input row, and, of a
//! merged one, the sketch has the bytes that the writers store and each recomputed column the value to the last bit (or within
//! the policy's tolerance for it). Whatever else differs stays a difference.
//!
//! Points of the highest group key are left to defect D. Memory: the points that damaged sketches touch. Cost: one pass over the
//! inputs' few columns; where there are such points one over three columns of both sides, and those rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use reports::document::{Role, Waived};

use super::highest::Hashing;
use super::record::Spot;
use super::scan::{Views, at};
use crate::check::draft::SideError;
use crate::check::{KnownDefect, Observed, Subject, Tolerance};
use crate::error::{Error, Result};
use crate::output::{OutputFile, ReadOptions};
use crate::rollup::sketch::Decoding;
use crate::rollup::{Block, Columns, Model, Modelled, Point, key_hash, rollups};

/// Rows that the defect excuses, with the hash of their point.
#[derive(Debug, Default)]
pub(in crate::check) struct Damaged {
    baseline: HashMap<Spot, u128>,
    candidate: HashMap<Spot, u128>,
}

impl Damaged {
    /// The rows of a side: file in judged order, and row within the file.
    pub(in crate::check) fn rows(&self, role: Role) -> impl Iterator<Item = Spot> {
        self.of(role).keys().copied()
    }

    /// True where the defect excuses this row of a side.
    pub(super) fn holds(&self, role: Role, spot: Spot) -> bool {
        self.of(role).contains_key(&spot)
    }

    /// True where both rows are of one point that the defect excuses.
    pub(super) fn pair(&self, a: Spot, b: Spot) -> bool {
        self.baseline.get(&a).is_some_and(|key| self.candidate.get(&b) == Some(key))
    }

    fn of(&self, role: Role) -> &HashMap<Spot, u128> {
        match role {
            Role::Baseline => &self.baseline,
            Role::Candidate => &self.candidate,
        }
    }
}

/// What one way of decoding makes of a point.
struct Wanted {
    /// The first input row.
    origin: (usize, u64),
    /// Of a merged point what is recomputed.
    merged: Option<Recomputed>,
}

struct Recomputed {
    sketch: Vec<u8>,
    rollups: Vec<Option<f64>>,
}

/// The points that damaged sketches touch, by their hash: by the original's decoding, and by the strict one.
type Touched = HashMap<u128, [Option<Wanted>; 2]>;

/// Hashes of what a merge leaves alone in input rows: of a row that passes, and of one that is merged.
type Kept = HashMap<(usize, u64), (u128, u128)>;

/// Rows of one side that belong to a touched point.
#[derive(Default)]
struct Found {
    /// Their places by point.
    rows: HashMap<u128, Vec<Spot>>,
    /// Those that are what the point yields.
    right: BTreeSet<Spot>,
}

impl Found {
    /// The places of a point's rows, where they are what it should yield.
    fn exactly(&self, key: u128, wanted: Option<&Wanted>) -> Option<&[Spot]> {
        match (wanted, self.rows.get(&key).map_or(&[][..], Vec::as_slice)) {
            (None, []) => Some(&[]),
            (Some(_), rows @ [only]) if self.right.contains(only) => Some(rows),
            _ => None,
        }
    }
}

/// The rows that defect H excuses. `views` are integer columns of the baseline that are read as another type.
pub(in crate::check) fn excused(
    subject: &Subject<'_>,
    baseline: &Observed,
    views: &Views,
) -> std::result::Result<Damaged, SideError> {
    let known = subject.known_defects.contains(&KnownDefect::DamagedSketchesMerged);
    let columns = subject.job.signal.as_deref().and_then(Columns::of);
    let Some(columns) = columns.filter(|_| known) else { return Ok(Damaged::default()) };
    // Without one of these no row has a point.
    if [&columns.group, &columns.time, &columns.name].into_iter().any(|it| subject.unread(it).is_some()) {
        return Ok(Damaged::default());
    }
    let hashing = Hashing::new(subject, &columns);
    let ours = |error: Error| SideError { role: baseline.role, file: String::new(), error };
    let Some((touched, kept)) = touched(&hashing).map_err(ours)? else { return Ok(Damaged::default()) };
    let look = Look { hashing: &hashing, touched: &touched, kept: &kept };
    let found_a = look.found(baseline, 0, views)?;
    let found_b = look.found(subject.candidate, 1, &Views::default())?;
    let mut damaged = Damaged::default();
    for (key, [lenient, strict]) in &touched {
        let rows = found_a.exactly(*key, lenient.as_ref()).zip(found_b.exactly(*key, strict.as_ref()));
        let Some((a, b)) = rows else { continue };
        damaged.baseline.extend(a.iter().map(|spot| (*spot, *key)));
        damaged.candidate.extend(b.iter().map(|spot| (*spot, *key)));
    }
    Ok(damaged)
}

/// The points that damaged sketches touch, and what a merge leaves alone in their first rows. `None` where there are none, or no
/// model.
fn touched(hashing: &Hashing<'_>) -> Result<Option<(Touched, Kept)>> {
    let cancel = hashing.subject.cancel;
    let Modelled::Known(model) = Model::open(hashing.subject.job, cancel)? else { return Ok(None) };
    let model = model.leniently_too(true);
    let mapping = model.mapping.exact();
    let wanted = |point: Point| {
        let merged = point.merged.map(|sketch| Recomputed {
            sketch: sketch.encode(&mapping),
            rollups: rollups(&sketch, &model.columns.quantiles, &mapping).1,
        });
        Wanted { origin: point.origin, merged }
    };
    let mut touched = Touched::new();
    let account = model.visit(cancel, |point| {
        let (key, reading) = (point.key, point.reading);
        let ways = [Decoding::Lenient, Decoding::Strict].map(|decoding| reading.is_of(decoding));
        if point.group == i64::MAX || ways == [true, true] {
            return;
        }
        let place = usize::from(ways[1]);
        touched.entry(key).or_default()[place] = Some(wanted(point));
    })?;
    if matches!(account, Modelled::Unknown(_)) || touched.is_empty() {
        return Ok(None);
    }
    let mut origins: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for wanted in touched.values().flatten().flatten() {
        origins.entry(wanted.origin.0).or_default().insert(wanted.origin.1);
    }
    let mut kept = Kept::new();
    for (number, rows) in origins {
        let Some(file) = model.input(number) else { continue };
        let hashes = hashing.kept(file, rows.into_iter().collect(), &Views::default())?;
        kept.extend(hashes.into_iter().map(|(row, alone, merged)| ((number, row), (alone, merged))));
    }
    Ok(Some((touched, kept)))
}

/// Looks for the rows of touched points.
struct Look<'a> {
    hashing: &'a Hashing<'a>,
    touched: &'a Touched,
    kept: &'a Kept,
}

impl Look<'_> {
    /// The rows of a side, each compared with what its point yields by way `way`.
    fn found(&self, side: &Observed, way: usize, views: &Views) -> std::result::Result<Found, SideError> {
        let mut found = Found::default();
        for (number, file) in (0_u32..).zip(&side.output.files) {
            self.file((number, file), way, views, &mut found).map_err(|error| at(side, file, error))?;
        }
        Ok(found)
    }

    fn file(
        &self,
        (number, file): (u32, &OutputFile),
        way: usize,
        views: &Views,
        found: &mut Found,
    ) -> Result<()> {
        let columns = self.hashing.columns;
        let key_columns = vec![columns.group.clone(), columns.time.clone(), columns.name.clone()];
        let mut rows: Vec<(u64, u128)> = Vec::new();
        for located in file.read(ReadOptions { columns: Some(key_columns), ..ReadOptions::default() })? {
            self.hashing.subject.cancel.check()?;
            let located = located?;
            let block = Block::new(&located.batch, columns);
            for row in 0..block.rows() {
                let (Some(group), Some(time)) = (block.group(row), block.time(row)) else { continue };
                let key = key_hash(group, time, block.name(row));
                if self.touched.contains_key(&key) {
                    rows.push((located.first_row + row as u64, key));
                }
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let numbers: Vec<u64> = rows.iter().map(|(row, _)| *row).collect();
        let mut kept = self.hashing.kept(file, numbers.clone(), views)?.into_iter();
        let mut points = rows.into_iter();
        let mut read = columns.all();
        read.retain(|column| self.hashing.subject.unread(column).is_none());
        let wanted = ReadOptions { columns: Some(read), rows: Some(numbers), ..ReadOptions::default() };
        for located in file.read(wanted)? {
            self.hashing.subject.cancel.check()?;
            let block = Block::new(&located?.batch, columns);
            for at in 0..block.rows() {
                let (Some((row, key)), Some((_, alone, merged))) = (points.next(), kept.next()) else {
                    return Err(Error::internal("more rows came back than were asked for"));
                };
                found.rows.entry(key).or_default().push((number, row));
                let wanted = self.touched.get(&key).and_then(|ways| ways[way].as_ref());
                if wanted.is_some_and(|wanted| self.is(wanted, (alone, merged), &block, at)) {
                    found.right.insert((number, row));
                }
            }
        }
        if points.next().is_some() {
            return Err(Error::internal("fewer rows came back than were asked for"));
        }
        Ok(())
    }

    /// True where a row is what a point yields.
    fn is(&self, wanted: &Wanted, (alone, merged): (u128, u128), block: &Block, row: usize) -> bool {
        let Some(&(origin_alone, origin_merged)) = self.kept.get(&wanted.origin) else { return false };
        let Some(recomputed) = &wanted.merged else { return alone == origin_alone };
        let (columns, comparison) = (self.hashing.columns, self.hashing.subject.comparison);
        let compared = |name: &str| !comparison.ignored.contains_key(name);
        let same = |(column, name): (usize, &String)| {
            let tolerance = comparison.tolerances.get(name).copied();
            let (found, wanted) = (block.rollup(row, column), recomputed.rollups[column]);
            !compared(name) || same(found, wanted, tolerance, comparison.negative_zero_equal)
        };
        merged == origin_merged
            && (!compared(&columns.sketch) || block.sketch(row) == Some(&recomputed.sketch))
            && columns.rollups.iter().enumerate().all(same)
    }
}

fn same(found: Option<f64>, wanted: Option<f64>, tolerance: Option<Tolerance>, zeros_equal: bool) -> bool {
    let (found, wanted) = match (found, wanted) {
        (Some(found), Some(wanted)) => (found, wanted),
        (found, wanted) => return found.is_none() && wanted.is_none(),
    };
    let apart = (found - wanted).abs();
    let near =
        |bound: Tolerance| apart <= bound.absolute || apart <= bound.relative * found.abs().max(wanted.abs());
    found.to_bits() == wanted.to_bits()
        || (found.is_nan() && wanted.is_nan())
        || (zeros_equal && found == wanted)
        || tolerance.is_some_and(near)
}

/// Who answers for the rows, and why.
pub(in crate::check) fn waived() -> Waived {
    Waived {
        reason: "defect H of the legacy TIDMerger: damaged sketches are merged as far as they can be read; at these points \
                 the baseline holds exactly what that yields, and the candidate exactly what strict decoding yields"
            .to_owned(),
        owner: "parallax".to_owned(),
        expires: None,
    }
}
