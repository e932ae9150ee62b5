//! What is measured, each case in a process of its own: a floor or a whole job. A case prints one line of figures.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use unified::Columns;

use crate::data::{INTERVAL, START};
use crate::{Failure, choices, say};

/// Rows of a batch, where a case has a say.
const BATCH_ROWS: usize = 8192;

/// Date of ingestion, which only labels files.
const INGESTED: i64 = 20_250_801;

/// Seconds of one tick of the processor times that the kernel tells.
const TICK: f64 = 0.01;

/// What one case came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of processor time, user and system, all threads.
    pub cpu: f64,
    /// Largest resident set of the process, in bytes.
    pub peak: f64,
    /// Rows that went in.
    pub rows: f64,
    /// Files that came out, and their bytes.
    pub files: f64,
    pub bytes: f64,
}

impl Figures {
    /// Reads the line that [`Self::line`] made.
    pub fn parse(line: &str) -> Result<Self, Failure> {
        let numbers = line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        match numbers[..] {
            [wall, cpu, peak, rows, files, bytes] => Ok(Self { wall, cpu, peak, rows, files, bytes }),
            _ => Err(format!("no figures: {line}").into()),
        }
    }

    fn line(&self) -> String {
        let Self { wall, cpu, peak, rows, files, bytes } = self;
        format!("{wall} {cpu} {peak} {rows} {files} {bytes}")
    }
}

/// What a case works on.
pub struct Case<'a> {
    pub name: &'a str,
    pub input: &'a Path,
    pub output: &'a Path,
    pub scratch: &'a Path,
    pub threads: usize,
    pub memory_limit: u64,
    pub sync: bool,
    /// The choice of encoding of the plain writer.
    pub choice: &'a str,
}

