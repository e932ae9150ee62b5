use reports::document::{CheckStatus, Severity};
use reports::manifest::Manifest;

use super::*;
use crate::check::fixture::{Fixture, blockers, codes};
use crate::rollup::testing::{
    ACCURACY, Golden, MetricRow, cut, encode, golden, job, merged, merged_into, row, segment, sketch_of,
    sketch_with,
};

/// Two inputs: a merged point, two rows of one group that are not merged, a lone row, a merged point of three.
fn inputs() -> [Vec<MetricRow>; 2] {
    [
        vec![row(1, 61_000, &[5.0]), row(2, 60_000, &[1.0, 2.0]), row(5, 62_000, &[-5.0])],
        vec![
            row(1, 69_999, &[9.0]),
            row(2, 75_000, &[3.0]),
            row(3, 81_234, &[4.0]),
            row(5, 60_000, &[5.0]),
            row(5, 60_001, &[0.0, 7.0]),
        ],
    ]
}

/// What the inputs yield.
fn truth() -> Vec<MetricRow> {
    vec![
        merged(1, 60_000, &[5.0, 9.0]),
        row(2, 60_000, &[1.0, 2.0]),
        row(2, 70_000, &[3.0]),
        row(3, 80_000, &[4.0]),
        merged(5, 60_000, &[-5.0, 5.0, 0.0, 7.0]),
    ]
}

fn fixture_of(inputs: &[Vec<MetricRow>], a: &[MetricRow], b: &[MetricRow]) -> Fixture {
    let mut fixture = Fixture::empty();
    let folder = fixture.folder.path().join("in");
    let paths = inputs
        .iter()
        .enumerate()
        .map(|(number, rows)| segment(&folder.join(format!("{number}.parquet")), rows))
        .collect();
    fixture.job = job(paths);
    segment(&fixture.path(Role::Baseline, "one.parquet"), a);
    segment(&fixture.path(Role::Candidate, "two.parquet"), b);
    fixture
}

fn found(candidate: &[MetricRow]) -> Outcome {
    fixture_of(&inputs(), &truth(), candidate).examine(&Sketches)
}

/// The truth with one row changed.
fn with(row: usize, change: impl FnOnce(&mut MetricRow)) -> Vec<MetricRow> {
    let mut rows = truth();
    change(&mut rows[row]);
    rows
}

#[test]
fn equal_data_is_silent_and_lone_rows_merges_and_drops_are_counted_apart() {
    let mut with_drop = inputs();
    with_drop[1].push(MetricRow { name: None, ..row(5, 60_002, &[1.0]) });
    let mut fixture = fixture_of(&with_drop, &truth(), &truth());
    let manifest = Manifest { rows_dropped: [("missing_name".to_owned(), 1)].into(), ..Manifest::default() };
    fixture.manifests = [Some(manifest.clone()), Some(manifest)];
    let outcome = fixture.examine(&Sketches);
    assert_eq!((outcome.findings.len(), outcome.status), (0, None), "{:?}", outcome.findings);
    let account = &outcome.evidence.rollup[1];
    assert_eq!((account.rows_in, account.lone, account.single), (9, 1, 2));
    assert_eq!((account.merged_in, account.merged_out, account.dropped["missing_name"]), (5, 2, 1));
    assert_eq!((account.expected, account.written, account.lost, account.invented), (5, 5, 0, 0));
    assert_eq!(account.declared.as_ref().unwrap()["missing_name"], 1);
    let seen = &outcome.evidence.sketches[1];
    assert_eq!((seen.rows, seen.sketches, seen.recomputed, seen.duplicates), (5, 5, 2, 0));
}

#[test]
fn each_fault_of_a_merged_row_is_its_own_finding() {
    type Change = fn(&mut MetricRow);
    let cases: [(&str, &str, Change); 8] = [
        ("sketch.wrong", "missing or empty", |row| row.sketch = None),
        ("sketch.wrong", "missing or empty", |row| row.sketch = Some(Vec::new())),
        ("sketch.wrong", "other bytes or bins", |row| {
            row.sketch = Some(encode(&sketch_of(&[5.0, 9.0, 5.0, 9.0]), ACCURACY));
        }),
        ("sketch.wrong", "another accuracy", |row| {
            row.sketch = Some(encode(&sketch_with(&[5.0, 9.0], 0.02), 0.02));
        }),
        ("sketch.undecodable", "cannot be decoded", |row| row.sketch = Some(vec![0x05, 9])),
        // The exact sum of what is binned as 13.938.
        ("sketch.rollup", "rollup_sum", |row| row.rollups[1] = Some(14.0)),
        ("sketch.rollup", "rollup_count", |row| row.rollups[0] = Some(2.000_000_000_1)),
        ("sketch.rollup", "rollup_max", |row| row.rollups[4] = None),
    ];
    for (code, words, change) in cases {
        let outcome = found(&with(0, change));
        assert_eq!(blockers(&outcome), [code], "{words}");
        let finding = &outcome.findings[0];
        assert!(finding.message.contains(words), "{}", finding.message);
        assert_eq!((finding.count, finding.place.as_ref().unwrap().row), (1, Some(0)));
        // The same on the baseline is told and does not gate.
        let told = fixture_of(&inputs(), &with(0, change), &truth()).examine(&Sketches);
        assert_eq!((blockers(&told).len(), codes(&told, Severity::Info)), (0, vec![code]));
    }
}

