//! Characters that the eye cannot see, or that would rearrange what stands around them, written as escapes.
//!
//! Data values end up in a browser and on a terminal. A control character could forge a line or drive the terminal, a
//! direction override could turn a value round, and a zero-width space would make a difference invisible.

/// True for characters that show as nothing, as plain space although they are not U+0020, or that steer the output.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || (character != ' ' && character.is_whitespace())
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                // No character of XML 1.0.
                | '\u{fffe}'..='\u{ffff}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The escape of one character: `\n`, `\t`, `\r`, else `\u{1b}`.
#[must_use]
pub fn escape(character: char) -> String {
    match character {
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\t' => r"\t".to_owned(),
        other => format!(r"\u{{{:x}}}", u32::from(other)),
    }
}

/// The text on one line with hidden characters escaped: control characters, line and paragraph separators, characters that
/// turn the direction of text round, and those that XML cannot hold. For every message that quotes a name or a value.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            out.push_str(&escape(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// The first `limit` characters, and how many more there were.
#[must_use]
pub fn cut(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        None => (text, 0),
        Some((end, _)) => (&text[..end], text[end..].chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_written_out() {
        assert_eq!(
            plain("a\nb\t\u{1b}[31m\u{202e}\u{200b}\u{a0}\u{feff}\u{2028}\u{fffe}\u{ffff}"),
            r"a\nb\t\u{1b}[31m\u{202e}\u{200b}\u{a0}\u{feff}\u{2028}\u{fffe}\u{ffff}"
        );
    }

    #[test]
    fn readable_text_of_any_script_stays_as_it_is() {
        let text = "plain text, שלום, 漢字, naïve, 🙂";
        assert_eq!(plain(text), text);
    }

    #[test]
    fn cutting_counts_characters_and_never_splits_one() {
        assert_eq!(cut("äöü", 2), ("äö", 1));
        assert_eq!(cut("äöü", 3), ("äöü", 0));
        assert_eq!(cut("", 0), ("", 0));
    }
}
