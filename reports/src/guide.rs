//! What each check's colour means: the pages of `docs/checks/`, in the program, so that a report explains itself without
//! network and without a checkout.
//!
//! A page is Markdown of our own. It is shown as it is by `parallax explain CHECK`, and as HTML in every report that has
//! the check.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// The pages, by code of the check, in the order of the scoreboard.
const PAGES: &[(&str, &str)] = &[
    ("ROWS", include_str!("../../docs/checks/rows.md")),
    ("ACCOUNTING", include_str!("../../docs/checks/accounting.md")),
    ("SCHEMA", include_str!("../../docs/checks/schema.md")),
    ("ORDER", include_str!("../../docs/checks/order.md")),
    ("GROUP", include_str!("../../docs/checks/group.md")),
    ("SKETCH", include_str!("../../docs/checks/sketch.md")),
    ("METADATA", include_str!("../../docs/checks/metadata.md")),
    ("SIZES", include_str!("../../docs/checks/sizes.md")),
    ("LAYOUT", include_str!("../../docs/checks/layout.md")),
    ("LOCALITY", include_str!("../../docs/checks/locality.md")),
    ("ERRORS", include_str!("../../docs/checks/errors.md")),
    ("LEAKS", include_str!("../../docs/checks/leaks.md")),
    ("DETERMINISM", include_str!("../../docs/checks/determinism.md")),
    ("PERFORMANCE", include_str!("../../docs/checks/performance.md")),
    ("MEMORY", include_str!("../../docs/checks/memory.md")),
];

/// Headings that every page has, in this order.
pub const HEADINGS: [&str; 4] =
    ["What it means when red", "What usually causes it", "What to do", "How to look at it again"];

/// Codes of the checks that have a page.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

/// The page of a check, as Markdown.
#[must_use]
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}

/// The command that shows the page of a check, where it has one.
pub(crate) fn command(code: &str) -> Option<String> {
    page(code).map(|_| format!("parallax explain {code}"))
}

/// The question that a check answers: the page's title without the code.
pub(crate) fn question(code: &str) -> Option<&'static str> {
    let title = page(code)?.lines().next()?;
    title.split_once(": ").map(|(_, question)| question)
}

/// The page without its title as HTML, headings two steps down. Links are left out, for the report stands alone.
pub(crate) fn to_html(markdown: &str) -> String {
    let body = markdown.split_once('\n').map_or("", |(_, body)| body);
    let lower = |level: pulldown_cmark::HeadingLevel| match level {
        pulldown_cmark::HeadingLevel::H1 | pulldown_cmark::HeadingLevel::H2 => {
            pulldown_cmark::HeadingLevel::H4
        }
        _ => pulldown_cmark::HeadingLevel::H5,
    };
    let events = Parser::new_ext(body, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link) => None,
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Some(Event::Start(Tag::Heading { level: lower(level), id, classes, attrs }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level)))),
        other => Some(other),
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_names_its_check_and_has_the_four_headings_in_order() {
        for code in codes() {
            let text = page(code).unwrap();
            assert!(text.starts_with(&format!("# {code}: ")), "{code}");
            assert!(question(code).is_some_and(|question| question.ends_with('?')), "{code}");
            let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(found, HEADINGS, "{code}");
        }
    }

    #[test]
    fn a_page_becomes_html_without_links_and_with_lower_headings() {
        let html = to_html(
            "# X: y?\n\n## One\n\nSee [there](there.md) and `a<b`.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n",
        );
        assert!(
            html.contains("<h4>One</h4>") && html.contains("<p>See there and <code>a&lt;b</code>.</p>"),
            "{html}"
        );
        assert!(html.contains("<table>") && !html.contains("<a "), "{html}");
    }
}
