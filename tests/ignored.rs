//! An ignored column is not read by any check: whatever is wrong with its pages, all else is judged as it was. Outputs of both built-in
//! writers with their manifests, and every column of them broken in turn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use reports::document::{CheckStatus, Severity};

use crate::support::{Finished, beside, check, files_below, findings, parallax, read_report};

/// The data files below some folders.
fn data(folders: &[PathBuf]) -> Vec<PathBuf> {
    let all = folders.iter().flat_map(|folder| files_below(folder));
    all.filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect()
}

/// The root columns of a file.
fn columns(path: &Path) -> BTreeSet<String> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema();
    schema.get_fields().iter().map(|field| field.name().to_owned()).collect()
}

/// Overwrites the pages of a column, so that they cannot be read; false where the file does not hold it.
fn broken(path: &Path, column: &str) -> bool {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let chunks = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    let ranges: Vec<(u64, u64)> = chunks
        .filter(|chunk| chunk.column_path().parts().first().is_some_and(|root| root == column))
        .map(|chunk| chunk.byte_range())
        .collect();
    let mut bytes = std::fs::read(path).unwrap();
    for (start, length) in &ranges {
        let from = usize::try_from(*start).unwrap();
        bytes[from..from + usize::try_from(*length).unwrap()].fill(0xff);
    }
    std::fs::write(path, bytes).unwrap();
    !ranges.is_empty()
}

/// Both sides' kept outputs of one corpus, and how they are compared.
fn kept(corpus: &str) -> (Finished, [PathBuf; 2], Vec<String>) {
    let done = parallax(&["run", "--corpus", corpus, "--keep", "always"]).finish().expect(0);
    let job = done.report().jobs.remove(0);
    let sides = [job.baseline.as_ref().unwrap(), &job.candidate];
    let folders = sides.map(|side| done.path("parallax-report").join(side.kept.as_deref().unwrap()));
    let mut arguments: Vec<String> = vec!["compare".to_owned()];
    arguments.extend(folders.iter().map(|folder| folder.to_str().unwrap().to_owned()));
    arguments.extend(["--signal".to_owned(), job.signal.unwrap()]);
    arguments.extend(["--out".to_owned(), "compared".to_owned()]);
    for parameter in &job.parameters {
        arguments.extend(["--param".to_owned(), format!("{}={}", parameter.key, parameter.value)]);
    }
    (done, folders, arguments)
}

#[test]
fn every_column_can_be_broken_and_left_out() {
    for corpus in ["compact-sparse-columns", "metrics-tiny-series", "traces-slot-7-of-16"] {
        let (done, folders, arguments) = kept(corpus);
        let files = data(&folders);
        let whole: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
        let all: BTreeSet<String> = files.iter().flat_map(|path| columns(path)).collect();
        assert!(all.len() > 3 && folders.iter().all(|folder| folder.join("manifest.json").is_file()));
        // Those that a check looks for by name alone, the others together.
        let (named, rest): (Vec<&String>, Vec<&String>) =
            all.iter().partition(|name| name.starts_with("_cardinalhq.") || *name == "sketch");
        for broken_ones in named.iter().map(|name| vec![*name]).chain([rest]) {
            for column in &broken_ones {
                let breaks = files.iter().map(|path| broken(path, column)).collect::<Vec<_>>();
                assert!(breaks.contains(&true), "{column}");
            }
            let column = &broken_ones.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            let ignore: Vec<String> = broken_ones.iter().map(|name| format!("{name}=it is broken")).collect();
            let ignored = ignore.iter().flat_map(|it| ["--ignore-columns", it.as_str()]);
            let typed = arguments.iter().map(String::as_str).chain(ignored);
            let (code, stdout, stderr) = beside(&done, &typed.collect::<Vec<_>>());
            assert_eq!(code, Some(0), "{corpus}, {column}\n{stdout}\n{stderr}");
            let report = read_report(&done.path("compared/report.json"), column);
            let blamed: Vec<_> = findings(&report)
                .filter(|it| it.code.ends_with(".unreadable") || it.severity == Severity::Blocker)
                .collect();
            assert!(blamed.iter().all(|it| it.waived.is_some()), "{corpus}, {column}: {blamed:#?}");
            for it in &report.jobs[0].checks {
                let judged = matches!(it.status, CheckStatus::Pass | CheckStatus::NotApplicable);
                assert!(judged, "{corpus}, {column}: {} is {:?}", it.check, it.status);
            }
            for (path, bytes) in files.iter().zip(&whole) {
                std::fs::write(path, bytes).unwrap();
            }
        }
    }
}

