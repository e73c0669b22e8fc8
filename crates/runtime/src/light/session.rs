//! The frame of a run: event log opened and begun, health and metrics served, and at the end everything closed in order.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use event_log::{
    EventLog, LogError, RunInfo,
    event::{Role, RunEnded},
};
use prometheus_client::registry::Registry;
use serde_json::Value;
use tokio::sync::watch;

use super::{
    Frame, Route, RunArgs, SearchPlan, StartError,
    names::{random_node_name, random_run_id},
};
use crate::{
    ExitCode, Shutdown,
    http::{Health, HttpError, HttpServer},
    logging::LoggingError,
    ready::ReadyError,
    terminal,
    version::version,
};

/// What a role says of itself when its run begins.
#[derive(Debug)]
pub struct SessionPlan {
    /// Publisher or receiver.
    pub role: Role,
    /// Light clients in this process.
    pub clients: u32,
    /// Messages each client plans to send, if any.
    pub messages: Option<u64>,
    /// Planned time between two of them, nanoseconds, if any.
    pub interval_ns: Option<u64>,
    /// The full configuration.
    pub config: BTreeMap<String, Value>,
}

/// Service nodes that never became usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// Clients that have what they need.
    pub ready_clients: u32,
    /// Clients in all.
    pub clients: u32,
    /// How long was waited.
    pub waited: std::time::Duration,
    /// What went wrong last, by service node; escaped.
    pub errors: BTreeMap<String, String>,
}

impl SessionPlan {
    /// The configuration of a run: the `values` that were given, and what they were resolved to.
    #[must_use]
    pub fn config(
        values: &BTreeMap<String, Value>,
        routes: &[Route],
        cluster_id: u16,
        search: Option<&SearchPlan>,
    ) -> BTreeMap<String, Value> {
        let mut config = values.clone();
        let topics = routes.iter().map(|route| route.pubsub_topic.to_string().into());
        config.insert("pubsub-topics".into(), Value::Array(topics.collect()));
        config.insert("cluster-id".into(), cluster_id.into());
        if let Some(search) = search {
            let bootstrap = search.bootstrap.iter().map(|node| node.to_string().into());
            config.insert("bootstrap-node".into(), Value::Array(bootstrap.collect()));
        }
        config
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ready_clients,
            clients,
            waited,
            errors,
        } = self;
        write!(
            f,
            "{ready_clients} of {clients} clients have their service nodes after {waited:.1?}"
        )?;
        if errors.is_empty() {
            f.write_str("; no service node answered: check --service-node and that it is running")?;
        }
        errors
            .iter()
            .try_for_each(|(node, error)| write!(f, "; {node}: {error}"))
    }
}

