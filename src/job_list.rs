//! The job list, `--job-list FILE`: many jobs, one JSON document a line, each judged on its own.
//!
//! ```json
//! {"id": "2025-08-25/h14", "..": ".."}
//! ```
//!
//! is refused, because an id names folders; `{"id": "2025-08-25-h14", "signal": "logs", "inputs": ["h14/*.parquet"]}`
//! is a job. A recorded output is a directory, or a list of files: `{"id": "h14", "baseline": "old", "candidate": "@new.txt"}`. Lines
//! are read strictly; an error names file and line. Empty lines are passed over. Input patterns are not
//! resolved here: the segment loader does that, given [`JobLine::input_specs`]. Cost: the size of the file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use corpora::parameters::Parameters;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::job::JobKind;
use crate::output::file_list;

/// Longest id, in bytes: it must fit a folder name with something added.
const LONGEST_ID: usize = 200;

/// One job of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    /// Name, unique in the list, usable as a folder name.
    pub id: String,
    /// Signal name; absent: the command line decides.
    pub signal: Option<String>,
    /// Entry point; absent: the signal or the command line decides.
    pub kind: Option<JobKind>,
    /// Input files, directories and patterns as written, in order; relative ones count from `folder`.
    pub inputs: Vec<String>,
    /// Parameters of the job.
    pub parameters: Parameters,
    /// Recorded output of the baseline, made relative to the working directory.
    pub baseline: Option<PathBuf>,
    /// Recorded output of the candidate, made relative to the working directory.
    pub candidate: Option<PathBuf>,
    /// Two outputs without rows are right.
    pub allow_empty: bool,
    /// The folder of the list.
    pub folder: PathBuf,
    /// Line in the list, from 1, for messages.
    pub line: usize,
}

impl JobLine {
    /// The inputs for the segment loader: relative ones made relative to the working directory. The folder's own name is
    /// never taken for part of a pattern.
    #[must_use]
    pub fn input_specs(&self) -> Vec<String> {
        self.inputs.iter().map(|input| self.input_spec(input)).collect()
    }

    fn input_spec(&self, input: &str) -> String {
        let joined = self.folder.join(input);
        let folder = self.folder.to_string_lossy();
        let patterned = input.contains(['*', '?', '[']) && !joined.exists();
        if patterned && Path::new(input).is_relative() && folder.contains(['*', '?', '[']) {
            return format!("{}/{input}", glob::Pattern::escape(&folder));
        }
        joined.to_string_lossy().into_owned()
    }
}

/// A line as typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    id: String,
    signal: Option<String>,
    kind: Option<JobKind>,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    parameters: Parameters,
    baseline: Option<PathBuf>,
    candidate: Option<PathBuf>,
    #[serde(default)]
    allow_empty: bool,
}

/// Reads a job list.
///
/// # Errors
/// Class `config`, with file and line, for a line that is not a job, an id that cannot name a folder or is there twice,
/// and a list without jobs; class `input` or `io` where the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<JobLine>> {
    let bytes =
        corpora::regular::read(path).map_err(|source| Error::io("cannot read the job list", path, source))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() + 1;
        Error::config(format!("{}:{line}: the job list is not UTF-8", path.display()))
    })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut jobs = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let wrong = |message: String| Error::config(format!("{}:{number}: {message}", path.display()));
        // A struct may also be read from a list of its fields; a job may not be written so.
        if !line.trim_start().starts_with('{') {
            return Err(wrong("expected a JSON object".to_owned()));
        }
        let typed: Typed = serde_json::from_str(line).map_err(|error| wrong(said(&error)))?;
        if let Some(fault) = id_fault(&typed.id) {
            return Err(wrong(format!("job id {:?} {fault}; it must be usable as a folder name", typed.id)));
        }
        if let Some(first) = seen.insert(typed.id.clone(), number) {
            return Err(wrong(format!("job id {:?} is there already, in line {first}", typed.id)));
        }
        if typed.inputs.iter().any(String::is_empty) {
            return Err(wrong("an input is empty".to_owned()));
        }
        jobs.push(JobLine {
            id: typed.id,
            signal: typed.signal,
            kind: typed.kind,
            inputs: typed.inputs,
            parameters: typed.parameters,
            baseline: typed.baseline.map(|path| file_list::joined(&folder, &path)),
            candidate: typed.candidate.map(|path| file_list::joined(&folder, &path)),
            allow_empty: typed.allow_empty,
            folder: folder.clone(),
            line: number,
        });
    }
    if jobs.is_empty() {
        return Err(Error::config(format!("{}: the job list holds no jobs", path.display())));
    }
    Ok(jobs)
}

/// What a JSON error says, with the column only: the line is that of the file.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cut = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..cut], error.column())
}

