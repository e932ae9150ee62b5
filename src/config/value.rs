//! Reading single values strictly: each keeps its place in the text, so that a message can name the line.

use chrono::NaiveDate;
use toml::Spanned;

/// A value that makes no sense, with its place in the text.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Byte of the text.
    pub at: usize,
    /// What is wrong, naming the key.
    pub message: String,
}

impl Fault {
    /// A fault at the place of `value`.
    pub(crate) fn new<T>(value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self { at: value.span().start, message: message.into() }
    }
}

/// A day in the one spelling `yyyy-mm-dd`.
pub(crate) fn day(text: &Spanned<String>, key: &str) -> Result<NaiveDate, Fault> {
    let typed = text.get_ref();
    NaiveDate::parse_from_str(typed, "%Y-%m-%d")
        .ok()
        .filter(|day| day.format("%Y-%m-%d").to_string() == *typed)
        .ok_or_else(|| Fault::new(text, format!("`{key}`: {typed:?} is not a day; write \"yyyy-mm-dd\"")))
}

/// A text that must say something.
pub(crate) fn written(text: Spanned<String>, key: &str) -> Result<String, Fault> {
    if text.get_ref().trim().is_empty() {
        return Err(Fault::new(&text, format!("`{key}` must not be empty")));
    }
    Ok(text.into_inner())
}

/// A finite number that is not negative.
pub(crate) fn at_least_zero(typed: &Spanned<f64>, key: &str) -> Result<f64, Fault> {
    let number = *typed.get_ref();
    if number.is_finite() && number >= 0.0 {
        return Ok(number);
    }
    Err(Fault::new(typed, format!("`{key}` must be a finite number that is not negative, not {number}")))
}

/// The lines of a text, found once: a file of many settings asks for the line of each.
#[derive(Debug)]
pub(crate) struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    /// Finds the ends of the lines. Cost: one pass over the text.
    pub(crate) fn of(text: &str) -> Self {
        Self { ends: text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect() }
    }

    /// The line, from 1, of a byte of the text. Cost: a binary search.
    pub(crate) fn line(&self, byte: usize) -> usize {
        self.ends.partition_point(|end| *end < byte) + 1
    }
}

/// Line and column, both from 1, of a byte of the text.
pub(crate) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_every_byte_is_that_which_counting_from_the_start_gives() {
        for text in ["", "a", "\n", "a\n\nbc\nd", "é\nü\n"] {
            let lines = Lines::of(text);
            for byte in (0..=text.len()).filter(|byte| text.is_char_boundary(*byte)) {
                assert_eq!(lines.line(byte), position(text, byte).0, "{text:?} {byte}");
            }
        }
    }
}
