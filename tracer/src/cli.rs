//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    diff::DiffArgs,
    gate::GateArgs,
    help,
    input::SourceArgs,
    logs::LogsArgs,
    options::{DEFAULT_LATE_AFTER_NS, DEFAULT_MAX_LOSS_PERCENT, Options},
    report::ReportTarget,
    units::parse_duration_ns,
};

/// Joins the event logs of publishers, receivers and service nodes, and judges the run.
#[derive(Debug, Parser)]
#[command(name = "tracer", version, after_help = help::tracer())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the tracer can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report what was lost, late and doubled, and judge it
    #[command(after_help = help::report())]
    Report(ReportArgs),
    /// Judge a run by limits of your own; see docs/gates.md
    #[command(after_help = help::gate())]
    Gate(GateArgs),
    /// Compare two runs, and say whether the change exceeds the noise
    #[command(after_help = help::diff())]
    Diff(DiffArgs),
    /// Tell the life of one message, and where it ended; see docs/tracing.md
    #[command(after_help = help::trace())]
    Trace(crate::trace::TraceArgs),
    /// Show what is recognised in each log, and warn of logs that tell nothing
    #[command(after_help = help::logs())]
    Logs(LogsArgs),
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Tables for people
    #[default]
    Table,
    /// JSON for programs, complete
    Json,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// What is judged and how it is shown.
    #[command(flatten)]
    pub logs: LogArgs,

    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Which logs are judged and how the report is shown: what `report` and `gate` have in common.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Event logs and logs of nwaku and go-waku: files, folders (*.jsonl and *.log below them, rotated too), glob patterns,
    /// - for standard input; .gz and .zst too
    #[arg(value_name = "LOG", required_unless_present = "sources")]
    pub logs: Vec<PathBuf>,

    /// Log stores.
    #[command(flatten)]
    pub sources: SourceArgs,

    /// Form of the report
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Write the report to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write the report in this form as well, repeatable; KIND is text, json, markdown, junit, html or csv (a folder),
    /// PATH - is standard output in place of the report there
    #[arg(long = "report", value_name = "KIND=PATH")]
    pub reports: Vec<ReportTarget>,

    /// Judge this run, where the logs are of several
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,

    /// How many logs there must be, such as publishers=2,receivers=5; overrides what the logs say
    #[arg(long, value_name = "ROLE=N", value_delimiter = ',')]
    pub expect: Vec<Expectation>,

    /// Schedule slip allowed, 99th percentile [default: 50 ms or 10 % of the interval, the larger]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_ns)]
    pub max_slip: Option<i64>,

    /// Count an arrival as late when it comes this long after its intended time [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_ns)]
    pub late_after: Option<i64>,
}

/// The limits of `report`. `gate` has expressions instead.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// Loss allowed at any one receiver, percent of the messages expected there
    #[arg(long, value_name = "PERCENT", default_value_t = DEFAULT_MAX_LOSS_PERCENT, value_parser = parse_percent)]
    pub max_loss: f64,

    /// Duplicates (same hash) allowed at any one receiver [default: not judged]
    #[arg(long, value_name = "N")]
    pub max_duplicates: Option<u64>,

    /// Messages allowed at any one receiver that no publisher log knows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_unexpected: u64,

    /// Tolerate messages that were never acknowledged
    #[arg(long)]
    pub allow_failed_publishes: bool,

    /// Latency allowed at any one receiver, from the intended time, 99th percentile [default: not judged]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_ns)]
    pub max_latency_p99: Option<i64>,
}

/// How many logs of one role there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// Publisher logs.
    Publishers(u32),
    /// Receiver logs.
    Receivers(u32),
}

impl std::str::FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || format!("{text:?}: write publishers=N or receivers=N");
        let (role, count) = text.split_once('=').ok_or_else(form)?;
        let count = count.parse().map_err(|_| form())?;
        match role {
            "publishers" => Ok(Self::Publishers(count)),
            "receivers" => Ok(Self::Receivers(count)),
            _ => Err(form()),
        }
    }
}

fn parse_percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("a percentage lies between 0 and 100, such as 0.5".to_owned()),
    }
}

impl ReportArgs {
    /// The options of the report.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            max_loss_percent: self.limits.max_loss,
            max_duplicates: self.limits.max_duplicates,
            max_unexpected: self.limits.max_unexpected,
            allow_failed_publishes: self.limits.allow_failed_publishes,
            max_latency_p99_ns: self.limits.max_latency_p99,
            ..self.logs.options()
        }
    }
}

impl LogArgs {
    /// The options of the report, with the limits that `report` has by default.
    #[must_use]
    pub fn options(&self) -> Options {
        let options = Options {
            run: self.run.clone(),
            max_slip_ns: self.max_slip,
            late_after_ns: self.late_after.unwrap_or(DEFAULT_LATE_AFTER_NS),
            ..Options::default()
        };
        options.with_expectations(&self.expect)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(args: &[&str]) -> Result<ReportArgs, clap::Error> {
        match Cli::try_parse_from(["tracer", "report"].iter().chain(args))?.command {
            Command::Report(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_flags_the_options_are_the_defaults() {
        assert_eq!(parse(&["a.jsonl"]).unwrap().options(), Options::default());
    }

    #[test]
    fn every_flag_reaches_its_option() {
        let line = "a --run r --expect publishers=2,receivers=5 --max-loss 0.5 --max-duplicates 3 --max-unexpected 4 \
            --allow-failed-publishes --max-slip 20ms --max-latency-p99 1s --late-after 7s";
        let options = parse(&line.split_whitespace().collect::<Vec<_>>()).unwrap().options();
        let expected = Options {
            run: Some("r".to_owned()),
            expect_publishers: Some(2),
            expect_receivers: Some(5),
            max_loss_percent: 0.5,
            max_duplicates: Some(3),
            max_unexpected: 4,
            allow_failed_publishes: true,
            max_slip_ns: Some(20_000_000),
            max_latency_p99_ns: Some(1_000_000_000),
            late_after_ns: 7_000_000_000,
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn nonsense_is_refused() {
        for args in [
            &["a", "--max-loss", "101"][..],
            &["a", "--max-loss", "nan"],
            &["a", "--max-loss=-1"],
            &["a", "--expect", "publishers"],
            &["a", "--expect", "nodes=3"],
            &["a", "--expect", "publishers=x"],
            &["a", "--late-after", "5"],
            &["a", "--format", "xml"],
            &[],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }
}
