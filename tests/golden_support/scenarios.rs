//! Replays the row-level scenarios of `errors.json`: steps, error texts, files left.

use std::path::Path;

use legacy::{BuffetOptions, BuffetWriter, ColumnType, Columns, Error, Row, Schema, SchemaSource, Value};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::case::left_in;
use super::content::{Cell, Content};

/// A scenario as recorded.
#[derive(Debug, Deserialize)]
pub struct Scenario {
    pub name: String,
    steps: Vec<Step>,
    files_left: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    op: String,
    error: Option<String>,
    panic: Option<String>,
    detail: Option<Json>,
}

/// Scenarios that the types of the port rule out, with the reason; by a part of the name that only they have.
pub const RULED_OUT: &[(&str, &str)] = &[
    ("buffet: nil schema node", "a schema maps names to types, and there is no null among these"),
    ("buffet: list columns", "rows are flat; the writers of production never got lists"),
    ("<- value []string([a])", "no value of the port is a list"),
    ("<- value []int64([1])", "no value of the port is a list"),
    ("<- value map[string]interface {}(map[k:v])", "no value of the port is a map"),
    ("<- value time.Time(", "no value of the port is a time; the original's spill refuses it at write"),
    (
        "<- value []interface {}([a])",
        "no value of the port is a list; the original's spill refuses it at write",
    ),
];

/// The buffet scenarios of an `errors.json`.
pub fn load(root: &Path) -> Vec<Scenario> {
    let text = std::fs::read_to_string(root.join("errors.json")).expect("errors.json is there");
    let all: Vec<Json> = serde_json::from_str(&text).expect("errors.json is JSON");
    let buffet = |json: &Json| json["name"].as_str().is_some_and(|name| name.starts_with("buffet"));
    all.into_iter().filter(buffet).map(|json| serde_json::from_value(json).expect("a scenario")).collect()
}

/// Whether the types of the port rule a scenario out.
pub fn is_ruled_out(name: &str) -> bool {
    RULED_OUT.iter().any(|(part, _)| name.contains(part))
}

impl Scenario {
    /// What the port does differently.
    pub fn differences(&self) -> Vec<String> {
        let dir = tempfile::tempdir().expect("temporary directory");
        let place = if self.name.contains("tmpdir missing") {
            dir.path().join("gone")
        } else {
            dir.path().to_owned()
        };
        let columns = Columns::default();
        let options = BuffetOptions {
            base_name: if self.name.contains("empty base name") { "" } else { "base" },
            output: &place,
            scratch: &place,
            schema: self.schema(),
            rows_per_file: self.rows_per_file(),
            group_by: self.name.contains("group func").then_some("_cardinalhq.tid"),
            columns: &columns,
            cancel: None,
        };
        let mut found = Vec::new();
        let mut writer = BuffetWriter::open(options);
        for step in &self.steps {
            let told = self.perform(step, &mut writer);
            found.extend(told.map(|line| format!("{}: {}: {line}", self.name, step.op)));
        }
        drop(writer);
        let left: Vec<String> = self.files_left.iter().map(|name| name.replace(".gob", ".spill")).collect();
        let got = left_in(dir.path());
        if got != left {
            found.push(format!("{}: files left: expected {left:?}, got {got:?}", self.name));
        }
        found
    }

