//! Waivers: differences that somebody answers for. They are reported, never hidden.

use std::sync::Arc;

use chrono::NaiveDate;
use reports::document::{Finding, JobReport, Role, RunWarning, SideKind, Waived, WaiverReport};

use super::action;
use super::scope::Scope;

/// A declared difference. Every scope that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// Finding code that it covers.
    pub code: String,
    /// Only in jobs of this signal.
    pub signal: Option<String>,
    /// Only in this job, or in jobs whose names fit this pattern.
    pub job: Option<String>,
    /// Only in this column.
    pub column: Option<String>,
    /// Only on this side.
    pub side: Option<Role>,
    /// Only where the side that the finding was found on is of this kind; for a difference between the two sides, where the
    /// candidate is.
    pub side_kind: Option<SideKind>,
    /// The block that it stands in: only there. One by rows covers findings that stand for rows of that scope alone, never a
    /// whole finding (see [`super::rowwise`]).
    pub within: Option<Arc<Scope>>,
    /// Why the difference is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds.
    pub expires: Option<NaiveDate>,
    /// Where it stands: file and line.
    pub origin: String,
}

/// The job that a finding belongs to, as far as a waiver's scope asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Name of the job.
    pub job: &'a str,
    /// Its signal, where one is known.
    pub signal: Option<&'a str>,
    /// Kind of the baseline; absent where one output is judged alone.
    pub baseline: Option<SideKind>,
    /// Kind of the candidate.
    pub candidate: SideKind,
}

impl<'a> Scene<'a> {
    /// The scene of a job that was judged.
    #[must_use]
    pub fn of(job: &'a JobReport) -> Self {
        Self {
            job: &job.id,
            signal: job.signal.as_deref(),
            baseline: job.baseline.as_ref().map(|side| side.side.kind),
            candidate: job.candidate.side.kind,
        }
    }

    /// Kind of the side that a finding is held against.
    fn kind(&self, side: Option<Role>) -> Option<SideKind> {
        match side {
            Some(Role::Baseline) => self.baseline,
            Some(Role::Candidate) | None => Some(self.candidate),
        }
    }
}

impl Waiver {
    /// True where the waiver's scope takes in the finding.
    #[must_use]
    pub fn covers(&self, scene: &Scene<'_>, finding: &Finding) -> bool {
        let column = finding.place.as_ref().and_then(|place| place.column.as_deref());
        self.code == finding.code
            && self.side.is_none_or(|side| finding.side == Some(side))
            && self.side_kind.is_none_or(|kind| scene.kind(finding.side) == Some(kind))
            && self.signal.as_deref().is_none_or(|wanted| scene.signal == Some(wanted))
            && self.job.as_deref().is_none_or(|wanted| action::matches(wanted, scene.job))
            && self.column.as_deref().is_none_or(|wanted| column == Some(wanted))
            && self.within.as_ref().is_none_or(|within| {
                let rows = within.rows.as_ref();
                within.takes_in(scene.signal, scene.job)
                    && rows.is_none_or(|rows| finding.scope.as_deref() == Some(rows.text().as_str()))
            })
    }

    /// What it is limited to, in words; empty where nothing limits it.
    #[must_use]
    pub fn scope(&self) -> String {
        let mut parts: Vec<String> = self.within.iter().map(|within| within.text()).collect();
        let mut part = |name: &str, value: Option<String>| {
            parts.extend(value.map(|value| format!("{name} {value}")));
        };
        part("signal", self.signal.clone());
        part("job", self.job.clone());
        part("column", self.column.clone());
        part("side", self.side.map(|side| side.to_string()));
        part("side kind", self.side_kind.map(|kind| kind_name(kind).to_owned()));
        parts.join(", ")
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

/// A kind of side as a waiver names it.
fn kind_name(kind: SideKind) -> &'static str {
    match kind {
        SideKind::Legacy => "legacy",
        SideKind::Unified => "unified",
        SideKind::Fault => "fault",
        SideKind::Command => "command",
        SideKind::Recorded => "recorded",
    }
}

/// Marks the findings of a job that a waiver in force covers. What a check waived itself, by a known defect, stays so.
pub fn apply(waivers: &[Waiver], today: NaiveDate, scene: &Scene<'_>, findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|finding| finding.waived.is_none()) {
        finding.waived = waivers
            .iter()
            .find(|waiver| !waiver.expired(today) && waiver.covers(scene, finding))
            .map(Waiver::waived);
    }
}