/// Why a run did not take place or broke off.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The options make no sense.
    #[error("{0}")]
    Usage(String),
    /// Logging could not be set up.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// The metrics address cannot be served.
    #[error("--metrics-address: {0}")]
    Http(#[from] HttpError),
    /// The event log cannot be made or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Somebody to wait for was not ready.
    #[error(transparent)]
    Ready(#[from] ReadyError),
    /// No service node.
    #[error("service node unavailable: {0}")]
    Unavailable(Unavailable),
    /// No service node was given, and none was found.
    #[error("service node unavailable: {0}")]
    NothingFound(discovery::NothingFound),
    /// A bug, or the operating system refuses the basics.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<StartError> for SessionError {
    fn from(error: StartError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl SessionError {
    /// The exit code that tells this error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Logging(_) | Self::Ready(ReadyError::BadUrl { .. }) => ExitCode::Usage,
            Self::Http(_) | Self::Log(LogError::Exists { .. } | LogError::Create { .. }) => {
                ExitCode::CannotCreateOutput
            }
            Self::Log(LogError::Write { .. }) => ExitCode::Io,
            Self::Ready(ReadyError::NotReady { .. }) | Self::Unavailable(_) | Self::NothingFound(_) => {
                ExitCode::ServiceNodeUnavailable
            }
            Self::Log(_) | Self::Ready(_) | Self::Internal(_) => ExitCode::Internal,
        }
    }

    /// Says on standard error what is wrong and returns the exit code.
    pub fn report(&self) -> ExitCode {
        terminal::print(&format!("error: {self}\n"));
        self.exit_code()
    }
}

/// A run that has begun.
#[derive(Debug)]
pub struct Session {
    /// The run id.
    pub run: String,
    /// This process's name in the run.
    pub node: String,
    /// The event log; `run_started` is in it.
    pub log: EventLog,
    /// What `/health` says.
    pub health: watch::Sender<Health>,
    server: Option<HttpServer>,
}

impl Session {
    /// Serves health and `registry` if asked to, creates the event log and writes its first line.
    ///
    /// # Errors
    /// When the address cannot be served or the log cannot be created.
    pub async fn open(run: &RunArgs, registry: Registry, mut plan: SessionPlan) -> Result<Self, SessionError> {
        let role = role_name(plan.role);
        let (health, status) = watch::channel(Health::starting());
        let server = match &run.metrics_address {
            Some(address) => Some(HttpServer::builder(status).metrics(registry).start(address).await?),
            None => None,
        };
        let path = run
            .event_log
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("{role}.jsonl")));
        let log = EventLog::create(&path)?;
        let run_id = run.run_id.clone().unwrap_or_else(random_run_id);
        let node = run.node_name.clone().unwrap_or_else(|| random_node_name(role));
        if let Some(server) = &server {
            let address = server.address().to_string();
            terminal::print(&format!("{role}: health and metrics at http://{address}\n"));
            plan.config.insert("metrics-address".into(), address.into());
        }
        plan.config.insert("run-id".into(), run_id.clone().into());
        plan.config.insert("node-name".into(), node.clone().into());
        plan.config
            .insert("event-log".into(), path.display().to_string().into());
        let mut started = RunInfo::of_this_process(&version()).started(plan.role, &run_id, &node);
        started.clients = plan.clients;
        started.messages = plan.messages;
        started.interval_ns = plan.interval_ns;
        started.expect_publishers = run.expect_publishers;
        started.expect_receivers = run.expect_receivers;
        started.config = plan.config;
        log.log(started);
        tracing::info!(run = %run_id, %node, event_log = %path.display(), "{role} starts");
        Ok(Self {
            run: run_id,
            node,
            log,
            health,
            server,
        })
    }

    /// What the engine of the run needs of it.
    pub fn frame<M>(&self, metrics: M, shutdown: Shutdown) -> Frame<'_, M> {
        Frame {
            run: &self.run,
            node: &self.node,
            log: self.log.clone(),
            health: &self.health,
            metrics,
            shutdown,
        }
    }

    /// Closes the session with what the engine ended with: the reason for `run_ended`, or an error.
    ///
    /// # Errors
    /// That of `outcome`, or when the log could not be written: what ended the run matters more than what its end ran into.
    pub async fn finish(
        self,
        outcome: Result<&'static str, SessionError>,
        counters: BTreeMap<String, u64>,
    ) -> Result<(), SessionError> {
        let reason = match &outcome {
            Ok(reason) => (*reason).to_owned(),
            Err(error) => format!("error: {error}"),
        };
        let closed = self.close(reason, counters).await;
        outcome.and(closed)
    }

    /// Writes the last line, syncs the log, stops the server.
    ///
    /// # Errors
    /// When the log could not be written, now or before.
    pub async fn close(self, reason: String, counters: BTreeMap<String, u64>) -> Result<(), SessionError> {
        self.health.send_replace(Health::not_ready("ended"));
        let log = self.log;
        let ended = RunEnded { reason, counters };
        // Blocks until the disk has it.
        let closed = tokio::task::spawn_blocking(move || log.close(ended)).await;
        if let Some(server) = self.server {
            server.stop().await;
        }
        let stats = closed.map_err(|error| SessionError::Internal(error.to_string()))??;
        tracing::info!(
            lines = stats.lines,
            bytes = stats.bytes,
            dropped = stats.dropped_events,
            "event log closed"
        );
        Ok(())
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Publisher => "publisher",
        Role::Receiver => "receiver",
        Role::ServiceNode => "service-node",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unavailable_names_each_node_and_its_error() {
        let mut unavailable = Unavailable {
            ready_clients: 0,
            clients: 2,
            waited: std::time::Duration::from_secs(60),
            errors: BTreeMap::new(),
        };
        assert!(
            unavailable
                .to_string()
                .ends_with("check --service-node and that it is running"),
            "{unavailable}"
        );
        unavailable
            .errors
            .insert("16Uiu2HA".into(), "connection refused".into());
        assert_eq!(
            unavailable.to_string(),
            "0 of 2 clients have their service nodes after 60.0s; 16Uiu2HA: connection refused"
        );
    }

    #[test]
    fn exit_codes_tell_the_errors_apart() {
        let io = || std::sync::Arc::new(std::io::Error::from(std::io::ErrorKind::StorageFull));
        let exists = LogError::Exists { path: "x".into() };
        let write = LogError::Write {
            written_lines: 1,
            written_bytes: 2,
            error: io(),
        };
        assert_eq!(SessionError::from(exists).exit_code(), ExitCode::CannotCreateOutput);
        assert_eq!(SessionError::from(write).exit_code(), ExitCode::Io);
        assert_eq!(SessionError::Usage(String::new()).exit_code(), ExitCode::Usage);
        let late = ReadyError::NotReady {
            waited: std::time::Duration::ZERO,
            not_ready: Vec::new(),
        };
        assert_eq!(SessionError::from(late).exit_code(), ExitCode::ServiceNodeUnavailable);
    }
}
