//! How much memory a reader of a row group needs, before it decodes anything.
//!
//! 1. The headers of a chunk's pages say how large the pages and the dictionary are (see [`pages::body`]).
//! 2. A flat column has one slot a row. Of a column that repeats, the repetition levels say how many slots a batch of rows has at
//!    most; they are read only where the chunk is large.
//! 3. A batch of text is a view of 16 bytes a slot, and it keeps the pages that the views point into.
//!
//! From this follow the rows of a batch ([`Need::rows`]) and the columns that are read together ([`slices`]). The footer is not
//! believed: a few bytes can announce anything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parquet::basic::{LogicalType, Type};
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use super::batches::guarded;
use super::bounded::Bounded;
use super::{OutputFile, pages};
use crate::error::{Error, Result};
use crate::spill::Memory;

/// Batches have a power of two of rows at most, up to this one.
const LARGEST: u32 = 13;

/// Bytes of slots of a chunk below which the slots of its rows are not counted.
const SMALL: u64 = 1 << 20;

/// Memory for one leaf column of a row group.
#[derive(Debug, Clone)]
pub(super) struct LeafNeed {
    /// Pages and dictionary that are held whatever the rows of a batch are.
    fixed: u64,
    /// For batches of 2^n rows.
    batch: [u64; LARGEST as usize + 1],
    /// Whether every data page is dictionary encoded, by the page headers.
    pub(super) coded: bool,
    /// Bytes of the chunk by its pages, where the footer states another size.
    size: Option<i64>,
}

/// Memory for some columns of a row group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Need {
    leaves: HashMap<usize, LeafNeed>,
    /// Bytes a row for columns that folders give.
    given: u64,
}

/// Columns that are read together, with what that needs.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    /// Root columns by name.
    pub(crate) columns: Vec<String>,
    /// What it needs.
    pub(crate) need: Arc<Need>,
}

impl Slice {
    /// The slices of a row group of so many rows as one, where that costs less than what is held of each row between slices.
    pub(crate) fn joined(slices: Vec<Self>, rows: u64, memory: &Memory) -> Vec<Self> {
        let bytes = slices.iter().map(Self::least).fold(0, u64::saturating_add);
        let between = memory.share().saturating_add(rows.saturating_mul(BETWEEN));
        if slices.len() < 2 || bytes > memory.most_of_a_reader().min(between) {
            return slices;
        }
        let columns = slices.iter().flat_map(|slice| slice.columns.iter().cloned()).collect();
        let leaves = slices.iter().flat_map(|slice| slice.need.leaves.clone()).collect();
        let given = slices.iter().map(|slice| slice.need.given).sum();
        vec![Self { columns, need: Arc::new(Need { leaves, given }) }]
    }

    /// Bytes for batches of a thousand rows.
    pub(crate) fn least(&self) -> u64 {
        self.need.bytes(SLICE_ROWS)
    }

    /// Rows of a batch where the caller has so many readers open.
    pub(crate) fn rows(&self, share: u64) -> usize {
        self.need.rows(super::DEFAULT_BATCH_ROWS, share)
    }
}

impl Need {
    /// Of the leaves `leaves` of a row group. `picked` are the rows that are wanted of it, ascending,
    /// counted within it.
    pub(super) fn of(
        file: &Reading<'_>,
        row_group: usize,
        leaves: impl Iterator<Item = usize>,
        picked: Option<&[u64]>,
    ) -> Result<Self> {
        let mut need = Self::default();
        for leaf in leaves {
            need.leaves.insert(leaf, leaf_need(file, row_group, leaf, picked)?);
        }
        Ok(need)
    }

    pub(super) fn leaf(&self, leaf: usize) -> Option<&LeafNeed> {
        self.leaves.get(&leaf)
    }

    /// The footer with the sizes that the pages of this row group have; `None` where it states them so.
    pub(super) fn resized(
        &self,
        metadata: &ParquetMetaData,
        row_group: usize,
    ) -> parquet::errors::Result<Option<ParquetMetaData>> {
        if self.leaves.values().all(|leaf| leaf.size.is_none()) {
            return Ok(None);
        }
        let group = metadata.row_group(row_group);
        let chunks: parquet::errors::Result<Vec<_>> = (0..group.num_columns())
            .map(|leaf| resized(group.column(leaf), self.leaves.get(&leaf).and_then(|it| it.size)))
            .collect();
        let group = group.clone().into_builder().set_column_metadata(chunks?).build()?;
        let mut builder = metadata.clone().into_builder();
        let mut groups = builder.take_row_groups();
        groups[row_group] = group;
        Ok(Some(builder.set_row_groups(groups).build()))
    }

