use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reports::document::{Role, Severity};
use reports::manifest::{Manifest, ManifestFile, SplitKey};

use super::*;
use crate::check::fixture::{
    Fixture, beside, blockers, codes, floats, ints, logs, maybe_ints, rows, take, texts,
};
use crate::job::JobKind;
use crate::output::testing::{Columns, write};
use crate::output::{Output, OutputFile};

const TIME: &str = "_cardinalhq.timestamp";

/// A manifest that says the truth, field for field.
fn truth(root: &Path) -> Manifest {
    let output = Output::open(Role::Candidate, root, None, &[TIME.to_owned()], false).unwrap();
    let entry = |file: &OutputFile| {
        let facts = facts::of(file, Some(&logs()), None, &BTreeMap::new(), &crate::cancel::Cancel::default())
            .unwrap();
        ManifestFile {
            path: file.info.path.clone(),
            record_count: Some(facts.rows),
            file_size: Some(facts.bytes),
            fingerprints: Some(facts.fingerprints.unwrap().all().into_iter().collect()),
            first_ts: facts.range.map(|it| it.0),
            last_ts: facts.range.map(|it| it.1),
            ..ManifestFile::default()
        }
    };
    Manifest { files: output.files.iter().map(entry).collect(), ..Manifest::default() }
}

/// Both sides hold the same rows in two files each, with true manifests.
fn honest() -> Fixture {
    let mut fixture = Fixture::empty();
    for role in [Role::Baseline, Role::Candidate] {
        write(&fixture.path(role, "1.parquet"), &take(&rows(), &[0, 1, 2, 3]));
        write(&fixture.path(role, "2.parquet"), &take(&rows(), &[4, 5, 6, 7]));
    }
    fixture.manifests = [Role::Baseline, Role::Candidate].map(|role| Some(truth(&fixture.root(role))));
    fixture
}

/// What the check says when one entry of one side's manifest is changed.
fn spoiled(role: Role, change: impl FnOnce(&mut ManifestFile)) -> Outcome {
    let mut fixture = honest();
    let side = usize::from(role == Role::Candidate);
    change(&mut fixture.manifests[side].as_mut().unwrap().files[1]);
    fixture.examine(&Metadata)
}

#[test]
fn true_manifests_are_silent() {
    let outcome = honest().examine(&Metadata);
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    assert_eq!((outcome.coverage.files, outcome.coverage.rows), (4, 16));
    assert_eq!(outcome.evidence.metadata.len(), 20);
}

#[test]
fn every_wrong_field_of_the_candidate_is_a_blocker() {
    type Change = fn(&mut ManifestFile);
    let cases: [(&str, Change); 5] = [
        ("metadata.record_count", |it| it.record_count = Some(5)),
        ("metadata.file_size", |it| it.file_size = Some(1)),
        ("metadata.first_ts", |it| it.first_ts = Some(41)),
        // The exclusive end is not the last timestamp.
        ("metadata.last_ts", |it| it.last_ts = Some(71)),
        ("metadata.fingerprints", |it| it.fingerprints.as_mut().unwrap().truncate(1)),
    ];
    for (code, change) in cases {
        let outcome = spoiled(Role::Candidate, change);
        assert_eq!(blockers(&outcome), [code]);
        assert_eq!(outcome.findings[0].place.as_ref().unwrap().file.as_deref(), Some("2.parquet"));
        // On the baseline the same is told and gates nothing.
        let outcome = spoiled(Role::Baseline, change);
        assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Info)), (0, vec![code]));
    }
}

#[test]
fn a_field_that_only_some_files_state_is_absent_from_the_others() {
    assert_eq!(blockers(&spoiled(Role::Candidate, |it| it.fingerprints = None)), ["metadata.absent"]);
    let mut fixture = honest();
    for file in &mut fixture.manifests[1].as_mut().unwrap().files {
        file.fingerprints = None;
        file.first_ts = None;
    }
    // Stated of no file: not a mismatch, but told where the baseline says more.
    let outcome = fixture.examine(&Metadata);
    assert_eq!(codes(&outcome, Severity::Warning), ["metadata.not_stated"; 2]);
    assert!(blockers(&outcome).is_empty());
}

