//! Two plots of trace locality: how many files, and how many row groups, a reader opens for one trace.
//!
//! Bars stand for the median, the 95 % quantile, the mean and the highest count, both sides beside each other.

use plotters::prelude::*;

use super::canvas::{BAR_A, BAR_B, Drawn, EDGE_A, EDGE_B, FAINT, HEIGHT, INK, WIDTH, dress, trimmed};
use crate::document::Role;
use crate::signal_evidence::{LocalityEvidence, Spread};
use crate::words;

/// What the bars stand for, from left to right.
const MEASURES: [&str; 4] = ["median", "mean", "95 %", "highest"];

/// The plots, or nothing where no side has a trace.
pub(crate) fn locality(sides: &[LocalityEvidence]) -> Vec<String> {
    if sides.iter().all(|side| side.traces == 0) {
        return Vec::new();
    }
    let of = |role: Role, pick: fn(&LocalityEvidence) -> Spread| {
        sides.iter().find(|side| side.side == role && side.traces > 0).map(pick)
    };
    let plot = |title: &str, unit: &str, pick: fn(&LocalityEvidence) -> Spread| {
        let spreads = [of(Role::Baseline, pick), of(Role::Candidate, pick)];
        let mut svg = String::new();
        draw(&mut svg, title, unit, spreads).ok()?;
        Some(dress(&svg, title, &described(unit, spreads)))
    };
    // A plot that cannot be drawn is left out: the table beside it holds the same figures.
    [
        plot("Files opened for one trace", "files", |side| side.files),
        plot("Row groups opened for one trace", "row groups", |side| side.row_groups),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts of files, and a pixel is far coarser")]
fn bars(spread: Spread) -> [f64; 4] {
    let mean = if spread.mean.is_finite() { spread.mean.max(0.0) } else { 0.0 };
    [spread.p50 as f64, mean, spread.p95 as f64, spread.max as f64]
}

#[expect(clippy::cast_precision_loss, reason = "four places")]
fn draw<'a>(svg: &'a mut String, title: &str, unit: &str, spreads: [Option<Spread>; 2]) -> Drawn<'a> {
    let highest = spreads.iter().flatten().flat_map(|spread| bars(*spread)).fold(1.0, f64::max);
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 15).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(-0.5..3.5, 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .bold_line_style(FAINT)
        .axis_style(INK)
        .x_labels(5)
        .y_labels(6)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .axis_desc_style(("sans-serif", 12).into_font().color(&INK))
        .x_label_formatter(&|place| measure(*place).to_owned())
        .y_label_formatter(&|value| trimmed(*value))
        .x_desc("over all traces")
        .y_desc(unit)
        .draw()?;
    let sides = [(spreads[0], -0.36, -0.02, BAR_A, EDGE_A), (spreads[1], 0.02, 0.36, BAR_B, EDGE_B)];
    for (spread, from, to, fill, edge) in sides {
        for (place, height) in spread.into_iter().flat_map(bars).enumerate() {
            let place = place as f64;
            let corners = [(place + from, 0.0), (place + to, height)];
            chart.draw_series([
                Rectangle::new(corners, fill.filled()),
                Rectangle::new(corners, edge.stroke_width(1)),
            ])?;
        }
    }
    area.present()
}

/// The name of the bars at a whole place.
fn measure(place: f64) -> &'static str {
    let near = place.round();
    if (place - near).abs() > 1e-9 {
        return "";
    }
    MEASURES.into_iter().zip([0.0, 1.0, 2.0, 3.0]).find(|(_, at)| *at == near).map_or("", |(name, _)| name)
}

/// The plot in words.
fn described(unit: &str, spreads: [Option<Spread>; 2]) -> String {
    let side = |name: &str, spread: Option<Spread>| match spread {
        Some(Spread { mean, p50, p95, max }) => format!(
            "{name}: median {}, mean {mean:.2}, 95 % at or below {}, highest {} {unit}.",
            words::count(p50),
            words::count(p95),
            words::count(max)
        ),
        None => format!("{name}: no traces."),
    };
    format!("{} {}", side("Baseline", spreads[0]), side("Candidate", spreads[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(role: Role, traces: u64, files: Spread) -> LocalityEvidence {
        LocalityEvidence {
            side: role,
            traces,
            spans: traces * 3,
            without_trace: 0,
            files,
            row_groups: files,
            scattered: 0,
            foreign_slot: None,
            worst: Vec::new(),
        }
    }

    #[test]
    fn both_sides_are_drawn_and_described() {
        let baseline = side(Role::Baseline, 10, Spread { mean: 2.5, p50: 2, p95: 4, max: 1200 });
        let candidate = side(Role::Candidate, 10, Spread { mean: 1.0, p50: 1, p95: 1, max: 1 });
        let plots = locality(&[baseline, candidate]);
        assert_eq!(plots.len(), 2);
        for plot in &plots {
            assert!(!plot.contains("#0102") && plot.ends_with("</svg>"), "{plot}");
            assert_eq!((plot.matches("f-bar-a").count(), plot.matches("f-bar-b").count()), (4, 4));
            assert!(
                plot.contains("Baseline: median 2, mean 2.50, 95 % at or below 4, highest 1,200"),
                "{plot}"
            );
            for name in MEASURES {
                assert!(plot.contains(&format!("\n{name}\n")), "{name} in {plot}");
            }
        }
        assert!(plots[0].contains("files") && plots[1].contains("row groups"));
    }

    #[test]
    fn one_side_alone_is_drawn_and_no_trace_gives_no_plot() {
        let candidate = side(Role::Candidate, 1, Spread { mean: f64::NAN, p50: u64::MAX, p95: 0, max: 0 });
        let plots = locality(&[candidate]);
        assert_eq!(plots.len(), 2);
        assert!(plots[0].contains("Baseline: no traces."));
        assert!(locality(&[side(Role::Candidate, 0, Spread::default())]).is_empty());
        assert!(locality(&[]).is_empty());
    }
}
