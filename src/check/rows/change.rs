//! What kind of change turned one value into another, and values as text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int64Type, TimeUnit,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use reports::evidence::Value;

use crate::check::Tolerance;
use crate::digest::TypeClass;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};
use crate::output::stored::{NOT_UTF8, instant, is_int96, leaves};

/// Longest text of a value in a report, in bytes.
const MAX_TEXT: usize = 2_048;

/// Longest text of a value in the file of differences, in bytes.
const MAX_WHOLE: usize = 1 << 20;

/// Bytes up to which letters are compared without case word by word: the case of a letter may depend on its place in the word.
const MAX_WORDS: usize = 65_536;

/// A value: its column and its row there; `None` for null.
pub(super) type Slot<'a> = Option<(&'a ArrayRef, usize)>;

/// The kind of change from `a` to `b`, which are known to differ.
pub(super) fn kind(a: Slot<'_>, b: Slot<'_>) -> &'static str {
    let (a, b) = match (a, b) {
        (None, Some(b)) => return if is_empty(b) { "null-to-empty" } else { "null-to-value" },
        (Some(a), None) => return if is_empty(a) { "empty-to-null" } else { "value-to-null" },
        (None, None) => return "value",
        (Some(a), Some(b)) => (a, b),
    };
    if TypeClass::of(a.0.data_type()) != TypeClass::of(b.0.data_type()) {
        return "type";
    }
    if let (Some(a), Some(b)) = (bytes(a), bytes(b)) {
        return text_kind(a, b);
    }
    if let (Some(a), Some(b)) = (float(a), float(b)) {
        return if rounded(a, b) { "rounded" } else { "value" };
    }
    let is_time = matches!(TypeClass::of(a.0.data_type()), TypeClass::Timestamp { .. });
    if let (true, Some(a), Some(b)) = (is_time, int(a), int(b)) {
        let coarser =
            [1_000, 1_000_000, 1_000_000_000].iter().any(|step| b % step == 0 && (a - b).abs() < *step);
        return if coarser { "rounded" } else { "value" };
    }
    "value"
}

fn text_kind(a: &[u8], b: &[u8]) -> &'static str {
    if a.starts_with(b) {
        return "truncated";
    }
    if b.starts_with(a) {
        return "extended";
    }
    let (Ok(a), Ok(b)) = (std::str::from_utf8(a), std::str::from_utf8(b)) else { return "value" };
    let same = if a.len().max(b.len()) <= MAX_WORDS {
        a.to_lowercase() == b.to_lowercase()
    } else {
        a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
    };
    if same {
        return "case";
    }
    if a.split_whitespace().eq(b.split_whitespace())
        || a.chars().filter(|it| !it.is_whitespace()).eq(b.chars().filter(|it| !it.is_whitespace()))
    {
        return "whitespace";
    }
    "value"
}

/// Whether `b` is `a` with fewer digits: to single precision, or to some number of decimal places.
fn rounded(a: f64, b: f64) -> bool {
    if !a.is_finite() || !b.is_finite() {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the loss is what is asked about")]
    let single = f64::from(a as f32);
    if single == b {
        return true;
    }
    let close = (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
    close
        || (0..=15).any(|places| {
            let scale = 10_f64.powi(places);
            let scaled = a * scale;
            scaled.is_finite() && [scaled.round(), scaled.trunc()].iter().any(|it| it / scale == b)
        })
}

fn is_empty(slot: (&ArrayRef, usize)) -> bool {
    bytes(slot).is_some_and(|it| it.is_empty())
}

fn bytes((array, row): (&ArrayRef, usize)) -> Option<&[u8]> {
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        DataType::Utf8View => array.as_string_view().value(row).as_bytes(),
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return None,
    })
}

fn float((array, row): (&ArrayRef, usize)) -> Option<f64> {
    match array.data_type() {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            match KeyColumn::of(array, KeyRule::AsStored).value(row) {
                KeyValue::Float(value) => Some(value),
                _ => None,
            }
        }
        _ => None,
    }
}

fn int((array, row): (&ArrayRef, usize)) -> Option<i128> {
    KeyColumn::of(array, KeyRule::AsStored).value(row).integer()
}

/// Whether two numbers of one type class lie within a tolerance: either bound suffices.
pub(super) fn within(a: Slot<'_>, b: Slot<'_>, tolerance: Tolerance) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let class = TypeClass::of(a.0.data_type());
    if class != TypeClass::of(b.0.data_type()) || !class.is_number() {
        return false;
    }
    #[expect(clippy::cast_precision_loss, reason = "differences are rounded only where they exceed 2^53")]
    let (difference, magnitude) = match (number(a), number(b)) {
        (Some(KeyValue::Int(x)), Some(KeyValue::Int(y))) => {
            let unit = match class {
                TypeClass::Decimal(scale) => 10_f64.powi(-i32::from(scale)),
                _ => 1.0,
            };
            let difference = x.abs_diff(y) as f64;
            (difference * unit, x.unsigned_abs().max(y.unsigned_abs()) as f64 * unit)
        }
        (Some(KeyValue::Float(x)), Some(KeyValue::Float(y))) => ((x - y).abs(), x.abs().max(y.abs())),
        _ => return false,
    };
    // An infinite difference is within nothing, a NaN neither.
    difference.is_finite()
        && (difference <= tolerance.absolute || difference <= tolerance.relative * magnitude)
}

fn number((array, row): (&ArrayRef, usize)) -> Option<KeyValue> {
    match KeyColumn::of(array, KeyRule::AsStored).value(row) {
        value @ (KeyValue::Int(_) | KeyValue::Float(_)) => Some(value),
        _ => None,
    }
}

