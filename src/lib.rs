//! Parallax: A/B shadow comparison of Parquet writers. Is the new writer safe to roll out?
//!
//! ```text
//! corpus ──► job ──┬──► side A ──► output A ──┐
//!                  └──► side B ──► output B ──┴──► checks ──► findings ──► policy ──► verdict ──► report
//! ```

pub mod bundle;
pub mod cancel;
pub mod chaos;
pub mod check;
pub mod claim;
pub mod cli;
pub mod config;
pub mod content;
pub mod crew;
pub mod digest;
pub mod errno;
pub mod error;
pub mod evidence;
pub mod examine;
pub mod exit;
pub mod fault;
pub mod gate;
pub mod heap;
pub mod interrupt;
pub mod isolate;
pub mod job;
pub mod job_list;
pub mod kept_file;
pub mod measure;
pub mod minimize;
pub mod named;
pub mod oom;
pub mod output;
pub mod plan;
pub mod policy;
pub mod probe;
pub mod report_dir;
pub mod rerun;
pub mod resume;
pub mod rollup;
pub mod run;
pub mod scratch;
pub mod selftest;
pub mod settings;
pub mod shell;
pub mod side;
pub mod spill;
pub mod suggest;
