//! The declared property that must appear, for the corpora of metrics: each really holds what it says it provokes, and
//! where a side must refuse it, the reason is there.

use std::collections::BTreeSet;

use super::*;

const TID: &str = "_cardinalhq.tid";
const TIME: &str = "_cardinalhq.timestamp";
const NAME: &str = "_cardinalhq.name";
const HIGHEST: i64 = i64::MAX;

fn spec(name: &str) -> CorpusSpec {
    Catalog::builtin().unwrap().get(name).unwrap().clone()
}

fn int(row: &Row, column: &str) -> Option<i64> {
    if let Some(Cell::Int(value)) = row.get(column) { Some(*value) } else { None }
}

fn float(row: &Row, column: &str) -> Option<f64> {
    if let Some(Cell::Float(bits)) = row.get(column) { Some(f64::from_bits(*bits)) } else { None }
}

fn sketch(row: &Row) -> Option<&[u8]> {
    if let Some(Cell::Bytes(bytes)) = row.get("sketch") { Some(bytes) } else { None }
}

fn tids(file: &File) -> Vec<i64> {
    file.rows.iter().filter_map(|row| int(row, TID)).collect()
}

/// Rows by identifier over all inputs.
fn series(data: &Data) -> BTreeMap<i64, Vec<&Row>> {
    let mut series: BTreeMap<i64, Vec<&Row>> = BTreeMap::new();
    for row in data.rows() {
        series.entry(int(row, TID).unwrap()).or_default().push(row);
    }
    series
}

/// How many rows each point is made of: identifier, aligned moment, name.
fn points(data: &Data, name: &str) -> BTreeMap<(i64, i64, Option<Cell>), usize> {
    let interval = spec(name).parameters.interval.unwrap();
    let mut points = BTreeMap::new();
    for row in data.rows() {
        let Some(time) = int(row, TIME) else { continue };
        let key = (int(row, TID).unwrap(), time / interval * interval, row.get(NAME).cloned());
        *points.entry(key).or_default() += 1;
    }
    points
}

/// Share of the rows that are merged with another one.
fn merging(data: &Data, name: &str) -> f64 {
    let points = points(data, name);
    let merged: usize = points.values().filter(|rows| **rows > 1).sum();
    merged as f64 / data.rows().count() as f64
}

/// Rows outside the job's time range.
fn outside(data: &Data, name: &str) -> usize {
    let parameters = spec(name).parameters;
    let range = parameters.start.unwrap()..parameters.end.unwrap();
    data.rows().filter_map(|row| int(row, TIME)).filter(|time| !range.contains(time)).count()
}

/// Number of rows of which `odd` holds, alone in their series and among others of the same point.
fn lone_and_met(data: &Data, odd: impl Fn(&Row) -> bool) -> (usize, usize) {
    let mut counts = (0, 0);
    for rows in series(data).values() {
        for row in rows.iter().filter(|row| odd(row)) {
            let met = |other: &&Row| int(other, TIME) == int(row, TIME) && !std::ptr::eq(*other, *row);
            if rows.len() == 1 {
                counts.0 += 1;
            } else if rows.iter().any(met) {
                counts.1 += 1;
            }
        }
    }
    counts
}

fn empty(row: &Row) -> bool {
    sketch(row).is_some_and(<[u8]>::is_empty)
}

/// Values by bin.
type Store = BTreeMap<i64, f64>;

