//! What every built-in corpus must be: immutable, deterministic, and really provoking what it says.

mod digests;
mod properties;
mod properties_metrics;
mod properties_traces;
mod scale;

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::catalog::Catalog;
use crate::error::ErrorKind;

/// One cell; floats by their bits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Int(i64),
    Float(u64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row: its columns with a value.
type Row = BTreeMap<String, Cell>;

/// A generated corpus, read back row by row.
struct Data {
    files: Vec<File>,
}

struct File {
    /// Column names with their Arrow types.
    schema: BTreeMap<String, DataType>,
    rows: Vec<Row>,
}

impl Data {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.files.iter().flat_map(|file| &file.rows)
    }

    /// Values of a column in order of the rows.
    fn column(&self, name: &str) -> Vec<Option<&Cell>> {
        self.rows().map(|row| row.get(name)).collect()
    }

    /// Whole-number values of a column, rows without one left out.
    fn ints(&self, name: &str) -> Vec<i64> {
        let cells = self.column(name).into_iter().flatten();
        cells.filter_map(|cell| if let Cell::Int(value) = cell { Some(*value) } else { None }).collect()
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        let cells = self.column(name).into_iter().flatten();
        cells
            .filter_map(|cell| if let Cell::Float(bits) = cell { Some(f64::from_bits(*bits)) } else { None })
            .collect()
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        let cells = self.column(name).into_iter().flatten();
        cells
            .filter_map(|cell| if let Cell::Text(value) = cell { Some(value.as_str()) } else { None })
            .collect()
    }

    fn nulls(&self, name: &str) -> usize {
        self.column(name).iter().filter(|cell| cell.is_none()).count()
    }

    fn times(&self) -> Vec<i64> {
        self.ints("_cardinalhq.timestamp")
    }
}

fn read(path: &Path) -> File {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let field = |field: &Arc<Field>| (field.name().clone(), field.data_type().clone());
    let schema = builder.schema().fields().iter().map(field).collect();
    let mut rows = Vec::new();
    for batch in builder.build().unwrap() {
        let batch = batch.unwrap();
        let from = rows.len();
        rows.resize(from + batch.num_rows(), Row::new());
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            for index in (0..array.len()).filter(|index| array.is_valid(*index)) {
                rows[from + index].insert(field.name().clone(), cell(array, index));
            }
        }
    }
    File { schema, rows }
}

fn cell(array: &ArrayRef, index: usize) -> Cell {
    match array.data_type() {
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(index)),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(index).to_bits()),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(index)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(index).to_owned()),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(index).to_vec()),
        other => panic!("a legacy original cannot hold {other}"),
    }
}

fn generate(name: &str, dir: &Path) -> Generated {
    Catalog::builtin().unwrap().get(name).unwrap().generate(dir, Generate::default()).unwrap()
}

fn data(name: &str) -> Data {
    let dir = tempfile::tempdir().unwrap();
    Data { files: generate(name, dir.path()).inputs.iter().map(|path| read(path)).collect() }
}

#[test]
fn seed_and_rows_can_be_chosen_and_are_told() {
    let catalog = Catalog::builtin().unwrap();
    let spec = catalog.get("compact-many-inputs").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let run = |rows, seed| spec.generate(dir.path(), Generate { rows, seed }).unwrap();
    let (plain, again) = (run(None, None), run(None, Some(1)));
    assert_eq!((plain.seed, &plain.digest), (Some(1), &again.digest));
    assert_ne!(plain.digest, run(None, Some(2)).digest);
    let many = run(Some(5_000), None);
    assert_eq!((many.rows, many.inputs.len()), (5_000, 40));
    let rows: Vec<u64> = many.inputs.iter().map(|path| inspect(path).unwrap().rows).collect();
    assert_eq!(rows.iter().sum::<u64>(), 5_000);
    assert_eq!(rows.iter().filter(|rows| **rows == 0).count(), 2);
}

#[test]
fn the_digest_is_that_of_the_files_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let generated = generate("compact-type-conflict", dir.path());
    let mut hasher = blake3::Hasher::new();
    for path in &generated.inputs {
        hasher.update(&std::fs::read(path).unwrap());
    }
    assert_eq!(generated.digest, hasher.finalize().to_hex().as_str());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing but the segments is left");
}

#[test]
fn a_specification_of_existing_segments_uses_them_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let generated = generate("compact-type-conflict", dir.path());
    let text = "name = \"own\"\ntitle = \"t\"\nsignal = \"logs\"\nkind = \"compact\"\nprovokes = []\nsegments = [\"*.parquet\"]\n";
    let path = dir.path().join("own.toml");
    std::fs::write(&path, text).unwrap();
    let spec = CorpusSpec::from_file(&path).unwrap();
    let used = spec.generate(&dir.path().join("unused"), Generate::default()).unwrap();
    assert_eq!(used, Generated { seed: None, ..generated });
    assert!(!dir.path().join("unused").exists());
    let error = spec.generate(dir.path(), Generate { rows: Some(1), seed: None }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[test]
fn a_directory_that_cannot_be_written_is_an_io_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Catalog::builtin()
        .unwrap()
        .get("compact-one-row")
        .unwrap()
        .generate(&file.join("sub"), Generate::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("sub"), "{error}");
}

#[test]
fn a_segment_that_cannot_be_put_in_place_takes_the_earlier_ones_with_it() {
    let dir = tempfile::tempdir().unwrap();
    // A directory sits where the second segment should go.
    std::fs::create_dir(dir.path().join("compact-type-conflict-0001.parquet")).unwrap();
    let spec = Catalog::builtin().unwrap().get("compact-type-conflict").unwrap().clone();
    let error = spec.generate(dir.path(), Generate::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("compact-type-conflict-0001.parquet"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
