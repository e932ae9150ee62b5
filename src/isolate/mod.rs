//! What keeps one side's work apart from the inputs and from the other side, and what notices where it did not.
//!
//! 1. [`Watch`] digests the inputs of a job before its sides and again after each, and seals each output when its side has ended.
//!    What differs afterwards is a [`Touched`], with the sides that may have done it. Times of files decide nothing: on some file
//!    systems a write through a mapping leaves them as they were.
//! 2. [`Copies`] gives an external side inputs of its own, so that what it does to them reaches no other reader.
//! 3. [`Place`] gives every run of a side a directory of its own, under a random name below a directory that cannot be listed.
//!
//! All of it runs as one user, so a program can look beyond its directories. `docs/external-sides.md` says what is prevented,
//! what is detected, and what is neither.

mod copies;
mod given;
mod grounds;
mod place;
mod print;
mod seal;
mod watch;

use std::path::Path;

use reports::document::{InputsGiven, Role};

pub use copies::{Copies, relative};
pub use given::Given;
pub use grounds::Grounds;
pub use place::{JobHome, Place, private};
pub use watch::Watch;

use crate::cancel::Cancel;
use crate::check::touched::{Touched, What};
use crate::error::Result;
use crate::job::Job;
use crate::side::{Side, SideRun};

/// Bytes of inputs of one job up to which external sides get copies.
pub const MOST_COPIED: u64 = 1 << 30;

/// Whether external sides get copies of the inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Isolate {
    /// Each gets its own, up to 1 GiB a job.
    #[default]
    Copy,
    /// They read the inputs where these lie.
    Off,
}

impl Isolate {
    /// How a job with so many bytes of inputs is given to a side.
    #[must_use]
    pub fn given(self, bytes: u64) -> InputsGiven {
        match self {
            Self::Off => InputsGiven::InPlace,
            Self::Copy if bytes > MOST_COPIED => InputsGiven::TooLarge,
            Self::Copy => InputsGiven::Copies,
        }
    }
}

/// Lets one side do the job in directories of its own, and an external one on inputs of its own.
///
/// # Errors
/// As [`Side::perform`], and class `io` where directories or copies cannot be made.
pub fn at_work(
    side: &dyn Side,
    job: &Job,
    role: Role,
    home: &Path,
    watch: &Watch,
    cancel: &Cancel,
) -> Result<SideRun> {
    Place::new(side, job, home, watch, cancel)?.perform(side, job, role, None, watch, cancel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_copied_up_to_a_gibibyte() {
        assert_eq!(Isolate::Copy.given(MOST_COPIED), InputsGiven::Copies);
        assert_eq!(Isolate::Copy.given(MOST_COPIED + 1), InputsGiven::TooLarge);
        assert_eq!(Isolate::Off.given(1), InputsGiven::InPlace);
    }
}
