//! Reads `manifest.json`, the result list that an external or recorded side may leave in its output directory.
//!
//! Steps: the file must be a regular file of bounded size; it is either a [`Manifest`] or, where the side failed, a
//! [`FailureDocument`]; both are read strictly (unknown and repeated fields are refused); every path must stay inside
//! the output directory and may be named once. Whether the files exist and hold what the manifest says is a question
//! for the checks, not for this reader. Cost: the size of the document.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use reports::manifest::{Failure, FailureDocument, Manifest};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::errno;
use crate::error::Error;

/// Name of the manifest in an output directory.
pub const FILE_NAME: &str = "manifest.json";

/// Largest manifest that is read, in bytes. Fingerprint sets make manifests long, but not longer than this.
const LARGEST: u64 = 512 << 20;

/// What a side left as its manifest.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// No manifest: the side says nothing.
    Nothing,
    /// The result list.
    Manifest(Manifest),
    /// The side says that it failed.
    Failure(Failure),
    /// A document of another program in a recorded output: nothing that concerns us.
    Foreign,
}

/// Enough of either document to tell which of the two it is.
#[derive(Deserialize)]
struct Peek {
    error: Option<IgnoredAny>,
}

/// Fields of a manifest, and of one of its files.
const FIELDS: [&str; 5] = ["writer", "rows_read", "rows_dropped", "rows_merged", "merge_stats"];
const FILE_FIELDS: [&str; 3] = ["path", "record_count", "file_size"];

/// True where the recorded output in `dir` has a `manifest.json` of another program: valid JSON without our structure.
///
/// # Errors
/// Class `io` where the machine does not give the file back.
pub fn is_foreign(dir: &Path) -> crate::error::Result<bool> {
    Ok(matches!(examine_recorded(dir)?, Ok(Statement::Foreign)))
}

/// As [`examine`], of a recorded output: the document of another program is no broken manifest.
///
/// # Errors
/// As [`examine`].
pub fn examine_recorded(dir: &Path) -> crate::error::Result<Result<Statement, String>> {
    let found = look(dir)?;
    Ok(match found {
        Ok(Some(bytes)) => parse(&bytes).or_else(|fault| {
            let foreign = serde_json::from_slice(&bytes).is_ok_and(|value| !has_our_structure(&value));
            if foreign { Ok(Statement::Foreign) } else { Err(fault) }
        }),
        Ok(None) => Ok(Statement::Nothing),
        Err(fault) => Err(fault),
    })
}

/// True for a document that a writer for Parallax may have meant as its manifest or its failure.
fn has_our_structure(document: &serde_json::Value) -> bool {
    let Some(members) = document.as_object() else { return false };
    // A program that says that it failed is believed, whatever the form.
    if members.get("error").is_some_and(|error| !error.is_null()) {
        return true;
    }
    let is_ours = |file: &serde_json::Value| {
        file.as_object().is_some_and(|file| FILE_FIELDS.iter().any(|field| file.contains_key(*field)))
    };
    let files = members.get("files").and_then(serde_json::Value::as_array);
    FIELDS.iter().any(|field| members.contains_key(*field))
        || files.is_some_and(|files| files.iter().any(is_ours))
}

/// Reads whichever document lies in `dir`, or says in a sentence what is wrong with it.
///
/// # Errors
/// Class `io` where the machine does not give the file back.
pub fn examine(dir: &Path) -> crate::error::Result<Result<Statement, String>> {
    Ok(match look(dir)? {
        Ok(Some(bytes)) => parse(&bytes),
        Ok(None) => Ok(Statement::Nothing),
        Err(fault) => Err(fault),
    })
}

/// Bytes of the file, where there is one.
fn look(dir: &Path) -> crate::error::Result<Result<Option<Vec<u8>>, String>> {
    let path = dir.join(FILE_NAME);
    // Not followed: a link could lead out of the output directory, and opening a pipe would wait for ever.
    let facts = match fs::symlink_metadata(&path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Ok(None)),
        Err(error) => return unread(&path, error),
    };
    if !facts.is_file() {
        return Ok(Err(format!("{FILE_NAME} is not a regular file")));
    }
    let mut bytes = Vec::new();
    let read = corpora::regular::open(&path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return unread(&path, error);
    }
    Ok(if bytes.len() as u64 > LARGEST {
        Err(format!("{FILE_NAME} is larger than {} MiB", LARGEST >> 20))
    } else {
        Ok(Some(bytes))
    })
}

