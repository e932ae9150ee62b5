//! The rules, each a pure function from path and text to what breaks it.

use super::code::{Token, paths, tokens};

/// Longest Rust file, in lines. Split by noun before.
const LONGEST_FILE: usize = 650;
/// Longest `src/main.rs`: parse, run, exit code.
const LONGEST_MAIN: usize = 40;

/// The crates of the house: folder, package, and the name by which code names it. The root package has no folder of its own.
const MEMBERS: [(&str, &str, &str); 6] = [
    ("corpora", "corpora", "corpora"),
    ("legacy", "legacy", "legacy"),
    ("unified", "unified", "unified"),
    ("reports/document", "parallax-document", "document"),
    ("reports", "reports", "reports"),
    ("", "parallax", "parallax"),
];

/// Folders of the members below the root.
pub fn folders() -> impl Iterator<Item = &'static str> {
    MEMBERS.iter().map(|(folder, ..)| *folder).filter(|folder| !folder.is_empty())
}

/// The member that a file belongs to, by the name that code names it by, and the path within it. None for the root package.
fn member(path: &str) -> Option<(&'static str, &str)> {
    // A member within another one's folder stands before it in the list.
    MEMBERS.iter().filter(|(folder, ..)| !folder.is_empty()).find_map(|(folder, _, name)| {
        path.strip_prefix(folder)?.strip_prefix('/').map(|inner| (*name, inner))
    })
}

/// Members that a member may know beside itself.
fn known(member: &str) -> &'static [&'static str] {
    if member == "reports" { &["document"] } else { &[] }
}

/// Crates of others, with their families, that a member may not depend on.
fn foreign(member: &str) -> &'static [&'static str] {
    match member {
        // The document is plain data: no format and nothing that draws.
        "document" => &["arrow", "parquet", "plotters", "maud"],
        // The report must be readable without the writers and their formats.
        "reports" => &["arrow", "parquet"],
        _ => &[],
    }
}

/// All that a member may depend on, where that is a short list.
fn allowed(member: &str) -> Option<&'static [&'static str]> {
    (member == "document").then_some(&["schemars", "serde", "serde_json"])
}

/// True where `member` may not know the package or crate `name`.
fn forbidden(member: &str, name: &str) -> bool {
    match MEMBERS.iter().find(|(_, package, code)| name == *package || name == *code) {
        Some((.., code)) => *code != member && !known(member).contains(code),
        None => foreign(member).iter().any(|no| is_of(name, no)),
    }
}

/// True where `package` is `name` or one of its family: `arrow-array` is of `arrow`.
fn is_of(package: &str, name: &str) -> bool {
    let package = package.replace('_', "-");
    package == name || package.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'))
}

/// Dependencies in a member's `Cargo.toml`, those for tests and builds included: a shared helper hides the same mistake
/// there as well.
pub fn dependencies(path: &str, text: &str) -> Vec<String> {
    let Some((member, "Cargo.toml")) = member(path) else { return Vec::new() };
    let manifest: toml::Table = text.parse().unwrap();
    let mut tables = vec![&manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let mut found = Vec::new();
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (name, value) in tables.iter().filter_map(|table| table.get(kind)?.as_table()).flatten() {
            let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(name);
            if forbidden(member, package) || allowed(member).is_some_and(|list| !list.contains(&package)) {
                found.push(format!("{member} must not depend on {package} ({kind})"));
            }
        }
    }
    found
}

/// Paths in the sources of a member that lead to a crate that it may not know.
pub fn rooms(path: &str, text: &str) -> Vec<String> {
    let Some((member, _)) = member(path).filter(|_| is_rust(path)) else { return Vec::new() };
    crates_named(path, text)
        .into_iter()
        .filter(|name| forbidden(member, name))
        .map(|name| format!("{member} must not know {name}"))
        .collect()
}

/// Checks, digests and the reader of outputs judge by what lies on disk alone.
pub fn blind_judges(path: &str, text: &str) -> Vec<String> {
    let judge = ["src/check", "src/digest", "src/output"]
        .iter()
        .any(|room| path.strip_prefix(room).is_some_and(|rest| rest.starts_with(['/', '.'])));
    if !judge || !is_rust(path) {
        return Vec::new();
    }
    let mut found: Vec<_> = crates_named(path, text)
        .into_iter()
        .filter(|name| name == "legacy" || name == "unified")
        .map(|name| format!("must not know the writer {name}"))
        .collect();
    let module = module_of(path);
    for named in paths(&tokens(text)) {
        // `isolate` and `chaos` let sides work.
        let sides = ["side", "isolate", "chaos"];
        let first = from_root(&named, &module).and_then(|path| path.into_iter().next());
        if first.is_some_and(|first| sides.contains(&first.as_str())) {
            found.push(format!("must not know a side: {}", named.join("::")));
        }
    }
    found
}

