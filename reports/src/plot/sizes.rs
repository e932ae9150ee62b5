//! File sizes: a histogram, and the share of files up to each size (ECDF). At most [`STEPS`] points a side.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::canvas::{
    BAR_A, BAR_B, Drawn, EDGE_A, EDGE_B, FAINT, HEIGHT, INK, LINE_A, TARGET, WIDTH, dress, trimmed,
};
use crate::evidence::{SizeSummary, SizesEvidence};
use crate::words;

/// Corners of an ECDF a side; more files are thinned out evenly.
const STEPS: usize = 200;
/// Ratio of largest to smallest size from which powers of two are used.
const LOGARITHMIC: f64 = 16.0;

/// The plots, or nothing where no side has a file.
pub(crate) fn sizes(sizes: &SizesEvidence) -> Vec<String> {
    let list = |side: &Option<SizeSummary>| side.as_ref().map(|side| side.sizes.clone()).unwrap_or_default();
    let (mut baseline, mut candidate) = (list(&sizes.baseline), list(&sizes.candidate));
    baseline.sort_unstable();
    candidate.sort_unstable();
    let Some(scale) = Scale::over(&baseline, &candidate, sizes.target) else { return Vec::new() };
    let plot = Plot { baseline, candidate, target: sizes.target, scale };
    // A plot that cannot be drawn is left out: the table beside it holds the same figures.
    [plot.histogram(), plot.ecdf()].into_iter().flatten().collect()
}

/// The axis of sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    logarithmic: bool,
    /// Bytes of one unit; 1 on a logarithmic scale.
    unit: f64,
    low: f64,
    high: f64,
}

