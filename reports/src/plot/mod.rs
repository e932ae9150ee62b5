//! Plots as SVG. Of file sizes there are three: a histogram, the share of files up to each size (ECDF), and size over place
//! (`index`), both sides in each.
//!
//! 1. The first two plots share one scale of sizes: linear, or powers of two where the largest file is at least 16 times the
//!    smallest. The target size is a line in it.
//! 2. `plotters` draws with stand-in colours, and these are replaced by classes, so that the page's style sheet
//!    decides the colours (light, dark, print) and the hatch and dashes that work without colour.
//! 3. Title and description are added for readers who cannot see the plot.
//!
//! Nothing but numbers of the document gets into a plot. Cost: a few hundred points a side.

mod canvas;
mod index;
mod locality;
mod runs;
mod samples;
mod sizes;

pub(crate) use index::over_index;
pub(crate) use locality::locality;
pub(crate) use runs::{RUNS, runs, verdicts};
pub(crate) use samples::samples;
pub(crate) use sizes::sizes;
