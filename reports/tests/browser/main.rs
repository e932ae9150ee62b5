//! The page in a real browser, opened from disk: `cargo test --workspace --features browser`.
//!
//! Without the feature every test here is compiled and reported as ignored, not as passed. What the page says is tested where it is
//! rendered; here stands what only a browser can show.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking; clippy exempts only the test functions, not their helpers"
)]

mod chrome;
mod hostile;
mod look;
mod pictures;

use std::path::PathBuf;

use document::fixture;
use document::report::Report;
use serde_json::Value;

use self::chrome::Browser;

/// A page on disk, and the directory that holds it.
struct Page {
    _dir: tempfile::TempDir,
    file: PathBuf,
}

fn page(report: &Report) -> Page {
    let dir = tempfile::tempdir().unwrap();
    reports::write_all(report, dir.path()).unwrap();
    let file = dir.path().join("index.html");
    Page { _dir: dir, file }
}

/// The page open in a browser.
fn open(report: &Report) -> (Browser, Page) {
    let page = page(report);
    let mut browser = Browser::start();
    browser.open(&page.file, "");
    (browser, page)
}

/// Nothing was said on the console, and nothing but the page itself was asked for.
fn assert_quiet(browser: &mut Browser) {
    // A round trip, so that everything said before has arrived.
    browser.eval("new Promise((done) => setTimeout(done, 50))");
    assert_eq!(browser.console(), Vec::<String>::new());
    let requests = browser.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(requests[0].starts_with("file://"), "{requests:?}");
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let found = browser.eval(&format!("document.querySelector({}).textContent", Value::from(selector)));
    found.as_str().unwrap_or_default().to_owned()
}

fn number(browser: &mut Browser, expression: &str) -> f64 {
    browser.eval(expression).as_f64().unwrap_or(f64::NAN)
}

fn yes(browser: &mut Browser, expression: &str) -> bool {
    browser.eval(expression).as_bool().unwrap()
}

const RED: &str = "document.querySelectorAll('#action ol > .finding:not([hidden])').length";

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn every_page_loads_from_disk_without_a_word_on_the_console_or_a_request() {
    let mut browser = Browser::start();
    for report in [
        fixture::rich(),
        fixture::passing(),
        fixture::partial(),
        fixture::measured(),
        fixture::hostile(),
        fixture::crowded(5, 3000),
    ] {
        let page = page(&report);
        browser.open(&page.file, "");
        assert_quiet(&mut browser);
    }
    let redacted = redacted();
    browser.open(&redacted.file, "");
    assert_quiet(&mut browser);
    let trend = trend();
    browser.open(&trend.file, "");
    assert_eq!(number(&mut browser, "document.querySelectorAll('svg.plot').length"), 6.0);
    assert_quiet(&mut browser);
}

/// The page of some runs over time.
fn trend() -> Page {
    let runs =
        [fixture::passing(), fixture::measured(), fixture::rich(), fixture::partial(), fixture::hostile()];
    let at = |(day, mut report): (usize, Report)| {
        report.run.started = format!("2026-11-{:02}T02:00:00Z", day + 10);
        (format!("nightly/{day}"), report)
    };
    let dir = tempfile::tempdir().unwrap();
    let trend = reports::trend::Trend::of(runs.into_iter().enumerate().map(at).collect(), Vec::new());
    reports::trend::write_all(&trend, dir.path()).unwrap();
    let file = dir.path().join("trend.html");
    Page { _dir: dir, file }
}

