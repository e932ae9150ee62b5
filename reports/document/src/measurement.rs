//! What was measured of time and memory: raw samples, and what the statistics made of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Role;

/// One measured set: jobs of one signal and kind, both sides in turn, alone on the machine as far as the harness can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// The jobs of which the set consists. One repetition performs all of them.
    pub jobs: Vec<MeasuredJob>,
    /// Jobs of the same signal and kind that were not measured.
    pub left_out: Vec<LeftOut>,
    /// Name of the baseline.
    pub baseline: String,
    /// Name of the candidate.
    pub candidate: String,
    /// `release` or `debug`: how the built-in sides were built; absent where none was measured.
    pub profile: Option<String>,
    /// The machine. Figures of two machines are not comparable.
    pub machine: Machine,
    /// Pairs (one repetition of each side) that were measured.
    pub pairs: u64,
    /// How often each half of a pair ran each job.
    pub rounds: u64,
    /// Workers that did a job at the same time; absent: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u64>,
    /// Bytes of memory that each process of a worker could ask for (`RLIMIT_DATA`); absent: not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_memory: Option<u64>,
    /// Pairs up to which it would have gone on.
    pub max_pairs: u64,
    /// Wall time.
    pub wall: Comparison,
    /// Processor time, user and system together. One of the two times has a limit and is judged, the other is told.
    pub cpu: Comparison,
    /// Peak resident memory.
    pub memory: Comparison,
    /// Why the measurement ended early, where it did.
    pub failure: Option<String>,
    /// What became of the outputs of the runs after the warm-up; absent in reports of versions that did not examine them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Outputs>,
    /// Every run in the order in which they ran, warm-up included. None is ever left out.
    pub samples: Vec<Sample>,
}

impl Measurement {
    /// Rows of all jobs of the set.
    #[must_use]
    pub fn rows(&self) -> u64 {
        crate::total::total(self.jobs.iter().map(|job| job.rows))
    }

    /// Input bytes of all jobs of the set.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        crate::total::total(self.jobs.iter().map(|job| job.bytes))
    }

    /// Whether the figures of two measurements may be held against each other.
    ///
    /// # Errors
    /// A sentence that names what differs: build profile or machine.
    pub fn comparable(&self, other: &Self) -> Result<(), String> {
        if self.profile != other.profile {
            let named = |profile: &Option<String>| profile.clone().unwrap_or_else(|| "foreign".to_owned());
            return Err(format!(
                "one was measured with a {} build, the other with a {} build; measure both with one",
                named(&self.profile),
                named(&other.profile)
            ));
        }
        match self.machine.difference(&other.machine) {
            Some(what) => {
                Err(format!("they were measured on different machines ({what}); measure both on one machine"))
            }
            None => Ok(()),
        }
    }
}

/// A job of a measured set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeasuredJob {
    /// Name of the job.
    pub id: String,
    /// Input rows.
    pub rows: u64,
    /// Input bytes.
    pub bytes: u64,
}

/// The outputs of the runs after the warm-up, each compared with what its side wrote in the warm-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Outputs with the bytes of the warm-up.
    pub identical: u64,
    /// Outputs with the rows of the warm-up in other bytes.
    pub same_rows: u64,
    /// Outputs with other rows, which the noise of the baseline explains.
    pub noise: u64,
    /// Outputs with other rows, or without them. The first one ends the measurement.
    pub faults: Vec<OutputFault>,
}

/// A run that did not write what its side wrote in the warm-up: its time and its memory say nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputFault {
    /// What the run was for.
    pub purpose: Purpose,
    /// Its repetition, as in the samples.
    pub repetition: u64,
    /// Its round within the repetition, from 1.
    pub round: u64,
    /// Name of the job.
    pub job: String,
    /// The side that ran.
    pub side: Role,
    /// What was wrong with its output, as the end of a sentence about the side.
    pub message: String,
}

impl OutputFault {
    /// Which run it was, in words.
    #[must_use]
    pub fn run(&self) -> String {
        let kind = match self.purpose {
            Purpose::WarmUp => "warm-up",
            Purpose::Pair => "pair",
            Purpose::Noise => "pair of the baseline with itself",
        };
        format!("{kind} {}, round {}", self.repetition, self.round)
    }
}

/// A job that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// Name of the job.
    pub job: String,
    /// Why.
    pub reason: String,
}

/// The machine that a measurement ran on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Operating system.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture.
    pub arch: String,
    /// Name of the machine in its network.
    pub name: String,
    /// Model of the processor, where the system tells it.
    pub processor: Option<String>,
    /// Processors available.
    pub cpus: u64,
    /// Memory in bytes, where the system tells it.
    pub memory: Option<u64>,
    /// Load average over the last minute when the measurement began, where the system tells it.
    pub load: Option<f64>,
}

impl Machine {
    /// What makes this another machine than `other`: name, kernel, processor, memory. The load is no part of that.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let size = |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string());
        let pairs = [
            ("name", self.name.clone(), other.name.clone()),
            ("system", self.os.clone(), other.os.clone()),
            ("kernel", self.kernel.clone(), other.kernel.clone()),
            ("architecture", self.arch.clone(), other.arch.clone()),
            ("processor", text(&self.processor), text(&other.processor)),
            ("processors", self.cpus.to_string(), other.cpus.to_string()),
            ("memory", size(self.memory), size(other.memory)),
        ];
        pairs
            .into_iter()
            .find(|(_, left, right)| left != right)
            .map(|(what, left, right)| format!("{what} {left:?} and {right:?}"))
    }
}

