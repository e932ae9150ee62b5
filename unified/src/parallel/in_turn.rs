//! Results of work that several threads do, handed on one by one in the order of the tasks.
//!
//! Each thread takes the next task, works on it, and hands on what is due, its own result and those that wait for it, unless
//! another does so already. So nobody waits for anybody, but where one is [`AHEAD`] tasks a thread behind the others.
//!
//! Memory: so many results.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;

use crate::parallel::lock::lock;

/// Tasks of each thread that may be begun before the one that is due is done.
const AHEAD: usize = 3;

struct InTurn<N, H, R, E> {
    state: Mutex<State<N, R, E>>,
    hand_on: Mutex<H>,
    /// Told when a result was handed on, or none will be any more.
    moved: Condvar,
    most: usize,
}

struct State<N, R, E> {
    next: N,
    begun: usize,
    /// Results that are not due yet.
    done: BTreeMap<usize, R>,
    handed_on: usize,
    /// Somebody hands on.
    busy: bool,
    failure: Option<E>,
    /// Nothing more is begun.
    ended: bool,
}

/// Works in all threads of the pool on the tasks that `next` yields; `hand_on` gets the results in their order. With several
/// failures, any one of them is told.
pub(crate) fn in_turn<T: Send, R: Send, E: Send>(
    pool: &ThreadPool,
    next: impl FnMut() -> Option<T> + Send,
    work: impl Fn(T) -> Result<R, E> + Sync,
    hand_on: impl FnMut(R) -> Result<(), E> + Send,
) -> Result<(), E> {
    let threads = pool.current_num_threads();
    let (done, failure) = (BTreeMap::new(), None);
    let state = State { next, begun: 0, done, handed_on: 0, busy: false, failure, ended: false };
    let shared = InTurn {
        state: Mutex::new(state),
        hand_on: Mutex::new(hand_on),
        moved: Condvar::new(),
        most: AHEAD * threads,
    };
    pool.scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| shared.take_part(&work));
        }
    });
    lock(&shared.state).failure.take().map_or(Ok(()), Err)
}

impl<N, H, R, E> InTurn<N, H, R, E> {
    fn take_part<T>(&self, work: &impl Fn(T) -> Result<R, E>)
    where
        N: FnMut() -> Option<T>,
        H: FnMut(R) -> Result<(), E>,
    {
        // Those who wait for a thread that panicked must not wait for ever.
        let worked = catch_unwind(AssertUnwindSafe(|| {
            while let Some((number, task)) = self.begin() {
                let result = work(task);
                self.hand_on(number, result);
            }
        }));
        if let Err(panic) = worked {
            self.end(lock(&self.state), None);
            resume_unwind(panic);
        }
    }

    fn begin<T>(&self) -> Option<(usize, T)>
    where
        N: FnMut() -> Option<T>,
    {
        let state = self.moved.wait_while(lock(&self.state), |state| {
            !state.ended && state.begun - state.handed_on >= self.most
        });
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return None;
        }
        let task = (state.next)()?;
        state.begun += 1;
        Some((state.begun - 1, task))
    }

    fn hand_on(&self, number: usize, result: Result<R, E>)
    where
        H: FnMut(R) -> Result<(), E>,
    {
        let mut state = lock(&self.state);
        match result {
            Ok(result) => drop(state.done.insert(number, result)),
            Err(failure) => return self.end(state, Some(failure)),
        }
        while !state.busy && !state.ended {
            let due = state.handed_on;
            let Some(result) = state.done.remove(&due) else { return };
            state.busy = true;
            drop(state);
            let handed_on = (lock(&self.hand_on))(result);
            state = lock(&self.state);
            state.busy = false;
            state.handed_on += 1;
            match handed_on {
                Ok(()) => self.moved.notify_all(),
                Err(failure) => return self.end(state, Some(failure)),
            }
        }
    }

    fn end(&self, mut state: MutexGuard<'_, State<N, R, E>>, failure: Option<E>) {
        state.ended = true;
        if failure.is_some() {
            state.failure = failure;
        }
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::workers::Workers;

    #[test]
    fn results_are_handed_on_in_the_order_of_their_tasks() {
        for threads in [1, 2, 4] {
            let (mut tasks, mut results) = (0..300u64, Vec::new());
            let work = |n: u64| {
                // Some take long, so that those behind them are done first.
                let sum: u64 = (0..if n.is_multiple_of(7) { 40_000 } else { 10 }).map(|m: u64| m ^ n).sum();
                Ok::<_, ()>((n, sum))
            };
            let hand_on = |(n, _)| {
                results.push(n);
                Ok(())
            };
            Workers::new(threads).in_turn(|| tasks.next(), work, hand_on).unwrap();
            assert!(results.into_iter().eq(0..300));
        }
    }

    #[test]
    fn a_failure_of_either_kind_ends_all() {
        for threads in [1, 2, 4] {
            let workers = Workers::new(threads);
            for (worse, worst) in [(40, 900), (900, 40)] {
                let (mut tasks, mut handed_on) = (0.., 0);
                let work = |n: u64| if n < worse { Ok(n) } else { Err("work") };
                let hand_on = |n| {
                    handed_on += 1;
                    if n < worst { Ok(()) } else { Err("hand on") }
                };
                let failure = workers.in_turn(|| tasks.next(), work, hand_on).unwrap_err();
                assert_eq!(failure, if worse < worst { "work" } else { "hand on" });
                assert!(handed_on <= 41);
            }
            let panics = |n: u64| if n == 9 { panic!("nine") } else { Ok::<_, ()>(n) };
            let mut tasks = 0..1000;
            let panicked =
                catch_unwind(AssertUnwindSafe(|| workers.in_turn(|| tasks.next(), panics, |_| Ok(()))));
            assert!(panicked.is_err());
        }
    }
}
