//! What was found on one side, counted exactly, with the first place of each kind.

use std::collections::BTreeMap;

use reports::document::{Evidence, Finding, Place, Role, Severity};
use reports::signal_evidence::SketchEvidence;

use super::CHECK;
use crate::check::Observed;
use crate::check::draft::counted;
use crate::check::finding::{evidence, finding, severity_on};
use crate::rollup::Expected;

/// A kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Code {
    Wrong,
    Rollup,
    Changed,
    Undecodable,
    Unexpected,
    Duplicate,
    Unaligned,
    /// Not decodable, and the inputs that might excuse it are unknown.
    UndecodableUnverified,
    RollupUnverified,
}

impl Code {
    fn text(self) -> &'static str {
        match self {
            Self::Wrong => "sketch.wrong",
            Self::Rollup => "sketch.rollup",
            Self::Changed => "sketch.changed",
            Self::Undecodable | Self::UndecodableUnverified => "sketch.undecodable",
            Self::Unexpected => "sketch.unexpected_point",
            Self::Duplicate => "sketch.duplicate",
            Self::Unaligned => "sketch.unaligned",
            Self::RollupUnverified => "sketch.rollup_unverified",
        }
    }

    fn severity(self, role: Role) -> Severity {
        match (self, role) {
            (Self::UndecodableUnverified | Self::RollupUnverified, Role::Candidate) => Severity::Warning,
            _ => severity_on(role),
        }
    }

    /// What is wrong with so many rows.
    fn words(self, rows: &str, column: &str) -> String {
        match self {
            Self::Wrong => format!("{rows} made of several, whose sketch is not the sum of their sketches"),
            Self::Rollup => {
                format!("{rows} made of several, whose {column} does not say what the merged sketch says")
            }
            Self::Changed => format!("{rows} that should pass unmerged, with another {column}"),
            Self::Undecodable => {
                format!("{rows} with a sketch that cannot be decoded and does not come from the inputs")
            }
            Self::UndecodableUnverified => format!(
                "{rows} with a sketch that cannot be decoded; whether it came from the inputs is unknown"
            ),
            Self::Unexpected => format!("{rows} that the inputs do not yield"),
            Self::Duplicate => format!("{rows} for a point that has a row already"),
            Self::Unaligned => format!("{rows} with a time that is no multiple of the interval"),
            Self::RollupUnverified => {
                format!("{rows} whose {column} lies further from its own sketch than its accuracy allows")
            }
        }
    }
}

/// Rows of one kind of finding.
#[derive(Debug, Default)]
struct Bucket {
    rows: u64,
    kinds: BTreeMap<&'static str, u64>,
    first: Option<((usize, u64), Vec<Evidence>)>,
}

/// What was found on one side.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) evidence: SketchEvidence,
    /// Rows beyond the first of a point that is expected.
    pub(super) copies: u64,
    pub(super) unexpected: u64,
    pub(super) missing: u64,
    /// Of these points of the highest group.
    pub(super) missing_highest: u64,
    missing_kinds: BTreeMap<&'static str, u64>,
    first_missing: Option<(i64, i64, Option<std::sync::Arc<str>>)>,
    buckets: BTreeMap<(Code, String), Bucket>,
}

impl Tally {
    pub(super) fn new(side: Role) -> Self {
        Self {
            evidence: SketchEvidence {
                side,
                rows: 0,
                sketches: 0,
                recomputed: 0,
                duplicates: 0,
                unaligned: 0,
                disagreeing: BTreeMap::new(),
                largest_difference: BTreeMap::new(),
            },
            copies: 0,
            unexpected: 0,
            missing: 0,
            missing_highest: 0,
            missing_kinds: BTreeMap::new(),
            first_missing: None,
            buckets: BTreeMap::new(),
        }
    }

    /// Counts a row. `support` is asked only where the row is the first of its kind.
    pub(super) fn found(
        &mut self,
        code: Code,
        column: &str,
        kind: Option<&'static str>,
        at: (usize, u64),
        support: impl FnOnce() -> Vec<Evidence>,
    ) {
        // No allocation for every row: a broken side may fail in each.
        let bucket = match self.buckets.iter_mut().find(|((known, name), _)| *known == code && name == column)
        {
            Some((_, bucket)) => bucket,
            None => self.buckets.entry((code, column.to_owned())).or_default(),
        };
        bucket.rows += 1;
        if let Some(kind) = kind {
            *bucket.kinds.entry(kind).or_default() += 1;
        }
        if bucket.first.as_ref().is_none_or(|(first, _)| at < *first) {
            bucket.first = Some((at, support()));
        }
    }

    /// Counts a value that does not say what it should.
    pub(super) fn disagrees(&mut self, column: &str) {
        match self.evidence.disagreeing.get_mut(column) {
            Some(rows) => *rows += 1,
            None => drop(self.evidence.disagreeing.insert(column.to_owned(), 1)),
        }
    }

    /// Remembers the largest difference of a column.
    pub(super) fn difference(&mut self, column: &str, difference: f64) {
        if difference == 0.0 || !difference.is_finite() {
            return;
        }
        match self.evidence.largest_difference.get_mut(column) {
            Some(largest) => *largest = largest.max(difference),
            None => drop(self.evidence.largest_difference.insert(column.to_owned(), difference)),
        }
    }

    /// Counts a point that has no row.
    pub(super) fn missed(&mut self, expected: &Expected) {
        self.missing += 1;
        self.missing_highest += u64::from(expected.group == i64::MAX);
        *self.missing_kinds.entry(expected.kind.text()).or_default() += 1;
        let key = (expected.group, expected.time, expected.name.clone());
        if self.first_missing.as_ref().is_none_or(|first| key < *first) {
            self.first_missing = Some(key);
        }
    }

    /// One finding a kind and column, and one for points without a row.
    pub(super) fn findings(&self, side: &Observed) -> Vec<Finding> {
        let role = side.role;
        let mut findings = Vec::new();
        if let Some((group, time, name)) = &self.first_missing {
            let kinds = list(&self.missing_kinds);
            let message = format!(
                "the {role} lacks {} that the inputs yield ({kinds}), first of {group} at {time}",
                counted(self.missing, "row")
            );
            let mut draft = finding(CHECK, "sketch.missing_point", severity_on(role), Some(role), message);
            draft.count = self.missing;
            draft.evidence = vec![
                evidence("group", group.to_string()),
                evidence("time", time.to_string()),
                evidence("name", name.as_deref().unwrap_or("null")),
            ];
            findings.push(draft);
        }
        for ((code, column), bucket) in &self.buckets {
            let mut message =
                format!("the {role} holds {}", code.words(&counted(bucket.rows, "row"), column));
            if !bucket.kinds.is_empty() {
                message.push_str(&format!(" ({})", list(&bucket.kinds)));
            }
            let mut draft = finding(CHECK, code.text(), code.severity(role), Some(role), message);
            draft.count = bucket.rows;
            if let Some(((file, row), support)) = &bucket.first {
                let column = (!column.is_empty()).then(|| column.clone());
                draft.place = side.output.files.get(*file).map(|it| Place { column, ..it.place(*row) });
                draft.evidence.clone_from(support);
            }
            findings.push(draft);
        }
        findings
    }
}

/// `3 missing, 1 of another accuracy`.
fn list(kinds: &BTreeMap<&'static str, u64>) -> String {
    kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
}
