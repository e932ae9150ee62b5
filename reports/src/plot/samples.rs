//! Two plots of a measured set: throughput and peak memory of each pair, both sides, in the order in which they were measured.
//!
//! The baseline's marks are circles, the candidate's crosses. Every pair is drawn: an outlier is where it is. A line is the
//! median of a side, the band around it that median's interval ([`crate::interval`]).

use plotters::prelude::*;

use super::canvas::{
    BAR_A, BAR_B, Chart, Drawn, EDGE_A, EDGE_B, HEIGHT, INK, LINE_A, WIDTH, counted_axes, dress, trimmed,
};
use crate::interval;
use crate::measurement::{Comparison, Measurement, Purpose, Sample, pair_sums};
use crate::words;

/// What is drawn of each pair.
struct Quantity<'a> {
    title: &'a str,
    unit: &'a str,
    pairs: Vec<(f64, f64)>,
    /// The comparison by which it is judged, and in what.
    found: &'a Comparison,
    judged: &'a str,
}

/// The plots, or nothing without a complete pair.
#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
pub(crate) fn samples(measurement: &Measurement) -> Vec<String> {
    let rows = measurement.rows() as f64;
    let mebibytes = |sample: &Sample| sample.peak_bytes as f64 / f64::from(1 << 20);
    let seconds = |sample: &Sample| sample.wall_ns as f64 / 1e9;
    let rate = |seconds: f64| if seconds > 0.0 { rows / seconds } else { 0.0 };
    let times = pair_sums(&measurement.samples, Purpose::Pair, &seconds);
    let quantities = [
        Quantity {
            title: "Throughput of each pair",
            unit: "input rows a second",
            pairs: times.into_iter().map(|(lower, upper)| (rate(lower), rate(upper))).collect(),
            found: &measurement.wall,
            judged: "wall time",
        },
        Quantity {
            title: "Peak memory of each pair",
            unit: "MiB",
            pairs: pair_sums(&measurement.samples, Purpose::Pair, &mebibytes),
            found: &measurement.memory,
            judged: "peak memory",
        },
    ];
    quantities
        .into_iter()
        .filter_map(|quantity| {
            let mut svg = String::new();
            (!quantity.pairs.is_empty()).then(|| draw(&mut svg, &quantity).ok())??;
            Some(dress(&svg, quantity.title, &described(&quantity)))
        })
        .collect()
}

/// A figure with as many digits as a reader needs.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a figure to the whole number")]
fn figure(value: f64) -> String {
    if value >= 1_000.0 { words::count(value.round() as u64) } else { trimmed(value) }
}

