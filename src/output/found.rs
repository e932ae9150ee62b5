//! What lies below the directory of an output: files that are read, and everything that is passed over, with the reason.
//!
//! Which is which is the rule of `corpora::listing`, the same for outputs that were recorded, outputs of a side that ran, and
//! inputs. Nothing is left out without an entry: a directory that is passed over has one for all that is in it. Cost: one walk,
//! and eight bytes of each file that is not named `*.parquet`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use corpora::listing::{self, Magic, Name, Table, is_parquet_name};
use reports::document::{PassedOver, WhyPassedOver};
use reports::manifest::ErrorClass;

use super::{Disguised, Unreadable, manifest};
use crate::errno;
use crate::error::{Error, Result};

/// Entries of an output at most: links that lead to directories with links lead to more than there is.
const MOST_ENTRIES: u64 = 2_000_000;

/// What lies below the directory of an output.
#[derive(Debug, Default)]
pub struct Found {
    /// Files that are data: path relative to the root, and where to open it.
    pub parquet: Vec<(String, PathBuf)>,
    /// What is not read, by path.
    pub passed_over: Vec<PassedOver>,
    /// What claims to be data and cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Links and directories that stand for data.
    pub disguised: Vec<Disguised>,
    entries: u64,
    /// True where a link was met.
    linked: bool,
    folders: Vec<String>,
    /// The directory that is passed over and being walked: its depth and its place in `passed_over`.
    aside: Option<(usize, usize)>,
}

impl Found {
    /// Files that somebody named, each with its path relative to the root.
    #[must_use]
    pub fn named(files: Vec<(String, PathBuf)>) -> Self {
        Self { parquet: files, ..Self::default() }
    }

