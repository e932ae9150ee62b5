//! The documents that Parallax leaves, as plain serde data: the report of a run, the decision of a gate, a self-test, runs over
//! time, the manifest of a writer.
//!
//! This crate is the leaf that the judgement and the renderers share. It depends on serde, and neither reads nor writes files:
//! the crate `reports` does, with one renderer a format. Beside the types stand the models that are computed from a
//! document alone (the scoreboard, the short headline, the trend of several reports), and the words for its numbers and outcomes,
//! so that every message and every format says them alike.
//!
//! Within one schema version a document may get further fields, which older documents do not have.

pub mod blast;
pub mod determinism;
pub mod evidence;
pub mod finding;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod gate;
pub mod headline;
pub mod layout;
pub mod manifest;
pub mod measurement;
pub mod policy;
pub mod report;
pub mod schema;
pub mod scoreboard;
pub mod selftest;
pub mod side;
pub mod signal_evidence;
pub mod stated;
pub mod total;
pub mod trend;
pub mod visible;
pub mod words;
