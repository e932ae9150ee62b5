//! Evidence that outlives the run: stable ids of findings, every differing row in a file, the blast radius.
//!
//! - `id`: the same data gives a finding the same id, in another directory and on another day.
//! - `waiver`: the waiver that would cover a finding, ready to paste.
//! - `differences`: `differences/<job>.parquet`, written while rows are paired; `columns` makes its batches.
//! - `duckdb`: a query that counts the same rows by other means; `folders` adds the columns that folders give, `sql` writes names and texts.
//! - `digests`: lists of digests, beside kept outputs and in bundles.
//! - `blast`: how differing rows spread over organisations, services, hours, files.
//! - `changes`: which finding a changed cell belongs to.
//! - `scopes`: how the rows of a finding spread over the scopes of the policy.

pub mod blast;
pub mod changes;
mod columns;
pub mod differences;
pub mod digests;
pub mod duckdb;
mod folders;
pub mod id;
pub mod scopes;
mod sql;
pub mod waiver;
