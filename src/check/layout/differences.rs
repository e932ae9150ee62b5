//! How the layouts of both sides differ: told, never gating. Warned of is what makes a reader worse off: another codec, a
//! dictionary lost at the price of size, page index, statistics, bloom filters or checksums lost, and row groups far larger than before.

use reports::document::{Finding, Place, Role, Severity};
use reports::layout::{ColumnLayout, ColumnLayouts, LayoutEvidence, SideLayout};

use super::CHECK;
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding};

/// Uncompressed bytes of a row group from which on it may be too large.
const LARGE: u64 = 256 << 20;
/// Times the baseline's largest row group, above which it is.
const LARGER: u64 = 4;
/// Bytes of a column from which on its growth matters, as for the bytes of a whole output.
const FLOOR: u64 = 1 << 20;
/// Columns named in one finding.
const NAMED: usize = 100;

/// Findings from the evidence of both sides.
pub(super) fn findings(evidence: &LayoutEvidence) -> Vec<Finding> {
    let [a, b] = evidence.sides.as_slice() else { return Vec::new() };
    let mut findings = Vec::new();
    let both = |wanted: &dyn Fn(&ColumnLayout, &ColumnLayout) -> bool| {
        let columns = evidence.columns.iter();
        columns
            .filter(|it| it.baseline.as_ref().zip(it.candidate.as_ref()).is_some_and(|(a, b)| wanted(a, b)))
            .collect::<Vec<_>>()
    };
    let codecs = both(&|a, b| b.codecs.iter().any(|codec| !a.codecs.contains(codec)));
    findings.extend(about(
        &codecs,
        "layout.codec",
        Severity::Warning,
        "compressed with a codec that the baseline does not use for it",
        |layout| layout.codecs.join(" and "),
    ));
    // A writer may know that a column of distinct values is better off without one: then it is no larger.
    let dictionaries = both(&|a, b| a.dictionaries > 0 && b.dictionaries == 0 && grew(a, b));
    findings.extend(about(
        &dictionaries,
        "layout.dictionary_lost",
        Severity::Warning,
        "larger and without a dictionary, which the baseline has",
        |layout| format!("{} bytes", layout.compressed),
    ));
    let encodings = both(&|a, b| a.encodings != b.encodings);
    findings.extend(about(
        &encodings,
        "layout.encodings",
        Severity::Info,
        "in other encodings than the baseline's",
        |layout| layout.encodings.join(" and "),
    ));
    for (code, what, ours, theirs) in [
        ("layout.page_index_lost", "a page index", a.page_index, b.page_index),
        ("layout.statistics_lost", "statistics in the footer", a.statistics, b.statistics),
        ("layout.bloom_filters_lost", "bloom filters", a.bloom_filters, b.bloom_filters),
        ("layout.checksums_lost", "page checksums", a.checksums, b.checksums),
    ] {
        if ours > 0 && theirs == 0 {
            let message = format!("the baseline writes {what}, the candidate none");
            findings.push(finding(CHECK, code, Severity::Warning, None, message));
        }
    }
    findings.extend(row_groups(a, b));
    if evidence.schemas.is_some() {
        let message = "columns stand in another order, or are optional on one side and required on the other";
        findings.push(finding(CHECK, "layout.schema", Severity::Info, None, message));
    }
    let scattered: Vec<&ColumnLayouts> = both(&|x, y| (x.files == a.files) != (y.files == b.files));
    findings.extend(about(
        &scattered,
        "layout.columns_per_file",
        Severity::Info,
        "in all files of one side and only in some of the other's",
        |layout| counted(layout.files, "file"),
    ));
    findings
}

/// By more than a tenth, where there is enough of it.
fn grew(a: &ColumnLayout, b: &ColumnLayout) -> bool {
    b.compressed >= FLOOR && b.compressed.saturating_mul(10) > a.compressed.saturating_mul(11)
}

fn row_groups(a: &SideLayout, b: &SideLayout) -> Option<Finding> {
    let too_large = b.largest_row_group > LARGE
        && b.largest_row_group > LARGER.saturating_mul(a.largest_row_group.max(1));
    too_large.then(|| {
        let message = format!(
            "the candidate's largest row group holds {} bytes before compression, the baseline's {}: readers need as much memory",
            b.largest_row_group, a.largest_row_group
        );
        finding(CHECK, "layout.row_group_large", Severity::Warning, Some(Role::Candidate), message)
    })
}

/// One finding about some columns; `None` where there are none.
fn about(
    columns: &[&ColumnLayouts],
    code: &str,
    severity: Severity,
    what: &str,
    shown: impl Fn(&ColumnLayout) -> String,
) -> Option<Finding> {
    let first = columns.first()?;
    let message = format!("{} {what}", counted(columns.len() as u64, "column"));
    let mut finding = finding(CHECK, code, severity, None, message).counting(columns.len() as u64);
    if columns.len() == 1 {
        finding = finding.at(Place { column: Some(first.column.clone()), ..Place::default() });
    }
    for column in columns.iter().take(NAMED) {
        if let (Some(a), Some(b)) = (&column.baseline, &column.candidate) {
            finding = finding
                .with(&column.column, format!("{} in the baseline, {} in the candidate", shown(a), shown(b)));
        }
    }
    if columns.len() > NAMED {
        finding = finding.with("columns not named here", columns.len() - NAMED);
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_dictionary_is_warned_of_where_the_column_grew_and_is_large() {
        let column = |dictionaries, compressed, encoding: &str| {
            let encodings = vec![encoding.to_owned()];
            Some(ColumnLayout { dictionaries, compressed, encodings, ..ColumnLayout::default() })
        };
        let side = |side| SideLayout {
            side,
            files: 1,
            row_groups: 1,
            row_group_rows: [1; 3],
            largest_row_group: 1,
            chunks: 1,
            page_index: 1,
            statistics: 1,
            bloom_filters: 0,
            checksums: 0,
            created_by: Vec::new(),
            keys: Vec::new(),
            sorting: Vec::new(),
            unordered: 0,
        };
        let warned = |a: u64, b: u64| {
            let columns = vec![ColumnLayouts {
                column: "a".to_owned(),
                baseline: column(1, a, "DICTIONARY"),
                candidate: column(0, b, "PLAIN"),
            }];
            let sides = vec![side(Role::Baseline), side(Role::Candidate)];
            let found = findings(&LayoutEvidence { columns, sides, ..LayoutEvidence::default() });
            found.iter().any(|it| it.code == "layout.dictionary_lost" && it.severity == Severity::Warning)
        };
        let mib = 1 << 20;
        assert!(warned(2 * mib, 3 * mib));
        assert!(!warned(3 * mib, 3 * mib), "no larger");
        assert!(!warned(1_000, 2_000), "too small to matter");
    }
}
