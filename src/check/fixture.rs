//! Two small outputs and a job, for the tests of the checks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use corpora::signal::{ColumnType, FingerprintRule, Signal};
use reports::document::{Role, Severity, SideInfo, SideKind, SideOutcome};
use reports::manifest::{ErrorClass, Failure, Manifest};

use super::touched::Touched;
use super::{Check, Comparison, KnownDefect, Observed, Outcome, Rerun, RerunKind, SizeBounds, Subject};
use crate::cancel::Cancel;
use crate::job::Job;
use crate::output::testing::{Columns, write};
use crate::output::{Opening, Output};
use crate::spill::{Memory, Spill};

/// Two output directories and everything that a check wants to know.
pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) job: Job,
    pub(crate) comparison: Comparison,
    pub(crate) bounds: SizeBounds,
    pub(crate) defects: Vec<KnownDefect>,
    pub(crate) manifests: [Option<Manifest>; 2],
    pub(crate) failed: [bool; 2],
    /// Class in which failed sides fail.
    pub(crate) class: ErrorClass,
    /// Sides whose output was there already.
    pub(crate) recorded: [bool; 2],
    /// What both sides left in their scratch directories.
    pub(crate) scratch_left: Vec<String>,
    /// Rows of the inputs, where known.
    pub(crate) rows_in: Option<u64>,
    /// Kind of both sides.
    pub(crate) kind: SideKind,
    pub(crate) alone: bool,
    /// Further runs of both sides, by their labels.
    reruns: Vec<(Role, RerunKind, String)>,
    pub(crate) memory: Arc<Memory>,
    /// What was changed and was not the sides' own.
    pub(crate) touched: Vec<Touched>,
}

/// The logs signal as it ships, as far as the checks look at it.
pub(crate) fn logs() -> Signal {
    Signal {
        name: "logs".to_owned(),
        description: String::new(),
        sort_key: vec!["_cardinalhq.timestamp".to_owned()],
        row_keys: vec![
            vec!["_cardinalhq.id".to_owned()],
            vec!["_cardinalhq.timestamp".to_owned(), "_cardinalhq.message".to_owned()],
        ],
        group_key: None,
        required: [("_cardinalhq.timestamp".to_owned(), ColumnType::Int64)].into(),
        dropped_columns: Vec::new(),
        time_column: Some("_cardinalhq.timestamp".to_owned()),
        fingerprints: Some(FingerprintRule {
            full_value: vec!["resource.file".to_owned()],
            trigram: vec!["_cardinalhq.level".to_owned()],
        }),
        ..Signal::default()
    }
}

/// A signal as it ships.
pub(crate) fn shipped(name: &str) -> Signal {
    Signal::clone(&corpora::Signals::builtin().unwrap().get(name).unwrap())
}

pub(crate) fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(crate) fn maybe_ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(crate) fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

pub(crate) fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(crate) fn maybe_texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Eight log rows in order, with everything the planted faults need.
pub(crate) fn rows() -> Columns {
    vec![
        ("_cardinalhq.timestamp", ints(&[10, 20, 20, 30, 40, 50, 60, 70])),
        ("_cardinalhq.id", texts(&["a", "b", "c", "d", "e", "f", "g", "h"])),
        ("_cardinalhq.message", texts(&["one", "two", "two", "four", "five", "six", "seven", "eight"])),
        ("_cardinalhq.level", texts(&["INFO", "WARN", "INFO", "INFO", "ERROR", "INFO", "INFO", "WARN"])),
        ("value", maybe_ints(&[Some(1), None, Some(0), Some(4), Some(5), Some(6), Some(7), Some(8)])),
        ("note", maybe_texts(&[None, Some(""), Some("x"), None, None, None, None, None])),
        ("late", maybe_texts(&[None, None, None, None, None, None, None, Some("last")])),
        ("ratio", floats(&[0.1, 0.2, f64::NAN, -0.0, 1.5, 2.5, 3.25, 4.125])),
    ]
}

/// The columns with one of them replaced.
pub(crate) fn with(columns: &Columns, name: &'static str, array: ArrayRef) -> Columns {
    let mut columns = columns.clone();
    match columns.iter_mut().find(|column| column.0 == name) {
        Some(column) => column.1 = array,
        None => columns.push((name, array)),
    }
    columns
}

/// Some rows of the columns, in the given order.
pub(crate) fn take(columns: &Columns, rows: &[u64]) -> Columns {
    let indices = arrow::array::UInt64Array::from(rows.to_vec());
    columns
        .iter()
        .map(|(name, array)| (*name, arrow::compute::take(array, &indices, None).unwrap()))
        .collect()
}

