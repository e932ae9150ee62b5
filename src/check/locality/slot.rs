//! The slot of a row: the first two bytes, big endian, of SHA-256 over `TRACE_DATEINT_ORGANIZATION`, modulo the number of slots.

use corpora::parameters::Parameters;
use corpora::signal::LocalityRule;
use rayon::prelude::*;
use reports::document::{Place, Role};
use sha2::{Digest, Sha256};

use crate::cancel::Cancel;
use crate::check::draft::SideError;
use crate::error::Result;
use crate::output::OutputFile;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};

/// What stands for the trace of a row that has none.
const UNKNOWN: &[u8] = b"unknown";

/// How traces are dealt to slots, and the slot of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slots<'a> {
    pub(super) column: &'a str,
    pub(super) slot: i64,
    pub(super) slots: i64,
    tail: String,
}

impl<'a> Slots<'a> {
    /// The rule of a job.
    ///
    /// # Errors
    /// What is not known, as a fragment.
    pub(crate) fn of(rule: &'a LocalityRule, parameters: &Parameters) -> std::result::Result<Self, String> {
        let Some(column) = rule.slot.as_deref() else {
            return Err("the signal names no column for it".to_owned());
        };
        let (Some(slot), Some(dateint), Some(organization)) =
            (parameters.slot, parameters.dateint, parameters.organization.as_deref())
        else {
            let given = [
                ("slot", parameters.slot.is_some()),
                ("dateint", parameters.dateint.is_some()),
                ("organization", parameters.organization.is_some()),
            ];
            let absent: Vec<&str> = given.iter().filter(|it| !it.1).map(|it| it.0).collect();
            return Err(format!("the job has no parameter {}", absent.join(", ")));
        };
        let slots = parameters.slots.unwrap_or(1);
        if slots < 1 {
            return Err(format!("there cannot be {slots} slots"));
        }
        Ok(Self { column, slot, slots, tail: format!("_{dateint}_{organization}") })
    }

    /// The value before the modulo.
    fn dealt(&self, trace: Option<&[u8]>) -> u16 {
        let hash = Sha256::new().chain_update(trace.unwrap_or(UNKNOWN)).chain_update(&self.tail).finalize();
        u16::from_be_bytes([hash[0], hash[1]])
    }

    /// Whether the trace belongs to the job's slot.
    pub(crate) fn holds(&self, trace: &str) -> bool {
        i64::from(self.dealt(Some(trace.as_bytes()))) % self.slots == self.slot
    }

    /// Whether a row with this value belongs to another slot.
    fn is_foreign(&self, trace: &KeyValue) -> bool {
        let trace = match trace {
            KeyValue::Bytes(bytes) => Some(bytes.as_slice()),
            _ => None,
        };
        i64::from(self.dealt(trace)) % self.slots != self.slot
    }

    /// Rows of another slot in files, and the first of them.
    pub(super) fn foreign(
        &self,
        files: &[OutputFile],
        role: Role,
        cancel: &Cancel,
    ) -> std::result::Result<(u64, Option<Place>), SideError> {
        let counted: std::result::Result<Vec<(u64, Option<Place>)>, SideError> = files
            .par_iter()
            .map(|file| {
                let (count, first) = self.in_file(file, cancel).map_err(|error| SideError {
                    role,
                    file: file.info.path.clone(),
                    error,
                })?;
                let column = Some(self.column.to_owned());
                Ok((count, first.map(|row| Place { column, ..file.place(row) })))
            })
            .collect();
        let counted = counted?;
        Ok((counted.iter().map(|it| it.0).sum(), counted.into_iter().find_map(|it| it.1)))
    }

    /// Rows of another slot in one file, and the first of them.
    pub(super) fn in_file(&self, file: &OutputFile, cancel: &Cancel) -> Result<(u64, Option<u64>)> {
        let (mut count, mut first) = (0, None);
        let mut last: Option<(KeyValue, bool)> = None;
        for located in file.batches(Some(&[self.column.to_owned()]), 0)? {
            cancel.check()?;
            let located = located?;
            let column = KeyColumn::new(&located.batch, self.column, KeyRule::AsStored);
            for row in 0..located.batch.num_rows() {
                let trace = column.value(row);
                let foreign = match &last {
                    Some((known, foreign)) if *known == trace => *foreign,
                    _ => {
                        let foreign = self.is_foreign(&trace);
                        last.insert((trace, foreign)).1
                    }
                };
                if foreign {
                    count += 1;
                    first.get_or_insert(located.first_row + row as u64);
                }
            }
        }
        Ok((count, first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters {
            slot: Some(3),
            slots: Some(16),
            dateint: Some(20_250_825),
            organization: Some("org-1".to_owned()),
            ..Parameters::default()
        }
    }

    fn rule() -> LocalityRule {
        LocalityRule { slot: Some("trace".to_owned()), ..LocalityRule::default() }
    }

    #[test]
    fn slots_are_dealt_as_the_original_deals_them() {
        let rule = rule();
        let slots = Slots::of(&rule, &parameters()).unwrap();
        assert_eq!((slots.dealt(Some(b"abc123")), slots.dealt(None)), (19_805, 32_098));
        assert_ne!(slots.dealt(Some(b"")), slots.dealt(None));
        // 19805 is 13 modulo 16.
        assert!(slots.is_foreign(&KeyValue::Bytes(b"abc123".to_vec())));
        let slots = Slots { slot: 13, ..slots };
        assert!(!slots.is_foreign(&KeyValue::Bytes(b"abc123".to_vec())));
        let slots = Slots { slot: 0, slots: 1, ..slots };
        assert!(
            !slots.is_foreign(&KeyValue::Bytes(b"abc123".to_vec())) && !slots.is_foreign(&KeyValue::Missing)
        );
    }

    #[test]
    fn what_is_not_known_is_named() {
        let without = Parameters { dateint: None, organization: None, ..parameters() };
        assert_eq!(
            Slots::of(&rule(), &without).unwrap_err(),
            "the job has no parameter dateint, organization"
        );
        assert!(Slots::of(&LocalityRule::default(), &parameters()).unwrap_err().contains("no column"));
    }
}
