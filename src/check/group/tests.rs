use std::path::PathBuf;

use arrow::array::ArrayRef;
use proptest::prelude::*;
use reports::document::{Role, Severity};
use reports::manifest::{Manifest, ManifestFile};

use super::*;
use crate::check::fixture::{Fixture, blockers, codes, floats, ints, maybe_ints, shipped, texts};
use crate::output::testing::{Columns, write, write_with};

const TID: &str = "_cardinalhq.tid";
const BEYOND: i64 = (1 << 53) + 1;

fn columns(keys: ArrayRef) -> Columns {
    vec![(TID, keys)]
}

/// A file per list of TIDs, in order, on one side.
fn files(fixture: &mut Fixture, role: Role, lists: &[&[i64]]) {
    for (at, tids) in lists.iter().enumerate() {
        write(&fixture.path(role, &format!("{at}.parquet")), &columns(ints(tids)));
    }
    let file = |at| ManifestFile { path: format!("{at}.parquet"), ..ManifestFile::default() };
    let manifest = Manifest { files: (0..lists.len()).map(file).collect(), ..Manifest::default() };
    fixture.manifests[usize::from(role == Role::Candidate)] = Some(manifest);
}

/// A sound baseline beside a candidate with the given files.
fn against(lists: &[&[i64]]) -> Fixture {
    let mut fixture = Fixture::of(shipped("metrics"));
    files(&mut fixture, Role::Baseline, &[&[-5, -5, 1], &[2, 2, 2, 9]]);
    files(&mut fixture, Role::Candidate, lists);
    fixture
}

fn candidate(outcome: &Outcome) -> &GroupEvidence {
    &outcome.evidence.groups[1]
}

#[test]
fn whole_ascending_groups_are_silent_whatever_their_sign_and_size() {
    let outcome =
        against(&[&[i64::MIN, i64::MIN, -7, 0], &[9, 10, BEYOND - 1], &[BEYOND, i64::MAX]]).examine(&Group);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    let it = candidate(&outcome);
    assert_eq!((it.rows, it.groups, it.split, it.returned, it.descents, it.overlaps), (9, 8, 0, 0, 0, 0));
    assert_eq!(it.largest, Some((i64::MIN.to_string(), 2)));
    assert_eq!((outcome.coverage.rows, outcome.status), (16, None));
}

#[test]
fn a_group_in_two_files_is_split_and_its_boundary_is_no_overlap() {
    let outcome = against(&[&[1, 2, 2], &[2, 3, 3], &[3, 4]]).examine(&Group);
    assert_eq!(blockers(&outcome), ["group.split"]);
    let it = candidate(&outcome);
    assert_eq!((it.groups, it.split, it.overlaps, it.largest.clone()), (4, 2, 0, Some(("2".to_owned(), 3))));
    let found = &outcome.findings[0];
    assert_eq!((found.count, found.place.as_ref()), (2, it.first.as_ref()));
    let place = found.place.as_ref().unwrap();
    assert_eq!(
        (place.file.as_deref(), place.row, place.column.as_deref()),
        (Some("1.parquet"), Some(0), Some(TID))
    );
    assert!(found.message.contains("first 2: in 0.parquet and again in 1.parquet"), "{}", found.message);
}

#[test]
fn a_group_in_three_files_is_one_split_group() {
    let outcome = against(&[&[1, 7], &[7, 7], &[7, 8]]).examine(&Group);
    assert_eq!((blockers(&outcome), candidate(&outcome).split), (vec!["group.split"], 1));
    assert_eq!(candidate(&outcome).largest, Some(("7".to_owned(), 4)));
}

#[test]
fn a_group_that_comes_back_is_found_with_the_descent_that_it_takes() {
    let outcome = against(&[&[1, 2, 1, 3, 1, 3]]).examine(&Group);
    assert_eq!(blockers(&outcome), ["group.returned", "group.descending"]);
    let it = candidate(&outcome);
    assert_eq!((it.returned, it.descents, it.groups, it.split), (3, 2, 3, 0));
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().row, Some(2));
}

