use corpora::signal::RowsRule;
use reports::document::{Finding, SideKind};
use reports::manifest::Manifest;

use super::tests::honest;
use super::*;
use crate::check::fixture::{Fixture, blockers, codes, maybe_ints, rows, shipped, take, with};
use crate::job::JobKind;
use crate::output::testing::{Columns, write};
use crate::rollup::testing::{job, merged, row, segment};

const TIME: &str = "_cardinalhq.timestamp";

/// Outputs without a manifest, of a job whose inputs hold `rows_in` rows.
fn bare(a: &Columns, b: &Columns, rows_in: u64) -> Fixture {
    let mut fixture = Fixture::pair(a, b);
    fixture.rows_in = Some(rows_in);
    fixture.kind = SideKind::Command;
    fixture
}

/// The first rows of the eight.
fn first(number: u64) -> Columns {
    take(&rows(), &(0..number).collect::<Vec<_>>())
}

fn found<'a>(outcome: &'a Outcome, code: &str) -> &'a Finding {
    outcome.findings.iter().find(|it| it.code == code).unwrap_or_else(|| panic!("no {code}: {outcome:?}"))
}

/// Every part of both manifests changed alike.
fn both(change: impl Fn(&mut Manifest)) -> Fixture {
    let mut fixture = honest();
    fixture.manifests.iter_mut().flatten().for_each(change);
    fixture
}

#[test]
fn rows_that_both_sides_lose_alike_are_a_blocker_that_comes_first_and_says_so() {
    for stated in [true, false] {
        let mut fixture = if stated { honest() } else { bare(&rows(), &rows(), 8) };
        fixture.rows_in = Some(9);
        let outcome = fixture.examine(&Accounting);
        let told = outcome.findings.first().unwrap();
        assert_eq!((told.code.as_str(), told.count), ("accounting.common-loss", 1));
        assert!(told.message.starts_with("both sides lose 1 of 9 input rows; the candidate "), "{told:?}");
        // The baseline's own loss is reported as its defect.
        assert_eq!(found(&outcome, "accounting.rows-lost").side, Some(Role::Baseline));
        assert!(!blockers(&outcome).contains(&"accounting.rows-lost"));
    }
    let told = bare(&first(7), &first(5), 8).examine(&Accounting);
    let message = &found(&told, "accounting.common-loss").message;
    let said = "both sides lose rows, the baseline 1 and the candidate 3 of 8 input rows";
    assert!(message.starts_with(said), "{message}");
}

#[test]
fn rows_that_both_sides_write_twice_are_a_blocker_too() {
    let outcome = bare(&rows(), &rows(), 7).examine(&Accounting);
    assert_eq!(blockers(&outcome), ["accounting.common-gain"]);
    let said = "both sides write 1 rows too many, of 7 input rows";
    assert!(outcome.findings[0].message.starts_with(said), "{outcome:?}");
}

#[test]
fn without_manifests_each_side_answers_for_its_rows() {
    let lost = |a: u64, b: u64| bare(&first(a), &first(b), 8).examine(&Accounting);
    let whole = lost(8, 8);
    assert_eq!((whole.findings.len(), whole.status), (0, None), "{whole:?}");
    assert_eq!(blockers(&lost(8, 7)), ["accounting.rows-lost"]);
    // The candidate does not answer for the baseline.
    let old = lost(7, 8);
    assert!(blockers(&old).is_empty());
    assert_eq!((codes(&old, Severity::Info), old.status), (vec!["accounting.rows-lost"], None));
    // The job is declared to yield no rows.
    let mut empty = bare(&first(0), &first(0), 8);
    assert_eq!(blockers(&empty.examine(&Accounting)), ["accounting.common-loss"]);
    empty.job.expected.no_rows = true;
    assert!(blockers(&empty.examine(&Accounting)).is_empty());
}

