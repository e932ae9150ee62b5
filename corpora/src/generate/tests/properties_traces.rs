//! The declared property that must appear, for the corpora of traces: each really holds what it says it provokes, and all
//! its rows are of the job's slot.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::*;
use crate::generate::text::AWKWARD;

const TRACE: &str = "_cardinalhq.trace_id";
const SPAN: &str = "_cardinalhq.span_id";
const PARENT: &str = "_cardinalhq.parent_span_id";
const START: &str = "_cardinalhq.start_time_unix_ns";

fn specs() -> Vec<CorpusSpec> {
    Catalog::builtin().unwrap().iter().filter(|spec| spec.signal == "traces").cloned().collect()
}

fn spec(name: &str) -> CorpusSpec {
    Catalog::builtin().unwrap().get(name).unwrap().clone()
}

fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    if let Some(Cell::Text(value)) = row.get(column) { Some(value) } else { None }
}

/// Number of rows and of inputs of each trace.
fn traces(data: &Data) -> BTreeMap<&str, (usize, BTreeSet<usize>)> {
    let mut traces: BTreeMap<&str, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for (input, file) in data.files.iter().enumerate() {
        for trace in file.rows.iter().filter_map(|row| text(row, TRACE)) {
            let entry = traces.entry(trace).or_default();
            entry.0 += 1;
            entry.1.insert(input);
        }
    }
    traces
}

#[test]
fn every_row_is_of_the_slot_of_its_job() {
    for spec in specs() {
        let parameters = &spec.parameters;
        let (slot, slots) = (parameters.slot.unwrap() as u64, parameters.slots.unwrap() as u64);
        for row in data(&spec.name).rows() {
            let trace = text(row, "_cardinalhq.span_trace_id");
            assert_eq!(trace, text(row, TRACE), "{}", spec.name);
            let (day, organization) =
                (parameters.dateint.unwrap(), parameters.organization.as_ref().unwrap());
            let key = format!("{}_{day}_{organization}", trace.unwrap_or("unknown"));
            let digest = Sha256::digest(key.as_bytes());
            assert_eq!(u64::from(u16::from_be_bytes([digest[0], digest[1]])) % slots, slot, "{}", spec.name);
        }
    }
    let slots: BTreeSet<_> =
        specs().iter().map(|spec| (spec.parameters.slots, spec.parameters.slot)).collect();
    assert!(slots.len() > 10, "many slots");
}

#[test]
fn spans_are_unique_belong_to_traces_and_have_their_parents() {
    for name in ["traces-slot-0-of-16", "traces-single-slot", "traces-many-slots", "traces-production"] {
        let data = data(name);
        let rows = data.rows().count();
        let spans: BTreeMap<&str, &str> =
            data.rows().map(|row| (text(row, SPAN).unwrap(), text(row, TRACE).unwrap())).collect();
        assert_eq!(spans.len(), rows, "{name}");
        let parents: Vec<(&str, &str)> = (data.rows())
            .filter_map(|row| text(row, PARENT).map(|parent| (parent, text(row, TRACE).unwrap())))
            .collect();
        assert!(parents.len() > rows / 2, "{name}");
        let found = parents.iter().filter(|(parent, trace)| spans.get(parent) == Some(trace)).count();
        let orphans = parents.len() - found;
        assert_eq!(orphans > 0, name == "traces-production", "{name}: {orphans}");
        let traces = traces(&data);
        assert!(traces.len() > rows / 16 && traces.len() < rows / 4, "{name}: {}", traces.len());
        assert!(traces.values().any(|(_, inputs)| inputs.len() > 1), "{name}: traces cross inputs");
    }
}

#[test]
fn long_traces_cross_all_inputs_and_are_longer_than_a_file_holds() {
    let data = data("traces-long-traces");
    let traces = traces(&data);
    let (most, _) = traces.values().max_by_key(|(rows, _)| *rows).unwrap();
    assert!(*most > 400, "{most}");
    assert!(traces.values().filter(|(_, inputs)| inputs.len() == 4).count() > 5);
    // Spans of a trace lie among those of five others.
    let first: Vec<&str> = data.files[0].rows.iter().filter_map(|row| text(row, TRACE)).collect();
    let changes = first.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes > first.len() / 2);
}

