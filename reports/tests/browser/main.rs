//! The page in a real browser, opened from disk: `cargo test --workspace --features browser`.
//!
//! Without the feature every test here is compiled and told as ignored, so that nobody takes it for passed. What the page
//! says is tested where it is rendered; here is what only a browser can tell.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking; clippy exempts only the test functions, not their helpers"
)]

mod chrome;
#[allow(dead_code, unused_imports, reason = "not every report is opened here")]
#[path = "../../src/fixture/mod.rs"]
mod fixture;
mod pictures;

// The fixture speaks of `crate::document` and so on, here as in the tests of the crate.
use reports::{blast, determinism, document, evidence, layout, manifest, measurement, signal_evidence};

use std::path::PathBuf;

use serde_json::Value;

use self::chrome::Browser;
use self::document::Report;

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
fn the_theme_follows_the_reader_and_can_be_chosen() {
    let (mut browser, page) = open(&fixture::rich());
    let ground = "getComputedStyle(document.body).backgroundColor";
    browser.prefers("light");
    assert_eq!(browser.eval(ground), "rgb(255, 255, 255)");
    browser.prefers("dark");
    assert_eq!(browser.eval(ground), "rgb(15, 20, 25)");
    assert_eq!(text(&mut browser, "button.theme"), "Light theme");
    browser.eval("document.querySelector('button.theme').click()");
    assert_eq!(browser.eval(ground), "rgb(255, 255, 255)");
    browser.open(&page.file, "");
    assert_eq!(browser.eval(ground), "rgb(255, 255, 255)", "the choice is kept");
    browser.key("t");
    assert_eq!(browser.eval(ground), "rgb(15, 20, 25)");
    assert_quiet(&mut browser);
}

