//! `trend` over reports of real runs, and the small commands that explain.

use super::support::{beside, parallax};

#[test]
fn a_trend_finds_the_reports_of_a_store_and_says_what_changed_since_the_last_green_one() {
    let run = ["run", "--corpus", "ingest-unicode", "--out", "store/monday"];
    let done = parallax(&run).finish().expect(0);
    let faulty =
        ["run", "--corpus", "ingest-unicode", "--candidate", "fault:drop-row", "--out", "store/deep/tuesday"];
    let (code, _, told) = beside(&done, &faulty);
    assert_eq!(code, Some(1), "{told}");
    std::fs::create_dir_all(done.path("store/old")).unwrap();
    std::fs::write(done.path("store/old/report.json"), r#"{"schema_version": 99}"#).unwrap();
    let (code, text, told) = beside(&done, &["trend", "store"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(text.contains("What changed between run 1, the last green one before it, and run 2"), "{text}");
    assert!(text.contains("ROWS: pass before, fail now"), "{text}");
    assert!(text.contains("left out: store/old: ") && text.contains("schema version 99"), "{text}");
    let page = std::fs::read_to_string(done.path("parallax-trend/trend.html")).unwrap();
    assert!(
        page.contains("<h1 id=\"verdict\">fail</h1>") && page.matches("<svg class=\"plot\"").count() >= 4
    );
    let table = std::fs::read_to_string(done.path("parallax-trend/trend.csv")).unwrap();
    assert_eq!(table.lines().count(), 3);
    let (code, json, _) =
        beside(&done, &["trend", "store/monday", "store/deep/tuesday/report.json", "--format", "json"]);
    assert_eq!(code, Some(0));
    let trend: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(trend["runs"].as_array().unwrap().len(), 2);
    assert_eq!(trend["since"]["green"], 0);
}

#[test]
fn a_trend_of_nothing_is_refused_and_nothing_of_ours_is_overwritten() {
    let done = parallax(&["trend", "nowhere"]).finish().expect(2);
    assert!(done.stderr.contains("nowhere"), "{}", done.stderr);
    std::fs::create_dir(done.path("empty")).unwrap();
    let (code, _, told) = beside(&done, &["trend", "empty"]);
    assert_eq!((code, told.contains("holds no report.json")), (Some(2), true), "{told}");
}

#[test]
fn every_check_is_explained_on_the_terminal() {
    let done = parallax(&["explain"]).finish().expect(0);
    assert!(done.stdout.starts_with("ROWS: do both sides hold the same rows?\n"), "{}", done.stdout);
    let (code, text, _) = beside(&done, &["explain", "layout"]);
    assert!(code == Some(0) && text.starts_with("# LAYOUT: "), "{text}");
    let (code, _, told) = beside(&done, &["explain", "ROW"]);
    assert_eq!((code, told.contains("did you mean `ROWS`?")), (Some(2), true), "{told}");
}

#[test]
fn completions_and_the_manual_page_come_from_the_command_line_itself() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = parallax(&["completions", shell]).finish().expect(0);
        assert!(done.stdout.contains("trend") && done.stdout.contains("memory-limit"), "{shell}");
    }
    let done = parallax(&["man"]).finish().expect(0);
    for part in [".TH parallax 1", "memory\\-limit", ".SH \"COMPARE\"", ".SH \"TREND\""] {
        assert!(done.stdout.contains(part), "{part}");
    }
    assert!(!done.stdout.contains("probe\\-leaks"), "hidden commands stay hidden");
}

#[test]
fn every_finding_code_of_a_check_is_on_the_page_of_that_check() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = walkdir::WalkDir::new(root.join("src/check")).into_iter().map(Result::unwrap);
    let mut seen = 0;
    for file in sources.filter(|entry| entry.path().extension().is_some_and(|it| it == "rs")) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        if file.path().to_string_lossy().contains("test") {
            continue;
        }
        for word in text.split('"').skip(1).step_by(2) {
            let Some((check, rest)) = word.split_once('.') else { continue };
            let plain = |text: &str| {
                !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b"-_".contains(&b))
            };
            if !plain(check) || !plain(rest) {
                continue;
            }
            let Some(page) = reports::guide::page(&check.to_uppercase()) else { continue };
            assert!(page.contains(&format!("`{word}`")), "docs/checks/{check}.md does not name {word}");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn quiet_says_the_verdict_and_where_the_report_is_and_nothing_else() {
    let done = parallax(&["run", "--corpus", "ingest-unicode", "--quiet"]).finish().expect(0);
    assert_eq!(done.stderr, "");
    let lines: Vec<&str> = done.stdout.lines().filter(|line| !line.is_empty()).collect();
    assert!(
        lines[0].starts_with("PASS  ") && lines.last().unwrap().starts_with("report: "),
        "{}",
        done.stdout
    );
    assert!(!done.stdout.contains("ACCOUNTING"), "{}", done.stdout);
    // Where stderr is no terminal, progress is plain lines, with or without --plain.
    for more in [&["--plain"][..], &[]] {
        let arguments = [&["run", "--corpus", "ingest-unicode"][..], more].concat();
        let done = parallax(&arguments).finish().expect(0);
        assert!(done.stderr.starts_with("[1/1] ingest-unicode: pass, "), "{}", done.stderr);
        assert!(!done.stderr.contains('\u{1b}') && !done.stderr.contains('\r'), "{}", done.stderr);
    }
}