/// A value for the report, cut where it is long.
pub(super) fn value(slot: Slot<'_>) -> Value {
    let Some(slot) = slot else { return null() };
    let mut text = Text { most: MAX_TEXT, ..Text::default() };
    put(slot, &mut text);
    let cut_from = text.cut_from();
    Value { type_class: TypeClass::of(slot.0.data_type()).to_string(), text: Some(text.start), cut_from }
}

/// A value for the file of differences. Where it is cut, the text says so.
pub(super) fn full(slot: Slot<'_>) -> Value {
    let Some(slot) = slot else { return null() };
    let mut text = Text { most: MAX_WHOLE, ..Text::default() };
    put(slot, &mut text);
    let cut_from = text.cut_from();
    if let Some(bytes) = cut_from {
        text.start.push_str(&format!(" (cut from {bytes} bytes)"));
    }
    Value { type_class: TypeClass::of(slot.0.data_type()).to_string(), text: Some(text.start), cut_from }
}

/// A value that rows are counted by: its digest stands for what is longer than `most` bytes.
pub(super) fn short(slot: Slot<'_>, most: usize) -> Option<String> {
    let mut text = Text { most, digest: Some(blake3::Hasher::new()), ..Text::default() };
    put(slot?, &mut text);
    match (text.cut_from(), &text.digest) {
        (Some(bytes), Some(digest)) => {
            let digest = digest.finalize().to_hex();
            Some(format!("{} (cut from {bytes} bytes, BLAKE3 {})", text.start, &digest.as_str()[..12]))
        }
        _ => Some(text.start),
    }
}

fn null() -> Value {
    Value { type_class: "null".to_owned(), text: None, cut_from: None }
}

/// The start of a text that may be of any length, and its length.
#[derive(Default)]
struct Text {
    start: String,
    most: usize,
    bytes: u64,
    digest: Option<blake3::Hasher>,
}

impl Text {
    /// The whole length, where that is more than was kept.
    fn cut_from(&self) -> Option<u64> {
        (self.bytes > self.start.len() as u64).then_some(self.bytes)
    }
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        if self.bytes == self.start.len() as u64 {
            let mut end = part.len().min(self.most - self.start.len());
            while !part.is_char_boundary(end) {
                end -= 1;
            }
            self.start.push_str(&part[..end]);
        }
        self.bytes += part.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(part.as_bytes());
        }
        Ok(())
    }
}

/// Writes a value as text.
fn put((array, row): (&ArrayRef, usize), out: &mut Text) {
    use std::fmt::Write;

    let binary = TypeClass::of(array.data_type()) == TypeClass::Binary;
    // Writing to a text cannot fail.
    let _written = match array.data_type() {
        DataType::Float64 => write!(out, "{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => write!(out, "{:?}", array.as_primitive::<Float32Type>().value(row)),
        it if is_int96(it) => out.write_str(&instant(array.as_primitive::<Decimal128Type>().value(row))),
        DataType::Int64 => write!(out, "{}", array.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal256(..) => {
            out.write_str(&array.as_primitive::<Decimal256Type>().value_as_string(row))
        }
        _ => match bytes((array, row)) {
            Some(bytes) if binary => {
                bytes.chunks(1_024).try_for_each(|part| out.write_str(&hexadecimal(part)))
            }
            Some(bytes) => bytes.utf8_chunks().try_for_each(|chunk| {
                out.write_str(chunk.valid())?;
                chunk.invalid().iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"))
            }),
            None => formatted(array, row, out),
        },
    };
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The hour of a time, UTC: a timestamp, or an integer in milliseconds.
pub(super) fn hour(slot: Slot<'_>) -> Option<String> {
    let slot = slot?;
    let time = int(slot)?;
    if is_int96(slot.0.data_type()) {
        return Some(instant(time).chars().take_while(|it| *it != ':').collect());
    }
    let time = i64::try_from(time).ok()?;
    let milliseconds = match slot.0.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => time.checked_mul(1_000)?,
        DataType::Timestamp(TimeUnit::Microsecond, _) => time.div_euclid(1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => time.div_euclid(1_000_000),
        _ => time,
    };
    chrono::DateTime::from_timestamp_millis(milliseconds).map(|time| time.format("%Y-%m-%dT%H").to_string())
}

/// The array with what Arrow cannot show as text.
fn shown(array: &ArrayRef) -> std::result::Result<ArrayRef, ArrowError> {
    leaves(array, &mut |leaf| {
        if !is_int96(leaf.data_type()) && *leaf.data_type() != NOT_UTF8 {
            return Ok(ArrayRef::clone(leaf));
        }
        let text = |row: usize| {
            leaf.is_valid(row).then(|| {
                let mut text = Text { most: MAX_WHOLE, ..Text::default() };
                put((leaf, row), &mut text);
                text.start
            })
        };
        Ok(Arc::new((0..leaf.len()).map(text).collect::<StringArray>()))
    })
}

/// As Arrow shows it: dates and times in ISO 8601, nested values in braces. What it cannot show, a time out of the
/// calendar's range, is shown as the number it is stored as.
fn formatted(array: &ArrayRef, row: usize, out: &mut Text) -> std::fmt::Result {
    use std::fmt::Write;

    let options = FormatOptions::default();
    let Ok(shown) = shown(&array.slice(row, 1)) else { return Ok(()) };
    if let Ok(formatter) = ArrayFormatter::try_new(shown.as_ref(), &options) {
        let (start, bytes) = (out.start.len(), out.bytes);
        if formatter.value(0).write(out).is_ok() {
            return Ok(());
        }
        out.start.truncate(start);
        out.bytes = bytes;
    }
    out.write_str(&KeyColumn::of(array, KeyRule::AsStored).value(row).text())
}
