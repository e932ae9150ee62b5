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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, DictionaryArray, Int64Array, LargeStringArray, NullArray, StringArray};
    use arrow::datatypes::Int32Type;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        let fields: Vec<Field> =
            columns.iter().map(|(name, a)| Field::new(*name, a.data_type().clone(), true)).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|c| c.1).collect())
            .unwrap()
    }

    #[test]
    fn two_types_of_one_column_are_an_error_that_names_everything() {
        let mut catalog = Catalog::default();
        catalog
            .admit(
                &batch(vec![("x", Arc::new(Int64Array::from(vec![1])))]),
                "file a",
                &mut Translator::default(),
            )
            .unwrap();
        let error = catalog
            .admit(
                &batch(vec![("x", Arc::new(StringArray::from(vec!["1"])))]),
                "file b",
                &mut Translator::default(),
            )
            .unwrap_err()
            .to_string();
        for part in ["`x`", "Int64", "Utf8", "file a", "file b"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_null_only_column_of_another_type_is_no_conflict() {
        let mut catalog = Catalog::default();
        let empty: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        assert!(
            catalog
                .admit(&batch(vec![("x", empty)]), "a", &mut Translator::default())
                .unwrap()
                .columns
                .is_empty()
        );
        assert!(
            catalog
                .admit(&batch(vec![("x", Arc::new(NullArray::new(2)))]), "b", &mut Translator::default())
                .is_ok()
        );
        let rows = catalog
            .admit(&batch(vec![("x", Arc::new(Int64Array::from(vec![1])))]), "c", &mut Translator::default())
            .unwrap();
        assert_eq!(rows.columns.len(), 1);
        assert_eq!(catalog.data_type(0), &DataType::Int64);
    }

    #[test]
    fn forms_of_string_are_one_type() {
        let mut catalog = Catalog::default();
        let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
        for array in [
            Arc::new(dictionary) as ArrayRef,
            Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("a")])),
            Arc::new(StringArray::from(vec![Some("a"), None, Some("a")])),
        ] {
            let rows = catalog.admit(&batch(vec![("x", array)]), "a", &mut Translator::default()).unwrap();
            let plain = catalog.resolved(0, &rows.columns[0].1).unwrap();
            let strings = plain.as_string::<i32>();
            assert_eq!(strings.iter().collect::<Vec<_>>(), [Some("a"), None, Some("a")]);
        }
    }

    #[test]
    fn a_repeated_column_name_is_refused() {
        let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let error = Catalog::default()
            .admit(&batch(vec![("x", one.clone()), ("x", one)]), "file a", &mut Translator::default())
            .unwrap_err();
        assert_eq!(error.to_string(), "file a: column `x` occurs twice");
    }

    #[test]
    fn a_slice_does_not_keep_its_large_batch_alive() {
        let large: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
        let rows = Catalog::default()
            .admit(&batch(vec![("x", large.slice(50, 10))]), "a", &mut Translator::default())
            .unwrap();
        assert!(rows.memory() < 4096, "{}", rows.memory());
        assert_eq!(rows.columns[0].1.as_primitive::<arrow::datatypes::Int64Type>().value(0), 50);
    }
}
