//! Opening an output directory: which files lie in it, which of them are Parquet, and in which order they are judged.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::ParquetMetaData;
use rayon::prelude::*;
use reports::document::{FileInfo, Place, Role};
use reports::manifest::{ErrorClass, Manifest};

use super::batches::{guarded, reader_options};
use super::key::{KeyColumn, KeyRule, KeyValue};
use super::{
    Disguised, FileOrder, Output, OutputFile, Unreadable, contradiction, manifest, reason, set_mark,
};
use crate::errno;
use crate::error::{Error, Result};
use crate::spill::Memory;

impl Output {
    /// Opens what lies under `root`: a directory, read recursively, or a single file.
    ///
    /// `manifest` is the side's result list; `sort_key` orders the files where there is none (by their lowest key, taken
    /// from the rows and not from statistics). In a `recorded` output, files and folders whose names begin with `_` or `.` are
    /// left out.
    ///
    /// A file that is no readable Parquet file is listed in [`Output::unreadable`], it is no error. So is a file that this user may not
    /// read, where the side ran: it left the file so. In a recorded output that is an error, as the user may be the wrong one.
    /// Symbolic links are followed, loops are left.
    ///
    /// # Errors
    /// Class `input` where `root` does not exist, class `io` where it or a file in it does not come from the machine.
    pub fn open(
        role: Role,
        root: &Path,
        manifest: Option<Manifest>,
        sort_key: &[String],
        recorded: bool,
    ) -> Result<Self> {
        let meta = std::fs::metadata(root).map_err(|error| Error::io("cannot read", root, error))?;
        let mut found = Found::default();
        let folder = if meta.is_dir() {
            found.walk(root, recorded)?;
            found.sort_folders();
            root.to_owned()
        } else {
            let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.parquet.push((name, root.to_owned()));
            root.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
        };
        let file_order = match (&manifest, sort_key.is_empty()) {
            (Some(_), _) => FileOrder::Manifest,
            (None, false) => FileOrder::LowestKey,
            (None, true) => FileOrder::Path,
        };
        found.parquet.sort();
        found.others.sort();
        let named = positions(manifest.as_ref());
        let opened: Vec<Result<(OutputFile, Vec<KeyValue>)>> = found
            .parquet
            .par_iter()
            .map(|(relative, path)| {
                let mut file = OutputFile::open(path, relative)?;
                file.manifest_index = named.get(relative.as_str()).copied();
                let lowest = if file_order == FileOrder::LowestKey {
                    lowest_key(&file, sort_key)?
                } else {
                    Vec::new()
                };
                Ok((file, lowest))
            })
            .collect();
        let mut files = Vec::new();
        let mut unreadable = found.unreadable;
        for ((relative, _), file) in found.parquet.iter().zip(opened) {
            match file {
                Ok(file) => files.push(file),
                Err(error) if error.class == ErrorClass::Io => return Err(error),
                Err(error) if recorded && error.is_denied() => {
                    return Err(Error { class: ErrorClass::Io, ..error });
                }
                Err(error) => {
                    // The limit on memory is no property of the file.
                    let limited = error.class == ErrorClass::Usage
                        || error.source.as_deref().is_some_and(|source| source.is::<BeyondLimit>());
                    unreadable.push(Unreadable { path: relative.clone(), reason: error.message, limited });
                }
            }
        }
        unreadable.sort_by(|a, b| a.path.cmp(&b.path));
        files.sort_by(|(a, low_a), (b, low_b)| {
            let index = |file: &OutputFile| file.manifest_index.unwrap_or(usize::MAX);
            index(a).cmp(&index(b)).then_with(|| low_a.cmp(low_b)).then_with(|| a.info.path.cmp(&b.info.path))
        });
        let files: Vec<OutputFile> = files.into_iter().map(|(file, _)| file).collect();
        let marks = if meta.is_dir() { set_mark::of(root, &files)? } else { Vec::new() };
        let mut others = found.others;
        others.retain(|other| marks.iter().all(|mark| mark.path != *other));
        Ok(Self {
            role,
            root: folder,
            files,
            unreadable,
            others,
            disguised: found.disguised,
            manifest,
            file_order,
            marks,
        })
    }

    /// An output without any files, for a side that left nothing that could be opened.
    #[must_use]
    pub fn empty(role: Role, root: &Path) -> Self {
        Self {
            role,
            root: root.to_owned(),
            files: Vec::new(),
            unreadable: Vec::new(),
            others: Vec::new(),
            disguised: Vec::new(),
            manifest: None,
            file_order: FileOrder::Path,
            marks: Vec::new(),
        }
    }

    /// Rows of all readable files by their footers.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.info.rows).sum()
    }

    /// Bytes of all readable files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.info.bytes).sum()
    }
}

