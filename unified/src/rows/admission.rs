//! Batches taken in: names and types checked, columns in the form in which Parquet stores them, empty columns left out.

use arrow::array::{Array, ArrayRef, MutableArrayData, RecordBatch, make_array};
use arrow::compute::cast;
use arrow::error::ArrowError;

use crate::error::{Error, Result};
use crate::input::segment::can_be_coded;
use crate::rows::batch::Rows;
use crate::rows::catalog::{Catalog, check_names, stored_type};
use crate::rows::codes::{ColumnId, Translator};

impl Catalog {
    /// Takes in a batch: checks names and types, brings the columns to their stored form, leaves out those that are
    /// entirely null. Keys are left empty.
    ///
    /// # Errors
    /// A name that occurs twice, an empty name, rows without columns; one column with two types.
    pub(crate) fn admit(
        &mut self,
        batch: &RecordBatch,
        place: &str,
        translator: &mut Translator,
    ) -> Result<Rows> {
        if batch.num_rows() > 0 && batch.num_columns() == 0 {
            return Err(Error::input(place, "rows without any column"));
        }
        check_names(batch.schema_ref(), place)?;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            self.note(field, !is_empty(array), place)?;
        }
        self.take(batch, place, translator)
    }

    /// Takes in a batch of columns that were all noted before.
    ///
    /// # Errors
    /// A column with values of another type than was noted.
    pub(crate) fn take(&self, batch: &RecordBatch, place: &str, translator: &mut Translator) -> Result<Rows> {
        let mut columns: Vec<(ColumnId, ArrayRef)> = Vec::with_capacity(batch.num_columns());
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if is_empty(array) {
                continue;
            }
            let id = self.id(field.name()).ok_or_else(|| {
                Error::internal("looking up a column", format!("`{}` in {place} was not noted", field.name()))
            })?;
            let stored = stored_type(field.data_type());
            self.check(id, &stored, place)?;
            let unsupported = |source: ArrowError| Error::UnsupportedType {
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
                place: place.to_string(),
                reason: source.to_string(),
            };
            if can_be_coded(&stored) {
                let dictionary = self.dictionary(id);
                let coded = translator.translate(id, array, &stored, dictionary).map_err(unsupported)?;
                if let Some(coded) = coded {
                    columns.push((id, coded));
                    continue;
                }
            }
            let array = if stored == *array.data_type() {
                array.clone()
            } else {
                cast(array, &stored).map_err(unsupported)?
            };
            // A dictionary whose used values are null turns out empty only now.
            if !is_empty(&array) {
                columns.push((id, compact(array)));
            }
        }
        columns.sort_unstable_by_key(|(id, _)| *id);
        Ok(Rows { columns, keys: Vec::new(), len: batch.num_rows() })
    }
}

fn is_empty(array: &ArrayRef) -> bool {
    array.is_empty() || array.logical_null_count() == array.len()
}

/// Copies an array that holds on to much more memory than its rows need: a slice of a large batch must not keep the
/// whole of it alive while it waits to be sorted.
fn compact(array: ArrayRef) -> ArrayRef {
    let held = array.get_buffer_memory_size();
    if held <= 4096 {
        return array;
    }
    let data = array.to_data();
    match data.get_slice_memory_size() {
        Ok(needed) if held > needed + needed / 4 + 4096 => {
            let mut copy = MutableArrayData::new(vec![&data], false, data.len());
            match copy.try_extend(0, 0, data.len()) {
                Ok(()) => make_array(copy.freeze()),
                Err(_) => array,
            }
        }
        _ => array,
    }
}
