//! A running service node: its tasks, its addresses, its end.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::Router;
use event_log::{
    EventLog,
    event::{StoreSkipped, Stored},
};
use libp2p::{Multiaddr, PeerId};
use prometheus_client::registry::Registry;
use runtime::{
    Shutdown,
    http::{Health, HttpError, HttpServer},
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use waku::{Capability, NodeRecord, NodeRecordBuilder, ServiceNodeAddr};

use crate::{
    config::NodeConfig,
    delivery::{Delivery, log_hash},
    filter::{self, Filter},
    http, inbound, metadata,
    metrics::Metrics,
    network::{self, StartError as NetworkError},
    peer_exchange_pool::PeerExchangePool,
    rate_limit::PeerRateLimiter,
    rest::{self, Mailboxes},
    services::Services,
    store::{InsertOutcome, Store, StoreConfig, StoreEntry, StoreError},
};

/// How long the operating system may take to open the listening sockets.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long messages already queued are pushed on when the node is to end. What a subscriber on a working connection has
/// not taken by then it would hardly take at all, and whoever ends a fleet waits for this.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Timestamps stored may differ so much from now, as in nwaku's archive (`MaxMessageTimestampVariance`).
const STORE_MAX_SKEW: Duration = Duration::from_secs(20);

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The network part.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The store.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The HTTP endpoint.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// No listening socket came up.
    #[error("no listening address within {} s", LISTEN_TIMEOUT.as_secs())]
    NotListening,
}

/// A running service node. It ends when it is stopped or dropped, or when the shutdown it was started with fires.
pub struct Node {
    peer_id: PeerId,
    addresses: watch::Receiver<Vec<Multiaddr>>,
    is_meshed: watch::Receiver<bool>,
    record: Option<NodeRecord>,
    network: Option<JoinHandle<()>>,
    http: Option<HttpServer>,
    filter: Arc<Filter>,
    store: Option<Store>,
    metrics: Arc<Metrics>,
    shutdown: Shutdown,
}

impl Node {
    /// Starts a node on the current tokio runtime and waits until it listens.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(config: NodeConfig, log: EventLog, shutdown: Shutdown) -> Result<Self, StartError> {
        // Of its own, so that ending this node ends nothing else.
        let shutdown = shutdown.child();
        let metrics = Arc::new(Metrics::default());
        // Pushes need the network, so it outlives them.
        let network_end = Shutdown::new();
        let (parts, run) = network::start(&config, log.clone(), metrics.clone(), network_end.clone())?;
        let filter = Arc::new(Filter::new(
            config.filter.clone(),
            parts.streams.clone(),
            parts.peers,
            metrics.clone(),
            log.clone(),
        ));
        let store = open_store(&config, &log, &metrics)?;
        tokio::spawn(drain(shutdown.clone(), filter.clone(), network_end));
        let own_peer_id = config.keypair.public().to_peer_id();
        let mailboxes = config
            .rest
            .then(|| Arc::new(Mailboxes::new(own_peer_id, log.clone(), metrics.clone())));
        let network = run(deliver_to(
            filter.clone(),
            mailboxes.clone(),
            store.clone(),
            log.clone(),
            metrics.clone(),
        ));
        let mut addresses = parts.addresses;
        let listening = addresses.wait_for(|addresses| addresses.len() >= config.listen.len());
        if !matches!(timeout(LISTEN_TIMEOUT, listening).await, Ok(Ok(_))) {
            shutdown.request();
            return Err(StartError::NotListening);
        }
        let record = own_record(&config, &addresses.borrow());
        let pool = PeerExchangePool::new(record.as_ref().map(|record| record.rlp().clone())).unwrap_or_default();
        let services = Arc::new(Services {
            network: parts.handle,
            streams: parts.streams,
            filter: filter.clone(),
            mailboxes,
            store: store.clone(),
            pool: Mutex::new(pool),
            lightpush_limiter: PeerRateLimiter::new(config.lightpush_rate),
            filter_limiter: PeerRateLimiter::new(config.filter.rate),
            store_limiter: PeerRateLimiter::new(config.store_rate),
            peer_exchange_limiter: PeerRateLimiter::new(config.peer_exchange_rate),
            metrics: metrics.clone(),
            log,
            config: config.clone(),
        });
        tokio::spawn(inbound::serve(parts.inbound, services.clone()));
        tokio::spawn(metadata::ask_newcomers(parts.identified, services.clone()));
        tokio::spawn(filter::maintain(filter.clone(), shutdown.clone()));
        let mut node = Self {
            peer_id: own_peer_id,
            addresses,
            is_meshed: parts.is_meshed,
            record,
            network: Some(network),
            http: None,
            filter,
            store,
            metrics,
            shutdown,
        };
        if let Some(address) = config.http {
            node.http = Some(node.serve_http(address, services).await?);
        }
        Ok(node)
    }

    async fn serve_http(&self, address: SocketAddr, services: Arc<Services>) -> Result<HttpServer, HttpError> {
        let (health, health_seen) = watch::channel(Health::starting());
        let mut is_meshed = self.is_meshed.clone();
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            loop {
                let now = if *is_meshed.borrow_and_update() {
                    Health::ready()
                } else {
                    Health::not_ready("no mesh")
                };
                health.send_replace(now);
                tokio::select! {
                    changed = is_meshed.changed() => if changed.is_err() { return },
                    () = shutdown.requested() => {
                        health.send_replace(Health::not_ready("draining"));
                        return;
                    }
                }
            }
        });
        let mut registry = Registry::default();
        self.metrics.register(&mut registry);
        let info = http::debug_info(
            self.addresses.clone(),
            self.record.as_ref().map(|record| record.text().to_owned()),
        );
        let rest = match services.mailboxes {
            Some(_) => rest::routes(services),
            None => Router::new(),
        };
        HttpServer::builder(health_seen)
            .metrics(registry)
            .merge(info)
            .merge(rest)
            .start(&address.to_string())
            .await
    }

    /// Peer id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Full listen addresses.
    #[must_use]
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.addresses.borrow().clone()
    }

    /// Where clients reach this node.
    #[must_use]
    pub fn address(&self) -> ServiceNodeAddr {
        ServiceNodeAddr {
            peer_id: self.peer_id,
            addresses: self.addresses(),
        }
    }

    /// The node's own ENR; `None` when none of its addresses can be announced.
    #[must_use]
    pub fn record(&self) -> Option<&NodeRecord> {
        self.record.as_ref()
    }

    /// Where `/health` is, when it is served.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(HttpServer::address)
    }

    /// Number of filter subscribers.
    #[must_use]
    pub fn filter_subscriber_count(&self) -> usize {
        self.filter.subscriber_count()
    }

    /// The node's counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Waits until the smallest mesh is as large as [`NodeConfig::expect_peers`] asks for.
    pub async fn meshed(&self) {
        let _ = self.is_meshed.clone().wait_for(|is_meshed| *is_meshed).await;
    }

    /// Ends the node: pushes and stores what is queued (the pushes for at most two seconds), closes the endpoint and the
    /// swarm, and waits until their sockets are free again. Afterwards nothing is written to the event log.
    pub async fn stop(mut self) {
        self.shutdown.request();
        if let Some(network) = self.network.take() {
            let _ = network.await;
        }
        if let Some(store) = &self.store {
            store.flush().await;
        }
        if let Some(http) = self.http.take() {
            http.stop().await;
        }
    }
}