#[test]
fn numbers_in_the_order_of_their_texts_descend() {
    let outcome = against(&[&[-1, -10, 1, 10, 100, 2, 20, 3]]).examine(&Group);
    assert_eq!(blockers(&outcome), ["group.descending"]);
    assert_eq!((candidate(&outcome).descents, candidate(&outcome).returned), (3, 0));
    assert!(outcome.findings[0].message.contains("first -10 after -1 "), "{}", outcome.findings[0].message);
}

#[test]
fn files_whose_ranges_overlap_in_judged_order_are_found() {
    let outcome = against(&[&[1, 5], &[3, 7], &[8]]).examine(&Group);
    assert_eq!((blockers(&outcome), candidate(&outcome).overlaps), (vec!["group.overlap"], 1));
    assert_eq!(outcome.findings[0].place.as_ref().unwrap().file.as_deref(), Some("1.parquet"));
    // A manifest in the wrong order overlaps; without one the lowest key decides, and nothing is wrong.
    let mut fixture = against(&[&[5, 6], &[1, 2]]);
    assert_eq!(blockers(&fixture.examine(&Group)), ["group.overlap"]);
    fixture.manifests[1] = None;
    assert!(fixture.examine(&Group).findings.is_empty());
    let mut fixture = against(&[&[5, 6], &[1, 5]]);
    fixture.manifests[1] = None;
    assert_eq!(blockers(&fixture.examine(&Group)), ["group.split"]);
}

#[test]
fn a_violation_on_the_baseline_is_told_and_gates_nothing() {
    let mut fixture = against(&[&[1, 2]]);
    files(&mut fixture, Role::Baseline, &[&[1, 2, 1], &[0, 2]]);
    let outcome = fixture.examine(&Group);
    assert_eq!(blockers(&outcome), Vec::<&str>::new());
    let told = ["group.split", "group.returned", "group.descending", "group.overlap"];
    assert_eq!(codes(&outcome, Severity::Info), told);
    assert!(outcome.findings.iter().all(|it| it.defect.is_none()));
}

#[test]
fn defect_d_is_named_only_where_the_inputs_are_unsorted() {
    let mut fixture = against(&[&[1, 2]]);
    files(&mut fixture, Role::Baseline, &[&[1, 2, 1], &[0, 2]]);
    fixture.defects = vec![KnownDefect::HighestTidLost];
    let input: PathBuf = fixture.folder.path().join("in.parquet");
    fixture.job.inputs = vec![input.clone()];
    write(&input, &columns(ints(&[0, 1, 1, 2])));
    assert!(fixture.examine(&Group).findings.iter().all(|it| it.defect.is_none()));
    write(&input, &columns(ints(&[1, 2, 1, 0])));
    let outcome = fixture.examine(&Group);
    let named: Vec<&str> = outcome
        .findings
        .iter()
        .filter(|it| it.defect.as_deref() == Some("D"))
        .map(|it| it.code.as_str())
        .collect();
    assert_eq!(named, ["group.split", "group.returned", "group.descending"]);
    // The candidate is never excused.
    fixture.manifests.swap(0, 1);
    files(&mut fixture, Role::Candidate, &[&[1, 2, 1]]);
    let outcome = fixture.examine(&Group);
    assert!(
        outcome.findings.iter().filter(|it| it.side == Some(Role::Candidate)).all(|it| it.defect.is_none())
    );
}

