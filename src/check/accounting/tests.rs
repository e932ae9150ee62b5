use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use reports::document::Severity;
use reports::manifest::ManifestFile;

use super::*;
use crate::check::fixture::{Fixture, blockers, codes, rows};
use crate::output::set_mark;
use crate::output::testing::write_with;

/// Both sides with a true manifest of eight rows read.
pub(super) fn honest() -> Fixture {
    let mut fixture = Fixture::pair(&rows(), &rows());
    fixture.rows_in = Some(8);
    for (side, role, name) in [(0, Role::Baseline, "one.parquet"), (1, Role::Candidate, "two.parquet")] {
        let size = std::fs::metadata(fixture.path(role, name)).unwrap().len();
        let file = ManifestFile {
            path: name.to_owned(),
            record_count: Some(8),
            file_size: Some(size),
            ..ManifestFile::default()
        };
        fixture.manifests[side] =
            Some(Manifest { rows_read: Some(8), files: vec![file], ..Manifest::default() });
    }
    fixture
}

fn found(side: usize, change: impl FnOnce(&mut Manifest)) -> Outcome {
    let mut fixture = honest();
    change(fixture.manifests[side].as_mut().unwrap());
    fixture.examine(&Accounting)
}

#[test]
fn true_manifests_are_silent() {
    let outcome = honest().examine(&Accounting);
    assert_eq!((outcome.findings.len(), outcome.status, outcome.coverage.rows), (0, None, 16));
}

#[test]
fn each_untruth_of_the_candidates_manifest_is_a_blocker_of_its_own() {
    type Change = fn(&mut Manifest);
    let cases: [(&str, Change); 7] = [
        ("accounting.record-count", |it| it.files[0].record_count = Some(9)),
        ("accounting.file-size", |it| it.files[0].file_size = Some(1)),
        ("accounting.rows-read", |it| it.rows_read = Some(9)),
        ("accounting.unlisted-file", |it| it.files.clear()),
        ("accounting.listed-twice", |it| it.files.push(it.files[0].clone())),
        ("accounting.rows-gained", |it| it.rows_dropped.extend([("late".to_owned(), 1)])),
        ("accounting.missing-file", |it| {
            it.files.push(ManifestFile { path: "gone.parquet".to_owned(), ..ManifestFile::default() });
        }),
    ];
    for (code, change) in cases {
        assert_eq!(blockers(&found(1, change)), [code]);
        // The same on the baseline is told and does not gate.
        let told = found(0, change);
        assert!(blockers(&told).is_empty() && codes(&told, Severity::Info).contains(&code), "{code}");
    }
}

#[test]
fn a_file_that_cannot_be_read_blocks_on_the_candidate_and_is_undecided_on_the_baseline() {
    let fixture = honest();
    std::fs::write(fixture.path(Role::Candidate, "junk.parquet"), "junk").unwrap();
    assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.unreadable"]);
    let fixture = honest();
    std::fs::write(fixture.path(Role::Baseline, "junk.parquet"), "junk").unwrap();
    assert_eq!(fixture.examine(&Accounting).status, Some(CheckStatus::Inconclusive));
}

/// Lets both files name a mark, and leaves those that are given.
fn marked(baseline: Option<&str>, candidate: Option<&str>) -> Fixture {
    let fixture = Fixture::pair(&rows(), &rows());
    for (role, name, mark) in
        [(Role::Baseline, "one.parquet", baseline), (Role::Candidate, "two.parquet", candidate)]
    {
        let path = fixture.path(role, name);
        let entry = KeyValue::new(set_mark::KEY.to_owned(), "_SUCCESS".to_owned());
        let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry]));
        write_with(&path, &rows(), properties);
        if let Some(text) = mark {
            std::fs::write(path.with_file_name("_SUCCESS"), text).unwrap();
        }
    }
    fixture
}

#[test]
fn files_whose_writer_leaves_a_mark_and_that_have_none_are_an_incomplete_set() {
    let whole = marked(Some("one.parquet\n"), Some("two.parquet\n")).examine(&Accounting);
    assert_eq!(whole.findings.len(), 0, "{:?}", whole.findings);
    let unmarked = marked(Some(""), None).examine(&Accounting);
    assert_eq!(blockers(&unmarked), ["accounting.unmarked"]);
    let in_baseline = marked(None, Some("")).examine(&Accounting);
    assert!(blockers(&in_baseline).is_empty());
    assert_eq!(codes(&in_baseline, Severity::Info), ["accounting.unmarked"]);
    for list in ["two.parquet\nthree.parquet\n", "three.parquet\n"] {
        let found = marked(Some(""), Some(list)).examine(&Accounting);
        assert!(blockers(&found).iter().all(|code| *code == "accounting.incomplete-set"), "{list}");
        assert!(!blockers(&found).is_empty(), "{list}");
    }
}

