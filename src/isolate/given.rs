//! A job as one side is given it for many runs in a row, as measuring needs it: the copies are made once.

use std::path::Path;

use reports::document::{InputsGiven, Role};
use reports::manifest::ErrorClass;

use super::copies::Copies;
use super::{Touched, Watch, What, private};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::side::Side;

/// A job for one side, which performs it alone.
#[derive(Debug)]
pub struct Given {
    job: Job,
    role: Role,
    how: Option<InputsGiven>,
    copies: Option<Copies>,
    watch: Watch,
}

impl Given {
    /// The job for `side`; copies of its inputs lie below `home`.
    ///
    /// # Errors
    /// Class `io` where the machine does not copy the inputs or give them back.
    pub fn new(side: &dyn Side, role: Role, job: &Job, home: &Path, cancel: &Cancel) -> Result<Self> {
        let watch = if side.isolation().is_some() { Watch::new(&job.inputs, &[])? } else { Watch::default() };
        let how = watch.given_to(side);
        let copied = how == Some(InputsGiven::Copies) && !job.inputs.is_empty();
        let copies = copied
            .then(|| Copies::make(&job.inputs, &watch.digests(), private(home)?.join("inputs"), cancel))
            .transpose()?;
        let mut job = job.clone();
        if let Some(copies) = &copies {
            job.inputs = copies.paths().to_vec();
        }
        Ok(Self { job, role, how, copies, watch })
    }

    /// How the inputs are given; absent for a side that is no external program.
    #[must_use]
    pub fn how(&self) -> Option<InputsGiven> {
        self.how
    }

    /// The job, with the inputs that the side is given.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The watch over the inputs themselves.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Notes in `watch` what the side changed of its copies in runs called `run`.
    ///
    /// # Errors
    /// Class `io` where the machine does not give a copy back.
    pub fn note(&self, watch: &Watch, run: &str) -> Result<()> {
        if let Some(copies) = &self.copies {
            watch.note(Touched::of(What::Copy, &copies.changed()?, Some(run), vec![self.role], true));
        }
        Ok(())
    }

    /// Lets `run` perform the job once, and looks at what the side was given.
    ///
    /// # Errors
    /// What `run` says, with the names of the inputs; class `side` where the side changed what it was given.
    pub fn once<T>(&self, run: impl FnOnce(&Job) -> Result<T>) -> Result<T> {
        let done = run(&self.job).map_err(|error| match &self.copies {
            Some(copies) => Error { message: copies.by_original(&error.message), ..error },
            None => error,
        })?;
        match &self.copies {
            Some(copies) => {
                let changed = copies.changed()?.into_iter().next();
                self.unless(&format!("the {} changed its inputs", self.role), changed)?;
            }
            None => {
                self.unless(&format!("an input was changed while the {} worked", self.role), self.looked()?)?;
            }
        }
        Ok(done)
    }

    /// Looks at the inputs themselves, when all runs are over.
    ///
    /// # Errors
    /// Class `side` where one is not what it was, whatever process did that.
    pub fn inputs_untouched(&self) -> Result<()> {
        self.unless("an input was changed while its sides were measured", self.looked()?)
    }

    /// The first input that is not what it was, and what became of it.
    fn looked(&self) -> Result<Option<(String, String)>> {
        Ok(self.watch.settle()?.into_iter().next().map(|it| (it.path, it.how)))
    }

    fn unless(&self, what: &str, changed: Option<(String, String)>) -> Result<()> {
        let Some((path, how)) = changed else { return Ok(()) };
        Err(Error::new(ErrorClass::Side, format!("job {}: {what}: {path} ({how})", self.job.id)))
    }
}
