//! The way in which a job fails.

use std::collections::BTreeSet;

use reports::document::{CheckStatus, JobReport, Severity};

/// Check, finding code and column of each unwaived blocker of the failed checks that gate. Counts, places and words are not part
/// of it: a smaller job has fewer rows elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way(BTreeSet<(String, String, String)>);

impl Way {
    /// How the job failed, by all checks or one of them; nothing where it did not.
    #[must_use]
    pub fn of(job: &JobReport, check: Option<&str>) -> Self {
        let failed = job.checks.iter().filter(|it| it.gates && it.status == CheckStatus::Fail);
        let asked = failed.filter(|it| check.is_none_or(|check| it.check == check));
        let blockers = asked.flat_map(|it| &it.findings);
        let blockers = blockers.filter(|it| it.severity == Severity::Blocker && it.waived.is_none());
        Self(
            blockers
                .map(|it| {
                    let column = it.place.as_ref().and_then(|place| place.column.clone());
                    (it.check.clone(), it.code.clone(), column.unwrap_or_default())
                })
                .collect(),
        )
    }

    /// True where the job does not fail.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One sentence a blocker: `ROWS: rows.changed in column body`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let word = |(check, code, column): &(String, String, String)| {
            let place = if column.is_empty() { String::new() } else { format!(" in column {column}") };
            format!("{check}: {code}{place}")
        };
        self.0.iter().map(word).collect()
    }
}
