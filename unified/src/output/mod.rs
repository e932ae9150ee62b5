//! Output files: written, cut again where their size is wrong, named together at the end.
//!
//! [`split`] drives the stages `cut`, `encode` and [`outbox`]; [`results`] reports what is known of each file.

pub(crate) mod directory;
pub(crate) mod metadata;
pub(crate) mod open_file;
pub(crate) mod outbox;
pub(crate) mod recut;
pub(crate) mod results;
pub(crate) mod settings;
pub(crate) mod split;
