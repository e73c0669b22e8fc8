//! A light client of its own that asks bootstrap nodes for others and tests candidates, as the real clients would use
//! them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, PeerId, identity::Keypair};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use waku::{
    ServiceNodeAddr, Status,
    net::{ClientConfig, ClientEvent, ClientLimits, LightClient, RequestError, StartError, client::ExchangedPeers},
    wire::{WakuMetadata, protocol_id},
};

use crate::candidate::Need;

/// How long a node may take to be connected, identified and to name its cluster: nwaku's dial limit and then some, since
/// an address may be a name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long each request of a test may take. A service node that is slower is of no use to a measurement.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Content topics of a test subscription: one is enough to see whether subscriptions are accepted.
const TEST_TOPICS: usize = 1;

/// Shards of a node that an error quotes.
const SHOWN_SHARDS: usize = 16;

/// Who the testing client is, and what the tests are about.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// Its identity, another than that of the clients it tests for.
    pub keypair: Keypair,
    /// Agent string in identify.
    pub agent: String,
    /// What is asked of a service node.
    pub need: Need,
    /// For filter: a pubsub topic and a content topic to subscribe to in a test.
    pub subscription: Option<(String, String)>,
}

/// Why a node did not pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// No connection, no identify, no metadata, another cluster: in the client's words.
    #[error("{0}")]
    NotConnected(String),
    /// Nothing was heard in time.
    #[error("not connected within {after_ms} ms")]
    TimedOut {
        /// The limit.
        after_ms: u128,
    },
    /// The protocol is missing in its identify answer.
    #[error("it does not serve {protocol}")]
    Protocol {
        /// What was asked for.
        protocol: &'static str,
    },
    /// Its metadata lists shards, but not all that are needed.
    #[error("it relays the shards {relayed:?}, not {missing}")]
    Shard {
        /// What it lists, at most 16 of them.
        relayed: Vec<u32>,
        /// The first that is missing.
        missing: u16,
    },
    /// A request failed.
    #[error("{what}: {reason}")]
    Request {
        /// Which.
        what: &'static str,
        /// How.
        reason: String,
    },
}

/// What became of a connection attempt.
#[derive(Debug, Clone)]
struct Connected {
    address: Multiaddr,
    agent: Option<String>,
    protocols: Vec<String>,
}

/// What a test saw, passed or not.
#[derive(Debug, Clone)]
pub struct Probed {
    /// Where it was reached; `None` when it was not.
    pub address: Option<Multiaddr>,
    /// Its agent string, as it claims, when it got that far.
    pub agent: Option<String>,
    /// From the dial to the end of the introduction.
    pub connect_time: Option<Duration>,
    /// One request and its answer on the connection that is up, or why it did not pass.
    pub outcome: Result<Duration, ProbeError>,
}

type Waiters = Arc<Mutex<HashMap<PeerId, oneshot::Sender<Result<Connected, ProbeError>>>>>;

/// The testing client.
#[derive(Debug)]
pub struct Prober {
    client: LightClient,
    config: ProbeConfig,
    waiters: Waiters,
}

