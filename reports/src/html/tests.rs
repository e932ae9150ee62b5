use super::*;
use crate::fixture;

mod measured;
mod signals;

/// 5 MB as people and file systems say it.
const LIMIT: usize = 5_000_000;

#[test]
fn the_page_opens_with_the_verdict_and_the_reason() {
    let page = render(&fixture::rich());
    assert!(page.starts_with("<!DOCTYPE html>"));
    let banner = page.find("<h1 id=\"verdict\">fail</h1>").unwrap();
    assert!(page.find("late-timestamps failed: 14 rows differ").unwrap() > banner);
    assert!(banner < page.find("id=\"scoreboard\"").unwrap());
    assert!(page.contains("<title>FAIL: Parallax run</title>"));
    for id in ["scoreboard", "action", "jobs", "unchecked", "waivers", "reproduce"] {
        assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
}

#[test]
fn jobs_whose_sides_hold_other_numbers_of_rows_are_named_beside_the_sums() {
    let mut report = fixture::rich();
    let rows = |report: &mut crate::document::Report, more: u64| {
        let job = &mut report.jobs[0];
        job.candidate.files = job.baseline.as_ref().map(|side| side.files.clone()).unwrap_or_default();
        job.candidate.files[0].rows += more;
        report.jobs.truncate(1);
    };
    rows(&mut report, 0);
    assert!(!render(&report).contains("Rows differ in"));
    rows(&mut report, 1234);
    let page = render(&report);
    let note = &page[page.find("Rows differ in 1 job: ").unwrap()..];
    assert!(note.starts_with("Rows differ in 1 job: <a href=\"#job-1\">"), "{}", &note[..200]);
}

#[test]
fn one_row_difference_is_drawn_with_its_changed_characters_marked() {
    let page = render(&fixture::rich());
    let start = page.find("<table class=\"diff\">").unwrap();
    let end = start + page[start..].find("</table>").unwrap();
    insta::assert_snapshot!(page[start..end].replace("<tr>", "\n<tr>").replace("<div", "\n  <div"));
}

#[test]
fn nothing_of_the_data_becomes_markup() {
    let page = render(&fixture::hostile());
    assert_eq!(page.matches("<script").count(), 1, "only our own script");
    assert!(!page.contains("<img") && !page.contains("<b>NEW") && !page.contains("<i>"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;"));
    assert!(page.contains("rows.&lt;i&gt;"));
}

#[test]
fn attributes_hold_nothing_of_the_data_but_anchors_made_safe() {
    let page = render(&fixture::hostile());
    assert!(!page.contains("=\"<") && !page.contains("onerror=alert(2)>"));
    assert!(page.contains("id=\"job-1--b-new--b-\""));
}

#[test]
fn hidden_characters_are_written_out() {
    let page = render(&fixture::hostile());
    assert!(page.chars().all(|character| character == '\n' || !crate::visible::is_hidden(character)));
    for escape in [r"\u{0}", r"\u{1b}", r"\u{202e}", r"\r\n"] {
        assert!(page.contains(escape), "{escape}");
    }
    assert!(page.contains("שלום"));
}

#[test]
fn values_alike_as_far_as_they_were_kept_say_so() {
    let page = render(&fixture::hostile());
    assert!(page.contains("they differ in what was cut"));
    assert!(page.contains("(cut from 5,000,001 bytes by the run)"));
}

#[test]
fn the_page_stays_below_five_megabytes_whatever_it_holds() {
    for (jobs, findings) in [(1, 5000), (5, 3000), (1500, 3)] {
        let page = render(&fixture::crowded(jobs, findings));
        assert!(page.len() < LIMIT, "{jobs} jobs of {findings} findings: {} bytes", page.len());
    }
}

#[test]
fn what_a_cap_left_out_is_said_with_exact_counts() {
    let report = fixture::crowded(1, 5000);
    let page = render(&report);
    // 5,000 of ROWS, one of ORDER, and a warning of SIZES.
    assert!(page.contains(
        "of 5,002 findings (at most 5 of one kind a job, 200 in all); all of them are in findings.csv."
    ));
    assert!(page.contains("of 5,000 findings of this check"));
    assert!(page.contains("one of 1,667 findings of this kind in this job"));
    assert!(
        page.contains("Showing 200 of 2,000 files")
            || page.contains(" of 2,000 files; all of them are in files.csv")
    );
    assert!(page.contains("columns of this row; all of them are in rows.csv"));
}

#[test]
fn jobs_without_a_section_are_counted_and_never_linked_to() {
    let report = fixture::crowded(1500, 3);
    let page = render(&report);
    let with = page.matches("<details class=\"job\"").count();
    assert!(with < 1500);
    assert!(
        page.contains(&format!("{} have no section here", words::counted(1500 - with as u64, "job", "jobs")))
    );
    assert!(page.contains("Showing 300 of 1,500 jobs"));
    assert_links_lead_somewhere(&page);
}

#[test]
fn every_link_leads_to_one_place_of_the_page() {
    for report in [fixture::rich(), fixture::passing(), fixture::partial(), fixture::hostile()] {
        assert_links_lead_somewhere(&render(&report));
    }
}

fn assert_links_lead_somewhere(page: &str) {
    let values = |attribute: &str| -> Vec<&str> {
        page.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    };
    let ids = values(" id=\"");
    let unique: std::collections::BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id is used twice");
    for target in values("href=\"#") {
        assert!(unique.contains(target), "#{target} leads nowhere");
    }
}

#[test]
fn failing_jobs_stand_open_and_passing_ones_are_folded() {
    let page = render(&fixture::rich());
    assert!(page.contains("<details class=\"job\" id=\"job-1\"><summary>"));
    assert!(page.contains("<details class=\"job\" id=\"job-2\" open><summary>"));
}

#[test]
fn a_partial_report_is_loud_about_it() {
    let page = render(&fixture::partial());
    assert!(page.contains("Partial report: the run ended early."));
    assert!(page.contains("It holds 1 of 12 jobs"));
    assert!(!render(&fixture::rich()).contains("class=\"partial\""));
}

#[test]
fn an_unanswered_question_and_a_waived_finding_stay_in_sight() {
    let page = render(&fixture::rich());
    let section = |id: &str| page.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_default();
    assert!(section("unchecked").contains("a recorded output without a manifest"));
    assert!(section("unchecked").contains("compared under a tolerance"));
    assert!(section("waivers").contains("2 rows differ in ingest_note"));
    assert!(section("waivers").contains("<b>expired</b>"));
    assert!(section("scoreboard").contains("<small>1 waived</small>"));
}

#[test]
fn an_undecided_gating_check_asks_for_action_even_without_a_finding() {
    assert!(render(&fixture::rich()).contains("8 gating checks of 1 job could not be decided"));
    assert!(!render(&fixture::passing()).contains("could not be decided: <a"));
}

#[test]
fn baseline_defects_are_named_by_letter() {
    let page = render(&fixture::passing());
    assert!(page.contains("of which baseline defects <b><bdi>A</bdi></b> (3), <b><bdi>C</bdi></b> (3)"));
}

#[test]
fn the_failed_side_shows_its_command_and_stderr() {
    let page = render(&fixture::rich());
    assert!(page.contains(r"./compact --in-list 'in list.txt' --out 'it'\''s here'"));
    assert!(page.contains("panic: index out of range [3] with length 3\n"));
    assert!(page.contains("Exit status 101."));
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert!(render(&fixture::rich()) == render(&fixture::rich()));
}

#[test]
fn nothing_is_loaded_and_no_style_is_inline() {
    for report in [fixture::rich(), fixture::hostile()] {
        let page = render(&report);
        for foreign in ["http://", "https://", " style=", "src=\"", "@import", "url(//"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