/// Zeros, positive and negative bins of a whole sketch of production's accuracy; `None` for anything else.
fn decode(bytes: &[u8]) -> Option<(f64, Store, Store)> {
    let mut left = bytes;
    let mut byte = || {
        let (first, rest) = left.split_first()?;
        left = rest;
        Some(*first)
    };
    let mut next = |kind: char| -> Option<f64> {
        if kind == 'b' {
            return byte().map(f64::from);
        }
        let (mut value, mut shift) = (0_u64, 0);
        if kind == 'c' {
            for place in 0..9 {
                let next = byte()?;
                let more = place < 8 && next & 0x80 != 0;
                let bits = if place == 8 { u64::from(next) } else { u64::from(next & 0x7f) };
                value |= if place == 8 { bits } else { bits << (57 - 7 * place) };
                if !more {
                    break;
                }
            }
            return Some(f64::from_bits(value.rotate_right(6).wrapping_add(1.0_f64.to_bits())) - 1.0);
        }
        loop {
            let next = byte()?;
            value |= u64::from(next & 0x7f).checked_shl(shift)?;
            shift += 7;
            if next & 0x80 == 0 {
                break;
            }
        }
        Some(if kind == 's' { ((value >> 1) as i64 ^ -((value & 1) as i64)) as f64 } else { value as f64 })
    };
    let (mut zeros, mut positive, mut negative, mut mapped) = (0.0, BTreeMap::new(), BTreeMap::new(), false);
    while let Some(flag) = next('b') {
        if flag == 4.0 {
            zeros += next('c')?;
            continue;
        }
        if flag == 2.0 {
            let mut gamma = [0; 16];
            for byte in &mut gamma {
                *byte = next('b')? as u8;
            }
            mapped = gamma[..8] == (1.01_f64 / 0.99).to_le_bytes() && gamma[8..] == [0; 8];
            continue;
        }
        let store = if flag as u8 & 3 == 1 { &mut positive } else { &mut negative };
        let count = next('w')?;
        let (mut index, mut step) = (0.0, 1.0);
        if flag as u8 >> 2 == 3 {
            index = next('s')?;
            step = next('s')?;
            index -= step;
        }
        for _ in 0..count as u64 {
            let values = match flag as u8 >> 2 {
                1 => {
                    index += next('s')?;
                    next('c')?
                }
                2 => {
                    index += next('s')?;
                    1.0
                }
                3 => {
                    index += step;
                    next('c')?
                }
                _ => return None,
            };
            *store.entry(index as i64).or_insert(0.0) += values;
        }
    }
    mapped.then_some((zeros, positive, negative))
}

#[test]
fn every_segment_is_sorted_by_identifier_but_for_those_that_are_meant_not_to_be() {
    for spec in Catalog::builtin().unwrap().iter().filter(|spec| spec.signal == "metrics") {
        let data = data(&spec.name);
        let sorted: Vec<bool> = data.files.iter().map(|file| tids(file).is_sorted()).collect();
        let unsorted = spec.expect.candidate.as_deref() == Some("unsorted");
        assert_eq!(sorted.contains(&false), unsorted, "{}: {sorted:?}", spec.name);
        assert!(!unsorted || spec.expect.baseline.is_none(), "{}: the baseline completes", spec.name);
    }
    let one = data("metrics-unsorted-one-row");
    let last = tids(one.files.last().unwrap());
    let breaks: Vec<usize> = (1..last.len()).filter(|at| last[at - 1] > last[*at]).collect();
    assert!(breaks.len() == 1 && breaks[0] > last.len() / 3, "{breaks:?}");
    assert!(one.files[..2].iter().all(|file| tids(file).is_sorted()));
    let many = tids(&data("metrics-unsorted").files[1]);
    assert!(many.windows(2).filter(|pair| pair[0] > pair[1]).count() > many.len() / 4);
    let highest = data("metrics-unsorted-highest-tid");
    let first = tids(&highest.files[0]);
    let at = first.iter().position(|tid| *tid == HIGHEST).unwrap();
    assert!(at > first.len() / 4 && at < first.len() * 3 / 4, "rows before and behind it");
}

