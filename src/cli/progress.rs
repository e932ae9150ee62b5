//! What is told on stderr while a run proceeds: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.
//!
//! The bar counts jobs and tells the rows judged so far and the time to go at that rate: by rows, where they are known, for one
//! job may be a thousand times another; else by jobs. Nothing is told before the first job is judged. A CI system, a pipe, `--plain` and
//! `TERM=dumb` get one line a job. Job names may come from strangers: no control character of theirs reaches the terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use reports::document::{JobReport, Verdict};
use reports::visible::plain;

use super::{Common, terminal};
use crate::plan::PlannedJob;
use crate::run::Progress;

/// Redraws a second: enough to see it move, few enough for a remote shell.
const REDRAWS: u8 = 8;

/// The progress that fits where stderr leads. Of a redacted run it tells names of jobs, verdicts and counts alone.
pub(super) fn of(common: &Common, jobs: &[PlannedJob], redacted: bool) -> Box<dyn Progress> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let dumb = variable("TERM").is_none_or(|term| term == "dumb");
    if common.silent {
        Box::new(Silent)
    } else if common.plain || dumb || variable("CI").is_some() || !std::io::stderr().is_terminal() {
        Box::new(Lines { redacted })
    } else {
        let work = Work::of(reports::total(jobs.iter().map(PlannedJob::rows)));
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        Box::new(Bar::new(jobs.len(), work, redacted, columns(), target))
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

/// Rows judged by this run, of those that there are; 0 of 0 where inputs are unknown.
#[derive(Debug, Default)]
struct Work {
    rows: AtomicU64,
    of: u64,
    /// Jobs taken over, which took no time now.
    resumed: AtomicU64,
}

impl Work {
    fn of(rows: u64) -> Arc<Self> {
        Arc::new(Self { of: rows, ..Self::default() })
    }

    /// Time to go after `elapsed`, with `done` of `jobs` judged; nothing before the first and after the last.
    #[expect(clippy::cast_precision_loss, reason = "a rough figure")]
    fn to_go(&self, elapsed: Duration, done: u64, jobs: u64) -> Option<Duration> {
        let resumed = self.resumed.load(Ordering::Relaxed);
        let rows = self.rows.load(Ordering::Relaxed);
        let (part, whole) = if self.of > 0 && resumed == 0 {
            (rows.min(self.of), self.of)
        } else {
            (done.saturating_sub(resumed), jobs.saturating_sub(resumed))
        };
        let left = whole.saturating_sub(part) as f64;
        // Where all is judged that has rows, something is left whose time nobody knows: a measurement.
        (0 < part && part < whole).then(|| elapsed.mul_f64(left / part as f64))
    }

    fn told(&self) -> String {
        let rows = HumanCount(self.rows.load(Ordering::Relaxed));
        if self.of > 0 && self.resumed.load(Ordering::Relaxed) == 0 {
            format!("{rows} of {} rows", HumanCount(self.of))
        } else {
            format!("{rows} rows")
        }
    }
}

/// `48 s`, `2 min 05 s`, `1 h 10 min`.
fn time(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Columns of the terminal on stderr.
fn columns() -> usize {
    rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| usize::from(size.ws_col))
}

/// A bar of jobs with the rows so far. Jobs that did not pass get a line above it that stays.
struct Bar {
    bar: ProgressBar,
    work: Arc<Work>,
    redacted: bool,
}

impl Bar {
    fn new(jobs: usize, work: Arc<Work>, redacted: bool, columns: usize, target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(Some(jobs as u64), target);
        // On a narrow terminal the words are worth more than the bar.
        let template = match columns {
            100.. => "{bar:24} {pos}/{len} jobs, {msg}, {span}",
            80..100 => "{bar:10} {pos}/{len} jobs, {msg}, {span}",
            _ => "{pos}/{len} jobs, {msg}, {span}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            let work = Arc::clone(&work);
            let span = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let jobs = state.len().unwrap_or_default();
                let left = work.to_go(state.elapsed(), state.pos(), jobs);
                let left = left.map_or_else(String::new, |left| format!(", about {} to go", time(left)));
                // What cannot be drawn is not worth a word.
                let _ = write!(out, "{}{left}", time(state.elapsed()));
            };
            bar.set_style(style.progress_chars("=> ").with_key("span", span));
        }
        bar.set_message(work.told());
        // The crate panics where it cannot start a thread. Without one the bar moves with the jobs alone.
        if std::thread::Builder::new().spawn(|| ()).is_ok_and(|thread| thread.join().is_ok()) {
            bar.enable_steady_tick(Duration::from_millis(500));
        }
        Self { bar, work, redacted }
    }
}

impl Progress for Bar {
    fn judged(&self, job: &JobReport, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        let rows = reports::total(job.inputs.iter().map(|input| input.rows));
        let read =
            if rows > 0 { rows } else { reports::total(job.candidate.files.iter().map(|file| file.rows)) };
        self.work.rows.fetch_add(read, Ordering::Relaxed);
        self.bar.set_message(self.work.told());
        self.bar.set_position(self.bar.position().max(done as u64));
        if job.verdict != Verdict::Pass {
            self.bar.println(line(job, self.redacted));
        }
    }

    fn measured(&self, set: &str, pairs: usize, of: usize) {
        self.bar.set_message(format!("{}: {pairs} pairs measured, at most {of}", plain(set)));
    }

    fn resumed(&self, jobs: usize, of: usize) {
        self.work.resumed.store(jobs as u64, Ordering::Relaxed);
        self.bar.set_message(self.work.told());
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
    let rows = reports::total(job.candidate.files.iter().map(|file| file.rows));
    let what = match (job.measurement.is_some(), redacted) {
        (false, _) => format!("{rows} rows"),
        (true, false) => plain(&job.headline),
        (true, true) => "measured".to_owned(),
    };
    format!("{}: {verdict}, {what}", plain(&job.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), r"a\u{1b}[2Jb\nc");
    }

    #[test]
    fn the_bar_counts_what_was_taken_over() {
        let bar = Bar::new(10, Work::of(1000), false, 100, ProgressDrawTarget::hidden());
        bar.resumed(3, 10);
        assert_eq!(bar.bar.position(), 3);
        assert_eq!(bar.bar.length(), Some(10));
        assert_eq!(bar.bar.message(), "0 rows");
    }

    #[test]
    fn the_time_to_go_follows_the_rows_and_is_not_told_before_a_job_was_judged() {
        let work = Work::of(1_000_000);
        let ten = Duration::from_secs(10);
        assert_eq!(work.to_go(ten, 0, 3), None);
        work.rows.store(250_000, Ordering::Relaxed);
        assert_eq!(work.to_go(ten, 2, 3), Some(Duration::from_secs(30)));
        assert_eq!(work.told(), "250,000 of 1,000,000 rows");
        // Of what was taken over nobody knows the rows, and it took no time now.
        work.resumed.store(1, Ordering::Relaxed);
        assert_eq!(work.to_go(ten, 2, 3), Some(ten));
        assert_eq!(Work::of(0).to_go(ten, 1, 3), Some(Duration::from_secs(20)));
        assert_eq!(
            [5, 65, 3700].map(|seconds| time(Duration::from_secs(seconds))),
            ["5 s", "1 min 05 s", "1 h 01 min"]
        );
    }
}
