//! What readers of segments hold open, shared between them and those who buffer rows.
//!
//! 1. Before a reader opens a row group, it enters with the bytes that this takes. It waits while the others hold too many.
//! 2. The reader whose rows are taken next never waits: the others stand still because of it, so it must be able to go on.
//! 3. Whoever sorts gives rows that much less room (module `order`).
//!
//! So readers hold no more than they may together, plus one row group.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::parallel::lock::lock;

/// Segment and row group, in the order in which rows are taken.
pub(crate) type Place = (usize, usize);

/// Behind all places.
const ENDED: Place = (usize::MAX, usize::MAX);

/// Bytes that all readers of a job hold open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<AtomicU64>);

impl Held {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}

/// Readers that work side by side.
#[derive(Debug)]
pub(crate) struct Reading {
    readers: Mutex<Readers>,
    moved: Condvar,
    /// Bytes that may be open together, unless a reader needs more that comes next.
    most: u64,
    held: Held,
}

#[derive(Debug)]
struct Readers {
    /// Where each one is, and the bytes that it holds.
    at: Vec<(Place, u64)>,
    closed: bool,
}

impl Reading {
    /// Reader `n` begins with the segment that `first` yields for it.
    pub(crate) fn new(readers: usize, first: impl Fn(usize) -> usize, most: u64, held: Held) -> Self {
        let at = (0..readers).map(|reader| ((first(reader), 0), 0)).collect();
        Self { readers: Mutex::new(Readers { at, closed: false }), moved: Condvar::new(), most, held }
    }

    /// Leaves the row group that the reader has open and enters the next.
    pub(crate) fn enter(&self, reader: usize, place: Place, bytes: u64) {
        let mut readers = lock(&self.readers);
        self.set(&mut readers, reader, (place, 0));
        let waits = |readers: &mut Readers| {
            let others = readers.at.iter().map(|(_, bytes)| *bytes).sum::<u64>();
            let next = readers.at.iter().all(|(other, _)| place <= *other);
            !readers.closed && !next && others.saturating_add(bytes) > self.most
        };
        let entered = self.moved.wait_while(readers, waits);
        self.set(&mut entered.unwrap_or_else(PoisonError::into_inner), reader, (place, bytes));
    }

    /// The reader has read all its segments, or failed.
    pub(crate) fn leave(&self, reader: usize) {
        self.set(&mut lock(&self.readers), reader, (ENDED, 0));
    }

    /// Nothing is taken any more: no thread waits.
    pub(crate) fn close(&self) {
        lock(&self.readers).closed = true;
        self.moved.notify_all();
    }

    fn set(&self, readers: &mut Readers, reader: usize, at: (Place, u64)) {
        if let Some(own) = readers.at.get_mut(reader) {
            *own = at;
        }
        self.held.set(readers.at.iter().map(|(_, bytes)| *bytes).sum());
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reader_waits_for_room_unless_its_rows_are_taken_next() {
        let held = Held::default();
        let reading = Reading::new(2, |reader| reader, 100, held.clone());
        let (entered, told) = channel();
        std::thread::scope(|scope| {
            reading.enter(0, (0, 0), 80);
            let enter = |place, bytes| {
                let (reading, entered) = (&reading, entered.clone());
                scope.spawn(move || {
                    reading.enter(1, place, bytes);
                    entered.send(place).unwrap();
                });
            };
            enter((1, 0), 30);
            assert_eq!(told.recv_timeout(Duration::from_millis(50)), Err(RecvTimeoutError::Timeout));
            assert_eq!(held.bytes(), 80);
            // It comes next itself, so it may take more than there is room for; the other goes on behind it.
            reading.enter(0, (0, 1), 120);
            assert_eq!(held.bytes(), 120);
            reading.enter(0, (2, 0), 60);
            assert_eq!(told.recv(), Ok((1, 0)));
            assert_eq!(held.bytes(), 90);
            enter((1, 1), 200);
            assert_eq!(told.recv(), Ok((1, 1)), "its rows are taken next");
            reading.leave(1);
            assert_eq!(held.bytes(), 60);
        });
    }

    #[test]
    fn halves_of_one_row_group_are_both_next_and_nobody_waits_once_it_is_closed() {
        let reading = Reading::new(2, |_| 0, 10, Held::default());
        reading.enter(0, (0, 0), 50);
        reading.enter(1, (0, 0), 50);
        std::thread::scope(|scope| {
            scope.spawn(|| reading.enter(0, (0, 1), 50));
            reading.close();
        });
        assert_eq!(reading.held.bytes(), 100);
    }
}
