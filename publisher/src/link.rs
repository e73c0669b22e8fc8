//! The publisher's view of a light client: what the engine needs of it, so that tests can stand in for the network.

use std::future::Future;

use runtime::light::{NodeId, ServiceNode, Transports};
use waku::{
    WakuMessage,
    net::{LightpushVersion, PushAnswer},
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
        peer: &NodeId,
        pubsub_topic: &str,
        message: &WakuMessage,
    ) -> impl Future<Output = Result<PushAnswer, Outcome>> + Send;

    /// Connects, again and again.
    fn keep_connected(&self, node: ServiceNode);

    /// Disconnects and stops dialling.
    fn forget(&self, peer: &NodeId);
}

/// A light client that speaks one lightpush version.
#[derive(Debug, Clone)]
pub struct ClientLink {
    /// The client.
    pub client: Transports,
    /// The version.
    pub version: LightpushVersion,
}

impl Link for ClientLink {
    async fn push(&self, peer: &NodeId, pubsub_topic: &str, message: &WakuMessage) -> Result<PushAnswer, Outcome> {
        match (peer, self.client.libp2p(), self.client.rest()) {
            (NodeId::Libp2p(peer), Some(client), _) => client
                .lightpush(*peer, self.version, pubsub_topic, message)
                .await
                .map_err(|error| failure(error.may_have_arrived(), &error)),
            (NodeId::Rest(node), _, Some(client)) => client
                .push(node, self.version, pubsub_topic, message)
                .await
                .map_err(|error| failure(error.may_have_arrived(), &error)),
            _ => Err(Outcome::NotSent(format!("no client for {peer} was started"))),
        }
    }

    fn keep_connected(&self, node: ServiceNode) {
        self.client.keep_connected(node);
    }

    fn forget(&self, peer: &NodeId) {
        self.client.forget(peer);
    }
}

fn failure(may_have_arrived: bool, error: &dyn std::fmt::Display) -> Outcome {
    let text = error.to_string();
    match may_have_arrived {
        true => Outcome::NoAnswer(text),
        false => Outcome::NotSent(text),
    }
}
