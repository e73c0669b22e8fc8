//! What a service node needs to know.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use libp2p::{Multiaddr, identity::Keypair};
use waku::{PubsubTopic, ServiceNodeAddr, ShardCount};

use crate::{filter::FilterLimits, limits::ConnectionLimits, rate_limit::RateLimit, relay::RelayLimits};

/// Everything about one service node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Identity; secp256k1, because the same key signs the node's ENR.
    pub keypair: Keypair,
    /// Agent string in identify.
    pub agent: String,
    /// Addresses to listen at; port 0 for any free one.
    pub listen: Vec<Multiaddr>,
    /// Relay peers to stay connected to.
    pub static_peers: Vec<ServiceNodeAddr>,
    /// Cluster.
    pub cluster_id: u16,
    /// Shards relayed.
    pub shards: Vec<u16>,
    /// Shards in the network, for lightpush requests without a pubsub topic; `None` is static sharding.
    pub shard_count: Option<ShardCount>,
    /// Relay peers the mesh needs before the node counts as ready.
    pub expect_peers: u32,
    /// Accept pushes without any relay peer, and serve them to this node's own subscribers.
    pub standalone: bool,
    /// Message size and scoring.
    pub relay: RelayLimits,
    /// Whether filter is served.
    pub serves_filter: bool,
    /// Whether lightpush is served.
    pub serves_lightpush: bool,
    /// Limits of filter.
    pub filter: FilterConfig,
    /// Store, when there is one.
    pub store: Option<StoreSettings>,
    /// Lightpush requests of one peer.
    pub lightpush_rate: Option<RateLimit>,
    /// Store queries of one peer.
    pub store_rate: Option<RateLimit>,
    /// Peer-exchange requests of one peer.
    pub peer_exchange_rate: Option<RateLimit>,
    /// Connections.
    pub connections: ConnectionLimits,
    /// Where `/health`, `/metrics` and `/debug/v1/info` are served.
    pub http: Option<SocketAddr>,
    /// Whether lightpush and filter are served there, too, by nwaku's REST API.
    pub rest: bool,
}

/// Limits of the filter service.
#[derive(Debug, Clone)]
pub struct FilterConfig {
    /// Subscribers, criteria, topics a request, lifetime.
    pub limits: FilterLimits,
    /// Requests of one peer (nwaku: 30 a minute).
    pub rate: Option<RateLimit>,
    /// How often expired subscribers are looked for (nwaku: every minute).
    pub maintenance_interval: Duration,
    /// How long one push may take (nwaku: 20 s).
    pub push_timeout: Duration,
    /// Messages waiting for one subscriber before further ones are dropped.
    pub push_queue: usize,
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self {
            limits: FilterLimits::default(),
            rate: Some(RateLimit {
                volume: 30,
                period: Duration::from_secs(60),
            }),
            maintenance_interval: Duration::from_secs(60),
            push_timeout: Duration::from_secs(20),
            push_queue: 1024,
        }
    }
}

/// Where and how long messages are stored.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Database file; `None` keeps it in memory.
    pub path: Option<PathBuf>,
    /// Messages kept.
    pub max_messages: u64,
    /// Age kept.
    pub max_age: Duration,
}

impl NodeConfig {
    /// A node on loopback with any free port, everything else at its default.
    #[must_use]
    pub fn local(keypair: Keypair, cluster_id: u16, shards: Vec<u16>) -> Self {
        let loopback = "/ip4/127.0.0.1/tcp/0".parse().expect("a literal multiaddr");
        Self {
            keypair,
            agent: format!("lite-protocol-tester-{}", env!("CARGO_PKG_VERSION")),
            listen: vec![loopback],
            static_peers: Vec::new(),
            cluster_id,
            shards,
            shard_count: None,
            expect_peers: 0,
            standalone: false,
            relay: RelayLimits {
                max_message_bytes: 150 * 1024,
                ip_colocation_threshold: 0,
            },
            serves_filter: true,
            serves_lightpush: true,
            filter: FilterConfig::default(),
            store: None,
            lightpush_rate: None,
            store_rate: None,
            peer_exchange_rate: None,
            connections: ConnectionLimits::default(),
            http: None,
            rest: false,
        }
    }

    /// The pubsub topics of the shards.
    #[must_use]
    pub fn topics(&self) -> Vec<PubsubTopic> {
        self.shards
            .iter()
            .filter_map(|shard| PubsubTopic::new(self.cluster_id, *shard).ok())
            .collect()
    }
}
