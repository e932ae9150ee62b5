//! The gate document: one decision about one phase of a rollout, made of several reports. Plain serde data, versioned.
//!
//! Every format of it (page, Markdown, terminal) renders from this document and from nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::{Finding, WaiverReport};
use crate::policy::PolicyInfo;
use crate::report::{Mode, Tool, Verdict};
use crate::side::SideKind;

/// Version of the gate document's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// One decision about one phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Version of the schema: 1.
    pub gate_version: u32,
    /// What wrote the document.
    pub tool: Tool,
    /// When it was decided, RFC 3339, UTC.
    pub decided: String,
    /// The command line as typed.
    pub command: Vec<String>,
    /// The phase.
    pub phase: String,
    /// What is done in it.
    pub title: String,
    /// Its risk by the guide.
    pub risk: String,
    /// Signals that it is about.
    pub signals: Vec<String>,
    /// What was asked.
    pub stage: Stage,
    /// True where the phase is over with this decision, should it be a pass: it was asked to be completed.
    pub closing: bool,
    /// The decision.
    pub verdict: Verdict,
    /// One sentence that says why.
    pub headline: String,
    /// What keeps it from a pass without being a failure: missing evidence, refused reports, open confirmations.
    pub missing: Vec<String>,
    /// What a signer should know although it does not decide: a policy looser than the phase's own, waivers that expired.
    pub notices: Vec<String>,
    /// Who is judged, where all reports agree.
    pub candidate: Option<Identity>,
    /// Who it was compared with, where all reports agree.
    pub baseline: Option<Identity>,
    /// The checklist of the guide.
    pub checklist: Vec<Line>,
    /// Each required check on each signal.
    pub evidence: Vec<EvidenceLine>,
    /// The reports, in the order given.
    pub reports: Vec<GateReport>,
    /// Blockers that decide, of all reports.
    pub findings: Vec<GateFinding>,
    /// Gates of earlier phases.
    pub earlier: Vec<EarlierGate>,
    /// Waivers of the policy and what they cover in these reports.
    pub waivers: Vec<WaiverReport>,
    /// The policy that everything was judged by again.
    pub policy: PolicyInfo,
}

/// What is asked of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// May the rollout of the phase begin?
    Begin,
    /// Is the phase over?
    Complete,
}

/// What is known of one line or requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Answered well, by checks.
    Pass,
    /// Answered well; a human vouches for a part of it.
    Confirmed,
    /// Can be known only once the rollout has begun; asked when the phase is to be completed.
    Later,
    /// Not answered, or not decided.
    Open,
    /// Answered badly.
    Fail,
}

/// One line of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// `P1`: prerequisite; `V1`: validation; `S1`: success; `R1`: about a report.
    pub id: String,
    /// The line, as in the guide.
    pub text: String,
    /// What is known of it.
    pub mark: Mark,
    /// Why, one sentence each.
    pub because: Vec<String>,
    /// Checks that answer it.
    pub checks: Vec<String>,
    /// What a human looks at to confirm it; absent where the line needs no confirmation.
    pub confirm: Option<String>,
    /// Who confirmed it.
    pub confirmed: Option<Confirmation>,
}

/// A human's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmation {
    /// Name, as given with `--signed-by`.
    pub by: String,
    /// When, RFC 3339, UTC.
    pub at: String,
}

/// One required check on one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceLine {
    /// Code of the check.
    pub check: String,
    /// The signal.
    pub signal: String,
    /// What is known.
    pub mark: Mark,
    /// Why, in a sentence.
    pub because: String,
    /// Jobs or measured sets that answered it.
    pub jobs: u64,
    /// Rows that they examined.
    pub rows: u64,
    /// Where the policy asks for it: `phase logs`, `rollout.toml:3`.
    pub required_by: String,
}

/// One report that the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Path as given.
    pub path: String,
    /// BLAKE3 of the document, hexadecimal.
    pub digest: String,
    /// The command that made it.
    pub mode: Mode,
    /// Start of the run, RFC 3339, UTC.
    pub started: String,
    /// End of the run, RFC 3339, UTC; absent where the start cannot be read.
    pub finished: Option<String>,
    /// Verdict of the run under its own policy.
    pub own_verdict: Verdict,
    /// Verdict of its jobs under the gate's policy; absent where none of them belongs to the phase.
    pub verdict: Option<Verdict>,
    /// How it was judged here.
    pub judged: String,
    /// Jobs in it.
    pub jobs: u64,
    /// Jobs of the phase's signals, measured sets included.
    pub jobs_of_phase: u64,
    /// Rows that its compared jobs of the phase read.
    pub rows: u64,
    /// Why it cannot carry a pass; empty where it can.
    pub refused: Vec<String>,
    /// What else is to be known of it.
    pub notes: Vec<String>,
    /// The candidates in it.
    pub candidates: Vec<Identity>,
    /// The baselines in it.
    pub baselines: Vec<Identity>,
}

/// Who a side is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// As named on the command line, without the entry point of a built-in writer.
    pub name: String,
    /// Kind of side, as in a waiver: `legacy`, `unified`, `fault`, `command`, `recorded`.
    pub kind: String,
    /// Version of a built-in side.
    pub version: Option<String>,
    /// Digest of what it is made of; absent for recorded outputs, of which each job has its own, and where unknown.
    pub digest: Option<String>,
}

/// A blocker that decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateFinding {
    /// Path of its report.
    pub report: String,
    /// Name of its job.
    pub job: String,
    /// The finding.
    pub finding: Finding,
}

/// The gate of an earlier phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierGate {
    /// Path as given.
    pub path: String,
    /// BLAKE3 of the document, hexadecimal.
    pub digest: String,
    /// Its phase.
    pub phase: String,
    /// Its decision.
    pub verdict: Verdict,
    /// True where that phase is over with it.
    pub closing: bool,
    /// When it was decided.
    pub decided: String,
}

/// A kind of side in one word.
#[must_use]
pub fn kind_word(kind: SideKind) -> &'static str {
    match kind {
        SideKind::Legacy => "legacy",
        SideKind::Unified => "unified",
        SideKind::Fault => "fault",
        SideKind::Command => "command",
        SideKind::Recorded => "recorded",
    }
}

impl Identity {
    /// Name, version and the beginning of the digest.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = self.name.clone();
        if let Some(version) = &self.version {
            text.push_str(&format!(" {version}"));
        }
        if let Some(digest) = &self.digest {
            text.push_str(&format!(" ({})", digest.chars().take(12).collect::<String>()));
        }
        text
    }
}

/// Reads a gate document from its bytes.
///
/// # Errors
/// A sentence that says what is wrong: no gate document, another version, a field of another shape.
pub fn parse(bytes: &[u8]) -> std::result::Result<Gate, String> {
    #[derive(Deserialize)]
    struct Head {
        gate_version: Option<serde_json::Value>,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match head.gate_version {
        None => Err("no gate_version in it, so it is no gate document".to_owned()),
        Some(version) if version != SCHEMA_VERSION => Err(format!(
            "gate version {version}, but this program reads version {SCHEMA_VERSION}; use the version that wrote it"
        )),
        Some(_) => serde_json::from_slice(bytes).map_err(|error| error.to_string()),
    }
}
