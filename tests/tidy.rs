//! The rules of the house that no compiler holds: who may know whom, how long a file may get, what never goes in.
//!
//! Each rule is a pure function over a path and a text, in `tidy/rules.rs`, or over all files of a member, in `tidy/graph.rs` and
//! `tidy/unified.rs`. It is applied to the repository here, and shown to go red on a planted text there.

use std::fs;
use std::path::{Path, PathBuf};

mod code;
mod graph;
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
fn each_member_names_only_the_members_that_it_may_know() {
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
        // A member that the rules do not list could know anybody.
        let folder = member.as_str().unwrap();
        assert!(
            folder == "." || rules::folders().any(|known| known == folder),
            "{folder}: list it in rules.rs"
        );
    }
}

/// A rule over all files of a member: its folder, and path and text of every file.
type GraphRule = fn(&str, &[(&str, &str)]) -> Vec<String>;

/// Applies a rule over all files of a member to each of `members`.
fn hold_graph(rule: GraphRule, members: &[&str]) {
    let tracked = tracked();
    let files: Vec<_> = tracked.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    for member in members {
        let lib = format!("{member}/src/lib.rs");
        assert!(files.iter().any(|(path, _)| *path == lib), "{lib} is not there, so nothing was looked at");
    }
    let found: Vec<_> = members
        .iter()
        .flat_map(|member| rule(member, &files).into_iter().map(move |what| format!("{member}: {what}")))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_modules_of_the_document_and_of_the_reports_stand_in_layers() {
    hold_graph(graph::circles, &["reports/document", "reports"]);
}

#[test]
fn one_line_that_closes_a_circle_in_the_reports_is_seen() {
    let tracked = tracked();
    for (member, file, line) in [
        ("reports", "reports/src/page/parts.rs", "use crate::html;"),
        ("reports", "reports/src/plot/canvas.rs", "use super::sizes;"),
        ("reports/document", "reports/document/src/finding.rs", "use crate::report::Verdict;"),
    ] {
        let planted = tracked.iter().map(|it| match it.path == file {
            true => (it.path.as_str(), format!("{line}\n{}", it.text)),
            false => (it.path.as_str(), it.text.clone()),
        });
        let planted: Vec<_> = planted.collect();
        let files: Vec<_> = planted.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert!(!graph::circles(member, &files).is_empty(), "{file}: {line}");
    }
}

#[test]
fn renderers_depend_on_models_and_never_on_each_other() {
    hold_graph(graph::renderers_named, &["reports"]);
}

#[test]
fn nothing_is_left_to_do_and_no_debugging_left_behind() {
    hold(rules::leftovers);
}

/// A word in backquotes of the form `module::function` names a test.
#[test]
fn every_test_that_the_documentation_names_is_there() {
    let files = tracked();
    let code: Vec<&Tracked> = files.iter().filter(|file| file.path.ends_with(".rs")).collect();
    let mut named = 0;
    for page in files.iter().filter(|file| file.path.starts_with("docs/")) {
        for word in page.text.split('`').skip(1).step_by(2) {
            let Some((module, function)) = word.split_once("::") else { continue };
            let is_name =
                |it: &str| it.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
            if function.matches('_').count() < 3 || !is_name(module) || !is_name(function) {
                continue;
            }
            named += 1;
            let within = |file: &&&Tracked| file.path.split(['/', '.']).any(|part| part == module);
            let declared = format!("fn {function}()");
            assert!(
                code.iter().filter(within).any(|file| file.text.contains(&declared)),
                "{}: there is no test {word}",
                page.path
            );
        }
    }
    assert!(named > 20, "only {named} tests are named");
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
