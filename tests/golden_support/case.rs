//! A golden case: its parameters, what the original returned, and what the port does with the same inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use legacy::{
    BuffetJob, Columns, ErrorKind, FingerprintJob, MISSING_TIMESTAMP, Outcome, SchemaSource, TidMergeJob,
};
use serde::Deserialize;
use serde_json::Value as Json;

use super::content::Content;

/// Ingest date of the cases that do not name one.
const INGEST_DATEINT: i64 = 20_250_801;
const TID: &str = "_cardinalhq.tid";

/// Which writer a case is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writer {
    Buffet,
    Fingerprint,
    Tidmerge,
}

#[derive(Debug, Deserialize)]
struct Params {
    writer: Writer,
    params: serde_json::Map<String, Json>,
    inputs: Vec<String>,
}

/// A case on disk.
#[derive(Debug)]
pub struct Case {
    pub writer: Writer,
    dir: PathBuf,
    params: Params,
}

/// What a writer did: the original as recorded, or the port as observed.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Class and text of the failure. The class is what the text stands for in the design notes.
    pub error: Option<(ErrorKind, String)>,
    pub rows_read: u64,
    pub missing_timestamp: u64,
    /// Rows that a merge drops, by reason; those reasons whose log lines the original counts by row.
    pub dropped: BTreeMap<String, u64>,
    pub out_of_range: Option<u64>,
    pub files: Vec<ObservedFile>,
    /// Names of files left beside the results, the random part replaced by `*`.
    pub leftovers: Vec<String>,
}

/// One output file and what the writer said of it.
#[derive(Debug, Clone)]
pub struct ObservedFile {
    pub record_count: u64,
    pub fingerprints: BTreeSet<i64>,
    pub tid_count: Option<u64>,
    pub first_ts: Option<i64>,
    pub last_ts: Option<i64>,
    /// Date, hour, ingest date, file index.
    pub split_key: Option<[i64; 4]>,
    pub content: Content,
}

/// Names of the cases in a golden folder that are in the scope of these tests, from its index.
pub fn names_in(root: &Path) -> Vec<String> {
    let index = std::fs::read_to_string(root.join("INDEX.txt")).expect("the golden folder has an INDEX.txt");
    let in_scope = |name: &&str| {
        let name = name.strip_prefix("real-").unwrap_or(name);
        ["buffet-", "fingerprint-", "tidmerge-"].iter().any(|start| name.starts_with(start))
    };
    index
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(in_scope)
        .map(str::to_owned)
        .collect()
}

impl Case {
    pub fn load(root: &Path, name: &str) -> Result<Self, String> {
        let dir = root.join(name);
        let text = read(&dir.join("params.json"))?;
        let params: Params = serde_json::from_str(&text).map_err(|error| format!("params.json: {error}"))?;
        Ok(Self { writer: params.writer, dir, params })
    }

    fn number(&self, key: &str, default: i64) -> i64 {
        self.params
            .params
            .get(key)
            .and_then(Json::as_str)
            .map_or(default, |text| text.parse().expect("a number"))
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.params.params.get(key).and_then(Json::as_str) == Some(value)
    }

    /// What the original did.
    pub fn expected(&self) -> Result<Observed, String> {
        let json: Json = serde_json::from_str(&read(&self.dir.join("expected.json"))?)
            .map_err(|error| format!("expected.json: {error}"))?;
        if let Some(panic) = json.get("panic").and_then(Json::as_str) {
            return panicked(panic);
        }
        let results = json["results"].as_array().map(Vec::as_slice).unwrap_or_default();
        let files = results.iter().map(|result| self.expected_file(result)).collect::<Result<_, _>>()?;
        let logs = json["logs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let count = |reason: &str| {
            let of_reason = logs.iter().filter(|log| dropped_for(log) == Some(reason));
            of_reason.filter_map(|log| log["count"].as_u64()).sum::<u64>()
        };
        let dropped = COUNTED.map(|reason| (reason.to_owned(), count(reason)));
        Ok(Observed {
            error: json["error"].as_str().map(|text| (class_of(text), text.to_owned())),
            rows_read: json["rows_in"].as_u64().ok_or("no rows_in")?,
            missing_timestamp: count(MISSING_TIMESTAMP),
            dropped: dropped.into(),
            out_of_range: json["merge_stats"]["DatapointsOutOfRange"].as_u64(),
            files,
            leftovers: strings(&json["leftover_files"]),
        })
    }

