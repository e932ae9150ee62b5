//! Copying what one job needs into a directory, from its report and from where its data lies.
//!
//! Generated inputs are generated again, and compared with the digest of the report. Inputs that were given are copied from
//! where the report says they are (`base` knows where relative paths count from). Given inputs and recorded outputs are
//! compared with the digests of the report, file by file.

use std::path::Path;

use corpora::listing::Name;
use corpora::parameters::Parameters;
use corpora::spec::CorpusSpec;
use corpora::{Catalog, Generate};
use reports::document::{JobReport, Mode, Report, Role, SideKind, SideReport};
use serde_json::json;

use super::guard::leads_out;
use super::reach::Reach;
use super::room::Room;
use super::{
    CONFIG, CONTENTS, CORPUS, Contents, INPUTS, JOB, JOB_LIST, OUTPUTS, POLICY, REPORT, VERSION, Work, base,
};
use crate::error::{Error, Result};
use crate::evidence::digests;
use crate::job::JobKind;
use crate::output::file_list::{self, FileList};
use crate::report_dir;
use crate::side::job_document::{JobDocument, JobParameters, SCHEMA_VERSION};

/// Puts the job `job` of the report at `path` (a report directory or its document) together in the empty directory `home`, from
/// files within `reach`, as long as they fit into `room`.
///
/// # Errors
/// Class `usage` for a job that the report has not, class `input` for data that is no longer there, no longer the same, out of reach,
/// or too much.
pub fn stage(path: &Path, job: &str, home: &Path, reach: &Reach, room: &Room) -> Result<Contents> {
    let from = Source { reach, room };
    let document = if path.is_dir() { path.join(report_dir::DOCUMENT) } else { path.to_path_buf() };
    let folder = document.parent().unwrap_or(Path::new(""));
    let whole = report_dir::read(&document)?;
    if whole.redacted.is_some() {
        return Err(Error::input(format!(
            "{} is redacted: its command, paths and outputs are not in it; name the raw report (--raw-out)",
            document.display()
        )));
    }
    let found = whole.jobs.iter().find(|it| it.id == job).cloned();
    let Some(found) = found else {
        let known: Vec<&str> = whole.jobs.iter().take(20).map(|job| job.id.as_str()).collect();
        return Err(Error::usage(format!(
            "--job {job}: {} has no such job; its first jobs are {}",
            document.display(),
            known.join(", ")
        )));
    };
    if whole.run.mode == Mode::Verify {
        return Err(Error::usage(
            "a report of verify has one output and nothing to repeat a difference with",
        ));
    }
    let report = Report { jobs: vec![found.clone()], ..whole };
    let base = base::of(folder, &report, &found);
    let recorded = |side: &SideReport| side.side.kind == SideKind::Recorded;
    for (role, side) in sides(&found) {
        output(folder, &base, &from, role, side, &home.join(OUTPUTS).join(role.to_string()))?;
    }
    let (work, inputs) = match (&found.corpus, report.run.mode) {
        (_, Mode::Compare) => (Work::Outputs, Vec::new()),
        (Some(_), _) => (Work::Corpus, generated(&report, &found, &base, &from, home)?),
        (None, _) => (Work::JobList, given(&found, &base, &from, home)?),
    };
    describe(&found, work, &inputs, home)?;
    if let Some(config) = &report.run.config {
        let config = reach.file(&base.join(config), "the configuration")?;
        put(&home.join(CONFIG), crate::config::packed(&config)?.as_bytes())?;
    }
    let policy = report.policy.as_ref().and_then(|policy| policy.file.as_deref());
    if let Some(policy) = policy {
        let policy = reach.file(&base.join(policy), "the policy")?;
        // Nothing but a policy is packed as one.
        crate::policy::file::PolicyFile::load(&policy)?;
        from.copy(&policy, &home.join(POLICY), "the policy")?;
    }
    let contents = Contents {
        schema_version: VERSION,
        tool: report.tool.clone(),
        job: found.id.clone(),
        mode: report.run.mode,
        command: report.run.command.clone(),
        work,
        seed: found.corpus.as_ref().and_then(|corpus| corpus.seed),
        recorded_baseline: found.baseline.as_ref().is_some_and(recorded),
        recorded_candidate: recorded(&found.candidate),
        config: report.run.config.is_some(),
        policy: policy.is_some(),
    };
    write(&home.join(REPORT), &report)?;
    write(&home.join(CONTENTS), &contents)?;
    Ok(contents)
}

