//! The graph of a member's modules, from the paths that its files name, and the circles in it.
//!
//! 1. A module is a file; `mod.rs` and the file named like a folder are the folder's own module. Code for tests (`#[cfg(test)]`) is
//!    left out: a test may look at anything.
//! 2. A path (`crate::...`, `super::...`, `self::...`, or one that begins with a module below) leads to the deepest module that it
//!    names. What the root of the crate imports from elsewhere is followed there, because it is a table of contents. That a module
//!    declares another one (`mod x;`) is no edge.
//! 3. There must be no circle of files. For each folder, nothing may lead in a circle through the modules in it either, each taken
//!    with all that is below it.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Import, Token, imports, paths, tokens};

/// Path of a module from the root of its crate; the root's own is empty.
type Module = Vec<String>;

/// Which modules each module names.
type Edges = BTreeMap<Module, BTreeSet<Module>>;

/// One file of a crate: its module, its code in pieces (the file's own, then that of each module written within it).
struct Source {
    module: Module,
    pieces: Vec<(Module, Vec<Token>)>,
}

/// Circles among the modules of the member in `folder` (empty for the root package), each in one sentence. `files` are the path and
/// the text of each file of the repository.
pub fn circles(folder: &str, files: &[(&str, &str)]) -> Vec<String> {
    let edges = edges(folder, files);
    let mut found: Vec<String> =
        circles_of(&edges).iter().map(|circle| format!("a circle of files: {}", shown(circle))).collect();
    let parents: BTreeSet<&[String]> =
        edges.keys().flat_map(|module| (0..module.len()).map(|depth| &module[..depth])).collect();
    for parent in parents {
        let below = |module: &Module| {
            module
                .strip_prefix(parent)
                .and_then(|rest| rest.first())
                .map(|name| [parent, std::slice::from_ref(name)].concat())
        };
        let mut folded = Edges::new();
        for (from, named) in &edges {
            let Some(from) = below(from) else { continue };
            let to = named.iter().filter_map(below).filter(|to| *to != from);
            folded.entry(from.clone()).or_default().extend(to.collect::<Vec<_>>());
        }
        for circle in circles_of(&folded) {
            let said = format!("a circle of modules with what is below them: {}", shown(&circle));
            if !found.iter().any(|known| known.ends_with(&shown(&circle))) {
                found.push(said);
            }
        }
    }
    found
}

/// Renderers that a module names although it is neither the root of the crate nor `write`, in the member `folder`. A renderer is a
/// top module with a public function (public in the crate is enough) whose name begins with `render`.
pub fn renderers_named(folder: &str, files: &[(&str, &str)]) -> Vec<String> {
    let renders = |tokens: &[Token]| {
        tokens.windows(3).any(|three| match three {
            [before, Token::Name(word), Token::Name(name)] => {
                let public = *before == Token::Mark(')') || *before == Token::Name("pub".to_owned());
                public && word == "fn" && name.starts_with("render")
            }
            _ => false,
        })
    };
    let renderers: BTreeSet<String> = sources(folder, files)
        .iter()
        .filter(|source| source.pieces.iter().any(|(_, tokens)| renders(tokens)))
        .filter_map(|source| source.module.first().cloned())
        .collect();
    let mut found = BTreeSet::new();
    for (from, named) in edges(folder, files) {
        let Some(top) = from.first().filter(|top| *top != "write") else { continue };
        for to in named {
            if let Some(renderer) = to.first().filter(|it| *it != top && renderers.contains(*it)) {
                found.insert(format!("{} must not know the renderer {renderer}", name(&from)));
            }
        }
    }
    found.into_iter().collect()
}

