//! JSON that is read back or comes from elsewhere: manifests, reports, gates, job lists, journals, bundles, requests.
//!
//! 1. Nothing panics.
//! 2. What was read and is written again reads as the same.
//! 3. Paths of a manifest stay in the output directory; names of jobs can name a folder.

use std::cell::OnceCell;
use std::path::{Component, Path};
use std::sync::LazyLock;

use parallax::bundle::Contents;
use parallax::config::Config;
use parallax::gate;
use parallax::gate::given::Given;
use parallax::job_list;
use parallax::output::manifest::{self, Statement};
use parallax::policy::Policy;
use parallax::policy::file::Asked;
use parallax::probe::Request;
use parallax::resume::{JOURNAL, Journal};
use reports::document::Report;

use super::input::Input;
use super::{json, parquet_file};

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// One execution. Input: what the document is, then the document, or changes to a sound one.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn run(bytes: &[u8]) {
    HOME.with(|home| {
        let home = home.get_or_init(|| tempfile::tempdir().expect("a temporary directory"));
        perform(bytes, home.path());
    });
}

fn perform(bytes: &[u8], home: &Path) {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let text = if kind & 0x80 == 0 { json::changed(kind, input) } else { input.rest().to_vec() };
    let write = |name: &str| {
        let path = home.join(name);
        std::fs::write(&path, &text).expect("room for a file");
        path
    };
    match kind & 0x7f {
        0 | 1 => {
            write(manifest::FILE_NAME);
            let Ok(found) = manifest::examine(home) else { panic!("the manifest was not read") };
            if let Ok(Statement::Manifest(found)) = &found {
                for file in &found.files {
                    let plain =
                        Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
                    assert!(plain && !file.path.is_empty(), "{:?} leaves the directory", file.path);
                }
                std::fs::write(home.join(manifest::FILE_NAME), serde_json::to_vec(found).expect("JSON"))
                    .expect("room for a file");
                assert_eq!(manifest::examine(home).ok(), Some(Ok(Statement::Manifest(found.clone()))));
            }
        }
        2 => {
            let path = write("report.json");
            if let Ok(report) = reports::json::read_json(&path) {
                let text =
                    reports::json::to_text(&report).expect("a report that was read is one that is written");
                std::fs::write(&path, text).expect("room for a file");
                let again =
                    reports::json::read_json(&path).expect("a report that was written is one that is read");
                assert_eq!(again, report);
                shown(&report);
                gated(&path);
            }
        }
        3 => {
            let path = write("gate.json");
            if let Ok(gate) = reports::gate::parse(&text) {
                let text =
                    reports::gate::to_text(&gate).expect("a gate that was read is one that is written");
                assert_eq!(reports::gate::parse(text.as_bytes()).as_ref(), Ok(&gate));
                reports::gate::write_all(&gate, &home.join("gate"))
                    .expect("a gate that was read is one that is shown");
            }
            let _ = gate::earlier(&path);
        }
        4 => {
            let path = write("jobs.jsonl");
            for job in job_list::read(&path).into_iter().flatten() {
                let named = home.join(&job.id);
                assert_eq!(named.parent(), Some(home), "{:?} cannot name a folder", job.id);
            }
        }
        5 => {
            write(JOURNAL);
            let _ = Journal::marks(home);
            if let Ok(journal) = Journal::open(home, true) {
                let _ = journal.take("key", home);
            }
        }
        6 => {
            write(parallax::bundle::CONTENTS);
            if let Ok(contents) = Contents::read(home) {
                std::fs::write(
                    home.join(parallax::bundle::CONTENTS),
                    serde_json::to_vec(&contents).expect("JSON"),
                )
                .expect("room for a file");
                assert_eq!(Contents::read(home).expect("contents that were written"), contents);
            }
        }
        _ => {
            if let Ok(request) = Request::read(&write("request.json")) {
                let _ = request.into_side_and_job("job");
            }
        }
    }
}

/// Every format of a report that came from elsewhere.
fn shown(report: &Report) {
    let page = reports::html::render(report);
    assert!(!page.contains("<script>alert"), "text of a report becomes a script");
    let _ = (reports::markdown::render(report), reports::summary::render_text(report, 80, true));
    drop((reports::csv::render_all(report), reports::junit::render(report)));
}

/// A gate over a report that came from elsewhere.
fn gated(path: &Path) {
    static POLICY: LazyLock<Policy> = LazyLock::new(|| {
        let asked = Asked { phase: Some("logs"), ..Asked::default() };
        Policy::resolve(&Config::default(), asked).expect("a built-in phase")
    });
    let Ok(given) = Given::read(path) else { return };
    let _ = given.finished();
    let context = gate::Context {
        policy: &POLICY,
        definitions: &parquet_file::KNOWN,
        signals: vec!["logs".to_owned()],
        stage: reports::gate::Stage::Begin,
        confirmed: gate::checklist::Confirmed::default(),
        now: chrono::DateTime::UNIX_EPOCH,
        command: Vec::new(),
    };
    drop(gate::decide(&[given], Vec::new(), &context));
}
