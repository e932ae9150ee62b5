//! The declared property that must appear: each built-in corpus of logs really holds what it says it provokes.

use std::collections::BTreeSet;

use super::*;
use crate::generate::text::AWKWARD;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const TIME: &str = "_cardinalhq.timestamp";
const ID: &str = "_cardinalhq.id";
const MESSAGE: &str = "_cardinalhq.message";
/// Columns of which every window of three runes is fingerprinted.
const TRIGRAMS: [&str; 5] = [
    "_cardinalhq.name",
    "_cardinalhq.level",
    "_cardinalhq.span_trace_id",
    "resource.k8s.namespace.name",
    "resource.service.name",
];

fn hours(times: &[i64]) -> BTreeSet<i64> {
    times.iter().map(|at| at.div_euclid(HOUR)).collect()
}

/// How far each time lies behind the latest one before it, at most.
fn largest_lag(times: &[i64]) -> i64 {
    let mut latest = i64::MIN;
    let lag = |at: &i64| {
        latest = latest.max(*at);
        latest - at
    };
    times.iter().map(lag).max().unwrap_or(0)
}

fn count<T: Ord + Clone>(values: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

fn spec(name: &str) -> CorpusSpec {
    Catalog::builtin().unwrap().get(name).unwrap().clone()
}

fn ids_are_unique(data: &Data) {
    let ids: BTreeSet<_> = data.texts(ID).into_iter().collect();
    assert_eq!(ids.len(), data.rows().count());
}

#[test]
fn late_and_early_rows_are_there_in_every_segment_and_ranges_overlap() {
    for name in ["compact-late-early-timestamps", "ingest-late-early-timestamps"] {
        let data = data(name);
        ids_are_unique(&data);
        assert!(hours(&data.times()).len() >= 6, "{name}");
        for file in &data.files {
            let times: Vec<i64> =
                file.rows.iter().map(|row| if let Cell::Int(at) = row[TIME] { at } else { 0 }).collect();
            assert!(largest_lag(&times) > 2 * HOUR, "{name}");
        }
    }
    let data = data("compact-late-early-timestamps");
    let ranges: Vec<(i64, i64)> = (data.files.iter())
        .map(|file| {
            let times: Vec<i64> =
                file.rows.iter().map(|row| if let Cell::Int(at) = row[TIME] { at } else { 0 }).collect();
            (*times.iter().min().unwrap(), *times.iter().max().unwrap())
        })
        .collect();
    assert!(ranges.windows(2).all(|pair| pair[1].0 < pair[0].1), "{ranges:?}");
}

#[test]
fn interleaved_hours_alternate_row_by_row() {
    for name in ["compact-interleaved-hours", "ingest-interleaved-hours"] {
        let data = data(name);
        for file in &data.files {
            let times: Vec<i64> =
                file.rows.iter().map(|row| if let Cell::Int(at) = row[TIME] { at } else { 0 }).collect();
            assert_eq!(hours(&times).len(), 6, "{name}");
            assert!(
                times.windows(2).all(|pair| pair[0].div_euclid(HOUR) != pair[1].div_euclid(HOUR)),
                "{name}"
            );
        }
    }
}

#[test]
fn boundaries_hold_both_sides_of_every_hour_and_of_midnight() {
    for name in ["compact-hour-day-boundaries", "ingest-hour-day-boundaries"] {
        let times: BTreeSet<i64> = data(name).times().into_iter().collect();
        let full: Vec<i64> = times.iter().copied().filter(|at| at % HOUR == 0).collect();
        assert_eq!(full.len(), 7, "{name}");
        assert!(full.iter().all(|at| times.contains(&(at - 1)) && times.contains(&(at + 1))));
        assert!(full.iter().any(|at| at % DAY == 0));
    }
}

#[test]
fn ties_are_heavy_and_longer_than_a_file_or_a_sorted_chunk() {
    let compact = data("compact-heavy-ties");
    let ties = count(compact.times());
    assert_eq!(ties.len(), 3);
    assert!(ties.values().all(|rows| *rows > 1_000));
    for file in &compact.files {
        assert_eq!(count(file.rows.iter().map(|row| row[TIME].clone())).len(), 3, "ties go across segments");
    }
    let ingest = data("ingest-heavy-ties");
    assert_eq!(hours(&ingest.times()).len(), 1);
    let ties = count(ingest.times());
    assert!(ties.len() == 4 && ties.values().all(|rows| *rows > 2_500), "{ties:?}");
    assert_eq!(spec("ingest-heavy-ties").parameters.rows_per_file, Some(2_500));
    ids_are_unique(&ingest);
}

#[test]
fn zero_negative_and_missing_timestamps_are_there() {
    let odd = data("compact-odd-timestamps");
    let times = odd.times();
    assert!(times.contains(&0) && times.contains(&-1) && times.contains(&(-DAY - 1)));
    assert!(times.iter().any(|at| *at > 1_700_000_000_000));
    assert!(odd.nulls(TIME) > 50);
    ids_are_unique(&odd);

    let none = data("compact-no-timestamp-column");
    assert!(none.files.iter().all(|file| !file.schema.contains_key(TIME)));

    let early = data("ingest-zero-negative-timestamps").times();
    assert_eq!(early[0], 0, "legacy takes a first timestamp of 0 for unset");
    let negative_hours: BTreeSet<i64> = hours(&early).into_iter().filter(|hour| *hour < 0).collect();
    assert!(negative_hours.len() >= 3, "{negative_hours:?}");
    assert!(early.contains(&-1) && early.contains(&-HOUR));

    let missing = data("ingest-missing-timestamps");
    assert!(missing.column(TIME)[0].is_none());
    assert!((150..400).contains(&missing.nulls(TIME)));
}

#[test]
fn corpora_that_yield_no_rows_have_none_with_a_timestamp() {
    let mut seen = 0;
    let meant = |spec: &&CorpusSpec| spec.signal == "logs" && spec.expect.no_rows;
    for spec in Catalog::builtin().unwrap().iter().filter(meant) {
        let data = data(&spec.name);
        let kept = data.rows().filter(|row| row.contains_key(TIME)).count();
        assert_eq!(kept, 0, "{}", spec.name);
        assert!(spec.rows == 0 || spec.kind == crate::spec::JobKind::Ingest);
        seen += 1;
    }
    assert_eq!(seen, 4);
    assert!(!data("ingest-no-timestamp-column").files[0].schema.contains_key(TIME));
    assert_eq!(data("ingest-null-timestamps").files[0].schema[TIME], DataType::Int64);
    for name in ["compact-zero-rows", "ingest-zero-rows"] {
        let data = data(name);
        assert!(data.files.iter().all(|file| file.rows.is_empty() && file.schema.len() > 10), "{name}");
    }
}

#[test]
fn float_timestamps_differ_within_a_millisecond_and_straddle_hours_and_zero() {
    let data = data("ingest-float-timestamps");
    let floats = data.floats(TIME);
    assert!(data.nulls(TIME) > 10 && floats.iter().all(|at| at.is_finite()));
    assert!(floats.iter().filter(|at| at.fract() != 0.0).count() > 1_000);
    for at in [1_756_119_599_999.75, 1_756_119_600_000.0, 1_756_119_600_000.25, 0.5, -0.5, -1.5] {
        assert!(floats.contains(&at), "{at}");
    }
    assert!(floats.iter().any(|at| at.to_bits() == (-0.0_f64).to_bits()));
    assert_eq!(1_756_119_600_000 % HOUR, 0);
}

#[test]
fn nan_infinite_and_huge_timestamps_are_there_among_ordinary_ones() {
    let floats = data("ingest-nan-timestamps").floats(TIME);
    assert!(floats.iter().any(|at| at.is_nan()));
    for at in [f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
        assert!(floats.contains(&at), "{at}");
    }
    assert!(floats.iter().filter(|at| at.abs() < 2e12).count() > 200);
}

#[test]
fn text_timestamps_are_whole_milliseconds_as_text_in_every_row() {
    let data = data("ingest-text-timestamps");
    assert_eq!(data.files[0].schema[TIME], DataType::Utf8);
    assert!(data.nulls(TIME) == 0 && data.texts(TIME).iter().all(|text| text.parse::<i64>().is_ok()));
}

#[test]
fn sparse_columns_have_few_values_and_differ_between_files_of_the_output() {
    let data = data("compact-sparse-columns");
    let sparse: Vec<&String> =
        data.files[0].schema.keys().filter(|name| name.starts_with("log.sparse_")).collect();
    assert_eq!(sparse.len(), 60);
    let rows = data.rows().count();
    assert!(sparse.iter().all(|name| (1..rows / 20).contains(&(rows - data.nulls(name)))));
}

#[test]
fn the_very_last_row_alone_has_the_late_columns() {
    let compact = ["log.late_text", "log.late_int", "log.late_float", "log.late_bool"];
    for (name, columns) in [("compact-late-column", &compact[..]), ("ingest-late-column", &compact[..2])] {
        let data = data(name);
        for column in columns {
            let cells = data.column(column);
            let first = cells.iter().position(Option::is_some);
            assert_eq!(first, Some(cells.len() - 1), "{name} {column}");
        }
        let times = data.times();
        assert_eq!(times.iter().max(), times.last(), "it is the last row after sorting, too");
    }
    let data = data("compact-late-column");
    assert!(!data.files[0].schema.contains_key("log.late_text"));
    assert_eq!(data.texts("log.early_only").len(), 1);
    assert!(data.column("log.early_only")[0].is_some());
}

#[test]
fn null_columns_are_null_throughout_and_one_only_in_all_files_but_one() {
    let data = data("compact-null-columns");
    let rows = data.rows().count();
    for column in ["log.never_text", "log.never_int", "log.never_float", "log.never_bool"] {
        assert!(data.files.iter().all(|file| file.schema.contains_key(column)));
        assert_eq!(data.nulls(column), rows, "{column}");
    }
    let with = |file: &File| file.rows.iter().any(|row| row.contains_key("log.once"));
    assert_eq!(data.files.iter().map(with).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn empty_strings_stand_beside_nulls_and_values() {
    let data = data("compact-empty-strings");
    for column in ["_cardinalhq.level", "resource.file"] {
        let texts = data.texts(column);
        assert!(data.nulls(column) > 0 && texts.contains(&"") && texts.iter().any(|text| !text.is_empty()));
    }
    assert!(data.nulls("log.empty_or_null") > 0);
    assert!(data.texts("log.empty_or_null").iter().all(|text| text.is_empty()));
    assert_eq!(data.texts("log.always_empty").len(), data.rows().count());
}

#[test]
fn fingerprinted_columns_hold_short_tokens_and_runes_of_every_size() {
    for name in ["compact-unicode", "ingest-unicode"] {
        let data = data(name);
        for column in TRIGRAMS.iter().chain(&["resource.file"]) {
            let texts: BTreeSet<&str> = data.texts(column).into_iter().collect();
            for runes in 1..=3 {
                assert!(texts.iter().any(|text| text.chars().count() == runes), "{name} {column} {runes}");
            }
            for bytes in 1..=4 {
                assert!(
                    texts.iter().any(|text| text.chars().any(|c| c.len_utf8() == bytes)),
                    "{name} {column}"
                );
            }
            assert!(AWKWARD.iter().all(|value| texts.contains(value)), "{name} {column}");
        }
    }
    assert!(data("ingest-unicode").texts("resource.service.name").contains(&""));
}

#[test]
fn long_values_reach_a_quarter_of_a_mebibyte_beside_short_ones() {
    let data = data("compact-long-values");
    let longest = data.texts("log.dump").iter().map(|text| text.len()).max().unwrap();
    assert!((200_000..=262_144).contains(&longest), "{longest}");
    let body: Vec<usize> = data.texts("log.body").iter().map(|text| text.len()).collect();
    assert!(body.iter().any(|length| *length > 40_000) && body.iter().any(|length| *length < 500));
    assert!(data.texts("resource.file").iter().any(|text| text.len() > 3_000));
}

#[test]
fn dictionaries_hold_thousands_of_distinct_values() {
    let data = data("compact-many-distinct");
    let distinct = |column: &str| data.texts(column).into_iter().collect::<BTreeSet<_>>().len();
    assert_eq!(distinct("resource.service.name"), 5_000);
    assert_eq!(distinct("log.request_id"), 6_000);
    assert!((1_000..6_000).contains(&distinct("log.account")));
}

#[test]
fn two_hundred_columns_all_have_values() {
    let data = data("compact-200-columns");
    assert_eq!(data.files[0].schema.len(), 200);
    let rows = data.rows().count();
    assert!(data.files[0].schema.keys().all(|column| data.nulls(column) < rows));
}

#[test]
fn one_row_one_input_and_many_inputs_are_just_that() {
    for name in ["compact-one-row", "ingest-one-row"] {
        assert_eq!(data(name).rows().count(), 1);
    }
    let one = data("compact-one-input");
    assert_eq!(one.files.len(), 1);
    for column in ["minute", "hour", "day", "month", "year"] {
        assert_eq!(one.nulls(column), 0, "{column}");
    }
    let many = data("compact-many-inputs");
    let rows: Vec<usize> = many.files.iter().map(|file| file.rows.len()).collect();
    assert_eq!((rows.len(), rows[3], rows[17], rows.iter().sum::<usize>()), (40, 0, 0, 2_000));
}

#[test]
fn schemas_differ_between_segments() {
    let data = data("compact-differing-schemas");
    let schemas: BTreeSet<Vec<&String>> =
        data.files.iter().map(|file| file.schema.keys().collect()).collect();
    assert_eq!(schemas.len(), 4);
    let has = |column: &str| data.files.iter().map(|f| f.schema.contains_key(column)).collect::<Vec<_>>();
    assert_eq!(has("log.first_only"), [true, false, false, false]);
    assert_eq!(has("log.last_only"), [false, false, false, true]);
}

#[test]
fn one_column_has_two_types_and_both_sides_must_refuse_it() {
    let data = data("compact-type-conflict");
    assert_eq!(data.files[0].schema["log.code"], DataType::Utf8);
    assert_eq!(data.files[1].schema["log.code"], DataType::Int64);
    assert!(data.nulls("log.code") == 0, "both types hold values");
    let expect = spec("compact-type-conflict").expect;
    assert_eq!(
        (expect.baseline.as_deref(), expect.candidate.as_deref()),
        (Some("schema-conflict"), Some("schema-conflict"))
    );
}

#[test]
fn rows_without_an_id_share_their_second_key_and_yet_differ() {
    let data = data("compact-no-id");
    assert!(data.files.iter().all(|file| !file.schema.contains_key(ID)));
    let keys = count(data.rows().map(|row| (row[TIME].clone(), row[MESSAGE].clone())));
    let rows: BTreeSet<&Row> = data.rows().collect();
    assert!(keys.len() < rows.len(), "{} keys, {} different rows", keys.len(), rows.len());
    assert!(keys.values().all(|rows| *rows <= 256), "few enough to be paired exactly");
}

#[test]
fn duplicated_rows_are_alike_in_every_column() {
    let data = data("compact-duplicate-rows");
    let repeats = data.rows().count() - data.rows().collect::<BTreeSet<_>>().len();
    assert!((250..600).contains(&repeats), "{repeats}");
}

#[test]
fn every_type_and_every_extreme_value_is_there() {
    let data = data("compact-every-type");
    let ints = data.ints("log.int");
    assert!([i64::MIN, i64::MAX, 0, -1, (1 << 53) + 1].iter().all(|value| ints.contains(value)));
    let bits: BTreeSet<u64> = data.floats("log.float").into_iter().map(f64::to_bits).collect();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MAX] {
        assert!(bits.contains(&value.to_bits()), "{value}");
    }
    assert!(bits.iter().filter(|bits| f64::from_bits(**bits).is_nan()).count() == 2, "NaN of two payloads");
    let bools = count(data.column("log.bool"));
    assert_eq!(bools.len(), 3, "true, false and null");
    let bytes: BTreeSet<_> = data.column("log.bytes").into_iter().flatten().collect();
    assert!(bytes.contains(&Cell::Bytes(Vec::new())) && data.nulls("log.bytes") > 0);
    let binary = |cell: &&Cell| matches!(cell, Cell::Bytes(b) if std::str::from_utf8(b).is_err());
    assert!(bytes.iter().any(binary));
}

#[test]
fn rows_suffice_for_at_least_three_files_a_side_and_for_chunks_that_merge() {
    let by_rows = spec("compact-rows-per-file");
    assert!(by_rows.rows / by_rows.parameters.rows_per_file.unwrap() as u64 >= 3);
    let merge = data("ingest-chunk-merge");
    let times = merge.times();
    assert_eq!(hours(&times).len(), 1);
    assert!(times.len() > 15_000 && !times.is_sorted());
    assert!(times.len() as i64 / spec("ingest-chunk-merge").parameters.rows_per_file.unwrap() >= 3);
    for chunk in times.chunks(5_000) {
        let (low, high) = (chunk.iter().min().unwrap(), chunk.iter().max().unwrap());
        assert!(high - low > HOUR * 9 / 10, "chunks overlap, so that merging means something");
    }
}

#[test]
fn production_has_its_skew_its_bursts_its_traces_and_its_disorder() {
    for name in ["compact-production", "ingest-production"] {
        let data = data(name);
        ids_are_unique(&data);
        let rows = data.rows().count();
        let services = count(data.texts("resource.service.name"));
        let (most, least) = (services.values().max().unwrap(), services.values().min().unwrap());
        assert!(services.len() == 20 && most > &(least * 5), "{services:?}");
        assert!(services.contains_key("db"), "a service of fewer than three runes");
        let levels = count(data.texts("_cardinalhq.level"));
        assert!(
            levels["INFO"] * 10 > rows * 7 && levels["ERROR"] * 20 > rows && levels.len() == 4,
            "{levels:?}"
        );
        let pods = count(data.texts("resource.k8s.pod.name"));
        assert!(pods.len() > 150, "{}", pods.len());
        let traces = count(data.texts("_cardinalhq.span_trace_id"));
        assert!(traces.len() > 1_000 && traces.values().any(|rows| *rows >= 5));
        assert!((rows / 3..rows / 2).contains(&data.nulls("_cardinalhq.span_trace_id")));
        let times = data.times();
        assert!(hours(&times).len() >= 4 && largest_lag(&times) > HOUR);
        let seconds = count(times.iter().map(|at| at / 1_000));
        let usual = rows / seconds.len();
        assert!(*seconds.values().max().unwrap() > usual * 10, "bursts");
        assert!(data.nulls("log.exception.stacktrace") > rows * 9 / 10);
        assert!(data.nulls("log.retry") > rows / 2 && !data.texts("log.order_id").is_empty());
        let empty: BTreeSet<&str> = data.texts("_cardinalhq.hostname").into_iter().collect();
        assert_eq!(empty.into_iter().collect::<Vec<_>>(), [""]);
    }
    let ingest = data("ingest-production");
    let busiest = count(ingest.times().iter().map(|at| at.div_euclid(HOUR)));
    assert!(*busiest.values().max().unwrap() > 15_000, "{busiest:?}");
}
