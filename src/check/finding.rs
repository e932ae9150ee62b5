//! Building findings.

use reports::document::{Evidence, Finding, Place, Role, Severity};

/// A finding of `check` without place and evidence, standing for one thing; refine it with [`Refine`].
#[must_use]
pub fn finding(
    check: &str,
    code: &str,
    severity: Severity,
    side: Option<Role>,
    message: impl Into<String>,
) -> Finding {
    Finding {
        id: String::new(),
        check: check.to_owned(),
        code: code.to_owned(),
        severity,
        side,
        place: None,
        message: message.into(),
        count: 1,
        evidence: Vec::new(),
        defect: None,
        waived: None,
        action: None,
        waiver: None,
        scope: None,
    }
}

/// Weight of a violated invariant: it gates on the candidate and is told as a defect on the baseline.
#[must_use]
pub fn severity_on(role: Role) -> Severity {
    match role {
        Role::Baseline => Severity::Info,
        Role::Candidate => Severity::Blocker,
    }
}

/// Adds detail to a finding.
pub trait Refine: Sized {
    /// Where.
    #[must_use]
    fn at(self, place: Place) -> Self;
    /// How many things it stands for.
    #[must_use]
    fn counting(self, count: u64) -> Self;
    /// A named value that supports it.
    #[must_use]
    fn with(self, name: &str, value: impl ToString) -> Self;
    /// The known defect that explains it exactly.
    #[must_use]
    fn explained_by(self, letter: &str) -> Self;
}

impl Refine for Finding {
    fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    fn counting(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.evidence.push(evidence(name, value.to_string()));
        self
    }

    fn explained_by(mut self, letter: &str) -> Self {
        self.defect = Some(letter.to_owned());
        self
    }
}

/// One named value.
#[must_use]
pub fn evidence(name: &str, value: impl Into<String>) -> Evidence {
    Evidence { name: name.to_owned(), value: value.into() }
}

/// A place that is a file.
#[must_use]
pub fn in_file(path: &str) -> Place {
    Place { file: Some(path.to_owned()), ..Place::default() }
}
