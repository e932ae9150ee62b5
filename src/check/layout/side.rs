//! One side's files, chunk by chunk: what they are like, and which of their statements are not true.
//!
//! Row groups are looked at in parallel. Memory: one page, its decoded slots, and the bounds of one chunk's pages a thread, each as
//! long as what is stated of it; footer, page headers and page indexes as they are.

use std::collections::BTreeMap;

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use rayon::prelude::*;
use reports::document::Place;
use reports::manifest::ErrorClass;

use super::claims::{self, Claims};
use super::facts::{Kept, Laid, Watch};
use super::keys::Keys;
use super::order::Rule;
use super::truth::{self, Chunk};
use super::{sorting, truth::Lie};
use crate::cancel::Cancel;
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::error::Result;
use crate::output::{OutputFile, pages};

/// Untrue statements of one kind about one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lies {
    /// How many.
    pub(super) count: u64,
    /// Where the first stands, and what it is.
    pub(super) place: Place,
    pub(super) said: String,
}

/// A side as a whole.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Chunks by column, in judged order of files and row groups.
    pub(super) columns: BTreeMap<String, Vec<Laid>>,
    /// Files that hold the column, by column.
    pub(super) files: BTreeMap<String, u64>,
    /// By code and column.
    pub(super) lies: BTreeMap<(&'static str, String), Lies>,
    /// Sorting columns that row groups declare, in words.
    pub(super) sorting: BTreeMap<String, u64>,
    /// Row groups of more than one row that declare no order.
    pub(super) undeclared: u64,
    /// Key-value metadata.
    pub(super) keys: Keys,
    /// Chunks whose bounds were not judged, because the format defines no order for them.
    pub(super) unordered: u64,
}

impl Looked {
    fn lie(&mut self, code: &'static str, column: String, place: Place, said: String) {
        let lies = self.lies.entry((code, column)).or_insert(Lies { count: 0, place, said });
        lies.count += 1;
    }

    fn join(&mut self, other: Self) {
        for (column, chunks) in other.columns {
            self.columns.entry(column).or_default().extend(chunks);
        }
        for (column, files) in other.files {
            *self.files.entry(column).or_default() += files;
        }
        for (key, lies) in other.lies {
            let count = lies.count;
            self.lies.entry(key).and_modify(|it| it.count += count).or_insert(lies);
        }
        for (words, groups) in other.sorting {
            *self.sorting.entry(words).or_default() += groups;
        }
        self.unordered += other.unordered;
        self.undeclared += other.undeclared;
        self.keys.join(other.keys);
    }
}

/// Looks at all files of a side, but not at columns that `ignored` names.
pub(super) fn look(
    side: &Observed,
    ignored: &Ignored,
    cancel: &Cancel,
) -> std::result::Result<Looked, SideError> {
    let files: std::result::Result<Vec<Looked>, SideError> = side
        .output
        .files
        .par_iter()
        .map(|file| {
            look_at(file, ignored, cancel).map_err(|error| SideError {
                role: side.role,
                file: file.info.path.clone(),
                error,
            })
        })
        .collect();
    let mut looked = Looked::default();
    files?.into_iter().for_each(|file| looked.join(file));
    Ok(looked)
}

fn look_at(file: &OutputFile, ignored: &Ignored, cancel: &Cancel) -> Result<Looked> {
    let stated = file.stated()?;
    let claims = Claims::of(file, &stated);
    let mut looked = Looked { keys: Keys::of(file, &stated, ignored)?, ..Looked::default() };
    let indexed = match pages::indexed(file) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.class != ErrorClass::Input => return Err(error),
        // The indexes of all columns are read together: those of an encrypted one are encrypted as well.
        Err(_) if leaves(file).any(|leaf| is_ignored(file, leaf, ignored)) => None,
        Err(error) => {
            let place = Place { file: Some(file.info.path.clone()), ..Place::default() };
            looked.lie(
                truth::PAGE_INDEX,
                String::new(),
                place,
                format!("the page index cannot be read: {}", error.message),
            );
            None
        }
    };
    for leaf in leaves(file).filter(|leaf| !is_ignored(file, *leaf, ignored)) {
        *looked.files.entry(name(file, leaf)).or_default() += 1;
    }
    for broken in sorting::broken(file, ignored, cancel)? {
        let column = Some(broken.column.clone()).filter(|it| !it.is_empty());
        let place = Place { column, ..file.place(broken.row) };
        looked.lie(sorting::CODE, broken.column, place, broken.said);
    }
    let groups: Result<Vec<Looked>> = (0..file.metadata.num_row_groups())
        .into_par_iter()
        .map(|group| row_group(file, indexed.as_ref(), &claims, group, ignored, cancel))
        .collect();
    groups?.into_iter().for_each(|group| looked.join(group));
    Ok(looked)
}

pub(super) type Ignored = BTreeMap<String, String>;

fn leaves(file: &OutputFile) -> std::ops::Range<usize> {
    0..file.metadata.file_metadata().schema_descr().num_columns()
}

fn is_ignored(file: &OutputFile, leaf: usize, ignored: &Ignored) -> bool {
    ignored.contains_key(file.metadata.file_metadata().schema_descr().get_column_root(leaf).name())
}

/// Name of a leaf, parts of nested ones joined by dots.
fn name(file: &OutputFile, leaf: usize) -> String {
    file.metadata.file_metadata().schema_descr().column(leaf).path().string()
}

