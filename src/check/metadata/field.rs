//! The fields of a manifest: what is stated of a file, what its rows give, and what a defect would have stated.

use std::collections::BTreeSet;

use corpora::signal::Signal;
use reports::document::{Evidence as Named, Role};
use reports::evidence::MetadataEvidence;
use reports::manifest::ManifestFile;

use super::facts;
use super::mismatch::Mismatch;
use super::{Explained, Stated};
use crate::check::draft::counted;
use crate::check::finding::evidence;
use crate::check::{KnownDefect, Subject};

/// Whether an entry of a manifest states something.
pub(super) type States = fn(&ManifestFile) -> bool;

/// All fields by name, but for the path and what is not interpreted.
pub(super) const STATES: [(&str, States); 12] = [
    ("record_count", |file| file.record_count.is_some()),
    ("file_size", |file| file.file_size.is_some()),
    ("first_ts", |file| file.first_ts.is_some()),
    ("last_ts", |file| file.last_ts.is_some()),
    ("fingerprints", |file| file.fingerprints.is_some()),
    ("split_key", |file| file.split_key.is_some()),
    ("tid_count", |file| file.tid_count.is_some()),
    ("min_tid", |file| file.min_tid.is_some()),
    ("max_tid", |file| file.max_tid.is_some()),
    ("slot", |file| file.slot.is_some()),
    ("span_count", |file| file.span_count.is_some()),
    ("trace_count", |file| file.trace_count.is_some()),
];

/// Whether a field means something for a signal; without one everything may.
pub(super) fn means(signal: Option<&Signal>, field: &str) -> bool {
    let Some(signal) = signal else { return true };
    match field {
        "fingerprints" => signal.fingerprints.is_some(),
        "tid_count" | "min_tid" | "max_tid" => signal.group_key.is_some(),
        "slot" | "span_count" | "trace_count" => signal.locality.is_some(),
        _ => true,
    }
}

/// One field of one file: what is stated, what the rows give, and what a defect would have stated.
pub(super) struct Field {
    pub(super) name: &'static str,
    stated: Option<String>,
    pub(super) recomputed: Option<String>,
    /// For values that the texts only sum up.
    agrees: Option<bool>,
    defect: Option<KnownDefect>,
    more: Vec<Named>,
}

/// The fields of one file that its signal gives a meaning, whether they are stated or not.
pub(super) fn of(subject: &Subject<'_>, it: &Stated<'_>, explained: &Explained) -> Vec<Field> {
    let signal = subject.job.signal.as_ref();
    let mut fields = vec![
        field("record_count", it.entry.record_count, Some(it.facts.rows)),
        field("file_size", it.entry.file_size, Some(it.facts.bytes)),
    ];
    let timed = signal.and_then(|it| it.time_column.as_deref());
    if timed.is_some_and(|column| subject.unread(column).is_none()) {
        let (range, own) = (explained.range, it.facts.range);
        let first = field("first_ts", it.entry.first_ts, own.map(|range| range.0));
        let last = field("last_ts", it.entry.last_ts, own.map(|range| range.1));
        let first_explained = range.is_some_and(|range| it.entry.first_ts == Some(range.first));
        let last_explained = range.is_some_and(|range| it.entry.last_ts == Some(range.last));
        fields.push(first.explained_if(first_explained, KnownDefect::HourRange));
        fields.push(last.explained_if(last_explained, KnownDefect::HourRange));
    }
    fields.extend(it.facts.fingerprints.as_ref().map(|prints| fingerprints(it, prints, explained)));
    if let Some(groups) = &it.facts.groups {
        let range = groups.range.as_ref();
        let count = field("tid_count", it.entry.tid_count, Some(groups.distinct));
        let lost = explained.statistics_lost && it.entry.tid_count == Some(0);
        fields.push(count.explained_if(lost, KnownDefect::StatisticsOnLastFileOnly));
        fields.push(field("min_tid", it.entry.min_tid, range.map(|range| range.0.text())));
        fields.push(field("max_tid", it.entry.max_tid, range.map(|range| range.1.text())));
    }
    if let Some(traces) = &it.facts.traces {
        fields.push(field("trace_count", it.entry.trace_count, Some(traces.distinct)));
    }
    if signal.is_some_and(|it| it.locality.is_some()) {
        fields.push(field("span_count", it.entry.span_count, Some(it.facts.rows)));
        if let Some(slot) = subject.job.parameters.slot {
            fields.push(field("slot", it.entry.slot, Some(slot)));
        }
    }
    fields
}

