//! The command line: one file a subcommand. What was typed is parsed here; what was resolved lives in `options`.
//!
//! stdout carries results (text or JSON), stderr progress and diagnostics.

mod bench;
mod bundle;
mod ci;
mod compare;
mod corpus;
mod explain;
mod failure;
mod gate;
mod manual;
mod measure;
mod minimize;
mod options;
mod outputs;
mod policy;
mod probe;
mod progress;
mod redact;
mod replay;
mod report;
mod run;
mod selftest;
mod terminal;
mod trend;
mod verify;
mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::ci::Ci;
use self::failure::Withheld;
use self::redact::RedactArgs;
pub use self::replay::{Planned, plan};
use crate::cancel::Cancel;
use crate::claim::Claim;
use crate::errno;
use crate::error::{Error, Result, of_panic};
use crate::exit::Exit;
use crate::heap;
use crate::interrupt;
use crate::side::guard;

/// A/B shadow comparison of Parquet writers: is the new writer safe to roll out?
///
/// Without a subcommand: `run` on the built-in corpora. Exit codes: 0 pass, 1 fail, 2 could not run, 3 inconclusive,
/// 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "parallax", version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
    #[command(flatten)]
    common: Common,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
struct Common {
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    /// Where temporary files go: spills, generated corpora, outputs until they are judged [default: the system's].
    #[arg(long, value_name = "DIR", global = true)]
    tmp_dir: Option<PathBuf>,
    /// No progress on stderr, and of the result only the verdict and where the report is.
    #[arg(long = "quiet", short = 'q', global = true)]
    silent: bool,
    /// Lines in place of a progress bar, and no colour.
    #[arg(long, global = true)]
    plain: bool,
    /// The command is part of another one, which shows the result.
    #[arg(skip)]
    quiet: bool,
}

/// Form of the result on stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run both sides on corpora or jobs, compare their outputs, judge and report.
    Run(run::RunArgs),
    /// Measure time and memory of both sides on corpora or jobs; of what they write, the rows are compared.
    Bench(bench::BenchArgs),
    /// Compare two outputs that exist already, from whatever wrote them.
    Compare(compare::CompareArgs),
    /// Run one writer alone and print its manifest.
    #[command(subcommand)]
    Write(write::WriteCommand),
    /// List, show or generate the built-in corpora.
    #[command(subcommand)]
    Corpus(corpus::CorpusCommand),
    /// Check the invariants of one output alone.
    Verify(verify::VerifyArgs),
    /// Render a report again from its `report.json`.
    Report(report::ReportArgs),
    /// What a check means when it is red, what usually causes it, what to do.
    Explain(explain::ExplainArgs),
    /// Show the resolved policy with the origin of each value, or list the rollout phases.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Decide about a rollout phase from several reports: may it begin, is it complete?
    Gate(gate::GateArgs),
    /// Show runs over time, and what changed since the last green one.
    Trend(trend::TrendArgs),
    /// Pack one job of a report into one file: inputs, job, configuration, outputs, digests.
    Bundle(bundle::BundleArgs),
    /// Run a job of a bundle or report again and compare its findings with the earlier ones.
    Replay(replay::ReplayArgs),
    /// Make a failing job small: the fewest rows, columns and segments that still fail in the same way, as a corpus.
    Minimize(minimize::MinimizeArgs),
    /// Plant every fault in every built-in corpus and show which check catches it.
    Selftest(selftest::SelftestArgs),
    /// Print the completions of a shell.
    Completions(manual::CompletionsArgs),
    /// Print the manual page: `parallax man | man -l -`.
    Man,
    /// Count what a built-in side leaves open (started by `run` as a child process).
    #[command(hide = true)]
    ProbeLeaks(probe::ProbeArgs),
    /// End the external sides of a harness that was killed (started before the first of them).
    #[command(hide = true)]
    GuardGroups,
    /// Start a program, wait for it and write down what the system says of it (started when measuring).
    #[command(hide = true)]
    Launch(measure::LaunchArgs),
    /// Perform one job with a built-in side (started when measuring).
    #[command(hide = true)]
    PerformJob(measure::PerformArgs),
}

