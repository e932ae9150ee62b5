//! `parallax gate --phase P REPORT...`: several reports, one decision about one phase.

use std::path::{Path, PathBuf};

use chrono::{SecondsFormat, Utc};
use clap::Args;
use reports::gate::{FILES, Gate, Stage};
use reports::manifest::ErrorClass;

use super::options::{self, PolicyArgs};
use super::{Common, Format, noted, terminal};
use crate::claim::{self, Kind};
use crate::error::{Error, Result, chain};
use crate::exit::Exit;
use crate::gate::checklist::Confirmed;
use crate::gate::given::Given;
use crate::gate::{self, Context, DOCUMENT};

/// Default directory of the decision.
const DEFAULT_OUT: &str = "parallax-gate";

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Report directories that `run`, `bench`, `compare` or `verify` left, or the report.json in them.
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The decision of an earlier phase: its directory or gate.json; may be repeated.
    #[arg(long, value_name = "GATE")]
    after: Vec<PathBuf>,
    /// Ask whether the phase is over, not whether it may begin: lines that can be known only after the rollout count as well.
    #[arg(long)]
    complete: bool,
    /// A line of the checklist that a human vouches for, by its id (P2) or its text; may be repeated.
    #[arg(long, value_name = "LINE", requires = "signed_by")]
    confirm: Vec<String>,
    /// Name of who confirms.
    #[arg(long, value_name = "NAME")]
    signed_by: Option<String>,
    /// Configuration file with the policy and the signals [default: parallax.toml where there is one].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory for gate.json, gate.md and gate.html [default: parallax-gate].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl GateArgs {
    pub(super) fn perform(&self, common: &Common) -> Result<Exit> {
        let out = self.out.clone().unwrap_or_else(|| DEFAULT_OUT.into());
        for earlier in &self.after {
            spare(&out, earlier)?;
        }
        // An older decision goes first: whatever happens from here on, it must not be taken for the answer to this question.
        let _claim = noted(claim::begin(&out, Kind::Gate, &FILES, "--out")?);
        self.decide(&out, common).inspect_err(|_| {
            // The first error counts; one while clearing up would only hide it.
            drop(claim::remove(&out, &FILES));
        })
    }

    fn decide(&self, out: &Path, common: &Common) -> Result<Exit> {
        if self.policy.phase.is_none() {
            let known = crate::policy::phase::NAMES.join(", ");
            return Err(Error::usage(format!(
                "a gate needs a phase: name one with --phase; the phases are {known}"
            )));
        }
        let by = self.signed_by.as_deref().map(str::trim).unwrap_or_default();
        if !self.confirm.is_empty() && by.is_empty() {
            return Err(Error::usage("--signed-by is empty: a confirmation needs the name of who gives it"));
        }
        let config = options::config(self.config.as_deref())?;
        let policy = self.policy.resolve(&config)?;
        let definitions = options::signals(&config)?;
        let mut given: Vec<Given> = Vec::new();
        for path in &self.reports {
            let one = Given::read(path)?;
            if let Some(same) = given.iter().find(|other| other.digest == one.digest) {
                return Err(Error::usage(format!(
                    "{} and {} are the same report; name it once",
                    same.path, one.path
                )));
            }
            given.push(one);
        }
        let earlier = self.after.iter().map(|path| gate::earlier(path)).collect::<Result<_>>()?;
        let now = Utc::now();
        let context = Context {
            policy: &policy,
            definitions: &definitions,
            signals: policy.phase.as_ref().map(gate::signals).unwrap_or_default(),
            stage: if self.complete { Stage::Complete } else { Stage::Begin },
            confirmed: Confirmed {
                lines: self.confirm.clone(),
                by: by.to_owned(),
                at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            },
            now,
            command: options::command_line(),
        };
        let decided = gate::decide(&given, earlier, &context)?;
        reports::gate::write_all(&decided, out).map_err(|error| {
            Error::new(
                ErrorClass::Io,
                format!("cannot write the gate to {}: {}", out.display(), chain(&error)),
            )
        })?;
        show(&decided, out, common.format)?;
        Ok(Exit::from(decided.verdict))
    }
}

/// Refuses an earlier decision that this one would overwrite.
fn spare(out: &Path, earlier: &Path) -> Result<()> {
    let document = if earlier.is_dir() { earlier.join(DOCUMENT) } else { earlier.to_owned() };
    let (Ok(document), Ok(own)) = (document.canonicalize(), out.join(DOCUMENT).canonicalize()) else {
        return Ok(());
    };
    if document != own {
        return Ok(());
    }
    Err(Error::usage(format!(
        "--after {}: this decision would overwrite it; name another directory with --out",
        earlier.display()
    )))
}

fn show(gate: &Gate, out: &Path, format: Format) -> Result<()> {
    if format == Format::Json {
        return terminal::json(gate);
    }
    let text = reports::gate::render_text(gate);
    terminal::text(&format!("{text}\ngate: {}\n", terminal::path(&out.join("gate.html"))))
}
