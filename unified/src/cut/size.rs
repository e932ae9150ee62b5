//! How large the open file would be if it were closed now, and when it is large enough.
//!
//! Finished pages are counted exactly. What is still open in a column (a page being filled, a dictionary) is known only
//! before compression, so it is scaled by what the same column's last closed chunk turned out to be; before the
//! first, by 1, which overstates. The footer is scaled likewise by that of the last file but one: the last may still be on its
//! way to the disk (module `outbox`), and what is cut where must not depend on how fast that goes. Where an estimate says that a
//! file is full but the sum of its *closed* chunks then falls well short, the file goes on with a further row group.
//! Where it turns out too low, or the last file too small, files are cut again (module `recut`).
//!
//! How much is enough: with the number of rows still to come known, the rest is dealt evenly, so that no tiny file is
//! left at the end.

/// Bytes of values after which a piece of rows ends.
pub(crate) const PIECE_BYTES: usize = 1024 * 1024;

/// A file may exceed the target by this factor rather than leave a small rest.
const STRETCH: f64 = 1.08;

/// A file that exceeds the target by this factor is too large. The rest to 1.15 is for what is not known of its footer.
const TOO_LARGE: f64 = 1.12;

/// Part of the goal by which a file that is cut again may miss it.
const NEAR: f64 = 0.05;

/// Part of the target below which a last file is too small, and of the goal below which a file stays too large instead.
const TOO_SMALL: f64 = 0.5;

/// Files that are many: so many that the next is not the last one, however badly that was foreseen.
const MANY_FILES: f64 = 16.0;

/// Footer bytes of one column chunk with its page index, before a file was closed.
const FOOTER_BYTES_PER_CHUNK: f64 = 160.0;

/// Rows of the first piece of a job, when nothing is known of its rows.
const FIRST_ROWS: usize = 64;

/// Fewest rows between two looks at the size, and what part of the file's rows so far they are at least.
const FEWEST_ROWS: usize = 16;
const FEWEST_PART: usize = 256;

/// Part of what still fits that is encoded before the next look, so that looks become denser toward the end.
const NEXT_PART: f64 = 0.75;

/// Bytes of the footer as learned from closed files.
#[derive(Debug)]
pub(crate) struct FooterSize {
    per_chunk: f64,
}

impl Default for FooterSize {
    fn default() -> Self {
        Self { per_chunk: FOOTER_BYTES_PER_CHUNK }
    }
}

impl FooterSize {
    pub(crate) fn estimate(&self, chunks: usize) -> f64 {
        self.per_chunk * chunks as f64
    }

    pub(crate) fn learn(&mut self, footer_bytes: u64, chunks: usize) {
        if chunks > 0 {
            self.per_chunk = footer_bytes as f64 / chunks as f64;
        }
    }
}

/// Bytes that the open part of a column shrinks to, as learned from closed chunks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shrinkage(f64);

impl Default for Shrinkage {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Shrinkage {
    pub(crate) fn estimate(self, open_bytes: u64) -> f64 {
        self.0 * open_bytes as f64
    }

    /// `open` bytes before closing became `closed` bytes.
    pub(crate) fn learn(&mut self, open: u64, closed: u64) {
        // Page and chunk headers alone would make the ratio of a tiny chunk absurd.
        if open >= 512 {
            self.0 = (closed as f64 / open as f64).clamp(0.01, 1.5);
        }
    }
}

/// Sizes of the open file that a decision needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Estimated bytes if the file were closed now.
    pub(crate) bytes: f64,
    /// Rows so far.
    pub(crate) rows: usize,
    /// Rows that are still to come and could go into this file; absent where unknown.
    pub(crate) rows_left: Option<u64>,
}

/// What files that came out too large or too small should come to instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeBounds {
    pub(crate) goal: f64,
    least: f64,
    most: f64,
}

impl SizeBounds {
    /// Whether a file of so many bytes will do.
    pub(crate) fn allow(self, bytes: f64) -> bool {
        (self.least..=self.most).contains(&bytes)
    }

    /// Whether it is not worth a further try.
    pub(crate) fn reached(self, bytes: f64) -> bool {
        self.allow(bytes) && (bytes - self.goal).abs() <= NEAR * self.goal
    }
}

/// Decides by size.
#[derive(Debug)]
pub(crate) struct SizePlan {
    target: f64,
    /// Encoded bytes per row of the last closed file.
    row_bytes: Option<f64>,
}

impl SizePlan {
    pub(crate) fn new(target: u64) -> Self {
        Self { target: target as f64, row_bytes: None }
    }

    pub(crate) fn learn(&mut self, file_bytes: f64, rows: usize) {
        if rows > 0 {
            self.row_bytes = Some(file_bytes / rows as f64);
        }
    }

    fn row_bytes(&self, progress: Progress) -> Option<f64> {
        if progress.rows == 0 { self.row_bytes } else { Some(progress.bytes / progress.rows as f64) }
    }

