//! What the operator types, and what it means.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use libp2p::{Multiaddr, identity::Keypair};
use runtime::{
    light::{parse_node_name, parse_run_id},
    logging,
    units::{parse_duration, parse_size},
};
use waku::{PubsubTopic, ServiceNodeAddr, ShardCount};

use crate::{
    config::{FilterConfig, NodeConfig, StoreSettings},
    filter::FilterLimits,
    limits::ConnectionLimits,
    rate_limit::RateLimit,
    relay::RelayLimits,
};

/// Relays, and serves light clients by lightpush, filter, store, metadata and peer exchange.
#[derive(Debug, Clone, Parser)]
#[command(name = "service-node", version, max_term_width = 100)]
pub struct Args {
    /// Address to listen at; repeatable. Add /ws for WebSocket, which js-waku needs
    #[arg(
        long,
        value_name = "MULTIADDR",
        default_value = "/ip4/0.0.0.0/tcp/60000",
        help_heading = "Network"
    )]
    pub listen: Vec<Multiaddr>,

    /// Relay peer to stay connected to: a multiaddr that ends in /p2p/PEER-ID, or an ENR. Repeatable
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    pub static_peer: Vec<ServiceNodeAddr>,

    /// Cluster of the network; peers of another are sent away
    #[arg(long, value_name = "ID", default_value_t = 0, help_heading = "Network")]
    pub cluster_id: u16,

    /// Shard to relay; repeatable
    #[arg(long, value_name = "SHARD", default_value = "0", help_heading = "Network")]
    pub shard: Vec<u16>,

    /// Number of shards of the network: derives the shard of a push that names no pubsub topic
    #[arg(long, value_name = "COUNT", help_heading = "Network")]
    pub shards_in_network: Option<u16>,

    /// Largest encoded message, and largest relay frame
    #[arg(long, value_name = "SIZE", default_value = "150KiB", value_parser = parse_size, help_heading = "Network")]
    pub max_message_size: u64,

    /// Relay peers the mesh of each shard must have before /health answers 200 (more than 4 count as 4)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Network")]
    pub expect_peers: u32,

    /// Accept pushes although no relay peer is there, for a network of this one node
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Network")]
    pub standalone: bool,

    /// File with the secret key as 64 hex digits; made, readable by its owner only, when it does not exist
    #[arg(long, value_name = "FILE", help_heading = "Identity", conflicts_with = "key_seed")]
    pub key_file: Option<PathBuf>,

    /// Derives the identity from this text and the node's name, so that a fleet has the same addresses every time
    #[arg(long, value_name = "TEXT", help_heading = "Identity")]
    pub key_seed: Option<String>,

    /// Serve filter; false for a node that light clients cannot receive from
    #[arg(long, num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Network")]
    pub filter: bool,

    /// Serve lightpush; false for a node that light clients cannot send through
    #[arg(long, num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Network")]
    pub lightpush: bool,

    /// Filter subscribers served at a time; further ones are answered 503
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Limits")]
    pub filter_max_subscribers: usize,

    /// Criteria of one filter subscriber; more are answered 503
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "Limits")]
    pub filter_max_criteria: usize,

    /// How long a filter subscription lasts without a ping
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration, help_heading = "Limits")]
    pub filter_ttl: Duration,

    /// How often expired filter subscriptions are removed
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration, help_heading = "Limits")]
    pub filter_maintenance: Duration,

    /// How long a subscriber may take to accept one push
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration, help_heading = "Limits")]
    pub filter_push_timeout: Duration,

    /// Messages that may wait for one subscriber; further ones are dropped for it
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = positive, help_heading = "Limits")]
    pub filter_push_queue: usize,

    /// Filter requests of one peer, as 30/1m; 0 for no limit
    #[arg(long, value_name = "RATE", default_value = "30/1m", value_parser = parse_rate_limit, help_heading = "Limits")]
    pub filter_rate: OptionalRate,

    /// Lightpush requests of one peer, as 100/1s; 0 for no limit
    #[arg(long, value_name = "RATE", default_value = "0", value_parser = parse_rate_limit, help_heading = "Limits")]
    pub lightpush_rate: OptionalRate,

    /// Store queries of one peer; 0 for no limit
    #[arg(long, value_name = "RATE", default_value = "0", value_parser = parse_rate_limit, help_heading = "Limits")]
    pub store_rate: OptionalRate,

    /// Peer-exchange requests of one peer; 0 for no limit
    #[arg(long, value_name = "RATE", default_value = "0", value_parser = parse_rate_limit, help_heading = "Limits")]
    pub peer_exchange_rate: OptionalRate,

    /// Connections in all
    #[arg(long, value_name = "N", default_value_t = 4096, help_heading = "Limits")]
    pub max_connections: usize,

    /// Connections from one IP address; 0 for no limit, as a fleet on one machine needs (nwaku: 5)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Limits")]
    pub max_connections_per_ip: usize,

    /// Connections of one peer
    #[arg(long, value_name = "N", default_value_t = 2, help_heading = "Limits")]
    pub max_connections_per_peer: usize,

    /// Relay peers behind one IP address before they lose score; 0 switches it off (nwaku: 5)
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Limits")]
    pub ip_colocation_threshold: u32,

    /// Keep messages and answer store queries
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Store")]
    pub store: bool,

    /// Database file of the store [default: in memory]
    #[arg(long, value_name = "FILE", help_heading = "Store")]
    pub store_path: Option<PathBuf>,

    /// Messages kept
    #[arg(long, value_name = "N", default_value_t = 1_000_000, help_heading = "Store")]
    pub store_max_messages: u64,

    /// Age of messages kept
    #[arg(long, value_name = "DURATION", default_value = "48h", value_parser = parse_duration, help_heading = "Store")]
    pub store_max_age: Duration,

    /// Configuration file (TOML): any option by its long name; flags and environment variables win over it
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub config: Option<PathBuf>,

    /// Run id, the same for every process of a run [default: random]
    #[arg(long, value_name = "ID", value_parser = parse_run_id, help_heading = "Run")]
    pub run_id: Option<String>,

    /// Name of this process in the run [default: service-node and random digits]
    #[arg(long, value_name = "NAME", value_parser = parse_node_name, help_heading = "Run")]
    pub node_name: Option<String>,

    /// Where the event log goes; - is standard output [default: no event log]
    #[arg(long, value_name = "PATH", help_heading = "Run")]
    pub event_log: Option<PathBuf>,

    /// Serves /health, /metrics and /debug/v1/info at this address
    #[arg(long, value_name = "IP:PORT", help_heading = "Run")]
    pub http_address: Option<SocketAddr>,

    /// Serves lightpush and filter by nwaku's REST API at --http-address, too
    #[arg(long, help_heading = "Services", requires = "http_address")]
    pub rest: bool,

    /// Ends after this time [default: runs until stopped]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Run")]
    pub duration: Option<Duration>,

    /// What is said on standard error: error, warn, info, debug, trace, or directives such as info,waku=debug
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = logging::check_filter, help_heading = "Run")]
    pub log_level: String,
}

