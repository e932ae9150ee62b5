//! The policy as its users meet it: strict files, layers with origins, phases, actions, waivers in their scope.

use std::collections::BTreeSet;

use reports::document::{Action, Report, Role, Severity, Verdict};
use reports::policy::PolicyValue;

use crate::support::{Finished, findings, parallax, shared};

const DOCS: &str = include_str!("../docs/policy.md");
const CORPUS: &str = "compact-interleaved-hours";

/// The candidate with a planted fault on one small corpus, with this `parallax.toml`.
fn faulty(fault: &str, config: &str) -> Finished {
    let candidate = format!("fault:{fault}");
    parallax(&["run", "--corpus", CORPUS, "--baseline", "unified", "--candidate", &candidate])
        .with_file("parallax.toml", config)
        .finish()
}

/// The values of `policy show`.
fn shown(arguments: &[&str], config: &str) -> Vec<PolicyValue> {
    let arguments = [&["policy", "show", "--format", "json"], arguments].concat();
    let done = parallax(&arguments).with_file("parallax.toml", config).finish().expect(0);
    let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    serde_json::from_value(document["values"].clone()).unwrap()
}

/// A waiver of that code, with further keys.
fn waiver(code: &str, rest: &str) -> String {
    format!("[[policy.waiver]]\ncode = \"{code}\"\nreason = \"known\"\nowner = \"ada\"\n{rest}\n")
}

/// Codes of the unwaived blockers.
fn blockers(report: &Report) -> BTreeSet<String> {
    let found = findings(report).filter(|found| found.severity == Severity::Blocker);
    found.filter(|found| found.waived.is_none()).map(|found| found.code.clone()).collect()
}

#[test]
fn what_is_wrong_in_a_policy_is_told_with_file_line_and_a_suggestion() {
    for (text, line, said) in [
        ("[policy]\nrequire = [\"ROWS\"]", 2, "did you mean `requires`?"),
        ("[policy]\ngates = [\"METADTA\"]", 2, "did you mean `METADATA`?"),
        ("[policy.phase.metric]\ngates = []", 1, "did you mean `metrics`?"),
        ("[policy.tolerance]\nx = { relative = 2.0 }", 2, "write 1 % as 0.01"),
        ("[policy.performance]\nslower = 10.0", 2, "write 10 % as 0.10"),
        (&waiver("orders.inverted", ""), 2, "did you mean `order.inverted`?"),
        (&waiver("order.inverted", "expires = \"2026-13-01\""), 5, "write \"yyyy-mm-dd\""),
    ] {
        for (file, arguments) in [
            ("parallax.toml", &["run", "--corpus", CORPUS][..]),
            ("own.toml", &["run", "--corpus", CORPUS, "--policy", "own.toml"]),
            ("parallax.toml", &["policy", "show"]),
        ] {
            let done = parallax(arguments).with_file(file, text).finish().expect(2);
            assert!(done.stderr.contains(&format!("{file}:{line}:")), "{}", done.stderr);
            assert!(done.stderr.contains(said), "{}", done.stderr);
            assert!(!done.path("parallax-report").exists(), "a report was left");
        }
    }
    let done = parallax(&["run", "--phase", "log"]).finish().expect(2);
    assert!(done.stderr.contains("did you mean `logs`?"), "{}", done.stderr);
    let done = parallax(&["run", "--policy", "none.toml"]).finish().expect(2);
    assert!(done.stderr.contains("none.toml"), "{}", done.stderr);
}

#[test]
fn the_resolved_policy_of_a_phase_is_shown_with_the_origin_of_each_value() {
    let config = "[compare]\nignore = { id = \"made anew\" }\n\n[policy]\nrequires = [\"METADATA\"]\n\n\
                  [policy.phase.metrics.performance]\nslower = 0.02\n\n[policy.phase.logs.performance]\nslower = 0.5\n";
    let own = "[policy.memory]\nmore = 0.25\n[policy.actions]\n\"sizes.*\" = \"page\"\n";
    let arguments = ["policy", "show", "--phase", "metrics", "--policy", "own.toml", "--require", "rows"];
    let done =
        parallax(&arguments).with_file("parallax.toml", config).with_file("own.toml", own).finish().expect(0);
    insta::assert_snapshot!(done.stdout);
}

#[test]
fn the_phases_are_listed() {
    insta::assert_snapshot!(parallax(&["policy", "phases"]).finish().expect(0).stdout);
}