/// The directory taken, with a word on stderr where other processes cannot see that.
fn noted(claim: Claim) -> Claim {
    if !claim.is_locked() {
        terminal::complain(
            "parallax: the file system of the output directory has no locks: a second process that writes to it is not noticed",
        );
    }
    claim
}

/// Parses the command line, performs it and says how it went.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::refuse(&error),
    };
    let (format, ci) = (cli.common.format, cli.ci());
    let withheld = cli.redacted().map(Withheld::of);
    if withheld.is_some() {
        failure::keep_panics_quiet();
    }
    failure::keep_refused_memory_quiet();
    // Without the handler an abort ends the process by a signal, which is no verdict either.
    drop(heap::end_aborts());
    if let Ok(program) = std::env::current_exe() {
        guard::install(program);
    }
    let cancel = Cancel::default();
    let work = AssertUnwindSafe(|| interrupt::install(&cancel).and_then(|()| perform(cli, &cancel)));
    // The last net: a panic is a defect, and no verdict.
    let done = catch_unwind(work).unwrap_or_else(|panic| {
        let said = of_panic(panic.as_ref());
        Err(if errno::memory_refused(&said) {
            Error::out_of_memory(&said)
        } else {
            Error::internal(format!("this program panicked, which is a defect of it: {said}"))
        })
    });
    match done {
        Ok(exit) => exit,
        Err(error) => {
            let error = match withheld {
                Some(withheld) => withheld.instead_of(error),
                None => error,
            };
            let exit = failure::fail(&error, format);
            ci.tell_failure(&error, format);
            exit
        }
    }
}

impl Cli {
    /// Where the verdict is told; nowhere for commands that have none.
    fn ci(&self) -> Ci {
        match &self.command {
            None => self.run.ci(),
            Some(Command::Run(args)) => args.ci(),
            Some(Command::Bench(args)) => args.ci(),
            Some(Command::Compare(args)) => args.ci(),
            Some(Command::Verify(args)) => args.ci(),
            Some(_) => Ci::None,
        }
    }

    /// The redaction that was asked for, with the report directory as typed.
    fn redacted(&self) -> Option<(&RedactArgs, Option<&Path>)> {
        let (args, out) = match &self.command {
            None => self.run.redaction(),
            Some(Command::Run(args)) => args.redaction(),
            Some(Command::Bench(args)) => args.redaction(),
            Some(Command::Compare(args)) => args.redaction(),
            Some(Command::Verify(args)) => args.redaction(),
            Some(Command::Report(args)) => args.redaction(),
            Some(_) => return None,
        };
        args.redact.then_some((args, out))
    }
}

fn perform(cli: Cli, cancel: &Cancel) -> Result<Exit> {
    let common = cli.common;
    match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => args.perform(&common, cancel),
        Command::Bench(args) => args.perform(&common, cancel),
        Command::Compare(args) => args.perform(&common, cancel),
        Command::Write(command) => command.perform(&common, cancel),
        Command::Corpus(command) => command.perform(&common),
        Command::Verify(args) => args.perform(&common, cancel),
        Command::Report(args) => args.perform(&common),
        Command::Explain(args) => args.perform(&common),
        Command::Policy(command) => command.perform(&common),
        Command::Gate(args) => args.perform(&common),
        Command::Trend(args) => args.perform(&common),
        Command::Bundle(args) => args.perform(&common),
        Command::Replay(args) => args.perform(&common, cancel),
        Command::Minimize(args) => args.perform(&common, cancel),
        Command::Selftest(args) => args.perform(&common, cancel),
        Command::Completions(args) => args.perform(),
        Command::Man => manual::man(),
        Command::ProbeLeaks(args) => args.perform(&common),
        Command::GuardGroups => {
            guard::watch(std::io::stdin().lock());
            Ok(Exit::Pass)
        }
        Command::Launch(args) => args.perform(),
        Command::PerformJob(args) => args.perform(cancel),
    }
}
