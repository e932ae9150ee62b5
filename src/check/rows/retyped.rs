//! Columns whose type differs between the sides, and what is to be said of their values.
//!
//! 1. Where a lossless conversion leads from one type to the other, values are compared after it: rows that are equal then are
//!    `rows.retyped`, all others `rows.value_changed`. So a waiver for the change of type does not cover a change of value.
//! 2. Where the policy declares the change (`same_type`), rows that are equal after it are equal.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;

use super::change::Slot;
use super::scan::Views;
use crate::check::draft::SideError;
use crate::check::schema::annotations;
use crate::check::{Comparison, Observed};
use crate::digest::{Family, Retyped, common, retyped};

/// Kind of a change of type alone.
pub(in crate::check) const RETYPED: &str = "retyped";

/// Kind of a change of value in a column whose type changed.
pub(in crate::check) const WITH_VALUE: &str = "type-and-value";

/// The columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// With another type that a lossless conversion leads to.
    pub(super) all: Arc<BTreeSet<String>>,
    /// Those of them whose change the policy declares.
    pub(super) declared: Arc<BTreeSet<String>>,
}

impl Columns {
    /// By the schemas of both sides; `views` are the columns of the first that are read as another type.
    pub(super) fn of(
        sides: [&Observed; 2],
        views: &Views,
        comparison: &Comparison,
    ) -> Result<Self, SideError> {
        let (ours, theirs) = (annotations::types(sides[0])?, annotations::types(sides[1])?);
        let (mut all, mut declared) = (BTreeSet::new(), BTreeSet::new());
        for (name, ours) in &ours {
            let Some(theirs) = theirs.get(name).filter(|_| !comparison.ignored.contains_key(name)) else {
                continue;
            };
            let view = views.get(name).cloned();
            let ours: Vec<DataType> = view.map_or_else(|| ours.clone(), |view| vec![view]);
            if is(&ours, theirs, None) {
                all.insert(name.clone());
            }
            if comparison.same_type.get(name).is_some_and(|family| is(&ours, theirs, Some(*family))) {
                declared.insert(name.clone());
            }
        }
        Ok(Self { all: Arc::new(all), declared: Arc::new(declared) })
    }
}

/// Whether a conversion leads from each type to each other.
fn is(ours: &[DataType], theirs: &[DataType], family: Option<Family>) -> bool {
    let pairs = || ours.iter().flat_map(|a| theirs.iter().map(move |b| retyped(a, b, family)));
    pairs().any(|it| it == Retyped::Lossless) && pairs().all(|it| it != Retyped::Lossy)
}

/// The kind of change between two cells of such a column, which are known to differ.
pub(super) fn kind(a: Slot<'_>, b: Slot<'_>, zero_equal: bool) -> &'static str {
    let (Some(a), Some(b)) = (a, b) else { return WITH_VALUE };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let made =
        common(a.0, a.1, zero_equal, &mut ours).and_then(|()| common(b.0, b.1, zero_equal, &mut theirs));
    if made.is_ok() && ours == theirs { RETYPED } else { WITH_VALUE }
}