#[test]
fn the_example_and_every_key_of_the_documentation_are_what_the_program_knows() {
    let example = DOCS.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut keys = BTreeSet::new();
    for phase in ["logs", "metrics"] {
        let values = shown(&["--phase", phase], example);
        assert!(values.iter().any(|value| value.origin == "parallax.toml:2"), "{values:?}");
        keys.extend(values.into_iter().map(|value| value.key));
    }
    for key in keys {
        let (first, rest) = key.split_once('.').unwrap_or((&key, ""));
        let told = match first {
            "ignore" | "tolerance" => format!("| `{first}.COLUMN` |"),
            "actions" => "| `actions.PATTERN` |".to_owned(),
            _ if rest.is_empty() => format!("| `{first}` |"),
            _ => format!("| `{key}` |"),
        };
        assert!(DOCS.contains(&told), "{key} is not in docs/policy.md");
    }
    for value in shown(&[], "") {
        let scalar = value.key.starts_with("sizes.") || value.key.starts_with("performance.");
        if let (true, Ok(number)) = (scalar, value.value.parse::<f64>()) {
            let line = DOCS.lines().find(|line| line.starts_with(&format!("| `{}` |", value.key))).unwrap();
            let told: f64 = line.split('`').nth(3).unwrap().parse().unwrap();
            assert!((told - number).abs() < 1e-12, "{line}: {number}");
        }
    }
}

#[test]
fn the_metrics_phase_cannot_pass_while_nobody_performs_query_and_says_so() {
    let done = parallax(&["run", "--phase", "metrics", "--corpus", "metrics-overlap-2"]).finish().expect(3);
    let report = done.report();
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(report.jobs.iter().all(|job| job.verdict == Verdict::Pass), "the jobs themselves are fine");
    assert!(report.headline.contains("QUERY is required by phase metrics"), "{}", report.headline);
    assert!(report.headline.contains("has no such check"), "{}", report.headline);
    // Nor can a file take it back.
    let own = "[policy.phase.metrics]\nrequires = []\ngates = [\"ROWS\"]\n";
    parallax(&["run", "--phase", "metrics", "--corpus", "metrics-overlap-2", "--policy", "own.toml"])
        .with_file("own.toml", own)
        .finish()
        .expect(3);
    let done = parallax(&["run", "--corpus", CORPUS, "--require", "query"]).finish().expect(3);
    assert!(done.report().jobs[0].headline.contains("QUERY is required"), "{}", done.report().headline);
}

#[test]
fn a_required_check_that_no_job_answered_leaves_the_run_inconclusive_with_its_origin() {
    let config = "[policy]\nrequires = [\"LOCALITY\", \"PERFORMANCE\"]\n";
    let done = parallax(&["run", "--corpus", CORPUS]).with_file("parallax.toml", config).finish().expect(3);
    let headline = done.report().headline;
    assert!(headline.contains("LOCALITY is required by parallax.toml:2: no job of this run"), "{headline}");
    let unmeasured = "PERFORMANCE is required by parallax.toml:2: no job of this run answered it";
    assert!(headline.contains(unmeasured) && headline.contains("run --measure N"), "{headline}");
}

#[test]
fn a_phase_takes_the_corpora_of_its_signals_and_is_recorded_in_the_report() {
    let done = parallax(&["run", "--phase", "traces"]).finish().expect(0);
    let report = done.report();
    assert!(report.jobs.iter().all(|job| job.signal.as_deref() == Some("traces")));
    assert!(report.run.replay.contains("--phase traces"), "{}", report.run.replay);
    assert!(report.jobs[0].replay.contains("--phase traces"), "{}", report.jobs[0].replay);
    let policy = report.policy.unwrap();
    assert_eq!((policy.phase.as_deref(), policy.digest.len()), (Some("traces"), 64));
    let required = policy.values.iter().find(|value| value.value == "LOCALITY").unwrap();
    assert_eq!((required.key.as_str(), required.origin.as_str()), ("requires", "phase traces"));
    let html = std::fs::read_to_string(done.path("parallax-report/index.html")).unwrap();
    assert!(html.contains("Policy digest") && html.contains("phase traces"), "no policy in the page");
    assert!(done.stdout.contains("phase traces"), "{}", done.stdout);
}

