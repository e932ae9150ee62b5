//! What is to be done with the columns of an open file, in pieces that any thread can take.
//!
//! Each task owns what it works on and gives it back: one column's encoder state, one page, one column's fingerprints. A long
//! column keeps one thread busy for long, so what can be done beside its encoding is, and where its pages do not depend on one
//! another, they are made side by side.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::ArrayRef;

use crate::encode::chunk_builder::DataPage;
use crate::encode::column_encoder::{ClosedChunk, ColumnEncoder, Dictionary, Encoded, OpenChunk};
use crate::encode::fingerprint::ColumnFingerprints;
use crate::encode::value_chunk::{PageTask, ValueChunk};
use crate::rows::batch::Rows;
use crate::rows::codes::ColumnId;

/// Something to be done for a column.
pub(crate) enum Task {
    /// Encodes some pieces; of the column's last chunk is told what use it made of a dictionary.
    Encode(ColumnId, Arc<ColumnEncoder>, Chunk, Arc<Shares>, Option<Dictionary>),
    /// Makes a page.
    Page(ColumnId, Arc<ColumnEncoder>, PageTask),
    /// Collects the fingerprints of some pieces.
    Fingerprint(ColumnId, ColumnFingerprints, Arc<Shares>),
    /// Ends the chunk.
    Close(ColumnId, Arc<ColumnEncoder>, Chunk),
}

/// What became of a task.
pub(crate) enum Done {
    Encoded(ColumnId, Chunk),
    /// The page of this number.
    Page(ColumnId, usize, DataPage),
    Fingerprinted(ColumnId, ColumnFingerprints),
    Closed(ColumnId, Option<ClosedChunk>),
}

impl Task {
    pub(crate) fn run(self) -> Encoded<Done> {
        Ok(match self {
            Self::Encode(id, encoder, mut chunk, shares, last) => {
                if chunk.open.is_none() && last != Some(Dictionary::Whole) {
                    chunk.open_values(&encoder, &shares)?;
                }
                chunk.encode_all(&encoder, &shares)?;
                if let Some(values) = chunk.values() {
                    values.make(encoder.shape(), false)?;
                }
                Done::Encoded(id, chunk)
            }
            Self::Page(id, encoder, page) => {
                let (number, made) = page.run(encoder.shape())?;
                Done::Page(id, number, made)
            }
            Self::Fingerprint(id, mut fingerprints, shares) => {
                for share in &shares.pieces {
                    match (&share.values, shares.behind(share)) {
                        (None, _) => {}
                        (Some(values), None) => fingerprints.add(values),
                        (Some(codes), Some(dictionary)) => fingerprints.add_coded(codes, dictionary),
                    }
                }
                Done::Fingerprinted(id, fingerprints)
            }
            Self::Close(id, encoder, chunk) => Done::Closed(id, chunk.close(&encoder)?),
        })
    }

    /// What it is likely to take, in nanoseconds. Measured with logs and metrics on one machine: what counts is which takes
    /// longer, and about how much.
    fn cost(&self) -> usize {
        match self {
            Self::Encode(_, _, chunk, shares, last) => {
                let general = match &chunk.open {
                    Some(chunk) => matches!(chunk, OpenChunk::General { .. }),
                    None => !shares.coded() || *last == Some(Dictionary::Partial),
                };
                match (general, shares.coded()) {
                    (true, true) => 90 * shares.rows(),
                    (true, false) => 50 * shares.rows() + 4 * shares.bytes(),
                    (false, _) => 2 * shares.rows(),
                }
            }
            Self::Page(_, _, page) => 5 * page.bytes() / 2,
            Self::Fingerprint(_, _, shares) => 6 * (shares.rows() + shares.bytes()),
            Self::Close(_, encoder, chunk) => match &chunk.open {
                Some(OpenChunk::Coded(coded)) => 8 * coded.rows(),
                _ => 4 * chunk.open_bytes(encoder),
            },
        }
    }

    /// Puts first what takes longest, so that no thread waits long for another in the end; tells what all are likely to take.
    pub(crate) fn order(tasks: &mut [Self]) -> usize {
        tasks.sort_by_cached_key(|task| Reverse(task.cost()));
        tasks.iter().map(Self::cost).sum()
    }
}

