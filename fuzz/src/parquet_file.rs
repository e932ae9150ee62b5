//! A Parquet file through the whole of a comparison, as `parallax compare` does it, beside a sound file.
//!
//! Input: which sound file, how it is asked about, then changes to it (see `damage`); or a whole file of arbitrary bytes.
//!
//! 1. Nothing panics, and no check ends by a panic that only the last net catches.
//! 2. A job passes only if both files hold the same columns and rows as another reader sees them.
//! 3. A sound file with rows passes against itself.

use std::cell::OnceCell;
use std::path::Path;
use std::sync::LazyLock;

use corpora::Signals;
use corpora::parameters::ResolvedParameters;
use parallax::cancel::Cancel;
use parallax::config::Config;
use parallax::examine;
use parallax::isolate::Grounds;
use parallax::plan::PlannedJob;
use parallax::policy::Policy;
use parallax::policy::file::Asked;
use parallax::settings::{Keep, Settings};
use parallax::side::select::Choice;
use reports::document::{JobReport, Mode, Role, Verdict};

use super::input::Input;
use super::{oracle, sound};

thread_local! {
    static HOME: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

/// The signals.
pub static KNOWN: LazyLock<Signals> = LazyLock::new(|| Signals::builtin().expect("the built-in signals"));
static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::resolve(&Config::default(), Asked::default()).expect("the default policy"));

/// Signals that a file is judged by; the first is none.
const SIGNALS: [Option<&str>; 4] = [None, Some("logs"), Some("metrics"), Some("traces")];

/// What footers may hold that the Parquet crate alone refuses.
const ODD: [&str; 3] = ["layout.footer_odd", "layout.row_count_false", "layout.chunk_size_false"];

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

/// The result of a comparison, as an example of the document.
pub fn example() -> JobReport {
    let home = tempfile::tempdir().expect("a temporary directory");
    let files = &*sound::FILES;
    let path = |name: &str| home.path().join(name);
    std::fs::write(path("a.parquet"), &files[6].bytes).expect("room for a file");
    std::fs::write(path("b.parquet"), files[6].damaged(Input::new(&[7, 200, 1, 1])))
        .expect("room for a file");
    judge(&path("a.parquet"), &path("b.parquet"), SIGNALS[1], home.path())
}

fn perform(bytes: &[u8], home: &Path) {
    let mut input = Input::new(bytes);
    let (which, how) = (usize::from(input.byte()), input.byte());
    let files = &*sound::FILES;
    let sound = &files[which % files.len()];
    let unchanged = input.is_empty();
    let damaged = if which == 255 { input.rest().to_vec() } else { sound.damaged(input) };
    let (left, right) = (home.join("sound.parquet"), home.join("damaged.parquet"));
    std::fs::write(&left, &sound.bytes).expect("room for a file");
    std::fs::write(&right, &damaged).expect("room for a file");
    let swapped = how & 4 != 0;
    let (baseline, candidate) = if swapped { (&right, &left) } else { (&left, &right) };
    let report = judge(baseline, candidate, SIGNALS[usize::from(how & 3)], home);
    for check in &report.checks {
        assert!(!check.summary.contains("the check panicked"), "{}: {}", check.check, check.summary);
    }
    if report.verdict == Verdict::Pass {
        let (left, right) = (oracle::rows(&left), oracle::rows(&right));
        let mut findings = report.checks.iter().flat_map(|check| &check.findings);
        let odd = findings.any(|it| ODD.contains(&it.code.as_str()));
        assert!(right.is_some() || odd, "a file that another reader cannot read passes, and nothing says so");
        assert!(right.is_none() || left == right, "files with other columns or rows pass");
    } else if unchanged
        && which != 255
        && how & 3 == 0
        && !oracle::rows(&left).is_some_and(|it| it.rows.is_empty())
    {
        panic!("a sound file does not pass against itself: {:#?}", report.checks);
    }
}

fn judge(baseline: &Path, candidate: &Path, signal: Option<&str>, home: &Path) -> JobReport {
    let config = Config::default();
    let side = |path: &Path, role| {
        Choice::Recorded(path.to_owned()).side(role, &config, 1).expect("a file that is there")
    };
    let signal = signal.map(|name| KNOWN.get(name).expect("a built-in signal"));
    let job = PlannedJob::of_outputs("compare", signal, &ResolvedParameters::default(), "parallax compare");
    let settings = Settings {
        baseline: Some(side(baseline, Role::Baseline)),
        candidate: side(candidate, Role::Candidate),
        ..settings(home)
    };
    examine::job(&job, 0, &settings, &Grounds::within(home), &Cancel::default())
        .expect("a job that can be judged")
}

/// Settings of `compare`, with a candidate that nothing is asked of.
pub fn settings(home: &Path) -> Settings {
    let nobody = Choice::Recorded(home.to_owned()).side(Role::Candidate, &Config::default(), 1);
    Settings {
        named: Vec::new(),
        self_check: false,
        mode: Mode::Compare,
        baseline: None,
        candidate: nobody.expect("a directory"),
        policy: POLICY.clone(),
        out: home.join("report"),
        resume: false,
        keep: Keep::Never,
        noise: 0,
        chaos: None,
        by: Vec::new(),
        tmp: home.to_owned(),
        memory: std::sync::Arc::default(),
        threads: 1,
        command: Vec::new(),
        replay: String::new(),
        seed: None,
        config: None,
        measure: None,
        program: None,
        today: chrono::NaiveDate::default(),
    }
}
