//! Lines of a terminal.

use crate::visible;

/// Breaks at spaces; a word longer than the width is broken where it must.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let mut word = word;
        let mut length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        while length > width {
            let (head, rest) = visible::cut(word, width);
            lines.push(String::new());
            let at = lines.len() - 2;
            lines[at].push_str(head);
            word = &word[head.len()..];
            length = rest;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}
