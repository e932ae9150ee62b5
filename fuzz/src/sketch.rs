//! Arbitrary bytes as a sketch, for the decoder of the checks.
//!
//! 1. Decoding gives a sketch or an error; it holds no more bins than there are bytes; all questions have an answer.
//! 2. Adding counts adds them, in either order.
//! 3. The same for the lenient way of decoding (defect H), which takes whatever the strict one takes, but for exact counts. What
//!    either gives can be encoded.
//! 4. The sketch of one value holds that value, one per cent off at most.

use parallax::rollup::sketch::{Mapping, Sketch};

/// One execution. Input: the length of the first of two sketches, then both.
///
/// # Panics
/// Where one of the assertions does not hold.
pub fn run(bytes: &[u8]) {
    let mapping = Mapping::new(0.01);
    let (first, rest) = bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
    let (one, other) = rest.split_at(first.min(rest.len()));
    let decoded: Vec<Sketch> = [one, other]
        .iter()
        .filter_map(|bytes| {
            let sketch = Sketch::decode(bytes, &mapping).ok()?;
            assert!(sketch.bins() <= bytes.len(), "{} bins of {} bytes", sketch.bins(), bytes.len());
            ask(&sketch, &mapping);
            assert!(sketch.same(&sketch), "a sketch is not itself");
            Some(sketch)
        })
        .collect();
    for bytes in [one, other] {
        let (strict, lenient) = Sketch::decode_both(bytes, &mapping);
        let exact_count = bytes.contains(&(0x28 << 2));
        assert!(strict.is_err() || lenient.is_none() || exact_count, "whole bytes are taken in two ways");
        for sketch in strict.into_iter().chain(lenient.and_then(Result::ok)) {
            assert!(sketch.bins() <= bytes.len(), "{} bins of {} bytes", sketch.bins(), bytes.len());
            ask(&sketch, &mapping);
            ask(&sketch, &mapping.exact());
            let encoded = sketch.encode(&mapping);
            assert!(encoded.len() <= 64 + 18 * bytes.len(), "{} became {}", bytes.len(), encoded.len());
            assert!(Sketch::decode(&encoded, &mapping).is_ok(), "what is encoded cannot be decoded");
        }
    }
    if let [one, other] = &decoded[..] {
        let (mut sum, mut turned) = (one.clone(), other.clone());
        sum.add(other);
        turned.add(one);
        ask(&sum, &mapping);
        assert!(sum.same(&turned), "the order of two sketches matters");
    }
    for value in rest.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)) {
        let Some(sketch) = Sketch::of(value, &mapping) else { continue };
        let facts = sketch.facts(&mapping);
        assert!(value.is_finite() && facts.count == 1.0, "{value}: {facts:?}");
        assert!(
            (facts.sum - value).abs() <= value.abs() * 0.010_001 + 1e-300,
            "{value} became {}",
            facts.sum
        );
        assert_eq!(sketch.quantile(0.5, &mapping), Some(facts.sum), "{value}");
    }
}

/// Asks everything; nothing may panic.
fn ask(sketch: &Sketch, mapping: &Mapping) {
    let facts = sketch.facts(mapping);
    let _ = (facts.avg(), sketch.is_empty(), sketch.count());
    for quantile in [-1.0, 0.0, 0.25, 0.5, 0.99, 1.0, 2.0, f64::NAN, f64::INFINITY] {
        let _ = sketch.quantile(quantile, mapping);
    }
}