/// One quantity compared: candidate divided by baseline, pair by pair.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Median of the baseline over all pairs: seconds, or bytes.
    pub baseline: f64,
    /// Median of the candidate.
    pub candidate: f64,
    /// Ratio of each pair, in the order in which they were measured.
    pub ratios: Vec<f64>,
    /// Median of the ratios with its interval; absent without a pair.
    pub ratio: Option<Estimate>,
    /// Ratio of each pair of the baseline against itself.
    pub noise_ratios: Vec<f64>,
    /// Median of those with its interval: what the machine alone makes of equal work.
    pub noise: Option<Estimate>,
    /// Ratio up to which the candidate is within its limit: 1.10 allows 10 % more.
    pub limit: Option<f64>,
}

/// A median with its confidence interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// How often an interval made so holds the true median: 0.95.
    pub confidence: f64,
}

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To fill caches; not judged.
    WarmUp,
    /// One half of a pair of baseline and candidate.
    Pair,
    /// One half of a pair of the baseline and itself.
    Noise,
}

/// One run of one side on one job, by the operating system's accounting of its process. Where several workers did the job at the same
/// time, each has its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// What for.
    pub purpose: Purpose,
    /// Repetition, from 1; noise has a count of its own.
    pub repetition: u64,
    /// Name of the job.
    pub job: String,
    /// The side that ran.
    pub side: Role,
    /// True for the half that counts as the upper part of the ratio: the candidate, or the second baseline of a noise pair.
    pub upper: bool,
    /// Wall time in nanoseconds, from before the process was started to its end.
    pub wall_ns: u64,
    /// Processor time in user mode, nanoseconds.
    pub user_ns: u64,
    /// Processor time in the kernel, nanoseconds.
    pub system_ns: u64,
    /// Peak resident memory in bytes.
    pub peak_bytes: u64,
    /// Bytes read by system calls, those served from the page cache included; absent where the system does not tell.
    pub read_bytes: Option<u64>,
    /// Bytes written by system calls.
    pub written_bytes: Option<u64>,
    /// Bytes fetched from storage.
    pub storage_read_bytes: Option<u64>,
    /// Bytes sent to storage.
    pub storage_written_bytes: Option<u64>,
}

/// Lower and upper figure of each complete pair made for `purpose`, in order: the sums of `figure` over the jobs of the set, where
/// jobs ran several times in a pair divided by how often. A pair is complete where both halves ran as often as in every other
/// pair, and the lower figure is not zero, because nothing is a ratio by zero.
#[must_use]
pub fn pair_sums(samples: &[Sample], purpose: Purpose, figure: &dyn Fn(&Sample) -> f64) -> Vec<(f64, f64)> {
    let mut pairs: Vec<(u64, [f64; 2], [u32; 2])> = Vec::new();
    let mut jobs = std::collections::BTreeSet::new();
    for sample in samples.iter().filter(|sample| sample.purpose == purpose) {
        if pairs.last().is_none_or(|(repetition, ..)| *repetition != sample.repetition) {
            pairs.push((sample.repetition, [0.0; 2], [0; 2]));
        }
        jobs.insert(sample.job.as_str());
        if let Some((_, sums, runs)) = pairs.last_mut() {
            sums[usize::from(sample.upper)] += figure(sample);
            runs[usize::from(sample.upper)] += 1;
        }
    }
    let most = pairs.iter().map(|(_, _, runs)| runs[1]).max().unwrap_or_default();
    let jobs = u32::try_from(jobs.len()).unwrap_or(u32::MAX).max(1);
    let rounds = f64::from(most) / f64::from(jobs);
    pairs
        .into_iter()
        .filter(|(_, sums, runs)| *runs == [most; 2] && sums[0] > 0.0)
        .map(|(_, [lower, upper], _)| (lower / rounds, upper / rounds))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn figures_of_another_machine_or_build_are_not_held_against_each_other() {
        let one = fixture::measurement();
        let mut two = one.clone();
        two.machine.load = Some(9.0);
        assert_eq!(one.comparable(&two), Ok(()));
        two.machine.name = "elsewhere".to_owned();
        assert!(one.comparable(&two).unwrap_err().contains("different machines"));
        let debug = Measurement { profile: Some("debug".to_owned()), ..one.clone() };
        assert!(
            one.comparable(&debug).unwrap_err().contains("a release build, the other with a debug build")
        );
    }

    #[test]
    fn the_jobs_of_a_pair_are_added_up_and_half_a_pair_is_none() {
        let mut samples = fixture::measurement().samples;
        let wall = |sample: &Sample| sample.wall_ns as f64;
        let whole = pair_sums(&samples, Purpose::Pair, &wall);
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[0], (80.0 * 1e6 + 40.0 * 1e6, 72.0 * 1e6 + 36.0 * 1e6));
        let twice: Vec<Sample> = samples.iter().flat_map(|sample| [sample.clone(), sample.clone()]).collect();
        assert_eq!(pair_sums(&twice, Purpose::Pair, &wall), whole, "two rounds of each job say the same");
        let last = samples.iter().rposition(|sample| sample.purpose == Purpose::Pair).unwrap();
        samples.remove(last);
        assert_eq!(pair_sums(&samples, Purpose::Pair, &wall).len(), 3);
    }
}