/// Position of each path in the manifest; the first entry counts where a path is named twice.
fn positions(manifest: Option<&Manifest>) -> HashMap<String, usize> {
    let mut positions = HashMap::new();
    for (index, file) in manifest.iter().flat_map(|it| &it.files).enumerate() {
        positions.entry(file.path.clone()).or_insert(index);
    }
    positions
}

/// A limit of this program was reached: the file may be sound.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BeyondLimit(String);

/// Entries of an output at most: links that lead to directories with links lead to more than there is.
const MOST_ENTRIES: u64 = 2_000_000;

#[derive(Default)]
struct Found {
    entries: u64,
    folders: Vec<String>,
    disguised: Vec<Disguised>,
    parquet: Vec<(String, PathBuf)>,
    others: Vec<String>,
    unreadable: Vec<Unreadable>,
}

impl Found {
    fn walk(&mut self, root: &Path, recorded: bool) -> Result<()> {
        let entries =
            walkdir::WalkDir::new(root).follow_links(true).min_depth(1).into_iter().filter_entry(|entry| {
                let name = entry.file_name().to_string_lossy();
                !(recorded && entry.depth() > 0 && (name.starts_with('_') || name.starts_with('.')))
            });
        for entry in entries {
            match entry {
                Ok(_) if self.entries == MOST_ENTRIES => {
                    let reason = format!("more than {MOST_ENTRIES} files are reached, through links perhaps");
                    self.unreadable.push(Unreadable { path: String::new(), reason, limited: true });
                    return Ok(());
                }
                Ok(entry) if entry.file_type().is_dir() => {
                    self.entries += 1;
                    if is_parquet(entry.path()) {
                        self.folders.push(relative(root, entry.path()));
                    }
                }
                Ok(entry) => {
                    self.entries += 1;
                    let relative = relative(root, entry.path());
                    if entry.path_is_symlink() && is_parquet(entry.path()) {
                        self.disguised.push(Disguised { path: relative.clone(), kind: "a link" });
                    }
                    if let Some(kind) = corpora::regular::special(entry.file_type()) {
                        // Never opened: that could block for ever.
                        if is_parquet(entry.path()) {
                            let reason = format!("it is {kind}, not a regular file");
                            self.unreadable.push(Unreadable { path: relative, reason, limited: false });
                        } else {
                            self.others.push(relative);
                        }
                    } else if is_parquet(entry.path()) {
                        self.parquet.push((relative, entry.into_path()));
                    } else if relative != manifest::FILE_NAME {
                        self.others.push(relative);
                    }
                }
                // A link that leads back up: what it leads to is read where it lies.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => self.refused(root, recorded, error)?,
            }
        }
        Ok(())
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

    fn refused(&mut self, root: &Path, recorded: bool, error: walkdir::Error) -> Result<()> {
        let path = error.path().unwrap_or(root);
        let relative = relative(root, path);
        if recorded && relative.split('/').any(|part| part.starts_with('_') || part.starts_with('.')) {
            return Ok(());
        }
        if errno::in_chain(&error) || (recorded && errno::denied(&error)) {
            let message = format!("cannot read the output {}: {error}", root.display());
            return Err(Error::new(ErrorClass::Io, message).with_source(error));
        }
        let dangling = error.io_error().is_some_and(|it| it.kind() == std::io::ErrorKind::NotFound);
        if dangling && !is_parquet(path) {
            self.others.push(relative);
        } else {
            self.unreadable.push(Unreadable { path: relative, reason: error.to_string(), limited: false });
        }
        Ok(())
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|it| it.eq_ignore_ascii_case("parquet"))
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<String> =
        path.components().map(|it| it.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

impl OutputFile {
    /// Opens one file: footer, facts for the report, digest of its bytes.
    ///
    /// # Errors
    /// Class `input` where it is no readable Parquet file, class `io` where the machine does not give it back.
    pub fn open(path: &Path, relative: &str) -> Result<Self> {
        let metadata = Arc::new(read_footer(path)?);
        // The Arrow schema is needed for every later look; refuse here what has none.
        let arrow =
            guarded(path, None, || ArrowReaderMetadata::try_new(Arc::clone(&metadata), reader_options()))?;
        let mut names: Vec<&str> = arrow.schema().fields().iter().map(|it| it.name().as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::unreadable(path, format!("two columns are named {:?}", twice[0])));
        }
        contradiction::in_footer(path, &metadata)?;
        let (digest, bytes) = digest(path)?;
        let file = metadata.file_metadata();
        let mut codecs: Vec<String> = metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns())
            .map(|chunk| codec_name(chunk.compression()))
            .collect();
        codecs.sort_unstable();
        codecs.dedup();
        let info = FileInfo {
            path: relative.to_owned(),
            rows: rows(path, &metadata)?,
            bytes,
            row_groups: metadata.num_row_groups() as u64,
            columns: file.schema_descr().num_columns() as u64,
            codecs,
            created_by: file.created_by().map(str::to_owned),
            digest,
        };
        Ok(Self { info, path: path.to_owned(), metadata, manifest_index: None, memory: Memory::of_process() })
    }
}

impl OutputFile {
    /// The place of a row, counted from 0 within the file.
    #[must_use]
    pub fn place(&self, row: u64) -> Place {
        let mut end = 0_u64;
        let row_group = self.metadata.row_groups().iter().position(|group| {
            end = end.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
            row < end
        });
        Place {
            file: Some(self.info.path.clone()),
            row_group: row_group.map(|it| it as u64),
            column: None,
            row: Some(row),
        }
    }
}

/// Name of a codec without its level. One that is not known stands as LZO in the metadata.
fn codec_name(codec: parquet::basic::Compression) -> String {
    if codec == parquet::basic::Compression::LZO {
        return "lzo or unknown".to_owned();
    }
    let name = format!("{codec:?}");
    name.split('(').next().unwrap_or_default().to_ascii_lowercase()
}

/// Rows by the footer, which must agree with its own row groups.
fn rows(path: &Path, metadata: &ParquetMetaData) -> Result<u64> {
    let stated = metadata.file_metadata().num_rows();
    let groups: i128 = metadata.row_groups().iter().map(|group| i128::from(group.num_rows())).sum();
    if metadata.row_groups().iter().any(|group| group.num_rows() < 0) || i128::from(stated) != groups {
        let message = format!("the footer says {stated} rows, its row groups {groups}");
        return Err(Error::unreadable(path, message));
    }
    let columns = metadata.file_metadata().schema_descr().num_columns();
    if let Some(group) = metadata.row_groups().iter().position(|group| group.num_columns() != columns) {
        let there = metadata.row_group(group).num_columns();
        let message =
            format!("row group {group} has {there} column chunks where the schema has {columns} columns");
        return Err(Error::unreadable(path, message));
    }
    u64::try_from(stated).map_err(|error| Error::unreadable(path, error))
}

fn read_footer(path: &Path) -> Result<ParquetMetaData> {
    let unreadable = |what: String| Error::unreadable(path, what);
    let unread = |error: std::io::Error| Error::unreadable(path, error);
    let mut file = corpora::regular::open(path).map_err(unread)?;
    let length = file.metadata().map_err(unread)?.len();
    if length < 12 {
        return Err(unreadable(format!("{length} bytes are too few")));
    }
    let mut tail = [0_u8; 8];
    file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut tail)).map_err(unread)?;
    if &tail[4..] == b"PARE" {
        return Err(unreadable("its footer is encrypted".to_owned()));
    }
    if &tail[4..] != b"PAR1" {
        return Err(unreadable("it does not end in PAR1".to_owned()));
    }
    let footer_length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if footer_length > length - 12 {
        return Err(unreadable(format!(
            "it announces a footer of {footer_length} bytes in a file of {length}"
        )));
    }
    let mut bytes =
        vec![0_u8; usize::try_from(footer_length).map_err(|error| unreadable(error.to_string()))?];
    file.seek(SeekFrom::Start(length - 8 - footer_length))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(unread)?;
    if let Some(said) = corpora::footer::beyond_nesting(&bytes) {
        return Err(unreadable(said.clone()).with_source(BeyondLimit(said)));
    }
    guarded(path, None, || {
        corpora::footer::decode_metadata(&bytes).or_else(|error| match reason::of_known_codecs(&bytes) {
            Some(bytes) => corpora::footer::decode_metadata(&bytes),
            None => Err(error),
        })
    })
}

