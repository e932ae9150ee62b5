//! Writes one segment: under a temporary name, hashed as it goes, renamed when it is whole. Every property that shapes
//! the file is fixed here, so that equal rows give equal bytes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use crate::error::{Error, Result};

/// Rows of a row group unless the specification says otherwise.
const ROW_GROUP_ROWS: usize = 20_000;

/// A segment being written. Dropped before [`SegmentWriter::finish`], it leaves nothing behind.
pub(crate) struct SegmentWriter<'a> {
    writer: Option<ArrowWriter<Hashing<'a>>>,
    temporary: PathBuf,
    path: PathBuf,
}

/// Passes bytes on to a file and a hash.
struct Hashing<'a> {
    file: BufWriter<File>,
    hasher: &'a mut blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl<'a> SegmentWriter<'a> {
    /// Begins the segment `dir/name`; its bytes are added to `hasher`.
    pub(crate) fn create(
        dir: &Path,
        name: &str,
        schema: SchemaRef,
        row_group_rows: usize,
        hasher: &'a mut blake3::Hasher,
    ) -> Result<Self> {
        let path = dir.join(name);
        // A leading dot keeps an unfinished segment out of everybody's directory listing.
        let temporary = dir.join(format!(".{name}.tmp"));
        let file = File::create(&temporary).map_err(|error| Error::io("create", &temporary, error))?;
        let mut this = Self { writer: None, temporary, path };
        let rows = if row_group_rows == 0 { ROW_GROUP_ROWS } else { row_group_rows };
        let options =
            ArrowWriterOptions::new().with_properties(properties(rows)).with_skip_arrow_metadata(true);
        let sink = Hashing { file: BufWriter::new(file), hasher };
        let writer = ArrowWriter::try_new_with_options(sink, schema, options);
        this.writer = Some(writer.map_err(|error| Error::write(&this.path, error))?);
        Ok(this)
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.write(batch).map_err(|error| Error::write(&self.path, error)),
            None => Ok(()),
        }
    }

    /// Completes the segment and gives it its name.
    pub(crate) fn finish(mut self) -> Result<PathBuf> {
        if let Some(writer) = self.writer.take() {
            let sink = writer.into_inner().map_err(|error| Error::write(&self.path, error))?;
            sink.file.into_inner().map_err(|error| Error::io("write", &self.path, error.into_error()))?;
        }
        std::fs::rename(&self.temporary, &self.path)
            .map_err(|error| Error::io("rename to", &self.path, error))?;
        self.temporary.clear();
        Ok(self.path.clone())
    }
}

impl Drop for SegmentWriter<'_> {
    fn drop(&mut self) {
        if !self.temporary.as_os_str().is_empty() {
            // Nothing can be done about a failure here, and the error that led here is already on its way.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

fn properties(row_group_rows: usize) -> WriterProperties {
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by("parallax corpora 1".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(true)
        .set_dictionary_page_size_limit(1 << 20)
        .set_data_page_size_limit(1 << 20)
        .set_data_page_row_count_limit(20_000)
        .set_write_batch_size(1_024)
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64))
        .set_bloom_filter_enabled(false)
        .set_offset_index_disabled(true)
        .set_key_value_metadata(None)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    #[test]
    fn an_unfinished_segment_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        let mut hasher = blake3::Hasher::new();
        let writer = SegmentWriter::create(dir.path(), "a.parquet", schema, 0, &mut hasher).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(writer);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_hash_is_that_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
        let mut hasher = blake3::Hasher::new();
        let writer = SegmentWriter::create(dir.path(), "a.parquet", schema, 0, &mut hasher).unwrap();
        let path = writer.finish().unwrap();
        assert_eq!(hasher.finalize(), blake3::hash(&std::fs::read(path).unwrap()));
    }
}
