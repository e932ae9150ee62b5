//! The configuration file as it is typed, and the step from there to what is resolved.
//!
//! Each value that is checked beyond its type keeps its place in the file (`Spanned`), so that the message can name the
//! line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::environment::{self, Environment};
use super::value::Fault;
use super::{Config, DEFAULT_TIMEOUT, SideConfig, parse_duration};
use crate::policy::file::PolicyFile;
use crate::policy::typed::{Compare, Origin, Sizes, TypedPolicy, TypedWaiver, older};
use crate::side::command::parse_command;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    side: BTreeMap<Spanned<String>, Side>,
    #[serde(default)]
    signal: BTreeMap<String, toml::Table>,
    #[serde(default)]
    compare: Compare,
    #[serde(default)]
    sizes: Sizes,
    #[serde(default)]
    waiver: Vec<TypedWaiver>,
    #[serde(default)]
    policy: TypedPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    command: Spanned<Vec<String>>,
    #[serde(default)]
    env: environment::Typed,
    timeout: Option<Spanned<String>>,
    #[serde(default)]
    depends: Vec<Spanned<String>>,
    #[serde(default)]
    env_names: Vec<Spanned<String>>,
}

impl File {
    /// Checks the values and makes the configuration.
    pub(super) fn resolve(self, origin: Origin<'_>) -> Result<Config, Fault> {
        let mut sides = BTreeMap::new();
        for (name, side) in self.side {
            let resolved = side.resolve(&name)?;
            sides.insert(name.into_inner(), resolved);
        }
        let mut general = older(self.compare, self.sizes, self.waiver, origin)?;
        let (layer, phases) = self.policy.resolve("policy.", origin)?;
        general.settings.extend(layer.settings);
        let policy = PolicyFile { general, phases };
        Ok(Config { sides, signals: self.signal, policy, ..Config::default() })
    }
}

impl Side {
    fn resolve(self, name: &Spanned<String>) -> Result<SideConfig, Fault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
            let message =
                format!("side name {:?} must be made of letters, digits, `-`, `_` and `.`", name.get_ref());
            return Err(Fault::new(name, message));
        }
        let key = format!("side.{}", name.get_ref());
        parse_command(self.command.get_ref())
            .map_err(|message| Fault::new(&self.command, format!("`{key}.command`: {message}")))?;
        let mut env = Environment::default();
        for (variable, value) in self.env.0 {
            let named = variable.get_ref();
            if named.is_empty() || named.contains(['=', '\0']) || value.contains('\0') {
                return Err(Fault::new(
                    &variable,
                    format!("`{key}.env`: {named:?} cannot be an environment variable"),
                ));
            }
            if named == "TMPDIR" {
                let message =
                    format!("`{key}.env`: TMPDIR is set by Parallax, so that files left there are seen");
                return Err(Fault::new(&variable, message));
            }
            env.insert(variable.into_inner(), value);
        }
        let timeout = match &self.timeout {
            Some(text) => parse_duration(text.get_ref())
                .map_err(|message| Fault::new(text, format!("`{key}.timeout`: {message}")))?,
            None => DEFAULT_TIMEOUT,
        };
        for pattern in &self.depends {
            let wrong = match glob::Pattern::new(pattern.get_ref()) {
                Ok(_) if pattern.get_ref().is_empty() => "an empty pattern".to_owned(),
                Ok(_) => continue,
                Err(error) => error.msg.to_owned(),
            };
            let message = format!("`{key}.depends`: {:?} is no pattern of files: {wrong}", pattern.get_ref());
            return Err(Fault::new(pattern, message));
        }
        for variable in &self.env_names {
            let named = variable.get_ref();
            if named.is_empty() || named.contains(['=', '\0']) {
                let message = format!("`{key}.env_names`: {named:?} cannot be an environment variable");
                return Err(Fault::new(variable, message));
            }
            if named == "TMPDIR" {
                let message = format!("`{key}.env_names`: TMPDIR is set by Parallax, anew for each run");
                return Err(Fault::new(variable, message));
            }
        }
        let texts = |all: Vec<Spanned<String>>| all.into_iter().map(Spanned::into_inner).collect();
        let (depends, env_names) = (texts(self.depends), texts(self.env_names));
        Ok(SideConfig { command: self.command.into_inner(), env, timeout, depends, env_names })
    }
}
