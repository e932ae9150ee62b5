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
