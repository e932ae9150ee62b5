//! Driving the built program as its users do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use reports::document::{CheckReport, CheckStatus, Finding, JobReport, Report};
use tempfile::TempDir;

/// One invocation of `parallax` in a directory of its own.
pub struct Invocation {
    home: TempDir,
    command: Command,
}

/// What an invocation left.
pub struct Finished {
    /// The working directory; gone when this is.
    pub home: TempDir,
    /// Exit status.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// `parallax` with these arguments, its working and temporary directories its own.
pub fn parallax<S: AsRef<str>>(arguments: &[S]) -> Invocation {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
    command.args(arguments.iter().map(AsRef::as_ref)).current_dir(home.path()).env_remove("NO_COLOR");
    command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
    std::fs::create_dir(home.path().join("tmp")).unwrap();
    command.env("TMPDIR", home.path().join("tmp"));
    Invocation { home, command }
}

impl Invocation {
    /// Writes a file into the working directory first.
    pub fn with_file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.home.path().join(name), text).unwrap();
        self
    }

    /// The command, to start it otherwise than [`Invocation::finish`] does.
    pub fn into_parts(self) -> (TempDir, Command) {
        (self.home, self.command)
    }

    /// Runs to the end.
    pub fn finish(mut self) -> Finished {
        let Output { status, stdout, stderr } = self.command.output().unwrap();
        Finished {
            home: self.home,
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

/// Runs `parallax` in the directory of an earlier invocation.
pub fn beside(done: &Finished, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(arguments)
        .current_dir(done.home.path())
        .env("TMPDIR", done.path("tmp"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

impl Finished {
    /// A path in the working directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The report that the run left in the default place.
    pub fn report(&self) -> Report {
        read_report(&self.path("parallax-report/report.json"), &self.stderr)
    }

    /// Asserts the exit code, showing everything otherwise.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// What was left in the temporary directory.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        files_below(&self.path("tmp"))
    }
}

/// The segments of a built-in corpus, generated in a directory of their own.
pub fn corpus(name: &str) -> (tempfile::TempDir, Vec<String>) {
    let home = tempfile::tempdir().unwrap();
    let output = home.path().join("in");
    let done =
        parallax(&["corpus", "generate", name, "--output", output.to_str().unwrap(), "--format", "json"])
            .finish()
            .expect(0);
    let document: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let inputs = document["inputs"].as_array().unwrap();
    (home, inputs.iter().map(|path| path.as_str().unwrap().to_owned()).collect())
}

/// Reads a report.
pub fn read_report(path: &Path, context: &str) -> Report {
    let text = std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{}: {error}\n{context}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Everything below a directory.
pub fn files_below(root: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(root).min_depth(1).into_iter().map(|entry| entry.unwrap().into_path());
    let mut found: Vec<PathBuf> = walk.collect();
    found.sort();
    found
}

/// The check of that code.
pub fn check<'a>(job: &'a JobReport, code: &str) -> &'a CheckReport {
    job.checks.iter().find(|check| check.check == code).unwrap_or_else(|| panic!("no check {code}"))
}

/// Codes of the checks that failed, in order.
pub fn red(job: &JobReport) -> Vec<&str> {
    let failed = job.checks.iter().filter(|check| check.status == CheckStatus::Fail);
    failed.map(|check| check.check.as_str()).collect()
}

/// All findings of a report.
pub fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    report.jobs.iter().flat_map(|job| &job.checks).flat_map(|check| &check.findings)
}

/// A folder beside the checkout, where it is there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    path.is_dir().then_some(path)
}

/// True where `python3` can import a package; says so otherwise, and fails where `variable=1` requires it.
pub fn python_has(package: &str, variable: &str) -> bool {
    let found = Command::new("python3").args(["-c", &format!("import {package}")]).output();
    let there = found.is_ok_and(|output| output.status.success());
    if !there {
        let required = std::env::var_os(variable).is_some_and(|value| value == "1");
        assert!(!required, "{variable}=1, but python3 cannot import {package}");
        eprintln!("SKIPPED: python3 cannot import {package}; set {variable}=1 to insist");
    }
    there
}
