//! What differs between two runs, in sentences.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Severity};
use crate::gate::kind_word;
use crate::report::{CheckReport, JobReport, Report};
use crate::words::{self, bytes, count};

/// One difference between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What it is about.
    pub about: About,
    /// One sentence.
    pub text: String,
}

/// What a change is about, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The outcome of a check.
    Check,
    /// A finding that is new or gone.
    Finding,
    /// A job that is new or gone.
    Job,
    /// What a side is made of.
    Side,
    /// What was judged: inputs and parameters.
    Input,
    /// What it was judged by.
    Policy,
    /// The program or the machine.
    Program,
    /// Sums.
    Sum,
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Check => "check",
            Self::Finding => "finding",
            Self::Job => "job",
            Self::Side => "side",
            Self::Input => "input",
            Self::Policy => "policy",
            Self::Program => "program",
            Self::Sum => "sum",
        })
    }
}

/// All differences, most telling first, in an order that does not depend on time.
pub(super) fn between(before: &Report, now: &Report) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut note = |about: About, text: String| changes.push(Change { about, text });
    let values = before.redacted == now.redacted;
    let (old, new) = (jobs(before), jobs(now));
    for (id, job) in &new {
        match old.get(id) {
            None => note(About::Job, format!("{id} is new: {}", words::verdict(job.verdict))),
            Some(earlier) => {
                checks(earlier, job, &mut note);
                inputs(earlier, job, values, &mut note);
            }
        }
    }
    for id in old.keys().filter(|id| !new.contains_key(*id)) {
        note(About::Job, format!("{id} is gone"));
    }
    findings(before, now, values, &mut note);
    if !values {
        let why = "redacted with different keys, or only one of the two: names of sides, parameters and what the policy says of \
                   some rows are not compared";
        note(About::Input, why.to_owned());
    }
    let (left, right) = (sides(before, values), sides(now, values));
    for side in right.difference(&left) {
        note(About::Side, format!("{side} is new"));
    }
    for side in left.difference(&right) {
        note(About::Side, format!("{side} is gone"));
    }
    let keyed = !values && [before, now].into_iter().any(says_of_rows);
    let policy = |report: &Report| {
        report.policy.as_ref().map_or_else(
            || "no policy".to_owned(),
            |it| {
                let phase = it.phase.as_deref().unwrap_or("none");
                let digest = if keyed { String::new() } else { format!(", digest {}", short(&it.digest)) };
                format!("phase {phase}{digest}")
            },
        )
    };
    differ(About::Policy, "the policy", &policy(before), &policy(now), &mut note);
    let program = |report: &Report| {
        let crates = report.tool.crates.iter().map(|(name, version)| format!(", {name} {version}"));
        format!(
            "{} {} ({}){}",
            report.tool.name,
            report.tool.version,
            report.tool.profile,
            crates.collect::<String>()
        )
    };
    differ(About::Program, "the program", &program(before), &program(now), &mut note);
    let machine = |report: &Report| {
        let host = &report.run.host;
        format!("{} {}, {} processors", host.os, host.arch, host.cpus)
    };
    differ(About::Program, "the machine", &machine(before), &machine(now), &mut note);
    sums(before, now, &mut note);
    changes.sort_by_key(|change| change.about);
    changes
}

/// True where a redacted policy says something of some rows: its digest is one with a key then.
fn says_of_rows(report: &Report) -> bool {
    let mut all = report.policy.iter().flat_map(|policy| &policy.values);
    all.any(|it| it.key.starts_with("for ~") || it.value.starts_with('~'))
}

type Note<'a> = dyn FnMut(About, String) + 'a;

fn jobs(report: &Report) -> BTreeMap<&str, &JobReport> {
    report.jobs.iter().map(|job| (job.id.as_str(), job)).collect()
}

fn differ(about: About, what: &str, before: &str, now: &str, note: &mut Note<'_>) {
    if before != now {
        note(about, format!("{what}: {before} before, {now} now"));
    }
}

