//! The file that rows are being written to, and what it comes to.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;

use crate::encode::assembly::Assembly;
use crate::encode::file_encoder::{Encoders, FileEncoder, OPEN_BYTES};
use crate::encode::properties::ROW_GROUP_ROWS;
use crate::error::Result;
use crate::output::metadata::FileMetadata;
use crate::output::settings::SplitSettings;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::scratch::Scratch;
use crate::stats::Figure;

/// The open file.
#[derive(Default)]
pub(crate) struct OpenFile {
    pub(crate) encoder: FileEncoder,
    pub(crate) metadata: FileMetadata,
    pub(crate) hour: Option<i64>,
    pub(crate) full: bool,
    pub(crate) early_row_groups: usize,
    /// Bytes of values of all its rows.
    pub(crate) value_bytes: f64,
    /// What the open round has, and what it may have.
    pub(crate) round: Round,
    pub(crate) most: Round,
    /// Which rows begin a group; absent where there are no groups.
    pub(crate) starts: Option<BooleanBufferBuilder>,
}

/// Rows and bytes of values that are encoded at once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    pub(crate) rows: usize,
    pub(crate) bytes: f64,
}

/// A file whose rows are complete.
pub(crate) struct ClosedFile {
    pub(crate) assembly: Assembly,
    pub(crate) metadata: FileMetadata,
    pub(crate) fingerprints: Option<Vec<i64>>,
    pub(crate) hour: Option<i64>,
    pub(crate) value_bytes: f64,
    pub(crate) starts: Option<BooleanBuffer>,
    /// What it will come to, exact but for the footer.
    pub(crate) bytes: f64,
    /// Whether it was made of two because of the second.
    pub(crate) joined: bool,
}

impl OpenFile {
    /// Takes rows, of so many bytes of values, to be encoded with the next [`Self::encode`].
    pub(crate) fn take(
        &mut self,
        rows: Rows,
        starts: Option<&[bool]>,
        bytes: f64,
        catalog: &Catalog,
        settings: &SplitSettings,
    ) -> Result<()> {
        let rows = rows.without_empty_columns();
        self.metadata.add(&rows, catalog, &settings.metadata)?;
        if let Some(starts) = starts {
            self.starts.get_or_insert_with(|| BooleanBufferBuilder::new(0)).append_slice(starts);
        }
        self.value_bytes += bytes;
        self.round.rows += rows.len;
        self.round.bytes += bytes;
        self.encoder.write(rows);
        Ok(())
    }

    /// Encodes the rows that wait; ends the row group if it is large enough. Yields the bytes of the file so far, estimated
    /// before that end.
    pub(crate) fn encode(
        &mut self,
        encoders: &mut Encoders,
        catalog: &Catalog,
        scratch: &mut Scratch,
        settings: &SplitSettings,
    ) -> Result<f64> {
        self.encoder.flush(encoders, catalog)?;
        self.round = Round::default();
        encoders.pool().prepare(scratch)?;
        let (bytes, open_bytes) = self.encoder.sizes(encoders);
        let held = open_bytes + encoders.pool().resident() as u64;
        settings.meter.largest(Figure::PeakEncoding, held);
        if self.encoder.open_rows() >= ROW_GROUP_ROWS || open_bytes > OPEN_BYTES {
            self.encoder.close_row_group(encoders, catalog)?;
        }
        Ok(bytes)
    }

    /// Encodes what is left and ends the file.
    pub(crate) fn close(
        mut self,
        encoders: &mut Encoders,
        catalog: &Catalog,
        settings: &SplitSettings,
    ) -> Result<ClosedFile> {
        self.encoder.flush(encoders, catalog)?;
        let key = settings.key.as_ref();
        // Float keys are ordered by their truncated value, other types not by their value at all.
        let sorted_by = key
            .filter(|_| settings.ordered)
            .and_then(|key| catalog.id(&key.column))
            .filter(|id| *catalog.data_type(*id) == DataType::Int64);
        let placeholder = catalog.placeholder(key.map(|key| key.column.as_str()));
        let fingerprints = self.encoder.fingerprints(encoders);
        let assembly = self.encoder.finish(encoders, catalog, sorted_by, placeholder)?;
        let bytes = encoders.estimate(assembly.chunk_bytes, assembly.leaf_chunks);
        Ok(ClosedFile {
            assembly,
            metadata: self.metadata,
            fingerprints,
            hour: self.hour,
            value_bytes: self.value_bytes,
            starts: self.starts.map(|mut starts| starts.finish()),
            bytes,
            joined: false,
        })
    }
}
