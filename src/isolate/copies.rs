//! A side's own copies of the inputs.
//!
//! 1. The copies lie as the inputs do: file names, folders below the inputs' common folder, and every folder from the first
//!    `key=value` on stay as they are. So a writer that takes columns or an order from paths sees the same ones.
//! 2. A copy shares its blocks with the input where the file system can do that, and has bytes of its own elsewhere. It is a file
//!    of its own in any case: what is done to it does not reach the input. A link is copied as the file that it leads to.
//! 3. Each copy is read back, and its digest must be that of the input. Cost: two passes over the bytes, or one where blocks are shared.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use reports::document::SideOutcome;

use super::print::Print;
use crate::cancel::Cancel;
use crate::error::{Error, Result, display};
use crate::side::{SideRun, leavings};

/// Copies of the inputs of one job, in order.
#[derive(Debug)]
pub struct Copies {
    root: PathBuf,
    originals: Vec<PathBuf>,
    copies: Vec<PathBuf>,
    prints: Vec<Print>,
}

impl Copies {
    /// Copies `inputs`, whose digests are `digests`, into the new directory `root`.
    ///
    /// # Errors
    /// Class `io` where the machine does not copy them; class `input` where one is gone, or is not what it was when it was digested.
    pub(super) fn make(
        inputs: &[PathBuf],
        digests: &[Option<String>],
        root: PathBuf,
        cancel: &Cancel,
    ) -> Result<Self> {
        let targets = relative(inputs)?;
        let (mut copies, mut prints) = (Vec::with_capacity(inputs.len()), Vec::with_capacity(inputs.len()));
        let mut made = HashSet::new();
        for ((input, target), digest) in inputs.iter().zip(targets).zip(digests) {
            cancel.check()?;
            let target = root.join(target);
            // An input that is named twice is one file.
            if made.insert(target.clone()) {
                copy(input, &target).map_err(|source| {
                    Error::io(&format!("cannot copy the input {} to", display(input)), &target, source)
                })?;
            }
            let print = Print::of(&target)?;
            if digest.is_none() || print.content() != digest.as_deref() {
                return Err(Error::input(format!(
                    "the input {} was changed before or while it was copied for a side; run again when nothing writes to it",
                    display(input)
                )));
            }
            copies.push(target);
            prints.push(print);
        }
        Ok(Self { root, originals: inputs.to_vec(), copies, prints })
    }

    /// Where they lie, in the order of the inputs.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.copies
    }

    /// Inputs whose copy is not what it was, and what became of it.
    ///
    /// # Errors
    /// Class `io` where the machine does not say.
    pub fn changed(&self) -> Result<Vec<(String, String)>> {
        let mut changed = Vec::new();
        for ((original, copy), print) in self.originals.iter().zip(&self.copies).zip(&self.prints) {
            if let Some(how) = print.became(&Print::of(copy)?) {
                changed.push((display(original), how));
            }
        }
        changed.dedup();
        Ok(changed)
    }

    /// A text with the names of the inputs in the place of those of their copies.
    #[must_use]
    pub fn by_original(&self, text: &str) -> String {
        let root = self.root.display().to_string();
        if !text.contains(&root) {
            return text.to_owned();
        }
        let mut names: Vec<(String, String)> = self
            .copies
            .iter()
            .zip(&self.originals)
            .map(|(copy, original)| (copy.display().to_string(), original.display().to_string()))
            .collect();
        // One path may be the beginning of another.
        names.sort_by_key(|(copy, _)| std::cmp::Reverse(copy.len()));
        names.iter().fold(text.to_owned(), |text, (copy, original)| {
            if text.contains(copy.as_str()) { text.replace(copy.as_str(), original) } else { text }
        })
    }

    /// The run with the names of the inputs in what the side said.
    pub(super) fn say_originals(&self, run: &mut SideRun) {
        if let SideOutcome::Failed { failure, stderr, .. } = &mut run.outcome {
            failure.message = self.by_original(&failure.message);
            *stderr = stderr.as_deref().map(|text| self.by_original(text));
        }
    }

    /// Removes them.
    ///
    /// # Errors
    /// Class `io` where something resists.
    pub fn remove(self) -> Result<()> {
        leavings::remove(&self.root).map_err(Error::not_removed)
    }
}

