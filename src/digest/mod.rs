//! Canonical rows and digests of multisets of rows.
//!
//! *Canonical row.* The non-null columns of a row, each as (column name, type class, value); the order of columns does not
//! matter, null and an absent column are the same, `""`, `0` and null are three different things.
//!
//! 1. [`RowHasher`] hashes column by column. A cell's hash is keyed BLAKE3 over the value's bytes, under a key derived
//!    from column name and type class: the three can never run into each other. Distinct dictionary values are hashed once.
//! 2. The cells of a row are summed modulo 2^128 and the sum, with the number of cells, is hashed again. The sum makes the
//!    order of columns irrelevant and lets one cell be taken out again; hashing it again binds the cells of one row
//!    together, so that values swapped between rows do not cancel out when rows are summed.
//! 3. [`Multiset`] sums row hashes per bucket, modulo 2^128, with counts.
//!
//! Everything is keyed with a [`RunKey`] that is drawn anew for each run: data cannot be prepared so that two different sets
//! of rows meet, and by accident they do so once in about 2^128 comparisons.
//!
//! Cost: one BLAKE3 compression per distinct value and one per row; memory of one batch and of the buckets.

mod class;
mod encode;
mod multiset;
mod row;
#[cfg(test)]
mod tests;

pub use class::TypeClass;
pub use encode::encode;
pub use multiset::{BUCKETS, Multiset, bucket};
pub(crate) use row::add;
pub use row::{RowHasher, RunKey, reinterpret};