#[test]
fn without_any_manifest_the_question_does_not_arise() {
    let mut fixture = honest();
    fixture.manifests[0] = None;
    let outcome = fixture.examine(&Metadata);
    assert_eq!(outcome.status, None);
    assert!(outcome.summary.contains("the baseline has no manifest"), "{}", outcome.summary);
    fixture.manifests[1] = None;
    assert_eq!(fixture.examine(&Metadata).status, Some(CheckStatus::NotApplicable));
}

#[test]
fn rows_without_a_timestamp_and_floats_follow_the_rule() {
    let first_and_last = |columns: Columns| {
        let fixture = Fixture::pair(&columns, &columns);
        let it = truth(&fixture.root(Role::Candidate)).files.remove(0);
        (it.first_ts, it.last_ts)
    };
    assert_eq!(first_and_last(vec![(TIME, maybe_ints(&[None, Some(3), Some(9)]))]), (Some(3), Some(9)));
    assert_eq!(first_and_last(vec![(TIME, maybe_ints(&[None]))]), (None, None));
    assert_eq!(first_and_last(vec![(TIME, floats(&[-1.9, 7.9]))]), (Some(-1), Some(7)));
    assert_eq!(first_and_last(vec![(TIME, floats(&[f64::NAN, 7.9]))]), (Some(i64::MIN), Some(7)));
    assert_eq!(first_and_last(vec![(TIME, texts(&["x"]))]), (Some(0), Some(0)));
}

/// Two files of hour 0 and one of hour 1, with split keys.
fn by_hour() -> Fixture {
    let mut fixture = Fixture::empty();
    fixture.job.kind = JobKind::Ingest;
    let times: [&[i64]; 3] = [&[0, 5], &[7, 3_599_999], &[3_600_000]];
    for (file, times) in times.iter().enumerate() {
        for role in [Role::Baseline, Role::Candidate] {
            write(&fixture.path(role, &format!("{file}.parquet")), &vec![(TIME, ints(times))]);
        }
    }
    let manifest = |root: PathBuf| {
        let mut manifest = truth(&root);
        for (file, (hour, file_index)) in manifest.files.iter_mut().zip([(0, 0), (0, 1), (1, 0)]) {
            file.split_key =
                Some(SplitKey { dateint: 19_700_101, hour, ingest_dateint: 20_250_801, file_index });
        }
        manifest
    };
    fixture.manifests = [Role::Baseline, Role::Candidate].map(|role| Some(manifest(fixture.root(role))));
    fixture
}

#[test]
fn split_keys_are_held_against_the_rows() {
    assert!(by_hour().examine(&Metadata).findings.is_empty());
    let cases: [fn(&mut SplitKey); 4] = [
        |key| key.hour = 2,
        |key| key.dateint = 19_700_102,
        |key| key.file_index = 7,
        // Twice the same key: hour 0, index 0.
        |key| key.file_index = 0,
    ];
    for change in cases {
        let mut fixture = by_hour();
        change(fixture.manifests[1].as_mut().unwrap().files[1].split_key.as_mut().unwrap());
        let outcome = fixture.examine(&Metadata);
        assert_eq!(blockers(&outcome), ["metadata.split_key"]);
    }
    let mut fixture = by_hour();
    fixture.job.parameters.ingest_dateint = Some(20_250_802);
    assert_eq!(blockers(&fixture.examine(&Metadata)), ["metadata.split_key"]);
}