#[test]
fn orphans_equal_starts_and_disorder_are_there() {
    let orphans = data("traces-orphans");
    let spans: BTreeSet<&str> = orphans.texts(SPAN).into_iter().collect();
    let missing = orphans.texts(PARENT).iter().filter(|parent| !spans.contains(*parent)).count();
    assert!((200..700).contains(&missing), "{missing}");
    let starts = data("traces-equal-starts").ints(START);
    let distinct: BTreeSet<i64> = starts.iter().copied().collect();
    assert!(distinct.len() <= 12 && starts.len() == 2_000, "{}", distinct.len());
    let out = data("traces-out-of-order");
    for file in &out.files {
        let starts: Vec<i64> = (file.rows.iter())
            .filter_map(|row| if let Some(Cell::Int(start)) = row.get(START) { Some(*start) } else { None })
            .collect();
        let falls = starts.windows(2).filter(|pair| pair[1] < pair[0]).count();
        assert!(falls > starts.len() / 4, "{falls}");
    }
    for row in out.rows() {
        let time = |column: &str| if let Some(Cell::Int(at)) = row.get(column) { *at } else { 0 };
        assert_eq!(time("_cardinalhq.timestamp"), time(START) / 1_000_000);
        let length = time("_cardinalhq.end_time_unix_ns") - time(START);
        assert!(length > 0 && length == time("_cardinalhq.span_duration_ns"));
    }
}

#[test]
fn what_may_be_missing_is_missing() {
    for (name, column) in [
        ("traces-missing-starts", START),
        ("traces-missing-trace-ids", TRACE),
        ("traces-missing-trace-ids", "_cardinalhq.span_trace_id"),
        ("traces-missing-span-ids", SPAN),
    ] {
        let data = data(name);
        assert!((100..600).contains(&data.nulls(column)), "{name}: {}", data.nulls(column));
    }
    assert!(data("traces-no-start-column").files.iter().all(|file| !file.schema.contains_key(START)));
    let rows = |name: &str| data(name).files.iter().map(|file| file.rows.len()).collect::<Vec<_>>();
    assert_eq!(rows("traces-zero-row-inputs"), [0, 300, 300, 0]);
    assert_eq!(rows("traces-only-zero-row-inputs"), [0, 0]);
    assert_eq!(rows("traces-one-row"), [1]);
    assert_eq!(rows("traces-many-inputs").len(), 30);
    assert!(spec("traces-only-zero-row-inputs").expect.no_rows);
}

#[test]
fn schemas_differ_types_conflict_and_text_is_awkward() {
    let differing = data("traces-differing-schemas");
    let schemas: BTreeSet<Vec<&String>> =
        differing.files.iter().map(|file| file.schema.keys().collect()).collect();
    assert!(schemas.len() >= 4, "{}", schemas.len());
    let conflict = data("traces-type-conflict");
    assert_eq!(conflict.files[0].schema["span.code"], DataType::Utf8);
    assert_eq!(conflict.files[1].schema["span.code"], DataType::Int64);
    let expect = spec("traces-type-conflict").expect;
    assert_eq!(expect.baseline.as_deref(), Some("schema-conflict"));
    assert_eq!(expect.candidate.as_deref(), Some("schema-conflict"));
    let unicode = data("traces-unicode");
    let names: BTreeSet<&str> = unicode.texts("_cardinalhq.name").into_iter().collect();
    assert!(AWKWARD.iter().all(|value| names.contains(value)));
}

#[test]
fn a_specification_that_contradicts_itself_is_refused() {
    let head = "name = \"n\"\ntitle = \"t\"\nsignal = \"traces\"\nkind = \"compact\"\nprovokes = []\nrows = 9\ninputs = 1\n";
    let parse = |rest: &str| CorpusSpec::parse(&format!("{head}{rest}"), "my.toml", Path::new(""));
    for (rest, expected) in [
        (
            "[parameters]\nslot = 4\nslots = 4\n[generator]\nkind = \"traces\"\n",
            "below the number of slots, 4",
        ),
        (
            "[parameters]\nslot = 3\nslots = 16\ndateint = 20250825\norganization = \"org-1\"\n[generator]\nkind = \"traces\"\nmissing_traces = 0.5\n",
            "fall into slot 2",
        ),
        ("[generator]\nkind = \"traces\"\norphans = 2.0\n", "shares between 0 and 1"),
        ("[generator]\nkind = \"metrics\"\nrows_per_series = nan\n", "rows_per_series must be at least 1"),
        ("[generator]\nkind = \"metrics\"\nlarge = -1.0\n", "shares between 0 and 1"),
        ("[generator]\nkind = \"metrics\"\nodd = [{ kind = \"tid\" }]\n", "values in `of`"),
        ("[generator]\nkind = \"metrics\"\nodd = [{ kind = \"null-tid\", inputs = [1] }]\n", "names input 1"),
        (
            "[generator]\nkind = \"metrics\"\nabsent = [{ name = \"sketch\", inputs = [-2] }]\n",
            "names input -2",
        ),
        ("[generator]\nkind = \"metrics\"\nodd = [{ kind = \"loud\" }]\n", "unknown variant `loud`"),
    ] {
        let error = parse(rest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(expected), "{rest}\n{error}");
    }
}
