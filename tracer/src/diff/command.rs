//! `tracer diff`.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;

use super::{
    compare::compare,
    model::{Change, Comparison},
    render,
    side::{Side, SideError, is_report},
};
use crate::{
    cli::{Expectation, Format},
    exit_code::ExitCode,
    options::{DEFAULT_LATE_AFTER_NS, Options},
    run::{complain, refuse},
    units::parse_duration_ns,
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

    /// Take this run of BEFORE, where its logs are of several
    #[arg(long, value_name = "ID")]
    pub run_before: Option<String>,

    /// Take this run of AFTER, where its logs are of several
    #[arg(long, value_name = "ID")]
    pub run_after: Option<String>,

    /// How many logs there must be on each side, such as publishers=2,receivers=5; overrides what the logs say
    #[arg(long, value_name = "ROLE=N", value_delimiter = ',')]
    pub expect: Vec<Expectation>,

    /// Count an arrival as late when it comes this long after its intended time [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_ns)]
    pub late_after: Option<i64>,

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

impl DiffArgs {
    /// Reads both sides; nothing is read when an option does not fit.
    fn sides(&self) -> Result<(Side, Side), SideError> {
        let options = Options {
            late_after_ns: self.late_after.unwrap_or(DEFAULT_LATE_AFTER_NS),
            ..Options::default()
        }
        .with_expectations(&self.expect);
        let mut sides = [(&self.before, &self.run_before), (&self.after, &self.run_after)].map(|(path, run)| {
            let run = run.clone();
            (path, Options { run, ..options.clone() })
        });
        for (path, of_side) in &mut sides {
            // What a report says is judged already.
            let asked = [
                (of_side.run.is_some(), "--run-before and --run-after"),
                (!self.expect.is_empty(), "--expect"),
                (self.late_after.is_some(), "--late-after"),
            ];
            if let Some((_, option)) = asked.iter().find(|(asked, _)| *asked && is_report(path)) {
                return Err(SideError::ReportWithOption {
                    path: path.display().to_string(),
                    option,
                });
            }
        }
        let [(before, before_options), (after, after_options)] = sides;
        Ok((Side::read(before, &before_options)?, Side::read(after, &after_options)?))
    }
}

/// Compares two runs.
pub(crate) fn run_diff(args: &DiffArgs) -> ExitCode {
    let (before, after) = match args.sides() {
        Ok(sides) => sides,
        Err(SideError::Logs(error)) => return refuse(&error),
        Err(error) => {
            complain(&error.to_string());
            return match error {
                SideError::Run { .. } | SideError::ReportWithOption { .. } => ExitCode::Usage,
                _ => ExitCode::Input,
            };
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

/// Both forms of a comparison.
#[cfg(feature = "fuzzing")]
pub(crate) fn show(before: &Side, after: &Side) -> [String; 2] {
    let comparison = compare(before, after);
    [render::text(&comparison), render::json(&comparison)]
}

/// What is worse for certain stays so, whatever else is not known; a doubt is never a pass.
pub(crate) fn judge(comparison: &Comparison) -> ExitCode {
    match comparison.change {
        Change::Worse => ExitCode::Fail,
        _ if !comparison.open.is_empty() => ExitCode::Unknown,
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
