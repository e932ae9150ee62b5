//! The codec against the original's vectors, and against arbitrary bytes.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::{Sketch, SketchError};

/// The vectors of the original that are committed with the golden files.
fn vectors() -> Value {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}

fn of(values: &[f64]) -> Sketch {
    let mut sketch = Sketch::default();
    for value in values {
        let _ = sketch.add(*value);
    }
    sketch
}

#[test]
fn merged_sketches_are_the_originals_byte_for_byte() {
    let vectors = vectors();
    let cases = vectors["merge_encoded"].as_array().unwrap();
    assert_eq!(cases.len(), 117);
    for case in cases {
        let mut merged = Sketch::decode(&unhex(&case["A"])).unwrap();
        merged.merge(&Sketch::decode(&unhex(&case["B"])).unwrap());
        assert_eq!(merged.encode(), unhex(&case["Merged"]), "{case}");
        assert_eq!(case["Err"], "");
    }
}

#[test]
fn counts_sums_bounds_and_quantiles_are_the_originals_bit_for_bit() {
    let vectors = vectors();
    let cases = vectors["ddsketch"].as_array().unwrap();
    assert_eq!(cases.len(), 22);
    for case in cases {
        let mut added = Sketch::default();
        let errors: Vec<String> = case["values"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|value| added.add(number(value)).err())
            .map(|error| error.to_string())
            .collect();
        let expected: Vec<&str> =
            case["add_errors"].as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(errors, expected, "{case}");
        // The vector was written by another kind of store; what it holds is the same.
        assert_eq!(added, Sketch::decode(&unhex(&case["encoded_hex"])).unwrap(), "{case}");
        assert_eq!(added.count(), case["count"].as_f64().unwrap(), "{case}");
        assert_eq!(added.sum().to_bits(), number(&case["sum"]).to_bits(), "sum of {case}");
        if case["min"] == "" {
            assert_eq!(
                (added.min(), added.max()),
                (Err(SketchError::EmptyStore), Err(SketchError::EmptyStore))
            );
            assert_eq!(added.quantile(0.5), Err(SketchError::Empty));
            continue;
        }
        assert_eq!(added.min().unwrap().to_bits(), number(&case["min"]).to_bits(), "min of {case}");
        assert_eq!(added.max().unwrap().to_bits(), number(&case["max"]).to_bits(), "max of {case}");
        let quantiles = case["q25_50_75_90_95_99"].as_array().unwrap();
        for (quantile, expected) in [0.25, 0.5, 0.75, 0.9, 0.95, 0.99].into_iter().zip(quantiles) {
            let got = added.quantile(quantile).unwrap();
            assert_eq!(got.to_bits(), number(expected).to_bits(), "quantile {quantile} of {case}");
        }
    }
}

#[test]
fn five_and_nine_sum_up_to_what_their_bins_stand_for() {
    assert_eq!(of(&[5.0, 9.0]).sum(), 13.938_248_218_874_275);
}

#[test]
fn what_is_no_sketch_of_this_accuracy_is_refused() {
    let cases: [(&[u8], SketchError); 5] = [
        (b"\x02", SketchError::Eof),
        (b"\x02\xf3\x1a\xca\x6b\x28\xaf\xf1\x3f\0\0\0\0\0\0\0\0", SketchError::MappingMismatch),
        (b"\x08", SketchError::UnknownFlag),
        (b"\x12", SketchError::UnknownMapping),
        // `g` and `a` are flags of stores in no known form, `r` that of a mapping.
        (b"garbage-bytes", SketchError::UnknownMapping),
    ];
    for (bytes, error) in cases {
        assert_eq!(Sketch::decode(bytes), Err(error), "{bytes:?}");
    }
}

#[test]
fn a_store_in_no_known_form_is_an_empty_one_as_in_the_original() {
    assert_eq!(Sketch::decode(b"\xff\xff\x01"), Ok(Sketch::default()));
}

/// Our mapping, encoded.
fn mapping() -> Vec<u8> {
    Sketch::default().encode()
}

/// Bytes of a sketch of our mapping and what follows.
fn mapped(rest: &[u8]) -> Vec<u8> {
    [&mapping()[..], rest].concat()
}

/// A sketch of positive bins.
fn bins(bins: &[(i64, f64)]) -> Sketch {
    let mut sketch = Sketch::default();
    bins.iter().for_each(|(index, count)| sketch.positive.add(*index, *count));
    sketch
}

#[test]
fn a_store_that_is_cut_off_counts_as_far_as_it_was_read() {
    let empty = Sketch::default();
    let cases: [(&str, &[u8], Sketch); 11] = [
        ("before the number of bins", &[0x05], empty.clone()),
        // The byte is read again: a flag of an unknown form of negative store.
        ("within the number of bins", &[0x05, 0xff], empty.clone()),
        ("before the first index", &[0x05, 0x02], empty.clone()),
        // Index 1 is read, its count is not; 0x83 is then a flag of an unknown form.
        ("within a count", &[0x05, 0x02, 0x02, 0x83], empty.clone()),
        ("within the second bin", &[0x05, 0x02, 0x02, 0x02, 0x08, 0x83], bins(&[(1, 1.0)])),
        ("before the second of bare indexes", &[0x09, 0x02, 0x04], bins(&[(2, 1.0)])),
        ("within the second of bare indexes", &[0x09, 0x02, 0x04, 0x8b], bins(&[(2, 1.0)])),
        ("before a step", &[0x0d, 0x02, 0x04], empty.clone()),
        ("before the second count", &[0x0d, 0x02, 0x04, 0x02, 0x02], bins(&[(2, 1.0)])),
        ("of two runs the second", &[0x0d, 0x01, 0x04, 0x02, 0x02, 0x0d], bins(&[(2, 1.0)])),
        ("with an unknown form before it", &[0x15, 0x09, 0x03, 0x00, 0x02], bins(&[(0, 1.0), (1, 1.0)])),
    ];
    for (what, rest, wanted) in cases {
        assert_eq!(Sketch::decode(&mapped(rest)), Ok(wanted), "{what}");
    }
    let mut negative = Sketch::default();
    negative.negative.add(2, 1.0);
    assert_eq!(Sketch::decode(&mapped(&[0x0b, 0x02, 0x04])), Ok(negative));
}

