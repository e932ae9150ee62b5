//! The allocator of the program: where the system refuses memory, a message of ours and exit 2 at once, in place of an abort.
//!
//! The standard library ends a process by SIGABRT when an allocation fails, which looks like a defect, and which CI cannot tell from
//! one. Here the process ends as any other that could not run. Nothing is cleaned up: that could ask for memory again, or wait for a
//! lock that this thread holds. What lies in the report directory stays as it is, the journal for `--resume` with it.
//!
//! A caller that could go on without the memory (`try_reserve`) ends here too. In this program that is the reading of whole files.
//!
//! The C library aborts by itself where a few bytes for its own tables are refused (the destructor of a thread's variable). So an
//! abort, whatever its cause, ends the process with a message and exit 2 too: see [`end_aborts`].
//!
//! A command that works under a memory limit has the system's allocator give back more of what is freed: see [`keep_to`].
//!
//! The library does not install it: that is for the program (`src/main.rs`). A host of the library keeps its own allocator.

#![expect(
    unsafe_code,
    reason = "an allocator cannot be written or set without; each call goes to the system's as it came"
)]

use std::alloc::{GlobalAlloc, Layout, System};

use crate::exit::Exit;

/// The system's allocator, which never yields null.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heap;

// SAFETY: every call is handed to the system's allocator unchanged, and what it yields is handed back unchanged, unless it is null:
// then the process ends.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        granted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        granted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `realloc`, and every block is the system's.
        granted(unsafe { System.realloc(block, layout, size) }, size)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and every block is the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

fn granted(block: *mut u8, bytes: usize) -> *mut u8 {
    if block.is_null() {
        refused(bytes);
    }
    block
}

/// Ends the process. Asks for no memory and takes no lock.
#[cold]
fn refused(bytes: usize) -> ! {
    let mut digits = [0; DIGITS];
    for part in [NAME, REFUSED.as_bytes(), decimal(bytes, &mut digits), AFTER] {
        // Where stderr takes nothing there is no one to say it to.
        let _ = rustix::io::write(std::io::stderr(), part);
    }
    signal_hook::low_level::exit(i32::from(Exit::CouldNotRun.code()))
}

/// Has an abort end the process as a command that could not run, after what the C library or the runtime said of it. Programs that
/// are started do not inherit that.
///
/// # Errors
/// Where the system does not take the handler.
pub fn end_aborts() -> std::io::Result<()> {
    let ended = || {
        let _ = rustix::io::write(std::io::stderr(), ABORTED);
        signal_hook::low_level::exit(i32::from(Exit::CouldNotRun.code()))
    };
    // SAFETY: the handler writes and ends the process; it asks for no memory and takes no lock.
    unsafe { signal_hook::low_level::register(signal_hook::consts::SIGABRT, ended) }.map(drop)
}

const ABORTED: &[u8] =
    b"parallax: the process was aborted for the reason above; where that is memory, give it more\n";

/// How the message begins, after the name of the program.
pub(crate) const REFUSED: &str = "out of memory: the system refused ";
const NAME: &[u8] = b"parallax: ";
const AFTER: &[u8] =
    b" bytes; give the process more memory, or run it with a lower --memory-limit or fewer --threads\n";

/// Blocks of at least so many bytes go back to the system one by one.
const LARGE_BLOCK: u64 = 4 << 20;

/// Free bytes at the end of the heap that stay with the process, at least and at most; between them, a 32nd of the memory limit.
const KEPT: (u64, u64) = (2 << 20, 16 << 20);

/// Memory limits from which on each thread may have an arena of its own: what those leave unused fits beside.
const MANY_ARENAS: u64 = 512 << 20;

/// Has the allocator of the GNU C library keep little of what is freed, for a process that works under a memory limit: no large
/// blocks, and one arena for all threads where the limit is small. By default each thread has an arena, and what it frees there serves
/// no other: a writer of 300 columns on two threads took 330 MiB for 146 MiB in use. And blocks of up to 32 MiB are kept once such a
/// block was freed: 24 strings of 10 MB took twice what was in use. Other C libraries are left as they are.
///
/// Call it before threads are started: those that run already keep their arenas.
pub fn keep_to(memory_limit: u64) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let set = |parameter: libc::c_int, value: u64| {
            // SAFETY: it takes two numbers, sets one of the allocator's under its lock, and refuses what it does not know.
            let _ =
                unsafe { libc::mallopt(parameter, libc::c_int::try_from(value).unwrap_or(libc::c_int::MAX)) };
        };
        set(libc::M_MMAP_THRESHOLD, LARGE_BLOCK);
        set(libc::M_TRIM_THRESHOLD, (memory_limit / 32).clamp(KEPT.0, KEPT.1));
        if memory_limit < MANY_ARENAS {
            set(libc::M_ARENA_MAX, 1);
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = (memory_limit, LARGE_BLOCK, KEPT, MANY_ARENAS);
}

/// Digits of the largest number.
const DIGITS: usize = 20;

/// A number in decimal digits.
fn decimal(mut number: usize, digits: &mut [u8; DIGITS]) -> &[u8] {
    let mut first = DIGITS;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        // A remainder by ten fits.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        first = at;
        if number == 0 {
            break;
        }
    }
    &digits[first..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_asking_for_memory() {
        for number in [0, 7, 10, 1_234_567, usize::MAX] {
            assert_eq!(decimal(number, &mut [0; DIGITS]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn blocks_come_from_the_system_and_go_back_to_it() {
        let layout = Layout::from_size_align(64, 16).unwrap();
        // SAFETY: the layout has a size, and the block is used within it and given back once.
        unsafe {
            let block = Heap.alloc_zeroed(layout);
            assert_eq!(std::slice::from_raw_parts(block, 64), [0; 64]);
            *block = 9;
            let block = Heap.realloc(block, layout, 128);
            assert_eq!(*block, 9);
            Heap.dealloc(block, Layout::from_size_align(128, 16).unwrap());
        }
    }
}
