//! "Did you mean": the known name that a mistyped one is nearest to.
//!
//! Nearest by the number of characters put in, taken out or exchanged, letter case aside. Something further away than a third
//! of the word is no suggestion. Cost: product of the two lengths for each known name; names are short.

/// The known name nearest to `typed`, where one is near.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let limit = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(&typed, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `; did you mean "x"?`, or nothing where no known name is near.
#[must_use]
pub fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The parser's message about an unknown key or word, with a suggestion from the names that it lists.
#[must_use]
pub fn in_message(message: &str) -> String {
    let unknown = message.starts_with("unknown field `") || message.starts_with("unknown variant `");
    let mut names = message.split('`').skip(1).step_by(2);
    match names.next() {
        Some(typed) if unknown => format!("{message}{}", hint(typed, names)),
        _ => message.to_owned(),
    }
}

/// How many single-character changes, exchanges of neighbours included, lie between two words.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        rows[i][0] = i;
        for j in 1..=right.len() {
            let change = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j - 1] + change).min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_nothing_far_away() {
        let known = ["ROWS", "ORDER", "METADATA"];
        assert_eq!(nearest("ROW", known), Some("ROWS"));
        assert_eq!(nearest("metdata", known), Some("METADATA"));
        assert_eq!(nearest("ODRER", known), Some("ORDER"));
        assert_eq!(nearest("LATENCY", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn the_parsers_list_of_names_is_the_source_of_its_suggestion() {
        let said = in_message("unknown field `time_out`, expected one of `command`, `env`, `timeout`");
        assert!(said.ends_with("did you mean `timeout`?"), "{said}");
        assert_eq!(in_message("missing field `reason`"), "missing field `reason`");
        assert_eq!(in_message("unknown field `zzz`, expected `a`"), "unknown field `zzz`, expected `a`");
    }
}
