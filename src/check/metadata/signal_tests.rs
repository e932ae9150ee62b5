//! The parts of METADATA that only metrics and traces have.

use std::collections::BTreeMap;
use std::path::Path;

use reports::document::{Role, Severity, SideKind};
use reports::manifest::{Manifest, ManifestFile};

use super::*;
use crate::check::fixture::{
    Fixture, beside, blockers, codes, floats, ints, maybe_ints, maybe_texts, shipped,
};
use crate::output::testing::{Columns, write};
use crate::output::{Output, OutputFile};

const TID: &str = "_cardinalhq.tid";
const TIME: &str = "_cardinalhq.timestamp";
const TRACE: &str = "_cardinalhq.trace_id";
const START: &str = "_cardinalhq.start_time_unix_ns";
/// 2025-08-25 in nanoseconds.
const NANOS: i64 = 1_756_080_000_000_000_000;

/// A manifest that says the truth, field for field.
fn truth(fixture: &Fixture, role: Role) -> Manifest {
    let output = Output::open(role, &fixture.root(role), None, &[], false).unwrap();
    let signal = fixture.job.signal.as_deref();
    let entry = |file: &OutputFile| {
        let facts =
            facts::of(file, signal, None, &BTreeMap::new(), &crate::cancel::Cancel::default()).unwrap();
        let number = |it: &crate::output::key::KeyValue| it.text().parse::<i64>().ok();
        let tids = facts.groups.as_ref().and_then(|it| it.range.as_ref());
        ManifestFile {
            path: file.info.path.clone(),
            record_count: Some(facts.rows),
            fingerprints: facts.fingerprints.as_ref().map(|it| it.all().into_iter().collect()),
            first_ts: facts.range.map(|it| it.0),
            last_ts: facts.range.map(|it| it.1),
            tid_count: facts.groups.as_ref().map(|it| it.distinct),
            min_tid: tids.and_then(|it| number(&it.0)),
            max_tid: tids.and_then(|it| number(&it.1)),
            slot: fixture.job.parameters.slot.filter(|_| facts.traces.is_some()),
            span_count: facts.traces.as_ref().map(|_| facts.rows),
            trace_count: facts.traces.as_ref().map(|it| it.distinct),
            ..ManifestFile::default()
        }
    };
    Manifest { files: output.files.iter().map(entry).collect(), ..Manifest::default() }
}

/// The same two files on both sides, with true manifests.
fn honest(signal: &str, files: [Columns; 2]) -> Fixture {
    let mut fixture = Fixture::of(shipped(signal));
    fixture.job.parameters.slot = (signal == "traces").then_some(13);
    for role in [Role::Baseline, Role::Candidate] {
        for (at, columns) in files.iter().enumerate() {
            write(&fixture.path(role, &format!("{at}.parquet")), columns);
        }
    }
    fixture.manifests = [Role::Baseline, Role::Candidate].map(|role| Some(truth(&fixture, role)));
    fixture
}

fn metrics() -> Fixture {
    let file = |tids: &[i64]| vec![(TID, ints(tids)), (TIME, ints(&[30, 10, 20]))];
    honest("metrics", [file(&[i64::MIN, i64::MIN, -3]), file(&[5, (1 << 53) + 1, i64::MAX])])
}

fn traces() -> Fixture {
    let file = |traces: &[Option<&str>]| {
        vec![(TRACE, maybe_texts(traces)), (START, ints(&[NANOS, NANOS + 2, NANOS + 1]))]
    };
    honest("traces", [file(&[Some("a"), Some(""), Some("a")]), file(&[None, Some("b"), None])])
}

/// What the check says when one entry of one side's manifest is changed.
fn spoiled(mut fixture: Fixture, role: Role, change: fn(&mut ManifestFile)) -> Outcome {
    let side = usize::from(role == Role::Candidate);
    change(&mut fixture.manifests[side].as_mut().unwrap().files[1]);
    fixture.examine(&Metadata)
}

#[test]
fn true_manifests_are_silent_and_say_what_the_rows_say() {
    let fixture = metrics();
    let first = &fixture.manifests[0].as_ref().unwrap().files[0];
    assert_eq!((first.tid_count, first.min_tid, first.max_tid), (Some(2), Some(i64::MIN), Some(-3)));
    // Milliseconds, out of order.
    assert_eq!((first.first_ts, first.last_ts), (Some(10), Some(30)));
    let outcome = fixture.examine(&Metadata);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!(outcome.evidence.metadata.len(), 4 * 6);
    let fixture = traces();
    let files = &fixture.manifests[0].as_ref().unwrap().files;
    // `""` is a trace, a row without one is in none.
    assert_eq!((files[0].span_count, files[0].trace_count, files[0].slot), (Some(3), Some(2), Some(13)));
    assert_eq!((files[1].trace_count, files[1].last_ts), (Some(1), Some(NANOS + 2)));
    let outcome = fixture.examine(&Metadata);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}

