//! Passing over the rows of one side, and holding each against its point.

use std::collections::HashSet;

use reports::document::Evidence;

use super::judge::Judge;
use super::tally::{Code, Tally};
use crate::cancel::Cancel;
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::check::finding::evidence;
use crate::error::Result;
use crate::output::{OutputFile, ReadOptions};
use crate::rollup::sketch::{Decoding, Fault, Sketch};
use crate::rollup::{Block, Expected, Points, Shape, aligned, bytes_hash, key_hash, part_of};

/// One pass over a side: the rows whose point belongs to one part of all keys.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) judge: &'a Judge<'a>,
    /// Interval of the job, where it is known.
    pub(super) interval: Option<i64>,
    /// The points of this part; absent without a model.
    pub(super) points: Option<&'a Points>,
    /// How the side decodes damaged sketches of its inputs.
    pub(super) decoding: Decoding,
    pub(super) part: u64,
    pub(super) parts: u64,
    pub(super) cancel: &'a Cancel,
}

/// What a pass remembers of a side.
struct Seen {
    keys: HashSet<u128>,
    found: Vec<bool>,
}

impl Pass<'_> {
    /// Looks at all rows of the part and at the points that have none.
    pub(super) fn examine(&self, side: &Observed, tally: &mut Tally) -> std::result::Result<(), SideError> {
        let points = self.points.map_or(0, |points| points.all().len());
        let mut seen = Seen { keys: HashSet::new(), found: vec![false; points] };
        for (number, file) in side.output.files.iter().enumerate() {
            self.file(number, file, &mut seen, tally).map_err(|error| SideError {
                role: side.role,
                file: file.info.path.clone(),
                error,
            })?;
        }
        for (expected, found) in self.points.iter().flat_map(|it| it.all()).zip(&seen.found) {
            if !found && expected.reading.is_of(self.decoding) {
                tally.missed(expected);
            }
        }
        Ok(())
    }

    fn file(&self, number: usize, file: &OutputFile, seen: &mut Seen, tally: &mut Tally) -> Result<()> {
        let columns = self.judge.columns;
        let mut read = columns.all();
        read.retain(|column| !self.judge.ignores(column));
        let options = ReadOptions { columns: Some(read), ..ReadOptions::default() };
        for located in file.read(options)? {
            self.cancel.check()?;
            let located = located?;
            let block = Block::new(&located.batch, columns);
            for row in 0..block.rows() {
                let at = (number, located.first_row + row as u64);
                self.row(&Line { block: &block, row, at }, seen, tally);
            }
        }
        Ok(())
    }

    fn row(&self, line: &Line<'_>, seen: &mut Seen, tally: &mut Tally) {
        let (block, row) = (line.block, line.row);
        let (Some(group), Some(time)) = (block.group(row), block.time(row)) else {
            // Such a row has no point; it is looked at once.
            if self.part == 0 {
                tally.evidence.rows += 1;
                let sketch = self.decode(line, tally);
                self.pointless(line, sketch, tally);
            }
            return;
        };
        let cut = self.interval.map_or(time, |interval| aligned(time, interval));
        let key = key_hash(group, cut, block.name(row));
        if part_of(key, self.parts) != self.part {
            return;
        }
        tally.evidence.rows += 1;
        if cut != time {
            tally.evidence.unaligned += 1;
            tally.found(Code::Unaligned, "", None, line.at, || line.key());
        }
        let again = !seen.keys.insert(key);
        if again {
            tally.evidence.duplicates += 1;
            tally.found(Code::Duplicate, "", None, line.at, || line.key());
        }
        let sketch = self.decode(line, tally);
        let known = self.points.filter(|_| cut == time).and_then(|points| points.get(key, self.decoding));
        let Some((point, expected)) = known else {
            self.pointless(line, sketch, tally);
            return;
        };
        tally.copies += u64::from(seen.found[point]);
        seen.found[point] = true;
        self.expected(line, expected, sketch, tally);
    }

    /// The row's sketch; `None` where there is none or it is empty.
    fn decode(&self, line: &Line<'_>, tally: &mut Tally) -> Option<std::result::Result<Sketch, Fault>> {
        let stored = line.block.sketch(line.row).filter(|bytes| !bytes.is_empty())?;
        let sketch = Sketch::decode(stored, &self.judge.mapping);
        tally.evidence.sketches += u64::from(sketch.is_ok());
        Some(sketch)
    }

    /// A row that no point stands for: with a model it should not be there, without one it can only be held against itself.
    fn pointless(
        &self,
        line: &Line<'_>,
        sketch: Option<std::result::Result<Sketch, Fault>>,
        tally: &mut Tally,
    ) {
        if self.points.is_some() {
            tally.unexpected += 1;
            tally.found(Code::Unexpected, "", None, line.at, || line.key());
        }
        let unlooked = self.judge.ignores(&self.judge.columns.sketch);
        match sketch {
            Some(Err(fault)) if !unlooked => {
                let code =
                    if self.points.is_some() { Code::Undecodable } else { Code::UndecodableUnverified };
                self.undecodable(code, line, fault, tally);
            }
            Some(Ok(sketch)) if self.points.is_none() => self.own(line, &sketch, tally),
            _ => {}
        }
    }

    fn undecodable(&self, code: Code, line: &Line<'_>, fault: Fault, tally: &mut Tally) {
        let column = self.judge.columns.sketch.as_str();
        tally.found(code, column, None, line.at, || {
            let mut support = line.key();
            support.push(evidence("reason", fault.to_string()));
            support
        });
    }

    /// Rollup columns against the row's own sketch.
    fn own(&self, line: &Line<'_>, sketch: &Sketch, tally: &mut Tally) {
        let (facts, says) = self.judge.wanted(sketch);
        for (column, name) in self.judge.columns.rollups.iter().enumerate() {
            if self.judge.ignores(name) {
                continue;
            }
            let found = line.block.rollup(line.row, column);
            let Some(verdict) = self.judge.own(column, found, says[column], &facts) else { continue };
            tally.difference(name, verdict.difference);
            if !verdict.agrees {
                tally.disagrees(name);
                tally.found(Code::RollupUnverified, name, None, line.at, || line.values(found, says[column]));
            }
        }
    }

    fn expected(
        &self,
        line: &Line<'_>,
        expected: &Expected,
        sketch: Option<std::result::Result<Sketch, Fault>>,
        tally: &mut Tally,
    ) {
        let columns = self.judge.columns;
        let looked = !self.judge.ignores(&columns.sketch);
        match &expected.shape {
            Shape::Merged(wanted) => {
                tally.evidence.recomputed += 1;
                if looked {
                    self.merged(line, wanted, sketch, tally);
                }
                let (facts, says) = self.judge.wanted(wanted);
                for (column, name) in columns.rollups.iter().enumerate() {
                    if self.judge.ignores(name) {
                        continue;
                    }
                    let found = line.block.rollup(line.row, column);
                    let verdict = self.judge.recomputed(column, found, says[column], &facts);
                    tally.difference(name, verdict.difference);
                    if !verdict.agrees {
                        tally.disagrees(name);
                        tally.found(Code::Rollup, name, None, line.at, || line.values(found, says[column]));
                    }
                }
            }
            Shape::Unchanged { stored, cells } => {
                if looked && bytes_hash(line.block.sketch(line.row)).to_le_bytes() != *stored {
                    match sketch {
                        Some(Err(fault @ Fault::Malformed(_))) => {
                            self.undecodable(Code::Undecodable, line, fault, tally);
                        }
                        _ => {
                            tally.disagrees(&columns.sketch);
                            let kind = sketch_kind(sketch.as_ref());
                            tally.found(Code::Changed, &columns.sketch, kind, line.at, || line.key());
                        }
                    }
                }
                for (column, name) in columns.rollups.iter().enumerate() {
                    if self.judge.ignores(name) {
                        continue;
                    }
                    let found = line.block.rollup(line.row, column);
                    if !self.judge.unchanged(column, found, cells).agrees {
                        tally.disagrees(name);
                        let wanted = cells.get(column);
                        tally.found(Code::Changed, name, None, line.at, || line.values(found, wanted));
                    }
                }
            }
        }
    }

    /// The sketch of a merged row against the sum of its contributions.
    fn merged(
        &self,
        line: &Line<'_>,
        wanted: &Sketch,
        sketch: Option<std::result::Result<Sketch, Fault>>,
        tally: &mut Tally,
    ) {
        let column = self.judge.columns.sketch.as_str();
        match sketch {
            Some(Ok(found)) if found.same(wanted) => return,
            Some(Err(fault @ Fault::Malformed(_))) => {
                tally.disagrees(column);
                self.undecodable(Code::Undecodable, line, fault, tally);
                return;
            }
            _ => {}
        }
        tally.disagrees(column);
        let kind = sketch_kind(sketch.as_ref());
        tally.found(Code::Wrong, column, kind, line.at, || {
            let mut support = line.key();
            support.push(evidence("expected values", wanted.count().to_string()));
            support.push(evidence("expected bins", wanted.bins().to_string()));
            if let Some(Ok(found)) = &sketch {
                support.push(evidence("found values", found.count().to_string()));
                support.push(evidence("found bins", found.bins().to_string()));
            }
            support
        });
    }
}

