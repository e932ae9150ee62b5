//! The physical layout, spelled out.

use std::fs::File;
use std::path::Path;

use parquet::basic::{Compression, Encoding};
use parquet::column::page::Page;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::SerializedPageReader;

use super::{Place, row, schema_of};
use crate::{BuffetWriter, Row, Schema, SchemaSource, Value};

fn metadata(path: &Path) -> ParquetMetaData {
    let file = File::open(path).expect("open");
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&file)
        .expect("metadata with page index")
}

/// Pages of a column of the first row group, as a line each.
fn pages(path: &Path, column: usize) -> Vec<String> {
    let metadata = metadata(path);
    let group = metadata.row_group(0);
    let rows = usize::try_from(group.num_rows()).expect("rows");
    let file = File::open(path).expect("open").into();
    SerializedPageReader::new(file, group.column(column), rows, None)
        .expect("pages")
        .map(|page| match page.expect("a page") {
            Page::DataPage { .. } => "V1".to_owned(),
            Page::DataPageV2 { num_rows, encoding, .. } => format!("V2 {encoding} {num_rows} rows"),
            Page::DictionaryPage { num_values, .. } => format!("dictionary of {num_values}"),
        })
        .collect()
}

fn wide(number: i64) -> Row {
    row(&[
        ("_cardinalhq.message", Value::String(format!("message {number}").into_bytes())),
        ("_cardinalhq.tid", Value::Int64(number)),
        ("flag", Value::Boolean(number % 2 == 0)),
        ("level", Value::from(["INFO", "WARN"][usize::from(number % 7 == 0)])),
        ("raw", Value::Bytes(number.to_be_bytes().to_vec())),
        ("short", Value::Int32(number as i32)),
        ("value", Value::Float64(number as f64)),
    ])
}

fn write(place: &Place, source: SchemaSource, rows: &[Row]) -> crate::FileResult {
    let mut schema = Schema::new(source);
    for (name, column_type) in schema_of(rows).iter() {
        schema.add(name, column_type).expect("a new column");
    }
    let mut writer = BuffetWriter::open(place.options(schema, 0)).expect("open");
    rows.iter().for_each(|row| writer.write(row).expect("write"));
    writer.close().expect("close").remove(0)
}

#[test]
fn the_schema_is_flat_optional_sorted_and_annotated() {
    let place = Place::new();
    let file = write(&place, SchemaSource::Input, &[wide(0)]);
    let metadata = metadata(&file.path);
    let root = metadata.file_metadata().schema_descr().root_schema();
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, root);
    assert_eq!(
        String::from_utf8(text).expect("text").trim(),
        "message test {\n  \
           OPTIONAL BYTE_ARRAY _cardinalhq.message (STRING);\n  \
           OPTIONAL INT64 _cardinalhq.tid (INTEGER(64,true));\n  \
           OPTIONAL BOOLEAN flag;\n  \
           OPTIONAL BYTE_ARRAY level (STRING);\n  \
           OPTIONAL BYTE_ARRAY raw;\n  \
           OPTIONAL INT32 short (INTEGER(32,true));\n  \
           OPTIONAL DOUBLE value;\n}"
    );
    assert_eq!(metadata.file_metadata().key_value_metadata(), None);
}

#[test]
fn row_groups_hold_40000_rows_and_pages_3568() {
    let place = Place::new();
    let rows: Vec<Row> = (0..90_000).map(|n| row(&[("n", Value::Int64(n))])).collect();
    let file = write(&place, SchemaSource::Input, &rows);
    let metadata = metadata(&file.path);
    let groups: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [40_000, 40_000, 10_000]);
    for (group, rows) in metadata.offset_index().expect("offset index").iter().zip(groups) {
        let starts: Vec<i64> = group[0].page_locations().iter().map(|page| page.first_row_index).collect();
        assert_eq!(starts, (0..rows).step_by(3_568).collect::<Vec<_>>());
    }
    assert_eq!(pages(&file.path, 0)[..2], ["dictionary of 40000", "V2 RLE_DICTIONARY 3568 rows"]);
}

#[test]
fn chunks_are_zstd_with_page_index_and_without_bloom_filter() {
    let place = Place::new();
    let rows: Vec<Row> = (0..10).map(wide).collect();
    let file = write(&place, SchemaSource::Input, &rows);
    for chunk in metadata(&file.path).row_group(0).columns() {
        assert!(matches!(chunk.compression(), Compression::ZSTD(_)));
        assert!(chunk.column_index_offset().is_some() && chunk.offset_index_offset().is_some());
        assert_eq!(chunk.bloom_filter_offset(), None);
        let boolean = chunk.column_descr().name() == "flag";
        assert_eq!(chunk.dictionary_page_offset().is_none(), boolean, "{}", chunk.column_descr().name());
    }
}

#[test]
fn with_a_schema_from_values_message_tid_and_bytes_have_no_dictionary() {
    let place = Place::new();
    let rows: Vec<Row> = (0..10).map(wide).collect();
    let file = write(&place, SchemaSource::Values, &rows);
    let lengths = Encoding::DELTA_LENGTH_BYTE_ARRAY;
    assert_eq!(pages(&file.path, 0), [format!("V2 {lengths} 10 rows")]);
    assert_eq!(pages(&file.path, 1), ["V2 PLAIN 10 rows"]);
    assert_eq!(pages(&file.path, 3), ["dictionary of 2", "V2 RLE_DICTIONARY 10 rows"]);
    assert_eq!(pages(&file.path, 4), [format!("V2 {lengths} 10 rows")]);
}

#[test]
fn statistics_are_whole_and_column_index_values_are_cut() {
    let place = Place::new();
    let long = vec![b'a'; 3_000];
    let file = write(&place, SchemaSource::Input, &[row(&[("s", Value::String(long.clone()))])]);
    let metadata = metadata(&file.path);
    let statistics = metadata.row_group(0).column(0).statistics().expect("statistics");
    assert_eq!(statistics.min_bytes_opt(), Some(&long[..]));
    assert_eq!(statistics.max_bytes_opt(), Some(&long[..]));
    let index = &metadata.column_index().expect("column index")[0][0];
    let parquet::file::page_index::column_index::ColumnIndexMetaData::BYTE_ARRAY(index) = index else {
        panic!("{index:?}")
    };
    assert_eq!(index.min_value(0).map(<[u8]>::len), Some(1_024));
}

#[test]
fn bytes_that_are_not_utf8_are_written_as_they_are() {
    let place = Place::new();
    let rows = [row(&[("s", Value::String(b"\xff\xfe".to_vec()))])];
    let file = write(&place, SchemaSource::Input, &rows);
    assert_eq!(super::read(&file.path), rows);
}
