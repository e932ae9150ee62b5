//! What a segment is, by its footer: rows, bytes, columns; and whether a set of segments fits a signal.
//!
//! The signal of a segment is decided by data of the definitions, in this order:
//!
//! 1. Its marker: the first value of the marker column of a known signal, where it equals that signal's.
//! 2. Its columns. A segment *fits* a signal when it has every required column in an accepted type, the sort key, the group
//!    key, and all columns of at least one row key. It is of another signal when it does not fit the one that was asked for
//!    and fits another. So log segments that carry a trace id stay log segments, and metric segments, which have
//!    `_cardinalhq.timestamp` too, are told from logs by having neither an id nor a message.
//!
//! A segment that fits nothing is not refused for that: only missing and mistyped required columns are.
//!
//! Cost: one footer per segment, and one value of each marker column that it has.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use crate::error::{Error, Result};
use crate::footer::{guarded, read_metadata};
use crate::regular;
use crate::signal::{ColumnType, Signal};
use crate::signals::Signals;

/// One Parquet file of telemetry rows, by its footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Path as given.
    pub path: PathBuf,
    /// Rows.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Top-level columns in file order.
    pub columns: Vec<ColumnInfo>,
}

/// One top-level column of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Name.
    pub name: String,
    /// Type as signal definitions know it; `None` for a type that they cannot name.
    pub column_type: Option<ColumnType>,
    /// Type in full, for messages.
    pub type_name: String,
    /// Whether values of the type have an order: those of structs, lists, maps and INTERVAL have none.
    pub has_order: bool,
}

impl Segment {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn has(&self, name: &str) -> bool {
        self.column(name).is_some()
    }

    /// Whether column `name` is there in a type that `signal` accepts.
    fn has_accepted(&self, name: &str, signal: &Signal) -> bool {
        let accepted = signal.accepted_types(name);
        self.column(name).and_then(|column| column.column_type).is_some_and(|kind| accepted.contains(&kind))
    }

    /// Whether the segment has all that makes a row of `signal` identifiable.
    fn fits(&self, signal: &Signal) -> bool {
        signal.required.keys().all(|name| self.has_accepted(name, signal))
            && signal.sort_key.iter().chain(&signal.group_key).all(|name| self.has(name))
            && (signal.row_keys.is_empty()
                || signal.row_keys.iter().any(|key| key.iter().all(|name| self.has(name))))
    }
}

/// The outermost frame of a Parquet file.
pub(crate) struct Frame {
    /// Size of the file.
    bytes: u64,
    /// Where the footer begins: column data lie before it.
    data_end: u64,
}

/// Refuses what does not begin and end like a Parquet file, saying which it is: text, empty, cut short.
pub(crate) fn check_magic(path: &Path) -> Result<Frame> {
    const MAGIC: &[u8; 4] = b"PAR1";
    let reading = |error| Error::io("read", path, error);
    let mut file = regular::open(path).map_err(reading)?;
    let bytes = file.metadata().map_err(reading)?.len();
    let shown = path.display();
    if bytes == 0 {
        return Err(Error::input(format!("{shown} is not a Parquet file: it is empty")));
    }
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(12).read_to_end(&mut head).map_err(reading)?;
    if !head.starts_with(MAGIC) {
        if head.starts_with(b"PARE") {
            return Err(Error::input(format!("{shown} has an encrypted footer, which is not supported")));
        }
        return Err(Error::input(format!(
            "{shown} is not a Parquet file: it begins with \"{}\" instead of \"PAR1\"",
            head.escape_ascii()
        )));
    }
    let mut tail = [0; 8];
    if bytes >= 12 {
        file.seek(SeekFrom::End(-8)).map_err(reading)?;
        file.read_exact(&mut tail).map_err(reading)?;
    }
    let [length @ .., p, a, r, one] = tail;
    if &[p, a, r, one] != MAGIC {
        return Err(Error::input(format!(
            "{shown} is cut short: it begins like a Parquet file but its {bytes} bytes do not end with a footer"
        )));
    }
    let footer = u64::from(u32::from_le_bytes(length)) + 8;
    Ok(Frame { bytes, data_end: bytes.saturating_sub(footer) })
}

fn load_metadata(file: &File) -> parquet::errors::Result<ArrowReaderMetadata> {
    let metadata = Arc::new(read_metadata(file)?);
    guarded(|| ArrowReaderMetadata::try_new(metadata, ArrowReaderOptions::new()))
}

