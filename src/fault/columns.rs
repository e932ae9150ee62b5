//! Faults of whole columns: renamed, exchanged, of another type, lost in part.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};

use super::rewrite::load;
use super::site::{Site, is_indexed, is_key, with_column};
use crate::error::Result;

/// The first column that is neither key nor indexed, holds a value, and fits.
fn find(site: &Site<'_>, fits: impl Fn(&Field) -> bool) -> Result<Option<String>> {
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let found = batch.schema_ref().fields().iter().zip(batch.columns()).find(|(field, array)| {
            let plain = !is_key(site.job, field.name()) && !is_indexed(site.job, field.name());
            plain && site.held(&batch, array) > 0 && fits(field)
        });
        if let Some((field, _)) = found {
            return Ok(Some(field.name().clone()));
        }
    }
    Ok(None)
}

/// Changes every file for which `change` has an answer.
fn every(site: &mut Site<'_>, change: impl Fn(&RecordBatch) -> Option<RecordBatch>) -> Result<()> {
    for index in 0..site.manifest.files.len() {
        if let Some(changed) = change(&load(&site.path(index))?) {
            site.tell(index, &changed)?;
        }
    }
    Ok(())
}

/// Gives a column of floats half its width.
pub(super) fn narrow_floats(site: &mut Site<'_>) -> Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "the loss is the fault")]
    let narrow = |value: f64| value as f32;
    let rounds = |value: f64| value.is_finite() && f64::from(narrow(value)).to_bits() != value.to_bits();
    let mut found: Option<String> = None;
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let column = batch.schema_ref().fields().iter().zip(batch.columns()).find(|(field, array)| {
            let plain = !is_key(site.job, field.name()) && !is_indexed(site.job, field.name());
            let floats = array.as_primitive_opt::<Float64Type>();
            plain && floats.is_some_and(|floats| floats.iter().flatten().any(rounds))
        });
        found = found.or(column.map(|(field, _)| field.name().clone()));
    }
    let Some(column) = found else { return Ok(()) };
    every(site, |batch| {
        let floats = batch.column_by_name(&column)?.as_primitive_opt::<Float64Type>()?;
        let narrowed: Float32Array = floats.iter().map(|value| value.map(narrow)).collect();
        with_column(batch, &column, Arc::new(narrowed))
    })
}

/// Gives a column another name.
pub(super) fn rename(site: &mut Site<'_>) -> Result<()> {
    let Some(column) = find(site, |_| true)? else { return Ok(()) };
    every(site, |batch| {
        let at = batch.schema().index_of(&column).ok()?;
        let mut fields: Vec<Field> =
            batch.schema_ref().fields().iter().map(|it| it.as_ref().clone()).collect();
        fields[at] = fields[at].clone().with_name(format!("{column}.renamed"));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec()).ok()
    })
}

/// Exchanges two text columns.
pub(super) fn exchange(site: &mut Site<'_>) -> Result<()> {
    let is_text = |field: &Field| field.data_type() == &DataType::Utf8;
    let Some(one) = find(site, is_text)? else { return Ok(()) };
    let differs = |batch: &RecordBatch, other: &str| {
        Some(batch.column_by_name(&one)?.as_ref() != batch.column_by_name(other)?.as_ref())
    };
    let mut pair = None;
    for index in 0..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let fields = batch.schema_ref().fields().iter();
        let others = fields.filter(|it| it.name() != &one && is_text(it));
        let plain = others.filter(|it| !is_key(site.job, it.name()) && !is_indexed(site.job, it.name()));
        let other = plain.map(|it| it.name().clone()).find(|other| differs(&batch, other) == Some(true));
        pair = pair.or(other);
    }
    let Some(other) = pair else { return Ok(()) };
    every(site, |batch| {
        if !differs(batch, &other)? {
            return None;
        }
        let (first, second) = (batch.column_by_name(&one)?.clone(), batch.column_by_name(&other)?.clone());
        with_column(&with_column(batch, &one, second)?, &other, first)
    })
}

