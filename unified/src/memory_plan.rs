//! The memory limit of a writer: which part of it each stage may have.
//!
//! Each stage asks the plan of its limit for its part. No other module divides the limit, so the parts of what works at the same time can
//! be added up here (see the tests). Parts are upper bounds: most stages stay far below them.

/// A part of a memory limit: so many of so many equal parts of it, within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    parts: u64,
    all: u64,
    /// Fewest and most bytes, whatever the limit is.
    least: u64,
    most: u64,
}

impl Part {
    const fn new(parts: u64, all: u64) -> Self {
        Self { parts, all, least: 0, most: u64::MAX }
    }

    const fn at_least(self, least: u64) -> Self {
        Self { least, ..self }
    }

    const fn at_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Bytes of this part.
    pub(crate) fn of(self, limit: u64) -> u64 {
        (limit / self.all).saturating_mul(self.parts).max(self.least).min(self.most)
    }

    /// The same of a size in memory.
    pub(crate) fn size_of(self, memory: usize) -> usize {
        size(self.of(memory as u64))
    }

    /// The lowest limit of which `bytes` are no more than this part. Bounds do not count.
    pub(crate) fn limit_for(self, bytes: u64) -> u64 {
        let limit = (u128::from(bytes) * u128::from(self.all)).div_ceil(u128::from(self.parts));
        u64::try_from(limit).unwrap_or(u64::MAX)
    }
}

// Reading.

/// Batches that readers have in hand or have read ahead, on average. What waits may come to twice as much.
pub(crate) const READ_AHEAD: Part = Part::new(1, 16);

/// Row groups that readers have open together. One row group may exceed it: the one whose rows are needed next.
pub(crate) const OPEN_ROW_GROUPS: Part = Part::new(1, 4);

/// What one row group may hold open while it is read alone, with its largest row.
pub(crate) const ROW_GROUP: Part = Part::new(5, 8);

/// What one row group of a merged input may hold open: two inputs are open at least.
pub(crate) const MERGED_ROW_GROUP: Part = Part::new(1, 4);

/// Batches of all readers whose values are all as large as the largest value.
pub(crate) const WORST_BATCHES: Part = Part::new(1, 8);

/// The part of the worst batch beyond which the rows of repeated columns are worth a look at their levels.
pub(crate) const REPEATED_ROWS: Part = Part::new(1, 4);

/// The footer of an input. It takes some eight times as much when it is decoded.
pub(crate) const FOOTER: Part = Part::new(1, 16).at_least(8 << 20);

/// One row. On its way it is in memory as a page, as a batch, in a run and in an output page.
pub(crate) const ROW: Part = Part::new(1, 8);

// Rows that wait to be sorted: see also `MemoryPlan::waiting_rows`.

/// The next batch beside the waiting rows, and its copy: as much for each.
pub(crate) const NEXT_BATCH: Part = Part::new(1, 16);

/// Batches that other threads put in order meanwhile, and one such batch. Each is in memory twice.
pub(crate) const ORDERED_ASIDE: Part = Part::new(1, 16);

/// A batch that is joined to others: joining copies it. A larger batch is not small, however few rows it has.
pub(crate) const JOINED_BATCH: Part = Part::new(1, 64);

/// What readers may hold open before waiting rows get less room for it.
pub(crate) const OPEN_BESIDE_ROWS: Part = Part::new(1, 4).at_most(16 << 20);

/// What waiting rows may hold, whatever readers have open.
pub(crate) const LEAST_ROWS: Part = Part::new(1, 16);

/// A batch of sorted rows that is gathered from the waiting ones. A few of them are in memory.
pub(crate) const GATHERED_BATCH: Part = Part::new(1, 192);

/// A row beyond which waiting rows do not stay in memory beside a merge: its copies need the room.
pub(crate) const LARGE_ROW: Part = Part::new(1, 64);

// Merging.

/// Batches of all sources of a merge: of runs on disk, or of inputs in order.
pub(crate) const MERGED_BATCHES: Part = Part::new(1, 4);

/// Rows that one thread keeps in memory while it merges runs.
pub(crate) const ROWS_BESIDE_MERGE: Part = Part::new(1, 4);

/// Rows of a timeseries while they are rolled up. More of them go through a sort on disk, which has this part as its limit.
pub(crate) const ROLLED_UP_GROUP: Part = Part::new(1, 8);

/// Most runs that are merged at once: they share one open file, but each needs a batch in memory.
pub(crate) const RUN_FAN_IN: usize = 224;

/// Of the merged batches: one batch of a run, so that a full fan-in of them, and the rows gathered from them, fit.
pub(crate) const RUN_BATCH: Part = Part::new(1, 3 * RUN_FAN_IN as u64).at_least(4096);