#[test]
fn rollups_taken_over_from_one_side_are_counted_by_column() {
    let first = row(1, 60_000, &[5.0]);
    let outcome = found(&with(0, |row| row.rollups = first.rollups.clone()));
    assert!(blockers(&outcome).iter().all(|code| *code == "sketch.rollup"));
    let disagreeing = &outcome.evidence.sketches[1].disagreeing;
    assert_eq!(disagreeing["rollup_count"], 1);
    assert_eq!(disagreeing["rollup_max"], 1);
    // The lowest value is that of the row taken, so that column is right by luck, but for the exact mean and sum.
    assert!(!disagreeing.contains_key("rollup_min"));
}

#[test]
fn a_sketch_merged_twice_in_its_rollups_as_well_is_wrong_in_both() {
    let twice = merged(1, 60_000, &[5.0, 9.0, 5.0, 9.0]);
    let outcome = found(&with(0, |row| *row = twice));
    assert!(blockers(&outcome).contains(&"sketch.wrong"));
    assert_eq!(outcome.evidence.sketches[1].disagreeing["rollup_count"], 1);
}

#[test]
fn the_last_bits_of_a_recomputed_sum_are_within_tolerance_and_told() {
    let outcome = found(&with(0, |row| row.rollups[1] = row.rollups[1].map(|sum| sum * (1.0 + 1e-13))));
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    let largest = outcome.evidence.sketches[1].largest_difference["rollup_sum"];
    assert!(largest > 5e-14 && largest < 2e-13, "{largest}");
    assert!(outcome.summary.contains("rollup_sum"), "{}", outcome.summary);
}

#[test]
fn a_tolerance_of_the_policy_takes_the_place_of_the_own_one() {
    let candidate = with(0, |row| row.rollups[1] = Some(14.0));
    let mut fixture = fixture_of(&inputs(), &truth(), &candidate);
    let tolerance = crate::check::Tolerance { absolute: 0.1, relative: 0.0 };
    fixture.comparison.tolerances.insert("rollup_sum".to_owned(), tolerance);
    assert!(fixture.examine(&Sketches).findings.is_empty());
    fixture.comparison.tolerances.clear();
    fixture.comparison.ignored.insert("rollup_sum".to_owned(), "known".to_owned());
    assert!(fixture.examine(&Sketches).findings.is_empty());
}

#[test]
fn rows_that_should_pass_unchanged_are_held_to_the_last_byte() {
    for at in [1, 3] {
        let recoded = with(at, |row| {
            row.sketch.as_mut().unwrap().extend([0x84, 0, 0, 0, 0, 0, 0, 0, 0]);
        });
        assert_eq!(blockers(&found(&recoded)), ["sketch.changed"]);
        let dropped = with(at, |row| row.sketch = None);
        assert_eq!(blockers(&found(&dropped)), ["sketch.changed"]);
        let binned = with(at, |row| row.rollups[1] = row.rollups[1].map(|sum| sum * (1.0 + 1e-12)));
        let outcome = found(&binned);
        assert_eq!(blockers(&outcome), ["sketch.changed"]);
        assert_eq!(outcome.evidence.sketches[1].disagreeing["rollup_sum"], 1);
        assert_eq!(blockers(&found(&with(at, |row| row.sketch = Some(vec![0x05])))), ["sketch.undecodable"]);
    }
}

#[test]
fn an_undecodable_sketch_that_came_from_the_inputs_is_excused() {
    let junk = MetricRow { sketch: Some(b"junk".to_vec()), ..row(9, 60_000, &[1.0]) };
    let mut with_junk = inputs();
    with_junk[0].push(junk.clone());
    let mut rows = truth();
    rows.push(junk);
    let outcome = fixture_of(&with_junk, &rows, &rows).examine(&Sketches);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert_eq!(outcome.evidence.sketches[1].sketches, 5);
}

