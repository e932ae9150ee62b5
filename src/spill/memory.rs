//! The memory of one process, shared by all jobs that are at work.
//!
//! The limit is divided by use: a quarter for records that are sorted ([`Memory::try_hold`]: who is refused goes to disk), a
//! quarter for rows that are fetched to be compared one by one ([`Memory::fetching`]: who finds it taken waits), and a quarter for
//! readers ([`Memory::reading`]: the same). A reader that needs more than that quarter works alone, and has half of the limit at
//! most. What is left is for the program itself. The built-in writers of a run have memory of their own.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

/// Bytes where nothing else is asked for.
pub const DEFAULT_MEMORY_LIMIT: u64 = 512 << 20;

/// Bytes below which a limit cannot be kept: decoding alone needs them.
pub const LEAST_MEMORY_LIMIT: u64 = 64 << 20;

/// How much may be held, and how much is.
#[derive(Debug)]
pub struct Memory {
    limit: u64,
    held: AtomicU64,
    fetched: Mutex<Shared>,
    freed: Condvar,
    read: Mutex<Shared>,
    closed: Condvar,
}

/// What is held now, and what was held at most.
#[derive(Debug, Default)]
struct Shared {
    held: u64,
    peak: u64,
}

/// The memory of this process, once it is known.
static OF_PROCESS: RwLock<Option<Arc<Memory>>> = RwLock::new(None);

/// Bytes that one reader should keep within, where the limit has room for more.
const SHARE: u64 = 16 << 20;

thread_local! {
    /// Readers that this thread has open.
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

/// Memory of a reader, held until this is dropped. It stays on its thread.
#[derive(Debug)]
pub struct Reader {
    memory: Arc<Memory>,
    bytes: u64,
    thread: PhantomData<*const ()>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_LIMIT)
    }
}

/// Memory that is held until this is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Memory {
    /// A limit in bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            held: AtomicU64::new(0),
            fetched: Mutex::default(),
            freed: Condvar::new(),
            read: Mutex::default(),
            closed: Condvar::new(),
        }
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// The most that one sorter may hold.
    pub(super) fn most(&self) -> u64 {
        self.limit / 16
    }

    /// True, and counted as held, where `bytes` more for sorting keep within the limit.
    pub(super) fn try_hold(&self, bytes: u64) -> bool {
        let room = self.limit / 4;
        let more = |held: u64| held.checked_add(bytes).filter(|held| *held <= room);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives back what was held.
    pub(super) fn release(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes that all fetched rows of a process may take together.
    #[must_use]
    pub fn fetch_limit(&self) -> u64 {
        self.limit / 4
    }

    /// Waits until `bytes` of fetched rows fit; more than there is counts as all there is. Whoever holds this must not wait
    /// for another thread: it could be one that waits here.
    pub fn fetching(&self, bytes: u64) -> Held<'_> {
        let (asked, bytes) = (bytes, bytes.min(self.fetch_limit()));
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        while fetched.held + bytes > self.fetch_limit() {
            fetched = self.freed.wait(fetched).unwrap_or_else(PoisonError::into_inner);
        }
        fetched.peak = fetched.peak.max(fetched.held.saturating_add(asked));
        fetched.held += bytes;
        Held { memory: self, bytes }
    }

    /// The most that fetched rows took at one time, in bytes, those included that were beyond the limit.
    #[must_use]
    pub fn most_fetched(&self) -> u64 {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).peak
    }
}

impl Memory {
    /// The memory of this process: the one that was named by [`Memory::for_process`], else one of the default limit.
    #[must_use]
    pub fn of_process() -> Arc<Self> {
        let known = OF_PROCESS.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.unwrap_or_else(|| {
            let mut known = OF_PROCESS.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.get_or_insert_with(Arc::default))
        })
    }

    /// Makes this the memory of the process: files that are opened from now on are read within it.
    #[must_use]
    pub fn for_process(self) -> Arc<Self> {
        let memory = Arc::new(self);
        *OF_PROCESS.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&memory));
        memory
    }

    /// Bytes that one reader should keep within, so that several can work.
    #[must_use]
    pub fn share(&self) -> u64 {
        SHARE.min(self.limit / 8)
    }

    /// Bytes that a reader may ever have: half of the limit, or of the least that there can be.
    #[must_use]
    pub fn most_of_a_reader(&self) -> u64 {
        self.limit.max(LEAST_MEMORY_LIMIT) / 2
    }

    /// The most that readers held at one time, in bytes.
    #[must_use]
    pub fn most_read(&self) -> u64 {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).peak
    }

    /// Waits until a reader of so many bytes fits. A reader that needs more than there is for all waits until it is alone. A thread
    /// that has a reader open gets another one at once, so that no thread waits for what it holds itself: a caller that opens
    /// several takes that into account.
    #[must_use]
    pub fn reading(self: &Arc<Self>, bytes: u64) -> Reader {
        let room = self.limit / 4;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if OPEN.get() == 0 {
            while read.held > 0 && read.held.saturating_add(bytes) > room {
                read = self.closed.wait(read).unwrap_or_else(PoisonError::into_inner);
            }
        }
        read.held = read.held.saturating_add(bytes);
        read.peak = read.peak.max(read.held);
        OPEN.set(OPEN.get() + 1);
        Reader { memory: Arc::clone(self), bytes, thread: PhantomData }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        OPEN.set(OPEN.get().saturating_sub(1));
        let mut read = self.memory.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.held = read.held.saturating_sub(self.bytes);
        drop(read);
        self.memory.closed.notify_all();
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.memory.fetched.lock().unwrap_or_else(PoisonError::into_inner).held -= self.bytes;
        self.memory.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_that_was_fetched_counts_what_was_beyond_the_limit() {
        let memory = Memory::new(400);
        drop(memory.fetching(30));
        assert_eq!(memory.most_fetched(), 30);
        let held = memory.fetching(60);
        drop(memory.fetching(40));
        drop(held);
        drop(memory.fetching(1_000));
        assert_eq!(memory.most_fetched(), 1_000);
    }
}
