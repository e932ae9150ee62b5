//! What is told on stderr while a run proceeds: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.
//!
//! The bar counts jobs and tells the rows read so far and the time to go at that rate. A CI system, a pipe, `--plain` and
//! `TERM=dumb` get one line a job. Job names may come from strangers: no control character of theirs reaches the terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reports::document::{JobReport, Verdict};

use super::{Common, terminal};
use crate::run::Progress;

/// Redraws a second: enough to see it move, few enough for a remote shell.
const REDRAWS: u8 = 8;

/// The progress that fits where stderr leads. Of a redacted run it tells names of jobs, verdicts and counts alone.
pub(super) fn of(common: &Common, jobs: usize, redacted: bool) -> Box<dyn Progress> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let dumb = variable("TERM").is_none_or(|term| term == "dumb");
    if common.silent {
        Box::new(Silent)
    } else if common.plain || dumb || variable("CI").is_some() || !std::io::stderr().is_terminal() {
        Box::new(Lines { redacted })
    } else {
        Box::new(Bar::new(jobs, redacted, ProgressDrawTarget::stderr_with_hz(REDRAWS)))
    }
}

struct Silent;

impl Progress for Silent {
    fn judged(&self, _job: &JobReport, _done: usize, _of: usize) {}

    fn resumed(&self, _jobs: usize, _of: usize) {}
}

/// One line to stderr for each job, and one for every few measured pairs.
struct Lines {
    redacted: bool,
}

impl Progress for Lines {
    fn judged(&self, job: &JobReport, done: usize, of: usize) {
        terminal::complain(&format!("[{done}/{of}] {}", line(job, self.redacted)));
    }

    fn measured(&self, set: &str, pairs: usize, of: usize) {
        if pairs.is_multiple_of(5) {
            terminal::complain(&format!("{set}: {pairs} pairs measured, at most {of}"));
        }
    }

    fn resumed(&self, jobs: usize, of: usize) {
        terminal::complain(&format!("{jobs} of {of} jobs taken over from the interrupted run"));
    }
}

/// A bar of jobs with the rows so far. Jobs that did not pass get a line above it that stays.
struct Bar {
    bar: ProgressBar,
    rows: AtomicU64,
    redacted: bool,
}

impl Bar {
    fn new(jobs: usize, redacted: bool, target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(Some(jobs as u64), target);
        let plain = "{pos}/{len} jobs, {msg}";
        let style =
            ProgressStyle::with_template("{bar:24} {pos}/{len} jobs, {msg}, {elapsed} so far, {eta} to go")
                .or_else(|_| ProgressStyle::with_template(plain));
        if let Ok(style) = style {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message("rows: 0");
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, rows: AtomicU64::new(0), redacted }
    }
}

impl Progress for Bar {
    fn judged(&self, job: &JobReport, done: usize, _of: usize) {
        let rows: u64 = job.inputs.iter().map(|input| input.rows).sum();
        let read = if rows > 0 { rows } else { job.candidate.files.iter().map(|file| file.rows).sum() };
        let rows = self.rows.fetch_add(read, Ordering::Relaxed) + read;
        self.bar.set_message(format!("rows: {rows}"));
        self.bar.set_position(self.bar.position().max(done as u64));
        if job.verdict != Verdict::Pass {
            self.bar.println(line(job, self.redacted));
        }
    }

    fn measured(&self, set: &str, pairs: usize, of: usize) {
        self.bar.set_message(format!("{}: {pairs} pairs measured, at most {of}", visible(set)));
    }

    fn resumed(&self, jobs: usize, of: usize) {
        self.bar.println(format!("{jobs} of {of} jobs taken over from the interrupted run"));
        self.bar.set_position(jobs as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn line(job: &JobReport, redacted: bool) -> String {
    let verdict = match job.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "FAIL",
        Verdict::Inconclusive => "inconclusive",
    };
    let rows: u64 = job.candidate.files.iter().map(|file| file.rows).sum();
    let what = match (job.measurement.is_some(), redacted) {
        (false, _) => format!("{rows} rows"),
        (true, false) => visible(&job.headline),
        (true, true) => "measured".to_owned(),
    };
    format!("{}: {verdict}, {what}", visible(&job.id))
}

fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
    }

    #[test]
    fn the_bar_counts_what_was_taken_over() {
        let bar = Bar::new(10, false, ProgressDrawTarget::hidden());
        bar.resumed(3, 10);
        assert_eq!(bar.bar.position(), 3);
        assert_eq!(bar.bar.length(), Some(10));
    }
}