#[test]
fn what_was_cut_off_is_read_again_as_flags() {
    // The second index never ends. Its bytes are flags of stores in unknown forms, which are passed over.
    assert_eq!(Sketch::decode(&mapped(&[0x09, 0x02, 0x04, 0x81, 0x83])), Ok(bins(&[(2, 1.0)])));
    // 0x84 begins a varint and, read again, an exact sum, of which 8 bytes are not there.
    assert_eq!(Sketch::decode(&mapped(&[0x09, 0x02, 0x04, 0x84])), Err(SketchError::Eof));
    // 0x88 0x80: read again, an exact minimum.
    assert_eq!(Sketch::decode(&mapped(&[0x05, 0x01, 0x00, 0x88, 0x80])), Err(SketchError::Eof));
    // 0x82 begins a mapping of an unknown kind, 0x80 is a flag of no known kind.
    assert_eq!(Sketch::decode(&mapped(&[0x09, 0x01, 0x82])), Err(SketchError::UnknownMapping));
    assert_eq!(Sketch::decode(&mapped(&[0x09, 0x01, 0x80])), Err(SketchError::UnknownFlag));
}

#[test]
fn exact_statistics_are_eight_bytes_each_the_count_too() {
    for flag in [0xa0, 0x84, 0x88, 0x8c] {
        let whole = [&[flag][..], &[0x02; 8], &[0x09, 0x01, 0x04]].concat();
        assert_eq!(Sketch::decode(&mapped(&whole)), Ok(bins(&[(2, 1.0)])), "{flag:#x}");
        for length in 1..9 {
            assert_eq!(
                Sketch::decode(&mapped(&whole[..length])),
                Err(SketchError::Eof),
                "{flag:#x} {length}"
            );
        }
    }
    // A count as other libraries write it, one byte of varfloat: the store behind it is swallowed.
    let other = [0xa0, 0x02, 0x09, 0x02, 0x04, 0x02, 0x0b, 0x01, 0x06, 0x04, 0x02];
    let wanted = Sketch { zero_count: 1.0, ..Sketch::default() };
    assert_eq!(Sketch::decode(&mapped(&other)), Ok(wanted));
}

#[test]
fn a_mapping_and_a_zero_count_that_are_cut_off_refuse_the_sketch() {
    for length in 1..mapping().len() {
        assert_eq!(Sketch::decode(&mapping()[..length]), Err(SketchError::Eof), "{length}");
    }
    assert_eq!(Sketch::decode(&mapped(&[0x04])), Err(SketchError::Eof));
    assert_eq!(Sketch::decode(&mapped(&[0x04, 0x82])), Err(SketchError::Eof));
    // Behind a damaged store too.
    assert_eq!(Sketch::decode(&[0x09, 0x02, 0x04, 0x02]), Ok(bins(&[(2, 1.0), (3, 1.0)])));
    assert_eq!(Sketch::decode(&[0x15, 0x02, 0xfd]), Err(SketchError::Eof));
}

#[test]
fn counts_add_up_in_the_order_in_which_they_come() {
    // In the order of the bins it would be 2^53 + 2.
    let large = 9_007_199_254_740_992.0;
    let sketch = bins(&[(5, large), (1, 1.0), (2, 1.0)]);
    assert_eq!(sketch.count(), large);
    let mut merged = bins(&[(1, 1.0), (2, 1.0)]);
    merged.merge(&bins(&[(5, large)]));
    assert_eq!(merged.count(), large + 2.0);
}

#[test]
fn indexes_far_apart_cost_nothing() {
    let mut sketch = Sketch::default();
    sketch.positive.add(i64::MIN, 1.0);
    sketch.positive.add(i64::MAX, 2.0);
    assert_eq!(Sketch::decode(&sketch.encode()), Ok(sketch));
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(values in prop::collection::vec(-1e12_f64..1e12, 0..200)) {
        let sketch = of(&values);
        prop_assert_eq!(Sketch::decode(&sketch.encode()).unwrap(), sketch);
    }

    #[test]
    fn merging_is_adding_all_values(
        one in prop::collection::vec(-1e6_f64..1e6, 0..50),
        other in prop::collection::vec(-1e6_f64..1e6, 0..50),
    ) {
        let (mut ab, mut ba) = (of(&one), of(&other));
        ab.merge(&of(&other));
        ba.merge(&of(&one));
        prop_assert_eq!(ab.encode(), ba.encode());
        prop_assert_eq!(ab, of(&[one, other].concat()));
    }

    #[test]
    fn a_bins_value_lies_within_a_hundredth_of_what_fell_into_it(value in 1e-300_f64..1e300) {
        let got = of(&[value]).max().unwrap();
        prop_assert!((got - value).abs() <= value * 0.010_000_1, "{} for {}", got, value);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(sketch) = Sketch::decode(&bytes) {
            let _ = (sketch.count(), sketch.sum(), sketch.min(), sketch.max(), sketch.quantile(0.5), sketch.encode());
        }
    }
}
