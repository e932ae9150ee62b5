//! The directory that a report is written to: prepared without harm to what is not ours, written as the run proceeds.

use std::path::Path;

use reports::document::{Report, Role};
use reports::manifest::{ErrorClass, FailureDocument, Manifest};

use crate::claim::{self, Claim, Kind, LOCK};
use crate::errno;
use crate::error::{Error, Result, chain};
use crate::evidence::{differences, digests};
use crate::kept_file;
use crate::output::file_list::{self, FileList};
use crate::output::manifest::FILE_NAME;
use crate::resume::{JOURNAL, Journal};
use crate::side::leavings;

/// The document that every format renders from.
pub const DOCUMENT: &str = "report.json";

/// The key of a raw report, beside it.
pub const KEY: &str = "redaction.key";

/// In a raw directory: the message of a redacted command that could not be done.
pub const FAILURE: &str = "failure.json";

/// Folder of kept outputs within the report directory.
pub const OUTPUTS: &str = "outputs";

/// File that is written and removed again, to find out whether the directory can be written.
const TRIAL: &str = ".parallax-write-test";

/// Makes the directory ready: creates it, or removes the report of an earlier run from it, unless that is to be resumed. The
/// directory belongs to this process until the value returned is dropped. `option` is the one that names another directory.
///
/// # Errors
/// Class `usage` where the directory holds files but no report (they belong to somebody else), and where another process writes to
/// it. Class `io` where it cannot be written.
pub fn prepare(out: &Path, resume: bool, option: &str) -> Result<Claim> {
    if out.exists() {
        ours(out)?;
    }
    let claim = Claim::take(out, Kind::Report, option)?;
    if resume {
        claim::remove(out, &[&reports::FILES[..], &[TRIAL]].concat())?;
    } else {
        clear(out)?;
    }
    // Finding out now that nothing can be written is kinder than after the work.
    let trial = out.join(TRIAL);
    std::fs::write(&trial, [0_u8; 4096]).and_then(|()| std::fs::remove_file(&trial)).map_err(|source| {
        drop(std::fs::remove_file(&trial));
        cannot("write to the report directory", out, &source)
    })?;
    Ok(claim)
}

/// Refuses a directory with something in it that is not of an earlier run.
fn ours(out: &Path) -> Result<()> {
    let mut entries =
        std::fs::read_dir(out).map_err(|source| cannot("read the report directory", out, &source))?;
    // All that a redacted run leaves in its raw directory where it could not be done.
    let kept = |entry: std::fs::DirEntry| {
        entry.file_name() == KEY || entry.file_name() == LOCK || is_failure(&entry.path())
    };
    let bare = entries.all(|entry| entry.is_ok_and(kept));
    if bare || is_ours(&out.join(DOCUMENT)) || Journal::marks(out) || Claim::marks(out, Kind::Report) {
        return Ok(());
    }
    // What the machine does not give back may be the mark of an earlier run.
    for path in [DOCUMENT, JOURNAL, LOCK].map(|name| out.join(name)) {
        match corpora::regular::open(&path) {
            Err(source) if errno::of_machine(&source) => return Err(cannot("read", &path, &source)),
            _ => {}
        }
    }
    Err(Error::usage(format!(
        "{} is not empty and holds no report of an earlier run; name another directory with --out, or empty it",
        out.display()
    )))
}

/// True for a message that [`write_failure`] wrote.
fn is_failure(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FAILURE)
        && corpora::regular::read(path)
            .is_ok_and(|bytes| serde_json::from_slice::<FailureDocument>(&bytes).is_ok())
}

/// Writes what could not be done into a raw directory, which is made where it is missing.
///
/// # Errors
/// Class `usage` where the directory holds something else; class `io` where it cannot be written.
pub fn write_failure(raw: &Path, failure: &FailureDocument) -> Result<()> {
    if raw.exists() {
        ours(raw)?;
    }
    let _claim = Claim::take(raw, Kind::Report, "--raw-out")?;
    let mut text = serde_json::to_vec_pretty(failure)
        .map_err(|error| Error::internal(format!("cannot write the document: {error}")))?;
    text.push(b'\n');
    let path = raw.join(FAILURE);
    std::fs::write(&path, text).map_err(|source| cannot("write", &path, &source))
}

