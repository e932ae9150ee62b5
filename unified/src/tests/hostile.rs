//! Segments that lie: about their size, their place, their values. Each ends in an error that names it, nothing is left.

use std::sync::Arc;

use arrow::array::{ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::FixedLenByteArrayType;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::*;
use crate::{BuffetJob, Columns, ErrorKind};

/// Runs a job over the bytes of one segment, on one thread and on two.
pub(super) fn run_both(bytes: &[u8], memory_limit: u64) -> [crate::Result<u64>; 2] {
    [1, 2].map(|threads| {
        let place = Place::new();
        let folder = tempfile::tempdir().unwrap();
        let inputs = [folder.path().join("hostile-0")];
        std::fs::write(&inputs[0], bytes).unwrap();
        let job = BuffetJob {
            inputs: &inputs,
            output: place.output.path(),
            scratch: place.scratch.path(),
            rows_per_file: 0,
            target_size: 1_000_000,
            split_hours: false,
            memory_limit,
            threads,
            sync: false,
            dropped_columns: &[],
            columns: &Columns::default(),
            sort: true,
            cancel: None,
        };
        let ran = job.run();
        match &ran {
            Ok(outcome) => place.assert_only(&outcome.files()),
            Err(error) => {
                place.assert_empty();
                assert!(error.to_string().contains("hostile-"), "it names the file: {error}");
            }
        }
        ran.map(|outcome| outcome.files().iter().map(|file| file.record_count).sum())
    })
}

pub(super) fn refused(bytes: &[u8], reason: &str) {
    for error in run_both(bytes, 64 << 20).map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// A file of two columns, plain and not compressed.
fn plain_file() -> Vec<u8> {
    let rows = batch(vec![("n", ints(0..100)), ("text", texts((0..100).map(|n| n.to_string())))]);
    file_of(&rows, WriterProperties::builder().set_dictionary_enabled(false))
}

pub(super) fn file_of(
    rows: &RecordBatch,
    properties: parquet::file::properties::WriterPropertiesBuilder,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties.build())).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    bytes
}

/// The file with another footer, made of its own.
pub(super) fn with_footer(file: &[u8], change: impl FnOnce(ParquetMetaData) -> ParquetMetaData) -> Vec<u8> {
    let bytes = bytes::Bytes::copy_from_slice(file);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes).unwrap();
    let length = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap());
    let mut changed = file[..file.len() - 8 - length as usize].to_vec();
    ParquetMetaDataWriter::new(&mut changed, &change(metadata)).finish().unwrap();
    changed
}

/// With another first row group.
pub(super) fn with_group(
    metadata: ParquetMetaData,
    change: impl FnOnce(RowGroupMetaData) -> RowGroupMetaData,
) -> ParquetMetaData {
    let mut builder = metadata.into_builder();
    let mut groups = builder.take_row_groups();
    let first = groups.remove(0);
    groups.insert(0, change(first));
    builder.set_row_groups(groups).build()
}

/// With another chunk of a column.
pub(super) fn with_chunk(
    file: &[u8],
    column: usize,
    change: impl FnOnce(ColumnChunkMetaData) -> ColumnChunkMetaData,
) -> Vec<u8> {
    with_footer(file, |metadata| {
        with_group(metadata, |group| {
            let mut builder = group.into_builder();
            let mut chunks = builder.take_columns();
            let chunk = chunks.remove(column);
            chunks.insert(column, change(chunk));
            builder.set_column_metadata(chunks).build().unwrap()
        })
    })
}

/// A file that consists of a footer.
fn only_footer(thrift: &[u8]) -> Vec<u8> {
    let length = u32::try_from(thrift.len()).unwrap().to_le_bytes();
    [b"PAR1", thrift, &length, b"PAR1"].concat()
}

#[test]
fn footers_that_would_exhaust_memory_or_stack_are_refused() {
    // Field 4, a list of structs with 2^31 - 1 elements.
    refused(&only_footer(&[0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00]), "2147483647 elements");
    let mut nested = vec![0x29, 0xfc, 0x90, 0x4e];
    (0..10_000).for_each(|_| nested.extend([0x55, 0x02, 0x00]));
    nested.push(0);
    refused(&only_footer(&nested), "the schema nests more than");
    refused(b"PAR1", "too few");
    refused(b"PAR1 and something else", "does not end in PAR1");
    refused(&[b"PAR1", &[0xff; 4][..], b"PAR1"].concat(), "announces a footer of 4294967295 bytes");
    refused(b"PAR1 and 0000PARE", "encrypted");
    refused(&only_footer(&vec![0; 9 << 20]), "raise the memory limit");
}

#[test]
fn chunks_in_impossible_places_are_refused() {
    let file = plain_file();
    for offset in [-1, i64::MIN, i64::MAX, 1 << 40] {
        let moved =
            |chunk: ColumnChunkMetaData| chunk.into_builder().set_data_page_offset(offset).build().unwrap();
        refused(&with_chunk(&file, 1, moved), "column `text`: its chunk lies outside the file");
    }
    for size in [-1, 1 << 40, 1 << 62] {
        let sized = |chunk: ColumnChunkMetaData| {
            chunk.into_builder().set_total_compressed_size(size).build().unwrap()
        };
        refused(&with_chunk(&file, 0, sized), "column `n`: its chunk lies outside the file");
    }
    let upon = |chunk: ColumnChunkMetaData| chunk.into_builder().set_data_page_offset(4).build().unwrap();
    refused(&with_chunk(&file, 1, upon), "their chunks overlap");
}

