//! The document of a self-test: which planted fault was caught by which check, on which corpus.
//!
//! A trial is one fault in one corpus. It is caught where every check that must see it goes red and every finding that it must raise
//! is there; it escapes where there is nothing of these; where there is a part of them, the wrong check fired. A fault that an output
//! offers no place for is reported as not applicable, with
//! what it would need.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Severity;
use crate::report::Tool;

/// Version of the document.
pub const SCHEMA_VERSION: u32 = 1;

/// A self-test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selftest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The program.
    pub tool: Tool,
    /// True where nothing escaped, no wrong check fired alone, and no check fired on undamaged data.
    pub passed: bool,
    /// One sentence.
    pub headline: String,
    /// True where every fault was tried in every built-in corpus.
    pub complete: bool,
    /// Rows of each corpus, where others than its own were asked for.
    pub rows: Option<u64>,
    /// Codes of the checks that were asked, in the order of the scoreboard.
    pub checks: Vec<String>,
    /// The corpora, in order.
    pub corpora: Vec<SelftestCorpus>,
    /// The faults, in the order of the catalogue.
    pub faults: Vec<SelftestFault>,
    /// What is wrong, one sentence each.
    pub problems: Vec<String>,
}

/// One corpus of a self-test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelftestCorpus {
    /// Its name.
    pub name: String,
    /// Its signal.
    pub signal: String,
    /// Rows of the candidate's undamaged output.
    pub rows: u64,
    /// Checks that went red on undamaged data, with what they said. There should be none.
    pub false_alarms: Vec<String>,
}

/// One fault of a self-test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelftestFault {
    /// Its name, as in `fault:NAME`.
    pub name: String,
    /// Its family: `rows`, `values`, `columns`, ...
    pub family: String,
    /// What is wrong, in one sentence.
    pub what: String,
    /// What an output must offer so that it can be planted.
    pub needs: String,
    /// Checks that must go red.
    pub caught_by: Vec<String>,
    /// Findings that must be there, such as the warnings of a fault that turns no check red.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raises: Vec<RaisedFinding>,
    /// One entry a corpus, in order.
    pub trials: Vec<Trial>,
}

/// One fault in one corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// Name of the corpus.
    pub corpus: String,
    /// What came of it.
    pub outcome: TrialOutcome,
    /// Checks that went red.
    pub red: Vec<String>,
    /// Codes of the findings that must be there and were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raised: Vec<String>,
}

/// A finding that a fault must raise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RaisedFinding {
    /// Code of the check.
    pub check: String,
    /// Code of the finding.
    pub code: String,
    /// Its severity.
    pub severity: Severity,
}

/// What came of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// Every check that must see the fault went red.
    Caught,
    /// No check went red.
    Escaped,
    /// Some check went red, but one that must see the fault did not.
    WrongCheck,
    /// The output offers no place for the fault.
    NotApplicable,
}

impl TrialOutcome {
    /// As in the document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Escaped => "escaped",
            Self::WrongCheck => "wrong-check",
            Self::NotApplicable => "not-applicable",
        }
    }
}

impl SelftestFault {
    /// Trials in which the fault was planted.
    #[must_use]
    pub fn planted(&self) -> usize {
        self.trials.iter().filter(|trial| trial.outcome != TrialOutcome::NotApplicable).count()
    }

    /// In how many trials each check went red.
    #[must_use]
    pub fn red(&self) -> BTreeMap<&str, usize> {
        let mut red = BTreeMap::new();
        for check in self.trials.iter().flat_map(|trial| &trial.red) {
            *red.entry(check.as_str()).or_default() += 1;
        }
        red
    }

    /// In how many trials a check only warned as it must; absent where it need not.
    fn warned(&self, check: &str) -> Option<usize> {
        let wanted: Vec<&str> = self
            .raises
            .iter()
            .filter(|it| it.check == check && it.severity != Severity::Blocker)
            .map(|it| it.code.as_str())
            .collect();
        let all = |trial: &&Trial| wanted.iter().all(|code| trial.raised.iter().any(|it| it == code));
        (!wanted.is_empty()).then(|| {
            let planted = self.trials.iter().filter(|trial| trial.outcome != TrialOutcome::NotApplicable);
            planted.filter(all).count()
        })
    }

    /// The cell of a check in the matrix: in how many trials it went red, in brackets where it need not; in how many it warned, where
    /// it must.
    #[must_use]
    pub fn cell(&self, check: &str) -> String {
        let must = self.caught_by.iter().any(|it| it == check);
        let red = match (must, self.red().get(check).copied().unwrap_or_default()) {
            (true, count) => count.to_string(),
            (false, 0) => String::new(),
            (false, count) => format!("({count})"),
        };
        match self.warned(check) {
            None => red,
            Some(count) => format!("{count} warned {red}").trim_end().to_owned(),
        }
    }
}

impl Selftest {
    /// Checks that went red for some fault, in order: the columns of the matrix.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let seen = |check: &&str| self.faults.iter().any(|fault| !fault.cell(check).is_empty());
        self.checks.iter().map(String::as_str).filter(seen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::selftest as sample;

    #[test]
    fn the_matrix_has_a_column_for_each_check_that_went_red_and_counts_the_trials() {
        let selftest = sample();
        assert_eq!(selftest.columns(), ["ROWS", "ORDER"]);
        let cells: Vec<_> = ["ROWS", "ORDER", "SIZES"].iter().map(|it| selftest.faults[0].cell(it)).collect();
        assert_eq!(cells, ["1", "(1)", ""]);
        assert_eq!((selftest.faults[0].planted(), selftest.faults[1].planted()), (1, 0));
    }

    #[test]
    fn a_warning_that_must_be_there_is_counted_apart_from_red() {
        let mut fault = sample().faults.remove(0);
        let raised = |code: &str, severity| RaisedFinding {
            check: "SIZES".to_owned(),
            code: code.to_owned(),
            severity,
        };
        fault.raises = vec![raised("sizes.one", Severity::Warning), raised("sizes.two", Severity::Warning)];
        fault.trials[0].raised = vec!["sizes.one".to_owned()];
        assert_eq!((fault.cell("SIZES"), fault.cell("ROWS")), ("0 warned".to_owned(), "1".to_owned()));
        fault.trials[0].raised.push("sizes.two".to_owned());
        assert_eq!(fault.cell("SIZES"), "1 warned");
        fault.trials[0].red.push("SIZES".to_owned());
        assert_eq!(fault.cell("SIZES"), "1 warned (1)");
        fault.raises = vec![raised("sizes.one", Severity::Blocker)];
        assert_eq!(fault.cell("SIZES"), "(1)");
    }
}
