//! Column types, the schema of a writer, and the two ways in which it comes about: merged from the inputs' Parquet schemas,
//! or derived from the values. Each way has its own error text, and its own choice of encodings (see `layout`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::schema::types::{SchemaDescriptor, Type};

use crate::error::{Error, Result};
use crate::value::Row;

/// Type of a column. [`fmt::Display`] spells it as the original does, which its error texts quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// BOOLEAN.
    Boolean,
    /// INT32 annotated INT(8,true). Only through the row interface.
    Int8,
    /// INT32 annotated INT(8,false). Only through the row interface.
    UInt8,
    /// INT32 annotated INT(32,true).
    Int32,
    /// INT64 annotated INT(64,true).
    Int64,
    /// FLOAT. Only through the row interface.
    Float32,
    /// DOUBLE.
    Float64,
    /// BYTE_ARRAY annotated STRING.
    String,
    /// BYTE_ARRAY without annotation.
    Bytes,
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Boolean => "required boolean;",
            Self::Int8 => "required int32 (INT(8,true));",
            Self::UInt8 => "required int32 (INT(8,false));",
            Self::Int32 => "required int32 (INT(32,true));",
            Self::Int64 => "required int64 (INT(64,true));",
            Self::Float32 => "required float;",
            Self::Float64 => "required double;",
            Self::String => "required binary (STRING);",
            Self::Bytes => "required binary;",
        })
    }
}

/// Where a job's schema comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SchemaSource {
    /// The Parquet schemas of the inputs. Every column has a dictionary.
    #[default]
    Input,
    /// The values of the rows, seen in a pass of their own. A column without any value is then not in the schema, and because
    /// rows from a file carry a key for each of its columns, the first such row is refused, as in the original.
    Values,
}

/// Schema of a writer: column name to type, in byte order of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    source: SchemaSource,
    columns: BTreeMap<String, ColumnType>,
}

impl Schema {
    /// An empty schema.
    #[must_use]
    pub fn new(source: SchemaSource) -> Self {
        Self { source, columns: BTreeMap::new() }
    }

    /// Where the schema comes from; decides the encodings.
    #[must_use]
    pub fn source(&self) -> SchemaSource {
        self.source
    }

    /// Adds a column.
    ///
    /// # Errors
    /// [`Error::TypeMismatch`] where the column is there with another type.
    pub fn add(&mut self, column: impl Into<String>, column_type: ColumnType) -> Result<()> {
        let column = column.into();
        let existing = *self.columns.entry(column.clone()).or_insert(column_type);
        if existing == column_type {
            return Ok(());
        }
        Err(Error::TypeMismatch { column, existing, new: column_type, path: None })
    }

    /// The type of a column.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<ColumnType> {
        self.columns.get(column).copied()
    }

    /// Columns in byte order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        self.columns.iter().map(|(name, &column_type)| (name.as_str(), column_type))
    }

    /// Takes over the columns of one segment. The original calls the type in the newest file "current".
    pub(crate) fn merge_segment(
        &mut self,
        fields: impl Iterator<Item = (String, ColumnType)>,
        path: &Path,
    ) -> Result<()> {
        for (column, current) in fields {
            let merged = *self.columns.entry(column.clone()).or_insert(current);
            if merged != current {
                return Err(Error::SchemaMismatch { column, current, merged, path: path.to_owned() });
            }
        }
        Ok(())
    }

    /// Takes over the types of one row's values.
    pub(crate) fn merge_row(&mut self, row: &Row, path: &Path) -> Result<()> {
        for (column, value) in row {
            let Some(new) = value.column_type() else { continue };
            match self.columns.get(column) {
                Some(&existing) if existing == new => {}
                Some(&existing) => {
                    let (column, path) = (column.clone(), Some(path.to_owned()));
                    return Err(Error::TypeMismatch { column, existing, new, path });
                }
                None => {
                    self.columns.insert(column.clone(), new);
                }
            }
        }
        Ok(())
    }
}

/// Columns of a segment in file order with the types that the original's reader gives them (defect G).
///
/// # Errors
/// A nested or repeated column, a type that the original refuses, one name twice.
pub(crate) fn segment_columns(schema: &SchemaDescriptor, path: &Path) -> Result<Vec<(String, ColumnType)>> {
    let mut columns: Vec<(String, ColumnType)> = Vec::new();
    for field in schema.root_schema().get_fields() {
        let name = field.name().to_owned();
        let repeated =
            field.get_basic_info().has_repetition() && field.get_basic_info().repetition() == REPEATED;
        if field.is_group() || repeated {
            return Err(Error::NestedColumn { path: path.to_owned(), column: name });
        }
        if columns.iter().any(|(known, _)| *known == name) {
            return Err(Error::DuplicateColumn { path: path.to_owned(), column: name });
        }
        let Some(column_type) = column_type(field) else {
            return Err(Error::UnsupportedType {
                path: path.to_owned(),
                column: name,
                physical: field.get_physical_type().to_string(),
                logical: logical_name(field),
            });
        };
        columns.push((name, column_type));
    }
    Ok(columns)
}

const REPEATED: parquet::basic::Repetition = parquet::basic::Repetition::REPEATED;

/// The type of a flat column as the original reads it; none where it refuses.
fn column_type(field: &Type) -> Option<ColumnType> {
    if is_decimal(field) {
        return None;
    }
    match field.get_physical_type() {
        PhysicalType::BOOLEAN => Some(ColumnType::Boolean),
        PhysicalType::INT32 => Some(ColumnType::Int32),
        PhysicalType::INT64 => Some(ColumnType::Int64),
        PhysicalType::DOUBLE => Some(ColumnType::Float64),
        PhysicalType::BYTE_ARRAY if is_text(field) => Some(ColumnType::String),
        PhysicalType::BYTE_ARRAY => Some(ColumnType::Bytes),
        PhysicalType::FLOAT | PhysicalType::FIXED_LEN_BYTE_ARRAY | PhysicalType::INT96 => None,
    }
}

fn is_decimal(field: &Type) -> bool {
    matches!(field.get_basic_info().logical_type_ref(), Some(LogicalType::Decimal { .. }))
        || field.get_basic_info().converted_type() == ConvertedType::DECIMAL
}

fn is_text(field: &Type) -> bool {
    let info = field.get_basic_info();
    matches!(info.logical_type_ref(), Some(LogicalType::String | LogicalType::Json | LogicalType::Enum))
        || matches!(info.converted_type(), ConvertedType::UTF8 | ConvertedType::JSON | ConvertedType::ENUM)
}

/// Logical type in the original's spelling, for its error text; empty where there is none.
fn logical_name(field: &Type) -> String {
    if is_decimal(field) {
        return format!("DECIMAL({},{})", field.get_precision(), field.get_scale());
    }
    match field.get_basic_info().logical_type_ref() {
        Some(LogicalType::Uuid) => "UUID".to_owned(),
        Some(LogicalType::Float16) => "FLOAT16".to_owned(),
        Some(other) => format!("{other:?}").to_uppercase(),
        None => String::new(),
    }
}
