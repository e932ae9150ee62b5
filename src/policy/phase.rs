//! The phases of a rollout, drawn from the migration guide. Each is a TOML file in `phases/`: what it needs, what it asks for
//! and its policy.
//!
//! Texts (prerequisites, validation, success) are data for a checklist; the policy is a layer between the built-in default and
//! the user's file.

use serde::Deserialize;

use super::layer::Layer;
use super::typed::TypedPolicy;
use crate::error::{Error, Result};
use crate::suggest;

/// Names of the phases, in the order in which they are gone through.
pub const NAMES: [&str; 5] = ["foundation", "logs", "traces", "metrics", "cleanup"];

const TEXTS: [&str; 5] = [
    include_str!("phases/foundation.toml"),
    include_str!("phases/logs.toml"),
    include_str!("phases/traces.toml"),
    include_str!("phases/metrics.toml"),
    include_str!("phases/cleanup.toml"),
];

/// One phase of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Name, as on the command line.
    pub name: &'static str,
    /// What is done, in one line.
    pub title: String,
    /// Risk by the guide.
    pub risk: String,
    /// Signals that it is about; empty: all.
    pub signals: Vec<String>,
    /// Phases that must be over before.
    pub after: Vec<String>,
    /// What must hold before it begins.
    pub prerequisites: Vec<Item>,
    /// How it is validated.
    pub validation: Vec<Item>,
    /// When it has succeeded.
    pub success: Vec<Item>,
    /// Its policy.
    pub layer: Layer,
}

/// One line of a phase's checklist and what answers it. Where several things answer it, all of them must.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The line, as in the guide.
    pub text: String,
    /// Checks that answer it.
    #[serde(default)]
    pub checks: Vec<String>,
    /// True where it fails as soon as any check that gates fails.
    #[serde(default)]
    pub every_gating_check: bool,
    /// Phases whose completion answers it.
    #[serde(default)]
    pub after: Vec<String>,
    /// What a human looks at to confirm it; absent where nobody need.
    pub confirm: Option<String>,
    /// When it can be known.
    #[serde(default)]
    pub when: When,
}

/// When a line of a checklist can be known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before the rollout of the phase begins.
    #[default]
    Before,
    /// Only once it has been rolled out.
    After,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedPhase {
    title: String,
    risk: String,
    signals: Vec<String>,
    after: Vec<String>,
    prerequisites: Vec<Item>,
    validation: Vec<Item>,
    success: Vec<Item>,
    policy: TypedPolicy,
}

impl Phase {
    /// The phase of that name.
    ///
    /// # Errors
    /// Class `usage` where there is none; the message lists those there are.
    pub fn named(name: &str) -> Result<Self> {
        let found = NAMES.iter().zip(TEXTS).find(|(known, _)| **known == name);
        let (name, text) = found.ok_or_else(|| {
            let known = NAMES.join(", ");
            let hint = suggest::hint(name, NAMES);
            Error::usage(format!("there is no phase {name:?}; the phases are {known}{hint}"))
        })?;
        Self::read(name, text)
    }

    /// All phases, in order.
    ///
    /// # Errors
    /// Class `internal` where a shipped file is wrong.
    pub fn all() -> Result<Vec<Self>> {
        NAMES.iter().zip(TEXTS).map(|(name, text)| Self::read(name, text)).collect()
    }

    fn read(name: &'static str, text: &str) -> Result<Self> {
        let wrong = |message: &str| Error::internal(format!("the shipped phase {name} is wrong: {message}"));
        let typed: TypedPhase = toml::from_str(text).map_err(|error| wrong(error.message()))?;
        let origin = format!("phase {name}");
        let (layer, _) =
            typed.policy.resolve("policy.", &|_| origin.clone()).map_err(|fault| wrong(&fault.message))?;
        Ok(Self {
            name,
            title: typed.title,
            risk: typed.risk,
            signals: typed.signals,
            after: typed.after,
            prerequisites: typed.prerequisites,
            validation: typed.validation,
            success: typed.success,
            layer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::known_checks;

    #[test]
    fn every_shipped_phase_is_read_and_follows_phases_before_it() {
        let phases = Phase::all().unwrap();
        for (index, phase) in phases.iter().enumerate() {
            assert!(!phase.title.is_empty() && !phase.success.is_empty(), "{}", phase.name);
            for before in &phase.after {
                assert!(NAMES[..index].contains(&before.as_str()), "{} after {before}", phase.name);
            }
        }
    }

    #[test]
    fn every_line_of_a_checklist_has_something_that_answers_it() {
        for phase in Phase::all().unwrap() {
            for item in phase.prerequisites.iter().chain(&phase.validation).chain(&phase.success) {
                let answered = !item.checks.is_empty() || !item.after.is_empty() || item.confirm.is_some();
                assert!(answered, "{}: {}", phase.name, item.text);
                assert!(item.checks.iter().all(|code| known_checks().any(|known| known == code)), "{item:?}");
                assert!(item.after.iter().all(|before| phase.after.contains(before)), "{item:?}");
            }
            for before in &phase.after {
                let asked = phase.prerequisites.iter().any(|item| item.after.contains(before));
                assert!(asked, "nothing asks whether {before} is over before {}", phase.name);
            }
        }
    }

    #[test]
    fn a_mistyped_phase_is_refused_with_the_nearest() {
        let message = Phase::named("metric").unwrap_err().message;
        assert!(message.contains("did you mean `metrics`?"), "{message}");
    }
}