/// One column's share of some pieces.
pub(crate) struct Shares {
    pieces: Vec<Share>,
    /// What is behind the codes, where there are any.
    dictionary: Option<ArrayRef>,
}

/// One column's share of one piece.
pub(crate) struct Share {
    /// Rows of the open row group before it, and its own.
    pub(crate) before: usize,
    pub(crate) rows: usize,
    /// The values, codes or plain; absent where the piece has none.
    pub(crate) values: Option<ArrayRef>,
    pub(crate) coded: bool,
}

impl Shares {
    pub(crate) fn new(pieces: Vec<Share>, dictionary: Option<ArrayRef>) -> Self {
        Self { pieces, dictionary }
    }

    /// What is behind the codes of a piece.
    fn behind(&self, share: &Share) -> Option<&ArrayRef> {
        self.dictionary.as_ref().filter(|_| share.coded)
    }

    fn rows(&self) -> usize {
        self.pieces.iter().map(|share| share.rows).sum()
    }

    fn coded(&self) -> bool {
        self.dictionary.is_some()
    }

    /// Bytes of values of variable length.
    fn bytes(&self) -> usize {
        self.pieces.iter().filter_map(|share| share.values.as_ref()).map(Rows::bytes_of).sum()
    }
}

/// One column of the open row group.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) open: Option<OpenChunk>,
    /// What is behind its codes.
    dictionary: Option<ArrayRef>,
}

impl Chunk {
    /// Opens the chunk as one whose pages are made one by one, if the first values suit.
    pub(crate) fn open_values(&mut self, encoder: &ColumnEncoder, shares: &Shares) -> Encoded<()> {
        if let Some(first) = shares.pieces.iter().find(|share| share.values.is_some())
            && let Some(values) = &first.values
        {
            self.open = encoder.open_values(values, shares.behind(first))?;
            if let Some(chunk) = &mut self.open {
                encoder.write_nulls(chunk, shares.pieces.first().map_or(0, |share| share.before))?;
            }
        }
        Ok(())
    }

    /// The chunk, if its pages are made one by one.
    pub(crate) fn values(&mut self) -> Option<&mut ValueChunk> {
        match &mut self.open {
            Some(OpenChunk::Values(chunk)) => Some(chunk),
            _ => None,
        }
    }

    /// Takes the pieces in turn.
    pub(crate) fn encode_all(&mut self, encoder: &ColumnEncoder, shares: &Shares) -> Encoded<()> {
        shares.pieces.iter().try_for_each(|share| self.encode(encoder, share, shares.behind(share)))
    }

    fn encode(
        &mut self,
        encoder: &ColumnEncoder,
        share: &Share,
        dictionary: Option<&ArrayRef>,
    ) -> Encoded<()> {
        let Share { before, rows, values, coded: _ } = share;
        if values.is_none() && self.open.is_none() {
            return Ok(());
        }
        let chunk = match &mut self.open {
            Some(chunk) => chunk,
            none => {
                let coded = values.is_some() && dictionary.is_some();
                let mut chunk = if coded { encoder.open_coded()? } else { encoder.open()? };
                if *before > 0 {
                    encoder.write_nulls(&mut chunk, *before)?;
                }
                none.insert(chunk)
            }
        };
        match (values, dictionary) {
            (None, _) => encoder.write_nulls(chunk, *rows),
            (Some(values), None) => {
                encoder.generalise(chunk, self.dictionary.as_ref())?;
                encoder.write(chunk, values)
            }
            (Some(codes), Some(dictionary)) => {
                encoder.write_codes(chunk, codes, dictionary)?;
                self.dictionary = Some(Arc::clone(dictionary));
                Ok(())
            }
        }
    }

    /// Bytes before compression of what is open.
    fn open_bytes(&self, encoder: &ColumnEncoder) -> usize {
        self.open.as_ref().map_or(0, |chunk| encoder.sizes(chunk).1 as usize)
    }

    /// Ends the chunk; none where no value came.
    fn close(self, encoder: &ColumnEncoder) -> Encoded<Option<ClosedChunk>> {
        self.open.map(|chunk| encoder.close(chunk, self.dictionary.as_ref())).transpose()
    }
}
