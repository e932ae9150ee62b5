//! A Parquet file as the input of a job: accepted or refused by the plan, then read by both writers and by the checks' own model.
//!
//! Input: which sound file, what it is taken for, then changes to it.
//!
//! 1. No panic comes out of a job; where one comes out of a writer, it is that side's failure.
//! 2. A job that cannot be done says so in the class `input`, `config` or `io`.
//! 3. A sound file that both writers take is a pass.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

use corpora::parameters::{Origin, ResolvedParameters};
use parallax::cancel::Cancel;
use parallax::examine;
use parallax::isolate::Grounds;
use parallax::plan::PlannedJob;
use reports::document::{Mode, Role};
use reports::manifest::ErrorClass;

use super::input::Input;
use super::{parquet_file, sound};
use parallax::config::Config;
use parallax::side::select::Choice;

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// One execution.
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
    let (which, how) = (usize::from(input.byte()), input.byte());
    let files = &*sound::FILES;
    let path = home.join("segment.parquet");
    std::fs::write(&path, files[which % files.len()].damaged(input)).expect("room for a file");
    let signal = ["logs", "traces", "metrics"][usize::from(how) % 3];
    let signal = parquet_file::KNOWN.get(signal).expect("a built-in signal");
    let mut parameters = ResolvedParameters::default();
    parameters.set_pair("target_size=1000", Origin::Param).expect("a parameter");
    if signal.name == "metrics" {
        for pair in ["interval=10000", "start=0", "end=9223372036854770000"] {
            parameters.set_pair(pair, Origin::Param).expect("a parameter");
        }
    }
    let job = PlannedJob::of_outputs("segment", Some(Arc::clone(&signal)), &parameters, "parallax run");
    let Ok(job) = job.with_inputs(&[path]) else { return };
    let side = |choice: Choice, role| choice.side(role, &Config::default(), 1).expect("a built-in side");
    let settings = parallax::settings::Settings {
        mode: Mode::Run,
        baseline: Some(side(Choice::Legacy(None), Role::Baseline)),
        candidate: side(Choice::Unified, Role::Candidate),
        ..parquet_file::settings(home)
    };
    match examine::job(&job, 0, &settings, &Grounds::within(home), &Cancel::default()) {
        Ok(report) => {
            for check in &report.checks {
                assert!(!check.summary.contains("the check panicked"), "{}: {}", check.check, check.summary);
            }
        }
        Err(error) => {
            let told = matches!(error.class, ErrorClass::Input | ErrorClass::Config | ErrorClass::Io);
            assert!(told, "{:?}: {}", error.class, error.message);
        }
    }
}
