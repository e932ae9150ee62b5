//! Lists of lists and of maps without a group in between, as old writers state them.
//!
//! Such a list repeats an element that is a list or a map itself:
//!
//! ```text
//! required group a (LIST) { repeated group array (LIST) { repeated group array (LIST) { repeated int32 array; } } }
//! ```
//!
//! The format gives the repeated group to the element then, and the Parquet crate refuses a list or map that is repeated. Here the
//! schema gets the group in between that writers of today state. It holds the same values at the same levels:
//!
//! ```text
//! repeated group list { required group array (LIST) { .. } }
//! ```

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::errors::Result;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

/// The footer with the groups in between; as it was where none is missing. Column chunks keep the paths that the file states.
///
/// # Errors
/// Where the schema cannot be built.
pub(super) fn with_groups_between(metadata: ParquetMetaData) -> Result<ParquetMetaData> {
    let file = metadata.file_metadata();
    let root: TypePtr = Arc::new(file.schema_descr().root_schema().clone());
    let Some(root) = rewritten(&root)? else { return Ok(metadata) };
    let file = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        Arc::new(SchemaDescriptor::new(root)),
        file.column_orders().cloned(),
    );
    Ok(ParquetMetaDataBuilder::new(file).set_row_groups(metadata.row_groups().to_vec()).build())
}

/// A node with the groups in between below it; `None` where none is missing.
fn rewritten(node: &TypePtr) -> Result<Option<TypePtr>> {
    if node.is_primitive() {
        return Ok(None);
    }
    let fields = node.get_fields();
    let list = fields.len() == 1 && annotated(node, ConvertedType::LIST, &LogicalType::List);
    let mut changed = false;
    let mut children = Vec::with_capacity(fields.len());
    for child in fields {
        let below = rewritten(child)?;
        let between = list && is_element(child);
        changed |= between || below.is_some();
        let below = below.unwrap_or_else(|| Arc::clone(child));
        children.push(if between { wrapped(&below)? } else { below });
    }
    if !changed {
        return Ok(None);
    }
    let info = node.get_basic_info();
    let repetition = info.has_repetition().then(|| info.repetition());
    group(node, repetition, children).map(Some)
}

/// Whether a repeated group is a list or a map itself.
fn is_element(node: &Type) -> bool {
    let [child] = (if node.is_primitive() { &[] } else { node.get_fields() }) else { return false };
    repeats(node)
        && repeats(child)
        && (annotated(node, ConvertedType::LIST, &LogicalType::List)
            || annotated(node, ConvertedType::MAP, &LogicalType::Map))
}

fn repeats(node: &Type) -> bool {
    let info = node.get_basic_info();
    info.has_repetition() && info.repetition() == Repetition::REPEATED
}

fn annotated(node: &Type, converted: ConvertedType, logical: &LogicalType) -> bool {
    let info = node.get_basic_info();
    info.converted_type() == converted || info.logical_type_ref() == Some(logical)
}

/// A repeated group that holds `element`, which is required then.
fn wrapped(element: &Type) -> Result<TypePtr> {
    let element = group(element, Some(Repetition::REQUIRED), element.get_fields().to_vec())?;
    let between = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
    between.with_fields(vec![element]).build().map(Arc::new)
}

