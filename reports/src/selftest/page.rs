//! `selftest.html`: the matrix as one self-contained page, without a script.

use document::selftest::{Selftest, SelftestFault, TrialOutcome};
use maud::{DOCTYPE, Markup, html};

/// The page.
#[must_use]
pub fn render(selftest: &Selftest) -> String {
    let verdict = if selftest.passed { "PASS" } else { "FAIL" };
    let planted: usize = selftest.faults.iter().map(SelftestFault::planted).sum();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (verdict) ": Parallax self-test" }
            }
            body {
                h1 { (verdict) ": self-test" }
                p { (selftest.headline) }
                p {
                    (selftest.faults.len()) " faults, " (selftest.corpora.len()) " corpora, " (planted) " planted; "
                    (selftest.tool.name) " " (selftest.tool.version) ", " (selftest.tool.profile) " build."
                    @if let Some(rows) = selftest.rows { " Rows of each corpus: " (rows) "." }
                }
                @if !selftest.problems.is_empty() {
                    h2 { "Problems" }
                    ul { @for problem in &selftest.problems { li { (problem) } } }
                }
                (alarms(selftest))
                (matrix(selftest))
                (details(selftest))
            }
        }
    };
    page.into_string()
}

fn alarms(selftest: &Selftest) -> Markup {
    html! {
        h2 { "Undamaged data" }
        @if selftest.corpora.iter().all(|corpus| corpus.false_alarms.is_empty()) {
            p { "No check went red on the undamaged output of any corpus." }
        } @else {
            ul { @for corpus in &selftest.corpora { @for alarm in &corpus.false_alarms { li { (corpus.name) ": " (alarm) } } } }
        }
    }
}

fn matrix(selftest: &Selftest) -> Markup {
    let columns = selftest.columns();
    html! {
        h2 { "Faults and checks" }
        p { "Numbers: corpora in which the check went red, in brackets where it need not; or warned, where it must." }
        table border="1" {
            thead { tr {
                th scope="col" { "Fault" } th scope="col" { "Family" } th scope="col" { "What is wrong" }
                th scope="col" { "Planted in" }
                @for check in &columns { th scope="col" { (check) } }
            } }
            tbody { @for fault in &selftest.faults { tr {
                th scope="row" { (fault.name) } td { (fault.family) } td { (fault.what.trim()) } td { (fault.planted()) }
                @for check in &columns { td { (fault.cell(check)) } }
            } } }
        }
    }
}

/// Where each fault could not be planted, and why.
fn details(selftest: &Selftest) -> Markup {
    html! {
        h2 { "Not applicable" }
        dl {
            @for fault in &selftest.faults {
                dt { (fault.name) ", needs " (fault.needs) }
                dd { (absent(fault)) }
            }
        }
    }
}

fn absent(fault: &SelftestFault) -> String {
    let absent = fault.trials.iter().filter(|trial| trial.outcome == TrialOutcome::NotApplicable);
    let names: Vec<&str> = absent.map(|trial| trial.corpus.as_str()).collect();
    if names.is_empty() { "nowhere: it was planted in every corpus".to_owned() } else { names.join(", ") }
}