    /// Bytes for batches of `rows` rows.
    pub(super) fn bytes(&self, rows: usize) -> u64 {
        let given = self.given.saturating_mul(rows as u64);
        self.leaves.values().fold(given, |sum, leaf| sum.saturating_add(leaf.bytes(rows)))
    }

    /// Rows of a batch, `asked` at most, that keep within `share`. Where one row needs more than that, rows as many as cost little
    /// beside it.
    pub(super) fn rows(&self, asked: usize, share: u64) -> usize {
        let one = self.bytes(1);
        let room = share.max(one.saturating_add(one / 4));
        let mut rows = asked.clamp(1, 1 << LARGEST);
        while rows > 1 && self.bytes(rows) > room {
            rows = rows.div_ceil(2);
        }
        rows
    }
}

/// A chunk with the size that its pages have: readers would go on behind the last page, or end within it.
fn resized(chunk: &ColumnChunkMetaData, size: Option<i64>) -> parquet::errors::Result<ColumnChunkMetaData> {
    match size {
        Some(size) => chunk.clone().into_builder().set_total_compressed_size(size).build(),
        None => Ok(chunk.clone()),
    }
}

impl LeafNeed {
    fn bytes(&self, rows: usize) -> u64 {
        let power = rows.max(1).next_power_of_two().trailing_zeros().min(LARGEST);
        self.fixed.saturating_add(self.batch[power as usize])
    }
}

/// A file to be read, as far as needs go.
pub(super) struct Reading<'a> {
    pub(super) path: &'a std::path::Path,
    pub(super) metadata: &'a ParquetMetaData,
}

impl OutputFile {
    /// The columns of a row group, `wanted` or all, in slices of which each keeps within a reader's share of memory. One column
    /// is a slice however much it needs. `picked` are the rows that are wanted, counted within the row group.
    ///
    /// # Errors
    /// Class `input` for pages that are not credible; the message names row group and column.
    pub(crate) fn slices(
        &self,
        row_group: usize,
        wanted: Option<&[String]>,
        picked: Option<&[u64]>,
    ) -> Result<Vec<Slice>> {
        let schema = self.metadata.file_metadata().schema_descr();
        let file = Reading { path: &self.path, metadata: &self.metadata };
        let share = self.memory.share();
        let roots = schema.root_schema().get_fields();
        let mut leaves: Vec<Vec<usize>> = vec![Vec::new(); roots.len()];
        (0..schema.num_columns()).for_each(|leaf| leaves[schema.get_column_root_idx(leaf)].push(leaf));
        let mut slices: Vec<Slice> = Vec::new();
        let (mut open, mut bytes) = (Vec::new(), 0_u64);
        let mut need = Need::default();
        let wanted: Option<HashSet<&str>> = wanted.map(|it| it.iter().map(String::as_str).collect());
        for (root, leaves) in roots.iter().zip(leaves) {
            if wanted.as_ref().is_some_and(|wanted| !wanted.contains(root.name())) {
                continue;
            }
            let own = Need::of(&file, row_group, leaves.into_iter(), picked)?;
            let more = own.bytes(SLICE_ROWS);
            if !open.is_empty() && bytes.saturating_add(more) > share {
                slices.push(Slice {
                    columns: std::mem::take(&mut open),
                    need: Arc::new(std::mem::take(&mut need)),
                });
                bytes = 0;
            }
            bytes = bytes.saturating_add(more);
            open.push(root.name().to_owned());
            need.leaves.extend(own.leaves);
        }
        // What folders give costs little: it comes with the last columns.
        for column in self.partitions.iter() {
            if wanted.as_ref().is_none_or(|wanted| wanted.contains(column.name.as_str())) {
                need.given += GIVEN;
                open.push(column.name.clone());
            }
        }
        if !open.is_empty() || slices.is_empty() {
            slices.push(Slice { columns: open, need: Arc::new(need) });
        }
        Ok(slices)
    }
}

/// Bytes that are held of a row while its columns are hashed a few at a time.
const BETWEEN: u64 = 32;

/// Bytes a row for a column that folders give: its value, a view of it or a place in a dictionary.
const GIVEN: u64 = 40;

/// Rows of a batch that a slice should allow.
const SLICE_ROWS: usize = 1_024;

/// Refuses what needs more than one reader may ever have.
pub(super) fn refuse(
    memory: &Memory,
    path: &std::path::Path,
    row_group: usize,
    column: &str,
    bytes: u64,
) -> Result<()> {
    if bytes <= memory.most_of_a_reader() {
        return Ok(());
    }
    // The share of one reader is half of the limit; the next whole MiB is enough.
    let enough = bytes.saturating_mul(2).div_ceil(1 << 20) << 20;
    let message = format!(
        "{}: row group {row_group}, column {column:?}: one row and its pages need about {bytes} bytes of memory, and \
         --memory-limit {} allows {} of them to one reader; --memory-limit {enough} is enough",
        path.display(),
        memory.limit(),
        memory.most_of_a_reader(),
    );
    Err(Error::usage(message))
}

