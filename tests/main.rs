//! Integration tests, one binary.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking; clippy exempts only the test functions, not their helpers"
)]

/// Counts what is allocated, for the tests that set a limit in a process of their own.
#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);

mod both_sides;
mod bundle;
mod chaos;
mod ci_page;
mod claims;
mod cli;
mod common_loss;
mod container;
mod damaged_sketches;
mod determinism;
mod disk;
mod evidence;
mod external_side;
mod faults;
mod footer_facts;
mod foreign;
mod foreign_files;
mod fuzz;
mod gate;
mod golden;
mod guards;
mod hidden_values;
mod honest;
mod hostile_bundle;
mod hostile_documents;
mod ignored;
mod inject;
mod interrupt;
mod isolation;
mod job_list;
mod kept;
mod keys;
mod kills;
mod limits;
mod machine;
mod measure;
mod measured_outputs;
mod minimize;
mod misbehaving_side;
mod odd_files;
mod page_scale;
mod parallel;
mod partitions;
mod policy;
mod policy_scope;
mod real;
mod redact;
mod resume;
mod runbooks;
mod same_output;
mod selftest;
mod set_mark;
mod signals;
mod stored_values;
mod support;
mod tidy;
mod trend;
mod verdicts;
mod which_files;
mod write_metrics_traces;
mod writer_memory;
