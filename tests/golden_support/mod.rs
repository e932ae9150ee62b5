//! Replays the golden files of the original writers on the port.

pub mod case;
pub mod compare;
pub mod content;
pub mod scenarios;
pub mod set_aside;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use case::{Case, Observed, Writer};
use compare::compare;
use set_aside::Artefact;

/// The golden folder outside the repository, where there is one.
pub fn shared() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    let root = std::env::var_os("PARALLAX_GOLDEN").map_or(default, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    assert!(
        std::env::var_os("PARALLAX_REQUIRE_GOLDEN").is_none_or(|value| value != "1"),
        "PARALLAX_REQUIRE_GOLDEN=1, and there are no golden files at {}",
        root.display()
    );
    println!("skipped: no golden files at {}", root.display());
    None
}

/// The subset in the repository.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// What is wrong with a case; none where the port does what the original did.
pub fn judge(root: &Path, name: &str) -> Vec<String> {
    match load(root, name) {
        Ok((writer, expected, actual)) => judge_with(writer, &expected, &actual, &set_aside::of(name)),
        Err(message) => vec![message],
    }
}

/// Compares with all artefacts set aside, and then without each of them in turn: each must be needed.
pub fn judge_with(
    writer: Writer,
    expected: &Observed,
    actual: &Observed,
    artefacts: &[Artefact],
) -> Vec<String> {
    let differences = compare_without(writer, expected, actual, artefacts);
    if !differences.is_empty() {
        return differences;
    }
    let needed = |index: usize| {
        let mut others = artefacts.to_vec();
        others.remove(index);
        !compare_without(writer, expected, actual, &others).is_empty()
    };
    let idle = (0..artefacts.len()).filter(|&index| !needed(index));
    idle.map(|index| format!("{:?} is set aside without need", artefacts[index])).collect()
}

/// A case as recorded and as done by the port.
pub fn load(root: &Path, name: &str) -> Result<(Writer, Observed, Observed), String> {
    let case = Case::load(root, name)?;
    Ok((case.writer, case.expected()?, case.actual()?))
}

fn compare_without(
    writer: Writer,
    expected: &Observed,
    actual: &Observed,
    artefacts: &[Artefact],
) -> Vec<String> {
    let (mut expected, mut actual) = (expected.clone(), actual.clone());
    for artefact in artefacts {
        artefact.set_aside(&mut expected, &mut actual);
    }
    compare(writer, &expected, &actual)
}

/// Judges each case of a folder's index; fails with all failing cases at once. Returns the names of the cases asserted.
pub fn assert_all(root: &Path) -> Vec<String> {
    let names = case::names_in(root);
    let failures: Vec<String> = names
        .par_iter()
        .map(|name| (name, judge(root, name)))
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(name, wrong)| format!("{name}: {}", shorten(&wrong)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} golden cases fail:\n{}",
        failures.len(),
        names.len(),
        failures.join("\n")
    );
    names
}

/// The first differences of a case, cut to a readable length.
fn shorten(wrong: &[String]) -> String {
    let lines = wrong.iter().take(3).map(|line| line.chars().take(400).collect::<String>());
    let more = if wrong.len() > 3 { format!(" (and {} more)", wrong.len() - 3) } else { String::new() };
    lines.collect::<Vec<_>>().join("; ") + &more
}
