//! The results of a job: what is known of each output file, kept aside until the caller takes it.
//!
//! A file's fingerprints can be many (some 6,000 where ids are indexed), and a job's files too, so results would outgrow
//! whatever the rows themselves are allowed. Hence:
//!
//! 1. A result is encoded when its file is done: numbers of fixed width, no path, since that follows from its place.
//! 2. Encoded results wait in memory up to their part of the memory limit ([`RESULTS`]); beyond it they go to the end
//!    of one file without a name, which no crash can leave behind.
//! 3. All is written before any output has its final name; [`FileResults`] reads it back one result at a time.
//!
//! Cost: one write and one read of some 50 KB a file. Memory: what waits, and one result.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::memory_plan::{MemoryPlan, RESULTS};
use crate::output::directory::Names;
use crate::output::metadata::{FileResult, SplitKey, TidSummary, TraceSummary};
use crate::scratch::Scratch;

/// Bytes before each result that state its length.
const LENGTH: usize = 8;

/// A result as the writer has it: fingerprints ascending, no path.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) record_count: u64,
    pub(crate) file_size: u64,
    pub(crate) fingerprints: Option<Vec<i64>>,
    pub(crate) first_ts: Option<i64>,
    pub(crate) last_ts: Option<i64>,
    pub(crate) split_key: Option<SplitKey>,
    pub(crate) tids: Option<Vec<i64>>,
    pub(crate) traces: Option<TraceSummary>,
}

/// Takes results in while files are written.
#[derive(Debug)]
pub(crate) struct ResultLog {
    waiting: Vec<u8>,
    most: usize,
    spilled: Option<Spilled>,
    count: usize,
}

/// Results on disk.
#[derive(Debug)]
struct Spilled {
    file: File,
    end: u64,
    /// Directory named in error messages.
    place: PathBuf,
}

impl ResultLog {
    pub(crate) fn new(memory_limit: u64) -> Self {
        let most = MemoryPlan::of(memory_limit).size(RESULTS);
        Self { waiting: Vec::new(), most, spilled: None, count: 0 }
    }

    /// Adds the result of the next file.
    ///
    /// # Errors
    /// The disk is full.
    pub(crate) fn push(&mut self, result: &Finished, scratch: &Scratch) -> Result<()> {
        let start = self.waiting.len();
        self.waiting.extend([0; LENGTH]);
        encode(result, &mut self.waiting);
        let length = (self.waiting.len() - start - LENGTH) as u64;
        self.waiting[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        if self.waiting.len() <= self.most {
            return Ok(());
        }
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            none => {
                let (file, place) = scratch.unnamed()?;
                none.insert(Spilled { file, end: 0, place })
            }
        };
        let fail = |source| Error::io("writing results in", &spilled.place, source);
        spilled.file.write_all_at(&self.waiting, spilled.end).map_err(fail)?;
        spilled.end += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// All results, to be read from the first on.
    pub(crate) fn finish(self, names: Names) -> FileResults {
        let Self { mut waiting, spilled, count, .. } = self;
        waiting.shrink_to_fit();
        let stored = Stored { names, waiting, spilled };
        FileResults { stored: Some(Arc::new(stored)), at: 0, next: 0, count }
    }
}

/// What all clones of an iterator read.
#[derive(Debug)]
struct Stored {
    names: Names,
    waiting: Vec<u8>,
    spilled: Option<Spilled>,
}

impl Stored {
    /// Fills `bytes` from this place on; results never lie half here, half there.
    fn read(&self, at: u64, bytes: &mut [u8]) -> std::io::Result<()> {
        let on_disk = self.spilled.as_ref().map_or(0, |spilled| spilled.end);
        match &self.spilled {
            Some(spilled) if at < on_disk => spilled.file.read_exact_at(bytes, at),
            _ => {
                let start = usize::try_from(at - on_disk).unwrap_or(usize::MAX);
                let end = start.saturating_add(bytes.len());
                let found = self.waiting.get(start..end).ok_or(std::io::ErrorKind::UnexpectedEof)?;
                bytes.copy_from_slice(found);
                Ok(())
            }
        }
    }

