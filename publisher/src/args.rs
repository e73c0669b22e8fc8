//! The options of the publisher, as typed.

use std::time::Duration;

use clap::{ArgAction, Args as ClapArgs, CommandFactory, Parser, ValueEnum};
use runtime::{
    ExitCode,
    config::with_environment,
    light::{NetworkArgs, RunArgs},
    units::{Rate, parse_duration, parse_rate, parse_size},
};

use crate::retry::RetryOn;

/// Options of which only one may be given; the configuration layer lets the higher source win.
pub const EXCLUSIVE: &[&[&str]] = &[&["rate", "interval"]];

/// Exit codes this binary can end with.
const EXIT_CODES: [ExitCode; 8] = [
    ExitCode::Ok,
    ExitCode::Usage,
    ExitCode::InputMissing,
    ExitCode::ServiceNodeUnavailable,
    ExitCode::Internal,
    ExitCode::CannotCreateOutput,
    ExitCode::Io,
    ExitCode::Interrupted,
];

/// Most requests one client may have unanswered: what a multiplexed connection takes (Yamux allows 256 streams that
/// the other side has not accepted yet).
const MAX_IN_FLIGHT: u64 = 256;

/// Which lightpush protocol to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lightpush {
    /// Version 3.
    V3,
    /// Version 2, the only one go-waku serves.
    V2,
}

/// Pushes numbered test messages to service nodes by lightpush and logs every attempt.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "publisher",
    version,
    long_about = "Pushes numbered test messages to service nodes by lightpush, on a schedule that does not wait for \
                  answers, and logs every attempt as JSON lines for the tracer.\n\nEvery option may also be given as \
                  an environment variable (LPT_ and its name) or as a key of the TOML file named by --config; the \
                  command line wins over the environment, that over the file."
)]
pub struct Args {
    /// Network options.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What to send, how often.
    #[command(flatten)]
    pub load: LoadArgs,
    /// What to do about failures.
    #[command(flatten)]
    pub failures: FailureArgs,
    /// Run options.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What is sent, and when.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Lightpush version to speak
    #[arg(long, value_name = "VERSION", value_enum, default_value_t = Lightpush::V3)]
    pub lightpush: Lightpush,

    /// Messages of each client; 0 = until stopped [default: 120, or no limit with --duration]
    #[arg(long, value_name = "N")]
    pub messages: Option<u32>,

    /// Waits so long, once everything is ready, before the first message is due
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = parse_duration)]
    pub start_after: Duration,

    /// Ends the schedule after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Time between two messages of a client, such as 250ms; 0 = as fast as --in-flight allows [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub interval: Option<Duration>,

    /// Messages of each client per time instead of --interval: 20/s, 600/m; 0 = as fast as --in-flight allows
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub rate: Option<Rate>,

    /// Smallest payload, such as 512B or 1KiB; it grows to what its own fields need
    #[arg(long, value_name = "SIZE", default_value = "1KiB", value_parser = parse_size)]
    pub min_size: u64,

    /// Largest payload; sizes are uniformly random between the two [default: 10KiB, or --min-size if that is larger]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<u64>,

    /// Seed of sizes and filler, to repeat them [default: random, recorded in the event log]
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,

    /// Most unanswered requests of a client; a message due beyond waits, and is late but never dropped
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=MAX_IN_FLIGHT))]
    pub in_flight: u64,

    /// Marks the messages ephemeral; the default false lets stores keep them, so that losses can be checked there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = ArgAction::Set)]
    pub ephemeral: bool,
}

/// What follows a failure.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Failures")]
pub struct FailureArgs {
    /// Attempts at one message, the first included
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,

    /// Failures that are tried again, separated by commas: classes of status codes (retry, other-peer, permanent),
    /// status codes (503), no-answer, not-sent; or none
    #[arg(long, value_name = "KINDS", default_value = "retry,other-peer,no-answer,not-sent")]
    pub retry_on: RetryOn,

    /// Changes the class of a status code, as 503=retry; classes are ok, retry, other-peer, permanent. Repeatable
    #[arg(long, value_name = "CODE=CLASS")]
    pub status_class: Vec<String>,

    /// Pause before a message is tried again
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_duration)]
    pub retry_after: Duration,

    /// How long to wait for the answer to one request (an honest nwaku may need 20 s)
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration)]
    pub request_timeout: Duration,

    /// Stays at the first service node whatever happens
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = ArgAction::Set)]
    pub fixed_service_node: bool,

    /// Failures in a row, of any kind, after which a client turns to the next service node
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub switch_after: u32,

    /// How long to wait at the end for answers and retries still outstanding
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub drain_timeout: Duration,
}

/// The command with its environment variables and the table of exit codes.
#[must_use]
pub fn command() -> clap::Command {
    with_environment(Args::command()).after_help(ExitCode::help_table(&EXIT_CODES))
}
