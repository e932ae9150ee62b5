//! What the inputs of a job hold. They say how a column must be where the sides differ, or may both be wrong.

use reports::document::Role;
use reports::manifest::ErrorClass;

use crate::check::Subject;
use crate::check::draft::SideError;
use crate::error::{Result, display};
use crate::output::OutputFile;

/// Whether `holds` is true of an input. An input that cannot be read says nothing.
pub(super) fn any(
    subject: &Subject<'_>,
    holds: impl Fn(&OutputFile) -> Result<bool>,
) -> std::result::Result<bool, SideError> {
    for input in &subject.job.inputs {
        subject.cancel.check().map_err(|error| of(input, error))?;
        match OutputFile::open(input, &display(input)).and_then(|file| holds(&file)) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) if error.class == ErrorClass::Input => {}
            Err(error) => return Err(of(input, error)),
        }
    }
    Ok(false)
}

fn of(input: &std::path::Path, error: crate::error::Error) -> SideError {
    SideError { role: Role::Baseline, file: display(input), error }
}