#[test]
fn a_baselines_manifest_vouches_for_no_candidate() {
    let mut fixture = honest();
    fixture.manifests[1] = None;
    assert_eq!(fixture.examine(&Accounting).status, None, "its rows are those of the inputs");
    // Inputs are unknown: whatever is found of the baseline, nothing was asked of the candidate.
    fixture.rows_in = None;
    for (read, findings) in [(8, 0), (9, 1)] {
        fixture.manifests[0].as_mut().unwrap().rows_read = Some(read);
        let outcome = fixture.examine(&Accounting);
        assert_eq!((outcome.status, outcome.findings.len()), (Some(CheckStatus::NotApplicable), findings));
    }
    // The baseline declares the drop, the candidate nothing.
    fixture.rows_in = Some(9);
    fixture.manifests[0].as_mut().unwrap().rows_dropped = [("late".to_owned(), 1)].into();
    assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.rows-lost"]);
}

#[test]
fn the_way_out_names_manifest_key_and_waiver_where_a_user_can_change_the_side() {
    let mut fixture = bare(&rows(), &first(7), 8);
    let said =
        |fixture: &Fixture| found(&fixture.examine(&Accounting), "accounting.rows-lost").message.clone();
    let message = said(&fixture);
    for part in
        ["`rows_dropped`", "`rows = \"free\"` under [signal.logs]", "a waiver for accounting.rows-lost"]
    {
        assert!(message.contains(part), "{message}");
    }
    fixture.job.signal = None;
    assert!(!said(&fixture).contains("signal") && said(&fixture).contains("`rows_dropped`"));
    fixture.kind = SideKind::Unified;
    assert!(!said(&fixture).contains("rows_dropped"));
    let common = bare(&first(7), &first(7), 8).examine(&Accounting);
    assert!(common.findings[0].message.ends_with("a waiver for accounting.common-loss"), "{common:?}");
}

#[test]
fn a_declared_drop_stands_and_one_that_nothing_confirms_is_a_warning_on_the_candidate() {
    let declared = |reason: &str, rows_in: Option<u64>| {
        let mut fixture = both(|it| {
            it.rows_read = Some(9);
            it.rows_dropped = [(reason.to_owned(), 1)].into();
        });
        fixture.rows_in = rows_in;
        let outcome = fixture.examine(&Accounting);
        assert!(blockers(&outcome).is_empty(), "{outcome:?}");
        (codes(&outcome, Severity::Warning).len(), codes(&outcome, Severity::Info).len())
    };
    assert_eq!(declared("whatever", Some(9)), (1, 1));
    assert_eq!(declared("whatever", None), (0, 2), "without inputs nothing is confirmed anyway");
    let mut merged = both(|it| {
        it.rows_read = Some(9);
        it.rows_merged = Some(1);
    });
    merged.rows_in = Some(9);
    let merged = merged.examine(&Accounting);
    assert_eq!(codes(&merged, Severity::Warning), ["accounting.declared-merge"]);
}

#[test]
fn counts_that_overflow_are_a_finding_and_never_wrap_around() {
    for change in [
        (|it: &mut Manifest| {
            it.rows_dropped = [("a".to_owned(), u64::MAX), ("b".to_owned(), 2)].into();
        }) as fn(&mut Manifest),
        |it| it.rows_dropped = [("a".to_owned(), u64::MAX - 3)].into(),
        |it| it.rows_merged = Some(u64::MAX),
    ] {
        let outcome = both(change).examine(&Accounting);
        assert_eq!(blockers(&outcome), ["accounting.overflow"]);
        assert_eq!(outcome.findings.iter().filter(|it| it.code == "accounting.overflow").count(), 2);
    }
}

#[test]
fn a_signal_whose_rows_are_free_leaves_them_open_but_for_what_a_manifest_states() {
    let mut fixture = bare(&first(7), &first(7), 8);
    fixture.signal(|signal| signal.rows = RowsRule::Free);
    let open = fixture.examine(&Accounting);
    assert_eq!((blockers(&open).len(), open.status), (0, Some(CheckStatus::NotApplicable)));
    assert_eq!(codes(&open, Severity::Info), ["accounting.free-rows"; 2]);
    let free = |change: fn(&mut Manifest)| {
        let mut fixture = both(change);
        fixture.rows_in = Some(9);
        fixture.signal(|signal| signal.rows = RowsRule::Free);
        fixture.examine(&Accounting)
    };
    let silent = free(|it| it.rows_read = Some(9));
    assert_eq!((blockers(&silent).len(), silent.status), (0, None));
    assert_eq!(blockers(&free(|it| it.rows_read = Some(10))), ["accounting.rows-read"]);
    let stated = free(|it| {
        it.rows_read = Some(9);
        it.rows_dropped = [("late".to_owned(), 2)].into();
    });
    assert_eq!(blockers(&stated), ["accounting.common-gain"]);
}

