//! Exit codes: a documented, stable part of the command line.

use std::process::ExitCode;

use reports::document::Verdict;
use reports::manifest::ErrorClass;

use crate::error::Error;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: every gating check of every job passed, or the command did what it was asked for.
    Pass,
    /// 1: a gating check failed.
    Fail,
    /// 2: could not run: usage, configuration, input, I/O.
    CouldNotRun,
    /// 3: nothing failed, but something gating could not be decided.
    Inconclusive,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number handed to the operating system.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::CouldNotRun => 2,
            Self::Inconclusive => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Inconclusive => Self::Inconclusive,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        if error.class == ErrorClass::Cancelled { Self::Interrupted } else { Self::CouldNotRun }
    }
}
