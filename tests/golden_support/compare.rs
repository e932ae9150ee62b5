//! Compares what the port did with what the original did, by the rules of the golden folder's README.
//!
//! Buffet: order is exact. TIDMerger: the order of TIDs is exact, rows of one TID compare as sets. Fingerprint: rows of equal timestamp compare as sets, and where a file border lies at such a tie
//! group, which row opens the next file is a matter of chance: then those rows compare over the hour, and so do the fingerprints
//! of the files at that border, each of which must besides be what defect A makes of the file's own rows.

use std::collections::{BTreeMap, BTreeSet};

use legacy::tokens::{EXISTS, token_hash, trigrams};
use legacy::{Columns, ErrorKind};

use super::case::{Observed, ObservedFile, Writer};
use super::content::{Cell, CellRow, Content};

/// Differences, one line each; none where all is as it should be.
pub fn compare(writer: Writer, expected: &Observed, actual: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: String, same: bool| {
        if !same {
            found.push(what);
        }
    };
    differ(
        format!("error: expected {:?}, got {:?}", expected.error, actual.error),
        same_error(expected, actual),
    );
    differ(
        format!("left behind: expected {:?}, got {:?}", expected.leftovers, actual.leftovers),
        expected.leftovers == actual.leftovers,
    );
    if expected.error.is_none() {
        differ(
            format!("rows read: expected {}, got {}", expected.rows_read, actual.rows_read),
            expected.rows_read == actual.rows_read,
        );
        differ(
            format!(
                "rows without timestamp: expected {}, got {}",
                expected.missing_timestamp, actual.missing_timestamp
            ),
            expected.missing_timestamp == actual.missing_timestamp,
        );
        differ(
            format!("rows dropped: expected {:?}, got {:?}", expected.dropped, actual.dropped),
            expected.dropped == actual.dropped,
        );
        differ(
            format!("rows out of range: expected {:?}, got {:?}", expected.out_of_range, actual.out_of_range),
            expected.out_of_range == actual.out_of_range,
        );
    }
    let counts = |side: &Observed| side.files.iter().map(|file| file.record_count).collect::<Vec<_>>();
    differ(
        format!("record counts: expected {:?}, got {:?}", counts(expected), counts(actual)),
        counts(expected) == counts(actual),
    );
    for (index, (one, other)) in expected.files.iter().zip(&actual.files).enumerate() {
        found.extend(compare_file(one, other).into_iter().map(|line| format!("file {index}: {line}")));
    }
    match writer {
        Writer::Fingerprint => found.extend(compare_hours(expected, actual)),
        Writer::Buffet | Writer::Tidmerge => found.extend(compare_in_order(expected, actual)),
    }
    found
}

fn same_error(expected: &Observed, actual: &Observed) -> bool {
    match (&expected.error, &actual.error) {
        (None, None) => true,
        // The port's text goes on with the file.
        (Some((class, text)), Some((got_class, got))) => class == got_class && got.starts_with(text.as_str()),
        _ => false,
    }
}

/// What the two say of a file, and its schema and layout; not its rows.
fn compare_file(expected: &ObservedFile, actual: &ObservedFile) -> Vec<String> {
    let mut found = Vec::new();
    let mut field = |what: &str, one: String, other: String| {
        if one != other {
            found.push(format!("{what}: expected {one}, got {other}"));
        }
    };
    field("rows in the file", expected.content.rows.len().to_string(), actual.content.rows.len().to_string());
    field("record count", actual.record_count.to_string(), actual.content.rows.len().to_string());
    field("statistics", format!("{:?}", expected.tid_count), format!("{:?}", actual.tid_count));
    field("first timestamp", format!("{:?}", expected.first_ts), format!("{:?}", actual.first_ts));
    field("last timestamp", format!("{:?}", expected.last_ts), format!("{:?}", actual.last_ts));
    field("split key", format!("{:?}", expected.split_key), format!("{:?}", actual.split_key));
    field("columns", format!("{:?}", expected.content.columns), format!("{:?}", actual.content.columns));
    let (one, other) = (layout(&expected.content), layout(&actual.content));
    field("chunks", one.len().to_string(), other.len().to_string());
    one.into_iter().zip(other).for_each(|(one, other)| field("layout", one, other));
    found
}

