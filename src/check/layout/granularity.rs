//! Into how many row groups and pages the rows are cut, bounded by the baseline.
//!
//! A row group is what an engine plans and prunes, a page what it decodes at once: thousands of tiny ones multiply footers, requests
//! and headers, whatever the size of the files. The bounds are those of SIZES on files: more than ten times as many, twenty at least,
//! and tiny ones. Engines choose row groups of 10,000 to 50,000,000 rows, so that another size alone is a warning, and fails only
//! where the row groups are tiny as well. How many files there are is for SIZES to judge: here each file counts by what is in it.

use reports::document::{Finding, Role, Severity};
use reports::layout::{ColumnLayout, ColumnLayouts, LayoutEvidence, SideLayout};

use super::CHECK;
use crate::check::draft::counted;
use crate::check::finding::{Refine, finding};
use crate::check::sizes::spread;
use crate::check::{Observed, SizeBounds};

/// Rows of a row group below which it may be tiny: no engine chooses fewer.
const FEW_ROWS: u64 = 10_000;
/// Rows of a page below which it may be tiny.
const FEW_ROWS_OF_PAGE: u64 = 1_000;
/// Bytes of a page below which it may be tiny.
const FEW_BYTES_OF_PAGE: u64 = 1 << 10;
/// Pages of a column from which on there may be too many: writers have an option for pages of a few kilobytes, which in small files are
/// dozens.
const MANY_PAGES: u64 = 1_000;
/// Columns named in one finding.
const NAMED: usize = 100;

/// The row groups of a side that hold rows.
struct Groups {
    rows: Vec<u64>,
    bytes: Vec<u64>,
    files: u64,
}

impl Groups {
    fn of(side: &Observed) -> Self {
        let groups = || side.output.files.iter().flat_map(|file| file.metadata.row_groups());
        let full = || groups().filter(|group| group.num_rows() > 0);
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            rows: full().map(|group| number(group.num_rows())).collect(),
            bytes: full().map(|group| number(group.compressed_size())).collect(),
            files: side.output.files.iter().filter(|file| file.info.rows > 0).count() as u64,
        }
    }

    fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    fn median(values: &[u64]) -> u64 {
        spread::quantiles(values).get(2).copied().unwrap_or(0)
    }

    fn are_tiny(&self, bounds: &SizeBounds) -> bool {
        Self::median(&self.rows) < FEW_ROWS && Self::median(&self.bytes) < bounds.explosion_median
    }
}

/// Findings on the candidate's row groups and pages against the baseline's.
pub(super) fn findings(
    baseline: &Observed,
    candidate: &Observed,
    evidence: &LayoutEvidence,
    bounds: &SizeBounds,
) -> Vec<Finding> {
    let (old, new) = (Groups::of(baseline), Groups::of(candidate));
    if old.rows.is_empty() || new.rows.is_empty() {
        return Vec::new();
    }
    let mut findings: Vec<Finding> = row_groups(&old, &new, bounds).into_iter().collect();
    if let [a, b] = evidence.sides.as_slice() {
        let rows = [&old, &new].map(|groups| groups.rows.iter().sum());
        findings.extend(pages(evidence, [a, b], rows, bounds));
    }
    findings
}

