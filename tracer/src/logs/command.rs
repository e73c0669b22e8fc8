//! The command.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use super::{Inventory, LogDescription, describe, render};
use crate::{
    cli::Format,
    exit_code::ExitCode,
    input::{self, Input, InputError, SourceArgs, Spool},
    parallel::in_order,
    progress::Progress,
    run::{complain, refuse},
};

/// Arguments of `logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Event logs and logs of nwaku and go-waku: files, folders (*.jsonl and *.log below them, rotated too), glob patterns,
    /// - for standard input; .gz and .zst too
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
    let input::Found {
        logs: inputs,
        passed_over,
    } = match spool.find(&args.logs) {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    let logs = match read_all(&inputs) {
        Ok(logs) => logs,
        Err(error) => return refuse(&error),
    };
    if let Err(error) = print(args.format, &logs, &passed_over) {
        complain(&format!("cannot write to standard output: {error}"));
        return ExitCode::Output;
    }
    let silent = inputs
        .iter()
        .zip(&logs)
        .any(|(input, log)| input.meant && log.events == 0);
    if silent { ExitCode::Unknown } else { ExitCode::Pass }
}

/// Describes the inputs at the same time; of several that cannot be read the first is told.
fn read_all(inputs: &[Input]) -> Result<Vec<LogDescription>, InputError> {
    let progress = Progress::new("reading logs", input::total_bytes(inputs));
    let mut logs = Vec::with_capacity(inputs.len());
    in_order(
        inputs.len(),
        || (),
        |(), number| read(&inputs[number], &progress),
        |log| logs.push(log),
    );
    let named = |(input, log): (&Input, io::Result<_>)| {
        let path = || input.shown();
        log.map_err(|error| InputError::Unreadable { path: path(), error })
    };
    inputs.iter().zip(logs).map(named).collect()
}

fn read(input: &Input, progress: &Progress) -> io::Result<LogDescription> {
    let mut log = describe(&input.shown(), progress.counting(input.open()?))?;
    log.parts = input.shown_parts();
    Ok(log)
}

fn print(format: Format, logs: &[LogDescription], passed_over: &[PathBuf]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Table => out.write_all(render::table(logs).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &Inventory(logs))?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    // Loud, and out of the way of what is piped on.
    let told = render::passed_over(passed_over) + &render::warnings(logs);
    let _ = io::stderr().write_all(told.as_bytes());
    Ok(())
}
