//! Columns that the signal requires: there, with a value in some row, of a type class that the signal accepts.
//!
//! An output that is judged alone fails by each of them that is not. In a comparison the candidate fails where the baseline or the
//! inputs have the column right; where none of them has, no writer is at fault. Columns that the policy ignores are passed over.
//! Cost: nothing where all is right; else the column of the inputs is read up to its first value.

use arrow::array::Array;
use corpora::signal::{ColumnType, Signal};
use reports::document::{Finding, Place, Role, Severity};

use super::columns::Column;
use super::{CHECK, Columns, inputs};
use crate::check::Subject;
use crate::check::draft::SideError;
use crate::check::finding::finding;
use crate::digest::TypeClass;

pub(super) fn findings(
    subject: &Subject<'_>,
    ours: Option<&Columns>,
    theirs: &Columns,
    findings: &mut Vec<Finding>,
) -> std::result::Result<(), SideError> {
    let Some(signal) = subject.job.signal.as_deref().filter(|_| subject.candidate.output.rows() > 0) else {
        return Ok(());
    };
    let required = signal.required.keys().filter(|column| !subject.comparison.ignored.contains_key(*column));
    for column in required {
        let Some(problem) = problem(signal, column, theirs) else { continue };
        // That it differs from the baseline's is a finding already.
        let told = |it: &Finding| it.place.as_ref().is_some_and(|at| at.column.as_ref() == Some(column));
        if ours.is_some() && findings.iter().any(|it| it.severity == Severity::Blocker && told(it)) {
            continue;
        }
        let declared =
            subject.comparison.same_type.contains_key(column) && theirs.contains_key(&path(column));
        if declared {
            continue;
        }
        let message = if let Some(ours) = ours {
            let baseline = self::problem(signal, column, ours).is_none();
            if baseline {
                format!("{problem}; the baseline has it right")
            } else if in_inputs(subject, signal, column)? {
                format!("{problem}; the inputs have it right")
            } else {
                continue;
            }
        } else {
            problem
        };
        let severity = Severity::Blocker;
        let mut draft = finding(CHECK, "schema.required", severity, Some(Role::Candidate), message);
        draft.place = Some(Place { column: Some(column.clone()), ..Place::default() });
        findings.push(draft);
    }
    Ok(())
}

fn path(column: &str) -> Vec<String> {
    vec![column.to_owned()]
}

/// The type classes that a required column may have.
fn accepted(signal: &Signal, column: &str) -> Vec<TypeClass> {
    let class = |kind| match kind {
        ColumnType::Int64 => TypeClass::Int,
        ColumnType::Float64 => TypeClass::Float64,
        ColumnType::Boolean => TypeClass::Boolean,
        ColumnType::String => TypeClass::String,
        ColumnType::Binary => TypeClass::Binary,
    };
    signal.accepted_types(column).into_iter().map(class).collect()
}

/// What is wrong with a required column of a side; its columns are those that hold a value.
fn problem(signal: &Signal, column: &str, columns: &Columns) -> Option<String> {
    let Some(found) = columns.get(&path(column)) else {
        return Some(format!("required column {column:?} holds no value"));
    };
    let accepted = accepted(signal, column);
    let wrong = |column: &Column| column.forms.iter().any(|form| !accepted.contains(&form.class));
    wrong(found).then(|| {
        let wanted: Vec<String> = accepted.iter().map(ToString::to_string).collect();
        format!(
            "required column {column:?} is {} where the signal wants {}",
            found.info().type_class,
            wanted.join(" or ")
        )
    })
}

