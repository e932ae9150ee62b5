//! A DuckDB query that counts, by other means than ours, the rows of each output without an equal on the other side.
//!
//! Both outputs are read by their files, columns matched by name, and subtracted from one another as multisets
//! (`EXCEPT ALL`). `only_baseline` is then the number of changed and missing rows, `only_candidate` that of changed and extra
//! ones. Columns in the names of folders are read with the rows. Ignored columns are left out; a column that one side has not is null there. Not carried over: tolerances, types read
//! under a known defect, and the difference between `-0.0` and `0.0`, which DuckDB does not make.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, TimeUnit};
use reports::evidence::ColumnComparison;

use crate::output::{OutputFile, PartitionColumn};

/// Files of a side that are named one by one; more of them are named by a pattern.
const NAMED: usize = 100;

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

/// One side's files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Directory, as it is to be opened.
    pub root: String,
    /// Files, as they are to be opened.
    pub files: Vec<String>,
    /// What the folders of each give.
    pub given: Vec<Vec<Given>>,
}

/// The query; `None` where a side has no file or no column is left to compare.
#[must_use]
pub fn query(
    baseline: &Files,
    candidate: &Files,
    columns: &[ColumnComparison],
    ignored: &BTreeMap<String, String>,
) -> Option<String> {
    let compared: Vec<&ColumnComparison> =
        columns.iter().filter(|column| !ignored.contains_key(&column.column)).collect();
    if baseline.files.is_empty() || candidate.files.is_empty() || compared.is_empty() {
        return None;
    }
    let side = |files: &Files, has: fn(&ColumnComparison) -> bool| {
        let names: Vec<String> = compared
            .iter()
            .map(|column| {
                let name = name(&column.column);
                if has(column) { name } else { format!("NULL AS {name}") }
            })
            .collect();
        format!("SELECT {} FROM {}", names.join(", "), read(files))
    };
    let a = side(baseline, |column| column.baseline.is_some());
    let b = side(candidate, |column| column.candidate.is_some());
    Some(format!(
        "WITH a AS ({a}),\n     b AS ({b})\nSELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT ALL SELECT * FROM b)) \
         AS only_baseline,\n       (SELECT count(*) FROM (SELECT * FROM b EXCEPT ALL SELECT * FROM a)) AS only_candidate;\n"
    ))
}

/// All rows of a side with the columns that folders give. Where all files have the same ones DuckDB reads them itself.
fn read(files: &Files) -> String {
    if files.given.iter().all(Vec::is_empty) {
        return format!("read_parquet({}, union_by_name = true, hive_partitioning = false)", source(files));
    }
    if let Some(types) = by_hive(files) {
        return format!(
            "read_parquet({}, union_by_name = true, hive_partitioning = true, hive_types = {{{types}}})",
            source(files)
        );
    }
    let mut groups: BTreeMap<&[Given], Vec<String>> = BTreeMap::new();
    for (file, given) in files.files.iter().zip(&files.given) {
        groups.entry(given).or_default().push(text(&escaped(file)));
    }
    let parts: Vec<String> = groups
        .into_iter()
        .map(|(given, files)| {
            let columns = given.iter().map(|it| {
                let value = it.text.as_deref().map_or_else(|| "NULL".to_owned(), text);
                format!(", CAST({value} AS {}) AS {}", it.sql_type, name(&it.column))
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
fn by_hive(files: &Files) -> Option<String> {
    let kinds = |given: &[Given]| -> Vec<(String, String)> {
        given.iter().map(|it| (it.column.clone(), it.sql_type.clone())).collect()
    };
    let first = kinds(files.given.first()?);
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
    let all = files.files.iter().zip(&files.given).all(same);
    let types = first.iter().map(|(column, sql_type)| format!("{}: {sql_type}", text(column)));
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

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn name(column: &str) -> String {
    format!("\"{}\"", column.replace('"', "\"\""))
}

fn source(files: &Files) -> String {
    if files.files.len() > NAMED {
        return text(&format!("{}/**/*.parquet", escaped(&files.root)));
    }
    let named: Vec<String> = files.files.iter().map(|file| text(&escaped(file))).collect();
    format!("[{}]", named.join(", "))
}

/// A path that is no pattern.
fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '*' | '?' | '[' => escaped.extend(['[', character, ']']),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use reports::evidence::ColumnInfo;

    use super::*;

    #[test]
    fn names_and_paths_cannot_break_out_and_an_ignored_column_is_left_out() {
        let side = |name: &str| Files {
            root: name.to_owned(),
            files: vec![format!("{name}/it's [1].parquet")],
            given: vec![Vec::new()],
        };
        let column = |name: &str| ColumnComparison {
            column: name.to_owned(),
            baseline: Some(ColumnInfo {
                type_class: "string".to_owned(),
                physical: "BYTE_ARRAY".to_owned(),
                logical: "String".to_owned(),
                nullable: true,
                values: 1,
                files: 1,
            }),
            candidate: None,
            change: "missing".to_owned(),
        };
        let ignored = BTreeMap::from([("skipped".to_owned(), "reason".to_owned())]);
        let text = query(&side("a"), &side("b"), &[column("a \"b\""), column("skipped")], &ignored).unwrap();
        assert!(
            text.contains("SELECT \"a \"\"b\"\"\" FROM read_parquet(['a/it''s [[]1].parquet']"),
            "{text}"
        );
        assert!(text.contains("SELECT NULL AS \"a \"\"b\"\"\" FROM"), "{text}");
        assert!(!text.contains("skipped"));
        assert_eq!(query(&side("a"), &side("b"), &[column("skipped")], &ignored), None);
    }

    #[test]
    fn many_files_are_named_by_a_pattern() {
        let files = vec!["out/f".to_owned(); NAMED + 1];
        let many = Files { root: "out".to_owned(), files, given: vec![Vec::new(); NAMED + 1] };
        assert_eq!(source(&many), "'out/**/*.parquet'");
    }
}
