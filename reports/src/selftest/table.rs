//! The self-test as a table: for the terminal, and one line a trial for spreadsheets.

use document::selftest::Selftest;

use crate::error::Result;
use crate::table::Table;

const COLUMNS: &[&str] = &["fault", "family", "corpus", "outcome", "must", "red", "must_raise", "raised"];

/// `selftest.csv`: one line for each fault in each corpus.
///
/// # Errors
/// [`crate::Error::Format`] where the text could not be put together.
pub fn csv(selftest: &Selftest) -> Result<String> {
    let mut table = Table::new("selftest.csv", COLUMNS)?;
    for fault in &selftest.faults {
        for trial in &fault.trials {
            table.line(&[
                fault.name.clone(),
                fault.family.clone(),
                trial.corpus.clone(),
                trial.outcome.name().to_owned(),
                fault.caught_by.join(" "),
                trial.red.join(" "),
                fault.raises.iter().map(|it| it.code.as_str()).collect::<Vec<_>>().join(" "),
                trial.raised.join(" "),
            ])?;
        }
    }
    table.finish()
}

/// The matrix for a terminal, with what is wrong behind it.
#[must_use]
pub fn text(selftest: &Selftest) -> String {
    let columns = selftest.columns();
    let wide = selftest.faults.iter().map(|fault| fault.name.len()).max().unwrap_or(0);
    let mut out = format!("{:wide$}  corpora", "fault");
    for check in &columns {
        out.push_str(&format!("  {check}"));
    }
    out.push('\n');
    for fault in &selftest.faults {
        out.push_str(&format!("{:wide$}  {:>7}", fault.name, fault.planted()));
        for check in &columns {
            out.push_str(&format!("  {:>width$}", fault.cell(check), width = check.len()));
        }
        // An empty last cell leaves no blanks.
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out.push_str("numbers: corpora in which the check went red, in brackets where it need not; or warned, where it must\n");
    for problem in &selftest.problems {
        out.push_str(&format!("PROBLEM: {problem}\n"));
    }
    out.push_str(&format!("{}: {}\n", if selftest.passed { "PASS" } else { "FAIL" }, selftest.headline));
    out
}
