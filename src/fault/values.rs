//! Faults of single values, and of all times at once.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};

use super::rewrite::{load, store_bytes};
use super::site::{Site, integers, is_indexed, is_key, with_column};
use crate::error::Result;

/// Milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// Changes one plain column of one file: the first for which `change` has an answer.
fn first(site: &mut Site<'_>, change: impl Fn(&ArrayRef) -> Option<ArrayRef>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if is_key(site.job, field.name()) || is_indexed(site.job, field.name()) {
                continue;
            }
            let changed = change(array).and_then(|array| with_column(&batch, field.name(), array));
            if let Some(changed) = changed {
                return site.tell(index, &changed);
            }
        }
    }
    Ok(())
}

/// The texts with the first one changed for which `change` has an answer.
fn text(array: &ArrayRef, change: impl Fn(Option<&str>) -> Option<Option<String>>) -> Option<ArrayRef> {
    let values = array.as_string_opt::<i32>()?;
    let (row, new) = values.iter().enumerate().find_map(|(row, value)| Some((row, change(value)?)))?;
    let changed: StringArray = values
        .iter()
        .enumerate()
        .map(|(at, value)| if at == row { new.clone() } else { value.map(str::to_owned) })
        .collect();
    Some(Arc::new(changed))
}

fn float(array: &ArrayRef, change: impl Fn(Option<f64>) -> Option<Option<f64>>) -> Option<ArrayRef> {
    let values = array.as_primitive_opt::<Float64Type>()?;
    let (row, new) = values.iter().enumerate().find_map(|(row, value)| Some((row, change(value)?)))?;
    let changed: Float64Array =
        values.iter().enumerate().map(|(at, value)| if at == row { new } else { value }).collect();
    Some(Arc::new(changed))
}

fn integer(array: &ArrayRef, change: impl Fn(Option<i64>) -> Option<Option<i64>>) -> Option<ArrayRef> {
    let values = array.as_primitive_opt::<Int64Type>()?;
    let (row, new) = values.iter().enumerate().find_map(|(row, value)| Some((row, change(value)?)))?;
    let changed: Int64Array =
        values.iter().enumerate().map(|(at, value)| if at == row { new } else { value }).collect();
    Some(Arc::new(changed))
}

/// One text, made of the one before.
fn reworded(site: &mut Site<'_>, change: impl Fn(&str) -> Option<String>) -> Result<()> {
    first(site, |array| text(array, |value| change(value?).map(Some)))
}

/// One bit of a number.
pub(super) fn flip_bit(site: &mut Site<'_>) -> Result<()> {
    let bits = |value: f64| f64::from_bits(value.to_bits() ^ 1);
    first(site, |array| {
        integer(array, |value| Some(Some(value? ^ 1))).or_else(|| {
            float(array, |value| value.filter(|it| it.is_finite() && *it != 0.0).map(|it| Some(bits(it))))
        })
    })
}

/// The case of one letter.
pub(super) fn change_case(site: &mut Site<'_>) -> Result<()> {
    reworded(site, |value| {
        let (at, letter) = value.char_indices().find(|(_, letter)| letter.is_ascii_alphabetic())?;
        let other = if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        };
        Some(format!("{}{other}{}", &value[..at], &value[at + 1..]))
    })
}

/// A blank behind a text.
pub(super) fn trailing_space(site: &mut Site<'_>) -> Result<()> {
    reworded(site, |value| Some(format!("{value} ")))
}

/// A text without its last character.
pub(super) fn truncate_value(site: &mut Site<'_>) -> Result<()> {
    reworded(site, |value| {
        let (last, _) = value.char_indices().next_back()?;
        (last > 0).then(|| value[..last].to_owned())
    })
}

/// A character outside ASCII as a question mark.
pub(super) fn lost_encoding(site: &mut Site<'_>) -> Result<()> {
    reworded(site, |value| {
        let (at, lost) = value.char_indices().find(|(_, letter)| !letter.is_ascii())?;
        Some(format!("{}?{}", &value[..at], &value[at + lost.len_utf8()..]))
    })
}

