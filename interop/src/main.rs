//! Drives the tester's binaries against go-waku and js-waku, and prints the matrix.

use std::process::ExitCode;

fn main() -> ExitCode {
    interop::main_with(std::env::args_os().collect()).into()
}
