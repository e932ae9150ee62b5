//! Which files below a directory are data: the one rule for inputs and for outputs.
//!
//! 1. A directory `key=value` is descended into, whatever it begins with; so is every other directory whose name begins neither
//!    with `_` nor with `.`.
//! 2. `_SUCCESS`, `_committed_*`, `_started_*`, `_metadata`, `_common_metadata` and `*.crc` are never data: marks and checksums
//!    that writers of other engines leave.
//! 3. `_temporary/` and names that begin with `.` are never data either: work in progress.
//! 4. Any other name that begins with `_` and has no `=` is passed over, as Spark, Hive, Trino and PyArrow do.
//! 5. What is left is data where its name ends in `.parquet`, or where its first or last four bytes are the magic of Parquet,
//!    whatever its name: `.parq`, `.PARQUET`, Hive's `000000_0`. So a file that was cut short is data that cannot be read,
//!    and not some other file.
//!
//! A file that is known by its bytes alone and is, through a link, another one of the directory is not read twice ([`repeated`]).
//!
//! The name of the directory that was asked for plays no part, and a file that somebody names is taken as it is.
//!
//! Tables of Delta Lake, Iceberg and Hudi are recognised by their logs ([`Table`]): which of their files are live stands there.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::regular;

/// What the name of an entry says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Nothing: a file is data where its bytes say so, a directory is descended into.
    Plain,
    /// A mark or a checksum of its writer. Never data, and meant to stay.
    Bookkeeping,
    /// Work in progress. Never data, and not meant to stay.
    Temporary,
    /// Another name that readers of directories pass over.
    Hidden,
}

impl Name {
    /// Of an entry in a directory.
    #[must_use]
    pub fn of(name: &OsStr, directory: bool) -> Self {
        let bytes = name.as_encoded_bytes();
        if directory && is_partition(name) {
            return Self::Plain;
        }
        if !directory && is_bookkeeping(bytes) {
            return Self::Bookkeeping;
        }
        match bytes.first() {
            Some(b'.') => Self::Temporary,
            Some(b'_') if directory && bytes == b"_temporary" => Self::Temporary,
            Some(b'_') if !bytes.contains(&b'=') => Self::Hidden,
            _ => Self::Plain,
        }
    }
}

/// True for the name of a partition folder: `key=value` with a key.
#[must_use]
pub fn is_partition(name: &OsStr) -> bool {
    name.as_encoded_bytes().iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0)
}

fn is_bookkeeping(name: &[u8]) -> bool {
    matches!(name, b"_SUCCESS" | b"_metadata" | b"_common_metadata")
        || name.starts_with(b"_committed_")
        || name.starts_with(b"_started_")
        || name.ends_with(b".crc")
}

/// True for a name that ends in `.parquet`, in letters of either case.
#[must_use]
pub fn is_parquet_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

/// What the first and last bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Magic {
    /// The magic of Parquet at both ends, and room for a footer between them.
    Whole,
    /// The magic at one end: a Parquet file that was cut short or damaged.
    Part,
    /// Another file.
    Absent,
}

impl Magic {
    /// Of a regular file, by eight of its bytes.
    ///
    /// # Errors
    /// Where the file cannot be opened or read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut file = regular::open(path)?;
        let bytes = file.metadata()?.len();
        if bytes < 4 {
            return Ok(Self::Absent);
        }
        let head = four(&mut file, SeekFrom::Start(0))?;
        let tail = four(&mut file, SeekFrom::End(-4))?;
        Ok(match (head, tail) {
            (true, true) if bytes >= 12 => Self::Whole,
            (false, false) => Self::Absent,
            _ => Self::Part,
        })
    }
}

/// True where the four bytes at a place are the magic of Parquet, or of Parquet with an encrypted footer.
fn four(file: &mut File, place: SeekFrom) -> io::Result<bool> {
    let mut bytes = [0; 4];
    file.seek(place)?;
    file.read_exact(&mut bytes)?;
    Ok(matches!(&bytes, b"PAR1" | b"PARE"))
}

/// True for a file that is data by rule 5: by its name, or else by its bytes.
///
/// # Errors
/// Where the bytes are needed and cannot be read.
pub fn is_data(path: &Path) -> io::Result<bool> {
    Ok(is_parquet_name(path) || Magic::of(path)? != Magic::Absent)
}

