//! The receiver's binary; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    receiver::main_with(std::env::args_os()).into()
}
