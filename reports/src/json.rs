//! `report.json`: the document itself, for programs and for rendering the other formats again.
//!
//! Reading looks at `schema_version` first and alone, so that a document of another version is refused by that name and
//! not by the first field that happens to differ.

use std::path::Path;

use serde::Deserialize;

use crate::document::{Report, SCHEMA_VERSION};
use crate::error::{Error, Result};
use crate::file_set::write_file;

/// The document as JSON text, indented, with a line feed at the end.
///
/// # Errors
/// [`Error::Format`] where a value cannot be JSON.
pub fn to_text(report: &Report) -> Result<String> {
    let mut text = serde_json::to_string_pretty(report)
        .map_err(|error| Error::Format { format: "report.json", message: error.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// Writes the document to `path`, whole or not at all.
///
/// # Errors
/// [`Error::Io`] naming the path, [`Error::Format`].
pub fn write_json(report: &Report, path: &Path) -> Result<()> {
    write_file(path, to_text(report)?.as_bytes())
}

/// Reads a document.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Malformed`] with line and column where it is not a report,
/// [`Error::NotAReport`] where it states no version, [`Error::Version`] where it states one that is not
/// [`SCHEMA_VERSION`].
pub fn read_json(path: &Path) -> Result<Report> {
    let bytes =
        std::fs::read(path).map_err(|source| Error::Io { action: "read", path: path.into(), source })?;
    parse(&bytes, path)
}

/// The fields that say what a document is, and nothing of the rest.
#[derive(Deserialize)]
struct Head {
    schema_version: Option<serde_json::Value>,
    tool: Option<serde_json::Value>,
}

fn parse(bytes: &[u8], path: &Path) -> Result<Report> {
    let malformed = |error: serde_json::Error| Error::Malformed {
        path: path.into(),
        line: error.line(),
        column: error.column(),
        message: without_place(&error.to_string()),
    };
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    let version = head.schema_version.ok_or_else(|| Error::NotAReport { path: path.into() })?;
    if version != SCHEMA_VERSION {
        return Err(Error::Version {
            path: path.into(),
            found: version.to_string(),
            known: SCHEMA_VERSION,
            writer: writer(head.tool.as_ref()),
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

/// ` (parallax 0.3.0)`, where a document of another version says so in the way we know.
fn writer(tool: Option<&serde_json::Value>) -> String {
    let field = |name: &str| tool.and_then(|tool| tool.get(name)).and_then(serde_json::Value::as_str);
    match (field("name"), field("version")) {
        (Some(name), Some(version)) => format!(" ({name} {version})"),
        _ => String::new(),
    }
}

/// The message without the ` at line 1 column 2` that `serde_json` adds: [`Error::Malformed`] says it in its own way.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(head, _)| head).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn refuse(text: &str) -> String {
        parse(text.as_bytes(), Path::new("out/report.json")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back_unchanged() {
        for report in [fixture::rich(), fixture::passing(), fixture::hostile(), fixture::partial()] {
            let text = to_text(&report).unwrap();
            assert_eq!(parse(text.as_bytes(), Path::new("report.json")).unwrap(), report);
            assert!(text.ends_with("}\n"));
        }
    }

    #[test]
    fn a_file_is_written_and_read_by_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        write_json(&fixture::rich(), &path).unwrap();
        assert_eq!(read_json(&path).unwrap(), fixture::rich());
    }

    #[test]
    fn another_schema_version_is_refused_by_name_whatever_else_the_document_holds() {
        assert_eq!(
            refuse(
                r#"{"schema_version": 2, "tool": {"name": "parallax", "version": "9.1.0"}, "jobs": "elsewhere"}"#
            ),
            "read out/report.json: schema version 2, but this program reads version 1; \
             render it with the version that wrote it (parallax 9.1.0)"
        );
        assert!(refuse(r#"{"schema_version": 0}"#).contains("schema version 0, but"));
        assert!(refuse(r#"{"schema_version": "1"}"#).contains("schema version \"1\", but"));
    }

    #[test]
    fn a_document_without_a_version_is_not_a_report() {
        assert!(refuse(r#"{"files": []}"#).contains("no schema_version in it"));
    }

    #[test]
    fn a_malformed_file_is_refused_with_its_line() {
        let text = to_text(&fixture::passing()).unwrap();
        let cut = text.lines().take(7).collect::<Vec<_>>().join("\n");
        let message = refuse(&cut);
        assert!(message.starts_with("read out/report.json, line 7, column "), "{message}");
        assert!(message.contains("EOF while parsing"), "{message}");
        assert!(!message.contains("at line"), "{message}");
    }

    #[test]
    fn a_field_of_another_shape_is_refused_with_its_line() {
        let text = to_text(&fixture::passing()).unwrap().replacen(
            "\"verdict\": \"pass\"",
            "\"verdict\": \"green\"",
            1,
        );
        let line = 1 + text.lines().position(|line| line.contains("green")).unwrap();
        let message = refuse(&text);
        assert!(message.contains(&format!("line {line}, ")), "{message}");
        assert!(message.contains("unknown variant `green`"), "{message}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = read_json(Path::new("no/such/report.json")).unwrap_err().to_string();
        assert!(message.starts_with("read no/such/report.json: "), "{message}");
    }
}
