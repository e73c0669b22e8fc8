//! From arguments to a running node to an exit code.

use std::{collections::BTreeMap, ffi::OsString, future};

use clap::CommandFactory;
use event_log::{
    EventLog, LogError, RunInfo,
    event::{Role, RunEnded},
};
use libp2p::identity::Keypair;
use runtime::{
    ExitCode, Shutdown,
    config::{self, Parsed, Side},
    light::{keypair, random_node_name, random_run_id},
    logging, terminal, threads,
    version::version,
};

use super::{
    args::{Args, ArgsError},
    key::{self, KeyError},
};
use crate::{Node, StartError, metrics::Metrics};

/// What the seed of an identity is combined with, so that a publisher with the same seed is somebody else.
const KEY_ROLE: &str = "service-node";

/// The exit codes a service node can end with.
const EXIT_CODES: [ExitCode; 7] = [
    ExitCode::Ok,
    ExitCode::Usage,
    ExitCode::InputMissing,
    ExitCode::Internal,
    ExitCode::CannotCreateOutput,
    ExitCode::Io,
    ExitCode::Interrupted,
];

/// The command with its environment variables and its table of exit codes.
#[must_use]
pub fn command() -> clap::Command {
    config::with_environment(Args::command()).after_help(ExitCode::help_table(&EXIT_CODES))
}

/// Parses `argv` (program name first), runs a node until it is stopped, and tells how it ended.
#[must_use]
pub fn main_with(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    let argv: Vec<_> = argv.into_iter().collect();
    let exclusive: &[&[&str]] = &[&["key-file", "key-seed"]];
    let environment = |name: &str| std::env::var_os(name);
    let parsed = match config::parse_for::<Args>(Side::ServiceNode, &command(), exclusive, &argv, environment) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    if let Err(error) = logging::init(&parsed.args.log_level) {
        terminal::print(&format!("error: {error}\n"));
        return ExitCode::Usage;
    }
    parsed.say_notices(KEY_ROLE);
    match threads::block_on(run(parsed)) {
        Ok(Ok(())) => ExitCode::Ok,
        Ok(Err(error)) => {
            terminal::print(&format!("error: {error}\n"));
            error.exit_code()
        }
        Err(error) => {
            terminal::print(&format!("error: cannot start: {error}\n"));
            ExitCode::Internal
        }
    }
}

/// Why a node ended otherwise than in order.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Args(#[from] ArgsError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("cannot start the service node: {0}")]
    Start(#[from] StartError),
    #[error("internal error: {0}")]
    Internal(String),
}

impl RunError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Args(_) | Self::Key(KeyError::Content { .. }) => ExitCode::Usage,
            Self::Key(KeyError::File { .. }) => ExitCode::InputMissing,
            Self::Log(LogError::Exists { .. } | LogError::Create { .. }) => ExitCode::CannotCreateOutput,
            Self::Log(LogError::Write { .. }) => ExitCode::Io,
            // An address that is taken, a database that cannot be opened: what the node was to serve on is not there.
            Self::Start(_) => ExitCode::CannotCreateOutput,
            Self::Log(_) | Self::Internal(_) => ExitCode::Internal,
        }
    }
}

async fn run(parsed: Parsed<Args>) -> Result<(), RunError> {
    let Parsed { args, values, .. } = parsed;
    let shutdown = Shutdown::on_signals().map_err(|error| RunError::Internal(error.to_string()))?;
    let run_id = args.run_id.clone().unwrap_or_else(random_run_id);
    let name = args.node_name.clone().unwrap_or_else(|| random_node_name(KEY_ROLE));
    let config = args.resolve(identity(&args, &name)?)?;
    let log = match &args.event_log {
        Some(path) => EventLog::create(path)?,
        None => EventLog::with_sink(std::io::sink())?,
    };
    let mut started = RunInfo::of_this_process(&version()).started(Role::ServiceNode, &run_id, &name);
    started.peer_id = Some(config.keypair.public().to_peer_id().to_string());
    started.config = values;
    log.log(started);
    let node = Node::start(config, log.clone(), shutdown.clone()).await?;
    announce(&node, &name);
    let duration_over = async {
        match args.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => future::pending().await,
        }
    };
    let log_failed = log.failed();
    let reason = tokio::select! {
        () = shutdown.requested() => "signal".to_owned(),
        () = duration_over => "duration".to_owned(),
        error = log_failed => format!("error: {error}"),
    };
    let metrics = node.metrics().clone();
    node.stop().await;
    let counters = counters(&metrics);
    let closed = tokio::task::spawn_blocking(move || log.close(RunEnded { reason, counters })).await;
    closed.map_err(|error| RunError::Internal(error.to_string()))??;
    Ok(())
}

/// The peer id of a node of this name with this `--key-seed`: others may know its address before it runs.
#[must_use]
pub fn seeded_peer_id(seed: &str, name: &str) -> String {
    seeded_identity(seed, name).public().to_peer_id().to_string()
}

fn seeded_identity(seed: &str, name: &str) -> Keypair {
    keypair(Some(&format!("{seed}/{name}")), KEY_ROLE, 0)
}

fn identity(args: &Args, name: &str) -> Result<Keypair, KeyError> {
    match (&args.key_file, &args.key_seed) {
        (Some(path), _) => key::from_file(path),
        (None, Some(seed)) => Ok(seeded_identity(seed, name)),
        (None, None) => Ok(Keypair::generate_secp256k1()),
    }
}

/// Tells where the node is reached, one address a line.
fn announce(node: &Node, name: &str) {
    for address in node.addresses() {
        terminal::print(&format!("{name}: listening at {address}\n"));
    }
    if let Some(address) = node.http_address() {
        terminal::print(&format!(
            "{name}: http://{address}/health, /metrics and /debug/v1/info\n"
        ));
    }
}

fn counters(metrics: &Metrics) -> BTreeMap<String, u64> {
    [
        ("relay_received", metrics.relay_received.get()),
        ("relay_sent", metrics.relay_sent.get()),
        ("relay_dropped", metrics.relay_dropped.get()),
        ("relay_rejected", metrics.relay_rejected.get()),
        ("filter_duplicates", metrics.filter_duplicates.get()),
        ("stored", metrics.stored.get()),
        ("store_skipped", metrics.store_skipped.get()),
        ("malformed_frames", metrics.malformed_frames.get()),
        ("rate_limited", metrics.rate_limited.get()),
        ("refused_connections", metrics.refused_connections.get()),
        ("refused_streams", metrics.refused_streams.get()),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}
