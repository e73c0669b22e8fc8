//! `tracer trace`.

use std::{io::Write as _, path::PathBuf};

use clap::Args;

use super::{MessageId, TraceError, render_trace, trace_inputs};
use crate::{
    cli::Format,
    exit_code::ExitCode,
    input::{InputError, SourceArgs, Spool},
    run,
};

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// The message: its hash (or the beginning of it, 4 hex digits at least), or sender:index
    #[arg(value_name = "ID")]
    pub id: MessageId,

    /// Event logs and logs of nwaku and go-waku: files, folders (*.jsonl and *.log below them, rotated too), glob patterns,
    /// - for standard input; .gz and .zst too
    #[arg(value_name = "LOG", required_unless_present = "sources")]
    pub logs: Vec<PathBuf>,

    /// Log stores.
    #[command(flatten)]
    pub sources: SourceArgs,

    /// Take the message of this run, where the logs are of several
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs `tracer trace`: 0 when the message was found, 66 when no log tells of it.
pub(crate) fn run_trace(args: &TraceArgs) -> ExitCode {
    // The answers of the stores stay as long as this does.
    let spool = match Spool::fetch(&args.sources) {
        Ok(spool) => spool,
        Err(error) => return run::refuse(&error),
    };
    let trace = match spool
        .resolve(&args.logs)
        .map_err(TraceError::Input)
        .and_then(|inputs| trace_inputs(inputs, &args.id, args.run.as_deref()))
    {
        Ok(trace) => trace,
        Err(TraceError::Input(error)) => return run::refuse(&error),
        Err(error) => {
            run::complain(&error.to_string());
            return match error {
                TraceError::Ambiguous { .. } => {
                    error.candidates().for_each(run::complain);
                    ExitCode::Usage
                }
                TraceError::NotFound(_) | TraceError::Input(InputError::Missing(_)) => ExitCode::Input,
                TraceError::Input(_) => ExitCode::Input,
            };
        }
    };
    let text = match args.format {
        Format::Table => render_trace(&trace),
        Format::Json => match serde_json::to_string_pretty(&trace) {
            Ok(json) => json + "\n",
            Err(error) => {
                run::complain(&format!("cannot write the trace as JSON: {error}"));
                return ExitCode::Internal;
            }
        },
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::Pass,
        Err(error) => {
            run::complain(&format!("cannot write the trace to standard output: {error}"));
            ExitCode::Output
        }
    }
}
