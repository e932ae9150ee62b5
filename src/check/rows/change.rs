//! What kind of change turned one value into another, and values as text.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal256Type, Float32Type, Float64Type, Int64Type, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use reports::evidence::Value;

use crate::check::Tolerance;
use crate::digest::TypeClass;
use crate::output::key::{KeyColumn, KeyRule, KeyValue};

/// Longest text of a value in a report, in bytes.
const MAX_TEXT: usize = 2_048;

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
        return text_kind(&a, &b);
    }
    if let (Some(a), Some(b)) = (float(a), float(b)) {
        return if rounded(a, b) { "rounded" } else { "value" };
    }
    if let (DataType::Timestamp(..), Some(a), Some(b)) = (a.0.data_type(), int(a), int(b)) {
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
    if a.to_lowercase() == b.to_lowercase() {
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

fn bytes((array, row): (&ArrayRef, usize)) -> Option<Vec<u8>> {
    match TypeClass::of(array.data_type()) {
        TypeClass::String | TypeClass::Binary => match KeyColumn::of(array, KeyRule::AsStored).value(row) {
            KeyValue::Bytes(bytes) => Some(bytes),
            _ => None,
        },
        _ => None,
    }
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
    match KeyColumn::of(array, KeyRule::AsStored).value(row) {
        KeyValue::Int(value) => Some(value),
        _ => None,
    }
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
    let mut value = full(slot);
    let Some(text) = value.text.take() else { return value };
    let (text, cut_from) = cut(text);
    Value { text: Some(text), cut_from, ..value }
}

/// The whole value.
pub(super) fn full(slot: Slot<'_>) -> Value {
    let Some((array, row)) = slot else {
        return Value { type_class: "null".to_owned(), text: None, cut_from: None };
    };
    let class = TypeClass::of(array.data_type());
    let text = match array.data_type() {
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => format!("{:?}", array.as_primitive::<Float32Type>().value(row)),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        _ => match (&class, bytes((array, row))) {
            (TypeClass::Binary, Some(bytes)) => hexadecimal(&bytes),
            (_, Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => formatted(array, row),
        },
    };
    Value { type_class: class.to_string(), text: Some(text), cut_from: None }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The hour of a time, UTC: a timestamp, or an integer in milliseconds.
pub(super) fn hour(slot: Slot<'_>) -> Option<String> {
    let slot = slot?;
    let time = i64::try_from(int(slot)?).ok()?;
    let milliseconds = match slot.0.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => time.checked_mul(1_000)?,
        DataType::Timestamp(TimeUnit::Microsecond, _) => time.div_euclid(1_000),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => time.div_euclid(1_000_000),
        _ => time,
    };
    chrono::DateTime::from_timestamp_millis(milliseconds).map(|time| time.format("%Y-%m-%dT%H").to_string())
}

/// As Arrow shows it: dates and times in ISO 8601, nested values in braces. What it cannot show, a time out of the
/// calendar's range, is shown as the number it is stored as.
fn formatted(array: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(array.as_ref(), &options)
        .ok()
        .and_then(|formatter| formatter.value(row).try_to_string().ok());
    shown.unwrap_or_else(|| KeyColumn::of(array, KeyRule::AsStored).value(row).text())
}

fn cut(mut text: String) -> (String, Option<u64>) {
    if text.len() <= MAX_TEXT {
        return (text, None);
    }
    let full = text.len() as u64;
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (text, Some(full))
}
