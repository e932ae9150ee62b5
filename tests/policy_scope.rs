//! A policy for a part of the work: what is said for one organisation, kind of metric, signal or job never leaks to another.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use reports::document::{Action, Finding, Report, Severity};

use crate::support::{Finished, check, findings, parallax};

/// A row: id, organisation, kind, body.
type Row<'a> = (i64, Option<&'a str>, &'a str, &'a str);

fn write(path: &Path, rows: &[Row<'_>]) {
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(rows.iter().map(|it| it.0).collect::<Int64Array>()) as ArrayRef),
        (
            "_cardinalhq.customer_id",
            Arc::new(rows.iter().map(|it| it.1).collect::<StringArray>()) as ArrayRef,
        ),
        ("kind", Arc::new(rows.iter().map(|it| Some(it.2)).collect::<StringArray>()) as ArrayRef),
        ("body", Arc::new(rows.iter().map(|it| Some(it.3)).collect::<StringArray>()) as ArrayRef),
    ])
    .unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

const A: &[Row<'_>] = &[
    (1, Some("acme"), "gauge", "same"),
    (2, Some("acme"), "histogram", "old"),
    (3, Some("acme"), "gauge", "old"),
    (4, Some("else"), "histogram", "old"),
    (5, Some("acme"), "gauge", "gone"),
    (6, Some("else"), "gauge", "gone"),
    (7, None, "gauge", "old"),
    // Moves from one organisation to the other, and changes on the way.
    (8, Some("acme"), "gauge", "old"),
    (9, Some("acme-2"), "gauge", "old"),
];

const B: &[Row<'_>] = &[
    (1, Some("acme"), "gauge", "same"),
    (2, Some("acme"), "histogram", "new"),
    (3, Some("acme"), "gauge", "new"),
    (4, Some("else"), "histogram", "new"),
    (7, None, "gauge", "new"),
    (8, Some("else"), "gauge", "new"),
    (9, Some("acme-2"), "gauge", "new"),
    (10, Some("acme"), "gauge", "extra"),
];

fn compared(a: &[Row<'_>], b: &[Row<'_>], policy: &str, rest: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    let (left, right) = (home.path().join("a.parquet"), home.path().join("b.parquet"));
    write(&left, a);
    write(&right, b);
    let arguments = ["compare", left.to_str().unwrap(), right.to_str().unwrap(), "--key", "id"];
    parallax(&[&arguments[..], rest].concat()).with_file("parallax.toml", policy).finish()
}

fn block(scope: &str, codes: &[&str]) -> String {
    let waiver = |code: &&str| {
        format!("[[policy.for.waiver]]\ncode = \"{code}\"\nreason = \"known there\"\nowner = \"ada\"\n")
    };
    format!("[[policy.for]]\n{scope}\n{}", codes.iter().map(waiver).collect::<String>())
}

/// (code, column, rows, waived) of every finding of ROWS, sorted.
fn rows(report: &Report) -> Vec<(String, String, u64, bool)> {
    let of = |it: &Finding| {
        let column =
            it.place.as_ref().and_then(|place| place.column.clone()).filter(|_| it.code == "rows.changed");
        (it.code.clone(), column.unwrap_or_default(), it.count, it.waived.is_some())
    };
    let mut rows: Vec<_> = findings(report).filter(|it| it.check == "ROWS").map(of).collect();
    rows.sort();
    rows
}

fn told(rows: &[(String, String, u64, bool)]) -> Vec<(&str, &str, u64, bool)> {
    rows.iter().map(|it| (it.0.as_str(), it.1.as_str(), it.2, it.3)).collect()
}

const ALL: &[&str] = &["rows.changed", "rows.missing", "rows.extra"];

#[test]
fn a_waiver_for_one_organisation_never_covers_anothers_rows_and_the_rest_still_fails_with_exact_counts() {
    let done = compared(A, B, &block("organization = \"acme\"", ALL), &["--by", "kind"]).expect(1);
    let report = done.report();
    assert_eq!(
        told(&rows(&report)),
        [
            // The row that moved lies in two organisations at once: no waiver for one covers it.
            ("rows.changed", "_cardinalhq.customer_id", 1, false),
            ("rows.changed", "body", 2, true),
            ("rows.changed", "body", 4, false),
            ("rows.extra", "", 1, true),
            ("rows.missing", "", 1, false),
            ("rows.missing", "", 1, true),
        ]
    );
    let waived = findings(&report).find(|it| it.waived.is_some() && it.count == 2).unwrap();
    assert!(waived.message.contains("2 of 6 where organization = acme"), "{}", waived.message);
    let rest = findings(&report).find(|it| it.count == 4).unwrap();
    assert!(rest.message.contains("4 of 6 outside"), "{}", rest.message);
    // Its place is one of its own rows.
    assert_eq!(rest.place.as_ref().unwrap().row, Some(3), "{rest:?}");
    assert_eq!(report.jobs[0].policy_scopes, ["rows of organization = acme (parallax.toml:1)"]);
    assert_eq!(report.jobs[0].rows.as_ref().unwrap().blast.as_ref().unwrap().by, ["kind"]);
    let ids: std::collections::BTreeSet<_> = findings(&report).map(|it| &it.id).collect();
    assert_eq!(ids.len(), findings(&report).count(), "every part has an id of its own");
    assert!(report.waivers.iter().all(|waiver| waiver.applied == 1), "{:?}", report.waivers);
    assert!(report.waivers[0].scope.contains("rows of organization = acme"), "{}", report.waivers[0].scope);
}

