use std::sync::Arc;

use arrow::array::ArrayRef;
use proptest::prelude::*;
use reports::document::{Role, Severity};
use reports::manifest::{Manifest, ManifestFile};

use super::*;
use crate::cancel::Cancel;
use crate::check::fixture::{Fixture, blockers, codes, maybe_ints, maybe_texts, shipped};
use crate::output::Output;
use crate::output::testing::{Columns, write, write_with};

const TRACE: &str = "_cardinalhq.trace_id";
const SLOT: &str = "_cardinalhq.span_trace_id";
const START: &str = "_cardinalhq.start_time_unix_ns";

/// A span: trace and start time.
type Span = (Option<&'static str>, Option<i64>);

fn columns(spans: &[Span]) -> Columns {
    let traces: Vec<Option<&str>> = spans.iter().map(|it| it.0).collect();
    let starts: Vec<Option<i64>> = spans.iter().map(|it| it.1).collect();
    vec![(TRACE, maybe_texts(&traces)), (START, maybe_ints(&starts))]
}

fn spans(list: &[(&'static str, i64)]) -> Vec<Span> {
    list.iter().map(|(trace, start)| (Some(*trace), Some(*start))).collect()
}

/// A file per list of spans on one side.
fn files(fixture: &Fixture, role: Role, lists: &[Vec<Span>]) {
    for (at, list) in lists.iter().enumerate() {
        write(&fixture.path(role, &format!("{at:03}.parquet")), &columns(list));
    }
}

fn both(baseline: &[Vec<Span>], candidate: &[Vec<Span>]) -> Fixture {
    let fixture = Fixture::of(shipped("traces"));
    files(&fixture, Role::Baseline, baseline);
    files(&fixture, Role::Candidate, candidate);
    fixture
}

/// What is found on a candidate beside itself as the baseline.
fn judged(lists: &[Vec<Span>]) -> Outcome {
    both(lists, lists).examine(&Locality)
}

fn candidate(outcome: &Outcome) -> &LocalityEvidence {
    &outcome.evidence.locality[1]
}

#[test]
fn sorted_spans_cut_anywhere_are_silent_and_counted() {
    let outcome = judged(&[
        spans(&[("a", 1), ("b", 2), ("a", 3)]),
        spans(&[("a", 4), ("c", 5)]),
        spans(&[("a", 6), ("", 7)]),
    ]);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    let it = candidate(&outcome);
    assert_eq!((it.traces, it.spans, it.files.max, it.files.p50, it.scattered), (4, 7, 3, 1, 0));
    assert_eq!(it.worst, [("a".to_owned(), 3, 4)]);
    assert!((it.files.mean - 6.0 / 4.0).abs() < 1e-12);
    assert!(
        outcome.summary.contains("slots not checked: the job has no parameter slot"),
        "{}",
        outcome.summary
    );
    assert_eq!((outcome.coverage.rows, outcome.coverage.columns, it.foreign_slot), (14, 2, None));
}

#[test]
fn a_trace_scattered_over_all_files_is_found_whatever_the_baseline_does() {
    // Dealt round robin: each trace is over in an instant, and lies in all three files.
    let dealt: Vec<Vec<Span>> =
        (0..3).map(|at| spans(&[("a", at), ("b", 10 + at), ("c", 20 + at)])).collect();
    let outcome = judged(&dealt);
    assert_eq!(blockers(&outcome), ["locality.scattered"]);
    assert_eq!(codes(&outcome, Severity::Info), ["locality.scattered"]);
    let it = candidate(&outcome);
    assert_eq!((it.scattered, it.files.p50, it.row_groups.max), (3, 3, 3));
    let found = &outcome.findings[0];
    let place = found.place.as_ref().unwrap();
    assert_eq!((found.count, place.file.as_deref(), place.row), (3, Some("001.parquet"), Some(0)));
    assert!(found.message.contains("trace a lies in 3 files, 1 would do"), "{}", found.message);
}

#[test]
fn it_gates_only_where_rows_are_sorted_by_time() {
    let dealt: Vec<Vec<Span>> =
        (0..3).map(|at| spans(&[("a", at), ("b", 10 + at), ("c", 20 + at)])).collect();
    let mut fixture = both(&dealt, &dealt);
    fixture.signal(|signal| signal.sort_key = vec![TRACE.to_owned()]);
    assert_eq!(codes(&fixture.examine(&Locality), Severity::Warning), ["locality.scattered"]);
    fixture.signal(|signal| signal.time_column = None);
    let outcome = fixture.examine(&Locality);
    assert!(outcome.findings.is_empty() && outcome.summary.contains("no time column"), "{}", outcome.summary);
    assert_eq!(candidate(&outcome).files.max, 3);
}

#[test]
fn equal_start_times_over_a_cut_may_stand_on_both_sides() {
    let tied = judged(&[spans(&[("b", 1), ("a", 5)]), spans(&[("a", 5)]), spans(&[("a", 5), ("c", 9)])]);
    assert!(tied.findings.is_empty(), "{:#?}", tied.findings);
    assert_eq!(candidate(&tied).files.max, 3);
    // One instant earlier and it needs one file.
    let apart = judged(&[spans(&[("b", 1), ("a", 5)]), spans(&[("a", 4)]), spans(&[("b", 1), ("c", 9)])]);
    assert_eq!(blockers(&apart), ["locality.scattered"]);
}

#[test]
fn a_long_trace_needs_the_files_of_its_own_spans_and_no_others() {
    let ends = |middle: &'static str| {
        judged(&[spans(&[("a", 1), ("b", 2)]), spans(&[(middle, 3), ("b", 4)]), spans(&[("b", 5), ("a", 6)])])
    };
    assert!(ends("c").findings.is_empty());
    // A span that began at 1 has no business in the middle file, although the trace goes on until 6.
    let outcome = judged(&[
        spans(&[("a", 1), ("b", 2), ("x", 2)]),
        spans(&[("a", 1), ("b", 4), ("x", 4)]),
        spans(&[("b", 5), ("a", 6), ("x", 6)]),
    ]);
    assert_eq!((blockers(&outcome), candidate(&outcome).scattered), (vec!["locality.scattered"], 1));
}

#[test]
fn missing_start_times_come_first_and_rows_without_a_trace_are_left_out() {
    let late: Span = (Some("a"), None);
    let outcome =
        judged(&[vec![late, (None, None)], vec![late, (Some("b"), Some(1))], vec![(None, Some(2))]]);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!(
        (candidate(&outcome).traces, candidate(&outcome).without_trace, candidate(&outcome).spans),
        (2, 2, 5)
    );
    let outcome = judged(&[
        vec![late, (Some("b"), Some(1))],
        vec![(Some("b"), Some(1)), (Some("b"), Some(2))],
        vec![late],
    ]);
    assert_eq!(
        blockers(&outcome),
        Vec::<&str>::new(),
        "the third file holds what comes first: two files are its homes"
    );
    let outcome =
        judged(&[vec![late, (Some("b"), Some(1))], vec![(Some("b"), Some(2)), late, (Some("c"), Some(9))]]);
    assert_eq!(blockers(&outcome), ["locality.scattered"]);
}

#[test]
fn one_file_never_scatters_and_a_trace_whole_in_the_wrong_file_is_local() {
    assert!(judged(&[spans(&[("a", 9), ("b", 1), ("a", 2)])]).findings.is_empty());
    assert!(judged(&[spans(&[("a", 1), ("a", 9)]), spans(&[("b", 1), ("b", 9)])]).findings.is_empty());
}

#[test]
fn files_are_taken_by_their_times_and_not_as_they_are_listed() {
    let mut fixture =
        both(&[spans(&[("a", 1)])], &[spans(&[("b", 7), ("b", 8), ("c", 9)]), spans(&[("a", 1), ("b", 6)])]);
    let file = |at: usize| ManifestFile { path: format!("{at:03}.parquet"), ..ManifestFile::default() };
    fixture.manifests[1] = Some(Manifest { files: vec![file(0), file(1)], ..Manifest::default() });
    assert!(fixture.examine(&Locality).findings.is_empty());
}

#[test]
fn row_groups_are_counted_within_files() {
    let fixture = both(&[spans(&[("a", 1)])], &[]);
    let properties =
        || parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(2));
    let list = spans(&[("a", 1), ("b", 2), ("b", 3), ("a", 4), ("a", 5), ("c", 6)]);
    write_with(&fixture.path(Role::Candidate, "1.parquet"), &columns(&list), properties());
    let outcome = fixture.examine(&Locality);
    let it = candidate(&outcome);
    assert_eq!((it.files.max, it.row_groups.max, it.row_groups.p50), (1, 3, 2));
}

#[test]
fn more_files_for_a_trace_than_the_number_of_files_explains_are_worse() {
    let whole = [spans(&[("a", 1), ("a", 2)]), spans(&[("b", 3), ("b", 4)])];
    // Needed, for the spans lie where they belong, but the baseline had them together.
    let apart = [spans(&[("a", 1), ("b", 2)]), spans(&[("a", 3), ("b", 4)])];
    let outcome = both(&whole, &apart).examine(&Locality);
    assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Warning)), (0, vec!["locality.worse"]));
    assert!(outcome.findings[0].message.contains("the highest count is 2 where the baseline has 1"));
    // Twice the files explain twice the count.
    let one = [spans(&[("a", 1), ("b", 2), ("a", 3), ("b", 4)])];
    assert!(both(&one, &apart).examine(&Locality).findings.is_empty());
    assert!(both(&apart, &whole).examine(&Locality).findings.is_empty());
}