#[test]
fn the_fingerprint_shift_is_told_by_its_letter_only_if_it_is_exact() {
    let mut fixture = honest();
    fixture.defects = vec![KnownDefect::FingerprintShift];
    let root = fixture.root(Role::Baseline);
    let prints = |name: &str| {
        let file = OutputFile::open(&root.join(name), name).unwrap();
        facts::of(&file, Some(&logs()), None, &BTreeMap::new(), &crate::cancel::Cancel::default())
            .unwrap()
            .fingerprints
            .unwrap()
    };
    let (one, two) = (prints("1.parquet"), prints("2.parquet"));
    let shifted = [one.all().union(&two.first_row).copied().collect(), two.rest.iter().copied().collect()];
    for (file, set) in fixture.manifests[0].as_mut().unwrap().files.iter_mut().zip(shifted) {
        file.fingerprints = Some(set);
    }
    let outcome = fixture.examine(&Metadata);
    assert_eq!(codes(&outcome, Severity::Info), ["metadata.fingerprints"]);
    assert_eq!(outcome.findings[0].defect.as_deref(), Some("A"));
    // One more fingerprint is lost: no longer what the rule yields.
    fixture.manifests[0].as_mut().unwrap().files[0].fingerprints.as_mut().unwrap().pop();
    let outcome = fixture.examine(&Metadata);
    assert_eq!(codes(&outcome, Severity::Warning), ["metadata.fingerprints"]);
    // The candidate is never excused.
    fixture.manifests.swap(0, 1);
    assert_eq!(blockers(&fixture.examine(&Metadata)), ["metadata.fingerprints"]);
}

#[test]
fn the_hour_range_is_told_by_its_letter_from_the_order_in_which_rows_arrived() {
    let mut fixture = by_hour();
    fixture.defects = vec![KnownDefect::HourRange];
    let input = fixture.folder.path().join("in.parquet");
    write(&input, &vec![(TIME, ints(&[5, 3_600_000, 0, 3_599_999, 7]))]);
    fixture.job.inputs = vec![input];
    for file in &mut fixture.manifests[0].as_mut().unwrap().files[..2] {
        (file.first_ts, file.last_ts) = (Some(7), Some(3_599_999));
    }
    let outcome = fixture.examine(&Metadata);
    assert!(outcome.findings.iter().all(|it| it.defect.as_deref() == Some("C")), "{:#?}", outcome.findings);
    assert_eq!(codes(&outcome, Severity::Info), ["metadata.first_ts", "metadata.last_ts"]);
    fixture.manifests[0].as_mut().unwrap().files[1].first_ts = Some(6);
    assert!(!codes(&fixture.examine(&Metadata), Severity::Warning).is_empty());
}

/// The manifest that a golden case's `expected.json` stands for.
fn golden_manifest(expected: &serde_json::Value) -> Manifest {
    let entry = |result: &serde_json::Value| {
        let key = |name: &str| result["split_key"][name].as_i64();
        ManifestFile {
            path: result["file"].as_str().unwrap().to_owned(),
            record_count: result["record_count"].as_u64(),
            file_size: result["file_size"].as_u64(),
            fingerprints: result["fingerprints"]
                .as_array()
                .map(|it| it.iter().map(|value| value.as_i64().unwrap()).collect()),
            first_ts: result["first_ts"].as_i64(),
            last_ts: result["last_ts"].as_i64(),
            split_key: key("DateInt").map(|dateint| SplitKey {
                dateint,
                hour: key("Hour").unwrap(),
                ingest_dateint: key("IngestDateint").unwrap(),
                file_index: key("FileIndex").unwrap(),
            }),
            ..ManifestFile::default()
        }
    };
    let results = expected["results"].as_array();
    Manifest { files: results.into_iter().flatten().map(entry).collect(), ..Manifest::default() }
}

