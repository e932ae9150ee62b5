//! Arbitrary bytes as a sketch: decoding never panics, costs no more than the bytes are long, and what decodes can be encoded.
//!
//! The module is compiled in by its path, not taken from the crate: it needs nothing else of it, so the target is built in seconds,
//! without Arrow and Parquet.
//!
//! 1. Decoding gives a sketch or an error; all questions about the sketch have an answer.
//! 2. The encoding is at most a small multiple of the bytes it came from: a bin costs at most 18 bytes, and takes at least one.
//! 3. The encoding decodes. A count that the encoding cannot hold (it holds `count + 1`) is rounded once, and a bin whose counts
//!    cancel out is left out: from then on encoding and decoding give the same bytes, counts and sums.
//! 4. Sketches of whole counts, as adding and merging make them, come back as they were.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/sketch/mod.rs"]
mod sketch;

use sketch::Sketch;

/// Bytes that the target may have allocated at one time, as every other target: see docs/fuzzing.md.
const MEMORY: usize = 1 << 30;

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, MEMORY);

/// Bytes of an index delta and a count at their longest, and of all that stands around the bins.
const BIN: usize = 18;
const FRAME: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let Ok(first) = Sketch::decode(bytes) else { return };
    ask(&first);
    let encoded = first.encode();
    assert!(encoded.len() <= FRAME + BIN * bytes.len(), "{} bytes became {}", bytes.len(), encoded.len());

    let second = Sketch::decode(&encoded).expect("what was encoded decodes");
    ask(&second);
    let settled = second.encode();
    let third = Sketch::decode(&settled).expect("what was encoded decodes");
    assert_eq!(third.encode(), settled, "encoding does not settle");
    assert!(same(second.count(), third.count()), "{} became {}", second.count(), third.count());
    assert!(same(second.sum(), third.sum()), "{} became {}", second.sum(), third.sum());

    let mut added = Sketch::default();
    for value in bytes.chunks_exact(8).filter_map(|part| part.try_into().ok()).map(f64::from_le_bytes) {
        // What has no bin is refused and changes nothing.
        let before = added.count();
        let counted = added.add(value).is_ok();
        assert_eq!(added.count(), before + f64::from(u8::from(counted)));
    }
    let mut twice = added.clone();
    twice.merge(&added);
    assert_eq!(twice.count(), 2.0 * added.count());
    for sketch in [&added, &twice] {
        ask(sketch);
        assert_eq!(&Sketch::decode(&sketch.encode()).expect("what was encoded decodes"), sketch);
    }

    let mut both = third;
    both.merge(&added);
    ask(&both);
});

/// Asks everything; nothing may panic.
fn ask(sketch: &Sketch) {
    let _ = (sketch.count(), sketch.sum(), sketch.min(), sketch.max(), sketch.encode());
    for quantile in [-1.0, 0.0, 0.25, 0.5, 0.99, 1.0, 2.0, f64::NAN, f64::INFINITY] {
        let _ = sketch.quantile(quantile);
    }
}

/// Equal, or both not a number.
fn same(one: f64, other: f64) -> bool {
    one == other || (one.is_nan() && other.is_nan())
}