/// An ingest job of eight rows, two of them without a time; the outputs have no manifest.
fn ingest(a: &[u64], b: &[u64]) -> Fixture {
    let times = [Some(10), None, Some(20), Some(30), None, Some(50), Some(60), Some(70)];
    let all = with(&rows(), TIME, maybe_ints(&times));
    let mut fixture = bare(&take(&all, a), &take(&all, b), 8);
    let input = fixture.folder.path().join("in.parquet");
    write(&input, &all);
    fixture.job.inputs = vec![input];
    fixture.job.kind = JobKind::Ingest;
    fixture.job.signal = Some(std::sync::Arc::new(shipped("logs")));
    fixture
}

const TIMED: [u64; 6] = [0, 2, 3, 5, 6, 7];

#[test]
fn rows_that_a_rule_of_the_signal_lets_drop_are_counted_in_the_inputs_and_in_the_output() {
    let told = ingest(&TIMED, &TIMED).examine(&Accounting);
    assert_eq!((blockers(&told).len(), told.status), (0, None), "{told:?}");
    assert_eq!(codes(&told, Severity::Info), ["accounting.declared-drop"; 2]);
    assert!(told.summary.contains("candidate: 8 rows read, 6 written, 2 dropped"), "{}", told.summary);
    // All kept, or one of the two.
    assert!(ingest(&TIMED, &[0, 1, 2, 3, 4, 5, 6, 7]).examine(&Accounting).findings.len() == 1);
    assert!(blockers(&ingest(&TIMED, &[0, 1, 2, 3, 5, 6, 7]).examine(&Accounting)).is_empty());
    // One too many; and one with a time lost while one without is kept: the number of rows alone is right.
    assert_eq!(blockers(&ingest(&TIMED, &TIMED[..5]).examine(&Accounting)), ["accounting.rows-lost"]);
    assert_eq!(blockers(&ingest(&TIMED, &[1, 2, 3, 5, 6, 7]).examine(&Accounting)), ["accounting.rows-lost"]);
    assert_eq!(blockers(&ingest(&TIMED[1..], &TIMED[1..]).examine(&Accounting)), ["accounting.common-loss"]);
    // Compaction keeps them.
    let mut compact = ingest(&TIMED, &TIMED);
    compact.job.kind = JobKind::Compact;
    assert_eq!(blockers(&compact.examine(&Accounting)), ["accounting.common-loss"]);
    // An input that is listed twice counts twice.
    let mut twice = ingest(&TIMED, &[TIMED, TIMED].concat());
    twice.job.inputs.push(twice.job.inputs[0].clone());
    twice.rows_in = Some(16);
    assert!(blockers(&twice.examine(&Accounting)).is_empty());
}

#[test]
fn inputs_without_the_column_may_lose_every_row() {
    let without: Columns = rows().into_iter().filter(|column| column.0 != TIME).collect();
    let mut fixture = ingest(&TIMED, &[]);
    write(&fixture.job.inputs[0], &without);
    assert!(blockers(&fixture.examine(&Accounting)).is_empty());
    fixture.signal(|signal| signal.drops.clear());
    assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.common-loss"]);
}

