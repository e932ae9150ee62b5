//! Which series a row belongs to, and when: everything about the rows of an input that must be known before it is sorted.
//!
//! Each row of an input has a position. Where positions are dealt in turn, the position fixes series and moment; otherwise
//! both are drawn. A share of rows (`overlap`) takes position and draws from a stream that all inputs have in common, so
//! that the n-th row of one input meets the n-th of another in one point. The list is then sorted by identifier, stably.

use super::oddities::Oddity;
use super::{Disorder, Metrics, Sizes, Tids};
use crate::generate::Rows;
use crate::generate::columns::names;
use crate::generate::random::{Random, Zipf};

/// A row before it has a value.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// Number of the row in the corpus, as drawn.
    pub(super) number: u64,
    /// The series.
    pub(super) series: u64,
    /// Which of the series' names it has.
    pub(super) name: u32,
    /// Time-series identifier.
    pub(super) tid: Option<i64>,
    /// Where the row comes in the order of the input: the identifier, even where it is then left out.
    pub(super) order: i64,
    /// Milliseconds.
    pub(super) time: Option<i64>,
    /// The oddities that befall it, a bit each.
    pub(super) odd: u64,
}

/// How many series and names a corpus has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Series.
    pub(super) series: u64,
    /// Metric names that the series are dealt to.
    pub(super) names: u64,
}

impl Extent {
    pub(super) fn new(plan: &Metrics, total: u64) -> Self {
        let series = ((total as f64 / plan.rows_per_series) as u64).max(1);
        Self { series, names: (series / 32).max(series.min(4)) }
    }
}

/// Draws positions, series and moments.
struct Dice<'a> {
    plan: &'a Metrics,
    extent: Extent,
    zipf: Option<Zipf>,
    ranks: Zipf,
}

impl Dice<'_> {
    /// Series, step of time, and name of the row at `position`.
    fn throw(&self, position: u64, random: &mut Random) -> (u64, u64, u32) {
        let Extent { series: count, names } = self.extent;
        let steps = u64::from(self.plan.steps);
        let (mut series, mut step) = match self.plan.sizes {
            Sizes::Turn => (position % count, position / count % steps),
            Sizes::Random => (random.below(count), random.below(steps)),
            Sizes::Zipf => {
                let drawn = self.zipf.as_ref().map_or(0, |zipf| zipf.draw(random));
                (drawn as u64, random.below(steps))
            }
            Sizes::Family => {
                let series = self.ranks.draw(random) as u64 * names + random.below(names);
                (series % count, random.below(steps))
            }
        };
        if random.chance(self.plan.large) {
            series = 0;
            step = position % steps;
        }
        (series, step, random.below(u64::from(self.plan.names_per_series)) as u32)
    }
}

/// The points of one input in the order in which they are written.
pub(super) fn points(
    plan: &Metrics,
    extent: Extent,
    seed: u64,
    corpus: &str,
    input: usize,
    inputs: usize,
    place: &Rows,
) -> Vec<Point> {
    let dice = Dice {
        plan,
        extent,
        zipf: (plan.sizes == Sizes::Zipf).then(|| Zipf::new(extent.series as usize)),
        ranks: Zipf::new(extent.series.div_ceil(extent.names) as usize),
    };
    let mut own = Random::new(seed, corpus, input, "points");
    let mut common = Random::new(seed, corpus, 0, "common points");
    let mut choice = Random::new(seed, corpus, input, "overlap");
    let mut jitter = Random::new(seed, corpus, input, "jitter");
    let mut odd = Random::new(seed, corpus, input, "odd");
    let key = Random::new(seed, corpus, 0, "tids").next();
    let range = plan.step.0.saturating_mul(i64::from(plan.steps));

    let mut points: Vec<Point> = Vec::with_capacity(place.input_rows as usize);
    for index in 0..place.input_rows {
        let number = place.input_start + index;
        let (own, common) = (dice.throw(number, &mut own), dice.throw(index, &mut common));
        let (series, step, name) = if choice.chance(plan.overlap) { common } else { own };
        let step = if plan.time_by_input { input as u64 % u64::from(plan.steps) } else { step };
        let time = plan.start.0 + plan.step.0 * step as i64 + jitter.between(0, plan.jitter.0);
        let tid = plan.tid(series, key);
        let mut point = Point { number, series, name, tid: Some(tid), order: tid, time: Some(time), odd: 0 };
        for (bit, oddity) in plan.odd.iter().enumerate() {
            if oddity.befalls(number, input, inputs, &mut odd) {
                point.odd |= 1 << bit;
                oddity.move_point(&mut point, range);
            }
        }
        points.push(point);
    }
    let disorderly = names(&plan.unsorted_inputs, input, inputs);
    if !disorderly || plan.disorder == Disorder::OneLate {
        points.sort_by_key(|point| point.order);
    }
    if disorderly && plan.disorder == Disorder::OneLate && !points.is_empty() {
        let half = points.len() / 2;
        points[..=half].rotate_left(1);
    }
    points
}

impl Metrics {
    /// The identifier of a series.
    fn tid(&self, series: u64, key: u64) -> i64 {
        if let Some(tid) = self.fixed_tids.get(series as usize) {
            return *tid;
        }
        let hash = mix(series.wrapping_add(key)) as i64;
        match self.tids {
            Tids::Hashed => hash,
            Tids::Negative => hash | i64::MIN,
            Tids::Counting => series as i64 + 1,
        }
    }

    /// The oddities that befall a point.
    pub(super) fn oddities(&self, point: &Point) -> impl Iterator<Item = &Oddity> {
        let odd = point.odd;
        self.odd.iter().enumerate().filter(move |(bit, _)| odd & (1 << bit) != 0).map(|(_, oddity)| oddity)
    }
}

/// Scatters whole numbers; no two of them meet.
pub(super) fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
