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
    cli::{Cli, Command, Format, LogArgs, ReportArgs},
    diff::run_diff,
    exit_code::ExitCode,
    gate::run_gate,
    input::{self, Input, InputError, Spool},
    load::load,
    model::Archive,
    options::Options,
    report::{
        self, Report, ReportKind, ReportTarget, TextStyle, Verdict, escape, render_json, render_text, unrepeatable_path,
    },
    select::logs_of_run,
};

/// Reads the logs `inputs` and reports on them.
///
/// # Errors
/// [`InputError`] when an input is missing or cannot be read. Everything else that may be wrong with logs is in the
/// report.
pub fn report(inputs: &[PathBuf], options: &Options) -> Result<Report, InputError> {
    Ok(report::build(&read(&input::resolve(inputs)?, options)?, options))
}

/// Reads the logs `inputs`, and measures the clocks of the run that `options` choose.
pub(crate) fn read(inputs: &[Input], options: &Options) -> Result<Archive, InputError> {
    let mut archive = load(inputs)?;
    archive.clocks = crate::clock::measure(&archive, &logs_of_run(&archive, options), inputs)?;
    Ok(archive)
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
    let command = || match &cli.command {
        Command::Trace(args) => crate::trace::run_trace(args),
        Command::Report(args) => run_report(args),
        Command::Logs(args) => crate::logs::run_logs(args),
        Command::Gate(args) => run_gate(args),
        Command::Diff(args) => run_diff(args),
    };
    // A panic must not end in the code of a verdict; its message is on standard error already.
    catch_unwind(AssertUnwindSafe(command)).unwrap_or(ExitCode::Internal)
}

fn run_report(args: &ReportArgs) -> ExitCode {
    report_and_deliver(&args.logs, &args.options(), |_| ())
}

/// Reads files and log stores, reports, lets `judge` change the report, and writes it.
pub(crate) fn report_and_deliver(args: &LogArgs, options: &Options, judge: impl FnOnce(&mut Report)) -> ExitCode {
    // Said before everything is read once in vain.
    let wants_csv = args.reports.iter().any(|target| target.kind == ReportKind::Csv);
    if let Some(path) = wants_csv.then(|| unrepeatable_path(&args.logs)).flatten() {
        complain(&format!(
            "--report csv reads the logs twice, and {} can be read only once: give a file instead",
            path.display()
        ));
        return ExitCode::Usage;
    }
    // The answers of the stores stay as long as this does.
    let spool = match Spool::fetch(&args.sources) {
        Ok(spool) => spool,
        Err(error) => return refuse(&error),
    };
    let read = spool
        .resolve(&args.logs)
        .and_then(|inputs| Ok((read(&inputs, options)?, inputs)));
    match read {
        Ok((archive, inputs)) => {
            let mut report = report::build(&archive, options);
            drop(archive);
            judge(&mut report);
            deliver(args, &inputs, &report)
        }
        Err(error) => refuse(&error),
    }
}

/// Says what is wrong with the inputs.
pub(crate) fn refuse(error: &InputError) -> ExitCode {
    complain(&error.to_string());
    match error {
        InputError::Pattern { .. } | InputError::None | InputError::Sources(_) => ExitCode::Usage,
        InputError::Missing(_)
        | InputError::EmptyFolder(_)
        | InputError::Unreadable { .. }
        | InputError::Source { .. } => ExitCode::Input,
    }
}

/// Writes the report where it was asked for; the exit code is that of its verdict. A form that cannot be written keeps no
/// other from being written.
fn deliver(args: &LogArgs, inputs: &[Input], report: &Report) -> ExitCode {
    let mut all_written = true;
    let mut check = |place: String, written: io::Result<()>| {
        if let Err(error) = written {
            complain(&format!("cannot write the report to {place}: {error}"));
            all_written = false;
        }
    };
    for target in &args.reports {
        check(target.path.display().to_string(), target.write_from(report, inputs));
    }
    // A form asked for on standard output takes the place of the one that would go there.
    let taken = args.output.is_none() && args.reports.iter().any(ReportTarget::is_stdout);
    if !taken {
        let text = match args.format {
            Format::Table => render_text(report, style(args)),
            Format::Json => render_json(report),
        };
        let place = args.output.as_ref();
        let place = place.map_or("standard output".to_owned(), |path| path.display().to_string());
        check(place, write(args, &text));
    }
    match report.verdict {
        _ if !all_written => ExitCode::Output,
        Verdict::Pass => ExitCode::Pass,
        Verdict::Fail => ExitCode::Fail,
        Verdict::Unknown => ExitCode::Unknown,
    }
}

/// Colour only for a terminal, and only where nobody asked for none (<https://no-color.org>).
fn style(args: &LogArgs) -> TextStyle {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if args.output.is_none() && !refused && io::stdout().is_terminal() {
        TextStyle::Coloured
    } else {
        TextStyle::Plain
    }
}

fn write(args: &LogArgs, text: &str) -> io::Result<()> {
    match &args.output {
        Some(path) => fs::write(path, text),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        }
    }
}

pub(crate) fn complain(message: &str) {
    // Standard error is the last resort: when it is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "tracer: {}", escape(message));
}
