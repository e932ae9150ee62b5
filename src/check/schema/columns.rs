//! The columns of one side as the union over its files, with the values counted in the rows.
//!
//! A nested column is a tree of nodes: `a` the struct, `a/b` its field, `a[]` the elements of a list, `a{key}` and
//! `a{value}` those of a map. Flat columns are a node each, under their own name.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, TimeUnit};
use parquet::basic::{ConvertedType, LogicalType};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use rayon::prelude::*;
use reports::document::Place;
use reports::evidence::ColumnInfo;

use super::elements::{self, Shared};
use crate::cancel::Cancel;
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::digest::TypeClass;
use crate::error::Result;
use crate::output::{OutputFile, ReadOptions};

use super::text::{self, NotUtf8, Tally};

/// One node in one file.
#[derive(Debug, Clone)]
struct Node {
    path: Vec<String>,
    data_type: DataType,
    physical: String,
    logical: String,
    id: Option<i64>,
    nullable: bool,
    tally: Tally,
    /// First place with text that is not UTF-8.
    first: Option<Place>,
}

/// What stands in the place of a physical type where a column comes from the names of folders.
const FOLDER: &str = "folder name";

/// One type that a node has in some files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) data_type: DataType,
    pub(super) class: TypeClass,
    pub(super) physical: String,
    pub(super) logical: String,
    /// First file that holds it so.
    pub(super) file: String,
}

/// One node over the files of a side.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Its types in judged order of the files; more than one is an inconsistency.
    pub(super) forms: Vec<Form>,
    pub(super) nullable: bool,
    /// Its field ids; none for a file that states none.
    pub(super) ids: BTreeSet<Option<i64>>,
    pub(super) values: u64,
    pub(super) files: u64,
    /// Text that is not UTF-8.
    pub(super) not_utf8: Option<NotUtf8>,
}

/// The columns of a side.
#[derive(Debug, Default)]
pub(super) struct Union {
    /// Nodes that hold at least one value, by path.
    pub(super) columns: super::Columns,
    /// Ids that fields of one group share: file, id, and their paths.
    pub(super) shared_ids: Vec<(String, i64, Vec<Vec<String>>)>,
}

impl Column {
    /// Whether folders give it in some file.
    pub(super) fn in_folders(&self) -> bool {
        self.forms.iter().any(|form| form.physical == FOLDER)
    }

    pub(super) fn info(&self) -> ColumnInfo {
        let join = |text: fn(&Form) -> String| {
            let mut texts: Vec<String> = self.forms.iter().map(text).collect();
            texts.dedup();
            texts.join(" or ")
        };
        ColumnInfo {
            type_class: join(|form| form.class.to_string()),
            physical: join(|form| form.physical.clone()),
            logical: join(|form| form.logical.clone()),
            nullable: self.nullable,
            values: self.values,
            files: self.files,
        }
    }
}

/// Name of a node for people.
pub(super) fn name(path: &[String]) -> String {
    path.concat()
}

/// The union over the files of a side. Columns that `ignored` names are not read: the footer says how many values they may hold.
pub(super) fn union(
    side: &Observed,
    ignored: &BTreeMap<String, String>,
    cancel: &Cancel,
) -> std::result::Result<Union, SideError> {
    let files: std::result::Result<Vec<_>, SideError> = side
        .output
        .files
        .par_iter()
        .map(|file| {
            nodes(file, ignored, cancel).map_err(|error| SideError {
                role: side.role,
                file: file.info.path.clone(),
                error,
            })
        })
        .collect();
    let mut columns: BTreeMap<Vec<String>, Column> = BTreeMap::new();
    let mut shared_ids = Vec::new();
    for (file, (nodes, shared)) in side.output.files.iter().zip(files?) {
        shared_ids.extend(shared.into_iter().map(|(id, paths)| (file.info.path.clone(), id, paths)));
        for node in nodes.into_iter().filter(|node| node.tally.values > 0) {
            let form = Form {
                class: TypeClass::of(&node.data_type),
                data_type: node.data_type,
                physical: node.physical,
                logical: node.logical,
                file: file.info.path.clone(),
            };
            let column = columns.entry(node.path).or_insert(Column {
                forms: Vec::new(),
                nullable: false,
                ids: BTreeSet::new(),
                values: 0,
                files: 0,
                not_utf8: None,
            });
            column.nullable |= node.nullable;
            column.ids.insert(node.id);
            column.values += node.tally.values;
            if let Some(first) = node.first {
                text::add(&mut column.not_utf8, &node.tally, first);
            }
            column.files += 1;
            let same = |known: &Form| {
                (&known.class, &known.physical, &known.logical)
                    == (&form.class, &form.physical, &form.logical)
            };
            if !column.forms.iter().any(same) {
                column.forms.push(form);
            }
        }
    }
    Ok(Union { columns, shared_ids })
}