impl Fixture {
    pub(crate) fn empty() -> Self {
        let job = Job {
            id: "job".to_owned(),
            signal: Some(Arc::new(logs())),
            kind: crate::job::JobKind::Compact,
            inputs: Vec::new(),
            parameters: corpora::parameters::Parameters::default(),
            parameter_origins: Vec::new(),
            corpus: None,
            expected: crate::job::Expected::default(),
            recorded: crate::job::Recorded::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a")).unwrap();
        std::fs::create_dir_all(folder.path().join("b")).unwrap();
        Self {
            folder,
            job,
            comparison: Comparison::default(),
            bounds: SizeBounds::default(),
            defects: Vec::new(),
            manifests: [None, None],
            failed: [false, false],
            class: ErrorClass::SchemaConflict,
            recorded: [false, false],
            scratch_left: Vec::new(),
            rows_in: None,
            kind: SideKind::Recorded,
            alone: false,
            reruns: Vec::new(),
            memory: Arc::default(),
            touched: Vec::new(),
        }
    }

    /// An empty output a side, for a job of `signal`.
    pub(crate) fn of(signal: Signal) -> Self {
        let mut fixture = Self::empty();
        fixture.job.signal = Some(Arc::new(signal));
        fixture
    }

    /// One file a side.
    pub(crate) fn pair(a: &Columns, b: &Columns) -> Self {
        let fixture = Self::empty();
        write(&fixture.path(Role::Baseline, "one.parquet"), a);
        write(&fixture.path(Role::Candidate, "two.parquet"), b);
        fixture
    }

    pub(crate) fn root(&self, role: Role) -> PathBuf {
        self.folder.path().join(if role == Role::Baseline { "a" } else { "b" })
    }

    pub(crate) fn path(&self, role: Role, name: &str) -> PathBuf {
        self.root(role).join(name)
    }

    pub(crate) fn signal(&mut self, change: impl FnOnce(&mut Signal)) {
        let mut signal = self.job.signal.as_deref().cloned().unwrap_or_else(logs);
        change(&mut signal);
        self.job.signal = Some(Arc::new(signal));
    }

    /// A further run of a side, with one file.
    pub(crate) fn again(&mut self, role: Role, kind: RerunKind, columns: &Columns) {
        let label = format!("run {}", self.reruns.len() + 2);
        write(&self.folder.path().join(&label).join("one.parquet"), columns);
        self.reruns.push((role, kind, label));
    }

    fn rerun(&self, (role, kind, label): &(Role, RerunKind, String)) -> Rerun {
        let mut observed = self.observe(*role, &self.folder.path().join(label));
        observed.reruns = Vec::new();
        observed.outcome = SideOutcome::Completed;
        Rerun { label: label.clone(), kind: *kind, job: self.job.clone(), observed }
    }

    fn observe(&self, role: Role, root: &Path) -> Observed {
        let side = usize::from(role == Role::Candidate);
        let sort_key = super::sort_key(&self.job, &self.comparison);
        let outcome = if self.failed[side] {
            SideOutcome::Failed {
                failure: Failure { class: self.class, message: "two types".to_owned() },
                exit_status: None,
                signal: None,
                stderr: None,
            }
        } else if self.recorded[side] {
            SideOutcome::Recorded
        } else {
            SideOutcome::Completed
        };
        let mut output = {
            let opening = Opening { sort_key: &sort_key, ignored: &self.comparison.ignored, recorded: false };
            Output::open_for(role, root, self.manifests[side].clone(), opening).unwrap()
        };
        output.files.iter_mut().for_each(|file| file.memory = Arc::clone(&self.memory));
        Observed {
            role,
            info: SideInfo {
                name: "test".to_owned(),
                kind: self.kind,
                version: None,
                command: Vec::new(),
                digest: None,
                digest_covers: None,
            },
            outcome,
            output,
            scratch_left: self.scratch_left.clone(),
            probe: None,
            reruns: Vec::new(),
            stops: None,
        }
    }

    /// Lets `look` at what a check is given.
    pub(crate) fn with_subject<T>(&self, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        let [mut baseline, mut candidate] = [Role::Baseline, Role::Candidate].map(|role| {
            let reruns = self.reruns.iter().filter(|it| it.0 == role).map(|it| self.rerun(it)).collect();
            Observed { reruns, ..self.observe(role, &self.root(role)) }
        });
        let other = (!self.alone).then_some(&mut baseline);
        super::settle_partitions(&self.job, &self.comparison, other, &mut candidate).unwrap();
        let spill = Spill::new(self.folder.path(), &self.memory);
        look(&Subject {
            job: &self.job,
            baseline: (!self.alone).then_some(&baseline),
            candidate: &candidate,
            rows_in: self.rows_in,
            comparison: &self.comparison,
            size_bounds: &self.bounds,
            known_defects: &self.defects,
            scratch: self.folder.path(),
            spill: &spill,
            touched: &self.touched,
            differences: None,
            cancel: &Cancel::default(),
        })
    }

    pub(crate) fn try_examine(&self, check: &dyn Check) -> crate::error::Result<Outcome> {
        self.with_subject(|subject| check.examine(subject))
    }

    pub(crate) fn examine(&self, check: &dyn Check) -> Outcome {
        self.try_examine(check).unwrap()
    }
}

/// Codes of the findings of a severity, as they come.
pub(crate) fn codes(outcome: &Outcome, severity: Severity) -> Vec<&str> {
    outcome.findings.iter().filter(|it| it.severity == severity).map(|it| it.code.as_str()).collect()
}

/// Codes of the blockers.
pub(crate) fn blockers(outcome: &Outcome) -> Vec<&str> {
    codes(outcome, Severity::Blocker)
}

/// A folder of material beside the checkout, golden files among it: `PARALLAX_GOLDEN` names another place for those. Where it is
/// absent the test says so and passes, unless `PARALLAX_REQUIRE_GOLDEN=1`.
pub(crate) fn beside(name: &str) -> Option<std::path::PathBuf> {
    let default = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    let named = std::env::var_os("PARALLAX_GOLDEN").filter(|_| name == "golden");
    let folder = named.map_or(default, std::path::PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("PARALLAX_REQUIRE_GOLDEN").is_some_and(|value| value == "1");
    assert!(!required, "PARALLAX_REQUIRE_GOLDEN=1, but there are no files at {}", folder.display());
    println!("skipped: no {name} files at {}", folder.display());
    None
}
