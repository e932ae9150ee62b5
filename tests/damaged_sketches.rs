//! Damaged sketches: the legacy writer's decoder and the harness's lenient one, which share no code, take the same of them.

use parallax::rollup::sketch::{Mapping, Sketch};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const QUANTILES: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// What is damaged: a whole sketch, in one of the forms of bins that there are, perhaps with exact statistics.
fn whole() -> impl Strategy<Value = Vec<u8>> {
    let values = prop::collection::vec(prop_oneof![Just(0.0), -1e9..1e9_f64, 0.1..10.0_f64], 0..40);
    let bins = prop::collection::vec((0_u8..0x80, 0_u8..0x20), 0..12);
    let exact = prop::sample::select(vec![None, Some(0xa0_u8), Some(0x84), Some(0x88), Some(0x8c)]);
    (values, bins, exact).prop_map(|(values, bins, exact)| {
        let mut sketch = legacy::sketch::Sketch::default();
        for value in &values {
            sketch.add(*value).unwrap();
        }
        let mut bytes = sketch.encode();
        if let Some(flag) = exact {
            bytes.push(flag);
            bytes.extend([0x02; 8]);
        }
        // Bare indexes of negative values, then a run of positive counts.
        bytes.extend([0x0b, bins.len() as u8]);
        bytes.extend(bins.iter().map(|bin| bin.0));
        bytes.extend([0x0d, bins.len() as u8, 0x84, 0x01, 0x02]);
        bytes.extend(bins.iter().map(|bin| bin.1));
        bytes
    })
}

/// Bytes that were cut off, of which one may have been changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (whole(), any::<prop::sample::Index>(), change).prop_map(|(mut bytes, at, change)| {
        bytes.truncate(at.index(bytes.len() + 1));
        if let Some((at, byte)) = change.filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

#[test]
fn both_decoders_take_the_same_of_damaged_sketches_and_say_the_same_of_their_sum() {
    let mapping = Mapping::new(0.01).exact();
    let (mut taken, mut refused, mut torn) = (0, 0, 0);
    let mut runner = TestRunner::deterministic();
    for _ in 0..1_000 {
        let (one, other) = (damaged(), damaged()).new_tree(&mut runner).unwrap().current();
        let decode = |bytes: &[u8]| {
            let (theirs, ours) =
                (legacy::sketch::Sketch::decode(bytes), Sketch::decode_leniently(bytes, &mapping));
            assert_eq!(theirs.is_ok(), ours.is_ok(), "{theirs:?} {ours:?} {bytes:02x?}");
            theirs.ok().zip(ours.ok())
        };
        torn += u64::from(Sketch::decode_both(&one, &mapping).1.is_some());
        let (Some((mut theirs, mut ours)), Some((theirs_too, ours_too))) = (decode(&one), decode(&other))
        else {
            refused += 1;
            continue;
        };
        taken += 1;
        theirs.merge(&theirs_too);
        ours.add(&ours_too);
        let facts = ours.facts(&mapping);
        let said = || format!("{theirs:?} {ours:?} {one:02x?} {other:02x?}");
        assert_eq!(theirs.encode(), ours.encode(&mapping), "{}", said());
        assert_eq!(theirs.count().to_bits(), facts.count.to_bits(), "{}", said());
        if ours.is_empty() {
            continue;
        }
        assert_eq!(theirs.sum().to_bits(), facts.sum.to_bits(), "{}", said());
        assert_eq!(theirs.min().unwrap().to_bits(), facts.min.to_bits(), "{}", said());
        assert_eq!(theirs.max().unwrap().to_bits(), facts.max.to_bits(), "{}", said());
        for quantile in QUANTILES {
            let (theirs, ours) = (theirs.quantile(quantile).unwrap(), ours.quantile(quantile, &mapping));
            assert_eq!(Some(theirs.to_bits()), ours.map(f64::to_bits), "{}", said());
        }
    }
    assert!(taken > 250 && refused > 100 && torn > 250, "{taken} {refused} {torn}");
}