/// Where each of `inputs` lies below their common folder, or below the folder of the first `key=value` above that. Two different
/// inputs have different places, and compare as the inputs do.
///
/// # Errors
/// Where the working directory is gone or a path is empty.
pub fn relative(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let absolute = crate::side::job_document::absolute(inputs)?;
    let plain: Vec<PathBuf> = absolute.iter().map(|path| without_ups(path)).collect();
    let mut common: Option<PathBuf> = None;
    for path in &plain {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let shared = common.as_deref().unwrap_or(folder);
        common = Some(
            shared
                .components()
                .zip(folder.components())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect(),
        );
    }
    let common: PathBuf =
        common.unwrap_or_default().components().take_while(|part| !is_partition(part)).collect();
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let mut found = Vec::with_capacity(inputs.len());
    for (number, (path, real)) in plain.iter().zip(&absolute).enumerate() {
        let mut place = path.strip_prefix(&common).unwrap_or(path).to_path_buf();
        // Two paths that only differ in what a link and `..` make of them.
        if taken.get(&place).is_some_and(|other| other != real) {
            place = Path::new(&format!("again-{number}")).join(place);
        }
        taken.insert(place.clone(), real);
        found.push(place);
    }
    Ok(found)
}

/// True for a folder `key=value`.
fn is_partition(part: &Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if name.to_string_lossy().contains('='))
}

/// The path with each `..` taken for the folder above.
fn without_ups(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Copies one file, with the time of its last change.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = corpora::regular::open(from)?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut target = File::create_new(to)?;
    if !shares_blocks(&source, &target) {
        io::copy(&mut source, &mut target)?;
    }
    // A file system without such times is no reason to stop.
    if let Ok(time) = source.metadata().and_then(|found| found.modified()) {
        drop(target.set_modified(time));
    }
    Ok(())
}

/// Lets `target` share the blocks of `source`; false where the file system does not.
#[cfg(target_os = "linux")]
fn shares_blocks(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn shares_blocks(_: &File, _: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(inputs: &[&str]) -> Vec<String> {
        let inputs: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
        relative(&inputs).unwrap().iter().map(|path| display(path)).collect()
    }

    #[test]
    fn names_folders_and_partitions_stay() {
        assert_eq!(places(&["/d/h/a.parquet", "/d/h/b.parquet"]), ["a.parquet", "b.parquet"]);
        assert_eq!(places(&["/d/x/a.parquet", "/d/y/a.parquet"]), ["x/a.parquet", "y/a.parquet"]);
        assert_eq!(places(&["/t/region=eu/a.parquet"]), ["region=eu/a.parquet"]);
        assert_eq!(
            places(&["/t/date=1/h14/a.parquet", "/t/date=1/h14/b.parquet"]),
            ["date=1/h14/a.parquet", "date=1/h14/b.parquet"]
        );
        assert_eq!(places(&["/a.parquet"]), ["a.parquet"]);
        assert_eq!(places(&["/d/a.parquet", "/d/a.parquet"]), ["a.parquet", "a.parquet"]);
        assert_eq!(places(&["/d/e/../a.parquet", "/d/b.parquet"]), ["a.parquet", "b.parquet"]);
    }

    #[test]
    fn paths_that_a_link_may_tell_apart_get_places_of_their_own() {
        let found = places(&["/d/e/../a.parquet", "/d/a.parquet"]);
        assert_eq!(found, ["a.parquet", "again-1/a.parquet"]);
    }

    #[test]
    fn copies_are_files_of_their_own_and_what_becomes_of_them_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (input, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&input, "one").unwrap();
        std::os::unix::fs::symlink(&input, &link).unwrap();
        let inputs = [input.clone(), link, input.clone()];
        let digest = crate::content::digest(&input).ok();
        let digests = vec![digest; 3];
        let make = |name: &str| Copies::make(&inputs, &digests, folder.path().join(name), &Cancel::default());
        let copies = make("copies").unwrap();
        assert_eq!(copies.paths()[0], copies.paths()[2]);
        assert!(!fs::symlink_metadata(&copies.paths()[1]).unwrap().is_symlink());
        assert_eq!(copies.changed().unwrap(), []);
        fs::write(&copies.paths()[1], "two!").unwrap();
        assert_eq!(fs::read_to_string(&input).unwrap(), "one");
        let changed = copies.changed().unwrap();
        assert_eq!(changed, [(display(&inputs[1]), "its 3 bytes became 4".to_owned())]);
        let said = format!("cannot read {}: bad", copies.paths()[1].display());
        assert_eq!(copies.by_original(&said), format!("cannot read {}: bad", inputs[1].display()));
        copies.remove().unwrap();
        assert!(!folder.path().join("copies").exists());
        // What the digest is not of is not copied.
        fs::write(&input, "two").unwrap();
        let error = make("again").unwrap_err();
        assert_eq!(error.class, reports::manifest::ErrorClass::Input);
        assert!(error.message.contains("was changed before or while it was copied"), "{}", error.message);
    }
}