fn sides(job: &JobReport) -> impl Iterator<Item = (Role, &SideReport)> {
    let baseline = job.baseline.iter().map(|side| (Role::Baseline, side));
    baseline.chain(std::iter::once((Role::Candidate, &job.candidate)))
}

fn write(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::internal(format!("cannot put together {}: {error}", path.display())))?;
    put(path, &text)
}

fn put(path: &Path, text: &[u8]) -> Result<()> {
    std::fs::write(path, text).map_err(|source| Error::io("cannot write", path, source))
}

/// Where files are taken from, and how much of them.
#[derive(Clone, Copy)]
struct Source<'a> {
    reach: &'a Reach,
    room: &'a Room,
}

impl Source<'_> {
    fn copy(&self, from: &Path, to: &Path, what: &str) -> Result<()> {
        let whole = self.reach.file(from, what)?;
        let failed = |source| Error::input(format!("cannot copy {what} {}: {source}", from.display()));
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::io("cannot make", folder, source))?;
        }
        let bytes = corpora::regular::check(&whole).and_then(|()| whole.metadata()).map_err(failed)?.len();
        self.room.file(Path::new(to.file_name().unwrap_or_default()), bytes)?;
        std::fs::copy(&whole, to).map(drop).map_err(failed)
    }
}

/// Copies a kept or recorded output. A recorded one must be there and be the same.
fn output(
    folder: &Path,
    base: &Path,
    source: &Source<'_>,
    role: Role,
    side: &SideReport,
    to: &Path,
) -> Result<()> {
    let recorded = side.side.kind == SideKind::Recorded;
    let from = match (&side.kept, side.side.name.strip_prefix("dir:")) {
        (Some(kept), _) if leads_out(Path::new(kept)) => {
            return Err(Error::input(format!(
                "the report says that it keeps {kept:?}, which leads out of it"
            )));
        }
        (Some(kept), _) => folder.join(kept),
        (None, Some(path)) if recorded => {
            file_list::named(Path::new(path)).map_or_else(|| base.join(path), |list| base.join(list))
        }
        _ => return Ok(()),
    };
    let is_list = |path: &str| side.kept.is_none() && file_list::named(Path::new(path)).is_some();
    if side.side.name.strip_prefix("dir:").is_some_and(is_list) {
        listed(&from, source, to)?;
    } else if from.is_file() {
        let name = from.file_name().unwrap_or_default();
        source.copy(&from, &to.join(name), "the recorded output")?;
    } else {
        for entry in walkdir::WalkDir::new(&from).follow_links(true).min_depth(1) {
            let entry = entry.map_err(|error| {
                Error::input(format!("cannot copy the {role}'s output {}: {error}", from.display()))
            })?;
            if entry.file_type().is_file() {
                let relative = entry.path().strip_prefix(&from).unwrap_or(entry.path());
                source.copy(entry.path(), &to.join(relative), "an output file")?;
            }
        }
    }
    for file in &side.files {
        if leads_out(Path::new(&file.path)) {
            return Err(Error::input(format!(
                "the report names the output file {:?}, which leads out",
                file.path
            )));
        }
        let found = digests::of_file(&to.join(&file.path))?;
        if found != file.digest {
            return Err(Error::input(format!(
                "{} of the {role} in {} is not what the report judged: its digest is {found}, not {}",
                file.path,
                from.display(),
                file.digest
            )));
        }
    }
    Ok(())
}

/// Copies the files of a list into a directory, where they are found again by their names.
fn listed(list: &Path, source: &Source<'_>, to: &Path) -> Result<()> {
    // Before it is read: what is wrong with a line is quoted.
    source.reach.file(list, "the list of files")?;
    for (name, path) in FileList::read(list)?.files {
        let parts = Path::new(&name).components().count();
        let passed_over = Path::new(&name)
            .components()
            .enumerate()
            .any(|(index, part)| Name::of(part.as_os_str(), index + 1 < parts) != Name::Plain);
        if passed_over {
            return Err(Error::input(format!(
                "{} lists {name}, which is passed over where it lies in a directory, as in a bundle: give the file another name",
                list.display()
            )));
        }
        source.copy(&path, &to.join(&name), "a listed output file")?;
    }
    Ok(())
}

