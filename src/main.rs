//! The `parallax` command: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    parallax::cli::main().into()
}
