//! One report that a gate was given: read, dated, its sides named, and whether it can carry a pass.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use corpora::Signals;
use reports::document::{JobReport, Report, Role, SideInfo, SideKind};
use reports::gate::{Identity, kind_word};
use reports::policy::{PolicyInfo, SELF_CHECK};

use super::contradiction;
use crate::check;
use crate::config::{format_age, format_duration};
use crate::content;
use crate::error::{Error, Result};
use crate::measure::set;
use crate::policy::{Policy, strict};
use crate::report_dir::DOCUMENT;

/// How far clocks of two machines may lie apart before a report counts as one from the future.
const CLOCKS: Duration = Duration::from_secs(60);

/// Jobs that a refusal names one by one.
const SHOWN: usize = 3;

/// A report as it was given.
pub struct Given {
    /// Path as typed.
    pub path: String,
    /// BLAKE3 of the document.
    pub digest: String,
    /// The document.
    pub report: Report,
}

impl Given {
    /// Reads the report of a directory, or the document itself.
    ///
    /// # Errors
    /// Class `input` where it is missing, malformed, of another version, redacted, or no report.
    pub fn read(path: &Path) -> Result<Self> {
        let document = document(path, DOCUMENT);
        if !document.is_file() && path.join(super::DOCUMENT).is_file() {
            return Err(Error::input(format!(
                "{} holds the decision of a gate and no report; name it with --after",
                path.display()
            )));
        }
        let report = crate::report_dir::read(&document)?;
        if report.redacted.is_some() {
            return Err(Error::input(format!(
                "{} is redacted: values that waivers and scopes of the policy go by, paths and reasons are not in it; name the raw \
                 report, which a run keeps where --raw-out says",
                crate::error::display(path)
            )));
        }
        Ok(Self { path: crate::error::display(path), digest: content::digest(&document)?, report })
    }

    /// End of the run; absent where its start cannot be read.
    #[must_use]
    pub fn finished(&self) -> Option<DateTime<Utc>> {
        let started = DateTime::parse_from_rfc3339(&self.report.run.started).ok()?.with_timezone(&Utc);
        let took = i64::try_from(self.report.run.duration_ms).ok()?;
        started.checked_add_signed(chrono::TimeDelta::try_milliseconds(took)?)
    }

    /// Why the report cannot carry a pass, one sentence each; empty where it can. `jobs` are those of the phase.
    #[must_use]
    pub fn refusals(
        &self,
        jobs: &[&JobReport],
        policy: &Policy,
        signals: &Signals,
        now: DateTime<Utc>,
    ) -> Vec<String> {
        let mut refused = Vec::new();
        let run = &self.report.run;
        if !run.complete {
            let why = run.partial_reason.as_deref().unwrap_or("no reason given");
            refused.push(format!(
                "it is partial ({why}): {} of {} jobs; finish it with --resume",
                self.report.jobs.len(),
                self.report.totals.jobs
            ));
        } else if self.report.jobs.len() as u64 != self.report.totals.jobs {
            let (held, of) = (self.report.jobs.len(), self.report.totals.jobs);
            refused.push(format!("it holds {held} of {of} jobs; run it again"));
        }
        if self.report.warnings.iter().any(|warning| warning.code == SELF_CHECK) {
            refused.push("it compares one output with itself (--allow-same); compare two outputs".to_owned());
        }
        refused.extend(self.age(policy.max_age, now));
        refused.extend(self.strictness(policy));
        refused.extend(contradiction::of(&self.report));
        refused.extend(unasked(jobs, policy));
        refused.extend(definitions(jobs, signals));
        refused.extend(sides(jobs));
        refused
    }

    /// Too old, or from the future.
    fn age(&self, most: Duration, now: DateTime<Utc>) -> Option<String> {
        let Some(finished) = self.finished() else {
            return Some(format!(
                "its start {:?} is no time, so its age is unknown",
                self.report.run.started
            ));
        };
        let Ok(age) = now.signed_duration_since(finished).to_std() else {
            let ahead = finished.signed_duration_since(now).to_std().unwrap_or_default();
            return (ahead > CLOCKS).then(|| {
                format!("it says it finished at {finished}, which is in the future: a clock is wrong")
            });
        };
        (age > most).then(|| {
            let hours = Duration::from_secs(age.as_secs() / 3_600 * 3_600);
            let old = if hours.is_zero() {
                format_duration(Duration::from_secs(age.as_secs()))
            } else {
                format_age(hours)
            };
            format!(
                "it is too old: finished {finished}, {old} ago, and `max_age` is {}; run it again",
                format_age(most)
            )
        })
    }

