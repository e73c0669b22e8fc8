//! The publisher's binary; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    publisher::main_with(std::env::args_os()).into()
}
