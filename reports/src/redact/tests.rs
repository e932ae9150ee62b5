use super::*;
use crate::document::Role;
use crate::fixture;
use crate::{csv, html, json, junit, markdown, summary};

const SECRET: &str = "hunter2-geheim";

fn key() -> Key {
    Key::new([7; 32])
}

/// The report with the secret in every string that may hold data, and ids and times that are data.
fn planted(mut report: Report) -> Report {
    report.headline = format!("failed: {SECRET}");
    report.run.command.push(SECRET.to_owned());
    report.run.replay = format!("parallax run --param x={SECRET}");
    report.run.config = Some(SECRET.to_owned());
    report.run.partial_reason = Some(SECRET.to_owned());
    for warning in &mut report.warnings {
        warning.message = SECRET.to_owned();
        warning.origin = SECRET.to_owned();
    }
    for job in &mut report.jobs {
        job.headline = SECRET.to_owned();
        job.replay = SECRET.to_owned();
        job.policy_scopes = vec![SECRET.to_owned()];
        job.parameters.iter_mut().for_each(|it| it.value = SECRET.to_owned());
        job.inputs.iter_mut().for_each(|it| it.path = SECRET.to_owned());
        job.metadata.iter_mut().for_each(|it| {
            it.file = SECRET.to_owned();
            it.stated = Some(SECRET.to_owned());
            it.recomputed = Some(SECRET.to_owned());
        });
        job.order.iter_mut().for_each(|it| it.largest_displacement = Some(SECRET.to_owned()));
        for check in &mut job.checks {
            check.summary = SECRET.to_owned();
            for found in &mut check.findings {
                found.message = format!("row has {SECRET}");
                found.scope = Some(SECRET.to_owned());
                found.waiver = Some(SECRET.to_owned());
                found.evidence.iter_mut().for_each(|it| it.value = SECRET.to_owned());
                if let Some(place) = &mut found.place {
                    place.file = Some(SECRET.to_owned());
                }
            }
        }
        if let Some(rows) = &mut job.rows {
            rows.duckdb = Some(SECRET.to_owned());
            rows.duckdb_blind = vec![SECRET.to_owned()];
            rows.differences = Some(SECRET.to_owned());
            rows.hash_key = Some(SECRET.to_owned());
            for value in rows.blast.iter_mut().flat_map(|it| &mut it.groups).flat_map(|it| &mut it.values) {
                *value = Some(SECRET.to_owned());
            }
            for row in &mut rows.samples {
                row.key.iter_mut().for_each(|it| it.value.text = Some(SECRET.to_owned()));
                for cell in &mut row.cells {
                    cell.baseline.text = Some(SECRET.to_owned());
                    cell.candidate.text = Some(format!("{SECRET}!"));
                }
            }
        }
        for side in job.baseline.iter_mut().chain([&mut job.candidate]) {
            side.side.command = vec![SECRET.to_owned()];
            side.side.name = format!("dir:{SECRET}");
            side.kept = Some(SECRET.to_owned());
            for file in &mut side.files {
                file.path = SECRET.to_owned();
                file.created_by = Some(SECRET.to_owned());
            }
            if let Some(manifest) = &mut side.manifest {
                manifest.writer = Some(SECRET.to_owned());
                manifest.rows_dropped = [(SECRET.to_owned(), 3)].into();
                for file in &mut manifest.files {
                    file.path = SECRET.to_owned();
                    (file.first_ts, file.last_ts) = (Some(987_654_321_123), Some(987_654_321_124));
                    (file.min_tid, file.max_tid) = (Some(987_654_321_125), Some(987_654_321_126));
                    file.stats = Some(serde_json::json!({ "mean": SECRET }));
                }
            }
        }
    }
    report
}

/// All formats of a report, by name.
fn formats(report: &Report) -> Vec<(String, String)> {
    let mut all = vec![
        ("report.json".to_owned(), json::to_text(report).unwrap()),
        ("index.html".to_owned(), html::render(report)),
        ("summary.md".to_owned(), markdown::render(report)),
        ("junit.xml".to_owned(), junit::render(report).unwrap()),
        ("terminal".to_owned(), summary::render_text(report, 100, false)),
    ];
    all.extend(csv::render_all(report).unwrap().into_iter().map(|(name, text)| (name.to_owned(), text)));
    all
}

#[test]
fn no_format_holds_a_planted_secret() {
    for report in [fixture::rich(), fixture::passing(), fixture::partial(), fixture::measured()] {
        let raw = planted(report);
        assert!(formats(&raw).iter().any(|(_, text)| text.contains(SECRET)), "nothing was planted");
        let redacted = redact(&raw, &key()).unwrap();
        for (name, text) in formats(&redacted) {
            for secret in [SECRET, "987654321", "987,654,321"] {
                assert!(!text.contains(secret), "{name} holds {secret}");
            }
        }
    }
}

#[test]
fn what_hostile_values_do_to_the_redaction_is_nothing() {
    let redacted = redact(&fixture::hostile(), &key()).unwrap();
    let page = html::render(&redacted);
    assert!(!page.contains("HYPERLINK") && !page.contains("same start"));
}

