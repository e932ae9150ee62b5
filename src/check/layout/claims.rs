//! Is what a footer claims of its row groups and pages true of them?
//!
//! 1. *Row groups.* Readers that divide a file among workers go by where a row group begins and by what its pages take: with wrong
//!    numbers row groups are read twice or never. A place is true anywhere between the page before and the group's first page (writers
//!    pad, and put filters there). Arrow for C++ names the end of the group's first chunk, up to version 5. The size before compression is true also where it is the size after it, as some writers have it.
//! 2. *Encodings.* Readers leave out a row group whose dictionary has no match where the footer says that every data page uses it. So the
//!    encodings of all data pages must be listed, and counted rightly where they are counted. Both names of dictionary encoding are one.
//! 3. *Files.* A chunk with a file path has its pages elsewhere; readers refuse it or look there.
//!
//! What is absent, 0 or empty claims nothing. Not judged: a chunk's own offset in the file (honest writers differ), encodings of levels
//! and dictionaries. Cost: none beside the page headers that were read anyway.

use std::collections::{BTreeMap, BTreeSet};

use corpora::stated::{Chunk, Element, RowGroup, Stated};
use parquet::basic::Encoding;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::facts::{Laid, Seen};
use super::order::Rule;
use super::truth::Lie;
use crate::output::OutputFile;
use crate::output::pages::{Page, PageKind, range};

/// Codes of findings.
pub(super) const ENCODINGS: &str = "layout.encodings_false";
pub(super) const ROW_GROUP: &str = "layout.row_group_false";
pub(super) const FILE_PATH: &str = "layout.file_path_false";

/// Encodings by their numbers in the format.
const NUMBERS: [(i64, Encoding); 8] = [
    (0, Encoding::PLAIN),
    (2, Encoding::PLAIN_DICTIONARY),
    (3, Encoding::RLE),
    (5, Encoding::DELTA_BINARY_PACKED),
    (6, Encoding::DELTA_LENGTH_BYTE_ARRAY),
    (7, Encoding::DELTA_BYTE_ARRAY),
    (8, Encoding::RLE_DICTIONARY),
    (9, Encoding::BYTE_STREAM_SPLIT),
];
/// Types of data pages by their numbers in the format.
const DATA_PAGES: [i64; 2] = [0, 3];

/// The claims of one file, and where its chunks end.
pub(super) struct Claims<'a> {
    stated: &'a Stated,
    /// Ends of all chunks, ascending.
    ends: Vec<u64>,
    leaves: Vec<&'a Element>,
    /// Whether the writer names the end of a row group's first chunk for its place.
    by_end: bool,
}

/// Numbers of fields of the statistics: bounds of old, null count, bounds.
const OLD: [usize; 2] = [1, 2];
const NULL_COUNT: usize = 3;
const NEW: [usize; 2] = [5, 6];
/// The order of bounds that every reader knows.
const TYPE_ORDER: i64 = 1;

impl<'a> Claims<'a> {
    /// Of a file and what its footer states.
    pub(super) fn of(file: &OutputFile, stated: &'a Stated) -> Self {
        let chunks = file.metadata.row_groups().iter().flat_map(|group| group.columns());
        let mut ends: Vec<u64> = chunks.filter_map(place).map(|(_, end)| end).collect();
        ends.sort_unstable();
        let leaves = stated.elements.iter().skip(1).filter(|it| it.children == 0).collect();
        Self { stated, ends, leaves, by_end: names_ends(file.info.created_by.as_deref()) }
    }

    /// Whether the format defines an order of a column's values: unknown for an annotation that the format does not know yet.
    pub(super) fn ordered(&self, leaf: usize) -> bool {
        self.leaves.get(leaf).is_none_or(|it| it.logical.as_ref().is_none_or(corpora::stated::Logical::known))
    }

    /// Notes what readers have from a chunk's statistics.
    pub(super) fn mark(
        &self,
        group: usize,
        leaf: usize,
        rule: Option<Rule>,
        whole: &Seen,
        nullable: bool,
        laid: &mut Laid,
    ) {
        let chunk = self.stated.row_groups.get(group).and_then(|group| group.chunks.get(leaf));
        let stated = chunk.map(|chunk| chunk.statistics).unwrap_or_default();
        let both = |fields: [usize; 2]| fields.iter().all(|&field| stated.get(field) == Some(&true));
        let order = self.stated.column_orders.get(leaf).is_some_and(|order| *order == TYPE_ORDER);
        let numbers = matches!(rule, Some(Rule::Signed(_) | Rule::Float(_) | Rule::Boolean));
        if rule.is_some() && whole.lowest.is_some() {
            let bounds = both(NEW) && order || both(OLD) && numbers;
            laid.bounds = Some(bounds);
            laid.orderless = !bounds && both(NEW);
        }
        if nullable && whole.slots > 0 {
            laid.null_count = Some(stated[NULL_COUNT]);
        }
    }

    /// Claims about a row group that are not true.
    pub(super) fn of_group(&self, number: usize, group: &RowGroupMetaData) -> Vec<Lie> {
        let Some(stated) = self.stated.row_groups.get(number) else { return Vec::new() };
        let lies = [self.place(stated, group), compressed(stated, group), whole(stated, group)];
        let mut lies: Vec<Lie> =
            lies.into_iter().flatten().map(|said| Lie::of_chunk(ROW_GROUP, said)).collect();
        let elsewhere = stated.chunks.iter().zip(group.columns()).find_map(|(chunk, column)| {
            let path = chunk.file_path.as_ref().filter(|path| !path.is_empty())?;
            let column = column.column_path().string();
            Some(format!("the footer says that the pages of column {column:?} are in the file {path:?}"))
        });
        lies.extend(elsewhere.map(|said| Lie::of_chunk(FILE_PATH, said)));
        lies
    }