mod merging {
    use reports::manifest::MergeStats;

    use super::*;
    use crate::check::KnownDefect;
    use crate::rollup::testing::{MetricRow, cut, job, merged, row, segment};

    /// Four input rows: two that are merged, one out of range, one alone in its group.
    fn inputs() -> Vec<MetricRow> {
        vec![row(1, 60_000, &[5.0]), row(1, 60_001, &[9.0]), row(1, 130_000, &[1.0]), row(3, 60_000, &[2.0])]
    }

    fn truth() -> Vec<MetricRow> {
        vec![merged(1, 60_000, &[5.0, 9.0]), row(3, 60_000, &[2.0])]
    }

    /// What a merger states of `rows` written, by the rules.
    fn stated(read: u64) -> Manifest {
        Manifest {
            rows_read: Some(read),
            rows_dropped: [("out_of_range".to_owned(), 1)].into(),
            rows_merged: Some(1),
            merge_stats: Some(MergeStats { datapoints_out_of_range: 1 }),
            ..Manifest::default()
        }
    }

    fn fixture_of(inputs: &[MetricRow], a: &[MetricRow], b: &[MetricRow]) -> Fixture {
        let mut fixture = Fixture::empty();
        fixture.job = job(vec![segment(&fixture.folder.path().join("in.parquet"), inputs)]);
        fixture.rows_in = Some(inputs.len() as u64);
        let sides = [(Role::Baseline, "one.parquet", a), (Role::Candidate, "two.parquet", b)];
        for (side, (role, name, rows)) in sides.into_iter().enumerate() {
            segment(&fixture.path(role, name), rows);
            let file = ManifestFile { path: name.to_owned(), ..ManifestFile::default() };
            fixture.manifests[side] = Some(Manifest { files: vec![file], ..stated(inputs.len() as u64) });
        }
        fixture
    }

    fn found(side: usize, change: impl FnOnce(&mut Manifest)) -> Outcome {
        let mut fixture = fixture_of(&inputs(), &truth(), &truth());
        change(fixture.manifests[side].as_mut().unwrap());
        fixture.examine(&Accounting)
    }

    #[test]
    fn merged_rows_are_neither_lost_nor_dropped() {
        let outcome = found(1, |_| {});
        assert_eq!((blockers(&outcome).len(), outcome.status), (0, None));
        assert_eq!(codes(&outcome, Severity::Info), ["accounting.declared-drop", "accounting.declared-drop"]);
        assert!(
            outcome.summary.contains("candidate: 4 rows read, 2 written, 1 merged into others, 1 dropped")
        );
    }

    #[test]
    fn each_untruth_of_a_merger_is_a_blocker_of_its_own() {
        type Change = fn(&mut Manifest);
        let cases: [(&[&str], Change); 5] = [
            (&["accounting.drops", "accounting.rows-gained"], |it| {
                it.rows_dropped.insert("out_of_range".to_owned(), 2);
            }),
            (&["accounting.drops", "accounting.drops"], |it| {
                it.rows_dropped = [("missing_name".to_owned(), 1)].into();
            }),
            (&["accounting.out_of_range"], |it| {
                it.merge_stats = Some(MergeStats { datapoints_out_of_range: 0 });
            }),
            (&["accounting.rows-merged", "accounting.rows-gained"], |it| it.rows_merged = Some(2)),
            // The merge is not stated: the rows are held against the rules.
            (&[], |it| it.rows_merged = None),
        ];
        for (wanted, change) in cases {
            assert_eq!(blockers(&found(1, change)), wanted);
            assert!(blockers(&found(0, change)).is_empty());
        }
    }

    #[test]
    fn a_row_that_was_lost_in_a_merge_is_lost_silently_whether_or_not_merges_are_stated() {
        for stated in [Some(1), None] {
            let mut fixture = fixture_of(&inputs(), &truth(), &truth()[..1]);
            fixture.manifests[1].as_mut().unwrap().rows_merged = stated;
            assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.rows-lost"]);
            // A false number of merges does not hide it.
            fixture.manifests[1].as_mut().unwrap().rows_merged = Some(2);
            assert_eq!(blockers(&fixture.examine(&Accounting)), ["accounting.rows-merged"]);
        }
    }

    #[test]
    fn a_side_that_states_nothing_is_held_against_the_rules_and_without_them_not_judged() {
        let mut fixture = fixture_of(&inputs(), &truth(), &truth());
        let bare = fixture.manifests[1].clone().unwrap();
        fixture.manifests[1] = Some(Manifest { files: bare.files, ..Manifest::default() });
        let outcome = fixture.examine(&Accounting);
        assert!(blockers(&outcome).is_empty(), "{:?}", outcome.findings);
        assert!(outcome.summary.contains("it states no merges, and no drops"), "{}", outcome.summary);
        fixture.job.inputs.clear();
        let outcome = fixture.examine(&Accounting);
        assert!(blockers(&outcome).is_empty());
        assert!(outcome.summary.contains("the sum was not judged"), "{}", outcome.summary);
    }