    fn expected_file(&self, result: &Json) -> Result<ObservedFile, String> {
        let name = result["file"].as_str().ok_or("a result without file")?;
        let fingerprints = match (self.writer, result["fingerprints"].as_array()) {
            (Writer::Tidmerge, None) => &[],
            (_, Some(fingerprints)) => fingerprints.as_slice(),
            (_, None) => return Err("a result without fingerprints".to_owned()),
        };
        let content = Content::read(&self.dir.join("output").join(name))?;
        let key = result.get("split_key").map(|key| {
            ["DateInt", "Hour", "IngestDateint", "FileIndex"]
                .map(|part| key[part].as_i64().expect("a number"))
        });
        Ok(ObservedFile {
            record_count: result["record_count"].as_u64().ok_or("no record_count")?,
            fingerprints: fingerprints.iter().map(|hash| hash.as_i64().expect("a hash")).collect(),
            tid_count: match self.writer {
                Writer::Tidmerge => result["tid_count"].as_u64(),
                _ => result.get("stats").and_then(|stats| stats["Cardinality"].as_u64()),
            },
            first_ts: result.get("first_ts").and_then(Json::as_i64),
            last_ts: result.get("last_ts").and_then(Json::as_i64),
            split_key: key,
            content: self.settled(content),
        })
    }

    /// What the port does.
    pub fn actual(&self) -> Result<Observed, String> {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        let output = tempfile::tempdir().map_err(|error| error.to_string())?;
        let inputs: Vec<PathBuf> = self.params.inputs.iter().map(|input| self.dir.join(input)).collect();
        let columns = Columns::default();
        let rows_per_file = self.number("rows-per-file", 0);
        let result = match self.writer {
            Writer::Buffet => BuffetJob {
                inputs: &inputs,
                output: output.path(),
                scratch: scratch.path(),
                rows_per_file,
                group_by: self.is("group", "tid").then_some(TID),
                schema: if self.is("nodes", "types") { SchemaSource::Values } else { SchemaSource::Input },
                dropped_columns: &[],
                columns: &columns,
                cancel: None,
            }
            .run(),
            Writer::Fingerprint => FingerprintJob {
                input: inputs.first().ok_or("no input")?,
                output: output.path(),
                scratch: scratch.path(),
                rows_per_file,
                ingest_dateint: self.number("ingest-dateint", INGEST_DATEINT),
                columns: &columns,
                cancel: None,
            }
            .run(),
            Writer::Tidmerge => TidMergeJob {
                inputs: &inputs,
                output: output.path(),
                scratch: scratch.path(),
                interval: self.number("interval", 0),
                row_estimate: self.number("row-estimate", 0),
                start: self.number("start", 0),
                end: self.number("end", 0),
                columns: &columns,
                cancel: None,
            }
            .run(),
        };
        let (error, outcome) = match result {
            Ok(outcome) => (None, outcome),
            // The original names its inputs relative to the case.
            Err(error) => {
                let text = error.to_string().replace(&format!("{}/", self.dir.display()), "");
                (Some((error.kind(), text)), Outcome::default())
            }
        };
        let files = outcome.files.iter().map(|file| self.observe(file)).collect::<Result<Vec<_>, _>>()?;
        for file in &outcome.files {
            let size = std::fs::metadata(&file.path).map_err(|error| error.to_string())?.len();
            if size != file.file_size {
                return Err(format!("file_size says {} but the file has {size} bytes", file.file_size));
            }
            std::fs::remove_file(&file.path).map_err(|error| error.to_string())?;
        }
        let mut leftovers = left_in(scratch.path());
        leftovers.extend(left_in(output.path()));
        leftovers.sort();
        let count = |reason: &str| outcome.rows_dropped.get(reason).copied().unwrap_or(0);
        Ok(Observed {
            error,
            // The original's merger does not count what it reads.
            rows_read: if self.writer == Writer::Tidmerge { 0 } else { outcome.rows_read },
            missing_timestamp: count(MISSING_TIMESTAMP),
            dropped: COUNTED.map(|reason| (reason.to_owned(), count(reason))).into(),
            out_of_range: outcome.merge_stats.map(|stats| stats.datapoints_out_of_range),
            files,
            leftovers,
        })
    }

