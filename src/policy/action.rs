//! What a finding asks for: roll back now, fix before the next step, or take note.
//!
//! The policy maps patterns of finding codes to actions; the pattern with the most plain characters wins. The defaults follow
//! the guide's alerting thresholds: query correctness, split groups and lost rows page; sizes, time and memory warn. Nothing
//! asks for more than its weight: a warning, or a finding of a check that does not gate, at most warns; what is waived or only
//! told is a note. So whoever is paged also sees a failed verdict.

use std::collections::BTreeMap;

use reports::document::{Action, Finding, Severity};

use super::Policy;

/// The built-in actions.
pub(super) fn defaults() -> BTreeMap<String, Action> {
    let page = [
        "*",
        "rows.*",
        "accounting.*",
        "schema.*",
        "order.*",
        "group.*",
        "sketch.*",
        "query.*",
        "memory.limit",
    ];
    let warn = ["sizes.*", "leaks.*", "performance.*", "memory.*"];
    let named = |patterns: &[&str], action: Action| {
        patterns.iter().map(|pattern| ((*pattern).to_owned(), action)).collect::<Vec<_>>()
    };
    named(&page, Action::Page).into_iter().chain(named(&warn, Action::Warn)).collect()
}

impl Policy {
    /// The action that a finding asks for. `gates` says whether its check decides the verdict.
    #[must_use]
    pub fn action(&self, finding: &Finding, gates: bool) -> Action {
        if finding.waived.is_some() || finding.severity == Severity::Info {
            return Action::Note;
        }
        // Set where the rows that it stands for lie in a scope that asks for something else.
        let asked = finding.action.unwrap_or_else(|| self.asked(&finding.code));
        let decides = gates && finding.severity == Severity::Blocker;
        if decides { asked } else { asked.max(Action::Warn) }
    }

    /// The action that the patterns give a code.
    pub(super) fn asked(&self, code: &str) -> Action {
        let plain = |pattern: &str| pattern.chars().filter(|c| !"*?".contains(*c)).count();
        self.actions
            .iter()
            .filter(|(pattern, _)| matches(pattern, code))
            .max_by_key(|(pattern, _)| plain(pattern))
            .map_or(Action::Page, |(_, action)| *action)
    }
}

/// True where the pattern takes in the text, or is it.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    pattern == text || glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(text))
}

#[cfg(test)]
mod tests {
    use reports::document::{Role, Waived};

    use super::*;
    use crate::check::finding::finding;

    fn found(code: &str, severity: Severity) -> Finding {
        finding("X", code, severity, None, "m")
    }

    #[test]
    fn lost_rows_and_split_groups_page_and_sizes_warn() {
        let policy = Policy::default();
        for (code, action) in [
            ("rows.missing", Action::Page),
            ("group.split", Action::Page),
            ("sketch.wrong", Action::Page),
            ("accounting.rows-lost", Action::Page),
            ("metadata.first_ts", Action::Page),
            ("sizes.exploded", Action::Warn),
            ("performance.slower", Action::Warn),
        ] {
            assert_eq!(policy.action(&found(code, Severity::Blocker), true), action, "{code}");
        }
    }

    #[test]
    fn nothing_asks_for_more_than_its_weight() {
        let policy = Policy::default();
        assert_eq!(policy.action(&found("rows.missing", Severity::Warning), true), Action::Warn);
        assert_eq!(policy.action(&found("rows.missing", Severity::Blocker), false), Action::Warn);
        assert_eq!(policy.action(&found("order.inverted", Severity::Info), true), Action::Note);
        let waived = Waived { reason: "r".into(), owner: "o".into(), expires: None };
        let waived = Finding { waived: Some(waived), ..found("rows.missing", Severity::Blocker) };
        assert_eq!(policy.action(&waived, true), Action::Note);
        let told = Finding { side: Some(Role::Baseline), ..found("order.inverted", Severity::Info) };
        assert_eq!(policy.action(&told, true), Action::Note);
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let mut policy = Policy::default();
        policy.actions.insert("sizes.total_grew".to_owned(), Action::Note);
        policy.actions.insert("sizes.t*".to_owned(), Action::Page);
        assert_eq!(policy.action(&found("sizes.total_grew", Severity::Blocker), true), Action::Note);
        assert_eq!(policy.action(&found("sizes.tiny_files", Severity::Blocker), true), Action::Page);
        assert_eq!(policy.action(&found("sizes.exploded", Severity::Blocker), true), Action::Warn);
    }
}
