//! The user's policy: the table `[policy]` of `parallax.toml`, or a file of its own named by `--policy`.
//!
//! Both are read by the same reader. A file of its own holds `[policy]` and nothing else, so that a table can be moved from
//! one to the other as it is.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::Policy;
use super::layer::Layer;
use super::phase::Phase;
use super::typed::TypedPolicy;
use crate::config::value::Lines;
use crate::config::{Config, strictly};
use crate::error::{Error, Result};
use crate::output::Partitions;

/// What a file says of the policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyFile {
    /// For every phase, and for none.
    pub general: Layer,
    /// For one phase only.
    pub phases: BTreeMap<String, Layer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone {
    policy: TypedPolicy,
}

impl PolicyFile {
    /// Reads a policy file.
    ///
    /// # Errors
    /// Class `config` with file, line and key for anything that is not understood, also where the file is not there.
    pub fn load(path: &Path) -> Result<Self> {
        let text = corpora::regular::read_to_string(path).map_err(|source| {
            Error::config(format!("cannot read the policy {}: {source}", path.display())).with_source(source)
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a policy file; `name` stands in messages and origins only.
    ///
    /// # Errors
    /// As for [`PolicyFile::load`].
    pub fn parse(text: &str, name: &Path) -> Result<Self> {
        strictly(text, name, |typed: Alone| {
            let lines = Lines::of(text);
            let origin = |at: usize| format!("{}:{}", name.display(), lines.line(at));
            let (general, phases) = typed.policy.resolve("policy.", &origin)?;
            Ok(Self { general, phases })
        })
    }
}

/// What was asked for on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// `--phase`.
    pub phase: Option<&'a str>,
    /// `--policy`.
    pub file: Option<&'a Path>,
    /// `--require`: codes, known and in capitals.
    pub require: &'a [String],
    /// `--ignore-columns`: columns with the reason.
    pub ignore: &'a [(String, String)],
    /// `--partitions`.
    pub partitions: Option<Partitions>,
}

impl Policy {
    /// Resolves all layers.
    ///
    /// # Errors
    /// Class `usage` for a phase that there is not, `config` for a file that is wrong or bounds that contradict one another.
    pub fn resolve(config: &Config, asked: Asked<'_>) -> Result<Self> {
        let phase = asked.phase.map(Phase::named).transpose()?;
        let own = asked.file.map(PolicyFile::load).transpose()?;
        let mut policy = Self::default();
        if let Some(phase) = &phase {
            policy.apply(&phase.layer);
        }
        for file in std::iter::once(&config.policy).chain(&own) {
            policy.apply(&file.general);
            if let Some(layer) = phase.as_ref().and_then(|phase| file.phases.get(phase.name)) {
                policy.apply(layer);
            }
        }
        policy.apply(&command_line(asked));
        policy.phase = phase;
        policy.file = asked.file.map(crate::error::display);
        policy.consistent()?;
        policy.scopes_known(config)?;
        Ok(policy)
    }
}

fn command_line(asked: Asked<'_>) -> Layer {
    use super::layer::{Set, Setting};
    let from = |set: Set, flag: &str| Setting { set, origin: flag.to_owned() };
    let required = asked.require.iter().map(|code| from(Set::RequiresEveryJob(code.clone()), "--require"));
    let ignored = asked
        .ignore
        .iter()
        .map(|(column, reason)| from(Set::Ignore(column.clone(), reason.clone()), "--ignore-columns"));
    let partitions = asked.partitions.map(|it| from(Set::Partitions(it), "--partitions"));
    Layer { settings: required.chain(ignored).chain(partitions).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PolicyFile> {
        PolicyFile::parse(text, Path::new("policy.toml"))
    }

    #[test]
    fn the_layers_are_laid_in_order_and_a_phase_of_the_file_over_its_general_part() {
        let text = "[policy.performance]\nslower = 0.2\n[policy.phase.logs.performance]\nslower = 0.03\n";
        let config = Config { policy: parse(text).unwrap(), ..Config::default() };
        let at = |phase| Policy::resolve(&config, Asked { phase, ..Asked::default() }).unwrap();
        let of = |policy: &Policy| (policy.limits.slower, policy.origin("performance.slower").to_owned());
        assert_eq!(of(&at(None)), (0.2, "policy.toml:2".to_owned()));
        assert_eq!(of(&at(Some("metrics"))), (0.2, "policy.toml:2".to_owned()));
        assert_eq!(of(&at(Some("logs"))), (0.03, "policy.toml:4".to_owned()));
        assert_eq!(at(Some("logs")).origin("requires.ROWS"), "phase logs");
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_a_suggestion() {
        for (text, line, said) in [
            ("[policy]\ngate = [\"ROWS\"]", 2, "unknown field `gate`"),
            ("[policy]\ngate = [\"ROWS\"]", 2, "did you mean `gates`?"),
            (
                "[policy]\ngates = [\"ROWS\",\n\"ODRER\"]",
                3,
                "there is no check \"ODRER\"; did you mean `ORDER`?",
            ),
            ("[policy]\nrequires = [\"x\"]", 2, "the checks are ROWS, "),
            ("[policy]\npartitions = \"on\"", 2, "unknown variant `on`"),
            ("[policy.phase.log]\ngates = []", 1, "did you mean `logs`?"),
            ("[policy.phase.logs.performance]\nslowr = 1", 2, "did you mean `slower`?"),
            ("[policy.phase.logs.performance]\nslower = 10.0", 2, "write 10 % as 0.10"),
            ("[policy.performance]\nmax_pairs = 0", 2, "at least 1"),
            ("[policy.memory]\nmore = -0.1", 2, "not negative"),
            ("[policy.tolerance]\nx = { relative = 1.5 }", 2, "`policy.tolerance.x.relative` is a share"),
            ("[policy.tolerance]\nx = { absolute = -1.0 }", 2, "must be a finite number"),
            ("[policy.ignore]\nx = \"\"", 2, "`policy.ignore.x` must not be empty"),
            ("[policy.sizes]\nbytes_warn = 0.9", 2, "must not exceed `policy.sizes.bytes_fail`"),
            ("[policy.actions]\n\"row.*\" = \"page\"", 2, "did you mean `rows.*`?"),
            ("[policy.actions]\n\"rows.*\" = \"pages\"", 2, "did you mean `page`?"),
            (
                "[[policy.waiver]]\ncode = \"oder.inverted\"\nreason = \"r\"\nowner = \"o\"",
                2,
                "`order.inverted`?",
            ),
            (
                "[[policy.waiver]]\ncode = \"a\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"31.12.\"",
                5,
                "is not a day",
            ),
            (
                "[[policy.waiver]]\ncode = \"a\"\nreason = \"r\"\nowner = \"o\"\nside_kind = \"unifed\"",
                5,
                "`unified`?",
            ),
            (
                "[[policy.waiver]]\ncode = \"a\"\njob = \"x[\"\nreason = \"r\"\nowner = \"o\"",
                3,
                "is no pattern",
            ),
            ("[[policy.waiver]]\ncode = \"a\"\nowner = \"o\"", 1, "missing field `reason`"),
            ("[policy.phase.logs.phase.logs]\ngates = []", 1, "a phase has no phases"),
            ("[side.a]\ncommand = []", 1, "unknown field `side`"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.class, reports::manifest::ErrorClass::Config);
            assert!(error.message.starts_with(&format!("policy.toml:{line}:")), "{text}\n{}", error.message);
            assert!(error.message.contains(said), "{text}\n{}", error.message);
        }
    }

    #[test]
    fn a_policy_file_that_is_not_there_is_an_error_that_names_it() {
        let missing = Some(Path::new("none.toml"));
        let error = Policy::resolve(&Config::default(), Asked { file: missing, ..Asked::default() });
        assert!(error.unwrap_err().message.contains("none.toml"));
    }
}
