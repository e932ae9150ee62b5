//! The points of a merge that are kept for a comparison: those of one part of all keys, so that memory stays bounded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::merge::{Kind, Point, Reading};
use super::row::{Cells, part_of};
use super::sketch::{Decoding, Facts, Mapping, Sketch};

/// What is known of the content of a point.
#[derive(Debug)]
pub enum Shape {
    /// The row passes unchanged: hash of its stored sketch, and its rollup values.
    Unchanged {
        /// Hash of the stored sketch, see [`bytes_hash`](super::bytes_hash). As bytes, which need no alignment.
        stored: [u8; 16],
        /// Rollup values.
        cells: Cells,
    },
    /// The sum of the sketches of its rows, from which everything else follows.
    Merged(Box<Sketch>),
}

/// One point that the output must hold.
#[derive(Debug)]
pub struct Expected {
    /// Group key.
    pub group: i64,
    /// Aligned time.
    pub time: i64,
    /// Name; only a lone row can be without one.
    pub name: Option<Arc<str>>,
    /// How it came about.
    pub kind: Kind,
    /// What it holds.
    pub shape: Shape,
    /// By which ways of decoding it is there.
    pub reading: Reading,
}

impl Expected {
    /// Bytes of memory, roughly, with its share of the index; names are shared.
    fn bytes(&self) -> u64 {
        let content = match &self.shape {
            Shape::Unchanged { cells, .. } => cells.bytes(),
            Shape::Merged(sketch) => size_of::<Sketch>() + 16 * sketch.bins(),
        };
        // Two words of the allocator, and an index that is at least seven sixteenths full.
        (size_of::<Self>() + content + 16 + 16 * size_of::<(Halves, u32)>() / 7) as u64
    }
}

/// What a merged sketch says, in the order of the rollup columns.
#[must_use]
pub fn rollups(sketch: &Sketch, quantiles: &[f64], mapping: &Mapping) -> (Facts, Vec<Option<f64>>) {
    let facts = sketch.facts(mapping);
    let mut values =
        vec![Some(facts.count), Some(facts.sum), Some(facts.avg()), Some(facts.min), Some(facts.max)];
    values.extend(quantiles.iter().map(|quantile| sketch.quantile(*quantile, mapping)));
    (facts, values)
}

/// A key in the index, in halves that need less alignment than the whole.
type Halves = (u64, u64);

#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
fn halves(key: u128) -> Halves {
    ((key >> 64) as u64, key as u64)
}

/// Points by key.
#[derive(Debug)]
pub struct Points {
    part: u64,
    parts: u64,
    bound: u64,
    /// Bytes that the points take, or would take.
    pub bytes: u64,
    /// True where they would have taken more than the bound: none is kept then.
    pub overflowed: bool,
    kept: Vec<Expected>,
    index: HashMap<Halves, u32>,
    /// Points that only the original's way of decoding yields.
    lenient: HashMap<Halves, u32>,
    names: HashSet<Arc<str>>,
}

impl Points {
    pub(super) fn new(part: u64, parts: u64, bound: u64) -> Self {
        Self {
            part,
            parts: parts.max(1),
            bound,
            bytes: 0,
            overflowed: false,
            kept: Vec::new(),
            index: HashMap::new(),
            lenient: HashMap::new(),
            names: HashSet::new(),
        }
    }

    /// True where the key belongs to this part.
    #[must_use]
    pub fn covers(&self, key: u128) -> bool {
        part_of(key, self.parts) == self.part
    }

    pub(super) fn take(&mut self, point: Point) {
        if !self.covers(point.key) {
            return;
        }
        let shape = match point.merged {
            Some(sketch) => Shape::Merged(Box::new(sketch)),
            None => Shape::Unchanged { stored: point.stored.to_le_bytes(), cells: point.cells },
        };
        let Point { key, group, time, name, kind, reading, .. } = point;
        // What would not be kept needs no copy of its name.
        let name = name.filter(|_| !self.overflowed).map(|name| self.shared(name));
        let expected = Expected { group, time, name, kind, shape, reading };
        self.bytes += expected.bytes();
        let number = u32::try_from(self.kept.len());
        let Some(number) = number.ok().filter(|_| self.bytes <= self.bound) else {
            self.overflowed = true;
            (self.kept, self.names) = (Vec::new(), HashSet::new());
            (self.index, self.lenient) = (HashMap::new(), HashMap::new());
            return;
        };
        self.kept.push(expected);
        let index = if reading == Reading::Lenient { &mut self.lenient } else { &mut self.index };
        index.insert(halves(key), number);
    }

    /// The one copy of a name.
    fn shared(&mut self, name: Arc<str>) -> Arc<str> {
        if let Some(known) = self.names.get(&name) {
            return Arc::clone(known);
        }
        self.bytes += (name.len() + 64) as u64;
        self.names.insert(Arc::clone(&name));
        name
    }

    /// The points by both ways of decoding, by their number.
    #[must_use]
    pub fn all(&self) -> &[Expected] {
        &self.kept
    }

    /// Number and content of the point that a way of decoding yields for this key.
    #[must_use]
    pub fn get(&self, key: u128, decoding: Decoding) -> Option<(usize, &Expected)> {
        let key = halves(key);
        let own = self.lenient.get(&key).filter(|_| decoding == Decoding::Lenient);
        let number = *own.or_else(|| self.index.get(&key))? as usize;
        let expected = self.kept.get(number)?;
        expected.reading.is_of(decoding).then_some((number, expected))
    }
}