/// Reads the footer of the segment at `path`.
///
/// # Errors
/// A file that is missing, not Parquet, cut short or otherwise unreadable ([`crate::ErrorKind::Input`]); reading that fails.
pub fn inspect(path: &Path) -> Result<Segment> {
    let Frame { bytes, data_end } = check_magic(path)?;
    let file = regular::open(path).map_err(|error| Error::io("open", path, error))?;
    let loaded = load_metadata(&file).map_err(|error| Error::unreadable(path, error))?;
    let footer = loaded.metadata();
    for (group, row_group) in footer.row_groups().iter().enumerate() {
        for chunk in row_group.columns() {
            let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let end = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
            if end.and_then(|(start, length)| start.checked_add(length)).is_none_or(|end| end > data_end) {
                return Err(Error::input(format!(
                    "{} is damaged: row group {group}, column {} does not lie before the footer, which begins at byte {data_end}",
                    path.display(),
                    chunk.column_path().string()
                )));
            }
        }
    }
    let columns = (loaded.schema().fields().iter())
        .map(|field| ColumnInfo {
            name: field.name().clone(),
            column_type: column_type(field.data_type()),
            type_name: type_name(field.data_type()),
            has_order: has_order(field.data_type()),
        })
        .collect();
    // Readers go by the row groups: old writers state another number for the file.
    let rows = footer.row_groups().iter().try_fold(0_u64, |sum, group| {
        u64::try_from(group.num_rows()).ok().and_then(|rows| sum.checked_add(rows))
    });
    let rows = rows.ok_or_else(|| {
        Error::input(format!(
            "{} is damaged: the numbers of rows that its footer states for the row groups are impossible",
            path.display()
        ))
    })?;
    Ok(Segment { path: path.to_owned(), rows, bytes, columns })
}

/// Reads the footers of `paths`, in order.
///
/// # Errors
/// As [`inspect`], for the first path that fails; footers that together state more rows or bytes than 64 bits count.
pub fn inspect_all(paths: &[PathBuf]) -> Result<Vec<Segment>> {
    let (mut rows, mut bytes) = (0_u64, 0_u64);
    let mut segments = Vec::with_capacity(paths.len());
    for path in paths {
        let segment = inspect(path)?;
        let sums = rows.checked_add(segment.rows).zip(bytes.checked_add(segment.bytes));
        (rows, bytes) = sums.ok_or_else(|| {
            let path = path.display();
            Error::input(format!(
                "{path} is damaged: its footer states {} rows, and with those of the segments before it that is more than 64 bits count",
                segment.rows
            ))
        })?;
        segments.push(segment);
    }
    Ok(segments)
}

/// Rows of all segments; one that occurs more than once counts as often.
#[must_use]
pub fn rows_of(segments: &[Segment]) -> u64 {
    segments.iter().fold(0, |rows, segment| rows.saturating_add(segment.rows))
}

fn column_type(data_type: &DataType) -> Option<ColumnType> {
    match data_type {
        DataType::Int64 => Some(ColumnType::Int64),
        DataType::Float64 => Some(ColumnType::Float64),
        DataType::Boolean => Some(ColumnType::Boolean),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(ColumnType::String),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Some(ColumnType::Binary),
        DataType::Dictionary(_, values) => column_type(values),
        _ => None,
    }
}

/// Whether values of a type have an order by which rows can be sorted.
#[must_use]
pub fn has_order(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => has_order(values),
        DataType::RunEndEncoded(_, values) => has_order(values.data_type()),
        DataType::Interval(_) | DataType::Map(..) | DataType::Struct(_) | DataType::Union(..) => false,
        other => !matches!(
            other,
            DataType::List(_)
                | DataType::LargeList(_)
                | DataType::FixedSizeList(..)
                | DataType::ListView(_)
                | DataType::LargeListView(_)
        ),
    }
}

fn type_name(data_type: &DataType) -> String {
    column_type(data_type).map_or_else(|| data_type.to_string(), |kind| kind.to_string())
}