/// Writes a column of numbers as text.
pub(super) fn number_to_text(site: &mut Site<'_>) -> Result<()> {
    let number = |field: &Field| matches!(field.data_type(), DataType::Int64 | DataType::Float64);
    let Some(column) = find(site, number)? else { return Ok(()) };
    every(site, |batch| {
        let array = batch.column_by_name(&column)?;
        let texts: StringArray = if let Some(values) = array.as_primitive_opt::<Int64Type>() {
            values.iter().map(|value| value.map(|it| it.to_string())).collect()
        } else {
            array
                .as_primitive_opt::<Float64Type>()?
                .iter()
                .map(|value| value.map(|it| it.to_string()))
                .collect()
        };
        with_column(batch, &column, Arc::new(texts))
    })
}

/// Makes a whole-number column one of floats, and a float column one of whole numbers: as many of each as before.
pub(super) fn two_types(site: &mut Site<'_>) -> Result<()> {
    let integer = find(site, |field| field.data_type() == &DataType::Int64)?;
    let float = find(site, |field| field.data_type() == &DataType::Float64)?;
    let (Some(integer), Some(float)) = (integer, float) else { return Ok(()) };
    every(site, |batch| {
        let mut changed = batch.clone();
        if let Some(values) = batch.column_by_name(&integer).and_then(|it| it.as_primitive_opt::<Int64Type>())
        {
            #[expect(clippy::cast_precision_loss, reason = "the loss is the fault")]
            let floats: Float64Array = values.iter().map(|value| value.map(|it| it as f64)).collect();
            changed = with_column(&changed, &integer, Arc::new(floats) as ArrayRef)?;
        }
        if let Some(values) = batch.column_by_name(&float).and_then(|it| it.as_primitive_opt::<Float64Type>())
        {
            #[expect(clippy::cast_possible_truncation, reason = "the loss is the fault")]
            let integers: Int64Array = values.iter().map(|value| value.map(|it| it as i64)).collect();
            changed = with_column(&changed, &float, Arc::new(integers) as ArrayRef)?;
        }
        Some(changed)
    })
}

/// Loses in one file a column that other files keep.
pub(super) fn lose_in_one_file(site: &mut Site<'_>) -> Result<()> {
    let files = site.load_all()?;
    let held = |batch: &RecordBatch, name: &str| {
        batch.column_by_name(name).is_some_and(|array| site.held(batch, array) > 0)
    };
    for (index, batch) in files.iter().enumerate() {
        let names = batch.schema_ref().fields().iter().map(|it| it.name().clone());
        let lost = names.filter(|name| !is_key(site.job, name)).find(|name| {
            let elsewhere = files.iter().enumerate().any(|(at, other)| at != index && held(other, name));
            held(batch, name) && elsewhere && !is_indexed(site.job, name)
        });
        if let Some(changed) = lost.and_then(|lost| without(batch, &BTreeSet::from([lost]))) {
            return site.tell(index, &changed);
        }
    }
    Ok(())
}

/// Loses every column that the first input does not have: the schema was fixed too early.
pub(super) fn schema_frozen(site: &mut Site<'_>) -> Result<()> {
    let Some(input) = site.job.inputs.first() else { return Ok(()) };
    let known: BTreeSet<String> =
        load(input)?.schema_ref().fields().iter().map(|it| it.name().clone()).collect();
    let files = site.load_all()?;
    let held = |name: &str| {
        files.iter().any(|batch| batch.column_by_name(name).is_some_and(|array| site.held(batch, array) > 0))
    };
    let fields = files.iter().flat_map(|batch| batch.schema_ref().fields().iter());
    let late: BTreeSet<String> =
        fields.map(|field| field.name().clone()).filter(|name| !known.contains(name) && held(name)).collect();
    every(site, |batch| {
        let has_one = batch.schema_ref().fields().iter().any(|field| late.contains(field.name()));
        if has_one { without(batch, &late) } else { None }
    })
}

/// The batch without some columns; nothing where none would be left.
fn without(batch: &RecordBatch, lost: &BTreeSet<String>) -> Option<RecordBatch> {
    let kept: Vec<usize> =
        (0..batch.num_columns()).filter(|&at| !lost.contains(batch.schema_ref().field(at).name())).collect();
    if kept.is_empty() { None } else { batch.project(&kept).ok() }
}
