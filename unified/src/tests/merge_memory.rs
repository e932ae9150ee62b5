//! Merges whose inputs' pages do not fit into the memory: they go through runs, and nothing changes but the way.

use parquet::file::properties::WriterProperties;

use super::points::*;
use super::*;
use crate::cancel::Cancel;
use crate::sorted::SortedInputs;
use crate::{MetricsJob, Outcome, TidMergeJob};

/// Inputs with points of the same timeseries; of the numbered ones strings are stored without dictionaries.
fn inputs(directory: &Path, count: i64, plain: &[i64]) -> Vec<PathBuf> {
    let input = |number: i64| {
        let rows: Vec<Point> =
            (0..3000).map(|n| point(n / 3, 300 * (n % 3) + number, n as f64 + 1.0)).collect();
        let batch = points(&rows, number * 10_000);
        let path = directory.join(format!("{number}.parquet"));
        let dictionaries = !plain.contains(&number);
        let properties = WriterProperties::builder().set_dictionary_enabled(dictionaries).build();
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    };
    (0..count).map(input).collect()
}

#[test]
fn no_more_inputs_are_open_than_the_memory_holds_pages_of() {
    let directory = tempfile::tempdir().unwrap();
    let paths = inputs(directory.path(), 7, &[]);
    let survey = SortedInputs::survey(&paths, TID, &[], "the merge", &Cancel::new(None)).unwrap();
    let groups = |memory| survey.groups(memory).iter().map(|group| group.len()).collect::<Vec<_>>();
    assert_eq!(groups(1 << 24), [7]);
    assert_eq!(groups(1), [2, 2, 2, 1], "two at least");
    let middle = groups(1 << 18);
    assert!(middle[0] > 2 && middle[0] < 7 && middle.iter().sum::<usize>() == 7, "{middle:?}");
}

#[test]
fn what_is_written_does_not_depend_on_how_many_inputs_are_open() {
    for plain in [&[] as &[i64], &[4], &[0, 1, 2, 3, 4, 5, 6]] {
        let directory = tempfile::tempdir().unwrap();
        let paths = inputs(directory.path(), 7, plain);
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
            assert!(first.0 == rows, "{plain:?}: other rows at {memory_limit} on {threads}");
            // Where some inputs only have dictionaries, pages may be cut elsewhere.
            assert!(
                plain == [4] || first.1 == bytes,
                "{plain:?}: other bytes at {memory_limit} on {threads}"
            );
        }
    }
}

/// The rows and the bytes of the files, which make room for those of the next job.
fn both(bench: &Bench, outcome: Outcome) -> (Vec<Got>, Vec<Vec<u8>>) {
    let files = outcome.files.into_vec().unwrap();
    let both = (got(&files), contents(&files));
    files.iter().for_each(|file| std::fs::remove_file(&file.path).unwrap());
    bench.place.assert_empty();
    both
}
