use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::ParquetMetaDataWriter;

use super::*;
use crate::error::ErrorKind;

const AT: &str = "_cardinalhq.timestamp";
const MESSAGE: &str = "_cardinalhq.message";
const TID: &str = "_cardinalhq.tid";
const NAME: &str = "_cardinalhq.name";
const MARKER: &str = "_cardinalhq.telemetry_type";

fn whole() -> ArrayRef {
    Arc::new(Int64Array::from(vec![1, 2]))
}

fn text(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value, value]))
}

/// Writes a segment of two rows.
fn segment(dir: &Path, name: &str, columns: &[(&str, ArrayRef)]) -> Segment {
    let path = dir.join(name);
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    inspect(&path).unwrap()
}

fn check(segments: &[Segment], signal: &str) -> Result<()> {
    let signals = Signals::builtin().unwrap();
    check_signal(segments, &signals.get(signal).unwrap(), &signals)
}

fn refused(segments: &[Segment], signal: &str) -> String {
    let error = check(segments, signal).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    error.to_string()
}

#[test]
fn the_footer_tells_rows_bytes_and_columns() {
    let dir = tempfile::tempdir().unwrap();
    let segment = segment(dir.path(), "a.parquet", &[(AT, whole()), (MESSAGE, text("x"))]);
    assert_eq!(segment.rows, 2);
    assert_eq!(segment.bytes, std::fs::metadata(&segment.path).unwrap().len());
    let types: Vec<_> = segment.columns.iter().map(|c| (c.name.as_str(), c.type_name.as_str())).collect();
    assert_eq!(types, [(AT, "int64"), (MESSAGE, "string")]);
}

#[test]
fn what_is_no_whole_parquet_file_is_told_by_name_and_reason() {
    let dir = tempfile::tempdir().unwrap();
    let whole = segment(dir.path(), "whole.parquet", &[(AT, whole())]);
    let bytes = std::fs::read(&whole.path).unwrap();
    let mut garbled = bytes.clone();
    let footer = garbled.len() - 8;
    garbled[footer..footer + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    // The footer is whole, yet the data before it are gone.
    let mut hollow = b"PAR1".to_vec();
    hollow.extend(
        &bytes
            [bytes.len() - 8 - u32::from_le_bytes(bytes[footer..footer + 4].try_into().unwrap()) as usize..],
    );
    let cases: [(&str, &[u8], &str); 7] = [
        ("text.parquet", b"timestamp,message\n1,hello\n", "begins with \"timestamp,me\""),
        ("empty.parquet", b"", "it is empty"),
        ("cut.parquet", &bytes[..bytes.len() / 2], "is cut short"),
        ("head.parquet", b"PAR1", "is cut short"),
        ("garbled.parquet", &garbled, "not a readable Parquet file"),
        ("secret.parquet", b"PARE12345678PARE", "encrypted"),
        (
            "hollow.parquet",
            &hollow,
            "row group 0, column _cardinalhq.timestamp does not lie before the footer",
        ),
    ];
    for (name, bytes, expected) in cases {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = match inspect(&path) {
            Err(error) => error,
            Ok(segment) => panic!("{name} was accepted: {segment:?}"),
        };
        assert_eq!(error.kind(), ErrorKind::Input, "{name}");
        let message = error.to_string();
        assert!(message.contains(name) && message.contains(expected), "{message}");
    }
    assert_eq!(inspect(&dir.path().join("nowhere.parquet")).unwrap_err().kind(), ErrorKind::Input);
}

#[test]
fn metrics_among_logs_are_named_although_they_have_a_timestamp_too() {
    let dir = tempfile::tempdir().unwrap();
    let logs = segment(dir.path(), "logs.parquet", &[(AT, whole()), (MESSAGE, text("x"))]);
    let metrics = segment(dir.path(), "metrics.parquet", &[(AT, whole()), (TID, whole()), (NAME, text("m"))]);
    let both = [logs.clone(), metrics.clone()];
    let message = refused(&both, "logs");
    assert!(
        message.contains("mixed signals: 1 of 2") && message.contains("metrics.parquet looks like metrics"),
        "{message}"
    );
    assert!(!message.contains("logs.parquet looks"), "{message}");
    let message = refused(&both, "metrics");
    assert!(message.contains("logs.parquet looks like logs"), "{message}");
    check(&[logs], "logs").unwrap();
    check(std::slice::from_ref(&metrics), "metrics").unwrap();
    let message = refused(&[metrics], "logs");
    assert!(message.contains("wrong signal: 1 of 1"), "{message}");
}

#[test]
fn log_segments_are_never_refused_for_what_else_they_carry() {
    let dir = tempfile::tempdir().unwrap();
    let extra = [
        (AT, whole()),
        (MESSAGE, text("x")),
        (TID, whole()),
        (NAME, text("n")),
        ("_cardinalhq.trace_id", text("t")),
        ("_cardinalhq.span_id", text("s")),
        ("_cardinalhq.start_time_unix_ns", whole()),
        (MARKER, text("something else")),
    ];
    let rich = segment(dir.path(), "rich.parquet", &extra);
    let bare = segment(dir.path(), "bare.parquet", &[(AT, whole()), ("body", text("x"))]);
    check(&[rich, bare], "logs").unwrap();
}

#[test]
fn a_marker_decides_where_there_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let odd = segment(
        dir.path(),
        "odd.parquet",
        &[(AT, whole()), (TID, whole()), (NAME, text("n")), (MARKER, text("logs"))],
    );
    check(std::slice::from_ref(&odd), "logs").unwrap();
    assert!(refused(&[odd], "metrics").contains("column _cardinalhq.telemetry_type says \"logs\""));
    let none = segment(
        dir.path(),
        "none.parquet",
        &[
            (AT, whole()),
            (MESSAGE, text("x")),
            (MARKER, Arc::new(StringArray::from(vec![None::<&str>, None]))),
        ],
    );
    check(&[none], "logs").unwrap();
}

