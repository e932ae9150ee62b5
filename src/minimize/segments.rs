//! Input segments, and writing stretches of their rows and some of their columns anew.
//!
//! Streams: memory of one batch. Types are those of the Parquet schema; encodings and row groups are the Parquet crate's own.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::{Error, Result};
use crate::output::{OutputFile, ReadOptions};

/// Input segments of a job, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Segments {
    pub(super) files: Vec<OutputFile>,
}

impl Segments {
    /// Opens segments.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self> {
        let open = |path: &PathBuf| OutputFile::open(path, &crate::error::display(path));
        Ok(Self { files: paths.iter().map(open).collect::<Result<_>>()? })
    }

    pub(super) fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.info.rows).sum()
    }

    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|file| file.path.clone()).collect()
    }

    /// Names of root columns, in the order in which they first appear.
    pub(super) fn columns(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for file in &self.files {
            for field in file.arrow_schema()?.fields() {
                if !names.contains(field.name()) {
                    names.push(field.name().clone());
                }
            }
        }
        Ok(names)
    }

    /// Writes stretches of the rows, counted over all segments, with some of the columns, into the empty folder `to`. A segment
    /// of which no row is kept is left out.
    pub(super) fn cut(&self, rows: &[Range<u64>], columns: &[String], to: &Path) -> Result<Self> {
        std::fs::create_dir_all(to).map_err(|source| Error::io("cannot make", to, source))?;
        let mut paths = Vec::new();
        let mut start = 0;
        for file in &self.files {
            let end = start + file.info.rows;
            let kept = clip(rows, start, end);
            start = end;
            if kept.is_empty() {
                continue;
            }
            let path = to.join(format!("segment-{:03}.parquet", paths.len()));
            let schema = file.arrow_schema()?;
            let fields = schema.fields().iter().filter(|field| columns.contains(field.name()));
            let mut writer = create(&path, &Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>())))?;
            let options =
                ReadOptions { columns: Some(columns.to_vec()), plain: true, ..ReadOptions::default() };
            for located in file.read(options)? {
                let located = located?;
                let first = located.first_row;
                let last = first + located.batch.num_rows() as u64;
                for stretch in clip(&kept, first, last) {
                    let at = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
                    let part = located.batch.slice(at(stretch.start), at(stretch.end - stretch.start));
                    writer.write(&part).map_err(|error| failed(&path, error))?;
                }
            }
            writer.close().map_err(|error| failed(&path, error))?;
            paths.push(path);
        }
        Self::open(&paths)
    }

    /// All segments one after the other in a single one; `None` where a column has two types.
    pub(super) fn join(&self, to: &Path) -> Result<Option<Self>> {
        let schemas = self.files.iter().map(OutputFile::arrow_schema).collect::<Result<Vec<_>>>()?;
        let nullable = |schema: &SchemaRef| {
            let fields = schema.fields().iter().map(|it| Field::clone(it).with_nullable(true));
            Schema::new(fields.collect::<Vec<_>>())
        };
        let Ok(union) = Schema::try_merge(schemas.iter().map(nullable)) else { return Ok(None) };
        let union = Arc::new(union);
        std::fs::create_dir_all(to).map_err(|source| Error::io("cannot make", to, source))?;
        let path = to.join("segment-000.parquet");
        let mut writer = create(&path, &union)?;
        for file in &self.files {
            for located in file.read(ReadOptions { plain: true, ..ReadOptions::default() })? {
                let batch = located?.batch;
                let columns = union.fields().iter().map(|field| match batch.column_by_name(field.name()) {
                    Some(column) => Arc::clone(column),
                    None => new_null_array(field.data_type(), batch.num_rows()),
                });
                let batch = RecordBatch::try_new(Arc::clone(&union), columns.collect())
                    .map_err(|error| Error::internal(format!("cannot join segments: {error}")))?;
                writer.write(&batch).map_err(|error| failed(&path, error))?;
            }
        }
        writer.close().map_err(|error| failed(&path, error))?;
        Self::open(&[path]).map(Some)
    }
}

/// The parts of `rows` within `start..end`, counted from `start`.
fn clip(rows: &[Range<u64>], start: u64, end: u64) -> Vec<Range<u64>> {
    let clipped = rows.iter().map(|it| it.start.max(start)..it.end.min(end));
    clipped.filter(|it| it.start < it.end).map(|it| it.start - start..it.end - start).collect()
}

fn create(path: &Path, schema: &SchemaRef) -> Result<ArrowWriter<File>> {
    let file = File::create(path).map_err(|source| Error::io("cannot write", path, source))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("parallax minimize".to_owned())
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(file, Arc::clone(schema), options).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: parquet::errors::ParquetError) -> Error {
    let message = format!("cannot write {}: {error}", path.display());
    Error::new(reports::manifest::ErrorClass::Io, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{ints, maybe_texts};
    use crate::output::testing::write;

    fn values(segments: &Segments) -> Vec<Vec<i64>> {
        use arrow::array::AsArray;
        use arrow::datatypes::Int64Type;
        let of = |file: &OutputFile| {
            let batches = file.batches(None, 0).unwrap().map(|it| it.unwrap().batch);
            batches.flat_map(|it| it.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
        };
        segments.files.iter().map(of).collect()
    }

    fn two(folder: &Path) -> Segments {
        let paths = [folder.join("a.parquet"), folder.join("b.parquet")];
        write(&paths[0], &vec![("n", ints(&[0, 1, 2, 3])), ("t", maybe_texts(&[Some("x"); 4]))]);
        write(&paths[1], &vec![("n", ints(&[4, 5, 6]))]);
        Segments::open(&paths).unwrap()
    }

    #[test]
    fn stretches_over_the_border_of_two_segments_keep_their_segments() {
        let folder = tempfile::tempdir().unwrap();
        let cut = two(folder.path()).cut(&[1..2, 3..6], &["n".to_owned()], &folder.path().join("c")).unwrap();
        assert_eq!(values(&cut), [vec![1, 3], vec![4, 5]]);
        assert_eq!(cut.columns().unwrap(), ["n"]);
    }

    #[test]
    fn a_segment_without_a_kept_row_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let columns = ["n".to_owned(), "t".to_owned()];
        let cut = two(folder.path())
            .cut(std::slice::from_ref(&(5..7)), &columns, &folder.path().join("c"))
            .unwrap();
        assert_eq!(values(&cut), [vec![5, 6]]);
    }

    #[test]
    fn segments_of_other_columns_join_over_their_union() {
        let folder = tempfile::tempdir().unwrap();
        let joined = two(folder.path()).join(&folder.path().join("c")).unwrap().unwrap();
        assert_eq!(values(&joined), [vec![0, 1, 2, 3, 4, 5, 6]]);
        assert_eq!(joined.columns().unwrap(), ["n", "t"]);
    }
}
