//! A DuckDB query that counts, by other means than ours, the rows of each output without an equal on the other side.
//!
//! Both outputs are read by their files, columns matched by name, and subtracted from one another as multisets
//! (`EXCEPT ALL`). `only_baseline` is then the number of changed and missing rows, `only_candidate` that of changed and extra
//! ones. Columns in the names of folders are read with the rows. Ignored columns are left out; a column that one side has not is null there.
//!
//! DuckDB does not read or compare every type as stored. Each column for which the query can count otherwise than ROWS is named
//! in [`Query::blind`]. Not carried over for any column: tolerances, types read under a known defect, and the difference
//! between `-0.0` and `0.0`.

use std::collections::{BTreeMap, BTreeSet};

use reports::evidence::{ColumnComparison, ColumnInfo};

pub use super::folders::Given;
use super::folders::read;
use super::sql::{escaped, identifier, literal};

/// Files of a side that are named one by one; more of them are named by a pattern.
const NAMED: usize = 100;
/// Digits of the longest decimal that DuckDB reads as a decimal.
const DIGITS: u32 = 38;

/// One side's files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Directory, as it is to be opened.
    pub root: String,
    /// Files, as they are to be opened.
    pub files: Vec<String>,
    /// What the folders of each give.
    pub given: Vec<Vec<Given>>,
    /// Names of the top-level columns of all files, those that folders give included.
    pub columns: BTreeSet<String>,
    /// True where `*.parquet` below the directory are these files and no other.
    pub whole: bool,
}

/// The query and its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The query; `None` where a side has no file or no column is left to compare.
    pub text: Option<String>,
    /// What DuckDB does not see, a sentence a column.
    pub blind: Vec<String>,
}

/// A top-level column with what SCHEMA saw of it and of the nodes below it.
struct Column<'a> {
    name: &'a str,
    nodes: Vec<&'a ColumnComparison>,
}

/// The query over both outputs. `columns` are the nodes that hold a value, as SCHEMA compared them.
#[must_use]
pub fn query(
    baseline: &Files,
    candidate: &Files,
    columns: &[ColumnComparison],
    ignored: &BTreeMap<String, String>,
) -> Query {
    let mut blind = Vec::new();
    let mut compared = by_root(baseline, candidate, columns);
    compared.retain(|column| !ignored.contains_key(column.name));
    let mut spellings: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in baseline.columns.union(&candidate.columns) {
        spellings.entry(name.to_lowercase()).or_default().push(name);
    }
    compared.retain(|column| {
        let alike = spellings.get(&column.name.to_lowercase()).map_or(&[][..], Vec::as_slice);
        match unreadable(column, alike) {
            Some(reason) => {
                blind.push(format!("Column {:?} is left out: {reason}.", column.name));
                false
            }
            None => true,
        }
    });
    for node in compared.iter().flat_map(|column| &column.nodes) {
        let limits: BTreeSet<&str> =
            [&node.baseline, &node.candidate].into_iter().flatten().filter_map(limit).collect();
        blind.extend(limits.into_iter().map(|limit| format!("Column {:?}: {limit}.", node.column)));
    }
    if baseline.files.is_empty() || candidate.files.is_empty() || compared.is_empty() {
        return Query { text: None, blind };
    }
    let side = |files: &Files, has: fn(&ColumnComparison) -> bool| {
        let names: Vec<String> = compared
            .iter()
            .map(|column| {
                if column.nodes.iter().any(|node| has(node)) {
                    identifier(column.name)
                } else {
                    "NULL".to_owned()
                }
            })
            .collect();
        format!("SELECT {} FROM {}", names.join(", "), read(&files.files, &files.given, &source(files)))
    };
    let a = side(baseline, |node| node.baseline.is_some());
    let b = side(candidate, |node| node.candidate.is_some());
    let text = format!(
        "WITH a AS ({a}),\n     b AS ({b})\nSELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT ALL SELECT * FROM b)) \
         AS only_baseline,\n       (SELECT count(*) FROM (SELECT * FROM b EXCEPT ALL SELECT * FROM a)) AS only_candidate;\n"
    );
    Query { text: Some(text), blind }
}

/// The top-level columns that hold a value on a side, each with its nodes.
fn by_root<'a>(
    baseline: &'a Files,
    candidate: &'a Files,
    columns: &'a [ColumnComparison],
) -> Vec<Column<'a>> {
    let roots: BTreeSet<&str> = baseline.columns.union(&candidate.columns).map(String::as_str).collect();
    let mut found: BTreeMap<&str, Vec<&ColumnComparison>> = BTreeMap::new();
    for node in columns {
        // The longest name counts: a column may be called `st/a` beside a struct `st`.
        let ends = node.column.match_indices(['/', '[', '{']).map(|(end, _)| end);
        let root = std::iter::once(node.column.len())
            .chain(ends.rev())
            .map(|end| &node.column[..end])
            .find(|prefix| roots.contains(prefix));
        if let Some(root) = root {
            found.entry(root).or_default().push(node);
        }
    }
    found.into_iter().map(|(name, nodes)| Column { name, nodes }).collect()
}

/// Why DuckDB cannot compare a column at all.
fn unreadable(column: &Column<'_>, alike: &[&str]) -> Option<String> {
    if column.name.is_empty() {
        return Some("its name is empty, which DuckDB cannot ask for".to_owned());
    }
    if alike.len() > 1 {
        return Some(format!("DuckDB takes {} for one column", quoted(alike)));
    }
    let two = |info: &ColumnInfo| info.type_class.contains(" or ");
    let node = column.nodes.iter().find(|node| {
        node.change == "type" || [&node.baseline, &node.candidate].into_iter().flatten().any(two)
    })?;
    let class =
        |info: &Option<ColumnInfo>| info.as_ref().map_or("absent", |it| it.type_class.as_str()).to_owned();
    Some(format!(
        "the type of {:?} is {} in the baseline and {} in the candidate, and DuckDB would convert it",
        node.column,
        class(&node.baseline),
        class(&node.candidate)
    ))
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    names.join(" and ")
}

