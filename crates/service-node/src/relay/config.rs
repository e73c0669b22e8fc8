//! The gossipsub parameters of nwaku (`waku_relay/protocol.nim`), and the size limits that follow from them.

use std::{collections::HashMap, time::Duration};

use libp2p::gossipsub::{
    Behaviour, ConfigBuilder, ConfigBuilderError, IdentTopic, Message, MessageAuthenticity, MessageId, PeerScoreParams,
    PeerScoreThresholds, TopicScoreParams, ValidationMode, Version,
};
use waku::{PubsubTopic, gossip_id, wire::protocol_id};

/// A topic nobody publishes on. Subscribing to it and leaving it again puts two small RPCs on every relay link, which
/// keeps the links of a silent network alive: nwaku resets a stream without bytes for 5 to 10 minutes, and the first
/// message written into a reset stream is lost.
pub const KEEP_ALIVE_TOPIC: &str = "/lite-protocol-tester/keep-alive";

/// Slack of the receive limit above the send limit. gossipsub checks its whole read buffer, which may already hold the
/// start of the next frame.
const RECEIVE_SLACK_BYTES: usize = 1024 * 1024;

/// Overhead of one message in an RPC frame beside its topic: two tags and lengths for the topic, the data and the
/// publish entry (24 bytes with the 14-character topic `/waku/2/rs/1/0`).
const RPC_OVERHEAD_BYTES: usize = 10;

/// Messages waiting for one relay peer (nwaku's medium-priority queue holds 512, go's 1024; rust's default is 5000).
const PEER_QUEUE: usize = 5000;

/// How long a message may wait for one relay peer before it is dropped and counted. The defaults (5 s for messages
/// pushed here, 1 s for relayed ones) would turn a busy moment into loss; a light client waits up to 20 s, too.
const PEER_QUEUE_DURATION: Duration = Duration::from_secs(20);

/// Topics a peer may subscribe to. The network has at most 1024 shards per cluster.
const RPC_MESSAGES_PER_FRAME: usize = 1024;

/// What the operator may change about relaying.
#[derive(Debug, Clone)]
pub struct RelayLimits {
    /// Largest encoded message the network allows (150 KiB by default). As in nwaku it is also the limit of the whole
    /// RPC frame.
    pub max_message_bytes: usize,
    /// Peers behind one IP address before they lose score (nwaku: 5). 0 switches it off, as a fleet on one machine
    /// needs.
    pub ip_colocation_threshold: u32,
}

/// Why relay could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RelayConfigError {
    /// gossipsub refuses the parameters.
    #[error("gossipsub parameters: {0}")]
    Config(#[from] ConfigBuilderError),
    /// gossipsub refuses to start or to score.
    #[error("gossipsub: {0}")]
    Behaviour(String),
    /// A shard's topic could not be subscribed to.
    #[error("cannot subscribe to {topic}: {reason}")]
    Subscribe {
        /// The pubsub topic.
        topic: String,
        /// What gossipsub says.
        reason: String,
    },
}

/// The largest encoded message that really travels on `topic`: what is left of the frame limit after its overhead.
///
/// nwaku accepts the few bytes between this and the limit, answers 200, and drops the frame unsent.
#[must_use]
pub fn max_message_bytes(limits: &RelayLimits, topic: &str) -> usize {
    limits
        .max_message_bytes
        .saturating_sub(RPC_OVERHEAD_BYTES + topic.len())
}

