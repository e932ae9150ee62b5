use reports::document::Severity;
use reports::manifest::{Manifest, ManifestFile};

use super::*;
use crate::check::fixture::{
    Fixture, blockers, codes, floats, ints, maybe_ints, rows, shipped, take, texts, with,
};
use crate::output::testing::{Columns, write};

const TIME: &str = "_cardinalhq.timestamp";

fn candidate(columns: &Columns) -> Outcome {
    Fixture::pair(&rows(), columns).examine(&Order)
}

fn manifest(paths: &[&str]) -> Manifest {
    let file = |path: &&str| ManifestFile { path: (*path).to_owned(), ..ManifestFile::default() };
    Manifest { files: paths.iter().map(file).collect(), ..Manifest::default() }
}

#[test]
fn sorted_rows_are_silent_and_ties_may_stand_in_any_order() {
    assert!(candidate(&rows()).findings.is_empty());
    let outcome = candidate(&take(&rows(), &[0, 2, 1, 3, 4, 5, 6, 7]));
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!(outcome.coverage.rows, 16);
}

#[test]
fn two_swapped_rows_are_found_with_their_place() {
    let outcome = candidate(&take(&rows(), &[0, 1, 2, 3, 5, 4, 6, 7]));
    assert_eq!(blockers(&outcome), ["order.inverted"]);
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().row, Some(5));
    let evidence = &outcome.evidence.order[1];
    assert_eq!((evidence.inversions, evidence.largest_displacement.as_deref()), (1, Some("10")));
}

#[test]
fn an_inversion_between_two_batches_is_found_and_the_batches_before_it_are_silent() {
    let boundary = crate::output::DEFAULT_BATCH_ROWS;
    for fault in [None, Some(boundary), Some(2 * boundary)] {
        let mut times: Vec<i64> = (0..3 * boundary as i64).map(|row| row * 10).collect();
        if let Some(row) = fault {
            // Only the first row of a batch is lower than the last row of the batch before it; the next rows are higher again.
            times[row] = times[row - 1] - 1;
        }
        let columns: Columns = vec![(TIME, ints(&times))];
        let outcome = Fixture::pair(&columns, &columns).examine(&Order);
        let found: Vec<_> = blockers(&outcome);
        let evidence = &outcome.evidence.order[1];
        match fault {
            None => assert_eq!((found.len(), evidence.inversions), (0, 0)),
            Some(row) => {
                assert_eq!((found, evidence.inversions), (vec!["order.inverted"], 1));
                assert_eq!(evidence.first.as_ref().unwrap().row, Some(row as u64));
            }
        }
    }
}

#[test]
fn an_unsorted_baseline_is_told_and_does_not_gate() {
    let outcome = Fixture::pair(&take(&rows(), &[7, 6, 5, 4, 3, 2, 1, 0]), &rows()).examine(&Order);
    assert_eq!(blockers(&outcome), Vec::<&str>::new());
    assert_eq!(codes(&outcome, Severity::Info), ["order.unsorted"]);
    // Two of the eight rows are a tie.
    assert_eq!(outcome.evidence.order[0].inversions, 6);
}

#[test]
fn files_that_overlap_are_found_and_a_shared_boundary_is_a_tie() {
    let split = |first: &[u64], second: &[u64]| {
        let fixture = Fixture::empty();
        write(&fixture.path(Role::Baseline, "1.parquet"), &rows());
        // Names in the wrong order: the lowest key decides.
        write(&fixture.path(Role::Candidate, "z.parquet"), &take(&rows(), first));
        write(&fixture.path(Role::Candidate, "a.parquet"), &take(&rows(), second));
        fixture.examine(&Order)
    };
    assert!(split(&[0, 1], &[2, 3, 4, 5, 6, 7]).findings.is_empty());
    let outcome = split(&[0, 1, 4], &[2, 3, 5, 6, 7]);
    assert_eq!(blockers(&outcome), ["order.overlap"]);
    assert_eq!(outcome.evidence.order[1].overlaps, 1);
}

#[test]
fn with_a_manifest_its_order_counts() {
    let mut fixture = Fixture::empty();
    write(&fixture.path(Role::Baseline, "1.parquet"), &rows());
    write(&fixture.path(Role::Candidate, "a.parquet"), &take(&rows(), &[4, 5, 6, 7]));
    write(&fixture.path(Role::Candidate, "b.parquet"), &take(&rows(), &[0, 1, 2, 3]));
    fixture.manifests[1] = Some(manifest(&["b.parquet", "./a.parquet"]));
    assert!(fixture.examine(&Order).findings.is_empty());
    fixture.manifests[1] = Some(manifest(&["a.parquet", "b.parquet"]));
    assert_eq!(blockers(&fixture.examine(&Order)), ["order.overlap"]);
}

