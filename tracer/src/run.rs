//! Runs the command line: parse, report, write, and say how it went.

use std::{
    ffi::OsString,
    fs,
    io::{self, IsTerminal as _, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use clap::Parser as _;

use crate::{
    cli::{Cli, Command, Format, ReportArgs},
    exit_code::ExitCode,
    input::{self, InputError},
    load::load,
    options::Options,
    report::{self, Report, TextStyle, Verdict, escape, render_json, render_text},
};

/// Reads the logs `inputs` and reports on them.
///
/// # Errors
/// [`InputError`] when an input is missing or cannot be read. Everything else that may be wrong with logs is in the
/// report.
pub fn report(inputs: &[PathBuf], options: &Options) -> Result<Report, InputError> {
    let inputs = input::resolve(inputs)?;
    let archive = load(&inputs)?;
    Ok(report::build(&archive, options))
}

/// Runs the tracer with a whole command line, program name first.
pub fn run_cli(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    match Cli::try_parse_from(args) {
        Ok(cli) => run(&cli),
        Err(error) => {
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Pass
            };
            // Help into a closed pipe is no reason to complain.
            let _ = error.print();
            code
        }
    }
}

/// Runs a parsed command line. The report goes to standard output or the file asked for, messages to standard error.
pub fn run(cli: &Cli) -> ExitCode {
    let Command::Report(args) = &cli.command;
    // A panic must not end in the code of a verdict; its message is on standard error already.
    catch_unwind(AssertUnwindSafe(|| run_report(args))).unwrap_or(ExitCode::Internal)
}

fn run_report(args: &ReportArgs) -> ExitCode {
    let report = match report(&args.logs, &args.options()) {
        Ok(report) => report,
        Err(error) => {
            complain(&error.to_string());
            return match error {
                InputError::Pattern { .. } | InputError::None => ExitCode::Usage,
                InputError::Missing(_) | InputError::EmptyFolder(_) | InputError::Unreadable { .. } => ExitCode::Input,
            };
        }
    };
    let text = match args.format {
        Format::Table => render_text(&report, style(args)),
        Format::Json => render_json(&report),
    };
    if let Err(error) = write(args, &text) {
        let place = args
            .output
            .as_ref()
            .map_or("standard output".to_owned(), |path| path.display().to_string());
        complain(&format!("cannot write the report to {place}: {error}"));
        return ExitCode::Output;
    }
    match report.verdict {
        Verdict::Pass => ExitCode::Pass,
        Verdict::Fail => ExitCode::Fail,
        Verdict::Unknown => ExitCode::Unknown,
    }
}

/// Colour only for a terminal, and only where nobody asked for none (<https://no-color.org>).
fn style(args: &ReportArgs) -> TextStyle {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if args.output.is_none() && !refused && io::stdout().is_terminal() {
        TextStyle::Coloured
    } else {
        TextStyle::Plain
    }
}

fn write(args: &ReportArgs, text: &str) -> io::Result<()> {
    match &args.output {
        Some(path) => fs::write(path, text),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        }
    }
}

fn complain(message: &str) {
    // Standard error is the last resort: when it is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "tracer: {}", escape(message));
}
