//! A job packed on one machine and run again on another: the same findings with the same ids.

use std::path::{Path, PathBuf};

use crate::support::{Finished, beside, corpus, files_below, findings, parallax, read_report};

fn bundle(done: &Finished, job: &str) -> PathBuf {
    let (code, stdout, stderr) = beside(
        done,
        &["bundle", "parallax-report", "--job", job, "--out", "job.tar.zst", "--allow-root", "/"],
    );
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(done.leftovers().is_empty(), "{:?}", done.leftovers());
    done.path("job.tar.zst")
}

fn ids(path: &Path) -> Vec<String> {
    let report = read_report(path, "");
    let mut ids: Vec<String> = findings(&report).map(|finding| finding.id.clone()).collect();
    ids.sort();
    ids
}

/// Replays a bundle in a directory of its own, after that of the run is gone, and holds the ids against each other.
fn same_elsewhere(done: Finished, job: &str) {
    let packed = std::fs::read(bundle(&done, job)).unwrap();
    let before = ids(&done.path("parallax-report/report.json"));
    assert!(!before.is_empty());
    drop(done);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("job.tar.zst");
    std::fs::write(&file, packed).unwrap();
    let again = parallax(&["replay", file.to_str().unwrap()]).finish().expect(0);
    assert!(again.stdout.contains(&format!("{job}: the same ")), "{}", again.stdout);
    assert_eq!(ids(&again.path("parallax-replay/report.json")), before);
    assert!(again.leftovers().is_empty(), "{:?}", again.leftovers());
}

#[test]
fn a_generated_corpus_gives_the_same_ids_elsewhere() {
    let corpus = "compact-production";
    let arguments =
        ["run", "--corpus", corpus, "--candidate", "fault:drop-row", "--seed", "7", "--by", "hour"];
    same_elsewhere(parallax(&arguments).finish().expect(1), corpus);
}

#[test]
fn ones_own_segments_and_configuration_give_the_same_ids_elsewhere() {
    let (_home, inputs) = corpus("compact-production");
    let line = serde_json::json!({"id": "mine", "signal": "logs", "inputs": inputs, "parameters": {"rows_per_file": 700}});
    let waiver = "[[waiver]]\ncode = \"rows.missing\"\nreason = \"a trial\"\nowner = \"us\"\n";
    let done = parallax(&["run", "--job-list", "jobs.jsonl", "--candidate", "fault:change-character"])
        .with_file("jobs.jsonl", &format!("{line}\n"))
        .with_file("parallax.toml", waiver)
        .finish()
        .expect(1);
    same_elsewhere(done, "mine");
}

#[test]
fn a_report_is_replayed_from_its_own_directory_though_its_paths_count_from_that_of_the_run() {
    let (segments, _) = corpus("compact-production");
    let arguments = ["run", "--corpus", "mine", "--signal", "logs", "--candidate", "fault:drop-row"];
    let (home, mut command) = parallax(&[&arguments[..], &["--policy", "own.toml"]].concat())
        .with_file("own.toml", "[policy.sizes]\nbytes_warn = 0.11\n")
        .into_parts();
    let mine = home.path().join("mine");
    std::fs::create_dir(&mine).unwrap();
    for file in std::fs::read_dir(segments.path().join("in")).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), mine.join(file.file_name())).unwrap();
    }
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    let replay = |dir: &str, report: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_parallax"))
            .args(["replay", report, "--job", "mine", "--check", "ROWS"])
            .current_dir(home.path().join(dir))
            .env("TMPDIR", home.path().join("tmp"))
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (dir, report) in
        [("parallax-report", "."), ("", "parallax-report"), ("tmp", "../parallax-report/report.json")]
    {
        let (code, told) = replay(dir, report);
        assert_eq!(code, Some(0), "{dir} {report}: {told}");
        assert!(!told.contains("the policy is not that of then"), "{told}");
    }
    // What is found must be what it was.
    let first = std::fs::read_dir(&mine).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&first).unwrap();
    std::fs::write(&first, [&bytes[..], b"x"].concat()).unwrap();
    let (code, told) = replay("parallax-report", ".");
    assert_eq!((code, told.contains("it is another file now")), (Some(2), true), "{told}");
}

