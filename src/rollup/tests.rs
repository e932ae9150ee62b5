use std::collections::HashMap;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::sketch::{Fault, Mapping, Sketch};
use super::testing::{
    ACCURACY, Golden, MetricRow, columns, cut, encode, golden, job, merged, row, segment, sketch_of,
    sketch_with, with_exact_count,
};
use super::*;
use crate::check::fixture::{floats, with};
use crate::output::ReadOptions;
use crate::output::testing::write;

fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vectors.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn decode(bytes: &[u8]) -> std::result::Result<Sketch, Fault> {
    Sketch::decode(bytes, &Mapping::new(ACCURACY))
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    a == b || (a - b).abs() <= relative * a.abs().max(b.abs())
}

#[test]
fn recorded_sketches_say_what_the_original_said_of_them() {
    let vectors = vectors();
    let mapping = Mapping::new(ACCURACY);
    for vector in vectors["ddsketch"].as_array().unwrap() {
        let sketch = decode(&hex(&vector["encoded_hex"])).unwrap();
        let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
        let facts = sketch.facts(&mapping);
        assert_eq!(facts.count, vector["count"].as_f64().unwrap());
        assert!((facts.sum - number(&vector["sum"])).abs() <= 1e-12 * facts.magnitude, "{vector}");
        let values: Vec<f64> = vector["values"].as_array().unwrap().iter().map(number).collect();
        let mut made = Sketch::default();
        for value in &values {
            made.add(&Sketch::of(*value, &mapping).unwrap_or_default());
        }
        assert!(made.same(&sketch), "{vector}");
        if sketch.is_empty() {
            assert_eq!(sketch.quantile(0.5, &mapping), None);
            continue;
        }
        assert!(close(facts.min, number(&vector["min"]), 1e-12), "{vector}");
        assert!(close(facts.max, number(&vector["max"]), 1e-12), "{vector}");
        let exact = mapping.exact();
        let facts = sketch.facts(&exact);
        assert_eq!(facts.sum.to_bits(), number(&vector["sum"]).to_bits(), "{vector}");
        assert_eq!(facts.min.to_bits(), number(&vector["min"]).to_bits(), "{vector}");
        assert_eq!(facts.max.to_bits(), number(&vector["max"]).to_bits(), "{vector}");
        let said = vector["q25_50_75_90_95_99"].as_array().unwrap();
        for (quantile, said) in testing::QUANTILES.into_iter().zip(said) {
            assert!(close(sketch.quantile(quantile, &mapping).unwrap(), number(said), 1e-12), "{vector}");
            assert_eq!(
                sketch.quantile(quantile, &exact).unwrap().to_bits(),
                number(said).to_bits(),
                "{vector}"
            );
        }
    }
}

#[test]
fn recorded_merges_have_the_bins_that_the_original_made() {
    let vectors = vectors();
    let cases = vectors["merge_encoded"].as_array().unwrap();
    assert!(cases.len() > 100);
    for case in cases {
        let sum = decode(&hex(&case["A"])).and_then(|mut a| {
            a.add(&decode(&hex(&case["B"]))?);
            Ok(a)
        });
        match sum {
            Ok(sum) => {
                assert_eq!(case["Err"], "", "{case}");
                assert!(sum.same(&decode(&hex(&case["Merged"])).unwrap()), "{case}");
                assert_eq!(sum.encode(&Mapping::new(ACCURACY)), hex(&case["Merged"]), "{case}");
            }
            Err(fault) => assert_ne!(case["Err"], "", "{fault:?} {case}"),
        }
    }
}