/// BLAKE3 over the bytes of a file, hexadecimal, and their number.
fn digest(path: &Path) -> Result<(String, u64)> {
    let file = corpora::regular::open(path).map_err(|error| Error::unreadable(path, error))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(|error| Error::unreadable(path, error))?;
    Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
}

/// Lowest sort key of a file, from its rows. Empty for a file without rows, which comes first.
fn lowest_key(file: &OutputFile, sort_key: &[String]) -> Result<Vec<KeyValue>> {
    let mut lowest: Option<Vec<KeyValue>> = None;
    for located in file.batches(Some(sort_key), 0)? {
        let batch = located?.batch;
        let columns: Vec<KeyColumn> =
            sort_key.iter().map(|name| KeyColumn::new(&batch, name, KeyRule::AsStored)).collect();
        for row in 0..batch.num_rows() {
            let first = columns.first().map(|column| column.value(row));
            if let (Some(first), Some(lowest)) = (&first, &lowest)
                && lowest.first().is_some_and(|it| it < first)
            {
                continue;
            }
            let key: Vec<KeyValue> = columns.iter().map(|column| column.value(row)).collect();
            if lowest.as_ref().is_none_or(|lowest| key < *lowest) {
                lowest = Some(key);
            }
        }
    }
    Ok(lowest.unwrap_or_default())
}
