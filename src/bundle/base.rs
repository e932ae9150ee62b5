//! Where the relative paths of a report count from.
//!
//! A report names its inputs as they were typed, so they count from the directory of the run. Whoever looks at a report often
//! stands in its own directory: the run's is then mostly the folder above. The first directory is taken, this one before those
//! above the report, in which everything lies that the job needs; what lies there is held against the digests of the report.

use std::path::{Path, PathBuf};

use reports::document::{JobReport, Mode, Report, SideKind};

use crate::output::file_list;

/// The directory for one job of the report that lies in `folder`; empty, which is the working directory, where none fits.
#[must_use]
pub fn of(folder: &Path, report: &Report, job: &JobReport) -> PathBuf {
    first(folder, &needed(report, job))
}

fn first(folder: &Path, needed: &[PathBuf]) -> PathBuf {
    let relative = || needed.iter().filter(|path| path.is_relative());
    let holds = |base: &Path| relative().all(|path| base.join(path).exists());
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match folder.canonicalize() {
        Ok(whole) if !holds(Path::new("")) => {
            whole.ancestors().find(|base| holds(base)).map(Path::to_path_buf).unwrap_or_default()
        }
        _ => PathBuf::new(),
    }
}

/// Every path that the job is repeated from.
fn needed(report: &Report, job: &JobReport) -> Vec<PathBuf> {
    let mut needed: Vec<PathBuf> = Vec::new();
    if job.corpus.is_none() && report.run.mode != Mode::Compare {
        needed.extend(job.inputs.iter().map(|input| PathBuf::from(&input.path)));
    }
    for side in job.baseline.iter().chain([&job.candidate]) {
        let recorded = side.side.kind == SideKind::Recorded && side.kept.is_none();
        let named = side.side.name.strip_prefix("dir:").filter(|_| recorded);
        needed.extend(
            named.map(|path| file_list::named(Path::new(path)).unwrap_or_else(|| PathBuf::from(path))),
        );
    }
    needed.extend(report.run.config.iter().map(PathBuf::from));
    needed.extend(report.policy.iter().filter_map(|policy| policy.file.as_ref()).map(PathBuf::from));
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_directory_comes_before_those_above_the_report_and_all_must_be_there() {
        let home = tempfile::tempdir().unwrap();
        let nested = home.path().join("runs/parallax-report");
        std::fs::create_dir_all(&nested).unwrap();
        std::fs::write(home.path().join("runs/own.toml"), "").unwrap();
        std::fs::write(home.path().join("other.toml"), "").unwrap();
        let base = |name: &str| first(&nested, &[PathBuf::from(name), home.path().join("other.toml")]);
        assert_eq!(base("own.toml"), home.path().join("runs").canonicalize().unwrap());
        assert_eq!(base("other.toml"), home.path().canonicalize().unwrap());
        assert_eq!(base("nowhere.toml"), PathBuf::new());
        assert_eq!(base("Cargo.toml"), PathBuf::new(), "it lies in the working directory");
        let both = ["own.toml", "other.toml"].map(PathBuf::from);
        assert_eq!(first(&nested, &both), PathBuf::new(), "no directory has both");
    }
}
