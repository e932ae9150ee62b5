//! What both sides hold byte for byte is decoded once.
//!
//! 1. Files of the same digest whose folders give the same columns are the same, row group by row group.
//! 2. Of the other files, row groups of as many rows are paired by what their footers say: the pair that may share most bytes. Chunks of the
//!    same name, type, codec and size are candidates; BLAKE3 over their bytes decides. A column is shared where all its chunks are.
//! 3. A pair's shared columns are read once, the others on their side, batch by batch in step, and put together again.
//!
//! Pairing never decides what is equal: every row of both sides is hashed and counted. Cost: footers alone where nothing is alike, else one
//! pass over the bytes that may be.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::scan::{Scan, Views, at};
use super::unit::{Unit, units};
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::digest::{Part, RowHasher};
use crate::error::{Error, Result};
use crate::output::{Batches, Located, OutputFile, Slice};

/// Row groups of one side that a chunk's looks may match before the chunk stops being a hint of which belong together.
const LIKELY: usize = 64;

/// Row groups that belong together.
#[derive(Default)]
pub(super) struct Twins<'a> {
    pub(super) list: Vec<Twin<'a>>,
    taken: [HashSet<(u32, usize)>; 2],
}

/// Two row groups that share columns.
pub(super) struct Twin<'a> {
    pub(super) a: Unit<'a>,
    pub(super) b: Unit<'a>,
    /// Columns that both hold byte for byte; `None`: all of them, nothing else.
    shared: Option<Vec<String>>,
}

/// How a chunk looks by its footer.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Look {
    rows: u64,
    path: String,
    meaning: String,
    bytes: i64,
}

fn looks<'u>(unit: &'u Unit<'_>) -> impl Iterator<Item = Look> + 'u {
    unit.file.metadata.row_group(unit.row_group).columns().iter().map(|chunk| Look {
        rows: unit.rows,
        path: chunk.column_path().string(),
        meaning: format!("{:?} {:?} {}", chunk.column_descr(), chunk.compression(), chunk.num_values()),
        bytes: chunk.compressed_size(),
    })
}

impl<'a> Twins<'a> {
    /// Finds what belongs together. What cannot be read is paired with nothing: whoever decodes it tells.
    pub(super) fn find(scan: &Scan<'_>, sides: [&'a Observed; 2]) -> Self {
        let mut twins = Self::default();
        let of_a = units(sides[0]);
        let of_b = units(sides[1]);
        let place: HashMap<(u32, usize), Unit<'a>> =
            of_b.iter().map(|unit| ((unit.number, unit.row_group), *unit)).collect();
        let files = files(sides);
        for a in &of_a {
            let twin = files.get(&a.number).and_then(|number| place.get(&(*number, a.row_group)));
            if let Some(b) = twin {
                twins.take(Twin { a: *a, b: *b, shared: None });
            }
        }
        let free: Vec<Unit<'a>> = of_b.into_iter().filter(|unit| !twins.holds(1, unit)).collect();
        let mut alike: HashMap<Look, Vec<usize>> = HashMap::new();
        for (number, unit) in free.iter().enumerate() {
            looks(unit).for_each(|look| alike.entry(look).or_default().push(number));
        }
        for a in of_a {
            if !twins.holds(0, &a)
                && !scan.cancel.is_requested()
                && let Some(b) = twins.likeliest(&a, &free, &alike)
                && let Ok(Some(twin)) = Twin::of(a, b, scan)
            {
                twins.take(twin);
            }
        }
        twins
    }

    fn take(&mut self, twin: Twin<'a>) {
        self.taken[0].insert((twin.a.number, twin.a.row_group));
        self.taken[1].insert((twin.b.number, twin.b.row_group));
        self.list.push(twin);
    }

    /// Whether a row group is in a pair.
    pub(super) fn holds(&self, side: usize, unit: &Unit<'_>) -> bool {
        self.taken[side].contains(&(unit.number, unit.row_group))
    }

    /// The free row group that may share most bytes.
    fn likeliest(
        &self,
        a: &Unit<'_>,
        free: &[Unit<'a>],
        alike: &HashMap<Look, Vec<usize>>,
    ) -> Option<Unit<'a>> {
        let mut bytes: BTreeMap<usize, i64> = BTreeMap::new();
        for look in looks(a) {
            for number in alike.get(&look).into_iter().filter(|it| it.len() <= LIKELY).flatten() {
                *bytes.entry(*number).or_default() += look.bytes;
            }
        }
        let best = bytes.into_iter().filter(|(number, _)| !self.holds(1, &free[*number]));
        best.max_by_key(|(number, bytes)| (*bytes, std::cmp::Reverse(*number)))
            .map(|(number, _)| free[number])
    }
}

