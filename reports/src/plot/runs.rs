//! Figures of runs over time: jobs by verdict, rows, bytes, throughput, peak memory.
//!
//! One place a run, in the order in which the runs started; the last [`RUNS`] are drawn. A run without the figure has no
//! mark, and the line goes on behind it.

use document::trend::{Figures, Run};
use plotters::prelude::*;

use super::canvas::{
    BAR_A, BAR_B, Drawn, EDGE_A, EDGE_B, FAILED, HEIGHT, INK, LINE_A, WIDTH, counted_axes, dress, trimmed,
};
use crate::words;

/// Runs drawn: a mark needs three pixels.
pub(crate) const RUNS: usize = 150;

/// What is drawn of a side: title, unit, figure.
type Quantity = (&'static str, &'static str, fn(&Figures) -> Option<f64>);

#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
const QUANTITIES: [Quantity; 5] = [
    ("Output rows", "rows", |side| Some(side.rows as f64)),
    ("Output files", "files", |side| Some(side.files as f64)),
    ("Output size", "MiB", |side| Some(side.bytes as f64 / f64::from(1 << 20))),
    ("Throughput where measured", "input rows a second", |side| side.rows_per_second),
    ("Peak memory where measured", "MiB", |side| side.peak_bytes.map(|bytes| bytes / f64::from(1 << 20))),
];

/// A plot a quantity that at least one run has.
pub(crate) fn runs(all: &[Run]) -> Vec<String> {
    let (first, shown) = last(all);
    let plot = |(title, unit, pick): Quantity| {
        let points: Vec<[Option<f64>; 2]> =
            shown.iter().map(|run| [pick(&run.baseline), pick(&run.candidate)]).collect();
        let any = points.iter().flatten().flatten().any(|value| value.is_finite());
        let mut svg = String::new();
        any.then(|| draw(&mut svg, title, unit, first, &points).ok())??;
        Some(dress(&svg, title, &described(unit, &points)))
    };
    QUANTITIES.into_iter().filter_map(plot).collect()
}

/// Jobs by verdict: passed below, undecided above them, failed on top.
#[expect(clippy::cast_precision_loss, reason = "counts of jobs, and a pixel is far coarser")]
pub(crate) fn verdicts(all: &[Run]) -> Option<String> {
    let (first, shown) = last(all);
    if shown.is_empty() {
        return None;
    }
    let stacked: Vec<[f64; 3]> = shown
        .iter()
        .map(|run| {
            let passed = run.jobs_passed as f64;
            let open = passed + run.jobs_inconclusive as f64;
            [passed, open, open + run.jobs_failed as f64]
        })
        .collect();
    let highest = stacked.iter().map(|bar| bar[2]).fold(1.0, f64::max);
    let mut svg = String::new();
    draw_verdicts(&mut svg, first, &stacked, highest * 1.1).ok()?;
    let of = |word: &str, is: fn(&Run) -> bool| {
        format!("{} {word}", words::count(shown.iter().filter(|run| is(run)).count() as u64))
    };
    let described = format!(
        "{}: {}, {}, {}.",
        words::counted(shown.len() as u64, "run", "runs"),
        of("without a failed or undecided job", |run| run.jobs_failed == 0 && run.jobs_inconclusive == 0),
        of("with undecided jobs alone", |run| run.jobs_failed == 0 && run.jobs_inconclusive > 0),
        of("with failed jobs", |run| run.jobs_failed > 0)
    );
    Some(dress(&svg, "Jobs by verdict over runs", &described))
}

/// The last runs, and the number of the first of them, from 1.
fn last(all: &[Run]) -> (usize, &[Run]) {
    let left = all.len().saturating_sub(RUNS);
    (left + 1, &all[left..])
}

#[expect(clippy::cast_precision_loss, reason = "a count of runs")]
fn draw_verdicts<'a>(svg: &'a mut String, first: usize, bars: &[[f64; 3]], top: f64) -> Drawn<'a> {
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let range = first as f64 - 0.6..(first + bars.len()) as f64 - 0.4;
    let mut chart = ChartBuilder::on(&area)
        .caption("Jobs by verdict over runs", ("sans-serif", 15).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(range, 0.0..top)?;
    counted_axes(&mut chart, "run, in the order started", "jobs", &|value| figure(*value))?;
    for (index, bar) in bars.iter().enumerate() {
        let place = (first + index) as f64;
        let mut from = 0.0;
        for (to, fill, edge) in [(bar[0], BAR_A, EDGE_A), (bar[1], BAR_B, EDGE_B), (bar[2], FAILED, FAILED)] {
            if to > from {
                let corners = [(place - 0.4, from), (place + 0.4, to)];
                chart.draw_series([
                    Rectangle::new(corners, fill.filled()),
                    Rectangle::new(corners, edge.stroke_width(1)),
                ])?;
            }
            from = to;
        }
    }
    area.present()
}

#[expect(clippy::cast_precision_loss, reason = "a count of runs")]
fn draw<'a>(
    svg: &'a mut String,
    title: &str,
    unit: &str,
    first: usize,
    points: &[[Option<f64>; 2]],
) -> Drawn<'a> {
    let highest = points.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let range = first as f64 - 0.6..(first + points.len()) as f64 - 0.4;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(range, 0.0..if highest > 0.0 { highest * 1.1 } else { 1.0 })?;
    counted_axes(&mut chart, "run, in the order started", unit, &|value| figure(*value))?;
    let side = |side: usize| -> Vec<(f64, f64)> {
        let placed = points.iter().enumerate();
        placed.filter_map(|(index, pair)| Some(((first + index) as f64, pair[side]?))).collect()
    };
    let (a, b) = (side(0), side(1));
    chart.draw_series([PathElement::new(a.clone(), LINE_A.stroke_width(1))])?;
    chart.draw_series([PathElement::new(b.clone(), EDGE_B.stroke_width(1))])?;
    chart.draw_series(a.into_iter().map(|point| Circle::new(point, 4, EDGE_A.stroke_width(2))))?;
    chart.draw_series(b.into_iter().map(|point| Cross::new(point, 4, EDGE_B.stroke_width(2))))?;
    area.present()
}

/// Large figures with their thousands apart, small ones with two decimals.
fn figure(value: f64) -> String {
    if value.abs() < 1000.0 { trimmed(value) } else { words::count(value as u64) }
}

/// The plot in words.
fn described(unit: &str, points: &[[Option<f64>; 2]]) -> String {
    let side = |name: &str, side: usize| {
        let values: Vec<f64> = points.iter().filter_map(|pair| pair[side]).collect();
        let (least, most) = values
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
        match values.last() {
            Some(last) => {
                format!("{name}: {} to {} {unit}, {} at last.", figure(least), figure(most), figure(*last))
            }
            None => format!("{name}: none."),
        }
    };
    let runs = words::counted(points.len() as u64, "run", "runs");
    format!("{runs}. {} {}", side("Baseline", 0), side("Candidate", 1))
}
