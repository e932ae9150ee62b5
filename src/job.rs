//! A job: what a compaction or ingestion worker gets. Files in, files out.

use std::path::PathBuf;
use std::sync::Arc;

use corpora::parameters::Parameters;
use corpora::signal::Signal;
use reports::document::{CorpusInfo, ParameterInfo, Role};
use reports::manifest::ErrorClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which entry point of production a job stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Many segments become few: the buffet writer for logs and traces, TIDMerger for metrics.
    #[default]
    Compact,
    /// One raw segment is split by hour: the fingerprint writer.
    Ingest,
}

impl JobKind {
    /// As written in job lists and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Ingest => "ingest",
        }
    }
}

impl From<corpora::spec::JobKind> for JobKind {
    fn from(kind: corpora::spec::JobKind) -> Self {
        match kind {
            corpora::spec::JobKind::Compact => Self::Compact,
            corpora::spec::JobKind::Ingest => Self::Ingest,
        }
    }
}

/// One unit of work for both sides.
#[derive(Debug, Clone)]
pub struct Job {
    /// Name, unique in the run, usable as a folder name.
    pub id: String,
    /// The signal; absent for a generic comparison.
    pub signal: Option<Arc<Signal>>,
    /// Entry point.
    pub kind: JobKind,
    /// Input segments in order. Empty where outputs were recorded and the inputs are unknown.
    pub inputs: Vec<PathBuf>,
    /// Resolved parameters.
    pub parameters: Parameters,
    /// The same with their origins, for the report.
    pub parameter_origins: Vec<ParameterInfo>,
    /// The named corpus behind the inputs.
    pub corpus: Option<CorpusInfo>,
    /// What the corpus declares of the outcome.
    pub expected: Expected,
    /// Recorded outputs named by the job list.
    pub recorded: Recorded,
}

/// What a corpus declares of the outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// Class in which the baseline must fail.
    pub baseline_error: Option<ErrorClass>,
    /// Class in which the candidate must fail.
    pub candidate_error: Option<ErrorClass>,
    /// The job yields no output rows, and that is right.
    pub no_rows: bool,
}

impl Expected {
    /// True where some side is declared to fail in `class`.
    #[must_use]
    pub fn declares(&self, class: ErrorClass) -> bool {
        [self.baseline_error, self.candidate_error].contains(&Some(class))
    }

    /// The class in which a side must fail, if any.
    #[must_use]
    pub fn error(&self, role: Role) -> Option<ErrorClass> {
        match role {
            Role::Baseline => self.baseline_error,
            Role::Candidate => self.candidate_error,
        }
    }
}

/// Recorded outputs of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The baseline's output directory.
    pub baseline: Option<PathBuf>,
    /// The candidate's output directory.
    pub candidate: Option<PathBuf>,
}
