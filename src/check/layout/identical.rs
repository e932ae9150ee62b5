//! What both sides hold byte for byte: files, row groups, column chunks.
//!
//! Files by the digests that were taken when they were opened. Chunks of the other files by theirs
//! ([`OutputFile::chunk_digests`]); a row group is the list of its chunks. Counted as multisets: what one side holds twice
//! and the other once is shared once. Cost: one pass over the bytes of files that are not identical.

use std::collections::HashMap;
use std::hash::Hash;

use rayon::prelude::*;
use reports::layout::{Identical, Shared};
use reports::manifest::ErrorClass;

use super::side::Ignored;
use crate::cancel::Cancel;
use crate::check::Observed;
use crate::check::draft::SideError;
use crate::error::Result;
use crate::output::{ChunkDigest, OutputFile};

/// Chunk digests of one file, by row group.
type Chunks = Vec<Vec<ChunkDigest>>;

/// Counts what `a` and `b` share.
pub(super) fn shared(
    a: &Observed,
    b: &Observed,
    ignored: &Ignored,
    cancel: &Cancel,
) -> std::result::Result<Identical, SideError> {
    let files =
        |side: &Observed| side.output.files.iter().map(|it| it.info.digest.clone()).collect::<Vec<_>>();
    let (files_a, files_b) = (files(a), files(b));
    let same = common(&files_a, &files_b);
    let (chunks_a, chunks_b) =
        rayon::join(|| digests(a, &same, ignored, cancel), || digests(b, &same, ignored, cancel));
    let (chunks_a, chunks_b) = (chunks_a?, chunks_b?);
    let groups = |side: &[Chunks]| side.iter().flatten().cloned().collect::<Vec<_>>();
    let chunks = |side: &[Chunks]| side.iter().flatten().flatten().copied().collect::<Vec<_>>();
    // Identical files were not read: their parts are shared as they are.
    let parts = |side: &Observed, counted: fn(&OutputFile) -> usize| {
        let mut left = same.clone();
        let files = side.output.files.iter();
        let taken = files.filter(|file| take(&mut left, &file.info.digest));
        taken.map(|file| counted(file) as u64).sum::<u64>()
    };
    let row_groups = |file: &OutputFile| file.metadata.num_row_groups();
    let all_chunks = |file: &OutputFile| {
        file.metadata.row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_columns).sum()
    };
    let whole = |side: &Observed, counted: fn(&OutputFile) -> usize| {
        side.output.files.iter().map(|file| counted(file) as u64).sum::<u64>()
    };
    Ok(Identical {
        files: Shared {
            equal: total(&same),
            baseline: files_a.len() as u64,
            candidate: files_b.len() as u64,
        },
        row_groups: Shared {
            equal: parts(a, row_groups) + total(&common(&groups(&chunks_a), &groups(&chunks_b))),
            baseline: whole(a, row_groups),
            candidate: whole(b, row_groups),
        },
        chunks: Shared {
            equal: parts(a, all_chunks) + total(&common(&chunks(&chunks_a), &chunks(&chunks_b))),
            baseline: whole(a, all_chunks),
            candidate: whole(b, all_chunks),
        },
    })
}

/// How often both lists hold each element.
fn common<T: Hash + Eq + Clone>(a: &[T], b: &[T]) -> HashMap<T, u64> {
    let mut counts: HashMap<T, (u64, u64)> = HashMap::new();
    a.iter().for_each(|it| counts.entry(it.clone()).or_default().0 += 1);
    b.iter().for_each(|it| counts.entry(it.clone()).or_default().1 += 1);
    counts.into_iter().map(|(it, (a, b))| (it, a.min(b))).filter(|(_, count)| *count > 0).collect()
}

fn total<T>(common: &HashMap<T, u64>) -> u64 {
    common.values().sum()
}

/// Takes one of `digest` out, if one is left.
fn take(left: &mut HashMap<String, u64>, digest: &str) -> bool {
    match left.get_mut(digest) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

/// Digests of the chunks of all files but those that are the same on both sides.
fn digests(
    side: &Observed,
    same: &HashMap<String, u64>,
    ignored: &Ignored,
    cancel: &Cancel,
) -> std::result::Result<Vec<Chunks>, SideError> {
    let mut left = same.clone();
    let files: Vec<&OutputFile> =
        side.output.files.iter().filter(|file| !take(&mut left, &file.info.digest)).collect();
    files
        .into_par_iter()
        .map(|file| {
            chunks(file, ignored, cancel).map_err(|error| SideError {
                role: side.role,
                file: file.info.path.clone(),
                error,
            })
        })
        .collect()
}

/// Row groups whose bytes cannot be found share nothing; they are an error only where all columns are to be read.
fn chunks(file: &OutputFile, ignored: &Ignored, cancel: &Cancel) -> Result<Chunks> {
    let left_out = file.roots().any(|root| ignored.contains_key(root));
    let mut all = Chunks::new();
    for (number, group) in file.metadata.row_groups().iter().enumerate() {
        match file.chunk_digests(number, 0..group.num_columns(), cancel) {
            Ok(digests) => all.push(digests),
            Err(error) if left_out && error.class == ErrorClass::Input => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
