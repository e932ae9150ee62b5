//! The inputs of one job and the outputs of its sides, watched while the sides are at work.
//!
//! A change is put down to the external sides that were at work at any time since the file was last as it should be. Where one alone
//! was, it is named. Built-in sides only read what they are given. What a process did that left its group and outlived its side
//! looks like what the other side did: where a side was given the very file, it answers for what becomes of it meanwhile.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reports::document::{InputsGiven, Role};

use super::print::Print;
use super::seal::Seal;
use super::{Touched, What};
use crate::error::{Result, display};
use crate::output::Output;
use crate::side::Side;

/// The watch over one job.
#[derive(Debug, Default)]
pub struct Watch {
    inputs: Vec<PathBuf>,
    bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    prints: Vec<Print>,
    /// External sides at work now.
    at_work: BTreeSet<Role>,
    /// External sides at work at any time since `prints` were taken.
    since: BTreeSet<Role>,
    /// External sides that were at work at all.
    ever: BTreeSet<Role>,
    /// Whether a side was given the inputs themselves.
    in_place: bool,
    /// Whether any external side is at work in this job.
    foreign: bool,
    touched: Vec<Touched>,
    seals: Vec<Seal>,
}

impl Watch {
    /// Begins with the inputs as they are. Their digests are `known`, or none is.
    ///
    /// # Errors
    /// Class `io` where the machine does not give an input back.
    pub fn new(inputs: &[PathBuf], known: &[String]) -> Result<Self> {
        let look = |(number, path): (usize, &PathBuf)| match known.get(number) {
            Some(digest) => Print::with(path, |_| Ok(digest.clone())),
            None => Print::of(path),
        };
        let prints = inputs.iter().enumerate().map(look).collect::<Result<Vec<_>>>()?;
        let bytes = prints.iter().map(Print::bytes).fold(0, u64::saturating_add);
        let state = Mutex::new(State { prints, ..State::default() });
        Ok(Self { inputs: inputs.to_vec(), bytes, state })
    }

    /// How the inputs are given to a side; `None` for one that is no external program.
    #[must_use]
    pub fn given_to(&self, side: &dyn Side) -> Option<InputsGiven> {
        Some(side.isolation()?.given(self.bytes))
    }

    /// Takes note of the sides that will be at work; true where one of them works on the inputs themselves and may write to them.
    #[must_use]
    pub fn shares_with(&self, sides: &[&dyn Side]) -> bool {
        let given: Vec<InputsGiven> = sides.iter().filter_map(|side| self.given_to(*side)).collect();
        let mut state = self.state();
        state.foreign = !given.is_empty();
        state.in_place = given.iter().any(|it| *it != InputsGiven::Copies);
        state.in_place
    }

    /// A watch over other inputs of the same job, for a further run of `side`; over none where that only reads them.
    ///
    /// # Errors
    /// Class `io` where the machine does not give an input back.
    pub fn over(&self, side: &dyn Side, inputs: &[PathBuf]) -> Result<Self> {
        if side.isolation().is_none() {
            return Ok(Self::default());
        }
        let watch = Self::new(inputs, &[])?;
        watch.state().in_place = self.state().in_place;
        Ok(watch)
    }

    pub(super) fn digests(&self) -> Vec<Option<String>> {
        self.state().prints.iter().map(|print| print.content().map(str::to_owned)).collect()
    }

    /// An external side begins.
    pub fn begin(&self, role: Role) {
        let mut guard = self.state();
        let state = &mut *guard;
        state.seals.iter_mut().for_each(|seal| seal.others.extend((seal.role != role).then_some(role)));
        for set in [&mut state.at_work, &mut state.since, &mut state.ever] {
            set.insert(role);
        }
    }

    /// An external side has ended: looks at the inputs.
    ///
    /// # Errors
    /// Class `io` where the machine does not give an input back.
    pub fn end(&self, role: Role) -> Result<()> {
        let mut state = self.state();
        state.at_work.remove(&role);
        self.look(&mut state)
    }

    /// Notes what was found elsewhere.
    pub fn note(&self, touched: Option<Touched>) {
        self.state().touched.extend(touched);
    }

    /// Seals an output of a side that has ended. Without an external side there is nothing to seal it against: built-in sides write to
    /// their own outputs alone.
    ///
    /// # Errors
    /// Class `io` where the machine does not give it back.
    pub fn seal(&self, role: Role, run: Option<&str>, output: &Output) -> Result<()> {
        if !self.state().foreign {
            return Ok(());
        }
        let mut seal = Seal::new(role, run, output)?;
        let mut state = self.state();
        seal.others = state.at_work.iter().copied().filter(|other| *other != role).collect();
        state.seals.push(seal);
        Ok(())
    }