/// The nodes of a file, and the ids that several fields of one group have.
fn nodes(
    file: &OutputFile,
    ignored: &BTreeMap<String, String>,
    cancel: &Cancel,
) -> Result<(Vec<Node>, Vec<Shared>)> {
    let schema = file.arrow_schema()?;
    let leaves = file.metadata.file_metadata().schema_descr();
    let mut nodes = Vec::new();
    let mut leaf = 0;
    for field in schema.fields() {
        define(
            vec![field.name().clone()],
            field.data_type(),
            field.is_nullable(),
            leaves,
            &mut leaf,
            &mut nodes,
        );
    }
    let footer = elements::nodes(&file.stated_schema()?, file.info.created_by.as_deref());
    for node in &mut nodes {
        if let Some(found) = footer.get(&node.path) {
            node.id = found.id;
            node.annotate(&found.annotation);
        }
    }
    for node in &mut nodes {
        if let [root] = &node.path[..]
            && file.partitions.iter().any(|column| column.name == *root)
        {
            FOLDER.clone_into(&mut node.physical);
            node.nullable = false;
        }
    }
    // Where each root column begins among the nodes.
    let mut begins = HashMap::new();
    for (number, node) in nodes.iter().enumerate().filter(|(_, node)| node.path.len() == 1) {
        begins.insert(node.path[0].clone(), number);
    }
    let mut tallies = vec![Tally::default(); nodes.len()];
    let wanted = file.columns_without(|name| ignored.contains_key(name));
    for row_group in 0..file.metadata.num_row_groups() {
        for slice in file.slices(row_group, wanted.as_deref(), None)? {
            let options = ReadOptions {
                columns: Some(slice.columns),
                row_group: Some(row_group),
                need: Some(slice.need),
                ..ReadOptions::default()
            };
            for located in file.read(options)? {
                cancel.check()?;
                let located = located?;
                let batch = &located.batch;
                for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                    if let Some(&first) = begins.get(field.name()) {
                        let mut end = first;
                        count(array, None, &mut tallies, &mut end);
                        for node in first..end {
                            if tallies[node].not_utf8 > 0 && nodes[node].first.is_none() {
                                let row = located.first_row + text::first_row(array, node - first);
                                let column = Some(name(&nodes[node].path));
                                nodes[node].first = Some(Place { column, ..file.place(row) });
                            }
                        }
                    }
                }
            }
        }
    }
    for (node, mut tally) in nodes.iter_mut().zip(tallies) {
        if let Some(root) = node.path.first().filter(|root| ignored.contains_key(*root)) {
            tally.values = stated(file, root);
        }
        node.tally = tally;
    }
    Ok((nodes, elements::shared_ids(&footer)))
}

impl Node {
    /// Takes the annotation as the footer states it, which says more than the Arrow type; the length of values of fixed width stays.
    fn annotate(&mut self, stated: &str) {
        match (&self.data_type, stated) {
            (_, "") => {}
            (DataType::FixedSizeBinary(_), stated) => self.logical = format!("{}, {stated}", self.logical),
            (_, stated) => stated.clone_into(&mut self.logical),
        }
    }
}

/// Values of a root column by the footer, nulls included where it does not count them; of a nested one those of its largest leaf.
fn stated(file: &OutputFile, root: &str) -> u64 {
    let of_group = |group: &RowGroupMetaData| {
        let chunks =
            group.columns().iter().filter(|it| it.column_path().parts().first().is_some_and(|it| it == root));
        let values = chunks.map(|chunk| {
            let nulls = chunk.statistics().and_then(Statistics::null_count_opt).unwrap_or(0);
            u64::try_from(chunk.num_values()).unwrap_or(0).saturating_sub(nulls)
        });
        values.max().unwrap_or(0)
    };
    file.metadata.row_groups().iter().map(of_group).fold(0, u64::saturating_add)
}

