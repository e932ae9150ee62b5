//! `selftest.md`: the matrix as Markdown, as it stands in `docs/selftest.md`.

use document::selftest::Selftest;

/// The matrix, one table a family, and what is wrong.
#[must_use]
pub fn render(selftest: &Selftest) -> String {
    let mut out =
        format!("{}: {}\n", if selftest.passed { "Pass" } else { "**Fail**" }, cell(&selftest.headline));
    if !selftest.problems.is_empty() {
        out.push_str("\n## Problems\n\n");
        selftest.problems.iter().for_each(|problem| out.push_str(&format!("- {}\n", cell(problem))));
    }
    let mut families: Vec<&str> = Vec::new();
    for fault in &selftest.faults {
        if !families.contains(&fault.family.as_str()) {
            families.push(&fault.family);
        }
    }
    for family in families {
        let faults = || selftest.faults.iter().filter(|fault| fault.family == family);
        let columns: Vec<&str> = selftest
            .columns()
            .into_iter()
            .filter(|check| faults().any(|fault| !fault.cell(check).is_empty()))
            .collect();
        out.push_str(&format!("\n### {family}\n\n| fault | what is wrong | planted in |"));
        columns.iter().for_each(|check| out.push_str(&format!(" {check} |")));
        out.push_str("\n| --- | --- | --- |");
        columns.iter().for_each(|_| out.push_str(" --- |"));
        out.push('\n');
        for fault in faults() {
            out.push_str(&format!("| `{}` | {} | {} |", fault.name, cell(&fault.what), fault.planted()));
            columns.iter().for_each(|check| out.push_str(&format!(" {} |", fault.cell(check))));
            out.push('\n');
        }
    }
    out
}

/// A text that keeps to its cell.
fn cell(text: &str) -> String {
    let plain: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.replace('|', "\\|")
}