    /// Takes over what another watch found, over other inputs of the same job.
    ///
    /// # Errors
    /// Class `io` where the machine does not give one of its inputs back.
    pub fn take(&self, other: Self) -> Result<()> {
        let touched = other.settle()?;
        self.state().touched.extend(touched);
        Ok(())
    }

    /// When all sides have ended: looks at inputs and outputs once more, and gives everything that was found.
    ///
    /// # Errors
    /// Class `io` where the machine does not give a file back.
    pub fn settle(&self) -> Result<Vec<Touched>> {
        let mut state = self.state();
        self.look(&mut state)?;
        let seals = std::mem::take(&mut state.seals);
        for seal in &seals {
            // Those at work since; with none, one that ended may have left a process. So may the side itself in any case.
            let suspects = if seal.others.is_empty() { &state.ever } else { &seal.others };
            let by: Vec<Role> = suspects.iter().copied().collect();
            let own = by.contains(&seal.role) || !state.ever.contains(&seal.role);
            let (what, certain) = (What::Output(seal.role), by.len() == 1 && own);
            state.touched.extend(Touched::of(what, &seal.changed()?, seal.run.as_deref(), by, certain));
        }
        let first = |role| seals.iter().find(|seal| seal.role == role && seal.run.is_none());
        if let (Some(baseline), Some(candidate)) = (first(Role::Baseline), first(Role::Candidate)) {
            let shared: Vec<(String, String)> = baseline
                .shared_with(candidate)
                .into_iter()
                .map(|(of_baseline, of_candidate)| {
                    (of_candidate, format!("it is {of_baseline} of the baseline"))
                })
                .collect();
            let by: Vec<Role> = state.ever.iter().copied().collect();
            let certain = by.len() == 1;
            state.touched.extend(Touched::of(What::Shared, &shared, None, by, certain));
        }
        Ok(std::mem::take(&mut state.touched))
    }

    /// Compares the inputs with what they were, and goes on from what they are.
    fn look(&self, state: &mut State) -> Result<()> {
        let mut changed = Vec::new();
        for (path, print) in self.inputs.iter().zip(&mut state.prints) {
            let now = Print::of(path)?;
            if let Some(how) = print.became(&now) {
                changed.push((display(path), how));
                *print = now;
            }
        }
        changed.dedup();
        // With none at work since, one that ended may have left a process.
        let suspects = if state.since.is_empty() { &state.ever } else { &state.since };
        let by: Vec<Role> = suspects.iter().copied().collect();
        let certain = state.in_place && state.since.len() == 1;
        state.touched.extend(Touched::of(What::Input, &changed, None, by, certain));
        state.since.clone_from(&state.at_work);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_put_down_to_those_that_were_at_work() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a");
        let write = |text: &str| fs::write(&input, text).unwrap();
        write("one");
        let begin = |in_place: bool| {
            let watch = Watch::new(std::slice::from_ref(&input), &[]).unwrap();
            watch.state().in_place = in_place;
            watch
        };
        let found = |watch: &Watch| {
            let touched = watch.settle().unwrap();
            touched.into_iter().map(|it| (it.by, it.certain)).collect::<Vec<_>>()
        };
        let (a, b) = (Role::Baseline, Role::Candidate);
        // One after the other: each answers for its own time.
        let watch = begin(true);
        watch.begin(a);
        watch.end(a).unwrap();
        watch.begin(b);
        write("two!");
        watch.end(b).unwrap();
        assert_eq!(found(&watch), [(vec![b], true)]);
        // At the same time: either.
        let watch = begin(false);
        watch.begin(a);
        watch.begin(b);
        write("three");
        watch.end(a).unwrap();
        assert_eq!(found(&watch), [(vec![a, b], false)]);
        // The other one had ended, and the input was right then.
        let watch = begin(false);
        watch.begin(a);
        watch.begin(b);
        watch.end(a).unwrap();
        write("fourth");
        watch.end(b).unwrap();
        assert_eq!(found(&watch), [(vec![b], false)]);
        // After all had ended.
        let watch = begin(true);
        watch.begin(a);
        watch.end(a).unwrap();
        fs::remove_file(&input).unwrap();
        assert_eq!(found(&watch), [(vec![a], false)]);
        // No external side at all.
        write("five");
        let watch = begin(false);
        write("sixsix");
        assert_eq!(found(&watch), [(vec![], false)]);
        assert_eq!(found(&begin(true)), []);
    }
}