/// True for a document of this program, of whatever version.
fn is_ours(document: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Head {
        tool: Tool,
    }
    #[derive(serde::Deserialize)]
    struct Tool {
        name: String,
    }
    let read =
        corpora::regular::read(document).ok().and_then(|bytes| serde_json::from_slice::<Head>(&bytes).ok());
    read.is_some_and(|head| head.tool.name == "parallax")
}

/// Refuses a report directory that holds what the run is to read: preparing it would remove that.
///
/// # Errors
/// Class `usage`, naming the path.
pub fn spare<'a>(out: &Path, paths: impl Iterator<Item = &'a Path>) -> Result<()> {
    let Ok(out) = out.canonicalize() else { return Ok(()) };
    for path in paths {
        let list = file_list::named(path);
        // The reader of a list reports one that cannot be read.
        let listed = list.iter().flat_map(|list| FileList::read(list)).flat_map(|list| list.files);
        let mut read = listed.map(|it| it.1).chain(list.clone()).chain([path.to_owned()]);
        if read.any(|path| path.canonicalize().is_ok_and(|path| path.starts_with(&out))) {
            return Err(Error::usage(format!(
                "{} lies in the report directory {}, which is cleared before a run; name another one with --out",
                path.display(),
                out.display()
            )));
        }
    }
    Ok(())
}

fn cannot(what: &str, path: &Path, source: &std::io::Error) -> Error {
    Error::new(ErrorClass::Io, format!("cannot {what} {}: {source}", path.display()))
}

/// Removes what a run wrote, and nothing else.
///
/// # Errors
/// Class `io` where a file resists.
pub fn clear(out: &Path) -> Result<()> {
    claim::remove(out, &[&reports::FILES[..], &[JOURNAL, FAILURE, TRIAL]].concat())?;
    for folder in [OUTPUTS, differences::FOLDER] {
        remove_folder(&out.join(folder))?;
    }
    Ok(())
}

/// Removes what a run that ended in an error wrote, except what `--resume` goes on with: the journal, and what was kept of the jobs
/// in it. `jobs` are the names of all jobs. Where no job was judged, nothing stays; where the journal cannot be read, everything
/// but the report.
///
/// # Errors
/// Class `io` where a file resists.
pub fn retreat<'a>(out: &Path, jobs: impl Iterator<Item = &'a str>) -> Result<()> {
    claim::remove(out, &reports::FILES)?;
    let judged = Journal::jobs(out)?;
    if judged.is_empty() {
        return clear(out);
    }
    for job in jobs.filter(|job| !judged.contains(*job)) {
        forget(out, job)?;
    }
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot("remove", folder, &error)),
        _ => Ok(()),
    }
}

/// Removes what was kept of a job, outputs and differing rows, before it is done again.
///
/// # Errors
/// Class `io` where a file resists.
pub fn forget(out: &Path, job: &str) -> Result<()> {
    for side in [Role::Baseline, Role::Candidate] {
        let folder = out.join(OUTPUTS).join(side.to_string());
        remove_folder(&folder.join(job))?;
        remove_folder(&folder.join(unfinished(job)))?;
    }
    let folder = out.join(differences::FOLDER);
    claim::remove_file(&folder.join(format!("{job}.parquet")))?;
    claim::remove_file(&folder.join(unfinished(job)))
}

/// Name of the folder or file of a job until it is whole. No job's own name begins with a dot.
fn unfinished(job: &str) -> String {
    format!(".{job}.partial")
}

/// Writes every format.
///
/// # Errors
/// Class `io` where a file cannot be written.
pub fn write(report: &Report, out: &Path) -> Result<()> {
    reports::write_all(report, out).map_err(|error| {
        let message = format!("cannot write the report to {}: {}", out.display(), chain(&error));
        Error::new(ErrorClass::Io, message)
    })
}

/// Reads a document.
///
/// # Errors
/// Class `input` where it is missing, malformed or of another version.
pub fn read(path: &Path) -> Result<Report> {
    corpora::regular::check(path).map_err(|source| Error::io("cannot read", path, source))?;
    reports::json::read_json(path).map_err(|error| Error::input(chain(&error)))
}