/// Which modules of the member name which.
fn edges(folder: &str, files: &[(&str, &str)]) -> Edges {
    let sources = sources(folder, files);
    let modules: BTreeSet<Module> = sources.iter().map(|source| source.module.clone()).collect();
    let root = sources.iter().find(|source| source.module.is_empty());
    let contents: Vec<Import> =
        root.iter().flat_map(|root| &root.pieces).take(1).flat_map(|(_, tokens)| imports(tokens)).collect();
    let mut edges: Edges = modules.iter().map(|module| (module.clone(), BTreeSet::new())).collect();
    for source in &sources {
        for (module, tokens) in &source.pieces {
            let named = paths(tokens);
            let to = named.iter().filter_map(|path| {
                let path = from_root(path, module, &modules)?;
                leads_to(&path, &modules, &contents, CONTENTS_FOLLOWED)
            });
            let to: Vec<Module> = to.filter(|to| *to != source.module).collect();
            edges.entry(source.module.clone()).or_default().extend(to);
        }
    }
    edges
}

/// How often an import of the root is followed to another one.
const CONTENTS_FOLLOWED: usize = 8;

/// The deepest module that a path from the root names; none where the root imports the name from another crate.
fn leads_to(
    path: &[String],
    modules: &BTreeSet<Module>,
    contents: &[Import],
    follow: usize,
) -> Option<Module> {
    let depth = (1..=path.len()).rev().find(|&depth| modules.contains(&path[..depth]));
    if let Some(depth) = depth {
        return Some(path[..depth].to_vec());
    }
    let imported = contents.iter().find(|import| Some(&import.name) == path.first());
    match imported {
        Some(import) if follow > 0 => {
            let target = from_root(&import.path, &[], modules)?;
            leads_to(&[&target[..], &path[1..]].concat(), modules, contents, follow - 1)
        }
        _ => Some(Module::new()),
    }
}

/// A path of `module` as seen from the root of the crate; none where it begins in another crate.
fn from_root(path: &[String], module: &[String], modules: &BTreeSet<Module>) -> Option<Module> {
    let (first, mut rest) = path.split_first()?;
    let mut start = module;
    match first.as_str() {
        "crate" => start = &[],
        "self" => {}
        "super" => {
            start = start.split_last().map_or(start, |(_, above)| above);
            while let Some((_, after)) = rest.split_first().filter(|(first, _)| *first == "super") {
                start = start.split_last().map_or(start, |(_, above)| above);
                rest = after;
            }
        }
        _ => {
            let child = [module, std::slice::from_ref(first)].concat();
            return modules.contains(&child).then(|| [module, path].concat());
        }
    }
    Some([start, rest].concat())
}

/// The files of the member's library, code for tests left out.
fn sources(folder: &str, files: &[(&str, &str)]) -> Vec<Source> {
    let source = if folder.is_empty() { "src/".to_owned() } else { format!("{folder}/src/") };
    let all =
        files.iter().filter_map(|(path, text)| Some((module(path.strip_prefix(&source)?)?, tokens(text))));
    let mut tests = BTreeSet::new();
    let mut found = Vec::new();
    for (module, tokens) in all {
        let mut pieces = vec![(module.clone(), Vec::new())];
        split(&module, &tokens, &mut pieces, 0, &mut tests);
        found.push(Source { module, pieces });
    }
    found.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
    found
}

/// Module that a file is: `a/mod.rs` and `a.rs` are both `a`; `lib.rs` is the root. None for other programs and for what is not Rust.
fn module(path: &str) -> Option<Module> {
    let inner = path.strip_suffix(".rs")?;
    if inner == "lib" {
        return Some(Module::new());
    }
    if inner == "main" || inner.starts_with("bin/") {
        return None;
    }
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    Some(inner.split('/').map(str::to_owned).collect())
}