#[test]
fn the_policy_file_travels_with_the_job_and_judges_alike_elsewhere() {
    let corpus = "compact-production";
    let policy = "[policy.sizes]\nbytes_warn = 0.11\n[[policy.for]]\njob = \"compact-*\"\ngates = [\"SCHEMA\"]\n\
                  [[policy.for.waiver]]\ncode = \"rows.missing\"\nreason = \"a trial\"\nowner = \"us\"\n";
    let arguments = ["run", "--corpus", corpus, "--candidate", "fault:drop-row", "--policy", "own.toml"];
    let done = parallax(&arguments).with_file("own.toml", policy).finish().expect(0);
    let before = done.report();
    let packed = std::fs::read(bundle(&done, corpus)).unwrap();
    let (old, old_ids) = (before.policy.unwrap(), ids(&done.path("parallax-report/report.json")));
    drop(done);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("job.tar.zst");
    std::fs::write(&file, packed).unwrap();
    let again = parallax(&["replay", file.to_str().unwrap(), "--format", "json"]).finish().expect(0);
    let said: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&said["same_policy"], &said["verdict"]), (&true.into(), &"pass".into()), "{said}");
    let report = read_report(&again.path("parallax-replay/report.json"), "");
    assert_eq!(report.policy.unwrap().digest, old.digest);
    assert_eq!(ids(&again.path("parallax-replay/report.json")), old_ids);
    let report = read_report(&again.path("parallax-replay/report.json"), "");
    assert!(findings(&report).any(|it| it.code == "rows.missing" && it.waived.is_some()));
    // Under another configuration it says so.
    let other = parallax(&["replay", file.to_str().unwrap(), "--config", "other.toml"])
        .with_file("other.toml", "[policy.sizes]\nbytes_fail = 0.7\n")
        .finish()
        .expect(0);
    assert!(other.stderr.contains("the policy is not that of then"), "{}", other.stderr);
}

#[test]
fn an_input_that_changed_since_is_refused_by_bundle_and_replay_and_named() {
    let (home, inputs) = corpus("compact-production");
    let line = serde_json::json!({"id": "mine", "signal": "logs", "inputs": inputs});
    let done = parallax(&["run", "--job-list", "jobs.jsonl", "--candidate", "fault:drop-row"])
        .with_file("jobs.jsonl", &format!("{line}\n"))
        .finish()
        .expect(1);
    let report = done.report();
    for (input, path) in report.jobs[0].inputs.iter().zip(&inputs) {
        let digest = blake3::hash(&std::fs::read(path).unwrap()).to_hex().to_string();
        assert_eq!(input.digest.as_ref(), Some(&digest), "{path}");
    }
    // One byte, in the middle of a file: the size stays.
    let mut bytes = std::fs::read(&inputs[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&inputs[1], bytes).unwrap();
    for command in [
        &["replay", "parallax-report", "--job", "mine"][..],
        &["bundle", "parallax-report", "--job", "mine", "--out", "x.tar.zst", "--allow-root", "/"],
    ] {
        let (code, _, stderr) = beside(&done, command);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(&inputs[1]) && stderr.contains("as in the report"), "{stderr}");
    }
    assert!(!done.path("x.tar.zst").exists() && !done.path("parallax-replay").exists());
    drop(home);
}

#[test]
fn a_comparison_and_recorded_outputs_give_the_same_ids_elsewhere() {
    let made = parallax(&[
        "run",
        "--corpus",
        "compact-production",
        "--candidate",
        "fault:drop-row",
        "--keep",
        "always",
    ])
    .finish()
    .expect(1);
    let outputs = |side: &str| made.path(&format!("parallax-report/outputs/{side}/compact-production"));
    let (a, b) = (outputs("baseline"), outputs("candidate"));
    let [a_text, b_text] = [&a, &b].map(|path| path.to_str().unwrap());
    same_elsewhere(parallax(&["compare", a_text, b_text, "--signal", "logs"]).finish().expect(1), "compare");
    let (_home, inputs) = corpus("compact-production");
    let line = serde_json::json!({"id": "recorded", "signal": "logs", "inputs": inputs, "baseline": a, "candidate": b});
    let done = parallax(&["run", "--job-list", "jobs.jsonl"])
        .with_file("jobs.jsonl", &format!("{line}\n"))
        .finish()
        .expect(1);
    same_elsewhere(done, "recorded");
}

