//! The configuration file of each child: what it is run with, and how to run it again.

use serde::Serialize;

/// Keys are the long options of the role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct NodeFile {
    pub(super) listen: Vec<String>,
    pub(super) static_peer: Vec<String>,
    pub(super) cluster_id: u16,
    pub(super) shard: Vec<u16>,
    pub(super) expect_peers: u32,
    pub(super) standalone: bool,
    pub(super) store: bool,
    pub(super) filter_max_subscribers: u64,
    pub(super) max_connections: u64,
    #[serde(flatten)]
    pub(super) common: Common,
}

/// What every role is told.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Common {
    pub(super) run_id: String,
    pub(super) node_name: String,
    pub(super) event_log: String,
    pub(super) log_level: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_seed: Option<String>,
}

/// Keys that publisher and receiver share.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Client {
    pub(super) service_node: Vec<String>,
    pub(super) cluster_id: u16,
    pub(super) shard: u16,
    pub(super) content_topic: Vec<String>,
    pub(super) clients: u32,
    pub(super) expect_publishers: u32,
    pub(super) expect_receivers: u32,
    pub(super) wait_timeout: String,
    pub(super) progress: &'static str,
    #[serde(flatten)]
    pub(super) common: Common,
}

/// Keys of the publisher.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PublisherFile {
    pub(super) lightpush: String,
    pub(super) messages: u64,
    pub(super) rate: String,
    pub(super) min_size: String,
    pub(super) max_size: String,
    pub(super) in_flight: u64,
    pub(super) ephemeral: bool,
    #[serde(flatten)]
    pub(super) client: Client,
}

/// Keys of the receiver.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ReceiverFile {
    pub(super) redundancy: u32,
    #[serde(flatten)]
    pub(super) client: Client,
}