#[test]
fn rollups_are_those_of_their_sketches_and_values_lie_in_their_bins() {
    for name in [
        "metrics-overlap-5",
        "metrics-zeros-negatives",
        "metrics-wide-values",
        "metrics-names-per-tid",
        "metrics-rollup-60s",
    ] {
        let data = data(name);
        let mut forms = BTreeSet::new();
        for row in data.rows() {
            let bytes = sketch(row).unwrap();
            let (zeros, positive, negative) = decode(bytes).unwrap();
            let count = zeros + positive.values().sum::<f64>() + negative.values().sum::<f64>();
            assert_eq!(Some(count), float(row, "rollup_count"), "{name}");
            let value = |bin: &i64| (*bin as f64 * (1.01_f64 / 0.99).ln()).exp() * 1.01;
            let high = positive.keys().next_back().map(value);
            let low = negative.keys().next_back().map(|bin| -value(bin));
            let (max, min) = (float(row, "rollup_max").unwrap(), float(row, "rollup_min").unwrap());
            let near = |exact: f64, binned: f64| (exact - binned).abs() <= exact.abs() * 0.010_001;
            assert!(high.is_none_or(|high| near(max, high)), "{name}: {max} {high:?}");
            assert!(low.is_none_or(|low| near(min, low)), "{name}: {min} {low:?}");
            let of = |bins: &Store| bins.iter().map(|(bin, n)| value(bin) * n).sum::<f64>();
            let sum = float(row, "rollup_sum").unwrap();
            assert!((sum - of(&positive) + of(&negative)).abs() <= 0.011 * (of(&positive) + of(&negative)));
            assert!((float(row, "rollup_avg").unwrap() * count - sum).abs() <= sum.abs() * 1e-9 + 1e-300);
            let quantiles = ["rollup_p25", "rollup_p50", "rollup_p75", "rollup_p95", "rollup_p99"];
            let quantiles: Vec<f64> = quantiles.iter().map(|q| float(row, q).unwrap()).collect();
            assert!(quantiles.is_sorted() && min <= quantiles[0] && quantiles[4] <= max, "{name}");
            let flags = bytes.iter().skip(if zeros > 0.0 { 1 } else { 0 });
            forms.extend(flags.filter(|byte| [5, 7, 9, 11, 13, 15].contains(*byte)).copied());
        }
        assert!(forms.contains(&9), "{name}: {forms:?}");
    }
    let data = data("metrics-zeros-negatives");
    let decoded: Vec<_> = data.rows().map(|row| decode(sketch(row).unwrap()).unwrap()).collect();
    assert!(decoded.iter().any(|(zeros, ..)| *zeros > 1.0));
    assert!(decoded.iter().any(|(zeros, p, n)| *zeros > 0.0 && !p.is_empty() && !n.is_empty()));
    assert!(decoded.iter().any(|(_, p, n)| p.is_empty() && n.is_empty()), "zeros alone");
}

#[test]
fn points_merge_over_the_inputs_as_far_as_they_are_meant_to() {
    for (name, low, high) in [
        ("metrics-overlap-2", 0.2, 0.8),
        ("metrics-overlap-5", 0.4, 0.9),
        ("metrics-overlap-12", 1.0, 1.0),
        ("metrics-rollup-60s", 1.0, 1.0),
        ("metrics-same-shape-twice", 1.0, 1.0),
        ("metrics-row-estimate-multiple", 0.0, 0.0),
        ("metrics-tiny-series", 0.01, 0.3),
        ("metrics-skewed-sizes", 0.1, 0.9),
        ("metrics-differing-columns", 0.4, 1.0),
        ("metrics-unicode", 0.05, 0.9),
        ("metrics-one-input", 0.1, 0.95),
        ("metrics-production", 0.2, 0.5),
    ] {
        let share = merging(&data(name), name);
        assert!((low..=high).contains(&share), "{name}: {share}");
    }
    let twelve = data("metrics-overlap-12");
    assert!(twelve.files.len() == 12 && twelve.files.iter().all(|file| tids(file) == tids(&twelve.files[0])));
    assert!(points(&twelve, "metrics-overlap-12").values().all(|rows| *rows == 2));
    let rollup = points(&data("metrics-rollup-60s"), "metrics-rollup-60s");
    assert!(rollup.len() == 500 && rollup.values().all(|rows| *rows == 6));
    let five = data("metrics-overlap-5");
    assert!(five.files[0].schema.contains_key("rollup_p90") && five.nulls("rollup_p90") == 0);
    let most = *points(&five, "metrics-overlap-5").values().max().unwrap();
    assert!(most >= 5, "{most}");
}

#[test]
fn production_merges_the_same_share_of_rows_however_many_there_are() {
    let spec = spec("metrics-production");
    let dir = tempfile::tempdir().unwrap();
    let many = Generate { rows: Some(60_000), seed: None };
    let files = spec.generate(dir.path(), many).unwrap().inputs.iter().map(|path| read(path)).collect();
    let data = Data { files };
    let share = merging(&data, "metrics-production");
    assert!((0.2..0.5).contains(&share), "{share}");
    let series = series(&data);
    assert!((5_000..8_000).contains(&series.len()), "{} series grow with the rows", series.len());
    let mut sizes: Vec<usize> = series.values().map(Vec::len).collect();
    sizes.sort_unstable();
    assert!(sizes[sizes.len() - 1] > 4 * sizes[sizes.len() / 2], "skew");
}