/// Whether the footer puts a chunk where the file is not, or gives it a size that there is not.
fn is_nowhere(file: &OutputFile, chunk: &ColumnChunkMetaData) -> bool {
    let within = pages::range(chunk).is_some_and(|(_, end)| end <= file.info.bytes);
    !within || chunk.uncompressed_size() < 0
}

fn row_group(
    file: &OutputFile,
    indexed: Option<&ParquetMetaData>,
    claims: &Claims<'_>,
    group: usize,
    ignored: &Ignored,
    cancel: &Cancel,
) -> Result<Looked> {
    let mut looked = Looked::default();
    let metadata = file.metadata.row_group(group);
    let first_row: i64 = file.metadata.row_groups()[..group].iter().map(|it| it.num_rows()).sum();
    let first_row = u64::try_from(first_row).unwrap_or(0);
    let unsound = (0..metadata.num_columns())
        .any(|leaf| is_ignored(file, leaf, ignored) && is_nowhere(file, metadata.column(leaf)));
    // What the row group states of all its chunks cannot be judged where one that is left out states nonsense.
    let lies =
        claims.of_group(group, metadata).into_iter().filter(|it| !unsound || it.code != claims::ROW_GROUP);
    for Lie { code, said, .. } in lies {
        let place =
            Place { file: Some(file.info.path.clone()), row_group: Some(group as u64), ..Place::default() };
        looked.lie(code, String::new(), place, said);
    }
    for leaf in (0..metadata.num_columns()).filter(|leaf| !is_ignored(file, *leaf, ignored)) {
        cancel.check()?;
        let column = name(file, leaf);
        let (laid, lies, ordered) = chunk(file, indexed, claims, group, leaf, cancel)?;
        for Lie { code, said, row } in lies {
            let place = Place {
                file: Some(file.info.path.clone()),
                row_group: Some(group as u64),
                column: Some(column.clone()),
                row: row.map(|row| first_row + row),
            };
            looked.lie(code, column.clone(), place, said);
        }
        looked.unordered += u64::from(!ordered);
        looked.columns.entry(column).or_default().push(laid);
    }
    if let Some(declared) = metadata.sorting_columns().filter(|it| !it.is_empty()) {
        looked.sorting.insert(sorting::words(file, declared), 1);
    } else if metadata.num_rows() > 1 {
        looked.undeclared = 1;
    }
    Ok(looked)
}

fn chunk(
    file: &OutputFile,
    indexed: Option<&ParquetMetaData>,
    claims: &Claims<'_>,
    group: usize,
    leaf: usize,
    cancel: &Cancel,
) -> Result<(Laid, Vec<Lie>, bool)> {
    let metadata = file.metadata.row_group(group).column(leaf);
    let headers = pages::walk(&file.path, group, metadata)?;
    let rule = Rule::of(metadata.column_descr()).filter(|_| claims.ordered(leaf));
    let mut lies = claims.of_chunk(group, leaf, &headers);
    let bloom = match file.chunk(group, leaf).bloom_filter() {
        Ok(bloom) => bloom,
        Err(error) if error.class != ErrorClass::Input => return Err(error),
        Err(error) => {
            let said = format!("the bloom filter cannot be read: {}", error.message);
            lies.push(Lie { code: truth::BLOOM, said, row: None });
            None
        }
    };
    let column_index = indexed.and_then(|it| it.column_index()?.get(group)?.get(leaf));
    let offset_index = indexed.and_then(|it| it.offset_index()?.get(group)?.get(leaf));
    let mut laid = Laid {
        codec: codec(metadata.compression()),
        compressed: u64::try_from(metadata.compressed_size()).unwrap_or(0),
        uncompressed: u64::try_from(metadata.uncompressed_size()).unwrap_or(0),
        statistics: metadata.statistics().is_some(),
        page_index: metadata.column_index_offset().is_some() && metadata.offset_index_offset().is_some(),
        bloom: metadata.bloom_filter_offset().is_some(),
        ..Laid::of(&headers)
    };
    let column = metadata.column_descr();
    let leaf_null = column.self_type().is_optional().then(|| column.max_def_level() - 1);
    let column_index = column_index.filter(|_| metadata.column_index_offset().is_some());
    let kept = Kept::of(metadata, &headers, column_index);
    let mut watch = Watch::new(rule, bloom, leaf_null, &headers, kept);
    file.chunk(group, leaf).read(&mut watch, || cancel.check())?;
    let rows = u64::try_from(file.metadata.row_group(group).num_rows()).unwrap_or(0);
    let missed = watch.missed;
    let (whole, seen) = watch.finish();
    claims.mark(group, leaf, rule, &whole, metadata.column_descr().max_def_level() > 0, &mut laid);
    let chunk = Chunk {
        metadata,
        rule,
        rows,
        headers: &headers,
        whole: &whole,
        pages: &seen,
        column_index,
        offset_index: offset_index.filter(|_| metadata.offset_index_offset().is_some()),
        missed,
    };
    lies.extend(chunk.lies());
    Ok((laid, lies, rule.is_some()))
}

fn codec(codec: Compression) -> String {
    let name = format!("{codec:?}");
    name.split('(').next().unwrap_or_default().to_ascii_lowercase()
}
