//! The resolved policy as lines of key, value and origin, for `policy show` and the report; and its digest.

use reports::policy::{PolicyInfo, PolicyValue};

use super::Policy;
use super::layer::{SIZE_KEYS, Set, size};
use crate::check::Tolerance;
use crate::config::format_age;

impl Policy {
    /// Every value with its origin, in the order of the documentation.
    #[must_use]
    pub fn values(&self) -> Vec<PolicyValue> {
        let mut values = Vec::new();
        let mut push = |key: &str, value: String, origin: &str| {
            values.push(PolicyValue { key: key.to_owned(), value, origin: origin.to_owned() });
        };
        let gating: Vec<&str> = super::known_checks().filter(|code| self.gating.contains(*code)).collect();
        push(
            "gates",
            if gating.is_empty() { "none".to_owned() } else { gating.join(", ") },
            self.origin("gates"),
        );
        for (key, codes) in [
            ("requires", &self.covered),
            ("requires_every_job", &self.required),
            ("evidence", &self.evidence),
        ] {
            if codes.is_empty() {
                push(key, "none".to_owned(), "default");
            }
            for code in super::known_checks().filter(|code| codes.contains(*code)) {
                push(key, code.to_owned(), self.origin(&format!("{key}.{code}")));
            }
        }
        for (column, reason) in &self.comparison.ignored {
            let key = format!("ignore.{column}");
            push(&key, reason.clone(), self.origin(&key));
        }
        for (column, tolerance) in &self.comparison.tolerances {
            let key = format!("tolerance.{column}");
            push(&key, within(tolerance), self.origin(&key));
        }
        for (column, family) in &self.comparison.same_type {
            let key = format!("same_type.{column}");
            push(&key, family.name().to_owned(), self.origin(&key));
        }
        let zero = "negative_zero_equal";
        push(zero, self.comparison.negative_zero_equal.to_string(), self.origin(zero));
        push("partitions", self.comparison.partitions.to_string(), self.origin("partitions"));
        for name in SIZE_KEYS {
            let key = format!("sizes.{name}");
            push(&key, size(&self.size_bounds, name).to_string(), self.origin(&key));
        }
        for (key, value) in [
            ("performance.slower", self.limits.slower.to_string()),
            ("performance.max_pairs", self.limits.max_pairs.to_string()),
            ("memory.more", self.limits.more_memory.to_string()),
        ] {
            push(key, value, self.origin(key));
        }
        if let Some(bytes) = self.limits.memory_limit {
            push("memory.limit", bytes.to_string(), self.origin("memory.limit"));
        }
        push("max_age", format_age(self.max_age), self.origin("max_age"));
        for (pattern, action) in &self.actions {
            let key = format!("actions.{pattern}");
            push(&key, action.to_string(), self.origin(&key));
        }
        for waiver in &self.waivers {
            let until = waiver.expires.map_or("without expiry".to_owned(), |day| format!("until {day}"));
            let scope = waiver.scope();
            let scope = if scope.is_empty() { "everywhere".to_owned() } else { scope };
            let value = format!("{} {scope}, {until}, by {}: {}", waiver.code, waiver.owner, waiver.reason);
            push("waiver", value, &waiver.origin);
        }
        for scoped in &self.scoped {
            let scope = scoped.scope.text();
            for setting in &scoped.layer.settings {
                let Some((key, value)) = told(&setting.set) else { continue };
                push(&format!("for {scope}: {key}"), value, &setting.origin);
            }
        }
        values
    }

    /// BLAKE3 over phase, keys and values, in hexadecimal: equal where two policies judge alike. Origins play no part.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(self.phase.as_ref().map_or("", |phase| phase.name));
        for PolicyValue { key, value, .. } in self.values() {
            part(&key);
            part(&value);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What the report records of the policy.
    #[must_use]
    pub fn info(&self) -> PolicyInfo {
        PolicyInfo {
            phase: self.phase.as_ref().map(|phase| phase.name.to_owned()),
            file: self.file.clone(),
            digest: self.digest(),
            values: self.values(),
        }
    }
}

/// A single setting as key and value.
fn told(set: &Set) -> Option<(String, String)> {
    let value = match set {
        Set::Gates(codes) if codes.is_empty() => "none".to_owned(),
        Set::Gates(codes) => codes.iter().cloned().collect::<Vec<_>>().join(", "),
        Set::Requires(_) | Set::RequiresEveryJob(_) | Set::Evidence(_) => "yes".to_owned(),
        Set::Ignore(_, reason) => reason.clone(),
        Set::Tolerance(_, it) => within(it),
        Set::SameType(_, family) => family.name().to_owned(),
        Set::NegativeZeroEqual(equal) => equal.to_string(),
        Set::Partitions(partitions) => partitions.to_string(),
        Set::Size(_, number) => number.to_string(),
        Set::Slower(share) | Set::More(share) => share.to_string(),
        Set::MaxPairs(pairs) | Set::MemoryLimit(pairs) => pairs.to_string(),
        Set::MaxAge(age) => format_age(*age),
        Set::Action(_, action) => action.to_string(),
        Set::Waiver(_) | Set::For(_) => return None,
    };
    set.key().map(|key| (key, value))
}

fn within(tolerance: &Tolerance) -> String {
    format!("absolute {}, relative {}", tolerance.absolute, tolerance.relative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::layer::{Layer, Setting};

    fn with(set: Set, origin: &str) -> Policy {
        let mut policy = Policy::default();
        policy.apply(&Layer { settings: vec![Setting { set, origin: origin.to_owned() }] });
        policy
    }

    #[test]
    fn the_digest_follows_the_values_and_not_their_origins() {
        let default = Policy::default().digest();
        assert_eq!(with(Set::Slower(0.10), "a.toml:1").digest(), default);
        assert_ne!(with(Set::Slower(0.11), "a.toml:1").digest(), default);
    }

    #[test]
    fn every_value_names_its_origin() {
        let policy = with(Set::Requires("ROWS".to_owned()), "phase logs");
        let rows = policy.values().into_iter().find(|value| value.value == "ROWS").unwrap();
        assert_eq!((rows.key.as_str(), rows.origin.as_str()), ("requires", "phase logs"));
        assert!(policy.values().iter().all(|value| !value.origin.is_empty()));
    }
}