impl Scale {
    #[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
    fn over(baseline: &[u64], candidate: &[u64], target: Option<u64>) -> Option<Self> {
        if baseline.is_empty() && candidate.is_empty() {
            return None;
        }
        let all = || baseline.iter().chain(candidate).copied();
        // A target far beyond every file would press the bars together: then only the words name it.
        let largest = all().max()?.max(1);
        let shown = target.filter(|&target| target / 4 <= largest);
        let low = all().chain(shown).min()?.max(1) as f64;
        let high = (largest.max(shown.unwrap_or_default())) as f64;
        if high / low >= LOGARITHMIC {
            return Some(Self {
                logarithmic: true,
                unit: 1.0,
                low: low.log2().floor(),
                high: high.log2().ceil(),
            });
        }
        let unit = 1024_f64.powi(high.log2().div_euclid(10.0).clamp(0.0, 6.0) as i32);
        let margin = ((high - low) * 0.06).max(high * 0.02);
        Some(Self {
            logarithmic: false,
            unit,
            low: ((low - margin) / unit).max(0.0),
            high: (high + margin) / unit,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
    fn place(&self, size: u64) -> f64 {
        let size = size as f64;
        if self.logarithmic { size.max(1.0).log2() } else { size / self.unit }
    }

    fn title(&self) -> &'static str {
        if self.logarithmic {
            return "file size (powers of two)";
        }
        match self.unit.log2() as u32 {
            0 => "file size (bytes)",
            10 => "file size (KiB)",
            20 => "file size (MiB)",
            30 => "file size (GiB)",
            40 => "file size (TiB)",
            50 => "file size (PiB)",
            _ => "file size (EiB)",
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 64")]
    fn label(&self, value: f64) -> String {
        if !self.logarithmic {
            return trimmed(value);
        }
        if value.fract().abs() > 1e-9 || !(0.0..64.0).contains(&value) {
            return String::new();
        }
        words::bytes(1 << value as u32).replace(".00 ", " ").replace(".0 ", " ")
    }
}

struct Plot {
    baseline: Vec<u64>,
    candidate: Vec<u64>,
    target: Option<u64>,
    scale: Scale,
}

impl Plot {
    #[expect(clippy::cast_precision_loss, reason = "counts of files, and a pixel is far coarser")]
    fn histogram(&self) -> Option<String> {
        let files = self.baseline.len().max(self.candidate.len());
        let bins = if self.scale.logarithmic {
            (((self.scale.high - self.scale.low) * 2.0) as usize).clamp(4, 24)
        } else {
            ((files as f64).log2().ceil() as usize * 2 + 4).clamp(6, 20)
        };
        let width = (self.scale.high - self.scale.low) / bins as f64;
        let counted = |sizes: &[u64]| {
            let mut counts = vec![0_u64; bins];
            for &size in sizes {
                let bin = ((self.scale.place(size) - self.scale.low) / width) as usize;
                counts[bin.min(bins - 1)] += 1;
            }
            counts
        };
        let (a, b) = (counted(&self.baseline), counted(&self.candidate));
        let top = a.iter().chain(&b).copied().max().unwrap_or(1).max(1) as f64 * 1.1;
        let mut svg = String::new();
        self.draw_histogram(&mut svg, [&a, &b], width, top).ok()?;
        Some(dress(&svg, "Histogram of file sizes", &self.described()))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of files, and a pixel is far coarser")]
    fn draw_histogram<'a>(
        &self,
        svg: &'a mut String,
        counts: [&[u64]; 2],
        width: f64,
        top: f64,
    ) -> Drawn<'a> {
        let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption("Files by size", ("sans-serif", 15).into_font().color(&INK))
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(self.scale.low..self.scale.high, 0.0..top)?;
        let whole = |value: &f64| {
            if value.fract().abs() < 1e-9 { words::count(*value as u64) } else { String::new() }
        };
        self.axes(&mut chart, "files", &whole)?;
        let sides = [(counts[0], 0.08, 0.48, BAR_A, EDGE_A), (counts[1], 0.52, 0.92, BAR_B, EDGE_B)];
        for (counts, from, to, fill, edge) in sides {
            for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let left = self.scale.low + width * bin as f64;
                let corners = [(left + width * from, 0.0), (left + width * to, count as f64)];
                chart.draw_series([
                    Rectangle::new(corners, fill.filled()),
                    Rectangle::new(corners, edge.stroke_width(1)),
                ])?;
            }
        }
        self.draw_target(&mut chart, top)?;
        area.present()
    }

    fn ecdf(&self) -> Option<String> {
        let mut svg = String::new();
        self.draw_ecdf(&mut svg).ok()?;
        Some(dress(&svg, "Share of files up to each size", &self.described()))
    }

    fn draw_ecdf<'a>(&self, svg: &'a mut String) -> Drawn<'a> {
        let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption("Share of files up to each size (ECDF)", ("sans-serif", 15).into_font().color(&INK))
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(self.scale.low..self.scale.high, 0.0..102.0)?;
        self.axes(&mut chart, "files (%)", &|value| trimmed(*value))?;
        for (sizes, colour) in [(&self.candidate, EDGE_B), (&self.baseline, LINE_A)] {
            if !sizes.is_empty() {
                chart.draw_series([PathElement::new(self.steps(sizes), colour.stroke_width(2))])?;
            }
        }
        self.draw_target(&mut chart, 102.0)?;
        area.present()
    }

    /// Corners of the staircase, thinned out evenly where there are many files.
    #[expect(clippy::cast_precision_loss, reason = "counts of files, and a pixel is far coarser")]
    fn steps(&self, sorted: &[u64]) -> Vec<(f64, f64)> {
        let mut corners = vec![(self.scale.low, 0.0)];
        let mut share = 0.0;
        let stride = sorted.len().div_ceil(STEPS);
        for (index, &size) in sorted.iter().enumerate() {
            if (index + 1) % stride != 0 && index + 1 != sorted.len() {
                continue;
            }
            let place = self.scale.place(size);
            corners.push((place, share));
            share = (index + 1) as f64 / sorted.len() as f64 * 100.0;
            corners.push((place, share));
        }
        corners.push((self.scale.high, 100.0));
        corners
    }

