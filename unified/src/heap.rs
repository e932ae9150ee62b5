//! Memory that the system's allocator keeps for the next request, instead of giving it back and getting it anew.
//!
//! Stages that work side by side free each other's arrays, so that room at the end of a thread's heap comes and goes with
//! every batch. The GNU allocator returns what exceeds a threshold at once, and each page that comes back costs a fault of
//! some microseconds: the metrics job on two threads took as many of them again as it has pages. The threshold is twice
//! the largest block that was ever mapped by itself and freed; so one block, never touched, sets it. Other allocators do
//! not care.

use crate::memory_plan::{HEAP_BLOCK, MemoryPlan};

/// Fewest bytes for which it is worth it.
const SMALLEST: u64 = 256 << 10;

/// Makes the heaps of a process that works under this limit keep a part of it.
pub(crate) fn keep(memory_limit: u64) {
    let bytes = MemoryPlan::of(memory_limit).bytes(HEAP_BLOCK);
    if bytes >= SMALLEST {
        // The compiler must not remove it: reserving and freeing the block is all that is wanted.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes as usize)));
    }
}
