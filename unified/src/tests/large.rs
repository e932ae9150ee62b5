//! Rows of a size that a memory limit feels.

use super::*;
use crate::{Error, ErrorKind};

#[test]
fn a_value_larger_than_the_limit_is_a_named_error_and_leaves_nothing() {
    let place = Place::new();
    let mut writer = place.logs().memory_limit(1 << 20).build().unwrap();
    let long = "x".repeat((1 << 20) + 1);
    writer.write(&batch(vec![(TIME, ints([1])), ("a", texts(["short"])), ("b", texts(["y"]))])).unwrap();
    let rows = batch(vec![(TIME, ints([2, 3])), ("a", texts(["short", "z"])), ("b", texts(["y", &long]))]);
    let error = writer.write(&rows).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let Error::TooLarge { column, bytes, limit, .. } = &error else { panic!("{error}") };
    assert_eq!((column.as_str(), *bytes, *limit), ("b", (1 << 20) + 2, 1 << 20));
    assert!(error.to_string().starts_with("batch 2, row 1: "), "{error}");
    place.assert_empty();
}

#[test]
fn rows_near_the_limit_pass() {
    let place = Place::new();
    let mut writer = place.logs().memory_limit(1 << 20).target_size(3_000_000).build().unwrap();
    for time in (0..20).rev() {
        let long: String = noise(time as u64 + 1).take(60_000).map(|n| format!("{n:016x}")).collect();
        writer.write(&batch(vec![(TIME, ints([time])), ("a", texts([&long[..960_000]]))])).unwrap();
    }
    let files = writer.finish().unwrap().into_vec().unwrap();
    assert_eq!(files.iter().map(|file| file.record_count).sum::<u64>(), 20);
    assert!(writer.stats().spilled_runs > 10, "{:?}", writer.stats());
    place.assert_only(&files);
}
