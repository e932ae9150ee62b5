//! Columns that have values only in rows which the baseline loses by defect D.

use std::collections::{BTreeMap, BTreeSet};

use super::Columns;
use crate::check::draft::SideError;
use crate::check::rows::highest;
use crate::check::{KnownDefect, Observed, Subject};
use crate::error::Result;
use crate::output::ReadOptions;

/// Flat columns of the candidate alone all of whose values stand in rows that the baseline is known to lose.
pub(super) fn columns(
    subject: &Subject<'_>,
    baseline: &Observed,
    ours: &Columns,
    theirs: &Columns,
) -> std::result::Result<BTreeSet<String>, SideError> {
    let alone: Vec<&String> = theirs
        .keys()
        .filter(|path| path.len() == 1 && !ours.contains_key(*path))
        .filter_map(|path| path.first())
        .filter(|name| subject.unread(name).is_none())
        .collect();
    if alone.is_empty() || !subject.known_defects.contains(&KnownDefect::HighestTidLost) {
        return Ok(BTreeSet::new());
    }
    let mut rows: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (file, row) in highest::excused(subject, baseline)? {
        rows.entry(file).or_default().push(row);
    }
    let mut values: BTreeMap<&String, u64> = BTreeMap::new();
    for (number, mut rows) in rows {
        rows.sort_unstable();
        let file = &subject.candidate.output.files[number as usize];
        let mut count = || -> Result<()> {
            let wanted = alone.iter().map(|name| (*name).clone()).collect();
            let options =
                ReadOptions { columns: Some(wanted), rows: Some(rows.clone()), ..ReadOptions::default() };
            for located in file.read(options)? {
                subject.cancel.check()?;
                let batch = located?.batch;
                for name in &alone {
                    if let Some(array) = batch.column_by_name(name) {
                        *values.entry(*name).or_default() +=
                            (array.len() - array.logical_null_count()) as u64;
                    }
                }
            }
            Ok(())
        };
        count().map_err(|error| SideError {
            role: subject.candidate.role,
            file: file.info.path.clone(),
            error,
        })?;
    }
    let all = |name: &String| theirs.get(std::slice::from_ref(name)).map(|column| column.values);
    Ok(values
        .into_iter()
        .filter(|(name, count)| all(name) == Some(*count))
        .map(|(name, _)| name.clone())
        .collect())
}