impl Need {
    /// The leaf that needs most for one row.
    pub(super) fn largest(&self) -> Option<usize> {
        self.leaves.iter().max_by_key(|(leaf, it)| (it.bytes(1), **leaf)).map(|(leaf, _)| *leaf)
    }
}

fn leaf_need(file: &Reading<'_>, row_group: usize, leaf: usize, picked: Option<&[u64]>) -> Result<LeafNeed> {
    let group = file.metadata.row_group(row_group);
    let Some(chunk) = group.columns().get(leaf) else {
        return Err(Error::unreadable(file.path, format!("row group {row_group} has no column {leaf}")));
    };
    let mut body = pages::body(file.path, row_group, group.num_rows(), chunk)?;
    let column = chunk.column_descr();
    let total: u64 = body.pages.iter().map(|page| page.slots).fold(0, u64::saturating_add);
    if let Some(picked) = picked.filter(|_| column.max_rep_level() == 0) {
        body.pick(picked);
    }
    let text = column.physical_type() == Type::BYTE_ARRAY;
    let slot = slot_bytes(column);
    let slots = if column.max_rep_level() == 0 {
        std::array::from_fn(|power| 1_u64 << power)
    } else {
        if total.saturating_mul(slot) <= SMALL {
            [total; LARGEST as usize + 1]
        } else {
            let most = most_slots(file, row_group, leaf, body.size, total)?;
            if picked.is_some() {
                std::array::from_fn(|power| most[0].saturating_mul(1 << power).min(total))
            } else {
                most
            }
        }
    };
    let scattered = picked.is_some() && column.max_rep_level() > 0;
    let batch = slots.map(|slots| {
        let slots = slots.min(total);
        let own = slots.saturating_mul(slot);
        if !text {
            return own;
        }
        // A value that is put together from the one before it may be as long as its page, in no bytes of its own.
        let made = if body.incremental { slots.saturating_mul(body.largest) } else { 0 };
        let kept =
            if scattered { slots.saturating_mul(body.largest).min(body.total) } else { body.window(slots) };
        own.saturating_add(made).saturating_add(if body.coded { 0 } else { kept })
    });
    let entries = if text { body.entries.saturating_mul(52) } else { 0 };
    let fixed = body
        .dictionary
        .saturating_mul(if text { 1 } else { 2 })
        .saturating_add(entries)
        .saturating_add(body.largest)
        .saturating_add(if chunk.compression() == parquet::basic::Compression::UNCOMPRESSED {
            0
        } else {
            body.stored
        });
    Ok(LeafNeed { fixed, batch, coded: body.coded, size: body.size })
}

/// Bytes that a slot takes while a batch is decoded and hashed.
fn slot_bytes(column: &ColumnDescriptor) -> u64 {
    let decimal = matches!(column.logical_type_ref(), Some(LogicalType::Decimal(_)))
        || column.converted_type() == parquet::basic::ConvertedType::DECIMAL;
    let levels =
        if column.max_def_level() > 0 { 2 } else { 0 } + if column.max_rep_level() > 0 { 8 } else { 0 };
    let value = match column.physical_type() {
        Type::BYTE_ARRAY => 20,
        Type::FIXED_LEN_BYTE_ARRAY => pages::fixed_width(column).saturating_mul(2).saturating_add(32),
        Type::INT32 | Type::INT64 if decimal => 64,
        Type::INT96 => 72,
        Type::BOOLEAN | Type::FLOAT => 44,
        Type::INT32 | Type::INT64 | Type::DOUBLE => 8,
    };
    // Buffers of columns that repeat grow by doubling.
    if column.max_rep_level() > 0 { 2 * value + levels } else { value + levels }
}

