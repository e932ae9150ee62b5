//! Ids of findings: `job/CHECK/code-digest`, the same for the same data.
//!
//! 1. The digest is the first 12 hexadecimal digits of BLAKE3 over what the finding is *about*: job, check, code, side,
//!    column, defect and, but for ROWS, the file, by its position among the side's files in judged order: a writer may give
//!    its files another name each time. Where it stands for the rows of one scope of the policy, that scope is in it too.
//!    Counts, messages, row numbers and samples stay out: they may vary with how rows were paired or sampled. A ROWS finding
//!    spans files; the one it names is only the first example.
//! 2. Findings that agree in all of that get a running number, in the order of the check.
//!
//! Cost: one short hash a finding.

use std::collections::HashMap;

use reports::document::{Finding, Role};

/// Hexadecimal digits of an id's digest.
const DIGITS: usize = 12;

/// Gives every finding of a job's check its id. `position` knows the place of a side's file in judged order.
pub fn assign(job: &str, findings: &mut [Finding], position: impl Fn(Option<Role>, &str) -> Option<usize>) {
    let mut seen: HashMap<String, u64> = HashMap::new();
    for finding in findings {
        let plain = plain(job, finding, &position);
        let times = seen.entry(plain.clone()).or_default();
        *times += 1;
        finding.id = if *times == 1 { plain } else { format!("{plain}-{times}") };
    }
}

fn plain(job: &str, finding: &Finding, position: impl Fn(Option<Role>, &str) -> Option<usize>) -> String {
    let place = finding.place.as_ref();
    let file = place.and_then(|place| place.file.as_deref()).filter(|_| finding.check != "ROWS");
    let file = file.map(|file| match position(finding.side, file) {
        Some(position) => format!("#{position}"),
        None => file.to_owned(),
    });
    let side = finding.side.map(|side| side.to_string());
    let parts = [
        Some(job),
        Some(finding.check.as_str()),
        Some(finding.code.as_str()),
        side.as_deref(),
        place.and_then(|place| place.column.as_deref()),
        finding.defect.as_deref(),
        file.as_deref(),
    ];
    let mut hasher = blake3::Hasher::new_derive_key("parallax 2026 id of a finding");
    for part in parts {
        // Absent and empty are two things, and no part runs into the next.
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        hasher.update(&length.to_le_bytes());
        hasher.update(part.unwrap_or_default().as_bytes());
    }
    if let Some(scope) = &finding.scope {
        hasher.update(scope.as_bytes());
    }
    let digest = hasher.finalize().to_hex();
    let digest = digest.as_str().get(..DIGITS).unwrap_or_default();
    format!("{job}/{}/{}-{digest}", finding.check, finding.code)
}

#[cfg(test)]
mod tests {
    use reports::document::{Place, Severity};

    use super::*;
    use crate::check::finding::{Refine, finding};

    fn on(check: &str, column: &str, file: &str) -> Finding {
        let place = Place {
            column: Some(column.to_owned()),
            file: Some(file.to_owned()),
            row: Some(7),
            ..Place::default()
        };
        finding(check, "some.code", Severity::Blocker, None, "a message").at(place)
    }

    fn ids(findings: &[Finding]) -> Vec<String> {
        let mut findings = findings.to_vec();
        assign("job", &mut findings, |_, _| None);
        findings.into_iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn an_id_is_readable_and_does_not_hang_on_counts_rows_or_words() {
        let one = on("ROWS", "level", "a.parquet");
        let mut other = on("ROWS", "level", "b.parquet").counting(9).with("baseline", "x");
        other.message = "other words".to_owned();
        let (one, other) = (ids(&[one]), ids(&[other]));
        assert_eq!(one, other);
        assert!(one[0].starts_with("job/ROWS/some.code-"), "{one:?}");
        assert_eq!(one[0].len(), "job/ROWS/some.code-".len() + DIGITS);
    }

    #[test]
    fn what_a_finding_is_about_tells_ids_apart() {
        let mut sided = on("ORDER", "level", "a");
        sided.side = Some(Role::Baseline);
        let all = [
            on("ORDER", "level", "a"),
            on("ORDER", "level", "b"),
            on("ORDER", "name", "a"),
            sided,
            on("ORDER", "level", "a").explained_by("D"),
        ];
        let mut distinct = ids(&all);
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_file_that_has_another_name_each_time_is_known_by_its_position() {
        let mut findings = [on("ORDER", "level", "buffet-1x"), on("ORDER", "level", "buffet-7y")];
        assign("job", &mut findings, |_, _| Some(0));
        assert_eq!(findings[1].id, format!("{}-2", findings[0].id));
    }

    #[test]
    fn true_duplicates_are_numbered() {
        let found = ids(&[on("ORDER", "level", "a"), on("ORDER", "level", "a")]);
        assert_eq!(found[1], format!("{}-2", found[0]));
    }
}