/// Only the adapters, and the command that runs one writer alone, know the writers.
pub fn adapters(path: &str, text: &str) -> Vec<String> {
    let may = matches!(path, "src/side/legacy.rs" | "src/side/unified.rs")
        || path.starts_with("src/side/legacy/")
        || path.starts_with("src/side/unified/")
        || path.starts_with("src/cli/write");
    if may || !path.starts_with("src/") || !is_rust(path) {
        return Vec::new();
    }
    crates_named(path, text)
        .into_iter()
        .filter(|name| name == "legacy" || name == "unified")
        .map(|name| format!("must not know the writer {name}; go through src/side/{name}.rs"))
        .collect()
}

/// Length of files.
pub fn length(path: &str, text: &str) -> Vec<String> {
    let limit = if path == "src/main.rs" { LONGEST_MAIN } else { LONGEST_FILE };
    let lines = text.lines().count();
    if is_rust(path) && lines > limit {
        vec![format!("{lines} lines, at most {limit}; split it by noun")]
    } else {
        Vec::new()
    }
}

/// Lints of the workspace.
pub fn lints(path: &str, text: &str) -> Vec<String> {
    if path != "Cargo.toml" && !path.ends_with("/Cargo.toml") {
        return Vec::new();
    }
    let manifest: toml::Table = text.parse().unwrap();
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) == Some(true);
    // A manifest with a workspace of its own (fuzz targets) is no member.
    let stranger = path != "Cargo.toml" && manifest.contains_key("workspace");
    if inherits || stranger {
        Vec::new()
    } else {
        vec!["must inherit the lints: [lints] workspace = true".to_owned()]
    }
}

/// Macros that say that something is unfinished.
pub fn leftovers(path: &str, text: &str) -> Vec<String> {
    if !is_rust(path) {
        return Vec::new();
    }
    tokens(text)
        .windows(2)
        .filter_map(|pair| match pair {
            [Token::Name(name), Token::Mark('!')]
                if ["todo", "unimplemented", "dbg"].contains(&name.as_str()) =>
            {
                Some(format!("{name}! is left behind"))
            }
            _ => None,
        })
        .collect()
}

