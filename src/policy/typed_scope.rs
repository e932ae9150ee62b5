//! A block `[[policy.for]]` as it is typed: a scope, and what differs in it.
//!
//! What belongs to the whole run (`requires`, `evidence`, `performance`, `memory`, phases) has no place in a block; a block with
//! a scope by rows holds waivers and actions of ROWS findings alone. Everything else is refused with the line and the reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use reports::document::Action;
use serde::Deserialize;
use toml::Spanned;

use super::layer::{Layer, Set, Setting};
use super::scope::{Condition, ORGANIZATION, RowScope, Scope, Scoped};
use super::typed::{Origin, Sizes, TypedPolicy, TypedTolerance, TypedWaiver, glob};
use crate::config::value::Fault;
use crate::evidence::blast::is_derived;
use crate::suggest;

/// Codes of the findings of ROWS, which stand for rows.
const ROW_CODES: [&str; 6] =
    ["rows.changed", "rows.missing", "rows.extra", "rows.duplicated", "rows.retyped", "rows.value_changed"];

/// Bytes of a value at most: longer ones are compared by what reports show of them, which is cut.
const LONGEST_VALUE: usize = 256;

/// A block.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedFor {
    signal: Option<Spanned<String>>,
    job: Option<Spanned<String>>,
    organization: Option<Spanned<String>>,
    #[serde(default, rename = "where")]
    values: BTreeMap<Spanned<String>, Spanned<String>>,
    gates: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    requires_every_job: Vec<Spanned<String>>,
    #[serde(default)]
    ignore: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    tolerance: BTreeMap<Spanned<String>, TypedTolerance>,
    #[serde(default)]
    same_type: BTreeMap<Spanned<String>, Spanned<String>>,
    negative_zero_equal: Option<Spanned<bool>>,
    sizes: Option<Spanned<Sizes>>,
    #[serde(default)]
    actions: BTreeMap<Spanned<String>, Spanned<Action>>,
    #[serde(default)]
    waiver: Vec<TypedWaiver>,
}

impl TypedFor {
    /// Checks the block that begins at the byte `at`, and makes its settings.
    pub(super) fn resolve(self, at: usize, prefix: &str, origin: Origin<'_>) -> Result<Vec<Setting>, Fault> {
        let prefix = format!("{prefix}for.");
        let scope = Arc::new(self.scope(at, &prefix)?);
        if scope.rows.is_some() {
            self.by_rows(&prefix)?;
        }
        let typed = TypedPolicy {
            gates: self.gates,
            requires_every_job: self.requires_every_job,
            ignore: self.ignore,
            tolerance: self.tolerance,
            same_type: self.same_type,
            negative_zero_equal: self.negative_zero_equal,
            sizes: self.sizes.map(Spanned::into_inner).unwrap_or_default(),
            actions: self.actions,
            waiver: self.waiver,
            ..TypedPolicy::default()
        };
        let (layer, _) = typed.resolve(&prefix, origin)?;
        let mut settings = Vec::new();
        let mut inner = Layer::default();
        for Setting { set, origin } in layer.settings {
            match set {
                Set::Waiver(mut waiver) => {
                    waiver.within = Some(Arc::clone(&scope));
                    settings.push(Setting { set: Set::Waiver(waiver), origin });
                }
                set => inner.settings.push(Setting { set, origin }),
            }
        }
        if settings.is_empty() && inner.settings.is_empty() {
            return Err(Fault { at, message: format!("`{}` says nothing for its scope", block(&prefix)) });
        }
        let origin = origin(at);
        let scoped = Scoped { scope, layer: inner, origin: origin.clone() };
        settings.push(Setting { set: Set::For(Box::new(scoped)), origin });
        Ok(settings)
    }

    fn scope(&self, at: usize, prefix: &str) -> Result<Scope, Fault> {
        let text = |typed: &Option<Spanned<String>>, name: &str| match typed {
            Some(typed) if typed.get_ref().trim().is_empty() => {
                Err(Fault::new(typed, format!("`{prefix}{name}` must not be empty")))
            }
            typed => Ok(typed.as_ref().map(|typed| typed.get_ref().clone())),
        };
        if let Some(job) = &self.job {
            glob(job, &format!("{prefix}job"))?;
        }
        let mut conditions = Vec::new();
        for (column, value) in &self.values {
            let (name, key) = (column.get_ref(), format!("{prefix}where.{}", column.get_ref()));
            if name.is_empty() || is_derived(name) {
                return Err(Fault::new(column, format!("`{key}`: name a column")));
            }
            conditions.push(Condition {
                name: name.clone(),
                columns: vec![name.clone()],
                value: short(value, &key)?,
            });
        }
        if let Some(value) = &self.organization {
            conditions.push(Condition {
                name: "organization".to_owned(),
                columns: ORGANIZATION.map(str::to_owned).to_vec(),
                value: short(value, &format!("{prefix}organization"))?,
            });
        }
        let scope = Scope {
            signal: text(&self.signal, "signal")?,
            job: text(&self.job, "job")?,
            rows: (!conditions.is_empty()).then_some(RowScope { conditions }),
        };
        if scope == Scope::default() {
            let message = format!(
                "`{}` names no scope: give `signal`, `job`, `where` or `organization`; what holds everywhere stands in [policy]",
                block(prefix)
            );
            return Err(Fault { at, message });
        }
        Ok(scope)
    }

