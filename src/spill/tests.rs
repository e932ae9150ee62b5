use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::error::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair(u64, u32);

impl Record for Pair {
    const BYTES: usize = 12;

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
        out.extend_from_slice(&self.1.to_le_bytes());
    }

    fn get(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self(u64::from_le_bytes(fields.take()?), u32::from_le_bytes(fields.take()?)))
    }
}

/// A number that looks like chance.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn sorted(records: impl Iterator<Item = Pair>, limit: u64) -> Result<Vec<Pair>> {
    let folder = tempfile::tempdir().unwrap();
    let memory = Arc::new(Memory::new(limit));
    let spill = Spill::new(folder.path(), &memory);
    let mut sorter = Sorter::new(&spill);
    for record in records {
        sorter.push(record)?;
    }
    let mut sorted = sorter.finish()?;
    let mut all = Vec::new();
    while let Some(head) = sorted.peek().copied() {
        assert_eq!(sorted.next()?, Some(head));
        all.push(head);
    }
    drop(sorted);
    assert!(memory.try_hold(limit / 4), "everything was given back");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file has a name");
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn records_come_back_sorted_whatever_fits(count in 0_u64..9_000, few in any::<bool>()) {
        let records = || (0..count).map(|it| Pair(scattered(it) % 500, u32::try_from(it).unwrap()));
        let mut wanted: Vec<Pair> = records().collect();
        wanted.sort_unstable();
        prop_assert_eq!(sorted(records(), if few { 0 } else { 1 << 30 }).unwrap(), wanted);
    }
}

#[test]
fn runs_are_condensed_over_and_over() {
    // 1,024 records a run, 32 runs a level: a third level, and runs of the first left over.
    let count = 1_024 * (32 * 32 + 3);
    let records = (0..count).map(|it| Pair(scattered(it), 0));
    let all = sorted(records, 0).unwrap();
    assert_eq!(all.len() as u64, count);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    let sum = |values: &mut dyn Iterator<Item = u64>| values.fold(0_u64, u64::wrapping_add);
    assert_eq!(sum(&mut all.iter().map(|it| it.0)), sum(&mut (0..count).map(scattered)));
}

#[test]
fn a_folder_that_is_gone_is_told_as_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill::new(&folder.path().join("gone"), &Arc::new(Memory::new(0)));
    let mut sorter = Sorter::new(&spill);
    let failed = (0..5_000).find_map(|it| sorter.push(Pair(it, 0)).err()).unwrap();
    assert_eq!(failed.class, reports::manifest::ErrorClass::Io);
    assert!(spill.failure().unwrap().message.contains("--tmp-dir"));
}

#[test]
fn memory_that_is_held_is_held_by_all() {
    let memory = Memory::new(64);
    assert!(memory.try_hold(10) && !memory.try_hold(7) && memory.try_hold(6));
    memory.release(6);
    assert!(memory.try_hold(6));
    let first = memory.fetching(1_000);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| drop(memory.fetching(1)));
        drop(first);
        waiting.join().unwrap();
    });
}
