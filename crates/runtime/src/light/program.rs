//! The outermost layer of a light client's program: options in, exit code out.

use std::{ffi::OsString, future::Future};

use clap::{Command, FromArgMatches};

use super::SessionError;
use crate::{
    ExitCode,
    config::{self, Parsed, Side},
    threads::block_on,
};

/// Parses `argv` (its first element is the name shown in the help) and the environment by `command` of `side`, of whose options
/// those of one group in `exclusive` exclude each other, and completes `run` with the outcome on a tokio runtime of its
/// own. What goes wrong before or around `run` is said on standard error.
pub fn run_program<T, F>(
    side: Side,
    command: &Command,
    exclusive: &[&[&str]],
    argv: impl IntoIterator<Item = OsString>,
    run: impl FnOnce(Parsed<T>) -> F,
) -> ExitCode
where
    T: FromArgMatches,
    F: Future<Output = ExitCode>,
{
    let argv: Vec<OsString> = argv.into_iter().collect();
    let parsed = match config::parse_for(side, command, exclusive, &argv, |name| std::env::var_os(name)) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    parsed.say_notices(command.get_name());
    block_on(run(parsed)).unwrap_or_else(|error| SessionError::Internal(error.to_string()).report())
}

/// The exit code of a run; its error, if any, is said on standard error.
pub fn report_outcome(outcome: Result<(), SessionError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::Ok,
        Err(error) => error.report(),
    }
}
