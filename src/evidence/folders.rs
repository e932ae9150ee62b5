//! Columns in the names of folders, as DuckDB reads them.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, TimeUnit};

use super::sql::{escaped, literal, quoted};
use crate::output::{OutputFile, PartitionColumn};

/// A column that the folders of a file give.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Its name.
    pub column: String,
    /// Its value; `None` for null.
    pub text: Option<String>,
    /// Its type, as DuckDB names it.
    pub sql_type: String,
}

impl Given {
    /// The columns of a file, in the order of its folders.
    #[must_use]
    pub fn of(file: &OutputFile) -> Vec<Self> {
        let one = |it: &PartitionColumn| Self {
            column: it.name.clone(),
            text: it.text.clone(),
            sql_type: sql_type(it.data_type()),
        };
        file.partitions.iter().map(one).collect()
    }
}

/// All rows of a side with the columns that folders give. Where all files have the same ones DuckDB reads them itself.
pub(super) fn read(files: &[String], given: &[Vec<Given>], source: &str) -> String {
    if given.iter().all(Vec::is_empty) {
        return format!("read_parquet({}, union_by_name = true, hive_partitioning = false)", source);
    }
    if let Some(types) = by_hive(files, given) {
        return format!(
            "read_parquet({}, union_by_name = true, hive_partitioning = true, hive_types = {{{types}}})",
            source
        );
    }
    let mut groups: BTreeMap<&[Given], Vec<String>> = BTreeMap::new();
    for (file, of_file) in files.iter().zip(given) {
        groups.entry(of_file).or_default().push(literal(&escaped(file)));
    }
    let parts: Vec<String> = groups
        .into_iter()
        .map(|(given, files)| {
            let columns = given.iter().map(|it| {
                let value = it.text.as_deref().map_or_else(|| "NULL".to_owned(), literal);
                format!(", CAST({value} AS {}) AS {}", it.sql_type, quoted(&it.column))
            });
            format!(
                "SELECT *{} FROM read_parquet([{}], union_by_name = true, hive_partitioning = false)",
                columns.collect::<String>(),
                files.join(", ")
            )
        })
        .collect();
    format!("({})", parts.join("\n     UNION ALL BY NAME "))
}

/// The types of the columns that DuckDB takes from the folders by itself; `None` where it would take others, or read their values
/// in another way.
fn by_hive(files: &[String], given: &[Vec<Given>]) -> Option<String> {
    let kinds = |given: &[Given]| -> Vec<(String, String)> {
        given.iter().map(|it| (it.column.clone(), it.sql_type.clone())).collect()
    };
    let first = kinds(given.first()?);
    let plain = |it: &Given| {
        it.text.as_ref().is_some_and(|text| {
            !text.is_empty()
                && !text.eq_ignore_ascii_case("null")
                && format!("{}={text}", it.column).chars().all(simple)
        })
    };
    let same = |(file, given): (&String, &Vec<Given>)| {
        let parts = file.rsplit_once('/').map_or("", |(folder, _)| folder).split('/');
        kinds(given) == first
            && given.iter().all(plain)
            && parts.filter(|part| part.contains('=')).count() == given.len()
    };
    let all = files.iter().zip(given).all(same);
    let types = first.iter().map(|(column, sql_type)| format!("{}: {sql_type}", literal(column)));
    all.then(|| types.collect::<Vec<_>>().join(", "))
}

/// Characters that stand in the name of a folder as they are.
fn simple(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-.=".contains(character)
}

/// The type of DuckDB that holds what the Arrow type holds; text for what has none.
fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Date32 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMPTZ",
        DataType::Timestamp(TimeUnit::Nanosecond, None) => "TIMESTAMP_NS",
        DataType::Timestamp(TimeUnit::Millisecond, None) => "TIMESTAMP_MS",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Binary => "BLOB",
        DataType::FixedSizeBinary(_) => "UUID",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => return format!("DECIMAL({precision}, {scale})"),
        _ => "VARCHAR",
    }
    .to_owned()
}