    fn place(&self) -> &Path {
        self.spilled.as_ref().map_or(self.names.directory(), |spilled| &spilled.place)
    }
}

/// The results of a job in output order, one file at a time, read back as they are asked for. By then all files have
/// their final names.
///
/// A clone goes on from the same place; what lies on disk is shared, and gone with the last of them.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Int64Array, RecordBatch};
/// # let directory = tempfile::tempdir()?;
/// # let output = directory.path();
/// let numbers = Arc::new(Int64Array::from_iter_values(0..10));
/// let mut writer = unified::UnifiedWriter::builder(output).rows_per_file(4).build()?;
/// writer.write(&RecordBatch::try_from_iter([("n", numbers as _)])?)?;
/// let files = writer.finish()?;
///
/// assert_eq!(files.len(), 3);
/// let mut rows = 0;
/// for file in files.clone() {
///     rows += file?.record_count;
/// }
/// assert_eq!(rows, 10);
/// assert!(files.into_vec()?[2].path.ends_with("part-00002.parquet"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FileResults {
    stored: Option<Arc<Stored>>,
    /// Where the next result begins, and its number.
    at: u64,
    next: usize,
    count: usize,
}

impl FileResults {
    /// All that are left, at once in memory.
    ///
    /// # Errors
    /// Results that went to disk cannot be read back; the files themselves are complete.
    pub fn into_vec(self) -> Result<Vec<FileResult>> {
        self.collect()
    }

    fn read(&mut self, stored: &Stored) -> Result<FileResult> {
        let fail = |source| Error::io("reading results back in", stored.place(), source);
        let mut length = [0; LENGTH];
        stored.read(self.at, &mut length).map_err(fail)?;
        let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX)];
        stored.read(self.at + LENGTH as u64, &mut bytes).map_err(fail)?;
        let path = stored.names.path(self.next);
        let result = decode(&bytes, path).ok_or_else(|| fail(std::io::ErrorKind::InvalidData.into()))?;
        self.at += (LENGTH + bytes.len()) as u64;
        self.next += 1;
        Ok(result)
    }
}

