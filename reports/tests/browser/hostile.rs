//! What values of strangers can do to the page: nothing.

use super::chrome::Browser;
use super::{assert_quiet, number, open, text, yes};
use crate::fixture;

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
