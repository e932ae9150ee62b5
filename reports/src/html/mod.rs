//! `index.html`: one self-contained page, for people.
//!
//! It answers in this order: may we go on, what exactly differs, what was compared, what was not, how to repeat it.
//! It needs no network and no script (the script only adds a filter box and opens what a link points into), follows
//! the reader's light or dark setting, and prints.
//!
//! Safety: every value of the document goes through `maud`'s escaping and through [`shown`]; the policy in the
//! head allows exactly the one style sheet and the one script that this crate ships, by their digests.
//!
//! Size: below 5 MB whatever the document holds. Every list has a cap in items and in bytes and says what it left out;
//! exact counts always stand beside it.
//! 1. Job sections are rendered in full, worst verdict first, until their share of the page is used up.
//! 2. The jobs after that get a brief section, until its share is used up.
//! 3. The jobs after that have no section: they are counted, and the CSV files hold them.

mod banner;
mod closing;
mod comparison;
mod files;
mod findings;
mod groups;
mod guide;
mod job;
mod layout;
mod locality;
mod manifests;
mod measured;
mod policy;
mod reruns;
mod rollup;
mod rows;
mod scoreboard;
mod sides;
mod work;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::document::{Report, Verdict};
use crate::page::parts::{self, shown};
use crate::page::{POLICY, SCRIPT, STYLE};
use crate::words;

/// Bytes that job sections in full may use together.
const FULL_BYTES: usize = 2_600_000;
/// Bytes that brief job sections may use together.
const BRIEF_BYTES: usize = 700_000;

/// The page.
#[must_use]
pub fn render(report: &Report) -> String {
    let sections = sections(report);
    let linked: Vec<bool> = sections.iter().map(Option::is_some).collect();
    let left_out = linked.iter().filter(|linked| !**linked).count();
    let title = format!(
        "{}: Parallax {}",
        words::verdict(report.verdict).to_uppercase(),
        words::mode(report.run.mode)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the verdict" }
                (parts::patterns())
                header class="top" {
                    p class="brand" { "Parallax" span class="sub" { "shadow comparison of Parquet writers" } }
                    nav aria-label="Sections" {
                        ul {
                            li { a href="#scoreboard" { "Scoreboard" } }
                            li { a href="#action" { "Action required" } }
                            li { a href="#jobs" { "Jobs" } }
                            li { a href="#unchecked" { "Not checked" } }
                            li { a href="#waivers" { "Waivers" } }
                            li { a href="#guide" { "Checks explained" } }
                            li { a href="#reproduce" { "Reproduce" } }
                        }
                    }
                }
                main id="main" {
                    p id="not-here" class="notice" role="alert" hidden {
                        "The finding that the link leads to is not on this page, which is kept below 5 MB. It is in findings.csv."
                    }
                    (banner::render(report, &linked))
                    (scoreboard::render(report, &linked))
                    (findings::render(report, &linked))
                    section id="jobs" aria-labelledby="jobs-title" {
                        h2 id="jobs-title" { "Jobs" }
                        @if report.jobs.is_empty() { p class="none" { "The document holds no job." } }
                        @if left_out > 0 {
                            p class="cap" {
                                "To keep this page below 5 MB, "
                                (words::counted(left_out as u64, "job has", "jobs have"))
                                " no section here (worst verdicts come first); checks.csv, findings.csv, files.csv "
                                "and report.json hold every job."
                            }
                        }
                        div data-filter="job sections" { @for section in sections.iter().flatten() { (section) } }
                    }
                    (closing::render(report))
                    (guide::render(report))
                }
                footer {
                    p {
                        "Rendered from report.json (schema version " (report.schema_version) ") by "
                        (shown(&report.tool.name, 40)) " " (shown(&report.tool.version, 40)) ". "
                        "Row numbers count from 0 within the file."
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The section of each job in job order, or none where the page has no room for it.
fn sections(report: &Report) -> Vec<Option<Markup>> {
    let mut sections: Vec<Option<Markup>> = report.jobs.iter().map(|_| None).collect();
    let (mut full, mut brief) = (FULL_BYTES, BRIEF_BYTES);
    for wanted in [Verdict::Fail, Verdict::Inconclusive, Verdict::Pass] {
        for (index, job) in report.jobs.iter().enumerate().filter(|(_, job)| job.verdict == wanted) {
            // A section is never worth rendering where not even a small one fits.
            let whole = (full > 8_000).then(|| job::full(index, job)).filter(|text| text.0.len() <= full);
            sections[index] = if let Some(text) = whole {
                full -= text.0.len();
                Some(text)
            } else {
                let short = (brief > 0).then(|| job::brief(index, job)).filter(|text| text.0.len() <= brief);
                brief -= short.as_ref().map_or(0, |text| text.0.len());
                short
            };
        }
    }
    sections
}

#[cfg(test)]
mod tests;
