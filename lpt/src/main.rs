//! The `lpt` binary: one command on one machine, and every role as a subcommand.

use std::process::ExitCode;

fn main() -> ExitCode {
    lpt::main_with(std::env::args_os().collect())
}
