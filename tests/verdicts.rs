//! Inputs and writers that were once judged wrongly, each through the whole program: what must pass, passes; what must not, does not.
//!
//! `tests/cases/verdicts.py` makes each case with PyArrow or DuckDB in a directory of its own. Without them the test says that it was
//! skipped; `PARALLAX_REQUIRE_PYARROW=1` and `PARALLAX_REQUIRE_DUCKDB=1` insist.

use std::process::Command;

use crate::support::python_has;

#[test]
fn what_was_judged_wrongly_is_judged_rightly() {
    if !python_has("pyarrow", "PARALLAX_REQUIRE_PYARROW") || !python_has("duckdb", "PARALLAX_REQUIRE_DUCKDB")
    {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/verdicts.py");
    let mut command = Command::new("python3");
    command.arg("-B").arg(script).env("PARALLAX", env!("CARGO_BIN_EXE_parallax"));
    let done = command.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}{complained}");
    let verdicts: Vec<&str> = said.lines().filter(|line| line.contains(": exit ")).collect();
    assert_eq!(verdicts.len(), 16, "{said}{complained}");
    let wrong: Vec<&&str> = verdicts.iter().filter(|line| !line.starts_with("ok ")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{said}");
    assert!(said.contains("inputs left: ['s.parquet']"), "the input is still there: {said}");
}
