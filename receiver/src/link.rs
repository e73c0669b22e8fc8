//! The receiver's view of a light client: what the engine needs of it, so that tests can stand in for the network.

use std::future::Future;

use libp2p::PeerId;
use waku::{ServiceNodeAddr, Status, net::LightClient};

/// Something that subscribes and keeps connections. Every answer comes back as its status; errors are texts for the log.
pub trait Link: Clone + Send + Sync + 'static {
    /// Subscribes to content topics of one pubsub topic.
    fn subscribe(
        &self,
        peer: PeerId,
        pubsub_topic: &str,
        content_topics: &[String],
    ) -> impl Future<Output = Result<Status, String>> + Send;

    /// Asks whether the subscription still stands.
    fn ping(&self, peer: PeerId) -> impl Future<Output = Result<Status, String>> + Send;

    /// Takes every subscription back.
    fn unsubscribe_all(&self, peer: PeerId) -> impl Future<Output = Result<Status, String>> + Send;

    /// Connects, again and again.
    fn keep_connected(&self, node: ServiceNodeAddr);

    /// Disconnects and stops dialling.
    fn forget(&self, peer: PeerId);
}

impl Link for LightClient {
    async fn subscribe(&self, peer: PeerId, pubsub_topic: &str, content_topics: &[String]) -> Result<Status, String> {
        self.filter_subscribe(peer, pubsub_topic, content_topics)
            .await
            .map_err(|error| error.to_string())
    }

    async fn ping(&self, peer: PeerId) -> Result<Status, String> {
        self.filter_ping(peer).await.map_err(|error| error.to_string())
    }

    async fn unsubscribe_all(&self, peer: PeerId) -> Result<Status, String> {
        self.filter_unsubscribe_all(peer)
            .await
            .map_err(|error| error.to_string())
    }

    fn keep_connected(&self, node: ServiceNodeAddr) {
        Self::keep_connected(self, node);
    }

    fn forget(&self, peer: PeerId) {
        Self::forget(self, peer);
    }
}
