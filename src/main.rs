//! The `parallax` command.

/// Entry.
fn main() {}
