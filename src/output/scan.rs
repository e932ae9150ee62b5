//! Opening an output directory: the files that are data (see `found`), their footers, and the order in which they are judged.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::ParquetMetaData;
use rayon::prelude::*;
use reports::document::{FileInfo, PassedOver, Place, Role, WhyPassedOver};
use reports::manifest::{ErrorClass, Manifest};

use super::batches::{guarded, reader_options};
use super::file_list::{self, FileList};
use super::found::Found;
use super::key::{KeyColumn, KeyRule, KeyValue};
use super::{
    FileOrder, FooterDefect, Opening, Output, OutputFile, Unreadable, contradiction, old_footer, reason,
    set_mark,
};
use crate::error::{Error, Result};
use crate::spill::Memory;

impl Output {
    /// Opens what lies under `root`: a directory, read recursively, a single file, or the files of a list (`@FILE`).
    ///
    /// `manifest` is the side's result list. Which files of a directory are read is the rule of `corpora::listing`, whether the
    /// output was `recorded` or not.
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
        Self::open_for(role, root, manifest, Opening { sort_key, ignored: &BTreeMap::new(), recorded })
    }

    /// The same for a comparison that ignores some columns.
    ///
    /// # Errors
    /// As [`Output::open`].
    pub fn open_for(
        role: Role,
        root: &Path,
        manifest: Option<Manifest>,
        opening: Opening<'_>,
    ) -> Result<Self> {
        let Opening { sort_key, ignored, recorded } = opening;
        let list = file_list::named(root).map(|list| FileList::read(&list)).transpose()?;
        let is_dir = list.is_none()
            && std::fs::metadata(root).map_err(|error| Error::io("cannot read", root, error))?.is_dir();
        let (found, folder) = if let Some(list) = list {
            (Found::named(list.files), list.root)
        } else if is_dir {
            (Found::below(root, recorded)?, root.to_owned())
        } else {
            let name = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let found = Found::named(vec![(name, root.to_owned())]);
            let folder = root.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
            (found, folder.to_owned())
        };
        let file_order = match (&manifest, sort_key.is_empty()) {
            (Some(_), _) => FileOrder::Manifest,
            (None, false) => FileOrder::LowestKey,
            (None, true) => FileOrder::Path,
        };
        let named = positions(manifest.as_ref());
        let opened: Vec<Result<(OutputFile, Vec<KeyValue>)>> = found
            .parquet
            .par_iter()
            .map(|(relative, path)| {
                let mut file = OutputFile::open_without(path, relative, ignored)?;
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
        let files = ordered(files);
        let marks = if is_dir { set_mark::of(root, &files)? } else { Vec::new() };
        let mut passed_over = found.passed_over;
        if recorded && is_dir && manifest.is_none() && super::manifest::is_foreign(root)? {
            let path = super::manifest::FILE_NAME.to_owned();
            let why = WhyPassedOver::ForeignManifest;
            passed_over.push(PassedOver { path, why, files: 1, parquet: 0 });
            passed_over.sort_by(|a, b| a.path.cmp(&b.path));
        }
        for entry in &mut passed_over {
            if marks.iter().any(|mark| mark.path == entry.path) {
                entry.why = WhyPassedOver::Bookkeeping;
            }
        }
        Ok(Self {
            role,
            root: folder,
            files,
            unreadable,
            passed_over,
            disguised: found.disguised,
            walked: is_dir,
            manifest,
            file_order,
            marks,
        })
    }

    /// Puts files that are ordered by their lowest key into order again.
    ///
    /// # Errors
    /// Class `io` where a file does not come from the machine. A file that cannot be read comes first: each check reports it.
    pub(super) fn order_by_lowest_key(&mut self, sort_key: &[String]) -> Result<()> {
        if self.file_order != FileOrder::LowestKey {
            return Ok(());
        }
        let keyed = std::mem::take(&mut self.files).into_par_iter().map(|file| {
            let lowest = match lowest_key(&file, sort_key) {
                Err(error) if error.class == ErrorClass::Io => return Err(error),
                lowest => lowest.unwrap_or_default(),
            };
            Ok((file, lowest))
        });
        self.files = ordered(keyed.collect::<Result<Vec<_>>>()?);
        Ok(())
    }

    /// An output without any files, for a side that left nothing that could be opened.
    #[must_use]
    pub fn empty(role: Role, root: &Path) -> Self {
        Self {
            role,
            root: root.to_owned(),
            files: Vec::new(),
            unreadable: Vec::new(),
            passed_over: Vec::new(),
            disguised: Vec::new(),
            walked: false,
            manifest: None,
            file_order: FileOrder::Path,
            marks: Vec::new(),
        }
    }

    /// True where the files are all that `*.parquet` below the root names.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.walked
            && self.files.iter().all(|file| file.info.path.ends_with(".parquet"))
            && self.passed_over.iter().all(|entry| entry.parquet == 0)
    }

    /// Rows of all readable files by their footers.
    #[must_use]
    pub fn rows(&self) -> u64 {
        reports::total(self.files.iter().map(|file| file.info.rows))
    }

    /// Bytes of all readable files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        reports::total(self.files.iter().map(|file| file.info.bytes))
    }
}

