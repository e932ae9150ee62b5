//! The slot of a trace: which of the jobs that share the traces of an organization's day works on it.

use sha2::{Digest, Sha256};

/// What counts as the trace of a row that names none.
const UNKNOWN: &str = "unknown";

/// How traces are dealt to slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots<'a> {
    /// Date as yyyymmdd.
    pub(super) dateint: i64,
    /// Organization.
    pub(super) organization: &'a str,
    /// How many slots there are.
    pub(super) slots: u64,
}

impl Slots<'_> {
    /// The slot of a trace: the first two bytes, the higher first, of SHA-256 over `TRACE_DATE_ORGANIZATION`, modulo the
    /// number of slots.
    pub(super) fn slot_of(&self, trace: Option<&str>) -> u64 {
        let Self { dateint, organization, slots } = self;
        let key = format!("{}_{dateint}_{organization}", trace.unwrap_or(UNKNOWN));
        let digest = Sha256::digest(key.as_bytes());
        (u64::from(digest[0]) << 8 | u64::from(digest[1])) % slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_production() {
        let all = Slots { dateint: 20_250_825, organization: "org-1", slots: 1 << 16 };
        assert_eq!((all.slot_of(Some("abc123")), all.slot_of(None)), (19_805, 32_098));
        let few = Slots { slots: 16, ..all };
        assert_eq!((few.slot_of(Some("abc123")), few.slot_of(None)), (19_805 % 16, 2));
    }
}
