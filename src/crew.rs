//! Threads that work through numbered tasks, and share one pool for what is parallel within a task.
//!
//! A task that waits within a pool lets its thread take up other work of the pool. Were the tasks themselves work of the pool,
//! that could be a whole further task, and one inside that, as deep as there are tasks: no stack holds that. So tasks are
//! handed to the pool one a thread at a time: at most as many lie within each other as there are threads.
//!
//! Where the machine gives fewer threads, fewer do all the work: no result depends on their number.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// Stack of a thread of the pool, and what each further thread adds to it: a task takes some 150 KiB.
const STACK: usize = 8 << 20;
const STACK_PER_THREAD: usize = 512 << 10;

/// Performs the tasks `0..count`, as they come, on `threads` threads, or on fewer where no more can be had.
///
/// # Errors
/// Class `io` where no thread can be started.
pub fn each(threads: usize, count: usize, task: impl Fn(usize) + Sync) -> Result<()> {
    let threads = threads.max(1);
    let pool = pool(threads)?;
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            pool.install(|| task(number));
        }
    };
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..pool.current_num_threads().min(count) {
            let started = std::thread::Builder::new().name("task".to_owned()).spawn_scoped(scope, work);
            if let Err(error) = started {
                // Those that could be started do all the work.
                *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            }
        }
    });
    let failed = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    match failed {
        Some(error) if next.into_inner() == 0 => Err(Error::no_thread(error)),
        _ => Ok(()),
    }
}

/// A pool of `threads` threads, or of half as many as often as that is needed.
fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let mut threads = threads;
    loop {
        let built = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK + threads * STACK_PER_THREAD)
            .build();
        match built {
            Ok(pool) => return Ok(pool),
            Err(_) if threads > 1 => threads /= 2,
            Err(error) => return Err(Error::no_thread(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn every_task_is_done_once_and_at_most_one_a_thread_at_a_time() {
        let done: Vec<AtomicUsize> = (0..1_000).map(|_| AtomicUsize::new(0)).collect();
        let (at_once, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        each(3, done.len(), |number| {
            most.fetch_max(at_once.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            // Waiting within the pool is where tasks would come to lie within each other.
            let sum: u64 = (0..100_u64).into_par_iter().map(|it| rayon::join(|| it, || it).0).sum();
            assert_eq!(sum, 4_950);
            done[number].fetch_add(1, Ordering::Relaxed);
            at_once.fetch_sub(1, Ordering::Relaxed);
        })
        .unwrap();
        assert!(done.iter().all(|it| it.load(Ordering::Relaxed) == 1));
        assert!(most.into_inner() <= 3);
        each(0, 0, |_| unreachable!()).unwrap();
    }
}