#[test]
fn every_finding_gets_the_action_that_the_policy_asks_for() {
    let done = faulty("drop-row", "").expect(1);
    let report = done.report();
    let lost = findings(&report).find(|found| found.code == "rows.missing").unwrap();
    assert_eq!(lost.action, Some(Action::Page));
    assert!(findings(&report).all(|found| found.action.is_some()));
    assert!(done.stdout.contains("page: roll back now"), "{}", done.stdout);
    let read = |name: &str| std::fs::read_to_string(done.path(&format!("parallax-report/{name}"))).unwrap();
    assert!(read("index.html").contains("roll back now"));
    assert!(read("findings.csv").lines().any(|line| line.contains(",page,index.html#finding-")));
    let softer = faulty("drop-row", "[policy.actions]\n\"rows.miss*\" = \"warn\"\n").expect(1);
    let report = softer.report();
    assert!(
        findings(&report).any(|found| found.code == "rows.missing" && found.action == Some(Action::Warn))
    );
}

#[test]
fn a_waiver_for_one_side_kind_does_not_leak_to_another() {
    let codes = blockers(&faulty("swap-rows", "").expect(1).report());
    assert!(codes.contains("order.inverted"), "{codes:?}");
    let all = |rest: &str| codes.iter().map(|code| waiver(code, rest)).collect::<String>();
    for (scope, exit) in [
        ("side_kind = \"fault\"", 0),
        ("side_kind = \"unified\"", 1),
        ("side_kind = \"command\"", 1),
        ("side = \"baseline\"", 1),
        ("signal = \"logs\"\njob = \"compact-*\"", 0),
        ("signal = \"metrics\"", 1),
        ("job = \"other-*\"", 1),
    ] {
        let done = faulty("swap-rows", &all(scope)).expect(exit);
        assert_eq!(blockers(&done.report()).is_empty(), exit == 0, "{scope}");
        // A waiver that covers nothing is itself a warning.
        assert_eq!(done.report().warnings.is_empty(), exit == 0, "{scope}");
    }
}

#[test]
fn an_expired_and_an_unused_waiver_are_warnings_of_the_run_with_file_and_line() {
    let config = format!(
        "{}{}",
        waiver("order.inverted", "expires = \"2020-01-31\""),
        waiver("sizes.exploded", "job = \"none-*\"")
    );
    let before = faulty("swap-rows", "").expect(1).report();
    let done = faulty("swap-rows", &config).expect(1);
    let report = done.report();
    assert!(blockers(&report).contains("order.inverted"), "an expired waiver covers nothing");
    let told: Vec<_> =
        report.warnings.iter().map(|warning| (warning.code.as_str(), warning.origin.as_str())).collect();
    assert_eq!(told, [("waiver.expired", "parallax.toml:2"), ("waiver.unused", "parallax.toml:7")]);
    assert!(
        report.warnings[0].message.contains("2020-01-31") && report.warnings[0].message.contains("renew")
    );
    assert_eq!(report.totals.warnings, before.totals.warnings + 2);
    assert!(done.stdout.contains("waiver.expired (parallax.toml:2)"), "{}", done.stdout);
    let html = std::fs::read_to_string(done.path("parallax-report/index.html")).unwrap();
    assert!(html.contains("About the run itself"));
}

#[test]
fn the_baselines_own_defects_never_fail_the_candidate() {
    for (corpus, fault) in [
        (CORPUS, "swap-rows"),
        (CORPUS, "overlap-files"),
        (CORPUS, "wrong-first-timestamp"),
        (CORPUS, "missing-fingerprint"),
        (CORPUS, "first-result-only"),
        ("metrics-tiny-series", "split-tid-by-rows"),
        ("metrics-tiny-series", "tid-returns"),
        ("metrics-tiny-series", "swap-min-max-tid"),
        ("traces-long-traces", "scatter-trace"),
    ] {
        let baseline = format!("fault:{fault}");
        let done = parallax(&["run", "--corpus", corpus, "--baseline", &baseline]).finish().expect(0);
        let report = done.report();
        let told: Vec<_> = findings(&report).filter(|found| found.side == Some(Role::Baseline)).collect();
        assert!(!told.is_empty(), "{fault} was not seen");
        for found in told {
            assert_eq!((found.severity, found.action), (Severity::Info, Some(Action::Note)), "{fault}");
        }
    }
}

#[test]
fn the_phases_follow_the_migration_guide() {
    let Some(guide) =
        shared(".").map(|shared| shared.join("migration-guide.md")).filter(|guide| guide.is_file())
    else {
        return;
    };
    let guide = std::fs::read_to_string(guide).unwrap();
    for (phase, said) in
        [("logs", "Performance within 10% of baseline"), ("metrics", "Performance within 5% of baseline")]
    {
        let done = parallax(&["policy", "show", "--phase", phase]).finish().expect(0);
        assert!(guide.contains(said) && done.stdout.contains(said), "{phase}");
    }
}
