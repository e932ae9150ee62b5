//! The rules of the house that no compiler holds: who may know whom, how long a file may get, what never goes in.
//!
//! Each rule is a pure function over a path and a text, in `tidy/rules.rs`, or over all files of the unified writer, in
//! `tidy/unified.rs`. It is applied to the files of the repository here, and shown to go red on a planted text there.

use std::fs;
use std::path::{Path, PathBuf};

mod code;
mod rules;
mod unified;

/// A file of the repository: path relative to the root, `/` between parts, and its text.
struct Tracked {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file that is, or is about to be, in the repository.
fn tracked() -> Vec<Tracked> {
    let root = root();
    let listed = std::process::Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output();
    let mut paths: Vec<String> = match listed {
        Ok(listed) if listed.status.success() => String::from_utf8(listed.stdout)
            .unwrap()
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(Into::into)
            .collect(),
        // A copy without its history.
        _ => walkdir::WalkDir::new(&root)
            .into_iter()
            .filter_entry(|entry| {
                let name = entry.file_name().to_string_lossy();
                entry.depth() != 1 || !matches!(&*name, "target" | ".git" | "parallax-report")
            })
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned())
            .collect(),
    };
    paths.sort();
    paths.dedup();
    let files: Vec<_> = paths
        .into_iter()
        // A file that is deleted but not yet committed, or that is not text, has nothing to say.
        .filter_map(|path| fs::read_to_string(root.join(&path)).ok().map(|text| Tracked { path, text }))
        .collect();
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the list of files is incomplete");
    files
}

/// Applies a rule to every file and fails with all that it finds.
fn hold(rule: fn(&str, &str) -> Vec<String>) {
    let found: Vec<_> = tracked()
        .iter()
        .flat_map(|file| {
            rule(&file.path, &file.text).into_iter().map(|what| format!("{}: {what}", file.path))
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn members_depend_only_on_whom_they_may_know() {
    hold(rules::dependencies);
}

#[test]
fn the_writers_know_nobody_and_reports_and_corpora_no_neighbour() {
    hold(rules::rooms);
}

#[test]
fn checks_digests_and_outputs_never_know_a_side() {
    hold(rules::blind_judges);
}

#[test]
fn only_the_adapters_know_the_writers() {
    hold(rules::adapters);
}

#[test]
fn files_are_short_and_main_is_shorter() {
    hold(rules::length);
}

#[test]
fn every_member_inherits_the_lints_of_the_workspace() {
    hold(rules::lints);
    // The rule sees manifests; that it sees all of them is checked here.
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let manifest = Path::new(member.as_str().unwrap()).join("Cargo.toml");
        assert!(root().join(&manifest).is_file(), "{}", manifest.display());
    }
}

#[test]
fn nothing_is_left_to_do_and_no_debugging_left_behind() {
    hold(rules::leftovers);
}

#[test]
fn no_path_of_somebodys_machine_is_in_the_repository() {
    hold(rules::machines);
}

#[test]
fn modules_of_the_unified_writer_import_to_the_left_and_never_in_a_circle() {
    let tracked = tracked();
    let files: Vec<_> = tracked.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let found = unified::violations(&files);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    // The rule must see the imports that there are.
    let imports = unified::imports(&files);
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert!(imports[&module("writer")].contains(&module("output::split")));
    assert!(imports[&module("rollup")].contains(&module("rollup::rules")));
}
