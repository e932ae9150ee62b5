//! Guards are not stricter than other readers: footers of old writers, row groups without rows, padding, outputs without rows.
//!
//! `tests/cases/guards.py` makes the inputs with PyArrow. Without `python3` with PyArrow the test says that it was skipped;
//! `PARALLAX_REQUIRE_PYARROW=1` insists.

use std::process::Command;

use reports::document::CheckStatus;
use serde::Deserialize;

use crate::support::{check, findings, parallax, python_has};

/// What `tests/cases/guards.py` says of a pair of outputs.
#[derive(Deserialize)]
struct Case {
    name: String,
    args: Vec<String>,
    code: i32,
    back: i32,
    codes: Vec<String>,
    without: Vec<String>,
}

fn made() -> Option<(tempfile::TempDir, Vec<Case>)> {
    if !python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/guards.py");
    let mut make = Command::new("python3");
    make.arg("-B").arg(script).arg(folder.path());
    // 32,770 row groups take a minute.
    if std::env::var_os("PARALLAX_MANY_ROW_GROUPS").is_some_and(|value| value == "1") {
        make.arg("many-row-groups");
    }
    let made = make.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let cases = serde_json::from_slice(&made.stdout).unwrap();
    Some((folder, cases))
}

#[test]
fn what_other_readers_read_is_compared_and_its_defects_are_reported() {
    let Some((folder, cases)) = made() else { return };
    assert!(cases.len() >= 18, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        for (from, to, code) in [("old", "new", case.code), ("new", "old", case.back)] {
            let path = |side: &str| folder.path().join(&case.name).join(side).to_str().unwrap().to_owned();
            let (a, b) = (path(from), path(to));
            let mut arguments = vec!["compare", a.as_str(), b.as_str(), "--plain"];
            arguments.extend(case.args.iter().map(String::as_str));
            let done = parallax(&arguments).finish();
            let mut said = |what: String| wrong.push(format!("{}, {from} against {to}: {what}", case.name));
            if done.code != Some(code) {
                said(format!("exit {:?}, not {code}: {}{}", done.code, done.stdout, done.stderr));
                continue;
            }
            let report = done.report();
            let found: Vec<&str> = findings(&report).map(|it| it.code.as_str()).collect();
            if from == "old" {
                case.codes
                    .iter()
                    .filter(|wanted| !found.contains(&wanted.as_str()))
                    .for_each(|wanted| said(format!("no {wanted} among {found:?}")));
            }
            case.without
                .iter()
                .filter(|unwanted| found.contains(&unwanted.as_str()))
                .for_each(|unwanted| said(format!("{unwanted} among {found:?}")));
            if code == 0 {
                let rows = check(&report.jobs[0], "ROWS");
                if rows.status != CheckStatus::Pass {
                    said(format!("ROWS: {}", rows.summary));
                }
                if done.stdout.contains("roll back") {
                    said("a harmless finding asks to roll back".to_owned());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
