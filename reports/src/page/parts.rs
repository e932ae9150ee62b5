//! Small pieces that all sections share: values of the document, marks, capped lists, tables.

use maud::{Markup, PreEscaped, Render, html};

use crate::document::{CheckStatus, Severity, Verdict};
use crate::visible;
use crate::words;

/// A text of the document: at most `limit` characters of it, hidden characters written out, its direction kept to
/// itself.
pub(crate) fn shown(text: &str, limit: usize) -> Markup {
    let (head, rest) = visible::cut(text, limit);
    html! {
        bdi { (escaped(head)) }
        @if rest > 0 { (left_out(rest)) }
    }
}

/// As [`shown`], for output that has lines.
pub(crate) fn shown_lines(text: &str, limit: usize) -> Markup {
    let (head, rest) = visible::cut(text, limit);
    html! {
        @for (index, line) in head.split('\n').enumerate() {
            @if index > 0 { "\n" }
            (escaped(line))
        }
        @if rest > 0 { (left_out(rest)) }
    }
}

/// A command. Where all of it is shown as it is, it can be copied by a button.
pub(crate) fn command(text: &str, limit: usize) -> Markup {
    let hidden = |character| character != '\n' && visible::is_hidden(character);
    let whole = visible::cut(text, limit).1 == 0 && !text.chars().any(hidden);
    html! { pre tabindex="0" data-copy[whole] { code { (shown_lines(text, limit)) } } }
}

/// Says how many characters were left out.
pub(crate) fn left_out(characters: usize) -> Markup {
    html! { span class="cut" { "… " (words::counted(characters as u64, "character", "characters")) " not shown …" } }
}

/// The text with hidden characters as marked escapes.
pub(crate) fn escaped(text: &str) -> Markup {
    html! {
        @for (hidden, run) in split(text, visible::is_hidden) {
            @if hidden {
                span class="esc" { @for character in run.chars() { (visible::escape(character)) } }
            } @else {
                (run)
            }
        }
    }
}

/// The text in runs of characters that do, and do not, satisfy the test.
fn split(text: &str, test: fn(char) -> bool) -> Vec<(bool, &str)> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = test(first);
        let end = rest.find(|character| test(character) != kind).unwrap_or(rest.len());
        runs.push((kind, &rest[..end]));
        rest = &rest[end..];
    }
    runs
}

/// Anchor of a job's section.
pub(crate) fn job_anchor(job: usize) -> String {
    format!("job-{}", job + 1)
}

/// Anchor of one check of a job.
pub(crate) fn check_anchor(job: usize, check: &str) -> String {
    let slug: String = check
        .chars()
        .take(40)
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    format!("job-{}-{slug}", job + 1)
}

/// A mark with its word: shape, word and colour say the same.
pub(crate) fn mark(class: &str, shape: &str, word: &str) -> Markup {
    html! { span class={ "mark " (class) } { b aria-hidden="true" { (shape) } " " (word) } }
}

/// Class, shape and word of an outcome.
pub(crate) fn status_parts(status: CheckStatus) -> (&'static str, &'static str, &'static str) {
    match status {
        CheckStatus::Pass => ("pass", "✓", "pass"),
        CheckStatus::Fail => ("fail", "✗", "fail"),
        CheckStatus::Inconclusive => ("open", "?", "inconclusive"),
        CheckStatus::NotApplicable => ("na", "–", "not applicable"),
    }
}

/// The mark of a check's outcome.
pub(crate) fn status(status: CheckStatus) -> Markup {
    let (class, shape, word) = status_parts(status);
    mark(class, shape, word)
}

/// Class and shape of a verdict.
pub(crate) fn verdict_parts(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("pass", "✓"),
        Verdict::Fail => ("fail", "✗"),
        Verdict::Inconclusive => ("open", "?"),
    }
}

/// The mark of a verdict.
pub(crate) fn verdict(verdict: Verdict) -> Markup {
    let (class, shape) = verdict_parts(verdict);
    mark(class, shape, words::verdict(verdict))
}

/// Circle, octagon or triangle: distinct without colour.
pub(crate) fn shape(verdict: Verdict) -> Markup {
    let drawing = match verdict {
        Verdict::Pass => {
            "<circle class=\"ground\" cx=\"24\" cy=\"24\" r=\"22\"/>\
             <path class=\"sign\" d=\"M14 25l7 7 14-16\"/>"
        }
        Verdict::Fail => {
            "<path class=\"ground\" d=\"M15 2h18l13 13v18l-13 13h-18l-13-13v-18z\"/>\
             <path class=\"sign\" d=\"M16 16l16 16M32 16l-16 16\"/>"
        }
        Verdict::Inconclusive => {
            "<path class=\"ground\" d=\"M24 3l22 41h-44z\"/>\
             <path class=\"sign\" d=\"M19 22a5 5 0 1 1 7 5q-2 1-2 4M24 37v.5\"/>"
        }
    };
    html! { svg class="shape" viewBox="0 0 48 48" width="72" height="72" aria-hidden="true" { (PreEscaped(drawing)) } }
}

/// The mark of a finding's weight.
pub(crate) fn severity(severity: Severity, waived: bool) -> Markup {
    match (waived, severity) {
        (true, severity) => mark("na", "~", &format!("waived {}", words::severity(severity))),
        (false, Severity::Blocker) => mark("fail", "✗", "blocker"),
        (false, Severity::Warning) => mark("open", "!", "warning"),
        (false, Severity::Info) => mark("info", "i", "info"),
    }
}

/// Items rendered until a cap is met.
pub(crate) struct Capped {
    /// The rendered items.
    pub items: Vec<Markup>,
    /// How many there were.
    pub total: usize,
}

impl Capped {
    /// Renders items until `count` of them, or `bytes` of output, are reached.
    pub(crate) fn new<T>(
        items: impl ExactSizeIterator<Item = T>,
        count: usize,
        bytes: usize,
        render: impl Fn(T) -> Markup,
    ) -> Self {
        let total = items.len();
        let mut rendered = Vec::new();
        let mut left = bytes;
        for item in items.take(count) {
            let markup = render(item);
            if markup.0.len() > left {
                break;
            }
            left -= markup.0.len();
            rendered.push(markup);
        }
        Self { items: rendered, total }
    }

    /// Says what was left out and where it is found, or nothing where all is shown.
    pub(crate) fn note(&self, what: &str, elsewhere: &str) -> Markup {
        html! {
            @if self.items.len() < self.total {
                p class="cap" {
                    "Showing " (words::count(self.items.len() as u64)) " of " (words::count(self.total as u64)) " "
                    (what) "; all of them are in " (elsewhere) "."
                }
            }
        }
    }
}

impl Render for Capped {
    fn render_to(&self, buffer: &mut String) {
        for item in &self.items {
            item.render_to(buffer);
        }
    }
}

/// A wide table that scrolls on its own, and by keyboard.
pub(crate) fn scroll(label: &str, table: &Markup) -> Markup {
    html! { div class="scroll" role="region" tabindex="0" aria-label=(label) { (table) } }
}

/// A term with its description in a definition list; nothing where there is no description.
pub(crate) fn term(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// The hatch by which the candidate's bars differ without colour.
pub(crate) fn patterns() -> Markup {
    PreEscaped(
        "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
         <pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"6\" height=\"6\"/>\
         <line class=\"hatch-line\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs></svg>"
            .to_owned(),
    )
}