#[test]
fn sizes_are_as_declared() {
    let large = data("metrics-large-series");
    let points = points(&large, "metrics-large-series");
    let of = |tid: i64| points.keys().filter(|(other, ..)| *other == tid).count();
    let most = series(&large).keys().map(|tid| of(*tid)).max().unwrap();
    assert!(most as i64 > 2 * spec("metrics-large-series").parameters.rows_per_file.unwrap(), "{most}");
    let tiny = series(&data("metrics-tiny-series")).values().map(Vec::len).collect::<Vec<_>>();
    assert!(tiny.len() > 2_500 && tiny.iter().all(|rows| *rows <= 8), "{}", tiny.len());
    let skewed = series(&data("metrics-skewed-sizes")).values().map(Vec::len).collect::<Vec<_>>();
    assert!(*skewed.iter().max().unwrap() > 500 && skewed.iter().any(|rows| *rows < 10));
    let multiple = data("metrics-row-estimate-multiple");
    assert!(series(&multiple).values().all(|rows| rows.len() == 10));
    assert_eq!(1_000 % spec("metrics-row-estimate-multiple").parameters.rows_per_file.unwrap(), 0);
    let names = data("metrics-names-per-tid");
    let of = |rows: &Vec<&Row>| rows.iter().map(|row| &row[NAME]).collect::<BTreeSet<_>>().len();
    assert!(series(&names).values().any(|rows| of(rows) == 3));
    assert_eq!(data("metrics-one-row").rows().count(), 1);
    assert_eq!(data("metrics-one-input").files.len(), 1);
    let rows = |name: &str| data(name).files.iter().map(|file| file.rows.len()).collect::<Vec<_>>();
    assert_eq!(rows("metrics-zero-row-inputs"), [0, 300, 300, 0, 300]);
    assert_eq!(rows("metrics-only-zero-row-inputs"), [0, 0, 0]);
    assert!(spec("metrics-only-zero-row-inputs").expect.no_rows);
}

#[test]
fn lone_rows_are_alone_and_odd_in_every_way() {
    let data = data("metrics-lone-rows");
    assert_eq!(series(&data).len(), data.rows().count());
    assert!(data.nulls("sketch") > 10 && data.nulls(NAME) > 10 && data.nulls("rollup_count") > 5);
    let count = |of: &dyn Fn(&Row) -> bool| data.rows().filter(|row| of(row)).count();
    assert!(count(&|row| empty(row) && float(row, "rollup_count") == Some(1.0)) > 10);
    assert!(count(&|row| empty(row) && float(row, "rollup_count") == Some(3.0)) > 10);
    assert!(count(&|row| sketch(row).is_some_and(|s| !s.is_empty() && decode(s).is_none())) > 40);
    assert!(count(&|row| float(row, "rollup_sum").is_some_and(f64::is_nan)) > 10);
    assert!(count(&|row| float(row, "rollup_count") == Some(0.0)) > 5);
}

