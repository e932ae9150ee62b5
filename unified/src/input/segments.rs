//! Reading many segments one after another, ahead of the stage that takes the batches.
//!
//! 1. The segments are dealt in order: reader `n` of `t` takes the segments `n`, `n + t`, ...
//! 2. Each reader decodes in a thread of its own and hands batches over through a channel that holds some of them, so that
//!    what is read ahead is bounded by count and by bytes (module `flow`). Readers are fewer under a small limit. Where
//!    there would be one, two take half of the columns each: together they hold what one would. What they hold open is bounded
//!    too (module `reading`).
//! 3. The batches are taken segment by segment, so their order is that of the segments, whatever the threads do. The rows of
//!    a batch that will be sorted anyway are put in order before the channel gets it, if it has all columns: where it is decoded
//!    its values are in the cache, and the thread frees what it allocated itself.
//!
//! With one thread everything happens in the caller's. A reader has one file open at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Int64Type, Schema};

use crate::error::{Error, Result};
use crate::input::page_scan::Scans;
use crate::input::reading::{Held, Reading};
use crate::input::segment::{Entrance, SegmentReader};
use crate::input::share::Share;
use crate::input::shared_file::Version;
use crate::memory_plan::{MemoryPlan, OPEN_ROW_GROUPS, READ_AHEAD};
use crate::parallel::flow::{Flow, Load};
use crate::stats::{Figure, Meter};

/// Most batches that wait in a channel.
const AHEAD: usize = 8;

/// How segments are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) inputs: &'a [PathBuf],
    /// Columns that are not read.
    pub(crate) dropped: &'a [String],
    /// The writer's memory limit.
    pub(crate) memory_limit: u64,
    pub(crate) threads: usize,
    /// The column by which the next stage sorts the rows.
    pub(crate) sorted_by: Option<&'a str>,
}

/// Some rows of a segment.
struct Piece {
    batch: RecordBatch,
    /// Its columns, by their place in the file.
    columns: Arc<[usize]>,
    /// File and row group.
    place: String,
    /// The row of the segment at which it begins.
    first_row: u64,
    version: Version,
    /// What it counts as until it is taken.
    loads: Vec<Load>,
}

/// What a reader sends; nothing when the segment is done.
type Message = Result<Option<Piece>>;

/// The threads that read, and what is each one's share.
#[derive(Debug, Clone, Copy)]
struct Readers {
    count: usize,
    /// Threads of each, which read some of the columns each.
    parts: usize,
    /// Batches that wait for each.
    ahead: usize,
}

