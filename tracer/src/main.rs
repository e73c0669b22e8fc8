//! `tracer`: see the library.

fn main() -> std::process::ExitCode {
    tracer::run_cli(std::env::args_os()).code().into()
}
