//! Columns of one side that have values only in rows which a known defect of the baseline explains: those that it loses by
//! defect D, and those at points that damaged sketches touch (defect H).

use std::collections::BTreeMap;
use std::sync::Arc;

use reports::document::{Finding, Role};

use super::{Columns, annotations};
use crate::check::draft::SideError;
use crate::check::rows::{damaged, highest};
use crate::check::{KnownDefect, Observed, Subject};
use crate::error::Result;
use crate::output::ReadOptions;

/// The defect that explains a column of one side, by the column's name.
pub(super) type Explained = BTreeMap<String, KnownDefect>;

/// Flat columns of one side alone all of whose values stand in rows that known defects of the baseline explain.
pub(super) fn columns(
    subject: &Subject<'_>,
    baseline: &Observed,
    ours: &Columns,
    theirs: &Columns,
) -> std::result::Result<Explained, SideError> {
    let mut explained = Explained::new();
    let (missing, extra) = (alone(subject, ours, theirs), alone(subject, theirs, ours));
    if missing.is_empty() && extra.is_empty() {
        return Ok(explained);
    }
    let mut rows = Rows::new();
    if !extra.is_empty() {
        add(&mut rows, highest::excused(subject, baseline)?.into_iter());
        explain(subject, subject.candidate, &extra, &rows, KnownDefect::HighestTidLost, &mut explained)?;
    }
    let views = Arc::new(annotations::views(subject, baseline)?);
    let damaged = damaged::excused(subject, baseline, &views)?;
    let letter = KnownDefect::DamagedSketchesMerged;
    if damaged.rows(Role::Candidate).next().is_some() {
        add(&mut rows, damaged.rows(Role::Candidate));
        let left = extra.into_iter().filter(|column| !explained.contains_key(column.0)).collect::<Vec<_>>();
        explain(subject, subject.candidate, &left, &rows, letter, &mut explained)?;
    }
    let mut rows = Rows::new();
    add(&mut rows, damaged.rows(Role::Baseline));
    explain(subject, baseline, &missing, &rows, letter, &mut explained)?;
    Ok(explained)
}

/// Says of a finding which defect explains it.
pub(super) fn excuse(draft: &mut Finding, defect: KnownDefect) {
    let (words, waived) = match defect {
        KnownDefect::HighestTidLost => {
            ("in rows of the highest group key, which the baseline loses", highest::waived())
        }
        _ => (
            "at points with damaged sketches among the input rows, of which the baseline merges what can be read",
            damaged::waived(),
        ),
    };
    draft.message.push_str(&format!(": all of them {words}"));
    draft.defect = Some(defect.letter().to_owned());
    draft.waived = Some(waived);
}

/// Rows by file in judged order.
type Rows = BTreeMap<u32, Vec<u64>>;

fn add(rows: &mut Rows, places: impl Iterator<Item = (u32, u64)>) {
    for (file, row) in places {
        rows.entry(file).or_default().push(row);
    }
}

/// Name and number of values of the flat columns that only one side has, but for those that are not read.
fn alone<'a>(subject: &Subject<'_>, of: &'a Columns, other: &Columns) -> Vec<(&'a String, u64)> {
    of.iter()
        .filter(|(path, _)| path.len() == 1 && !other.contains_key(*path))
        .filter_map(|(path, column)| Some((path.first()?, column.values)))
        .filter(|(name, _)| subject.unread(name).is_none())
        .collect()
}

/// Explains those of the columns all of whose values stand in `rows`.
fn explain(
    subject: &Subject<'_>,
    side: &Observed,
    columns: &[(&String, u64)],
    rows: &Rows,
    defect: KnownDefect,
    explained: &mut Explained,
) -> std::result::Result<(), SideError> {
    if columns.is_empty() {
        return Ok(());
    }
    let mut values: BTreeMap<&String, u64> = BTreeMap::new();
    for (number, rows) in rows {
        let file = &side.output.files[*number as usize];
        let mut count = || -> Result<()> {
            let wanted = columns.iter().map(|column| column.0.clone()).collect();
            let mut rows = rows.clone();
            rows.sort_unstable();
            let options = ReadOptions { columns: Some(wanted), rows: Some(rows), ..ReadOptions::default() };
            for located in file.read(options)? {
                subject.cancel.check()?;
                let batch = located?.batch;
                for (name, _) in columns {
                    if let Some(array) = batch.column_by_name(name) {
                        *values.entry(name).or_default() += (array.len() - array.logical_null_count()) as u64;
                    }
                }
            }
            Ok(())
        };
        count().map_err(|error| SideError { role: side.role, file: file.info.path.clone(), error })?;
    }
    let all = columns.iter().filter(|(name, count)| values.get(name) == Some(count));
    explained.extend(all.map(|(name, _)| ((*name).clone(), defect)));
    Ok(())
}