    /// Judged by looser rules for what cannot be judged again.
    fn strictness(&self, policy: &Policy) -> Vec<String> {
        let Some(info) = &self.report.policy else {
            return vec!["it does not say by which policy it was judged; run it again".to_owned()];
        };
        let (comparison, bounds) = match strict::recorded(info) {
            Ok(recorded) => recorded,
            Err(why) => return vec![why],
        };
        let mut looser = strict::looser_comparison(&comparison, &policy.comparison);
        looser.extend(strict::looser_bounds(&bounds, &policy.size_bounds));
        // Which of two blocks is the looser depends on the job: only the same ones are sure to be no looser.
        let own = policy.info();
        if strict::scoped(info) != strict::scoped(&own) {
            let words = |of: &PolicyInfo| {
                let all = strict::scoped(of).into_iter().map(|(key, value)| format!("`{key}` {value}"));
                let all: Vec<String> = all.collect();
                if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
            };
            looser.push(format!("for parts of the work it said {} instead of {}", words(info), words(&own)));
        }
        looser
            .into_iter()
            .map(|what| {
                format!("judged under another policy: {what}, which the gate's policy does not allow; run it again under this policy")
            })
            .collect()
    }

    /// The sides of that role, each once.
    #[must_use]
    pub fn identities(jobs: &[&JobReport], role: Role) -> Vec<Identity> {
        let mut found: Vec<Identity> = jobs.iter().filter_map(|job| info(job, role)).map(identity).collect();
        found.sort();
        found.dedup();
        found
    }
}

/// The document that a path means.
pub fn document(path: &Path, name: &str) -> PathBuf {
    if path.is_dir() { path.join(name) } else { path.to_path_buf() }
}

fn info(job: &JobReport, role: Role) -> Option<&SideInfo> {
    match role {
        Role::Baseline => job.baseline.as_ref().map(|side| &side.side),
        Role::Candidate => Some(&job.candidate.side),
    }
}

/// Who a side is. A built-in legacy writer is one, whatever its entry point; recorded outputs differ from job to job.
#[must_use]
pub fn identity(side: &SideInfo) -> Identity {
    let name = if side.kind == SideKind::Legacy { "legacy" } else { &side.name };
    Identity {
        name: name.to_owned(),
        kind: kind_word(side.kind).to_owned(),
        version: side.version.clone(),
        digest: (side.kind != SideKind::Recorded).then(|| side.digest.clone()).flatten(),
    }
}

/// Checks that gate and that a job holds no answer of, not even that they do not apply.
fn unasked(jobs: &[&JobReport], policy: &Policy) -> Vec<String> {
    let mut refused: Vec<String> = Vec::new();
    for job in jobs {
        let policy = policy.for_job(job.signal.as_deref(), &job.id);
        let measures = job.measurement.is_some();
        let asked = check::CODES.iter().filter(|code| !measures || set::CODES.contains(code));
        let absent: Vec<&str> = asked
            .filter(|code| policy.gates(code) && job.checks.iter().all(|check| check.check != **code))
            .copied()
            .collect();
        if !absent.is_empty() {
            refused.push(format!("job {} holds no answer of {}; run it again", job.id, absent.join(", ")));
        }
    }
    let more = refused.len().saturating_sub(SHOWN);
    refused.truncate(SHOWN);
    refused.extend(
        (more > 0).then(|| format!("{more} more jobs hold no answer of a check that gates; run it again")),
    );
    refused
}

/// A job must have been judged by the definition of its signal that the gate knows.
fn definitions(jobs: &[&JobReport], signals: &Signals) -> Vec<String> {
    let mut refused: Vec<String> = Vec::new();
    for job in jobs {
        let Some(name) = &job.signal else { continue };
        let known = signals.get(name).ok().and_then(|signal| content::signal(&signal));
        let why = match (&job.signal_digest, known) {
            (Some(had), Some(known)) if *had == known => continue,
            (None, _) => format!("it does not say how signal {name} was defined; run it again"),
            (_, None) => format!("signal {name} is not known here; name its configuration with --config"),
            _ => format!(
                "job {} was judged by another definition of signal {name} (keys, required columns) than the gate knows; run it again, \
                 or name its configuration with --config",
                job.id
            ),
        };
        if !refused.contains(&why) {
            refused.push(why);
        }
    }
    refused
}

/// Sides that prove nothing of a candidate.
fn sides(jobs: &[&JobReport]) -> Vec<String> {
    let mut refused: Vec<String> = Vec::new();
    let mut refuse = |why: String| {
        if !refused.contains(&why) {
            refused.push(why);
        }
    };
    for job in jobs {
        for role in [Role::Baseline, Role::Candidate] {
            let Some(side) = info(job, role) else { continue };
            if side.kind == SideKind::Fault {
                refuse(format!(
                    "its {role} is the planted fault {}, which proves the checks and no writer",
                    side.name
                ));
            }
            if side.digest.is_none() && side.kind != SideKind::Recorded {
                refuse(format!(
                    "it does not say what its {role} {} is made of (no digest), so whether it is the same as elsewhere is not \
                     known",
                    side.name
                ));
            }
        }
        if let Some(baseline) = &job.baseline {
            let (a, b) = (&baseline.side, &job.candidate.side);
            let same_make =
                a.kind == SideKind::Command && a.kind == b.kind && a.digest.is_some() && a.digest == b.digest;
            if identity(a) == identity(b) || same_make {
                let hint = if same_make && a.name != b.name {
                    "; where the two load different files, declare these with `depends`"
                } else {
                    ""
                };
                refuse(format!(
                    "it compares {} with itself, which proves nothing of a candidate{hint}",
                    b.name
                ));
            }
        }
    }
    refused
}