/// Of the merged batches: those of the inputs where one thread merges, and where the next batch of each is read ahead.
pub(crate) const INPUT_BATCHES: Part = Part::new(1, 3);
pub(crate) const INPUT_BATCHES_AHEAD: Part = Part::new(1, 4);

/// Of the merged batches: batches that are used up and kept until the rows picked from them are gathered.
pub(crate) const USED_UP_BATCHES: Part = Part::new(1, 8);

/// Open row groups of merged inputs, in terms of the merged batches.
pub(crate) const OPEN_INPUTS: Part = Part::new(2, 1);

/// Merged batches of fewer bytes are gathered half as many rows at a time.
pub(crate) const LITTLE_MERGE: usize = 32 << 20;

// Writing.

/// Batches that wait between two stages in two threads.
pub(crate) const BETWEEN_STAGES: Part = Part::new(1, 8);

/// Finished pages of the open file. More of them go to disk.
pub(crate) const FINISHED_PAGES: Part = Part::new(1, 8).at_least(64 << 10);

/// Hashes of groups that must not come back, where the order does not prove it.
pub(crate) const CLOSED_GROUPS: Part = Part::new(1, 8);

/// What is known of finished files. More of it goes to disk.
pub(crate) const RESULTS: Part = Part::new(1, 64).at_most(1 << 20);

/// Bytes of a finished file that are written at once.
pub(crate) const WRITE_BUFFER: Part = Part::new(1, 512).at_least(4 << 10).at_most(256 << 10);

/// The block by which the allocator is made to keep memory: each of a few heaps may keep twice as much. With room for the
/// allocator's own bytes.
pub(crate) const HEAP_BLOCK: Part = Part::new(1, 128).at_most((32 << 20) - (64 << 10));

// Bytes that do not depend on the limit.

/// Bytes that a column takes to be read or written whatever its data, mostly for its compressor. They count for columns beyond
/// [`FEW_COLUMNS`], whose bytes fit into what every limit leaves aside.
const COLUMN_BYTES: u64 = 192 << 10;
pub(crate) const FEW_COLUMNS: u64 = 32;

/// Row groups are judged as if the limit were no lower than this: writers make pages of a megabyte a column.
const LEAST_LIMIT: u64 = 64 << 20;

/// Bytes of a row that every limit must bear, and bytes that it must bear if it is as large.
const ROW_ALWAYS_FITS: u64 = 4096;
const ROW_FITS: u64 = 8 << 20;

/// The worst batch of a merged input has at least so many bytes.
const LEAST_WORST_BATCH: u64 = 1 << 20;

/// The limit for each reader beside the first: what it holds while it decodes is part of no batch.
const LIMIT_A_READER: u64 = 128 << 20;

/// The limit for each batch that a reader reads ahead: under a small limit there are fewer of them, not smaller ones.
const LIMIT_A_BATCH_AHEAD: u64 = 64 << 20;

/// From this limit on more than one batch is read ahead, and other threads put batches in order.
const SIDE_BY_SIDE: u64 = 2 * LIMIT_A_BATCH_AHEAD;

/// Bytes that are left for reading, encoding and the process itself, where three eighths of the limit are not less.
const RESERVE: u64 = 24 << 20;

/// Bytes that writing a run takes, where five 32nds of the limit are not less.
const SPILLING: u64 = 10 << 20;

/// Bytes that stages side by side hold beyond those in turn, and leave unused in their heaps, where five 16ths are not less.
const STAGES_SIDE_BY_SIDE: u64 = 80 << 20;

/// Bytes of columns beyond a few, whatever their values.
pub(crate) fn bytes_of_columns(columns: u64) -> u64 {
    columns.saturating_sub(FEW_COLUMNS) * COLUMN_BYTES
}

/// The worst batch of a merged input whose batches have so many bytes on average.
pub(crate) fn worst_merged_batch(batch_bytes: u64) -> u64 {
    batch_bytes.saturating_mul(2).max(LEAST_WORST_BATCH)
}

/// How a memory limit is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryPlan {
    limit: u64,
}

impl MemoryPlan {
    /// The plan for a limit in bytes.
    pub(crate) fn of(limit: u64) -> Self {
        Self { limit }
    }

    /// Bytes of a part of the limit.
    pub(crate) fn bytes(self, part: Part) -> u64 {
        part.of(self.limit)
    }

    /// The same as a size in memory.
    pub(crate) fn size(self, part: Part) -> usize {
        size(self.bytes(part))
    }

    /// Bytes that rows may hold while they wait to be sorted, and so many threads work.
    pub(crate) fn waiting_rows(self, threads: usize) -> usize {
        size(self.limit - self.beside_rows(threads) - self.reserve())
    }