impl Segments<'_> {
    /// Rows of all segments, from their footers.
    pub(crate) fn count_rows(&self) -> Result<u64> {
        let mut rows = 0;
        for path in self.inputs {
            let stated = SegmentReader::open(path, &[], 0, self.memory_limit)?.stated_rows();
            rows = u64::saturating_add(rows, stated);
        }
        Ok(rows)
    }

    /// Calls back with each batch, the place it came from and the row of the segment at which it begins.
    pub(crate) fn read(
        &self,
        meter: &Meter,
        held: &Held,
        mut each: impl FnMut(&RecordBatch, &str, u64) -> Result<()>,
    ) -> Result<()> {
        if self.threads < 2 {
            return self.read_alone(meter, held, each);
        }
        let plan = MemoryPlan::of(self.memory_limit);
        let count = self.threads.min(self.inputs.len()).min(plan.readers()).max(1);
        let parts = if count == 1 { 2 } else { 1 };
        let readers = Readers { count, parts, ahead: plan.batches_ahead().min(AHEAD) };
        let reading =
            Reading::new(count * parts, |reader| reader / parts, plan.bytes(OPEN_ROW_GROUPS), held.clone());
        let work = Work { reading: Arc::new(reading), scans: Arc::default(), meter };
        let started = std::thread::scope(|scope| {
            // Whatever ends this, no reader waits for memory any more.
            let _closing = Closing(&work.reading);
            let mut channels: Vec<Vec<Receiver<Message>>> = Vec::with_capacity(readers.count);
            for first in 0..readers.count {
                let channel = |part| {
                    let (sender, receiver) = sync_channel(readers.ahead);
                    // Half of a batch may lack the column by which it would be sorted.
                    let segments = Self { sorted_by: self.sorted_by.filter(|_| parts == 1), ..*self };
                    let work = work.clone();
                    let read = move || segments.read_every((first, part), readers, &work, &sender);
                    std::thread::Builder::new().spawn_scoped(scope, read).map(|_| receiver)
                };
                match (0..readers.parts).map(channel).collect::<std::io::Result<_>>() {
                    Ok(receivers) => channels.push(receivers),
                    // Those that were started end once nothing takes their batches.
                    Err(_) => return Ok(false),
                }
            }
            for (segment, path) in self.inputs.iter().enumerate() {
                while let Some(piece) = next(&channels[segment % readers.count], path)? {
                    each(&piece.batch, &piece.place, piece.first_row)?;
                }
            }
            Ok(true)
        })?;
        held.set(0);
        if started { Ok(()) } else { self.read_alone(meter, held, each) }
    }

    /// Reads in this thread alone.
    fn read_alone(
        &self,
        meter: &Meter,
        held: &Held,
        mut each: impl FnMut(&RecordBatch, &str, u64) -> Result<()>,
    ) -> Result<()> {
        let share = MemoryPlan::of(self.memory_limit).bytes(READ_AHEAD);
        let reading = Arc::new(Reading::new(1, |_| 0, u64::MAX, held.clone()));
        self.inputs.iter().enumerate().try_for_each(|(segment, path)| {
            let entrance = Entrance { reading: Arc::clone(&reading), reader: 0, segment, parts: 1 };
            let all = |reader: SegmentReader| reader.entering(entrance);
            read_one(path, self.dropped, [share, self.memory_limit], meter, all, |piece| {
                each(&piece.batch, &piece.place, piece.first_row)
            })
        })?;
        reading.leave(0);
        Ok(())
    }

    /// The rows in order, ties as they come, where every row has a key of the usual kind. A batch that may have a row too large
    /// for the memory limit stays as it is: the row will be named.
    fn in_order(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let keys = self.sorted_by.and_then(|column| batch.column_by_name(column));
        let keys = keys.and_then(|keys| keys.as_primitive_opt::<Int64Type>());
        let Some(keys) = keys.filter(|keys| keys.null_count() == 0 && !keys.values().is_sorted()) else {
            return Ok(batch);
        };
        if batch.get_array_memory_size() as u64 > self.memory_limit {
            return Ok(batch);
        }
        let mut order: Vec<(i64, u32)> = keys.values().iter().copied().zip(0..).collect();
        order.sort_unstable();
        let order = UInt32Array::from_iter_values(order.into_iter().map(|(_, row)| row));
        take_record_batch(&batch, &order).map_err(|source| Error::internal("putting rows in order", source))
    }

    /// Reads one part of the segments of one reader, until the receiver of the batches is gone.
    fn read_every(
        &self,
        (first, part): (usize, usize),
        readers: Readers,
        work: &Work<'_>,
        sender: &SyncSender<Message>,
    ) {
        let Readers { count, parts, ahead } = readers;
        // What waits in the channels and what each reader works on.
        let share = MemoryPlan::of(self.memory_limit).bytes(READ_AHEAD) / (count * (ahead + 1)) as u64;
        // Twice the share of what it sends: batches are as large as that on average only.
        let flow = Flow::new(2 * share * (ahead as u64 + 1));
        let reader = first * parts + part;
        for (segment, path) in self.inputs.iter().enumerate().skip(first).step_by(count) {
            let entrance = Entrance { reading: Arc::clone(&work.reading), reader, segment, parts };
            let its_part = |reader: SegmentReader| {
                let reader = reader.with_share(Share::of(self.memory_limit, count)).entering(entrance);
                if parts == 1 {
                    return reader;
                }
                reader.with_scans(Arc::clone(&work.scans), parts).with_part(part, parts)
            };
            let send = |piece| sender.send(Ok(piece)).map_err(|_| Error::Cancelled);
            let read =
                read_one(path, self.dropped, [share, self.memory_limit], work.meter, its_part, |piece| {
                    let batch = self.in_order(piece.batch)?;
                    let loads = vec![flow.load(own_bytes(&batch))];
                    send(Some(Piece { batch, loads, ..piece }))
                });
            let last = read.is_err();
            if sender.send(read.map(|()| None)).is_err() || last {
                break;
            }
        }
        work.reading.leave(reader);
    }
}

/// What the readers of a job share.
#[derive(Clone)]
struct Work<'a> {
    reading: Arc<Reading>,
    scans: Arc<Scans>,
    meter: &'a Meter,
}

/// Ends all waiting for memory when it is dropped.
struct Closing<'a>(&'a Reading);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Bytes of a batch, dictionaries not counted: batches share them.
fn own_bytes(batch: &RecordBatch) -> u64 {
    let bytes = |array: &ArrayRef| match array.as_any_dictionary_opt() {
        Some(dictionary) => dictionary.keys().get_buffer_memory_size(),
        None => array.get_buffer_memory_size(),
    };
    batch.columns().iter().map(bytes).sum::<usize>() as u64
}

