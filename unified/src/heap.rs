//! Memory that the system's allocator keeps for the next who asks, instead of giving it back and getting it anew.
//!
//! Stages that work side by side free each other's arrays, so that room at the end of a thread's heap comes and goes with
//! every batch. The GNU allocator returns what exceeds a threshold at once, and each page that comes back costs a fault of
//! some microseconds: the metrics job on two threads took as many of them again as it has pages. The threshold is twice
//! the largest block that was ever mapped by itself and let go; so one block, never touched, sets it. Other allocators do
//! not care.

/// Part of the memory limit that a block may have: each of a few heaps may keep twice as much.
const PART: u64 = 128;

/// Largest block that counts, with room for the allocator's own bytes.
const LARGEST: u64 = (32 << 20) - (64 << 10);

/// Fewest bytes for which it is worth the while.
const SMALLEST: u64 = 256 << 10;

/// Lets the heaps of a process that works under this limit keep a part of it.
pub(crate) fn keep(memory_limit: u64) {
    let bytes = (memory_limit / PART).min(LARGEST);
    if bytes >= SMALLEST {
        // Not to be optimised away: to reserve and to let go is all that is wanted.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes as usize)));
    }
}