/// Checks that `segments`, the inputs of one job, are of `signal`; `signals` are the known ones.
///
/// # Errors
/// All [`crate::ErrorKind::Input`]: segments of another signal, a required column in a type that the signal does not
/// accept (both name the files), a required column that no segment has; or a segment whose marker cannot be read.
/// No segments at all is no error here.
pub fn check_signal(segments: &[Segment], signal: &Signal, signals: &Signals) -> Result<()> {
    let mut others: Vec<String> = Vec::new();
    for segment in segments {
        if let Some((other, why)) = other_signal(segment, signal, signals)? {
            others.push(format!("{} looks like {other} ({why})", segment.path.display()));
        }
    }
    if !others.is_empty() {
        let (own, all) = (others.len(), segments.len());
        let what = if own == all { "wrong signal" } else { "mixed signals" };
        return Err(Error::input(format!(
            "{what}: {own} of {all} segments are not {name}: {list}; keep each signal in a directory of its own, or choose with --signal",
            name = signal.name,
            list = shortened(&others),
        )));
    }
    for (name, kind) in &signal.required {
        let mistyped: Vec<String> = segments
            .iter()
            .filter(|segment| segment.has(name) && !segment.has_accepted(name, signal))
            .map(|segment| {
                let found = segment.column(name).map_or("", |column| &column.type_name);
                format!("{} has {found}", segment.path.display())
            })
            .collect();
        if !mistyped.is_empty() {
            let accepted = signal.accepted_types(name);
            let accepted = accepted.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or ");
            return Err(Error::input(format!(
                "column {name} must be {accepted} for signal {}: {}",
                signal.name,
                shortened(&mistyped)
            )));
        }
        if !segments.is_empty() && !segments.iter().any(|segment| segment.has(name)) {
            let first =
                segments.first().map(|segment| segment.path.display().to_string()).unwrap_or_default();
            return Err(Error::input(format!(
                "required column {name} ({kind}) of signal {} is in none of the {} segments, {first} the first; \
                 if it has another name here, rename it in the signal definition",
                signal.name,
                segments.len()
            )));
        }
    }
    Ok(())
}

/// The signal that `segment` belongs to instead of `signal`, and why; `None` where it may belong to `signal`.
fn other_signal(segment: &Segment, signal: &Signal, signals: &Signals) -> Result<Option<(String, String)>> {
    let others = || signals.iter().filter(|other| other.name != signal.name);
    let markers: BTreeSet<&str> = (signals.iter().map(AsRef::as_ref).chain([signal]))
        .filter_map(|known| known.marker.as_ref())
        .map(|marker| marker.column.as_str())
        .filter(|name| segment.column(name).is_some_and(|c| c.column_type == Some(ColumnType::String)))
        .collect();
    for column in markers {
        let Some(value) = first_text(segment, column)? else { continue };
        let says =
            |known: &Signal| known.marker.as_ref().is_some_and(|m| m.column == column && m.value == value);
        if says(signal) {
            return Ok(None);
        }
        if let Some(other) = others().find(|other| says(other)) {
            return Ok(Some((other.name.clone(), format!("column {column} says \"{value}\""))));
        }
    }
    if segment.fits(signal) {
        return Ok(None);
    }
    let Some(other) = others().filter(|other| segment.fits(other)).max_by_key(|other| other.columns().len())
    else {
        return Ok(None);
    };
    let key = other.row_keys.first().unwrap_or(&other.sort_key).join(", ");
    Ok(Some((other.name.clone(), format!("it has {key}"))))
}

/// The first value of a text column; `None` where there are no rows or the value is null.
fn first_text(segment: &Segment, column: &str) -> Result<Option<String>> {
    let path = &segment.path;
    let Some(root) = segment.columns.iter().position(|known| known.name == column) else {
        return Ok(None);
    };
    let unreadable = |error| Error::unreadable(path, error);
    let file = regular::open(path).map_err(|error| Error::io("open", path, error))?;
    let metadata = load_metadata(&file).map_err(unreadable)?;
    let text = guarded(|| {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), [root]);
        let mut reader = builder.with_projection(mask).with_batch_size(1).with_limit(1).build()?;
        let Some(batch) = reader.next().transpose()? else { return Ok(None) };
        Ok(Some(arrow::compute::cast(batch.column(0), &DataType::Utf8)?))
    });
    let Some(text) = text.map_err(unreadable)? else { return Ok(None) };
    let text = text.as_string::<i32>();
    Ok((text.len() > 0 && text.is_valid(0)).then(|| text.value(0).to_owned()))
}

/// At most five of the items, and how many more there are.
fn shortened(items: &[String]) -> String {
    let shown = items.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("; ");
    if items.len() > 5 { format!("{shown}; and {} more", items.len() - 5) } else { shown }
}

#[cfg(test)]
mod tests;
