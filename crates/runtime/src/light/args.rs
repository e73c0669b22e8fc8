//! The options that publisher and receiver have in common.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use waku::ContentTopic;

use super::{
    ServiceNode,
    names::{parse_node_name, parse_run_id},
    search::SearchArgs,
};
use crate::{logging, progress::ProgressMode, ready, units::parse_duration};

/// Content topic when none is given, on both sides.
pub const DEFAULT_CONTENT_TOPIC: &str = "/tester/2/light-pubsub-test/proto";

/// Most light clients of one process. Each holds a connection, two tasks and its buffers.
const MAX_CLIENTS: i64 = 10_000;

/// Where the clients connect and which topics they use.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// Service node: a multiaddr that ends in /p2p/PEER-ID, an ENR, or http(s)://HOST:PORT of its REST API. Repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub service_node: Vec<ServiceNode>,

    /// Options of the search for service nodes.
    #[command(flatten)]
    pub search: SearchArgs,

    /// Cluster of the network; service nodes of another are refused [default: that of --network, otherwise 0]
    #[arg(long, value_name = "ID")]
    pub cluster_id: Option<u16>,

    /// Shard of all content topics [default: that of --network; derived with --shards-in-network; otherwise 0]
    #[arg(long, value_name = "SHARD")]
    pub shard: Option<u16>,

    /// Number of shards of the network: without --shard, the shard of each content topic is derived from it (autosharding)
    #[arg(long, value_name = "COUNT")]
    pub shards_in_network: Option<u16>,

    /// Content topic, as /application/version/name/encoding. Repeatable
    #[arg(long, value_name = "TOPIC", default_value = DEFAULT_CONTENT_TOPIC)]
    pub content_topic: Vec<ContentTopic>,

    /// Independent light clients in this process, each with its own identity and connections
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_CLIENTS))]
    pub clients: u32,

    /// Derives the clients' identities from this text instead of drawing them; give each process of a run its own
    #[arg(long, value_name = "TEXT")]
    pub key_seed: Option<String>,
}

/// What the run is called, where its records go, and whom to wait for.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Run")]
pub struct RunArgs {
    /// Configuration file (TOML): any option by its long name; flags and environment variables win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Run id, the same for every process of a run [default: random]
    #[arg(long, value_name = "ID", value_parser = parse_run_id)]
    pub run_id: Option<String>,

    /// Name of this process in the run [default: the role and random digits]
    #[arg(long, value_name = "NAME", value_parser = parse_node_name)]
    pub node_name: Option<String>,

    /// Publisher processes the run is meant to have, for the tracer's check of completeness
    #[arg(long, value_name = "N")]
    pub expect_publishers: Option<u32>,

    /// Receiver processes the run is meant to have
    #[arg(long, value_name = "N")]
    pub expect_receivers: Option<u32>,

    /// Where the event log goes; an existing file is never overwritten; - is standard output [default: publisher.jsonl or receiver.jsonl here]
    #[arg(long, value_name = "PATH")]
    pub event_log: Option<PathBuf>,

    /// Serves /health and /metrics at this address, such as 127.0.0.1:8003 (port 0: any free one)
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics_address: Option<String>,

    /// Waits for this address to answer 200 before starting: /health of a service node, a receiver, … Repeatable
    #[arg(long, value_name = "URL", value_parser = ready::parse_url)]
    pub wait_for: Vec<String>,

    /// How long to wait in all for --wait-for and for the service nodes before giving up
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub wait_timeout: Duration,

    /// How progress is shown on standard error
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,

    /// What is said on standard error: error, warn, info, debug, trace, or directives such as info,waku=debug
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = logging::check_filter)]
    pub log_level: String,
}
