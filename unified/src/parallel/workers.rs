//! Threads that share the work on the columns of some rows.
//!
//! The pool is made when there is work for it, so that small jobs and jobs of one thread never pay for it. Tasks are taken
//! one by one in their order, the largest first where the caller puts them so; the caller takes part, which saves a change
//! of threads each time. Results do not depend on the number of threads: each task has its own data, and all tasks are done
//! before the next step.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use rayon::slice::ParallelSliceMut;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::parallel::in_turn::in_turn;
use crate::parallel::lock::lock;

/// Threads to work with: as asked for, or as many as there are processors.
pub(crate) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}

/// Numbers that are worth sorting in several threads.
const MANY: usize = 50_000;

/// Runs independent tasks, at once where there are threads for it. Clones share their threads.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Pools>);

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Workers").field(&self.threads()).finish()
    }
}

struct Pools {
    threads: usize,
    /// As many threads, for callers that wait meanwhile. Absent inside where the system grants no threads: then the caller works alone.
    all: OnceLock<Option<ThreadPool>>,
    /// Those beside the caller.
    helpers: OnceLock<Option<ThreadPool>>,
    /// Work for idle helpers, or for a thread that waits for them.
    aside: Arc<Mutex<VecDeque<Job>>>,
}

/// Work for an idle thread.
type Job = Box<dyn FnOnce() + Send>;

impl Workers {
    pub(crate) fn new(threads: usize) -> Self {
        let aside = Arc::default();
        Self(Arc::new(Pools { threads, all: OnceLock::new(), helpers: OnceLock::new(), aside }))
    }

    pub(crate) fn threads(&self) -> usize {
        self.0.threads
    }

    /// Sorts numbers of which no two are equal.
    pub(crate) fn sort(&self, numbers: &mut [u128]) {
        match self.all(numbers.len() >= MANY) {
            Some(pool) => pool.install(|| numbers.par_sort()),
            None => numbers.sort(),
        }
    }

    /// Works on the tasks that `next` yields, side by side where there are threads for it; `hand_on` gets the results in the
    /// order of the tasks.
    pub(crate) fn in_turn<T: Send, R: Send, E: Send>(
        &self,
        mut next: impl FnMut() -> Option<T> + Send,
        work: impl Fn(T) -> Result<R, E> + Sync,
        mut hand_on: impl FnMut(R) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        match self.all(true) {
            Some(pool) => in_turn(pool, next, work, hand_on),
            None => std::iter::from_fn(&mut next).try_for_each(|task| hand_on(work(task)?)),
        }
    }

    /// The threads that work while the caller waits; none where it is not `worthwhile` or there is only one thread to work with.
    fn all(&self, worthwhile: bool) -> Option<&ThreadPool> {
        if self.threads() < 2 || !worthwhile {
            return None;
        }
        self.0.all.get_or_init(|| pool(self.threads())).as_ref()
    }

    /// Lets an idle thread do this; no thread does where there is only one to work with.
    pub(crate) fn aside(&self, work: impl FnOnce() + Send + 'static) {
        if self.threads() < 2 {
            return;
        }
        lock(&self.0.aside).push_back(Box::new(work));
        let aside = Arc::clone(&self.0.aside);
        self.spawn(move || {
            let job = lock(&aside).pop_front();
            job.into_iter().for_each(|job| job());
        });
    }

    /// Does something that was put aside, if more is left than the other threads have use for; false if nothing was done.
    fn lend_a_hand(&self) -> bool {
        let job = {
            let mut aside = lock(&self.0.aside);
            if aside.len() < self.threads() { None } else { aside.pop_front() }
        };
        job.map(|job| job()).is_some()
    }

    /// Lets another thread do this when it gets to it, if there is one.
    fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        let helpers = self.0.helpers.get_or_init(|| pool(self.threads() - 1));
        if let Some(pool) = helpers {
            pool.spawn(work);
        }
    }

    /// Lets others begin with independent tasks, in their order. With one thread to work with they wait for the join.
    pub(crate) fn start<T: Send + 'static, R: Send + 'static, E: Send + 'static>(
        &self,
        tasks: Vec<T>,
        work: fn(T) -> Result<R, E>,
    ) -> Batch<T, R, E> {
        let helpers = (self.threads() - 1).min(tasks.len());
        let state = State { tasks: tasks.into(), in_hands: 0, done: Vec::new(), failure: None, panic: None };
        let shared = Arc::new(Shared { work, state: Mutex::new(state), finished: Condvar::new() });
        for _ in 0..helpers {
            let shared = Arc::clone(&shared);
            self.spawn(move || shared.take_part());
        }
        Batch { shared, workers: self.clone() }
    }
}

