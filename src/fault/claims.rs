//! Faults of a footer's own claims, planted into its Thrift: places and sizes of row groups, encodings of pages, field ids, the file in
//! which pages lie. Pages and values stay as they are.

use super::footer::restate_raw;
use super::site::Site;
use super::thrift::Value;
use crate::error::{Error, Result};

/// Fields of the format's structures.
const SCHEMA: i64 = 2;
const ROW_GROUPS: i64 = 4;
const CHILDREN: i64 = 5;
const FIELD_ID: i64 = 9;
const COLUMNS: i64 = 1;
const TOTAL_BYTE_SIZE: i64 = 2;
const FILE_OFFSET: i64 = 5;
const TOTAL_COMPRESSED_SIZE: i64 = 6;
const FILE_PATH: i64 = 1;
const META_DATA: i64 = 3;
const ENCODINGS: i64 = 2;
const ENCODING_STATS: i64 = 13;
/// Encodings and page types by their numbers.
const RLE: i64 = 3;
const PLAIN_DICTIONARY: i64 = 2;
const RLE_DICTIONARY: i64 = 8;
const DATA_PAGE: i64 = 0;
const DATA_PAGE_V2: i64 = 3;

/// Changes the footer of the first file in which `change` finds a place, and its size in the manifest.
fn first(site: &mut Site<'_>, change: impl Fn(&mut Value) -> bool) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let path = site.path(index);
        let changed = restate_raw(&path, &change)
            .map_err(|error| Error::internal(format!("cannot restate {}: {error}", path.display())))?;
        if changed {
            let metadata =
                std::fs::metadata(&path).map_err(|source| Error::io("cannot read", &path, source))?;
            site.manifest.files[index].file_size = Some(metadata.len());
            break;
        }
    }
    Ok(())
}

/// Changes the first row group in which `change` finds a place.
fn first_group(site: &mut Site<'_>, change: impl Fn(&mut Value) -> bool) -> Result<()> {
    first(site, |footer| footer.list(ROW_GROUPS).iter_mut().any(&change))
}

/// The second column has the field id of the first.
pub(super) fn shared_field_id(site: &mut Site<'_>) -> Result<()> {
    first(site, |footer| {
        let [root, one, rest @ ..] = footer.list(SCHEMA) else { return false };
        let columns = root.field(CHILDREN).and_then(|it| it.number()).unwrap_or(0);
        let leaf = |element: &mut Value| element.field(CHILDREN).is_none();
        let Some(other) = rest.first_mut() else { return false };
        if columns < 2 || !leaf(one) {
            return false;
        }
        one.set(FIELD_ID, Value::i32(1));
        other.set(FIELD_ID, Value::i32(1));
        true
    })
}

/// The row group begins far behind the end of the file.
pub(super) fn false_place(site: &mut Site<'_>) -> Result<()> {
    first_group(site, |group| {
        group.set(FILE_OFFSET, Value::i64(1 << 50));
        true
    })
}

/// All pages of the row group take one byte.
pub(super) fn false_size(site: &mut Site<'_>) -> Result<()> {
    first_group(site, |group| {
        group.set(TOTAL_COMPRESSED_SIZE, Value::i64(1));
        true
    })
}

/// The size of the row group went through 32 bits.
pub(super) fn negative_size(site: &mut Site<'_>) -> Result<()> {
    first_group(site, |group| {
        group.set(TOTAL_BYTE_SIZE, Value::i64(-1_794_967_296));
        true
    })
}

/// The pages of the first column lie in another file.
pub(super) fn other_file(site: &mut Site<'_>) -> Result<()> {
    first_group(site, |group| {
        let Some(chunk) = group.list(COLUMNS).first_mut() else { return false };
        chunk.set(FILE_PATH, Value::Binary(b"other.parquet".to_vec()));
        true
    })
}

/// All data pages of a column use its dictionary, where some are encoded otherwise.
pub(super) fn false_encodings(site: &mut Site<'_>) -> Result<()> {
    first_group(site, |group| {
        group.list(COLUMNS).iter_mut().any(|chunk| chunk.field(META_DATA).is_some_and(all_dictionary))
    })
}

fn all_dictionary(metadata: &mut Value) -> bool {
    let mut pages = 0;
    let mut otherwise = false;
    for stated in metadata.list(ENCODING_STATS) {
        let [kind, encoding, count] = [1, 2, 3].map(|it| stated.field(it).and_then(|it| it.number()));
        if matches!(kind, Some(DATA_PAGE | DATA_PAGE_V2)) {
            pages += count.unwrap_or(0);
            otherwise |= !matches!(encoding, Some(PLAIN_DICTIONARY | RLE_DICTIONARY)) && count > Some(0);
        }
    }
    if !otherwise {
        return false;
    }
    let pages = vec![(1, Value::i32(DATA_PAGE)), (2, Value::i32(RLE_DICTIONARY)), (3, Value::i32(pages))];
    metadata.set(ENCODING_STATS, Value::structures(vec![pages]));
    metadata.set(ENCODINGS, Value::List(5, vec![Value::i32(RLE), Value::i32(RLE_DICTIONARY)]));
    true
}