#[test]
fn a_point_without_a_row_and_a_row_without_a_point_are_told() {
    let mut rows = truth();
    rows.remove(3);
    let outcome = found(&rows);
    assert_eq!(blockers(&outcome), ["sketch.missing_point"]);
    assert!(outcome.findings[0].message.contains("1 alone in its group"), "{}", outcome.findings[0].message);
    assert_eq!(outcome.evidence.rollup[1].lost, 1);

    let mut rows = truth();
    rows.push(row(77, 60_000, &[1.0]));
    let outcome = found(&rows);
    assert_eq!(blockers(&outcome), ["sketch.unexpected_point"]);
    assert_eq!((outcome.evidence.rollup[1].lost, outcome.evidence.rollup[1].invented), (0, 1));
}

#[test]
fn a_declared_drop_beyond_the_rules_is_no_silent_loss() {
    let mut rows = truth();
    rows.remove(3);
    let mut fixture = fixture_of(&inputs(), &truth(), &rows);
    fixture.manifests[1] =
        Some(Manifest { rows_dropped: [("too_old".to_owned(), 1)].into(), ..Manifest::default() });
    let outcome = fixture.examine(&Sketches);
    let account = &outcome.evidence.rollup[1];
    assert_eq!((account.lost, account.declared.as_ref().unwrap()["too_old"]), (0, 1));
    // A row is missing all the same.
    assert_eq!(blockers(&outcome), ["sketch.missing_point"]);
}

#[test]
fn a_wrong_alignment_is_unaligned_missing_and_unexpected() {
    let outcome = found(&with(3, |row| row.time = Some(81_234)));
    assert_eq!(blockers(&outcome), ["sketch.missing_point", "sketch.unexpected_point", "sketch.unaligned"]);
    assert_eq!(outcome.evidence.sketches[1].unaligned, 1);
}

#[test]
fn times_aligned_without_merging_leave_two_rows_for_one_point() {
    let mut rows = truth();
    rows[0] = row(1, 60_000, &[5.0]);
    rows.insert(1, row(1, 60_000, &[9.0]));
    let outcome = found(&rows);
    let blockers = blockers(&outcome);
    assert!(blockers.contains(&"sketch.duplicate") && blockers.contains(&"sketch.wrong"), "{blockers:?}");
    assert_eq!((outcome.evidence.sketches[1].duplicates, outcome.evidence.rollup[1].invented), (1, 1));
}

#[test]
fn a_duplicate_in_another_file_is_seen() {
    let fixture = fixture_of(&inputs(), &truth(), &truth());
    segment(&fixture.path(Role::Candidate, "two-more.parquet"), &truth()[3..4]);
    assert_eq!(blockers(&fixture.examine(&Sketches)), ["sketch.duplicate"]);
}

#[test]
fn the_highest_group_lost_by_the_baseline_is_its_known_defect_only_where_all_of_it_and_nothing_else_is_lost()
{
    let highest = [60_000, 70_000].map(|time| row(i64::MAX, time, &[1.0]));
    let mut with_highest = inputs();
    with_highest[1].extend(highest.clone());
    let whole: Vec<_> = truth().into_iter().chain(highest).collect();
    let letter = |rows: &[MetricRow], known: bool| {
        let mut fixture = fixture_of(&with_highest, rows, &whole);
        fixture.defects = if known { vec![KnownDefect::HighestTidLost] } else { Vec::new() };
        let outcome = fixture.examine(&Sketches);
        assert!(blockers(&outcome).is_empty());
        assert_eq!(codes(&outcome, Severity::Info), ["sketch.missing_point"]);
        outcome.findings[0].defect.clone()
    };
    assert_eq!(letter(&whole[..5], true).as_deref(), Some("D"));
    assert_eq!(letter(&whole[..5], false), None);
    assert_eq!(letter(&whole[..6], true), None, "half of it");
    assert_eq!(letter(&whole[..4], true), None, "another point as well");
    let candidate = fixture_of(&with_highest, &whole, &truth());
    assert_eq!(blockers(&candidate.examine(&Sketches)), ["sketch.missing_point"]);
}