    fn axes<'a>(
        &self,
        chart: &mut ChartContext<'_, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
        y_title: &str,
        y_label: &dyn Fn(&f64) -> String,
    ) -> Drawn<'a> {
        let scale = self.scale;
        let ticks = if scale.logarithmic { ((scale.high - scale.low) as usize + 1).clamp(3, 8) } else { 6 };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .bold_line_style(FAINT)
            .axis_style(INK)
            .x_labels(ticks)
            .y_labels(6)
            .label_style(("sans-serif", 12).into_font().color(&INK))
            .axis_desc_style(("sans-serif", 12).into_font().color(&INK))
            .x_label_formatter(&move |value| scale.label(*value))
            .y_label_formatter(y_label)
            .x_desc(scale.title())
            .y_desc(y_title)
            .draw()
    }

    fn draw_target<'a>(
        &self,
        chart: &mut ChartContext<'_, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
        top: f64,
    ) -> Drawn<'a> {
        let Some(place) = self.target.map(|target| self.scale.place(target)) else { return Ok(()) };
        if place <= self.scale.high {
            chart.draw_series([PathElement::new([(place, 0.0), (place, top)], TARGET.stroke_width(1))])?;
        }
        Ok(())
    }

    /// The plot in words.
    fn described(&self) -> String {
        let side = |name: &str, sorted: &[u64]| match (
            sorted.first(),
            sorted.get(sorted.len() / 2),
            sorted.last(),
        ) {
            (Some(&smallest), Some(&median), Some(&largest)) => format!(
                "{name}: {}, smallest {}, median {}, largest {}.",
                words::counted(sorted.len() as u64, "file", "files"),
                words::bytes(smallest),
                words::bytes(median),
                words::bytes(largest)
            ),
            _ => format!("{name}: no files."),
        };
        let target =
            self.target.map(|target| format!(" Target: {}.", words::bytes(target))).unwrap_or_default();
        format!("{} {}{target}", side("Baseline", &self.baseline), side("Candidate", &self.candidate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(baseline: &[u64], candidate: &[u64], target: Option<u64>) -> SizesEvidence {
        let side = |sizes: &[u64]| Some(SizeSummary { sizes: sizes.to_vec(), ..SizeSummary::default() });
        SizesEvidence {
            target,
            baseline: side(baseline),
            candidate: side(candidate),
            ..SizesEvidence::default()
        }
    }

    #[test]
    fn no_stand_in_colour_is_left_and_every_plot_is_described() {
        for plot in sizes(&evidence(&[1 << 20, 3 << 20], &[2 << 20], Some(4 << 20))) {
            assert!(!plot.contains("#0102"), "{plot}");
            assert!(!plot.contains("style="), "{plot}");
            assert!(
                plot.contains("Baseline: 2 files, smallest 1.00 MiB, median 3.00 MiB, largest 3.00 MiB."),
                "{plot}"
            );
            assert!(plot.contains("Candidate: 1 file, ") && plot.contains("Target: 4.00 MiB."), "{plot}");
            assert!(plot.contains("file size (MiB)") && plot.ends_with("</svg>"), "{plot}");
            assert!(plot.contains("line-t"), "{plot}");
        }
    }

    #[test]
    fn every_file_is_counted_in_the_histogram_scale() {
        let plots = sizes(&evidence(&[10, 10, 10], &[10, 1_000_000], None));
        assert_eq!(plots.len(), 2);
        assert_eq!(plots[0].matches("f-bar-a").count(), 1);
        assert_eq!(plots[0].matches("f-bar-b").count(), 2);
        assert!(plots[0].contains("powers of two"));
    }

    #[test]
    fn no_files_give_no_plot_and_odd_sizes_give_one() {
        assert!(sizes(&evidence(&[], &[], Some(5))).is_empty());
        assert!(sizes(&SizesEvidence::default()).is_empty());
        for odd in [&[0][..], &[u64::MAX], &[0, u64::MAX], &[7, 7, 7]] {
            assert_eq!(sizes(&evidence(odd, &[], Some(u64::MAX))).len(), 2, "{odd:?}");
        }
    }

    #[test]
    fn many_files_are_thinned_out() {
        let many: Vec<u64> = (0..100_000).map(|index| 1000 + index).collect();
        let plots = sizes(&evidence(&many, &many, None));
        assert!(
            plots.iter().all(|plot| plot.len() < 20_000),
            "{:?}",
            plots.iter().map(String::len).collect::<Vec<_>>()
        );
    }
}
