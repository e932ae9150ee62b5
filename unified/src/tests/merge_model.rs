//! The merger against the plainest way to say the same: rows in maps, one at a time.

use proptest::prelude::*;

use super::points::*;
use super::*;
use crate::TidMergeJob;
use crate::rollup::sketch::Sketch;

const INTERVAL: i64 = 7;
const START: i64 = -21;
const END: i64 = 35;

/// Rows that are left, in order, and what became of the others.
fn model(segments: &[Vec<Point>]) -> (Vec<Got>, BTreeMap<String, u64>, u64) {
    let mut groups: BTreeMap<i64, Vec<(i64, Point)>> = BTreeMap::new();
    for (n, row) in segments.iter().flatten().enumerate() {
        groups.entry(row.tid.unwrap()).or_default().push((n as i64, row.clone()));
    }
    let (mut rows, mut dropped, mut merged) = (Vec::new(), BTreeMap::new(), 0);
    for (tid, group) in groups {
        let lone = group.len() == 1;
        let mut keys: BTreeMap<(i64, &str), Vec<(Got, Sketch)>> = BTreeMap::new();
        for (n, row) in &group {
            let time = row.time.map(|time| time / INTERVAL * INTERVAL);
            let mut sketch = Sketch::default();
            let bytes = row.sketch.as_deref();
            let reason = match row.time {
                None => Some("missing_timestamp"),
                Some(time) if !(START..END).contains(&time) => Some("out_of_range"),
                Some(_) if lone => None,
                Some(_) if row.name.is_none() => Some("missing_name"),
                Some(_) if bytes.is_none() => Some("missing_sketch"),
                Some(_) if bytes == Some(b"") => match (row.count, row.sum) {
                    (Some(1.0), Some(sum)) => {
                        sketch.set_value(sum);
                        None
                    }
                    _ => Some("empty_sketch"),
                },
                Some(_) => sketch.decode(bytes.unwrap()).is_err().then_some("undecodable_sketch"),
            };
            if let Some(reason) = reason {
                *dropped.entry(reason.to_string()).or_default() += 1;
                continue;
            }
            let got = Got {
                tid,
                time: time.unwrap(),
                n: *n,
                sketch: row.sketch.clone(),
                count: row.count,
                sum: row.sum,
            };
            keys.entry((got.time, row.name.unwrap_or(""))).or_default().push((got, sketch));
        }
        for (_, mut same) in keys {
            let contributions = same.len() as u64;
            let (mut first, mut sum) = same.remove(0);
            if contributions > 1 {
                same.iter().for_each(|(_, sketch)| sum.merge(sketch));
                if sum.min().is_none() {
                    *dropped.entry("empty_merge".to_string()).or_default() += contributions;
                    continue;
                }
                let mut bytes = Vec::new();
                sum.encode(&mut bytes);
                (first.sketch, first.count, first.sum) = (Some(bytes), Some(sum.count()), Some(sum.sum()));
                merged += contributions - 1;
            }
            rows.push(first);
        }
    }
    (rows, dropped, merged)
}

fn any_point() -> impl Strategy<Value = Point> {
    let tid = prop_oneof![6 => -3..12i64, 1 => prop::sample::select(vec![i64::MIN, i64::MAX, i64::MAX - 1])];
    let time = prop_oneof![12 => START..END, 1 => any::<i64>()];
    let sketches = prop_oneof![
        8 => prop::collection::vec(-100.0..100.0, 1..5).prop_map(|values| sketch(&values)),
        2 => Just(Vec::new()),
        1 => Just(vec![0xfe]),
        1 => Just(sketch(&[])),
    ];
    let name = prop::sample::select(vec!["", "a", "a", "a", "b", "é"]);
    (
        tid,
        prop::option::weighted(0.95, time),
        prop::option::weighted(0.95, name),
        prop::option::weighted(0.95, sketches),
        prop::option::weighted(0.9, prop::sample::select(vec![1.0, 1.0, 2.0])),
        prop::option::weighted(0.9, prop_oneof![9 => -10.0..10.0, 1 => Just(f64::INFINITY)]),
    )
        .prop_map(|(tid, time, name, sketch, count, sum)| Point {
            tid: Some(tid),
            time,
            name,
            sketch,
            count,
            sum,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn merging_by_runs_of_batches_is_merging_row_by_row(
        mut segments in prop::collection::vec(prop::collection::vec(any_point(), 0..60), 1..20),
        limit in prop::sample::select(vec![1u64 << 10, 1 << 15, 1 << 26]),
        estimate in prop::sample::select(vec![0i64, 1, 10]),
    ) {
        segments.iter_mut().for_each(|rows| rows.sort_by_key(|row| row.tid));
        let bench = Bench::of(&segments);
        let job = TidMergeJob {
            interval: INTERVAL,
            start: START,
            end: END,
            row_estimate: estimate,
            memory_limit: limit,
            threads: 1,
            sync: false,
            ..bench.merge()
        };
        let outcome = job.run().unwrap();
        let (rows, dropped, merged) = model(&segments);
        // Floats by their text: NaN is equal to itself here.
        prop_assert_eq!(format!("{:?}", got(&outcome.files())), format!("{rows:?}"));
        prop_assert_eq!(&outcome.rows_dropped, &dropped);
        prop_assert_eq!(outcome.rows_merged, merged);
        bench.place.assert_only(&outcome.files());
    }
}
