//! Mismatches between what a manifest states and what the rows give, and the findings that they make.

use std::collections::BTreeMap;

use reports::document::{Evidence as Named, Finding, Place, Role, Severity};

use super::CHECK;
use crate::check::draft::counted;
use crate::check::finding::{evidence, finding, in_file};
use crate::check::{KnownDefect, Subject};

/// A mismatch of one field of one file.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) field: &'static str,
    pub(super) file: String,
    pub(super) row: Option<u64>,
    pub(super) stated: String,
    pub(super) recomputed: String,
    /// The defect that explains it exactly.
    pub(super) defect: Option<KnownDefect>,
    pub(super) absent: bool,
    pub(super) more: Vec<Named>,
}

/// One finding per field, kind and defect, for all files that it concerns.
pub(super) fn findings(subject: &Subject<'_>, role: Role, mismatches: &[Mismatch]) -> Vec<Finding> {
    let mut groups: BTreeMap<(&str, bool, Option<KnownDefect>), Vec<&Mismatch>> = BTreeMap::new();
    for it in mismatches {
        groups.entry((it.field, it.absent, it.defect)).or_default().push(it);
    }
    let draft = |((field, absent, defect), files): ((&str, bool, Option<KnownDefect>), Vec<&Mismatch>)| {
        let first = files.first()?;
        let severity = match (role, defect) {
            (Role::Candidate, _) => Severity::Blocker,
            (Role::Baseline, None) if !subject.known_defects.is_empty() => Severity::Warning,
            (Role::Baseline, _) => Severity::Info,
        };
        let code = if absent { "metadata.absent".to_owned() } else { format!("metadata.{field}") };
        let count = files.len() as u64;
        let explained = defect
            .map(|it| format!("; exactly what known defect {} yields", it.letter()))
            .unwrap_or_default();
        let message = format!(
            "{field} of {} of the {role}: {} states {}, its rows give {}{explained}",
            counted(count, "file"),
            first.file,
            first.stated,
            first.recomputed
        );
        let mut draft = finding(CHECK, &code, severity, Some(role), message);
        draft.count = count;
        draft.defect = defect.map(|it| it.letter().to_owned());
        draft.place = Some(Place { row: first.row, ..in_file(&first.file) });
        draft.evidence = vec![
            evidence("field", field),
            evidence("stated", first.stated.clone()),
            evidence("recomputed", first.recomputed.clone()),
        ];
        draft.evidence.extend(first.more.iter().cloned());
        Some(draft)
    };
    groups.into_iter().filter_map(draft).collect()
}