/// A rate limit, or none. A type of its own, because clap takes an `Option` for an optional argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionalRate(pub Option<RateLimit>);

/// Why the arguments make no sense together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgsError {
    /// A shard above the network's range.
    #[error("--shard {shard}: {reason}")]
    Shard {
        /// The shard.
        shard: u16,
        /// Why not.
        reason: String,
    },
    /// Not a number of shards.
    #[error("--shards-in-network {count}: {reason}")]
    ShardCount {
        /// What was given.
        count: u16,
        /// Why not.
        reason: String,
    },
    /// Store options without a store.
    #[error("--store-path needs --store")]
    StorePathWithoutStore,
    /// A size this machine cannot address.
    #[error("--max-message-size {size_bytes} is too large: at most {max_bytes} bytes")]
    MessageSize {
        /// What was given.
        size_bytes: u64,
        /// The most any protocol carries.
        max_bytes: usize,
    },
}

impl Args {
    /// What the arguments mean for a node with this identity.
    ///
    /// # Errors
    /// See [`ArgsError`].
    pub fn resolve(&self, keypair: Keypair) -> Result<NodeConfig, ArgsError> {
        for shard in &self.shard {
            PubsubTopic::new(self.cluster_id, *shard).map_err(|error| ArgsError::Shard {
                shard: *shard,
                reason: error.to_string(),
            })?;
        }
        let shard_count = match self.shards_in_network {
            Some(count) => Some(ShardCount::new(count).map_err(|error| ArgsError::ShardCount {
                count,
                reason: error.to_string(),
            })?),
            None => None,
        };
        if self.store_path.is_some() && !self.store {
            return Err(ArgsError::StorePathWithoutStore);
        }
        let max_bytes = waku::wire::frame_cap::LARGEST_MESSAGE_BYTES;
        let max_message_bytes = usize::try_from(self.max_message_size)
            .ok()
            .filter(|size_bytes| *size_bytes <= max_bytes)
            .ok_or(ArgsError::MessageSize {
                size_bytes: self.max_message_size,
                max_bytes,
            })?;
        let store = self.store.then(|| StoreSettings {
            path: self.store_path.clone(),
            max_messages: self.store_max_messages,
            max_age: self.store_max_age,
        });
        Ok(NodeConfig {
            listen: self.listen.clone(),
            static_peers: self.static_peer.clone(),
            shard_count,
            expect_peers: self.expect_peers,
            standalone: self.standalone,
            relay: RelayLimits {
                max_message_bytes,
                ip_colocation_threshold: self.ip_colocation_threshold,
            },
            serves_filter: self.filter,
            serves_lightpush: self.lightpush,
            filter: self.filter_config(),
            store,
            lightpush_rate: self.lightpush_rate.0,
            store_rate: self.store_rate.0,
            peer_exchange_rate: self.peer_exchange_rate.0,
            connections: ConnectionLimits {
                max_connections: self.max_connections,
                max_connections_per_ip: self.max_connections_per_ip,
                max_connections_per_peer: self.max_connections_per_peer,
            },
            http: self.http_address,
            rest: self.rest,
            ..NodeConfig::local(keypair, self.cluster_id, self.shard.clone())
        })
    }