impl Prober {
    /// Starts the client on the current tokio runtime.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn start(config: ProbeConfig) -> Result<Self, StartError> {
        let (client, events) = LightClient::start(ClientConfig {
            keypair: config.keypair.clone(),
            cluster_id: config.need.cluster_id,
            shards: config.need.shards.clone(),
            agent: config.agent.clone(),
            limits: ClientLimits {
                filter_timeout: REQUEST_TIMEOUT,
                filter_ping_timeout: REQUEST_TIMEOUT,
                metadata_timeout: REQUEST_TIMEOUT,
                ..ClientLimits::default()
            },
        })?;
        let waiters = Waiters::default();
        tokio::spawn(pass_on(events, waiters.clone()));
        Ok(Self {
            client,
            config,
            waiters,
        })
    }

    /// What the tests are about.
    #[must_use]
    pub fn need(&self) -> &Need {
        &self.config.need
    }

    /// Closes all connections.
    pub async fn stop(&self) {
        self.client.shutdown().await;
    }

    /// Asks a node for up to `count` others, and says where it was reached.
    ///
    /// # Errors
    /// [`ProbeError`].
    pub async fn ask(&self, node: &ServiceNodeAddr, count: u64) -> Result<ExchangedPeers, ProbeError> {
        let (lease, connected) = self.connect(node).await?;
        require(&connected, protocol_id::PEER_EXCHANGE)?;
        let answer = self.client.peer_exchange(lease.peer, count).await;
        answer.map_err(|error| failed("peer exchange", &error))
    }

    /// Tests a node with the protocol it is needed for, and leaves it. For lightpush nothing is published: that the node
    /// serves the protocol on the right shards is all that a stranger's network should be asked.
    pub async fn test(&self, node: &ServiceNodeAddr) -> Probed {
        let began = Instant::now();
        match self.connect(node).await {
            Ok((lease, connected)) => {
                let connect_time = Some(began.elapsed());
                let outcome = self.use_once(lease.peer, &connected).await;
                Probed {
                    address: Some(connected.address),
                    agent: connected.agent,
                    connect_time,
                    outcome,
                }
            }
            Err(error) => Probed {
                address: None,
                agent: None,
                connect_time: None,
                outcome: Err(error),
            },
        }
    }

    async fn use_once(&self, peer: PeerId, connected: &Connected) -> Result<Duration, ProbeError> {
        let need = &self.config.need;
        require(connected, need.protocol)?;
        let ours = WakuMetadata::new(need.cluster_id, &need.shards);
        let asked = Instant::now();
        let answer = self.client.metadata(peer, &ours).await;
        let round_trip = asked.elapsed();
        let relayed = answer.map_err(|error| failed("metadata", &error))?.shards().to_vec();
        let is_missing = |shard: &&u16| !relayed.contains(&u32::from(**shard));
        // An empty list says nothing.
        if let Some(&missing) = need.shards.iter().find(is_missing).filter(|_| !relayed.is_empty()) {
            let relayed = relayed.into_iter().take(SHOWN_SHARDS).collect();
            return Err(ProbeError::Shard { relayed, missing });
        }
        if let Some((pubsub_topic, content_topic)) = &self.config.subscription {
            let topics = vec![content_topic.clone(); TEST_TOPICS];
            accepted(
                "filter subscribe",
                self.client.filter_subscribe(peer, pubsub_topic, &topics).await,
            )?;
            accepted("filter ping", self.client.filter_ping(peer).await)?;
            accepted("filter unsubscribe", self.client.filter_unsubscribe_all(peer).await)?;
        }
        Ok(round_trip)
    }

    /// Connects once; the connection is given up when the lease is dropped.
    async fn connect(&self, node: &ServiceNodeAddr) -> Result<(Lease<'_>, Connected), ProbeError> {
        let peer = node.peer_id;
        let (told, telling) = oneshot::channel();
        lock(&self.waiters).insert(peer, told);
        let lease = Lease { prober: self, peer };
        self.client.keep_connected(node.clone());
        match timeout(CONNECT_TIMEOUT, telling).await {
            Ok(Ok(outcome)) => outcome.map(|connected| (lease, connected)),
            Ok(Err(_)) => Err(ProbeError::NotConnected("the testing client has ended".to_owned())),
            Err(_) => Err(ProbeError::TimedOut {
                after_ms: CONNECT_TIMEOUT.as_millis(),
            }),
        }
    }
}

/// A connection in use.
struct Lease<'a> {
    prober: &'a Prober,
    peer: PeerId,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        lock(&self.prober.waiters).remove(&self.peer);
        self.prober.client.forget(self.peer);
    }
}

/// Tells whoever waits for a peer what became of it, until the client ends.
async fn pass_on(mut events: mpsc::Receiver<ClientEvent>, waiters: Waiters) {
    while let Some(event) = events.recv().await {
        let (peer, outcome) = match event {
            ClientEvent::Ready {
                peer,
                address,
                agent,
                protocols,
            } => (
                peer,
                Ok(Connected {
                    address,
                    agent,
                    protocols,
                }),
            ),
            ClientEvent::DialFailed { peer, error, .. } | ClientEvent::Refused { peer, error } => {
                (peer, Err(ProbeError::NotConnected(error)))
            }
            ClientEvent::Disconnected { peer, reason } => (peer, Err(ProbeError::NotConnected(reason))),
            // A test subscription may be served for a moment.
            ClientEvent::Push { .. } | ClientEvent::MalformedPush { .. } => continue,
        };
        if let Some(waiter) = lock(&waiters).remove(&peer) {
            let _ = waiter.send(outcome);
        }
    }
    lock(&waiters).clear();
}

fn require(connected: &Connected, protocol: &'static str) -> Result<(), ProbeError> {
    if connected.protocols.iter().any(|served| served == protocol) {
        Ok(())
    } else {
        Err(ProbeError::Protocol { protocol })
    }
}

fn accepted(what: &'static str, answer: Result<Status, RequestError>) -> Result<(), ProbeError> {
    match answer {
        Ok(status) if status.is_ok() => Ok(()),
        Ok(status) => Err(ProbeError::Request {
            what,
            reason: format!("status {status}"),
        }),
        Err(error) => Err(failed(what, &error)),
    }
}

fn failed(what: &'static str, error: &RequestError) -> ProbeError {
    ProbeError::Request {
        what,
        reason: error.to_string(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