#[test]
fn required_columns_must_be_somewhere_and_of_an_accepted_type() {
    let dir = tempfile::tempdir().unwrap();
    let without = segment(dir.path(), "without.parquet", &[(MESSAGE, text("x"))]);
    let with = segment(dir.path(), "with.parquet", &[(AT, whole()), (MESSAGE, text("x"))]);
    let float: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN]));
    let float = segment(dir.path(), "float.parquet", &[(AT, float), (MESSAGE, text("x"))]);
    let wrong = segment(dir.path(), "wrong.parquet", &[(AT, text("noon")), (MESSAGE, text("x"))]);
    check(&[without.clone(), with.clone()], "logs").unwrap();
    check(&[with.clone(), float], "logs").unwrap();
    check(&[], "logs").unwrap();
    let message = refused(&[without], "logs");
    assert!(
        message.contains("required column _cardinalhq.timestamp (int64)")
            && message.contains("without.parquet"),
        "{message}"
    );
    let message = refused(&[with, wrong], "logs");
    assert!(
        message.contains("must be int64 or float64") && message.contains("wrong.parquet has string"),
        "{message}"
    );
}

#[test]
fn a_renamed_signal_recognises_its_own_segments() {
    let dir = tempfile::tempdir().unwrap();
    let mut signals = Signals::builtin().unwrap();
    let rename = r#"rename = { "_cardinalhq.timestamp" = "ts", "_cardinalhq.message" = "body" }"#;
    signals.add_toml("logs", rename, "p.toml").unwrap();
    let own = segment(dir.path(), "own.parquet", &[("ts", whole()), ("body", text("x"))]);
    check_signal(&[own], &signals.get("logs").unwrap(), &signals).unwrap();
}

#[test]
fn a_footer_that_announces_more_than_it_holds_or_impossible_places_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = segment(dir.path(), "whole.parquet", &[(AT, whole())]);
    let path = dir.path().join("hostile.parquet");
    let refusal = |footer: &[u8]| {
        let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
        std::fs::write(&path, [&b"PAR1"[..], footer, &length, b"PAR1"].concat()).unwrap();
        let error = inspect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        error.to_string()
    };
    // Row groups without number, structures without end.
    assert!(refusal(&[0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00]).contains("2147483647 elements"));
    assert!(refusal(&[&[0x0c, 0x28][..], &[0x1c; 4_000]].concat()).contains("nests more than"));

    let metadata = read_metadata(&File::open(&whole.path).unwrap()).unwrap();
    let mut builder = metadata.into_builder();
    let group = builder.take_row_groups().remove(0);
    let chunk = group.column(0).clone().into_builder().set_data_page_offset(-5).build().unwrap();
    let group = group.into_builder().set_column_metadata(vec![chunk]).build().unwrap();
    let metadata = builder.set_row_groups(vec![group]).build();
    let mut file = b"PAR1".to_vec();
    ParquetMetaDataWriter::new(&mut file, &metadata).finish().unwrap();
    std::fs::write(&path, file).unwrap();
    assert!(inspect(&path).unwrap_err().to_string().contains("does not lie before the footer"));
}

/// The segment with its footer restated: rows of the file, and of its only row group.
fn restated(from: &Segment, name: &str, stated: i64, group_rows: i64) -> PathBuf {
    let metadata = read_metadata(&File::open(&from.path).unwrap()).unwrap();
    let group = metadata.row_group(0).clone().into_builder().set_num_rows(group_rows).build().unwrap();
    let file = metadata.file_metadata();
    let descriptor = file.schema_descr_ptr();
    let file = parquet::file::metadata::FileMetaData::new(1, stated, None, None, descriptor, None);
    let metadata = parquet::file::metadata::ParquetMetaDataBuilder::new(file).add_row_group(group).build();
    let bytes = std::fs::read(&from.path).unwrap();
    let (_, length) = bytes.split_at(bytes.len() - 8);
    let footer = u32::from_le_bytes(length[..4].try_into().unwrap()) as usize;
    let mut written = bytes[..bytes.len() - 8 - footer].to_vec();
    let mut tail = b"PAR1".to_vec();
    ParquetMetaDataWriter::new(&mut tail, &metadata).finish().unwrap();
    written.extend_from_slice(&tail[4..]);
    let path = from.path.with_file_name(name);
    std::fs::write(&path, written).unwrap();
    path
}

#[test]
fn rows_are_those_of_the_row_groups_whatever_the_footer_states_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let whole = segment(dir.path(), "whole.parquet", &[(AT, whole())]);
    for stated in [0, 9, -1] {
        assert_eq!(inspect(&restated(&whole, "other.parquet", stated, 2)).unwrap().rows, 2, "{stated}");
    }
    let error = inspect(&restated(&whole, "less.parquet", 2, -2)).unwrap_err().to_string();
    assert!(error.contains("less.parquet is damaged: the numbers of rows"), "{error}");
}

#[test]
fn segments_that_occur_twice_count_twice_and_sums_beyond_64_bits_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let whole = segment(dir.path(), "whole.parquet", &[(AT, whole())]);
    let paths = vec![whole.path.clone(), whole.path.clone()];
    assert_eq!(rows_of(&inspect_all(&paths).unwrap()), 4);
    let huge = restated(&whole, "huge.parquet", 2, i64::MAX);
    inspect_all(&[huge.clone(), huge.clone()]).unwrap();
    let error = inspect_all(&[huge.clone(), huge.clone(), huge]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let said = "with those of the segments before it that is more than 64 bits count";
    assert!(error.to_string().contains(said), "{error}");
}