    #[test]
    fn what_a_baseline_states_of_damaged_sketches_is_its_defect_only_where_all_of_it_is_exact() {
        let damaged = [
            row(1, 60_000, &[5.0]),
            cut(row(1, 60_001, &[9.0, 100.0]), 1),
            cut(row(3, 60_000, &[9.0]), 1),
            row(3, 75_000, &[5.0]),
        ];
        let lenient = [merged(1, 60_000, &[5.0, 9.0]), damaged[2].clone(), row(3, 70_000, &[5.0])];
        let strict = [damaged[0].clone(), row(3, 70_000, &[5.0])];
        let state = |fixture: &mut Fixture, side: usize, undecodable: u64, merged: u64| {
            let manifest = fixture.manifests[side].as_mut().unwrap();
            manifest.rows_dropped = [("undecodable_sketch".to_owned(), undecodable)].into();
            manifest.rows_merged = Some(merged);
            manifest.merge_stats = None;
        };
        let found = |undecodable: u64, merged: u64, known: bool| {
            let mut fixture = fixture_of(&damaged, &lenient, &strict);
            state(&mut fixture, 0, undecodable, merged);
            state(&mut fixture, 1, 2, 0);
            fixture.defects = if known { vec![KnownDefect::DamagedSketchesMerged] } else { Vec::new() };
            let outcome = fixture.examine(&Accounting);
            assert!(blockers(&outcome).is_empty(), "{:?}", outcome.findings);
            let told = outcome.findings.into_iter().filter(|it| it.code != "accounting.declared-drop");
            told.map(|it| (it.code, it.defect)).collect::<Vec<_>>()
        };
        let by = |codes: &[&str], letter: Option<&str>| {
            codes.iter().map(|code| ((*code).to_owned(), letter.map(str::to_owned))).collect::<Vec<_>>()
        };
        let both = ["accounting.drops", "accounting.rows-merged"];
        assert_eq!(found(0, 1, true), by(&both, Some("H")));
        assert_eq!(found(0, 1, false), by(&both, None));
        // One drop too many, one merge too many.
        let more = ["accounting.drops", "accounting.rows-merged", "accounting.rows-gained"];
        assert_eq!(found(1, 1, true), by(&more, None));
        assert_eq!(found(0, 2, true), by(&more, None));
        // The candidate may not.
        let mut fixture = fixture_of(&damaged, &lenient, &lenient);
        state(&mut fixture, 0, 0, 1);
        state(&mut fixture, 1, 0, 1);
        fixture.defects = vec![KnownDefect::DamagedSketchesMerged];
        assert_eq!(blockers(&fixture.examine(&Accounting)), both);
    }

    #[test]
    fn the_highest_group_lost_by_the_baseline_is_its_defect_only_where_the_number_is_exact() {
        let mut with_highest = inputs();
        with_highest.extend([60_000, 60_001, 130_000].map(|at| row(i64::MAX, at, &[1.0])));
        let mut whole = truth();
        whole.push(merged(i64::MAX, 60_000, &[1.0, 1.0]));
        let lost = |rows: &[MetricRow], known: bool, merges: Option<u64>| {
            let mut fixture = fixture_of(&with_highest, rows, &whole);
            let candidate = fixture.manifests[1].as_mut().unwrap();
            candidate.rows_dropped.insert("out_of_range".to_owned(), 2);
            candidate.rows_merged = Some(2);
            candidate.merge_stats = Some(MergeStats { datapoints_out_of_range: 2 });
            fixture.manifests[0].as_mut().unwrap().rows_merged = merges;
            fixture.defects = if known { vec![KnownDefect::HighestTidLost] } else { Vec::new() };
            let outcome = fixture.examine(&Accounting);
            assert!(blockers(&outcome).is_empty(), "{:?}", outcome.findings);
            let found = outcome.findings.iter().find(|it| it.code == "accounting.rows-lost").unwrap();
            (found.count, found.defect.clone())
        };
        assert_eq!(lost(&truth(), true, Some(1)), (3, Some("D".to_owned())));
        assert_eq!(lost(&truth(), true, None), (1, Some("D".to_owned())));
        assert_eq!(lost(&truth(), false, Some(1)), (3, None));
        assert_eq!(lost(&truth()[..1], true, Some(1)), (4, None));
        assert_eq!(lost(&truth()[..1], true, None), (2, None));
    }
}
