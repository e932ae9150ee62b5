//! The temporary directories of a command: its own, and one for each side where an external program is at work.
//!
//! Each is a [`Scratch`] of its own below the directory for temporary files, under a random name. So what lies above the directory of
//! one side, up to that common directory, holds nothing of the other one.

use std::path::{Path, PathBuf};

use reports::document::Role;

use crate::error::Result;
use crate::scratch::Scratch;

/// Where a command and its sides work.
#[derive(Debug)]
pub struct Grounds {
    own: PathBuf,
    /// Of the baseline and the candidate.
    sides: [PathBuf; 2],
    /// Removed with this.
    held: Vec<Scratch>,
}

impl Grounds {
    /// Makes them in `parent`; the sides' are `apart` from the command's own and from each other, or all are one.
    ///
    /// # Errors
    /// As [`Scratch::new`].
    pub fn new(parent: &Path, apart: bool) -> Result<Self> {
        let own = Scratch::new(parent)?;
        if !apart {
            return Ok(Self::within(own.path()).holding([own]));
        }
        let sides = [Scratch::new(parent)?, Scratch::new(parent)?];
        let paths = [sides[0].path().to_path_buf(), sides[1].path().to_path_buf()];
        let [baseline, candidate] = sides;
        let made = Self { sides: paths, ..Self::within(own.path()) };
        Ok(made.holding([own, baseline, candidate]))
    }

    /// All of them are `place`, which the caller removes.
    #[must_use]
    pub fn within(place: &Path) -> Self {
        let place = place.to_path_buf();
        Self { sides: [place.clone(), place.clone()], own: place, held: Vec::new() }
    }

    fn holding(mut self, held: impl IntoIterator<Item = Scratch>) -> Self {
        self.held.extend(held);
        self
    }

    /// The directory of the command.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.own
    }

    /// The directory of a side.
    #[must_use]
    pub fn of(&self, role: Role) -> &Path {
        &self.sides[usize::from(role == Role::Candidate)]
    }

    /// Removes what was made.
    ///
    /// # Errors
    /// Class `io` where something resists.
    pub fn close(self) -> Result<()> {
        self.held.into_iter().try_for_each(Scratch::close)
    }
}