/// Which of the data files are another one of them, reached through a link, and known by their bytes alone: `latest` beside the
/// `a.parquet` that it leads to, or `data/1` beside the link `a.parquet` that leads to it. Their rows would count twice. Of the files
/// named `*.parquet` none is left out, and of several others the one that is no link stays.
#[must_use]
pub fn repeated(files: &[&Path]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|&index| (!is_parquet_name(files[index]), files[index].is_symlink(), files[index]));
    let mut seen = BTreeSet::new();
    let mut repeated = vec![false; files.len()];
    for index in order {
        // What cannot be followed is no repetition; opening it says why.
        let Ok(whole) = files[index].canonicalize() else { continue };
        repeated[index] = !seen.insert(whole) && !is_parquet_name(files[index]);
    }
    repeated
}

/// A format of tables whose log says which files are live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Delta Lake: `_delta_log/`.
    Delta,
    /// Apache Iceberg: `metadata/*.metadata.json` beside `data/`.
    Iceberg,
    /// Apache Hudi: `.hoodie/`, and `.hoodie_partition_metadata` in partitions.
    Hudi,
}

impl Table {
    /// The table that an entry marks its directory as, where it does.
    #[must_use]
    pub fn marked_by(entry: &Path) -> Option<Self> {
        match entry.file_name()?.as_encoded_bytes() {
            b"_delta_log" if entry.is_dir() => Some(Self::Delta),
            b".hoodie" if entry.is_dir() => Some(Self::Hudi),
            b".hoodie_partition_metadata" if entry.is_file() => Some(Self::Hudi),
            b"metadata" if entry.with_file_name("data").is_dir() && holds_iceberg(entry) => {
                Some(Self::Iceberg)
            }
            _ => None,
        }
    }

    /// The table that a directory is, or whose data it holds: looked at are the directory and, above partition folders and
    /// a folder `data`, the directories that hold it.
    #[must_use]
    pub fn around(folder: &Path) -> Option<Self> {
        let whole = folder.canonicalize().ok()?;
        for folder in whole.ancestors() {
            let marks = ["_delta_log", ".hoodie", ".hoodie_partition_metadata", "metadata"];
            if let Some(table) = marks.iter().find_map(|mark| Self::marked_by(&folder.join(mark))) {
                return Some(table);
            }
            if !folder.file_name().is_some_and(|name| name == "data" || is_partition(name)) {
                return None;
            }
        }
        None
    }

    /// Its name with an article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delta => "a Delta Lake table",
            Self::Iceberg => "an Iceberg table",
            Self::Hudi => "a Hudi table",
        }
    }

    /// Where it says which files are live.
    #[must_use]
    pub fn log(self) -> &'static str {
        match self {
            Self::Delta => "_delta_log",
            Self::Iceberg => "metadata",
            Self::Hudi => ".hoodie",
        }
    }

    /// What lists the live files, in words that follow "the live files are those of".
    #[must_use]
    pub fn lister(self) -> &'static str {
        match self {
            Self::Delta => "DeltaTable(..).file_uris() in Python, or df.inputFiles in Spark",
            Self::Iceberg => "SELECT file_path FROM <table>.files",
            Self::Hudi => "df.inputFiles in Spark",
        }
    }
}

