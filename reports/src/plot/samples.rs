//! Two plots of a measured set: wall time and peak memory of each pair, both sides, in the order in which they were measured.
//!
//! The baseline's marks are circles, the candidate's crosses. Every pair is drawn: an outlier is where it is.

use plotters::prelude::*;

use super::{Drawn, EDGE_A, EDGE_B, HEIGHT, INK, WIDTH, counted_axes, dress, trimmed};
use crate::measurement::{Comparison, Measurement, Purpose, Sample, pair_sums};

/// Title, unit, comparison, and the figure of a sample.
type Quantity<'a> = (&'a str, &'a str, &'a Comparison, &'a dyn Fn(&Sample) -> f64);

/// The plots, or nothing without a complete pair.
#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
pub(crate) fn samples(measurement: &Measurement) -> Vec<String> {
    let mebibytes = |sample: &Sample| sample.peak_bytes as f64 / f64::from(1 << 20);
    let milliseconds = |sample: &Sample| sample.wall_ns as f64 / 1e6;
    let quantities: [Quantity<'_>; 2] = [
        ("Wall time of each pair", "milliseconds", &measurement.wall, &milliseconds),
        ("Peak memory of each pair", "MiB", &measurement.memory, &mebibytes),
    ];
    quantities
        .into_iter()
        .filter_map(|(title, unit, found, figure)| {
            let pairs = pair_sums(&measurement.samples, Purpose::Pair, figure);
            let mut svg = String::new();
            (!pairs.is_empty()).then(|| draw(&mut svg, title, unit, &pairs).ok())??;
            Some(dress(&svg, title, &described(unit, &pairs, found)))
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a count of pairs")]
fn draw<'a>(svg: &'a mut String, title: &str, unit: &str, pairs: &[(f64, f64)]) -> Drawn<'a> {
    let highest = pairs.iter().flat_map(|(lower, upper)| [*lower, *upper]).fold(0.0, f64::max);
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..pairs.len() as f64 + 1.0, 0.0..(highest * 1.1).max(f64::MIN_POSITIVE))?;
    counted_axes(&mut chart, "pair, in the order measured", unit, &|value| trimmed(*value))?;
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

/// The plot in words.
fn described(unit: &str, pairs: &[(f64, f64)], found: &Comparison) -> String {
    let side = |name: &str, pick: fn(&(f64, f64)) -> f64| {
        let (least, most) = pairs
            .iter()
            .map(pick)
            .fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        format!("{name}: {} to {} {unit}.", trimmed(least), trimmed(most))
    };
    let ratio = found.ratio.map_or_else(String::new, |ratio| {
        format!(" Ratio {:.3}, interval {:.3} to {:.3}.", ratio.median, ratio.low, ratio.high)
    });
    format!(
        "{} pairs. {} {}{ratio}",
        pairs.len(),
        side("Baseline", |pair| pair.0),
        side("Candidate", |pair| pair.1)
    )
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
        assert!(plots[0].contains("Ratio 0.900, interval 0.882 to 0.927."), "{}", plots[0]);
    }

    #[test]
    fn nothing_measured_gives_no_plot() {
        let mut nothing = fixture::measurement();
        nothing.samples.clear();
        assert!(samples(&nothing).is_empty());
    }
}
