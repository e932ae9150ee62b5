//! Columns without a dictionary, whose pages are made one by one: no reader can tell, and nothing depends on who makes them.

use arrow::array::{AsArray, BinaryArray, Float32Array, Float64Array};
use arrow::datatypes::{Float32Type, Float64Type};
use parquet::basic::Encoding;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics;

use super::*;
use crate::{Columns, Ordering, writer_properties};

/// Floats that are awkward to compare, among others.
fn float(kind: usize, n: u64) -> Option<f64> {
    match (kind, n % 11) {
        (0, _) => Some(n as f64 * 0.125),
        (1, 0) => Some(f64::NAN),
        (1, 1) => Some(-0.0),
        (1, 2) => Some(f64::INFINITY),
        (1, _) => (!n.is_multiple_of(3)).then_some(-(n as f64)),
        (2, _) => Some(f64::NAN),
        (3, _) => Some(if n.is_multiple_of(2) { 0.0 } else { -0.0 }),
        _ => (n.is_multiple_of(97)).then_some(n as f64),
    }
}

const FLOAT_KINDS: usize = 5;

/// Rows of floats of both widths, texts and bytes that do not repeat; some columns begin late.
fn rows(count: usize) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = vec![(TIME.to_string(), ints(0..count as i64))];
    for kind in 0..FLOAT_KINDS {
        let mut numbers = noise(kind as u64 + 1);
        let values: Vec<Option<f64>> =
            (0..count).map(|_| float(kind, numbers.next().unwrap() % 5000)).collect();
        let narrow: Float32Array = values.iter().map(|value| value.map(|value| value as f32)).collect();
        columns.push((format!("float{kind}"), Arc::new(narrow)));
        columns.push((format!("double{kind}"), Arc::new(Float64Array::from(values))));
    }
    let mut numbers = noise(99);
    let unique = (0..count).map(|_| Some(format!("é-{:x}", numbers.next().unwrap()).repeat(3)));
    columns.push(("text".to_string(), Arc::new(unique.collect::<StringArray>())));
    let mut numbers = noise(7);
    let sketches = (0..count).map(|row| {
        let n = numbers.next().unwrap();
        (row > count / 2 && !n.is_multiple_of(4)).then(|| n.to_le_bytes().repeat((n % 60) as usize))
    });
    columns.push(("sketch".to_string(), Arc::new(sketches.collect::<BinaryArray>())));
    batch(columns.iter().map(|(name, array)| (name.as_str(), array.clone())).collect())
}