/// Why an id cannot name a folder, if so.
fn id_fault(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.len() > LONGEST_ID {
        Some("is longer than 200 bytes")
    } else if id.starts_with(['_', '.']) {
        Some("begins with `_` or `.`, and such names are left out of recorded outputs")
    } else if id.contains(['/', '\\']) {
        Some("holds a path separator")
    } else if id.chars().any(char::is_control) {
        Some("holds a control character")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> (tempfile::TempDir, Result<Vec<JobLine>>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.jsonl");
        fs::write(&path, text).unwrap();
        let found = read(&path);
        (dir, found)
    }

    #[test]
    fn a_line_gives_a_job_with_paths_from_the_folder_of_the_list() {
        let (dir, jobs) = list(concat!(
            r#"{"id": "a", "signal": "logs", "kind": "ingest", "inputs": ["x/*.parquet", "y"], "#,
            r#""parameters": {"target_size": 5, "start": -1}, "baseline": "rec/a", "candidate": "/abs"}"#,
            "\n\n",
            r#"{"id": "b"}"#,
            "\n",
        ));
        let jobs = jobs.unwrap();
        assert_eq!(jobs.len(), 2);
        assert_eq!(jobs[0].inputs, ["x/*.parquet", "y"], "patterns stay as they are written");
        assert_eq!(jobs[0].kind, Some(JobKind::Ingest));
        assert_eq!(
            jobs[0].parameters,
            Parameters { target_size: Some(5), start: Some(-1), ..Parameters::default() }
        );
        assert_eq!(jobs[0].baseline, Some(dir.path().join("rec/a")));
        assert_eq!(jobs[0].candidate, Some(PathBuf::from("/abs")));
        assert_eq!((jobs[1].id.as_str(), jobs[1].line, jobs[1].kind), ("b", 3, None));
        assert_eq!(jobs[1].folder, dir.path());
    }

    #[test]
    fn input_specs_count_from_the_folder_whose_name_is_no_pattern() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("jobs [old]");
        fs::create_dir(&folder).unwrap();
        for name in ["a.parquet", "b.parquet", "c[1].parquet"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let path = folder.join("jobs.jsonl");
        fs::write(
            &path,
            r#"{"id": "x", "inputs": ["?.parquet", "c[1].parquet", "a.parquet", "/abs/*.parquet"]}"#,
        )
        .unwrap();
        let specs = read(&path).unwrap().remove(0).input_specs();
        let matched: Vec<_> = glob::glob(&specs[0]).unwrap().map(|found| found.unwrap()).collect();
        assert_eq!(matched, [folder.join("a.parquet"), folder.join("b.parquet")]);
        assert_eq!(specs[1], folder.join("c[1].parquet").display().to_string(), "a file wins over a pattern");
        assert_eq!(specs[2], folder.join("a.parquet").display().to_string());
        assert_eq!(specs[3], "/abs/*.parquet");
    }

    #[test]
    fn mistakes_are_named_with_file_and_line() {
        for (text, line, said) in [
            ("{\"id\": \"a\"}\n{\"id\": \"b\", \"input\": []}", 2, "unknown field `input`"),
            ("{\"id\": \"a\", \"parameters\": {\"size\": 1}}", 1, "unknown field `size`"),
            ("{\"id\": \"a\", \"kind\": \"merge\"}", 1, "unknown variant `merge`"),
            ("[\"a\", null, null]", 1, "expected a JSON object"),
            ("{\"signal\": \"logs\"}", 1, "missing field `id`"),
            ("\n{\"id\": \"a\"", 2, "EOF"),
            ("{\"id\": \"a\"}\n\n{\"id\": \"a\"}", 3, "is there already, in line 1"),
            ("{\"id\": \"a\", \"inputs\": [\"\"]}", 1, "an input is empty"),
        ] {
            let (_dir, found) = list(text);
            let error = found.expect_err(text);
            assert_eq!(error.class, reports::manifest::ErrorClass::Config);
            assert!(error.message.contains(&format!("jobs.jsonl:{line}: ")), "{}", error.message);
            assert!(error.message.contains(said), "{}", error.message);
        }
    }

    #[test]
    fn a_list_without_jobs_without_text_or_without_a_file_is_an_error() {
        assert!(list("\n \n").1.unwrap_err().message.contains("no jobs"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.jsonl");
        assert_eq!(read(&path).unwrap_err().class, reports::manifest::ErrorClass::Input);
        fs::write(&path, b"{\"id\": \"a\"}\n\xff").unwrap();
        assert!(read(&path).unwrap_err().message.contains("jobs.jsonl:2: the job list is not UTF-8"));
    }

    #[test]
    fn ids_that_cannot_name_a_folder_are_refused() {
        for id in ["", ".", "..", "_a", ".a", "a/b", "a\\\\b", "a\\nb", &"x".repeat(201)] {
            let (_dir, found) = list(&format!("{{\"id\": \"{id}\"}}"));
            assert!(found.unwrap_err().message.contains("usable as a folder name"), "{id}");
        }
        assert!(list("{\"id\": \"2025-08-25 h14_x.y\"}").1.is_ok());
    }

    proptest! {
        #[test]
        fn an_accepted_id_is_one_plain_part_of_a_path(id in "[a-c._/\\\\é ]{0,6}") {
            if id_fault(&id).is_none() {
                let joined = Path::new("root").join(&id);
                prop_assert_eq!(joined.parent(), Some(Path::new("root")));
                prop_assert_eq!(joined.file_name().and_then(|name| name.to_str()), Some(id.as_str()));
            }
        }
    }
}