/// Copies the files of a side's output into `<out>/outputs/<side>/<job>`, with its manifest, and returns that path relative to
/// `out`. So `dir:<out>/outputs/<side>` is a recorded side. The folder has its name only when everything is in it.
///
/// # Errors
/// Class `io` where a file cannot be copied.
pub fn keep(out: &Path, side: &str, job: &str, output: &Path, manifest: Option<&Manifest>) -> Result<String> {
    let folder = Path::new(OUTPUTS).join(side).join(job);
    let whole = out.join(&folder);
    let target = whole.with_file_name(unfinished(job));
    remove_folder(&target)?;
    std::fs::create_dir_all(&target).map_err(|source| cannot("make", &target, &source))?;
    let root = output.canonicalize().map_err(|source| cannot("keep the output", output, &source))?;
    for entry in walkdir::WalkDir::new(&root).min_depth(1) {
        let entry = entry.map_err(|error| {
            Error::new(ErrorClass::Io, format!("cannot keep the output {}: {error}", output.display()))
        })?;
        let relative = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let to = target.join(relative);
        let is_inner_link = || {
            entry.file_type().is_symlink()
                && leavings::stays(entry.path(), &root)
                && std::fs::metadata(entry.path()).is_ok_and(|found| found.is_file())
        };
        let done = if entry.file_type().is_dir() {
            std::fs::create_dir_all(&to)
        } else if entry.file_type().is_file() || is_inner_link() {
            kept_file::copy(entry.path(), &to)
        } else {
            Ok(())
        };
        done.map_err(|source| cannot("keep", &to, &source))?;
    }
    let listed = target.join(FILE_NAME);
    if let Some(manifest) = manifest
        && !listed.exists()
    {
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Error::internal(format!("cannot write a manifest: {error}")))?;
        std::fs::write(&listed, text).map_err(|source| cannot("keep", &listed, &source))?;
    }
    let list = target.join(digests::BESIDE);
    std::fs::write(&list, digests::text(&digests::of_kept(&target)?))
        .map_err(|source| cannot("keep", &list, &source))?;
    remove_folder(&whole)?;
    std::fs::rename(&target, &whole).map_err(|source| cannot("keep", &whole, &source))?;
    Ok(crate::error::display(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_output_has_its_name_only_when_it_is_whole() {
        let home = tempfile::tempdir().unwrap();
        let (out, output) = (home.path().join("out"), home.path().join("output"));
        let folder = out.join(OUTPUTS).join("candidate");
        let error = keep(&out, "candidate", "one", &output, None).unwrap_err();
        assert_eq!(error.class, ErrorClass::Io);
        assert!(!folder.join("one").exists() && folder.join(".one.partial").exists());
        std::fs::create_dir_all(output.join("deep")).unwrap();
        std::fs::write(output.join("deep/a.parquet"), "rows").unwrap();
        assert_eq!(keep(&out, "candidate", "one", &output, None).unwrap(), "outputs/candidate/one");
        assert!(folder.join("one/deep/a.parquet").is_file() && !folder.join(".one.partial").exists());
        std::fs::create_dir(folder.join(".one.partial")).unwrap();
        forget(&out, "one").unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_killed_report_is_cleared_with_its_hidden_files_and_a_resumed_one_keeps_its_journal() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("out");
        let put = || {
            let claim = prepare(&out, false, "--out").unwrap();
            let mark = std::fs::read(out.join(LOCK)).unwrap();
            drop(Journal::open(&out, false).unwrap());
            std::fs::write(out.join(".report.json.17.tmp"), "half").unwrap();
            std::fs::write(out.join("index.html"), "partial").unwrap();
            drop(claim);
            std::fs::write(out.join(LOCK), mark).unwrap();
        };
        let left = || {
            let entries = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name());
            entries.collect::<std::collections::BTreeSet<_>>()
        };
        put();
        let resumed = prepare(&out, true, "--out").unwrap();
        assert_eq!(left().into_iter().collect::<Vec<_>>(), [LOCK, JOURNAL]);
        drop(resumed);
        put();
        std::fs::remove_file(out.join(JOURNAL)).unwrap();
        let anew = prepare(&out, false, "--out").unwrap();
        assert_eq!(left().into_iter().collect::<Vec<_>>(), [LOCK]);
        drop(anew);
    }
}