/// Absolute paths of a machine that some work was done on.
pub fn machines(_path: &str, text: &str) -> Vec<String> {
    // Written in two parts, so that this file does not break its own rule.
    let homes = [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Use", "rs/")];
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for home in homes {
            // Only where a path begins: `a/work/b` is relative, and so is `../work/b`.
            let begins = line.match_indices(home).any(|(at, _)| {
                !line[..at].ends_with(|c: char| {
                    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '~')
                })
            });
            if begins {
                found.push(format!("line {}: a path on somebody's machine ({home})", index + 1));
            }
        }
    }
    found
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Members and crates that a text names at the beginning of a path. A module that the file declares itself is no crate,
/// unless it is named with leading colons.
fn crates_named(path: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let declared: Vec<&str> = tokens
        .windows(2)
        .filter_map(|pair| match pair {
            [Token::Name(word), Token::Name(name)] if word == "mod" => Some(name.as_str()),
            _ => None,
        })
        .collect();
    // In a member, its own library is not a stranger.
    let own = member(path).map_or("", |(member, _)| member);
    let mut names: Vec<_> = paths(&tokens)
        .into_iter()
        .filter_map(|path| path.into_iter().next())
        .filter(|name| name != own && !declared.contains(&name.as_str()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Module that a file of the root package is: `src/check/rows/pair.rs` is `check::rows::pair`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inner.split('/').map(str::to_owned).collect()
}

/// A path as seen from the root of the crate, where it leads there.
fn from_root(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let (first, mut rest) = path.split_first()?;
    match first.as_str() {
        "crate" | "parallax" => Some(rest.to_vec()),
        "super" => {
            let mut above = module.len().saturating_sub(1);
            while let Some((first, after)) = rest.split_first().filter(|(first, _)| *first == "super") {
                debug_assert_eq!(first, "super");
                above = above.saturating_sub(1);
                rest = after;
            }
            Some([&module[..above], rest].concat())
        }
        _ => None,
    }
}

/// True where a rule finds something.
#[cfg(test)]
fn red(rule: fn(&str, &str) -> Vec<String>, path: &str, text: &str) -> bool {
    !rule(path, text).is_empty()
}

#[test]
fn a_forbidden_dependency_is_seen_whatever_its_table_and_name() {
    for (path, text) in [
        ("legacy/Cargo.toml", "[dependencies]\nunified.workspace = true"),
        ("unified/Cargo.toml", "[dev-dependencies]\nlegacy = { path = \"../legacy\" }"),
        ("unified/Cargo.toml", "[build-dependencies]\nparallax.workspace = true"),
        ("legacy/Cargo.toml", "[target.'cfg(unix)'.dependencies]\ncorpora.workspace = true"),
        ("legacy/Cargo.toml", "[dependencies]\nother = { package = \"reports\", path = \"../reports\" }"),
        ("reports/Cargo.toml", "[dependencies]\narrow-array = \"59\""),
        ("reports/Cargo.toml", "[dependencies]\nparquet.workspace = true"),
        ("reports/Cargo.toml", "[dependencies]\nlegacy.workspace = true"),
        ("corpora/Cargo.toml", "[dependencies]\nunified.workspace = true"),
        ("corpora/Cargo.toml", "[dependencies]\nparallax-document.workspace = true"),
        ("reports/document/Cargo.toml", "[dependencies]\nplotters.workspace = true"),
        ("reports/document/Cargo.toml", "[dependencies]\nthiserror.workspace = true"),
        ("reports/document/Cargo.toml", "[dev-dependencies]\narrow-schema = \"59\""),
        ("reports/document/Cargo.toml", "[dependencies]\nreports.workspace = true"),
        (
            "reports/document/Cargo.toml",
            "[dependencies]\nother = { package = \"parallax\", path = \"../..\" }",
        ),
    ] {
        assert!(red(dependencies, path, text), "{path}: {text}");
    }
    for (path, text) in [
        ("legacy/Cargo.toml", "[dependencies]\narrow.workspace = true\nreportsx = \"1\""),
        ("reports/Cargo.toml", "[dependencies]\narrowhead = \"1\""),
        ("reports/Cargo.toml", "[dependencies]\nparallax-document.workspace = true\nmaud.workspace = true"),
        (
            "reports/document/Cargo.toml",
            "[dependencies]\nserde.workspace = true\nserde_json.workspace = true",
        ),
        ("Cargo.toml", "[dependencies]\nlegacy.workspace = true\nunified.workspace = true"),
    ] {
        assert!(!red(dependencies, path, text), "{path}: {text}");
    }
}

#[test]
fn a_neighbour_named_in_a_room_is_seen() {
    for (path, text) in [
        ("legacy/src/a.rs", "use unified::Writer;"),
        ("legacy/tests/a.rs", "fn f() { ::parallax::run(); }"),
        ("unified/src/a/b.rs", "use {std::fs, legacy::buffet};"),
        ("unified/src/a.rs", "extern crate corpora;"),
        ("reports/src/a.rs", "fn f(x: &arrow_array::Array) {}"),
        ("reports/src/a.rs", "use parquet::file;"),
        ("corpora/src/a.rs", "type X = reports::document::Report;"),
        ("corpora/src/a.rs", "use document::report::Report;"),
        ("reports/document/src/a.rs", "use arrow_array::Array;"),
        ("reports/document/src/a.rs", "use parquet::file;"),
        ("reports/document/src/a.rs", "fn f() { plotters::drawing::f() }"),
        ("reports/document/src/a.rs", "use maud::html;"),
        ("reports/document/src/a/b.rs", "use reports::html;"),
        ("reports/document/src/a.rs", "use parallax::policy;"),
    ] {
        assert!(red(rooms, path, text), "{path}: {text}");
    }
    for (path, text) in [
        ("legacy/src/a.rs", "// use unified::Writer;\nconst X: &str = \"unified::x\"; use arrow::array;"),
        ("legacy/tests/a.rs", "use legacy::buffet;"),
        ("reports/src/a.rs", "use document::gate::Gate; use ::document::words;"),
        ("reports/document/src/a.rs", "use serde::Serialize; use crate::report::Report;"),
        ("unified/src/lib.rs", "pub mod legacy_names; use legacy_names::MESSAGE; use crate::reports::x;"),
        ("src/run.rs", "use corpora::signal; use reports::document;"),
    ] {
        assert!(!red(rooms, path, text), "{path}: {text} {:?}", rooms(path, text));
    }
}

#[test]
fn a_judge_that_knows_a_side_is_seen() {
    for (path, text) in [
        ("src/check/rows.rs", "use crate::side::Side;"),
        ("src/check/rows.rs", "use crate::{cancel::Cancel, side};"),
        ("src/check/mod.rs", "use super::side::Side;"),
        ("src/check/touched.rs", "use crate::isolate::Watch;"),
        ("src/check/stopped.rs", "fn f() { crate::chaos::all() }"),
        ("src/check/rows.rs", "fn f() { super::super::side::list() }"),
        ("src/check/rows/pair.rs", "use super::super::super::side;"),
        ("src/digest/mod.rs", "use legacy::buffet;"),
        ("src/digest.rs", "use crate::side;"),
        ("src/output/files.rs", "#[cfg(test)] mod tests { use unified::Writer; }"),
        ("src/output/files.rs", "fn f() { parallax::side::f() }"),
    ] {
        assert!(red(blind_judges, path, text), "{path}: {text}");
    }
    for (path, text) in [
        ("src/check/rows.rs", "use super::side::Half; let side = finding.side; //! crate::side"),
        ("src/check/rows.rs", "use reports::document::Role; use crate::output::Output;"),
        ("src/run.rs", "use crate::side::Side;"),
        ("src/checker.rs", "use crate::side::Side;"),
    ] {
        assert!(!red(blind_judges, path, text), "{path}: {text}");
    }
}

#[test]
fn a_writer_named_outside_its_adapter_is_seen() {
    for (path, text) in [
        ("src/run.rs", "use legacy::buffet;"),
        ("src/fault/mod.rs", "fn f() { unified::write() }"),
        ("src/side/mod.rs", "use unified;"),
        ("src/cli/run.rs", "use ::legacy::fingerprint;"),
    ] {
        assert!(red(adapters, path, text), "{path}: {text}");
    }
    for (path, text) in [
        ("src/side/legacy.rs", "use legacy::buffet;"),
        ("src/side/unified.rs", "use unified::Writer;"),
        ("src/cli/write.rs", "use legacy::buffet;"),
        ("src/cli/write/unified.rs", "use unified::Writer;"),
        ("src/side/mod.rs", "pub mod legacy; pub mod unified; fn f() { legacy::new(); unified::new() }"),
        ("src/run.rs", "use crate::side::legacy::Legacy; fn f() { side::unified::new() }"),
        ("tests/golden.rs", "use legacy::buffet;"),
    ] {
        assert!(!red(adapters, path, text), "{path}: {text} {:?}", adapters(path, text));
    }
}

#[test]
fn a_file_that_grew_too_long_is_seen() {
    assert!(red(length, "src/a.rs", &"\n".repeat(LONGEST_FILE + 1)));
    assert!(!red(length, "src/a.rs", &"\n".repeat(LONGEST_FILE)));
    assert!(red(length, "src/main.rs", &"\n".repeat(LONGEST_MAIN + 1)));
    assert!(!red(length, "data.json", &"\n".repeat(LONGEST_FILE + 1)));
}

#[test]
fn a_member_without_the_lints_is_seen() {
    assert!(red(lints, "legacy/Cargo.toml", "[package]\nname = \"legacy\""));
    assert!(red(lints, "Cargo.toml", "[workspace]\n[lints]\nworkspace = false"));
    assert!(!red(lints, "legacy/Cargo.toml", "[lints]\nworkspace = true"));
    assert!(!red(lints, "fuzz/Cargo.toml", "[workspace]"));
}

#[test]
fn unfinished_work_is_seen() {
    for text in ["fn f() { todo!() }", "unimplemented!(\"x\")", "let x = dbg ! (y);"] {
        assert!(red(leftovers, "src/a.rs", text), "{text}");
    }
    assert!(!red(leftovers, "src/a.rs", "// todo!()\nlet s = \"dbg!(x)\"; let todo = !done;"));
    assert!(!red(leftovers, "notes.md", "todo!()"));
}

#[test]
fn a_path_of_a_machine_is_seen() {
    for name in ["wo", "ho"] {
        let path = if name == "wo" { ["/", "work/x"].concat() } else { ["/", "home/ada"].concat() };
        assert!(red(machines, "a.md", &path));
        assert!(red(machines, "a.rs", &format!("let p = \"{path}\";")));
        assert!(!red(machines, "a.rs", &format!("let p = \"..{path}\"; let q = \"a{path}\";")));
    }
}
