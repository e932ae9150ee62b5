use document::report::{Report, Verdict};

use super::*;
use crate::fixture;

fn at(started: &str, mut report: Report) -> (String, Report) {
    report.run.started = started.to_owned();
    (format!("store/{}", started.replace(':', "-")), report)
}

/// A green run, a measured one, a red one and one that was interrupted, given out of order.
fn trend() -> Trend {
    let reports = vec![
        at("2026-11-24T02:00:00Z", fixture::rich()),
        at("2026-11-22T02:00:00Z", fixture::passing()),
        at("2026-11-25T02:00:00Z", fixture::partial()),
        at("2026-11-23T02:00:00Z", fixture::measured()),
    ];
    let skipped = vec![Skipped { path: "store/old".to_owned(), reason: "schema version 9".to_owned() }];
    Trend::of(reports, skipped)
}

#[test]
fn runs_stand_in_the_order_in_which_they_started() {
    let trend = trend();
    let days: Vec<&str> = trend.runs.iter().map(|run| &run.started[8..10]).collect();
    assert_eq!(days, ["22", "23", "24", "25"]);
    assert_eq!(trend.runs[2].rows_differing, 14);
    assert!(trend.runs[1].candidate.rows_per_second.is_some_and(|rate| rate > 0.0));
    assert!(trend.runs[1].candidate.peak_bytes.is_some_and(|peak| peak > 0.0));
    assert_eq!(trend.runs[0].candidate.rows_per_second, None);
}

#[test]
fn the_last_run_is_held_against_the_last_green_one_before_it() {
    let since = trend().since.unwrap();
    assert_eq!(since.green, Some(0));
    // Partial: two of the three jobs are missing.
    let texts: Vec<&str> = since.changes.iter().map(|change| change.text.as_str()).collect();
    assert!(texts.contains(&"one-row is gone"), "{texts:?}");
    assert!(texts.contains(&"rows of the candidate: 720,000 before, 240,000 now"), "{texts:?}");
    assert!(since.changes.is_sorted_by_key(|change| change.about));
}

#[test]
fn what_turned_red_is_named_with_its_finding_side_and_policy() {
    let mut now = fixture::passing();
    now.verdict = Verdict::Fail;
    let job = &mut now.jobs[0];
    let red = fixture::rich().jobs[1].clone();
    job.checks[0] = red.checks[0].clone();
    job.candidate.side.version = Some("0.2.0".to_owned());
    job.inputs[0].digest = Some("b".repeat(64));
    now.policy = fixture::rich().policy;
    let trend = Trend::of(vec![at("1", fixture::passing()), at("2", now)], Vec::new());
    let changes = trend.since.unwrap().changes;
    let texts: Vec<String> = changes.iter().map(|it| format!("{}: {}", it.about, it.text)).collect();
    let has = |start: &str| assert!(texts.iter().any(|text| text.starts_with(start)), "{start}: {texts:#?}");
    has("check: heavy-ties ROWS: pass before, fail now: 14 rows differ");
    has("finding: new: blocker heavy-ties rows.changed: 10 rows hold other values");
    has("side: candidate unified 0.2.0 is new");
    has("input: inputs of heavy-ties: ");
    has("policy: the policy: no policy before, phase logs, digest 5f5f5f5f5f5f now");
}

#[test]
fn two_equal_green_runs_differ_in_nothing() {
    let trend = Trend::of(vec![at("1", fixture::passing()), at("2", fixture::passing())], Vec::new());
    assert_eq!(trend.since, Some(Since { green: Some(0), changes: Vec::new() }));
    assert!(
        render_text(&trend, 100).contains("Nothing changed between run 1, the last green one, and run 2.")
    );
    let alone = Trend::of(vec![at("1", fixture::rich())], Vec::new());
    assert!(render_text(&alone, 100).contains("No earlier run was green"));
}

#[test]
fn reports_redacted_with_two_keys_differ_in_nothing_that_a_key_changes() {
    let mut raw = fixture::passing();
    raw.jobs[0].candidate.side.name = "cmd:new".to_owned();
    raw.policy = fixture::rich().policy;
    let scoped = crate::policy::PolicyValue {
        key: "for rows of customer = acme: actions.rows.*".to_owned(),
        value: "note".to_owned(),
        origin: "policy.toml:4".to_owned(),
    };
    raw.policy.as_mut().unwrap().values.push(scoped);
    let with = |byte| crate::redact::redact(&raw, &crate::redact::Key::new([byte; 32])).unwrap();
    let changes = |one, two| Trend::of(vec![at("1", one), at("2", two)], Vec::new()).since.unwrap().changes;
    assert_eq!(changes(with(1), with(1)), Vec::new());
    let two = changes(with(1), with(2));
    assert!(two.len() == 1 && two[0].text.starts_with("redacted with different keys"), "{two:?}");
    let one = changes(raw.clone(), with(2));
    assert!(one.len() == 1 && one[0].text.starts_with("redacted with different keys"), "{one:?}");
}

#[test]
fn the_terminal_and_the_table_look_as_documented() {
    let trend = trend();
    insta::assert_snapshot!("trend.txt", render_text(&trend, 100));
    insta::assert_snapshot!("trend.csv", render_csv(&trend).unwrap().replace("\r\n", "\n"));
}

#[test]
fn the_page_answers_first_and_draws_every_figure() {
    let page = render_html(&trend());
    let since = page.find("id=\"since\"").unwrap();
    assert!(page.find("id=\"verdict\"").unwrap() < since && since < page.find("id=\"plots\"").unwrap());
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 6);
    assert!(
        page.contains("4 runs: 1 without a failed or undecided job") || page.contains("4 runs: 2 without")
    );
    assert!(page.contains("store/old") && page.contains("schema version 9"));
    for foreign in ["http://", "https://", " style=", "src=\"", "#0102"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_year_of_runs_stays_small_and_hostile_values_stay_text() {
    let mut reports: Vec<_> = (0..400).map(|day| at(&format!("{day:04}"), fixture::passing())).collect();
    reports.push(at("9999", fixture::hostile()));
    let trend = Trend::of(reports, Vec::new());
    let page = render_html(&trend);
    assert!(page.len() < 1_500_000, "{}", page.len());
    assert!(page.contains("Showing the last 150 of 401 runs"));
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains("<img") && page.chars().all(|c| c == '\n' || !crate::visible::is_hidden(c)));
    assert!(!render_text(&trend, 100).contains('\u{1b}'));
    assert_eq!(serde_json::from_str::<Trend>(&to_text(&trend).unwrap()).unwrap(), trend);
}
