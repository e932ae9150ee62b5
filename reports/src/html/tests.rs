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

#[test]
fn the_policy_allows_our_style_and_script_by_their_digests() {
    for (kind, text) in [("style", STYLE), ("script", SCRIPT)] {
        let expected = format!("{kind}-src 'sha256-{}'", base64(&sha256(text.as_bytes())));
        assert!(POLICY.contains(&expected), "put this into POLICY: {expected}");
        // A closing tag within would end the element early.
        assert!(!text.contains("</"), "{kind}");
    }
}

#[test]
fn the_dark_theme_is_the_same_whether_the_system_or_the_reader_chose_it() {
    let colours = |head: &str| -> Vec<&str> {
        let body = STYLE.split_once(head).unwrap().1.split_once('}').unwrap().0;
        body.split(';').map(str::trim).filter(|line| line.starts_with("--")).collect()
    };
    let system = colours(":root:not([data-theme=\"light\"]) {");
    assert!(system.len() > 20, "{}", system.len());
    assert_eq!(system, colours(":root[data-theme=\"dark\"] {"));
    let light: Vec<_> = colours(":root {").iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(light, system.iter().map(|line| line.split(':').next().unwrap()).collect::<Vec<_>>());
}

#[test]
fn the_page_of_a_gate_allows_both_style_sheets_by_their_digests() {
    for text in [STYLE, crate::gate::GATE_STYLE] {
        let expected = format!("'sha256-{}'", base64(&sha256(text.as_bytes())));
        assert!(crate::gate::page_policy().contains(&expected), "put this into GATE_DIGEST: {expected}");
        assert!(!text.contains("</"));
    }
}

#[test]
fn the_digest_of_the_policy_test_is_sha_256() {
    let hex: String = sha256(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(base64(b"Parallax"), "UGFyYWxsYXg=");
}

/// SHA-256 as FIPS 180-4 gives it. It serves this test alone, which is why no crate is taken for it.
fn sha256(message: &[u8]) -> [u8; 32] {
    let primes: Vec<u32> = (2..312).filter(|n| (2..*n).all(|divisor| n % divisor != 0)).collect();
    // The first 32 bits of the fractions of the primes' square and cube roots.
    let fraction = |root: f64| ((root - root.floor()) * 4_294_967_296.0) as u32;
    let mut state: Vec<u32> = primes[..8].iter().map(|&prime| fraction(f64::from(prime).sqrt())).collect();
    let constants: Vec<u32> = primes[..64].iter().map(|&prime| fraction(f64::from(prime).cbrt())).collect();
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]])).collect();
        for index in 16..64 {
            let (early, late) = (words[index - 15], words[index - 2]);
            let first = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let second = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            words.push(
                words[index - 16].wrapping_add(first).wrapping_add(words[index - 7]).wrapping_add(second),
            );
        }
        let mut v = state.clone();
        for (word, constant) in words.iter().zip(&constants) {
            let mixed = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let chosen = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let one =
                v[7].wrapping_add(mixed).wrapping_add(chosen).wrapping_add(*constant).wrapping_add(*word);
            let mixed = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let two = mixed.wrapping_add((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(one);
            v[0] = one.wrapping_add(two);
        }
        state.iter_mut().zip(&v).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
    }
    let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit =
                if place <= chunk.len() { ALPHABET[(word >> (18 - 6 * place) & 63) as usize] } else { b'=' };
            out.push(char::from(digit));
        }
    }
    out
}
