use std::collections::BTreeMap;

use document::report::Tool;

use super::*;

fn sample() -> Selftest {
    let trial = |corpus: &str, outcome, red: &[&str]| Trial {
        corpus: corpus.to_owned(),
        outcome,
        red: red.iter().map(|it| (*it).to_owned()).collect(),
        raised: Vec::new(),
    };
    let fault = |name: &str, trials| SelftestFault {
        name: name.to_owned(),
        family: "rows".to_owned(),
        what: "A row | is gone.".to_owned(),
        needs: "a row".to_owned(),
        caught_by: vec!["ROWS".to_owned()],
        raises: Vec::new(),
        trials,
    };
    Selftest {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: "parallax".to_owned(),
            version: "0.1.0".to_owned(),
            profile: "release".to_owned(),
            crates: BTreeMap::new(),
        },
        passed: false,
        headline: "one fault escaped".to_owned(),
        complete: false,
        rows: None,
        checks: ["ROWS", "ORDER", "SIZES"].map(str::to_owned).to_vec(),
        corpora: vec![SelftestCorpus {
            name: "one".to_owned(),
            signal: "logs".to_owned(),
            rows: 7,
            false_alarms: vec!["ORDER: <b>".to_owned()],
        }],
        faults: vec![
            fault("drop-row", vec![trial("one", TrialOutcome::Caught, &["ROWS", "ORDER"])]),
            fault("lose-row", vec![trial("one", TrialOutcome::NotApplicable, &[])]),
        ],
        problems: vec!["something | escaped".to_owned()],
    }
}

#[test]
fn families_have_one_table_each_wherever_their_faults_stand() {
    let mut selftest = sample();
    let mut other = selftest.faults[0].clone();
    other.family = "order".to_owned();
    selftest.faults.insert(1, other);
    let page = markdown(&selftest);
    assert_eq!((page.matches("### rows").count(), page.matches("### order").count()), (1, 1), "{page}");
    assert_eq!(page.matches("`lose-row`").count(), 1, "{page}");
}

#[test]
fn every_file_is_written_and_what_is_no_text_of_ours_is_escaped() {
    let dir = tempfile::tempdir().unwrap();
    write_all(&sample(), dir.path()).unwrap();
    for name in FILES {
        assert!(std::fs::metadata(dir.path().join(name)).unwrap().len() > 0, "{name}");
    }
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(serde_json::from_str::<Selftest>(&read("selftest.json")).unwrap(), sample());
    assert!(read("selftest.html").contains("&lt;b&gt;") && !read("selftest.html").contains("<b>"));
    assert!(read("selftest.md").contains("A row \\| is gone."));
    let csv = read("selftest.csv");
    assert!(csv.starts_with("fault,family,corpus,outcome,must,red,must_raise,raised\r\n"), "{csv}");
    assert!(csv.contains("drop-row,rows,one,caught,ROWS,ROWS ORDER,,\r\n"), "{csv}");
    assert!(text(&sample()).contains("something | escaped"));
}
