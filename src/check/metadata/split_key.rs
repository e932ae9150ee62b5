//! Split keys of the hourly split, held against the rows: hours of rows, distinct keys, indexes from 0 that rise with time.

use std::collections::BTreeMap;

use reports::document::Role;
use reports::evidence::MetadataEvidence;
use reports::manifest::SplitKey;

use super::defects::{self, Member};
use super::mismatch::Mismatch;
use super::{Stated, facts};
use crate::check::Subject;
use crate::check::draft::counted;

fn key_text(key: SplitKey) -> String {
    format!("{} hour {} ingest {} index {}", key.dateint, key.hour, key.ingest_dateint, key.file_index)
}

/// Judges split keys: hours of rows, distinct keys, indexes from 0 that rise with time.
pub(super) fn judge(
    subject: &Subject<'_>,
    role: Role,
    stated: &[Stated<'_>],
    records: &mut Vec<MetadataEvidence>,
    mismatches: &mut Vec<Mismatch>,
) {
    if stated.iter().all(|it| it.entry.split_key.is_none()) {
        return;
    }
    let mut wrong: BTreeMap<usize, (Option<u64>, String)> = BTreeMap::new();
    for (position, it) in stated.iter().enumerate() {
        let Some(key) = it.entry.split_key else { continue };
        if let Some((row, time)) = it.facts.first_misplaced {
            let (date, hour) = facts::date_hour(time);
            let rows = counted(it.facts.misplaced, "row");
            wrong.insert(position, (Some(row), format!("{rows} of another hour, first {date} hour {hour}")));
        } else if let Some(date) =
            subject.job.parameters.ingest_dateint.filter(|&date| date != key.ingest_dateint)
        {
            wrong.insert(position, (None, format!("ingest {date} by the job")));
        }
    }
    let members: Vec<Member<'_>> =
        stated.iter().map(|it| Member { split_key: it.entry.split_key, facts: &it.facts }).collect();
    for chain in defects::chains(&members) {
        let mut before = None;
        for (wanted, &position) in chain.iter().enumerate() {
            let Some(key) = stated[position].entry.split_key else { break };
            let first = stated[position].facts.range.map(|range| range.0);
            if i64::try_from(wanted) != Ok(key.file_index) {
                wrong.entry(position).or_insert((None, format!("index {wanted} in its hour")));
            } else if first < before {
                let text = "begins before the file with the index before it".to_owned();
                wrong.entry(position).or_insert((None, text));
            }
            before = first.or(before);
        }
    }
    for (position, it) in stated.iter().enumerate() {
        let wrong = match it.entry.split_key {
            Some(_) => wrong.remove(&position),
            None => Some((None, "a file of an hour".to_owned())),
        };
        let text = it.entry.split_key.map(key_text);
        records.push(MetadataEvidence {
            side: role,
            file: it.file.info.path.clone(),
            field: "split_key".to_owned(),
            stated: text.clone(),
            recomputed: wrong.as_ref().map(|(_, text)| text.clone()).or_else(|| text.clone()),
            agrees: wrong.is_none(),
        });
        if let Some((row, recomputed)) = wrong {
            mismatches.push(Mismatch {
                field: "split_key",
                file: it.file.info.path.clone(),
                row,
                absent: text.is_none(),
                stated: text.unwrap_or_else(|| "nothing".to_owned()),
                recomputed,
                defect: None,
                more: Vec::new(),
            });
        }
    }
}