/// Lists a column's nodes, parents first; leaves come in the order of the Parquet schema.
fn define(
    path: Vec<String>,
    data_type: &DataType,
    nullable: bool,
    leaves: &SchemaDescriptor,
    leaf: &mut usize,
    nodes: &mut Vec<Node>,
) {
    let below = |part: String| {
        let mut path = path.clone();
        path.push(part);
        path
    };
    let mut node = Node {
        path: path.clone(),
        data_type: data_type.clone(),
        physical: "group".to_owned(),
        logical: String::new(),
        id: None,
        nullable,
        tally: Tally::default(),
        first: None,
    };
    match data_type {
        DataType::Struct(fields) => {
            nodes.push(node);
            for field in fields {
                let path = below(format!("/{}", field.name()));
                define(path, field.data_type(), field.is_nullable(), leaves, leaf, nodes);
            }
        }
        DataType::List(field) | DataType::LargeList(field) => {
            nodes.push(node);
            define(below("[]".to_owned()), field.data_type(), field.is_nullable(), leaves, leaf, nodes);
        }
        DataType::Map(entries, _) => {
            nodes.push(node);
            if let DataType::Struct(fields) = entries.data_type() {
                for (field, part) in fields.iter().zip(["{key}", "{value}"]) {
                    let path = below(part.to_owned());
                    define(path, field.data_type(), field.is_nullable(), leaves, leaf, nodes);
                }
            }
        }
        _ => {
            if *leaf < leaves.num_columns() {
                let column = leaves.column(*leaf);
                node.physical = column.physical_type().to_string();
                node.logical = logical(data_type, &column);
            }
            *leaf += 1;
            nodes.push(node);
        }
    }
}

/// Counts what is not null in an array's nodes, in the order of [`define`]. `parent` masks what stands in a null struct.
pub(super) fn count(array: &ArrayRef, parent: Option<&NullBuffer>, nodes: &mut [Tally], node: &mut usize) {
    let valid = NullBuffer::union(parent, array.logical_nulls().as_ref());
    let values = array.len() - valid.as_ref().map_or(0, NullBuffer::null_count);
    if let Some(node) = nodes.get_mut(*node) {
        node.values += values as u64;
        node.texts(array, valid.as_ref());
    }
    *node += 1;
    match array.data_type() {
        DataType::Struct(_) => {
            for column in array.as_struct().columns() {
                count(column, valid.as_ref(), nodes, node);
            }
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            count(&within(list.values(), list.offsets()), None, nodes, node);
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let bounds = list.offsets();
            let from = usize::try_from(bounds[0]).unwrap_or(0);
            let to = usize::try_from(bounds[bounds.len() - 1]).unwrap_or(from);
            count(&list.values().slice(from, to - from), None, nodes, node);
        }
        DataType::Map(..) => {
            let map = array.as_map();
            for column in [map.keys(), map.values()] {
                count(&within(column, map.offsets()), None, nodes, node);
            }
        }
        _ => {}
    }
}

/// The elements that the offsets of a list or map reach.
fn within(values: &ArrayRef, offsets: &[i32]) -> ArrayRef {
    let bound = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
    let (from, to) = (bound(0), bound(offsets.len() - 1));
    values.slice(from, to - from)
}

/// The annotation by its meaning. A signed integer annotated with the width of its physical type says nothing more than
/// no annotation, and converted types mean the same as the logical types that replaced them.
fn logical(data_type: &DataType, column: &ColumnDescriptor) -> String {
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    };
    match data_type {
        DataType::Int8 => "INT(8,true)".to_owned(),
        DataType::Int16 => "INT(16,true)".to_owned(),
        DataType::UInt8 => "INT(8,false)".to_owned(),
        DataType::UInt16 => "INT(16,false)".to_owned(),
        DataType::UInt32 => "INT(32,false)".to_owned(),
        DataType::UInt64 => "INT(64,false)".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(it, zone) => {
            format!("TIMESTAMP({},{})", unit(it), if zone.is_some() { "UTC" } else { "local" })
        }
        DataType::Time32(it) | DataType::Time64(it) => format!("TIME({})", unit(it)),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("DECIMAL({precision},{scale})"),
        DataType::Float16 => "FLOAT16".to_owned(),
        DataType::Interval(_) => "INTERVAL".to_owned(),
        DataType::FixedSizeBinary(length) => format!("length {length}"),
        DataType::Utf8 | DataType::Binary => match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Json), _) | (None, ConvertedType::JSON) => "JSON".to_owned(),
            (Some(LogicalType::Bson), _) | (None, ConvertedType::BSON) => "BSON".to_owned(),
            (Some(LogicalType::Enum), _) | (None, ConvertedType::ENUM) => "ENUM".to_owned(),
            _ if *data_type == DataType::Utf8 => "STRING".to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}