/// Whether an input holds the column with a value in an accepted type.
fn in_inputs(subject: &Subject<'_>, signal: &Signal, column: &str) -> std::result::Result<bool, SideError> {
    let accepted = accepted(signal, column);
    inputs::any(subject, |file| {
        let schema = file.arrow_schema()?;
        let right = |kind| accepted.contains(&TypeClass::of(kind));
        if !schema.field_with_name(column).is_ok_and(|field| right(field.data_type())) {
            return Ok(false);
        }
        for located in file.batches(Some(&[column.to_owned()]), 0)? {
            subject.cancel.check()?;
            let batch = located?.batch;
            if batch.column_by_name(column).is_some_and(|array| array.logical_null_count() < array.len()) {
                return Ok(true);
            }
        }
        Ok(false)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Fixture, blockers, floats, maybe_ints, rows, shipped, texts, with};
    use crate::check::schema::Schema;
    use crate::output::testing::{Columns, write};

    const TIME: &str = "_cardinalhq.timestamp";

    fn alone(columns: &Columns) -> Fixture {
        let mut fixture = Fixture::of(shipped("logs"));
        write(&fixture.path(Role::Candidate, "a.parquet"), columns);
        fixture.alone = true;
        fixture
    }

    fn text() -> Columns {
        with(&rows(), TIME, texts(&["1", "2", "3", "4", "5", "6", "7", "8"]))
    }

    fn null() -> Columns {
        with(&rows(), TIME, maybe_ints(&[None; 8]))
    }

    fn absent() -> Columns {
        rows().into_iter().filter(|(name, _)| *name != TIME).collect()
    }

    #[test]
    fn alone_a_required_column_that_is_missing_null_or_of_another_type_fails() {
        for columns in [text(), null(), absent()] {
            assert_eq!(blockers(&alone(&columns).examine(&Schema)), ["schema.required"]);
        }
        let accepted = with(&rows(), TIME, floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]));
        for columns in [rows(), accepted] {
            assert!(blockers(&alone(&columns).examine(&Schema)).is_empty());
        }
        let mut fixture = alone(&text());
        fixture.comparison.ignored.insert(TIME.to_owned(), "known".to_owned());
        assert!(blockers(&fixture.examine(&Schema)).is_empty(), "the policy ignores it");
    }

    #[test]
    fn both_sides_wrong_alike_fail_the_candidate_where_the_inputs_are_right() {
        for columns in [text(), null(), absent()] {
            let mut fixture = Fixture::of(shipped("logs"));
            for role in [Role::Baseline, Role::Candidate] {
                write(&fixture.path(role, "a.parquet"), &columns);
            }
            assert!(fixture.examine(&Schema).findings.is_empty(), "nothing has it right");
            let inputs = tempfile::tempdir().unwrap();
            let input = inputs.path().join("in.parquet");
            write(&input, &columns);
            fixture.job.inputs = vec![input.clone()];
            assert!(blockers(&fixture.examine(&Schema)).is_empty(), "the inputs are no better");
            write(&input, &rows());
            let outcome = fixture.examine(&Schema);
            assert_eq!(blockers(&outcome), ["schema.required"]);
            assert!(outcome.findings[0].message.contains("the inputs have it right"));
            write(&fixture.path(Role::Candidate, "a.parquet"), &rows());
            let outcome = fixture.examine(&Schema);
            assert!(!blockers(&outcome).contains(&"schema.required"), "the baseline alone is wrong");
        }
    }

    #[test]
    fn a_difference_from_the_baseline_is_told_once_and_not_excused_by_its_defect() {
        use crate::check::KnownDefect;
        let mut fixture = Fixture::pair(&rows(), &text());
        fixture.job.signal = Some(std::sync::Arc::new(shipped("logs")));
        assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.type"]);
        let times: arrow::array::ArrayRef =
            std::sync::Arc::new(arrow::array::TimestampMillisecondArray::from((0..8).collect::<Vec<i64>>()));
        write(&fixture.path(Role::Candidate, "two.parquet"), &with(&rows(), TIME, times));
        fixture.defects = vec![KnownDefect::AnnotationsDropped];
        fixture.job.inputs = vec![fixture.path(Role::Candidate, "two.parquet")];
        assert_eq!(blockers(&fixture.examine(&Schema)), ["schema.required"]);
    }
}
