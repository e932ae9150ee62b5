//! Random pairs of outputs: equal ones are found equal whatever wrote them, one changed cell is found with its column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
    Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    LargeStringArray, StringArray, StringViewArray, Time32MillisecondArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array,
};
use arrow::datatypes::{ArrowPrimitiveType, Float16Type, Int32Type};
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;
use reports::document::Role;

use super::Rows;
use crate::check::fixture::{Fixture, take};
use crate::output::testing::{Columns, write_with};

/// Kinds of columns.
const KINDS: u8 = 22;

/// Names of columns: dots, spaces, and one that is the beginning of another.
const NAMES: [&str; 6] = ["a", "a.b", "resource.service.name", "with space", "ä", "_x"];

type F16 = <Float16Type as ArrowPrimitiveType>::Native;

/// One column: its kind, its nulls in a hundred, its distinct values.
type Shape = (u8, u8, u64);

/// How a side was written.
#[derive(Debug, Clone)]
struct Layout {
    files: usize,
    group_rows: usize,
    page_rows: usize,
    codec: usize,
    encoding: usize,
    dictionary: bool,
    second_version: bool,
    /// Which of the forms that text can have.
    form: usize,
    order: u64,
    prune: bool,
}

fn layout() -> impl Strategy<Value = Layout> {
    let sizes = (1_usize..5, 1_usize..150, 1_usize..60);
    let written = (0_usize..6, 0_usize..4, any::<bool>(), any::<bool>());
    (sizes, written, 0_usize..4, any::<u64>(), any::<bool>()).prop_map(
        |(
            (files, group_rows, page_rows),
            (codec, encoding, dictionary, second_version),
            form,
            order,
            prune,
        )| {
            Layout {
                files,
                group_rows,
                page_rows,
                codec,
                encoding,
                dictionary,
                second_version,
                form,
                order,
                prune,
            }
        },
    )
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    prop::collection::vec((0..KINDS, 0_u8..101, 2_u64..90), 1..=NAMES.len())
}

fn chance(seed: u64, at: u64) -> u64 {
    let mixed = (seed ^ at.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

/// Codes of the cells of a column: different codes are different values.
fn codes(shape: Shape, column: usize, rows: usize, seed: u64) -> Vec<Option<u64>> {
    let (kind, nulls, distinct) = shape;
    let distinct = if kind == 10 { 2 } else { distinct };
    let code = |row: usize| {
        let number = chance(seed, (row * 16 + column) as u64);
        (number % 100 >= u64::from(nulls)).then_some((number >> 32) % distinct)
    };
    (0..rows).map(code).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "codes are below 100; one line a kind"
)]
fn array((kind, ..): Shape, codes: &[Option<u64>], form: usize) -> ArrayRef {
    fn all<T>(codes: &[Option<u64>], make: impl Fn(u64) -> T) -> Vec<Option<T>> {
        codes.iter().map(|code| code.map(&make)).collect()
    }
    let spread = |code: u64| (code as i64 - 7).wrapping_mul(0x0123_4567_89AB_CDEF);
    let float = |code: u64| match code {
        0 => f64::NAN,
        1 => -0.0,
        2 => 0.0,
        3 => f64::INFINITY,
        code => code as f64 / 8.0,
    };
    let text = |code: u64| match code {
        0 => String::new(),
        1 => " ".to_owned(),
        code => format!("{}{code}", "ä".repeat((code % 13) as usize)),
    };
    match kind {
        0 => Arc::new(Int8Array::from(all(codes, |it| it as i8 - 40))),
        1 => Arc::new(Int16Array::from(all(codes, |it| it as i16 * 331 - 9_000))),
        2 => Arc::new(Int32Array::from(all(codes, |it| it as i32 * 20_000_003 - 900_000_000))),
        3 => Arc::new(Int64Array::from(all(codes, spread))),
        4 => Arc::new(UInt8Array::from(all(codes, |it| it as u8 * 2))),
        5 => Arc::new(UInt16Array::from(all(codes, |it| it as u16 * 700))),
        6 => Arc::new(UInt32Array::from(all(codes, |it| it as u32 * 47_000_001))),
        7 => Arc::new(UInt64Array::from(all(codes, |it| spread(it).cast_unsigned()))),
        8 => Arc::new(Float32Array::from(all(codes, |it| float(it) as f32))),
        9 => Arc::new(Float64Array::from(all(codes, float))),
        10 => Arc::new(BooleanArray::from(all(codes, |it| it == 1))),
        11 => Arc::new(Float16Array::from(all(codes, |it| F16::from_f64(float(it))))),
        12 => Arc::new(BinaryArray::from_iter(all(codes, |it| [text(it).as_bytes(), &[0xff]].concat()))),
        13 => {
            let values = all(codes, |it| [it as u8, 1, 2, 3, 255 - it as u8]).into_iter();
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(values, 5).unwrap())
        }
        14 => Arc::new(TimestampMillisecondArray::from(all(codes, spread))),
        15 => Arc::new(TimestampMicrosecondArray::from(all(codes, spread)).with_timezone("UTC")),
        16 => Arc::new(TimestampNanosecondArray::from(all(codes, spread))),
        17 => Arc::new(Date32Array::from(all(codes, |it| it as i32 * 311 - 5_000))),
        18 => {
            let values = all(codes, |it| i128::from(spread(it)));
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(20, 3).unwrap())
        }
        19 => Arc::new(Time32MillisecondArray::from(all(codes, |it| it as i32 * 900_000))),
        20 => Arc::new(Time64MicrosecondArray::from(all(codes, |it| it as i64 * 900_000_000))),
        _ => match form {
            0 => Arc::new(StringArray::from(all(codes, text))),
            1 => Arc::new(LargeStringArray::from(all(codes, text))),
            2 => Arc::new(StringViewArray::from_iter(all(codes, text))),
            _ => {
                let texts = all(codes, text);
                Arc::new(texts.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())
            }
        },
    }
}

