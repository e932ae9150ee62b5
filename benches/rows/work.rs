//! What is measured: decoding alone, and the ROWS check.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpora::signal::Signal;
use parallax::cancel::Cancel;
use parallax::check::rows::Rows;
use parallax::check::{Check, Comparison, Observed, Outcome, SizeBounds, Subject};
use parallax::evidence::differences::Differences;
use parallax::job::{Expected, Job, JobKind, Recorded};
use parallax::output::Output;
use parallax::spill::{Memory, Spill};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;
use reports::document::{Role, SideInfo, SideKind, SideOutcome};

use crate::Failure;

/// One work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Decode both sides and do nothing with it.
    Decode,
    /// ROWS on equal data.
    Equal,
    /// ROWS on data that differs in ten cells.
    Planted,
    /// ROWS on data that differs in every row, with the file of differences.
    Differing,
}

/// How long a work took, by the clock and in seconds of processor time.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    pub clock: Duration,
    pub processor: f64,
}

/// Measures from here on.
struct Clock(Instant, f64);

impl Clock {
    fn start() -> Result<Self, Failure> {
        Ok(Self(Instant::now(), processor()?))
    }

    fn took(&self) -> Result<Took, Failure> {
        Ok(Took { clock: self.0.elapsed(), processor: processor()? - self.1 })
    }
}

/// Seconds that this process spent on processors, all threads together, to a hundredth.
fn processor() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system time are fields 14 and 15; the name, field 2, was cut off.
    let ticks: Vec<f64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

impl Work {
    const ALL: [Self; 4] = [Self::Decode, Self::Equal, Self::Planted, Self::Differing];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Equal => "equal",
            Self::Planted => "planted",
            Self::Differing => "differing",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| work.name() == name)
    }

    /// Does it, and tells how long it took.
    pub fn perform(self, folder: &Path, threads: u64) -> Result<Took, Failure> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::try_from(threads)?).build()?;
        let (one, other) = match self {
            Self::Decode | Self::Equal => ("one", "forty"),
            Self::Planted => ("one", "planted"),
            Self::Differing => ("one", "other"),
        };
        let (one, other) = (folder.join(one), folder.join(other));
        if self == Self::Decode {
            return pool.install(|| decode(&[&one, &other]));
        }
        let (took, outcome, written) = pool.install(|| rows(&one, &other, folder, self))?;
        let rows = outcome.evidence.rows.ok_or("no evidence")?;
        let columns: BTreeSet<&str> = rows.columns.iter().map(|it| it.column.as_str()).collect();
        let right = match self {
            Self::Decode | Self::Equal => {
                rows.equal == rows.rows_baseline && rows.equal == rows.rows_candidate
            }
            Self::Planted => {
                let found = rows.columns.iter().map(|it| it.rows).sum::<u64>();
                (rows.changed, rows.missing, rows.extra, found) == (10, 0, 0, 10) && columns.len() > 5
            }
            Self::Differing => rows.changed == rows.rows_baseline && written == rows.changed,
        };
        if right { Ok(took) } else { Err(format!("{} is wrong: {}", self.name(), outcome.summary).into()) }
    }
}

/// Decodes every row group of both sides.
fn decode(folders: &[&Path]) -> Result<Took, Failure> {
    let mut units = Vec::new();
    for folder in folders {
        let mut files: Vec<_> =
            std::fs::read_dir(folder)?.map(|it| it.map(|it| it.path())).collect::<Result<_, _>>()?;
        files.sort();
        for path in files {
            let groups =
                ParquetRecordBatchReaderBuilder::try_new(File::open(&path)?)?.metadata().num_row_groups();
            units.extend((0..groups).map(|group| (path.clone(), group)));
        }
    }
    let started = Clock::start()?;
    let rows: usize = units
        .par_iter()
        .map(|(path, group)| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?
                .with_row_groups(vec![*group])
                .with_batch_size(8_192)
                .build()?;
            reader.map(|batch| Ok(std::hint::black_box(batch?).num_rows())).sum::<Result<usize, Failure>>()
        })
        .sum::<Result<usize, Failure>>()?;
    let took = started.took()?;
    if rows == 0 { Err("nothing to decode".into()) } else { Ok(took) }
}

fn observe(role: Role, root: &Path) -> Result<Observed, Failure> {
    Ok(Observed {
        role,
        info: SideInfo {
            name: String::new(),
            kind: SideKind::Recorded,
            version: None,
            command: Vec::new(),
            digest: None,
            digest_covers: None,
        },
        outcome: SideOutcome::Recorded,
        output: Output::open(role, root, None, &[], true)?,
        scratch_left: Vec::new(),
        probe: None,
        reruns: Vec::new(),
        stops: None,
    })
}

/// The ROWS check alone: outputs are opened, and their bytes digested, before.
fn rows(a: &Path, b: &Path, scratch: &Path, work: Work) -> Result<(Took, Outcome, u64), Failure> {
    let keys = [&["_cardinalhq.id"][..], &["_cardinalhq.tid", "_cardinalhq.timestamp"], &["id"]];
    let row_keys = keys.iter().map(|key| key.iter().map(|name| (*name).to_owned()).collect()).collect();
    let job = Job {
        id: "bench".to_owned(),
        signal: Some(Arc::new(Signal { row_keys, ..Signal::default() })),
        kind: JobKind::Compact,
        inputs: Vec::new(),
        parameters: corpora::parameters::Parameters::default(),
        parameter_origins: Vec::new(),
        corpus: None,
        expected: Expected::default(),
        recorded: Recorded::default(),
    };
    let (baseline, candidate) = (observe(Role::Baseline, a)?, observe(Role::Candidate, b)?);
    let spill = Spill::new(scratch, &Arc::new(Memory::default()));
    let differences = (work == Work::Differing).then(|| Differences::new(scratch, "bench", &[]));
    let subject = Subject {
        job: &job,
        baseline: Some(&baseline),
        candidate: &candidate,
        rows_in: None,
        comparison: &Comparison::default(),
        size_bounds: &SizeBounds::default(),
        known_defects: &[],
        scratch,
        spill: &spill,
        touched: &[],
        differences: differences.as_ref(),
        cancel: &Cancel::default(),
    };
    let started = Clock::start()?;
    let outcome = Rows.examine(&subject)?;
    let written = differences.as_ref().map_or(0, Differences::rows);
    differences.as_ref().map(Differences::finish).transpose()?;
    Ok((started.took()?, outcome, written))
}
