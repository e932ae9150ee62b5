//! What the page says of metrics and traces.

use super::*;

/// The part of a job's section between a heading and the next one, as text: tags become single bars.
fn part(page: &str, job: &str, heading: &str) -> String {
    let section = page.split("<details class=\"job\"").skip(1).find(|text| text.contains(job)).unwrap();
    let part = section.split("<h4>").find(|text| text.starts_with(heading)).unwrap();
    let mut text = String::new();
    let mut within = false;
    for character in part.chars() {
        match character {
            '<' => within = true,
            '>' => {
                within = false;
                if !text.ends_with('|') {
                    text.push('|');
                }
            }
            other if !within => text.push(other),
            _ => {}
        }
    }
    text
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn both_sides_groups_stand_beside_each_other_with_the_first_violation() {
    let text = part(&render(&fixture::rich()), "overlapping-tids", "Groups");
    holds(
        &text,
        &[
            "|Baseline|Candidate|Meaning|",
            "|Outcome|i| violated|✗| violated|",
            "|Groups|3,120|3,120|",
            "|-9223372036854775808|61,004 rows|",
            "|Split|0|✗| 1|",
            "|Returned|0|0|",
            "|Descents|i| 2|0|",
            "|Overlaps|0|✗| 1|",
            "|First violation|out-0001.parquet, row group 0, row 77|out-0002.parquet, row group 0, row 0|",
        ],
    );
}

#[test]
fn a_lone_row_a_dropped_row_a_declared_drop_and_a_silent_loss_are_four_lines() {
    let text = part(&render(&fixture::rich()), "overlapping-tids", "Merging");
    holds(
        &text,
        &[
            "|Rows in|261,240|261,240|",
            "|◇| lone rows|512|512|",
            "|◆| single contributions|220,488|220,488|",
            "|⇉| merged in|39,000|39,000|",
            "|→| merged out|19,000|19,000|",
            "|∅| dropped by the rules|1,240|1,240|",
            "|∅| rule:| |out_of_range|1,200|1,200|",
            "|Rows to be written|240,000|240,000|",
            "|Rows written|240,000|239,993|",
            "|✎| declared drops|no manifest|1,230|",
            "|✎| declared:| |out_of_range|no manifest|1,190|≠ rules: 1,200|",
            "|✗| silent loss|✓| none|✗| 7 lost|",
            "|+| invented|i| 2 invented|✓| none|",
        ],
    );
}

#[test]
fn sketches_and_rollups_are_told_by_column() {
    let text = part(&render(&fixture::rich()), "overlapping-tids", "Sketches and rollups");
    holds(
        &text,
        &[
            "|Sketches decoded|239,488|239,488|",
            "|Recomputed|19,000|19,000|",
            "|Duplicates|0|✗| 2|",
            "|Unaligned|0|✗| 5|",
            "|rollup_p99|0|✗| 12|",
            "|rollup_avg|2.2e-16|2.2e-16|",
            "|rollup_max|–|0.0049|",
            "|rollup_sum|0|0|",
        ],
    );
}

#[test]
fn trace_locality_has_both_sides_a_plot_in_words_and_the_worst_traces() {
    let page = render(&fixture::rich());
    let text = part(&page, "traces-that-straddle-files", "Trace locality");
    holds(
        &text,
        &[
            "|Traces|12,000|12,000|",
            "|Scattered|i| 10,877|0|",
            "|Of another slot|0|no slot known|",
            "|Mean|2.41|1.02|",
            "|Highest|9|3|",
            "|4bf92f3577b34da6a3ce929d0e0e4736|3|412|",
        ],
    );
    assert!(page.contains(
        "aria-label=\"Files opened for one trace. Baseline: median 3, mean 2.41, 95 % at or below 3, highest 3 files."
    ));
}

#[test]
fn both_manifests_stand_side_by_side() {
    let page = render(&fixture::rich());
    let text = part(&page, "overlapping-tids", "Files and manifests");
    holds(
        &text,
        &[
            "|Rows read|261,240|261,240|",
            "|Rows written|240,000|240,000|",
            "|Rows merged|20,000|20,000|",
            "|Data points out of range|–|1,200|",
            "|missing_sketch|40|40|",
            "|TIDs, lowest and highest|",
            "|1,040|-9223372036854775808|-5|",
        ],
    );
    assert!(!text.contains("Slot, spans and traces"));
    let text = part(&page, "traces-that-straddle-files", "Files and manifests");
    holds(&text, &["|Slot, spans and traces|", "|7|80,000|4,000|"]);
    assert!(!text.contains("TIDs,") && !text.contains("Rows merged"));
}

#[test]
fn a_job_without_such_evidence_has_no_section_for_it() {
    let page = render(&fixture::passing());
    for heading in ["Groups", "Merging", "Sketches and rollups", "Trace locality"] {
        assert!(!page.contains(&format!("<h4>{heading}</h4>")), "{heading}");
    }
}

#[test]
fn a_waived_finding_shows_the_letter_of_its_defect_wherever_it_is_listed() {
    let page = render(&fixture::rich());
    let waivers = page.split("id=\"waivers\"").nth(1).unwrap();
    holds(
        waivers,
        &[
            "Waived findings: 2, of which baseline defects <b><bdi>D</bdi></b> (1)",
            "baseline defect <b><bdi>D</bdi></b>: <bdi>3 rows of TID 9223372036854775807",
        ],
    );
    let text = part(&page, "overlapping-tids", "Findings");
    holds(&text, &["~| waived blocker|", "· baseline defect |D|"]);
}

#[test]
fn more_than_a_page_can_hold_is_cut_and_said() {
    let page = render(&fixture::crowded(1, 1));
    holds(
        &page,
        &[
            "Showing 40 of 2,000 reasons of the rules; all of them are in report.json.",
            "Showing 40 of 2,000 declared reasons; all of them are in report.json.",
            "Showing 40 of 2,000 disagreeing columns; all of them are in report.json.",
            "Showing 20 of 2,000 traces; all of them are in report.json.",
        ],
    );
}