#[test]
fn every_wrong_field_of_the_candidate_is_a_blocker_and_of_the_baseline_told() {
    type Change = fn(&mut ManifestFile);
    let of_metrics: [(&[&str], Change); 4] = [
        (&["metadata.tid_count"], |it| it.tid_count = Some(2)),
        (&["metadata.max_tid", "metadata.min_tid"], |it| std::mem::swap(&mut it.min_tid, &mut it.max_tid)),
        // Through a float.
        (&["metadata.max_tid"], |it| it.max_tid = it.max_tid.map(|tid| tid - 1)),
        (&["metadata.last_ts"], |it| it.last_ts = Some(31)),
    ];
    let of_traces: [(&[&str], Change); 4] = [
        (&["metadata.span_count"], |it| it.span_count = Some(2)),
        (&["metadata.trace_count"], |it| it.trace_count = Some(3)),
        (&["metadata.slot"], |it| it.slot = Some(0)),
        (&["metadata.first_ts"], |it| it.first_ts = it.first_ts.map(|ns| ns / 1_000_000)),
    ];
    let cases = of_metrics.map(|it| (metrics as fn() -> Fixture, it)).into_iter();
    for (fixture, (expected, change)) in cases.chain(of_traces.map(|it| (traces as fn() -> Fixture, it))) {
        let outcome = spoiled(fixture(), Role::Candidate, change);
        assert_eq!(blockers(&outcome), expected);
        assert_eq!(outcome.findings[0].place.as_ref().unwrap().file.as_deref(), Some("1.parquet"));
        let outcome = spoiled(fixture(), Role::Baseline, change);
        assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Info)), (0, expected.to_vec()));
    }
}

#[test]
fn a_field_of_some_files_only_is_absent_from_the_others() {
    assert_eq!(blockers(&spoiled(metrics(), Role::Candidate, |it| it.tid_count = None)), ["metadata.absent"]);
    assert_eq!(
        blockers(&spoiled(traces(), Role::Candidate, |it| it.trace_count = None)),
        ["metadata.absent"]
    );
}

/// What a candidate of a kind is told that states only its record counts, beside a baseline that states no more.
fn silent(mut fixture: Fixture, kind: SideKind) -> Vec<String> {
    fixture.kind = kind;
    for file in fixture.manifests.iter_mut().flatten().flat_map(|it| &mut it.files) {
        *file = ManifestFile {
            path: file.path.clone(),
            record_count: file.record_count,
            ..ManifestFile::default()
        };
    }
    let outcome = fixture.examine(&Metadata);
    assert!(
        outcome
            .findings
            .iter()
            .all(|it| it.code == "metadata.not_stated" && it.severity == Severity::Blocker)
    );
    outcome.findings.iter().map(|it| it.evidence[0].value.clone()).collect()
}

#[test]
fn a_built_in_candidate_must_state_what_its_signal_lives_by() {
    for kind in [SideKind::Unified, SideKind::Fault] {
        assert_eq!(silent(metrics(), kind), ["tid_count", "min_tid", "max_tid"]);
        let of_traces = ["first_ts", "last_ts", "slot", "span_count", "trace_count"];
        assert_eq!(silent(traces(), kind), of_traces);
    }
    // Somebody else's writer may say less, and without a slot there is none to state.
    assert_eq!(silent(metrics(), SideKind::Command), Vec::<String>::new());
    let mut fixture = traces();
    fixture.job.parameters.slot = None;
    assert!(!silent(fixture, SideKind::Unified).contains(&"slot".to_owned()));
    // What no row gives a value for need not be stated.
    let none: Columns = vec![(TID, maybe_ints(&[None, None])), (TIME, ints(&[1, 2]))];
    assert_eq!(silent(honest("metrics", [none.clone(), none]), SideKind::Unified), ["tid_count"]);
}