/// Layout as text, a line a row group and a chunk. Left out: dictionary and encodings of booleans, to which the crate cannot give a
/// dictionary, and of chunks without values.
fn layout(content: &Content) -> Vec<String> {
    let boolean = |name: &str| content.columns.iter().any(|c| c.name == name && c.of.contains("BOOLEAN"));
    let mut lines = vec![format!("{} key-values", content.key_values)];
    for group in &content.row_groups {
        lines.push(format!("a row group of {} rows", group.rows));
        for chunk in &group.chunks {
            let mut chunk = chunk.clone();
            if chunk.all_null || boolean(&chunk.column) {
                chunk.dictionary = false;
                chunk.encodings.clear();
            }
            lines.push(format!("{chunk:?}"));
        }
    }
    lines
}

fn compare_in_order(expected: &Observed, actual: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    for (index, (one, other)) in expected.files.iter().zip(&actual.files).enumerate() {
        let pairs = one.content.rows.iter().zip(&other.content.rows).enumerate();
        if let Some((row, (one, other))) = pairs.into_iter().find(|(_, (one, other))| one != other) {
            found.push(format!("file {index} row {row}: {}", difference(one, other)));
        }
        found.extend(sets(&format!("file {index}: fingerprints"), &one.fingerprints, &other.fingerprints));
    }
    found
}

fn compare_hours(expected: &Observed, actual: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < expected.files.len() {
        let hour = |side: &ObservedFile| side.split_key.map(|key| [key[0], key[1], key[2]]);
        let key = hour(&expected.files[start]);
        let end = (start..expected.files.len()).find(|&at| hour(&expected.files[at]) != key);
        let end = end.unwrap_or(expected.files.len());
        // Missing files are told elsewhere.
        if let (Some(one), Some(other)) = (expected.files.get(start..end), actual.files.get(start..end)) {
            found.extend(compare_hour(one, other).into_iter().map(|line| format!("hour {key:?}: {line}")));
        }
        start = end;
    }
    found
}

fn compare_hour(expected: &[ObservedFile], actual: &[ObservedFile]) -> Vec<String> {
    let mut found = Vec::new();
    let keys = |file: &ObservedFile| file.content.rows.iter().map(sort_key).collect::<Vec<_>>();
    for (index, (one, other)) in expected.iter().zip(actual).enumerate() {
        if keys(one) != keys(other) {
            found.push(format!("file {index}: the timestamps or their order differ"));
        }
    }
    // Border k lies before file k; it is loose where the row that opens file k has rows of equal timestamp beside it.
    let all: Vec<i64> = expected.iter().flat_map(keys).collect();
    let mut borders = vec![None];
    let mut seen = 0;
    for file in expected {
        seen += file.content.rows.len();
        borders
            .push(all.get(seen).copied().filter(|key| all.iter().filter(|other| *other == key).count() > 1));
    }
    let loose: BTreeSet<i64> = borders.iter().flatten().copied().collect();
    for (index, (one, other)) in expected.iter().zip(actual).enumerate() {
        // A tie group that no border touches must be in its own file.
        let own = |file: &ObservedFile| grouped(&file.content.rows, |key| !loose.contains(&key));
        found.extend(groups(&format!("file {index}"), &own(one), &own(other)));
        if borders[index].is_none() && borders[index + 1].is_none() {
            found.extend(sets(
                &format!("file {index}: fingerprints"),
                &one.fingerprints,
                &other.fingerprints,
            ));
        } else {
            let derived = derived_fingerprints(actual, index);
            found.extend(sets(
                &format!("file {index}: fingerprints by defect A"),
                &derived,
                &other.fingerprints,
            ));
        }
    }
    let whole = |side: &[ObservedFile]| {
        let rows: Vec<CellRow> = side.iter().flat_map(|file| file.content.rows.clone()).collect();
        grouped(&rows, |_| true)
    };
    found.extend(groups("the whole hour", &whole(expected), &whole(actual)));
    let union = |side: &[ObservedFile]| side.iter().flat_map(|file| file.fingerprints.clone()).collect();
    found.extend(sets("the whole hour: fingerprints", &union(expected), &union(actual)));
    found
}

