//! Rows that only the candidate holds because the baseline is known to lose the highest group key (defect D).
//!
//! The defect excuses exactly this: the baseline holds no row of that key, and the candidate holds every point of it that the
//! inputs yield, each once, and no other. Which points these are is worked out from the inputs (`crate::rollup`); what the rows
//! say is the business of SKETCH. Cost: one pass over the inputs, one over three columns of both sides.

use std::collections::HashSet;

use reports::document::Waived;

use super::scan::at;
use crate::check::draft::SideError;
use crate::check::{KnownDefect, Observed, Subject};
use crate::error::{Error, Result};
use crate::output::{OutputFile, ReadOptions};
use crate::rollup::{Block, Columns, Model, Modelled, key_hash};

/// The highest group key there can be.
const HIGHEST: i64 = i64::MAX;

/// Rows by file in judged order and row within the file.
pub(in crate::check) type Places = HashSet<(u32, u64)>;

/// The rows of the candidate that defect D excuses; none where it does not explain them exactly.
pub(in crate::check) fn excused(
    subject: &Subject<'_>,
    baseline: &Observed,
) -> std::result::Result<Places, SideError> {
    let none = Ok(Places::new());
    let columns = subject.job.signal.as_deref().and_then(Columns::of);
    let Some(columns) = columns.filter(|_| subject.known_defects.contains(&KnownDefect::HighestTidLost))
    else {
        return none;
    };
    let ours = |error: Error| SideError { role: baseline.role, file: String::new(), error };
    let Some(mut expected) = expected(subject).map_err(ours)? else { return none };
    let mut places = Places::new();
    let mut exact = !expected.is_empty();
    each(subject, baseline, &columns, |_, _| exact = false)?;
    if !exact {
        return none;
    }
    each(subject, subject.candidate, &columns, |place, key| {
        exact &= key.is_some_and(|key| expected.remove(&key));
        places.insert(place);
    })?;
    if exact && expected.is_empty() { Ok(places) } else { none }
}

/// Keys of the points of the highest group that the inputs yield; `None` without a model.
fn expected(subject: &Subject<'_>) -> Result<Option<HashSet<u128>>> {
    let Modelled::Known(model) = Model::open(subject.job, subject.cancel)? else { return Ok(None) };
    let mut keys = HashSet::new();
    let account = model.visit(subject.cancel, |point| {
        if point.group == HIGHEST {
            keys.insert(point.key);
        }
    })?;
    Ok(matches!(account, Modelled::Known(_)).then_some(keys))
}

/// Calls `visit` with place and key of every row of the highest group; a row without a time has no key.
fn each(
    subject: &Subject<'_>,
    side: &Observed,
    columns: &Columns,
    mut visit: impl FnMut((u32, u64), Option<u128>),
) -> std::result::Result<(), SideError> {
    let mut pass = |number: u32, file: &OutputFile| -> Result<()> {
        let wanted = vec![columns.group.clone(), columns.time.clone(), columns.name.clone()];
        for located in file.read(ReadOptions { columns: Some(wanted), ..ReadOptions::default() })? {
            subject.cancel.check()?;
            let located = located?;
            let block = Block::new(&located.batch, columns);
            for row in (0..block.rows()).filter(|row| block.group(*row) == Some(HIGHEST)) {
                let key = block.time(row).map(|time| key_hash(HIGHEST, time, block.name(row)));
                visit((number, located.first_row + row as u64), key);
            }
        }
        Ok(())
    };
    side.output.files.iter().enumerate().try_for_each(|(number, file)| {
        pass(u32::try_from(number).unwrap_or(u32::MAX), file).map_err(|error| at(side, file, error))
    })
}

/// Who answers for the rows, and why.
pub(in crate::check) fn waived() -> Waived {
    Waived {
        reason: "defect D of the legacy TIDMerger: TID 9223372036854775807 is never written; the candidate holds exactly \
                 the rows of it that the inputs yield"
            .to_owned(),
        owner: "parallax".to_owned(),
        expires: None,
    }
}
