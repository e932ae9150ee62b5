//! How the rows of each ROWS finding spread over the scopes of the policy.
//!
//! A row is told by the set of scopes that it lies in, as bits; rows of one set are counted together. A changed row lies in a
//! scope by its value in the baseline, and in none whose columns changed: such a row belongs to two scopes at once, and
//! neither may excuse it alone. Memory: one counter a finding and set of scopes that occurs.

use std::collections::BTreeMap;

use reports::document::Place;
use reports::evidence::{RowDifference, RowDifferenceKind};

use super::changes::{self, subject_of};
use crate::policy::scope::RowScope;

/// Rows of one finding that lie in the same scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// How many.
    pub rows: u64,
    /// The first of them, by file and row: in the candidate, for missing rows in the baseline.
    pub first: Option<Place>,
}

/// The counters of one job.
#[derive(Debug, Default)]
pub struct Scopes {
    scopes: Vec<RowScope>,
    columns: Vec<String>,
    findings: BTreeMap<String, BTreeMap<u64, Part>>,
}

impl Scopes {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(scopes: Vec<RowScope>) -> Self {
        let mut columns: Vec<String> = scopes.iter().flat_map(RowScope::columns).map(str::to_owned).collect();
        columns.sort_unstable();
        columns.dedup();
        Self { scopes, columns, findings: BTreeMap::new() }
    }

    /// The scopes, in the order of their bits.
    #[must_use]
    pub fn scopes(&self) -> &[RowScope] {
        &self.scopes
    }

    /// Columns whose values the scopes ask for.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Counts a row of the finding `code` with its values of [`Scopes::columns`], in that order.
    pub fn count(&mut self, row: &RowDifference, code: &str, values: &[Option<String>]) {
        if self.scopes.is_empty() {
            return;
        }
        let changed = row.kind == RowDifferenceKind::Changed;
        let moved = |column: &str| changed && row.cells.iter().any(|cell| cell.column == column);
        let value = |column: &str| {
            let index = self.columns.iter().position(|it| it == column)?;
            values.get(index)?.as_deref()
        };
        let mut bits = 0;
        for (bit, scope) in self.scopes.iter().enumerate() {
            if scope.takes_in(value) && !scope.columns().any(moved) {
                bits |= 1 << bit;
            }
        }
        let place = row.candidate.as_ref().or(row.baseline.as_ref());
        if changed {
            for cell in &row.cells {
                let finding = subject_of(changes::code(&cell.kind), Some(&cell.column));
                self.add(&finding, bits, place);
            }
        } else {
            self.add(code, bits, place);
        }
    }

    fn add(&mut self, finding: &str, bits: u64, place: Option<&Place>) {
        let part = self.findings.entry(finding.to_owned()).or_default().entry(bits).or_default();
        part.rows += 1;
        let by = |place: &Place| (place.file.clone(), place.row);
        if let Some(place) = place
            && part.first.as_ref().is_none_or(|first| by(place) < by(first))
        {
            part.first = Some(place.clone());
        }
    }

    /// The rows of a finding by the scopes that they lie in; a finding is named as [`subject_of`] does.
    #[must_use]
    pub fn parts(&self, finding: &str) -> BTreeMap<u64, Part> {
        self.findings.get(finding).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use reports::evidence::{CellDifference, Value};

    use super::*;
    use crate::policy::scope::Condition;

    fn scope(column: &str, value: &str) -> RowScope {
        let (name, columns) = (column.to_owned(), vec![column.to_owned()]);
        RowScope { conditions: vec![Condition { name, columns, value: value.to_owned() }] }
    }

    fn changed(columns: &[&str], row: u64) -> RowDifference {
        let none = Value::default();
        let cell = |column: &&str| CellDifference {
            column: (*column).to_owned(),
            kind: "value".to_owned(),
            baseline: none.clone(),
            candidate: none.clone(),
        };
        let place = Place { file: Some("f".to_owned()), row: Some(row), ..Place::default() };
        RowDifference {
            kind: RowDifferenceKind::Changed,
            key: Vec::new(),
            baseline: None,
            candidate: Some(place),
            cells: columns.iter().map(cell).collect(),
        }
    }

    #[test]
    fn rows_are_counted_by_the_scopes_that_they_lie_in_with_the_first_of_each() {
        let mut scopes = Scopes::new(vec![scope("org", "a"), scope("kind", "h")]);
        assert_eq!(scopes.columns(), ["kind", "org"]);
        let values = |kind: Option<&str>, org: Option<&str>| [kind, org].map(|it| it.map(str::to_owned));
        for (row, at) in [
            (values(Some("h"), Some("a")), 9),
            (values(Some("h"), Some("b")), 8),
            (values(None, None), 7),
            (values(Some("h"), Some("a")), 3),
        ] {
            scopes.count(&changed(&["x"], at), "rows.changed", &row);
        }
        let parts = scopes.parts("x");
        let told: Vec<_> =
            parts.iter().map(|(bits, part)| (*bits, part.rows, part.first.as_ref().unwrap().row)).collect();
        assert_eq!(told, [(0, 1, Some(7)), (2, 1, Some(8)), (3, 2, Some(3))]);
    }

    #[test]
    fn a_row_whose_scope_changed_lies_in_no_scope() {
        let mut scopes = Scopes::new(vec![scope("org", "a")]);
        scopes.count(&changed(&["x", "org"], 1), "rows.changed", &[Some("a".to_owned())]);
        assert_eq!(scopes.parts("x").keys().copied().collect::<Vec<_>>(), [0]);
        assert_eq!(scopes.parts("org").keys().copied().collect::<Vec<_>>(), [0]);
    }
}
