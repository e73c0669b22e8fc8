//! What a service node counts, for Prometheus. No label is ever fed by a peer.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// Status codes as labels: our own closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatusLabel {
    /// The code answered.
    pub status: u32,
}

/// Outcomes of a filter push as labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    /// What became of it.
    pub outcome: PushLabel,
}

/// The label form of [`event_log::event::PushOutcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(missing_docs, reason = "the same four words as in the event log")]
pub enum PushLabel {
    Ok,
    Failed,
    Dropped,
    TimedOut,
}

/// All counters of a node.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Lightpush answers by status.
    pub lightpush: Family<StatusLabel, Counter>,
    /// Filter answers by status.
    pub filter_requests: Family<StatusLabel, Counter>,
    /// Filter pushes by outcome.
    pub filter_pushes: Family<OutcomeLabel, Counter>,
    /// Messages not pushed again because their hash was pushed within two minutes.
    pub filter_duplicates: Counter,
    /// Hashes forgotten before their two minutes because there were too many: each may be pushed twice.
    pub filter_forgotten_hashes: Counter,
    /// Filter subscribers now.
    pub filter_subscribers: Gauge,
    /// Valid messages from relay peers.
    pub relay_received: Counter,
    /// Messages handed to relay peers, one a peer.
    pub relay_sent: Counter,
    /// Messages dropped because a relay peer took them too slowly, one a peer.
    pub relay_dropped: Counter,
    /// Messages from relay peers refused by validation.
    pub relay_rejected: Counter,
    /// Messages stored.
    pub stored: Counter,
    /// Messages not stored: ephemeral, wrong time, duplicate, full queue.
    pub store_skipped: Counter,
    /// Frames that could not be decoded.
    pub malformed_frames: Counter,
    /// Requests refused by a rate limit.
    pub rate_limited: Counter,
    /// Connections refused by a limit.
    pub refused_connections: Counter,
    /// Streams reset because the node had too many.
    pub refused_streams: Counter,
    /// Peers connected now.
    pub connected_peers: Gauge,
    /// Peers in the smallest mesh.
    pub mesh_peers: Gauge,
    /// Bytes of payload received from light clients.
    pub lightpush_payload: Counter<u64, AtomicU64>,
}

impl Metrics {
    /// Registers everything under `lpt_service_node_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("lpt_service_node");
        registry.register("lightpush_answers", "Lightpush answers", self.lightpush.clone());
        registry.register("filter_answers", "Filter answers", self.filter_requests.clone());
        registry.register("filter_pushes", "Filter pushes", self.filter_pushes.clone());
        registry.register(
            "filter_duplicates",
            "Messages not pushed again",
            self.filter_duplicates.clone(),
        );
        registry.register(
            "filter_forgotten_hashes",
            "Hashes forgotten early, so that a repetition may be pushed again",
            self.filter_forgotten_hashes.clone(),
        );
        registry.register(
            "filter_subscribers",
            "Filter subscribers",
            self.filter_subscribers.clone(),
        );
        registry.register(
            "relay_received",
            "Valid messages from relay peers",
            self.relay_received.clone(),
        );
        registry.register("relay_sent", "Messages handed to relay peers", self.relay_sent.clone());
        registry.register(
            "relay_dropped",
            "Messages a slow relay peer did not get",
            self.relay_dropped.clone(),
        );
        registry.register(
            "relay_rejected",
            "Invalid messages from relay peers",
            self.relay_rejected.clone(),
        );
        registry.register("stored", "Messages stored", self.stored.clone());
        registry.register("store_skipped", "Messages not stored", self.store_skipped.clone());
        registry.register(
            "malformed_frames",
            "Frames that could not be decoded",
            self.malformed_frames.clone(),
        );
        registry.register(
            "rate_limited",
            "Requests refused by a rate limit",
            self.rate_limited.clone(),
        );
        registry.register(
            "refused_connections",
            "Connections refused",
            self.refused_connections.clone(),
        );
        registry.register("refused_streams", "Streams reset", self.refused_streams.clone());
        registry.register("connected_peers", "Connected peers", self.connected_peers.clone());
        registry.register("mesh_peers", "Peers in the smallest mesh", self.mesh_peers.clone());
        registry.register_with_unit(
            "lightpush_payload",
            "Payload received by lightpush",
            Unit::Bytes,
            self.lightpush_payload.clone(),
        );
    }
}
