//! What the swarm task does with messages: publishes what is pushed, validates and delivers what is relayed.

use std::sync::Arc;

use bytes::Bytes;
use event_log::event::{RelayOrigin, RelayReceived, RelayRejected, RelaySent};
use libp2p::{
    PeerId,
    gossipsub::{self, MessageAcceptance, PublishError, TopicHash},
};
use waku::{MessageHash, WakuMessage, gossip_id};

use super::task::Task;
use crate::{
    delivery::{Delivery, PublishOutcome, log_hash, log_text},
    relay::max_message_bytes,
    services::MAX_STRANGE_LINES,
};

impl Task {
    pub(super) fn publish(&mut self, delivery: &Arc<Delivery>) -> PublishOutcome {
        let topic = TopicHash::from_raw(delivery.pubsub_topic.to_string());
        if self.shards.topic(&topic).is_none() {
            return PublishOutcome::UnsupportedTopic;
        }
        let outcome = match self
            .swarm
            .behaviour_mut()
            .relay
            .publish(topic.clone(), delivery.encoded.clone())
        {
            Ok(_) => PublishOutcome::Sent(self.shards.subscribers(&topic)),
            // gossipsub remembers only what it could send; alone, the node has to remember by itself.
            Err(PublishError::NoPeersSubscribedToTopic) if self.config.standalone => {
                let id = MessageHash::from(gossip_id(&delivery.encoded));
                let is_new = self.accepted_alone.insert(id, std::time::Instant::now());
                if is_new {
                    PublishOutcome::Sent(Vec::new())
                } else {
                    PublishOutcome::Duplicate
                }
            }
            Err(PublishError::NoPeersSubscribedToTopic) => PublishOutcome::NoPeers,
            Err(PublishError::Duplicate) => PublishOutcome::Duplicate,
            Err(PublishError::AllQueuesFull(_)) => PublishOutcome::QueuesFull,
            Err(error) => PublishOutcome::Failed(error.to_string()),
        };
        if let PublishOutcome::Sent(to_peers) = &outcome {
            self.note_sent(delivery, to_peers, RelayOrigin::Lightpush);
            (self.deliver)(delivery);
        }
        outcome
    }

    fn note_sent(&self, delivery: &Delivery, to_peers: &[PeerId], origin: RelayOrigin) {
        if to_peers.is_empty() {
            return;
        }
        self.metrics.relay_sent.inc_by(to_peers.len() as u64);
        self.log.log(RelaySent {
            hash: log_hash(delivery.hash),
            to_peers: to_peers.iter().map(ToString::to_string).collect(),
            pubsub_topic: delivery.pubsub_topic.to_string(),
            origin,
        });
    }

    pub(super) fn on_relay_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let acceptance = self.on_relayed(propagation_source, message);
                let relay = &mut self.swarm.behaviour_mut().relay;
                relay.report_message_validation_result(&message_id, &propagation_source, acceptance);
            }
            gossipsub::Event::Subscribed { peer_id, topic, .. } => {
                self.shards.subscribed(&topic, peer_id);
                self.check_mesh();
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => self.shards.unsubscribed(&topic, peer_id),
            gossipsub::Event::SlowPeer {
                peer_id,
                failed_messages,
            } => {
                let count = (failed_messages.priority + failed_messages.non_priority) as u64;
                self.metrics.relay_dropped.inc_by(count);
                tracing::warn!(peer = %peer_id, count, "relay peer takes messages too slowly; some were dropped");
            }
            gossipsub::Event::GossipsubNotSupported { .. } => {}
        }
    }

    /// Validates a relayed message, delivers it, and says whether gossipsub may forward it.
    fn on_relayed(&mut self, from: PeerId, message: gossipsub::Message) -> MessageAcceptance {
        let Some(topic) = self.shards.topic(&message.topic).cloned() else {
            return MessageAcceptance::Ignore;
        };
        let encoded = Bytes::from(message.data);
        let decoded = match self.validate(&topic, &encoded) {
            Ok(decoded) => decoded,
            Err(reason) => {
                if self.metrics.relay_rejected.inc() >= MAX_STRANGE_LINES {
                    return MessageAcceptance::Reject;
                }
                let (from_peer, pubsub_topic) = (from.to_string(), topic.to_string());
                self.log.log(RelayRejected {
                    from_peer,
                    pubsub_topic,
                    reason,
                });
                return MessageAcceptance::Reject;
            }
        };
        let delivery = Arc::new(Delivery::new(topic, decoded, encoded));
        self.metrics.relay_received.inc();
        self.log.log(RelayReceived {
            hash: log_hash(delivery.hash),
            from_peer: from.to_string(),
            pubsub_topic: delivery.pubsub_topic.to_string(),
            content_topic: log_text(delivery.content_topic()),
            size_bytes: delivery.size_bytes(),
        });
        let onward: Vec<_> = {
            let relay = &self.swarm.behaviour().relay;
            relay
                .mesh_peers(&message.topic)
                .filter(|peer| **peer != from)
                .copied()
                .collect()
        };
        self.note_sent(&delivery, &onward, RelayOrigin::Relay);
        (self.deliver)(&delivery);
        MessageAcceptance::Accept
    }

    fn validate(&self, topic: &str, encoded: &Bytes) -> Result<WakuMessage, String> {
        let limit_bytes = max_message_bytes(&self.config.relay, topic);
        if encoded.len() > limit_bytes {
            return Err(format!(
                "message of {} bytes exceeds the limit of {limit_bytes}",
                encoded.len()
            ));
        }
        let message = <WakuMessage as prost::Message>::decode(encoded.clone()).map_err(|error| error.to_string())?;
        waku::message::check_shape(&message).map_err(|error| error.to_string())?;
        Ok(message)
    }
}