/// What DuckDB does not see of the values of a type that it reads.
fn limit(info: &ColumnInfo) -> Option<&'static str> {
    if info.type_class.starts_with("decimal") && digits(&info.logical).is_some_and(|it| it > DIGITS) {
        return Some("DuckDB reads decimals of more than 38 digits as DOUBLE, and sees the first 15 digits");
    }
    if info.type_class == "interval" {
        return Some("DuckDB takes a month for 30 days and a day for 24 hours where it compares intervals");
    }
    if info.physical == "INT96" {
        return Some("DuckDB reads INT96 in microseconds");
    }
    if info.logical.starts_with("TIMESTAMP(ns,UTC") || info.logical.starts_with("TIME(ns") {
        return Some("DuckDB before 2.0 reads these nanoseconds in microseconds");
    }
    None
}

/// The largest precision in `DECIMAL(60,5)`, or in several of them.
fn digits(logical: &str) -> Option<u32> {
    let precisions = logical.split("DECIMAL(").skip(1);
    precisions.filter_map(|rest| rest.split(',').next()?.parse().ok()).max()
}

fn source(files: &Files) -> String {
    if files.whole && files.files.len() > NAMED {
        return literal(&format!("{}/**/*.parquet", escaped(&files.root)));
    }
    let named: Vec<String> = files.files.iter().map(|file| literal(&escaped(file))).collect();
    format!("[{}]", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str, columns: &[&str]) -> Files {
        Files {
            root: name.to_owned(),
            files: vec![format!("{name}/it's [1].parquet")],
            given: vec![Vec::new()],
            columns: columns.iter().map(|&it| it.to_owned()).collect(),
            whole: true,
        }
    }

    fn info(class: &str, logical: &str) -> ColumnInfo {
        ColumnInfo {
            type_class: class.to_owned(),
            physical: "BYTE_ARRAY".to_owned(),
            logical: logical.to_owned(),
            nullable: true,
            values: 1,
            files: 1,
        }
    }

    fn column(name: &str, info: &ColumnInfo) -> ColumnComparison {
        ColumnComparison {
            column: name.to_owned(),
            baseline: Some(info.clone()),
            candidate: Some(info.clone()),
            change: "same".to_owned(),
        }
    }

    #[test]
    fn names_and_paths_cannot_break_out_and_an_ignored_column_is_left_out() {
        let text = info("string", "STRING");
        let mut only = column("a \"b\"", &text);
        only.candidate = None;
        let ignored = BTreeMap::from([("skipped".to_owned(), "reason".to_owned())]);
        let (a, b) = (files("a", &["a \"b\"", "skipped"]), files("b", &["skipped"]));
        let found = query(&a, &b, &[only, column("skipped", &text)], &ignored).text.unwrap();
        assert!(
            found.contains("SELECT \"a \"\"b\"\"\" FROM read_parquet(['a/it''s [[]1].parquet']"),
            "{found}"
        );
        assert!(found.contains("SELECT NULL FROM"), "{found}");
        assert!(!found.contains("skipped"));
        assert_eq!(query(&a, &b, &[column("skipped", &text)], &ignored), Query::default());
    }

    #[test]
    fn a_nested_column_is_asked_for_by_its_root() {
        let group = info("struct", "");
        let columns =
            ["st", "st/a", "li", "li[]", "li[]/x", "ma", "ma{key}", "x/y"].map(|it| column(it, &group));
        let names = ["st", "li", "ma", "x/y"];
        let found = query(&files("a", &names), &files("b", &names), &columns, &BTreeMap::new());
        assert!(found.text.unwrap().contains("SELECT \"li\", \"ma\", \"st\", \"x/y\" FROM"));
        assert_eq!(found.blind, Vec::<String>::new());
    }

    #[test]
    fn what_duckdb_does_not_see_is_named() {
        let mut changed = column("t/x", &info("int", ""));
        changed.change = "type".to_owned();
        let columns = [
            column("d", &info("decimal(5)", "DECIMAL(60,5)")),
            column("small", &info("decimal(5)", "DECIMAL(38,5)")),
            column("i", &info("interval", "INTERVAL")),
            column("t", &info("struct", "")),
            changed,
            column("N", &info("int", "")),
            column("n", &info("int", "")),
        ];
        let names = ["d", "small", "i", "t", "N", "n"];
        let found = query(&files("a", &names), &files("b", &names), &columns, &BTreeMap::new());
        assert!(found.text.unwrap().contains("SELECT \"d\", \"i\", \"small\" FROM"));
        let blind = found.blind.join("\n");
        for part in [
            "Column \"N\" is left out: DuckDB takes \"N\" and \"n\" for one column.",
            "Column \"n\" is left out",
            "Column \"t\" is left out: the type of \"t/x\" is int in the baseline",
            "Column \"d\": DuckDB reads decimals of more than 38 digits as DOUBLE",
            "Column \"i\": DuckDB takes a month for 30 days",
        ] {
            assert!(blind.contains(part), "{part} is not in\n{blind}");
        }
        assert!(!blind.contains("small"));
    }

    #[test]
    fn many_files_are_named_by_a_pattern() {
        let many = Files { files: vec!["out/f".to_owned(); NAMED + 1], ..files("out", &[]) };
        assert_eq!(source(&many), "'out/**/*.parquet'");
        let some = source(&Files { whole: false, ..many });
        assert!(some.starts_with("['out/f', "), "others lie beside them: {some}");
    }
}