/// Divides the code of a module into its own, which is added to the piece `at`, and that of modules written within it, each a piece
/// of its own. Modules for tests are left out and named in `tests`.
fn split(
    module: &[String],
    tokens: &[Token],
    pieces: &mut Vec<(Module, Vec<Token>)>,
    at: usize,
    tests: &mut BTreeSet<Module>,
) {
    let mut index = 0;
    while index < tokens.len() {
        let declared = match &tokens[index..] {
            [Token::Name(word), Token::Name(name), Token::Mark(mark @ ('{' | ';')), ..] if word == "mod" => {
                Some((name, *mark))
            }
            _ => None,
        };
        let Some((name, mark)) = declared else {
            pieces[at].1.push(tokens[index].clone());
            index += 1;
            continue;
        };
        let inner = [module, std::slice::from_ref(name)].concat();
        let for_tests = is_for_tests(&tokens[..index]);
        if for_tests {
            tests.insert(inner.clone());
        }
        index += 3;
        if mark == '{' {
            let end = index + length_of_block(&tokens[index..]);
            if !for_tests {
                pieces.push((inner.clone(), Vec::new()));
                let piece = pieces.len() - 1;
                split(&inner, &tokens[index..end], pieces, piece, tests);
            }
            index = end + 1;
        }
    }
}

