//! Counting differing rows by the values of some columns.
//!
//! Up to [`TOLD_APART`] groups are counted one by one; rows of groups first met after that are counted together. The report
//! shows the [`SHOWN`] largest and sums the rest, so that the counts always add up to all differing rows and every count that
//! stands beside a value is exact. Memory: bounded by the number of groups told apart, about 100 bytes each.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use reports::blast::{BlastCounts, BlastGroup, BlastRadius};
use reports::evidence::RowDifferenceKind;

/// Groups that are counted one by one.
pub const TOLD_APART: usize = 100_000;

/// Groups that the report shows.
pub const SHOWN: usize = 1_000;

/// Groups counted one by one for each finding.
const TOLD_APART_EACH: usize = 1_000;

/// Findings for which groups are counted: one a changed column and a few more.
const FINDINGS: usize = 2_000;

/// Groups named in a finding.
const TOP: usize = 3;

/// Stands for the hour of the signal's time column, where a column is named.
pub const HOUR: &str = "hour";

/// Stands for the output file, where a column is named.
pub const FILE: &str = "file";

/// True for a name that stands for something other than a column.
#[must_use]
pub fn is_derived(name: &str) -> bool {
    name == HOUR || name == FILE
}

/// The values by which a row is counted.
pub type Values = Vec<Option<String>>;

#[derive(Debug)]
struct Counter {
    groups: BTreeMap<Values, BlastCounts>,
    room: usize,
    rest: BlastCounts,
}

impl Counter {
    fn new(room: usize) -> Self {
        Self { groups: BTreeMap::new(), room, rest: BlastCounts::default() }
    }

    fn count(&mut self, values: &[Option<String>], kind: RowDifferenceKind) {
        if self.groups.len() < self.room && !self.groups.contains_key(values) {
            self.groups.insert(values.to_vec(), BlastCounts::default());
        }
        let counts = self.groups.get_mut(values).unwrap_or(&mut self.rest);
        *match kind {
            RowDifferenceKind::Changed => &mut counts.changed,
            RowDifferenceKind::Missing => &mut counts.missing,
            RowDifferenceKind::Extra => &mut counts.extra,
        } += 1;
    }

    fn ranked(&self) -> Vec<(&Values, &BlastCounts)> {
        let mut ranked: Vec<_> = self.groups.iter().collect();
        // Equal counts stay in the order of their values: the table is the same each time.
        ranked.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.rows()));
        ranked
    }
}

/// Differing rows by group, in all and for each finding.
#[derive(Debug)]
pub struct Blast {
    by: Vec<String>,
    all: Counter,
    findings: BTreeMap<String, Counter>,
}

impl Blast {
    /// Nothing counted yet, by these columns.
    #[must_use]
    pub fn by(columns: &[String]) -> Self {
        Self { by: columns.to_vec(), all: Counter::new(TOLD_APART), findings: BTreeMap::new() }
    }

    /// Counts one differing row that belongs to `findings`.
    pub fn count<'a>(
        &mut self,
        values: &[Option<String>],
        kind: RowDifferenceKind,
        findings: impl Iterator<Item = &'a str>,
    ) {
        self.all.count(values, kind);
        for finding in findings {
            let known = self.findings.len();
            match self.findings.entry(finding.to_owned()) {
                Entry::Occupied(counter) => counter.into_mut().count(values, kind),
                Entry::Vacant(place) if known < FINDINGS => {
                    place.insert(Counter::new(TOLD_APART_EACH)).count(values, kind);
                }
                Entry::Vacant(_) => {}
            }
        }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> BlastRadius {
        let ranked = self.all.ranked();
        let mut other = self.all.rest;
        for (_, counts) in ranked.iter().skip(SHOWN) {
            other.changed += counts.changed;
            other.missing += counts.missing;
            other.extra += counts.extra;
        }
        let groups = ranked.into_iter().take(SHOWN);
        BlastRadius {
            by: self.by.clone(),
            groups: groups
                .map(|(values, counts)| BlastGroup { values: values.clone(), counts: *counts })
                .collect(),
            other: (other.rows() > 0).then_some(other),
            group_limit: SHOWN as u64,
            not_told_apart: self.all.rest.rows(),
        }
    }

    /// The largest groups of a finding in words; `None` where it has none.
    #[must_use]
    pub fn top(&self, finding: &str) -> Option<String> {
        let counter = self.findings.get(finding)?;
        let ranked = counter.ranked();
        let label = BlastRadius { by: self.by.clone(), ..BlastRadius::default() };
        let mut words: Vec<String> = ranked
            .iter()
            .take(TOP)
            .map(|(values, counts)| format!("{}: {}", label.label(values), counts.rows()))
            .collect();
        let told: u64 = ranked.iter().take(TOP).map(|(_, counts)| counts.rows()).sum();
        let all: u64 = ranked.iter().map(|(_, counts)| counts.rows()).sum::<u64>() + counter.rest.rows();
        if told < all {
            words.push(format!("elsewhere: {}", all - told));
        }
        Some(words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_sums_to_every_row_however_many_groups_there_are() {
        let mut blast = Blast::by(&["id".to_owned()]);
        let groups = TOLD_APART + 50;
        for number in 0..groups {
            let kind = if number % 2 == 0 { RowDifferenceKind::Changed } else { RowDifferenceKind::Extra };
            blast.count(&[Some(number.to_string())], kind, ["f"].into_iter());
        }
        blast.count(&[Some("7".to_owned())], RowDifferenceKind::Missing, ["f"].into_iter());
        let table = blast.table();
        assert_eq!(table.rows(), groups as u64 + 1);
        assert_eq!(table.groups.len(), SHOWN);
        assert_eq!(table.groups[0].values, [Some("7".to_owned())]);
        assert_eq!(table.groups[0].counts, BlastCounts { changed: 0, missing: 1, extra: 1 });
        assert_eq!(table.not_told_apart, 50);
        let top = blast.top("f").unwrap();
        assert!(
            top.starts_with("id = 7: 2; ") && top.ends_with(&format!("elsewhere: {}", groups - 3)),
            "{top}"
        );
        assert_eq!(blast.top("g"), None);
    }

    #[test]
    fn null_and_the_word_null_are_two_groups() {
        let mut blast = Blast::by(&["a".to_owned()]);
        for value in [None, Some("null".to_owned())] {
            blast.count(&[value], RowDifferenceKind::Missing, std::iter::empty());
        }
        assert_eq!(blast.table().groups.len(), 2);
    }
}
