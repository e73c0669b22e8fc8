//! A message on its way from the network to the node's own services.

use std::sync::Arc;

use bytes::Bytes;
use libp2p::PeerId;
use waku::{MessageHash, WakuMessage, message_hash};

/// A valid message that this node has just accepted, from a light client or from the mesh. Shared, never copied.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Pubsub topic.
    pub pubsub_topic: Arc<str>,
    /// The message.
    pub message: WakuMessage,
    /// Its deterministic hash on that topic.
    pub hash: MessageHash,
    /// The encoded message as it is on the mesh.
    pub encoded: Bytes,
}

impl Delivery {
    /// Computes the hash.
    #[must_use]
    pub fn new(pubsub_topic: Arc<str>, message: WakuMessage, encoded: Bytes) -> Self {
        let hash = message_hash(&pubsub_topic, &message);
        Self {
            pubsub_topic,
            message,
            hash,
            encoded,
        }
    }

    /// Payload size, bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.message.payload().len() as u64
    }

    /// Content topic; empty when the message has none.
    #[must_use]
    pub fn content_topic(&self) -> &str {
        self.message.content_topic()
    }
}

/// What became of a message handed to relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishOutcome {
    /// Queued to these relay peers; none only on a standalone node.
    Sent(Vec<PeerId>),
    /// No relay peer is subscribed to the shard.
    NoPeers,
    /// The same bytes were seen within the last two minutes.
    Duplicate,
    /// This node does not relay the shard.
    UnsupportedTopic,
    /// Every relay peer's queue is full.
    QueuesFull,
    /// gossipsub says something else.
    Failed(String),
}

/// Longest text of a peer in one field of the event log. Topics in use have below 100 bytes, and a line with a message's
/// worth of topic would be longer than readers of the log take.
const LOGGED_TEXT_MAX_BYTES: usize = 256;

/// A peer's text for the event log, cut when it is too long to be honest.
#[must_use]
pub(crate) fn log_text(text: &str) -> String {
    text[..text.floor_char_boundary(LOGGED_TEXT_MAX_BYTES)].to_owned()
}

/// A hash as event logs have it. The two crates do not know each other.
#[must_use]
pub(crate) fn log_hash(hash: MessageHash) -> event_log::MessageHash {
    event_log::MessageHash(hash.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_text_is_cut_between_characters() {
        assert_eq!(log_text("/a/1/b/proto"), "/a/1/b/proto");
        assert_eq!(log_text(&"€".repeat(100)), "€".repeat(85));
    }
}