fn written(place: &Place, rows: &RecordBatch, batch_rows: usize, threads: usize) -> Vec<FileResult> {
    let mut writer =
        place.logs().ordering(Ordering::Presumed).threads(threads).rows_per_file(40_000).build().unwrap();
    for start in (0..rows.num_rows()).step_by(batch_rows) {
        writer.write(&rows.slice(start, batch_rows.min(rows.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap().into_vec().unwrap()
}

fn metadata(path: &Path) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&File::open(path).unwrap())
        .unwrap()
}

/// The same bits, so that NaN equals NaN and the zeros differ.
fn bits(array: &ArrayRef) -> Vec<Option<Vec<u8>>> {
    if let Some(array) = array.as_primitive_opt::<Float64Type>() {
        return array.iter().map(|value| value.map(|value| value.to_le_bytes().to_vec())).collect();
    }
    if let Some(array) = array.as_primitive_opt::<Float32Type>() {
        return array.iter().map(|value| value.map(|value| value.to_le_bytes().to_vec())).collect();
    }
    if let Some(array) = array.as_string_opt::<i32>() {
        return array.iter().map(|value| value.map(|value| value.as_bytes().to_vec())).collect();
    }
    array.as_binary::<i32>().iter().map(|value| value.map(<[u8]>::to_vec)).collect()
}

#[test]
fn every_value_comes_back_bit_by_bit_and_footers_say_what_the_parquet_crates_writer_says() {
    let place = Place::new();
    let rows = rows(40_000);
    let files = written(&place, &rows, 8192, 2);
    assert_eq!(files.len(), 1);
    let back = read(&files[0].path);
    let plain = place.scratch.path().join("plain.parquet");
    let properties = writer_properties(&Columns::default(), &rows.schema());
    let mut writer =
        ArrowWriter::try_new(File::create(&plain).unwrap(), rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let (ours, theirs) = (metadata(&files[0].path), metadata(&plain));
    let leaf = |metadata: &ParquetMetaData, name: &str| {
        let columns = metadata.row_group(0).columns();
        columns.iter().position(|column| column.column_path().string() == name).unwrap()
    };
    for (field, array) in rows.schema().fields().iter().zip(rows.columns()).skip(1) {
        let name = field.name();
        assert_eq!(bits(back.column_by_name(name).unwrap()), bits(array), "{name}");
        let (our, their) = (leaf(&ours, name), leaf(&theirs, name));
        let (x, y) = (ours.row_group(0).column(our), theirs.row_group(0).column(their));
        assert_eq!(x.statistics(), y.statistics(), "{name}");
        assert_eq!((x.num_values(), x.compression()), (y.num_values(), y.compression()), "{name}");
        assert_eq!(x.definition_level_histogram(), y.definition_level_histogram(), "{name}");
        assert_eq!(x.unencoded_byte_array_data_bytes(), y.unencoded_byte_array_data_bytes(), "{name}");
        assert_eq!(x.dictionary_page_offset(), None, "{name}");
        let floats = matches!(x.statistics(), Some(Statistics::Float(_) | Statistics::Double(_)));
        let encoding = if floats { Encoding::BYTE_STREAM_SPLIT } else { Encoding::DELTA_LENGTH_BYTE_ARRAY };
        assert!(x.encodings().any(|one| one == encoding), "{name}");
        let index =
            |metadata: &ParquetMetaData, leaf: usize| metadata.column_index().unwrap()[0][leaf].clone();
        let (x, y) = (index(&ours, our), index(&theirs, their));
        assert_eq!(matches!(x, ColumnIndexMetaData::NONE), matches!(y, ColumnIndexMetaData::NONE), "{name}");
    }
}

#[test]
fn page_indexes_are_true_to_the_rows_of_each_page() {
    let place = Place::new();
    let files = written(&place, &rows(60_000), 5000, 2);
    for file in &files {
        let (rows, metadata) = (read(&file.path), metadata(&file.path));
        for name in ["text", "sketch"] {
            let columns = metadata.row_group(0).columns();
            let leaf = columns.iter().position(|column| column.column_path().string() == name).unwrap();
            let ColumnIndexMetaData::BYTE_ARRAY(index) = &metadata.column_index().unwrap()[0][leaf] else {
                panic!("{name} has no index")
            };
            let pages = metadata.offset_index().unwrap()[0][leaf].page_locations();
            let values = bits(rows.column_by_name(name).unwrap());
            let mut firsts: Vec<usize> = pages.iter().map(|page| page.first_row_index as usize).collect();
            firsts.push(values.len());
            assert!(firsts.len() > 3 && firsts[0] == 0);
            for (page, ends) in firsts.windows(2).enumerate() {
                let here = &values[ends[0]..ends[1]];
                let nulls = here.iter().filter(|value| value.is_none()).count();
                assert_eq!(index.null_count(page), Some(nulls as i64));
                assert_eq!(index.is_null_page(page), nulls == here.len());
                let bytes: usize = here.iter().flatten().map(Vec::len).sum();
                let last = here.iter().rev().flatten().next().map_or(0, Vec::len);
                assert!(bytes < 64 * 1024 + last && here.len() <= 20_000, "{name} {page}: {bytes}");
                if let Some(min) = here.iter().flatten().min() {
                    let max = here.iter().flatten().max().unwrap();
                    assert!(index.min_value(page).unwrap() <= min.as_slice());
                    assert!(index.max_value(page).unwrap() >= max.as_slice());
                }
            }
        }
    }
}

#[test]
fn page_indexes_of_floats_leave_nan_out_and_widen_zeros() {
    let place = Place::new();
    for file in written(&place, &rows(60_000), 5000, 2) {
        let (rows, metadata) = (read(&file.path), metadata(&file.path));
        for kind in 0..FLOAT_KINDS {
            let name = format!("double{kind}");
            let columns = metadata.row_group(0).columns();
            let leaf = columns.iter().position(|column| column.column_path().string() == name).unwrap();
            let pages = metadata.offset_index().unwrap()[0][leaf].page_locations();
            let ColumnIndexMetaData::DOUBLE(index) = &metadata.column_index().unwrap()[0][leaf] else {
                assert_eq!(kind, 2, "only where there is nothing but NaN");
                continue;
            };
            let array = rows.column_by_name(&name).unwrap().as_primitive::<Float64Type>();
            let values: Vec<Option<f64>> = array.iter().collect();
            for (page, location) in pages.iter().enumerate() {
                let end = pages.get(page + 1).map_or(values.len(), |next| next.first_row_index as usize);
                let here = &values[location.first_row_index as usize..end];
                let known = || here.iter().flatten().copied().filter(|value| !value.is_nan());
                let (min, max) =
                    (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
                let (low, high) = (*index.min_value(page).unwrap(), *index.max_value(page).unwrap());
                assert_eq!((low, high), (min, max), "{name} {page}");
                assert!(low != 0.0 || low.is_sign_negative());
                assert!(high != 0.0 || high.is_sign_positive());
                assert_eq!(
                    index.null_count(page),
                    Some(here.iter().filter(|value| value.is_none()).count() as i64)
                );
            }
        }
    }
}

#[test]
fn batches_and_threads_change_no_byte() {
    let rows = rows(50_000);
    let mut outputs = Vec::new();
    for (batch_rows, threads) in [(50_000, 1), (777, 1), (8192, 2), (3000, 4)] {
        let place = Place::new();
        let files = written(&place, &rows, batch_rows, threads);
        assert_eq!(files.len(), 2);
        outputs.push(contents(&files));
        place.assert_only(&files);
    }
    assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_column_loses_its_dictionary_when_it_stops_repeating_and_gets_it_back() {
    let place = Place::new();
    let count = 5000;
    let mut writer = place.logs().ordering(Ordering::Presumed).rows_per_file(count).build().unwrap();
    for turn in 0..9i64 {
        let mut numbers = noise(turn as u64 + 1);
        let words = (0..count).map(|_| {
            let n = numbers.next().unwrap();
            if (3..6).contains(&turn) { format!("unique-{n:032x}") } else { format!("word-{:032}", n % 9) }
        });
        let times = ints((0..count).map(|row| turn * count + row));
        writer.write(&batch(vec![(TIME, times), ("text", texts(words))])).unwrap();
    }
    let files = writer.finish().unwrap().into_vec().unwrap();
    let kinds: Vec<(bool, bool)> = files
        .iter()
        .map(|file| {
            let footer = footer(&file.path);
            let columns = footer.row_group(0).columns();
            let column = columns.iter().find(|column| column.column_path().string() == "text").unwrap();
            let plain = column.encodings().any(|one| one == Encoding::DELTA_LENGTH_BYTE_ARRAY);
            (column.dictionary_page_offset().is_some(), plain)
        })
        .collect();
    let (whole, partial, none) = ((true, false), (true, true), (false, true));
    assert_eq!(kinds, [whole, whole, whole, partial, none, none, whole, whole, whole]);
}

#[test]
fn bytes_behind_nulls_are_in_no_page() {
    // Arrow allows a null to have bytes behind it; every third row here is such a one.
    let rows = 30_000;
    let long = |row: usize| format!("{row:032}");
    let bytes: String = (0..rows).map(long).collect();
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(vec![32; rows]);
    let nulls = arrow::buffer::NullBuffer::from_iter((0..rows).map(|row| row % 3 > 0));
    let array = StringArray::new(offsets, arrow::buffer::Buffer::from_vec(bytes.into_bytes()), Some(nulls));
    let mut outputs = Vec::new();
    for batch_rows in [rows, 1000] {
        let place = Place::new();
        let mut writer = place.logs().ordering(Ordering::Presumed).build().unwrap();
        for start in (0..rows).step_by(batch_rows) {
            let times = ints((start..start + batch_rows).map(|row| row as i64));
            let texts: ArrayRef = Arc::new(array.slice(start, batch_rows));
            writer.write(&batch(vec![(TIME, times), ("_cardinalhq.message", texts)])).unwrap();
        }
        let files = writer.finish().unwrap().into_vec().unwrap();
        let back = read(&files[0].path);
        let back = back.column_by_name("_cardinalhq.message").unwrap().as_string::<i32>();
        assert!(
            back.iter().enumerate().all(|(row, value)| value == (row % 3 > 0).then(|| long(row)).as_deref())
        );
        outputs.push(contents(&files));
    }
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn values_larger_than_a_page_have_one_each() {
    let place = Place::new();
    let values: Vec<String> = (0..9).map(|n| format!("{n}").repeat(200_000)).collect();
    let columns = vec![(TIME, ints(0..9)), ("_cardinalhq.message", texts(&values))];
    let mut writer = place.logs().build().unwrap();
    writer.write(&batch(columns)).unwrap();
    let files = writer.finish().unwrap().into_vec().unwrap();
    let rows = read(&files[0].path);
    let back = rows.column_by_name("_cardinalhq.message").unwrap().as_string::<i32>();
    assert!(back.iter().flatten().eq(values.iter().map(String::as_str)));
    let metadata = metadata(&files[0].path);
    let columns = metadata.row_group(0).columns();
    let leaf = columns.iter().position(|column| column.column_path().string().ends_with("message")).unwrap();
    assert_eq!(metadata.offset_index().unwrap()[0][leaf].page_locations().len(), 9);
}