    fn perform(&self, step: &Step, writer: &mut Result<BuffetWriter<'_>, Error>) -> Option<String> {
        let got: Result<Option<Vec<legacy::FileResult>>, String> = match (writer, step.op.as_str()) {
            (Ok(_), "NewWriter") => Ok(None),
            (Err(error), "NewWriter") => Err(error.to_string()),
            (Err(_), _) => return Some("the writer did not open".to_owned()),
            (Ok(writer), "Close") => {
                if let Some(panic) = &step.panic {
                    return match writer.close() {
                        Err(Error::ValueMismatch { .. }) => None,
                        other => {
                            Some(format!("the original panics with {panic:?}, the port gives {other:?}"))
                        }
                    };
                }
                writer.close().map(Some).map_err(|error| error.to_string())
            }
            (Ok(writer), "Abort") => {
                writer.abort();
                Ok(None)
            }
            (Ok(writer), "Write") => {
                let row = Row::from([("x".to_owned(), self.mismatch().1)]);
                writer.write(&row).map(|()| None).map_err(|error| error.to_string())
            }
            (Ok(writer), op) => {
                let map = op.strip_prefix("Write(map[").and_then(|rest| rest.strip_suffix("])"));
                let Some(map) = map else { return Some("a step that the replay does not know".to_owned()) };
                let row = self.row(map);
                writer.write(&row).map(|()| None).map_err(|error| error.to_string())
            }
        };
        match (&step.error, got) {
            (None, Ok(files)) => self.check_detail(step, files.unwrap_or_default()),
            // The system's wording of a missing directory differs.
            (Some(text), Err(got)) => {
                let fixed = text.split("open TMPDIR").next().unwrap_or(text);
                let same = if fixed == text { got == *text } else { got.starts_with(fixed) };
                (!same).then(|| format!("expected error {text:?}, got {got:?}"))
            }
            (expected, got) => Some(format!("expected error {expected:?}, got {got:?}")),
        }
    }

    /// Compares result files with what the scenario says of them.
    fn check_detail(&self, step: &Step, files: Vec<legacy::FileResult>) -> Option<String> {
        let expected = step.detail.as_ref().filter(|detail| detail.is_array()).cloned().unwrap_or(json!([]));
        let got: Vec<Json> = files
            .iter()
            .map(|file| {
                let content = Content::read(&file.path).expect("a readable output file");
                let schema: String = content
                    .columns
                    .iter()
                    .map(|column| format!("\toptional {};\n", spelled(&column.of, &column.name)))
                    .collect();
                let rows: Vec<Json> = content.rows.iter().map(|row| told(row, &content)).collect();
                let message = if self.name.contains("empty base name") { "message" } else { "message base" };
                let stats = file.stats.map_or("<nil>".to_owned(), |stats| format!("{{{}}}", stats.tid_count));
                json!({
                    "file": {"rows": rows, "schema": format!("{message} {{\n{schema}}}")},
                    "records": file.record_count,
                    "stats": stats,
                })
            })
            .collect();
        let got = Json::from(got);
        (got != expected).then(|| format!("expected {expected}, got {got}"))
    }

    fn rows_per_file(&self) -> i64 {
        if self.name.contains("negative rows-per-file") {
            return -1;
        }
        if self.name.contains("group func") { 2 } else { 0 }
    }

    /// The schema, which the scenarios tell only by their outputs.
    fn schema(&self) -> Schema {
        let columns: Vec<(&str, ColumnType)> = match self.name.as_str() {
            name if name.contains("mismatch: node") => vec![("x", self.mismatch().0)],
            name if name.contains("empty schema node name") => vec![("", ColumnType::Int64)],
            name if name.contains("nil schema map") => vec![],
            name if name.contains("zero values") => vec![
                ("b", ColumnType::Boolean),
                ("f", ColumnType::Float64),
                ("i", ColumnType::Int64),
                ("s", ColumnType::String),
                ("y", ColumnType::Bytes),
            ],
            name if name.contains("group func") => vec![("_cardinalhq.tid", ColumnType::Int64)],
            _ => vec![("a", ColumnType::Int64), ("b", ColumnType::String)],
        };
        let mut schema = Schema::new(SchemaSource::Values);
        for (name, column_type) in columns {
            schema.add(name, column_type).expect("no conflict");
        }
        schema
    }

