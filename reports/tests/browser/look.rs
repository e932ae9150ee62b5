//! How the page looks: themes, contrast, plots, on paper.

use serde_json::Value;

use super::{assert_quiet, number, open, text};
use crate::fixture;

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
    // On a busy machine the browser's own store may learn of the choice after the page was opened again.
    for _ in 0..20 {
        browser.open(&page.file, "");
        if browser.eval(ground) == "rgb(255, 255, 255)" {
            break;
        }
    }
    assert_eq!(browser.eval(ground), "rgb(255, 255, 255)", "the choice is kept");
    browser.key("t");
    assert_eq!(browser.eval(ground), "rgb(15, 20, 25)");
    assert_quiet(&mut browser);
}

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
