//! The receiver's view of a light client: what the engine needs of it, so that tests can stand in for the network.

use std::future::Future;

use runtime::light::{NodeId, ServiceNode, Transports};
use waku::Status;

/// Something that subscribes and keeps connections. Every answer comes back as its status; errors are texts for the log.
pub trait Link: Clone + Send + Sync + 'static {
    /// Subscribes to content topics of one pubsub topic.
    fn subscribe(
        &self,
        peer: &NodeId,
        pubsub_topic: &str,
        content_topics: &[String],
    ) -> impl Future<Output = Result<Status, String>> + Send;

    /// Asks whether the subscription still stands.
    fn ping(&self, peer: &NodeId) -> impl Future<Output = Result<Status, String>> + Send;

    /// Takes every subscription of this client back.
    fn unsubscribe_all(&self, peer: &NodeId) -> impl Future<Output = Result<Status, String>> + Send;

    /// Connects, again and again.
    fn keep_connected(&self, node: ServiceNode);

    /// Disconnects and stops dialling.
    fn forget(&self, peer: &NodeId);
}

impl Link for Transports {
    async fn subscribe(&self, peer: &NodeId, pubsub_topic: &str, content_topics: &[String]) -> Result<Status, String> {
        match (peer, self.libp2p(), self.rest()) {
            (NodeId::Libp2p(peer), Some(client), _) => {
                text(client.filter_subscribe(*peer, pubsub_topic, content_topics).await)
            }
            (NodeId::Rest(node), _, Some(client)) => text(client.subscribe(node, pubsub_topic, content_topics).await),
            _ => Err(no_client(peer)),
        }
    }

    async fn ping(&self, peer: &NodeId) -> Result<Status, String> {
        match (peer, self.libp2p(), self.rest()) {
            (NodeId::Libp2p(peer), Some(client), _) => text(client.filter_ping(*peer).await),
            (NodeId::Rest(node), _, Some(client)) => text(client.ping(node).await),
            _ => Err(no_client(peer)),
        }
    }

    async fn unsubscribe_all(&self, peer: &NodeId) -> Result<Status, String> {
        match (peer, self.libp2p(), self.rest()) {
            (NodeId::Libp2p(peer), Some(client), _) => text(client.filter_unsubscribe_all(*peer).await),
            // "All" would take the subscriptions of the node's other users, too.
            (NodeId::Rest(node), _, Some(client)) => text(client.unsubscribe_own(node).await),
            _ => Err(no_client(peer)),
        }
    }

    fn keep_connected(&self, node: ServiceNode) {
        Self::keep_connected(self, node);
    }

    fn forget(&self, peer: &NodeId) {
        Self::forget(self, peer);
    }
}

fn text<E: std::fmt::Display>(answer: Result<Status, E>) -> Result<Status, String> {
    answer.map_err(|error| error.to_string())
}

fn no_client(peer: &NodeId) -> String {
    format!("no client for {peer} was started")
}
