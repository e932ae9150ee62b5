//! The small job as a corpus: its segments beside a specification that runs it.

use std::path::{Path, PathBuf};

use super::segments::Segments;
use super::way::Way;
use crate::error::{Error, Result};
use crate::job::Job;

/// Name of the specification.
const SPECIFICATION: &str = "corpus.toml";

/// Copies the segments into `out` and writes the specification. Returns where it lies.
pub(super) fn write(job: &Job, segments: &Segments, way: &Way, out: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(out).map_err(|source| Error::io("cannot make", out, source))?;
    let mut names = Vec::new();
    for file in &segments.files {
        let name = file.path.file_name().unwrap_or_default();
        let to = out.join(name);
        corpora::regular::check(&file.path)
            .and_then(|()| std::fs::copy(&file.path, &to))
            .map_err(|source| Error::io("cannot write", &to, source))?;
        names.push(name.to_string_lossy().into_owned());
    }
    let path = out.join(SPECIFICATION);
    std::fs::write(&path, text(job, way, &names))
        .map_err(|source| Error::io("cannot write", &path, source))?;
    Ok(path)
}

/// Removes what [`write`] wrote into `out`, as far as it can be removed, and nothing else.
pub(super) fn remove(segments: &Segments, out: &Path) {
    let names = segments.files.iter().filter_map(|file| file.path.file_name());
    for name in names.chain([SPECIFICATION.as_ref()]) {
        drop(std::fs::remove_file(out.join(name)));
    }
}

fn text(job: &Job, way: &Way, segments: &[String]) -> String {
    let list = |texts: &[String]| texts.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ");
    let signal = job.signal.as_ref().map_or("", |signal| signal.name.as_str());
    let mut text = format!(
        "# Made by `parallax minimize` from the job {}.\nname = {}\ntitle = {}\nsignal = {}\nkind = {}\nprovokes = [{}]\nsegments = [{}]\n",
        job.id,
        quoted(&format!("{}-minimal", job.id)),
        quoted(&format!("The least of {} that still fails", job.id)),
        quoted(signal),
        quoted(job.kind.as_str()),
        list(&way.words()),
        list(segments),
    );
    let parameters: Vec<_> = job.parameter_origins.iter().filter(|it| it.origin != "default").collect();
    if !parameters.is_empty() {
        text.push_str("\n[parameters]\n");
    }
    for parameter in parameters {
        let plain = parameter.key != "organization";
        let value = if plain { parameter.value.clone() } else { quoted(&parameter.value) };
        text.push_str(&format!("{} = {value}\n", parameter.key));
    }
    text
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            it if it.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(it))),
            it => quoted.push(it),
        }
    }
    quoted.push('"');
    quoted
}
