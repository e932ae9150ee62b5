//! What the folders of an output say of its rows, beside what its files say.
//!
//! A file that holds the column which its folder names is read as it is; where its values are not the folder's, readers that go by
//! the folder see other rows. A folder's value that is not of its column's type was compared as text. Both are the candidate's
//! fault, but a warning where the baseline has the same. Cost: one pass over each column that stands in both places.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, Scalar};
use arrow::compute::cast;
use arrow::compute::kernels::cmp::{distinct, eq};
use arrow::datatypes::{DataType, Field};
use reports::document::{Finding, Place, Role, Severity};

use super::CHECK;
use crate::check::draft::{SideError, counted};
use crate::check::finding::{Refine, finding, severity_on};
use crate::check::{Observed, Subject};
use crate::digest::TypeClass;
use crate::error::{Error, Result};
use crate::output::partition::{folders, parse, typed};
use crate::output::{OutputFile, Partitions};

/// Rows of a column whose folders say something else, and where the first of them stands.
#[derive(Debug)]
struct Fault {
    rows: u64,
    files: u64,
    first: Place,
    /// Of the first: the folder's value, and what is wrong with it.
    folder: String,
    said: String,
    /// Nothing is known to be wrong: the two cannot be compared.
    open: bool,
}

/// Faults by code and column.
type Faults = BTreeMap<(&'static str, String), Fault>;

/// A column in a file that contradicts its folder.
const CONTRADICTION: &str = "schema.partition_contradiction";

/// A folder's value that is not of its column's type.
const VALUE: &str = "schema.partition_value";

/// The findings of both sides.
pub(super) fn findings(subject: &Subject<'_>) -> std::result::Result<Vec<Finding>, SideError> {
    if subject.comparison.partitions == Partitions::Off {
        return Ok(Vec::new());
    }
    let baseline = subject.baseline.map(|side| faults(subject, side)).transpose()?.unwrap_or_default();
    let candidate = faults(subject, subject.candidate)?;
    let mut findings = Vec::new();
    for (key, fault) in &baseline {
        findings.push(told(Role::Baseline, severity_on(Role::Baseline), key, fault));
    }
    for (key, fault) in &candidate {
        let known = baseline.get(key).is_some_and(|known| known.rows >= fault.rows);
        let severity = if known || fault.open { Severity::Warning } else { severity_on(Role::Candidate) };
        findings.push(told(Role::Candidate, severity, key, fault));
    }
    Ok(findings)
}

fn told(role: Role, severity: Severity, (code, column): &(&'static str, String), fault: &Fault) -> Finding {
    let rows = counted(fault.rows, "row");
    let files = counted(fault.files, "file");
    let message = if fault.open {
        format!(
            "column {column:?}: the folder's value {} {}; {rows} in {files} of the {role}",
            fault.folder, fault.said
        )
    } else if *code == VALUE {
        format!(
            "column {column:?}: the folder's value {} {}; {rows} in {files} of the {role} are compared with it as text",
            fault.folder, fault.said
        )
    } else {
        format!(
            "column {column:?}: {rows} in {files} of the {role} contradict their folder: the folder says {}, {}; the file's \
             values were compared, and readers that go by the folder see the other",
            fault.folder, fault.said
        )
    };
    finding(CHECK, code, severity, Some(role), message).at(fault.first.clone()).counting(fault.rows)
}

fn faults(subject: &Subject<'_>, side: &Observed) -> std::result::Result<Faults, SideError> {
    let mut faults = Faults::new();
    for file in &side.output.files {
        of_file(subject, file, &mut faults).map_err(|error| SideError {
            role: side.role,
            file: file.info.path.clone(),
            error,
        })?;
    }
    Ok(faults)
}

fn of_file(subject: &Subject<'_>, file: &OutputFile, faults: &mut Faults) -> Result<()> {
    let ignored = |name: &str| subject.comparison.ignored.contains_key(name);
    for column in file.partitions.iter().filter(|it| !ignored(&it.name)) {
        if let (Some(wanted), Some(text)) = (&column.misfit, &column.text) {
            let said = format!("is not of the type {}", TypeClass::of(wanted));
            let folder = format!("{text:?}");
            note(faults, (VALUE, &column.name), file, (file.info.rows, 0), || (folder, said));
        }
    }
    let folders = folders(&file.info.path);
    if folders.is_empty() {
        return Ok(());
    }
    let given: BTreeSet<&str> = file.partitions.iter().map(|it| it.name.as_str()).collect();
    for (number, folder) in folders.iter().enumerate().filter(|(_, it)| !ignored(&it.name)) {
        let shown = folder.text.as_ref().map_or_else(|| "null".to_owned(), |text| format!("{text:?}"));
        if given.contains(folder.name.as_str()) {
            // The innermost folder counts.
            let inner = folders.iter().skip(number + 1).find(|it| it.name == folder.name);
            if inner.is_some_and(|inner| inner.text != folder.text) {
                let said = "a folder within it something else".to_owned();
                note(faults, (CONTRADICTION, &folder.name), file, (file.info.rows, 0), || (shown, said));
            }
            continue;
        }
        let schema = file.arrow_schema()?;
        let data_type = schema.field_with_name(&folder.name).ok().map(Field::data_type);
        if let Some(data_type) = data_type.filter(|it| !typed(it)) {
            let said = format!(
                "cannot be compared with the file's, which are of the type {}",
                TypeClass::of(data_type)
            );
            note(faults, (VALUE, &folder.name), file, (file.info.rows, 0), || (shown, said));
            if let Some(fault) = faults.get_mut(&(VALUE, folder.name.clone())) {
                fault.open = true;
            }
            continue;
        }
        let (mut rows, mut first, mut value) = (0, None, String::new());
        for located in file.batches(Some(std::slice::from_ref(&folder.name)), 0)? {
            subject.cancel.check()?;
            let located = located?;
            let Some(array) = located.batch.column_by_name(&folder.name) else { continue };
            let other = contradicting(array, folder.text.as_deref())
                .map_err(|error| Error::unreadable(&file.path, error))?;
            rows += other.len() as u64;
            if let (None, Some(&row)) = (first, other.first()) {
                first = Some(located.first_row + row as u64);
                value = crate::check::rows::shown(array, row);
            }
        }
        if let Some(first) = first {
            let said = format!("the file {value}");
            note(faults, (CONTRADICTION, &folder.name), file, (rows, first), || (shown, said));
        }
    }
    Ok(())
}

/// The rows whose value is not the folder's. An empty text is null for those who name folders.
fn contradicting(
    array: &ArrayRef,
    text: Option<&str>,
) -> std::result::Result<Vec<usize>, arrow::error::ArrowError> {
    use DataType::{Binary, BinaryView, Utf8, Utf8View};

    let array = &crate::output::key::plain(array);
    let all = || Ok((0..array.len()).collect());
    let (plain, is_text) = match array.data_type() {
        Utf8View => (&Utf8, true),
        BinaryView => (&Binary, true),
        other => (other, false),
    };
    let other = match text {
        None => {
            let valid = (0..array.len()).filter(|row| array.is_valid(*row));
            if !is_text {
                return Ok(valid.collect());
            }
            let empty = parse("", plain).map(|it| cast(&it, array.data_type())).transpose()?;
            let Some(empty) = empty else { return all() };
            let empty = eq(array, &Scalar::new(empty))?;
            return Ok(valid.filter(|row| empty.is_null(*row) || !empty.value(*row)).collect());
        }
        Some(text) => match parse(text, plain) {
            Some(value) => distinct(array, &Scalar::new(cast(&value, array.data_type())?))?,
            None => return all(),
        },
    };
    Ok((0..array.len()).filter(|row| other.value(*row)).collect())
}

fn note(
    faults: &mut Faults,
    (code, column): (&'static str, &str),
    file: &OutputFile,
    (rows, first): (u64, u64),
    words: impl FnOnce() -> (String, String),
) {
    if rows == 0 {
        return;
    }
    let fault = faults.entry((code, column.to_owned())).or_insert_with(|| {
        let (folder, said) = words();
        let first = Place { column: Some(column.to_owned()), ..file.place(first) };
        Fault { rows: 0, files: 0, first, folder, said, open: false }
    });
    fault.rows += rows;
    fault.files += 1;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::fixture::{Fixture, codes, ints, texts};
    use crate::check::rows::Rows;
    use crate::check::schema::Schema;
    use crate::output::testing::{Columns, write};
    use arrow::array::{Int64Array, StringArray, StringViewArray, new_null_array};

    fn rows(ids: &[i64]) -> Columns {
        vec![("_cardinalhq.timestamp", ints(ids))]
    }

    #[test]
    fn values_that_are_not_the_folders_are_found_and_nulls_and_empty_texts_are_alike() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(8)]));
        assert_eq!(contradicting(&numbers, Some("07")).unwrap(), [1, 2]);
        assert_eq!(contradicting(&numbers, Some("x")).unwrap(), [0, 1, 2]);
        assert_eq!(contradicting(&numbers, None).unwrap(), [0, 2]);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, Some("")]));
        assert_eq!(contradicting(&texts, Some("a")).unwrap(), [1, 2]);
        assert_eq!(contradicting(&texts, None).unwrap(), [0]);
        let plain: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        assert_eq!(contradicting(&plain, Some("b")).unwrap(), [0]);
        let nothing = new_null_array(&DataType::Int64, 2);
        assert_eq!(contradicting(&nothing, None).unwrap(), [] as [usize; 0]);
    }

    #[test]
    fn rows_in_another_folder_are_changed_and_in_the_same_they_are_equal() {
        let fixture = Fixture::empty();
        for (folder, ids) in [("_x=1", [1, 2]), ("_x=2", [3, 4])] {
            write(&fixture.path(Role::Baseline, &format!("{folder}/a.parquet")), &rows(&ids));
            write(&fixture.path(Role::Candidate, &format!("{folder}/b.parquet")), &rows(&ids));
        }
        assert!(fixture.examine(&Rows).findings.is_empty());
        assert!(fixture.examine(&Schema).findings.is_empty());
        let moved = fixture.path(Role::Candidate, "_x=2/b.parquet");
        std::fs::rename(fixture.path(Role::Candidate, "_x=1/b.parquet"), moved.with_file_name("c.parquet"))
            .unwrap();
        let outcome = fixture.examine(&Rows);
        let counts = outcome.evidence.rows.unwrap();
        assert_eq!((counts.equal, counts.changed + counts.missing), (2, 2));
        assert!(fixture.examine(&Schema).findings.is_empty());
    }

    #[test]
    fn a_column_in_the_file_wins_and_its_contradiction_is_the_candidates_fault() {
        let mut fixture = Fixture::empty();
        let columns = |keys: &[&str]| {
            let mut columns = rows(&[1, 2]);
            columns.push(("k", texts(keys)));
            columns
        };
        write(&fixture.path(Role::Baseline, "a.parquet"), &columns(&["a", "b"]));
        write(&fixture.path(Role::Candidate, "k=a/a.parquet"), &columns(&["a", "b"]));
        assert!(fixture.examine(&Rows).findings.is_empty());
        let outcome = fixture.examine(&Schema);
        assert_eq!(codes(&outcome, Severity::Blocker), [CONTRADICTION]);
        let found = &outcome.findings[0];
        assert_eq!((found.count, found.place.as_ref().unwrap().row), (1, Some(1)));
        assert!(found.message.contains("the folder says \"a\", the file \"b\""), "{}", found.message);
        fixture.comparison.partitions = Partitions::Off;
        assert!(fixture.examine(&Schema).findings.is_empty());
        fixture.comparison.partitions = Partitions::Auto;
        fixture.comparison.ignored.insert("k".to_owned(), "of no matter".to_owned());
        assert!(fixture.examine(&Schema).findings.is_empty());
        fixture.comparison.ignored.clear();
        // What the baseline has as well is a warning.
        let root = fixture.root(Role::Baseline);
        std::fs::create_dir(root.join("k=a")).unwrap();
        std::fs::rename(root.join("a.parquet"), root.join("k=a/a.parquet")).unwrap();
        let outcome = fixture.examine(&Schema);
        assert_eq!(codes(&outcome, Severity::Warning), [CONTRADICTION]);
        assert_eq!(codes(&outcome, Severity::Info), [CONTRADICTION]);
    }

    #[test]
    fn a_nested_column_beside_a_folder_of_its_name_is_a_warning() {
        let fixture = Fixture::empty();
        let lists = arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([
            Some([Some(1)]),
        ]);
        let mut columns = rows(&[1]);
        columns.push(("k", Arc::new(lists) as ArrayRef));
        write(&fixture.path(Role::Baseline, "a.parquet"), &columns);
        write(&fixture.path(Role::Candidate, "k=1/a.parquet"), &columns);
        let outcome = fixture.examine(&Schema);
        assert!(codes(&outcome, Severity::Blocker).is_empty());
        assert_eq!(codes(&outcome, Severity::Warning), [VALUE]);
        assert!(outcome.findings[0].message.contains("of the type list"), "{}", outcome.findings[0].message);
    }

    #[test]
    fn folders_that_contradict_one_another_are_found() {
        let fixture = Fixture::empty();
        write(&fixture.path(Role::Baseline, "k=b/a.parquet"), &rows(&[1]));
        write(&fixture.path(Role::Candidate, "k=a/k=b/a.parquet"), &rows(&[1]));
        assert_eq!(codes(&fixture.examine(&Schema), Severity::Blocker), [CONTRADICTION]);
        assert!(fixture.examine(&Rows).findings.is_empty());
    }

    #[test]
    fn a_value_that_is_not_of_the_other_sides_type_is_found_and_is_not_null() {
        let fixture = Fixture::empty();
        let mut columns = rows(&[1, 2]);
        columns.push(("k", Arc::new(Int64Array::from(vec![None, None])) as ArrayRef));
        write(&fixture.path(Role::Baseline, "a.parquet"), &columns);
        write(&fixture.path(Role::Candidate, "k=x/a.parquet"), &rows(&[1, 2]));
        let outcome = fixture.examine(&Schema);
        assert!(codes(&outcome, Severity::Blocker).contains(&VALUE), "{:?}", outcome.findings);
        assert_eq!(fixture.examine(&Rows).evidence.rows.unwrap().equal, 0);
    }
}