/// A manifest whose bytes did not come.
fn unread(path: &Path, error: std::io::Error) -> crate::error::Result<Result<Option<Vec<u8>>, String>> {
    if errno::of_machine(&error) {
        return Err(Error::io("cannot read", path, error));
    }
    Ok(Err(format!("{FILE_NAME} cannot be read: {error}")))
}

/// Parses either document.
fn parse(bytes: &[u8]) -> Result<Statement, String> {
    // A struct may also be read from a list of its fields; a manifest may not be written so.
    if bytes.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
        return Err(format!("{FILE_NAME} is not a manifest: expected a JSON object"));
    }
    let wrong = |error: serde_json::Error| format!("{FILE_NAME} is not a manifest: {error}");
    let peek: Peek = serde_json::from_slice(bytes).map_err(wrong)?;
    if peek.error.is_some() {
        let document: FailureDocument = serde_json::from_slice(bytes)
            .map_err(|error| format!("{FILE_NAME} is not a failure document: {error}"))?;
        return Ok(Statement::Failure(document.error));
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(wrong)?;
    let mut named = BTreeSet::new();
    for (index, file) in manifest.files.iter().enumerate() {
        if let Some(fault) = path_fault(&file.path) {
            return Err(format!("{FILE_NAME}: files[{index}].path {:?} {fault}", file.path));
        }
        if !named.insert(file.path.as_str()) {
            return Err(format!("{FILE_NAME}: files[{index}].path {:?} is named twice", file.path));
        }
    }
    Ok(Statement::Manifest(manifest))
}