/// A group like `node` with another repetition and other fields.
fn group(node: &Type, repetition: Option<Repetition>, fields: Vec<TypePtr>) -> Result<TypePtr> {
    let info = node.get_basic_info();
    let mut group = Type::group_type_builder(node.name())
        .with_converted_type(info.converted_type())
        .with_logical_type(info.logical_type_ref().cloned())
        .with_id(info.has_id().then(|| info.id()))
        .with_fields(fields);
    if let Some(repetition) = repetition {
        group = group.with_repetition(repetition);
    }
    group.build().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{DataType, Int32Type};
    use parquet::data_type::Int32Type as Integers;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::output::OutputFile;

    const LISTS: &str = "message m { required group a (LIST) { repeated group array (LIST) {
        repeated group array (LIST) { repeated int32 array; } } } }";

    /// A schema with its groups in between, and the levels of its columns, which must not change.
    fn form(schema: &str) -> Option<(Type, Vec<(i16, i16)>)> {
        let levels = |schema: &TypePtr| -> Vec<(i16, i16)> {
            let columns = SchemaDescriptor::new(Arc::clone(schema));
            columns.columns().iter().map(|it| (it.max_def_level(), it.max_rep_level())).collect()
        };
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let form = rewritten(&schema).unwrap()?;
        assert_eq!(levels(&schema), levels(&form));
        Some((Type::clone(&form), levels(&form)))
    }

    fn parsed(schema: &str) -> Type {
        parse_message_type(schema).unwrap()
    }

    #[test]
    fn a_repeated_list_or_map_in_a_list_gets_its_group_in_between() {
        let (lists, levels) = form(LISTS).unwrap();
        let expected =
            "message m { required group a (LIST) { repeated group list { required group array (LIST) {
            repeated group list { required group array (LIST) { repeated int32 array; } } } } } }";
        assert_eq!(lists, parsed(expected));
        assert_eq!(levels, [(3, 3)]);
        let maps = "message m { optional group a (LIST) { repeated group array (MAP) { repeated group map (MAP_KEY_VALUE) {
            required int32 key; optional int32 value; } } } }";
        let expected =
            "message m { optional group a (LIST) { repeated group list { required group array (MAP) {
            repeated group map (MAP_KEY_VALUE) { required int32 key; optional int32 value; } } } } }";
        assert_eq!(form(maps).unwrap().0, parsed(expected));
    }

    #[test]
    fn schemas_of_today_and_lists_of_records_stay_as_they_are() {
        for schema in [
            "message m { optional group a (LIST) { repeated group list { optional group element (LIST) {
                repeated group list { optional int32 element; } } } } }",
            "message m { required group a (LIST) { repeated group array { required int32 x; required int32 y; } } }",
            "message m { required group a (MAP) { repeated group map (MAP_KEY_VALUE) { required int32 key;
                optional group value (LIST) { repeated int32 array; } } } }",
            "message m { required group a (LIST) { repeated group list (LIST) { optional int32 element; } } }",
        ] {
            assert!(form(schema).is_none(), "{schema}");
        }
    }

    fn write(path: &Path, schema: &str, values: &[i32], definition: &[i16], repetition: &[i16]) {
        let schema = Arc::new(parsed(schema));
        let mut file =
            SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
        let mut group = file.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Integers>().write_batch(values, Some(definition), Some(repetition)).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        file.close().unwrap();
    }

    #[test]
    fn a_list_of_lists_of_lists_without_groups_in_between_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.parquet");
        // [[[1, 2], []], [[3]]] and [].
        write(&path, LISTS, &[1, 2, 3], &[3, 3, 2, 3, 0], &[0, 3, 2, 1, 0]);
        let file = OutputFile::open(&path, "old.parquet").unwrap();
        let batch = file.batches(None, 0).unwrap().next().unwrap().unwrap().batch;
        assert_eq!(batch.num_rows(), 2);
        let outer = batch.column(0).as_list::<i32>();
        assert_eq!((outer.value_length(0), outer.value_length(1)), (2, 0));
        let middle = outer.values().as_list::<i32>();
        let inner = middle.values().as_list::<i32>();
        assert_eq!((middle.value_length(0), middle.value_length(1)), (2, 1));
        assert_eq!((0..inner.len()).map(|at| inner.value_length(at)).collect::<Vec<_>>(), [2, 0, 1]);
        assert!(matches!(inner.value_type(), DataType::Int32));
        assert_eq!(inner.values().as_primitive::<Int32Type>().values(), &[1, 2, 3]);
    }
}
