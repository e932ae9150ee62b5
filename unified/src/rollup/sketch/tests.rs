//! Sketches against the bytes and figures of the original, against each other, and against hostile bytes.

use proptest::prelude::*;

use super::*;

const QUANTILES: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

fn vectors() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(hex: &serde_json::Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn number(text: &serde_json::Value) -> f64 {
    text.as_str().unwrap().replace("Inf", "inf").parse().unwrap()
}

fn decoded(bytes: &[u8]) -> Sketch {
    let mut sketch = Sketch::default();
    sketch.decode(bytes).unwrap();
    sketch
}

fn encoded(sketch: &Sketch) -> Vec<u8> {
    let mut out = Vec::new();
    sketch.encode(&mut out);
    out
}

fn of_values(values: &[f64]) -> Sketch {
    let (mut all, mut one) = (Sketch::default(), Sketch::default());
    for value in values {
        one.set_value(*value);
        all.merge(&one);
    }
    all
}

/// Everything that is seen of a sketch, without the room to work in.
fn seen(sketch: &Sketch) -> (f64, &Store, &Store) {
    (sketch.zeros, &sketch.positive, &sketch.negative)
}

#[test]
fn sketches_of_values_are_the_originals_to_the_last_bit() {
    let vectors = vectors();
    let cases = vectors["ddsketch"].as_array().unwrap();
    assert!(cases.len() >= 20);
    for case in cases {
        let values: Vec<f64> = case["values"].as_array().unwrap().iter().map(number).collect();
        let mine = of_values(&values);
        let theirs = decoded(&bytes(&case["encoded_hex"]));
        assert_eq!(seen(&mine), seen(&theirs), "{values:?}");
        assert_eq!(theirs.count(), case["count"].as_f64().unwrap());
        assert_eq!(theirs.sum(), number(&case["sum"]), "{values:?}");
        if case.get("error").is_some() {
            assert_eq!((theirs.min(), theirs.max(), theirs.quantile(0.5)), (None, None, None));
            continue;
        }
        assert_eq!(theirs.min(), Some(number(&case["min"])), "{values:?}");
        assert_eq!(theirs.max(), Some(number(&case["max"])), "{values:?}");
        let expected: Vec<f64> = case["q25_50_75_90_95_99"].as_array().unwrap().iter().map(number).collect();
        let got: Vec<f64> = QUANTILES.iter().map(|q| theirs.quantile(*q).unwrap()).collect();
        assert_eq!(got, expected, "{values:?}");
    }
}

#[test]
fn merged_sketches_are_the_originals_byte_for_byte() {
    let vectors = vectors();
    let cases = vectors["merge_encoded"].as_array().unwrap();
    assert!(cases.len() >= 100);
    for case in cases {
        let mut merged = decoded(&bytes(&case["A"]));
        merged.merge(&decoded(&bytes(&case["B"])));
        assert_eq!(encoded(&merged), bytes(&case["Merged"]), "{case}");
    }
}

#[test]
fn a_value_that_no_sketch_holds_leaves_it_empty() {
    let mut sketch = of_values(&[1.0, -2.0, 0.0]);
    for value in [f64::NAN, f64::INFINITY, -f64::INFINITY, f64::MAX] {
        assert!(!sketch.set_value(value));
        assert_eq!((sketch.count(), sketch.min()), (0.0, None));
    }
}

#[test]
fn blocks_may_come_in_any_order_repeated_and_with_exact_figures() {
    let mut mapping = vec![0x02];
    mapping.extend(mapping::GAMMA.to_le_bytes());
    mapping.extend([0; 8]);
    // Index 0 twice, then the mapping, then an exact sum, minimum, maximum and count, then index 0 once more.
    let exact = |flag: u8| [&[flag], &1f64.to_le_bytes()[..]].concat();
    let all =
        [&[0x09, 2, 0, 0], &mapping[..], &exact(0x84), &exact(0x88), &exact(0x8c), &[0xa0, 0x02, 0x09, 1, 0]];
    let sketch = decoded(&all.concat());
    assert_eq!((sketch.count(), sketch.positive.bins()), (3.0, &[(0, 3.0)][..]));
    assert_eq!(decoded(&[]).count(), 0.0);
    assert_eq!(decoded(&[0x09, 1, 0]).count(), 1.0, "a sketch without a mapping is ours");
    assert_eq!(decoded(&[0x11]).count(), 0.0, "a store of an unknown form is empty");
}

#[test]
fn other_mappings_and_broken_bytes_are_refused() {
    let with = |flag: u8, gamma: f64, offset: f64| {
        [&[flag], &gamma.to_le_bytes()[..], &offset.to_le_bytes()].concat()
    };
    let ours = mapping::GAMMA;
    assert!(Sketch::is_decodable(&with(2, ours, 0.0)));
    for other in [
        with(2, 1.02, 0.0),
        with(2, ours, 1.0),
        with(2, f64::NAN, 0.0),
        with(6, ours, 0.0),
        with(0x0e, ours, 0.0),
        vec![0x00],
        vec![0x04],
        vec![0x02, 1, 2, 3],
        vec![0x09, 2, 0],
        vec![0x05, 0x80],
    ] {
        assert!(!Sketch::is_decodable(&other), "{other:?}");
        assert_eq!(Sketch::default().decode(&other), Err(Undecodable));
    }
}

#[test]
fn bytes_that_claim_much_cost_nothing() {
    let huge = [0xff; 9];
    // 2^64 - 1 bins that are not there.
    for form in [0x05, 0x09, 0x0d] {
        assert!(!Sketch::is_decodable(&[&[form], &huge[..]].concat()));
    }
    // Two bins at either end of the indexes: encoded sparsely, whatever lies between.
    let lowest =
        [&[0x05, 2], &huge[..], &[2], &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[2]].concat();
    let sketch = decoded(&lowest);
    assert_eq!(sketch.count(), 2.0);
    assert_eq!(decoded(&encoded(&sketch)).positive, sketch.positive);
    let _ = (sketch.sum(), sketch.min(), sketch.max(), sketch.quantile(0.5));
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1e6..1e6, 2 => 0.0..10.0, 1 => Just(0.0), 1 => any::<f64>()]
}

