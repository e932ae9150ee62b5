//! The modules of `unified/src`: imports lead to the left in the diagram of the crate, and no modules import each other in a circle.
//!
//! Test modules do not count: a test may compare a module with any other.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Token, paths, tokens};

/// Where the modules lie.
const SOURCES: &str = "unified/src/";

/// Modules and folders from left to right. Those of the first entry serve all others.
const FLOORS: [&[&str]; 10] = [
    &["cancel", "columns", "error", "heap", "memory_plan", "parallel", "scratch", "stats"],
    &["input"],
    &["rows"],
    &["order"],
    &["rollup"],
    &["cut"],
    &["encode"],
    &["output"],
    &["builder", "writer"],
    &["jobs"],
];

/// A module by its path from the root of the crate, which has none.
type Module = Vec<String>;

/// A module, and the modules that it imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// What breaks the rules in these files (path and text), which must be all of the crate.
pub fn violations(files: &[(&str, &str)]) -> Vec<String> {
    let imports = imports(files);
    let mut found = Vec::new();
    for (from, targets) in &imports {
        let Some(own) = floor(from) else {
            found.push(format!("{}: the list of floors in tests/tidy/unified.rs lacks it", named(from)));
            continue;
        };
        for to in targets {
            if to.is_empty() {
                found.push(format!("{}: must not import from the root; name the module", named(from)));
            } else if floor(to).is_some_and(|floor| floor > own) {
                found.push(format!(
                    "{}: must not import {}, which lies to the right",
                    named(from),
                    named(to)
                ));
            }
        }
    }
    found.extend(circles(&imports).into_iter().map(|circle| {
        let modules: Vec<_> = circle.iter().map(named).collect();
        format!("{} import each other in a circle", modules.join(", "))
    }));
    found
}

/// What each module imports. The root is left out: it only declares and re-exports.
pub fn imports(files: &[(&str, &str)]) -> Imports {
    let sources: Vec<(Module, &str)> =
        files.iter().filter_map(|(path, text)| Some((module(path)?, *text))).collect();
    let known: BTreeSet<&Module> = sources.iter().map(|(module, _)| module).collect();
    let targets = |from: &Module, text: &str| {
        let paths = paths(&without_tests(tokens(text)));
        let resolved = paths.iter().filter_map(|path| resolved(path, from, &known));
        resolved.filter(|to| to != from).collect()
    };
    let modules = sources.iter().filter(|(module, _)| !module.is_empty());
    modules.map(|(module, text)| (module.clone(), targets(module, text))).collect()
}

/// The module that a file is, unless it is for tests alone.
fn module(path: &str) -> Option<Module> {
    let inner = path.strip_prefix(SOURCES)?.strip_suffix(".rs")?;
    let mut module: Module = inner.split('/').map(str::to_owned).collect();
    if module[0] == "tests" || inner.ends_with("/tests") || inner.ends_with("_tests") {
        return None;
    }
    if inner == "lib" || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    Some(module)
}

/// The tokens without items that are compiled for tests alone.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mark: Vec<Token> = super::code::tokens("#[cfg(test)]");
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].starts_with(&mark) {
            at = end_of_item(&tokens, at + mark.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item that begins at a token ends: behind its semicolon, or its outermost braces.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let ends = match token {
            Token::Mark('{' | '(' | '[') => {
                depth += 1;
                false
            }
            Token::Mark('}' | ')' | ']') => {
                depth -= 1;
                *token == Token::Mark('}')
            }
            token => *token == Token::Mark(';'),
        };
        if ends && depth == 0 {
            break;
        }
    }
    at
}

/// The module that a path names from within a module; nothing where the path leads elsewhere.
fn resolved(path: &[String], from: &Module, known: &BTreeSet<&Module>) -> Option<Module> {
    let (base, rest) = match path[0].as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (from.clone(), &path[1..]),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            (from[..from.len().saturating_sub(ups)].to_vec(), &path[ups..])
        }
        // A module below this one, or a name from elsewhere.
        first => {
            let below = [&from[..], &[first.to_owned()]].concat();
            if !known.contains(&below) {
                return None;
            }
            (from.clone(), path)
        }
    };
    Some(deepest(base, rest, known)).filter(|module| known.contains(module))
}

/// The module that is reached from another along a path of names, as far as they are modules.
fn deepest(mut module: Module, names: &[String], known: &BTreeSet<&Module>) -> Module {
    for name in names {
        module.push(name.clone());
        if !known.contains(&module) {
            module.pop();
            break;
        }
    }
    module
}

fn floor(module: &Module) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&module[0].as_str()))
}

fn named(module: &Module) -> String {
    module.join("::")
}

/// Sets of modules of which each reaches all others.
fn circles(imports: &Imports) -> Vec<Vec<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        imports.keys().map(|module| (module, reached(module, imports))).collect();
    let mut found: Vec<Vec<Module>> = Vec::new();
    for (module, others) in &reached {
        if !others.contains(*module) || found.iter().any(|circle| circle.contains(module)) {
            continue;
        }
        let both = |other: &&&Module| reached.get(**other).is_some_and(|back| back.contains(*module));
        found.push(others.iter().filter(both).map(|other| (*other).clone()).collect());
    }
    found
}