#[test]
fn another_accuracy_and_broken_bytes_are_told_apart() {
    assert_eq!(decode(&encode(&sketch_with(&[1.0], 0.02), 0.02)).unwrap_err(), Fault::OtherMapping);
    let good = encode(&sketch_of(&[1.0, -2.0, 0.0]), ACCURACY);
    assert!(decode(&good).unwrap().same(&sketch_of(&[1.0, -2.0, 0.0])));
    for length in [1, 5, 18, good.len() - 1] {
        assert!(matches!(decode(&good[..length]), Err(Fault::Malformed(_))), "{length}");
    }
    assert!(matches!(decode(b"garbage"), Err(Fault::Malformed(_) | Fault::OtherMapping)));
    // A store of unknown form is an empty one.
    assert!(decode(&[0xfd]).unwrap().is_empty());
    // Exact statistics are read past; a count of 1 and eight bytes of a sum.
    assert!(decode(&[0xa0, 2, 0x84, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap().is_empty());
}

/// Bytes of our mapping and what follows.
fn mapped(rest: &[u8]) -> Vec<u8> {
    [&encode(&Sketch::default(), ACCURACY)[..], rest].concat()
}

fn leniently(bytes: &[u8]) -> std::result::Result<Sketch, Fault> {
    Sketch::decode_leniently(bytes, &Mapping::new(ACCURACY))
}

#[test]
fn the_lenient_way_takes_damaged_stores_as_far_as_they_can_be_read() {
    // Each with the bins that are read, and what is read of the negative ones.
    type Bin = (i64, f64);
    let cases: [(&[u8], &[Bin], &[Bin]); 9] = [
        (&[0x05], &[], &[]),
        (&[0x05, 0xff], &[], &[]),
        (&[0x05, 0x02, 0x02, 0x83], &[], &[]),
        (&[0x05, 0x02, 0x02, 0x02, 0x08, 0x83], &[(1, 1.0)], &[]),
        (&[0x09, 0x02, 0x04], &[(2, 1.0)], &[]),
        (&[0x09, 0x02, 0x04, 0x81, 0x83], &[(2, 1.0)], &[]),
        (&[0x0d, 0x02, 0x04], &[], &[]),
        (&[0x0d, 0x02, 0x04, 0x02, 0x02], &[(2, 1.0)], &[]),
        (&[0x09, 0x01, 0x04, 0x0b, 0x02, 0x06], &[(2, 1.0)], &[(3, 1.0)]),
    ];
    for (rest, positive, negative) in cases {
        let bytes = mapped(rest);
        let lenient = leniently(&bytes).unwrap();
        assert_eq!((lenient.positive.all(), lenient.negative.all()), (positive, negative), "{rest:x?}");
        assert!(matches!(decode(&bytes), Err(Fault::Malformed(_))), "{rest:x?}");
        let (strict, other) = Sketch::decode_both(&bytes, &Mapping::new(ACCURACY));
        assert!(strict.is_err() && other.is_some_and(|other| other.unwrap().same(&lenient)));
    }
    // Read again as flags: an exact sum, a mapping of unknown kind, a flag of no known kind.
    for rest in [&[0x09, 0x02, 0x04, 0x84][..], &[0x09, 0x01, 0x82], &[0x09, 0x01, 0x80], &[0x04, 0x82]] {
        assert!(leniently(&mapped(rest)).is_err(), "{rest:x?}");
    }
    for length in 1..17 {
        assert!(leniently(&mapped(&[])[..length]).is_err(), "{length}");
    }
}

#[test]
fn the_lenient_way_takes_eight_bytes_for_an_exact_count() {
    let exact = mapped(&[0xa0, 2, 2, 2, 2, 2, 2, 2, 2, 0x09, 1, 4]);
    assert_eq!(leniently(&exact).unwrap().positive.all(), [(2, 1.0)]);
    // As other libraries write it the store behind it is swallowed; with too few bytes the sketch is refused.
    let other = mapped(&[0xa0, 2, 0x09, 1, 4, 0x09, 1, 6, 0x04, 0x09, 1, 4]);
    let (strict, lenient) = Sketch::decode_both(&other, &Mapping::new(ACCURACY));
    assert!(strict.is_err() && lenient.is_some_and(|it| it.unwrap().positive.all() == [(2, 1.0)]));
    let short = mapped(&[0xa0, 2, 0x09, 1, 4]);
    let (strict, lenient) = Sketch::decode_both(&short, &Mapping::new(ACCURACY));
    assert!(strict.unwrap().positive.all() == [(2, 1.0)] && lenient.is_some_and(|it| it.is_err()));
    // What both take alike is given once.
    let whole = encode(&sketch_of(&[1.0, -2.0, 0.0]), ACCURACY);
    assert!(Sketch::decode_both(&whole, &Mapping::new(ACCURACY)).1.is_none());
}

#[test]
fn announced_bins_cost_nothing_and_wild_indexes_no_memory() {
    let most = [0xff; 9];
    let mut bytes = vec![0x09];
    bytes.extend(most);
    assert!(decode(&bytes).is_err());
    // Two bins at the far ends of the numbers.
    let mut far = vec![0x09, 2];
    far.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    far.push(1);
    let sketch = decode(&far).unwrap();
    assert_eq!(sketch.bins(), 2);
    let facts = sketch.facts(&Mapping::new(ACCURACY));
    assert_eq!(facts.count, 2.0);
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(sketch) = decode(&bytes) {
            let mapping = Mapping::new(ACCURACY);
            let mut sum = sketch.clone();
            sum.add(&sketch);
            let _ = (sum.facts(&mapping), sum.quantile(0.5, &mapping), sum.same(&sketch));
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(values in proptest::collection::vec(-1e9..1e9_f64, 0..50)) {
        let sketch = sketch_of(&values);
        prop_assert!(decode(&encode(&sketch, ACCURACY)).unwrap().same(&sketch));
    }
}

/// Points of the model by key.
fn model_of(folder: &Path, inputs: &[&[MetricRow]]) -> Model {
    let paths = inputs
        .iter()
        .enumerate()
        .map(|(number, rows)| segment(&folder.join(format!("in-{number}.parquet")), rows))
        .collect();
    known(Model::open(&job(paths), &Cancel::default()).unwrap())
}

fn known<T>(modelled: Modelled<T>) -> T {
    match modelled {
        Modelled::Known(value) => value,
        Modelled::Unknown(reason) => panic!("no model: {reason}"),
    }
}

fn gathered(model: &Model) -> (Account, Vec<Point>) {
    let mut points = Vec::new();
    let account = model.run(&Cancel::default(), |point| points.push(point)).unwrap();
    (account, points)
}

#[test]
fn rows_of_one_point_are_merged_and_the_rest_passes() {
    let folder = tempfile::tempdir().unwrap();
    let a = [row(-5, 61_000, &[5.0]), row(7, 60_001, &[1.0]), row(7, 75_000, &[4.0])];
    let b = [row(-5, 69_999, &[9.0]), row(8, 60_000, &[2.0])];
    let (account, points) = gathered(&model_of(folder.path(), &[&a, &b]));
    let told: Vec<_> = points.iter().map(|it| (it.group, it.time, it.kind)).collect();
    assert_eq!(
        told,
        [
            (-5, 60_000, Kind::Merged),
            (7, 60_000, Kind::Single),
            (7, 70_000, Kind::Single),
            (8, 60_000, Kind::Lone)
        ]
    );
    let sketch = points[0].merged.as_ref().unwrap();
    assert!(sketch.same(&sketch_of(&[5.0, 9.0])));
    let sum = sketch.facts(&Mapping::new(ACCURACY)).sum;
    assert!(close(sum, 13.938_248_218_874_275, 1e-15), "{sum}");
    let counts = &account.all;
    assert_eq!((counts.rows_in, counts.lone, counts.single), (5, 1, 2));
    assert_eq!((counts.merged_in, counts.merged_out, counts.merged(), counts.expected()), (2, 1, 1, 4));
}

#[test]
fn each_reason_drops_its_rows_and_a_lone_row_is_asked_for_its_time_only() {
    let folder = tempfile::tempdir().unwrap();
    let one = |change: fn(&mut MetricRow)| {
        let mut row = row(3, 60_000, &[2.0]);
        change(&mut row);
        row
    };
    let mut rows = vec![
        one(|row| row.time = None),
        one(|row| row.time = Some(59_999)),
        one(|row| row.time = Some(120_000)),
        one(|row| row.name = None),
        one(|row| row.sketch = None),
        one(|row| (row.sketch, row.rollups[0]) = (Some(Vec::new()), Some(2.0))),
        one(|row| (row.sketch, row.rollups[1]) = (Some(Vec::new()), None)),
        one(|row| row.sketch = Some(b"garbage".to_vec())),
        one(|row| row.sketch = Some(encode(&sketch_with(&[2.0], 0.05), 0.05))),
        one(|row| (row.sketch, row.name) = (Some(encode(&Sketch::default(), ACCURACY)), Some("none"))),
        one(|row| (row.sketch, row.name) = (Some(encode(&Sketch::default(), ACCURACY)), Some("none"))),
        // What no sketch can hold counts as a contribution all the same.
        one(|row| (row.sketch, row.rollups[1]) = (Some(Vec::new()), Some(f64::NAN))),
        one(|_| {}),
    ];
    let lone = MetricRow { sketch: Some(b"junk".to_vec()), name: None, ..row(4, 60_000, &[1.0]) };
    rows.push(lone);
    rows.push(row(5, 130_000, &[1.0]));
    let (account, points) = gathered(&model_of(folder.path(), &[&rows]));
    let dropped: Vec<_> = account.all.dropped.clone().into_iter().collect();
    assert_eq!(
        dropped,
        [
            ("empty_merge", 2),
            ("empty_sketch", 2),
            ("missing_name", 1),
            ("missing_sketch", 1),
            ("missing_timestamp", 1),
            ("out_of_range", 3),
            ("undecodable_sketch", 2),
        ]
    );
    let kinds: Vec<_> = points.iter().map(|it| (it.group, it.kind)).collect();
    assert_eq!(kinds, [(3, Kind::Merged), (4, Kind::Lone)]);
    let counts = &account.all;
    assert_eq!(counts.rows_in, counts.expected() + counts.drops() + counts.merged());
}

#[test]
fn points_that_damaged_sketches_touch_are_worked_out_by_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        // The first bin of the damaged one is read.
        row(1, 60_000, &[5.0]),
        cut(row(1, 60_001, &[9.0, 100.0]), 1),
        // First the damaged one.
        cut(row(2, 60_000, &[9.0, 100.0]), 1),
        row(2, 60_001, &[5.0]),
        // Alone in its point, in a group of two; the other point is not touched.
        cut(row(3, 60_000, &[9.0]), 1),
        row(3, 75_000, &[5.0]),
        // Read as nothing, twice.
        cut(row(4, 60_000, &[9.0]), 1),
        cut(row(4, 60_001, &[9.0]), 1),
        // Alone in its group.
        cut(row(5, 60_000, &[9.0]), 1),
        with_exact_count(row(6, 60_000, &[9.0])),
        row(6, 75_000, &[5.0]),
    ];
    let plain = model_of(folder.path(), &[&rows]);
    let (strict, strict_points) = gathered(&plain);
    assert_eq!((strict.damaged, strict.lenient.is_some()), (0, false));
    let model = plain.leniently_too(true);
    let (account, points) = gathered(&model);
    assert_eq!((account.all.clone(), account.damaged), (strict.all, 6));
    let told = |reading: Reading| {
        let of = points.iter().filter(move |it| it.reading == reading);
        of.map(|it| (it.group, it.time, it.kind, it.origin.1)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(Reading::Strict),
        [(1, 60_000, Kind::Single, 0), (2, 60_000, Kind::Single, 3), (6, 60_000, Kind::Single, 9)]
    );
    assert_eq!(
        told(Reading::Lenient),
        [(1, 60_000, Kind::Merged, 0), (2, 60_000, Kind::Merged, 2), (3, 60_000, Kind::Single, 4)]
    );
    assert_eq!(
        told(Reading::Both),
        [(3, 70_000, Kind::Single, 5), (5, 60_000, Kind::Lone, 8), (6, 70_000, Kind::Single, 10)]
    );
    assert_eq!(strict_points.len(), 6);
    let lenient = account.by(sketch::Decoding::Lenient);
    let dropped = |counts: &Counts| counts.dropped.clone().into_iter().collect::<Vec<_>>();
    assert_eq!(dropped(&account.all), [("undecodable_sketch", 5)]);
    assert_eq!(dropped(&lenient.all), [("empty_merge", 2), ("undecodable_sketch", 1)]);
    for counts in [&account.all, &lenient.all] {
        assert_eq!(counts.rows_in, counts.expected() + counts.drops() + counts.merged());
    }
    let merged = points.iter().find(|it| it.reading == Reading::Lenient && it.group == 1).unwrap();
    assert!(merged.merged.as_ref().unwrap().same(&sketch_of(&[5.0, 9.0])));
    // Found again by the way of decoding that is asked for.
    let (_, kept) = known(model.points(0, 1, u64::MAX, &Cancel::default()).unwrap());
    let kind = |group: i64, decoding| {
        let key = key_hash(group, 60_000, Some("cpu"));
        kept.get(key, decoding).map(|(number, it)| {
            assert_eq!(kept.all()[number].group, group);
            it.kind
        })
    };
    use sketch::Decoding::{Lenient, Strict};
    assert_eq!((kind(1, Strict), kind(1, Lenient)), (Some(Kind::Single), Some(Kind::Merged)));
    assert_eq!((kind(3, Strict), kind(3, Lenient)), (None, Some(Kind::Single)));
    assert_eq!((kind(6, Strict), kind(6, Lenient)), (Some(Kind::Single), None));
    assert_eq!((kind(4, Strict), kind(4, Lenient)), (None, None));
    assert_eq!((kind(5, Strict), kind(5, Lenient)), (Some(Kind::Lone), Some(Kind::Lone)));
}

#[test]
fn times_are_cut_toward_zero_and_a_negative_interval_is_as_good_as_its_opposite() {
    assert_eq!(aligned(-15_000, 10_000), -10_000);
    assert_eq!(aligned(-15_000, -10_000), -10_000);
    assert_eq!(aligned(15_000, -10_000), 10_000);
    assert_eq!(aligned(i64::MIN, -1), i64::MIN);
}

#[test]
fn the_highest_group_is_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    let highest = [60_000, 60_001, 75_000, 1].map(|time| row(i64::MAX, time, &[1.0]));
    let rows: Vec<_> = std::iter::once(row(1, 60_000, &[1.0])).chain(highest).collect();
    let (account, _) = gathered(&model_of(folder.path(), &[&rows]));
    assert_eq!((account.highest.rows_in, account.highest.expected()), (4, 2));
    let rest = account.without_highest();
    assert_eq!((rest.rows_in, rest.lone, rest.expected(), rest.drops()), (1, 1, 1, 0));
}

#[test]
fn where_inputs_do_not_allow_a_model_the_reason_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    let reason = |job: &Job| {
        let modelled = match Model::open(job, &Cancel::default()).unwrap() {
            Modelled::Known(model) => model.account(&Cancel::default()).unwrap(),
            Modelled::Unknown(reason) => Modelled::Unknown(reason),
        };
        match modelled {
            Modelled::Known(_) => panic!("a model"),
            Modelled::Unknown(reason) => reason,
        }
    };
    let unsorted = segment(&path, &[row(2, 60_000, &[1.0]), row(1, 60_000, &[1.0])]);
    assert!(reason(&job(vec![unsorted])).contains("not sorted by _cardinalhq.tid: row 1 holds 1 after 2"));
    let keyless = segment(&path, &[MetricRow { tid: None, ..row(2, 60_000, &[1.0]) }]);
    assert!(reason(&job(vec![keyless.clone()])).contains("row 0 has no _cardinalhq.tid"));
    write(&path, &with(&columns(&[row(1, 0, &[1.0])]), "_cardinalhq.tid", floats(&[1.0])));
    assert!(reason(&job(vec![keyless.clone()])).contains("is Float64 where merging wants Int64"));
    assert!(reason(&job(Vec::new())).contains("inputs are unknown"));
    let mut without = job(vec![keyless]);
    without.parameters.interval = None;
    assert!(reason(&without).contains("names no interval"));
}

