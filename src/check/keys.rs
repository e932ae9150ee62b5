//! Keys that have no order: structs, lists, maps, INTERVAL.
//!
//! Rows cannot be sorted, grouped or paired by such a column, and a check that took its values for equal would pass anything. Where
//! neither the inputs nor the baseline have the key in a type with an order, the key itself is wrong, and the job is refused. Where they
//! do, the type is the candidate's fault: SCHEMA and ORDER report it.

use arrow::datatypes::DataType;
use corpora::signal::Signal;
use corpora::{Segment, has_order};

use super::Observed;
use crate::error::{Error, Result};
use crate::output::Output;

/// A key column of a type without an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unordered {
    /// The column.
    pub(super) column: String,
    /// The first file that holds it so.
    pub(super) file: String,
    /// Its type in words.
    pub(super) kind: &'static str,
}

/// The first of the columns that a file of the output holds in a type without an order.
pub(super) fn unordered<'a>(
    output: &Output,
    columns: impl IntoIterator<Item = &'a str>,
) -> Option<Unordered> {
    columns.into_iter().find_map(|column| {
        output.files.iter().find_map(|file| {
            // A schema that has no Arrow form is for the checks to report.
            let schema = file.arrow_schema().ok()?;
            let kind = schema.field_with_name(column).ok()?.data_type();
            (!has_order(kind)).then(|| Unordered {
                column: column.to_owned(),
                file: file.info.path.clone(),
                kind: words(kind),
            })
        })
    })
}

/// Refuses keys of given segments that have no order, before any side runs.
///
/// # Errors
/// Class `config`, with the column, its type and the way out.
pub fn refuse_in_inputs(signal: &Signal, segments: &[Segment]) -> Result<()> {
    for (field, column) in signal.keys() {
        let bad = |segment: &&Segment| segment.column(column).is_some_and(|it| !it.has_order);
        if let Some(segment) = segments.iter().find(bad) {
            let place = format!("in {}", segment.path.display());
            let kind = segment.column(column).map_or("", |it| it.type_name.as_str());
            return Err(refused(field, column, &place, kind));
        }
    }
    Ok(())
}

/// Refuses keys of a job that have no order in any place that could vouch for them.
///
/// # Errors
/// Class `config`, with the column, its type and the way out.
pub fn refuse(
    signal: Option<&Signal>,
    segments: Option<&[Segment]>,
    baseline: Option<&Observed>,
    candidate: &Observed,
) -> Result<()> {
    for (field, column) in signal.into_iter().flat_map(Signal::keys) {
        let on = |side: &Observed| unordered(&side.output, [column]);
        let Some(bad) = baseline.and_then(on).or_else(|| on(candidate)) else { continue };
        let ordered_on = |side: &Observed| holds(&side.output, column) && on(side).is_none();
        let in_inputs = segments
            .is_some_and(|all| all.iter().filter_map(|it| it.column(column)).any(|column| column.has_order));
        if in_inputs || baseline.is_some_and(ordered_on) || (baseline.is_some() && ordered_on(candidate)) {
            continue;
        }
        return Err(refused(field, column, &format!("in {}", bad.file), bad.kind));
    }
    Ok(())
}

fn holds(output: &Output, column: &str) -> bool {
    output
        .files
        .iter()
        .any(|file| file.arrow_schema().is_ok_and(|schema| schema.field_with_name(column).is_ok()))
}

fn refused(field: &str, column: &str, place: &str, kind: &str) -> Error {
    Error::config(format!(
        "{field} names column {column:?}, which is {kind} {place}: values of that type have no order; name a column of numbers, \
         times, text or bytes"
    ))
}

/// A type without an order in words.
fn words(kind: &DataType) -> &'static str {
    match kind {
        DataType::Struct(_) => "a struct",
        DataType::Map(..) => "a map",
        DataType::Interval(_) => "an interval",
        DataType::Dictionary(_, values) => words(values),
        DataType::RunEndEncoded(_, values) => words(values.data_type()),
        _ => "a list",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StructArray};
    use arrow::datatypes::Field;
    use reports::document::{Role, Severity};

    use super::*;
    use crate::check::fixture::{Fixture, blockers, codes, ints};
    use crate::check::order::Order;
    use crate::output::testing::{Columns, write};

    fn nested() -> ArrayRef {
        let field = Arc::new(Field::new("a", DataType::Int64, true));
        let values: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 2]));
        Arc::new(StructArray::from(vec![(field, values)]))
    }

    fn refusal(a: ArrayRef, b: ArrayRef, field: fn(&mut Signal)) -> Result<()> {
        let (a, b): (Columns, Columns) = (vec![("k", a)], vec![("k", b)]);
        let mut fixture = Fixture::pair(&a, &b);
        fixture.signal(|signal| {
            *signal = Signal::default();
            field(signal);
        });
        fixture.with_subject(|subject| {
            refuse(subject.job.signal.as_deref(), None, subject.baseline, subject.candidate)
        })
    }

    #[test]
    fn a_key_without_an_order_is_refused_whatever_it_is_a_key_of() {
        type Change = fn(&mut Signal);
        let fields: [(&str, Change); 3] = [
            ("sort_key", |it| it.sort_key = vec!["k".to_owned()]),
            ("row_keys", |it| it.row_keys = vec![vec!["k".to_owned()]]),
            ("group_key", |it| it.group_key = Some("k".to_owned())),
        ];
        for (name, field) in fields {
            let error = refusal(nested(), nested(), field).unwrap_err();
            assert!(error.message.contains(name) && error.message.contains("a struct"), "{error}");
            refusal(ints(&[1, 2, 3]), ints(&[1, 2, 3]), field).unwrap();
            // Here the candidate is at fault, and the checks say so.
            refusal(ints(&[1, 2, 3]), nested(), field).unwrap();
        }
    }

    #[test]
    fn a_candidate_that_made_the_key_a_struct_fails_and_on_a_baseline_it_is_noted() {
        let mut fixture = Fixture::empty();
        fixture.signal(|signal| *signal = Signal { sort_key: vec!["k".to_owned()], ..Signal::default() });
        let sorted: Columns = vec![("k", ints(&[1, 2, 3]))];
        write(&fixture.path(Role::Baseline, "a.parquet"), &sorted);
        write(&fixture.path(Role::Candidate, "a.parquet"), &vec![("k", nested())]);
        let outcome = fixture.examine(&Order);
        assert_eq!(blockers(&outcome), ["order.key_type"]);
        write(&fixture.path(Role::Baseline, "a.parquet"), &vec![("k", nested())]);
        write(&fixture.path(Role::Candidate, "a.parquet"), &sorted);
        let outcome = fixture.examine(&Order);
        assert_eq!((blockers(&outcome).len(), codes(&outcome, Severity::Info)), (0, vec!["order.key_type"]));
    }
}
