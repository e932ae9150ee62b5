//! Which characters of two values differ, for showing the values one above the other.
//!
//! 1. The common beginning and end are found. Where the values are long, all but a little of both is left out, so that
//!    the first change is always in view and both values are cut at the same place.
//! 2. What remains is compared character by character (Myers), at most [`MIDDLE`] characters a side.
//! 3. Equal runs shorter than [`SHORTEST`] between two changes are marked too: stray letters that two different words
//!    happen to share only confuse. Where hardly anything is equal, the whole middle is marked.
//!
//! Cost: linear in the values, quadratic at worst in [`MIDDLE`]. Nothing here interprets the values.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Unchanged characters kept before the first and after the last change of a long value.
const CONTEXT: usize = 48;
/// Characters shown between the common beginning and end.
const MIDDLE: usize = 400;
/// Shortest run of equal characters between two changes that stays unmarked.
const SHORTEST: usize = 3;

/// A value, cut and marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    /// Characters left out before the first run.
    pub before: usize,
    /// What is shown.
    pub runs: Vec<Run>,
    /// Characters left out after the last run.
    pub after: usize,
    /// True where the other value may differ in what was left out at the end.
    pub more: bool,
}

/// Characters that are all changed or all equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// The characters.
    pub text: String,
    /// True where the other value has something else here.
    pub changed: bool,
}

/// Marks what differs between two values.
pub(crate) fn mark(old: &str, new: &str) -> (Marked, Marked) {
    let old: Vec<char> = old.chars().collect();
    let new: Vec<char> = new.chars().collect();
    let shorter = old.len().min(new.len());
    let prefix = old.iter().zip(&new).take_while(|(left, right)| left == right).count();
    let suffix = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shorter - prefix)
        .take_while(|(left, right)| left == right)
        .count();
    let long = old.len().max(new.len()) > MIDDLE;
    let start = if long { prefix.saturating_sub(CONTEXT) } else { 0 };
    let window = |value: &[char]| {
        let middle_end = value.len() - suffix;
        let end = if middle_end - prefix > MIDDLE {
            prefix + MIDDLE
        } else if long {
            middle_end + suffix.min(CONTEXT)
        } else {
            value.len()
        };
        (end, middle_end > end)
    };
    let ((old_end, old_more), (new_end, new_more)) = (window(&old), window(&new));
    let (old_view, new_view) = (&old[start..old_end], &new[start..new_end]);
    let (old_flags, new_flags) = changed_characters(old_view, new_view);
    let marked = |view: &[char], flags: &[bool], length: usize, end: usize| Marked {
        before: start,
        runs: runs(view, flags),
        after: length - end,
        more: old_more || new_more,
    };
    (marked(old_view, &old_flags, old.len(), old_end), marked(new_view, &new_flags, new.len(), new_end))
}

fn changed_characters(old: &[char], new: &[char]) -> (Vec<bool>, Vec<bool>) {
    let ops = capture_diff_slices(Algorithm::Myers, old, new);
    let (mut old_flags, mut new_flags) = (vec![true; old.len()], vec![true; new.len()]);
    let last = ops.len().saturating_sub(1);
    let equal: usize = ops.iter().map(equal_length).sum();
    // Equal characters at both ends are common beginning and end and always stay unmarked.
    let scattered = equal * 3 < old.len().min(new.len());
    for (index, op) in ops.iter().enumerate() {
        if let DiffOp::Equal { old_index, new_index, len } = *op {
            let at_an_end = index == 0 || index == last;
            if at_an_end || (len >= SHORTEST && !scattered) {
                old_flags[old_index..old_index + len].fill(false);
                new_flags[new_index..new_index + len].fill(false);
            }
        }
    }
    (old_flags, new_flags)
}

fn equal_length(op: &DiffOp) -> usize {
    match op {
        DiffOp::Equal { len, .. } => *len,
        _ => 0,
    }
}

fn runs(characters: &[char], flags: &[bool]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (&character, &changed) in characters.iter().zip(flags) {
        match runs.last_mut() {
            Some(run) if run.changed == changed => run.text.push(character),
            _ => runs.push(Run { text: character.to_string(), changed }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value with changed characters in brackets and cuts as `<n>`.
    fn show(marked: &Marked) -> String {
        let mut out = String::new();
        if marked.before > 0 {
            out.push_str(&format!("<{}>", marked.before));
        }
        for run in &marked.runs {
            if run.changed {
                out.push_str(&format!("[{}]", run.text));
            } else {
                out.push_str(&run.text);
            }
        }
        if marked.after > 0 {
            out.push_str(&format!("<{}>", marked.after));
        }
        out
    }

    fn both(old: &str, new: &str) -> (String, String) {
        let (old, new) = mark(old, new);
        (show(&old), show(&new))
    }

    fn pair(old: &str, new: &str) -> (String, String) {
        (old.to_owned(), new.to_owned())
    }

    #[test]
    fn one_changed_character_is_marked_and_nothing_else() {
        assert_eq!(
            both("checkout failed", "checkout fai1ed"),
            pair("checkout fai[l]ed", "checkout fai[1]ed")
        );
    }

    #[test]
    fn an_added_character_is_marked_on_its_side_only() {
        assert_eq!(both("abc", "abc "), pair("abc", "abc[ ]"));
        assert_eq!(both("", "x"), pair("", "[x]"));
    }

    #[test]
    fn two_changes_far_apart_are_two_marks() {
        assert_eq!(
            both("level=warn pod=api-7 code=500", "level=info pod=api-7 code=404"),
            pair("level=[warn] pod=api-7 code=[500]", "level=[info] pod=api-7 code=[404]")
        );
    }

    #[test]
    fn different_words_are_marked_whole_and_not_letter_by_letter() {
        assert_eq!(both("warning", "information"), pair("[warning]", "[information]"));
    }

    #[test]
    fn equal_values_carry_no_mark() {
        assert_eq!(both("same", "same"), pair("same", "same"));
        assert_eq!(both("", ""), pair("", ""));
    }

    #[test]
    fn a_long_value_is_cut_around_its_first_change_at_the_same_place_on_both_sides() {
        let old = format!("{}X{}", "a".repeat(50_000), "b".repeat(50_000));
        let new = format!("{}Y{}", "a".repeat(50_000), "b".repeat(50_000));
        let context = ("a".repeat(48), "b".repeat(48));
        assert_eq!(
            both(&old, &new),
            (
                format!("<49952>{}[X]{}<49952>", context.0, context.1),
                format!("<49952>{}[Y]{}<49952>", context.0, context.1)
            )
        );
        assert!(!mark(&old, &new).0.more);
    }

    #[test]
    fn a_truncated_long_value_shows_where_it_ends() {
        let new = "a".repeat(1000);
        let old = format!("{new}{}", "z".repeat(5000));
        let (old, new) = mark(&old, &new);
        assert_eq!(show(&new), format!("<952>{}", "a".repeat(48)));
        assert_eq!((old.after, old.more, new.more), (4600, true, true));
    }

    #[test]
    fn characters_outside_ascii_are_never_split() {
        assert_eq!(both("größe 🙂", "größe 🙃"), pair("größe [🙂]", "größe [🙃]"));
    }
}
