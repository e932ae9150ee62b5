//! The buffet job: segments in order through one buffet writer, as compaction of logs does.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::buffet::{BuffetOptions, BuffetWriter};
use crate::columns::Columns;
use crate::error::Result;
use crate::outcome::{Checkpoint, Outcome};
use crate::reader::SegmentReader;
use crate::schema::{Schema, SchemaSource};
use crate::value::Row;

/// Name of the root of the output's Parquet schema.
const BASE_NAME: &str = "fileconv";

/// Copies segments, in order and unsorted, through one buffet writer.
#[derive(Debug, Clone)]
pub struct BuffetJob<'a> {
    /// Input segments in order; one may occur twice.
    pub inputs: &'a [PathBuf],
    /// Directory for the output files.
    pub output: &'a Path,
    /// Directory for the spill file.
    pub scratch: &'a Path,
    /// Rows a file; 0 or negative for one file.
    pub rows_per_file: i64,
    /// Column of the group function, as `_cardinalhq.tid` for metrics; see [`BuffetOptions::group_by`].
    pub group_by: Option<&'a str>,
    /// Where the schema comes from.
    pub schema: SchemaSource,
    /// Columns left out on copy: compaction of logs leaves out `minute`, `hour`, `day`, `month`, `year`. They are not in the
    /// schema either, but a type that the reader refuses is refused in them too.
    pub dropped_columns: &'a [String],
    /// Columns to fingerprint.
    pub columns: &'a Columns,
    /// Request to stop.
    pub cancel: Option<&'a AtomicBool>,
}

impl BuffetJob<'_> {
    /// Runs the job.
    ///
    /// # Errors
    /// See [`Error`](crate::Error). Nothing is left behind, save what defects E and F leave.
    pub fn run(&self) -> Result<Outcome> {
        let mut checkpoint = Checkpoint::new(self.cancel);
        let schema = match self.schema {
            SchemaSource::Input => self.schema_of_inputs()?,
            SchemaSource::Values => self.schema_of_values(&mut checkpoint)?,
        };
        let mut writer = BuffetWriter::open(BuffetOptions {
            base_name: BASE_NAME,
            output: self.output,
            scratch: self.scratch,
            schema,
            rows_per_file: self.rows_per_file,
            group_by: self.group_by,
            columns: self.columns,
            cancel: self.cancel,
        })?;
        let mut rows_read = 0;
        self.each_row(&mut checkpoint, |_, row| {
            rows_read += 1;
            writer.write(&row)
        })?;
        Ok(Outcome { rows_read, files: writer.close()?, ..Outcome::default() })
    }

    fn schema_of_inputs(&self) -> Result<Schema> {
        let mut schema = Schema::new(SchemaSource::Input);
        for path in self.inputs {
            let segment = SegmentReader::open(path)?;
            let kept = segment.columns().iter().filter(|(name, _)| !self.dropped_columns.contains(name));
            schema.merge_segment(kept.cloned(), path)?;
        }
        Ok(schema)
    }

    fn schema_of_values(&self, checkpoint: &mut Checkpoint<'_>) -> Result<Schema> {
        let mut schema = Schema::new(SchemaSource::Values);
        self.each_row(checkpoint, |path, row| schema.merge_row(&row, path))?;
        Ok(schema)
    }

    /// Hands on each row of the inputs without the dropped columns.
    fn each_row(
        &self,
        checkpoint: &mut Checkpoint<'_>,
        mut take: impl FnMut(&Path, Row) -> Result<()>,
    ) -> Result<()> {
        for path in self.inputs {
            let mut segment = SegmentReader::open(path)?;
            while let Some(mut row) = segment.next_row()? {
                checkpoint.pass()?;
                for column in self.dropped_columns {
                    row.remove(column);
                }
                take(path, row)?;
            }
        }
        Ok(())
    }
}