/// What is wrong with a path that should lie inside the output directory. Every part must be a plain name, so that one
/// file has one spelling.
fn path_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    if path.starts_with('/') {
        return Some("is absolute; paths are relative to the output directory");
    }
    if path.contains('\0') {
        return Some("holds a NUL byte");
    }
    path.split('/').find_map(|part| match part {
        ".." => Some("leaves the output directory"),
        "" | "." => Some("is not in its plain form; write it without empty parts and `.`"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reports::manifest::{ErrorClass, ManifestFile};

    use super::*;

    fn written(text: &str) -> (tempfile::TempDir, Result<Statement, String>) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE_NAME), text).unwrap();
        let found = examine(dir.path()).unwrap();
        (dir, found)
    }

    #[test]
    fn a_directory_without_a_manifest_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(examine(dir.path()).unwrap(), Ok(Statement::Nothing));
        assert_eq!(examine(dir.path()).unwrap(), Ok(Statement::Nothing));
    }

    #[test]
    fn a_manifest_keeps_its_order_and_its_absent_fields() {
        let (dir, found) = written(
            r#"{"rows_read": 3, "rows_dropped": {"missing_timestamp": 1},
                "files": [{"path": "b/z.parquet", "record_count": 2}, {"path": "a.parquet", "first_ts": -5}]}"#,
        );
        let Ok(Statement::Manifest(manifest)) = found else { panic!("{found:?}") };
        assert_eq!(manifest.rows_read, Some(3));
        assert_eq!(manifest.rows_dropped["missing_timestamp"], 1);
        assert_eq!(
            manifest.files,
            vec![
                ManifestFile { path: "b/z.parquet".into(), record_count: Some(2), ..ManifestFile::default() },
                ManifestFile { path: "a.parquet".into(), first_ts: Some(-5), ..ManifestFile::default() },
            ]
        );
        assert_eq!(examine(dir.path()).unwrap(), Ok(Statement::Manifest(manifest)));
    }

    #[test]
    fn a_failure_document_gives_class_and_message_and_is_no_result_list() {
        let (_dir, found) =
            written(r#"{"error": {"class": "schema-conflict", "message": "column a has two types"}}"#);
        assert_eq!(
            found,
            Ok(Statement::Failure(Failure {
                class: ErrorClass::SchemaConflict,
                message: "column a has two types".into()
            }))
        );
    }

    #[test]
    fn what_is_not_exactly_a_manifest_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "EOF"),
            ("not json", "expected a JSON object"),
            ("[1]", "expected a JSON object"),
            ("{not json", "key must be a string"),
            ("{}", "missing field `files`"),
            (r#"{"files": [], "file": []}"#, "unknown field `file`"),
            (r#"{"files": [], "files": []}"#, "duplicate field `files`"),
            (r#"{"files": [{"record_count": 1}]}"#, "missing field `path`"),
            (r#"{"files": [{"path": "a", "record_count": -1}]}"#, "invalid value"),
            (r#"{"files": [{"path": "a", "record_count": 1.5}]}"#, "invalid type"),
            (r#"{"files": []} {}"#, "trailing characters"),
            (r#"{"error": {"class": "bad", "message": "m"}}"#, "unknown variant `bad`"),
            (r#"{"error": {"class": "io", "message": "m"}, "files": []}"#, "unknown field `files`"),
        ] {
            let (_dir, found) = written(text);
            let message = found.expect_err(text);
            assert!(message.contains(reason), "{text}: {message}");
        }
    }

    #[test]
    fn a_recorded_document_without_our_structure_is_of_another_program_and_a_broken_one_of_ours_is_not() {
        for (text, foreign) in [
            (r#"{"sourceBucket": "b", "files": [{"key": "part-0.parquet", "size": 1}]}"#, true),
            (r#"{"entries": [{"url": "s3://b/0000_part_00.parquet", "mandatory": true}]}"#, true),
            ("{}", true),
            ("[1]", true),
            (r#""text""#, true),
            (r#"{"name": "x", "files": []}"#, true),
            (r#"{"name": "x", "files": "none", "error": null}"#, true),
            ("", false),
            ("{not json", false),
            (r#"{"files": [{"path": "a", "recordcount": 1}]}"#, false),
            (r#"{"files": [{"key": 1}, {"file_size": 1}]}"#, false),
            (r#"{"rows_read": 3}"#, false),
            (r#"{"error": "disk full", "entries": []}"#, false),
            (r#"{"error": {"class": "bad", "message": "m"}}"#, false),
            (r#"{"files": [{"path": "/etc/passwd"}]}"#, false),
        ] {
            let (dir, strict) = written(text);
            assert!(strict.is_err(), "a side that ran left a broken manifest: {text}");
            assert_eq!(is_foreign(dir.path()).unwrap(), foreign, "{text}");
            assert_eq!(examine_recorded(dir.path()).unwrap().is_err(), !foreign, "{text}");
        }
        let (dir, strict) = written(r#"{"files": []}"#);
        assert_eq!(examine_recorded(dir.path()).unwrap(), strict);
        assert!(!is_foreign(tempfile::tempdir().unwrap().path()).unwrap());
    }

    #[test]
    fn paths_outside_the_output_directory_and_repeated_paths_are_refused() {
        for (paths, reason) in [
            (r#""/etc/passwd""#, "is absolute"),
            (r#""../a.parquet""#, "leaves the output directory"),
            (r#""a/../../b.parquet""#, "leaves the output directory"),
            (r#""./a.parquet""#, "plain form"),
            (r#""a//b.parquet""#, "plain form"),
            (r#""""#, "is empty"),
            (r#""a.parquet"}, {"path": "a.parquet""#, "named twice"),
        ] {
            let (_dir, found) = written(&format!(r#"{{"files": [{{"path": {paths}}}]}}"#));
            let message = found.expect_err(paths);
            assert!(message.contains(reason), "{paths}: {message}");
        }
    }

    #[test]
    fn a_link_or_directory_named_manifest_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("elsewhere", dir.path().join(FILE_NAME)).unwrap();
        assert_eq!(examine(dir.path()).unwrap(), Err("manifest.json is not a regular file".into()));
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FILE_NAME)).unwrap();
        assert_eq!(examine(dir.path()).unwrap(), Err("manifest.json is not a regular file".into()));
    }

    proptest! {
        #[test]
        fn an_accepted_path_never_leaves_the_directory(path in "[a./\\\\]{0,12}") {
            if path_fault(&path).is_none() {
                let plain = Path::new(&path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
                prop_assert!(plain, "{path:?}");
            }
        }
    }
}
