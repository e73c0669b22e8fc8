//! What a light client needs to know, and its named limits.

use std::time::Duration;

use libp2p::identity::Keypair;

/// Identity and network of a light client.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Identity; secp256k1 as nwaku's, though peers accept any kind.
    pub keypair: Keypair,
    /// Cluster to be on. Peers of another cluster are refused.
    pub cluster_id: u16,
    /// Shards of interest, told to peers by the metadata protocol. Few: nwaku caps that frame at 1024 bytes.
    pub shards: Vec<u16>,
    /// Agent string in identify.
    pub agent: String,
    /// Time and size limits.
    pub limits: ClientLimits,
}

/// Time limits of a light client, each with the reason for its default.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// Answer of lightpush. An honest nwaku waits up to 20 s for its own filter subscribers first.
    pub lightpush_timeout: Duration,
    /// Answer of filter subscribe and unsubscribe (nwaku's edge client: 15 s).
    pub filter_timeout: Duration,
    /// Answer of a filter ping (nwaku and go: 5 s).
    pub filter_ping_timeout: Duration,
    /// Answer of a store query, which may read a disk (go: 30 s).
    pub store_timeout: Duration,
    /// Answer of metadata and peer exchange.
    pub metadata_timeout: Duration,
    /// Time between two libp2p pings. nwaku closes connections that were silent for 5 to 10 minutes and never pings a
    /// light client itself, so this must stay well below.
    pub ping_interval: Duration,
    /// Answer of a libp2p ping. A dead half-open connection is noticed within `ping_interval + 2 × ping_timeout`,
    /// because libp2p's ping tells only the second of two failures in a row.
    pub ping_timeout: Duration,
    /// Pause before the first re-dial of a lost service node. Short: the tester's own pause must not dominate the gap
    /// it measures.
    pub backoff_first: Duration,
    /// Longest pause between two dials.
    pub backoff_max: Duration,
    /// Events waiting to be taken. Beyond that push readers wait, and with them the service node.
    pub event_queue: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            lightpush_timeout: Duration::from_secs(20),
            filter_timeout: Duration::from_secs(15),
            filter_ping_timeout: Duration::from_secs(5),
            store_timeout: Duration::from_secs(30),
            metadata_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(15),
            ping_timeout: Duration::from_secs(10),
            backoff_first: Duration::from_millis(250),
            backoff_max: Duration::from_secs(30),
            event_queue: 1024,
        }
    }
}
