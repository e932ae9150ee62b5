//! `--ci`: the verdict where a CI system shows it.
//!
//! On GitHub: annotations as workflow commands, and `summary.md` appended to the page of the job. GitHub reads commands from
//! stdout, so they stand there behind the result; with `--format json` stdout is one document, and they go to stderr. GitHub
//! shows ten annotations of a kind for a step: the tenth says how many more there are.

use std::io::Write;
use std::path::Path;

use clap::ValueEnum;
use reports::document::{Finding, Report, Severity, Verdict};
use reports::manifest::ErrorClass;
use reports::visible::plain;

use super::{Format, terminal};
use crate::error::{Error, Result, chain};
use crate::policy::verdict::is_blocking;

/// Annotations of a kind that GitHub shows for one step.
const SHOWN: usize = 10;

/// Where the verdict is shown beside stdout and the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Ci {
    /// What the environment shows: `github` where `GITHUB_ACTIONS` is `true`, else nothing.
    #[default]
    Auto,
    /// Annotations, and the summary in the file that `GITHUB_STEP_SUMMARY` names.
    Github,
    /// Nowhere.
    None,
}

/// The option of every command that judges.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct CiArgs {
    /// Where the verdict is shown as well: annotations and job summary of a CI system.
    #[arg(long, value_enum, default_value_t = Ci::Auto, overrides_with = "ci")]
    pub(super) ci: Ci,
}

impl Ci {
    /// True where GitHub is to be told.
    fn github(self) -> bool {
        match self {
            Self::Auto => std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true"),
            Self::Github => true,
            Self::None => false,
        }
    }

    /// Tells of a run whose report lies in `out`.
    ///
    /// # Errors
    /// Class `io` where stdout cannot be written.
    pub(super) fn tell(self, report: &Report, out: &Path, format: Format) -> Result<()> {
        if !self.github() {
            return Ok(());
        }
        summarize(|| std::fs::read_to_string(out.join("summary.md")));
        say(&annotations(report), format)
    }

    /// Tells of a command that could not run.
    pub(super) fn tell_failure(self, error: &Error, format: Format) {
        if !self.github() || error.class == ErrorClass::Cancelled {
            return;
        }
        let message = chain(error);
        summarize(|| Ok(format!("# Parallax could not run (exit code 2)\n\n{}\n", quoted(&message))));
        // There is no one left to tell if that fails too.
        drop(say(&command("error", "Parallax could not run", &message), format));
    }
}

fn say(commands: &str, format: Format) -> Result<()> {
    match format {
        Format::Text => terminal::text(commands),
        Format::Json => {
            commands.lines().for_each(terminal::complain);
            Ok(())
        }
    }
}

/// Appends to the page of the job, where there is one. The verdict does not hang on it.
fn summarize(text: impl FnOnce() -> std::io::Result<String>) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let appended = text().and_then(|text| {
        corpora::regular::check_unless_missing(Path::new(&path))?;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(text.as_bytes())
    });
    if let Err(error) = appended {
        terminal::complain(&format!("parallax: cannot append to GITHUB_STEP_SUMMARY: {error}"));
    }
}

/// A message as Markdown that means nothing but its text.
fn quoted(message: &str) -> String {
    let plain = plain(message);
    let longest = plain.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{plain}\n{fence}")
}

/// The commands of a report, one a line.
fn annotations(report: &Report) -> String {
    let findings = |severity: Severity| {
        let checks = report.jobs.iter().flat_map(|job| job.checks.iter().map(move |check| (job, check)));
        checks
            .filter(move |(_, check)| check.gates || severity != Severity::Blocker)
            .flat_map(|(job, check)| check.findings.iter().map(move |finding| (job.id.as_str(), finding)))
            .filter(move |(_, it)| it.severity == severity && it.waived.is_none())
    };
    let of = |(job, finding): (&str, &Finding)| {
        let asks = finding.action.map(|action| format!(" ({action}: {})", action.asks())).unwrap_or_default();
        (format!("{job}: {}", finding.code), format!("{}{asks}", finding.message))
    };
    let mut errors: Vec<(String, String)> = Vec::new();
    let mut text = String::new();
    match report.verdict {
        Verdict::Pass => text.push_str(&command("notice", "Parallax: pass", &report.headline)),
        Verdict::Fail => errors.push(("Parallax: not safe to roll out".to_owned(), report.headline.clone())),
        Verdict::Inconclusive => errors.push(("Parallax: inconclusive".to_owned(), report.headline.clone())),
    }
    errors.extend(findings(Severity::Blocker).filter(|(_, finding)| is_blocking(finding)).map(of));
    let run = report.warnings.iter().map(|it| (format!("{} ({})", it.code, it.origin), it.message.clone()));
    let warnings: Vec<_> = run.chain(findings(Severity::Warning).map(of)).collect();
    for (kind, all) in [("error", errors), ("warning", warnings)] {
        let fit = if all.len() > SHOWN { SHOWN - 1 } else { SHOWN };
        all.iter().take(fit).for_each(|(title, message)| text.push_str(&command(kind, title, message)));
        if all.len() > fit {
            let more = format!("{} more; see the summary and the report", all.len() - fit);
            text.push_str(&command(kind, "Parallax", &more));
        }
    }
    text
}

/// A workflow command. What is not text of ours cannot end it, or begin another.
fn command(kind: &str, title: &str, message: &str) -> String {
    let data = |text: &str| {
        // Line ends are kept: GitHub shows a message of several lines.
        let parts: Vec<String> = text
            .split_inclusive(['\r', '\n'])
            .map(|part| {
                let line = part.trim_end_matches(['\r', '\n']);
                format!("{}{}", plain(line).replace('%', "%25"), &part[line.len()..])
            })
            .collect();
        parts.concat().replace('\r', "%0D").replace('\n', "%0A")
    };
    let property = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{kind} title={property}::{}\n", data(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_end_its_command_or_begin_another() {
        assert_eq!(
            command("error", "a, b: 100%\n", "x\r\n::add-mask::\u{1b}[0m 5 %"),
            "::error title=a%2C b%3A 100%25%0A::x%0D%0A::add-mask::\\u{1b}[0m 5 %25\n"
        );
    }

    #[test]
    fn a_quoted_message_cannot_end_its_fence() {
        assert_eq!(quoted("a ```` b\n# c"), "`````\na ```` b\\n# c\n`````");
    }
}
