//! Waivers and actions for some rows of a finding: a ROWS finding is split by the scopes that its rows lie in.
//!
//! 1. While rows were paired, those of each finding were counted by the scopes that they lie in
//!    ([`crate::evidence::scopes`]), every one of them.
//! 2. Rows that the same waiver covers and that ask for the same action become one finding, with its exact count; what no
//!    scope takes in stays as the finding that it was, less those rows. So a waiver for one organisation never covers another's.
//! 3. Where the counts do not add up to the finding's, nothing is split, and no scope by rows holds.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use reports::document::{Action, Finding, Place};

use super::Policy;
use super::waiver::Scene;
use crate::check::finding::evidence;
use crate::evidence::changes::subject_of;
use crate::evidence::scopes::{Part, Scopes};

/// What is to become of some rows: the waiver that covers them, by its number, the action, and the scope in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fate {
    waiver: Option<usize>,
    action: Option<Action>,
    scope: Option<String>,
}

impl Policy {
    /// Splits the findings of ROWS that are not waived yet. `self` is the policy for the job.
    pub fn split(&self, scopes: &Scopes, today: NaiveDate, scene: &Scene<'_>, findings: &mut Vec<Finding>) {
        if scopes.scopes().is_empty() {
            return;
        }
        for finding in std::mem::take(findings) {
            let column = finding.place.as_ref().and_then(|place| place.column.as_deref());
            let parts = scopes.parts(&subject_of(&finding.code, column));
            let whole = parts.values().map(|part| part.rows).sum::<u64>() == finding.count;
            if finding.waived.is_some() || finding.defect.is_some() || !whole {
                findings.push(finding);
                continue;
            }
            let mut fates: BTreeMap<Fate, Part> = BTreeMap::new();
            for (bits, part) in parts {
                let fate = self.fate(scopes, bits, today, scene, &finding);
                merge(fates.entry(fate).or_default(), part);
            }
            let all = finding.count;
            for (fate, part) in fates {
                findings.push(self.part(&finding, all, fate, part));
            }
        }
    }

    fn fate(
        &self,
        scopes: &Scopes,
        bits: u64,
        today: NaiveDate,
        scene: &Scene<'_>,
        finding: &Finding,
    ) -> Fate {
        let lies: Vec<_> = scopes
            .scopes()
            .iter()
            .enumerate()
            .filter(|(bit, _)| bits & (1 << bit) != 0)
            .map(|it| it.1)
            .collect();
        let covering = self.waivers.iter().position(|waiver| {
            let rows = waiver.within.as_ref().and_then(|within| within.rows.as_ref());
            let Some(rows) = rows.filter(|rows| lies.contains(rows)) else { return false };
            let scoped = Finding { scope: Some(rows.text()), ..finding.clone() };
            !waiver.expired(today) && waiver.covers(scene, &scoped)
        });
        if let Some(number) = covering {
            let within = self.waivers[number].within.as_ref();
            let scope = within.and_then(|within| within.rows.as_ref()).map(|rows| rows.text());
            return Fate { waiver: covering, action: None, scope };
        }
        let applied: Vec<_> = self
            .scoped
            .iter()
            .filter(|it| it.scope.rows.as_ref().is_some_and(|rows| lies.contains(&rows)))
            .collect();
        let mut there = Self { actions: self.actions.clone(), ..Self::default() };
        applied.iter().for_each(|it| there.apply(&it.layer));
        let (general, asked) = (self.asked(&finding.code), there.asked(&finding.code));
        if general == asked {
            return Fate { waiver: None, action: None, scope: None };
        }
        let mut names: Vec<String> =
            applied.iter().filter_map(|it| Some(it.scope.rows.as_ref()?.text())).collect();
        names.dedup();
        Fate { waiver: None, action: Some(asked), scope: Some(names.join("; ")) }
    }

    fn part(&self, whole: &Finding, all: u64, fate: Fate, part: Part) -> Finding {
        if part.rows == all && fate.scope.is_none() {
            return whole.clone();
        }
        let mut finding = whole.clone();
        finding.count = part.rows;
        finding.waived = fate.waiver.map(|number| self.waivers[number].waived());
        finding.action = fate.action;
        finding.message = match &fate.scope {
            Some(scope) => format!("{}; {} of {all} where {scope}", whole.message, part.rows),
            None => format!("{}; {} of {all} outside what the policy scopes", whole.message, part.rows),
        };
        finding.scope = fate.scope;
        let same = |a: &Place, b: &Place| (&a.file, a.row) == (&b.file, b.row);
        if let (Some(here), Some(first)) = (&mut finding.place, &part.first)
            && !same(here, first)
        {
            // The values beside the finding are those of another part's first row.
            *here = Place { column: here.column.take(), ..first.clone() };
            finding.evidence = vec![evidence("first of these rows", words(first))];
        }
        finding
    }
}

fn words(place: &Place) -> String {
    let file = place.file.as_deref().unwrap_or("?");
    place.row.map_or_else(|| file.to_owned(), |row| format!("{file}, row {row}"))
}

fn merge(into: &mut Part, part: Part) {
    into.rows += part.rows;
    let by = |place: &Place| (place.file.clone(), place.row);
    if let Some(place) = part.first
        && into.first.as_ref().is_none_or(|first| by(&place) < by(first))
    {
        into.first = Some(place);
    }
}
