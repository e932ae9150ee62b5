//! Work that is counted once: one report named twice, and one job that several reports or names stand for.
//!
//! Two jobs are one piece of work where kind, parameters and inputs are the same, the inputs by their bytes. Where no input is known, as
//! in a comparison of recorded outputs, the files of both sides stand for it. A second answer about the same work makes no evidence
//! stronger, so it is not counted; its failures count as ever.

use std::collections::BTreeSet;

use reports::document::{JobReport, SideReport};

use super::given::Given;
use crate::content::Parts;

/// Why a report adds nothing to those before it: it is a copy of one of them.
#[must_use]
pub fn copy_of(given: &Given, before: &[Given]) -> Option<String> {
    let one_run = |other: &&Given| {
        let (a, b) = (&given.report, &other.report);
        let names = |given: &Given| given.report.jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>();
        (&a.run.started, &a.run.command, a.run.mode) == (&b.run.started, &b.run.command, b.run.mode)
            && names(given) == names(other)
    };
    let other = before.iter().find(one_run)?;
    Some(format!("it is of the same run as {}; name each run once", other.path))
}

/// Digest of the work that a job stands for; absent where nothing identifies it, as for a measured set.
#[must_use]
pub fn work(job: &JobReport) -> Option<String> {
    if job.measurement.is_some() {
        return None;
    }
    let mut parts = Parts::default();
    parts.add(job.signal.as_deref().unwrap_or_default());
    parts.add(job.kind.as_deref().unwrap_or_default());
    for parameter in &job.parameters {
        parts.add(&parameter.key);
        parts.add(&parameter.value);
    }
    if job.inputs.is_empty() {
        let mut sides = job.baseline.iter().chain([&job.candidate]);
        let known = sides.clone().any(|side| !side.files.is_empty());
        sides.by_ref().for_each(|side| files(side, &mut parts));
        return known.then(|| parts.finish());
    }
    let corpus = job.corpus.as_ref().map(|corpus| corpus.digest.as_str()).unwrap_or_default();
    for input in &job.inputs {
        match &input.digest {
            Some(digest) => parts.add(digest),
            // A generated input is known by its corpus.
            None => {
                parts.add(corpus);
                parts.add(&input.path);
            }
        }
    }
    Some(parts.finish())
}

fn files(side: &SideReport, parts: &mut Parts) {
    let digests: BTreeSet<&str> = side.files.iter().map(|file| file.digest.as_str()).collect();
    parts.add(&digests.len().to_string());
    digests.into_iter().for_each(|digest| parts.add(digest));
}

/// Jobs that were seen before.
#[derive(Debug, Default)]
pub struct Seen(BTreeSet<String>);

impl Seen {
    /// True where the job is work that was not seen before.
    pub fn is_new(&mut self, job: &JobReport) -> bool {
        work(job).is_none_or(|work| self.0.insert(work))
    }
}