#[test]
fn parts_hold_every_point_once_and_a_bound_that_is_too_small_keeps_none() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..500).map(|tid| row(tid, 60_000, &[1.0])).collect();
    let model = model_of(folder.path(), &[&rows]);
    let cancel = Cancel::default();
    let mut groups = Vec::new();
    for part in 0..3 {
        let (_, points) = known(model.points(part, 3, u64::MAX, &cancel).unwrap());
        assert!((100..240).contains(&points.all().len()));
        groups.extend(points.all().iter().map(|it| it.group));
    }
    groups.sort_unstable();
    assert_eq!(groups, (0..500).collect::<Vec<_>>());
    let (account, points) = known(model.points(0, 1, 1_000, &cancel).unwrap());
    assert!(points.overflowed && points.all().is_empty() && points.bytes > 50_000);
    assert_eq!(account.all.lone, 500);
}

/// Rows of an output, each held against its point; returns how many there were. `largest` takes the largest relative difference
/// of a column that is no sum.
fn hold(case: &str, model: &Model, points: Vec<Point>, outputs: &[OutputFile], largest: &mut f64) -> usize {
    let mut expected: HashMap<u128, Point> =
        points.into_iter().filter(|it| it.group != i64::MAX).map(|it| (it.key, it)).collect();
    let mut rows = 0;
    for file in outputs {
        let options = ReadOptions { columns: Some(model.columns.all()), ..ReadOptions::default() };
        for located in file.read(options).unwrap() {
            let block = Block::new(&located.unwrap().batch, &model.columns);
            for row in 0..block.rows() {
                rows += 1;
                let key = key_hash(block.group(row).unwrap(), block.time(row).unwrap(), block.name(row));
                let point = expected.remove(&key).unwrap_or_else(|| {
                    panic!("{case}: {:?} {:?} is not expected", block.group(row), block.time(row))
                });
                let Some(sketch) = &point.merged else {
                    assert_eq!(bytes_hash(block.sketch(row)), point.stored, "{case}");
                    assert_eq!(block.cells(row), point.cells, "{case}");
                    continue;
                };
                let found = decode(block.sketch(row).unwrap()).unwrap();
                assert!(found.same(sketch), "{case}: {} {}", point.group, point.time);
                let (facts, wanted) = rollups(sketch, &model.columns.quantiles, &model.mapping);
                for (column, wanted) in wanted.into_iter().enumerate() {
                    let (found, wanted) = (block.rollup(row, column).unwrap(), wanted.unwrap());
                    if found != wanted && column > 2 {
                        *largest = largest.max((found - wanted).abs() / found.abs().max(wanted.abs()));
                    }
                    let near = (found - wanted).abs() <= 1e-12 * facts.magnitude;
                    assert!(close(found, wanted, 1e-9) || near, "{case}: {column} {found} {wanted}");
                }
            }
        }
    }
    assert!(expected.is_empty(), "{case}: {} points are not in the output", expected.len());
    rows
}

