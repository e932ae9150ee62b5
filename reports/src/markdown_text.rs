//! Values of the document in Markdown.

use std::fmt::Write;

use crate::visible;
use crate::words::counted;

/// Text that Markdown shows as it is: everything that could be markup, a mention or a link is a character reference.
pub(crate) fn escaped(text: &str, limit: usize) -> String {
    let (kept, more) = visible::cut(text, limit);
    let mut out = String::with_capacity(kept.len());
    for character in visible::plain(kept).chars() {
        match character {
            '.' | ',' | ' ' | '-' | '/' | '(' | ')' | '%' | '=' | '+' | ';' | '?' | '"' | '\'' => {
                out.push(character);
            }
            // A link is made of any word with a scheme.
            ':' => out.push_str("&#58;"),
            _ if character.is_ascii_punctuation() => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    // `www.` is a link without a scheme.
    let out = out.replace("www.", "www&#46;").replace("WWW.", "WWW&#46;");
    if more > 0 {
        format!("{out} ... ({} more)", counted(more as u64, "character", "characters"))
    } else {
        out
    }
}