    /// Bytes of what works beside the waiting rows: the next batch, its copy, those that are put in order, written or read ahead.
    fn beside_rows(self, threads: usize) -> u64 {
        let eighth = self.limit / 8;
        let beside = match threads {
            0 | 1 => SPILLING.min(5 * eighth / 4),
            _ if !self.works_side_by_side() => 17 * eighth / 8,
            _ => STAGES_SIDE_BY_SIDE.min(5 * eighth / 2),
        };
        eighth.max(beside)
    }

    /// Bytes for what no part counts: what is being decoded and encoded, and the process.
    fn reserve(self) -> u64 {
        RESERVE.min(3 * (self.limit / 8))
    }

    /// Whether the limit has room for batches that are in memory twice while rows wait.
    pub(crate) fn works_side_by_side(self) -> bool {
        self.limit >= SIDE_BY_SIDE
    }

    /// Readers that may work at once.
    pub(crate) fn readers(self) -> usize {
        size(self.limit / LIMIT_A_READER).max(1)
    }

    /// Batches that each of them may read ahead.
    pub(crate) fn batches_ahead(self) -> usize {
        size(self.limit / LIMIT_A_BATCH_AHEAD).max(1)
    }

    /// The limit by which row groups are judged.
    pub(crate) fn limit_for_row_groups(self) -> u64 {
        self.limit.max(LEAST_LIMIT)
    }

    /// The worst batch of one of so many readers.
    pub(crate) fn worst_batch(self, readers: usize) -> u64 {
        WORST_BATCHES.of(self.limit_for_row_groups()) / readers.max(1) as u64
    }

    /// Bytes that a row may have.
    pub(crate) fn largest_row(self) -> usize {
        size(self.bytes(ROW).max(self.limit.min(ROW_FITS)).max(ROW_ALWAYS_FITS))
    }