#[test]
fn a_file_inside_the_range_of_an_earlier_one_overlaps_even_if_its_neighbour_does_not() {
    let fixture = Fixture::empty();
    write(&fixture.path(Role::Baseline, "1.parquet"), &rows());
    for (name, times) in [("1.parquet", [0, 100]), ("2.parquet", [10, 20]), ("3.parquet", [50, 60])] {
        write(&fixture.path(Role::Candidate, name), &vec![(TIME, ints(&times))]);
    }
    assert_eq!(fixture.examine(&Order).evidence.order[1].overlaps, 2);
}

#[test]
fn missing_keys_come_first_and_are_counted() {
    let first = vec![(TIME, maybe_ints(&[None, None, Some(1)]))];
    let outcome = candidate(&first);
    assert_eq!((blockers(&outcome).len(), outcome.evidence.order[1].missing_keys), (0, 2));
    assert_eq!(blockers(&candidate(&vec![(TIME, maybe_ints(&[Some(1), None]))])), ["order.inverted"]);
}

#[test]
fn floats_in_place_of_an_int64_compare_truncated_and_nan_is_lowest() {
    assert!(candidate(&vec![(TIME, floats(&[f64::NAN, -5.0, 1.9, 1.1, 2.0]))]).findings.is_empty());
    assert_eq!(blockers(&candidate(&vec![(TIME, floats(&[1.0, f64::NAN]))])), ["order.inverted"]);
    assert!(candidate(&vec![(TIME, texts(&["b", "a"]))]).findings.is_empty());
}