fn checks(before: &JobReport, now: &JobReport, note: &mut Note<'_>) {
    let find = |job: &'_ JobReport, code: &str| {
        job.checks.iter().find(|check| check.check == code).map(|check: &CheckReport| check.status)
    };
    for check in &now.checks {
        let earlier = find(before, &check.check);
        if earlier != Some(check.status) {
            let was = earlier.map_or("not run", words::status);
            let is = words::status(check.status);
            note(
                About::Check,
                format!("{} {}: {was} before, {is} now: {}", now.id, check.check, check.summary),
            );
        }
    }
    for check in before.checks.iter().filter(|check| find(now, &check.check).is_none()) {
        let was = words::status(check.status);
        note(About::Check, format!("{} {}: {was} before, not run now", now.id, check.check));
    }
}

/// Parameters are compared only where both reports write `values` alike.
fn inputs(before: &JobReport, now: &JobReport, values: bool, note: &mut Note<'_>) {
    let parameters = |job: &JobReport| {
        let all = job.parameters.iter().map(|it| format!("{}={}", it.key, it.value));
        all.collect::<Vec<_>>().join(" ")
    };
    if values {
        let what = format!("parameters of {}", now.id);
        differ(About::Input, &what, &parameters(before), &parameters(now), note);
    }
    let read = |job: &JobReport| {
        let corpus = job.corpus.iter().map(|corpus| short(&corpus.digest));
        let files = job.inputs.iter().filter_map(|input| input.digest.as_deref()).map(short);
        let digests: Vec<_> = corpus.chain(files).collect();
        let rows = crate::total::total(job.inputs.iter().map(|input| input.rows));
        // Many segments are named by the first ones; a difference further on shows in rows or in the sums.
        format!("{} segments of {} rows ({})", job.inputs.len(), count(rows), digests.join(" "))
    };
    differ(About::Input, &format!("inputs of {}", now.id), &read(before), &read(now), note);
}

/// Ids of findings that stand for rows of a scope are made of its values.
fn findings(before: &Report, now: &Report, values: bool, note: &mut Note<'_>) {
    let asks = |it: &&Finding| asks(it) && (values || it.scope.is_none());
    let asking = |report: &'_ Report| -> BTreeMap<String, (String, String)> {
        let mut found = BTreeMap::new();
        for job in &report.jobs {
            for it in job.checks.iter().flat_map(|check| &check.findings).filter(asks) {
                let said = format!("{} {} {}: {}", words::severity(it.severity), job.id, it.code, it.message);
                found.insert(it.id.clone(), (said, format!("{} {}", job.id, it.code)));
            }
        }
        found
    };
    let (old, new) = (asking(before), asking(now));
    for (_, (said, _)) in new.iter().filter(|(id, _)| !old.contains_key(*id)) {
        note(About::Finding, format!("new: {said}"));
    }
    for (_, (_, named)) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
        note(About::Finding, format!("gone: {named}"));
    }
}

fn asks(finding: &Finding) -> bool {
    finding.waived.is_none() && finding.severity != Severity::Info
}

/// What sides there are: role, name where `named`, else the kind, version, digest.
fn sides(report: &Report, named: bool) -> BTreeSet<String> {
    let mut sides = BTreeSet::new();
    for job in &report.jobs {
        let both = job.baseline.iter().map(|side| ("baseline", side)).chain([("candidate", &job.candidate)]);
        for (role, side) in both {
            let version = side.side.version.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
            let digest = side.side.digest.as_ref().map(|it| format!(" ({})", short(it))).unwrap_or_default();
            let name = if named { side.side.name.as_str() } else { kind_word(side.side.kind) };
            sides.insert(format!("{role} {name}{version}{digest}"));
        }
    }
    sides
}

fn sums(before: &Report, now: &Report, note: &mut Note<'_>) {
    let (a, b) = (&before.totals, &now.totals);
    let pairs = [
        ("input rows", count(a.rows_in), count(b.rows_in)),
        ("rows of the baseline", count(a.rows_baseline), count(b.rows_baseline)),
        ("rows of the candidate", count(a.rows_candidate), count(b.rows_candidate)),
        ("files of the baseline", count(a.files_baseline), count(b.files_baseline)),
        ("files of the candidate", count(a.files_candidate), count(b.files_candidate)),
        ("bytes of the baseline", bytes(a.bytes_baseline), bytes(b.bytes_baseline)),
        ("bytes of the candidate", bytes(a.bytes_candidate), bytes(b.bytes_candidate)),
    ];
    for (what, was, is) in pairs {
        differ(About::Sum, what, &was, &is, note);
    }
}

/// The first 12 characters of a digest.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}