/// Files of the first side with a file of the second that is the same byte for byte, each file once. By their BLAKE3, and by what
/// their folders give.
fn files(sides: [&Observed; 2]) -> HashMap<u32, u32> {
    let look = |file: &OutputFile| format!("{} {}", file.info.digest, file.partition_key());
    let mut waiting: HashMap<String, Vec<u32>> = HashMap::new();
    for (number, file) in (0_u32..).zip(&sides[1].output.files) {
        waiting.entry(look(file)).or_default().push(number);
    }
    let files = (0_u32..).zip(&sides[0].output.files);
    let twin = |(number, file): (u32, &OutputFile)| {
        waiting.get_mut(&look(file)).and_then(Vec::pop).map(|twin| (number, twin))
    };
    files.filter_map(twin).collect()
}

/// Digests of the chunks of each compared root column, those of `wanted` alone; none for a column that is there twice by name.
fn columns(
    unit: &Unit<'_>,
    wanted: &HashSet<Look>,
    scan: &Scan<'_>,
) -> Result<BTreeMap<String, Option<Vec<[u8; 32]>>>> {
    let schema = unit.file.metadata.file_metadata().schema_descr();
    let mut leaves: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for leaf in 0..schema.num_columns() {
        leaves.entry(schema.get_column_root(leaf).name()).or_default().push(leaf);
    }
    let likely: Vec<bool> = looks(unit).map(|look| wanted.contains(&look)).collect();
    let roots = schema.root_schema().get_fields();
    let mut columns = BTreeMap::new();
    for (name, leaves) in leaves.into_iter().filter(|(name, _)| scan.part(name) != Part::None) {
        let once = roots.iter().filter(|root| root.name() == name).count() == 1;
        let digests = if once && leaves.iter().all(|leaf| likely[*leaf]) {
            Some(unit.file.chunk_digests(unit.row_group, leaves.into_iter(), scan.cancel)?)
        } else {
            None
        };
        columns.insert(name.to_owned(), digests);
    }
    Ok(columns)
}

impl<'a> Twin<'a> {
    /// The pair, where it shares a column.
    fn of(a: Unit<'a>, b: Unit<'a>, scan: &Scan<'_>) -> Result<Option<Self>> {
        let (looks_a, looks_b): (HashSet<Look>, HashSet<Look>) = (looks(&a).collect(), looks(&b).collect());
        let wanted: HashSet<Look> = looks_a.intersection(&looks_b).cloned().collect();
        let (of_a, of_b) = (columns(&a, &wanted, scan)?, columns(&b, &wanted, scan)?);
        let shared: Vec<String> = of_a
            .iter()
            .filter(|(name, digests)| digests.is_some() && of_b.get(*name) == Some(digests))
            .map(|(name, _)| name.clone())
            .collect();
        let all = shared.len() == of_a.len()
            && shared.len() == of_b.len()
            && a.file.partition_key() == b.file.partition_key();
        Ok((!shared.is_empty()).then_some(Self { a, b, shared: (!all).then_some(shared) }))
    }

    /// The columns that are read once; `None` where that is all.
    #[cfg(test)]
    pub(super) fn shared(&self) -> Option<&[String]> {
        self.shared.as_deref()
    }