/// Generates the inputs again, and keeps the specification.
fn generated(
    report: &Report,
    job: &JobReport,
    base: &Path,
    from: &Source<'_>,
    home: &Path,
) -> Result<Vec<String>> {
    let Some(corpus) = &job.corpus else { return Ok(Vec::new()) };
    let spec = specification(report, base, from.reach, &corpus.name)?;
    from.room.generated(&spec)?;
    let options = Generate { rows: None, seed: corpus.seed };
    let made = spec.generate(&home.join(INPUTS), options).map_err(|error| Error::of_corpora(&error))?;
    if made.digest != corpus.digest {
        return Err(Error::input(format!(
            "corpus {} with seed {:?} has the digest {}, not {} as in the report: this program generates other inputs",
            corpus.name, corpus.seed, made.digest, corpus.digest
        )));
    }
    put(&home.join(CORPUS), spec.source_text().as_bytes())?;
    Ok(made
        .inputs
        .iter()
        .filter_map(|path| path.strip_prefix(home).ok())
        .map(crate::error::display)
        .collect())
}

/// The built-in specification of that name, or the one that the command names.
fn specification(report: &Report, base: &Path, reach: &Reach, name: &str) -> Result<CorpusSpec> {
    let words = report.run.command.iter().map(|word| word.strip_prefix("--corpus=").unwrap_or(word));
    for word in words.filter(|word| word.ends_with(".toml")) {
        let path = base.join(word);
        if path.is_file()
            && let Ok(spec) = CorpusSpec::from_file(&path)
            && spec.name == name
        {
            reach.file(&path, "the corpus specification")?;
            return Ok(spec);
        }
    }
    let catalog = Catalog::builtin().map_err(|error| Error::of_corpora(&error))?;
    catalog.get(name).cloned().map_err(|error| {
        Error::input(format!("{error}; a specification of one's own must lie where the run found it"))
    })
}

/// Copies the inputs from where the report says they are.
fn given(job: &JobReport, base: &Path, source: &Source<'_>, home: &Path) -> Result<Vec<String>> {
    let mut inputs = Vec::new();
    for (number, input) in job.inputs.iter().enumerate() {
        let from = base.join(&input.path);
        let name = from.file_name().unwrap_or_default().to_string_lossy();
        let relative = format!("{INPUTS}/{number:05}-{name}");
        let to = home.join(&relative);
        let bytes = std::fs::metadata(source.reach.file(&from, "the input")?).map_or(0, |it| it.len());
        if bytes != input.bytes {
            return Err(Error::input(format!(
                "input {} has {bytes} bytes, not {} as in the report: it is another file now",
                input.path, input.bytes
            )));
        }
        source.copy(&from, &to, "the input")?;
        // Older reports have no digests.
        if let Some(stated) = &input.digest {
            let found = digests::of_file(&to)?;
            if found != *stated {
                return Err(Error::input(format!(
                    "input {} has the digest {found}, not {stated} as in the report: it is another file now",
                    input.path
                )));
            }
        }
        inputs.push(relative);
    }
    Ok(inputs)
}

/// Leaves the job as a document and, where the replay needs it, as a job list.
fn describe(job: &JobReport, work: Work, inputs: &[String], home: &Path) -> Result<()> {
    let mut parameters = Parameters::default();
    for parameter in &job.parameters {
        parameters.set(&parameter.key, &parameter.value).map_err(|error| Error::of_corpora(&error))?;
    }
    let kind = if job.kind.as_deref() == Some("ingest") { JobKind::Ingest } else { JobKind::Compact };
    let document = JobDocument {
        schema_version: SCHEMA_VERSION,
        id: job.id.clone(),
        signal: job.signal.clone(),
        kind,
        inputs: inputs.to_vec(),
        parameters: JobParameters::from(parameters),
    };
    write(&home.join(JOB), &document)?;
    if work != Work::JobList {
        return Ok(());
    }
    let mut line = json!({
        "id": document.id,
        "kind": document.kind,
        "inputs": document.inputs,
        "parameters": document.parameters,
    });
    if let Some(signal) = &document.signal {
        line["signal"] = json!(signal);
    }
    for (role, side) in sides(job).filter(|(_, side)| side.side.kind == SideKind::Recorded) {
        let _ = side;
        line[role.to_string()] = json!(format!("{OUTPUTS}/{role}"));
    }
    if job.allow_empty {
        line["allow_empty"] = json!(true);
    }
    put(&home.join(JOB_LIST), format!("{line}\n").as_bytes())
}
