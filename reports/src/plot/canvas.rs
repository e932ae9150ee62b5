//! What all plots are drawn on: size, stand-in colours, axes that count, and the classes that replace the colours.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

pub(super) const WIDTH: u32 = 540;
pub(super) const HEIGHT: u32 = 280;

/// Stand-in colours, replaced by classes of the same name.
const PALETTE: [(RGBColor, &str); 9] = [
    (INK, "ink"),
    (FAINT, "faint"),
    (BAR_A, "bar-a"),
    (BAR_B, "bar-b"),
    (EDGE_A, "edge-a"),
    (EDGE_B, "edge-b"),
    (LINE_A, "line-a"),
    (TARGET, "line-t"),
    (FAILED, "failed"),
];
pub(super) const INK: RGBColor = RGBColor(1, 2, 1);
pub(super) const FAINT: RGBColor = RGBColor(1, 2, 2);
pub(super) const BAR_A: RGBColor = RGBColor(1, 2, 3);
pub(super) const BAR_B: RGBColor = RGBColor(1, 2, 4);
pub(super) const EDGE_A: RGBColor = RGBColor(1, 2, 5);
pub(super) const EDGE_B: RGBColor = RGBColor(1, 2, 6);
pub(super) const LINE_A: RGBColor = RGBColor(1, 2, 7);
pub(super) const TARGET: RGBColor = RGBColor(1, 2, 8);
pub(super) const FAILED: RGBColor = RGBColor(1, 2, 9);

pub(super) type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// At most two decimals, without needless zeros.
pub(super) fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A chart with plain numbers on both axes.
pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws axes whose places are counted from 1 to the right, with values of a unit upwards.
pub(super) fn counted_axes<'b>(
    chart: &mut Chart<'_, 'b>,
    right: &str,
    up: &str,
    value: &dyn Fn(&f64) -> String,
) -> Drawn<'b> {
    let whole = |place: &f64| if place.fract().abs() < 1e-9 { trimmed(*place) } else { String::new() };
    let range = chart.x_range();
    // No more labels than places, so that no tick stands between two of them.
    let labels = ((range.end - range.start) as usize + 1).min(10);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .max_light_lines(0)
        .bold_line_style(FAINT)
        .axis_style(INK)
        .x_labels(labels)
        .y_labels(6)
        .label_style(("sans-serif", 12).into_font().color(&INK))
        .axis_desc_style(("sans-serif", 12).into_font().color(&INK))
        .x_label_formatter(&whole)
        .y_label_formatter(&|it| value(it))
        .x_desc(right)
        .y_desc(up)
        .draw()
}

/// Replaces stand-in colours by classes and the opening tag by one with a text alternative.
pub(super) fn dress(svg: &str, title: &str, description: &str) -> String {
    let body = svg.split_once("<svg").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, body)| body);
    let mut body = body.replace("opacity=\"1\" ", "").replace("font-family=\"sans-serif\" ", "");
    for (RGBColor(r, g, b), class) in PALETTE {
        let colour = format!("#{r:02X}{g:02X}{b:02X}");
        body = body.replace(&format!("fill=\"{colour}\""), &format!("class=\"f-{class}\""));
        body = body.replace(&format!("stroke=\"{colour}\""), &format!("class=\"s-{class}\""));
    }
    format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}. {description}\">\
         <title>{title}</title><desc>{description}</desc>{}",
        body.trim()
    )
}