/// What became of each waiver over a whole run.
#[must_use]
pub fn told<'a>(
    waivers: &[Waiver],
    today: NaiveDate,
    findings: impl Iterator<Item = (Scene<'a>, &'a Finding)>,
) -> Vec<WaiverReport> {
    let mut applied = vec![0; waivers.len()];
    for (scene, finding) in findings.filter(|(_, finding)| finding.waived.is_some()) {
        // The first that covers is the one that was applied.
        let first = waivers.iter().position(|waiver| {
            !waiver.expired(today)
                && waiver.covers(&scene, finding)
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
            scope: waiver.scope(),
            origin: waiver.origin.clone(),
        })
        .collect()
}

/// What somebody should see to: waivers that expired, and, once every job was judged, those that cover nothing.
#[must_use]
pub fn warnings(told: &[WaiverReport], complete: bool) -> Vec<RunWarning> {
    let warn = |waiver: &WaiverReport, code: &str, what: &str| RunWarning {
        code: code.to_owned(),
        message: format!(
            "the waiver of {}{} (owner {}) {what}",
            waiver.code,
            if waiver.scope.is_empty() { String::new() } else { format!(" for {}", waiver.scope) },
            waiver.waived.owner
        ),
        origin: waiver.origin.clone(),
    };
    let one = |waiver: &WaiverReport| {
        if waiver.expired {
            let day = waiver.waived.expires.as_deref().unwrap_or_default();
            let what = format!("expired after {day} and covers nothing any more: renew it or remove it");
            Some(warn(waiver, "waiver.expired", &what))
        } else if complete && waiver.applied == 0 {
            Some(warn(
                waiver,
                "waiver.unused",
                "covered no finding of this run: correct its scope or remove it",
            ))
        } else {
            None
        }
    };
    told.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use reports::document::Severity;

    use super::*;
    use crate::check::finding::{Refine, finding};

    fn waiver() -> Waiver {
        Waiver {
            code: "rows.changed".to_owned(),
            signal: None,
            side: None,
            side_kind: None,
            job: Some("one".to_owned()),
            column: None,
            within: None,
            origin: "parallax.toml:1".to_owned(),
            reason: "known".to_owned(),
            owner: "team".to_owned(),
            expires: NaiveDate::from_ymd_opt(2026, 1, 31),
        }
    }

    fn scene(job: &str) -> Scene<'_> {
        Scene { job, signal: Some("logs"), baseline: Some(SideKind::Legacy), candidate: SideKind::Unified }
    }

    fn changed() -> Finding {
        finding("ROWS", "rows.changed", Severity::Blocker, None, "a row changed").counting(1)
    }

    #[test]
    fn a_waiver_covers_its_code_and_job_only() {
        assert!(waiver().covers(&scene("one"), &changed()));
        assert!(!waiver().covers(&scene("two"), &changed()));
        let other = finding("ROWS", "rows.missing", Severity::Blocker, None, "gone");
        assert!(!waiver().covers(&scene("one"), &other));
    }

    #[test]
    fn a_waiver_with_a_column_does_not_cover_another_column() {
        let scoped = Waiver { column: Some("level".to_owned()), ..waiver() };
        let on = |column: &str| {
            changed().at(reports::document::Place { column: Some(column.to_owned()), ..Default::default() })
        };
        assert!(scoped.covers(&scene("one"), &on("level")));
        assert!(!scoped.covers(&scene("one"), &on("message")));
        assert!(!scoped.covers(&scene("one"), &changed()));
    }

    #[test]
    fn a_waiver_holds_through_its_last_day_and_not_after() {
        let last = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let mut findings = [changed()];
        apply(&[waiver()], last, &scene("one"), &mut findings);
        assert!(findings[0].waived.is_some());
        let mut findings = [changed()];
        apply(&[waiver()], last.succ_opt().unwrap(), &scene("one"), &mut findings);
        assert!(findings[0].waived.is_none());
    }

    #[test]
    fn what_a_check_waived_by_a_known_defect_stays_waived_and_counts_for_no_waiver() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let own = Waived { reason: "defect".to_owned(), owner: "check".to_owned(), expires: None };
        let mut findings = [Finding { waived: Some(own.clone()), ..changed() }];
        apply(&[], day, &scene("one"), &mut findings);
        apply(&[waiver()], day, &scene("one"), &mut findings);
        assert_eq!(findings[0].waived, Some(own));
        assert_eq!(told(&[waiver()], day, findings.iter().map(|it| (scene("one"), it)))[0].applied, 0);
    }

    #[test]
    fn each_waiver_is_told_with_the_findings_it_covered() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let waivers = [waiver(), Waiver { code: "never".to_owned(), ..waiver() }];
        let mut findings = [changed(), changed()];
        apply(&waivers, day, &scene("one"), &mut findings);
        let told = told(&waivers, day, findings.iter().map(|finding| (scene("one"), finding)));
        assert_eq!((told[0].applied, told[1].applied), (2, 0));
    }

    #[test]
    fn a_waiver_for_one_kind_of_side_does_not_leak_to_another() {
        let legacy = Waiver { side_kind: Some(SideKind::Legacy), ..waiver() };
        let on = |side| Finding { side, ..changed() };
        assert!(legacy.covers(&scene("one"), &on(Some(Role::Baseline))));
        assert!(!legacy.covers(&scene("one"), &on(Some(Role::Candidate))));
        // A difference is held against the candidate.
        assert!(!legacy.covers(&scene("one"), &on(None)));
        let faulty = Scene { candidate: SideKind::Fault, ..scene("one") };
        let unified = Waiver { side_kind: Some(SideKind::Unified), ..waiver() };
        assert!(unified.covers(&scene("one"), &on(None)));
        assert!(!unified.covers(&faulty, &on(None)));
        assert!(!unified.covers(&faulty, &on(Some(Role::Candidate))));
    }

    #[test]
    fn a_waiver_for_one_signal_or_a_pattern_of_jobs_covers_those_only() {
        let scoped = Waiver { signal: Some("logs".to_owned()), job: Some("o*".to_owned()), ..waiver() };
        assert!(scoped.covers(&scene("one"), &changed()));
        assert!(scoped.covers(&scene("other"), &changed()));
        assert!(!scoped.covers(&scene("two"), &changed()));
        assert!(!scoped.covers(&Scene { signal: Some("metrics"), ..scene("one") }, &changed()));
        assert!(!scoped.covers(&Scene { signal: None, ..scene("one") }, &changed()));
        assert_eq!(scoped.scope(), "signal logs, job o*");
    }

    #[test]
    fn expired_and_unused_waivers_are_warnings_and_unused_ones_only_of_a_whole_run() {
        let day = NaiveDate::from_ymd_opt(2027, 1, 1).unwrap();
        let never = Waiver { expires: None, ..waiver() };
        let told = told(&[waiver(), never], day, std::iter::empty());
        let codes =
            |complete| warnings(&told, complete).into_iter().map(|warning| warning.code).collect::<Vec<_>>();
        assert_eq!(codes(true), ["waiver.expired", "waiver.unused"]);
        assert_eq!(codes(false), ["waiver.expired"]);
    }
}