    fn observe(&self, file: &legacy::FileResult) -> Result<ObservedFile, String> {
        Ok(ObservedFile {
            record_count: file.record_count,
            fingerprints: file.fingerprints.clone(),
            tid_count: file.stats.map(|stats| stats.tid_count),
            first_ts: file.first_ts,
            last_ts: file.last_ts,
            split_key: file.split_key.map(|key| [key.dateint, key.hour, key.ingest_dateint, key.file_index]),
            content: self.settled(Content::read(&file.path)?),
        })
    }

    /// The content with what is random in the original brought into an order: rows within a TID, for a merge.
    fn settled(&self, mut content: Content) -> Content {
        if self.writer == Writer::Tidmerge {
            content.rows.chunk_by_mut(|one, other| one.get(TID) == other.get(TID)).for_each(<[_]>::sort);
        }
        content
    }
}

/// Reasons whose rows the original logs one by one.
const COUNTED: [&str; 4] = ["missing_name", "missing_sketch", "undecodable_sketch", "empty_sketch"];

/// The reason for which a log line tells of a dropped row.
fn dropped_for(log: &Json) -> Option<&'static str> {
    let error = log["error"].as_str().unwrap_or_default();
    match log["msg"].as_str()? {
        "Skipping record without timestamp" => Some(MISSING_TIMESTAMP),
        "Row does not contain a valid int64 _cardinalhq.timestamp" => Some(MISSING_TIMESTAMP),
        "Failed to make key for row" if error.starts_with("invalid sketch type") => Some("missing_sketch"),
        "Failed to make key for row" => Some("missing_name"),
        "Failed to decode sketch" => Some("undecodable_sketch"),
        "Empty sketch without valid rollup data" => Some("empty_sketch"),
        _ => None,
    }
}

/// What stands for a panic of the original: an error of its own class.
fn panicked(panic: &str) -> Result<Observed, String> {
    if !panic.contains("integer divide by zero") {
        return Err(format!("the original panicked: {panic}"));
    }
    Ok(Observed {
        error: Some((ErrorKind::Config, "invalid merge config: the interval is 0".to_owned())),
        rows_read: 0,
        missing_timestamp: 0,
        dropped: BTreeMap::new(),
        out_of_range: None,
        files: Vec::new(),
        leftovers: Vec::new(),
    })
}

/// Class that an error text of the original stands for.
fn class_of(text: &str) -> ErrorKind {
    let conflicts =
        ["buffet: write row with column", "schema mismatch: ", "type mismatch for field ", "failed to add "];
    if text.starts_with("invalid merge config") || text.starts_with("startTS ") {
        ErrorKind::Config
    } else if conflicts.iter().any(|start| text.starts_with(start)) {
        ErrorKind::SchemaConflict
    } else {
        ErrorKind::Input
    }
}

/// Names in a directory with `*` for the random part, as the golden files write them.
pub fn left_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("list a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .map(|name| match (name.split_once('-'), name.rsplit_once('.')) {
            (Some((prefix, _)), Some((_, suffix))) => format!("{prefix}-*.{suffix}"),
            _ => name,
        })
        .collect();
    names.sort();
    names
}

pub fn strings(json: &Json) -> Vec<String> {
    let items = json.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