/// Contrast of two colours by the rule of WCAG 2, in the page.
const CONTRAST: &str = "(() => {
    const light = (text) => {
        const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
        for (; node; node = node.parentElement) {
            const colour = getComputedStyle(node).backgroundColor;
            if (colour !== 'rgba(0, 0, 0, 0)') return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const low = [];
    for (const node of document.querySelectorAll('body *')) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        if (!own || node.closest('svg') || !node.checkVisibility({ opacityProperty: true })) continue;
        const [one, two] = [light(getComputedStyle(node).color), light(ground(node))];
        const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        if (ratio < 4.5) low.push(`${node.tagName}.${node.className}: ${ratio.toFixed(2)}`);
    }
    return [...new Set(low)];
})()";

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn text_is_readable_in_both_themes() {
    let (mut browser, page) = open(&fixture::rich());
    for theme in ["light", "dark"] {
        browser.prefers(theme);
        browser.open(&page.file, "");
        assert_eq!(browser.eval(CONTRAST), Value::from(Vec::<String>::new()), "{theme}");
    }
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
fn every_plot_is_there_with_title_axes_legend_and_words() {
    for (report, least) in [(fixture::rich(), 15.0), (fixture::measured(), 2.0)] {
        let (mut browser, _page) = open(&report);
        browser.eval("document.querySelectorAll('details').forEach((node) => { node.open = true; })");
        assert!(number(&mut browser, "document.querySelectorAll('svg.plot').length") >= least);
        let wrong = "[...document.querySelectorAll('svg.plot')].filter((plot) => {
            const box = plot.getBoundingClientRect();
            const words = plot.querySelector('desc').textContent;
            const drawn = plot.querySelectorAll('rect, circle, polyline, line, path').length;
            const texts = [...plot.querySelectorAll('text')].map((it) => it.getBBox());
            const legend = plot.closest('figure').querySelector('figcaption .swatch.b');
            return !(box.width > 200 && box.height > 100 && plot.getAttribute('role') === 'img'
                && plot.getAttribute('aria-label').length > 40 && words.length > 30
                && plot.querySelector('title').textContent && drawn > 2 && texts.length > 5 && legend);
        }).length";
        assert_eq!(number(&mut browser, wrong), 0.0);
        // Told apart without colour: dashes or circles for the baseline, a hatch or crosses for the candidate.
        let alike = "[...document.querySelectorAll('svg.plot rect.s-edge-a, svg.plot polyline.s-line-a')] \
                     .filter((node) => getComputedStyle(node).strokeDasharray === 'none').length";
        assert_eq!(number(&mut browser, alike), 0.0);
    }
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn hostile_values_do_nothing() {
    let mut report = fixture::hostile();
    // Values of a megabyte, and everything that could leave an attribute, a script, a style or a comment.
    let evil = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>\" onfocus=\"window.hit=3\" \
                autofocus x=\"</style></bdi></table>--><!--\u{202e}\u{0}javascript:window.hit=4";
    let huge = format!("{evil}{}", "A".repeat(1 << 20));
    let job = &mut report.jobs[0];
    job.replay.clone_from(&huge);
    for check in &mut job.checks {
        check.summary.clone_from(&huge);
        for found in &mut check.findings {
            found.message.clone_from(&huge);
            found.evidence.iter_mut().for_each(|it| it.value.clone_from(&huge));
        }
    }
    if let Some(rows) = &mut job.rows {
        for cell in rows.samples.iter_mut().flat_map(|row| &mut row.cells) {
            cell.baseline.text = Some(huge.clone());
            cell.candidate.text = Some(format!("{huge}!"));
        }
    }
    let (mut browser, page) = open(&report);
    assert!(std::fs::metadata(&page.file).unwrap().len() < 5_000_000);
    browser.eval("document.querySelectorAll('details').forEach((node) => { node.open = true; })");
    browser.eval("document.querySelectorAll('button.sort').forEach((node) => { node.click(); })");
    browser.key("n");
    assert!(yes(&mut browser, "window.hit === undefined"));
    assert!(yes(
        &mut browser,
        "document.scripts.length === 1 && !document.querySelector('img, iframe, object, link')"
    ));
    let handlers = "[...document.querySelectorAll('*')].some((node) => \
                    [...node.attributes].some((it) => it.name.startsWith('on') || it.name === 'autofocus'))";
    assert!(!yes(&mut browser, handlers));
    assert!(yes(
        &mut browser,
        "![...document.links].some((link) => !link.getAttribute('href').startsWith('#'))"
    ));
    // Nothing that turns text round or cannot be seen.
    let steering = r"(/[\u0000-\u0008\u000b-\u001f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.exec(document.body.textContent) || []).length";
    assert_eq!(number(&mut browser, steering), 0.0);
    assert_eq!(text(&mut browser, "#verdict"), "fail");
    assert_quiet(&mut browser);
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn the_policy_in_the_page_stops_what_is_not_ours() {
    let (mut browser, _page) = open(&fixture::passing());
    browser.eval(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.hit = 1'; \
         document.body.append(script); const image = new Image(); image.src = 'x.png'; document.body.append(image); \
         const style = document.createElement('style'); style.textContent = 'h1 { display: none }'; \
         document.head.append(style); })()",
    );
    // Each is told when the browser comes to it.
    let refused = |browser: &Browser| {
        browser.console().iter().filter(|it| it.contains("Content Security Policy")).count()
    };
    while refused(&browser) < 3 {
        browser.eval("new Promise((done) => setTimeout(done, 20))");
    }
    assert!(yes(&mut browser, "window.hit === undefined"));
    assert!(yes(&mut browser, "getComputedStyle(document.querySelector('h1')).display !== 'none'"));
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
fn on_paper_everything_is_unfolded_and_nothing_is_there_to_be_clicked() {
    let (mut browser, _page) = open(&fixture::rich());
    browser.on_paper();
    assert_eq!(number(&mut browser, "document.querySelectorAll('details:not([open])').length"), 0.0);
    let clickable = "[...document.querySelectorAll('nav, .filter, button.copy, button.theme')] \
                     .filter((node) => node.checkVisibility()).length";
    assert_eq!(number(&mut browser, clickable), 0.0);
    let cut = "[...document.querySelectorAll('.scroll')] \
               .filter((node) => getComputedStyle(node).overflowX !== 'visible').length";
    assert_eq!(number(&mut browser, cut), 0.0);
    browser.eval("void dispatchEvent(new Event('afterprint'))");
    assert!(number(&mut browser, "document.querySelectorAll('details:not([open])').length") > 0.0);
    assert_quiet(&mut browser);
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