fn side(pairs: &[(f64, f64)], upper: bool) -> Vec<f64> {
    pairs.iter().map(|pair| if upper { pair.1 } else { pair.0 }).collect()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, middle.checked_sub(1).and_then(|below| sorted.get(below)), sorted.get(middle)) {
        (0, Some(below), Some(above)) => f64::midpoint(*below, *above),
        (_, _, Some(middle)) => *middle,
        _ => 0.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of pairs")]
fn draw<'a>(svg: &'a mut String, quantity: &Quantity<'_>) -> Drawn<'a> {
    let Quantity { title, unit, pairs, .. } = quantity;
    let highest = pairs.iter().flat_map(|(lower, upper)| [*lower, *upper]).fold(0.0, f64::max);
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .caption(*title, ("sans-serif", 15).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..pairs.len() as f64 + 1.0, 0.0..(highest * 1.1).max(f64::MIN_POSITIVE))?;
    counted_axes(&mut chart, "pair, in the order measured", unit, &|value| figure(*value))?;
    for (upper, fill, line) in [(false, BAR_A, LINE_A), (true, BAR_B, EDGE_B)] {
        draw_median(&mut chart, &side(pairs, upper), fill, line)?;
    }
    let place = |index: usize| index as f64 + 1.0;
    chart.draw_series(
        pairs
            .iter()
            .enumerate()
            .map(|(index, (lower, _))| Circle::new((place(index), *lower), 4, EDGE_A.stroke_width(2))),
    )?;
    chart.draw_series(
        pairs
            .iter()
            .enumerate()
            .map(|(index, (_, upper))| Cross::new((place(index), *upper), 4, EDGE_B.stroke_width(2))),
    )?;
    area.present()
}

/// The median of a side as a line, its interval as a band.
#[expect(clippy::cast_precision_loss, reason = "a count of pairs")]
fn draw_median<'b>(chart: &mut Chart<'_, 'b>, values: &[f64], fill: RGBColor, line: RGBColor) -> Drawn<'b> {
    let (from, to) = (0.5, values.len() as f64 + 0.5);
    if let Some((low, high)) = interval::of_median(values) {
        chart.draw_series([Rectangle::new([(from, low), (to, high)], fill.filled())])?;
    }
    let middle = median(values);
    chart.draw_series([PathElement::new([(from, middle), (to, middle)], line.stroke_width(1))])?;
    Ok(())
}

/// The plot in words.
fn described(quantity: &Quantity<'_>) -> String {
    let Quantity { unit, pairs, found, judged, .. } = quantity;
    let told = |name: &str, upper: bool| {
        let values = side(pairs, upper);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let interval = interval::of_median(&values).map_or_else(String::new, |(low, high)| {
            format!(" (95 % interval {} to {})", figure(low), figure(high))
        });
        let median = figure(median(&values));
        format!("{name}: {} to {} {unit}, median {median}{interval}.", figure(least), figure(most))
    };
    let ratio = found.ratio.map_or_else(String::new, |ratio| {
        format!(" Ratio of {judged} {:.3}, interval {:.3} to {:.3}.", ratio.median, ratio.low, ratio.high)
    });
    format!("{} pairs. {} {}{ratio}", pairs.len(), told("Baseline", false), told("Candidate", true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn every_pair_of_both_sides_is_drawn_and_described() {
        let plots = samples(&fixture::measurement());
        assert_eq!(plots.len(), 2);
        for plot in &plots {
            assert!(!plot.contains("#0102") && plot.ends_with("</svg>"), "{plot}");
            assert_eq!(plot.matches("<circle").count(), 4, "{plot}");
            assert!(plot.contains("s-edge-a") && plot.contains("s-edge-b"), "{plot}");
            assert!(plot.contains("4 pairs. Baseline: "), "{plot}");
        }
        assert!(plots[0].contains("Ratio of wall time 0.900, interval 0.882 to 0.927."), "{}", plots[0]);
        // 60,000 rows in 120 ms; four pairs have no interval.
        assert!(plots[0].contains("Baseline: 483,871 to 500,000 input rows a second"), "{}", plots[0]);
        assert!(!plots[0].contains("95 %") && !plots[0].contains("f-bar-a"), "{}", plots[0]);
    }

    #[test]
    fn the_median_of_a_side_has_its_interval_from_six_pairs_on() {
        let mut measurement = fixture::measurement();
        let pair: Vec<Sample> = measurement
            .samples
            .iter()
            .filter(|sample| sample.purpose == Purpose::Pair && sample.repetition == 1)
            .cloned()
            .collect();
        for repetition in 5..=10 {
            measurement.samples.extend(pair.iter().map(|sample| Sample {
                repetition,
                wall_ns: sample.wall_ns + repetition * 1_000_000,
                ..sample.clone()
            }));
        }
        let plots = samples(&measurement);
        for plot in &plots {
            assert_eq!(plot.matches("<circle").count(), 10, "{plot}");
            assert!(
                plot.contains("f-bar-a") && plot.contains("f-bar-b") && plot.contains("s-line-a"),
                "{plot}"
            );
            assert!(plot.contains(" (95 % interval "), "{plot}");
        }
        assert!(plots[1].contains("median 72 (95 % interval 72 to 72)"), "{}", plots[1]);
    }

    #[test]
    fn nothing_measured_gives_no_plot() {
        let mut nothing = fixture::measurement();
        nothing.samples.clear();
        assert!(samples(&nothing).is_empty());
    }
}
