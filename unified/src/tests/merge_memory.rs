//! Merges whose inputs' pages do not fit into the memory: they go through runs, and nothing changes but the way.

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;

use super::hostile::with_footer;
use super::points::*;
use super::*;
use crate::cancel::Cancel;
use crate::order::sorted::SortedInputs;
use crate::{MetricsJob, Outcome, TidMergeJob};

/// How the strings and bytes of an input are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stored {
    Dictionaries,
    Plain,
    /// With dictionaries in the first row group; in the second there are too many values for one.
    Turning,
}

/// Inputs with points of the same timeseries, one for each way of storing them.
fn inputs(directory: &Path, stored: &[Stored]) -> Vec<PathBuf> {
    let input = |(number, stored): (usize, &Stored)| {
        let number = number as i64;
        let value = |n: i64| if n < 1500 { 1.0 } else { n as f64 };
        let rows: Vec<Point> = (0..3000).map(|n| point(n / 3, 300 * (n % 3) + number, value(n))).collect();
        let batch = points(&rows, number * 10_000);
        let path = directory.join(format!("{number}.parquet"));
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(*stored != Stored::Plain)
            .set_dictionary_page_size_limit(if *stored == Stored::Turning { 256 } else { 1 << 20 })
            .set_max_row_group_row_count(Some(1500))
            .build();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    };
    stored.iter().enumerate().map(input).collect()
}

#[test]
fn no_more_inputs_are_open_than_the_memory_holds_pages_of() {
    let directory = tempfile::tempdir().unwrap();
    let paths = inputs(directory.path(), &[Stored::Dictionaries; 7]);
    let survey = SortedInputs::survey(&paths, TID, &[], "the merge", &Cancel::new(None), 1 << 30).unwrap();
    let groups = |memory| survey.groups(memory).iter().map(|group| group.len()).collect::<Vec<_>>();
    assert_eq!(groups(1 << 24), [7]);
    assert_eq!(groups(1), [2, 2, 2, 1], "two at least");
    let paths: Vec<PathBuf> = paths[..6].iter().cycle().take(30).cloned().collect();
    let many = SortedInputs::survey(&paths, TID, &[], "the merge", &Cancel::new(None), 1 << 30).unwrap();
    assert_eq!(
        many.groups(1 << 30).iter().map(|group| group.len()).collect::<Vec<_>>(),
        [24, 6],
        "few are open"
    );
    let middle = (8..24).map(|bits| groups(1 << bits)).find(|groups| groups[0] > 2).unwrap();
    assert!(middle[0] < 7 && middle.iter().sum::<usize>() == 7, "{middle:?}");
}

#[test]
fn inputs_are_counted_by_their_pages_whatever_their_footers_say() {
    let directory = tempfile::tempdir().unwrap();
    let paths = inputs(directory.path(), &[Stored::Plain; 7]);
    let groups = || {
        let survey =
            SortedInputs::survey(&paths, TID, &[], "the merge", &Cancel::new(None), 1 << 30).unwrap();
        (8..24).map(|bits| survey.groups(1 << bits).len()).collect::<Vec<_>>()
    };
    let honest = groups();
    assert!(honest.windows(2).any(|pair| pair[0] > pair[1]), "{honest:?}");
    for path in &paths {
        let lying = with_footer(&std::fs::read(path).unwrap(), |metadata| {
            let mut builder = metadata.into_builder();
            let small = |group: RowGroupMetaData| {
                let mut builder = group.into_builder();
                let chunks = builder.take_columns().into_iter();
                let chunks =
                    chunks.map(|chunk| chunk.into_builder().set_total_uncompressed_size(1).build().unwrap());
                builder.set_column_metadata(chunks.collect()).build().unwrap()
            };
            let groups = builder.take_row_groups().into_iter().map(small).collect();
            builder.set_row_groups(groups).build()
        });
        std::fs::write(path, lying).unwrap();
    }
    assert_eq!(groups(), honest);
}

#[test]
fn what_is_written_does_not_depend_on_how_many_inputs_are_open() {
    use Stored::{Dictionaries, Plain, Turning};
    let one_plain =
        [Dictionaries, Dictionaries, Dictionaries, Dictionaries, Plain, Dictionaries, Dictionaries];
    for stored in [[Dictionaries; 7], one_plain, [Turning; 7], [Plain; 7]] {
        let directory = tempfile::tempdir().unwrap();
        let paths = inputs(directory.path(), &stored);
        let mut expected = None;
        for (memory_limit, threads) in [(1 << 28, 1), (1 << 28, 2), (1 << 16, 1), (1 << 16, 3)] {
            let bench = Bench::of(&[]);
            let merge =
                TidMergeJob { inputs: &paths, row_estimate: 500, memory_limit, threads, ..bench.merge() };
            let merged = both(&bench, merge.run().unwrap());
            let metrics =
                MetricsJob { inputs: &paths, target_size: 20_000, memory_limit, threads, ..bench.metrics() };
            let gathered = both(&bench, metrics.run().unwrap());
            assert_eq!(gathered.0.len(), 21_000);
            let (rows, bytes) = ((merged.0, gathered.0), (merged.1, gathered.1));
            let first = expected.get_or_insert_with(|| (rows.clone(), bytes.clone()));
            assert!(first.0 == rows, "{stored:?}: other rows at {memory_limit} on {threads}");
            // Which batches meet decides in which form they are encoded: the rows are the same, not every byte.
            assert!(
                stored == [Turning; 7] || first.1 == bytes,
                "{stored:?}: other bytes at {memory_limit} on {threads}"
            );
        }
    }
}

/// The rows and the bytes of the files, which make room for those of the next job.
fn both(bench: &Bench, outcome: Outcome) -> (Vec<Got>, Vec<Vec<u8>>) {
    let files = outcome.files.into_vec().unwrap();
    let both = (got(&files), contents(&files));
    bench.place.assert_only(&files);
    entries(bench.place.output.path()).iter().for_each(|path| std::fs::remove_file(path).unwrap());
    both
}
