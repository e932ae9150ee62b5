//! The file that rows are being written to, as the one who cuts sees it.

use crate::encode::{FileEncoder, Sizes};
use crate::metadata::FileMetadata;
use crate::sample::JUMP;
use crate::size::Progress;

/// Values that shrink to this part only cannot be followed by much worse ones.
const INCOMPRESSIBLE: f64 = 0.8;

/// Bytes in a file by those that a sample of values of another kind shrinks to: digits, say, that do not repeat shrink to half
/// for want of letters, which a sample does not show.
const AT_LEAST: f64 = 0.6;

/// The open file.
#[derive(Default)]
pub(crate) struct OpenFile {
    pub(crate) encoder: FileEncoder,
    pub(crate) metadata: FileMetadata,
    pub(crate) hour: Option<i64>,
    pub(crate) full: bool,
    pub(crate) early_row_groups: usize,
    /// Bytes of values of all its rows.
    pub(crate) value_bytes: f64,
    /// What those bytes shrink to by samples, and the part that those sampled last do.
    pub(crate) weight: f64,
    pub(crate) ratio: f64,
    pub(crate) looked: Looked,
    /// What the open round has, and what it may have.
    pub(crate) round: Round,
    pub(crate) most: Round,
}

/// Rows and bytes of values that are encoded at once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    pub(crate) rows: usize,
    pub(crate) bytes: f64,
}

/// What a file was at the last look.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Looked {
    pub(crate) rows: usize,
    pub(crate) sizes: Sizes,
    pub(crate) value_bytes: f64,
    pub(crate) weight: f64,
}

impl Looked {
    /// Without regard to what is still to come.
    pub(crate) fn progress(&self) -> Progress {
        Progress { bytes: self.sizes.bytes, rows: self.rows, rows_left: None }
    }
}

/// How rows compressed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usual {
    /// The part that their values' samples shrank to, and bytes in the file by those.
    ratio: f64,
    by_weight: f64,
}

impl Usual {
    /// Nothing is known of rows without such values.
    pub(crate) fn of(bytes: f64, value_bytes: f64, weight: f64) -> Option<Self> {
        (value_bytes > 0.0 && weight > 0.0)
            .then(|| Self { ratio: weight / value_bytes, by_weight: bytes / weight })
    }
}

impl OpenFile {
    /// What a row of those sampled last will come to, if its values, of so many bytes, compress much worse than those before;
    /// in a file without rows, than those in the file before, which are `usual`.
    pub(crate) fn jump(&self, row_bytes: f64, usual: Option<Usual>) -> Option<f64> {
        let usual = self.usual(usual)?;
        (self.ratio > JUMP * usual.ratio).then(|| usual.by_weight.max(AT_LEAST) * self.ratio * row_bytes)
    }

    /// Whether rows could compress much worse than those before.
    pub(crate) fn may_jump(&self, usual: Option<Usual>) -> bool {
        self.usual(usual).is_some_and(|usual| usual.ratio < INCOMPRESSIBLE)
    }

    fn usual(&self, before: Option<Usual>) -> Option<Usual> {
        let Looked { rows, sizes, value_bytes, weight } = self.looked;
        if rows == 0 { before } else { Usual::of(sizes.bytes, value_bytes, weight) }
    }
}
