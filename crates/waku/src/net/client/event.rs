//! What a light client tells its owner.

use std::time::{Duration, SystemTime};

use libp2p::{Multiaddr, PeerId};

use crate::WakuMessage;

/// Something happened to a light client.
#[derive(Debug, Clone)]
pub enum ClientEvent {
    /// Connected, identified, and on our cluster: requests may go.
    Ready {
        /// The service node.
        peer: PeerId,
        /// Where it was reached.
        address: Multiaddr,
        /// Its agent string, as it claims.
        agent: Option<String>,
        /// The protocols it says it speaks.
        protocols: Vec<String>,
    },
    /// The connection is gone. A kept node is dialled again.
    Disconnected {
        /// The service node.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A dial or the introduction after it failed.
    DialFailed {
        /// The service node.
        peer: PeerId,
        /// Why, with the address.
        error: String,
        /// When it is tried again.
        retry_in: Option<Duration>,
    },
    /// The service node is not usable at all (other cluster, other identity) and is not dialled again.
    Refused {
        /// The service node.
        peer: PeerId,
        /// Why, and what to do.
        error: String,
    },
    /// A message arrived by filter.
    Push {
        /// The service node.
        peer: PeerId,
        /// The pubsub topic it names; empty when it names none.
        pubsub_topic: String,
        /// The message.
        message: WakuMessage,
        /// When its frame had been read.
        arrived: SystemTime,
    },
    /// A push frame could not be read, or its stream was refused; the stream was dropped.
    MalformedPush {
        /// The service node.
        peer: PeerId,
        /// What was wrong.
        error: String,
    },
}
