//! Defect G of the legacy writers: integers narrower than 32 bits are widened, and unsigned, date, time and timestamp annotations are
//! dropped. What is left is the plain signed integer of the same physical width, with the same bits. The candidate is right only where an
//! input has the column in its type: nothing was dropped from a plain integer, and milliseconds are no nanoseconds.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::DataType;

use super::inputs;
use crate::check::draft::SideError;
use crate::check::{KnownDefect, Observed, Subject};
use crate::digest::TypeClass;

/// Whether the defect made `baseline` of the type that a column has in the candidate and in an input.
///
/// # Errors
/// Where an input cannot be opened, and that is no fault of its content.
pub(super) fn explains(
    subject: &Subject<'_>,
    column: &str,
    baseline: &DataType,
    candidate: &DataType,
) -> Result<bool, SideError> {
    if !subject.known_defects.contains(&KnownDefect::AnnotationsDropped) || !yields(candidate, baseline) {
        return Ok(false);
    }
    inputs::any(subject, |file| {
        let schema = file.arrow_schema()?;
        Ok(schema.field_with_name(column).is_ok_and(|field| same(field.data_type(), candidate)))
    })
}

/// Whether two types have one annotation: names of a time zone that only an Arrow schema states are none.
fn same(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Timestamp(a, zone_a), DataType::Timestamp(b, zone_b)) => {
            a == b && zone_a.is_some() == zone_b.is_some()
        }
        _ => a == b,
    }
}

/// Whether the defect turns a column of type `candidate` into one of type `baseline`.
fn yields(candidate: &DataType, baseline: &DataType) -> bool {
    match baseline {
        DataType::Int32 => matches!(
            candidate,
            DataType::Int8
                | DataType::Int16
                | DataType::UInt8
                | DataType::UInt16
                | DataType::UInt32
                | DataType::Date32
                | DataType::Time32(_)
        ),
        DataType::Int64 => {
            matches!(candidate, DataType::UInt64 | DataType::Timestamp(..) | DataType::Time64(_))
        }
        _ => false,
    }
}

/// Integer columns of the baseline that are to be read as the candidate's type before values are compared: those whose
/// type class differs exactly as the defect yields, on a baseline that is known to have it.
pub(in crate::check) fn views(
    subject: &Subject<'_>,
    baseline: &Observed,
) -> Result<HashMap<String, DataType>, SideError> {
    if !subject.known_defects.contains(&KnownDefect::AnnotationsDropped) {
        return Ok(HashMap::new());
    }
    let theirs = types(subject.candidate)?;
    let mut views = HashMap::new();
    for (name, ours) in types(baseline)? {
        // One type a side, or nothing is exactly what the rule yields.
        let ([ours], Some([theirs])) = (ours.as_slice(), theirs.get(&name).map(Vec::as_slice)) else {
            continue;
        };
        if TypeClass::of(ours) != TypeClass::of(theirs) && explains(subject, &name, ours, theirs)? {
            views.insert(name, theirs.clone());
        }
    }
    Ok(views)
}

/// The types that each root column has over the files of a side, but for those that hold nothing but nulls.
pub(in crate::check) fn types(side: &Observed) -> Result<BTreeMap<String, Vec<DataType>>, SideError> {
    let mut types: BTreeMap<String, Vec<DataType>> = BTreeMap::new();
    for file in &side.output.files {
        let schema = file.arrow_schema().map_err(|error| SideError {
            role: side.role,
            file: file.info.path.clone(),
            error,
        })?;
        for field in schema.fields().iter().filter(|field| *field.data_type() != DataType::Null) {
            let known = types.entry(field.name().clone()).or_default();
            if !known.contains(field.data_type()) {
                known.push(field.data_type().clone());
            }
        }
    }
    Ok(types)
}