#[test]
fn strings_compare_bytewise_and_keys_lexicographically() {
    let columns: Columns = vec![("a", texts(&["10", "9", "9"])), ("b", ints(&[1, 10, 9]))];
    let mut fixture = Fixture::pair(&columns, &columns);
    fixture.signal(|signal| signal.sort_key = vec!["a".to_owned()]);
    assert!(fixture.examine(&Order).findings.is_empty());
    fixture.signal(|signal| signal.sort_key = vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(blockers(&fixture.examine(&Order)), ["order.inverted"]);
}

#[test]
fn without_a_sort_key_the_question_does_not_arise() {
    let mut fixture = Fixture::pair(&rows(), &with(&rows(), TIME, ints(&[9, 8, 7, 6, 5, 4, 3, 2])));
    fixture.job.signal = None;
    assert_eq!(fixture.examine(&Order).status, Some(CheckStatus::NotApplicable));
}

/// What is found on a candidate with these values of the first sort column of a signal that ships.
fn sorted_by(signal: &str, lists: &[&[Option<i64>]]) -> Outcome {
    let signal = shipped(signal);
    let column: &'static str =
        if signal.name == "metrics" { "_cardinalhq.tid" } else { "_cardinalhq.start_time_unix_ns" };
    assert_eq!(signal.sort_key, [column]);
    let mut fixture = Fixture::of(signal);
    let names: Vec<String> = (0..lists.len()).map(|at| format!("{at}.parquet")).collect();
    for (name, list) in names.iter().zip(lists) {
        write(&fixture.path(Role::Candidate, name), &vec![(column, maybe_ints(list))]);
    }
    fixture.manifests[1] = Some(manifest(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    fixture.alone = true;
    fixture.examine(&Order)
}

#[test]
fn tids_compare_as_numbers_to_the_last_digit() {
    const BEYOND: i64 = (1 << 53) + 1;
    let some = |tids: &[i64]| tids.iter().copied().map(Some).collect::<Vec<_>>();
    let low = some(&[i64::MIN, i64::MIN, i64::MIN + 1, -10, -9, 0]);
    let high = some(&[9, 10, BEYOND - 1, BEYOND, BEYOND + 1, i64::MAX - 1, i64::MAX]);
    assert!(sorted_by("metrics", &[&low, &high]).findings.is_empty());
    // Equal as floats.
    for pair in [[BEYOND, BEYOND - 1], [i64::MAX, i64::MAX - 1], [i64::MIN + 1, i64::MIN]] {
        let outcome = sorted_by("metrics", &[&some(&pair)]);
        assert_eq!(blockers(&outcome), ["order.inverted"]);
        assert_eq!(outcome.evidence.order[0].largest_displacement.as_deref(), Some("1"));
        assert_eq!(
            blockers(&sorted_by("metrics", &[&some(&pair[..1]), &some(&pair[1..])])),
            ["order.overlap"]
        );
    }
    let ends = sorted_by("metrics", &[&some(&[i64::MAX, i64::MIN])]);
    assert_eq!(ends.evidence.order[0].largest_displacement, Some(u64::MAX.to_string()));
    // The order of their texts.
    assert_eq!(blockers(&sorted_by("metrics", &[&some(&[-1, -10, 1, 10, 2])])), ["order.inverted"]);
    // A series that goes on in the next file is GROUP's to judge: its key is a tie.
    assert!(sorted_by("metrics", &[&some(&[1, 7]), &some(&[7, 8])]).findings.is_empty());
}

#[test]
fn spans_without_a_start_time_come_first_and_are_counted() {
    let time = Some(1_756_080_000_000_000_000);
    let first = sorted_by("traces", &[&[None, None, time], &[time, time.map(|it| it + 1)]]);
    assert_eq!(
        (codes(&first, Severity::Info), first.evidence.order[0].missing_keys),
        (vec!["order.missing_keys"], 2)
    );
    assert!(blockers(&first).is_empty());
    assert_eq!(blockers(&sorted_by("traces", &[&[time, None]])), ["order.inverted"]);
    assert_eq!(blockers(&sorted_by("traces", &[&[time], &[None]])), ["order.overlap"]);
    // One nanosecond counts.
    assert_eq!(blockers(&sorted_by("traces", &[&[time, time.map(|it| it - 1)]])), ["order.inverted"]);
}

#[test]
fn a_column_may_descend_and_its_missing_keys_may_come_last() {
    let columns = |keys: &[Option<i64>]| -> Columns { vec![("k", maybe_ints(keys))] };
    let found = |order: &str, keys: &[Option<i64>]| {
        let mut fixture = Fixture::pair(&columns(keys), &columns(keys));
        fixture.signal(|signal| {
            signal.sort_key = vec![format!("k {order}")];
            signal.take_orders();
        });
        let outcome = fixture.examine(&Order);
        assert_eq!(
            outcome.evidence.order[1].missing_keys,
            keys.iter().filter(|it| it.is_none()).count() as u64
        );
        blockers(&outcome).len()
    };
    let (up, down) = ([Some(1), Some(2), Some(2), Some(3)], [Some(3), Some(2), Some(2), Some(1)]);
    let around = |keys: &[Option<i64>], first: bool| {
        let keys = keys.iter().copied();
        if first {
            std::iter::once(None).chain(keys).collect()
        } else {
            keys.chain([None]).collect::<Vec<_>>()
        }
    };
    for (order, keys, first) in [
        ("asc", up, true),
        ("asc nulls last", up, false),
        ("desc", down, true),
        ("desc nulls last", down, false),
    ] {
        assert_eq!(found(order, &around(&keys, first)), 0, "{order}");
        assert_eq!(found(order, &around(&keys, !first)), 1, "{order}");
        let other = if keys == up { down } else { up };
        assert_eq!(found(order, &around(&other, first)), 1, "{order}");
    }
}

#[test]
fn files_of_a_descending_key_follow_each_other_downwards() {
    let mut fixture = Fixture::empty();
    fixture.signal(|signal| {
        (signal.sort_key, signal.row_keys) = (vec!["k desc".to_owned(), "l".to_owned()], Vec::new());
        signal.take_orders();
    });
    let of = |keys: &[i64], more: &[i64]| -> Columns { vec![("k", ints(keys)), ("l", ints(more))] };
    write(&fixture.path(Role::Baseline, "1.parquet"), &of(&[9, 9, 7, 3, 3, 1], &[1, 2, 1, 4, 5, 0]));
    for (name, columns) in
        [("b.parquet", of(&[9, 9, 7], &[1, 2, 1])), ("a.parquet", of(&[3, 3, 1], &[4, 5, 0]))]
    {
        write(&fixture.path(Role::Candidate, name), &columns);
    }
    let outcome = fixture.examine(&Order);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!(outcome.evidence.order[1].sort_key, ["k desc", "l"]);
    write(&fixture.path(Role::Candidate, "a.parquet"), &of(&[8, 3, 1], &[4, 5, 0]));
    assert_eq!(blockers(&fixture.examine(&Order)), ["order.overlap"]);
    write(&fixture.path(Role::Candidate, "a.parquet"), &of(&[3, 3, 1], &[5, 4, 0]));
    assert_eq!(blockers(&fixture.examine(&Order)), ["order.inverted"]);
}
