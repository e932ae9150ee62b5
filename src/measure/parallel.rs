//! Several workers of one side at the same time: how a writer does under load.
//!
//! Each worker does the whole job, with an output, a scratch directory and papers of its own. All are prepared, wait for each other, and
//! are started together. A run is over when the last one has ended, so that the workers of the two sides never meet.
//!
//! Each worker is a sample. A pair's figure is the sum over its jobs of the mean over the workers: the time that a job takes under load, and
//! the memory that one worker needs. The mean and not the last one to end, because that depends on one worker alone.

use std::sync::Barrier;
use std::thread;

use reports::document::Role;
use reports::manifest::ErrorClass;

use super::launch::Accounting;
use super::once::{Left, Runner};
use crate::error::{Error, Result};
use crate::job::Job;
use crate::side::Side;

/// Runs `workers` copies of one job at the same time: the accounting of each and what it left.
///
/// # Errors
/// A failure of a worker, as [`Runner::once`]; what the others left is then removed.
pub fn run(
    runner: Runner<'_>,
    side: &dyn Side,
    role: Role,
    job: &Job,
    workers: usize,
) -> Result<Vec<(Accounting, Left)>> {
    if workers <= 1 {
        return Ok(vec![runner.once(side, role, job)?]);
    }
    let places = (0..workers).map(|_| Left::new(runner.tmp)).collect::<Result<Vec<_>>>()?;
    let start = Barrier::new(workers);
    let runner = Runner { start: Some(&start), ..runner };
    let work = |left: Left| Ok((runner.complete(side, role, job, &left)?, left));
    thread::scope(|scope| {
        let threads: Vec<_> = places.into_iter().map(|left| scope.spawn(move || work(left))).collect();
        // All are joined first, so that nothing runs on.
        let mut ended = Vec::new();
        let mut failed: Option<Error> = None;
        for thread in threads {
            match thread.join().unwrap_or_else(panicked) {
                Ok(done) => ended.push(done),
                // What is no failure of the side comes first: it may be why the side failed.
                Err(error) if failed.is_none() || error.class != ErrorClass::Side => failed = Some(error),
                Err(_) => {}
            }
        }
        failed.map_or(Ok(ended), Err)
    })
}

fn panicked<T>(panic: Box<dyn std::any::Any + Send>) -> Result<T> {
    Err(Error::internal(format!("a worker's thread panicked: {}", crate::error::of_panic(panic.as_ref()))))
}
