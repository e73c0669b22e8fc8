//! `tracer diff`.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use super::{
    compare::{Change, Comparison, compare},
    render,
    side::{Side, SideError},
};
use crate::{
    cli::Format,
    exit_code::ExitCode,
    options::Options,
    run::{complain, refuse},
};

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The run before: a JSON report (*.json), or logs: a folder, a file or a pattern
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,

    /// The run after, in either form
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,

    /// Exit with 1 when anything is worse beyond the noise, with 2 when that cannot be said
    #[arg(long)]
    pub fail_on_worse: bool,

    /// Form of the comparison
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Write the comparison to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Compares two runs.
pub(crate) fn run_diff(args: &DiffArgs) -> ExitCode {
    let read = |path: &PathBuf| Side::read(path, &Options::default());
    let (before, after) = match read(&args.before).and_then(|before| Ok((before, read(&args.after)?))) {
        Ok(sides) => sides,
        Err(SideError::Logs(error)) => return refuse(&error),
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::Input;
        }
    };
    let comparison = compare(&before, &after);
    let text = match args.format {
        Format::Table => render::text(&comparison),
        Format::Json => render::json(&comparison),
    };
    if let Err(error) = write(args, &text) {
        complain(&format!("cannot write the comparison: {error}"));
        return ExitCode::Output;
    }
    if args.fail_on_worse {
        judge(&comparison)
    } else {
        ExitCode::Pass
    }
}

fn judge(comparison: &Comparison) -> ExitCode {
    let unknown = [&comparison.before, &comparison.after]
        .iter()
        .any(|side| side.verdict == "unknown");
    // Without a test of the loss there is nothing to be reassured by.
    let loss_tested = comparison.rows.first().is_some_and(|row| row.test.is_some());
    match comparison.change {
        Change::Worse => ExitCode::Fail,
        _ if unknown || !loss_tested => ExitCode::Unknown,
        Change::Better | Change::Noise => ExitCode::Pass,
        Change::NotTested => ExitCode::Unknown,
    }
}

fn write(args: &DiffArgs, text: &str) -> io::Result<()> {
    match &args.output {
        Some(path) => fs::write(path, text),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        }
    }
}
