//! An input that claims to be sorted by one int64 key. As its rows pass, the claim is verified.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;

use crate::error::{Error, Result};
use crate::input::page_scan::Scans;
use crate::input::segment::SegmentReader;
use crate::input::share::Share;
use crate::rows::batch::Rows;
use crate::rows::catalog::Catalog;
use crate::rows::codes::Translator;

/// Most rows of a batch of an input: of each there are some in memory, and to touch fresh memory costs more than a batch.
const BATCH_ROWS: usize = 4096;

/// How often a row group is looked at: before all work, and when it is read.
pub(super) const OPENED: usize = 2;

/// A segment that claims to be sorted.
pub(crate) struct SortedSegment {
    reader: SegmentReader,
    key: String,
    last: Option<i64>,
    translator: Translator,
}

impl SortedSegment {
    /// `batch_bytes` is the size at which a batch should end.
    pub(crate) fn open(path: &Path, key: &str, batch_bytes: u64, memory_limit: u64) -> Result<Self> {
        let reader = SegmentReader::open(path, &[], batch_bytes, memory_limit)?
            .with_batch_rows(BATCH_ROWS)
            .with_share(Share::of_merged(memory_limit, batch_bytes));
        Ok(Self { reader, key: key.to_string(), last: None, translator: Translator::default() })
    }

    /// The same, whose row groups were looked at before.
    pub(super) fn with_scans(self, scans: Arc<Scans>) -> Self {
        Self { reader: self.reader.with_scans(scans, OPENED), ..self }
    }

    /// The next rows that are not empty, with their keys, or none at the end.
    ///
    /// # Errors
    /// A row without a key, a row whose key is below that of the row before it.
    pub(crate) fn next(&mut self, catalog: &Catalog) -> Result<Option<Rows>> {
        while let Some(batch) = self.reader.next()? {
            if batch.num_rows() == 0 {
                continue;
            }
            let place = self.reader.place();
            let mut rows = catalog.take(&batch, &place, &mut self.translator)?;
            let row_place = |row: usize| format!("{place}, row {}", self.reader.first_row() + row as u64);
            let keys = catalog.id(&self.key).and_then(|id| rows.column(id));
            let keys = keys.and_then(|keys| keys.as_primitive_opt::<Int64Type>());
            let Some(keys) = keys else { return Err(Error::missing_key(row_place(0), &self.key)) };
            if let Some(row) =
                (keys.null_count() > 0).then(|| (0..keys.len()).find(|row| keys.is_null(*row))).flatten()
            {
                return Err(Error::missing_key(row_place(row), &self.key));
            }
            let mut last = self.last.unwrap_or(i64::MIN);
            for (row, key) in keys.values().iter().enumerate() {
                if *key < last {
                    return Err(Error::Unsorted {
                        place: row_place(row),
                        column: self.key.clone(),
                        key: key.to_string(),
                        previous: last.to_string(),
                    });
                }
                last = *key;
            }
            self.last = Some(last);
            rows.keys = keys.values().iter().map(|key| Some(*key)).collect();
            return Ok(Some(rows));
        }
        Ok(None)
    }
}