#[test]
fn a_report_replays_without_a_bundle_and_one_check_can_be_held_alone() {
    let done = parallax(&["run", "--corpus", "compact-production", "--candidate", "fault:drop-row"])
        .finish()
        .expect(1);
    let job = ["replay", "parallax-report", "--job", "compact-production"];
    let (code, stdout, stderr) =
        beside(&done, &[&job[..], &["--check", "rows", "--format", "json"]].concat());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let said: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&said["same"], &said["findings"]), (&true.into(), &1.into()), "{said}");
    let (code, _, stderr) = beside(&done, &[&job[..], &["--out", "parallax-report"]].concat());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("which is cleared before a run"), "{stderr}");
    assert!(done.path("parallax-report/report.json").exists());
    let (code, _, stderr) = beside(&done, &["replay", "parallax-report", "--job", "other"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("has no such job"), "{stderr}");
}

#[test]
fn a_bundle_that_was_tampered_with_is_refused_and_the_file_named() {
    let done = parallax(&["run", "--corpus", "compact-one-row", "--keep", "always"]).finish().expect(0);
    let packed = bundle(&done, "compact-one-row");
    // Unpacked, one input changed, and packed again with the old list of digests.
    let bytes = zstd::stream::decode_all(std::fs::File::open(&packed).unwrap()).unwrap();
    let mut out = tar::Builder::new(Vec::new());
    let mut touched = String::new();
    for entry in tar::Archive::new(&bytes[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        let path = entry.path().unwrap().display().to_string();
        if path.starts_with("inputs/") && touched.is_empty() {
            let middle = content.len() / 2;
            content[middle] ^= 1;
            touched.clone_from(&path);
        }
        let mut header = entry.header().clone();
        out.append_data(&mut header, &path, &content[..]).unwrap();
    }
    std::fs::write(&packed, zstd::stream::encode_all(&out.into_inner().unwrap()[..], 1).unwrap()).unwrap();
    let (code, _, stderr) = beside(&done, &["replay", "job.tar.zst"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains(&format!("{touched} has the digest")), "{stderr}");
    assert!(!done.path("parallax-replay").exists(), "checked before anything is run");
    assert!(done.leftovers().is_empty());
}

#[test]
fn a_recorded_output_that_changed_since_is_not_packed() {
    let made = parallax(&["run", "--corpus", "compact-one-row", "--keep", "always"]).finish().expect(0);
    let [a, b] = ["baseline", "candidate"].map(|side| {
        made.path(&format!("parallax-report/outputs/{side}/compact-one-row")).to_str().unwrap().to_owned()
    });
    let done = parallax(&["compare", &a, &b, "--signal", "logs"]).finish();
    let file = std::fs::read_dir(&b)
        .unwrap()
        .map(|it| it.unwrap().path())
        .find(|it| it.extension().is_some_and(|end| end == "parquet"))
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (code, _, stderr) = beside(
        &done,
        &["bundle", "parallax-report", "--job", "compare", "--out", "x.tar.zst", "--allow-root", "/"],
    );
    assert_eq!(code, Some(2));
    assert!(stderr.contains("is not what the report judged"), "{stderr}");
    assert!(!done.path("x.tar.zst").exists());
}

#[cfg(unix)]
#[test]
fn an_external_side_needs_a_configuration_for_the_machine_and_that_is_said() {
    use std::os::unix::fs::PermissionsExt;
    // A side that always fails is enough: what matters is that it is started.
    let config = "[side.mine]\ncommand = [\"./side.sh\", \"{job}\", \"{output}\"]\n";
    let script = "#!/bin/sh\nexit 7\n";
    let invocation = parallax(&["run", "--corpus", "compact-one-row", "--candidate", "cmd:mine"])
        .with_file("parallax.toml", config)
        .with_file("side.sh", script);
    let (home, mut command) = invocation.into_parts();
    let executable = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    executable(&home.path().join("side.sh"));
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    let done = Finished { home, code: None, stdout: String::new(), stderr: String::new() };
    let packed = std::fs::read(bundle(&done, "compact-one-row")).unwrap();
    let before = ids(&done.path("parallax-report/report.json"));
    let again = ["replay", "parallax-report", "--job", "compact-one-row"];
    let (code, _, stderr) = beside(&done, &again);
    assert_eq!((code, stderr.contains("name that with --config")), (Some(2), true), "{stderr}");
    let (code, _, stderr) = beside(&done, &[&again[..], &["--config", "parallax.toml"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    drop(done);
    let elsewhere = tempfile::tempdir().unwrap();
    let place = |name: &str| elsewhere.path().join(name);
    std::fs::write(place("job.tar.zst"), packed).unwrap();
    let file = place("job.tar.zst").to_str().unwrap().to_owned();
    let refused = parallax(&["replay", &file]).finish().expect(2);
    assert!(refused.stderr.contains("name that with --config"), "{}", refused.stderr);
    std::fs::write(place("own.toml"), config).unwrap();
    std::fs::write(place("side.sh"), script).unwrap();
    executable(&place("side.sh"));
    let again =
        parallax(&["replay", &file, "--config", place("own.toml").to_str().unwrap()]).finish().expect(0);
    assert_eq!(ids(&again.path("parallax-replay/report.json")), before);
}

#[test]
fn kept_outputs_have_their_digests_beside_them_and_stay_recorded_outputs() {
    let done = parallax(&["run", "--corpus", "compact-one-row", "--keep", "always"]).finish().expect(0);
    let kept = done.path("parallax-report/outputs/candidate/compact-one-row");
    let list = std::fs::read_to_string(kept.join("_digests.b3")).unwrap();
    let report = done.report();
    for file in &report.jobs[0].candidate.files {
        assert!(list.contains(&format!("{}  {}\n", file.digest, file.path)), "{list}");
    }
    let again = parallax(&["verify", kept.to_str().unwrap(), "--signal", "logs"]).finish();
    assert!(!findings(&again.report()).any(|it| it.message.contains("_digests")), "{}", again.stdout);
}

#[test]
fn a_kept_output_whose_file_has_a_line_end_in_its_name_is_packed_and_repeated() {
    let config = "[side.mine]\ncommand = [\"sh\", \"side.sh\", \"{output}\", \"{inputs}\"]\n";
    let (_home, inputs) = corpus("compact-one-row");
    let arguments = ["run", "--corpus", &inputs[0], "--candidate", "cmd:mine", "--keep", "always"];
    let done = parallax(&arguments)
        .with_file("parallax.toml", config)
        .with_file("side.sh", "cp \"$2\" \"$1/a\n::error::b\\\\n.parquet\"\n")
        .finish();
    let job = done.report().jobs[0].id.clone();
    let name = "a\n::error::b\\n.parquet";
    let kept = done.path(&format!("parallax-report/outputs/candidate/{job}"));
    assert!(files_below(&kept).contains(&kept.join(name)), "{:?}", files_below(&kept));
    let list = std::fs::read_to_string(kept.join("_digests.b3")).unwrap();
    assert!(
        list.contains(r"a\n::error::b\\n.parquet") && list.lines().any(|line| line.starts_with('\\')),
        "{list}"
    );
    bundle(&done, &job);
    let (code, stdout, stderr) = beside(&done, &["replay", "job.tar.zst", "--config", "parallax.toml"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(!stdout.lines().chain(stderr.lines()).any(|line| line.starts_with("::")), "{stdout}{stderr}");
}

#[test]
fn what_a_killed_bundle_left_is_removed_by_the_next_one() {
    let done = parallax(&["run", "--corpus", "compact-one-row"]).finish().expect(0);
    let left = done.path(".parallax-bundle-0123456789abcdef.partial");
    std::fs::write(&left, "half a bundle").unwrap();
    std::fs::write(done.path(".other.partial"), "of another program").unwrap();
    bundle(&done, "compact-one-row");
    assert!(!left.exists() && done.path(".other.partial").exists());
}
