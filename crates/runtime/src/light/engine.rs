//! What the engines of publisher and receiver do alike: the wait before a run, its clients, and its end when the event log
//! fails.

use std::future::Future;

use event_log::{EventLog, event::ClientStarted};
use tokio::{sync::watch, time::Instant};
use waku::net::{ClientConfig, ClientLimits};

use super::{NodeEvents, SessionError, StartError, TransportConfig, Transports, client_name, keypair};
use crate::{Shutdown, http::Health, ready::wait_until_ready};

/// The frame of a run, as an engine needs it: made by [`Session::frame`](super::Session::frame). `M` are its counters.
#[derive(Debug)]
pub struct Frame<'a, M> {
    /// Run id.
    pub run: &'a str,
    /// Name of this process.
    pub node: &'a str,
    /// The event log.
    pub log: EventLog,
    /// What `/health` says.
    pub health: &'a watch::Sender<Health>,
    /// The counters.
    pub metrics: M,
    /// Fires when the run shall end.
    pub shutdown: Shutdown,
}

/// The light clients of a process, which differ in their identities alone.
#[derive(Debug)]
pub struct ClientsPlan<'a> {
    /// `publisher` or `receiver`: a part of what identities are derived from.
    pub side: &'static str,
    /// Name of this process.
    pub node: &'a str,
    /// How many.
    pub clients: u32,
    /// See [`keypair`].
    pub key_seed: Option<&'a str>,
    /// Cluster to be on.
    pub cluster_id: u16,
    /// Shards of interest.
    pub shards: Vec<u16>,
    /// What service nodes are told about this program.
    pub agent: &'static str,
    /// Time and size limits.
    pub limits: ClientLimits,
}

/// A light client that was started. Its events must be read.
#[derive(Debug)]
pub struct StartedClient {
    /// Its number in the process, from 0.
    pub id: u32,
    /// Its name in event logs.
    pub name: String,
    /// The client.
    pub client: Transports,
    /// What it tells.
    pub events: NodeEvents,
}

/// Starts the clients on the current tokio runtime, one by one, and logs each.
pub fn start_clients<'a>(
    plan: &'a ClientsPlan<'a>,
    transports: &'a TransportConfig,
    log: &'a EventLog,
) -> impl Iterator<Item = Result<StartedClient, StartError>> + 'a {
    (0..plan.clients).map(move |id| {
        let config = ClientConfig {
            keypair: keypair(plan.key_seed, plan.side, id),
            cluster_id: plan.cluster_id,
            shards: plan.shards.clone(),
            agent: plan.agent.to_owned(),
            limits: plan.limits.clone(),
        };
        let (client, events) = Transports::start(config, transports)?;
        let name = client_name(plan.node, id);
        log.log(ClientStarted {
            client: id,
            name: name.clone(),
            peer_id: client.peer_id().to_string(),
        });
        Ok(StartedClient {
            id,
            name,
            client,
            events,
        })
    })
}

/// Waits until everybody in `wait_for` is ready, and then for the service nodes that `finding` finds. `None` when
/// `shutdown` fires before.
///
/// # Errors
/// When somebody is not ready until `deadline`, or with what `finding` fails with.
pub async fn prepare<T>(
    wait_for: &[String],
    deadline: Instant,
    shutdown: &Shutdown,
    finding: impl Future<Output = Result<T, SessionError>>,
) -> Result<Option<T>, SessionError> {
    let preparing = async {
        wait_until_ready(wait_for, deadline).await?;
        finding.await
    };
    shutdown.unless_requested(preparing).await.transpose()
}

/// Completes with `working`, or when the event log can no longer be written: nothing that is not logged shall happen, so
/// `shutdown` fires then.
///
/// # Errors
/// Those of `working`, and that of the event log.
pub async fn unless_log_fails<T>(
    log: &EventLog,
    shutdown: &Shutdown,
    working: impl Future<Output = Result<T, SessionError>>,
) -> Result<T, SessionError> {
    let failed = log.failed();
    tokio::select! {
        outcome = working => outcome,
        error = failed => {
            shutdown.request();
            Err(error.into())
        }
    }
}
