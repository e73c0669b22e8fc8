//! A run of the publisher from the first dial to the last answer.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use discovery::Need;
use event_log::{EventLog, Timestamp};
use futures::future::join_all;
use runtime::{
    Shutdown,
    http::Health,
    light::{
        Board, ClientsPlan, Frame, NodeFeed, SearchFrame, SessionError, TransportConfig, find_service_nodes, keypair,
        prepare, shards, start_clients, unless_log_fails,
    },
};
use tokio::{sync::watch, task::JoinSet, time::Instant};
use waku::{
    Capability,
    net::{ClientLimits, LightpushVersion},
    wire::protocol_id,
};
use waku_rest::{RestConfig, Service};

use crate::{
    client::{Client, Shared, Start},
    link::ClientLink,
    metrics::Metrics,
    settings::Settings,
};

/// Between the decision to start and the first due time, so that every client is awake by then.
const START_LEAD: Duration = Duration::from_millis(20);

/// Events a publishing client may leave unread; it only gets connection events and reads them at once.
const EVENT_QUEUE: usize = 64;

/// What service nodes are told about this program.
const AGENT: &str = concat!("lpt-publisher/", env!("CARGO_PKG_VERSION"));

/// Runs until every message has its outcome, or `shutdown` fires and the outstanding answers are in. Returns the
/// reason for `run_ended`.
///
/// # Errors
/// When somebody to wait for is not ready in time, no service node can be used, or the event log fails.
pub async fn run(settings: Settings, frame: Frame<'_, Metrics>) -> Result<&'static str, SessionError> {
    let (log, shutdown) = (frame.log.clone(), frame.shutdown.clone());
    unless_log_fails(&log, &shutdown, work(settings, frame)).await
}

async fn work(mut settings: Settings, frame: Frame<'_, Metrics>) -> Result<&'static str, SessionError> {
    let Frame {
        run,
        node,
        log,
        health,
        metrics,
        shutdown,
    } = frame;
    let deadline = Instant::now() + settings.wait_timeout;
    let wait_for = settings.wait_for.clone();
    let finding = find(&mut settings, &log, &metrics, deadline);
    let Some(feed) = prepare(&wait_for, deadline, &shutdown, finding).await? else {
        return Ok("signal");
    };
    let clients_planned = settings
        .schedule()
        .planned()
        .map(|planned| u64::from(planned) * u64::from(settings.clients));
    metrics.planned.store(clients_planned.unwrap_or(0), Ordering::Relaxed);
    let shared = Arc::new(Shared {
        factory: settings.factory_plan(run),
        board: Board::new(settings.clients),
        start: watch::Sender::new(None),
        settings,
        feed,
        log,
        metrics,
    });
    let (links, mut tasks) = spawn_clients(&shared, node, &shutdown)?;
    let publishing = async {
        let Some(ready) = shutdown.unless_requested(shared.board.all_ready(deadline)).await else {
            return Ok("signal");
        };
        ready.map_err(SessionError::Unavailable)?;
        begin(&shared);
        while let Some(task) = tasks.join_next().await {
            task.map_err(|error| SessionError::Internal(format!("a client task failed: {error}")))?;
        }
        // The schedule runs on to its end, so that every message has its line; then it is said.
        shared.board.still_hoped().map_err(SessionError::Unavailable)?;
        Ok(reason(&shared.settings, &shutdown))
    };
    let outcome = tokio::select! {
        outcome = publishing => outcome,
        () = shared.board.report(health, "connected") => unreachable!("a report never completes"),
    };
    health.send_replace(Health::not_ready("ending"));
    tasks.shutdown().await;
    join_all(links.iter().map(|link| link.client.shutdown())).await;
    outcome
}

/// Adds what a search finds, if one was asked for, to the service nodes given.
async fn find(
    settings: &mut Settings,
    log: &EventLog,
    metrics: &Metrics,
    deadline: Instant,
) -> Result<NodeFeed, SessionError> {
    let frame = SearchFrame {
        need: Need {
            capability: Capability::Lightpush,
            protocol: match settings.version {
                LightpushVersion::V3 => protocol_id::LIGHTPUSH_V3,
                LightpushVersion::V2 => protocol_id::LIGHTPUSH_V2,
            },
            cluster_id: settings.cluster_id,
            shards: shards(&settings.routes),
        },
        subscription: None,
        keypair: keypair(settings.key_seed.as_deref(), "publisher search", 0),
        agent: AGENT.to_owned(),
        log: log.clone(),
        metrics: metrics.search.clone(),
    };
    find_service_nodes(settings.search.as_ref(), frame, &mut settings.service_nodes, deadline).await
}

fn spawn_clients(
    shared: &Arc<Shared>,
    node: &str,
    shutdown: &Shutdown,
) -> Result<(Vec<ClientLink>, JoinSet<()>), SessionError> {
    let settings = &shared.settings;
    let rest = RestConfig {
        service: Service::Lightpush,
        cluster_id: Some(settings.cluster_id),
        request_timeout: settings.request_timeout,
        event_queue: EVENT_QUEUE,
        ..RestConfig::default()
    };
    let transports = TransportConfig::new(&settings.service_nodes, settings.search.is_some(), AGENT, rest)?;
    let plan = ClientsPlan {
        side: "publisher",
        node,
        clients: settings.clients,
        key_seed: settings.key_seed.as_deref(),
        cluster_id: settings.cluster_id,
        shards: shards(&settings.routes),
        agent: AGENT,
        limits: ClientLimits {
            lightpush_timeout: settings.request_timeout,
            event_queue: EVENT_QUEUE,
            ..ClientLimits::default()
        },
    };
    let mut links = Vec::with_capacity(settings.clients as usize);
    let mut tasks = JoinSet::new();
    for started in start_clients(&plan, &transports, &shared.log) {
        let started = started?;
        let link = ClientLink {
            client: started.client,
            version: settings.version,
        };
        let client = Client::new(started.id, &started.name, link.clone(), shared.clone());
        tasks.spawn(client.run(started.events, shutdown.clone()));
        links.push(link);
    }
    Ok((links, tasks))
}

fn begin(shared: &Shared) {
    let lead = START_LEAD + shared.settings.start_after;
    let lead_ns = i64::try_from(lead.as_nanos()).unwrap_or(i64::MAX);
    let (instant, wall) = (Instant::now() + lead, Timestamp::now().saturating_add_ns(lead_ns));
    shared.start.send_replace(Some(Start { instant, wall }));
    tracing::info!(clients = shared.settings.clients, rate = %shared.settings.rate, "publishing");
}

fn reason(settings: &Settings, shutdown: &Shutdown) -> &'static str {
    if shutdown.is_requested() {
        "signal"
    } else if settings.schedule().is_cut_by_duration() {
        "duration"
    } else {
        "completed"
    }
}
