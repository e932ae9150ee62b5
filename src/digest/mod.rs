//! Canonical rows and digests of multisets of rows.
//!
//! *Canonical row.* The non-null columns of a row, each as (column name, type class, value); the order of columns does not
//! matter, null and an absent column are the same, `""`, `0` and null are three different things.
//!
//! 1. [`RowHasher`] goes column by column. What a cell adds to two sums of its row is a random function of the words of its
//!    canonical bytes (see `column`). Distinct dictionary values are worked out once; no row is assembled.
//! 2. The two sums of a row, 256 bits, are folded to a hash of 128 bits by another random function (see `fold`).
//! 3. [`Multiset`] holds per bucket the number of rows and a polynomial whose roots are their hashes, at a random point.
//!
//! *Why two different rows, or multisets of rows, are not taken for equal.* Everything random comes from a [`RunKey`], which is
//! drawn when both outputs are finished and told when the comparison is over. For rows that were fixed before, whoever wrote
//! them and whatever he knows of this program, it is proven, not hoped: two different rows have one hash with a probability
//! of less than 2^-125 (2^-126 in their sums, 2^-128 in the fold). So among n rows some two different ones do with less than
//! n^2 / 2^126, and two different multisets of n rows pass for equal with no more than that and n / 2^127: less than one in
//! 10^16 for 2^35 rows. It rests on the key: 128 random bits of the operating system, spread by BLAKE3 as a keyed stream whose output
//! nobody can tell from random numbers; and on BLAKE3 itself for values of more than 1,024 bytes. A writer that could read the
//! memory of this process would not need a collision.
//!
//! *Why not BLAKE3 for every cell:* a compression for every cell and row cost several times what decoding does (measured: see
//! `benches/rows`).
//!
//! Cost: two multiplications for each sixteen bytes of a value that is no dictionary's, about twenty for each row; memory of a
//! block of rows, of the distinct values of a row group, and of the buckets.

mod class;
mod column;
mod common;
mod encode;
mod field;
mod fold;
mod key;
mod multiset;
mod prepared;
mod row;
#[cfg(test)]
mod tests;
mod view;

pub use class::TypeClass;
pub use common::{Family, Retyped, common, retyped};
pub use encode::encode;
pub use key::{ColumnKeys, RunKey};
pub use multiset::{Differing, Multiset};
pub(crate) use row::Sums;
pub use row::{Part, RowHasher};
pub use view::reinterpret;