/// Waits for `shutdown`, then for the messages that wait for their subscribers, and then ends the network.
async fn drain(shutdown: Shutdown, filter: Arc<Filter>, network_end: Shutdown) {
    shutdown.requested().await;
    filter.drain(DRAIN_TIMEOUT).await;
    network_end.request();
}

fn open_store(config: &NodeConfig, log: &EventLog, metrics: &Arc<Metrics>) -> Result<Option<Store>, StoreError> {
    let Some(settings) = &config.store else { return Ok(None) };
    let store_config = StoreConfig {
        path: settings.path.clone(),
        max_messages: settings.max_messages,
        max_age: settings.max_age,
        max_timestamp_skew: Some(STORE_MAX_SKEW),
    };
    let (log, metrics) = (log.clone(), metrics.clone());
    Store::open(store_config, move |hash, pubsub_topic: &str, outcome| {
        let hash = log_hash(hash);
        match outcome {
            InsertOutcome::Stored => {
                metrics.stored.inc();
                log.log(Stored {
                    hash,
                    pubsub_topic: pubsub_topic.to_owned(),
                });
            }
            skipped => {
                metrics.store_skipped.inc();
                log.log(StoreSkipped {
                    hash,
                    reason: skipped.to_string(),
                });
            }
        }
    })
    .map(Some)
}

/// What happens to every message the network accepts. Runs on the swarm's task, so nothing in it waits.
fn deliver_to(
    filter: Arc<Filter>,
    mailboxes: Option<Arc<Mailboxes>>,
    store: Option<Store>,
    log: EventLog,
    metrics: Arc<Metrics>,
) -> network::Deliver {
    Box::new(move |delivery: &Arc<Delivery>| {
        filter.deliver(delivery);
        if let Some(mailboxes) = &mailboxes {
            mailboxes.deliver(delivery);
        }
        let Some(store) = &store else { return };
        let entry = StoreEntry {
            hash: delivery.hash,
            pubsub_topic: delivery.pubsub_topic.clone(),
            message: delivery.message.clone(),
        };
        if let Err(error) = store.try_insert(entry) {
            metrics.store_skipped.inc();
            log.log(StoreSkipped {
                hash: log_hash(delivery.hash),
                reason: error.to_string(),
            });
        }
    })
}

/// The node's own record, with its first listen address that can be announced.
fn own_record(config: &NodeConfig, addresses: &[Multiaddr]) -> Option<NodeRecord> {
    let optional = [
        (Capability::Filter, config.serves_filter),
        (Capability::Lightpush, config.serves_lightpush),
        (Capability::Store, config.store.is_some()),
    ];
    let served = optional.iter().filter(|(_, is_served)| *is_served);
    let capabilities: Vec<_> = std::iter::once(Capability::Relay)
        .chain(served.map(|(capability, _)| *capability))
        .collect();
    addresses.iter().find_map(|address| {
        NodeRecordBuilder::new()
            .address(address.clone())
            .capabilities(capabilities.clone())
            .shards(config.cluster_id, &config.shards)
            .build(&config.keypair)
            .ok()
    })
}

impl Drop for Node {
    fn drop(&mut self) {
        // A node that is forgotten must not go on relaying.
        self.shutdown.request();
    }
}