#[test]
fn rows_that_are_not_there_are_refused() {
    let file = plain_file();
    for rows in [0, 1, 99, 101, 1 << 40, i64::MAX] {
        let lying = with_footer(&file, |metadata| {
            with_group(metadata, |group| group.into_builder().set_num_rows(rows).build().unwrap())
        });
        refused(&lying, "its pages hold 100 values");
    }
    let below = with_footer(&file, |metadata| {
        with_group(metadata, |group| group.into_builder().set_num_rows(-1).build().unwrap())
    });
    refused(&below, "-1 rows");
}

#[test]
fn a_page_that_announces_gigabytes_is_refused_with_what_it_needs() {
    let file = plain_file();
    // The header of the first page: its type, then its size uncompressed.
    assert_eq!(file[4..7], [0x15, 0x00, 0x15]);
    let length = file[7..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let longer = [&file[..7], &[0xfe, 0xff, 0xff, 0xff, 0x0f], &file[7 + length..]].concat();
    let more = 5 - length as i64;
    let moved = with_footer(&longer, |metadata| {
        with_group(metadata, |group| {
            let mut builder = group.into_builder();
            let mut chunks = builder.take_columns().into_iter();
            let (first, second) = (chunks.next().unwrap(), chunks.next().unwrap());
            let size = first.compressed_size() + more;
            let first = first.into_builder().set_total_compressed_size(size).build().unwrap();
            let offset = second.data_page_offset() + more;
            let second = second.into_builder().set_data_page_offset(offset).build().unwrap();
            builder.set_column_metadata(vec![first, second]).build().unwrap()
        })
    });
    refused(&moved, "row group 0: column `n`, page of row 0: 42949");
    refused(&moved, "(--memory-limit)");
}

#[test]
fn a_list_of_more_elements_than_its_pages_hold_is_refused() {
    let item = Arc::new(Field::new("item", arrow::datatypes::DataType::Int64, true));
    let list: ArrayRef =
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([100]), ints(0..100), None));
    let file = file_of(&batch(vec![("list", list)]), WriterProperties::builder());
    let many = |chunk: ColumnChunkMetaData| chunk.into_builder().set_num_values(50_000_000).build().unwrap();
    refused(&with_chunk(&file, 0, many), "its pages hold 100 values, its footer states 50000000");
}

#[test]
fn values_of_seven_hundred_megabytes_each_are_refused() {
    let leaf = Type::primitive_type_builder("wide", Physical::FIXED_LEN_BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .with_length(700_000_000);
    let root =
        Type::group_type_builder("root").with_fields(vec![Arc::new(leaf.build().unwrap())]).build().unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(root), Arc::new(WriterProperties::default())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<FixedLenByteArrayType>().write_batch(&[], Some(&[0; 9]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    refused(&bytes, "700000000 bytes each");
}

#[test]
fn a_large_value_that_is_stored_once_and_repeated_is_written_whole() {
    let value = "x".repeat(1 << 20);
    let rows = batch(vec![
        ("_cardinalhq.timestamp", ints((0..48).rev())),
        ("text", Arc::new(StringArray::from(vec![value.as_str(); 48]))),
    ]);
    let properties = WriterProperties::builder()
        .set_dictionary_page_size_limit(4 << 20)
        .set_compression(Compression::SNAPPY);
    let file = file_of(&rows, properties);
    assert!(file.len() < 300_000, "{} bytes stand for 48 MiB", file.len());
    for written in run_both(&file, 16 << 20) {
        assert_eq!(written.unwrap(), 48);
    }
}

#[test]
fn damaged_segments_end_in_an_error_or_in_rows_and_never_in_a_panic() {
    let texts = texts((0..100).map(|n| format!("text {}", n % 7)));
    let rows = batch(vec![("_cardinalhq.timestamp", ints(0..100)), ("text", texts)]);
    let delta = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_column_encoding("text".into(), parquet::basic::Encoding::DELTA_BYTE_ARRAY);
    let files = [plain_file(), file_of(&rows, WriterProperties::builder()), file_of(&rows, delta)];
    let mut chance = noise(5);
    let (mut errors, mut whole) = (0, 0);
    for round in 0..600 {
        let mut bytes = files[round % files.len()].clone();
        for _ in 0..1 + chance.next().unwrap() % 3 {
            let at = chance.next().unwrap() as usize % bytes.len();
            bytes[at] = chance.next().unwrap() as u8;
        }
        for ran in run_both(&bytes, 64 << 20) {
            match ran {
                Ok(_) => whole += 1,
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
                    errors += 1;
                }
            }
        }
    }
    assert!(errors > 100 && whole > 100, "{errors} errors, {whole} files written");
}