#[test]
fn parts_find_what_one_pass_finds() {
    let many: Vec<MetricRow> =
        (0..300).flat_map(|tid| [60_000, 60_001].map(|at| row(tid, at, &[3.0]))).collect();
    let mut wrong: Vec<MetricRow> = (0..300).map(|tid| merged(tid, 60_000, &[3.0, 3.0])).collect();
    wrong[17].sketch = None;
    wrong[200].rollups[1] = Some(6.0);
    wrong[201].rollups[1] = Some(6.0);
    wrong[250].time = Some(60_001);
    wrong.push(wrong[5].clone());
    wrong.remove(100);
    wrong.push(MetricRow { time: None, ..row(400, 0, &[1.0]) });
    let fixture = fixture_of(&[many], &wrong, &wrong);
    let whole = fixture.with_subject(|subject| examine_within(subject, BOUND)).unwrap();
    let parts = fixture.with_subject(|subject| examine_within(subject, 20_000)).unwrap();
    assert_eq!(whole.findings, parts.findings);
    assert_eq!(whole.evidence.sketches, parts.evidence.sketches);
    assert_eq!(whole.evidence.rollup, parts.evidence.rollup);
    assert_eq!(
        blockers(&whole),
        [
            "sketch.missing_point",
            "sketch.wrong",
            "sketch.rollup",
            "sketch.unexpected_point",
            "sketch.duplicate",
            "sketch.unaligned"
        ]
    );
}

#[test]
fn without_inputs_rows_are_held_against_their_own_sketch_and_the_summary_says_so() {
    let mut fixture = fixture_of(&[], &truth(), &truth());
    let outcome = fixture.examine(&Sketches);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert!(outcome.summary.contains("merges were not recomputed: the inputs are unknown"));
    assert!(outcome.evidence.rollup.is_empty());
    assert_eq!(outcome.evidence.sketches[1].recomputed, 0);
    // Exact values of what is binned lie within the sketch's accuracy; these do not.
    let mut rows = with(0, |row| (row.rollups[1], row.rollups[0]) = (Some(15.0), Some(3.0)));
    rows[1].rollups[4] = Some(2.1);
    rows[2].sketch = Some(b"junk".to_vec());
    segment(&fixture.path(Role::Candidate, "two.parquet"), &rows);
    let outcome = fixture.examine(&Sketches);
    assert!(blockers(&outcome).is_empty());
    let warnings = codes(&outcome, Severity::Warning);
    assert_eq!(warnings.iter().filter(|code| **code == "sketch.rollup_unverified").count(), 3);
    assert!(warnings.contains(&"sketch.undecodable"));
    // Duplicates and times need no inputs.
    segment(&fixture.path(Role::Candidate, "two-more.parquet"), &truth()[3..4]);
    assert!(blockers(&fixture.examine(&Sketches)).contains(&"sketch.duplicate"));
    fixture.job.parameters.interval = None;
    assert!(blockers(&fixture.examine(&Sketches)).contains(&"sketch.duplicate"));
}

#[test]
fn inputs_that_give_no_model_leave_the_check_undecided_and_never_passed() {
    let unsorted: Vec<MetricRow> = inputs()[0].iter().rev().cloned().collect();
    let outcome = fixture_of(&[unsorted], &truth(), &truth()).examine(&Sketches);
    assert!(blockers(&outcome).is_empty(), "{:?}", outcome.findings);
    assert_eq!(outcome.status, Some(CheckStatus::Inconclusive), "{}", outcome.summary);
    assert!(outcome.summary.contains("not sorted"), "{}", outcome.summary);
}

#[test]
fn without_inputs_a_value_anywhere_in_its_bin_agrees_with_its_sketch() {
    // One bin is two hundredths wide; the steps visit every part of some, the upper edges (898, for one) too.
    let rows: Vec<MetricRow> = (0..1_000).map(|step| row(step, 60_000, &[700.0 + step as f64])).collect();
    let mut fixture = Fixture::empty();
    fixture.signal(|signal| *signal = crate::rollup::testing::metrics());
    segment(&fixture.path(Role::Baseline, "one.parquet"), &rows);
    segment(&fixture.path(Role::Candidate, "two.parquet"), &rows);
    let outcome = fixture.examine(&Sketches);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
}

#[test]
fn a_signal_without_a_rollup_rule_an_ingest_job_and_a_job_without_an_interval_are_not_asked() {
    let mut fixture = fixture_of(&inputs(), &truth(), &truth());
    let interval = fixture.job.parameters.interval.take();
    assert_eq!(fixture.examine(&Sketches).status, Some(CheckStatus::NotApplicable));
    fixture.job.parameters.interval = interval;
    fixture.job.kind = crate::job::JobKind::Ingest;
    assert_eq!(fixture.examine(&Sketches).status, Some(CheckStatus::NotApplicable));
    fixture.job.kind = crate::job::JobKind::Compact;
    fixture.signal(|signal| signal.rollup = None);
    assert_eq!(fixture.examine(&Sketches).status, Some(CheckStatus::NotApplicable));
}

