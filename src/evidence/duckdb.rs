//! A DuckDB query that counts, by other means than ours, the rows of each output without an equal on the other side.
//!
//! Both outputs are read by their files, columns matched by name, and subtracted from one another as multisets
//! (`EXCEPT ALL`). `only_baseline` is then the number of changed and missing rows, `only_candidate` that of changed and extra
//! ones. Ignored columns are left out; a column that one side has not is null there. Not carried over: tolerances, types read
//! under a known defect, and the difference between `-0.0` and `0.0`, which DuckDB does not make.

use std::collections::BTreeMap;

use reports::evidence::ColumnComparison;

/// Files of a side that are named one by one; more of them are named by a pattern.
const NAMED: usize = 100;

/// One side's files.
#[derive(Debug, Clone)]
pub struct Files {
    /// Directory, as it is to be opened.
    pub root: String,
    /// Files, as they are to be opened.
    pub files: Vec<String>,
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
                let name = format!("\"{}\"", column.column.replace('"', "\"\""));
                if has(column) { name } else { format!("NULL AS {name}") }
            })
            .collect();
        format!("SELECT {} FROM read_parquet({}, union_by_name = true)", names.join(", "), source(files))
    };
    let a = side(baseline, |column| column.baseline.is_some());
    let b = side(candidate, |column| column.candidate.is_some());
    Some(format!(
        "WITH a AS ({a}),\n     b AS ({b})\nSELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT ALL SELECT * FROM b)) \
         AS only_baseline,\n       (SELECT count(*) FROM (SELECT * FROM b EXCEPT ALL SELECT * FROM a)) AS only_candidate;\n"
    ))
}

fn source(files: &Files) -> String {
    let text = |path: &str| format!("'{}'", path.replace('\'', "''"));
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
        let side =
            |name: &str| Files { root: name.to_owned(), files: vec![format!("{name}/it's [1].parquet")] };
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
        let many = Files { root: "out".to_owned(), files: vec!["out/f".to_owned(); NAMED + 1] };
        assert_eq!(source(&many), "'out/**/*.parquet'");
    }
}