fn any_values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(any_value(), 0..60)
}

proptest! {
    #[test]
    fn merging_is_commutative_and_associative_in_every_bin(
        a in any_values(), b in any_values(), c in any_values()
    ) {
        let (a, b, c) = (of_values(&a), of_values(&b), of_values(&c));
        let merged = |x: &Sketch, y: &Sketch| { let mut x = x.clone(); x.merge(y); x };
        let (left, right) = (merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(seen(&left), seen(&right));
        let (ab, ba) = (merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(seen(&ab), seen(&ba));
    }

    #[test]
    fn what_is_encoded_comes_back(values in any_values()) {
        let sketch = of_values(&values);
        let bytes = encoded(&sketch);
        prop_assert!(Sketch::is_decodable(&bytes));
        let back = decoded(&bytes);
        prop_assert_eq!(seen(&back), seen(&sketch));
        prop_assert_eq!(encoded(&decoded(&bytes)), bytes);
    }

    #[test]
    fn quantiles_ascend_between_lowest_and_highest(values in any_values()) {
        let sketch = of_values(&values);
        if let (Some(min), Some(max)) = (sketch.min(), sketch.max()) {
            let mut previous = min;
            for step in 0..=20 {
                let value = sketch.quantile(f64::from(step) / 20.0).unwrap();
                prop_assert!(previous <= value && value <= max);
                previous = value;
            }
        }
    }

    #[test]
    fn any_bytes_are_a_sketch_or_refused_and_never_a_panic(
        bytes in prop::collection::vec(prop_oneof![
            2 => any::<u8>(),
            1 => prop::sample::select(vec![0u8, 1, 2, 4, 5, 7, 9, 11, 13, 15, 0x80, 0xff]),
        ], 0..80)
    ) {
        let mut sketch = Sketch::default();
        let decoded = sketch.decode(&bytes);
        prop_assert_eq!(decoded.is_ok(), Sketch::is_decodable(&bytes));
        if decoded.is_ok() {
            let other = sketch.clone();
            sketch.merge(&other);
            let out = encoded(&sketch);
            prop_assert!(out.len() <= 64 + 40 * (bytes.len() + 1));
            prop_assert!(Sketch::is_decodable(&out));
            let _ = (sketch.sum(), sketch.min(), sketch.max(), sketch.quantile(0.99), sketch.count());
        }
    }
}