impl Case<'_> {
    /// Runs the case and prints its figures.
    pub fn run(&self) -> Result<(), Failure> {
        let inputs = parquet_files(self.input)?;
        let sorted = if self.name == "encode" {
            inputs.iter().map(|path| batches(path)).collect::<Result<Vec<_>, _>>()?
        } else {
            Vec::new()
        };
        let (started, cpu) = (Instant::now(), processor_seconds()?);
        let rows = match self.name {
            "read" => read(&inputs)?,
            "encode" => self.encode(&sorted)?,
            name => self.job(name, &inputs)?,
        };
        let wall = started.elapsed().as_secs_f64();
        let cpu = processor_seconds()? - cpu;
        let written = parquet_files(self.output)?;
        let mut bytes = 0;
        for path in &written {
            bytes += std::fs::metadata(path)?.len();
        }
        let figures = Figures {
            wall,
            cpu,
            peak: peak_memory()?,
            rows: rows as f64,
            files: written.len() as f64,
            bytes: bytes as f64,
        };
        say(&figures.line());
        Ok(())
    }

    /// Each file's rows by a plain writer with the settings of the unified writer, files dealt to the threads.
    fn encode(&self, files: &[Vec<RecordBatch>]) -> Result<u64, Failure> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<u64, String> {
            let mut rows = 0;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(batches) = files.get(index) else { return Ok(rows) };
                let path = self.output.join(format!("{index:05}.parquet"));
                rows += encode_one(batches, &path, self.choice).map_err(|error| error.to_string())?;
            }
        };
        let rows = std::thread::scope(|scope| {
            let workers: Vec<_> = (1..self.threads).map(|_| scope.spawn(work)).collect();
            let mut rows = work()?;
            for worker in workers {
                rows += worker.join().map_err(|_| "a thread panicked".to_owned())??;
            }
            Ok::<u64, String>(rows)
        })?;
        Ok(rows)
    }

    /// One job a segment, each into a directory of its own: so segments are split by hour when they are taken in.
    fn one_by_one(
        &self,
        inputs: &[PathBuf],
        each: impl Fn(&PathBuf, &Path) -> Result<u64, Failure>,
    ) -> Result<u64, Failure> {
        let mut rows = 0;
        for (number, input) in inputs.iter().enumerate() {
            let output = self.output.join(format!("{number:05}"));
            std::fs::create_dir_all(&output)?;
            rows += each(input, &output)?;
        }
        Ok(rows)
    }

    fn job(&self, name: &str, inputs: &[PathBuf]) -> Result<u64, Failure> {
        let columns = Columns::default();
        let (output, scratch, threads, sync) = (self.output, self.scratch, self.threads, self.sync);
        let (target_size, memory_limit) = (unified::DEFAULT_TARGET_SIZE, self.memory_limit);
        // As the command does.
        parallax::heap::keep_to(memory_limit);
        let (start, end) = (START, START + 1_000_000 * INTERVAL);
        Ok(match name {
            "logs" => {
                let columns = &columns;
                let job = unified::LogsJob {
                    inputs,
                    output,
                    scratch,
                    target_size,
                    split_hours: false,
                    memory_limit,
                    threads,
                    sync,
                    columns,
                    cancel: None,
                };
                job.run()?.rows_read
            }
            "metrics" => {
                let columns = &columns;
                let job = unified::MetricsJob {
                    inputs,
                    output,
                    scratch,
                    target_size,
                    memory_limit,
                    threads,
                    sync,
                    columns,
                    cancel: None,
                };
                job.run()?.rows_read
            }
            "merge" => {
                let job = unified::TidMergeJob {
                    inputs,
                    output,
                    scratch,
                    interval: INTERVAL,
                    row_estimate: 0,
                    start,
                    end,
                    target_size,
                    memory_limit,
                    threads,
                    sync,
                    columns: &columns,
                    cancel: None,
                };
                job.run()?.rows_read
            }
            "traces" => {
                let job = unified::TracesJob {
                    inputs,
                    output,
                    scratch,
                    slot: Some(0),
                    rows_per_file: 0,
                    target_size,
                    memory_limit,
                    threads,
                    sync,
                    dropped_columns: &[],
                    columns: &columns,
                    sort: true,
                    cancel: None,
                };
                job.run()?.rows_read
            }
            "hourly" => {
                let each = |input: &PathBuf, output: &Path| {
                    let job = unified::FingerprintJob {
                        inputs: std::slice::from_ref(input),
                        output,
                        scratch,
                        rows_per_file: 0,
                        target_size,
                        memory_limit,
                        threads,
                        sync,
                        ingest_dateint: INGESTED,
                        columns: &columns,
                        cancel: None,
                    };
                    Ok(job.run()?.rows_read)
                };
                self.one_by_one(inputs, each)?
            }
            "legacy-hourly" => {
                let each = |input: &PathBuf, output: &Path| {
                    let job = legacy::FingerprintJob {
                        input,
                        output,
                        scratch,
                        rows_per_file: 11_000,
                        ingest_dateint: INGESTED,
                        columns: &legacy::Columns::default(),
                        cancel: None,
                    };
                    Ok(job.run()?.rows_read)
                };
                self.one_by_one(inputs, each)?
            }
            "legacy-logs" | "legacy-traces" => {
                let job = legacy::BuffetJob {
                    inputs,
                    output,
                    scratch,
                    rows_per_file: 11_000,
                    group_by: None,
                    schema: legacy::SchemaSource::Input,
                    dropped_columns: &[],
                    columns: &legacy::Columns::default(),
                    cancel: None,
                };
                job.run()?.rows_read
            }
            "legacy-merge" => {
                let job = legacy::TidMergeJob {
                    inputs,
                    output,
                    scratch,
                    interval: INTERVAL,
                    row_estimate: 8_000,
                    start,
                    end,
                    columns: &legacy::Columns::default(),
                    cancel: None,
                };
                job.run()?.rows_read
            }
            other => return Err(format!("there is no case {other}").into()),
        })
    }
}

fn encode_one(batches: &[RecordBatch], path: &Path, choice: &str) -> Result<u64, Failure> {
    let schema = batches.first().ok_or("an empty file")?.schema();
    let options = ArrowWriterOptions::new()
        .with_properties(choices::properties(choice, &schema)?)
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(File::create(path)?, schema, options)?;
    let mut rows = 0;
    for batch in batches {
        rows += batch.num_rows() as u64;
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(rows)
}

fn reader(path: &Path) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReader, Failure> {
    Ok(ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.with_batch_size(BATCH_ROWS).build()?)
}

fn batches(path: &Path) -> Result<Vec<RecordBatch>, Failure> {
    Ok(reader(path)?.collect::<Result<_, _>>()?)
}

fn read(inputs: &[PathBuf]) -> Result<u64, Failure> {
    let mut rows = 0;
    for path in inputs {
        for batch in reader(path)? {
            rows += batch?.num_rows() as u64;
        }
    }
    Ok(rows)
}

/// The Parquet files of a directory, and of those in it, by name.
pub fn parquet_files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            paths.extend(parquet_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Processor time of this process so far, ended threads included.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(')').ok_or("no process name in /proc/self/stat")?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next().ok_or("a short /proc/self/stat")?.parse::<f64>().map_err(Failure::from);
    Ok((ticks()? + ticks()?) * TICK)
}

/// Largest resident set so far, in bytes.
fn peak_memory() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? * 1024.0)
}