/// A text that ends within a character outside ASCII.
pub(super) fn cut_character(site: &mut Site<'_>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let Some(texts) = array.as_string_opt::<i32>() else { continue };
            if is_key(site.job, field.name()) || is_indexed(site.job, field.name()) {
                continue;
            }
            let within =
                |text: &str| text.char_indices().find(|(_, it)| !it.is_ascii()).map(|(at, _)| at + 1);
            let cut = texts.iter().enumerate().find_map(|(row, text)| Some((row, within(text?)?)));
            let Some((row, end)) = cut else { continue };
            let bytes = texts.iter().enumerate().map(|(at, text)| {
                text.map(|text| if at == row { &text.as_bytes()[..end] } else { text.as_bytes() })
            });
            let bytes: ArrayRef = Arc::new(bytes.collect::<BinaryArray>());
            let size = store_bytes(&site.path(index), &batch, field.name(), bytes)?;
            site.manifest.files[index].file_size = Some(size);
            return Ok(());
        }
    }
    Ok(())
}

/// An empty text as null.
pub(super) fn empty_to_null(site: &mut Site<'_>) -> Result<()> {
    first(site, |array| text(array, |value| (value == Some("")).then_some(None)))
}

/// A number in the precision of 32 bits.
pub(super) fn round_to_float(site: &mut Site<'_>) -> Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "the loss is the fault")]
    let rounded = |value: f64| f64::from(value as f32);
    first(site, |array| {
        float(array, |value| {
            let value = value.filter(|it| it.is_finite())?;
            (rounded(value).to_bits() != value.to_bits()).then(|| Some(rounded(value)))
        })
    })
}

/// Zero with the other sign.
pub(super) fn sign_of_zero(site: &mut Site<'_>) -> Result<()> {
    first(site, |array| float(array, |value| value.filter(|it| *it == 0.0).map(|zero| Some(-zero))))
}

/// NaN as null.
pub(super) fn nan_to_null(site: &mut Site<'_>) -> Result<()> {
    first(site, |array| float(array, |value| value.is_some_and(f64::is_nan).then_some(None)))
}

/// NaN as zero.
pub(super) fn nan_to_zero(site: &mut Site<'_>) -> Result<()> {
    first(site, |array| float(array, |value| value.is_some_and(f64::is_nan).then_some(Some(0.0))))
}

/// Zero as null.
pub(super) fn zero_to_null(site: &mut Site<'_>) -> Result<()> {
    first(site, |array| {
        float(array, |value| (value == Some(0.0)).then_some(None))
            .or_else(|| integer(array, |value| (value == Some(0)).then_some(None)))
    })
}

/// Null as zero.
pub(super) fn null_to_zero(site: &mut Site<'_>) -> Result<()> {
    first(site, |array| {
        float(array, |value| value.is_none().then_some(Some(0.0)))
            .or_else(|| integer(array, |value| value.is_none().then_some(Some(0))))
    })
}

/// A whole number through a 64-bit float, which keeps 53 bits.
pub(super) fn integer_through_float(site: &mut Site<'_>) -> Result<()> {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the loss is the fault")]
    let through = |value: i64| value as f64 as i64;
    first(site, |array| {
        integer(array, |value| value.filter(|it| through(*it) != *it).map(|it| Some(through(it))))
    })
}

/// Another value of the time column in every row.
fn retimed(site: &mut Site<'_>, change: impl Fn(i64) -> i64) -> Result<()> {
    let Some(column) = site.job.signal.as_ref().and_then(|it| it.time_column.clone()) else { return Ok(()) };
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let Some(times) = integers(&batch, &column) else { continue };
        let moved: Int64Array = times.iter().map(|time| time.map(&change)).collect();
        if moved != *times
            && let Some(changed) = with_column(&batch, &column, Arc::new(moved))
        {
            site.tell(index, &changed)?;
        }
    }
    Ok(())
}

/// How many units of the time column a millisecond has.
fn per_millisecond(site: &Site<'_>) -> i64 {
    let column = site.job.signal.as_ref().and_then(|it| it.time_column.as_deref());
    if column.is_some_and(|it| it.ends_with("_ns")) { 1_000_000 } else { 1 }
}

/// Every time an hour later, as another time zone makes it.
pub(super) fn time_zone(site: &mut Site<'_>) -> Result<()> {
    let hour = HOUR * per_millisecond(site);
    retimed(site, |time| if time > i64::MAX - hour { time - hour } else { time + hour })
}

/// Every time in a unit a thousand times as large.
pub(super) fn time_unit(site: &mut Site<'_>) -> Result<()> {
    retimed(site, |time| time / 1000)
}
