//! The legacy port against the original: golden cases, hash vectors, row-level scenarios, and proof that the comparison goes red.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

#[path = "golden_support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::path::Path;

use legacy::ErrorKind;
use legacy::tokens::{EXISTS, hash, token_hash, trigrams};
use support::case::{Observed, Writer};
use support::compare::compare;
use support::content::Cell;
use support::{scenarios, set_aside};

/// Every golden case outside the repository that these writers are responsible for.
const SHARED_CASES: usize = 213;
/// Cases in the repository.
const COMMITTED_CASES: usize = 88;

#[test]
fn every_shared_golden_case_passes() {
    let Some(root) = support::shared() else { return };
    let names = support::assert_all(&root);
    assert!(names.len() >= SHARED_CASES, "only {} golden cases were found", names.len());
    let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let stale: Vec<&str> = set_aside::cases().filter(|name| !known.contains(name)).collect();
    assert!(stale.is_empty(), "set aside, but not there: {stale:?}");
}

#[test]
fn every_committed_golden_case_passes() {
    let names = support::assert_all(&support::committed());
    assert_eq!(names.len(), COMMITTED_CASES);
}

#[test]
fn no_real_telemetry_is_committed() {
    let names = support::case::names_in(&support::committed());
    assert!(names.iter().all(|name| !name.starts_with("real-")), "{names:?}");
    let folders = std::fs::read_dir(support::committed()).expect("list tests/golden");
    for folder in folders.map(|entry| entry.expect("an entry").file_name()) {
        assert!(!folder.to_string_lossy().starts_with("real-"), "{folder:?}");
    }
}