/// A candidate whose rows have these values of the slot column, in a job of slot 13 of 16.
fn slotted(values: &[Option<&str>]) -> Fixture {
    let mut fixture = both(&[spans(&[("a", 1)])], &[]);
    let starts: Vec<Option<i64>> = (0..values.len()).map(|row| i64::try_from(row).ok()).collect();
    let traces = vec![Some("t"); values.len()];
    let columns: Columns =
        vec![(TRACE, maybe_texts(&traces)), (SLOT, maybe_texts(values)), (START, maybe_ints(&starts))];
    write(&fixture.path(Role::Candidate, "1.parquet"), &columns);
    write(&fixture.path(Role::Baseline, "000.parquet"), &columns);
    let parameters = &mut fixture.job.parameters;
    (parameters.slot, parameters.slots, parameters.dateint) = (Some(13), Some(16), Some(20_250_825));
    parameters.organization = Some("org-1".to_owned());
    fixture
}

#[test]
fn rows_of_another_slot_are_found_with_the_first_of_them() {
    // 19805 is 13 modulo 16, 32098 (unknown) is 2.
    let fixture = slotted(&[Some("abc123"), None, Some("abc123"), None]);
    let outcome = fixture.examine(&Locality);
    assert_eq!(blockers(&outcome), ["locality.slot"]);
    assert_eq!(codes(&outcome, Severity::Info), ["locality.slot"]);
    assert_eq!((outcome.findings[0].count, candidate(&outcome).foreign_slot), (2, Some(2)));
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().row, Some(1));
    assert!(slotted(&[Some("abc123")]).examine(&Locality).findings.is_empty());
    // With one slot everything is in slot 0.
    let mut fixture = slotted(&[Some("abc123"), None]);
    (fixture.job.parameters.slot, fixture.job.parameters.slots) = (Some(0), None);
    let outcome = fixture.examine(&Locality);
    assert_eq!((outcome.findings.len(), candidate(&outcome).foreign_slot), (0, Some(0)));
}