#[test]
fn counts_codes_columns_and_sizes_stay() {
    let raw = fixture::rich();
    let redacted = redact(&raw, &key()).unwrap();
    assert_eq!(redacted.totals, raw.totals);
    assert_eq!(redacted.verdict, raw.verdict);
    assert_eq!(redacted.redacted, Some(key().name()));
    for (one, two) in raw.jobs.iter().zip(&redacted.jobs) {
        assert_eq!((&one.id, one.verdict, &one.sizes), (&two.id, two.verdict, &two.sizes));
        for (before, after) in one.checks.iter().zip(&two.checks) {
            assert_eq!(
                (&before.check, before.status, before.coverage),
                (&after.check, after.status, after.coverage)
            );
            let told = |check: &crate::document::CheckReport| -> Vec<_> {
                let all = check.findings.iter();
                let known = |id: &str| id.rsplit_once('-').map(|it| it.0.to_owned());
                all.map(|it| (known(&it.id), it.code.clone(), it.count, it.severity)).collect()
            };
            assert_eq!(told(before), told(after));
        }
        let columns = |job: &crate::document::JobReport| -> Vec<_> {
            job.rows.iter().flat_map(|rows| &rows.columns).cloned().collect()
        };
        assert_eq!(columns(one), columns(two));
    }
    let codes =
        "group.split 1, order.inverted 1, rows.changed 10, rows.extra 1, rows.missing 3; text withheld, ~";
    assert!(redacted.headline.starts_with(codes), "{}", redacted.headline);
    assert_eq!(redacted.jobs[0].candidate.side.name, "unified");
    assert_eq!(redacted.jobs[0].order[0].side, Role::Baseline);
}

#[test]
fn a_scope_by_rows_is_told_neither_by_the_policy_nor_by_a_digest_without_a_key() {
    let mut raw = fixture::rich();
    let value = |key: &str, value: &str, origin: &str| crate::policy::PolicyValue {
        key: key.to_owned(),
        value: value.to_owned(),
        origin: origin.to_owned(),
    };
    let policy = raw.policy.as_mut().unwrap();
    policy.values.extend([
        value(
            &format!("for signal logs, rows of customer = {SECRET}: actions.rows.*"),
            "note",
            "p/geheim.toml:3",
        ),
        value("waiver", &format!("rows.changed rows of customer = {SECRET}, without expiry, by x: y"), "p:4"),
    ]);
    let found = &mut raw.jobs[1].checks[0].findings[0];
    found.scope = Some(format!("customer = {SECRET}"));
    let redacted = redact(&raw, &key()).unwrap();
    for (name, text) in formats(&redacted) {
        assert!(!text.contains(SECRET) && !text.contains("geheim"), "{name}");
    }
    let (before, after) = (raw.policy.as_ref().unwrap(), redacted.policy.as_ref().unwrap());
    assert_ne!(before.digest, after.digest);
    assert_eq!(after.digest.len(), 64);
    let scoped = after.values.iter().find(|it| it.key.starts_with("for ~")).unwrap();
    assert!(scoped.key.ends_with(": actions.rows.*") && scoped.value == "note", "{}", scoped.key);
    assert!(scoped.origin.starts_with('~'));
    // What is no value stays, and with it what can be known of an id.
    let slower = after.values.iter().find(|it| it.key == "performance.slower").unwrap();
    assert_eq!(slower.value, "0.05");
    let (old, new) = (&raw.jobs[1].checks[0].findings, &redacted.jobs[1].checks[0].findings);
    assert_ne!(old[0].id, new[0].id);
    assert_eq!(new[0].id.rsplit_once('-').map(|it| it.0), Some("late-timestamps/ROWS/rows.changed"));
    assert_eq!(old[1].id, new[1].id);
    let other = redact(&raw, &Key::new([8; 32])).unwrap();
    assert_ne!(other.jobs[1].checks[0].findings[0].id, new[0].id);
}

#[test]
fn equal_values_have_equal_digests_and_another_key_gives_others() {
    let key = key();
    assert_eq!(key.digest("a"), key.digest("a"));
    assert_ne!(key.digest("a"), key.digest("b"));
    assert_ne!(key.digest("a"), Key::new([8; 32]).digest("a"));
    assert_eq!(key.digest("a").len(), 17);
    assert_eq!(Key::parse(&key.hexadecimal()), Some(key.clone()));
    assert_eq!(Key::parse("7"), None);
    assert!(!key.hexadecimal().contains(&key.name()));
}

#[test]
fn a_digest_is_resolved_from_the_raw_document_alone() {
    let (raw, key) = (planted(fixture::rich()), key());
    let found = resolve(&raw, &key, &key.digest(SECRET));
    let places = &found[SECRET];
    assert!(places.iter().any(|place| place.ends_with("/cells/0/baseline/text")), "{places:?}");
    assert!(resolve(&raw, &key, "~0000000000000000").is_empty());
    let redacted = redact(&raw, &key).unwrap();
    assert!(resolve(&redacted, &key, &key.digest(SECRET)).is_empty());
}

#[test]
fn a_field_that_nobody_knows_is_replaced() {
    assert_eq!(keep::fate("brand_new", "jobs"), keep::Fate::Words);
    let walk = Walk { key: &key(), words: &keep::words() };
    let value = serde_json::json!({ "brand_new": [SECRET, "pass"], "deeper": { "still": SECRET } });
    let text = walk.value(value, "jobs", "").to_string();
    assert!(!text.contains(SECRET) && text.contains("\"pass\""), "{text}");
}
