//! The memory of `parallax write unified`: what the process takes stays within its limit, whatever the number of threads.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use wait4::Wait4;

/// Bytes of the limit, and of the program itself in a build without optimisation.
const LIMIT: u64 = 128 << 20;
const PROGRAM: u64 = 16 << 20;

const ROWS: i64 = 6_000;

/// A segment of 300 columns of numbers that look like chance, out of order, in small pages without dictionaries.
fn wide(path: &Path, seed: i64) {
    let names = (0..300).map(|column| match column {
        0 => "_cardinalhq.timestamp".to_owned(),
        column => format!("column_{column}"),
    });
    let number = |row: i64, column: i64| {
        let mixed = (seed + row * 300 + column).wrapping_mul(0x1E37_79B9_7F4A_7C15).rotate_left(31);
        mixed.wrapping_mul(0x3F58_476D_1CE4_E5B9) & 0xff_ffff_ffff
    };
    let columns = names.zip(0..).map(|(name, column)| {
        let values = Int64Array::from_iter_values((0..ROWS).map(|row| number(row, column)));
        (name, Arc::new(values) as ArrayRef)
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_data_page_row_count_limit(2_000)
        .build();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// Writes the segments; the largest resident set and the bytes of the files, in order.
fn written(home: &Path, inputs: &[PathBuf], threads: &str) -> (u64, Vec<Vec<u8>>) {
    let out = home.join(format!("out-{threads}"));
    let child = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(["write", "unified", "--signal", "logs", "--threads", threads, "--memory-limit"])
        .arg(LIMIT.to_string())
        .arg("--output")
        .arg(&out)
        .arg("--input")
        .args(inputs)
        .env("TMPDIR", home)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let ended = { child }.wait4().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    (ended.rusage.maxrss, files.iter().map(|file| std::fs::read(file).unwrap()).collect())
}

/// Set in the process that measures. The peak of a child begins with what its parent holds, and the process of all tests holds much.
const ALONE: &str = "PARALLAX_TEST_ALONE";

#[test]
fn wide_rows_stay_within_the_limit_on_any_number_of_threads_and_files_are_the_same() {
    if std::env::var_os(ALONE).is_some() {
        return measure();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "writer_memory::wide_rows_stay_within_the_limit_on_any_number_of_threads_and_files_are_the_same",
            "--exact",
        ])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
}

fn measure() {
    let home = tempfile::tempdir().unwrap();
    let inputs = [0, 1].map(|number| {
        let path = home.path().join(format!("{number}.parquet"));
        wide(&path, i64::from(number) << 32);
        path
    });
    let (one_peak, one) = written(home.path(), &inputs, "1");
    let (two_peak, two) = written(home.path(), &inputs, "2");
    assert!(one == two && one.len() > 1);
    // Elsewhere the allocator is another.
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        let most = LIMIT + PROGRAM;
        assert!(
            one_peak <= most && two_peak <= most,
            "{one_peak} and {two_peak} bytes at a limit of {LIMIT}"
        );
    }
}
