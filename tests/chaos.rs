//! Sides that are stopped at their work: what remains of the attempt, and what the next one leaves.

use reports::document::{CheckStatus, Finding, Role, Severity};

use crate::support::{Finished, check, findings, parallax};

/// A side that runs the script `NAME.sh` with its output directory and its inputs as arguments.
fn side(name: &str) -> String {
    format!("[side.{name}]\ncommand = [\"sh\", \"{name}.sh\", \"{{output}}\", \"{{inputs}}\"]\n")
}

/// Copies input by input under final names, at a pace that lets a stop fall between two of them.
const DIRECT: &str = "o=$1; shift; for f; do cp \"$f\" $o || exit 1; sleep 0.05; done";

/// Copies below a name that readers pass over, then moves everything at once, and leaves its manifest last.
const CAREFUL: &str = r#"
o=$1; shift; rm -rf $o/_temporary; mkdir $o/_temporary || exit 1
for f; do
    cp "$f" $o/_temporary || exit 1
    m="$m,{\"path\":\"$(basename $f)\"}"
    sleep 0.05
done
mv $o/_temporary/* $o && rmdir $o/_temporary || exit 1
echo "{\"files\":[${m#,}]}" > $o/_manifest && mv $o/_manifest $o/manifest.json
"#;

/// Copies under names that the next attempt does not use.
const ADDING: &str = "o=$1; shift; for f; do cp \"$f\" $o/$$-$(basename \"$f\") || exit 1; sleep 0.05; done";

/// Takes no notice of a copy that fails.
const HEEDLESS: &str = "o=$1; shift; for f; do cp \"$f\" $o || true; done";

const POLICY: &str = "[policy]\ngates = [\"ROWS\", \"ERRORS\"]\n";

fn run(script: &str, words: &[&str]) -> Finished {
    let config = [side("calm"), side("side")].concat();
    let sides =
        ["run", "--baseline", "cmd:calm", "--candidate", "cmd:side", "--corpus", "compact-heavy-ties"];
    let done = parallax(&[&sides[..], &["--policy", "policy.toml"], words].concat())
        .with_file("parallax.toml", &config)
        .with_file("calm.sh", DIRECT)
        .with_file("side.sh", script)
        .with_file("policy.toml", POLICY)
        .finish();
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
    done
}

fn blockers(done: &Finished) -> Vec<Finding> {
    let report = done.report();
    findings(&report).filter(|it| it.check == "ERRORS" && it.severity == Severity::Blocker).cloned().collect()
}

fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|it| it.code.as_str()).collect()
}

#[test]
fn a_writer_that_gives_its_files_their_names_at_the_end_and_its_manifest_last_passes() {
    let done = run(CAREFUL, &["--chaos"]).expect(0);
    let report = done.report();
    let errors = check(&report.jobs[0], "ERRORS");
    assert!(errors.summary.contains("the candidate was stopped in"), "{}", errors.summary);
    assert!(report.run.replay.contains("--chaos 8"), "{}", report.run.replay);
    // The baseline writes in place: told, and not blamed on the candidate.
    let told = errors.findings.iter().find(|it| it.code == "errors.stopped-partial").unwrap();
    assert_eq!((told.side, told.severity), (Some(Role::Baseline), Severity::Info));
}

#[test]
fn a_writer_that_writes_in_place_leaves_a_part_of_its_output() {
    let done = run(DIRECT, &["--chaos", "8"]).expect(1);
    let found = blockers(&done);
    assert_eq!(codes(&found), ["errors.stopped-partial"]);
    assert!(found[0].message.contains("under a final name"), "{}", found[0].message);
    assert!(found[0].evidence.iter().any(|it| it.value.contains("missing")), "{:?}", found[0].evidence);
    // Each attempt that left something, with its kind and its time.
    assert_eq!(found[0].evidence.len() as u64, found[0].count);
    assert!(
        found[0].evidence.iter().any(|it| it.name.starts_with("SIGKILL after ")),
        "{:?}",
        found[0].evidence
    );
}

#[test]
fn a_writer_whose_next_attempt_adds_to_what_the_last_one_left_fails() {
    let done = run(ADDING, &["--chaos", "8"]).expect(1);
    let found = blockers(&done);
    assert_eq!(codes(&found), ["errors.stopped-partial", "errors.stopped-retry"]);
    assert!(found[1].message.contains("in its next attempt: "), "{}", found[1].message);
    assert!(found[1].evidence.iter().any(|it| it.value.contains("extra")), "{:?}", found[1].evidence);
}

#[test]
fn a_writer_that_refuses_what_remained_must_be_right_in_an_empty_directory() {
    let refusing = format!("[ -z \"$(ls -A $1)\" ] || exit 1\n{CAREFUL}");
    let done = run(&refusing, &["--chaos", "8"]).expect(0);
    let report = done.report();
    let summary = &check(&report.jobs[0], "ERRORS").summary;
    assert!(summary.contains("refused what remained in"), "{summary}");
    // A lock that an attempt leaves elsewhere stops every later one.
    let locked = format!("mkdir lock 2>/dev/null || exit 1\n{CAREFUL}\nrmdir lock");
    let done = run(&locked, &["--chaos", "8"]).expect(1);
    assert_eq!(codes(&blockers(&done)), ["errors.stopped-retry"]);
}

#[test]
fn a_writer_that_ends_well_although_it_could_not_write_fails() {
    let done = run(HEEDLESS, &["--chaos", "12"]).expect(1);
    let found = blockers(&done);
    assert!(
        found[0].evidence.iter().any(|it| it.value.contains("ended well, but")),
        "{:?}",
        found[0].evidence
    );
}

#[test]
fn a_side_that_no_stop_reached_is_inconclusive() {
    // Its undisturbed run, which the moments are drawn from, is the second one.
    let script = "n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n; [ $n -eq 1 ] && sleep 2; o=$1; shift; cp \"$@\" $o";
    let done = run(script, &["--chaos", "1", "--seed", "3"]).expect(3);
    let report = done.report();
    assert_eq!(check(&report.jobs[0], "ERRORS").status, CheckStatus::Inconclusive);
    assert!(findings(&report).any(|it| it.code == "errors.not-stopped" && it.side == Some(Role::Candidate)));
}

#[test]
fn the_moments_come_from_the_seed() {
    let moments = |seed: &str| -> Vec<u64> {
        let report = run(DIRECT, &["--chaos", "8", "--seed", seed]).report();
        let found = findings(&report).filter(|it| it.code == "errors.stopped-partial");
        let evidence = found.flat_map(|it| it.evidence.clone());
        // What depends on no clock: the room that a file has.
        let sizes = evidence.filter_map(|it| {
            it.name
                .strip_prefix("a limit of ")?
                .strip_suffix(")")?
                .split_once(" bytes a file")?
                .0
                .parse()
                .ok()
        });
        sizes.collect()
    };
    let first = moments("7");
    assert!(!first.is_empty());
    assert_eq!(first, moments("7"));
    assert_ne!(first, moments("8"));
}

#[test]
fn the_unified_writer_leaves_nothing_partial_and_its_next_attempt_is_right() {
    let words = ["run", "--corpus", "compact-heavy-ties", "--chaos", "8", "--policy", "policy.toml"];
    let done = parallax(&words).with_file("policy.toml", POLICY).finish().expect(0);
    let report = done.report();
    let errors = check(&report.jobs[0], "ERRORS");
    assert!(errors.summary.contains("the candidate was stopped in"), "{}", errors.summary);
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
}

#[test]
fn stops_are_refused_where_nothing_would_be_stopped() {
    let done = parallax(&["bench", "--chaos", "3"]).finish().expect(2);
    assert!(done.stderr.contains("give it to `run`"), "{}", done.stderr);
    parallax(&["run", "--chaos", "0"]).finish().expect(2);
}

#[test]
fn the_launcher_bounds_what_it_starts_and_not_itself() {
    // The accounting has more bytes than the bound.
    let words = ["launch", "answer.json", "--file-size", "100", "--data", "67108864", "--"];
    let script = ["sh", "-c", "ulimit -d > data; head -c 5000 /dev/zero > file"];
    let done = parallax(&[&words[..], &script].concat()).finish().expect(0);
    assert_eq!(std::fs::metadata(done.path("file")).unwrap().len(), 100);
    assert_eq!(std::fs::read_to_string(done.path("data")).unwrap().trim(), "65536");
    let answer = std::fs::read_to_string(done.path("answer.json")).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_ne!(answer["status"], 0, "{answer}");
}