#[test]
fn what_only_the_baseline_states_is_told_if_it_means_something_for_the_signal() {
    let mut fixture = metrics();
    for file in &mut fixture.manifests[1].as_mut().unwrap().files {
        (file.tid_count, file.first_ts) = (None, None);
    }
    for file in &mut fixture.manifests[0].as_mut().unwrap().files {
        // Metrics have no fingerprints to be held against, and no spans.
        (file.fingerprints, file.span_count) = (Some(vec![1]), Some(9));
    }
    let outcome = fixture.examine(&Metadata);
    let told: Vec<&str> = outcome.findings.iter().map(|it| it.evidence[0].value.as_str()).collect();
    assert_eq!((codes(&outcome, Severity::Warning).len(), told), (2, vec!["first_ts", "tid_count"]));
}

#[test]
fn a_count_of_zero_on_all_files_but_the_last_is_defect_b_and_nothing_else_is() {
    let stating = |counts: [Option<u64>; 2], swapped: bool| {
        let mut fixture = metrics();
        fixture.defects = vec![KnownDefect::StatisticsOnLastFileOnly];
        for (file, count) in fixture.manifests[0].as_mut().unwrap().files.iter_mut().zip(counts) {
            file.tid_count = count;
        }
        if swapped {
            fixture.manifests.swap(0, 1);
        }
        let found = fixture.examine(&Metadata).findings;
        found.iter().map(|it| (it.severity, it.defect.clone())).collect::<Vec<_>>()
    };
    let b = Some("B".to_owned());
    assert_eq!(stating([Some(0), Some(3)], false), [(Severity::Info, b.clone())]);
    assert_eq!(stating([Some(1), Some(3)], false), [(Severity::Warning, None)]);
    assert_eq!(stating([Some(2), Some(0)], false), [(Severity::Warning, None)]);
    assert_eq!(stating([Some(0), Some(0)], false), [(Severity::Warning, None), (Severity::Info, b)]);
    assert_eq!(stating([None, Some(3)], false), [(Severity::Warning, None)]);
    // The candidate is never excused.
    assert_eq!(stating([Some(0), Some(3)], true), [(Severity::Blocker, None)]);
}

#[test]
fn a_tid_that_went_through_a_float_is_not_the_tid_that_is_stated() {
    let mut fixture = metrics();
    let tids = floats(&[5.0, 9_007_199_254_740_992.0, 9_223_372_036_854_775_807.0]);
    write(&fixture.path(Role::Candidate, "1.parquet"), &vec![(TID, tids), (TIME, ints(&[30, 10, 20]))]);
    fixture.alone = true;
    assert_eq!(blockers(&fixture.examine(&Metadata)), ["metadata.max_tid", "metadata.min_tid"]);
}

/// The manifest that a golden case's `expected.json` stands for.
fn golden_manifest(case: &Path) -> Manifest {
    let text = std::fs::read(case.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let entry = |result: &serde_json::Value| ManifestFile {
        path: result["file"].as_str().unwrap().to_owned(),
        record_count: result["record_count"].as_u64(),
        file_size: result["file_size"].as_u64(),
        tid_count: result["tid_count"].as_u64(),
        ..ManifestFile::default()
    };
    let results = expected["results"].as_array();
    Manifest { files: results.into_iter().flatten().map(entry).collect(), ..Manifest::default() }
}

#[test]
fn every_wrong_tid_count_of_the_originals_own_outputs_is_defect_b() {
    let Some(folder) = beside("golden") else { return };
    let (mut cases, mut explained) = (0, 0);
    for case in std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains("tidmerge-") || !case.join("output").is_dir() {
            continue;
        }
        let mut fixture = Fixture::of(shipped("metrics"));
        fixture.defects = vec![KnownDefect::StatisticsOnLastFileOnly];
        for file in std::fs::read_dir(case.join("output")).unwrap().map(|it| it.unwrap()) {
            for role in [Role::Baseline, Role::Candidate] {
                std::fs::copy(file.path(), fixture.path(role, &file.file_name().to_string_lossy())).unwrap();
            }
        }
        fixture.manifests[0] = Some(golden_manifest(&case));
        let outcome = fixture.examine(&Metadata);
        for found in &outcome.findings {
            let told = (found.code.as_str(), found.defect.as_deref());
            assert_eq!(told, ("metadata.tid_count", Some("B")), "{name}: {}", found.message);
            explained += found.count;
        }
        cases += 1;
    }
    println!("{cases} cases, {explained} counts of 0");
    assert!(cases > 30 && explained > 100, "{cases} cases, {explained} counts");
}
