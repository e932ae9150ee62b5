//! Signals are data: a user's own column names and a user's own signal, without touching code.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use reports::document::CheckStatus;

use crate::support::{check, parallax};

/// Rows out of order, so that ORDER has something to see.
fn segment(path: &Path, time: &str, text: &str) {
    let times = Int64Array::from_iter_values((0..500).map(|row| 1_756_000_000_000 + (row * 7_919) % 500));
    let texts = StringArray::from_iter_values((0..500).map(|row| format!("message {row}")));
    let batch = RecordBatch::try_from_iter([
        (time, Arc::new(times) as ArrayRef),
        (text, Arc::new(texts) as ArrayRef),
    ])
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn runs(configuration: &str, signal: &str, time: &str, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    segment(&folder.path().join("a.parquet"), time, text);
    let path = folder.path().to_str().unwrap();
    for baseline in ["legacy:buffet", "legacy:fingerprint"] {
        let report = parallax(&["run", "--signal", signal, "--corpus", path, "--baseline", baseline])
            .with_file("parallax.toml", configuration)
            .finish()
            .expect(0)
            .report();
        let job = &report.jobs[0];
        assert_eq!(job.signal.as_deref(), Some(signal));
        assert_eq!(check(job, "ORDER").status, CheckStatus::Pass);
        assert_eq!(check(job, "METADATA").status, CheckStatus::Pass);
        let order = job.order.iter().find(|order| order.sort_key == [time]).unwrap();
        assert_eq!((order.rows, order.missing_keys), (500, 0));
    }
}

#[test]
fn a_shipped_signal_takes_other_column_names() {
    runs(
        "[signal.logs]\nrename = { \"_cardinalhq.timestamp\" = \"ts\" }\n",
        "logs",
        "ts",
        "_cardinalhq.message",
    );
}

#[test]
fn a_user_adds_a_signal_of_his_own() {
    let configuration = "[signal.audit]\nsort_key = [\"at\"]\nrow_keys = [[\"at\", \"what\"]]\ntime_column = \"at\"\n\
                         required = { \"at\" = \"int64\" }\n[signal.audit.fingerprints]\ntrigram = [\"what\"]\n";
    runs(configuration, "audit", "at", "what");
}

#[test]
fn the_snippets_of_the_documentation_are_understood() {
    let page = include_str!("../docs/corpora-and-signals.md");
    let snippet = |name: &str| {
        let start = page.find(&format!("# {name}\n")).unwrap_or_else(|| panic!("no snippet {name}"));
        let end = page[start..].find("```").unwrap();
        &page[start..start + end]
    };
    let config =
        parallax::config::Config::parse(snippet("parallax.toml"), Path::new("parallax.toml")).unwrap();
    let mut signals = corpora::Signals::builtin().unwrap();
    for (name, table) in config.signals {
        signals.add(&name, table, "parallax.toml").unwrap();
    }
    assert_eq!(signals.get("logs").unwrap().sort_key, ["ts"]);
    assert_eq!(signals.get("audit").unwrap().row_keys.len(), 2);
    corpora::CorpusSpec::parse(snippet("late-arrivals.toml"), "late-arrivals.toml", Path::new("")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("job.toml");
    std::fs::write(&file, snippet("job.toml")).unwrap();
    assert_eq!(corpora::JobFile::read(&file).unwrap().parameters.rows_per_file, Some(5000));
    let list = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let path = folder.path().join("jobs.jsonl");
    std::fs::write(&path, list).unwrap();
    assert_eq!(parallax::job_list::read(&path).unwrap().len(), 2);
}
