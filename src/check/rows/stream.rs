//! Handing every differing row, whole, to the report's file of differences, and not keeping it.
//!
//! A row is counted by the baseline's values where the baseline holds it, else by the candidate's; its file is the
//! candidate's where the candidate holds it.

use reports::evidence::{CellDifference, RowDifference, RowDifferenceKind};

use super::change::{full, hour, short};
use super::tally::{At, Unpaired};
use crate::check::KnownDefect;
use crate::evidence::blast::{FILE, HOUR, Values};
use crate::evidence::changes;
use crate::evidence::differences::Differences;

/// Longest text of a value that rows are counted by, in bytes; longer ones are told apart by their digest.
const MAX_VALUE: usize = 256;

/// Hands over a pair that differs in the columns `changed`, as part of the finding `code`; without one as part of the findings of
/// changed columns. `defect` is the known defect of the baseline that explains it.
pub(super) fn pair(a: At<'_>, b: At<'_>, changed: &[usize], code: Option<&str>, defect: Option<KnownDefect>) {
    let Some(sink) = a.source.scan.differences.filter(|_| !changed.is_empty()) else { return };
    let cell = |&column: &usize| CellDifference {
        column: a.source.columns[column].clone(),
        kind: a.source.kind(a.row, b.row, column).to_owned(),
        baseline: full(a.row.slot(column)),
        candidate: full(b.row.slot(column)),
    };
    let row = RowDifference {
        kind: RowDifferenceKind::Changed,
        key: a.key_by(full),
        baseline: Some(a.place()),
        candidate: Some(b.place()),
        cells: changed.iter().map(cell).collect(),
    };
    let code = code.unwrap_or_else(|| changes::of_row(&row));
    sink.push(row, code, defect.map(KnownDefect::letter), &values(sink, a, b));
}

/// Hands over a row that has no counterpart; `duplicated` where it equals a row of the baseline.
pub(super) fn unpaired(at: At<'_>, unpaired: Unpaired, duplicated: bool) {
    let Some(sink) = at.source.scan.differences else { return };
    let place = Some(at.place());
    let (kind, code, defect) = match unpaired {
        Unpaired::Missing => (RowDifferenceKind::Missing, "rows.missing", None),
        Unpaired::Extra if duplicated => (RowDifferenceKind::Extra, "rows.duplicated", None),
        Unpaired::Extra => (RowDifferenceKind::Extra, "rows.extra", None),
        Unpaired::Excused => {
            (RowDifferenceKind::Extra, "rows.extra", Some(KnownDefect::HighestTidLost.letter()))
        }
        Unpaired::Damaged { missing } => {
            let letter = Some(KnownDefect::DamagedSketchesMerged.letter());
            if missing {
                (RowDifferenceKind::Missing, "rows.missing", letter)
            } else {
                (RowDifferenceKind::Extra, "rows.extra", letter)
            }
        }
        Unpaired::Aside { missing: true, code } => (RowDifferenceKind::Missing, code, None),
        Unpaired::Aside { missing: false, code } => (RowDifferenceKind::Extra, code, None),
    };
    let missing = kind == RowDifferenceKind::Missing;
    let (baseline, candidate) = if missing { (place, None) } else { (None, place) };
    let row =
        RowDifference { kind, key: at.key_by(full), baseline, candidate, cells: at.cells_by(kind, full) };
    sink.push(row, code, defect, &values(sink, at, at));
}

fn values(sink: &Differences, valued: At<'_>, placed: At<'_>) -> Values {
    let column = |name: &str| {
        let column = valued.source.columns.binary_search_by(|it| it.as_str().cmp(name)).ok();
        column.and_then(|column| valued.row.slot(column))
    };
    let value = |name: &String| match name.as_str() {
        HOUR => valued.source.scan.time_column.and_then(|name| hour(column(name))),
        FILE => placed.place().file,
        name => short(column(name), MAX_VALUE),
    };
    sink.by().iter().map(value).collect()
}
