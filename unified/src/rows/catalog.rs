//! The columns of a job: name, type and where the type was seen first.
//!
//! A column gets its type with its first non-null value, so a column that some segment declares under another type but
//! leaves entirely null is no conflict: it holds nothing. Types that Parquet stores alike (dictionary, large and view
//! strings) are brought to one form here; nothing else is converted.

use std::collections::{HashMap, HashSet};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema};

use crate::error::{Error, Result};
use crate::memory_plan::bytes_of_columns;
use crate::rows::codes::{self, ColumnId, SharedDictionary};

/// What is known of a column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Type as first declared, used only for a file whose rows hold no value at all.
    declared: DataType,
    /// Type of the values and where it was seen; absent while all values were null.
    seen: Option<(DataType, String)>,
    /// Values of the rows that are coded.
    dictionary: SharedDictionary,
}

/// All columns of a job.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    ids: HashMap<String, ColumnId>,
    columns: Vec<Column>,
}

impl Catalog {
    pub(crate) fn id(&self, name: &str) -> Option<ColumnId> {
        self.ids.get(name).copied()
    }

    pub(crate) fn name(&self, id: ColumnId) -> &str {
        &self.columns[id as usize].name
    }

    /// Type of the column's values; the declared one while there are none.
    pub(crate) fn data_type(&self, id: ColumnId) -> &DataType {
        let column = &self.columns[id as usize];
        column.seen.as_ref().map_or(&column.declared, |(data_type, _)| data_type)
    }

    /// Where the column's type was seen first.
    pub(crate) fn seen_at(&self, id: ColumnId) -> &str {
        self.columns[id as usize].seen.as_ref().map_or("a column without values", |(_, place)| place)
    }

    /// The values behind the column's codes.
    pub(crate) fn values(&self, id: ColumnId) -> Result<ArrayRef> {
        self.columns[id as usize]
            .dictionary
            .lock()
            .array(self.data_type(id))
            .map_err(|source| Error::internal("building a dictionary", source))
    }

    /// The shared dictionary of the column.
    pub(super) fn dictionary(&self, id: ColumnId) -> &SharedDictionary {
        &self.columns[id as usize].dictionary
    }

    /// Whether an array of the column holds codes.
    pub(crate) fn is_coded(&self, id: ColumnId, array: &ArrayRef) -> bool {
        codes::is_coded(array, self.data_type(id))
    }

    /// The array with its values in place of codes.
    pub(crate) fn resolved(&self, id: ColumnId, array: &ArrayRef) -> Result<ArrayRef> {
        if !self.is_coded(id, array) {
            return Ok(array.clone());
        }
        let fail = |source| Error::internal("resolving codes", source);
        codes::resolved(array, &self.values(id)?).map_err(fail)
    }

    /// Bytes that columns take whatever their values, beyond what is left aside for some.
    pub(crate) fn overhead(&self) -> usize {
        usize::try_from(bytes_of_columns(self.columns.len() as u64)).unwrap_or(usize::MAX)
    }

    /// Bytes of memory of all dictionaries.
    pub(crate) fn memory(&self) -> usize {
        self.columns.iter().map(|column| column.dictionary.lock().memory()).sum()
    }

    /// The column that carries the rows of a file without any value: `preferred` where declared, else the first.
    pub(crate) fn placeholder(&self, preferred: Option<&str>) -> Option<ColumnId> {
        preferred.and_then(|name| self.id(name)).or((!self.columns.is_empty()).then_some(0))
    }

    /// Notes a column and, where it has values, their type.
    ///
    /// # Errors
    /// The column has values of another type elsewhere.
    pub(crate) fn note(&mut self, field: &Field, has_values: bool, place: &str) -> Result<ColumnId> {
        let stored = stored_type(field.data_type());
        let id = self.declare(field.name(), &stored);
        if has_values {
            self.check(id, &stored, place)?;
            self.columns[id as usize].seen.get_or_insert_with(|| (stored, place.to_string()));
        }
        Ok(id)
    }

    /// # Errors
    /// The column has values of another type than `stored`.
    pub(super) fn check(&self, id: ColumnId, stored: &DataType, place: &str) -> Result<()> {
        let column = &self.columns[id as usize];
        match &column.seen {
            Some((known, known_place)) if known != stored => Err(Error::TypeConflict {
                column: column.name.clone(),
                first: known.to_string(),
                first_place: known_place.clone(),
                second: stored.to_string(),
                second_place: place.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn declare(&mut self, name: &str, stored: &DataType) -> ColumnId {
        if let Some(&id) = self.ids.get(name) {
            let column = &mut self.columns[id as usize];
            if column.declared == DataType::Null {
                column.declared = stored.clone();
            }
            return id;
        }
        let id = self.columns.len() as ColumnId;
        self.ids.insert(name.to_string(), id);
        self.columns.push(Column {
            name: name.to_string(),
            declared: stored.clone(),
            seen: None,
            dictionary: SharedDictionary::default(),
        });
        id
    }
}

/// # Errors
/// A name that is empty or occurs twice.
pub(crate) fn check_names(schema: &Schema, place: &str) -> Result<()> {
    let mut met = HashSet::with_capacity(schema.fields().len());
    for field in schema.fields() {
        if field.name().is_empty() {
            return Err(Error::input(place, "a column has an empty name"));
        }
        if !met.insert(field.name().as_str()) {
            return Err(Error::input(place, format!("column `{}` occurs twice", field.name())));
        }
    }
    Ok(())
}

/// The form in which Parquet stores a type: dictionaries and run ends become their values, large and view strings and
/// bytes plain ones, at any depth. Every other type stays as it is.
pub(super) fn stored_type(data_type: &DataType) -> DataType {
    let field = |field: &Field| {
        let stored = stored_type(field.data_type());
        std::sync::Arc::new(field.clone().with_data_type(stored))
    };
    match data_type {
        DataType::Dictionary(_, value) => stored_type(value),
        DataType::RunEndEncoded(_, values) => stored_type(values.data_type()),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(field(item), *size),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| field(f)).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        AsArray, DictionaryArray, Int64Array, LargeStringArray, NullArray, RecordBatch, StringArray,
    };
    use arrow::datatypes::Int32Type;

    use super::*;
    use crate::rows::codes::Translator;

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
