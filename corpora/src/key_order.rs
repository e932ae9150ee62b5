//! How one sort column orders rows: ascending or descending, rows without a value first or last.
//!
//! In `sort_key` and on the command line a column may be followed by its order, as in SQL: `ts desc nulls last`. A column whose own name
//! ends so is written in double quotes: `"ts desc"`.

use serde::{Deserialize, Serialize};

/// Order of one sort column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyOrder {
    /// The highest value comes first.
    pub descending: bool,
    /// Rows without a value come last; they come first where nothing is said, in either direction.
    pub nulls_last: bool,
}

impl KeyOrder {
    /// Takes a column and its order apart. A text without an order is a column that ascends.
    #[must_use]
    pub fn split(text: &str) -> (String, Self) {
        let (column, order) = Self::words(text);
        let quoted = column.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
        match quoted.filter(|inner| !inner.is_empty()) {
            Some(inner) => (inner.to_owned(), order),
            None => (column.to_owned(), order),
        }
    }

    /// The text from which [`Self::split`] makes the same column and order.
    #[must_use]
    pub fn text(self, column: &str) -> String {
        let ambiguous = Self::split(column) != (column.to_owned(), Self::default());
        let column = if ambiguous { format!("\"{column}\"") } else { column.to_owned() };
        let order = String::from(self);
        if self == Self::default() { column } else { format!("{column} {order}") }
    }

    /// What stands before the order, and the order.
    fn words(text: &str) -> (&str, Self) {
        let mut order = Self::default();
        let mut column = text;
        if let Some((before, place)) = last(column)
            && let Some((before, nulls)) = last(before)
            && nulls.eq_ignore_ascii_case("nulls")
            && (place.eq_ignore_ascii_case("first") || place.eq_ignore_ascii_case("last"))
        {
            order.nulls_last = place.eq_ignore_ascii_case("last");
            column = before;
        }
        if let Some((before, way)) = last(column)
            && (way.eq_ignore_ascii_case("asc") || way.eq_ignore_ascii_case("desc"))
        {
            order.descending = way.eq_ignore_ascii_case("desc");
            column = before;
        }
        (column, order)
    }
}

/// The last word of a text that has several, and what stands before it.
fn last(text: &str) -> Option<(&str, &str)> {
    let (before, word) = text.trim_end().rsplit_once(char::is_whitespace)?;
    Some((before.trim_end(), word)).filter(|(before, _)| !before.trim().is_empty())
}

impl From<KeyOrder> for String {
    fn from(order: KeyOrder) -> Self {
        match (order.descending, order.nulls_last) {
            (false, false) => "asc".to_owned(),
            (true, false) => "desc".to_owned(),
            (false, true) => "nulls last".to_owned(),
            (true, true) => "desc nulls last".to_owned(),
        }
    }
}

impl TryFrom<String> for KeyOrder {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (rest, order) = Self::split(&format!("column {text}"));
        if rest == "column" {
            Ok(order)
        } else {
            Err(format!("{text:?} is no order; write asc or desc, then nulls first or nulls last"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_and_its_order_are_taken_apart_and_put_together_again() {
        let of = |descending, nulls_last| KeyOrder { descending, nulls_last };
        for (text, column, order) in [
            ("ts", "ts", of(false, false)),
            ("ts desc", "ts", of(true, false)),
            ("ts ASC Nulls Last", "ts", of(false, true)),
            ("ts  desc  nulls last ", "ts", of(true, true)),
            ("ts desc nulls first", "ts", of(true, false)),
            ("my ts nulls last", "my ts", of(false, true)),
            ("desc", "desc", of(false, false)),
            ("nulls last", "nulls last", of(false, false)),
            ("ts descending", "ts descending", of(false, false)),
            ("\"ts desc\"", "ts desc", of(false, false)),
            ("\"ts desc\" desc", "ts desc", of(true, false)),
        ] {
            assert_eq!(KeyOrder::split(text), (column.to_owned(), order), "{text}");
            assert_eq!(KeyOrder::split(&order.text(column)), (column.to_owned(), order), "{text}");
        }
        assert_eq!(KeyOrder::try_from("desc nulls last".to_owned()), Ok(of(true, true)));
        assert!(KeyOrder::try_from("down".to_owned()).is_err());
    }
}