#[test]
fn rows_without_a_key_are_told_and_end_a_run() {
    let with_missing = |keys: &[Option<i64>]| {
        let mut fixture = against(&[&[1]]);
        write(&fixture.path(Role::Candidate, "0.parquet"), &columns(maybe_ints(keys)));
        fixture.alone = false;
        fixture
    };
    let outcome = with_missing(&[None, Some(1), Some(1)]).examine(&Group);
    assert_eq!(
        (blockers(&outcome).len(), codes(&outcome, Severity::Warning)),
        (0, vec!["group.missing_keys"])
    );
    assert_eq!((candidate(&outcome).missing_keys, candidate(&outcome).groups), (1, 1));
    let outcome = with_missing(&[Some(1), None, Some(1)]).examine(&Group);
    assert_eq!((blockers(&outcome), candidate(&outcome).descents), (vec!["group.returned"], 0));
    let fixture = with_missing(&[None, Some(1)]);
    std::fs::copy(fixture.path(Role::Candidate, "0.parquet"), fixture.path(Role::Baseline, "0.parquet"))
        .unwrap();
    let outcome = fixture.examine(&Group);
    assert_eq!(codes(&outcome, Severity::Info), ["group.missing_keys"; 2]);
    // Nothing vouches for a candidate of which no row has a key.
    assert_eq!(with_missing(&[None, None]).examine(&Group).status, Some(CheckStatus::Inconclusive));
}

#[test]
fn a_key_of_another_type_is_found_and_compares_as_it_is() {
    let of_type = |keys: ArrayRef| {
        let fixture = against(&[&[1]]);
        write(&fixture.path(Role::Candidate, "0.parquet"), &columns(keys));
        fixture.examine(&Group)
    };
    let outcome = of_type(floats(&[-3.0, 1.5, 9_007_199_254_740_992.0, f64::INFINITY, f64::NAN, f64::NAN]));
    assert_eq!(blockers(&outcome), ["group.type"]);
    assert_eq!(candidate(&outcome).groups, 5);
    assert_eq!(
        blockers(&of_type(floats(&[f64::NAN, 1.0, f64::NAN]))),
        ["group.returned", "group.descending", "group.type"]
    );
    assert_eq!(blockers(&of_type(texts(&["1", "10", "2"]))), ["group.type"]);
    let narrow: ArrayRef = std::sync::Arc::new(arrow::array::Int32Array::from(vec![1, 2]));
    assert_eq!(blockers(&of_type(narrow)), ["group.type"]);
    // A column without a value has no type that matters.
    assert_eq!(
        blockers(&of_type(arrow::array::new_null_array(&arrow::datatypes::DataType::Utf8, 2))),
        Vec::<&str>::new()
    );
    // On the baseline it is told.
    let fixture = against(&[&[1]]);
    write(&fixture.path(Role::Baseline, "0.parquet"), &columns(floats(&[-5.0])));
    assert_eq!(codes(&fixture.examine(&Group), Severity::Info), ["group.type"]);
}

#[test]
fn a_group_goes_on_over_row_groups_and_is_found_in_the_right_one() {
    let fixture = against(&[&[1]]);
    let properties =
        parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(2));
    let path = fixture.path(Role::Candidate, "0.parquet");
    write_with(&path, &columns(ints(&[1, 1, 1, 2, 2, 2, 3, 2])), properties);
    let outcome = fixture.examine(&Group);
    assert_eq!(blockers(&outcome), ["group.returned", "group.descending"]);
    assert_eq!((candidate(&outcome).groups, candidate(&outcome).returned), (3, 1));
    let place = outcome.findings[0].place.as_ref().unwrap();
    assert_eq!((place.row_group, place.row), (Some(3), Some(7)));
    assert_eq!(candidate(&outcome).largest, Some(("2".to_owned(), 4)));
}

