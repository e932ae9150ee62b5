//! What ROWS says: findings, the sentence, and what of it the baseline's noise decides.

use reports::document::{CheckStatus, Finding, Role, Severity};
use reports::evidence::{RowDifferenceKind, RowNoise, RowsEvidence};

use super::noise::Noise;
use super::tally::{Aside, NOISE, REPRODUCED, Tally, place_text};
use super::{CHECK, damaged, highest};
use crate::check::draft::counted;
use crate::check::finding::{evidence, finding};
use crate::check::{KnownDefect, Observed};
use crate::evidence::changes;

/// One sentence.
pub(super) fn summary(rows: &RowsEvidence, tally: &Tally) -> String {
    let of = |count: u64| counted(count, "row");
    let noise = rows.noise.as_ref().filter(|it| it.set_apart() > 0).map(apart).unwrap_or_default();
    if rows.changed == 0 && rows.missing == 0 && rows.extra == 0 {
        return format!("both sides hold the same {}{noise}", of(rows.equal));
    }
    let lost = match tally.excused {
        0 => String::new(),
        excused => format!(" ({excused} of them by defect D)"),
    };
    let damaged = match tally.damaged.all() {
        0 => String::new(),
        rows => format!(", of all these {rows} by defect H"),
    };
    format!(
        "{} changed, {} missing, {} extra{lost}{damaged}; {} equal{noise}",
        of(rows.changed),
        rows.missing,
        rows.extra,
        rows.equal
    )
}

/// One finding a changed column, one for missing, one for extra and one for duplicated rows; and what noise there is.
pub(super) fn findings(candidate: &Observed, rows: &RowsEvidence, tally: &Tally) -> Vec<Finding> {
    let mut findings = Vec::new();
    for change in &rows.columns {
        let parts = tally.columns.get(&change.column).map(|column| &column.parts);
        for (code, part) in parts.into_iter().flatten() {
            let kinds = change.kinds.iter().filter(|(kind, _)| changes::code(kind) == *code);
            let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{count} {kind}")).collect();
            let first = part.first.as_ref();
            let place =
                first.map(|(entry, _)| candidate.output.files[entry.spot.0 as usize].place(entry.spot.1));
            let at = place.as_ref().map(|it| format!(", first at {}", place_text(it))).unwrap_or_default();
            let (column, counted) = (&change.column, counted(part.rows, "row"));
            let message = match *code {
                changes::RETYPED => format!(
                    "column {column:?}: {counted} of another type with the same value{at}; a change that is meant is \
                     declared by [policy.same_type]"
                ),
                changes::VALUE_CHANGED => {
                    format!("column {column:?}: {counted} changed in value, beside the type{at}")
                }
                _ => format!("column {column:?}: {counted} changed ({}){at}", kinds.join(", ")),
            };
            let mut draft = finding(CHECK, code, Severity::Blocker, None, message);
            draft.count = part.rows;
            draft.place =
                place.map(|place| reports::document::Place { column: Some(column.clone()), ..place });
            draft.evidence = first.map(|(_, support)| support.clone()).unwrap_or_default();
            findings.push(draft);
        }
    }
    let sample = |kind: RowDifferenceKind| {
        let sample = rows.samples.iter().find(|sample| sample.kind == kind)?;
        Some((sample.baseline.clone().or_else(|| sample.candidate.clone())?, sample.key.clone()))
    };
    let unpaired = [
        (
            "rows.missing",
            rows.missing - tally.damaged.missing,
            RowDifferenceKind::Missing,
            "of the baseline missing in the candidate",
        ),
        (
            "rows.extra",
            rows.extra - tally.duplicated - tally.excused - tally.damaged.extra,
            RowDifferenceKind::Extra,
            "of the candidate without a counterpart in the baseline",
        ),
        (
            "rows.duplicated",
            tally.duplicated,
            RowDifferenceKind::Extra,
            "of the candidate there more often than in the baseline",
        ),
    ];
    for (code, count, kind, words) in unpaired.into_iter().filter(|it| it.1 > 0) {
        let sample = sample(kind);
        let at =
            sample.as_ref().map(|(place, _)| format!(", first at {}", place_text(place))).unwrap_or_default();
        let message = format!("{} {words}{at}", counted(count, "row"));
        let mut draft = finding(CHECK, code, Severity::Blocker, None, message);
        draft.count = count;
        if let Some((place, key)) = sample {
            draft.place = Some(place);
            draft.evidence = key
                .into_iter()
                .map(|cell| evidence(&format!("key {}", cell.column), cell.value.text.unwrap_or_default()))
                .collect();
        }
        findings.push(draft);
    }
    if tally.excused > 0 {
        let message = format!(
            "{} of TID {} that the baseline loses and the inputs yield",
            counted(tally.excused, "row"),
            i64::MAX
        );
        let mut draft = finding(CHECK, "rows.extra", Severity::Blocker, None, message);
        draft.count = tally.excused;
        draft.place = tally.excused_samples.first().and_then(|sample| sample.candidate.clone());
        draft.defect = Some(KnownDefect::HighestTidLost.letter().to_owned());
        draft.waived = Some(highest::waived());
        findings.push(draft);
    }
    findings.extend(of_damaged_sketches(tally));
    if let Some(noise) = &rows.noise {
        findings.extend(noise_findings(rows, noise, tally.aside.unpaired));
    }
    findings
}

