//! Who is subscribed to which shard, and how large the meshes are.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use libp2p::{PeerId, gossipsub::TopicHash};

/// A shard this node relays.
#[derive(Debug)]
struct Shard {
    topic: Arc<str>,
    subscribers: HashSet<PeerId>,
    mesh_count: u32,
}

/// The shards this node relays.
#[derive(Debug, Default)]
pub(super) struct Shards(HashMap<TopicHash, Shard>);

impl Shards {
    pub(super) fn new(topics: impl IntoIterator<Item = String>) -> Self {
        let shard = |topic: String| Shard {
            topic: topic.into(),
            subscribers: HashSet::new(),
            mesh_count: 0,
        };
        Self(
            topics
                .into_iter()
                .map(|topic| (TopicHash::from_raw(topic.clone()), shard(topic)))
                .collect(),
        )
    }

    /// The shared text of a topic; `None` when this node does not relay it.
    pub(super) fn topic(&self, hash: &TopicHash) -> Option<&Arc<str>> {
        self.0.get(hash).map(|shard| &shard.topic)
    }

    pub(super) fn topic_hashes(&self) -> Vec<TopicHash> {
        self.0.keys().cloned().collect()
    }

    pub(super) fn subscribed(&mut self, hash: &TopicHash, peer: PeerId) {
        if let Some(shard) = self.0.get_mut(hash) {
            shard.subscribers.insert(peer);
        }
    }

    pub(super) fn unsubscribed(&mut self, hash: &TopicHash, peer: PeerId) {
        if let Some(shard) = self.0.get_mut(hash) {
            shard.subscribers.remove(&peer);
        }
    }

    pub(super) fn disconnected(&mut self, peer: PeerId) {
        for shard in self.0.values_mut() {
            shard.subscribers.remove(&peer);
        }
    }

    /// Relay peers subscribed to a shard: those a message pushed here goes to.
    pub(super) fn subscribers(&self, hash: &TopicHash) -> Vec<PeerId> {
        self.0
            .get(hash)
            .map(|shard| shard.subscribers.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Notes a mesh size; the topic when it changed.
    pub(super) fn set_mesh_count(&mut self, hash: &TopicHash, count: u32) -> Option<Arc<str>> {
        let shard = self.0.get_mut(hash)?;
        (std::mem::replace(&mut shard.mesh_count, count) != count).then(|| shard.topic.clone())
    }

    /// The smallest mesh of all shards.
    pub(super) fn smallest_mesh(&self) -> u32 {
        self.0.values().map(|shard| shard.mesh_count).min().unwrap_or(0)
    }
}
