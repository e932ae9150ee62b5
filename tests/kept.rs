//! The kept outputs of the main job, compared once more as outputs that exist already: what `parallax compare` says of them
//! must be what `parallax run` said, but for what only the one who ran the writers can know.

use std::collections::BTreeSet;

use reports::document::{CheckStatus, JobReport, SideOutcome, SideReport};
use reports::evidence::RowsEvidence;

use crate::support::{beside, check, parallax, read_report};

/// What a user of `compare` declares who knows that the baseline's files are those of the legacy merger.
const DEFECTS: &str = r#"
[[policy.waiver]]
code = "rows.extra"
signal = "metrics"
side_kind = "recorded"
reason = "legacy defect D: the merger never emits TID 9223372036854775807"
owner = "storage team"

# The column of those points alone.
[[policy.waiver]]
code = "schema.extra"
signal = "metrics"
column = "rollup_p90"
side_kind = "recorded"
reason = "legacy defect D: the merger never emits TID 9223372036854775807"
owner = "storage team"

[[policy.waiver]]
code = "rows.changed"
signal = "metrics"
side_kind = "recorded"
reason = "legacy defect H: the merger merges what it can read of damaged sketches"
owner = "storage team"

[[policy.waiver]]
code = "rows.missing"
signal = "metrics"
side_kind = "recorded"
reason = "legacy defect H: the merger merges what it can read of damaged sketches"
owner = "storage team"
"#;

/// Both sides completed, and what they left is there.
fn kept(job: &JobReport) -> Option<(&SideReport, &SideReport)> {
    let kept = |side: &&SideReport| side.outcome == SideOutcome::Completed && side.kept.is_some();
    job.baseline.as_ref().filter(kept).zip(Some(&job.candidate).filter(kept))
}

#[test]
fn outputs_of_every_corpus_compare_as_they_were_judged_when_they_were_made() {
    let finished = parallax(&["run", "--keep", "always"]).finish().expect(0);
    let report = finished.report();
    let (mut passed, mut empty, mut defective) = (0, Vec::new(), Vec::new());
    for job in &report.jobs {
        let Some((baseline, candidate)) = kept(job) else { continue };
        let output = |side: &SideReport| format!("parallax-report/{}", side.kept.as_deref().unwrap());
        let mut arguments = vec!["compare".to_owned(), output(baseline), output(candidate)];
        let signal = job.signal.as_deref().unwrap();
        arguments.extend(["--signal", signal, "--out", "compared"].map(str::to_owned));
        for parameter in &job.parameters {
            arguments.extend(["--param".to_owned(), format!("{}={}", parameter.key, parameter.value)]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, stdout, stderr) = beside(&finished, &arguments);
        match code {
            Some(0) => passed += 1,
            // Nothing was written, as it should be: a comparison that compares nothing is no pass.
            Some(3) => {
                assert_eq!(candidate.files.iter().map(|file| file.rows).sum::<u64>(), 0, "{}", job.id);
                empty.push(job.id.as_str());
            }
            // Defects of the legacy merger: the run knows which writer it was and what it was given, and waives them.
            Some(1) => {
                let waived = check(job, "ROWS").findings.iter().filter(|found| found.waived.is_some());
                let letters: BTreeSet<&str> = waived.filter_map(|found| found.defect.as_deref()).collect();
                let [letter] = letters.into_iter().collect::<Vec<_>>()[..] else { panic!("{}", job.id) };
                let compared = read_report(&finished.path("compared/report.json"), &job.id);
                let rows = compared.jobs[0].rows.as_ref().unwrap();
                let counts = |rows: &RowsEvidence| (rows.changed, rows.missing, rows.extra);
                assert_eq!(counts(rows), counts(job.rows.as_ref().unwrap()), "{}", job.id);
                assert_eq!(check(&compared.jobs[0], "ACCOUNTING").status, CheckStatus::Pass, "{}", job.id);
                // Declared by name, the defect is all that stood between the two.
                std::fs::write(finished.path("defects.toml"), DEFECTS).unwrap();
                let mut arguments = arguments.clone();
                arguments.extend(["--policy", "defects.toml"]);
                let (code, stdout, stderr) = beside(&finished, &arguments);
                assert_eq!(code, Some(0), "{}\n{stdout}\n{stderr}", job.id);
                defective.push((job.id.as_str(), letter));
            }
            other => panic!("{}: {other:?}\n{stdout}\n{stderr}", job.id),
        }
    }
    assert!(passed > 85, "{passed} of {}", report.jobs.len());
    assert_eq!(
        defective,
        [
            ("metrics-garbage-sketches", "H"),
            ("metrics-highest-tid-lone", "D"),
            ("metrics-highest-tid-merged", "D")
        ]
    );
    assert!(empty.contains(&"compact-zero-rows") && empty.len() < 10, "{empty:?}");
}