#[test]
fn a_bound_on_memory_changes_no_count() {
    let mut fixture = against(&[&[1]]);
    let shuffled = |seed: i64| -> Vec<i64> { (0..4_000).map(|row| (row * 7_919 + seed) % 3_001).collect() };
    let (one, two) = (shuffled(0), shuffled(5));
    files(&mut fixture, Role::Candidate, &[&one, &two]);
    let root = fixture.root(Role::Candidate);
    let output = crate::output::Output::open(Role::Candidate, &root, None, &[], false).unwrap();
    let cancel = crate::cancel::Cancel::default();
    let seen: Vec<FileGroups<'_>> =
        output.files.iter().map(|file| FileGroups::of(file, TID, &[], &cancel).unwrap()).collect();
    let counts = |bound: usize| {
        let whole = Whole::within(&seen, TID, &cancel, bound).unwrap();
        let split = whole.first_split.map(|it| (it.file, it.row, it.key.text(), it.before));
        let returned = whole.first_returned.map(|it| (it.file, it.row));
        (
            whole.groups,
            whole.split,
            whole.returned,
            whole.largest.map(|it| (it.0.text(), it.1)),
            split,
            returned,
        )
    };
    let plenty = counts(1 << 30);
    assert_eq!((plenty.0, plenty.1, plenty.2), (3_001, 3_001, 2 * 999));
    assert_eq!(counts(32 << 10), plenty);
}

#[test]
fn other_signals_and_ingest_jobs_have_no_groups() {
    let fixture = Fixture::pair(&columns(ints(&[2, 1])), &columns(ints(&[2, 1])));
    assert_eq!(fixture.examine(&Group).status, Some(CheckStatus::NotApplicable));
    let mut fixture = against(&[&[2, 1]]);
    fixture.job.kind = JobKind::Ingest;
    assert_eq!(fixture.examine(&Group).status, Some(CheckStatus::NotApplicable));
}

#[test]
fn the_originals_merged_outputs_hold_whole_groups() {
    let Some(folder) = crate::check::fixture::beside("golden") else { return };
    let mut cases = 0;
    for case in std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains("tidmerge-") || !case.join("output").is_dir() {
            continue;
        }
        let fixture = Fixture::of(shipped("metrics"));
        for file in std::fs::read_dir(case.join("output")).unwrap().map(|it| it.unwrap()) {
            for role in [Role::Baseline, Role::Candidate] {
                std::fs::copy(file.path(), fixture.path(role, &file.file_name().to_string_lossy())).unwrap();
            }
        }
        let outcome = fixture.examine(&Group);
        assert!(outcome.findings.is_empty(), "{name}: {:#?}", outcome.findings);
        cases += 1;
    }
    assert!(cases > 30);
}

/// The evidence by the plainest reading of the definitions.
fn plainly(lists: &[Vec<i64>]) -> (u64, u64, u64, u64, u64) {
    use std::collections::{BTreeMap, BTreeSet};
    let mut files_of: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    let (mut returned, mut descents, mut overlaps) = (0, 0, 0);
    let mut top: Option<i64> = None;
    for (file, list) in lists.iter().enumerate() {
        for (at, tid) in list.iter().enumerate() {
            files_of.entry(*tid).or_default().insert(file);
            descents += u64::from(at > 0 && *tid < list[at - 1]);
            returned += u64::from(at > 0 && *tid != list[at - 1] && list[..at].contains(tid));
        }
        overlaps += u64::from(top.is_some_and(|top| list.iter().min().is_some_and(|low| *low < top)));
        top = top.max(list.iter().max().copied());
    }
    let split = files_of.values().filter(|files| files.len() > 1).count() as u64;
    (files_of.len() as u64, split, returned, descents, overlaps)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_counts_are_those_of_the_definitions(
        lists in prop::collection::vec(prop::collection::vec(-6_i64..6, 1..8), 1..5), sorted in any::<bool>(),
    ) {
        let mut lists = lists;
        if sorted {
            lists.iter_mut().for_each(|list| list.sort_unstable());
            lists.sort();
        }
        let given: Vec<&[i64]> = lists.iter().map(Vec::as_slice).collect();
        let outcome = against(&given).examine(&Group);
        let it = candidate(&outcome);
        let counts = (it.groups, it.split, it.returned, it.descents, it.overlaps);
        prop_assert_eq!(counts, plainly(&lists));
        let sound = counts.1 + counts.2 + counts.3 + counts.4 == 0;
        prop_assert_eq!(sound, blockers(&outcome).is_empty());
        prop_assert_eq!(sound, it.first.is_none());
    }
}
