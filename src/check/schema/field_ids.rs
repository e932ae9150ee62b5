//! Field ids: the numbers by which Iceberg, and DuckDB where it is asked to, find columns whatever their names are.
//!
//! 1. A column whose id is gone, or another one, is a blocker: such a reader takes it for absent, or for another column.
//! 2. Two columns of one group with the same id are a blocker on the candidate, and a warning where the baseline has such too.
//! 3. Ids in the candidate alone are noted.
//!
//! A side's ids of a column are those of all its files; a column without a value is the same as an absent one.

use std::collections::BTreeSet;

use reports::document::{Finding, Place, Role, Severity};

use super::columns::{Union, name};
use super::{CHECK, Columns};
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding};

const CODE: &str = "schema.field_id";
/// Columns named in a message, and in a finding's evidence.
const IN_MESSAGE: usize = 5;
const NAMED: usize = 100;

type Ids = BTreeSet<Option<i64>>;

/// What readers that go by id make of a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Lost,
    Other,
    New,
}

/// Findings about the columns that `judged` lets through.
pub(super) fn findings(
    ours: &Columns,
    theirs: &Columns,
    judged: impl Fn(&[String]) -> bool,
    findings: &mut Vec<Finding>,
) {
    let mut changes: Vec<(Change, String, &Ids, &Ids)> = Vec::new();
    for (path, a) in ours.iter().filter(|(path, _)| judged(path)) {
        let Some(b) = theirs.get(path) else { continue };
        if let Some(change) = change(&a.ids, &b.ids) {
            changes.push((change, name(path), &a.ids, &b.ids));
        }
    }
    for change in [Change::Lost, Change::Other, Change::New] {
        let columns: Vec<_> = changes.iter().filter(|it| it.0 == change).collect();
        let Some(first) = columns.first() else { continue };
        let count = columns.len() as u64;
        let (severity, what) = match change {
            Change::Lost => (Severity::Blocker, "lost: readers that find columns by id read nulls there"),
            Change::Other => {
                (Severity::Blocker, "changed: readers that find columns by id read other columns, or nulls")
            }
            Change::New => (Severity::Info, "in the candidate alone"),
        };
        let ids = if count == 1 { "field id" } else { "field ids" };
        let names: Vec<String> =
            columns.iter().take(IN_MESSAGE).map(|(_, column, ..)| format!("{column:?}")).collect();
        let more = if columns.len() > IN_MESSAGE { ", .." } else { "" };
        let message = format!(
            "the {ids} of {} ({}{more}) {} {what}",
            counted(count, "column"),
            names.join(", "),
            if count == 1 { "is" } else { "are" }
        );
        let mut draft = finding(CHECK, CODE, severity, None, message).counting(count);
        if count == 1 {
            draft = draft.at(Place { column: Some(first.1.clone()), ..Place::default() });
        }
        for (_, column, a, b) in columns.iter().take(NAMED) {
            draft =
                draft.with(column, format!("{} in the baseline, {} in the candidate", words(a), words(b)));
        }
        findings.push(draft);
    }
}

/// What happened to a column's ids, where it matters.
fn change(a: &Ids, b: &Ids) -> Option<Change> {
    let stated = |ids: &Ids| ids.iter().any(Option::is_some);
    if b.is_subset(a) {
        None
    } else if !stated(a) {
        Some(Change::New)
    } else if b.iter().flatten().all(|id| a.contains(&Some(*id))) {
        Some(Change::Lost)
    } else {
        Some(Change::Other)
    }
}

fn words(ids: &Ids) -> String {
    let each = ids.iter().map(|id| id.map_or_else(|| "none".to_owned(), |id| id.to_string()));
    each.collect::<Vec<_>>().join(" or ")
}

/// Fields of one group that have the same id, unless all of them are ignored.
pub(super) fn shared(
    ours: Option<&Union>,
    theirs: &Union,
    ignored: impl Fn(&[String]) -> bool,
    findings: &mut Vec<Finding>,
) {
    let first = |side: &Union| {
        side.shared_ids.iter().find(|(_, _, columns)| !columns.iter().all(|path| ignored(path))).cloned()
    };
    let before = ours.is_some_and(|it| first(it).is_some());
    for (role, side) in [(Role::Baseline, ours), (Role::Candidate, Some(theirs))] {
        let Some((file, id, columns)) = side.and_then(first) else { continue };
        let severity = match role {
            Role::Baseline => Severity::Info,
            Role::Candidate if before => Severity::Warning,
            Role::Candidate => Severity::Blocker,
        };
        let names: Vec<String> = columns.iter().map(|path| format!("{:?}", name(path))).collect();
        let message = format!(
            "columns {} of {file} have the same field id, {id}: readers that find columns by id take one for the other",
            names.join(" and ")
        );
        let place = Place {
            column: columns.first().map(|path| name(path)),
            file: Some(file.clone()),
            ..Place::default()
        };
        findings.push(finding(CHECK, CODE, severity, Some(role), message).at(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_that_readers_by_id_see() {
        let ids = |ids: &[i64]| ids.iter().map(|&id| (id >= 0).then_some(id)).collect::<Ids>();
        let seen = |a: &[i64], b: &[i64]| match change(&ids(a), &ids(b)) {
            None => "same",
            Some(Change::Lost) => "lost",
            Some(Change::Other) => "other",
            Some(Change::New) => "new",
        };
        // -1 stands for a file that states none.
        assert_eq!(seen(&[1], &[1]), "same");
        assert_eq!(seen(&[1], &[-1]), "lost");
        assert_eq!(seen(&[1], &[1, -1]), "lost", "in one file of several");
        assert_eq!(seen(&[1], &[2]), "other");
        assert_eq!(seen(&[1], &[1, 2]), "other");
        assert_eq!(seen(&[1, -1], &[2]), "other");
        assert_eq!(seen(&[1, -1], &[-1]), "same", "the baseline does so too");
        assert_eq!(seen(&[-1], &[3]), "new");
        assert_eq!(seen(&[-1], &[-1]), "same");
    }
}