/// An encoding that the kind can have without a dictionary.
fn encoding(kind: u8, which: usize) -> Encoding {
    let choices: &[Encoding] = match kind {
        0..=7 | 14..=17 | 19 | 20 => {
            &[Encoding::PLAIN, Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT]
        }
        8 | 9 | 11 | 13 | 18 => &[Encoding::PLAIN, Encoding::BYTE_STREAM_SPLIT],
        10 => &[Encoding::PLAIN, Encoding::RLE],
        _ => &[Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY],
    };
    choices[which % choices.len()]
}

fn properties(layout: &Layout, shapes: &[Shape]) -> WriterPropertiesBuilder {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::BROTLI(BrotliLevel::default()),
    ];
    let version = if layout.second_version { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    let mut properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(codecs[layout.codec])
        .set_dictionary_enabled(layout.dictionary)
        // Small enough that some columns fall back in the middle of a row group.
        .set_dictionary_page_size_limit(300)
        .set_max_row_group_row_count(Some(layout.group_rows))
        .set_data_page_row_count_limit(layout.page_rows)
        .set_write_batch_size(layout.page_rows);
    for ((kind, ..), name) in shapes.iter().zip(NAMES) {
        let path = ColumnPath::from(name.to_owned());
        properties = properties.set_column_encoding(path, encoding(*kind, layout.encoding));
    }
    properties
}

/// Writes a side: rows in an order of its own, cut into files; columns that are null throughout a file may be left out.
fn side(fixture: &Fixture, role: Role, layout: &Layout, shapes: &[Shape], codes: &[Vec<Option<u64>>]) {
    let rows = codes[0].len();
    let ids: Vec<i64> = (0_i64..).take(rows).collect();
    let mut columns: Columns = vec![("id", Arc::new(Int64Array::from(ids)))];
    for ((shape, codes), name) in shapes.iter().zip(codes).zip(NAMES) {
        columns.push((name, array(*shape, codes, layout.form)));
    }
    let mut order: Vec<u64> = (0..rows as u64).collect();
    order.sort_by_key(|row| chance(layout.order, *row));
    for (number, rows) in order.chunks(rows.div_ceil(layout.files)).enumerate() {
        let mut part = take(&columns, rows);
        part.retain(|(_, array)| !layout.prune || array.logical_null_count() < array.len());
        let path = fixture.path(role, &format!("{number}.parquet"));
        write_with(&path, &part, properties(layout, shapes));
    }
}

fn fixture() -> Fixture {
    let mut fixture = Fixture::empty();
    fixture.signal(|signal| {
        signal.row_keys = vec![vec!["id".to_owned()]];
        signal.sort_key.clear();
    });
    fixture
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_equal_pairs_are_found_equal(
        shapes in shapes(),
        rows in 1_usize..300,
        seed in any::<u64>(),
        layouts in (layout(), layout()),
    ) {
        let codes: Vec<_> =
            shapes.iter().enumerate().map(|(column, shape)| codes(*shape, column, rows, seed)).collect();
        let fixture = fixture();
        side(&fixture, Role::Baseline, &layouts.0, &shapes, &codes);
        side(&fixture, Role::Candidate, &layouts.1, &shapes, &codes);
        let outcome = fixture.examine(&Rows);
        prop_assert!(outcome.findings.is_empty() && outcome.status.is_none(), "{outcome:#?}");
        prop_assert_eq!(outcome.evidence.rows.unwrap().equal, rows as u64);
    }

    #[test]
    fn random_pairs_with_one_change_are_found_with_the_changed_column(
        shapes in shapes(),
        rows in 1_usize..300,
        seed in any::<u64>(),
        layouts in (layout(), layout()),
        place in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let mut codes: Vec<_> =
            shapes.iter().enumerate().map(|(column, shape)| codes(*shape, column, rows, seed)).collect();
        let fixture = fixture();
        side(&fixture, Role::Baseline, &layouts.0, &shapes, &codes);
        let (column, row) = (place.0.index(shapes.len()), place.1.index(rows));
        let distinct = if shapes[column].0 == 10 { 2 } else { shapes[column].2 };
        let cell = &mut codes[column][row];
        *cell = match *cell {
            Some(_) if seed % 3 == 0 => None,
            Some(code) => Some((code + 1) % distinct),
            None => Some(seed % distinct),
        };
        side(&fixture, Role::Candidate, &layouts.1, &shapes, &codes);
        let outcome = fixture.examine(&Rows);
        let evidence = outcome.evidence.rows.as_ref().unwrap();
        prop_assert_eq!(
            (evidence.changed, evidence.missing, evidence.extra, evidence.equal),
            (1, 0, 0, rows as u64 - 1)
        );
        let named: Vec<&str> = evidence.columns.iter().map(|it| it.column.as_str()).collect();
        prop_assert_eq!(named, [NAMES[column]]);
        let sample = &evidence.samples[0];
        prop_assert_eq!(&sample.key[0].value.text, &Some(row.to_string()));
    }
}
