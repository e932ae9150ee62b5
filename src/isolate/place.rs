//! The directories of one run of a side.
//!
//! Each run has a directory of its own under a random name, in a directory that its owner may enter but not list. What the
//! side is given (output, scratch, papers, copies of inputs) lies in there and nowhere else, so no path that one side sees
//! leads to the other side's by `..` and a name that can be guessed or listed. A program of the same user can still change the
//! permissions of its parent, and root needs not to.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reports::document::{InputsGiven, Role};

use super::copies::Copies;
use super::grounds::Grounds;
use super::{Touched, Watch, What};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::side::{Side, SideRun, Workplace, leavings};

/// Letters and digits of the name of a directory that is not to be found.
const RANDOM: usize = 20;

/// Where one run of a side works, with its copies of the inputs in place.
#[derive(Debug)]
pub struct Place {
    output: PathBuf,
    scratch: PathBuf,
    copies: Option<Copies>,
}

impl Place {
    /// Makes the directories below `home`, and copies for an external side that is to have them.
    ///
    /// # Errors
    /// Class `io` where they cannot be made; class `input` where an input is not what it was when the job began.
    pub fn new(side: &dyn Side, job: &Job, home: &Path, watch: &Watch, cancel: &Cancel) -> Result<Self> {
        let own = private(home)?;
        let (output, scratch) = (own.join("output"), own.join("scratch"));
        for folder in [&output, &scratch] {
            std::fs::create_dir(folder).map_err(|source| Error::io("cannot make", folder, source))?;
        }
        let copied = watch.given_to(side) == Some(InputsGiven::Copies) && !job.inputs.is_empty();
        let copies = copied
            .then(|| Copies::make(&job.inputs, &watch.digests(), own.join("inputs"), cancel))
            .transpose()?;
        Ok(Self { output, scratch, copies })
    }

    /// Where the side's output goes.
    #[must_use]
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// Lets the side do the job here. What it did to its inputs is noted in `watch`; its copies are removed. `run` names a
    /// further run of the side.
    ///
    /// # Errors
    /// As [`Side::perform`], and class `io` where the machine does not say what became of the inputs.
    pub fn perform(
        self,
        side: &dyn Side,
        job: &Job,
        role: Role,
        run: Option<&str>,
        watch: &Watch,
        cancel: &Cancel,
    ) -> Result<SideRun> {
        let workplace = Workplace { output: &self.output, scratch: &self.scratch, cancel };
        if side.isolation().is_none() {
            return side.perform(job, &workplace);
        }
        watch.begin(role);
        let performed = match &self.copies {
            None => side.perform(job, &workplace),
            Some(copies) => {
                let given = Job { inputs: copies.paths().to_vec(), ..job.clone() };
                let mut performed = side.perform(&given, &workplace);
                match &mut performed {
                    Ok(run) => copies.say_originals(run),
                    Err(error) => error.message = copies.by_original(&error.message),
                }
                performed
            }
        };
        watch.end(role)?;
        let performed = performed?;
        if let Some(copies) = self.copies {
            watch.note(Touched::of(What::Copy, &copies.changed()?, run, vec![role], true));
            copies.remove()?;
        }
        Ok(performed)
    }
}

/// A directory below `parent` for one party alone, under a name that cannot be guessed.
///
/// # Errors
/// Class `io` where it cannot be made.
pub fn private(parent: &Path) -> Result<PathBuf> {
    tempfile::Builder::new()
        .prefix("")
        .rand_bytes(RANDOM)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map(tempfile::TempDir::keep)
        .map_err(|source| Error::io("cannot make a directory in", parent, source))
}

/// The directories of one job, of the harness and of each side: they can be entered and not listed. Removed with everything in them.
#[derive(Debug)]
pub struct JobHome {
    own: PathBuf,
    /// Of the baseline and the candidate.
    sides: [PathBuf; 2],
}

impl JobHome {
    /// Makes the directories of the job of this number.
    ///
    /// # Errors
    /// Class `io` where one cannot be made.
    pub fn new(grounds: &Grounds, index: usize) -> Result<Self> {
        let make = |parent: &Path| {
            tempfile::Builder::new()
                .prefix(&format!("job-{index:04}-"))
                .permissions(Permissions::from_mode(0o300))
                .tempdir_in(parent)
                .map(tempfile::TempDir::keep)
                .map_err(|source| Error::io("cannot make a temporary directory in", parent, source))
        };
        let of = |role| make(grounds.of(role));
        Ok(Self { own: make(grounds.path())?, sides: [of(Role::Baseline)?, of(Role::Candidate)?] })
    }

    /// The one of the harness.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.own
    }

    /// The one of a side.
    #[must_use]
    pub fn of(&self, role: Role) -> &Path {
        &self.sides[usize::from(role == Role::Candidate)]
    }

    /// Removes them, whatever a side left there.
    ///
    /// # Errors
    /// Class `io` where something resists.
    pub fn close(self) -> Result<()> {
        self.all().try_for_each(leavings::remove).map_err(Error::not_removed)
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.own.as_path()).chain(self.sides.iter().map(PathBuf::as_path))
    }
}

impl Drop for JobHome {
    fn drop(&mut self) {
        // After an error, which counts more; what resists is removed with the directory of the command.
        self.all().for_each(|path| drop(leavings::remove(path)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_can_be_entered_and_not_listed_and_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let grounds = Grounds::within(parent.path());
        let home = JobHome::new(&grounds, 7).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(home.path()), mode(home.of(Role::Baseline))], [0o300; 2]);
        assert_ne!(home.of(Role::Baseline), home.of(Role::Candidate));
        let (a, b) = (private(home.path()).unwrap(), private(home.path()).unwrap());
        assert_ne!(a, b);
        assert_eq!((mode(&a), a.file_name().unwrap().len()), (0o700, RANDOM));
        std::fs::write(b.join("left"), "x").unwrap();
        home.close().unwrap();
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
        drop(JobHome::new(&grounds, 8).unwrap());
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