    /// Hashes the rows of both, a batch at a time: side, first row within the row group, base and full hashes.
    pub(super) fn hash(
        &self,
        scan: &Scan<'_>,
        views: &Views,
        sides: [&Observed; 2],
        mut each: impl FnMut(usize, (u64, &[u128], &[u128])),
    ) -> std::result::Result<(), SideError> {
        let of_a = |error: Error| at(sides[0], self.a.file, error);
        let of_b = |error: Error| at(sides[1], self.b.file, error);
        let mut hashers = [scan.hasher(views), scan.hasher(views)];
        let Some(shared) = &self.shared else {
            let both = |first: u64, base: &[u128], full: &[u128]| {
                each(0, (first, base, full));
                each(1, (first, base, full));
                Ok(())
            };
            return scan.hash(&self.a, views, both).map_err(of_a);
        };
        let others = |unit: &Unit<'_>| -> Result<Vec<Slice>> {
            let schema = unit.file.arrow_schema()?;
            let shared: BTreeSet<&str> = shared.iter().map(String::as_str).collect();
            let names = schema.fields().iter().map(|field| field.name());
            let other = |name: &&String| !shared.contains(name.as_str()) && scan.part(name) != Part::None;
            let others: Vec<String> = names.filter(other).cloned().collect();
            if others.is_empty() { Ok(Vec::new()) } else { unit.slices(Some(&others)) }
        };
        let common = self.a.slices(Some(shared)).map_err(of_a)?;
        let (rest_a, rest_b) = (others(&self.a).map_err(of_a)?, others(&self.b).map_err(of_b)?);
        let share = self.a.file.memory.share() / READERS as u64;
        let rows = [&common, &rest_a, &rest_b].into_iter().flatten().map(|slice| slice.rows(share)).min();
        let one = |slices: &[Slice]| slices.len() < 2;
        let (Some(rows), [shared]) = (rows, &common[..]) else { return self.apart(scan, views, sides, each) };
        if !(one(&rest_a) && one(&rest_b) && fits(&self.a, [&common, &rest_a, &rest_b])) {
            return self.apart(scan, views, sides, each);
        }
        let (mut base, mut full) = (Vec::new(), Vec::new());
        let mut hash = |hasher: &mut RowHasher, batch: &RecordBatch, side: usize, first: u64| -> Result<()> {
            scan.cancel.check()?;
            hasher.hash(batch, |name| scan.part(name), &mut base, &mut full)?;
            let base = if base.is_empty() { &full } else { &base };
            each(side, (first, base, &full));
            Ok(())
        };
        let open = |unit: &Unit<'_>, slices: &[Slice]| {
            slices.first().map(|slice| unit.read(slice, rows, READERS)).transpose()
        };
        let mut rest_a = open(&self.a, &rest_a).map_err(of_a)?;
        let mut rest_b = open(&self.b, &rest_b).map_err(of_b)?;
        for located in self.a.read(shared, rows, READERS).map_err(of_a)? {
            let located = located.map_err(of_a)?;
            let first = located.first_row - self.a.in_file;
            let whole_a = beside(&located, rest_a.as_mut(), self.a.file).map_err(of_a)?;
            hash(&mut hashers[0], &whole_a, 0, first).map_err(of_a)?;
            let whole_b = beside(&located, rest_b.as_mut(), self.b.file).map_err(of_b)?;
            hash(&mut hashers[1], &whole_b, 1, first).map_err(of_b)?;
        }
        over(rest_a, self.a.file).map_err(of_a)?;
        over(rest_b, self.b.file).map_err(of_b)
    }

    /// The same, each side by itself: where three readers at one time would need too much memory.
    fn apart(
        &self,
        scan: &Scan<'_>,
        views: &Views,
        sides: [&Observed; 2],
        mut each: impl FnMut(usize, (u64, &[u128], &[u128])),
    ) -> std::result::Result<(), SideError> {
        for (number, unit) in [&self.a, &self.b].into_iter().enumerate() {
            let one = |first: u64, base: &[u128], full: &[u128]| {
                each(number, (first, base, full));
                Ok(())
            };
            scan.hash(unit, views, one).map_err(|error| at(sides[number], unit.file, error))?;
        }
        Ok(())
    }
}

/// Readers of a pair that are open at one time: of the shared columns, and of the others of both sides.
const READERS: usize = 3;

/// Whether the readers of all slices together keep within what one reader should have.
fn fits(unit: &Unit<'_>, slices: [&Vec<Slice>; READERS]) -> bool {
    let bytes = slices.into_iter().flatten().map(Slice::least).fold(0, u64::saturating_add);
    bytes <= unit.file.memory.share()
}

/// The next batch of the other columns beside the shared ones.
fn beside(shared: &Located, rest: Option<&mut Batches>, file: &OutputFile) -> Result<RecordBatch> {
    let Some(rest) = rest else { return Ok(shared.batch.clone()) };
    let next = rest.next().transpose()?.ok_or_else(|| uneven(file))?;
    if next.batch.num_rows() != shared.batch.num_rows() {
        return Err(uneven(file));
    }
    let fields = shared.batch.schema_ref().fields().iter().chain(next.batch.schema_ref().fields());
    let schema = Schema::new(fields.cloned().collect::<Vec<_>>());
    let arrays = shared.batch.columns().iter().chain(next.batch.columns()).cloned().collect();
    RecordBatch::try_new(Arc::new(schema), arrays).map_err(|error| Error::unreadable(&file.path, error))
}

/// Nothing may be left of the other columns.
fn over(rest: Option<Batches>, file: &OutputFile) -> Result<()> {
    match rest.and_then(|mut rest| rest.next()).transpose()? {
        None => Ok(()),
        Some(_) => Err(uneven(file)),
    }
}

fn uneven(file: &OutputFile) -> Error {
    Error::unreadable(&file.path, "its columns hold different numbers of rows")
}
