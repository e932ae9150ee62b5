//! How often a gate fails a candidate that is the baseline itself: gates over recorded ratios of A against A.
//!
//! ```sh
//! parallax bench --baseline unified --candidate unified --out aa       # records real ratios, on the machine in question
//! cargo bench --bench aa_gates -- aa/report.json                       # 100 gates for each set of the report
//! cargo bench --bench aa_gates -- --gates 1000 --slower 0.05 aa/report.json
//! ```
//!
//! Each gate draws as many of the recorded ratios (pairs and noise pairs, both are A against A) with replacement as it would
//! have measured, and goes by the same rule: judged after the pairs asked for, and after every few more while it is open.
//! Printed are the gates that failed, passed and stayed open, for wall time, processor time and peak memory.

use std::path::Path;

use parallax::measure::Limits;
use parallax::measure::statistics::{Judgement, SplitMix64, estimate, judge};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (mut gates, mut limits, mut reports) = (100_usize, Limits::default(), Vec::new());
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--gates" => gates = value()?.parse()?,
            "--slower" => limits.slower = value()?.parse()?,
            "--pairs" => limits.pairs = value()?.parse()?,
            _ => reports.push(word),
        }
    }
    if reports.is_empty() {
        return Err("name the report.json of a bench of one side against itself".into());
    }
    for path in reports {
        let report = parallax::report_dir::read(Path::new(&path))?;
        for job in report.jobs {
            let Some(measurement) = job.measurement else { continue };
            if measurement.baseline != measurement.candidate {
                return Err(format!("{path}: {} measured two different sides", job.id).into());
            }
            for (name, found, share) in [
                ("wall time", &measurement.wall, limits.slower),
                ("processor time", &measurement.cpu, limits.slower),
                ("peak memory", &measurement.memory, limits.more_memory),
            ] {
                let recorded = [found.ratios.as_slice(), &found.noise_ratios].concat();
                if recorded.is_empty() {
                    return Err(format!("{path}: {} holds no ratio", job.id).into());
                }
                let [passed, failed, open] = simulate(&recorded, gates, share, &limits);
                say(&format!(
                    "{}, {name}: {} recorded ratios, {gates} gates: {failed} failed, {passed} passed, {open} open",
                    job.id,
                    recorded.len()
                ))?;
            }
        }
    }
    Ok(())
}

/// Gates that passed, failed and stayed open.
fn simulate(recorded: &[f64], gates: usize, share: f64, limits: &Limits) -> [usize; 3] {
    let mut random = SplitMix64(1);
    let mut counts = [0; 3];
    for _ in 0..gates {
        let mut drawn = Vec::new();
        let mut goal = limits.pairs;
        let judgement = loop {
            while drawn.len() < goal {
                drawn.push(recorded[random.below(recorded.len())]);
            }
            let found = estimate(&drawn, limits.confidence);
            let judgement = judge(found.as_ref(), drawn.len(), 1.0 + share);
            if judgement != Judgement::Open || drawn.len() >= limits.max_pairs {
                break judgement;
            }
            goal = (goal + Limits::STEP).min(limits.max_pairs);
        };
        counts[match judgement {
            Judgement::Within => 0,
            Judgement::Beyond => 1,
            Judgement::Open => 2,
        }] += 1;
    }
    counts
}

fn say(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{line}")
}