/// What defect H explains: one finding for points that both sides hold, one for those of the baseline alone, one for those of the
/// candidate alone.
fn of_damaged_sketches(tally: &Tally) -> Vec<Finding> {
    let damaged = &tally.damaged;
    let kinds = [
        (changes::CHANGED, damaged.changed, RowDifferenceKind::Changed, "of both sides"),
        ("rows.missing", damaged.missing, RowDifferenceKind::Missing, "of the baseline alone"),
        ("rows.extra", damaged.extra, RowDifferenceKind::Extra, "of the candidate alone"),
    ];
    let found = |(code, count, kind, words): (&str, u64, RowDifferenceKind, &str)| {
        let message = format!(
            "{} {words} with damaged sketches among the input rows: the baseline merges what can be read of them, the candidate \
             drops them or reads them whole, and both do so exactly",
            counted(count, "point")
        );
        let mut draft = finding(CHECK, code, Severity::Blocker, None, message);
        draft.count = count;
        let sample = damaged.samples.iter().find(|sample| sample.kind == kind);
        draft.place = sample.and_then(|sample| sample.candidate.clone().or_else(|| sample.baseline.clone()));
        draft.defect = Some(KnownDefect::DamagedSketchesMerged.letter().to_owned());
        draft.waived = Some(damaged::waived());
        draft
    };
    kinds.into_iter().filter(|kind| kind.1 > 0).map(found).collect()
}

/// Inconclusive where nobody can say what is right.
pub(super) fn status(rows: &RowsEvidence) -> Option<CheckStatus> {
    rows.noise.as_ref().filter(|noise| noise.undecided() > 0).map(|_| CheckStatus::Inconclusive)
}

/// What the baseline's other runs show, for the report.
pub(super) fn noise(noise: &Noise<'_>, aside: &Aside) -> RowNoise {
    RowNoise {
        runs: noise.runs,
        rows_least: noise.rows.0,
        rows_most: noise.rows.1,
        same_as: noise.same.clone(),
        reproduced: aside.reproduced,
        changed: aside.changed,
        missing: aside.missing,
        extra: aside.extra,
        columns: aside.columns.clone(),
    }
}

/// What was set apart, for the end of a sentence.
fn apart(noise: &RowNoise) -> String {
    let mut parts = Vec::new();
    if noise.reproduced > 0 {
        parts.push(format!("{} as the baseline wrote them in another run", noise.reproduced));
    }
    if noise.undecided() > 0 {
        parts.push(format!("{} undecided, where the baseline does not reproduce itself", noise.undecided()));
    }
    format!("; {}", parts.join(", "))
}

fn noise_findings(rows: &RowsEvidence, noise: &RowNoise, unpaired: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let among = noise.rows_least..=noise.rows_most;
    if unpaired && !among.contains(&rows.rows_candidate) {
        let message = format!(
            "the candidate holds {}; the {} of the baseline hold {} to {}: that is no noise",
            counted(rows.rows_candidate, "row"),
            counted(noise.runs + 1, "run"),
            noise.rows_least,
            noise.rows_most
        );
        let mut finding = finding(CHECK, "rows.count", Severity::Blocker, None, message);
        finding.count = among.start().saturating_sub(rows.rows_candidate)
            + rows.rows_candidate.saturating_sub(*among.end());
        findings.push(finding);
    }
    if noise.undecided() > 0 {
        let columns: Vec<String> = noise
            .columns
            .iter()
            .map(|(name, rows)| format!("{name:?} in {}", counted(*rows, "row")))
            .collect();
        let mut which = vec![
            format!("{} changed", noise.changed),
            format!("{} missing", noise.missing),
            format!("{} extra", noise.extra),
        ];
        which.extend((!columns.is_empty()).then(|| format!("columns: {}", columns.join(", "))));
        let message = format!(
            "{} where the baseline does not reproduce itself either ({}): nobody can say what is right there; make the \
             baseline reproduce itself, name another row key, or leave a column out and say why (--ignore-columns)",
            counted_differ(noise.undecided()),
            which.join(", ")
        );
        let mut finding = finding(CHECK, NOISE, Severity::Warning, Some(Role::Baseline), message);
        finding.count = noise.undecided();
        findings.push(finding);
    }
    if noise.reproduced > 0 {
        let how = match &noise.same_as {
            Some(run) => format!("the candidate holds exactly the rows of the baseline's {run}"),
            None => "the baseline wrote the same for these keys in another run".to_owned(),
        };
        let message = format!("{} from the baseline's first run: {how}", counted_differ(noise.reproduced));
        let mut finding = finding(CHECK, REPRODUCED, Severity::Info, Some(Role::Baseline), message);
        finding.count = noise.reproduced;
        findings.push(finding);
    }
    findings
}

fn counted_differ(rows: u64) -> String {
    if rows == 1 { "1 row differs".to_owned() } else { format!("{rows} rows differ") }
}
