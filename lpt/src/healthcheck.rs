//! `lpt healthcheck`: asks a role's `/health` once. An image without a shell checks its own health with it.

use std::{ffi::OsString, process};

use clap::{CommandFactory, FromArgMatches, Parser};
use runtime::{ExitCode, ready, terminal, threads, version::version};

/// Asks a role's /health once
#[derive(Debug, Clone, Parser)]
#[command(
    name = "lpt healthcheck",
    after_help = "Exit codes:\n    0  it answered 200\n    1  it did not\n   64  wrong usage"
)]
pub struct Args {
    /// Address to ask; a missing path is /health
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:8003", value_parser = ready::parse_url)]
    pub url: String,
}

/// The command with its version.
#[must_use]
pub fn command() -> clap::Command {
    Args::command().version(version())
}

/// Asks, and tells by the exit code. Container engines know 0 (healthy) and 1 (not).
#[must_use]
pub fn main_with(argv: Vec<OsString>) -> process::ExitCode {
    let parsed = command()
        .try_get_matches_from(argv)
        .and_then(|matches| Args::from_arg_matches(&matches));
    let args = match parsed {
        Ok(args) => args,
        Err(error) => return runtime::config::ConfigError::from(error).report().into(),
    };
    let answer = threads::block_on(ready::ask_once(&args.url));
    let complaint = match answer {
        Ok(Ok(Ok(()))) => return ExitCode::Ok.into(),
        Ok(Ok(Err(said))) => said,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    terminal::print(&format!("{} said: {complaint}\n", args.url));
    ExitCode::Fail.into()
}