/// What defect A makes of the rows of file `index`: without its first row unless it is the first file, with the next file's first.
fn derived_fingerprints(files: &[ObservedFile], index: usize) -> BTreeSet<i64> {
    let columns = Columns::default();
    let own = files[index].content.rows.iter().skip(usize::from(index > 0));
    let next = files.get(index + 1).and_then(|file| file.content.rows.first());
    let texts: BTreeSet<&str> = files[index]
        .content
        .columns
        .iter()
        .filter(|column| column.of.contains("String"))
        .map(|column| column.name.as_str())
        .collect();
    let mut hashes = BTreeSet::new();
    for (name, cell) in own.chain(next).flatten() {
        let Cell::Bytes(value) = cell else { continue };
        if value.is_empty() || !texts.contains(&**name) {
            continue;
        }
        hashes.insert(token_hash(name, EXISTS));
        if columns.full_value.iter().any(|column| **column == **name) {
            hashes.insert(token_hash(name, value));
        }
        if columns.trigram.iter().any(|column| **column == **name) {
            hashes.extend(trigrams(value).into_iter().map(|window| token_hash(name, window)));
        }
    }
    hashes
}

/// By what the fingerprint writer sorts.
fn sort_key(row: &CellRow) -> i64 {
    match row.get("_cardinalhq.timestamp") {
        Some(Cell::Int64(millis)) => *millis,
        Some(Cell::Double(bits)) => {
            let millis = f64::from_bits(*bits);
            let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&millis);
            if fits { millis as i64 } else { i64::MIN }
        }
        _ => 0,
    }
}

fn grouped(rows: &[CellRow], wanted: impl Fn(i64) -> bool) -> BTreeMap<i64, Vec<CellRow>> {
    let mut groups: BTreeMap<i64, Vec<CellRow>> = BTreeMap::new();
    for row in rows {
        let key = sort_key(row);
        if wanted(key) {
            groups.entry(key).or_default().push(row.clone());
        }
    }
    groups.values_mut().for_each(|rows| rows.sort());
    groups
}

fn groups(
    place: &str,
    one: &BTreeMap<i64, Vec<CellRow>>,
    other: &BTreeMap<i64, Vec<CellRow>>,
) -> Vec<String> {
    if one == other {
        return Vec::new();
    }
    for (key, rows) in one {
        match other.get(key) {
            Some(others) if rows == others => {}
            Some(others) => {
                let first = rows.iter().zip(others).find(|(row, other)| row != other);
                let told =
                    first.map_or_else(|| "another count".to_owned(), |(row, other)| difference(row, other));
                return vec![format!("{place}: rows at timestamp {key}: {told}")];
            }
            None => return vec![format!("{place}: no rows at timestamp {key}")],
        }
    }
    vec![format!("{place}: timestamps that should not be there")]
}

fn difference(expected: &CellRow, actual: &CellRow) -> String {
    let names: BTreeSet<_> = expected.keys().chain(actual.keys()).collect();
    let differing = names.into_iter().find(|name| expected.get(*name) != actual.get(*name));
    differing.map_or_else(String::new, |name| {
        format!("column {name}: expected {:?}, got {:?}", expected.get(name), actual.get(name))
    })
}

fn sets(what: &str, expected: &BTreeSet<i64>, actual: &BTreeSet<i64>) -> Option<String> {
    let missing: Vec<_> = expected.difference(actual).take(3).collect();
    let extra: Vec<_> = actual.difference(expected).take(3).collect();
    (expected != actual)
        .then(|| format!("{what}: missing {missing:?}, extra {extra:?} (at most three of each)"))
}

/// The class of an error that stands for an input that is refused.
pub const REFUSED: ErrorKind = ErrorKind::Input;
