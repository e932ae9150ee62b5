//! Segments: Parquet files that were written elsewhere, read as record batches.
//!
//! [`segments`] reads many of them ahead, [`segment`] reads one. Inputs are not trusted: [`footer`], [`structure`] and [`page_scan`]
//! check a file before the Parquet crate decodes it. [`reading`] counts what all readers have open.

pub(crate) mod expansion;
pub(crate) mod footer;
pub(crate) mod page_header;
pub(crate) mod page_lengths;
pub(crate) mod page_scan;
pub(crate) mod reading;
pub(crate) mod row_bytes;
pub(crate) mod segment;
pub(crate) mod segments;
pub(crate) mod share;
pub(crate) mod shared_file;
pub(crate) mod structure;
pub(crate) mod thrift;
