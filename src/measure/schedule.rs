//! In which order the sides run, and what becomes of the samples.
//!
//! 1. Warm-up: each side once on each job. Its samples are kept, not judged; a job that is too short is left out from here.
//! 2. A pair: on each job of the set baseline and candidate right after one another, in an order that changes from pair to
//!    pair and from job to job (A B, B A, A B, ...), so that neither a drift of the machine nor the place in the order favours
//!    a side. The times of all jobs are added up, and their ratio is one ratio.
//!    Where that takes less than the time that a half should take, several rounds are run and added up.
//!    After each couple of runs their outputs are examined and removed: nothing stands between the two.
//! 3. After every second pair, a pair of the baseline and itself in the same manner: its ratios show the noise.
//! 4. After the pairs asked for, and then after every few more: judged. Open questions are measured on, up to the limit.
//!
//! Looking several times makes a wrong answer a little likelier than one look would; the interval must lie beyond the limit as a
//! whole, which a candidate as good as its baseline is far from. Cost: two and a half runs of the set a pair, roughly.

use reports::document::Role;
use reports::measurement::{Comparison, Purpose, Sample, pair_sums};

use super::Limits;
use super::launch::Accounting;
use super::statistics::{self, Judgement};
use crate::error::Result;

/// One run of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What for.
    pub purpose: Purpose,
    /// Repetition, from 1.
    pub repetition: u64,
    /// Round within the repetition, from 1.
    pub round: u64,
    /// Index of the job.
    pub job: usize,
    /// The side.
    pub side: Role,
    /// Whether it counts as the upper half of its pair.
    pub upper: bool,
}

/// Performs the runs.
pub trait Perform {
    /// Performs one run: the accounting of each worker.
    ///
    /// # Errors
    /// Where the side did not complete the job, or the harness could not do its part.
    fn once(&mut self, run: Run) -> Result<Vec<Accounting>>;

    /// Examines the outputs of the runs since the last call. Nothing is measured meanwhile.
    ///
    /// # Errors
    /// Where an output is not that of the job, or the harness could not do its part.
    fn settle(&mut self) -> Result<()>;
}

/// A measurement in progress.
pub struct Schedule<'a> {
    /// Names of the jobs.
    jobs: Vec<String>,
    /// Jobs that are measured, by index.
    chosen: Vec<usize>,
    perform: &'a mut dyn Perform,
    samples: Vec<Sample>,
    rounds: u64,
}

impl<'a> Schedule<'a> {
    /// A schedule over jobs of these names.
    pub fn new(jobs: Vec<String>, perform: &'a mut dyn Perform) -> Self {
        let chosen = (0..jobs.len()).collect();
        Self { jobs, chosen, perform, samples: Vec::new(), rounds: 1 }
    }

    /// Every run so far.
    #[must_use]
    pub fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    /// Runs both sides once on each job and leaves out those for which either took less than `least`; returns these with the
    /// shorter time in nanoseconds. Then settles on as many rounds as make the faster side take `half` nanoseconds.
    ///
    /// # Errors
    /// Where a side did not complete a job, or an interruption.
    pub fn warm_up(&mut self, least: u64, half: u64) -> Result<Vec<(usize, u64)>> {
        let mut short = Vec::new();
        let mut total = 0_u64;
        for job in self.chosen.clone() {
            let mut shortest = u64::MAX;
            for side in [Role::Baseline, Role::Candidate] {
                let upper = side == Role::Candidate;
                let run = Run { purpose: Purpose::WarmUp, repetition: 1, round: 1, job, side, upper };
                shortest = shortest.min(self.once(run)?);
            }
            if shortest < least {
                short.push((job, shortest));
            } else {
                total = total.saturating_add(shortest);
            }
        }
        self.perform.settle()?;
        self.rounds = half.div_ceil(total.max(1)).clamp(1, Limits::MAX_ROUNDS);
        self.chosen.retain(|job| short.iter().all(|(left_out, _)| left_out != job));
        Ok(short)
    }

    /// Indices of the jobs that are measured.
    #[must_use]
    pub fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// How often each half of a pair runs each job.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Measures as many pairs as the limits ask for and as the answer needs; returns how many. `judged` says whether time
    /// decides anything here; `measured` is called after each pair.
    ///
    /// # Errors
    /// Where a side did not complete a job, or an interruption. The samples so far stay.
    pub fn measure(
        &mut self,
        limits: &Limits,
        judged: bool,
        measured: &mut dyn FnMut(usize),
    ) -> Result<usize> {
        let mut pairs = 0;
        let mut goal = limits.pairs.max(1);
        loop {
            while pairs < goal {
                pairs += 1;
                self.pair(Purpose::Pair, pairs as u64, Role::Candidate)?;
                if pairs.is_multiple_of(2) {
                    self.pair(Purpose::Noise, pairs as u64 / 2, Role::Baseline)?;
                }
                measured(pairs);
            }
            let open = |quantity: Quantity, share: f64| {
                let found = compare(&self.samples, quantity, limits.confidence, Some(1.0 + share));
                judgement(&found) == Judgement::Open
            };
            let undecided =
                (judged && open(limits.by, limits.slower)) || open(Quantity::Memory, limits.more_memory);
            if !undecided || pairs >= limits.max_pairs {
                return Ok(pairs);
            }
            goal = (pairs + Limits::STEP).min(limits.max_pairs);
        }
    }

