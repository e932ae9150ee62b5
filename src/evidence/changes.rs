//! Which finding a changed cell belongs to: a change of type alone, a change of value beside it, or any other.

use reports::evidence::{RowDifference, RowDifferenceKind};

/// Code of rows that differ in the type of a column and are equal after a lossless conversion.
pub const RETYPED: &str = "rows.retyped";

/// Code of rows that differ in a column of another type also after a lossless conversion.
pub const VALUE_CHANGED: &str = "rows.value_changed";

/// Code of all other changes.
pub const CHANGED: &str = "rows.changed";

/// The code of the finding for changes of this kind.
#[must_use]
pub fn code(kind: &str) -> &'static str {
    match kind {
        "retyped" => RETYPED,
        "type-and-value" => VALUE_CHANGED,
        _ => CHANGED,
    }
}

/// Whether a code is that of a changed column.
#[must_use]
pub fn is_of_column(code: &str) -> bool {
    [CHANGED, RETYPED, VALUE_CHANGED].contains(&code)
}

/// The code under which a changed row stands in the file of differences: that of its gravest cell.
#[must_use]
pub fn of_row(row: &RowDifference) -> &'static str {
    let is = |wanted: &str| row.cells.iter().any(|cell| code(&cell.kind) == wanted);
    if row.kind != RowDifferenceKind::Changed || is(CHANGED) {
        CHANGED
    } else if is(VALUE_CHANGED) {
        VALUE_CHANGED
    } else {
        RETYPED
    }
}

/// What rows of a finding are counted under: a changed column by its name, a retyped one by code and name, others by code.
#[must_use]
pub fn subject_of(code: &str, column: Option<&str>) -> String {
    match column.filter(|_| is_of_column(code)) {
        Some(column) if code == CHANGED => column.to_owned(),
        Some(column) => format!("{code}\0{column}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use reports::evidence::{CellDifference, Value};

    use super::*;

    #[test]
    fn a_row_stands_under_its_gravest_cell_and_a_column_under_each_code() {
        let cell = |kind: &&str| CellDifference {
            column: "a".to_owned(),
            kind: (*kind).to_owned(),
            baseline: Value::default(),
            candidate: Value::default(),
        };
        let row = |kinds: &[&str]| RowDifference {
            kind: RowDifferenceKind::Changed,
            key: Vec::new(),
            baseline: None,
            candidate: None,
            cells: kinds.iter().map(cell).collect(),
        };
        assert_eq!(of_row(&row(&["retyped"])), RETYPED);
        assert_eq!(of_row(&row(&["retyped", "type-and-value"])), VALUE_CHANGED);
        assert_eq!(of_row(&row(&["retyped", "truncated", "type-and-value"])), CHANGED);
        assert_eq!(subject_of(CHANGED, Some("a")), "a");
        assert_ne!(subject_of(RETYPED, Some("a")), subject_of(VALUE_CHANGED, Some("a")));
        assert_eq!(subject_of("rows.missing", Some("a")), "rows.missing");
    }
}