#[test]
fn what_is_declared_for_a_reason_of_the_rules_is_no_more_than_was_left_out() {
    let stated = |rows: &[u64], dropped: u64| {
        let mut fixture = ingest(&TIMED, rows);
        let file = reports::manifest::ManifestFile { path: "two.parquet".to_owned(), ..Default::default() };
        let rows_dropped = [("missing_timestamp".to_owned(), dropped)].into();
        fixture.manifests[1] = Some(Manifest { files: vec![file], rows_dropped, ..Manifest::default() });
        let outcome = fixture.examine(&Accounting);
        blockers(&outcome).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(stated(&TIMED, 2).is_empty());
    assert_eq!(stated(&TIMED[1..], 3), ["accounting.drops"]);
    assert_eq!(stated(&[1, 2, 3, 5, 6, 7], 2), ["accounting.drops"]);
    assert_eq!(stated(&TIMED, 1), ["accounting.rows-lost"]);
    assert_eq!(stated(&TIMED, 0), ["accounting.rows-lost"]);
}

#[test]
fn rows_that_cannot_be_counted_by_a_rule_are_undecided_and_no_failure() {
    let mut fixture = ingest(&TIMED, &TIMED);
    fixture.comparison.ignored.insert(TIME.to_owned(), "odd".to_owned());
    let outcome = fixture.examine(&Accounting);
    assert_eq!((blockers(&outcome).len(), outcome.status), (0, Some(CheckStatus::Inconclusive)));
    assert!(outcome.summary.contains("cannot be counted (the column"), "{}", outcome.summary);
    let mut gone = ingest(&TIMED, &TIMED);
    std::fs::write(&gone.job.inputs[0], "no parquet").unwrap();
    assert_eq!(gone.examine(&Accounting).status, Some(CheckStatus::Inconclusive));
    // Where nothing is missing, nothing needs to be counted.
    gone.rows_in = Some(6);
    assert_eq!(gone.examine(&Accounting).status, None);
}

#[test]
fn a_merge_without_manifests_is_judged_by_the_rows_that_the_inputs_yield() {
    let inputs =
        [row(1, 60_000, &[5.0]), row(1, 60_001, &[9.0]), row(1, 130_000, &[1.0]), row(3, 60_000, &[2.0])];
    let truth = [merged(1, 60_000, &[5.0, 9.0]), row(3, 60_000, &[2.0])];
    let fixture = |a: usize, b: usize| {
        let mut fixture = Fixture::empty();
        fixture.job = job(vec![segment(&fixture.folder.path().join("in.parquet"), &inputs)]);
        fixture.rows_in = Some(4);
        fixture.kind = SideKind::Command;
        segment(&fixture.path(Role::Baseline, "one.parquet"), &truth[..a]);
        segment(&fixture.path(Role::Candidate, "two.parquet"), &truth[..b]);
        fixture
    };
    let whole = fixture(2, 2).examine(&Accounting);
    assert_eq!((whole.findings.len(), whole.status), (0, None), "{whole:?}");
    assert_eq!(blockers(&fixture(2, 1).examine(&Accounting)), ["accounting.rows-lost"]);
    let common = fixture(1, 1).examine(&Accounting);
    assert_eq!(blockers(&common), ["accounting.common-loss"]);
    let said = "both sides lose 1 of 2 rows that the inputs yield; ";
    assert!(common.findings[0].message.starts_with(said), "{common:?}");
    assert!(common.findings[0].message.contains("`rows_merged`"), "{common:?}");
    // No interval: rows may have been merged or lost.
    let mut open = fixture(2, 2);
    open.job.parameters.interval = None;
    let outcome = open.examine(&Accounting);
    assert_eq!((blockers(&outcome).len(), outcome.status), (0, Some(CheckStatus::Inconclusive)));
    assert!(outcome.summary.contains("the job names no interval"), "{}", outcome.summary);
    for (rows_in, blocker) in [(2, None), (1, Some("accounting.common-gain"))] {
        open.rows_in = Some(rows_in);
        let outcome = open.examine(&Accounting);
        assert_eq!((blockers(&outcome).first().copied(), outcome.status), (blocker, None));
    }
}

#[test]
fn an_unreadable_file_of_a_side_without_a_manifest_is_no_loss_beside() {
    let fixture = bare(&rows(), &first(7), 8);
    std::fs::write(fixture.path(Role::Candidate, "junk.parquet"), "junk").unwrap();
    assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.unreadable"]);
}
