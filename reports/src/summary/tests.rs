use super::*;
use crate::fixture;

#[test]
fn the_verdict_comes_first_and_the_deciding_findings_with_their_places() {
    insta::assert_snapshot!(render_text(&fixture::rich(), 110, false));
}

#[test]
fn a_green_run_is_short() {
    insta::assert_snapshot!(render_text(&fixture::passing(), 110, false));
}

#[test]
fn a_narrow_terminal_gets_a_list_in_place_of_the_table() {
    insta::assert_snapshot!(render_text(&fixture::rich(), 60, false));
}

#[test]
fn a_partial_run_says_so_at_once() {
    let text = render_text(&fixture::partial(), 80, false);
    let head = text.lines().take(3).collect::<Vec<_>>().join("\n");
    assert!(
        head.contains("PARTIAL: the run ended early (interrupted by SIGINT); 1 of 12 jobs judged."),
        "{text}"
    );
}

#[test]
fn no_line_is_wider_than_asked_for_or_ends_in_a_space() {
    for width in [40, 80, 120] {
        for report in [fixture::rich(), fixture::passing(), fixture::partial()] {
            for line in render_text(&report, width, false).lines() {
                assert_eq!(line.trim_end(), line);
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn colour_adds_escapes_and_nothing_else() {
    let report = fixture::rich();
    let coloured = render_text(&report, 100, true);
    assert!(coloured.starts_with("\u{1b}[1;31mFAIL\u{1b}[0m"));
    let mut bare = coloured;
    for code in ["1;31", "1;32", "1;33", "31", "32", "33", "2", "0"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, render_text(&report, 100, false));
}

#[test]
fn values_cannot_drive_the_terminal() {
    let text = render_text(&fixture::hostile(), 100, false);
    assert!(text.chars().all(|character| character == '\n' || !visible::is_hidden(character)), "{text}");
    assert!(text.contains(r"\u{1b}[2J"));
}

#[test]
fn thousands_of_jobs_and_findings_stay_a_screenful_with_exact_totals() {
    let text = render_text(&fixture::crowded(120, 200), 100, false);
    assert!(text.lines().count() < 180, "{}", text.lines().count());
    assert!(text.contains("and 80 more jobs: 80 passed, 0 failed, 0 inconclusive"), "{text}");
    assert!(text.contains("blockers"), "{text}");
}

#[test]
fn long_words_are_broken_and_none_is_lost() {
    let words = format!("short {} end", "x".repeat(95));
    let lines = wrap(&words, 40);
    assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:?}");
    assert_eq!(lines.concat().replace(' ', ""), words.replace(' ', ""));
}

#[test]
fn a_finding_names_the_defect_that_explains_it_waived_or_not() {
    let mut report = fixture::rich();
    let text = render_text(&report, 100, false);
    assert!(text.contains("waived  rows.extra, baseline defect D: 1 finding in 1 job"), "{text}");
    report.jobs[5].checks[0].findings[0].waived = None;
    let text = render_text(&report, 100, false);
    assert!(text.contains("overlapping-tids rows.extra (count 3), baseline defect D"), "{text}");
}