    fn filter_config(&self) -> FilterConfig {
        FilterConfig {
            limits: FilterLimits {
                max_subscribers: self.filter_max_subscribers,
                max_criteria_per_peer: self.filter_max_criteria,
                ttl: self.filter_ttl,
                ..FilterLimits::default()
            },
            rate: self.filter_rate.0,
            maintenance_interval: self.filter_maintenance.max(Duration::from_millis(10)),
            push_timeout: self.filter_push_timeout,
            push_queue: self.filter_push_queue,
        }
    }
}

fn parse_rate_limit(text: &str) -> Result<OptionalRate, String> {
    if text == "0" {
        return Ok(OptionalRate(None));
    }
    text.parse()
        .map(|rate| OptionalRate(Some(rate)))
        .map_err(|error: crate::rate_limit::RateLimitError| error.to_string())
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: &[&str]) -> Result<NodeConfig, ArgsError> {
        let argv = ["service-node"].iter().chain(flags);
        Args::try_parse_from(argv)
            .unwrap()
            .resolve(Keypair::generate_secp256k1())
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let config = resolve(&[]).unwrap();
        assert_eq!(config.relay.max_message_bytes, 153_600);
        assert_eq!(config.filter.limits.ttl, Duration::from_secs(300));
        assert_eq!(config.filter.rate.unwrap().to_string(), "30/1m");
        assert!(config.store.is_none() && config.lightpush_rate.is_none());
    }

    #[test]
    fn nonsense_is_named() {
        assert!(matches!(
            resolve(&["--shard", "1024"]),
            Err(ArgsError::Shard { shard: 1024, .. })
        ));
        assert!(matches!(
            resolve(&["--shards-in-network", "0"]),
            Err(ArgsError::ShardCount { count: 0, .. })
        ));
        assert!(matches!(
            resolve(&["--store-path", "x"]),
            Err(ArgsError::StorePathWithoutStore)
        ));
        assert!(matches!(
            resolve(&["--max-message-size", "2MiB"]),
            Err(ArgsError::MessageSize { .. })
        ));
        assert!(Args::try_parse_from(["service-node", "--filter-rate", "often"]).is_err());
        assert!(Args::try_parse_from(["service-node", "--filter-push-queue", "0"]).is_err());
    }
}
