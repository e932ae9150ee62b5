//! What the page and the text of the trend say alike.

use document::trend::Since;

use crate::words;

/// Which run the last one is compared with, in words.
pub(super) fn heading(since: &Since, runs: usize) -> String {
    match (since.green, since.changes.is_empty()) {
        (None, _) => "No earlier run was green: there is no run to compare the last one with.".to_owned(),
        (Some(green), true) => {
            format!("Nothing changed between run {}, the last green one, and run {runs}.", green + 1)
        }
        (Some(green), false) => format!(
            "What changed between run {}, the last green one before it, and run {runs}: {}",
            green + 1,
            words::counted(since.changes.len() as u64, "difference", "differences")
        ),
    }
}
