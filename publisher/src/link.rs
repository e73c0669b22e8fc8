//! The publisher's view of a light client: what the engine needs of it, so that tests can stand in for the network.

use std::future::Future;

use libp2p::PeerId;
use waku::{
    ServiceNodeAddr, WakuMessage,
    net::{LightClient, LightpushVersion, PushAnswer},
};

use crate::retry::Outcome;

/// Something that pushes messages and keeps connections.
pub trait Link: Clone + Send + Sync + 'static {
    /// Pushes one message and returns the answer, whatever its status.
    ///
    /// # Errors
    /// [`Outcome::NoAnswer`] or [`Outcome::NotSent`].
    fn push(
        &self,
        peer: PeerId,
        pubsub_topic: &str,
        message: &WakuMessage,
    ) -> impl Future<Output = Result<PushAnswer, Outcome>> + Send;

    /// Connects, again and again.
    fn keep_connected(&self, node: ServiceNodeAddr);

    /// Disconnects and stops dialling.
    fn forget(&self, peer: PeerId);
}

/// A light client that speaks one lightpush version.
#[derive(Debug, Clone)]
pub struct ClientLink {
    /// The client.
    pub client: LightClient,
    /// The version.
    pub version: LightpushVersion,
}

impl Link for ClientLink {
    async fn push(&self, peer: PeerId, pubsub_topic: &str, message: &WakuMessage) -> Result<PushAnswer, Outcome> {
        self.client
            .lightpush(peer, self.version, pubsub_topic, message)
            .await
            .map_err(|error| {
                if error.may_have_arrived() {
                    Outcome::NoAnswer(error.to_string())
                } else {
                    Outcome::NotSent(error.to_string())
                }
            })
    }

    fn keep_connected(&self, node: ServiceNodeAddr) {
        self.client.keep_connected(node);
    }

    fn forget(&self, peer: PeerId) {
        self.client.forget(peer);
    }
}