/// Builds gossipsub for `topics` and subscribes to them.
///
/// # Errors
/// When gossipsub refuses a parameter or a topic.
pub fn new_behaviour(limits: &RelayLimits, topics: &[PubsubTopic]) -> Result<Behaviour, RelayConfigError> {
    let config = ConfigBuilder::default()
        // The exact id: the variant with a prefix would append version suffixes nobody else knows.
        .protocol_id(protocol_id::RELAY, Version::V1_1)
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message: &Message| MessageId::from(gossip_id(&message.data).to_vec()))
        .max_transmit_size(limits.max_message_bytes + RECEIVE_SLACK_BYTES)
        .mesh_n(6)
        .mesh_n_low(4)
        .mesh_n_high(8)
        .mesh_outbound_min(3)
        .retain_scores(6)
        .gossip_lazy(6)
        .gossip_factor(0.25)
        .heartbeat_interval(Duration::from_secs(1))
        // The default of 5 s only delays the first mesh.
        .heartbeat_initial_delay(Duration::from_millis(200))
        .history_length(6)
        .history_gossip(3)
        .fanout_ttl(Duration::from_secs(60))
        .duplicate_cache_time(Duration::from_secs(120))
        .prune_backoff(Duration::from_secs(60))
        .unsubscribe_backoff(Duration::from_secs(5))
        .flood_publish(true)
        .connection_handler_queue_len(PEER_QUEUE)
        .publish_queue_duration(PEER_QUEUE_DURATION)
        .forward_queue_duration(PEER_QUEUE_DURATION)
        .max_publish_messages(RPC_MESSAGES_PER_FRAME)
        .build()?;
    let behaviour_error = |reason: &str| RelayConfigError::Behaviour(reason.to_owned());
    let mut behaviour = Behaviour::new(MessageAuthenticity::Anonymous, config).map_err(behaviour_error)?;
    behaviour
        .with_peer_score(peer_score(limits), thresholds())
        .map_err(|reason| RelayConfigError::Behaviour(reason.to_string()))?;
    for topic in topics {
        let ident = IdentTopic::new(topic.to_string());
        behaviour
            .set_topic_params(ident.clone(), topic_score())
            .map_err(|reason| RelayConfigError::Behaviour(reason.to_string()))?;
        behaviour
            .subscribe(&ident)
            .map_err(|error| RelayConfigError::Subscribe {
                topic: topic.to_string(),
                reason: error.to_string(),
            })?;
    }
    Ok(behaviour)
}

fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -100.0,
        publish_threshold: -1000.0,
        graylist_threshold: -10_000.0,
        accept_px_threshold: 0.0,
        opportunistic_graft_threshold: 0.0,
    }
}

fn peer_score(limits: &RelayLimits) -> PeerScoreParams {
    let colocation_off = limits.ip_colocation_threshold == 0;
    PeerScoreParams {
        topics: HashMap::new(),
        topic_score_cap: 0.0,
        app_specific_weight: 0.0,
        ip_colocation_factor_weight: if colocation_off { 0.0 } else { -50.0 },
        ip_colocation_factor_threshold: f64::from(limits.ip_colocation_threshold.max(1)),
        behaviour_penalty_weight: -10.0,
        behaviour_penalty_threshold: 0.0,
        behaviour_penalty_decay: 0.986,
        decay_interval: Duration::from_secs(12),
        decay_to_zero: 0.01,
        retain_score: Duration::from_secs(600),
        // nwaku has no slow-peer penalty: a peer that cannot keep up loses messages, not its place.
        slow_peer_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

fn topic_score() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 10.0,
        first_message_deliveries_weight: 1.0,
        first_message_deliveries_decay: 0.5,
        first_message_deliveries_cap: 10.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -100.0,
        invalid_message_deliveries_decay: 0.5,
        ..TopicScoreParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nwakus_frame_limit_leaves_153576_bytes_on_a_short_topic() {
        let limits = RelayLimits {
            max_message_bytes: 150 * 1024,
            ip_colocation_threshold: 0,
        };
        assert_eq!(max_message_bytes(&limits, "/waku/2/rs/1/0"), 153_576);
    }

    #[tokio::test]
    async fn the_parameters_are_accepted_and_the_topics_subscribed() {
        for ip_colocation_threshold in [0, 5] {
            let limits = RelayLimits {
                max_message_bytes: 150 * 1024,
                ip_colocation_threshold,
            };
            let topics = ["/waku/2/rs/1/0".parse().unwrap(), "/waku/2/rs/1/7".parse().unwrap()];
            assert_eq!(new_behaviour(&limits, &topics).unwrap().topics().count(), 2);
        }
    }
}