#[test]
fn inputs_of_another_slot_are_the_fault_of_the_parameters() {
    let mut fixture = slotted(&[Some("abc123"), None]);
    let input = fixture.folder.path().join("in.parquet");
    write(&input, &vec![(SLOT, maybe_texts(&[None, Some("abc123")]))]);
    fixture.job.inputs = vec![input.clone()];
    let outcome = fixture.examine(&Locality);
    assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Warning)), (0, vec!["locality.slot"]));
    assert!(outcome.findings[0].message.contains("the inputs hold 1 such row themselves"));
    // More than the inputs hold: the writer's doing.
    let mut fixture = slotted(&[Some("abc123"), None, None]);
    fixture.job.inputs = vec![input];
    assert_eq!(blockers(&fixture.examine(&Locality)), ["locality.slot"]);
}

#[test]
fn without_a_rule_or_without_traces_the_question_does_not_arise() {
    let mut fixture = both(&[spans(&[("a", 1)])], &[spans(&[("a", 1)])]);
    fixture.signal(|signal| signal.locality = None);
    assert_eq!(fixture.examine(&Locality).status, Some(CheckStatus::NotApplicable));
    let none: Vec<Span> = vec![(None, Some(1))];
    assert_eq!(judged(std::slice::from_ref(&none)).status, Some(CheckStatus::NotApplicable));
    assert_eq!(
        both(&[spans(&[("a", 1)])], &[none]).examine(&Locality).status,
        Some(CheckStatus::Inconclusive)
    );
}

