//! The `parallax` command: parse, run, exit code.

use std::process::ExitCode;

use parallax::heap::Heap;

#[global_allocator]
static HEAP: Heap = Heap;

fn main() -> ExitCode {
    parallax::cli::main().into()
}
