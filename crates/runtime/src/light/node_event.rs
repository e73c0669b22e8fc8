//! What happens at service nodes, whatever the transport.

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use waku::{WakuMessage, net::ClientEvent};
use waku_rest::{RestEvent, Risk};

use super::NodeId;

/// Something happened to a light client; see [`ClientEvent`] and [`RestEvent`], which it unites.
#[derive(Debug, Clone)]
pub enum NodeEvent {
    /// Requests may go.
    Ready {
        /// The service node.
        peer: NodeId,
        /// Where it was reached.
        address: String,
        /// Its agent string or version, as it claims.
        agent: Option<String>,
        /// The libp2p protocols it serves, or those that correspond to its endpoints.
        protocols: Vec<String>,
    },
    /// The connection is gone. A kept node is dialled again.
    Disconnected {
        /// The service node.
        peer: NodeId,
        /// Why.
        reason: String,
    },
    /// A dial or the introduction after it failed.
    DialFailed {
        /// The service node.
        peer: NodeId,
        /// Why.
        error: String,
        /// When it is tried again.
        retry_in: Option<Duration>,
    },
    /// The service node is not usable at all and is not dialled again.
    Refused {
        /// The service node.
        peer: NodeId,
        /// Why, and what to do.
        error: String,
    },
    /// The service node has forgotten the subscription.
    Forgotten {
        /// The service node.
        peer: NodeId,
        /// What it says.
        error: String,
    },
    /// A message arrived by filter.
    Push {
        /// The service node.
        peer: NodeId,
        /// The pubsub topic it names; empty when it names none.
        pubsub_topic: String,
        /// The message.
        message: WakuMessage,
        /// When its frame, or the answer to the poll, had been read.
        arrived: SystemTime,
    },
    /// A pushed frame, or an entry of a poll, could not be read.
    MalformedPush {
        /// The service node.
        peer: NodeId,
        /// What was wrong.
        error: String,
    },
    /// Messages may have been lost between two polls.
    AtRisk {
        /// The service node.
        peer: NodeId,
        /// The topic polled; `None` for all of them.
        content_topic: Option<String>,
        /// How.
        risk: Risk,
    },
}

impl From<ClientEvent> for NodeEvent {
    fn from(event: ClientEvent) -> Self {
        match event {
            ClientEvent::Ready {
                peer,
                address,
                agent,
                protocols,
            } => Self::Ready {
                peer: peer.into(),
                address: address.to_string(),
                agent,
                protocols,
            },
            ClientEvent::Disconnected { peer, reason } => Self::Disconnected {
                peer: peer.into(),
                reason,
            },
            ClientEvent::DialFailed { peer, error, retry_in } => Self::DialFailed {
                peer: peer.into(),
                error,
                retry_in,
            },
            ClientEvent::Refused { peer, error } => Self::Refused {
                peer: peer.into(),
                error,
            },
            ClientEvent::Push {
                peer,
                pubsub_topic,
                message,
                arrived,
            } => Self::Push {
                peer: peer.into(),
                pubsub_topic,
                message,
                arrived,
            },
            ClientEvent::MalformedPush { peer, error } => Self::MalformedPush {
                peer: peer.into(),
                error,
            },
        }
    }
}

impl From<RestEvent> for NodeEvent {
    fn from(event: RestEvent) -> Self {
        let peer = NodeId::Rest;
        match event {
            RestEvent::Ready { node, agent, protocols } => Self::Ready {
                address: node.to_string(),
                peer: peer(node),
                agent,
                protocols,
            },
            RestEvent::Disconnected { node, reason } => Self::Disconnected {
                peer: peer(node),
                reason,
            },
            RestEvent::DialFailed { node, error, retry_in } => Self::DialFailed {
                peer: peer(node),
                error,
                retry_in,
            },
            RestEvent::Refused { node, error } => Self::Refused {
                peer: peer(node),
                error,
            },
            RestEvent::Forgotten { node, error } => Self::Forgotten {
                peer: peer(node),
                error,
            },
            RestEvent::Push {
                node,
                pubsub_topic,
                message,
                arrived,
            } => Self::Push {
                peer: peer(node),
                pubsub_topic,
                message,
                arrived,
            },
            RestEvent::Malformed { node, error } => Self::MalformedPush {
                peer: peer(node),
                error,
            },
            RestEvent::AtRisk {
                node,
                content_topic,
                risk,
            } => Self::AtRisk {
                peer: peer(node),
                content_topic,
                risk,
            },
        }
    }
}

/// The events of one client over both transports.
#[derive(Debug)]
pub struct NodeEvents {
    libp2p: Option<mpsc::Receiver<ClientEvent>>,
    rest: Option<mpsc::Receiver<RestEvent>>,
}

impl NodeEvents {
    /// Reads both queues, as far as they are there.
    #[must_use]
    pub fn new(libp2p: Option<mpsc::Receiver<ClientEvent>>, rest: Option<mpsc::Receiver<RestEvent>>) -> Self {
        Self { libp2p, rest }
    }

    /// The next event; `None` when both transports have ended. Nothing is lost when the future is dropped.
    pub async fn recv(&mut self) -> Option<NodeEvent> {
        let Self { libp2p, rest } = self;
        // A queue that has ended only disables its own branch.
        tokio::select! {
            Some(event) = next(libp2p) => Some(event.into()),
            Some(event) = next(rest) => Some(event.into()),
            else => None,
        }
    }

    /// An event that is there already.
    pub fn try_recv(&mut self) -> Option<NodeEvent> {
        let libp2p = self.libp2p.as_mut().and_then(|queue| queue.try_recv().ok());
        libp2p.map(NodeEvent::from).or_else(|| {
            let rest = self.rest.as_mut().and_then(|queue| queue.try_recv().ok());
            rest.map(NodeEvent::from)
        })
    }
}

async fn next<T>(queue: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    queue.as_mut()?.recv().await
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    #[tokio::test]
    async fn either_queue_may_end_first_and_both_end_the_events() {
        for rest_first in [true, false] {
            let (libp2p, libp2p_queue) = mpsc::channel(2);
            let (rest, rest_queue) = mpsc::channel(2);
            let mut events = NodeEvents::new(Some(libp2p_queue), Some(rest_queue));
            let lost = ClientEvent::Disconnected {
                peer: PeerId::random(),
                reason: "a".into(),
            };
            let node = "http://127.0.0.1:1".parse().expect("valid");
            let gone = RestEvent::Disconnected {
                node,
                reason: "b".into(),
            };
            if rest_first {
                drop(rest);
                libp2p.send(lost).await.expect("open");
                assert!(matches!(events.recv().await, Some(NodeEvent::Disconnected { reason, .. }) if reason == "a"));
                drop(libp2p);
            } else {
                drop(libp2p);
                rest.send(gone).await.expect("open");
                assert!(matches!(events.recv().await, Some(NodeEvent::Disconnected { reason, .. }) if reason == "b"));
                drop(rest);
            }
            assert!(events.recv().await.is_none());
            assert!(events.try_recv().is_none());
        }
    }
}
