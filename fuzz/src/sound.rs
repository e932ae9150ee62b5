//! Small sound files: types, encodings, codecs, page versions, statistics, indexes, filters, nesting.
//!
//! Those of the Go writers, which have page checksums, are golden files of the tests.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, Int64Builder, ListBuilder, MapBuilder, RecordBatch,
    StringArray, StringBuilder, StructArray, TimestampNanosecondArray, UInt64Array,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};

use super::damage::Sound;

/// Files to damage.
pub static FILES: LazyLock<Vec<Sound>> = LazyLock::new(|| {
    let golden: [&[u8]; 4] = [
        include_bytes!("../../tests/golden/fingerprint-fuzz-logs-55/input/f0.parquet"),
        include_bytes!("../../tests/golden/fingerprint-fuzz-logs-55/output/out-000.parquet"),
        include_bytes!("../../tests/golden/tidmerge-fuzz-metrics-55/input/f0.parquet"),
        include_bytes!("../../tests/golden/fingerprint-types-binary/output/out-000.parquet"),
    ];
    let made = [
        write(&flat(12), plain(WriterProperties::builder())),
        write(&flat(12), dictionary(WriterProperties::builder().set_compression(Compression::SNAPPY))),
        write(&flat(40), delta(WriterProperties::builder())),
        write(&flat(3), plain(gzip(WriterProperties::builder()))),
        write(&nested(), plain(WriterProperties::builder().set_compression(Compression::LZ4_RAW))),
        write(
            &nested(),
            dictionary(WriterProperties::builder().set_writer_version(WriterVersion::PARQUET_2_0)),
        ),
        write(&logs(), dictionary(zstd(WriterProperties::builder()))),
        write(&logs(), plain(WriterProperties::builder())),
        write(&odd(), split(WriterProperties::builder())),
        write(&odd(), plain(brotli(WriterProperties::builder()))),
        write(&flat(0), plain(WriterProperties::builder())),
    ];
    made.into_iter().chain(golden.map(<[u8]>::to_vec)).map(Sound::new).collect()
});

fn zstd(builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    builder.set_compression(Compression::ZSTD(ZstdLevel::default()))
}

fn gzip(builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    builder.set_compression(Compression::GZIP(GzipLevel::default()))
}

fn brotli(builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    builder.set_compression(Compression::BROTLI(BrotliLevel::default()))
}

/// Plain values in small pages, with every statement that a file can make of itself.
fn plain(builder: WriterPropertiesBuilder) -> WriterProperties {
    builder
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(5)
        .set_write_batch_size(5)
        .set_max_row_group_row_count(Some(9))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_write_page_header_statistics(true)
        .build()
}

/// Dictionaries and bloom filters.
fn dictionary(builder: WriterPropertiesBuilder) -> WriterProperties {
    builder
        .set_bloom_filter_enabled(true)
        .set_bloom_filter_max_ndv(20)
        .set_data_page_row_count_limit(7)
        .set_write_batch_size(7)
        .set_statistics_enabled(EnabledStatistics::Page)
        .build()
}