    fn place(&self, stated: &RowGroup, group: &RowGroupMetaData) -> Option<String> {
        // Without rows there are no pages of data, and writers state any offset.
        if group.num_rows() == 0 {
            return None;
        }
        let claimed = stated.file_offset.filter(|it| *it != 0)?;
        let first = group.columns().iter().filter_map(place).map(|(start, _)| start).min()?;
        // Where the first column's pages begin, for a writer that does not write columns in their order.
        let leading = group.columns().first().and_then(place);
        let leading = leading.map(|(start, end)| if self.by_end { [start, end] } else { [start; 2] });
        let before = self.ends.partition_point(|end| *end <= first);
        let before = before.checked_sub(1).and_then(|at| self.ends.get(at)).copied().unwrap_or(0);
        let there = u64::try_from(claimed).is_ok_and(|claimed| {
            (before..=first).contains(&claimed) || leading.is_some_and(|places| places.contains(&claimed))
        });
        (!there).then(|| {
            format!("the footer says that it begins at byte {claimed}, its first page begins at byte {first}")
        })
    }

    /// Claims about a chunk that are not true of the headers of its pages.
    pub(super) fn of_chunk(&self, group: usize, leaf: usize, pages: &[Page]) -> Vec<Lie> {
        let chunk = self.stated.row_groups.get(group).and_then(|group| group.chunks.get(leaf));
        let lies = chunk.map(|chunk| encodings(chunk, pages)).unwrap_or_default();
        lies.into_iter().map(|said| Lie::of_chunk(ENCODINGS, said)).collect()
    }
}

/// Whether a writer names the end of a row group's first chunk where it should name its beginning: Arrow for C++ before version 6.
fn names_ends(created_by: Option<&str>) -> bool {
    let version = created_by.and_then(|writer| {
        let (_, version) = writer.strip_prefix("parquet-cpp")?.split_once("version ")?;
        version.split('.').next()?.parse::<u32>().ok()
    });
    version.is_some_and(|it| it < 6)
}

/// Where a chunk with pages begins and ends.
fn place(chunk: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    range(chunk).filter(|(start, end)| start < end)
}

fn sum(group: &RowGroupMetaData, size: fn(&ColumnChunkMetaData) -> i64) -> i128 {
    group.columns().iter().map(|chunk| i128::from(size(chunk))).sum()
}

fn compressed(stated: &RowGroup, group: &RowGroupMetaData) -> Option<String> {
    let claimed = stated.total_compressed_size.filter(|it| *it != 0)?;
    let there = sum(group, ColumnChunkMetaData::compressed_size);
    (i128::from(claimed) != there)
        .then(|| format!("the footer says that its pages take {claimed} bytes, they take {there}"))
}

fn whole(stated: &RowGroup, group: &RowGroupMetaData) -> Option<String> {
    let claimed = stated.total_byte_size.filter(|it| *it != 0)?;
    let there = sum(group, ColumnChunkMetaData::uncompressed_size);
    let after = sum(group, ColumnChunkMetaData::compressed_size);
    (![there, after].contains(&i128::from(claimed))).then(|| {
        format!("the footer says that its pages take {claimed} bytes before compression, they take {there}")
    })
}

/// Data pages of one encoding.
#[derive(Default)]
struct Pages {
    all: i64,
    /// Those with values: a page without any may be counted or not.
    full: i64,
}

fn encodings(chunk: &Chunk, pages: &[Page]) -> Vec<String> {
    let mut there: BTreeMap<i64, Pages> = BTreeMap::new();
    for page in pages.iter().filter(|page| page.kind == PageKind::Data) {
        // A page in an encoding without a name cannot be decoded: the reading of values reports that.
        let Some(number) = page.encoding.and_then(number) else { return Vec::new() };
        let pages = there.entry(number).or_default();
        pages.all += 1;
        pages.full += i64::from(page.slots > 0);
    }
    let mut said = Vec::new();
    let listed: BTreeSet<i64> = chunk.encodings.iter().copied().map(same).collect();
    for (number, _) in there.iter().filter(|(number, it)| it.full > 0 && !listed.contains(number)) {
        if !listed.is_empty() {
            let listed: Vec<String> = chunk.encodings.iter().copied().map(name).collect();
            said.push(format!(
                "the footer lists the encodings {}, data pages are in {}",
                listed.join(", "),
                name(*number)
            ));
        }
    }
    let mut counted: BTreeMap<i64, i64> = BTreeMap::new();
    for [kind, encoding, count] in &chunk.encoding_stats {
        if DATA_PAGES.contains(kind) {
            let sum = counted.entry(same(*encoding)).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    if chunk.encoding_stats.is_empty() {
        return said;
    }
    let numbers: BTreeSet<i64> = there.keys().chain(counted.keys()).copied().collect();
    for number in numbers {
        let claimed = counted.get(&number).copied().unwrap_or(0);
        let (all, full) = there.get(&number).map_or((0, 0), |it| (it.all, it.full));
        if claimed != all && claimed != full {
            said.push(format!("the footer counts {claimed} data pages in {}, there are {all}", name(number)));
        }
    }
    said
}

/// One number for both names of dictionary encoding.
fn same(number: i64) -> i64 {
    if number == 2 { 8 } else { number }
}

fn number(encoding: Encoding) -> Option<i64> {
    NUMBERS.iter().find(|it| it.1 == encoding).map(|it| same(it.0))
}

fn name(number: i64) -> String {
    let known = NUMBERS.iter().find(|it| it.0 == number);
    known.map_or_else(|| format!("encoding {number}"), |it| it.1.to_string())
}
