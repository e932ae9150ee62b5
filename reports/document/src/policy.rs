//! The policy that a run was judged by: phase, files, every resolved value with its origin, and what a finding asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The resolved policy of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyInfo {
    /// The rollout phase, where one was named.
    pub phase: Option<String>,
    /// The policy file named by `--policy`.
    pub file: Option<String>,
    /// BLAKE3 over phase, keys and values, hexadecimal: equal where two policies judge alike.
    pub digest: String,
    /// Every value; a key that holds several values (`requires`, `waiver`) stands once for each.
    pub values: Vec<PolicyValue>,
}

/// One resolved value of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyValue {
    /// Key, as in a policy file: `performance.slower`.
    pub key: String,
    /// Value as text.
    pub value: String,
    /// Where it comes from: `default`, `phase logs`, `parallax.toml:12`, `--require`.
    pub origin: String,
}

/// What a finding asks for, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Roll back now.
    Page,
    /// Fix before the next step.
    Warn,
    /// Take note.
    Note,
}

impl Action {
    /// What is to be done, in words.
    #[must_use]
    pub fn asks(self) -> &'static str {
        match self {
            Self::Page => "roll back now",
            Self::Warn => "fix before the next step",
            Self::Note => "take note",
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Page => "page",
            Self::Warn => "warn",
            Self::Note => "note",
        })
    }
}

/// Code of the warning of a run that compared one output with itself, see [`RunWarning`].
pub const SELF_CHECK: &str = "compare.self_check";

/// Something about the run itself that somebody should see to, such as a waiver that expired. It counts as a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunWarning {
    /// Stable code: `waiver.expired`, `waiver.unused`, `policy.scope-unused`, `columns.absent`,
    /// `compare.self_check`.
    pub code: String,
    /// One sentence that can stand alone.
    pub message: String,
    /// Where it stands: file and line of the policy.
    pub origin: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_action_comes_first() {
        let mut actions = [Action::Note, Action::Page, Action::Warn];
        actions.sort_unstable();
        assert_eq!(actions.map(|action| action.to_string()), ["page", "warn", "note"]);
    }
}
