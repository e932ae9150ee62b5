//! `--redact` and `--raw-out`: a report whose values are replaced by keyed digests, the raw one apart or nowhere.
//!
//! 1. The run writes as ever, but into the raw directory: the one named by `--raw-out`, else a temporary one that is
//!    removed at the end. So nothing raw ever lies in the report directory, not even while the run proceeds.
//! 2. At the end the document is redacted, and every format is rendered from that into the report directory.
//! 3. The key lies beside the raw report. A raw directory that has one keeps it, so that digests of two runs compare.

use std::path::{Path, PathBuf};

use clap::Args;
use reports::document::Report;
use reports::manifest::ErrorClass;
use reports::redact::{Key, redact};

use super::{Common, noted, options};
use crate::claim::Claim;
use crate::digest::RunKey;
use crate::error::{Error, Result, chain, display};
use crate::report_dir::{self, KEY};
use crate::scratch::Scratch;

/// Options of every command that writes a report.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RedactArgs {
    /// Replace values, texts and paths by short keyed digests, in every format.
    #[arg(long)]
    pub(super) redact: bool,
    /// Where the raw report and the key are kept, for whoever may see them [default: they are not kept].
    #[arg(long, value_name = "DIR", requires = "redact")]
    pub(super) raw_out: Option<PathBuf>,
}

/// A redaction that was asked for.
pub(super) struct Redaction {
    /// The report directory.
    pub(super) out: PathBuf,
    raw: PathBuf,
    /// Holds the report directory.
    _claim: Claim,
    /// The raw directory, where none was named.
    _home: Option<Scratch>,
}

impl RedactArgs {
    /// Makes both directories ready and puts the raw one in the place of `out`; nothing where no redaction is asked for.
    ///
    /// # Errors
    /// Class `usage` where one directory lies in the other, or a run is to be resumed that was not kept; class `io`.
    pub(super) fn begin(
        &self,
        out: &mut PathBuf,
        resume: bool,
        common: &Common,
    ) -> Result<Option<Redaction>> {
        if !self.redact {
            return Ok(None);
        }
        if resume && self.raw_out.is_none() {
            return Err(Error::usage(
                "--resume with --redact needs --raw-out: what was done so far is kept there",
            )
            .plain());
        }
        let home = match &self.raw_out {
            Some(_) => None,
            None => Some(Scratch::new(&options::tmp_dir(common)?)?),
        };
        let raw = match (&self.raw_out, &home) {
            (Some(named), _) => named.clone(),
            (None, Some(home)) => home.path().to_owned(),
            (None, None) => return Err(Error::internal("no place for the raw report")),
        };
        let claim = noted(report_dir::prepare(out, false, "--out")?);
        apart(out, &raw)?;
        let redaction =
            Redaction { out: std::mem::replace(out, raw.clone()), raw, _claim: claim, _home: home };
        Ok(Some(redaction))
    }
}

impl Redaction {
    /// Writes the redacted report in every format and returns it.
    ///
    /// # Errors
    /// Class `io` where it cannot be written.
    pub(super) fn finish(&self, report: &Report) -> Result<Report> {
        let key = key_of(&self.raw)?;
        let redacted = redact(report, &key)
            .map_err(|error| Error::internal(format!("the report cannot be redacted: {}", chain(&error))))?;
        report_dir::write(&redacted, &self.out).inspect_err(|_| {
            // The first error counts; one while clearing up would only hide it.
            drop(report_dir::clear(&self.out));
        })?;
        Ok(redacted)
    }
}

/// Refuses directories that lie in one another: preparing one would clear the other, or carry it out of the team.
pub(super) fn apart(out: &Path, raw: &Path) -> Result<()> {
    std::fs::create_dir_all(raw)
        .map_err(|source| Error::io("cannot make the directory of the raw report", raw, source))?;
    let (Ok(one), Ok(two)) = (out.canonicalize(), raw.canonicalize()) else { return Ok(()) };
    if one.starts_with(&two) || two.starts_with(&one) {
        return Err(Error::usage(
            "the directories that --raw-out and --out name must not lie in one another",
        )
        .plain());
    }
    Ok(())
}

/// The key of a raw directory; drawn and written where it has none.
fn key_of(raw: &Path) -> Result<Key> {
    let path = raw.join(KEY);
    if path.is_file() {
        return read_key(raw);
    }
    let drawn = RunKey::random().hexadecimal();
    std::fs::write(&path, format!("{drawn}\n"))
        .map_err(|source| Error::io("cannot write the key", &path, source))?;
    read_key(raw)
}

/// The key that lies beside a raw report.
///
/// # Errors
/// Class `input` where there is none.
pub(super) fn read_key(raw: &Path) -> Result<Key> {
    let path = raw.join(KEY);
    let text = corpora::regular::read_to_string(&path).map_err(|source| {
        Error::new(ErrorClass::Input, format!("cannot read the key {}: {source}", display(&path)))
    })?;
    Key::parse(&text)
        .ok_or_else(|| Error::input(format!("{} holds no key of 64 hexadecimal digits", display(&path))))
}

/// Writes a raw document with its key, for a report that was redacted afterwards.
///
/// # Errors
/// Class `io`.
pub(super) fn redact_into(report: &Report, args: &RedactArgs, out: &Path, common: &Common) -> Result<Report> {
    let mut target = out.to_owned();
    match args.begin(&mut target, false, common)? {
        None => Ok(report.clone()),
        Some(redaction) => {
            if args.raw_out.is_some() {
                let _claim = noted(report_dir::prepare(&target, false, "--raw-out")?);
                report_dir::write(report, &target)?;
            }
            redaction.finish(report)
        }
    }
}