    /// Refuses what no single row can be held against.
    fn by_rows(&self, prefix: &str) -> Result<(), Fault> {
        let first = |codes: &[Spanned<String>]| codes.first().map(|it| it.span().start);
        let columns =
            |mut keys: Box<dyn Iterator<Item = &Spanned<String>> + '_>| keys.next().map(|it| it.span().start);
        let refused = [
            ("gates", self.gates.as_ref().map(|it| it.span().start)),
            ("requires_every_job", first(&self.requires_every_job)),
            ("ignore", columns(Box::new(self.ignore.keys()))),
            ("tolerance", columns(Box::new(self.tolerance.keys()))),
            ("same_type", columns(Box::new(self.same_type.keys()))),
            ("negative_zero_equal", self.negative_zero_equal.as_ref().map(|it| it.span().start)),
            ("sizes", self.sizes.as_ref().map(|it| it.span().start)),
        ];
        if let Some((name, at)) = refused.into_iter().find_map(|(name, at)| Some((name, at?))) {
            let message = format!(
                "`{prefix}{name}`: a scope by rows (`where`, `organization`) changes waivers and actions of ROWS findings alone, \
                 since nothing else is attributed to single rows; scope this by `signal` or `job`"
            );
            return Err(Fault { at, message });
        }
        for pattern in self.actions.keys() {
            let takes_in = |code: &str| super::action::matches(pattern.get_ref(), code);
            if !pattern.get_ref().starts_with("rows.") || !ROW_CODES.iter().any(|code| takes_in(code)) {
                return Err(not_by_rows(pattern, &format!("{prefix}actions")));
            }
        }
        match self.waiver.iter().find(|waiver| !ROW_CODES.contains(&waiver.code.get_ref().as_str())) {
            Some(waiver) => Err(not_by_rows(&waiver.code, &format!("{prefix}waiver.code"))),
            None => Ok(()),
        }
    }
}

fn not_by_rows(typed: &Spanned<String>, key: &str) -> Fault {
    let hint = suggest::hint(typed.get_ref(), ROW_CODES);
    let message = format!(
        "`{key}`: {:?} does not stand for single rows; in a scope by rows only {} can be named{hint}",
        typed.get_ref(),
        ROW_CODES.join(", ")
    );
    Fault::new(typed, message)
}

fn short(value: &Spanned<String>, key: &str) -> Result<String, Fault> {
    let text = value.get_ref();
    if text.len() > LONGEST_VALUE {
        let message = format!("`{key}` has {} bytes; at most {LONGEST_VALUE} can be scoped by", text.len());
        return Err(Fault::new(value, message));
    }
    Ok(text.clone())
}

/// What the block itself is called.
fn block(prefix: &str) -> String {
    format!("[[{}]]", prefix.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::policy::file::PolicyFile;

    #[test]
    fn what_is_wrong_in_a_block_is_told_with_its_line_and_the_way_out() {
        let waiver = "[[policy.for.waiver]]\nreason = \"r\"\nowner = \"o\"\n";
        for (text, line, said) in [
            ("[[policy.for]]\ngates = [\"ROWS\"]", 1, "names no scope"),
            ("[[policy.for]]\nsignal = \"logs\"", 1, "says nothing for its scope"),
            ("[[policy.for]]\nsignl = \"logs\"", 2, "did you mean `signal`?"),
            ("[[policy.for]]\nsignal = \" \"\ngates = []", 2, "must not be empty"),
            ("[[policy.for]]\njob = \"x[\"\ngates = []", 2, "is no pattern"),
            ("[[policy.for]]\nsignal = \"logs\"\nrequires = [\"ROWS\"]", 3, "unknown field `requires`"),
            (
                "[[policy.for]]\nsignal = \"logs\"\nperformance = { slower = 0.1 }",
                3,
                "unknown field `performance`",
            ),
            (
                "[[policy.for]]\nsignal = \"logs\"\ngates = [\"ROW\"]",
                3,
                "`policy.for.gates`: there is no check",
            ),
            (
                "[[policy.for]]\norganization = \"a\"\nsizes = { bytes_warn = 0.1 }",
                3,
                "scope this by `signal`",
            ),
            (
                "[[policy.for]]\nwhere = { a = \"b\" }\ntolerance = { x = { absolute = 1.0 } }",
                3,
                "`policy.for.tolerance`",
            ),
            (
                "[[policy.for]]\nwhere = { a = \"b\" }\nactions = { \"*\" = \"note\" }",
                3,
                "does not stand for single rows",
            ),
            (
                "[[policy.for]]\nwhere = { a = \"b\" }\nactions = { \"rows.unreadable\" = \"note\" }",
                3,
                "does not stand",
            ),
            ("[[policy.for]]\nwhere = { a = 1 }", 2, "invalid type"),
            (
                "[[policy.for]]\nwhere = { hour = \"x\" }\nactions = { \"rows.*\" = \"note\" }",
                2,
                "name a column",
            ),
            (
                &format!("[[policy.for]]\nwhere = {{ a = \"b\" }}\n{waiver}code = \"order.inverted\""),
                6,
                "rows.changed",
            ),
            (
                &format!("[[policy.for]]\nwhere = {{ a = \"b\" }}\n{waiver}code = \"rows.chnged\""),
                6,
                "`rows.changed`?",
            ),
        ] {
            let error = PolicyFile::parse(text, Path::new("policy.toml")).expect_err(text);
            assert!(error.message.starts_with(&format!("policy.toml:{line}:")), "{text}\n{}", error.message);
            assert!(error.message.contains(said), "{text}\n{}", error.message);
        }
        let long = format!(
            "[[policy.for]]\norganization = \"{}\"\nactions = {{ \"rows.*\" = \"note\" }}",
            "x".repeat(257)
        );
        let error = PolicyFile::parse(&long, Path::new("policy.toml")).unwrap_err();
        assert!(error.message.contains("at most 256"), "{}", error.message);
    }
}