/// The next rows of the segment, from all readers of its parts.
fn next(parts: &[Receiver<Message>], path: &Path) -> Result<Option<Piece>> {
    let mut pieces = Vec::with_capacity(parts.len());
    for part in parts {
        pieces.extend(part.recv().unwrap_or_else(|_| {
            Err(Error::internal("reading segments", "a reader ended before its work was done"))
        })?);
    }
    if pieces.windows(2).any(|pair| pair[0].version != pair[1].version) {
        return Err(Error::input(path.display(), "it was replaced while it was read: run the job again"));
    }
    let rows = |piece: &Piece| piece.batch.num_rows();
    let differ = pieces.windows(2).any(|pair| rows(&pair[0]) != rows(&pair[1]));
    if differ || (!pieces.is_empty() && pieces.len() < parts.len()) {
        let place = pieces.first().map_or_else(|| path.display().to_string(), |piece| piece.place.clone());
        return Err(Error::input(place, "its columns do not have the same number of rows: it is damaged"));
    }
    let Some(first) = pieces.pop() else { return Ok(None) };
    pieces.into_iter().try_fold(first, Piece::beside).map(Some)
}

impl Piece {
    /// The columns of both, in the order of the file.
    fn beside(self, other: Self) -> Result<Self> {
        let columns_of = |piece: &Self| {
            let (fields, arrays) = (piece.batch.schema_ref().fields().iter(), piece.batch.columns().iter());
            let columns = piece.columns.iter().copied().zip(fields.cloned()).zip(arrays.cloned());
            columns.collect::<Vec<_>>()
        };
        let mut columns = [columns_of(&self), columns_of(&other)].concat();
        columns.sort_unstable_by_key(|((place, _), _)| *place);
        let places = columns.iter().map(|((place, _), _)| *place).collect();
        let (fields, arrays): (Vec<_>, Vec<_>) =
            columns.into_iter().map(|((_, field), array)| (field, array)).unzip();
        let schema = Schema::new_with_metadata(fields, self.batch.schema_ref().metadata().clone());
        let options = RecordBatchOptions::new().with_row_count(Some(self.batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)
            .map_err(|source| Error::internal("joining columns of a segment", source))?;
        let loads = self.loads.into_iter().chain(other.loads).collect();
        Ok(Self { batch, columns: places, loads, ..self })
    }
}

fn read_one(
    path: &Path,
    dropped: &[String],
    [batch_bytes, memory_limit]: [u64; 2],
    meter: &Meter,
    part: impl FnOnce(SegmentReader) -> SegmentReader,
    mut each: impl FnMut(Piece) -> Result<()>,
) -> Result<()> {
    let mut reader = part(SegmentReader::open(path, dropped, batch_bytes, memory_limit)?);
    let mut place = String::new();
    let mut group = usize::MAX;
    loop {
        let timer = meter.time(Figure::Read);
        let Some(batch) = reader.next()? else { return Ok(()) };
        drop(timer);
        if reader.row_group() != group {
            group = reader.row_group();
            place = reader.place();
        }
        let columns = Arc::clone(reader.columns());
        each(Piece {
            batch,
            columns,
            place: place.clone(),
            first_row: reader.first_row(),
            version: reader.version(),
            loads: Vec::new(),
        })?;
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::*;
    use crate::tests::{batch, ints, texts};

    fn segments(sorted_by: Option<&str>, memory_limit: u64) -> Segments<'_> {
        Segments { inputs: &[], dropped: &[], memory_limit, threads: 2, sorted_by }
    }

    fn column(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
        batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn rows_are_put_in_order_of_their_keys_and_ties_stay_as_they_came() {
        let rows = batch(vec![("ts", ints([5, 3, 5, 3, 4])), ("n", ints(0..5))]);
        let ordered = segments(Some("ts"), 1 << 20).in_order(rows.clone()).unwrap();
        assert_eq!(column(&ordered, "ts"), [3, 3, 4, 5, 5].map(Some));
        assert_eq!(column(&ordered, "n"), [1, 3, 4, 0, 2].map(Some));
        assert_eq!(segments(None, 1 << 20).in_order(rows.clone()).unwrap(), rows);
    }

    #[test]
    fn a_batch_whose_rows_may_be_named_in_an_error_stays_as_it_is() {
        let rows = batch(vec![("ts", ints([5, 3])), ("n", ints(0..2))]);
        assert_eq!(segments(Some("ts"), 8).in_order(rows.clone()).unwrap(), rows);
        let missing =
            batch(vec![("ts", std::sync::Arc::new(Int64Array::from(vec![Some(5), None, Some(3)])))]);
        assert_eq!(segments(Some("ts"), 1 << 20).in_order(missing.clone()).unwrap(), missing);
    }

    /// Two segments of some row groups, columns of several kinds.
    fn written(directory: &Path) -> Vec<PathBuf> {
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(300)).build();
        let write = |number: i64| {
            let rows = 1000 * number..1000 * number + 700;
            let batch = batch(vec![
                ("same", texts(rows.clone().map(|row| format!("value {}", row % 3)))),
                ("n", ints(rows.clone())),
                ("long", texts(rows.clone().map(|row| format!("{row} {}", "x".repeat(row as usize % 90))))),
                ("ts", ints(rows.map(|row| -row))),
            ]);
            let path = directory.join(format!("{number}.parquet"));
            let file = std::fs::File::create(&path).unwrap();
            let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.clone())).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            path
        };
        vec![write(0), write(1)]
    }

    #[test]
    fn two_who_read_half_of_the_columns_each_read_the_same_as_one() {
        let directory = tempfile::tempdir().unwrap();
        let inputs = written(directory.path());
        let (dropped, none) = (vec!["n".to_owned()], Vec::new());
        for (inputs, dropped) in [(&inputs[..], &none), (&inputs[..1], &none), (&inputs[..], &dropped)] {
            let read = |threads: usize, memory_limit: u64| {
                let mut all = Vec::new();
                let segments = Segments { inputs, dropped, memory_limit, threads, sorted_by: None };
                let each = |batch: &RecordBatch, place: &str, row: u64| {
                    all.push((batch.clone(), place.to_owned(), row));
                    Ok(())
                };
                let held = Held::default();
                segments.read(&Meter::default(), &held, each).unwrap();
                assert_eq!(held.bytes(), 0);
                all
            };
            // Batches of as many rows, whatever waits.
            let (one, two) = (read(1, 64 << 20), read(2, 64 << 20));
            assert_eq!(two, one);
            assert_eq!(one[0].0.num_columns(), 4 - dropped.len());
            assert_eq!(read(2, 64 << 30).len(), one.len());
        }
    }

    #[test]
    fn each_column_is_read_by_one_reader_and_no_reader_has_all() {
        let directory = tempfile::tempdir().unwrap();
        let inputs = written(directory.path());
        let columns = |part| {
            SegmentReader::open(&inputs[0], &[], 1 << 20, 1 << 30)
                .unwrap()
                .with_part(part, 2)
                .columns()
                .to_vec()
        };
        let (first, second) = (columns(0), columns(1));
        assert!(!first.is_empty() && !second.is_empty());
        let mut all = [first, second].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    }

    #[test]
    fn a_segment_that_is_replaced_between_the_two_who_read_it_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let inputs = written(directory.path());
        let work = Segments { inputs: &inputs[..1], ..segments(None, 64 << 20) };
        let half = |part| {
            let (sender, receiver) = sync_channel(100);
            let readers = Readers { count: 1, parts: 2, ahead: 1 };
            let (reading, meter) = (Reading::new(2, |_| 0, 1 << 20, Held::default()), Meter::default());
            let shared = Work { reading: Arc::new(reading), scans: Arc::default(), meter: &meter };
            work.read_every((0, part), readers, &shared, &sender);
            receiver
        };
        assert!(next(&[half(0), half(1)], &inputs[0]).unwrap().is_some());
        let before = half(0);
        // As many rows of as many columns, but others.
        std::fs::rename(&inputs[1], &inputs[0]).unwrap();
        let error = next(&[before, half(1)], &inputs[0]).err().unwrap().to_string();
        assert!(error.contains("0.parquet") && error.contains("replaced"), "{error}");
        assert!(next(&[half(0), half(1)], &inputs[0]).unwrap().is_some());
    }

    #[test]
    fn halves_of_different_length_or_of_different_files_are_an_error_that_names_the_place() {
        let piece = |columns: Vec<usize>, rows: i64| Piece {
            batch: batch(vec![("n", ints(0..rows))]),
            columns: columns.into(),
            place: "some.parquet, row group 0".to_owned(),
            first_row: 0,
            version: (0, 0, 0, (0, 0)),
            loads: Vec::new(),
        };
        let joined = |messages: [Option<Piece>; 2]| {
            let parts = messages.map(|message| {
                let (sender, receiver) = sync_channel(1);
                sender.send(Ok(message)).unwrap();
                receiver
            });
            next(&parts, Path::new("some.parquet"))
        };
        let whole = joined([Some(piece(vec![1], 3)), Some(piece(vec![0], 3))]).unwrap().unwrap();
        assert_eq!((whole.columns.to_vec(), whole.batch.num_columns()), (vec![0, 1], 2));
        assert!(joined([None, None]).unwrap().is_none());
        for halves in [[Some(piece(vec![0], 3)), Some(piece(vec![1], 2))], [Some(piece(vec![0], 3)), None]] {
            let error = joined(halves).err().unwrap().to_string();
            assert!(error.contains("some.parquet, row group 0"), "{error}");
        }
        let other = Piece { version: (0, 7, 0, (0, 0)), ..piece(vec![1], 3) };
        let error = joined([Some(piece(vec![0], 3)), Some(other)]).err().unwrap().to_string();
        assert!(error.contains("some.parquet") && error.contains("replaced"), "{error}");
    }
}
