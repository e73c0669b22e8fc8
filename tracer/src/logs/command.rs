//! The command.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;

use super::{LogDescription, describe, render};
use crate::{
    cli::Format,
    exit_code::ExitCode,
    input::{self, Input, InputError, SourceArgs, Spool},
    run::{complain, refuse},
};

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Event logs and logs of nwaku and go-waku: files, folders (*.jsonl and *.log below them), glob patterns, -; .gz and
    /// .zst too
    #[arg(value_name = "LOG", required_unless_present = "sources")]
    pub logs: Vec<PathBuf>,

    /// Log stores.
    #[command(flatten)]
    pub sources: SourceArgs,

    /// Form of the inventory
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints the inventory. A file that was meant to be a log and tells no event makes the exit code that of *unknown*.
pub(crate) fn run_logs(args: &LogsArgs) -> ExitCode {
    // The answers of the stores stay as long as this does.
    let spool = match Spool::fetch(&args.sources) {
        Ok(spool) => spool,
        Err(error) => return refuse(&error),
    };
    let inputs = match spool.resolve(&args.logs) {
        Ok(inputs) => inputs,
        Err(error) => return refuse(&error),
    };
    let mut logs = Vec::with_capacity(inputs.len());
    for input in &inputs {
        match read(input) {
            Ok(log) => logs.push(log),
            Err(error) => {
                let path = input.shown();
                return refuse(&InputError::Unreadable { path, error });
            }
        }
    }
    if let Err(error) = print(args.format, &logs) {
        complain(&format!("cannot write to standard output: {error}"));
        return ExitCode::Output;
    }
    let silent = inputs
        .iter()
        .zip(&logs)
        .any(|(input, log)| input.meant && log.events == 0);
    if silent { ExitCode::Unknown } else { ExitCode::Pass }
}

fn read(input: &Input) -> io::Result<LogDescription> {
    if input.path == Path::new("-") {
        describe("standard input", input::expand(io::stdin())?)
    } else {
        describe(&input.shown(), input::open(&input.path)?)
    }
}

fn print(format: Format, logs: &[LogDescription]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Table => out.write_all(render::table(logs).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, logs)?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    // Loud, and out of the way of what is piped on.
    let _ = io::stderr().write_all(render::warnings(logs).as_bytes());
    Ok(())
}