/// Delta encodings in pages of the second version.
fn delta(builder: WriterPropertiesBuilder) -> WriterProperties {
    let mut builder = builder
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for (column, encoding) in [
        ("int", Encoding::DELTA_BINARY_PACKED),
        ("long", Encoding::DELTA_BINARY_PACKED),
        ("text", Encoding::DELTA_BYTE_ARRAY),
        ("bytes", Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ("flag", Encoding::RLE),
    ] {
        builder = builder.set_column_encoding(column.into(), encoding);
    }
    builder.build()
}

/// Byte stream split, no statistics.
fn split(builder: WriterPropertiesBuilder) -> WriterProperties {
    let mut builder = builder.set_dictionary_enabled(false).set_statistics_enabled(EnabledStatistics::None);
    for column in ["single", "double", "fixed"] {
        builder = builder.set_column_encoding(column.into(), Encoding::BYTE_STREAM_SPLIT);
    }
    builder.build()
}

fn write(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writable schema");
    writer.write(batch).expect("written into memory");
    writer.into_inner().expect("written into memory")
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn flat(rows: i64) -> RecordBatch {
    let some = |row: i64| row % 4 != 1;
    batch(vec![
        (
            "int",
            Arc::new((0..rows).map(|row| some(row).then_some(row as i32 * 7 - 9)).collect::<Int32Array>()),
        ),
        ("long", Arc::new((0..rows).map(|row| Some(row << 33 ^ -row)).collect::<Int64Array>())),
        ("flag", Arc::new((0..rows).map(|row| some(row).then_some(row % 3 == 0)).collect::<BooleanArray>())),
        (
            "text",
            Arc::new(
                (0..rows).map(|row| some(row).then(|| format!("word {}", row % 5))).collect::<StringArray>(),
            ),
        ),
        (
            "bytes",
            Arc::new((0..rows).map(|row| Some(vec![row as u8; row as usize % 4])).collect::<BinaryArray>()),
        ),
    ])
}

fn odd() -> RecordBatch {
    let rows = 10_i64;
    let fixed = FixedSizeBinaryArray::try_from_iter((0..rows).map(|row| vec![row as u8; 5]));
    let decimal = Decimal128Array::from_iter((0..rows).map(|row| Some(i128::from(row * 12_345) - 9)))
        .with_precision_and_scale(38, 4);
    let short_decimal = Decimal128Array::from_iter((0..rows).map(Some).map(|row| row.map(i128::from)));
    let floats = [0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, -2.5, 1e300, 5e-324, 3.0, 4.0];
    batch(vec![
        ("single", Arc::new(floats.iter().map(|it| Some(*it as f32)).collect::<Float32Array>())),
        ("double", Arc::new(floats.iter().map(|it| (*it != 3.0).then_some(*it)).collect::<Float64Array>())),
        ("fixed", Arc::new(fixed.expect("five bytes each"))),
        ("decimal", Arc::new(decimal.expect("a valid precision"))),
        ("short", Arc::new(short_decimal.with_precision_and_scale(9, 2).expect("a valid precision"))),
        ("day", Arc::new((0..rows).map(|row| Some(row as i32 * 400)).collect::<Date32Array>())),
        ("when", Arc::new((0..rows).map(|row| Some(row * 1_000_003)).collect::<TimestampNanosecondArray>())),
        ("small", Arc::new((0..rows).map(|row| Some(row as i16 - 3)).collect::<Int16Array>())),
        ("large", Arc::new((0..rows).map(|row| Some(u64::MAX - row as u64)).collect::<UInt64Array>())),
    ])
}

fn nested() -> RecordBatch {
    let mut list = ListBuilder::new(Int64Builder::new());
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for row in 0..11_i64 {
        (0..row % 4).for_each(|item| list.values().append_option((item != 1).then_some(row * 10 + item)));
        list.append(row % 5 != 2);
        for item in 0..row % 3 {
            map.keys().append_value(format!("key {item}"));
            map.values().append_value(row - item);
        }
        map.append(row % 5 != 3).expect("as many keys as values");
    }
    let inner = batch(vec![
        ("a", Arc::new((0..11).map(|row| (row % 3 != 0).then_some(row)).collect::<Int64Array>()) as ArrayRef),
        ("b", Arc::new((0..11).map(|row| Some(format!("b{}", row % 2))).collect::<StringArray>())),
    ]);
    batch(vec![
        ("list", Arc::new(list.finish())),
        ("map", Arc::new(map.finish())),
        ("struct", Arc::new(StructArray::from(inner))),
    ])
}

/// Rows with the columns that the signal `logs` asks for.
fn logs() -> RecordBatch {
    let rows = 20_i64;
    let text = |name: &str| -> ArrayRef {
        Arc::new(
            (0..rows)
                .map(|row| (row % 6 != 2).then(|| format!("{name} {}", row % 3)))
                .collect::<StringArray>(),
        )
    };
    batch(vec![
        (
            "_cardinalhq.timestamp",
            Arc::new((0..rows).map(|row| Some(1_756_080_000_000 + row * 500_000)).collect::<Int64Array>()),
        ),
        ("_cardinalhq.id", Arc::new((0..rows).map(|row| Some(format!("id-{row}"))).collect::<StringArray>())),
        ("_cardinalhq.message", text("message")),
        ("_cardinalhq.level", text("level")),
        ("resource.service.name", text("service")),
        ("log.count", Arc::new((0..rows).map(|row| (row % 5 != 0).then_some(row)).collect::<Int64Array>())),
        ("log.share", Arc::new((0..rows).map(|row| Some(row as f64 / 3.0)).collect::<Float64Array>())),
    ])
}