    /// The lowest limit that bears a row of so many bytes.
    pub(crate) fn limit_for_row(bytes: u64) -> u64 {
        if bytes > ROW_FITS { ROW.limit_for(bytes) } else { bytes }
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// So many of so many equal parts of the limit.
    type Sum = (u64, u64);

    /// The sum of parts, bounds not counted, in 1536ths of the limit: all parts are so many of them.
    fn sum(parts: &[Part]) -> u64 {
        parts
            .iter()
            .map(|part| {
                assert_eq!(1536 % part.all, 0, "{part:?}");
                1536 / part.all * part.parts
            })
            .sum()
    }

    /// A part of the merged batches as a part of the limit.
    fn of_merged_batches(part: Part) -> Part {
        Part::new(part.parts * MERGED_BATCHES.parts, part.all * MERGED_BATCHES.all)
    }

    /// What holds memory at the same time, and the sum that is stated in the docs: at most all of the limit, but where they say so.
    fn modes() -> Vec<(&'static str, Vec<Part>, Sum)> {
        let files = [FINISHED_PAGES, RESULTS, WRITE_BUFFER];
        let mode = |name, parts: &[Part], sum| (name, [parts, &files].concat(), sum);
        let inputs = [MERGED_BATCHES, of_merged_batches(OPEN_INPUTS), ROLLED_UP_GROUP];
        vec![
            // What waits may come to twice the batches read ahead.
            mode(
                "segments are read and written in their order",
                &[READ_AHEAD, READ_AHEAD, OPEN_ROW_GROUPS, CLOSED_GROUPS],
                (329, 512),
            ),
            mode(
                "one thread merges runs beside the last rows",
                &[MERGED_BATCHES, ROWS_BESIDE_MERGE, CLOSED_GROUPS],
                (393, 512),
            ),
            mode(
                "runs are merged in one thread and written in another",
                &[MERGED_BATCHES, BETWEEN_STAGES, CLOSED_GROUPS],
                (329, 512),
            ),
            // The results and the buffer come beside the limit; groups need no hashes where rows come in their order.
            mode("one thread merges and rolls up inputs", &inputs, (521, 512)),
            // So does what waits between the stages.
            mode(
                "inputs are merged and rolled up in one thread and written in another",
                &[&inputs[..], &[BETWEEN_STAGES]].concat(),
                (585, 512),
            ),
        ]
    }

    #[test]
    fn what_works_at_the_same_time_adds_up_to_what_is_stated() {
        for (mode, parts, (stated, all)) in modes() {
            assert_eq!(sum(&parts), stated * (1536 / all), "{mode}");
        }
        let merged = [RUN_BATCH; RUN_FAN_IN].iter().map(|part| part.of(1 << 30)).sum::<u64>();
        assert!(merged + USED_UP_BATCHES.of(1 << 30) <= 1 << 30, "{merged}");
        for batches in [INPUT_BATCHES, INPUT_BATCHES_AHEAD] {
            // One batch of each input in hand, one more where they are read ahead.
            let each = if batches == INPUT_BATCHES { 1 } else { 2 };
            assert!(each * batches.of(1 << 30) + USED_UP_BATCHES.of(1 << 30) <= 1 << 30, "{batches:?}");
        }
    }

    #[test]
    fn waiting_rows_what_works_beside_them_and_the_reserve_are_all_of_the_limit() {
        for threads in [0, 1, 2, 16] {
            for limit in (0..17).map(|power| MIB << power).chain([100 * MIB + 7, 127 * MIB, u64::MAX]) {
                let plan = MemoryPlan::of(limit);
                let (rows, beside) = (plan.waiting_rows(threads) as u64, plan.beside_rows(threads));
                assert_eq!(rows + beside + plan.reserve(), limit, "{limit}, {threads}");
                assert!(rows >= plan.bytes(LEAST_ROWS), "{limit}, {threads}");
                assert!(beside >= 2 * plan.bytes(NEXT_BATCH), "{limit}, {threads}: a batch and its copy");
                assert!(plan.reserve() >= plan.bytes(OPEN_BESIDE_ROWS), "{limit}, {threads}");
                if threads > 1 && plan.works_side_by_side() && limit <= 256 * MIB {
                    let aside = plan.bytes(ORDERED_ASIDE) + 2 * plan.bytes(READ_AHEAD);
                    assert!(beside >= 2 * plan.bytes(NEXT_BATCH) + aside, "{limit}, {threads}");
                }
            }
        }
    }

    #[test]
    fn rows_that_are_sorted_in_memory_fit_beside_what_writes_them() {
        for threads in [1, 2, 16] {
            for limit in (0..17).map(|power| MIB << power) {
                let plan = MemoryPlan::of(limit);
                let files = [FINISHED_PAGES, RESULTS, WRITE_BUFFER].map(|part| plan.bytes(part));
                // Four batches are gathered ahead of the one that is encoded (module `gathered`).
                let all = plan.waiting_rows(threads) as u64
                    + 5 * plan.bytes(GATHERED_BATCH)
                    + files.iter().sum::<u64>();
                // Finished pages grow with the limit, but a file of the usual size has a megabyte of them.
                let beyond = if limit <= 512 * MIB { 0 } else { limit / 32 };
                assert!(all <= limit + beyond, "{limit}, {threads}: {all}");
            }
        }
    }

    #[test]
    fn what_rows_may_hold_leaves_room_under_every_limit() {
        for threads in [1, 2, 16] {
            let share = |limit: u64| MemoryPlan::of(limit).waiting_rows(threads) as u64;
            let limits: Vec<u64> = (0..14).map(|power| MIB << power).collect();
            assert!(limits.iter().all(|limit| share(*limit) > limit / 4 && share(*limit) < limit * 7 / 8));
            assert!(limits.windows(2).all(|pair| share(pair[0]) < share(pair[1])));
        }
    }

    #[test]
    fn parts_keep_within_their_bounds() {
        assert_eq!(MemoryPlan::of(512 * MIB).bytes(MERGED_BATCHES), 128 * MIB);
        assert_eq!([1, 64 * MIB, 1 << 40].map(|limit| RESULTS.of(limit)), [0, MIB, MIB]);
        assert_eq!([1, MIB, 1 << 40].map(|limit| WRITE_BUFFER.of(limit)), [4096, 4096, 256 << 10]);
        assert_eq!([1, 64 * MIB, 1 << 40].map(|limit| FOOTER.of(limit)), [8 * MIB, 8 * MIB, 1 << 36]);
        assert_eq!(RUN_BATCH.of(1), 4096);
        assert_eq!(OPEN_INPUTS.of(100), 200);
    }

    #[test]
    fn the_limit_that_is_named_as_enough_is_the_lowest() {
        for part in [ROW, ROW_GROUP, MERGED_ROW_GROUP] {
            for bytes in [1, 7, 4096, 10 * MIB + 3] {
                let enough = part.limit_for(bytes);
                let times = |limit: u64| u128::from(limit) * u128::from(part.parts) / u128::from(part.all);
                assert!(times(enough) >= u128::from(bytes), "{part:?}, {bytes}");
                assert!(times(enough - 1) < u128::from(bytes), "{part:?}, {bytes}");
            }
        }
        for bytes in [1, 4097, 8 * MIB, 8 * MIB + 1, 100 * MIB] {
            let enough = MemoryPlan::limit_for_row(bytes);
            assert!(MemoryPlan::of(enough).largest_row() as u64 >= bytes, "{bytes}");
        }
        assert_eq!(MemoryPlan::of(100).largest_row(), 4096);
        assert_eq!(MemoryPlan::of(5 * MIB).largest_row() as u64, 5 * MIB);
        assert_eq!(ROW.limit_for(u64::MAX), u64::MAX);
    }
}
