//! What the documents of a bundle may name: files of the bundle, and nothing else.
//!
//! The command of a bundle decides what runs. `cli::replay` parses it and puts paths below the unpacked bundle in the place of
//! every path in it. This module checks the documents that this command then reads: the job list and the corpus
//! specification. The policy and the configuration name no files; external sides of a packed configuration are not read.

use std::path::{Component, Path};

use corpora::spec::CorpusSpec;

use super::room::Room;
use super::{CONFIG, CONTENTS, CORPUS, Contents, JOB, JOB_LIST, POLICY, REPORT, Work};
use crate::error::{Error, Result};
use crate::job_list;
use crate::output::file_list;

/// Bytes that a document may have: it is read into memory, and a few compressed bytes can hold one of gigabytes.
const LONGEST_DOCUMENT: u64 = 64 << 20;

/// The same of one in TOML, whose reader takes many times its length.
const LONGEST_TOML: u64 = 8 << 20;

/// Refuses documents that are too long to be read, before any of them is.
///
/// # Errors
/// Class `input`, naming the document.
pub fn sizes(home: &Path) -> Result<()> {
    for name in [CONTENTS, REPORT, JOB, JOB_LIST, CONFIG, POLICY, CORPUS] {
        let most = if name.ends_with(".toml") { LONGEST_TOML } else { LONGEST_DOCUMENT };
        match std::fs::symlink_metadata(home.join(name)) {
            Ok(facts) if facts.len() > most => {
                return Err(Error::input(format!(
                    "{name} of the bundle has {} bytes, and {most} are read; a job as large as that is run from its own files",
                    facts.len()
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks the job list or the corpus specification of the bundle unpacked in `home`. `room` bounds what the specification asks for.
///
/// # Errors
/// Class `input` for a path that leads out of the bundle, for documents of another job and for too many rows; errors of the readers of
/// both documents.
pub fn check(home: &Path, contents: &Contents, room: &Room) -> Result<()> {
    match contents.work {
        Work::Corpus => corpus(&home.join(CORPUS), room),
        Work::JobList => list(home, &contents.job),
        Work::Outputs => Ok(()),
    }
}

fn corpus(path: &Path, room: &Room) -> Result<()> {
    let spec = CorpusSpec::from_file(path).map_err(|error| Error::of_corpora(&error))?;
    match spec.segments.first() {
        None => room.generated(&spec),
        Some(segment) => Err(Error::input(format!(
            "{CORPUS} of the bundle names the segment {segment:?}; a packed corpus is generated and names no files"
        ))),
    }
}

fn list(home: &Path, job: &str) -> Result<()> {
    let lines = job_list::read(&home.join(JOB_LIST))?;
    let [line] = lines.as_slice() else {
        return Err(Error::input(format!("{JOB_LIST} of the bundle holds {} jobs, not one", lines.len())));
    };
    if line.id != job {
        return Err(Error::input(format!(
            "{JOB_LIST} of the bundle describes {:?}, not the job {job}",
            line.id
        )));
    }
    let recorded = line.baseline.iter().chain(&line.candidate);
    // A list would name files by itself.
    if let Some(list) = recorded.clone().find(|path| file_list::named(path).is_some()) {
        return Err(Error::input(format!(
            "{JOB_LIST} of the bundle names the list {list:?}; a bundle holds outputs and no lists of files"
        )));
    }
    // The reader made these two relative to the working directory.
    let recorded = recorded.map(|path| path.strip_prefix(home).unwrap_or(path));
    match line.inputs.iter().map(Path::new).chain(recorded).find(|path| leads_out(path)) {
        None => Ok(()),
        Some(path) => Err(Error::input(format!(
            "{JOB_LIST} of the bundle names {path:?}, which leads out of the bundle"
        ))),
    }
}

/// True for a path that is absolute or goes up, and for an empty one.
#[must_use]
pub fn leads_out(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_)))
}