/// Most slots that 2^n rows of a column have which repeats, rows taken from the first on.
fn most_slots(
    file: &Reading<'_>,
    row_group: usize,
    leaf: usize,
    size: Option<i64>,
    total: u64,
) -> Result<[u64; LARGEST as usize + 1]> {
    let opened = Bounded::open(file.path).map_err(|error| Error::unreadable(file.path, error))?;
    let group = file.metadata.row_group(row_group);
    let deepest = group.column(leaf).column_descr().max_rep_level();
    let mut count = Count::default();
    let known = guarded(file.path, Some(row_group), || {
        let rows = usize::try_from(group.num_rows())?;
        let chunk = resized(group.column(leaf), size)?;
        let mut pages = SerializedPageReader::new(Arc::new(opened), &chunk, rows, None)?;
        while let Some(page) = pages.get_next_page()? {
            let levels = match &page {
                Page::DataPage { buf, num_values, rep_level_encoding, .. } => {
                    let run = *rep_level_encoding == parquet::basic::Encoding::RLE;
                    let length = buf.first_chunk::<4>().map(|it| u32::from_le_bytes(*it) as usize);
                    let levels = length.filter(|_| run).and_then(|length| buf.get(4..4 + length));
                    (levels.map(<[u8]>::to_vec), *num_values)
                }
                Page::DataPageV2 { buf, num_values, rep_levels_byte_len, .. } => {
                    (buf.get(..*rep_levels_byte_len as usize).map(<[u8]>::to_vec), *num_values)
                }
                Page::DictionaryPage { .. } => continue,
            };
            let (Some(levels), values) = levels else { return Ok(false) };
            let width = u32::from(u16::try_from(deepest).unwrap_or(1)).ilog2() + 1;
            if runs(&levels, width, u64::from(values), |slots, row| count.take(slots, row)).is_none() {
                return Ok(false);
            }
        }
        Ok::<_, parquet::errors::ParquetError>(true)
    })?;
    Ok(if known { count.finish() } else { [total; LARGEST as usize + 1] })
}

/// Counts the slots of stretches of 2^n rows.
#[derive(Default)]
struct Count {
    rows: u64,
    open: [u64; LARGEST as usize + 1],
    most: [u64; LARGEST as usize + 1],
}

impl Count {
    /// Slots that begin a row each, or that go on with one.
    fn take(&mut self, slots: u64, row: bool) {
        if !row {
            self.open.iter_mut().for_each(|open| *open = open.saturating_add(slots));
            return;
        }
        for _ in 0..slots {
            for power in 0..=LARGEST {
                if self.rows.trailing_zeros() < power {
                    break;
                }
                self.close(power as usize);
            }
            self.rows += 1;
            self.open.iter_mut().for_each(|open| *open += 1);
        }
    }

    fn close(&mut self, power: usize) {
        self.most[power] = self.most[power].max(self.open[power]);
        self.open[power] = 0;
    }

    fn finish(mut self) -> [u64; LARGEST as usize + 1] {
        (0..=LARGEST as usize).for_each(|power| self.close(power));
        self.most
    }
}

/// The runs of repetition levels: how many slots, and whether each begins a row. `None` where the levels are not sound.
fn runs(bytes: &[u8], width: u32, values: u64, mut take: impl FnMut(u64, bool)) -> Option<()> {
    let (mut at, mut left) = (0_usize, values);
    while left > 0 {
        let mut header = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *bytes.get(at)?;
            at += 1;
            header |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        if header & 1 == 0 {
            let run = (header >> 1).min(left);
            let length = width.div_ceil(8) as usize;
            let value = bytes.get(at..at + length)?;
            at += length;
            take(run, value.iter().all(|byte| *byte == 0));
            left -= run;
            if run == 0 {
                return None;
            }
        } else {
            let slots = (header >> 1).checked_mul(8)?.min(left);
            for slot in 0..slots {
                let first = slot * u64::from(width);
                let zero = (first..first + u64::from(width)).try_fold(true, |zero, bit| {
                    let byte = bytes.get(at + usize::try_from(bit / 8).ok()?)?;
                    Some(zero && byte >> (bit % 8) & 1 == 0)
                })?;
                take(1, zero);
            }
            at += usize::try_from((header >> 1).checked_mul(u64::from(width))?).ok()?;
            left -= slots;
            if slots == 0 {
                return None;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_rows_are_counted_with_their_slots() {
        let mut count = Count::default();
        // Rows of 1, 6, 1, 1 and 3 slots.
        for (slots, row) in [(1, true), (1, true), (5, false), (2, true), (1, true), (2, false)] {
            count.take(slots, row);
        }
        let most = count.finish();
        assert_eq!(most[..4], [6, 7, 9, 12]);
        assert_eq!(most[LARGEST as usize], 12);
    }

    #[test]
    fn runs_and_packed_levels_are_read_alike() {
        let read = |bytes: &[u8], width, values| {
            let mut all = Vec::new();
            runs(bytes, width, values, |slots, row| all.extend((0..slots).map(|_| row)))?;
            Some(all)
        };
        // Three zeros, two ones; then the same packed.
        let expected = [true, true, true, false, false];
        assert_eq!(read(&[6, 0, 4, 1], 1, 5).unwrap(), expected);
        assert_eq!(read(&[3, 0b0001_1000], 1, 5).unwrap(), expected);
        assert_eq!(read(&[3, 0b1100_0000, 0b0000_0011], 2, 5).unwrap(), expected);
        assert_eq!(read(&[6, 0], 1, 5), None);
    }
}
