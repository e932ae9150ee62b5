//! The gate on a terminal: decision, checklist, what is missing, deciding findings.

use document::gate::Gate;

use super::shared::{decision, mark_parts, sections};
use crate::visible::plain;
use crate::words;

/// Findings shown; all are in `gate.json`.
const FINDINGS: usize = 20;

/// Renders the document as text. Values of the document cannot drive the terminal.
#[must_use]
pub fn render(gate: &Gate) -> String {
    let mut out = format!(
        "gate {}: {}\n{}\n{}\n",
        plain(&gate.phase),
        words::verdict(gate.verdict).to_uppercase(),
        decision(gate),
        plain(&gate.headline)
    );
    for (role, identity) in [("candidate", &gate.candidate), ("baseline", &gate.baseline)] {
        let who = identity
            .as_ref()
            .map_or_else(|| "not one and the same in all reports".to_owned(), |it| it.words());
        out.push_str(&format!("{role}: {}\n", plain(&who)));
    }
    out.push_str("\nreports\n");
    for report in &gate.reports {
        let verdict = report.verdict.map_or("adds nothing", words::verdict);
        out.push_str(&format!("  {}: {verdict}; {}\n", plain(&report.path), plain(&report.judged)));
        for line in report.refused.iter().chain(&report.notes) {
            out.push_str(&format!("      {}\n", plain(line)));
        }
    }
    for (heading, lines) in sections(gate) {
        out.push_str(&format!("\n{}\n", heading.to_lowercase()));
        for line in lines {
            let (_, shape, word) = mark_parts(line.mark);
            out.push_str(&format!("  {shape} {word:9} {:3} {}\n", line.id, plain(&line.text)));
            for because in &line.because {
                out.push_str(&format!("                  {}\n", plain(because)));
            }
        }
    }
    let mut list = |heading: &str, lines: &[String]| {
        if !lines.is_empty() {
            out.push_str(&format!("\n{heading}\n"));
            lines.iter().for_each(|line| out.push_str(&format!("  - {}\n", plain(line))));
        }
    };
    list("missing", &gate.missing);
    list("notices", &gate.notices);
    let findings: Vec<String> = gate
        .findings
        .iter()
        .take(FINDINGS)
        .map(|found| format!("{} ({})", found.finding.message, found.finding.id))
        .collect();
    list("deciding findings", &findings);
    if gate.findings.len() > FINDINGS {
        let more = gate.findings.len() - FINDINGS;
        out.push_str(&format!("  and {}: see gate.json\n", words::counted(more as u64, "more", "more")));
    }
    out
}