#[test]
fn a_bound_on_memory_changes_no_count() {
    let names: Vec<String> = (0..700).map(|trace| format!("{trace}")).collect();
    let fixture = Fixture::of(shipped("traces"));
    for file in 0..3_i64 {
        let rows = 0..2_000_i64;
        let trace = |row: i64| names[usize::try_from((row * 31 + file) % 700).unwrap()].as_str();
        let traces: Vec<Option<&str>> = rows.clone().map(|row| Some(trace(row))).collect();
        let starts: Vec<Option<i64>> = rows.map(|row| Some(row * 3 + file)).collect();
        let columns = vec![(TRACE, maybe_texts(&traces)), (START, maybe_ints(&starts))];
        write(&fixture.path(Role::Candidate, &format!("{file}.parquet")), &columns);
    }
    let output = Output::open(Role::Candidate, &fixture.root(Role::Candidate), None, &[], false).unwrap();
    let cancel = Cancel::default();
    let (files, homes) = homes::find(&output.files, START, Role::Candidate, &cancel).unwrap();
    let seen = |bound: usize| {
        let place = Where { trace: TRACE, time: Some((START, &homes)) };
        let traces = Traces::within(Role::Candidate, &files, place, &cancel, bound).unwrap();
        let example = traces.example.clone().map(|it| (traces.name(&it).unwrap(), it));
        (traces.traces, traces.scattered, traces.files(), traces.row_groups(), example, traces.worst)
    };
    let plenty = seen(1 << 30);
    assert_eq!(plenty.0, 700);
    assert_eq!(seen(64 << 10), plenty);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Sorted by start time, ties in any order, cut anywhere, files listed in any order.
    #[test]
    fn a_writer_that_sorts_and_cuts_freely_never_scatters(
        rows in prop::collection::vec((0_usize..4, prop::option::of(0_i64..6), any::<u16>()), 1..40),
        cuts in prop::collection::vec(0_usize..40, 0..6),
    ) {
        let mut rows = rows;
        rows.sort_by_key(|(_, start, tie)| (*start, *tie));
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % rows.len()).chain([0, rows.len()]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let names = ["a", "b", "c", "d"];
        let mut lists: Vec<Vec<Span>> = cuts
            .windows(2)
            .map(|cut| rows[cut[0]..cut[1]].iter().map(|(trace, start, _)| (Some(names[*trace]), *start)).collect())
            .collect();
        lists.reverse();
        let outcome = judged(&lists);
        prop_assert!(outcome.findings.is_empty(), "{:?} {:#?}", lists, outcome.findings);
    }

    /// A trace with a span in each of several files, all of an instant that belongs to one.
    #[test]
    fn a_trace_in_every_file_is_scattered_unless_it_has_a_home_in_each(
        mut others in prop::collection::vec(1_i64..1_000, 12..40), number in 2_usize..6, at in 1_i64..1_000,
    ) {
        others.sort_unstable();
        let size = others.len().div_ceil(number);
        let mut lists: Vec<Vec<Span>> = others.chunks(size).map(|it| it.iter().map(|time| (Some("x"), Some(2 * time))).collect()).collect();
        // Odd, so that it is no other row's time: fewer rows than a file has lie in two homes at most.
        prop_assume!(lists.len() > 2 && lists.iter().all(|it| it.len() > lists.len()));
        for list in &mut lists {
            list.push((Some("a"), Some(2 * at + 1)));
        }
        let fixture = both(&lists, &lists);
        let outcome = fixture.examine(&Locality);
        prop_assert!(blockers(&outcome).contains(&"locality.scattered"), "{:?}", lists);
    }
}

#[test]
fn spans_of_another_type_are_read_as_they_are() {
    let numbers: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![7, 7, 8]));
    let fixture = both(&[spans(&[("a", 1)])], &[]);
    let starts = maybe_ints(&[Some(1), Some(2), Some(3)]);
    write(&fixture.path(Role::Candidate, "1.parquet"), &vec![(TRACE, numbers), (START, starts)]);
    assert_eq!(candidate(&fixture.examine(&Locality)).traces, 2);
}