fn holds_iceberg(metadata: &Path) -> bool {
    let is_version = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.ends_with(b".metadata.json") || name.ends_with(b".metadata.json.gz")
    };
    fs::read_dir(metadata).into_iter().flatten().flatten().any(|entry| is_version(&entry.file_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_what_engines_make_of_them() {
        use Name::{Bookkeeping, Hidden, Plain, Temporary};
        for (name, directory, is) in [
            ("part-0.parquet", false, Plain),
            ("000000_0", false, Plain),
            ("_SUCCESS", false, Bookkeeping),
            ("_committed_123", false, Bookkeeping),
            ("_started_123", false, Bookkeeping),
            ("_metadata", false, Bookkeeping),
            ("_common_metadata", false, Bookkeeping),
            (".part-0.parquet.crc", false, Bookkeeping),
            ("part-0.crc", false, Bookkeeping),
            ("_temporary", true, Temporary),
            ("_temporary", false, Hidden),
            (".part-0.parquet.swp", false, Temporary),
            (".hive-staging_1", true, Temporary),
            ("_old", true, Hidden),
            ("_SUCCESS", true, Hidden),
            ("_part-0.parquet", false, Hidden),
            ("_region=eu", true, Plain),
            ("_region=eu", false, Plain),
            ("_cardinalhq.customer_id=7", true, Plain),
            (".hour=1", true, Plain),
            ("=", true, Plain),
            ("_=1", true, Plain),
        ] {
            assert_eq!(Name::of(OsStr::new(name), directory), is, "{name}");
        }
        assert!(!is_partition(OsStr::new("=eu")) && is_partition(OsStr::new("a=")));
    }

    #[test]
    fn parquet_is_known_by_its_bytes_whatever_its_name_and_also_where_one_end_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000000_0");
        for (bytes, is) in [
            (&b"PAR1....PAR1"[..], Magic::Whole),
            (b"PARE....PARE", Magic::Whole),
            (b"PAR1..PAR1", Magic::Part),
            (b"PAR1 and then nothing more", Magic::Part),
            (b"its head is gone PAR1", Magic::Part),
            (b"PAR1", Magic::Part),
            (b"PAR", Magic::Absent),
            (b"", Magic::Absent),
            (b"a text that names PAR1 in its middle", Magic::Absent),
        ] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(Magic::of(&path).unwrap(), is, "{}", bytes.escape_ascii());
            assert_eq!(is_data(&path).unwrap(), is != Magic::Absent);
        }
        assert!(is_data(&folder.path().join("not-there.PARQUET")).unwrap(), "by its name alone");
        assert!(is_data(&folder.path().join("not-there.parq")).is_err());
    }

    #[test]
    fn a_link_and_what_it_leads_to_are_one_file_unless_both_are_named_parquet() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.parquet", "data", "other", "z"] {
            fs::write(at(name), "PAR1....PAR1").unwrap();
        }
        for (target, link) in [
            ("a.parquet", "latest"),
            ("data", "b.parquet"),
            ("other", "link"),
            ("a.parquet", "c.parquet"),
            ("nothing", "gone"),
        ] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        let names = ["a.parquet", "b.parquet", "c.parquet", "data", "gone", "latest", "link", "other", "z"];
        let paths = names.map(at);
        let found = repeated(&paths.each_ref().map(std::path::PathBuf::as_path));
        let left: Vec<&str> = names.into_iter().zip(found).filter(|it| it.1).map(|it| it.0).collect();
        assert_eq!(left, ["data", "latest", "link"]);
    }

    #[test]
    fn tables_are_recognised_also_from_within_their_partitions_and_their_data() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in [
            "delta/_delta_log",
            "delta/a=1/b=2",
            "delta/plain",
            "hudi/.hoodie",
            "iceberg/metadata",
            "iceberg/data/a=1",
            "none/metadata",
            "none/data",
            "alone/metadata",
            "hudi-partition/2024",
        ] {
            fs::create_dir_all(at(path)).unwrap();
        }
        fs::write(at("iceberg/metadata/v1.metadata.json"), "{}").unwrap();
        fs::write(at("none/metadata/notes.json"), "{}").unwrap();
        fs::write(at("alone/metadata/v1.metadata.json"), "{}").unwrap();
        fs::write(at("hudi-partition/2024/.hoodie_partition_metadata"), "").unwrap();
        for (path, is) in [
            ("delta", Some(Table::Delta)),
            ("delta/a=1/b=2", Some(Table::Delta)),
            ("delta/plain", None),
            ("hudi", Some(Table::Hudi)),
            ("hudi-partition/2024", Some(Table::Hudi)),
            ("iceberg", Some(Table::Iceberg)),
            ("iceberg/data", Some(Table::Iceberg)),
            ("iceberg/data/a=1", Some(Table::Iceberg)),
            ("none", None),
            ("none/data", None),
            ("alone", None),
            ("not-there", None),
        ] {
            assert_eq!(Table::around(&at(path)), is, "{path}");
        }
    }
}
