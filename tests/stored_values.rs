//! Values are compared as they are stored: INT96, INTERVAL, integers outside of their annotation, text that is not UTF-8; as
//! values, nested, and as keys, in both directions. What cannot be read at all can be left out.

use std::process::Command;

use reports::document::CheckStatus;
use serde::Deserialize;

use crate::support::{check, parallax, python_has};

/// What `tests/cases/*.py` say of a pair of files.
#[derive(Deserialize)]
struct Case {
    name: String,
    args: Vec<String>,
    code: i32,
    back: i32,
    codes: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    shows: Vec<String>,
}

/// Makes the files of a script; absent where `python3` has no PyArrow and it is not required.
fn made(script: &str) -> Option<(tempfile::TempDir, Vec<Case>)> {
    if !python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!("{}/tests/cases/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3").arg("-B").arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cases = serde_json::from_slice(&output.stdout).unwrap();
    Some((folder, cases))
}

fn judge(folder: &std::path::Path, case: &Case, wrong: &mut Vec<String>) {
    for (from, to, code) in [("old", "new", case.code), ("new", "old", case.back)] {
        let path = |side: &str| folder.join(&case.name).join(format!("{side}.parquet"));
        let (a, b) = (path(from), path(to));
        let mut arguments = vec!["compare", a.to_str().unwrap(), b.to_str().unwrap()];
        arguments.extend(case.args.iter().map(String::as_str));
        let finished = parallax(&arguments).finish();
        let said = |what: &str| format!("{} ({from} against {to}): {what}", case.name);
        if finished.code != Some(code) {
            wrong.push(said(&format!(
                "exit {:?}, not {code}: {}{}",
                finished.code, finished.stdout, finished.stderr
            )));
            continue;
        }
        let report = finished.report();
        let rows = check(&report.jobs[0], "ROWS");
        if code != 3 && (rows.status == CheckStatus::Inconclusive || rows.coverage.rows == 0) {
            wrong.push(said(&format!("ROWS: {}", rows.summary)));
        }
        let text = std::fs::read_to_string(finished.path("parallax-report/report.json")).unwrap();
        let found: Vec<&str> =
            crate::support::findings(&report).map(|finding| finding.code.as_str()).collect();
        if from == "old" {
            for code in case.without.iter().filter(|code| found.contains(&code.as_str())) {
                wrong.push(said(&format!("{code} among {found:?}")));
            }
            for code in case.codes.iter().filter(|code| !found.contains(&code.as_str())) {
                wrong.push(said(&format!("no {code} among {found:?}")));
            }
        }
        if code != 0 {
            for shown in &case.shows {
                let quoted = serde_json::to_string(shown).unwrap();
                if !text.contains(quoted.trim_matches('"')) {
                    wrong.push(said(&format!("the report does not show {shown}")));
                }
            }
        }
    }
}

fn judged(script: &str, least: usize) {
    let Some((folder, cases)) = made(script) else { return };
    assert!(cases.len() >= least, "{} cases", cases.len());
    let mut wrong = Vec::new();
    cases.iter().for_each(|case| judge(folder.path(), case, &mut wrong));
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn values_are_compared_as_they_are_stored() {
    judged("stored.py", 60);
}

#[test]
fn a_column_that_cannot_be_read_is_named_and_can_be_left_out() {
    judged("left_out.py", 30);
}

#[test]
fn a_change_of_type_hides_no_change_of_value() {
    judged("retyped.py", 100);
}
