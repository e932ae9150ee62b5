//! Threads that share the work on the columns of some rows.
//!
//! The pool is made when there is work for it, so that small jobs and jobs of one thread never pay for it. Tasks are taken
//! one by one in their order, the largest first where the caller puts them so; the caller takes part, which saves a change
//! of threads each time. Results do not depend on the number of threads: each task has its own data, and all tasks are done
//! before the next step.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::slice::ParallelSliceMut;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Threads to work with: as asked for, or as many as there are processors.
pub(crate) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}

/// Numbers that are worth sorting in several threads.
const MANY: usize = 50_000;

/// Runs independent tasks, at once where there are threads for it.
#[derive(Debug)]
pub(crate) struct Workers {
    threads: usize,
    /// For sorting, in as many threads. Absent inside where no threads could be had: then one has to do.
    pool: OnceLock<Option<ThreadPool>>,
    /// Those beside the caller.
    helpers: OnceLock<Option<ThreadPool>>,
}

impl Workers {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, pool: OnceLock::new(), helpers: OnceLock::new() }
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Sorts numbers of which no two are equal.
    pub(crate) fn sort(&self, numbers: &mut [u128]) {
        if self.threads < 2 || numbers.len() < MANY {
            return numbers.sort();
        }
        match self.pool.get_or_init(|| pool(self.threads)) {
            Some(pool) => pool.install(|| numbers.par_sort()),
            None => numbers.sort(),
        }
    }

    /// Runs each task; with several failures, any one of them is told.
    pub(crate) fn run<T: Send, E: Send>(
        &self,
        tasks: Vec<T>,
        work: impl Fn(T) -> Result<(), E> + Send + Sync,
    ) -> Result<(), E> {
        if self.threads < 2 || tasks.len() < 2 {
            return tasks.into_iter().try_for_each(work);
        }
        let Some(helpers) = self.helpers.get_or_init(|| pool(self.threads - 1)) else {
            return tasks.into_iter().try_for_each(work);
        };
        let most = (self.threads - 1).min(tasks.len() - 1);
        let (tasks, failure) = (Mutex::new(tasks.into_iter()), Mutex::new(None));
        let take_part = || {
            loop {
                let Some(task) = lock(&tasks).next() else { return };
                if let Err(error) = work(task) {
                    *lock(&failure) = Some(error);
                    return;
                }
            }
        };
        helpers.in_place_scope(|scope| {
            (0..most).for_each(|_| scope.spawn(|_| take_part()));
            take_part();
        });
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }
}

fn pool(threads: usize) -> Option<ThreadPool> {
    let name = |index| format!("unified-{index}");
    ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build().ok()
}

/// What is behind these locks is whole whatever happened elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn any_number_of_threads_sorts_alike() {
        let numbers: Vec<u128> = (0..120_000u128).map(|n| (n * 7919) % 120_011).collect();
        let sorted = |threads| {
            let mut numbers = numbers.clone();
            Workers::new(threads).sort(&mut numbers);
            numbers
        };
        assert!(sorted(1).is_sorted());
        assert_eq!(sorted(1), sorted(3));
    }

    #[test]
    fn every_task_runs_once_and_a_failure_is_told() {
        for threads in [1, 3] {
            let (workers, sum) = (Workers::new(threads), AtomicUsize::new(0));
            let add = |n: usize| -> Result<(), usize> {
                sum.fetch_add(n, Ordering::Relaxed);
                Ok(())
            };
            assert_eq!(workers.run((0..100).collect(), add), Ok(()));
            assert_eq!(sum.load(Ordering::Relaxed), 4950);
            assert_eq!(workers.run(vec![1, 2, 3], |n| if n == 2 { Err(n) } else { Ok(()) }), Err(2));
        }
    }
}