    /// One pair over all chosen jobs: the baseline and `upper`.
    fn pair(&mut self, purpose: Purpose, repetition: u64, upper: Role) -> Result<()> {
        for round in 0..self.rounds {
            for (place, job) in self.chosen.clone().into_iter().enumerate() {
                let lower_first = (repetition + round + place as u64) % 2 == 1;
                for second in [false, true] {
                    let is_upper = second == lower_first;
                    let side = if is_upper { upper } else { Role::Baseline };
                    self.once(Run { purpose, repetition, round: round + 1, job, side, upper: is_upper })?;
                }
                // After both halves, so that nothing stands between the two.
                self.perform.settle()?;
            }
        }
        Ok(())
    }

    /// The shortest wall time of the workers, in nanoseconds.
    fn once(&mut self, run: Run) -> Result<u64> {
        let Run { purpose, repetition, job, side, upper, .. } = run;
        let mut shortest = u64::MAX;
        for accounting in self.perform.once(run)? {
            let Accounting { wall_ns, user_ns, system_ns, peak_bytes, moved, .. } = accounting;
            shortest = shortest.min(wall_ns);
            self.samples.push(Sample {
                purpose,
                repetition,
                job: self.jobs[job].clone(),
                side,
                upper,
                wall_ns,
                user_ns,
                system_ns,
                peak_bytes,
                read_bytes: moved.map(|moved| moved.read),
                written_bytes: moved.map(|moved| moved.written),
                storage_read_bytes: moved.map(|moved| moved.storage_read),
                storage_written_bytes: moved.map(|moved| moved.storage_written),
            });
        }
        Ok(shortest)
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Quantity {
    /// Wall time.
    Wall,
    /// Processor time, user and system together.
    Cpu,
    /// Peak resident memory in bytes.
    #[value(skip)]
    Memory,
}

impl Quantity {
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 53 bits")]
    fn of(self, sample: &Sample) -> f64 {
        match self {
            Self::Wall => sample.wall_ns as f64 / 1e9,
            Self::Cpu => sample.user_ns.saturating_add(sample.system_ns) as f64 / 1e9,
            Self::Memory => sample.peak_bytes as f64,
        }
    }
}

/// Compares one quantity over all complete pairs. A pair's figure is the sum over its jobs, also of peaks.
#[must_use]
pub fn compare(samples: &[Sample], quantity: Quantity, confidence: f64, limit: Option<f64>) -> Comparison {
    let sums = |purpose| pair_sums(samples, purpose, &|sample| quantity.of(sample));
    let (pairs, noise) = (sums(Purpose::Pair), sums(Purpose::Noise));
    let of =
        |pick: fn(&(f64, f64)) -> f64, pairs: &[(f64, f64)]| -> Vec<f64> { pairs.iter().map(pick).collect() };
    let ratios = of(|(lower, upper)| upper / lower, &pairs);
    let noise_ratios = of(|(lower, upper)| upper / lower, &noise);
    Comparison {
        baseline: statistics::median(&of(|pair| pair.0, &pairs)).unwrap_or_default(),
        candidate: statistics::median(&of(|pair| pair.1, &pairs)).unwrap_or_default(),
        ratio: statistics::estimate(&ratios, confidence),
        ratios,
        noise: statistics::estimate(&noise_ratios, confidence),
        noise_ratios,
        limit,
    }
}

/// What a comparison says about its limit.
#[must_use]
pub fn judgement(found: &Comparison) -> Judgement {
    found
        .limit
        .map_or(Judgement::Open, |limit| statistics::judge(found.ratio.as_ref(), found.ratios.len(), limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// Performs runs by a function, and leaves no output.
    struct By<F>(F);

    impl<F: FnMut(Role, usize) -> Result<Accounting>> Perform for By<F> {
        fn once(&mut self, run: Run) -> Result<Vec<Accounting>> {
            (self.0)(run.side, run.job).map(|one| vec![one])
        }

        fn settle(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn took(wall: u64, peak: u64) -> Accounting {
        Accounting {
            status: Some(0),
            signal: None,
            wall_ns: wall,
            user_ns: wall / 2,
            system_ns: 0,
            peak_bytes: peak,
            moved: None,
        }
    }

    fn limits(pairs: usize, max_pairs: usize) -> Limits {
        Limits { pairs, max_pairs, ..Limits::default() }
    }

    #[test]
    fn the_sides_take_turns_and_the_baseline_is_measured_against_itself() {
        let mut perform = By(|_: Role, _: usize| Ok(took(100, 100)));
        let mut schedule = Schedule::new(vec!["a".to_owned()], &mut perform);
        assert!(schedule.warm_up(50, 100).unwrap().is_empty());
        assert_eq!(schedule.measure(&limits(6, 40), true, &mut |_| {}).unwrap(), 6);
        let order: String = schedule
            .into_samples()
            .iter()
            .map(|sample| match (sample.purpose, sample.side) {
                (Purpose::WarmUp, _) => 'w',
                (Purpose::Pair, Role::Baseline) => 'A',
                (Purpose::Pair, Role::Candidate) => 'B',
                (Purpose::Noise, Role::Baseline) => 'n',
                (Purpose::Noise, Role::Candidate) => 'x',
            })
            .collect();
        assert_eq!(order, "wwABBAnnABBAnnABBAnn");
    }

    #[test]
    fn outputs_are_examined_after_the_warm_up_and_after_each_couple_of_runs() {
        struct Noted(String);
        impl Perform for Noted {
            fn once(&mut self, run: Run) -> Result<Vec<Accounting>> {
                self.0.push(if run.side == Role::Candidate { 'B' } else { 'A' });
                Ok(vec![took(100, 100)])
            }

            fn settle(&mut self) -> Result<()> {
                self.0.push('.');
                Ok(())
            }
        }
        let mut noted = Noted(String::new());
        let mut schedule = Schedule::new(vec!["a".to_owned(), "b".to_owned()], &mut noted);
        schedule.warm_up(0, 0).unwrap();
        schedule.measure(&limits(2, 2), true, &mut |_| {}).unwrap();
        assert_eq!(noted.0, "ABAB.AB.BA.BA.AB.AA.AA.");
    }

    #[test]
    fn an_open_question_is_measured_on_and_a_clear_one_is_not() {
        let count = |candidate: fn(u64) -> u64| {
            let mut turn = 0;
            let mut perform = By(|role: Role, _: usize| {
                turn += 1;
                Ok(took(if role == Role::Candidate { candidate(turn) } else { 1000 }, 100))
            });
            let mut schedule = Schedule::new(vec!["a".to_owned()], &mut perform);
            schedule.measure(&limits(6, 17), true, &mut |_| {}).unwrap()
        };
        assert_eq!(count(|_| 1200), 6);
        assert_eq!(count(|_| 200), 6);
        assert_eq!(count(|turn| if turn % 3 == 0 { 1300 } else { 900 }), 17, "and no further than the limit");
    }

    #[test]
    fn short_jobs_are_left_out_and_times_of_the_others_are_added_up() {
        let mut perform = By(|role: Role, job: usize| {
            Ok(took([10, 1000, 3000][job] * if role == Role::Candidate { 2 } else { 1 }, 100))
        });
        let names = ["tiny", "a", "b"].map(str::to_owned).to_vec();
        let mut schedule = Schedule::new(names, &mut perform);
        assert_eq!(schedule.warm_up(100, 10_000).unwrap(), [(0, 10)]);
        assert_eq!(schedule.rounds(), 3, "4,000 in one round, and 10,000 are wanted");
        assert_eq!(schedule.chosen(), [1, 2]);
        schedule.measure(&limits(6, 6), true, &mut |_| {}).unwrap();
        let samples = schedule.into_samples();
        let wall = compare(&samples, Quantity::Wall, 0.95, Some(1.1));
        assert_eq!((wall.baseline, wall.candidate), (4e-6, 8e-6));
        assert_eq!(wall.ratios, [2.0; 6]);
        assert_eq!(wall.noise_ratios, [1.0; 3]);
        assert_eq!(judgement(&wall), Judgement::Beyond);
        let memory = compare(&samples, Quantity::Memory, 0.95, Some(1.1));
        assert_eq!((memory.baseline, judgement(&memory)), (200.0, Judgement::Within));
    }

    #[test]
    fn a_pair_that_was_cut_off_does_not_count_and_its_samples_stay() {
        let mut left = 17;
        let mut perform = By(|_: Role, _: usize| {
            left -= 1;
            if left == 0 { Err(Error::cancelled()) } else { Ok(took(100, 100)) }
        });
        let mut schedule = Schedule::new(vec!["a".to_owned(), "b".to_owned()], &mut perform);
        assert!(schedule.measure(&limits(6, 6), true, &mut |_| {}).is_err());
        let samples = schedule.into_samples();
        assert_eq!(samples.len(), 16);
        let found = compare(&samples[..15], Quantity::Wall, 0.95, None);
        assert_eq!((found.ratios.len(), found.noise_ratios.len()), (2, 1));
    }
}
