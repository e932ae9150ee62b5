//! `parallax minimize FILE|REPORT --job J`: a failing job made small, as a corpus.

use std::path::{Path, PathBuf};

use clap::Args;
use reports::document::Mode;
use reports::visible::plain;

use super::options::RepeatArgs;
use super::replay::{Place, Repeated, ReplayArgs, known_check};
use super::{Common, Format, noted, options, terminal};
use crate::bundle::{Contents, Work};
use crate::cancel::Cancel;
use crate::claim::{Claim, Kind, LOCK};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::minimize::{Minimized, Search, Size, minimize};
use crate::scratch::Scratch;
use crate::settings::Keep;
use crate::shell;

/// Default folder of the small corpus.
const DEFAULT_OUT: &str = "parallax-minimal";

/// Arguments of `minimize`. Exit codes: 0 made small, 2 could not.
#[derive(Debug, Args)]
pub struct MinimizeArgs {
    /// A bundle, a report directory, or its `report.json`.
    #[arg(value_name = "FILE|REPORT")]
    source: PathBuf,
    /// Name of the job; a bundle holds one only.
    #[arg(long, value_name = "J")]
    job: Option<String>,
    /// Only what this check finds has to stay.
    #[arg(long, value_name = "CHECK")]
    check: Option<String>,
    /// Configuration instead of the one that was used; external sides are taken from this one only.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Times that the job is run at most.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    max_trials: u64,
    /// Folder of the corpus, new or empty [default: parallax-minimal].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What the job may use.
    #[command(flatten)]
    repeat: RepeatArgs,
}

impl MinimizeArgs {
    pub(super) fn perform(self, common: &Common, cancel: &Cancel) -> Result<Exit> {
        let check = self.check.as_deref().map(known_check).transpose()?;
        let out = self.out.clone().unwrap_or_else(|| DEFAULT_OUT.into());
        new_or_empty(&out)?;
        let _claim = noted(Claim::take(&out, Kind::Minimize, "--out")?);
        let home = Scratch::new(&options::tmp_dir(common)?)?;
        let from = ReplayArgs {
            source: self.source.clone(),
            job: self.job.clone(),
            check: None,
            config: self.config.clone(),
            out: None,
            repeat: self.repeat.clone(),
        };
        // Apart from where trials work: a bundle may hold files of any name.
        let (unpacked, work) = (home.path().join("bundle"), home.path().join("work"));
        for folder in [&unpacked, &work] {
            std::fs::create_dir(folder).map_err(|source| Error::io("cannot make", folder, source))?;
        }
        let contents = from.contents(&unpacked)?;
        let place = Unpacked { contents: &contents, home: &unpacked, work: &work };
        let (small, tail) = self.search(&from, &place, &out, check.as_deref(), common, cancel)?;
        home.close()?;
        show(&small, &tail, common.format)?;
        Ok(Exit::Pass)
    }

    fn search(
        &self,
        from: &ReplayArgs,
        place: &Unpacked<'_>,
        out: &Path,
        check: Option<&str>,
        common: &Common,
        cancel: &Cancel,
    ) -> Result<(Minimized, Vec<String>)> {
        let Unpacked { contents, home, work } = *place;
        let nothing_runs =
            contents.recorded_candidate || contents.work == Work::Outputs || contents.recorded_baseline;
        if nothing_runs {
            return Err(Error::usage(format!(
                "job {}: an output of it was recorded, and a recorded output does not change with the inputs; only jobs that \
                 both sides perform can be made small",
                contents.job
            )));
        }
        let config = from.configuration(contents, home)?;
        let own_config = self.config.is_some();
        let place = Place { contents, home, config: &config, own_config, out: work, repeat: &self.repeat };
        let Repeated::Run(args) = Repeated::of(&place)? else {
            return Err(Error::usage("only jobs of `parallax run` can be made small"));
        };
        let tail = args.sides();
        let (jobs, mut settings) = args.prepared(Mode::Run, None, common)?;
        settings.keep = Keep::Never;
        settings.by = Vec::new();
        // Descriptors are counted in a child process a side, which only LEAKS needs.
        settings.program = settings.program.filter(|_| check.is_none_or(|check| check == "LEAKS"));
        let [job] = jobs.as_slice() else {
            return Err(Error::input(format!("one job was expected, not {}", jobs.len())));
        };
        let progress = |trial: u64, size: Size| {
            terminal::complain(&format!(
                "trial {trial}: {} rows, {} columns, {} segments",
                size.rows, size.columns, size.segments
            ));
        };
        let search = Search {
            settings: &settings,
            check,
            limit: self.max_trials,
            tmp: work,
            out,
            cancel,
            progress: &progress,
        };
        minimize(job, &search).map(|small| (small, tail))
    }
}

/// A bundle, unpacked.
#[derive(Clone, Copy)]
struct Unpacked<'a> {
    contents: &'a Contents,
    home: &'a Path,
    /// Empty directory beside it.
    work: &'a Path,
}

fn new_or_empty(out: &Path) -> Result<()> {
    match std::fs::read_dir(out) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("cannot look into", out, error)),
        // What a killed search or a running one left there is no file of anybody else.
        Ok(mut entries) => match entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK)) {
            true => Ok(()),
            false => {
                Err(Error::usage(format!("{} is not empty; name another folder with --out", out.display())))
            }
        },
    }
}

fn show(small: &Minimized, tail: &[String], format: Format) -> Result<()> {
    if format == Format::Json {
        return terminal::json(small);
    }
    let size =
        |size: &Size| format!("{} rows, {} columns, {} segments", size.rows, size.columns, size.segments);
    let mut text = format!("from  {}\nto    {}\n", size(&small.before), size(&small.after));
    for sentence in &small.fails {
        text.push_str(&format!("fails {}\n", plain(sentence)));
    }
    text.push_str(&format!("after {} trials", small.trials));
    if small.stopped {
        text.push_str(", which are all that were allowed (--max-trials): it may be possible with less");
    }
    let mut words = vec!["parallax".to_owned(), "run".to_owned(), "--corpus".to_owned()];
    words.push(small.corpus.display().to_string());
    words.extend_from_slice(tail);
    let again = shell::line(&words);
    text.push_str(&format!("\ncorpus: {}\nagain:  {}\n", terminal::path(&small.corpus), plain(&again)));
    terminal::text(&text)
}