/// Tasks that others work on while the caller does something else, until it joins them.
pub(crate) struct Batch<T, R, E> {
    shared: Arc<Shared<T, R, E>>,
    workers: Workers,
}

impl<T, R, E> std::fmt::Debug for Batch<T, R, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").finish_non_exhaustive()
    }
}

struct Shared<T, R, E> {
    work: fn(T) -> Result<R, E>,
    state: Mutex<State<T, R, E>>,
    /// Notified when the last task under way is done.
    finished: Condvar,
}

struct State<T, R, E> {
    tasks: VecDeque<T>,
    in_hands: usize,
    done: Vec<R>,
    failure: Option<E>,
    panic: Option<Box<dyn Any + Send>>,
}

impl<T, R, E> Shared<T, R, E> {
    /// Takes tasks until none is left.
    fn take_part(&self) {
        loop {
            let task = {
                let mut state = lock(&self.state);
                let Some(task) = state.tasks.pop_front() else { return };
                state.in_hands += 1;
                task
            };
            let result = catch_unwind(AssertUnwindSafe(|| (self.work)(task)));
            let mut state = lock(&self.state);
            state.in_hands -= 1;
            match result {
                Ok(Ok(done)) => state.done.push(done),
                Ok(Err(failure)) => state.failure = Some(failure),
                Err(panic) => state.panic = Some(panic),
            }
            if state.failure.is_some() || state.panic.is_some() {
                state.tasks.clear();
            }
            if state.in_hands == 0 && state.tasks.is_empty() {
                self.finished.notify_all();
            }
        }
    }

    /// Waits until no task is under way.
    fn wait(&self) -> MutexGuard<'_, State<T, R, E>> {
        let state = lock(&self.state);
        self.finished.wait_while(state, |state| state.in_hands > 0).unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static, R: Send + 'static, E: Send + 'static> Batch<T, R, E> {
    /// Works on tasks that no thread has begun.
    pub(crate) fn help(&self) {
        self.shared.take_part();
    }

    /// Works on what is left, waits for the others, doing meanwhile what was put aside, and yields all results, in no
    /// particular order; with several failures, any one of them.
    pub(crate) fn join(self) -> Result<Vec<R>, E> {
        self.shared.take_part();
        while lock(&self.shared.state).in_hands > 0 && self.workers.lend_a_hand() {}
        let mut state = self.shared.wait();
        if let Some(panic) = state.panic.take() {
            std::panic::resume_unwind(panic);
        }
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(std::mem::take(&mut state.done)),
        }
    }
}

impl<T, R, E> Drop for Batch<T, R, E> {
    fn drop(&mut self) {
        // After the drop no task may be under way.
        lock(&self.shared.state).tasks.clear();
        drop(self.shared.wait());
    }
}

fn pool(threads: usize) -> Option<ThreadPool> {
    let name = |index| format!("unified-{index}");
    ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build().ok()
}

#[cfg(test)]
mod tests {
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
    fn a_batch_is_worked_on_beside_and_joined() {
        for threads in [1, 2, 4] {
            let workers = Workers::new(threads);
            let batch = workers.start((0..100u64).collect(), |n| Ok::<_, ()>(n * n));
            let mut squares = batch.join().unwrap();
            squares.sort_unstable();
            assert!(squares.into_iter().eq((0..100).map(|n| n * n)));
            let batch = workers.start((0..10).collect(), |n| if n == 7 { Err(n) } else { Ok(()) });
            assert_eq!(batch.join(), Err(7));
            // Given up: nothing is under way afterwards.
            let counted = Arc::new(());
            drop(workers.start(vec![Arc::clone(&counted); 50], |task| {
                drop(task);
                Ok::<_, ()>(())
            }));
            assert_eq!(Arc::strong_count(&counted), 1);
            let panics: fn(u8) -> Result<(), ()> = |_| panic!("seven");
            let batch = workers.start(vec![7], panics);
            assert!(catch_unwind(AssertUnwindSafe(|| batch.join())).is_err());
        }
    }
}
