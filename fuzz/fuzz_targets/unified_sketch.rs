//! Arbitrary bytes as sketches, for the decoder of the unified writer.
//!
//! The module is compiled in by its path: nothing of it is public, and it needs nothing else of its crate.
//!
//! 1. Decoding gives a sketch or an error, and says so before as well; all questions have an answer.
//! 2. The encoding is at most a small multiple of the bytes it came from, and decodes; from then on encoding and decoding give the
//!    same bytes.
//! 3. Sketches of whole counts, as adding and merging make them, come back as they were.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../unified/src/rollup/sketch/mod.rs"]
mod sketch;

use sketch::Sketch;

/// Bytes of an index delta and a count at their longest, and of all that stands around the bins.
const BIN: usize = 18;
const FRAME: usize = 64;

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> =
    cap::Cap::new(std::alloc::System, parallax_fuzz::memory::MEMORY);

fuzz_target!(|bytes: &[u8]| {
    // A sketch that held something else before, as those that are reused do.
    let mut first = Sketch::default();
    assert!(first.set_value(1.0));
    let decoded = first.decode(bytes).is_ok();
    assert_eq!(Sketch::is_decodable(bytes), decoded, "two opinions on the same bytes");
    if decoded {
        ask(&first);
        let encoded = encoded(&first);
        assert!(encoded.len() <= FRAME + BIN * bytes.len(), "{} bytes became {}", bytes.len(), encoded.len());
        let second = again(&encoded);
        ask(&second);
        let settled = self::encoded(&second);
        assert_eq!(self::encoded(&again(&settled)), settled, "encoding does not settle");
        let mut twice = second.clone();
        twice.merge(&second);
        ask(&twice);
    }

    let (mut sum, mut one, mut count) = (Sketch::default(), Sketch::default(), 0.0);
    for value in bytes.as_chunks::<8>().0.iter().map(|part| f64::from_le_bytes(*part)) {
        if one.set_value(value) {
            sum.merge(&one);
            count += 1.0;
            let stands = one.sum();
            assert!((stands - value).abs() <= value.abs() * 0.010_001 + 1e-300, "{value} became {stands}");
        }
        assert_eq!(sum.count(), count);
    }
    ask(&sum);
    let back = again(&encoded(&sum));
    assert_eq!((back.count(), encoded(&back)), (count, encoded(&sum)), "a sum does not come back");
});

fn encoded(sketch: &Sketch) -> Vec<u8> {
    let mut bytes = Vec::new();
    sketch.encode(&mut bytes);
    bytes
}

fn again(bytes: &[u8]) -> Sketch {
    let mut sketch = Sketch::default();
    sketch.decode(bytes).expect("what was encoded decodes");
    sketch
}

/// Asks everything; nothing may panic.
fn ask(sketch: &Sketch) {
    let _ = (sketch.count(), sketch.sum(), sketch.min(), sketch.max());
    for quantile in [-1.0, 0.0, 0.25, 0.5, 0.99, 1.0, 2.0, f64::NAN, f64::INFINITY] {
        let _ = sketch.quantile(quantile);
    }
}