#[test]
fn where_both_sides_lose_everything_the_inputs_speak_against_them() {
    let fixture = fixture_of(&inputs(), &[], &[]);
    let outcome = fixture.examine(&Sketches);
    assert_eq!(blockers(&outcome), ["sketch.missing_point"]);
    let late = [vec![row(1, 130_000, &[1.0]), row(1, 140_000, &[1.0])]];
    let mut fixture = fixture_of(&late, &[], &[]);
    fixture.job.expected.no_rows = true;
    let outcome = fixture.examine(&Sketches);
    assert_eq!((outcome.findings.len(), outcome.status), (0, Some(CheckStatus::Pass)));
    assert_eq!(outcome.evidence.rollup[1].dropped["out_of_range"], 2);
}

#[test]
fn a_baseline_known_to_merge_damaged_sketches_is_judged_by_that_and_the_candidate_is_not() {
    let inputs = [vec![
        row(1, 60_000, &[5.0]),
        cut(row(1, 60_001, &[9.0, 100.0]), 1),
        cut(row(3, 60_000, &[9.0]), 1),
        row(3, 75_000, &[5.0]),
    ]];
    let later = MetricRow { time: Some(70_000), ..inputs[0][3].clone() };
    let lenient = [merged_into(&inputs[0][0], &sketch_of(&[5.0, 9.0])), inputs[0][2].clone(), later.clone()];
    let strict = [inputs[0][0].clone(), later];
    let found = |a: &[MetricRow], b: &[MetricRow], known: bool| {
        let mut fixture = fixture_of(&inputs, a, b);
        fixture.defects = if known { vec![KnownDefect::DamagedSketchesMerged] } else { Vec::new() };
        fixture.examine(&Sketches)
    };
    let outcome = found(&lenient, &strict, true);
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert!(outcome.summary.contains("damaged sketches of 2 rows"), "{}", outcome.summary);
    let accounts: Vec<_> =
        outcome.evidence.rollup.iter().map(|it| (it.merged_in, it.expected, it.lost, it.invented)).collect();
    assert_eq!(accounts, [(2, 3, 0, 0), (0, 2, 0, 0)]);
    // Beyond it the baseline has a finding.
    let mut wrong = lenient.clone();
    wrong[0].rollups[1] = Some(14.0);
    let told = found(&wrong, &strict, true);
    assert_eq!(codes(&told, Severity::Info), ["sketch.rollup"]);
    let told = found(&strict, &strict, true);
    assert!(codes(&told, Severity::Info).contains(&"sketch.missing_point"), "{:?}", told.findings);
    assert!(blockers(&told).is_empty(), "{:?}", told.findings);
    // Not known: the strict way counts. The candidate is held to it in any case.
    assert!(codes(&found(&lenient, &strict, false), Severity::Info).contains(&"sketch.unexpected_point"));
    for known in [true, false] {
        let outcome = found(&lenient, &lenient, known);
        assert!(blockers(&outcome).contains(&"sketch.unexpected_point"), "{:?}", outcome.findings);
        assert!(blockers(&outcome).contains(&"sketch.changed"), "{:?}", outcome.findings);
    }
}

#[test]
fn the_originals_own_outputs_are_right_but_for_its_known_defect() {
    let mut losing = 0;
    for Golden { name, job, outputs, .. } in golden() {
        let mut fixture = Fixture::empty();
        fixture.job = job;
        fixture.job.expected.no_rows = outputs.is_empty();
        fixture.defects = vec![KnownDefect::HighestTidLost, KnownDefect::DamagedSketchesMerged];
        for role in [Role::Baseline, Role::Candidate] {
            for path in &outputs {
                let file = path.file_name().unwrap().to_str().unwrap();
                std::fs::copy(path, fixture.path(role, file)).unwrap();
            }
        }
        let outcome = fixture.examine(&Sketches);
        if outcome.summary.contains("merges were not recomputed") {
            assert!(name.contains("maxtid-middle"), "{name}: {}", outcome.summary);
            continue;
        }
        for finding in &outcome.findings {
            assert_eq!(finding.code, "sketch.missing_point", "{name}: {}", finding.message);
            assert_eq!(finding.defect.is_some(), finding.side == Some(Role::Baseline), "{name}");
        }
        losing += u64::from(!outcome.findings.is_empty());
        let account = &outcome.evidence.rollup[0];
        assert_eq!((account.lost, account.invented), (account.expected - account.written, 0), "{name}");
    }
    println!("{losing} cases lose the highest group");
}