/// All modules that a module imports, directly or not.
fn reached<'a>(module: &Module, imports: &'a Imports) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&Module> = imports.get(module).into_iter().flatten().collect();
    while let Some(next) = waiting.pop() {
        if reached.insert(next) {
            waiting.extend(imports.get(next).into_iter().flatten());
        }
    }
    reached
}

/// A crate in which nothing is wrong, but for `planted` files, which replace those of the same path.
#[cfg(test)]
fn with(planted: &[(&'static str, &'static str)]) -> Vec<String> {
    let sound = [
        ("unified/src/lib.rs", "mod error; mod input; mod rows; mod jobs; pub use rows::batch::Rows;"),
        ("unified/src/error.rs", "pub struct Error;"),
        ("unified/src/input/mod.rs", "pub(crate) mod segment; pub(crate) mod file;"),
        ("unified/src/input/segment.rs", "use crate::input::file::File; use crate::error::Error;"),
        ("unified/src/input/file.rs", "use std::fs::File;"),
        ("unified/src/rows/mod.rs", "pub(crate) mod batch; mod keys; pub(crate) use keys::Keys;"),
        ("unified/src/rows/batch.rs", "use super::keys::Keys; use crate::input::{file, segment::Reader};"),
        ("unified/src/rows/keys.rs", "use crate::error::{Error, Result};"),
        ("unified/src/jobs/mod.rs", "use crate::rows::batch::Rows; use crate::input::segment;"),
    ];
    let planted_at = |path: &str| planted.iter().any(|(planted, _)| *planted == path);
    let files: Vec<_> =
        sound.into_iter().filter(|(path, _)| !planted_at(path)).chain(planted.iter().copied()).collect();
    violations(&files)
}

#[test]
fn a_sound_crate_breaks_no_rule() {
    assert_eq!(with(&[]), [""; 0]);
    for (path, text) in [
        (
            "unified/src/input/file.rs",
            "#[cfg(test)] mod tests { use crate::rows::batch::Rows; use super::*; }",
        ),
        ("unified/src/input/file.rs", "#[cfg(test)] use crate::{jobs::{self}}; /// [`crate::jobs::Job`]"),
        ("unified/src/input/file.rs", "#[cfg(test)] fn f(x: [u8; 3]) { crate::jobs::f(x) }"),
        ("unified/src/input/tests.rs", "use crate::jobs::Job; use crate::Rows;"),
        ("unified/src/tests/all.rs", "use crate::Rows; use crate::input::segment;"),
        ("unified/src/input/file.rs", "// use crate::rows;\nconst X: &str = \"crate::jobs\"; use rows::X;"),
        ("unified/src/input/file.rs", "pub(crate) fn f() { self::g(); segment::h() }"),
        ("legacy/src/input/file.rs", "use crate::rows::batch::Rows;"),
    ] {
        assert_eq!(with(&[(path, text)]), [""; 0], "{path}: {text}");
    }
}

#[test]
fn an_import_to_the_right_is_seen() {
    for (path, text, seen) in [
        (
            "unified/src/input/file.rs",
            "use crate::rows::batch::Rows;",
            "input::file: must not import rows::batch",
        ),
        (
            "unified/src/input/file.rs",
            "use crate::{error, rows::{self}};",
            "input::file: must not import rows,",
        ),
        (
            "unified/src/input/file.rs",
            "fn f(x: &super::super::jobs::Job) {}",
            "input::file: must not import jobs",
        ),
        (
            "unified/src/input/file.rs",
            "#[cfg(test)] mod tests {} use crate::jobs::X;",
            "must not import jobs",
        ),
        ("unified/src/input/file.rs", "#[cfg(test)] mod tests; fn f() { crate::jobs::f() }", "import jobs"),
        ("unified/src/input/mod.rs", "pub(crate) use crate::jobs::Job;", "input: must not import jobs"),
        (
            "unified/src/error.rs",
            "use crate::input::segment::Place;",
            "error: must not import input::segment",
        ),
        ("unified/src/input/file.rs", "use crate::Rows;", "input::file: must not import from the root"),
        ("unified/src/error.rs", "use super::Rows;", "error: must not import from the root"),
        ("unified/src/shelf.rs", "use crate::error::Error;", "shelf: the list of floors"),
    ] {
        let found = with(&[(path, text)]);
        assert!(found.iter().any(|what| what.contains(seen)), "{path}: {text}: {found:?}");
    }
}

#[test]
fn a_circle_of_modules_is_seen() {
    let two = with(&[("unified/src/input/file.rs", "use crate::input::segment::Reader;")]);
    assert_eq!(two, ["input::file, input::segment import each other in a circle"]);
    let parent = with(&[("unified/src/rows/keys.rs", "use super::Limit;")]);
    assert_eq!(parent, ["rows, rows::keys import each other in a circle"]);
    let three = with(&[
        ("unified/src/input/file.rs", "use super::page::Page;"),
        ("unified/src/input/page.rs", "fn f() { crate::input::segment::f() }"),
    ]);
    assert_eq!(three, ["input::file, input::page, input::segment import each other in a circle"]);
}
