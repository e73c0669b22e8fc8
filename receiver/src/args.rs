//! The options of the receiver, as typed.

use std::time::Duration;

use clap::{Args as ClapArgs, CommandFactory, Parser};
use runtime::{
    ExitCode,
    config::with_environment,
    light::{NetworkArgs, RunArgs},
    units::parse_duration,
};

/// Options of which only one may be given: none.
pub const EXCLUSIVE: &[&[&str]] = &[];

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

/// Subscribes by filter at service nodes and logs every numbered message that arrives.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "receiver",
    version,
    long_about = "Subscribes by filter at service nodes and logs, as JSON lines for the tracer, every numbered message \
                  that arrives and every gap in its own presence. It exits with 0 when it ran; whether enough \
                  arrived is for the tracer to judge.\n\nEvery option may also be given as an environment variable \
                  (LPT_ and its name) or as a key of the TOML file named by --config; the command line wins over the \
                  environment, that over the file."
)]
pub struct Args {
    /// Network options.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// How subscriptions are kept.
    #[command(flatten)]
    pub subscription: SubscriptionArgs,
    /// When to end.
    #[command(flatten)]
    pub end: EndArgs,
    /// Run options.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How subscriptions are kept.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Subscription")]
pub struct SubscriptionArgs {
    /// Service nodes each client is subscribed at, at once; the others stand by [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub redundancy: Option<u32>,

    /// Time between two filter pings; nwaku forgets a subscriber after 5 minutes without
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub ping_interval: Duration,

    /// Filter pings in a row that must fail before the subscription counts as lost
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub ping_failures: u32,

    /// How long to wait for the answer to a subscription (a ping: at most 5 s of it)
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration)]
    pub request_timeout: Duration,

    /// Time between two polls of the mailbox of a REST service node: a message waits there for half of it on average
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = parse_duration)]
    pub rest_poll_interval: Duration,

    /// Messages a REST service node keeps for the next poll; as many in one poll are a sign of loss
    /// [default: 50 at nwaku, 30 at go-waku, which are theirs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rest_cache_messages: Option<u32>,

    /// Failures in a row at a service node (dials, subscriptions, lost connections, silent pings) after which a client
    /// turns to one that stands by
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub switch_after: u32,
}

/// When the receiver ends, besides a signal; the first that applies.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "End")]
pub struct EndArgs {
    /// Ends this long after all clients were subscribed
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Ends when no message has come for this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub until_idle: Option<Duration>,

    /// With --until-idle: how long after all clients were subscribed the first message may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub idle_grace: Duration,

    /// Ends when each client has this many different messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub expect_messages: Option<u64>,
}

/// The command with its environment variables and the table of exit codes.
#[must_use]
pub fn command() -> clap::Command {
    with_environment(Args::command()).after_help(ExitCode::help_table(&EXIT_CODES))
}
