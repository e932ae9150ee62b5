//! Waivers: differences that somebody answers for. They are reported, never hidden.

use chrono::NaiveDate;
use reports::document::{Finding, Role, Waived, WaiverReport};

/// A declared difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Finding code that it covers.
    pub code: String,
    /// Only on this side.
    pub side: Option<Role>,
    /// Only in this job.
    pub job: Option<String>,
    /// Only in this column.
    pub column: Option<String>,
    /// Why the difference is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    pub expires: Option<NaiveDate>,
}

impl Waiver {
    /// True where the waiver's scope takes in the finding.
    #[must_use]
    pub fn covers(&self, job: &str, finding: &Finding) -> bool {
        let column = finding.place.as_ref().and_then(|place| place.column.as_deref());
        self.code == finding.code
            && self.side.is_none_or(|side| finding.side == Some(side))
            && self.job.as_deref().is_none_or(|wanted| wanted == job)
            && self.column.as_deref().is_none_or(|wanted| column == Some(wanted))
    }

    /// True once the waiver no longer holds.
    #[must_use]
    pub fn expired(&self, today: NaiveDate) -> bool {
        self.expires.is_some_and(|last| today > last)
    }

    /// What the report says of it.
    #[must_use]
    pub fn waived(&self) -> Waived {
        Waived {
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: self.expires.map(|day| day.to_string()),
        }
    }
}

/// Marks the findings of a job that a waiver in force covers. What a check waived itself, by a known defect, stays so.
pub fn apply(waivers: &[Waiver], today: NaiveDate, job: &str, findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|finding| finding.waived.is_none()) {
        finding.waived = waivers
            .iter()
            .find(|waiver| !waiver.expired(today) && waiver.covers(job, finding))
            .map(Waiver::waived);
    }
}

/// What became of each waiver over a whole run.
#[must_use]
pub fn told<'a>(
    waivers: &[Waiver],
    today: NaiveDate,
    findings: impl Iterator<Item = (&'a str, &'a Finding)>,
) -> Vec<WaiverReport> {
    let mut applied = vec![0; waivers.len()];
    for (job, finding) in findings.filter(|(_, finding)| finding.waived.is_some()) {
        // The first that covers is the one that was applied.
        let first = waivers.iter().position(|waiver| {
            !waiver.expired(today)
                && waiver.covers(job, finding)
                && finding.waived.as_ref() == Some(&waiver.waived())
        });
        if let Some(index) = first {
            applied[index] += 1;
        }
    }
    waivers
        .iter()
        .zip(applied)
        .map(|(waiver, applied)| WaiverReport {
            code: waiver.code.clone(),
            waived: waiver.waived(),
            applied,
            expired: waiver.expired(today),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use reports::document::Severity;

    use super::*;
    use crate::check::finding::{Refine, finding};

    fn waiver() -> Waiver {
        Waiver {
            code: "rows.changed".to_owned(),
            side: None,
            job: Some("one".to_owned()),
            column: None,
            reason: "known".to_owned(),
            owner: "team".to_owned(),
            expires: NaiveDate::from_ymd_opt(2026, 1, 31),
        }
    }

    fn changed() -> Finding {
        finding("ROWS", "rows.changed", Severity::Blocker, None, "a row changed").counting(1)
    }

    #[test]
    fn a_waiver_covers_its_code_and_job_only() {
        assert!(waiver().covers("one", &changed()));
        assert!(!waiver().covers("two", &changed()));
        let other = finding("ROWS", "rows.missing", Severity::Blocker, None, "gone");
        assert!(!waiver().covers("one", &other));
    }

    #[test]
    fn a_waiver_with_a_column_does_not_cover_another_column() {
        let scoped = Waiver { column: Some("level".to_owned()), ..waiver() };
        let on = |column: &str| {
            changed().at(reports::document::Place { column: Some(column.to_owned()), ..Default::default() })
        };
        assert!(scoped.covers("one", &on("level")));
        assert!(!scoped.covers("one", &on("message")));
        assert!(!scoped.covers("one", &changed()));
    }

    #[test]
    fn a_waiver_holds_through_its_last_day_and_not_after() {
        let last = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let mut findings = [changed()];
        apply(&[waiver()], last, "one", &mut findings);
        assert!(findings[0].waived.is_some());
        let mut findings = [changed()];
        apply(&[waiver()], last.succ_opt().unwrap(), "one", &mut findings);
        assert!(findings[0].waived.is_none());
    }

    #[test]
    fn what_a_check_waived_by_a_known_defect_stays_waived_and_counts_for_no_waiver() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let own = Waived { reason: "defect".to_owned(), owner: "check".to_owned(), expires: None };
        let mut findings = [Finding { waived: Some(own.clone()), ..changed() }];
        apply(&[], day, "one", &mut findings);
        apply(&[waiver()], day, "one", &mut findings);
        assert_eq!(findings[0].waived, Some(own));
        assert_eq!(told(&[waiver()], day, findings.iter().map(|it| ("one", it)))[0].applied, 0);
    }

    #[test]
    fn each_waiver_is_told_with_the_findings_it_covered() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let waivers = [waiver(), Waiver { code: "never".to_owned(), ..waiver() }];
        let mut findings = [changed(), changed()];
        apply(&waivers, day, "one", &mut findings);
        let told = told(&waivers, day, findings.iter().map(|finding| ("one", finding)));
        assert_eq!((told[0].applied, told[1].applied), (2, 0));
    }
}
