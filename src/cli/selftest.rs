//! `parallax selftest`: every planted fault in every built-in corpus, and which check caught it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use corpora::{Catalog, Signals};

use super::options::{self, of_corpora};
use super::{Common, Format, noted, terminal};
use crate::cancel::Cancel;
use crate::claim::{self, Claim, Kind};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::plan::Planner;
use crate::scratch::Scratch;
use crate::selftest::{self, Asked};
use crate::suggest;

/// Default directory of what a self-test leaves.
const DEFAULT_OUT: &str = "parallax-selftest";

/// Arguments of `selftest`. Exit codes: 0 every fault was caught and no check went red on undamaged data, 1 not so, 2 could not
/// run.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Only these built-in corpora; may be repeated [default: all].
    #[arg(long, value_name = "CORPUS,..", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these faults; may be repeated [default: all].
    #[arg(long, value_name = "FAULT,..", value_delimiter = ',')]
    fault: Vec<String>,
    /// Rows of each corpus [default: each corpus's own].
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    /// Corpora and faults worked on at a time [default: one a processor].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Directory for selftest.json, .csv, .md and .html [default: parallax-selftest].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl SelftestArgs {
    pub(super) fn perform(&self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        let catalog = Catalog::builtin().map_err(|error| of_corpora(&error))?;
        let signals = Signals::builtin().map_err(|error| of_corpora(&error))?;
        let planner = Planner {
            sized: true,
            signals: &signals,
            catalog: &catalog,
            wanted: &[],
            params: &[],
            entry: None,
            seed: None,
            rows: self.rows,
            builtin: true,
            replay_tail: "",
        };
        for name in &self.only {
            catalog.get(name).map_err(|error| of_corpora(&error))?;
        }
        let jobs = if self.only.is_empty() { planner.builtin()? } else { planner.named(&self.only)? };
        let faults = self.faults()?;
        let (tmp, program) = (Scratch::new(&options::tmp_dir(common)?)?, std::env::current_exe().ok());
        let asked = Asked {
            jobs: &jobs,
            faults: &faults,
            every_corpus: self.only.is_empty() && self.rows.is_none(),
            rows: self.rows,
            threads: options::workers(self.jobs, "--jobs")?,
            tmp: tmp.path(),
            program: program.as_deref(),
        };
        let out = self.out.clone().unwrap_or_else(|| DEFAULT_OUT.into());
        let _claim = noted(Claim::take(&out, Kind::Selftest, "--out")?);
        claim::remove(&out, &reports::selftest::FILES)?;
        let done = AtomicUsize::new(0);
        let told = |corpus: &str, planted: usize, caught: usize, of: usize| {
            let number = done.fetch_add(1, Ordering::Relaxed) + 1;
            terminal::complain(&format!(
                "[{number}/{of}] {corpus}: {caught} of {planted} planted faults caught"
            ));
        };
        let document = selftest::perform(&asked, cancel, &told)?;
        reports::selftest::write_all(&document, &out)
            .map_err(|error| Error::new(reports::manifest::ErrorClass::Io, error.to_string()))?;
        match common.format {
            Format::Json => terminal::json(&document)?,
            Format::Text => {
                let page = out.join("selftest.html");
                terminal::text(&format!(
                    "{}report: {}\n",
                    reports::selftest::text(&document),
                    terminal::path(&page)
                ))?;
            }
        }
        Ok(if document.passed { Exit::Pass } else { Exit::Fail })
    }

    /// The faults named, in the order of the catalogue.
    fn faults(&self) -> Result<Vec<Fault>> {
        for name in &self.fault {
            match Fault::named(name) {
                None => {
                    let known = selftest::faults().map(Fault::name);
                    let hint = suggest::hint(name, known);
                    return Err(Error::usage(format!("--fault {name}: there is no such fault{hint}")));
                }
                Some(fault) if fault.is_of_cost() => {
                    return Err(Error::usage(format!(
                        "--fault {name}: only a measurement sees it; run `parallax bench --candidate fault:{name}`"
                    )));
                }
                Some(_) => {}
            }
        }
        let wanted = |fault: &Fault| self.fault.is_empty() || self.fault.iter().any(|it| it == fault.name());
        Ok(selftest::faults().filter(wanted).collect())
    }
}