/// What is wrong with a sketch that is not the right one.
fn sketch_kind(sketch: Option<&std::result::Result<Sketch, Fault>>) -> Option<&'static str> {
    Some(match sketch {
        None => "missing or empty",
        Some(Err(Fault::OtherMapping)) => "of another accuracy",
        Some(Err(Fault::Malformed(_))) => "not decodable",
        Some(Ok(_)) => "with other bytes or bins",
    })
}

/// One row with its place.
struct Line<'a> {
    block: &'a Block,
    row: usize,
    at: (usize, u64),
}

impl Line<'_> {
    fn key(&self) -> Vec<Evidence> {
        let number = |value: Option<i64>| value.map_or_else(|| "null".to_owned(), |it| it.to_string());
        vec![
            evidence("group", number(self.block.group(self.row))),
            evidence("time", number(self.block.time(self.row))),
            evidence("name", self.block.name(self.row).unwrap_or("null")),
        ]
    }

    fn values(&self, found: Option<f64>, wanted: Option<f64>) -> Vec<Evidence> {
        let number = |value: Option<f64>| value.map_or_else(|| "null".to_owned(), |it| format!("{it:?}"));
        let mut support = vec![evidence("expected", number(wanted)), evidence("found", number(found))];
        support.extend(self.key());
        support
    }
}