/// Files with their lowest keys in judged order.
fn ordered(mut files: Vec<(OutputFile, Vec<KeyValue>)>) -> Vec<OutputFile> {
    files.sort_by(|(a, low_a), (b, low_b)| {
        let index = |file: &OutputFile| file.manifest_index.unwrap_or(usize::MAX);
        index(a).cmp(&index(b)).then_with(|| low_a.cmp(low_b)).then_with(|| a.info.path.cmp(&b.info.path))
    });
    files.into_iter().map(|(file, _)| file).collect()
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

impl OutputFile {
    /// Opens one file: footer, facts for the report, digest of its bytes.
    ///
    /// # Errors
    /// Class `input` where it is no readable Parquet file, class `io` where the machine does not give it back.
    pub fn open(path: &Path, relative: &str) -> Result<Self> {
        Self::open_without(path, relative, &BTreeMap::new())
    }

    /// The same for one who does not read the columns that `ignored` names.
    ///
    /// # Errors
    /// As [`OutputFile::open`].
    pub(crate) fn open_without(
        path: &Path,
        relative: &str,
        ignored: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let (metadata, defects) = read_footer(path)?;
        let metadata = Arc::new(metadata);
        // The Arrow schema is needed for every later look; refuse here what has none.
        let arrow =
            guarded(path, None, || ArrowReaderMetadata::try_new(Arc::clone(&metadata), reader_options()))?;
        if let Some(said) = named_alike(arrow.schema(), ignored) {
            return Err(Error::unreadable(path, said));
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
        Ok(Self {
            info,
            path: path.to_owned(),
            metadata,
            defects,
            partitions: Arc::from([]),
            manifest_index: None,
            memory: Memory::of_process(),
        })
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

/// Two columns of one name that are not ignored, in words. Columns are known by their names: the file does not say which of the two is meant.
fn named_alike(schema: &Schema, ignored: &BTreeMap<String, String>) -> Option<String> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (number, field) in schema.fields().iter().enumerate() {
        let name = field.name().as_str();
        if let Some(before) = first.insert(name, number).filter(|_| !ignored.contains_key(name)) {
            return Some(format!(
                "columns {before} and {number} (counted from 0) are both named {name:?}, and columns are compared by name: write the file \
                 with another name for one of them, or leave both out (--ignore-columns {name:?}=REASON)"
            ));
        }
    }
    None
}

/// Name of a codec without its level. One that is not known stands as LZO in the metadata.
fn codec_name(codec: parquet::basic::Compression) -> String {
    if codec == parquet::basic::Compression::LZO {
        return "lzo or unknown".to_owned();
    }
    let name = format!("{codec:?}");
    name.split('(').next().unwrap_or_default().to_ascii_lowercase()
}

/// Rows of a file whose row groups have a chunk for each column.
fn rows(path: &Path, metadata: &ParquetMetaData) -> Result<u64> {
    let columns = metadata.file_metadata().schema_descr().num_columns();
    if let Some(group) = metadata.row_groups().iter().position(|group| group.num_columns() != columns) {
        let there = metadata.row_group(group).num_columns();
        let message =
            format!("row group {group} has {there} column chunks where the schema has {columns} columns");
        return Err(Error::unreadable(path, message));
    }
    u64::try_from(metadata.file_metadata().num_rows()).map_err(|error| Error::unreadable(path, error))
}

fn read_footer(path: &Path) -> Result<(ParquetMetaData, Vec<FooterDefect>)> {
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
    let (metadata, passed) = guarded(path, None, || {
        corpora::footer::decode(&bytes).or_else(|error| match reason::of_known_codecs(&bytes) {
            Some(bytes) => corpora::footer::decode(&bytes),
            None => Err(error),
        })
    })?;
    old_footer::mended(path, metadata, passed)
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
