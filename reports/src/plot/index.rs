//! File size over the file's place in the result: a drift, a last short file, or files cut in pairs show here and in no
//! distribution.
//!
//! 1. The unit is the one in which the largest file keeps a digit before the point.
//! 2. Circles stand for the baseline, crosses for the candidate; the target is a line.
//! 3. More than [`POINTS`] files a side are thinned out evenly, and the description says so.

use plotters::prelude::*;

use super::canvas::{Drawn, EDGE_A, EDGE_B, HEIGHT, INK, TARGET, WIDTH, counted_axes, dress, trimmed};
use crate::evidence::{SizeSummary, SizesEvidence};
use crate::words;

/// Points drawn a side.
const POINTS: usize = 120;

/// The plot, or none where no side has a file.
#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
pub(crate) fn over_index(sizes: &SizesEvidence) -> Option<String> {
    let list = |side: &Option<SizeSummary>| side.as_ref().map_or_else(Vec::new, |side| side.sizes.clone());
    let sides = [list(&sizes.baseline), list(&sizes.candidate)];
    let largest = sides.iter().flatten().copied().max()?.max(1);
    // A target far beyond every file would press the points to the floor: then it is told in words only.
    let target = sizes.target.filter(|&target| target / 4 <= largest);
    let highest = largest.max(target.unwrap_or_default()) as f64;
    let power = (highest.log2() / 10.0).floor().clamp(0.0, 6.0) as i32;
    let unit = 1024_f64.powi(power);
    let name =
        ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][usize::try_from(power).unwrap_or_default()];
    let mut svg = String::new();
    let scale = Scale { unit, name, top: highest / unit * 1.1, target: target.map(|it| it as f64 / unit) };
    draw(&mut svg, &sides, &scale).ok()?;
    Some(dress(&svg, "File size over place in the result", &described(&sides)))
}

struct Scale {
    unit: f64,
    name: &'static str,
    top: f64,
    target: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "counts of files, and a pixel is far coarser")]
fn draw<'a>(svg: &'a mut String, sides: &[Vec<u64>; 2], scale: &Scale) -> Drawn<'a> {
    let files = sides.iter().map(Vec::len).max().unwrap_or_default();
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .caption("File size over place in the result", ("sans-serif", 15).into_font().color(&INK))
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..files as f64 + 1.0, 0.0..scale.top)?;
    counted_axes(&mut chart, "file, in judged order", &format!("size ({})", scale.name), &|value| {
        trimmed(*value)
    })?;
    let points = |sizes: &[u64]| -> Vec<(f64, f64)> {
        let stride = sizes.len().div_ceil(POINTS).max(1);
        let picked = sizes.iter().enumerate().step_by(stride);
        picked.map(|(index, &size)| (index as f64 + 1.0, size as f64 / scale.unit)).collect()
    };
    chart.draw_series(
        points(&sides[0]).into_iter().map(|point| Circle::new(point, 3, EDGE_A.stroke_width(1))),
    )?;
    chart.draw_series(
        points(&sides[1]).into_iter().map(|point| Cross::new(point, 3, EDGE_B.stroke_width(1))),
    )?;
    if let Some(target) = scale.target {
        let line = [(0.0, target), (files as f64 + 1.0, target)];
        chart.draw_series([PathElement::new(line, TARGET.stroke_width(1))])?;
    }
    area.present()
}

/// The plot in words.
fn described(sides: &[Vec<u64>; 2]) -> String {
    let side = |name: &str, sizes: &[u64]| match (sizes.first(), sizes.last()) {
        (Some(&first), Some(&last)) => format!(
            "{name}: {}, the first {}, the last {}{}.",
            words::counted(sizes.len() as u64, "file", "files"),
            words::bytes(first),
            words::bytes(last),
            if sizes.len() > POINTS { ", thinned out evenly" } else { "" }
        ),
        _ => format!("{name}: no files."),
    };
    format!("{} {}", side("Baseline", &sides[0]), side("Candidate", &sides[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(baseline: Vec<u64>, candidate: Vec<u64>) -> SizesEvidence {
        let side = |sizes: Vec<u64>| Some(SizeSummary { sizes, ..SizeSummary::default() });
        SizesEvidence {
            target: Some(4 << 20),
            baseline: side(baseline),
            candidate: side(candidate),
            ..SizesEvidence::default()
        }
    }

    #[test]
    fn every_file_is_a_point_and_the_order_is_that_of_the_result() {
        let plot = over_index(&evidence(vec![3 << 20, 1 << 20], vec![2 << 20])).unwrap();
        assert_eq!(plot.matches("<circle").count(), 2);
        assert!(plot.contains("Baseline: 2 files, the first 3.00 MiB, the last 1.00 MiB."), "{plot}");
        assert!(
            plot.contains("size (MiB)") && plot.contains("s-line-t") && !plot.contains("#0102"),
            "{plot}"
        );
    }

    #[test]
    fn many_files_are_thinned_out_and_none_give_no_plot() {
        let plot = over_index(&evidence((1..=10_000).collect(), vec![])).unwrap();
        assert!(plot.matches("<circle").count() <= POINTS);
        assert!(
            plot.contains("10,000 files, the first 1 byte, the last 9.77 KiB, thinned out evenly."),
            "{plot}"
        );
        assert!(plot.contains("Candidate: no files."), "{plot}");
        assert!(over_index(&evidence(vec![], vec![])).is_none());
        assert!(over_index(&evidence(vec![0, u64::MAX], vec![0])).is_some());
    }
}