fn assert_hash_vectors(root: &Path) {
    let text = std::fs::read_to_string(root.join("vectors.json")).expect("vectors.json is there");
    let json: serde_json::Value = serde_json::from_str(&text).expect("vectors.json is JSON");
    let vectors = json["trigrams_and_hashes"].as_array().expect("hash vectors");
    assert_eq!(vectors.len(), 24);
    for vector in vectors {
        let value = unhex(vector["hex"].as_str().expect("hex"));
        let expected: BTreeSet<Vec<u8>> =
            support::case::strings(&vector["trigrams_hex_sorted"]).iter().map(|hex| unhex(hex)).collect();
        let windows = trigrams(&value).into_iter().map(<[u8]>::to_vec).chain([EXISTS.to_vec()]).collect();
        assert_eq!(expected, windows, "trigrams of {vector}");
        assert_eq!(vector["compute_hash"].as_i64(), Some(hash(&value)), "hash of {vector}");
        let fingerprint = token_hash("resource.file", &value);
        assert_eq!(
            vector["fingerprint_resource_file"].as_i64(),
            Some(fingerprint),
            "fingerprint of {vector}"
        );
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn the_hash_vectors_agree() {
    assert_hash_vectors(&support::committed());
    if let Some(root) = support::shared() {
        assert_hash_vectors(&root);
    }
}

fn assert_scenarios(root: &Path) {
    let all = scenarios::load(root);
    let (out, replayed): (Vec<_>, Vec<_>) =
        all.iter().partition(|scenario| scenarios::is_ruled_out(&scenario.name));
    assert_eq!((all.len(), out.len(), replayed.len()), (182, 47, 135));
    for (part, reason) in scenarios::RULED_OUT {
        assert!(
            out.iter().any(|scenario| scenario.name.contains(part)),
            "no scenario is like {part:?} ({reason})"
        );
    }
    let wrong: Vec<String> = replayed.iter().flat_map(|scenario| scenario.differences()).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_row_level_scenarios_end_as_in_the_original() {
    assert_scenarios(&support::committed());
    if let Some(root) = support::shared() {
        assert_scenarios(&root);
    }
}

/// A committed case that passes, to be spoilt.
fn passing(name: &str) -> (Writer, Observed, Observed) {
    let (writer, mut expected, mut actual) =
        support::load(&support::committed(), name).expect("a committed case");
    for artefact in set_aside::of(name) {
        artefact.set_aside(&mut expected, &mut actual);
    }
    assert_eq!(compare(writer, &expected, &actual), Vec::<String>::new());
    (writer, expected, actual)
}

fn assert_red(name: &str, what: &str, spoil: impl Fn(&mut Observed)) {
    let (writer, expected, actual) = passing(name);
    for spoil_expected in [false, true] {
        let (mut one, mut other) = (expected.clone(), actual.clone());
        spoil(if spoil_expected { &mut one } else { &mut other });
        let found = compare(writer, &one, &other);
        assert!(
            !found.is_empty(),
            "{name}: the comparison is blind to {what} (expected side: {spoil_expected})"
        );
    }
}

const BUFFET: &str = "buffet-fuzz-logs-05";
const HOURS: &str = "fingerprint-fuzz-logs-50";
const TIDS: &str = "buffet-fuzz-metrics-30";

#[test]
fn the_comparison_sees_what_is_wrong_with_rows() {
    for name in [BUFFET, HOURS] {
        assert_red(name, "a missing row", |side| drop(side.files[0].content.rows.pop()));
        assert_red(name, "a repeated row", |side| {
            let row = side.files[0].content.rows[0].clone();
            side.files[0].content.rows.push(row);
        });
        assert_red(name, "a lost value", |side| drop(side.files[0].content.rows[0].pop_first()));
        assert_red(name, "an empty string for null", |side| {
            side.files[0].content.rows[0].insert("zzz".into(), Cell::Bytes(Vec::new()));
        });
        assert_red(name, "another type", |side| {
            let row = &mut side.files[0].content.rows[0];
            let cell = row.get_mut("_cardinalhq.timestamp").expect("a timestamp");
            if let Cell::Int64(millis) = *cell {
                *cell = Cell::Double((millis as f64).to_bits());
            } else {
                *cell = Cell::Int64(1);
            }
        });
        assert_red(name, "a changed character", |side| {
            let rows = side.files.iter_mut().flat_map(|file| &mut file.content.rows);
            let text = rows.flat_map(|row| row.values_mut()).find_map(|cell| match cell {
                Cell::Bytes(bytes) if !bytes.is_empty() => Some(bytes),
                _ => None,
            });
            text.expect("some text")[0] ^= 1;
        });
    }
}

#[test]
fn the_comparison_sees_what_is_wrong_with_files_and_results() {
    for name in [BUFFET, HOURS] {
        assert_red(name, "a missing file", |side| drop(side.files.pop()));
        assert_red(name, "a wrong record count", |side| side.files[0].record_count += 1);
        assert_red(name, "a fingerprint too many", |side| {
            side.files[0].fingerprints.insert(1);
        });
        assert_red(name, "a lost fingerprint", |side| {
            let file = side.files.iter_mut().find(|file| !file.fingerprints.is_empty());
            file.expect("a file with fingerprints").fingerprints.pop_first();
        });
        assert_red(name, "another annotation", |side| side.files[0].content.columns[0].of.push('!'));
        assert_red(name, "another column order", |side| side.files[0].content.columns.reverse());
        assert_red(name, "another row group", |side| side.files[0].content.row_groups[0].rows += 1);
        assert_red(name, "a lost dictionary", |side| {
            let chunks = &mut side.files[0].content.row_groups[0].chunks;
            let chunk = chunks.iter_mut().find(|chunk| !chunk.all_null && chunk.dictionary);
            chunk.expect("a chunk with a dictionary").dictionary = false;
        });
        assert_red(name, "another codec", |side| {
            side.files[0].content.row_groups[0].chunks[0].codec = "SNAPPY".to_owned();
        });
        assert_red(name, "a file left behind", |side| side.leftovers.push("buffet-*.spill".to_owned()));
        assert_red(name, "an error", |side| side.error = Some((ErrorKind::Io, "disk full".to_owned())));
        assert_red(name, "a wrong count of rows read", |side| side.rows_read += 1);
    }
    assert_red(TIDS, "a wrong TID count", |side| {
        let last = side.files.last_mut().expect("a file");
        last.tid_count = last.tid_count.map(|count| count + 1);
    });
    assert_red(TIDS, "statistics where defect B has none", |side| side.files[0].tid_count = Some(1));
    assert_red(HOURS, "another first timestamp", |side| side.files[0].first_ts = Some(1));
    assert_red(HOURS, "another last timestamp", |side| side.files[0].last_ts = None);
    assert_red(HOURS, "another file index", |side| {
        side.files[0].split_key.as_mut().expect("a split key")[3] += 1;
    });
    assert_red(HOURS, "an uncounted row without timestamp", |side| side.missing_timestamp += 1);
}

#[test]
fn the_comparison_sees_what_is_wrong_with_a_merge() {
    assert_red(MERGE, "a lost row", |side| drop(side.files[0].content.rows.pop()));
    assert_red(MERGE, "two TIDs in another order", |side| {
        let rows = &mut side.files[0].content.rows;
        let tid = |row: &support::content::CellRow| row.get("_cardinalhq.tid").cloned();
        let border = (1..rows.len()).find(|&at| tid(&rows[at]) != tid(&rows[at - 1])).expect("two TIDs");
        rows.swap(border - 1, border);
    });
    assert_red(MERGE, "a sum that is off by one bit", |side| {
        let row = side.files[0].content.rows.iter_mut().find(|row| row.contains_key("rollup_sum"));
        let Some(Cell::Double(bits)) = row.expect("a sum").get_mut("rollup_sum") else { panic!("no sum") };
        *bits ^= 1;
    });
    assert_red(MERGE, "a changed byte of a sketch", |side| {
        let cells = side.files[0].content.rows.iter_mut().filter_map(|row| row.get_mut("sketch"));
        let sketch = cells.into_iter().find_map(|cell| match cell {
            Cell::Bytes(bytes) if !bytes.is_empty() => Some(bytes),
            _ => None,
        });
        sketch.expect("a sketch")[0] ^= 1;
    });
    assert_red(MERGE, "another count of rows out of range", |side| {
        side.out_of_range = side.out_of_range.map(|count| count + 1);
    });
    assert_red(MERGE, "a dropped row of another reason", |side| {
        *side.dropped.get_mut("missing_sketch").expect("a count") += 1;
    });
    assert_red(MERGE, "a wrong TID count", |side| side.files[0].tid_count = Some(77));
}

const MERGE: &str = "tidmerge-bad-sketch-est0";

#[test]
fn the_target_records_are_the_originals() {
    let text = std::fs::read_to_string(support::committed().join("vectors.json")).expect("vectors.json");
    let json: serde_json::Value = serde_json::from_str(&text).expect("vectors.json is JSON");
    let cases = json["calculate_target_records_per_file"].as_array().expect("cases");
    assert_eq!(cases.len(), 160);
    for case in cases {
        let number = |key: &str| case[key].as_i64().expect("a number");
        let got = legacy::target_records_per_file(number("RecordCount"), number("Est"), number("Target"));
        assert_eq!(got, number("Want"), "{case}");
    }
}

#[test]
fn the_comparison_sees_another_error() {
    let name = "buffet-logs-type-mismatch";
    assert_red(name, "no error", |side| side.error = None);
    assert_red(name, "another class", |side| side.error.as_mut().expect("an error").0 = ErrorKind::Io);
    assert_red(name, "another text", |side| side.error.as_mut().expect("an error").1.insert(0, '!'));
}

#[test]
fn the_comparison_knows_exact_order_from_tie_order() {
    assert_red(BUFFET_ORDER, "two rows of a buffet file in another order", |side| {
        side.files[0].content.rows.swap(0, 1);
    });
    let (writer, expected, actual) = passing(TIES);
    let rows = |side: &Observed| side.files[0].content.rows.clone();
    let stamp = |row: &support::content::CellRow| row.get("_cardinalhq.timestamp").cloned();
    let ordered = rows(&actual);
    let tie = (1..ordered.len())
        .find(|&at| stamp(&ordered[at]) == stamp(&ordered[at - 1]) && ordered[at] != ordered[at - 1]);
    let step = (1..ordered.len()).find(|&at| stamp(&ordered[at]) != stamp(&ordered[at - 1]));
    let swapped = |at: Option<usize>| {
        let mut other = actual.clone();
        let at = at.expect("such a pair of rows");
        other.files[0].content.rows.swap(at - 1, at);
        compare(writer, &expected, &other)
    };
    assert_eq!(swapped(tie), Vec::<String>::new(), "rows of equal timestamp may come in any order");
    assert!(!swapped(step).is_empty(), "rows of unequal timestamps may not");
}

const BUFFET_ORDER: &str = "buffet-logs-late-column-rpf7";
const TIES: &str = "fingerprint-logs-dup-ts-rpf0";

#[test]
fn an_exception_is_needed_where_it_stands_and_found_where_it_is_not() {
    let needed = "fingerprint-logs-float-ts-rpf400";
    let (writer, expected, actual) = support::load(&support::committed(), needed).expect("a committed case");
    let artefacts = set_aside::of(needed);
    assert!(
        !support::judge_with(writer, &expected, &actual, &[]).is_empty(),
        "{needed} passes without its entry"
    );
    assert_eq!(support::judge_with(writer, &expected, &actual, &artefacts), Vec::<String>::new());
    let idle = [artefacts, vec![set_aside::Artefact::BytesAsStrings("no such column")]].concat();
    let found = support::judge_with(writer, &expected, &actual, &idle);
    assert_eq!(found, ["BytesAsStrings(\"no such column\") is set aside without need"]);
}
