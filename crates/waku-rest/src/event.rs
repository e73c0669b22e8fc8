//! What a REST light client tells its owner; the counterpart of [`waku::net::ClientEvent`].

use std::time::{Duration, SystemTime};

use waku::WakuMessage;

use crate::RestNode;

/// Something happened.
#[derive(Debug, Clone)]
pub enum RestEvent {
    /// The node told who it is and serves what is needed: requests may go.
    Ready {
        /// The service node; its peer id is known from now on.
        node: RestNode,
        /// Its version text, as it claims.
        agent: Option<String>,
        /// The libp2p protocol ids that correspond to the endpoints it serves.
        protocols: Vec<String>,
    },
    /// The node does not answer any more. It is asked again.
    Disconnected {
        /// The service node.
        node: RestNode,
        /// Why.
        reason: String,
    },
    /// The introduction failed.
    DialFailed {
        /// The service node.
        node: RestNode,
        /// Why.
        error: String,
        /// When it is tried again.
        retry_in: Option<Duration>,
    },
    /// The node is not usable at all and is not asked again.
    Refused {
        /// The service node.
        node: RestNode,
        /// Why, and what to do.
        error: String,
    },
    /// The node has forgotten the subscription.
    Forgotten {
        /// The service node.
        node: RestNode,
        /// What it says.
        error: String,
    },
    /// A message was in the mailbox.
    Push {
        /// The service node.
        node: RestNode,
        /// The pubsub topic it was subscribed on; the answer itself names none.
        pubsub_topic: String,
        /// The message.
        message: WakuMessage,
        /// When the poll had been read.
        arrived: SystemTime,
    },
    /// One entry of a poll is no message.
    Malformed {
        /// The service node.
        node: RestNode,
        /// What is wrong.
        error: String,
    },
    /// Messages may have been lost on the way from the node's mailbox to here.
    AtRisk {
        /// The service node.
        node: RestNode,
        /// The topic polled; `None` for all of them, which nwaku keeps in one cache.
        content_topic: Option<String>,
        /// How.
        risk: Risk,
    },
}

/// How messages may have been lost between two polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risk {
    /// The mailbox was full: older messages may have been thrown away.
    CacheFull {
        /// Messages that were in it, or that its mailboxes gave in one round.
        messages: usize,
        /// What it holds.
        capacity: usize,
    },
    /// A poll empties the mailbox, and the answer to one did not arrive.
    NoAnswer {
        /// Why.
        error: String,
    },
}
