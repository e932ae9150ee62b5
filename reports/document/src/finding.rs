//! What a check found: weight, side, place, evidence, and what waives it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Action;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Fails the gate.
    Blocker,
    /// To be looked at; does not fail the gate.
    Warning,
    /// Told, nothing to do. Baseline defects are of this kind.
    Info,
}

/// Which side something belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Side A.
    Baseline,
    /// Side B, the one that is judged.
    Candidate,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        })
    }
}

/// One difference or violated invariant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `job/CHECK/code-digest`: the same data gives the same id, in another directory and on another day. The digest covers
    /// what the finding is about (side, column, defect, file), not counts, places of rows or words.
    pub id: String,
    /// Code of the check.
    pub check: String,
    /// Stable code of the kind of finding, for waivers and filters: `rows.missing`, `order.inverted`.
    pub code: String,
    /// Weight.
    pub severity: Severity,
    /// The side it was found on; absent where it is a difference between the two.
    pub side: Option<Role>,
    /// Where.
    pub place: Option<Place>,
    /// One sentence that can stand alone.
    pub message: String,
    /// How many rows, files or values the finding stands for. Exact.
    pub count: u64,
    /// Named values that support it, in order.
    pub evidence: Vec<Evidence>,
    /// Name of a known baseline defect (`A`, `C`) that explains the finding exactly.
    pub defect: Option<String>,
    /// The waiver that covers it.
    pub waived: Option<Waived>,
    /// What it asks for, by the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// TOML of a waiver that would cover it, for `parallax.toml`; reason and owner are to be filled in. Present for unwaived
    /// blockers and warnings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<String>,
    /// Scope of the policy in which all rows lie that it stands for, in words; other rows of the same kind are findings of their
    /// own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// One named value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What the value is.
    pub name: String,
    /// The value as text.
    pub value: String,
}

/// A place in an output. Row numbers count from 0 within the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Path relative to the side's output directory.
    pub file: Option<String>,
    /// Row group within the file, from 0.
    pub row_group: Option<u64>,
    /// Column name.
    pub column: Option<String>,
    /// Row within the file, from 0.
    pub row: Option<u64>,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// The written reason.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Last day on which it holds, `yyyy-mm-dd`.
    pub expires: Option<String>,
}

/// A waiver of the policy and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverReport {
    /// Finding code that it covers.
    pub code: String,
    /// The written reason, owner and expiry.
    pub waived: Waived,
    /// Findings it covered in this run.
    pub applied: u64,
    /// True where it no longer holds.
    pub expired: bool,
    /// What it is limited to, in words; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Where it stands: file and line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
}