#[test]
fn a_waiver_for_one_organisation_covers_a_finding_whole_where_all_its_rows_lie_there() {
    let (a, b) = (&A[..3], &B[..3]);
    let report = compared(a, b, &block("organization = \"acme\"", ALL), &[]).expect(0).report();
    assert_eq!(told(&rows(&report)), [("rows.changed", "body", 2, true)]);
    for scope in ["organization = \"acm\"", "organization = \"acme-2\"", "organization = \"*\""] {
        let report = compared(a, b, &block(scope, ALL), &[]).expect(1).report();
        assert_eq!(told(&rows(&report)), [("rows.changed", "body", 2, false)], "{scope}");
        assert!(report.warnings.iter().all(|it| it.code == "waiver.unused"), "{:?}", report.warnings);
    }
}

#[test]
fn every_condition_of_a_scope_must_hold_and_two_scopes_cover_what_lies_in_either() {
    let both = block("organization = \"acme\"\nwhere = { kind = \"histogram\" }", ALL);
    let report = compared(A, B, &both, &[]).expect(1).report();
    assert!(told(&rows(&report)).contains(&("rows.changed", "body", 1, true)));
    assert!(told(&rows(&report)).contains(&("rows.changed", "body", 5, false)));
    let either = format!(
        "{}{}",
        block("organization = \"acme\"", &["rows.changed"]),
        block("where = { kind = \"histogram\" }", &["rows.changed"])
    );
    let report = compared(A, B, &either, &[]).expect(1).report();
    let parts: Vec<_> =
        rows(&report).into_iter().filter(|it| it.1 == "body").map(|it| (it.2, it.3)).collect();
    // Rows 2 and 3 by the first, row 4 by the second; rows 7, 8 and 9 by none.
    assert_eq!(parts, [(1, true), (2, true), (3, false)]);
}

#[test]
fn a_scope_by_rows_holds_only_within_its_jobs_and_a_waiver_in_it_only_within_its_own_limits() {
    let (a, b) = (&A[..3], &B[..3]);
    for (scope, exit) in [("job = \"compare\"", 0), ("job = \"other\"", 1), ("signal = \"logs\"", 1)] {
        let block = block(&format!("organization = \"acme\"\n{scope}"), ALL);
        compared(a, b, &block, &[]).expect(exit);
    }
    let expired =
        format!("{}expires = \"2020-01-01\"\n", block("organization = \"acme\"", &["rows.changed"]));
    compared(a, b, &expired, &[]).expect(1);
    let column =
        |name: &str| format!("{}column = \"{name}\"\n", block("organization = \"acme\"", &["rows.changed"]));
    compared(a, b, &column("kind"), &[]).expect(1);
    compared(a, b, &column("body"), &[]).expect(0);
}

#[test]
fn rows_of_a_scope_ask_for_its_action_and_others_for_the_general_one() {
    let policy =
        "[[policy.for]]\nwhere = { kind = \"histogram\" }\nactions = { \"rows.changed\" = \"warn\" }\n";
    let report = compared(A, B, policy, &[]).expect(1).report();
    let body = |it: &&Finding| it.place.as_ref().is_some_and(|place| place.column.as_deref() == Some("body"));
    let mut actions: Vec<_> =
        findings(&report).filter(body).map(|it| (it.count, it.action, it.severity)).collect();
    actions.sort();
    let blocker = Severity::Blocker;
    assert_eq!(actions, [(2, Some(Action::Warn), blocker), (4, Some(Action::Page), blocker)]);
    assert_eq!(report.jobs[0].policy_scopes, ["rows of kind = histogram (parallax.toml:1)"]);
}