impl Iterator for FileResults {
    type Item = Result<FileResult>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let stored = Arc::clone(self.stored.as_ref()?);
        let result = self.read(&stored);
        if result.is_err() {
            // Where one cannot be read, no later one can be found.
            self.next = self.count;
        }
        Some(result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for FileResults {}

impl std::iter::FusedIterator for FileResults {}

fn encode(result: &Finished, to: &mut Vec<u8>) {
    let mut number = |number: i64| to.extend(number.to_le_bytes());
    number(result.record_count as i64);
    number(result.file_size as i64);
    for time in [result.first_ts, result.last_ts] {
        number(i64::from(time.is_some()));
        number(time.unwrap_or_default());
    }
    let key = result.split_key;
    number(i64::from(key.is_some()));
    for part in key.iter().flat_map(|key| [key.dateint, key.hour, key.ingest_dateint, key.file_index]) {
        number(part);
    }
    number(i64::from(result.traces.is_some()));
    if let Some(traces) = result.traces {
        number(i64::from(traces.slot.is_some()));
        number(traces.slot.unwrap_or_default());
        number(traces.span_count as i64);
        number(traces.trace_count as i64);
    }
    for list in [&result.fingerprints, &result.tids] {
        number(list.as_ref().map_or(-1, |list| list.len() as i64));
        list.iter().flatten().for_each(|member| number(*member));
    }
}

/// None where the bytes are not what [`encode`] made.
fn decode(bytes: &[u8], path: PathBuf) -> Option<FileResult> {
    let mut numbers = bytes.chunks_exact(8).map(|eight| eight.try_into().map_or(0, i64::from_le_bytes));
    let mut number = || numbers.next();
    let (record_count, file_size) = (number()? as u64, number()? as u64);
    let mut optional = || {
        let (there, value) = (number()? != 0, number()?);
        Some(there.then_some(value))
    };
    let (first_ts, last_ts) = (optional()?, optional()?);
    let split_key = match number()? {
        0 => None,
        _ => Some(SplitKey {
            dateint: number()?,
            hour: number()?,
            ingest_dateint: number()?,
            file_index: number()?,
        }),
    };
    let traces = match number()? {
        0 => None,
        _ => {
            let (there, slot) = (number()? != 0, number()?);
            let slot = there.then_some(slot);
            Some(TraceSummary { slot, span_count: number()? as u64, trace_count: number()? as u64 })
        }
    };
    let mut list = || {
        Some(match usize::try_from(number()?) {
            Ok(len) => Some((0..len).map(|_| number()).collect::<Option<Vec<i64>>>()?),
            Err(_) => None,
        })
    };
    let fingerprints = list()?.map(|list| list.into_iter().collect());
    let tids = list()?.map(TidSummary::of);
    Some(FileResult {
        path,
        record_count,
        file_size,
        fingerprints,
        first_ts,
        last_ts,
        split_key,
        tids,
        traces,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(number: i64) -> Finished {
        let key = SplitKey { dateint: 20_250_101, hour: 23, ingest_dateint: 20_250_102, file_index: number };
        Finished {
            record_count: number as u64,
            file_size: 1_100_000,
            fingerprints: (number % 3 != 0).then(|| (-number..number).collect()),
            first_ts: (number % 2 == 0).then_some(i64::MIN),
            last_ts: (number % 5 != 0).then_some(-number),
            split_key: (number % 4 == 1).then_some(key),
            tids: (number % 7 == 2).then(|| vec![i64::MIN, number]),
            traces: (number % 6 == 5).then_some(TraceSummary {
                slot: (number % 2 == 0).then_some(-1),
                span_count: 7,
                trace_count: 3,
            }),
        }
    }

    fn expected(number: i64, names: &Names) -> FileResult {
        let Finished { record_count, file_size, fingerprints, first_ts, last_ts, split_key, tids, traces } =
            finished(number);
        FileResult {
            path: names.path(number as usize),
            record_count,
            file_size,
            fingerprints: fingerprints.map(|list| list.into_iter().collect()),
            first_ts,
            last_ts,
            split_key,
            tids: tids.map(TidSummary::of),
            traces,
        }
    }

    #[test]
    fn results_come_back_in_order_from_memory_and_from_a_file_without_a_name() {
        let directory = tempfile::tempdir().unwrap();
        let names = Names::new(PathBuf::from("/out"), "part".to_string());
        for limit in [64, 64 * 1000, u64::MAX] {
            let scratch = Scratch::new(directory.path().to_path_buf());
            let mut log = ResultLog::new(limit);
            for number in 0..200 {
                log.push(&finished(number), &scratch).unwrap();
                assert!(log.waiting.len() <= log.most);
            }
            assert_eq!((log.count, log.spilled.is_some()), (200, limit < u64::MAX));
            let mut results = log.finish(names.clone());
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing to be left behind");
            assert_eq!(results.next().unwrap().unwrap(), expected(0, &names));
            assert_eq!(results.len(), 199);
            for results in [results.clone(), results] {
                let all = results.into_vec().unwrap();
                assert!(all.into_iter().eq((1..200).map(|number| expected(number, &names))));
            }
        }
    }

    #[test]
    fn results_that_cannot_be_read_back_are_one_error() {
        let directory = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(directory.path().to_path_buf());
        let mut log = ResultLog::new(64);
        for number in 0..9 {
            log.push(&finished(number), &scratch).unwrap();
        }
        log.spilled.as_ref().unwrap().file.set_len(250).unwrap();
        let results: Vec<_> = log.finish(Names::new(PathBuf::from("/out"), "part".to_string())).collect();
        let (last, before) = results.split_last().unwrap();
        assert!(before.iter().all(Result::is_ok) && before.len() < 9);
        let error = last.as_ref().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Io);
        assert!(error.to_string().contains(directory.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn no_results_are_none() {
        assert_eq!(FileResults::default().len(), 0);
        assert_eq!(FileResults::default().into_vec().unwrap(), []);
    }
}
