//! What PERFORMANCE and MEMORY have in common: from a comparison of one quantity to an outcome.

use reports::document::{CheckStatus, Coverage, Role, Severity};
use reports::measurement::{Comparison, Estimate, Measurement};

use super::Outcome;
use super::draft::decided;
use super::finding::{Refine, finding};
use crate::measure::schedule::judgement;
use crate::measure::statistics::{Judgement, fewest};

/// What is asked of a comparison.
pub(super) struct Question {
    /// Code of the check.
    pub check: &'static str,
    /// Code of the finding.
    pub code: &'static str,
    /// Code of the finding about an output that is not that of the job.
    pub output: &'static str,
    /// What is compared.
    pub quantity: &'static str,
}

/// The outcome on a job: the question is asked of measured sets alone.
pub(super) fn not_here() -> Outcome {
    decided(
        CheckStatus::NotApplicable,
        "not asked of a job that is compared: time and memory are measured alone, by run --measure N or bench"
            .to_owned(),
    )
}

/// Judges the outputs of the measured runs: what is found replaces any statement about time or memory.
pub(super) fn outputs(measurement: &Measurement, question: &Question) -> Option<Outcome> {
    let fault = measurement.outputs.as_ref()?.faults.first()?;
    // A baseline that does less than its work makes any candidate look slow.
    let severity = if fault.side == Role::Candidate { Severity::Blocker } else { Severity::Warning };
    let message = format!("{} of job {}: the {} {}", fault.run(), fault.job, fault.side, fault.message);
    let found = finding(question.check, question.output, severity, Some(fault.side), message.clone())
        .with("job", &fault.job)
        .with("run", fault.run());
    let summary = format!("{} says nothing: {message}", question.quantity);
    Some(Outcome { findings: vec![found], ..decided(CheckStatus::Inconclusive, summary) })
}

/// Judges one quantity of a measured set.
pub(super) fn judge(measurement: &Measurement, found: &Comparison, question: &Question) -> Outcome {
    let open = |summary: String| decided(CheckStatus::Inconclusive, summary);
    if let Some(outcome) = outputs(measurement, question) {
        return outcome;
    }
    if let Some(failure) = &measurement.failure {
        return open(format!("not measured to the end: {failure}"));
    }
    if measurement.jobs.is_empty() {
        return open(
            "no job of the set could be measured (too short, or a side does not complete it); the list of jobs left out says why"
                .to_owned(),
        );
    }
    let (Some(ratio), Some(limit)) = (&found.ratio, found.limit) else {
        return open("no pair was measured".to_owned());
    };
    let said = format!(
        "{}: {} of the baseline's, {} to {} with {} % confidence, by {} pairs of {}; limit {}{}",
        question.quantity,
        words(ratio.median),
        times(ratio.low),
        times(ratio.high),
        ratio.confidence * 100.0,
        found.ratios.len(),
        jobs(measurement),
        times(limit),
        noise(found.noise.as_ref()),
    );
    let coverage = Coverage { rows: measurement.rows(), bytes: measurement.bytes(), ..Coverage::default() };
    match judgement(found) {
        Judgement::Within => Outcome { coverage, summary: said, ..Outcome::default() },
        Judgement::Beyond => {
            let message = format!(
                "the candidate takes {:.1} % more {} than the baseline ({said})",
                (ratio.median - 1.0) * 100.0,
                question.quantity
            );
            let blocker =
                finding(question.check, question.code, Severity::Blocker, Some(Role::Candidate), message)
                    .counting(found.ratios.len() as u64)
                    .with("ratio", format!("{:.4}", ratio.median))
                    .with("interval", format!("{:.4} to {:.4}", ratio.low, ratio.high))
                    .with("limit", format!("{limit:.4}"));
            Outcome { findings: vec![blocker], coverage, summary: said, ..Outcome::default() }
        }
        Judgement::Open => {
            let needed = fewest(ratio.confidence);
            let why = if found.ratios.len() < needed {
                format!("at least {needed} pairs are needed to decide; raise --measure")
            } else {
                "the limit lies within the interval: measure on a quieter machine, more pairs with --max-pairs, or longer ones with \
                 --half-ms"
                    .to_owned()
            };
            Outcome { coverage, ..open(format!("{why} ({said})")) }
        }
    }
}

/// A ratio, and what that is as a difference.
fn words(ratio: f64) -> String {
    let share = (ratio - 1.0).abs() * 100.0;
    if ratio < 1.0 {
        format!("{} ({share:.1} % less)", times(ratio))
    } else {
        format!("{} ({share:.1} % more)", times(ratio))
    }
}

fn times(ratio: f64) -> String {
    format!("{ratio:.3}")
}

fn jobs(measurement: &Measurement) -> String {
    match measurement.jobs.as_slice() {
        [only] => format!("job {}", only.id),
        several => format!("{} jobs added up", several.len()),
    }
}

fn noise(noise: Option<&Estimate>) -> String {
    noise.map_or_else(String::new, |noise| {
        format!(
            "; the baseline against itself: {}, {} to {}",
            times(noise.median),
            times(noise.low),
            times(noise.high)
        )
    })
}

#[cfg(test)]
pub(super) mod tests {
    use reports::measurement::{Machine, MeasuredJob, Outputs};

    use super::*;
    use crate::measure::statistics::estimate;

    /// A measurement with these ratios for every quantity, and a limit of 10 %.
    pub(in crate::check) fn measurement(ratios: &[f64]) -> Measurement {
        let found = Comparison {
            baseline: 1.0,
            candidate: 1.0,
            ratios: ratios.to_vec(),
            ratio: estimate(ratios, 0.95),
            noise_ratios: vec![1.0, 1.01],
            noise: estimate(&[1.0, 1.01], 0.95),
            limit: Some(1.10),
        };
        Measurement {
            jobs: vec![MeasuredJob { id: "a".to_owned(), rows: 10, bytes: 100 }],
            left_out: Vec::new(),
            baseline: "legacy:buffet".to_owned(),
            candidate: "unified".to_owned(),
            profile: Some("release".to_owned()),
            machine: Machine::default(),
            pairs: ratios.len() as u64,
            rounds: 1,
            workers: None,
            worker_memory: None,
            max_pairs: 40,
            wall: found.clone(),
            cpu: found.clone(),
            memory: found,
            failure: None,
            outputs: Some(Outputs::default()),
            samples: Vec::new(),
        }
    }

    #[test]
    fn too_few_pairs_say_how_many_are_needed() {
        let found = measurement(&[1.0; 3]);
        let question = Question { check: "X", code: "x.y", output: "x.output", quantity: "wall time" };
        let outcome = judge(&found, &found.wall, &question);
        assert_eq!(outcome.status, Some(CheckStatus::Inconclusive));
        assert!(outcome.summary.contains("at least 6 pairs"), "{}", outcome.summary);
        assert!(outcome.summary.contains("against itself"), "{}", outcome.summary);
    }
}