/// A field whose texts say all there is to say.
fn field(name: &'static str, stated: Option<impl ToString>, recomputed: Option<impl ToString>) -> Field {
    Field {
        name,
        stated: stated.map(|it| it.to_string()),
        recomputed: recomputed.map(|it| it.to_string()),
        agrees: None,
        defect: None,
        more: Vec::new(),
    }
}

impl Field {
    fn explained_if(self, explained: bool, defect: KnownDefect) -> Self {
        Self { defect: explained.then_some(defect), ..self }
    }
}

fn fingerprints(it: &Stated<'_>, prints: &facts::Prints, explained: &Explained) -> Field {
    let own = prints.all();
    let stated: Option<BTreeSet<i64>> = it.entry.fingerprints.as_ref().map(|it| it.iter().copied().collect());
    let mut more = Vec::new();
    if let Some(stated) = &stated {
        let lists = [("missing", own.difference(stated)), ("extra", stated.difference(&own))];
        for (name, difference) in lists {
            let values: Vec<i64> = difference.copied().collect();
            if let Some(first) = values.first() {
                more.push(evidence(
                    &format!("fingerprints {name}"),
                    format!("{}, first {first}", values.len()),
                ));
            }
        }
    }
    let words = |set: &BTreeSet<i64>| counted(set.len() as u64, "fingerprint");
    let allows = |own: &BTreeSet<i64>| stated.as_ref().map(|stated| prints.unread.allows(stated, own));
    let shifted = explained.fingerprints.as_ref().is_some_and(|shifted| allows(shifted) == Some(true));
    let beside = if prints.unread.is_empty() { "" } else { " beside those of ignored columns" };
    Field {
        name: "fingerprints",
        agrees: allows(&own),
        defect: shifted.then_some(KnownDefect::FingerprintShift),
        stated: stated.as_ref().map(words),
        recomputed: (!own.is_empty()).then(|| format!("{}{beside}", words(&own))),
        more,
    }
}

/// Holds what is stated against what the rows give. A field that no entry states is not judged.
pub(super) fn judge(
    role: Role,
    it: &Stated<'_>,
    field: Field,
    all: &[Stated<'_>],
    records: &mut Vec<MetadataEvidence>,
    mismatches: &mut Vec<Mismatch>,
) {
    let states = STATES.iter().find(|(name, _)| *name == field.name).map(|(_, states)| states);
    if !states.is_some_and(|states| all.iter().any(|other| states(other.entry))) {
        return;
    }
    // A set that is stated as empty equals one that is not there.
    let agrees = field.agrees.unwrap_or_else(|| field.stated == field.recomputed);
    records.push(MetadataEvidence {
        side: role,
        file: it.file.info.path.clone(),
        field: field.name.to_owned(),
        stated: field.stated.clone(),
        recomputed: field.recomputed.clone(),
        agrees,
    });
    if !agrees {
        mismatches.push(Mismatch {
            field: field.name,
            file: it.file.info.path.clone(),
            row: None,
            absent: field.stated.is_none(),
            stated: field.stated.unwrap_or_else(|| "nothing".to_owned()),
            recomputed: field.recomputed.unwrap_or_else(|| "nothing".to_owned()),
            defect: field.defect,
            more: field.more,
        });
    }
}
