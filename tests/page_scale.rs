//! The page of a large comparison in a real browser: a million differing rows, five hundred files.
//!
//! This is the one test that holds a time: that the page opens within a second is a promise of its own, and only a browser
//! can measure it. It lives behind the feature `browser`, which the ordinary suite does without.

#[allow(dead_code, reason = "the tests of the page use the rest")]
#[path = "../reports/tests/browser/chrome.rs"]
mod chrome;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use self::chrome::Browser;
use super::support::{check, parallax, read_report};

const FILES: i64 = 250;
const ROWS: i64 = 4_000;

/// `FILES` files of `ROWS` rows. Every row of the two sides differs in `message`.
fn write(dir: &Path, side: &str) {
    std::fs::create_dir(dir).unwrap();
    for file in 0..FILES {
        let ids: Vec<i64> = (file * ROWS..(file + 1) * ROWS).collect();
        let messages: Vec<String> =
            ids.iter().map(|id| format!("request {id} took long, says {side}")).collect();
        let columns: [(&str, ArrayRef); 2] =
            [("id", Arc::new(Int64Array::from(ids))), ("message", Arc::new(StringArray::from(messages)))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let target = std::fs::File::create(dir.join(format!("part-{file:05}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(target, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

#[test]
#[cfg_attr(not(feature = "browser"), ignore = "needs --features browser, and Chromium")]
fn a_million_differing_rows_in_five_hundred_files_make_a_small_page_that_opens_within_a_second() {
    let home = tempfile::tempdir().unwrap();
    let (old, new) = (home.path().join("old"), home.path().join("new"));
    write(&old, "the old one");
    write(&new, "a new one");
    let arguments = ["compare", old.to_str().unwrap(), new.to_str().unwrap(), "--key", "id", "--by", "file"];
    let done = parallax(&arguments).finish().expect(1);
    let report = read_report(&done.path("parallax-report/report.json"), &done.stderr);
    let rows = report.jobs[0].rows.as_ref().unwrap();
    assert_eq!((rows.changed, rows.missing, rows.extra, rows.equal), (1_000_000, 0, 0, 0));
    assert_eq!((report.totals.files_baseline, report.totals.files_candidate), (250, 250));
    assert_eq!(check(&report.jobs[0], "ROWS").findings[0].count, 1_000_000);
    let blast = rows.blast.as_ref().unwrap();
    assert_eq!(blast.rows(), 1_000_000);
    let page = done.path("parallax-report/index.html");
    let bytes = std::fs::metadata(&page).unwrap().len();
    assert!(bytes < 5_000_000, "{bytes} bytes");
    let mut browser = Browser::start();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        browser.open(&page, "");
        let opened = browser.eval(chrome::OPENED);
        best = best.min(opened.as_f64().unwrap());
    }
    println!("page of {bytes} bytes, opened in {best:.0} ms");
    assert!(best > 0.0 && best < 1_000.0, "opened in {best} ms");
    let words = browser.eval("document.body.textContent").as_str().unwrap().to_owned();
    for exact in ["1,000,000", "Showing 50 of 1,000,000 differing rows."] {
        assert!(words.contains(exact), "{exact}");
    }
    assert_eq!(browser.console(), Vec::<String>::new());
}
