//! Faults of what the manifest states of each file: every field off by one, of the wrong file, of the whole job.

use reports::manifest::ManifestFile;

use super::rewrite::load;
use super::site::Site;
use crate::check::metadata::fingerprint;
use crate::error::Result;

/// Another number than the one that is stated, where one is stated.
fn off<T: Copy + PartialEq>(
    site: &mut Site<'_>,
    field: impl Fn(&mut ManifestFile) -> Option<&mut T>,
    other: impl Fn(T) -> T,
) {
    if let Some(stated) = site.manifest.files.iter_mut().find_map(field) {
        *stated = other(*stated);
    }
}

fn next(number: i64) -> i64 {
    if number == i64::MAX { number - 1 } else { number + 1 }
}

/// One field of one file off by one.
pub(super) fn off_by_one(site: &mut Site<'_>, field: &str) {
    let more = |count: u64| count + 1;
    match field {
        "record_count" => off(site, |file| file.record_count.as_mut(), more),
        "file_size" => off(site, |file| file.file_size.as_mut(), more),
        "last_ts" => off(site, |file| file.last_ts.as_mut(), next),
        "tid_count" => off(site, |file| file.tid_count.as_mut(), more),
        "min_tid" => off(site, |file| file.min_tid.as_mut(), next),
        "max_tid" => off(site, |file| file.max_tid.as_mut(), next),
        "slot" => off(site, |file| file.slot.as_mut(), next),
        "span_count" => off(site, |file| file.span_count.as_mut(), more),
        "trace_count" => off(site, |file| file.trace_count.as_mut(), more),
        "hour" => off(site, |file| file.split_key.as_mut().map(|key| &mut key.hour), |hour| (hour + 1) % 24),
        "date" => off(site, |file| file.split_key.as_mut().map(|key| &mut key.dateint), next),
        "file_index" => off(site, |file| file.split_key.as_mut().map(|key| &mut key.file_index), next),
        _ => {}
    }
}

/// A fingerprint that no row gives.
pub(super) fn extra_fingerprint(site: &mut Site<'_>) {
    if let Some(set) = site.manifest.files.iter_mut().find_map(|file| file.fingerprints.as_mut()) {
        let free = (1..).find(|number| !set.contains(number));
        set.extend(free);
        set.sort_unstable();
    }
}

/// Fingerprints of the last file only.
pub(super) fn fingerprints_on_last_file_only(site: &mut Site<'_>) {
    if let [others @ .., _] = site.manifest.files.as_mut_slice() {
        others.iter_mut().filter_map(|file| file.fingerprints.as_mut()).for_each(Vec::clear);
    }
}

/// The row that opens the next file is counted in the fingerprints of the file before.
pub(super) fn fingerprint_shift(site: &mut Site<'_>) -> Result<()> {
    let Some(rule) = site.job.signal.as_ref().and_then(|signal| signal.fingerprints.clone()) else {
        return Ok(());
    };
    for index in 1..site.manifest.files.len() {
        let batch = load(&site.path(index))?;
        let first = fingerprint::of(&rule, &batch.slice(0, batch.num_rows().min(1)));
        let Some(set) = &mut site.manifest.files[index - 1].fingerprints else { continue };
        let new: Vec<i64> = first.into_iter().filter(|it| !set.contains(it)).collect();
        if !new.is_empty() {
            set.extend(new);
            set.sort_unstable();
            return Ok(());
        }
    }
    Ok(())
}

/// The range of the whole job stated of every file.
pub(super) fn range_of_the_job(site: &mut Site<'_>) {
    let first = site.manifest.files.iter().filter_map(|file| file.first_ts).min();
    let last = site.manifest.files.iter().filter_map(|file| file.last_ts).max();
    for file in &mut site.manifest.files {
        file.first_ts = file.first_ts.and(first);
        file.last_ts = file.last_ts.and(last);
    }
}

/// First timestamps of the last file only.
pub(super) fn first_timestamp_on_last_file_only(site: &mut Site<'_>) {
    if let [others @ .., last] = site.manifest.files.as_mut_slice()
        && last.first_ts.is_some()
    {
        others.iter_mut().for_each(|file| file.first_ts = None);
    }
}

/// Times and fingerprints of the next file.
pub(super) fn of_next_file(site: &mut Site<'_>) {
    let stated: Vec<_> = site
        .manifest
        .files
        .iter()
        .map(|file| (file.first_ts, file.last_ts, file.fingerprints.clone()))
        .collect();
    let count = stated.len();
    for (index, file) in site.manifest.files.iter_mut().enumerate() {
        if let Some(next) = stated.get((index + 1) % count.max(1)) {
            (file.first_ts, file.last_ts, file.fingerprints) = next.clone();
        }
    }
}
