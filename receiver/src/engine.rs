//! A run of the receiver from the first dial to the last unsubscription.

use std::{sync::Arc, time::Duration};

use discovery::Need;
use event_log::EventLog;
use futures::future::join_all;
use runtime::{
    Shutdown,
    http::Health,
    light::{
        Board, ClientsPlan, Frame, NodeFeed, SearchFrame, SessionError, TransportConfig, Transports,
        find_service_nodes, keypair, prepare, shards, start_clients, unless_log_fails,
    },
    terminal,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};
use waku::{Capability, net::ClientLimits, wire::protocol_id};
use waku_rest::{RestConfig, Service};

use crate::{
    client::{Client, Shared},
    ending::Activity,
    metrics::Metrics,
    seen::{MAX_PAGES, PageBudget},
    settings::Settings,
    statistics::Statistics,
};

/// Time between two tables of figures per sender, as in the Nim tester.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(20);

/// Pushes a client may leave unread. Small, because a thousand clients have one each; the service node waits beyond.
const EVENT_QUEUE: usize = 256;

/// What service nodes are told about this program.
const AGENT: &str = concat!("lpt-receiver/", env!("CARGO_PKG_VERSION"));

/// Runs until a rule of the settings ends it, or `shutdown` fires; figures per sender are shown on standard error where
/// `shows_statistics`. Returns the reason for `run_ended`.
///
/// # Errors
/// When somebody to wait for is not ready in time, the clients do not get subscribed in time, or the event log fails.
pub async fn run(
    settings: Settings,
    frame: Frame<'_, Metrics>,
    shows_statistics: bool,
) -> Result<&'static str, SessionError> {
    let (log, shutdown) = (frame.log.clone(), frame.shutdown.clone());
    unless_log_fails(&log, &shutdown, work(settings, frame, shows_statistics)).await
}

async fn work(
    mut settings: Settings,
    frame: Frame<'_, Metrics>,
    shows_statistics: bool,
) -> Result<&'static str, SessionError> {
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
    let shared = Arc::new(Shared {
        run: run.into(),
        feed,
        board: Board::new(settings.clients),
        activity: Activity::new(settings.clients),
        statistics: Statistics::default(),
        pages: PageBudget::new(MAX_PAGES),
        settings,
        log,
        metrics,
    });
    // Stops the clients: at a signal, or when a rule ends the run.
    let stop = shutdown.child();
    let (links, mut tasks) = spawn_clients(&shared, node, &stop)?;
    let receiving = async {
        let Some(ready) = shutdown.unless_requested(shared.board.all_ready(deadline)).await else {
            return Ok("signal");
        };
        ready.map_err(SessionError::Unavailable)?;
        tracing::info!(clients = shared.settings.clients, "subscribed");
        let ending = shared.settings.end.wait(&shared.activity, Instant::now());
        tokio::select! {
            // In this order: at a signal the clients end too, at once when they have no connection, and that is no error.
            biased;
            reason = shutdown.unless_requested(ending) => Ok(reason.unwrap_or("signal")),
            ended = tasks.join_next() => Err(SessionError::Internal(format!("a client task ended: {ended:?}"))),
        }
    };
    let outcome = tokio::select! {
        outcome = receiving => outcome,
        () = shared.board.report(health, "subscribed") => unreachable!("a report never completes"),
        () = show_statistics(&shared), if shows_statistics => unreachable!("the figures never end"),
    };
    health.send_replace(Health::not_ready("ending"));
    stop.request();
    while let Some(task) = tasks.join_next().await {
        task.map_err(|error| SessionError::Internal(format!("a client task failed: {error}")))?;
    }
    join_all(links.iter().map(Transports::shutdown)).await;
    if shows_statistics && let Some(table) = shared.statistics.table(shared.settings.clients) {
        terminal::print(&table);
    }
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
            capability: Capability::Filter,
            protocol: protocol_id::FILTER_SUBSCRIBE,
            cluster_id: settings.cluster_id,
            shards: shards(&settings.routes),
        },
        subscription: settings
            .routes
            .first()
            .map(|route| (route.pubsub_topic.to_string(), route.content_topic.to_string())),
        keypair: keypair(settings.key_seed.as_deref(), "receiver search", 0),
        agent: AGENT.to_owned(),
        log: log.clone(),
        metrics: metrics.search.clone(),
    };
    let feed = find_service_nodes(settings.search.as_ref(), frame, &mut settings.service_nodes, deadline).await?;
    let found = settings.service_nodes.len();
    if found < settings.redundancy {
        tracing::warn!(
            found,
            redundancy = settings.redundancy,
            "fewer service nodes than --redundancy asks for"
        );
    }
    Ok(feed)
}

fn spawn_clients(
    shared: &Arc<Shared>,
    node: &str,
    stop: &Shutdown,
) -> Result<(Vec<Transports>, JoinSet<()>), SessionError> {
    let settings = &shared.settings;
    let rest = RestConfig {
        service: Service::Filter,
        cluster_id: Some(settings.cluster_id),
        request_timeout: settings.request_timeout,
        ping_timeout: settings.ping_timeout,
        poll_interval: settings.rest_poll_interval,
        cache_messages: settings.rest_cache_messages,
        event_queue: EVENT_QUEUE,
    };
    let transports = TransportConfig::new(&settings.service_nodes, settings.search.is_some(), AGENT, rest)?;
    let plan = ClientsPlan {
        side: "receiver",
        node,
        clients: settings.clients,
        key_seed: settings.key_seed.as_deref(),
        cluster_id: settings.cluster_id,
        shards: shards(&settings.routes),
        agent: AGENT,
        limits: ClientLimits {
            filter_timeout: settings.request_timeout,
            filter_ping_timeout: settings.ping_timeout,
            event_queue: EVENT_QUEUE,
            ..ClientLimits::default()
        },
    };
    let mut links = Vec::with_capacity(settings.clients as usize);
    let mut tasks = JoinSet::new();
    for started in start_clients(&plan, &transports, &shared.log) {
        let started = started?;
        let client = Client::new(started.id, started.client.clone(), shared.clone());
        tasks.spawn(client.run(started.events, stop.clone()));
        links.push(started.client);
    }
    Ok((links, tasks))
}

/// Prints the figures per sender from time to time, when they have changed. Never completes.
async fn show_statistics(shared: &Shared) {
    let mut ticks = interval_at(Instant::now() + STATISTICS_INTERVAL, STATISTICS_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut shown = None;
    loop {
        ticks.tick().await;
        let table = shared.statistics.table(shared.settings.clients);
        if table != shown {
            terminal::print(table.as_deref().unwrap_or_default());
            shown = table;
        }
    }
}