#[test]
fn what_is_said_of_some_jobs_changes_every_value_there_and_nothing_elsewhere() {
    let corpora = ["compact-interleaved-hours", "compact-one-row"];
    let policy = "[[policy.for]]\njob = \"compact-inter*\"\ngates = [\"SCHEMA\"]\nrequires_every_job = [\"LOCALITY\"]\n\
                  ignore = { \"_cardinalhq.id\" = \"made anew\" }\n";
    let done = parallax(&["run", "--corpus", corpora[0], "--corpus", corpora[1]])
        .with_file("parallax.toml", policy)
        .finish()
        .expect(3);
    let report = done.report();
    let gates = |job: usize| check(&report.jobs[job], "ORDER").gates;
    assert_eq!((gates(0), gates(1)), (false, true));
    let ignored = |job: usize| report.jobs[job].rows.as_ref().unwrap().ignored.len();
    assert_eq!((ignored(0), ignored(1)), (1, 0));
    assert!(report.jobs[0].headline.contains("LOCALITY is required"), "{}", report.jobs[0].headline);
    assert!(!report.jobs[1].headline.contains("LOCALITY"), "{}", report.jobs[1].headline);
    assert_eq!(report.jobs[0].policy_scopes, ["job compact-inter* (parallax.toml:1)"]);
    assert!(report.jobs[1].policy_scopes.is_empty());
    let html = std::fs::read_to_string(done.path("parallax-report/index.html")).unwrap();
    assert!(html.contains("Policy of its own"));
}

#[test]
fn policy_show_tells_scoped_values_with_their_origin_and_the_digest_covers_them() {
    let policy = "[policy.sizes]\nbytes_warn = 0.2\n\n[[policy.for]]\nsignal = \"metrics\"\n\
                  tolerance = { value = { relative = 0.001 } }\nsizes = { bytes_warn = 0.05 }\n\n\
                  [[policy.for]]\norganization = \"acme\"\nactions = { \"rows.*\" = \"note\" }\n";
    let show = |policy: &str| {
        parallax(&["policy", "show"]).with_file("parallax.toml", policy).finish().expect(0).stdout
    };
    let text = show(policy);
    for (key, value, origin) in [
        ("for signal metrics: sizes.bytes_warn", "0.05", "parallax.toml:7"),
        ("for signal metrics: tolerance.value", "absolute 0, relative 0.001", "parallax.toml:6"),
        ("for rows of organization = acme: actions.rows.*", "note", "parallax.toml:11"),
    ] {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}\n{text}"));
        assert!(line.contains(value) && line.ends_with(origin), "{line}");
    }
    let digest = |text: &str| text.lines().last().unwrap().to_owned();
    assert_ne!(digest(&text), digest(&show(&policy.replace("0.05", "0.06"))));
    assert_ne!(digest(&text), digest(&show(&policy.replace("acme", "acmf"))));
}

#[test]
fn the_blocks_of_the_documentation_are_what_the_program_reads() {
    let page = include_str!("../docs/policy.md");
    let (_, example) = page.split_once("```toml\n[[policy.for]]").unwrap();
    let example = format!("[[policy.for]]{}", example.split("```").next().unwrap());
    let text = parallax(&["policy", "show"]).with_file("parallax.toml", &example).finish().expect(0).stdout;
    assert!(text.contains("for signal metrics, job hourly-*: sizes.bytes_warn"), "{text}");
    assert!(
        text.contains("rows.changed rows of _cardinalhq.metric_type = histogram, organization = "),
        "{text}"
    );
}

#[test]
fn scopes_that_nothing_can_lie_in_are_refused_or_warned_of_with_file_and_line() {
    for (policy, said) in [
        (
            "[[policy.for]]\nsignal = \"metric\"\ngates = []\n",
            "parallax.toml:1: `policy.for.signal`: there is no signal",
        ),
        ("[[policy.for]]\nsignal = \"metric\"\ngates = []\n", "did you mean `metrics`?"),
        (
            "[policy.ignore]\nkind = \"why\"\n[[policy.for]]\nwhere = { kind = \"a\" }\nactions = { \"rows.*\" = \"note\" }\n",
            "is ignored (parallax.toml:2)",
        ),
    ] {
        let done = compared(A, B, policy, &[]).expect(2);
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
    let policy =
        "[policy.sizes]\nbytes_fail = 0.2\n[[policy.for]]\njob = \"compare\"\nsizes = { bytes_warn = 0.3 }\n";
    let done = compared(A, B, policy, &[]).expect(2);
    assert!(
        done.stderr.contains("parallax.toml:2") && done.stderr.contains("parallax.toml:5"),
        "{}",
        done.stderr
    );
    let policy = "[[policy.for]]\njob = \"hourly-*\"\nsizes = { bytes_warn = 0.3 }\n";
    let warnings = compared(A, A, policy, &[]).expect(0).report().warnings;
    assert_eq!(
        (warnings[0].code.as_str(), warnings[0].origin.as_str()),
        ("policy.scope-unused", "parallax.toml:1")
    );
}
