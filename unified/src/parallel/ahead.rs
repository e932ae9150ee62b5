//! Work done ahead of the one who needs it.
//!
//! 1. What will be needed is begun under a number. Whichever thread has nothing else to do takes what waits longest: those
//!    that also encode, so that there are no more threads at work than there were asked for.
//! 2. Whoever needs a result and would have to wait for it works meanwhile: on just that, or on what waits longest.
//! 3. What comes out does not depend on who did what: each piece of work has its own data.
//!
//! Memory: the results that nobody took yet; how many may be begun is up to the one who begins them.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::parallel::lock::lock;
use crate::parallel::workers::Workers;

/// Work of one kind, done ahead. Once it is dropped nothing is under way any more.
pub(crate) struct Ahead<T, R> {
    shared: Arc<Shared<T, R>>,
    workers: Workers,
}

struct Shared<T, R> {
    work: Box<dyn Fn(T) -> R + Send + Sync>,
    state: Mutex<State<T, R>>,
    /// Told when something is done and somebody waits.
    finished: Condvar,
}

struct State<T, R> {
    /// The longest waiting first.
    waiting: VecDeque<(usize, T)>,
    done: BTreeMap<usize, std::thread::Result<R>>,
    in_hands: usize,
    sleepers: usize,
}

impl<T, R> Shared<T, R> {
    /// Sleeps until something is done.
    fn sleep<'a>(&'a self, mut state: MutexGuard<'a, State<T, R>>) -> MutexGuard<'a, State<T, R>> {
        state.sleepers += 1;
        let mut state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.sleepers -= 1;
        state
    }

    /// Does what waits at this place.
    fn serve<'a>(&'a self, mut state: MutexGuard<'a, State<T, R>>, at: usize) -> MutexGuard<'a, State<T, R>> {
        let Some((number, task)) = state.waiting.remove(at) else { return state };
        state.in_hands += 1;
        drop(state);
        // Whoever waits for the result must get one.
        let done = catch_unwind(AssertUnwindSafe(|| (self.work)(task)));
        let mut state = lock(&self.state);
        state.in_hands -= 1;
        state.done.insert(number, done);
        if state.sleepers > 0 {
            self.finished.notify_all();
        }
        state
    }
}

impl<T: Send + 'static, R: Send + 'static> Ahead<T, R> {
    pub(crate) fn new(workers: &Workers, work: impl Fn(T) -> R + Send + Sync + 'static) -> Self {
        let state = State { waiting: VecDeque::new(), done: BTreeMap::new(), in_hands: 0, sleepers: 0 };
        let shared = Shared { work: Box::new(work), state: Mutex::new(state), finished: Condvar::new() };
        Self { shared: Arc::new(shared), workers: workers.clone() }
    }

    /// Lets somebody do this, under a number that nothing else has until it is taken.
    pub(crate) fn begin(&self, number: usize, task: T) {
        lock(&self.shared.state).waiting.push_back((number, task));
        let shared = Arc::clone(&self.shared);
        // Where nobody does, whoever takes it will.
        self.workers.aside(move || {
            drop(shared.serve(lock(&shared.state), 0));
        });
    }

    /// The result of what was begun under this number; none if nothing was.
    pub(crate) fn take(&self, number: usize) -> Option<R> {
        let mut state = lock(&self.shared.state);
        loop {
            if let Some(done) = state.done.remove(&number) {
                drop(state);
                return Some(done.unwrap_or_else(|panic| resume_unwind(panic)));
            }
            let own = state.waiting.iter().position(|(waiting, _)| *waiting == number);
            state = match own {
                None if state.waiting.is_empty() && state.in_hands == 0 => return None,
                None if state.waiting.is_empty() => self.shared.sleep(state),
                own => self.shared.serve(state, own.unwrap_or(0)),
            };
        }
    }
}

impl<T, R> Drop for Ahead<T, R> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.waiting.clear();
        while state.in_hands > 0 {
            state = self.shared.sleep(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_those_of_their_numbers_whoever_works_and_in_whatever_order_they_are_taken() {
        for threads in [1, 2, 4] {
            let workers = Workers::new(threads);
            let ahead = Ahead::new(&workers, |n: usize| n * n);
            (0..60).for_each(|n| ahead.begin(n, n + 1));
            for n in (0..30).rev().chain(30..60) {
                assert_eq!(ahead.take(n), Some((n + 1) * (n + 1)));
            }
            assert_eq!(ahead.take(3), None);
        }
    }

    #[test]
    fn what_is_given_up_is_not_under_way_any_more_and_a_panic_reaches_whoever_takes() {
        for threads in [1, 2, 4] {
            let workers = Workers::new(threads);
            let counted = Arc::new(());
            let ahead = Ahead::new(&workers, |held: Arc<()>| {
                assert!(Arc::strong_count(&held) > 1, "one");
            });
            (0..50).for_each(|n| ahead.begin(n, Arc::clone(&counted)));
            ahead.take(49);
            drop(ahead);
            assert_eq!(Arc::strong_count(&counted), 1);
            let ahead = Ahead::new(&workers, |held: Arc<()>| {
                assert!(Arc::strong_count(&held) > 1, "one");
            });
            ahead.begin(7, Arc::new(()));
            assert!(catch_unwind(AssertUnwindSafe(|| ahead.take(7))).is_err());
        }
    }
}
