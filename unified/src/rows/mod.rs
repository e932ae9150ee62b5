//! Rows on their way through the writer.
//!
//! [`batch`] has the rows, [`catalog`] their columns, [`codes`] the dictionaries of repeated strings, [`key`] the sort keys.

pub(crate) mod admission;
pub(crate) mod batch;
pub(crate) mod catalog;
pub(crate) mod codes;
pub(crate) mod key;
pub(crate) mod spread;
pub(crate) mod weighed;
