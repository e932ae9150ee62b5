//! Against recorded outputs: differences that are known beforehand, and none where there are none.

use std::collections::BTreeMap;

use reports::document::Role;

use super::Rows;
use super::tests::{changed, evidence_of};
use crate::check::KnownDefect;
use crate::check::fixture::{Fixture, beside};

#[test]
fn the_back_test_is_met_exactly() {
    let Some(folder) = beside("backtest") else { return };
    let cases = std::fs::read_dir(&folder).unwrap();
    let mut seen = 0;
    for case in cases.map(|it| it.unwrap().path()).filter(|it| it.is_dir()) {
        seen += 1;
        let expected: serde_json::Value =
            serde_json::from_slice(&std::fs::read(case.join("expected.json")).unwrap()).unwrap();
        let fixture = Fixture::empty();
        for (role, name) in [(Role::Baseline, "baseline"), (Role::Candidate, "candidate")] {
            for file in std::fs::read_dir(case.join(name)).unwrap() {
                let file = file.unwrap();
                let name = file.file_name().into_string().unwrap();
                std::fs::copy(file.path(), fixture.path(role, &name)).unwrap();
            }
        }
        let outcome = fixture.examine(&Rows);
        let evidence = evidence_of(&outcome);
        assert_eq!((evidence.missing, evidence.extra), (0, 0), "{}", case.display());
        assert_eq!(Some(evidence.rows_baseline), expected["rows"].as_u64());
        assert_eq!(Some(evidence.changed), expected["rows_changed"].as_u64(), "{}", case.display());
        let lost: BTreeMap<String, u64> =
            evidence.columns.iter().map(|it| (it.column.clone(), it.kinds["value-to-null"])).collect();
        let wanted: BTreeMap<String, u64> =
            serde_json::from_value(expected["values_lost_by_column"].clone()).unwrap();
        assert_eq!(lost, wanted, "{}", case.display());
        assert!(evidence.columns.iter().all(|it| it.kinds.len() == 1));
        let schema = fixture.examine(&crate::check::schema::Schema);
        let absent: Vec<String> = schema
            .evidence
            .schema
            .iter()
            .filter(|it| it.change == "missing")
            .map(|it| it.column.clone())
            .collect();
        let wanted: Vec<String> =
            serde_json::from_value(expected["columns_absent_in_candidate"].clone()).unwrap();
        assert_eq!(absent, wanted, "{}", case.display());
    }
    assert!(seen >= 3);
}

#[test]
fn the_originals_outputs_hold_the_rows_of_their_inputs() {
    let Some(folder) = beside("golden") else { return };
    let cases = std::fs::read_dir(&folder).unwrap();
    // The original's reader, not its writers: booleans came back null, nested columns collapsed into their leaves, bytes as
    // strings.
    let set_aside = ["b", "bool", "log.bool"];
    let nested = ["buffet-types-map", "buffet-types-struct"];
    let (mut seen, mut different) = (0, Vec::new());
    for case in cases.map(|it| it.unwrap().path()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let left_out = name.contains("metrics") || nested.contains(&name.as_str());
        if !name.starts_with("buffet-") || !case.join("output").is_dir() || left_out {
            continue;
        }
        let params: serde_json::Value =
            serde_json::from_slice(&std::fs::read(case.join("params.json")).unwrap()).unwrap();
        let mut fixture = Fixture::empty();
        for file in std::fs::read_dir(case.join("output")).unwrap().map(|it| it.unwrap()) {
            std::fs::copy(file.path(), fixture.path(Role::Baseline, &file.file_name().to_string_lossy()))
                .unwrap();
        }
        for (index, input) in params["inputs"].as_array().unwrap().iter().enumerate() {
            let input = case.join(input.as_str().unwrap());
            std::fs::copy(&input, fixture.path(Role::Candidate, &format!("{index}.parquet"))).unwrap();
            fixture.job.inputs.push(input);
        }
        fixture.defects = vec![KnownDefect::AnnotationsDropped];
        let outcome = fixture.examine(&Rows);
        seen += 1;
        let evidence = evidence_of(&outcome);
        let known = evidence.columns.iter().all(|it| set_aside.contains(&it.column.as_str()));
        if !known || evidence.missing > 0 || evidence.extra > 0 {
            different.push((name, outcome.summary.clone(), changed(&outcome)));
        }
    }
    assert!(seen > 20);
    assert!(different.is_empty(), "{different:#?}");
}