    /// Bytes at which the open file should end; none where everything that is left fits in.
    pub(crate) fn goal(&self, progress: Progress) -> Option<f64> {
        let Some(left) = progress.rows_left else { return Some(self.target) };
        let row_bytes = self.row_bytes(progress)?;
        let total = progress.bytes + row_bytes * left as f64;
        let files = total / self.target;
        if files <= STRETCH {
            return None;
        }
        let mut count = files.round().max(1.0);
        if files / count > STRETCH {
            count += 1.0;
        }
        Some((total / count).min(self.target * STRETCH))
    }

    /// Whether the file should end here.
    pub(crate) fn is_full(&self, progress: Progress) -> bool {
        match (self.goal(progress), self.row_bytes(progress)) {
            // Half of the smallest step: as often a little below as above.
            (Some(goal), Some(row_bytes)) => {
                progress.bytes + row_bytes * (fewest(progress) / 2) as f64 >= goal
            }
            _ => false,
        }
    }

    /// Whether a file that looked full really is, its size now being exact but for the footer.
    pub(crate) fn is_really_full(&self, progress: Progress) -> bool {
        self.goal(progress).is_some_and(|goal| progress.bytes >= 0.93 * goal)
    }

    /// What a file should come to that turned out to be of so many bytes, if those are too many.
    pub(crate) fn too_large(&self, progress: Progress) -> Option<SizeBounds> {
        let most = TOO_LARGE * self.target;
        let goal = self.goal(progress).filter(|_| progress.bytes > most)?;
        Some(SizeBounds { goal, least: TOO_SMALL * goal, most })
    }

    /// What the last two files should come to, if the last turned out to be too small.
    pub(crate) fn too_small(&self, last: f64, before: Progress) -> Option<SizeBounds> {
        let both = Progress { bytes: before.bytes + last, rows_left: Some(0), ..before };
        let goal = self.goal(both).unwrap_or(both.bytes);
        (last < TOO_SMALL * self.target).then_some(SizeBounds {
            goal,
            least: TOO_SMALL * goal,
            most: TOO_LARGE * self.target,
        })
    }

    /// Whether many files are still to come, after one that was learned from.
    pub(crate) fn is_far_from_end(&self, rows_left: Option<u64>) -> bool {
        let bytes = rows_left.zip(self.row_bytes).map(|(rows, row_bytes)| row_bytes * rows as f64);
        bytes.is_some_and(|bytes| bytes > MANY_FILES * self.target)
    }

    /// Whether a file was learned from.
    pub(crate) fn has_footing(&self) -> bool {
        self.row_bytes.is_some()
    }

    /// Rows that still fit into the file, as far as known.
    fn rows_fitting(&self, progress: Progress) -> Option<f64> {
        let row_bytes = self.row_bytes(progress)?;
        let Some(goal) = self.goal(progress) else { return Some(f64::INFINITY) };
        Some((goal - progress.bytes) / row_bytes.max(1e-3))
    }

    /// Rows to encode before the next look.
    pub(crate) fn rows_until_look(&self, progress: Progress, most: usize) -> usize {
        match self.rows_fitting(progress) {
            None => FIRST_ROWS.min(most),
            // `as` saturates, so a negative or huge number is harmless.
            Some(fitting) => ((NEXT_PART * fitting) as usize).clamp(fewest(progress).min(most), most),
        }
    }
}

/// Fewest rows between two looks.
fn fewest(progress: Progress) -> usize {
    FEWEST_ROWS.max(progress.rows / FEWEST_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(bytes: f64, rows: usize, rows_left: Option<u64>) -> Progress {
        Progress { bytes, rows, rows_left }
    }

    #[test]
    fn what_fits_into_one_file_is_not_split() {
        let plan = SizePlan::new(1000);
        assert_eq!(plan.goal(progress(500.0, 50, Some(50))), None);
        assert!(!plan.is_full(progress(999.0, 100, Some(5))));
    }

    #[test]
    fn the_rest_is_dealt_evenly() {
        let plan = SizePlan::new(1000);
        let goal = plan.goal(progress(200.0, 20, Some(190))).unwrap();
        assert!((goal - 1050.0).abs() < 1e-6, "{goal}");
        let goal = plan.goal(progress(200.0, 20, Some(110))).unwrap();
        assert!((goal - 650.0).abs() < 1e-6, "{goal}");
    }

    #[test]
    fn without_knowledge_of_the_rest_the_target_decides() {
        let plan = SizePlan::new(1000);
        assert_eq!(plan.goal(progress(10.0, 1, None)), Some(1000.0));
        assert!(plan.is_full(progress(1000.0, 100, None)));
        assert!(!plan.is_full(progress(800.0, 100, None)));
    }

    #[test]
    fn looks_become_denser_toward_the_goal() {
        let plan = SizePlan::new(1_000_000);
        assert_eq!(plan.rows_until_look(progress(0.0, 0, None), 1024), 64);
        assert_eq!(plan.rows_until_look(progress(100.0, 1, None), 1024), 1024);
        assert_eq!(plan.rows_until_look(progress(990_000.0, 9_900, None), 1024), 75);
        assert_eq!(plan.rows_until_look(progress(2_000_000.0, 9_900, None), 1024), 38);
        assert_eq!(plan.rows_until_look(progress(2_000_000.0, 900, None), 1024), 16);
    }
}
