//! `performance.csv`: every run of every measured set, warm-up and noise included.

use crate::document::{JobReport, Report, Role};
use crate::error::Result;
use crate::measurement::{Measurement, Purpose, Sample};
use crate::table::{Table, number, text};

const COLUMNS: &[&str] = &[
    "set",
    "signal",
    "kind",
    "purpose",
    "repetition",
    "order",
    "job",
    "rows",
    "input_bytes",
    "side",
    "side_name",
    "half",
    "wall_ns",
    "user_ns",
    "system_ns",
    "peak_bytes",
    "read_bytes",
    "written_bytes",
    "storage_read_bytes",
    "storage_written_bytes",
    "profile",
    "machine",
];

/// `performance.csv`: one line per run, in the order in which they ran.
///
/// # Errors
/// [`crate::Error::Format`] where the file cannot be put together.
pub fn performance(report: &Report) -> Result<String> {
    let mut table = Table::new("performance.csv", COLUMNS)?;
    for job in &report.jobs {
        let Some(measurement) = &job.measurement else { continue };
        for (index, sample) in measurement.samples.iter().enumerate() {
            table.line(&cells(job, measurement, index, sample))?;
        }
    }
    table.finish()
}

fn cells(set: &JobReport, measurement: &Measurement, index: usize, sample: &Sample) -> Vec<String> {
    let job = measurement.jobs.iter().find(|job| job.id == sample.job);
    let purpose = match sample.purpose {
        Purpose::WarmUp => "warm-up",
        Purpose::Pair => "pair",
        Purpose::Noise => "noise",
    };
    let name = match sample.side {
        Role::Baseline => &measurement.baseline,
        Role::Candidate => &measurement.candidate,
    };
    vec![
        text(&set.id),
        text(set.signal.as_deref().unwrap_or_default()),
        text(set.kind.as_deref().unwrap_or_default()),
        purpose.to_owned(),
        sample.repetition.to_string(),
        (index + 1).to_string(),
        text(&sample.job),
        number(job.map(|job| job.rows)),
        number(job.map(|job| job.bytes)),
        sample.side.to_string(),
        text(name),
        if sample.upper { "upper" } else { "lower" }.to_owned(),
        sample.wall_ns.to_string(),
        sample.user_ns.to_string(),
        sample.system_ns.to_string(),
        sample.peak_bytes.to_string(),
        number(sample.read_bytes),
        number(sample.written_bytes),
        number(sample.storage_read_bytes),
        number(sample.storage_written_bytes),
        text(measurement.profile.as_deref().unwrap_or_default()),
        text(&measurement.machine.name),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn every_run_is_a_line_in_the_order_in_which_it_ran() {
        let report = fixture::measured();
        let text = performance(&report).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap().split(',').count(), COLUMNS.len());
        let samples = fixture::measurement().samples.len();
        assert_eq!(lines.count(), samples);
        let first = "measure-logs-compact,logs,compact,warm-up,1,1,compact-production,40000,1912270,baseline,\
                     legacy:buffet,lower,80000000,64000000,8000000,50331648,4000000,1500000,0,1523712,release,bench-1";
        assert_eq!(text.lines().nth(1), Some(first));
        assert!(text.contains(",noise,1,") && text.contains(",upper,"));
    }
}