    /// A row as Go prints a map, by the types of the schema; a key that is not in the schema is a number.
    fn row(&self, map: &str) -> Row {
        let schema = self.schema();
        map.split_whitespace()
            .map(|pair| {
                let (name, text) = pair.rsplit_once(':').expect("name:value");
                let value = match schema.get(name).unwrap_or(ColumnType::Int64) {
                    _ if text == "<nil>" => Value::Null,
                    ColumnType::Boolean => Value::Boolean(text == "true"),
                    ColumnType::Float64 => Value::Float64(text.parse().expect("a float")),
                    ColumnType::String => Value::from(text),
                    ColumnType::Bytes => Value::Bytes(text.trim_matches(['[', ']']).as_bytes().to_vec()),
                    _ => Value::Int64(text.parse().expect("an integer")),
                };
                (name.to_owned(), value)
            })
            .collect()
    }

    /// Column type and value of a `node T <- value V` scenario. Go's narrow integers behave as its int32 does, and its int and
    /// uint64 as its int64, so these stand for them.
    fn mismatch(&self) -> (ColumnType, Value) {
        let (node, value) = self
            .name
            .strip_prefix("buffet mismatch: node ")
            .and_then(|rest| rest.split_once(" <- value "))
            .expect("node and value");
        let node = match node {
            "int64" => ColumnType::Int64,
            "float64" => ColumnType::Float64,
            "string" => ColumnType::String,
            "bool" => ColumnType::Boolean,
            "bytes" => ColumnType::Bytes,
            "int32" => ColumnType::Int32,
            "float32" => ColumnType::Float32,
            "int8" => ColumnType::Int8,
            "uint8" => ColumnType::UInt8,
            other => panic!("a node type that the replay does not know: {other}"),
        };
        let (kind, text) = value.trim_end_matches(')').split_once('(').expect("kind(value)");
        let value = match kind {
            "int64" | "int" => Value::Int64(text.parse().expect("an integer")),
            "uint64" => Value::Int64(text.parse::<u64>().expect("an integer") as i64),
            "int32" | "int8" | "uint8" => Value::Int32(text.parse().expect("an integer")),
            "float32" => Value::Float32(text.parse().expect("a float")),
            "float64" => Value::Float64(text.parse().expect("a float")),
            "string" => Value::from(text),
            "bool" => Value::Boolean(text == "true"),
            "[]uint8" => Value::Bytes(b"xyz".to_vec()),
            other => panic!("a value that the replay does not know: {other}"),
        };
        (node, value)
    }
}

/// A column in Go's spelling, `int64 a (INT(64,true))`.
fn spelled(of: &str, name: &str) -> String {
    let plain = [("BOOLEAN", "boolean"), ("DOUBLE", "double"), ("FLOAT", "float")];
    if let Some((_, go)) = plain.iter().find(|(physical, _)| of.contains(physical)) {
        return format!("{go} {name}");
    }
    if of.contains("BYTE_ARRAY") {
        return format!("binary {name}{}", if of.contains("String") { " (STRING)" } else { "" });
    }
    let width = ["8", "16", "32", "64"].into_iter().find(|width| of.contains(&format!("bit_width: {width}")));
    let physical = if of.contains("INT32") { "int32" } else { "int64" };
    format!("{physical} {name} (INT({},{}))", width.unwrap_or("?"), of.contains("is_signed: true"))
}

/// A row as the scenarios tell it: Go's type and value, bytes as strings.
fn told(row: &super::content::CellRow, content: &Content) -> Json {
    let cell = |name: &str| match row.get(name) {
        None => "<nil>:<nil>".to_owned(),
        Some(Cell::Boolean(value)) => format!("bool:{value}"),
        Some(Cell::Int32(value)) => format!("int32:{value}"),
        Some(Cell::Int64(value)) => format!("int64:{value}"),
        Some(Cell::Float(bits)) => format!("float32:{}", f32::from_bits(*bits)),
        Some(Cell::Double(bits)) => format!("float64:{}", f64::from_bits(*bits)),
        Some(Cell::Bytes(bytes)) => format!("string:{}", String::from_utf8_lossy(bytes)),
    };
    content.columns.iter().map(|column| (column.name.clone(), Json::from(cell(&column.name)))).collect()
}
