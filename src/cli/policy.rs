//! `parallax policy`: the resolved policy with the origin of each value, and the phases there are.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reports::policy::PolicyInfo;
use serde::Serialize;

use super::options::{self, PolicyArgs};
use super::{Common, Format, terminal};
use crate::error::Result;
use crate::exit::Exit;
use crate::policy::phase::{Item, Phase};

/// Subcommands of `policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print every value of the resolved policy and where it comes from.
    Show(ShowArgs),
    /// List the rollout phases.
    Phases,
}

/// Arguments of `policy show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Configuration file [default: parallax.toml where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What `policy show --format json` prints.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    policy: PolicyInfo,
    #[serde(flatten)]
    phase: Option<Texts>,
}

/// A phase without its policy.
#[derive(Debug, Serialize)]
struct Texts {
    name: &'static str,
    title: String,
    risk: String,
    signals: Vec<String>,
    after: Vec<String>,
    prerequisites: Vec<String>,
    validation: Vec<String>,
    success: Vec<String>,
}

fn texts(items: &[Item]) -> Vec<String> {
    items.iter().map(|item| item.text.clone()).collect()
}

impl Texts {
    fn of(phase: &Phase) -> Self {
        Self {
            name: phase.name,
            title: phase.title.clone(),
            risk: phase.risk.clone(),
            signals: phase.signals.clone(),
            after: phase.after.clone(),
            prerequisites: texts(&phase.prerequisites),
            validation: texts(&phase.validation),
            success: texts(&phase.success),
        }
    }
}

impl PolicyCommand {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        match self {
            Self::Show(args) => args.perform(common.format)?,
            Self::Phases => phases(common.format)?,
        }
        Ok(Exit::Pass)
    }
}

impl ShowArgs {
    fn perform(&self, format: Format) -> Result<()> {
        let config = options::config(self.config.as_deref())?;
        let policy = self.policy.resolve(&config)?;
        let info = policy.info();
        if format == Format::Json {
            return terminal::json(&Shown { policy: info, phase: policy.phase.as_ref().map(Texts::of) });
        }
        terminal::text(&text(&info, policy.phase.as_ref()))
    }
}

/// The policy as text: the phase's lists, then one line a value.
fn text(info: &PolicyInfo, phase: Option<&Phase>) -> String {
    let mut out = String::new();
    if let Some(phase) = phase {
        out.push_str(&format!("phase {}: {} (risk: {})\n", phase.name, phase.title, phase.risk));
        for (name, lines) in [
            ("prerequisites", &phase.prerequisites),
            ("validation", &phase.validation),
            ("success", &phase.success),
        ] {
            if !lines.is_empty() {
                out.push_str(&format!("{name}:\n"));
            }
            lines.iter().for_each(|line| out.push_str(&format!("  - {}\n", line.text)));
        }
        out.push('\n');
    }
    let longest = |pick: fn(&reports::policy::PolicyValue) -> &str, most: usize| {
        info.values.iter().map(|value| pick(value).chars().count().min(most)).max().unwrap_or(0)
    };
    let (keys, values) = (longest(|value| &value.key, 40), longest(|value| &value.value, 60));
    for value in &info.values {
        let line = format!("{:keys$}  {:values$}  {}", value.key, value.value, value.origin);
        // A column's name is a stranger's text: it must not drive the terminal.
        out.extend(line.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }));
        out.push('\n');
    }
    out.push_str(&format!("digest {}\n", info.digest));
    out
}

fn phases(format: Format) -> Result<()> {
    let phases = Phase::all()?;
    if format == Format::Json {
        return terminal::json(&phases.iter().map(Texts::of).collect::<Vec<_>>());
    }
    let mut out = String::new();
    for phase in &phases {
        let signals =
            if phase.signals.is_empty() { "all signals".to_owned() } else { phase.signals.join(", ") };
        out.push_str(&format!("{:12}{} ({signals}; risk: {})\n", phase.name, phase.title, phase.risk));
    }
    terminal::text(&out)
}