#[test]
fn odd_sketches_are_there_where_they_must_be_merged() {
    let single = data("metrics-singletons");
    let (_, met) = lone_and_met(&single, |row| empty(row) && float(row, "rollup_count") == Some(1.0));
    assert!(met > 200, "{met}");
    let undecodable = |row: &Row| sketch(row).is_some_and(|s| !s.is_empty() && decode(s).is_none());
    type Odd<'a> = &'a dyn Fn(&Row) -> bool;
    let cases: [(&str, Odd<'_>); 11] = [
        ("metrics-empty-sketches", &|row| empty(row) && float(row, "rollup_count") == Some(3.0)),
        ("metrics-empty-sketches", &|row| empty(row) && float(row, "rollup_count").is_none()),
        ("metrics-garbage-sketches", &undecodable),
        ("metrics-foreign-accuracy", &undecodable),
        ("metrics-no-values", &|row| sketch(row).is_some_and(|s| s.len() == 17)),
        ("metrics-nan-infinite-sums", &|row| empty(row) && float(row, "rollup_sum").is_some_and(f64::is_nan)),
        ("metrics-nan-infinite-sums", &|row| float(row, "rollup_sum") == Some(f64::INFINITY)),
        ("metrics-nan-infinite-sums", &|row| float(row, "rollup_sum") == Some(f64::NEG_INFINITY)),
        ("metrics-nan-infinite-sums", &|row| float(row, "rollup_sum") == Some(f64::MAX)),
        ("metrics-nan-infinite-sums", &|row| {
            !empty(row) && float(row, "rollup_sum").is_some_and(f64::is_nan)
        }),
        ("metrics-other-rollups", &|row| {
            let (zeros, p, n) = decode(sketch(row).unwrap()).unwrap();
            let count = zeros + p.values().sum::<f64>() + n.values().sum::<f64>();
            float(row, "rollup_count") != Some(count)
        }),
    ];
    for (name, odd) in cases {
        let (_, met) = lone_and_met(&data(name), odd);
        assert!(met >= 5, "{name}: {met}");
    }
    let foreign = data("metrics-foreign-accuracy");
    let gamma = (1.02_f64 / 0.98).to_le_bytes();
    assert!(foreign.rows().filter(|row| undecodable(row)).all(|row| sketch(row).unwrap()[1..9] == gamma));
    for (name, column) in
        [("metrics-null-names", NAME), ("metrics-null-sketches", "sketch"), ("metrics-null-timestamps", TIME)]
    {
        let data = data(name);
        assert!((50..400).contains(&data.nulls(column)), "{name}");
    }
    let late = data("metrics-late-without-sketch");
    let has: Vec<bool> = late.files.iter().map(|file| file.schema.contains_key("sketch")).collect();
    assert_eq!(has, [true, false, true]);
    let (lone, met) = lone_and_met(&late, |row| sketch(row).is_none());
    assert!(lone > 5 && met > 20, "{lone} {met}");
}

#[test]
fn identifiers_are_negative_extreme_neighbours_and_misplaced_by_text() {
    assert!(data("metrics-negative-tids").ints(TID).iter().all(|tid| *tid < 0));
    let extreme: BTreeSet<i64> = data("metrics-extreme-tids").ints(TID).into_iter().collect();
    let border = 1_i64 << 53;
    let wanted = [i64::MIN, i64::MIN + 1, -border - 1, -1, 0, 1, border, border + 1, HIGHEST - 1];
    assert!(wanted.iter().all(|tid| extreme.contains(tid)) && !extreme.contains(&HIGHEST));
    let floats: BTreeSet<u64> = extreme.iter().map(|tid| (*tid as f64).to_bits()).collect();
    assert!(floats.len() + 4 <= extreme.len(), "floats lose some of them");
    for name in ["metrics-extreme-tids", "metrics-tids-as-text"] {
        let tids: BTreeSet<i64> = data(name).ints(TID).into_iter().collect();
        let text: BTreeSet<String> = tids.iter().map(ToString::to_string).collect();
        let numeric: Vec<String> = tids.iter().map(ToString::to_string).collect();
        assert_ne!(text.into_iter().collect::<Vec<_>>(), numeric, "{name}");
    }
}

#[test]
fn the_highest_identifier_comes_last_in_some_inputs_and_brings_no_column_of_its_own() {
    for (name, places) in [("metrics-highest-tid-lone", [0, 1, 0]), ("metrics-highest-tid-merged", [2, 0, 3])]
    {
        let data = data(name);
        let highest = |file: &File| tids(file).iter().filter(|tid| **tid == HIGHEST).count();
        assert_eq!(data.files.iter().map(highest).collect::<Vec<_>>(), places, "{name}");
        let (of, others): (Vec<&Row>, Vec<&Row>) =
            data.rows().partition(|row| int(row, TID) == Some(HIGHEST));
        let columns: BTreeSet<&String> = others.iter().flat_map(|row| row.keys()).collect();
        assert!(of.iter().flat_map(|row| row.keys()).all(|column| columns.contains(column)), "{name}");
        assert_eq!(outside(&data, name), 0, "{name}");
    }
    let points = points(&data("metrics-highest-tid-merged"), "metrics-highest-tid-merged");
    let of: Vec<usize> =
        points.iter().filter(|((tid, ..), _)| *tid == HIGHEST).map(|(_, rows)| *rows).collect();
    assert_eq!(of, [4, 1], "one point of four rows, one of a single row");
}

#[test]
fn moments_lie_outside_the_range_beside_the_interval_and_before_1970() {
    let name = "metrics-out-of-range";
    let data_out = data(name);
    let times: BTreeSet<i64> = data_out.ints(TIME).into_iter().collect();
    let parameters = spec(name).parameters;
    let (start, end) = (parameters.start.unwrap(), parameters.end.unwrap());
    assert!([start, start - 1, end, end - 1].iter().all(|time| times.contains(time)));
    assert!((200..1_000).contains(&outside(&data_out, name)));
    let name = "metrics-all-out-of-range";
    let none = data(name);
    assert_eq!(outside(&none, name), none.rows().count());
    assert!(spec(name).expect.no_rows);
    let name = "metrics-unaligned";
    let unaligned = data(name);
    assert!(unaligned.ints(TIME).iter().filter(|time| **time % 10_000 != 0).count() > 1_000);
    assert!(spec(name).parameters.start.unwrap() % 10_000 != 0 && outside(&unaligned, name) > 10);
    let name = "metrics-negative-timestamps";
    let negative = data(name);
    let times = negative.ints(TIME);
    let below = |low: i64, high: i64| times.iter().filter(|time| (low..high).contains(*time)).count();
    assert!(below(-10_000, 0) > 50 && below(0, 10_000) > 50, "both are aligned to zero");
    assert_eq!(outside(&negative, name), 0);
    let both = |key: &&(i64, i64, Option<Cell>)| key.1 == 0;
    assert!(points(&negative, name).keys().filter(both).count() > 50);
}

#[test]
fn what_must_be_refused_is_there() {
    let both = |class: &'static str| (Some(class), Some(class));
    for (name, expected) in [
        ("metrics-type-conflict", both("schema-conflict")),
        ("metrics-count-as-int64", both("schema-conflict")),
        ("metrics-null-tid", both("input")),
        ("metrics-no-tid-column", both("input")),
        ("metrics-interval-not-dividing", both("config")),
        ("metrics-unsorted", (None, Some("unsorted"))),
    ] {
        let expect = spec(name).expect;
        assert_eq!((expect.baseline.as_deref(), expect.candidate.as_deref()), expected, "{name}");
    }
    let conflict = data("metrics-type-conflict");
    assert_eq!(conflict.files[0].schema["metric.code"], DataType::Utf8);
    assert_eq!(conflict.files[1].schema["metric.code"], DataType::Int64);
    let counts = data("metrics-count-as-int64");
    assert!(counts.files.iter().all(|file| file.schema["rollup_count"] == DataType::Int64));
    let null = data("metrics-null-tid");
    assert_eq!(null.nulls(TID), 1);
    let at = null.files[1].rows.iter().position(|row| !row.contains_key(TID)).unwrap();
    assert!(at > 0, "not the first row");
    assert!(data("metrics-no-tid-column").files.iter().all(|file| !file.schema.contains_key(TID)));
}

#[test]
fn columns_differ_by_input_and_labels_by_row() {
    let differing = data("metrics-differing-columns");
    let schemas: BTreeSet<Vec<&String>> =
        differing.files.iter().map(|file| file.schema.keys().collect()).collect();
    assert_eq!(schemas.len(), 4);
    let overlap = data("metrics-overlap-5");
    let labels = series(&overlap).values().any(|rows| {
        rows.iter().map(|row| &row["metric.scraper"]).collect::<BTreeSet<_>>().len() > 1
            && rows.iter().map(|row| &row["_cardinalhq.collector_id"]).collect::<BTreeSet<_>>().len() > 1
    });
    assert!(labels, "a merged row shows whose labels it has");
    let unicode = data("metrics-unicode");
    let names: BTreeSet<&Cell> = unicode.rows().map(|row| &row[NAME]).collect();
    assert_eq!(names.len(), 6);
}
