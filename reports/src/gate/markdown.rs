//! `gate.md`: the gate for a pull request or a ticket. Values are written so that Markdown takes them for text.

use document::gate::{Gate, Mark};

use super::shared::{decision, mark_parts, sections};
use crate::document::Verdict;
use crate::markdown_text::escaped;
use crate::words;

/// Lines of one list; all are in `gate.json`.
const LINES: usize = 100;
/// Characters of one value.
const VALUE: usize = 600;

/// Renders the document as Markdown.
#[must_use]
pub fn render(gate: &Gate) -> String {
    let mark = match gate.verdict {
        Verdict::Pass => "✅ PASS",
        Verdict::Fail => "❌ FAIL",
        Verdict::Inconclusive => "⚠️ INCONCLUSIVE",
    };
    let mut out = format!(
        "# {mark}: gate {}\n\n{}\n\n{}\n\n**{}**\n\n",
        value(&gate.phase),
        value(&gate.title),
        value(&gate.headline),
        decision(gate)
    );
    for (role, identity) in [("Candidate", &gate.candidate), ("Baseline", &gate.baseline)] {
        let who = identity
            .as_ref()
            .map_or_else(|| "not one and the same in all reports".to_owned(), |it| it.words());
        out.push_str(&format!("- {role}: {}\n", value(&who)));
    }
    out.push_str(&format!("- Decided: {}\n", value(&gate.decided)));
    for (heading, lines) in sections(gate) {
        out.push_str(&format!("\n## {heading}\n\n"));
        for line in lines {
            let done = matches!(line.mark, Mark::Pass | Mark::Confirmed);
            let (_, _, word) = mark_parts(line.mark);
            let tick = if done { "x" } else { " " };
            out.push_str(&format!("- [{tick}] {} {} (**{word}**)\n", value(&line.id), value(&line.text)));
            line.because.iter().for_each(|why| out.push_str(&format!("  - {}\n", value(why))));
        }
    }
    list(&mut out, "Missing", gate.missing.iter().cloned());
    list(&mut out, "Notices", gate.notices.iter().cloned());
    let findings = gate.findings.iter();
    list(
        &mut out,
        "Deciding findings",
        findings.map(|it| format!("{} ({})", it.finding.message, it.finding.id)),
    );
    let reports = gate.reports.iter().map(|report| {
        let finished = report.finished.as_deref().unwrap_or("at an unknown time");
        let verdict = report.verdict.map_or("adds nothing", words::verdict);
        format!(
            "{}: {verdict}, finished {finished}, BLAKE3 {}; {}",
            report.path, report.digest, report.judged
        )
    });
    list(&mut out, "Reports", reports);
    out.push_str(&format!("\nPolicy digest {}\n", value(&gate.policy.digest)));
    out.push_str("\n## Sign-off\n\n| role | name | date |\n| --- | --- | --- |\n");
    for role in ["Owner of the writer", "Owner of the data", "On call"] {
        out.push_str(&format!("| {role} | | |\n"));
    }
    out
}

fn value(text: &str) -> String {
    escaped(text, VALUE)
}

/// A list under a heading; says how many did not fit.
fn list(out: &mut String, heading: &str, lines: impl ExactSizeIterator<Item = String>) {
    let total = lines.len();
    if total == 0 {
        return;
    }
    out.push_str(&format!("\n## {heading}\n\n"));
    lines.take(LINES).for_each(|line| out.push_str(&format!("- {}\n", value(&line))));
    if total > LINES {
        out.push_str(&format!("\nand {} more: see `gate.json`\n", words::count((total - LINES) as u64)));
    }
}