/// True for `new` above so many times `old`.
fn times(new: u64, old: u64, factor: f64) -> bool {
    share(new, old.max(1)) > factor
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn row_groups(old: &Groups, new: &Groups, bounds: &SizeBounds) -> Option<Finding> {
    let (rows_old, rows_new) = (Groups::median(&old.rows), Groups::median(&new.rows));
    let in_file = share(new.count(), new.files.max(1)) / share(old.count(), old.files.max(1));
    let many = new.count() >= bounds.explosion_files
        && times(new.count(), old.count(), bounds.explosion_factor)
        && in_file > bounds.explosion_factor;
    let smaller = rows_new < rows_old;
    let (code, severity, what) = if many && smaller && new.are_tiny(bounds) {
        ("layout.row_groups_exploded", Severity::Blocker, "an explosion of tiny row groups")
    } else if new.count() >= 2 * new.files && spread::differ(&old.rows, &new.rows, 0) {
        // With one row group a file, this is how the files were cut.
        let severity = if smaller && new.are_tiny(bounds) { Severity::Blocker } else { Severity::Warning };
        ("layout.row_groups", severity, "row groups are cut otherwise")
    } else {
        return None;
    };
    let message = format!(
        "{what}: {} with a median of {rows_new} rows and {} bytes, where the baseline has {} with {rows_old} rows and {} bytes",
        counted(new.count(), "row group"),
        Groups::median(&new.bytes),
        old.count(),
        Groups::median(&old.bytes)
    );
    let largest = |groups: &Groups| groups.rows.iter().max().copied().unwrap_or(0);
    Some(
        finding(CHECK, code, severity, Some(Role::Candidate), message)
            .counting(new.count())
            .with("largest row group in the baseline", format!("{} rows", largest(old)))
            .with("largest row group in the candidate", format!("{} rows", largest(new))),
    )
}

fn pages(
    evidence: &LayoutEvidence,
    sides: [&SideLayout; 2],
    rows: [u64; 2],
    bounds: &SizeBounds,
) -> Option<Finding> {
    let exploded = |a: &ColumnLayout, b: &ColumnLayout| {
        // What row groups and files multiply is judged there.
        let in_chunk = share(b.pages, b.chunks.max(1)) / share(a.pages.max(1), a.chunks.max(1));
        b.pages >= MANY_PAGES
            && times(b.pages, a.pages, bounds.explosion_factor)
            && in_chunk > bounds.explosion_factor
            && rows[1] / b.pages.max(1) < FEW_ROWS_OF_PAGE.min(rows[0] / a.pages.max(1))
            && b.compressed / b.pages.max(1) < FEW_BYTES_OF_PAGE
    };
    let columns: Vec<&ColumnLayouts> = (evidence.columns.iter())
        .filter(|it| it.baseline.as_ref().zip(it.candidate.as_ref()).is_some_and(|(a, b)| exploded(a, b)))
        .collect();
    let first = columns.first()?;
    let pages = |layout: Option<&ColumnLayout>| layout.map_or(0, |layout| layout.pages);
    let message = format!(
        "an explosion of tiny pages in {} of the {}: {:?} has {} pages where the baseline has {}",
        counted(columns.len() as u64, "column"),
        sides[1].side,
        first.column,
        pages(first.candidate.as_ref()),
        pages(first.baseline.as_ref())
    );
    let mut found =
        finding(CHECK, "layout.pages_exploded", Severity::Blocker, Some(Role::Candidate), message)
            .counting(columns.len() as u64);
    for column in columns.iter().take(NAMED) {
        let (a, b) = (pages(column.baseline.as_ref()), pages(column.candidate.as_ref()));
        found = found.with(&column.column, format!("{a} pages in the baseline, {b} in the candidate"));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use parquet::file::properties::WriterProperties;

    use super::*;
    use crate::check::fixture::{Fixture, blockers, codes, ints};
    use crate::check::layout::Layout;
    use crate::output::testing::{Columns, write_with};

    fn rows(count: i64) -> Columns {
        let values: Vec<i64> = (0..count).collect();
        vec![("k", ints(&values))]
    }

    fn grouped(fixture: &Fixture, role: Role, name: &str, count: i64, size: usize) {
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(size));
        write_with(&fixture.path(role, name), &rows(count), properties);
    }

    fn against(count: i64, old: usize, new: usize) -> (Vec<String>, Vec<String>) {
        let fixture = Fixture::empty();
        grouped(&fixture, Role::Baseline, "a.parquet", count, old);
        grouped(&fixture, Role::Candidate, "a.parquet", count, new);
        let outcome = fixture.examine(&Layout);
        let text = |codes: Vec<&str>| codes.into_iter().map(str::to_owned).collect();
        (text(blockers(&outcome)), text(codes(&outcome, Severity::Warning)))
    }

    #[test]
    fn tiny_row_groups_without_number_fail() {
        assert_eq!(against(2_000, 2_000, 1).0, ["layout.row_groups_exploded"]);
        assert_eq!(against(2_000, 2_000, 100).0, ["layout.row_groups_exploded"]);
        assert!(against(2_000, 2_000, 200).0.is_empty(), "ten times as many");
        assert!(against(2_000, 100, 2_000).0.is_empty(), "fewer and larger ones");
    }

    #[test]
    fn row_groups_half_as_large_fail_where_they_are_tiny_and_larger_ones_are_a_warning() {
        assert_eq!(against(2_000, 100, 40).0, ["layout.row_groups"]);
        assert!(against(2_000, 100, 80).0.is_empty());
        let (red, yellow) = against(2_000, 40, 100);
        assert!(red.is_empty() && yellow.contains(&"layout.row_groups".to_owned()), "{red:?} {yellow:?}");
    }

    #[test]
    fn how_the_files_are_cut_is_for_sizes_to_judge() {
        let fixture = Fixture::empty();
        for file in 0..10 {
            grouped(&fixture, Role::Baseline, &format!("{file}.parquet"), 200, 200);
        }
        for file in 0..40 {
            grouped(&fixture, Role::Candidate, &format!("{file:02}.parquet"), 50, 50);
        }
        let outcome = fixture.examine(&Layout);
        assert!(blockers(&outcome).is_empty(), "{:#?}", outcome.findings);
        assert!(!codes(&outcome, Severity::Warning).contains(&"layout.row_groups"));
    }

    #[test]
    fn tiny_pages_without_number_fail_and_small_ones_do_not() {
        let paged = |rows_of_page: usize| {
            let fixture = Fixture::empty();
            write_with(&fixture.path(Role::Baseline, "a.parquet"), &rows(8_000), WriterProperties::builder());
            let properties = WriterProperties::builder()
                .set_data_page_row_count_limit(rows_of_page)
                .set_write_batch_size(rows_of_page);
            write_with(&fixture.path(Role::Candidate, "a.parquet"), &rows(8_000), properties);
            let outcome = fixture.examine(&Layout);
            blockers(&outcome).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(paged(4), ["layout.pages_exploded"]);
        assert!(paged(100).is_empty());
        assert!(paged(1_000).is_empty());
    }
}