/// The page of a report whose values were replaced.
fn redacted() -> Page {
    let key = reports::redact::Key::new([7; 32]);
    page(&reports::redact::redact(&fixture::rich(), &key).unwrap())
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn the_verdict_and_the_reason_are_on_the_first_screen_of_any_window() {
    for report in [fixture::rich(), fixture::passing(), fixture::partial()] {
        let (mut browser, page) = open(&report);
        for (width, height) in [(1280, 800), (390, 844)] {
            browser.size(width, height);
            browser.open(&page.file, "");
            for part in ["#verdict", ".headline", ".meaning"] {
                let bottom = format!("document.querySelector('{part}').getBoundingClientRect().bottom");
                assert!(number(&mut browser, &bottom) < f64::from(height), "{part} at {width}x{height}");
            }
            assert!(
                yes(
                    &mut browser,
                    "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
                ),
                "the page is wider than a window of {width}: {}",
                browser.eval(
                    "[...document.querySelectorAll('body *')].filter((node) => !node.closest('.scroll, pre') \
                     && node.getBoundingClientRect().right > innerWidth).map((node) => \
                     `${node.tagName}.${node.className} ${node.textContent.slice(0, 40)}`)"
                )
            );
        }
    }
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn the_filter_narrows_findings_and_says_how_many_are_left() {
    let (mut browser, _page) = open(&fixture::rich());
    let all = number(&mut browser, RED);
    assert!(all >= 4.0, "{all}");
    browser.eval("document.querySelector('#action .filter input').focus()");
    browser.write("rows.changed late");
    let left = number(&mut browser, RED);
    assert!(left >= 1.0 && left < all, "{left} of {all}");
    assert_eq!(
        text(&mut browser, "#action .filter [role=status]"),
        format!("{left} of the {all} shown here")
    );
    browser.key("Escape");
    assert_eq!(number(&mut browser, RED), all);
    assert_quiet(&mut browser);
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn a_column_sorts_up_and_down_and_figures_by_what_they_mean() {
    let (mut browser, _page) = open(&fixture::rich());
    let column = "[...document.querySelectorAll('.board tbody tr')].map((row) => row.cells[0].textContent)";
    let before = browser.eval(column);
    browser.eval("document.querySelector('.board thead th button').click()");
    let mut sorted: Vec<String> = serde_json::from_value(before).unwrap();
    sorted.sort();
    assert_eq!(browser.eval(column), Value::from(sorted.clone()));
    assert_eq!(browser.eval("document.querySelector('.board th').ariaSort"), "ascending");
    browser.eval("document.querySelector('.board thead th button').click()");
    sorted.reverse();
    assert_eq!(browser.eval(column), Value::from(sorted));
    // Sizes of files have units: 912 KiB lie below 1.20 MiB.
    let sizes = "[...document.querySelectorAll('table.files')].find((it) => it.tBodies[0].rows.length > 20)";
    let at =
        format!("[...{sizes}.tHead.rows[0].cells].findIndex((it) => it.textContent.startsWith('Bytes'))");
    let at = number(&mut browser, &at);
    // A table gets its buttons when it comes into sight.
    browser.eval("document.querySelectorAll('details').forEach((node) => { node.open = true; })");
    browser.eval(&format!("{sizes}.scrollIntoView()"));
    browser.eval(&format!(
        "new Promise((done) => {{ const look = () => {sizes}.querySelector('button') ? done() : \
         requestAnimationFrame(look); look(); }})"
    ));
    browser.eval(&format!("{sizes}.tHead.rows[0].cells[{at}].querySelector('button').click()"));
    let cells =
        browser.eval(&format!("[...{sizes}.tBodies[0].rows].map((row) => row.cells[{at}].textContent)"));
    let cells: Vec<String> = serde_json::from_value(cells).unwrap();
    let figures: Vec<f64> = cells.iter().filter(|cell| !cell.is_empty()).map(|cell| bytes(cell)).collect();
    assert!(figures.is_sorted(), "{cells:?}");
    assert!(figures.first() < figures.last(), "{cells:?}");
    assert_quiet(&mut browser);
}

/// `1.20 MiB` in bytes.
fn bytes(text: &str) -> f64 {
    let mut words = text.split_whitespace();
    let figure: f64 = words.next().unwrap().replace(',', "").parse().unwrap();
    figure
        * match words.next() {
            Some("KiB") => 1024.0,
            Some("MiB") => 1024.0 * 1024.0,
            _ => 1.0,
        }
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn a_deep_link_leads_to_its_finding_and_opens_what_it_is_folded_in() {
    let report = fixture::rich();
    let dir = page(&report);
    let csv = std::fs::read_to_string(dir.file.with_file_name("findings.csv")).unwrap();
    let mut links: Vec<&str> =
        csv.lines().skip(1).filter_map(|line| line.rsplit(',').next()?.strip_prefix("index.html")).collect();
    assert!(links.len() > 10);
    links.truncate(40);
    let mut browser = Browser::start();
    browser.open(&dir.file, "");
    for link in links {
        browser.eval(&format!("void (location.hash = {})", Value::from(link)));
        browser.eval("new Promise((done) => setTimeout(done, 0))");
        assert!(yes(&mut browser, "document.querySelectorAll('.finding.meant').length === 1"), "{link}");
        let seen = "(() => { const box = document.querySelector('.meant').getBoundingClientRect(); \
                    return box.height > 0 && box.top >= -1 && box.top < innerHeight; })()";
        assert!(yes(&mut browser, seen), "{link} is not in sight");
    }
    // From outside, into a folded job.
    browser.open(&dir.file, "#job-1-sizes");
    assert!(yes(&mut browser, "document.getElementById('job-1').open"));
    // What is not on the page says so.
    assert!(yes(&mut browser, "document.getElementById('not-here').hidden"));
    browser.eval("void (location.hash = '#finding-0000000000000000')");
    browser.eval("new Promise((done) => setTimeout(done, 0))");
    assert!(yes(&mut browser, "!document.getElementById('not-here').hidden"));
    assert_quiet(&mut browser);
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn the_command_that_repeats_the_run_is_copied_by_its_button() {
    let report = fixture::rich();
    let (mut browser, _page) = open(&report);
    // What the clipboard would be given; headless browsers have none to read from.
    browser.eval("void (navigator.clipboard.writeText = async (text) => { window.given = text; })");
    browser.eval("document.querySelector('#reproduce button.copy').click()");
    browser.eval("new Promise((done) => setTimeout(done, 0))");
    assert_eq!(browser.eval("window.given"), Value::from(report.run.replay.as_str()));
    assert_eq!(text(&mut browser, "#reproduce button.copy"), "Copied");
    // A command that is not shown as it is cannot be copied by mistake.
    let (mut browser, _page) = open(&fixture::hostile());
    assert!(yes(&mut browser, "!document.querySelector('.job pre[data-copy]')"));
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn everything_is_reached_by_keyboard() {
    let (mut browser, _page) = open(&fixture::rich());
    browser.key("Tab");
    assert_eq!(browser.eval("document.activeElement.className"), "skip");
    browser.key("/");
    assert_eq!(browser.eval("document.activeElement.type"), "search");
    browser.key("Escape");
    browser.key("n");
    browser.key("n");
    browser.key("p");
    let first = "document.activeElement === document.querySelector('#action .finding')";
    assert!(yes(&mut browser, first));
    // Whatever can be clicked can be reached: a link, a button, a field, a summary, or something with a place in the order.
    let out_of_reach = "[...document.querySelectorAll('a, button, input, summary, .scroll, pre')] \
                        .filter((node) => node.tabIndex < 0).length";
    assert_eq!(number(&mut browser, out_of_reach), 0.0);
    // A fold opens by Enter, a heading sorts by it.
    browser.eval("document.querySelector('.job:not([open]) > summary').focus()");
    let closed = "document.querySelectorAll('.job:not([open])').length";
    let before = number(&mut browser, closed);
    browser.key("Enter");
    assert_eq!(number(&mut browser, closed), before - 1.0);
    browser.eval("document.querySelector('.board thead th button').focus()");
    browser.key("Enter");
    assert_eq!(browser.eval("document.querySelector('.board th').ariaSort"), "ascending");
    assert_quiet(&mut browser);
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn without_scripts_everything_is_there_but_what_scripts_do() {
    let report = fixture::rich();
    let (mut browser, page) = open(&report);
    let count = "[document.querySelectorAll('tbody tr').length, document.querySelectorAll('.finding').length, \
                 document.querySelectorAll('svg.plot').length]";
    let with = browser.eval(count);
    browser.scripts(false);
    browser.open(&page.file, "");
    assert_eq!(browser.eval(count), with);
    let made = "document.querySelectorAll('button, input').length";
    assert_eq!(number(&mut browser, made), 0.0);
    assert_eq!(text(&mut browser, "#verdict"), "fail");
    // Links lead into folded parts all the same.
    browser.open(&page.file, "#job-1-sizes");
    let top = "document.getElementById('job-1-sizes').getBoundingClientRect().height";
    assert!(number(&mut browser, top) >= 0.0);
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn the_fullest_page_there_can_be_opens_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("index.html");
    // Every job section has its share of the page, and the sections together have used theirs up.
    std::fs::write(&file, reports::html::render(&fixture::crowded(60, 60))).unwrap();
    let bytes = std::fs::metadata(&file).unwrap().len();
    assert!((2_500_000..5_000_000).contains(&bytes), "{bytes} bytes");
    let mut browser = Browser::start();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        browser.open(&file, "");
        best = best.min(number(&mut browser, chrome::OPENED));
    }
    println!("page of {bytes} bytes, opened in {best:.0} ms");
    assert!(best > 0.0 && best < 1_000.0, "{bytes} bytes opened in {best} ms");
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn a_check_is_explained_where_its_finding_is() {
    let (mut browser, _page) = open(&fixture::rich());
    browser.eval("document.querySelector('#action .finding a[href^=\"#about-\"]').click()");
    browser.eval("new Promise((done) => setTimeout(done, 0))");
    assert!(yes(
        &mut browser,
        "document.querySelector('#guide details[open] h4').textContent === 'What it means when red'"
    ));
    assert_quiet(&mut browser);
}
