//! Threads that share the work on the columns of some rows.
//!
//! The pool is made when there is work for it, so that small jobs and jobs of one thread never pay for it. Results do
//! not depend on the number of threads: each task has its own data, and the tasks are joined before the next step.

use std::sync::OnceLock;

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
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
    /// Absent inside where no threads could be had: then one has to do.
    pool: OnceLock<Option<ThreadPool>>,
}

impl Workers {
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, pool: OnceLock::new() }
    }

    fn pool(&self) -> Option<&ThreadPool> {
        let pool = self.pool.get_or_init(|| {
            let name = |index| format!("unified-{index}");
            ThreadPoolBuilder::new().num_threads(self.threads).thread_name(name).build().ok()
        });
        pool.as_ref()
    }

    /// Sorts numbers of which no two are equal.
    pub(crate) fn sort(&self, numbers: &mut [u128]) {
        if self.threads < 2 || numbers.len() < MANY {
            return numbers.sort();
        }
        match self.pool() {
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
        match self.pool() {
            Some(pool) => pool.install(|| tasks.into_par_iter().with_max_len(1).try_for_each(work)),
            None => tasks.into_iter().try_for_each(work),
        }
    }
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