/// Tokens up to the bracket that closes the block.
fn length_of_block(tokens: &[Token]) -> usize {
    let mut depth = 1;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// True where the attributes at the end of `before` say `#[cfg(test)]`.
fn is_for_tests(mut before: &[Token]) -> bool {
    // `pub`, `pub(crate)`.
    if let [head @ .., Token::Name(word), Token::Mark('('), Token::Name(_), Token::Mark(')')] = before
        && word == "pub"
    {
        before = head;
    } else if let [head @ .., Token::Name(word)] = before
        && word == "pub"
    {
        before = head;
    }
    while let [.., Token::Mark(']')] = before {
        let Some(open) = before.windows(2).rposition(|pair| pair == [Token::Mark('#'), Token::Mark('[')])
        else {
            return false;
        };
        let attribute: Vec<&Token> = before[open + 2..].iter().collect();
        if let [Token::Name(cfg), Token::Mark('('), Token::Name(test), Token::Mark(')'), _] = attribute[..]
            && cfg == "cfg"
            && test == "test"
        {
            return true;
        }
        before = &before[..open];
    }
    false
}

/// Circles that together go through every module that is in one: the shortest through each that no earlier one touches.
fn circles_of(edges: &Edges) -> Vec<Vec<Module>> {
    let mut found: Vec<Vec<Module>> = Vec::new();
    let mut known: BTreeSet<&Module> = BTreeSet::new();
    for start in edges.keys() {
        if known.contains(start) {
            continue;
        }
        if let Some(circle) = shortest(edges, start) {
            known.extend(edges.keys().filter(|it| circle.contains(it)));
            found.push(circle);
        }
    }
    found
}

/// The shortest way from a module back to itself.
fn shortest(edges: &Edges, start: &Module) -> Option<Vec<Module>> {
    let mut from: BTreeMap<&Module, &Module> = BTreeMap::new();
    let mut next = std::collections::VecDeque::from([start]);
    while let Some(at) = next.pop_front() {
        for to in edges.get(at).into_iter().flatten() {
            if to == start {
                let mut circle = vec![at.clone()];
                while let Some(before) = from.get(circle.last()?) {
                    circle.push((*before).clone());
                }
                circle.reverse();
                return Some(circle);
            }
            if !from.contains_key(to) {
                from.insert(to, at);
                next.push_back(to);
            }
        }
    }
    None
}

/// `a -> b -> a`.
fn shown(circle: &[Module]) -> String {
    let mut names: Vec<String> = circle.iter().map(|module| name(module)).collect();
    names.extend(names.first().cloned());
    names.join(" -> ")
}

fn name(module: &[String]) -> String {
    if module.is_empty() { "crate".to_owned() } else { module.join("::") }
}

/// What `circles` finds in a member `m` of these files.
#[cfg(test)]
fn in_member(files: &[(&str, &str)]) -> Vec<String> {
    circles("m", files)
}

#[test]
fn a_circle_of_files_is_seen_however_it_is_written() {
    for files in [
        [("m/src/a.rs", "use crate::b::f;"), ("m/src/b.rs", "pub fn f() { crate::a::g() }")],
        [("m/src/a.rs", "use super::b;"), ("m/src/b.rs", "use {std::fs, crate::{a, a as other}};")],
        [("m/src/a/mod.rs", "pub use self::b::f;"), ("m/src/a/b.rs", "use super::T;")],
        [("m/src/a.rs", "mod b; fn f() { b::g() }"), ("m/src/a/b.rs", "use super::*;")],
        [("m/src/a.rs", "mod inner { use super::super::b; }"), ("m/src/b.rs", "use crate::a::inner::x;")],
        [("m/src/lib.rs", "pub mod a; pub use a::f;"), ("m/src/a.rs", "use crate::Version;")],
        [("m/src/lib.rs", "mod a; fn f() { a::g() } mod b {}"), ("m/src/a.rs", "use crate::f;")],
        [("m/src/a.rs", "#[cfg(unix)] mod b; use b::f;"), ("m/src/a/b.rs", "type T = super::T;")],
    ] {
        assert!(in_member(&files).iter().any(|it| it.starts_with("a circle of files")), "{files:?}");
    }
}

#[test]
fn a_circle_through_what_the_root_imports_is_followed() {
    let files = [
        ("m/src/lib.rs", "mod a; mod b; pub use b::{f as g};"),
        ("m/src/a.rs", "use crate::g;"),
        ("m/src/b.rs", "use crate::a;"),
    ];
    assert_eq!(in_member(&files), ["a circle of files: a -> b -> a"]);
}

#[test]
fn a_circle_of_folders_is_seen_although_no_file_is_in_one() {
    let files = [
        ("m/src/a/x.rs", "use crate::b::y;"),
        ("m/src/b/y.rs", "struct Y;"),
        ("m/src/b/z.rs", "use crate::a::w::W;"),
        ("m/src/a/w.rs", "struct W;"),
    ];
    assert_eq!(in_member(&files), ["a circle of modules with what is below them: a -> b -> a"]);
}

#[test]
fn layers_tests_and_other_crates_are_no_circle() {
    for files in [
        vec![("m/src/a.rs", "use crate::b::f;"), ("m/src/b.rs", "use std::fs; use a::b; // crate::a")],
        vec![
            ("m/src/a.rs", "mod b; fn g() {}"),
            ("m/src/a/b.rs", "use super::g; use super::super::c;"),
            ("m/src/c.rs", ""),
        ],
        vec![
            ("m/src/a.rs", "use crate::b; #[cfg(test)] mod tests { use super::*; use crate::c; }"),
            ("m/src/c.rs", "use crate::a;"),
            ("m/src/b.rs", "#[cfg(test)] #[allow(dead_code)] pub(crate) mod tests;"),
            ("m/src/b/tests.rs", "use super::*; use crate::a::*;"),
        ],
        vec![
            ("m/src/lib.rs", "mod a; pub use ::other::a2 as b; pub use a::X;"),
            ("m/src/a.rs", "use crate::b::T;"),
        ],
        vec![
            ("m/src/a.rs", "use crate::b;"),
            ("n/src/b.rs", "use crate::a;"),
            ("m/tests/b.rs", "use crate::a;"),
        ],
        vec![("m/src/a.rs", "pub mod inner { fn f() { super::g() } } fn g() { inner::f() }")],
    ] {
        assert_eq!(in_member(&files), Vec::<String>::new(), "{files:?}");
    }
}

#[test]
fn a_renderer_that_another_module_knows_is_seen() {
    let page = ("m/src/page.rs", "pub fn render(x: &Model) -> String {}");
    let inner = ("m/src/page/part.rs", "pub(super) fn f() { crate::model::f() }");
    let model = ("m/src/model.rs", "fn render_nothing() {} pub fn f() {}");
    let other = |text| [page, inner, model, ("m/src/csv.rs", text)];
    let found = renderers_named("m", &other("pub fn render_all() {} use crate::page::part;"));
    assert_eq!(found, ["csv must not know the renderer page"]);
    assert_eq!(renderers_named("m", &other("use crate::model::f;")), Vec::<String>::new());
    let writer =
        [page, ("m/src/lib.rs", "mod page; pub use page::render;"), ("m/src/write.rs", "use crate::page;")];
    assert_eq!(renderers_named("m", &writer), Vec::<String>::new());
}
