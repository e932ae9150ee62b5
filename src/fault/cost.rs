//! Faults that change no byte of the output, only what it costs: time and memory. A comparison of outputs cannot see them; a
//! measurement must.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::Fault;
use crate::measure::machine;

/// Bytes of a page at least: touching one byte of each makes it resident.
const PAGE: usize = 4096;

/// Lets a finished job cost more, where `fault` is of this kind. `took` is the time that the writer took.
pub fn raise(fault: Fault, took: Duration) {
    match fault {
        Fault::Slow15 => work(took.mul_f64(0.15)),
        Fault::Slow3 => work(took.mul_f64(0.03)),
        Fault::DoubleMemory => {
            if let Some((peak, present)) = machine::resident() {
                occupy(peak.saturating_mul(2).saturating_sub(present));
            }
        }
        _ => {}
    }
}

/// Keeps a processor busy.
fn work(time: Duration) {
    let started = Instant::now();
    let mut sum = 0_u64;
    while started.elapsed() < time {
        for number in 0..1000_u64 {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(number));
        }
    }
}

/// Makes that many bytes resident for a moment.
fn occupy(bytes: u64) {
    let mut held = vec![0_u8; usize::try_from(bytes).unwrap_or(0)];
    for page in held.chunks_mut(PAGE) {
        page[0] = 1;
    }
    black_box(&held);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_memory_reaches_the_peak_of_the_process() {
        let Some((_, present)) = machine::resident() else { return };
        let more = 64 << 20;
        occupy(more);
        let (peak, _) = machine::resident().unwrap();
        assert!(peak >= present.saturating_add(more / 2), "{peak} after {present}");
    }
}