#[test]
fn a_key_that_is_ignored_is_named_where_it_would_have_been_judged() {
    let (done, folders, arguments) = kept("metrics-tiny-series");
    let tid = "_cardinalhq.tid";
    assert!(data(&folders).iter().any(|path| broken(path, tid)));
    let ignore = format!("{tid}=made anew");
    let typed = |more: &[&str]| {
        let all = arguments.iter().map(String::as_str).chain(["--ignore-columns", &ignore]);
        let all: Vec<&str> = all.chain(more.iter().copied()).collect();
        beside(&done, &all)
    };
    assert_eq!(typed(&[]).0, Some(0));
    let report = read_report(&done.path("compared/report.json"), tid);
    let why = "the column \"_cardinalhq.tid\" is ignored (made anew)";
    for (code, status) in [
        ("ORDER", CheckStatus::NotApplicable),
        ("GROUP", CheckStatus::NotApplicable),
        ("SKETCH", CheckStatus::NotApplicable),
        ("METADATA", CheckStatus::Pass),
    ] {
        let it = check(&report.jobs[0], code);
        assert_eq!((it.status, it.summary.contains(why)), (status, true), "{code}: {}", it.summary);
    }
    assert_eq!(check(&report.jobs[0], "ROWS").status, CheckStatus::Pass);
    // Who needs the answer is not given a pass without it.
    let (code, stdout, _) = typed(&["--require", "ORDER"]);
    assert_eq!(code, Some(3), "{stdout}");
    assert!(stdout.contains("ORDER is required but"), "{stdout}");
}

#[test]
fn without_the_ignored_column_a_manifest_is_still_held_to_the_others() {
    let (done, folders, arguments) = kept("compact-sparse-columns");
    let manifest = folders[1].join("manifest.json");
    let stated: serde_json::Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    let column = "_cardinalhq.message";
    assert!(data(&folders).iter().any(|path| broken(path, column)));
    let ignore = format!("{column}=it is broken");
    for (field, change) in [
        ("fingerprints", (|value| value.as_array_mut().unwrap().clear()) as fn(&mut serde_json::Value)),
        ("fingerprints", |value| value.as_array_mut().unwrap().push(12_345.into())),
        ("first_ts", |value| *value = 7.into()),
    ] {
        let mut changed = stated.clone();
        change(&mut changed["files"][0][field]);
        std::fs::write(&manifest, changed.to_string()).unwrap();
        let typed = arguments.iter().map(String::as_str).chain(["--ignore-columns", &ignore]);
        let (code, stdout, stderr) = beside(&done, &typed.collect::<Vec<_>>());
        assert_eq!(code, Some(1), "{field}\n{stdout}\n{stderr}");
        let report = read_report(&done.path("compared/report.json"), column);
        let wanted = format!("metadata.{field}");
        assert!(findings(&report).any(|it| it.code == wanted && it.severity == Severity::Blocker), "{field}");
    }
}

#[test]
fn columns_of_one_name_are_refused_with_the_way_out_which_is_one() {
    let write = |path: &Path, ids: [i64; 2], second: &str| {
        let column = |values: [i64; 2]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
        let columns = vec![column(ids), column([1, 2]), column([3, 4])];
        let fields = ["id", "x", second].map(|name| Field::new(name, DataType::Int64, true)).to_vec();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    let done = parallax(&["corpus", "list"]).finish().expect(0);
    for name in ["old", "new", "other"] {
        let folder = done.path(name);
        std::fs::create_dir(&folder).unwrap();
        write(&folder.join("a.parquet"), if name == "other" { [1, 3] } else { [1, 2] }, "x");
    }
    let compare =
        |sides: [&str; 2], more: &[&str]| beside(&done, &[&["compare", sides[0], sides[1]], more].concat());
    let (code, stdout, stderr) = compare(["old", "new"], &[]);
    assert!(code != Some(0), "{stdout}");
    assert!(stdout.replace("\n ", "").contains("both named"), "{stdout}\n{stderr}");
    let (code, _, stderr) = compare(["old/a.parquet", "new/a.parquet"], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--ignore-columns \"x\"=REASON"), "{stderr}");
    for (sides, expected) in
        [(["old", "new"], 0), (["old", "other"], 1), (["old/a.parquet", "new/a.parquet"], 0)]
    {
        let (code, stdout, stderr) = compare(sides, &["--ignore-columns", "x=twice there"]);
        assert_eq!(code, Some(expected), "{sides:?}\n{stdout}\n{stderr}");
    }
}
