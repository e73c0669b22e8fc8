//! The `service-node` binary: the same code as `lpt node`.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_node::cli::main_with(std::env::args_os()).into()
}
