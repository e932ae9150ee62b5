//! From a side's name on the command line to the side: `legacy`, `legacy:buffet`, `legacy:fingerprint`, `legacy:tid-merger`,
//! `unified`, `cmd:NAME`, `dir:PATH`, `fault:NAME`.

use std::path::{Path, PathBuf};

use reports::document::Role;

use super::Side;
use super::builtin::Entry;
use super::command::Command;
use super::legacy::Legacy;
use super::recorded::Recorded;
use super::unified::Unified;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fault::{Fault, FaultSide, Setting};

/// A side as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A legacy writer; without an entry point the job's kind and signal decide.
    Legacy(Option<Entry>),
    /// The unified writer.
    Unified,
    /// An external program by its name in the configuration.
    Command(String),
    /// A recorded output.
    Recorded(PathBuf),
    /// What the job list names for the role.
    Listed,
    /// The unified writer with a planted fault.
    Fault(Fault),
}

impl Choice {
    /// Parses a side's name.
    ///
    /// # Errors
    /// Class `usage` for a name that is none, listing what there is.
    pub fn parse(text: &str) -> Result<Self> {
        let (kind, rest) = text.split_once(':').map_or((text, None), |(kind, rest)| (kind, Some(rest)));
        match (kind, rest) {
            ("legacy", None) => Ok(Self::Legacy(None)),
            ("legacy", Some("buffet")) => Ok(Self::Legacy(Some(Entry::Compaction))),
            ("legacy", Some("fingerprint")) => Ok(Self::Legacy(Some(Entry::HourlySplit))),
            ("legacy", Some("tid-merger")) => Ok(Self::Legacy(Some(Entry::Merge))),
            ("unified", None) => Ok(Self::Unified),
            ("cmd", Some(name)) if !name.is_empty() => Ok(Self::Command(name.to_owned())),
            ("dir", Some(path)) if !path.is_empty() => Ok(Self::Recorded(PathBuf::from(path))),
            ("fault", Some(name)) => match Fault::named(name) {
                Some(fault) if fault.setting() == Setting::Extras => Err(Error::usage(format!(
                    "the fault {name} changes what no built-in writer states: only the self-test can plant it, in an output that \
                     states it; run `parallax selftest --fault {name}`"
                ))),
                Some(fault) => Ok(Self::Fault(fault)),
                None => {
                    let plantable = Fault::ALL.iter().filter(|fault| fault.setting() != Setting::Extras);
                    let names: Vec<&str> = plantable.map(|fault| fault.name()).collect();
                    Err(Error::usage(format!(
                        "there is no fault named {name:?}; the faults are {}",
                        names.join(", ")
                    )))
                }
            },
            _ => Err(Error::usage(format!(
                "{text:?} is no side; name one of legacy, legacy:buffet, legacy:fingerprint, legacy:tid-merger, unified, \
                 cmd:NAME, dir:PATH, fault:NAME"
            ))),
        }
    }

    /// The entry point that the choice asks for.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        if let Self::Legacy(entry) = self { *entry } else { None }
    }

    /// The recorded output that the choice names.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        if let Self::Recorded(path) = self { Some(path) } else { None }
    }

    /// True for the writers of this program.
    #[must_use]
    pub fn is_builtin(&self) -> bool {
        matches!(self, Self::Legacy(_) | Self::Unified | Self::Fault(_))
    }

    /// The side itself, for a run of `jobs` jobs.
    ///
    /// # Errors
    /// Class `config` for a program that the configuration does not declare, class `input` for a recorded output that
    /// is not there.
    pub fn side(&self, role: Role, config: &Config, jobs: usize) -> Result<Box<dyn Side>> {
        Ok(match self {
            Self::Legacy(_) => Box::new(Legacy),
            Self::Unified => Box::new(Unified),
            Self::Fault(fault) => Box::new(FaultSide::new(*fault)),
            Self::Command(name) => {
                let side = Command::new(name, config.side(name)?, &config.folder)?;
                side.startable()?;
                Box::new(side.limited(config.output_limit).isolated(config.isolate))
            }
            Self::Recorded(path) => Box::new(recorded(path, role, jobs)?),
            Self::Listed => Box::new(Recorded::listed(role).with_jobs(jobs)),
        })
    }
}

fn recorded(path: &Path, role: Role, jobs: usize) -> Result<Recorded> {
    Ok(Recorded::new(path)?.with_role(role).with_jobs(jobs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_side_is_understood() {
        assert_eq!(Choice::parse("legacy").unwrap(), Choice::Legacy(None));
        for entry in [Entry::Compaction, Entry::HourlySplit, Entry::Merge] {
            let name = format!("legacy:{}", entry.legacy_name());
            assert_eq!(Choice::parse(&name).unwrap().entry(), Some(entry));
        }
        assert_eq!(Choice::parse("unified").unwrap(), Choice::Unified);
        assert_eq!(Choice::parse("cmd:go-new").unwrap(), Choice::Command("go-new".to_owned()));
        assert_eq!(Choice::parse("dir:a:b").unwrap(), Choice::Recorded(PathBuf::from("a:b")));
        for fault in Fault::ALL {
            let name = format!("fault:{}", fault.name());
            if fault.setting() == Setting::Extras {
                let refused = Choice::parse(&name).unwrap_err().message;
                assert!(refused.contains(&format!("selftest --fault {}", fault.name())), "{refused}");
            } else {
                assert_eq!(Choice::parse(&name).unwrap(), Choice::Fault(*fault));
            }
        }
    }

    #[test]
    fn an_unknown_side_or_fault_is_refused_with_what_there_is() {
        for text in ["", "old", "legacy:tid", "cmd:", "dir:", "unified:x"] {
            assert!(Choice::parse(text).unwrap_err().message.contains("legacy:buffet"), "{text}");
        }
        assert!(Choice::parse("fault:none").unwrap_err().message.contains("drop-row"));
    }
}
