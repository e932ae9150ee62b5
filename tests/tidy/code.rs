//! Just enough reading of Rust: tokens without comments and literals, and the paths that a text names.

/// A token: an identifier, `::`, or any other single character that is no space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Name(String),
    PathSeparator,
    Mark(char),
}

/// The tokens of a text, without comments, strings, characters and lifetimes.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let length = if let Some(length) = comment(rest).or_else(|| literal(rest)) {
            length
        } else if is_name_start(rest[0]) {
            let length = rest.iter().take_while(|&&c| is_name(c)).count();
            tokens.push(Token::Name(rest[..length].iter().collect()));
            length
        } else if rest.starts_with(&[':', ':']) {
            tokens.push(Token::PathSeparator);
            2
        } else {
            if !rest[0].is_whitespace() {
                tokens.push(Token::Mark(rest[0]));
            }
            1
        };
        at += length;
    }
    tokens
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the comment that starts here; block comments nest.
fn comment(rest: &[char]) -> Option<usize> {
    if rest.starts_with(&['/', '/']) {
        return Some(rest.iter().take_while(|&&c| c != '\n').count());
    }
    if !rest.starts_with(&['/', '*']) {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// Length of the string, character or lifetime that starts here.
fn literal(rest: &[char]) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let length = prefix.len();
        rest.len() > length
            && prefix.chars().eq(rest[..length].iter().copied())
            && (matches!(rest[length], '"' | '#') || (rest[length] == '\'' && *prefix != "r"))
    })?;
    let length = prefix.len();
    let hashes = rest[length..].iter().take_while(|&&c| c == '#').count();
    if prefix.ends_with('r') && rest.get(length + hashes) == Some(&'"') {
        let open = length + hashes + 1;
        let close = (open..rest.len()).find(|&at| {
            rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
        });
        return Some(close.map_or(rest.len(), |at| at + 1 + hashes));
    }
    match rest[length] {
        '"' => Some(quoted(rest, length + 1, '"')),
        '\'' => match rest[length + 1..] {
            // A lifetime has a name and no closing quote; `'a'` is a character.
            [c, closing, ..] if is_name_start(c) && closing != '\'' => {
                Some(1 + rest[1..].iter().take_while(|&&c| is_name(c)).count())
            }
            [] => Some(1),
            _ => Some(quoted(rest, length + 1, '\'')),
        },
        _ => None,
    }
}

/// Where a literal ends that closes with `quote`.
fn quoted(rest: &[char], mut at: usize, quote: char) -> usize {
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A name that a `use` brings in, and the path that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub name: String,
    pub path: Vec<String>,
}

/// Every path of at least two parts that the tokens name, and every name that is imported; `use` trees are spelled out, so
/// that `use a::{b, c::d}` gives `a::b` and `a::c::d`.
pub fn paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Name(word) if word == "use" => {
                let mut imported = Vec::new();
                at = use_tree(tokens, at + 1, &[], &mut imported);
                found.extend(imported.into_iter().map(|import| import.path));
            }
            Token::Name(word) if word == "crate" && previous(tokens, at) == Some("extern") => {
                if let Some(Token::Name(name)) = tokens.get(at + 1) {
                    found.push(vec![name.clone()]);
                }
                at += 2;
            }
            Token::Name(_) => {
                let (path, next) = plain_path(tokens, at);
                if path.len() > 1 {
                    found.push(path);
                }
                at = next;
            }
            _ => at += 1,
        }
    }
    found
}

/// The names that `use` brings in: `use a::{b, c as d, e::{self}}` gives `b`, `d` and `e`.
pub fn imports(tokens: &[Token]) -> Vec<Import> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Name(word) if word == "use" => at = use_tree(tokens, at + 1, &[], &mut found),
            _ => at += 1,
        }
    }
    for import in &mut found {
        if import.path.last().is_some_and(|last| last == "self") && import.path.len() > 1 {
            import.path.pop();
            if import.name == "self" {
                import.name = import.path.last().cloned().unwrap_or_default();
            }
        }
    }
    found
}

fn previous(tokens: &[Token], at: usize) -> Option<&str> {
    match tokens.get(at.checked_sub(1)?) {
        Some(Token::Name(word)) => Some(word),
        _ => None,
    }
}

/// A path outside `use`, and the token after it.
fn plain_path(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut path = Vec::new();
    while let Some(Token::Name(name)) = tokens.get(at) {
        path.push(name.clone());
        at += 1;
        if tokens.get(at) != Some(&Token::PathSeparator) {
            break;
        }
        at += 1;
    }
    (path, at)
}

/// One branch of a `use` tree, and the token after it.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Import>) -> usize {
    let mut path = prefix.to_vec();
    let mut alias = None;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Name(word) if word == "as" => {
                if let Some(Token::Name(name)) = tokens.get(at + 1) {
                    alias = Some(name.clone());
                }
                at += 2;
            }
            Token::Name(name) => {
                path.push(name.clone());
                at += 1;
            }
            Token::PathSeparator => at += 1,
            Token::Mark('{') => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != Token::Mark('}')) {
                    at = use_tree(tokens, at, &path, found);
                    if tokens.get(at) == Some(&Token::Mark(',')) {
                        at += 1;
                    } else if tokens.get(at) != Some(&Token::Mark('}')) {
                        return at;
                    }
                }
                return at + 1;
            }
            Token::Mark('*') => {
                path.push("*".to_owned());
                at += 1;
            }
            Token::Mark(_) => break,
        }
    }
    if path.len() > prefix.len() {
        let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
        found.push(Import { name, path });
    }
    at
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r##"
        // legacy::a
        /* legacy::b /* nested */ legacy::c */
        let s = "legacy::d \" legacy::e"; let r = r#"legacy::f " legacy::g"#; let b = b"legacy::h";
        let c = '"'; fn f<'a>(x: &'a str) -> real::Path { '\'' ; b'"' ; 'x'; other::path() }
    "##;
    let found = paths(&tokens(text));
    assert_eq!(found, [vec!["real", "Path"], vec!["other", "path"]]);
}

#[test]
fn use_trees_are_spelled_out() {
    let text = "pub use a::{self, b::{c, d as e}, f::*}; use ::g; use crate::{h, i}; extern crate j; k::l::<m::N>();";
    let found: Vec<_> = paths(&tokens(text)).iter().map(|path| path.join("::")).collect();
    assert_eq!(
        found,
        ["a::self", "a::b::c", "a::b::d", "a::f::*", "g", "crate::h", "crate::i", "j", "k::l", "m::N"]
    );
}

#[test]
fn an_import_has_the_name_that_it_is_used_by() {
    let text = "pub use ::a::b as c; use d::{self, e::{self as f}, g}; use h::*;";
    let found: Vec<_> =
        imports(&tokens(text)).iter().map(|it| format!("{}={}", it.name, it.path.join("::"))).collect();
    assert_eq!(found, ["c=a::b", "d=d", "f=d::e", "g=d::g", "*=h::*"]);
}