    /// Walks a directory. Symbolic links are followed, loops are left.
    ///
    /// # Errors
    /// Class `input` for a table of Delta Lake, Iceberg or Hudi; class `io` where the directory or a file in it does not come from the
    /// machine, and where this user may not read something of a `recorded` output.
    pub fn below(root: &Path, recorded: bool) -> Result<Self> {
        refuse_table(root)?;
        let mut found = Self::default();
        for entry in walkdir::WalkDir::new(root).follow_links(true).min_depth(1) {
            match entry {
                Ok(_) if found.entries == MOST_ENTRIES => {
                    let reason = format!("more than {MOST_ENTRIES} files are reached, through links perhaps");
                    found.unreadable.push(Unreadable { path: String::new(), reason, limited: true });
                    break;
                }
                Ok(entry) => found.take(root, entry, recorded)?,
                // A link that leads back up: what it leads to is read where it lies.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => found.not_walked(root, recorded, error)?,
            }
        }
        found.sort_folders();
        found.parquet.sort();
        if found.linked {
            found.read_once();
        }
        found.passed_over.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn take(&mut self, root: &Path, entry: walkdir::DirEntry, recorded: bool) -> Result<()> {
        self.entries += 1;
        self.linked |= entry.path_is_symlink();
        if self.aside.is_some_and(|(depth, _)| entry.depth() <= depth) {
            self.aside = None;
        }
        let directory = entry.file_type().is_dir();
        if let Some((_, at)) = self.aside {
            if !directory {
                self.passed_over[at].files += 1;
                self.passed_over[at].parquet += u64::from(looks_like_data(entry.path()));
            }
            return Ok(());
        }
        let name = Name::of(entry.file_name(), directory);
        if (name != Name::Plain || entry.file_name() == "metadata")
            && let Some(table) = Table::marked_by(entry.path())
        {
            return Err(refused(table, entry.path().parent().unwrap_or(root)));
        }
        let relative = relative(root, entry.path());
        let Some(why) = why(name) else {
            if !directory {
                return self.file(relative, entry, recorded);
            }
            if is_parquet_name(entry.path()) {
                self.folders.push(relative);
            }
            return Ok(());
        };
        if directory {
            self.aside = Some((entry.depth(), self.passed_over.len()));
            self.passed_over.push(PassedOver { path: format!("{relative}/"), why, files: 0, parquet: 0 });
        } else {
            // The summary files of Parquet data sets are Parquet files without rows.
            let parquet = u64::from(why != WhyPassedOver::Bookkeeping && looks_like_data(entry.path()));
            self.passed_over.push(PassedOver { path: relative, why, files: 1, parquet });
        }
        Ok(())
    }

    /// A file whose name says nothing.
    fn file(&mut self, relative: String, entry: walkdir::DirEntry, recorded: bool) -> Result<()> {
        let named = is_parquet_name(entry.path());
        let special = corpora::regular::special(entry.file_type());
        if relative == manifest::FILE_NAME && special.is_none() {
            return Ok(());
        }
        let data = match special {
            // Never opened: that could block for ever.
            Some(kind) if named => {
                self.unreadable.push(Unreadable {
                    path: relative.clone(),
                    reason: format!("it is {kind}, not a regular file"),
                    limited: false,
                });
                self.disguise(relative, &entry);
                return Ok(());
            }
            Some(_) => return self.pass_over(relative, WhyPassedOver::NoFile),
            None => listing::is_data(entry.path()),
        };
        match data {
            Ok(true) => {
                self.disguise(relative.clone(), &entry);
                self.parquet.push((relative, entry.into_path()));
                Ok(())
            }
            Ok(false) => self.pass_over(relative, WhyPassedOver::NotParquet),
            Err(error) if error.kind() == ErrorKind::NotFound || corpora::regular::is_refusal(&error) => {
                self.pass_over(relative, WhyPassedOver::NoFile)
            }
            Err(error) if errno::of_machine(&error) || (recorded && errno::denied(&error)) => {
                Err(Error::new(
                    ErrorClass::Io,
                    format!("cannot see whether {} is Parquet: {error}", entry.path().display()),
                )
                .with_source(error))
            }
            Err(error) => {
                let reason = format!("it cannot be opened: {error}");
                self.unreadable.push(Unreadable { path: relative, reason, limited: false });
                Ok(())
            }
        }
    }

    fn pass_over(&mut self, path: String, why: WhyPassedOver) -> Result<()> {
        self.passed_over.push(PassedOver { path, why, files: 1, parquet: 0 });
        Ok(())
    }

    fn disguise(&mut self, path: String, entry: &walkdir::DirEntry) {
        if entry.path_is_symlink() {
            self.disguised.push(Disguised { path, kind: "a link" });
        }
    }

    /// Leaves out what is another file of the output, reached through a link.
    fn read_once(&mut self) {
        let paths: Vec<&Path> = self.parquet.iter().map(|(_, path)| path.as_path()).collect();
        let repeated = listing::repeated(&paths);
        for ((relative, path), repeated) in std::mem::take(&mut self.parquet).into_iter().zip(repeated) {
            if repeated {
                self.disguised.retain(|it| it.path != relative);
                let why = WhyPassedOver::Linked;
                self.passed_over.push(PassedOver { path: relative, why, files: 1, parquet: 0 });
            } else {
                self.parquet.push((relative, path));
            }
        }
    }

    /// Directories that are named like Parquet files: with some in it (the habit of Spark) worth a word, without any a file that
    /// cannot be read.
    fn sort_folders(&mut self) {
        for folder in std::mem::take(&mut self.folders) {
            let inside = format!("{folder}/");
            if self.parquet.iter().any(|(path, _)| path.starts_with(&inside)) {
                self.disguised.push(Disguised { path: folder, kind: "a directory" });
            } else {
                let reason = "it is a directory without Parquet files, not a regular file".to_owned();
                self.unreadable.push(Unreadable { path: folder, reason, limited: false });
            }
        }
        self.disguised.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// An entry that the walk does not reach.
    fn not_walked(&mut self, root: &Path, recorded: bool, error: walkdir::Error) -> Result<()> {
        let path = error.path().unwrap_or(root);
        let parts = path.strip_prefix(root).unwrap_or(path).components();
        let aside = parts.clone().find_map(|part| why(Name::of(part.as_os_str(), true)));
        let relative = relative(root, path);
        if let Some(why) = aside {
            // What is in there would not be read either.
            if parts.count() == 1 && self.passed_over.iter().all(|it| it.path != format!("{relative}/")) {
                self.passed_over.push(PassedOver { path: relative, why, files: 1, parquet: 0 });
            }
            return Ok(());
        }
        if errno::in_chain(&error) || (recorded && errno::denied(&error)) {
            let message = format!("cannot read the output {}: {error}", root.display());
            return Err(Error::new(ErrorClass::Io, message).with_source(error));
        }
        let dangling = error.io_error().is_some_and(|it| it.kind() == ErrorKind::NotFound);
        if dangling && !is_parquet_name(path) {
            return self.pass_over(relative, WhyPassedOver::NoFile);
        }
        self.unreadable.push(Unreadable { path: relative, reason: error.to_string(), limited: false });
        Ok(())
    }
}

/// Why a name is passed over, where it is.
fn why(name: Name) -> Option<WhyPassedOver> {
    match name {
        Name::Plain => None,
        Name::Bookkeeping => Some(WhyPassedOver::Bookkeeping),
        Name::Temporary => Some(WhyPassedOver::Temporary),
        Name::Hidden => Some(WhyPassedOver::Hidden),
    }
}

/// True for a file that is Parquet at both ends. One that cannot be looked at says nothing: it is passed over by its name.
fn looks_like_data(path: &Path) -> bool {
    Magic::of(path).is_ok_and(|magic| magic == Magic::Whole)
}

/// Refuses a directory that is a table of Delta Lake, Iceberg or Hudi, or lies in one.
///
/// # Errors
/// Class `input`, with the way to name the live files.
pub(crate) fn refuse_table(folder: &Path) -> Result<()> {
    Table::around(folder).map_or(Ok(()), |table| Err(refused(table, folder)))
}

/// The error for a directory whose live files only its log knows.
fn refused(table: Table, folder: &Path) -> Error {
    Error::input(format!(
        "{} is {}: its log ({}) says which files are live, and that is not read; write the paths of the live files to a text file, \
         one a line ({}), and name that as @files.txt",
        folder.display(),
        table.name(),
        table.log(),
        table.lister()
    ))
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<String> =
        path.components().map(|it| it.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}