#[test]
fn every_mismatch_of_the_originals_own_outputs_is_explained_exactly_by_a_defect() {
    let Some(folder) = beside("golden") else { return };
    let cases = std::fs::read_dir(&folder).unwrap();
    let mut seen = std::collections::BTreeMap::<String, u64>::new();
    for case in cases.map(|it| it.unwrap().path()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let writes = ["buffet-", "fingerprint-", "real-buffet-", "real-fingerprint-"];
        // The original's reader, not its writers: columns of bytes came back as strings, and so have a fingerprint there.
        let with_bytes = name.contains("metrics") || name.ends_with("types-binary");
        if !writes.iter().any(|it| name.starts_with(it)) || !case.join("output").is_dir() || with_bytes {
            continue;
        }
        let read = |file: &str| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(case.join(file)).unwrap()).unwrap()
        };
        let mut fixture = Fixture::empty();
        fixture.signal(|signal| {
            let trigram = [
                "_cardinalhq.name",
                "_cardinalhq.level",
                "_cardinalhq.span_trace_id",
                "resource.k8s.namespace.name",
                "resource.service.name",
            ];
            signal.fingerprints.as_mut().unwrap().trigram = trigram.map(str::to_owned).to_vec();
        });
        fixture.defects = vec![KnownDefect::FingerprintShift, KnownDefect::HourRange];
        fixture.manifests[0] = Some(golden_manifest(&read("expected.json")));
        for file in std::fs::read_dir(case.join("output")).unwrap().map(|it| it.unwrap()) {
            for role in [Role::Baseline, Role::Candidate] {
                std::fs::copy(file.path(), fixture.path(role, &file.file_name().to_string_lossy())).unwrap();
            }
        }
        let inputs = read("params.json")["inputs"].as_array().unwrap().clone();
        fixture.job.inputs = inputs.iter().map(|it| case.join(it.as_str().unwrap())).collect();
        let outcome = fixture.examine(&Metadata);
        for finding in &outcome.findings {
            let letter = finding.defect.clone().unwrap_or_else(|| "none".to_owned());
            *seen.entry(letter.clone()).or_default() += 1;
            if letter == "none" {
                println!("{name}: {} {} {:?}", finding.code, finding.message, finding.evidence);
            }
        }
    }
    println!("{seen:?}");
    assert!(seen["A"] > 10 && seen["C"] > 5, "{seen:?}");
    assert_eq!(seen.get("none"), None);
}

#[test]
fn the_baselines_manifest_alone_does_not_vouch_for_the_candidate() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    let file =
        |path: &str| ManifestFile { path: path.into(), record_count: Some(8), ..ManifestFile::default() };
    fixture.manifests[0] = Some(Manifest { files: vec![file("one.parquet")], ..Manifest::default() });
    assert_eq!(fixture.examine(&Metadata).status, Some(CheckStatus::NotApplicable));
    // Nor does a manifest that states nothing but paths.
    let bare = ManifestFile { path: "two.parquet".into(), ..ManifestFile::default() };
    fixture.manifests[1] = Some(Manifest { files: vec![bare], ..Manifest::default() });
    assert_eq!(fixture.examine(&Metadata).status, Some(CheckStatus::NotApplicable));
    fixture.manifests[1] = Some(Manifest { files: vec![file("two.parquet")], ..Manifest::default() });
    assert_eq!(fixture.examine(&Metadata).status, None);
}

#[test]
fn a_field_that_only_the_baseline_states_blocks_a_built_in_candidate_and_warns_of_others() {
    let mut fixture = Fixture::pair(&rows(), &rows());
    let file =
        |path: &str| ManifestFile { path: path.into(), record_count: Some(8), ..ManifestFile::default() };
    let with_time = ManifestFile { first_ts: Some(10), ..file("one.parquet") };
    fixture.manifests[0] = Some(Manifest { files: vec![with_time], ..Manifest::default() });
    fixture.manifests[1] = Some(Manifest { files: vec![file("two.parquet")], ..Manifest::default() });
    assert_eq!(codes(&fixture.examine(&Metadata), Severity::Warning), ["metadata.not_stated"]);
    fixture.kind = reports::document::SideKind::Unified;
    assert_eq!(blockers(&fixture.examine(&Metadata)), ["metadata.not_stated"]);
}