#[test]
fn the_model_yields_what_the_original_merged() {
    let cases = golden();
    let (mut held, mut total, mut largest) = (0, 0, 0.0_f64);
    for Golden { name, job, outputs, out_of_range } in &cases {
        let model = known(Model::open(job, &Cancel::default()).unwrap()).leniently_too(true);
        let mut points = Vec::new();
        let take = |point: Point| {
            if point.reading.is_of(sketch::Decoding::Lenient) {
                points.push(point);
            }
        };
        let account = match model.run(&Cancel::default(), take) {
            Ok(account) => account.by(sketch::Decoding::Lenient).clone(),
            Err(Stop::NoModel(reason)) => {
                println!("{name}: {reason}");
                continue;
            }
            Err(Stop::Failed(error)) => panic!("{name}: {error}"),
        };
        let outputs: Vec<OutputFile> =
            outputs.iter().map(|path| OutputFile::open(path, "out").unwrap()).collect();
        let rest = account.without_highest();
        assert_eq!(rest.dropped_as("out_of_range"), *out_of_range, "{name}");
        let rows = hold(name, &model, points, &outputs, &mut largest);
        assert_eq!(rows as u64, rest.expected(), "{name}");
        held += 1;
        total += rows;
    }
    println!("{held} of {} cases, {total} rows, extremes and quantiles within {largest:.1e}", cases.len());
    assert!(cases.is_empty() || held > 40, "{held}");
}

#[test]
fn a_merged_row_of_the_tests_is_what_the_model_expects() {
    let values = [5.0, 9.0];
    let row = merged(1, 60_000, &values);
    assert!(decode(row.sketch.as_deref().unwrap()).unwrap().same(&sketch_of(&values)));
    assert!(close(row.rollups[1].unwrap(), 13.938_248_218_874_275, 1e-15));
}
