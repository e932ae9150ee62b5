//! Names, texts and paths as SQL that survives being copied.

use reports::visible;

/// A column in a SELECT list. A name with characters that a page or a terminal does not show is put together from their
/// numbers, so that the query survives being copied.
pub(super) fn identifier(name: &str) -> String {
    if name.contains(visible::is_hidden) { format!("COLUMNS([{}])", literal(name)) } else { quoted(name) }
}

/// A name between double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text of SQL. Characters that are not shown stand as `chr(…)`.
pub(super) fn literal(text: &str) -> String {
    let mut parts = Vec::new();
    let mut shown = String::new();
    for character in text.chars() {
        if visible::is_hidden(character) {
            if !shown.is_empty() {
                parts.push(format!("'{}'", std::mem::take(&mut shown)));
            }
            parts.push(format!("chr({})", u32::from(character)));
        } else {
            shown.push(character);
            if character == '\'' {
                shown.push(character);
            }
        }
    }
    if !shown.is_empty() || parts.is_empty() {
        parts.push(format!("'{shown}'"));
    }
    parts.join(" || ")
}

/// A path that is no pattern.
pub(super) fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '*' | '?' | '[' => escaped.extend(['[', character, ']']),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_as_numbers() {
        assert_eq!(identifier("plain \"name\""), "\"plain \"\"name\"\"\"");
        assert_eq!(identifier("\u{1b}it's\n"), "COLUMNS([chr(27) || 'it''s' || chr(10)])");
        assert_eq!(literal(""), "''");
    }
}
