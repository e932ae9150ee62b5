//! Writing small Parquet files for tests.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};

/// Columns of a file: name and values.
pub(crate) type Columns = Vec<(&'static str, ArrayRef)>;

/// Writes a file with all columns optional and zstd.
pub(crate) fn write(path: &Path, columns: &Columns) {
    write_with(
        path,
        columns,
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())),
    );
}

/// Writes a file with the given properties.
pub(crate) fn write_with(path: &Path, columns: &Columns, properties: WriterPropertiesBuilder) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), schema, Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Bytes of each value that [`write_wide`] writes.
const WIDTH: u32 = 100_000;

/// Writes a file with a log's time and two wide values of fixed width.
pub(crate) fn write_wide(path: &Path) {
    let value = vec![7_u8; WIDTH as usize];
    let wide = FixedSizeBinaryArray::try_from_iter([value.clone(), value].into_iter()).unwrap();
    let times = Int64Array::from(vec![1, 2]);
    write(path, &vec![("_cardinalhq.timestamp", Arc::new(times) as ArrayRef), ("wide", Arc::new(wide))]);
}

/// Lets the footer of such a file say that its values have 713,000,000 bytes each.
pub(crate) fn widen(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let varint = |value: u32| {
        let (mut rest, mut bytes) = (value << 1, Vec::new());
        while rest >= 0x80 {
            bytes.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        bytes.push(rest.to_le_bytes()[0]);
        bytes
    };
    let end = bytes.len() - 8;
    let footer = end - u32::from_le_bytes(*bytes[end..].first_chunk().unwrap()) as usize;
    let width = varint(WIDTH);
    let at = footer + bytes[footer..].windows(width.len()).position(|it| it == width).unwrap();
    let mut changed = [&bytes[..at], &varint(713_000_000), &bytes[at + width.len()..end]].concat();
    let length = u32::try_from(changed.len() - footer).unwrap();
    changed.extend(length.to_le_bytes());
    changed.extend(b"PAR1");
    std::fs::write(path, changed).unwrap();
}
