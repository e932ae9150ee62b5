//! The traces factory: order, slot, counts.

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::Int64Type;

use super::*;
use crate::{Columns, ErrorKind, TraceSummary, TracesJob, traces_writer};

const START: &str = "_cardinalhq.start_time_unix_ns";
const TRACE: &str = "_cardinalhq.trace_id";

fn job<'a>(inputs: &'a [PathBuf], place: &'a Place, columns: &'a Columns) -> TracesJob<'a> {
    TracesJob {
        inputs,
        output: place.output.path(),
        scratch: place.scratch.path(),
        slot: Some(5),
        rows_per_file: 0,
        target_size: crate::DEFAULT_TARGET_SIZE,
        memory_limit: 1 << 26,
        threads: 1,
        sync: false,
        dropped_columns: &[],
        columns,
        sort: true,
        cancel: None,
    }
}

fn spans(starts: Vec<Option<i64>>, traces: Vec<Option<&str>>, first: i64) -> RecordBatch {
    let rows = starts.len() as i64;
    batch(vec![
        (START, Arc::new(Int64Array::from(starts))),
        (TRACE, Arc::new(StringArray::from(traces))),
        ("n", ints(first..first + rows)),
    ])
}

fn numbers(files: &[FileResult]) -> Vec<i64> {
    let values = |file: &FileResult| {
        read(&file.path).column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    files.iter().flat_map(values).collect()
}

#[test]
fn spans_are_sorted_by_start_and_each_file_counts_its_own() {
    let (place, input) = (Place::new(), tempfile::tempdir().unwrap());
    let a = spans(vec![Some(50), Some(-1), None, Some(20)], vec![Some("x"), Some("x"), Some(""), None], 0);
    let b = spans(vec![Some(20), Some(10), Some(60)], vec![Some("y"), Some("x"), Some("x")], 4);
    let inputs = [segment(input.path(), "a", &[a]), segment(input.path(), "b", &[b])];
    let columns = Columns::default();
    let outcome = TracesJob { rows_per_file: 3, ..job(&inputs, &place, &columns) }.run().unwrap();
    assert_eq!(numbers(&outcome.files()), [2, 1, 5, 3, 4, 0, 6]);
    assert_eq!((outcome.rows_read, outcome.missing_sort_keys), (7, 1));
    let said: Vec<_> = outcome
        .files()
        .iter()
        .map(|file| {
            let TraceSummary { slot, span_count, trace_count } = file.traces.unwrap();
            assert_eq!((slot, span_count, &file.tids), (Some(5), file.record_count, &None));
            (trace_count, file.first_ts.unwrap(), file.last_ts.unwrap())
        })
        .collect();
    assert_eq!(said, [(2, -1, 10), (2, 20, 50), (1, 60, 60)]);
    assert!(outcome.files().iter().all(|file| file.fingerprints.is_some()));
    place.assert_only(&outcome.files());
}

#[test]
fn segments_without_a_start_time_or_with_floats_are_taken_as_they_are() {
    let (place, input) = (Place::new(), tempfile::tempdir().unwrap());
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![2.5, 1.5]));
    let inputs = [
        segment(input.path(), "a", &[batch(vec![(START, floats), ("n", ints([0, 1]))])]),
        segment(input.path(), "b", &[batch(vec![("n", ints([2]))])]),
    ];
    let columns = Columns::default();
    let outcome = TracesJob { slot: None, ..job(&inputs, &place, &columns) }.run().unwrap();
    assert_eq!((numbers(&outcome.files()), outcome.missing_sort_keys), (vec![2, 1, 0], 1));
    let summary = TraceSummary { slot: None, span_count: 3, trace_count: 0 };
    assert_eq!(outcome.files()[0].traces, Some(summary));
}

#[test]
fn without_sort_spans_stay_in_order_of_the_segments_and_columns_can_be_left_out() {
    let (place, input) = (Place::new(), tempfile::tempdir().unwrap());
    let rows = spans(vec![Some(3), Some(1), Some(2)], vec![Some("x"), Some("y"), Some("x")], 0);
    let inputs = [segment(input.path(), "a", &[rows])];
    let columns = Columns::default();
    let dropped = [TRACE.to_string()];
    let job = TracesJob { sort: false, dropped_columns: &dropped, ..job(&inputs, &place, &columns) };
    let outcome = job.run().unwrap();
    assert_eq!(numbers(&outcome.files()), [0, 1, 2]);
    let file = &outcome.files()[0];
    assert_eq!((file.first_ts, file.last_ts), (Some(1), Some(3)));
    assert_eq!(names(&read(&file.path)), [START, "n"]);
    assert_eq!(file.traces.unwrap().trace_count, 0, "a column that is left out holds nothing in the file");
}

#[test]
fn memory_and_batches_do_not_change_the_files() {
    let mut expected = None;
    for (memory_limit, size) in [(1 << 26, 4000), (1 << 16, 4000), (1 << 26, 97), (1 << 15, 97)] {
        let (place, input) = (Place::new(), tempfile::tempdir().unwrap());
        let mut random = noise(3);
        let rows: Vec<(i64, u64)> =
            (0..4000).map(|_| (random.next().unwrap() as i64 % 5000, random.next().unwrap() % 300)).collect();
        let mut batches = Vec::new();
        for (at, chunk) in rows.chunks(size).enumerate() {
            let traces: Vec<String> = chunk.iter().map(|(_, trace)| format!("trace-{trace}")).collect();
            batches.push(spans(
                chunk.iter().map(|(start, _)| Some(*start)).collect(),
                traces.iter().map(|trace| Some(trace.as_str())).collect(),
                (at * size) as i64,
            ));
        }
        let inputs = [segment(input.path(), "a", &batches)];
        let columns = Columns::default();
        let job = TracesJob { memory_limit, target_size: 8000, ..job(&inputs, &place, &columns) };
        let files = job.run().unwrap().files();
        assert!(files.len() > 2);
        assert!(files.iter().all(|file| file.traces.unwrap().trace_count <= 300));
        let seen = (contents(&files), files.iter().map(|file| file.traces).collect::<Vec<_>>());
        assert_eq!(expected.get_or_insert_with(|| seen.clone()), &seen);
        place.assert_only(&files);
    }
}

#[test]
fn the_traces_writer_is_strict_about_the_start_time() {
    let place = Place::new();
    let mut writer =
        traces_writer(place.output.path(), &Columns::default(), crate::DEFAULT_TARGET_SIZE, None).unwrap();
    let error = writer.write(&batch(vec![(START, texts(["1"]))])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaConflict);
    let mut writer =
        traces_writer(place.output.path(), &Columns::default(), crate::DEFAULT_TARGET_SIZE, None).unwrap();
    assert_eq!(writer.write(&batch(vec![("n", ints([1]))])).unwrap_err().kind(), ErrorKind::Input);
    assert_eq!(entries(place.output.path()), Vec::<PathBuf>::new());
}
