//! A bound on the bytes between two threads, beside the number of batches that a channel holds.
//!
//! Whoever hands a batch over loads its bytes first, and waits while those before it hold too many; they are unloaded when the
//! batch is dropped. One batch is always under way, however large, so neither thread waits for ever.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::parallel::lock::lock;

/// What is under way between two threads.
#[derive(Debug)]
pub(crate) struct Flow {
    bytes: Mutex<u64>,
    unloaded: Condvar,
    most: u64,
}

/// A part of what is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    flow: Arc<Flow>,
    bytes: u64,
}

impl Flow {
    /// At most so many bytes, but for a batch that is larger.
    pub(crate) fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::new(0), unloaded: Condvar::new(), most })
    }

    /// Waits until there is room for so many bytes.
    pub(crate) fn load(self: &Arc<Self>, bytes: u64) -> Load {
        let full = |held: &mut u64| *held > 0 && held.saturating_add(bytes) > self.most;
        let held = self.unloaded.wait_while(lock(&self.bytes), full);
        let mut held = held.unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_add(bytes);
        Load { flow: Arc::clone(self), bytes }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let mut held = lock(&self.flow.bytes);
        *held = held.saturating_sub(self.bytes);
        self.flow.unloaded.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn no_more_bytes_are_under_way_than_are_allowed_and_a_large_batch_goes_alone() {
        let (flow, most_seen) = (Flow::new(100), AtomicU64::new(0));
        let (sender, receiver) = sync_channel(50);
        let under_way = Arc::clone(&flow);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for bytes in [40, 50, 30, 500, 10, 90, 20] {
                    sender.send((flow.load(bytes), bytes)).unwrap();
                }
            });
            for (load, bytes) in receiver {
                let held = *lock(&under_way.bytes);
                assert!(held <= 100 || held == 500 && bytes == 500, "{held} bytes with {bytes}");
                most_seen.fetch_max(held, Ordering::Relaxed);
                drop(load);
            }
        });
        assert_eq!(most_seen.into_inner(), 500);
    }

    #[test]
    fn whoever_waits_goes_on_when_those_before_it_are_gone_with_their_channel() {
        let flow = Flow::new(10);
        let (sender, receiver) = sync_channel(5);
        sender.send(flow.load(10)).unwrap();
        let waiting = std::thread::spawn(move || sender.send(flow.load(10)).is_err());
        drop(receiver);
        assert!(waiting.join().unwrap(), "the receiver is gone, so nothing can be sent");
    }
}
