//! What can go wrong when asking a REST API.

use libp2p::PeerId;

use crate::json::JsonError;

/// Why a request has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// The HTTP client could not be made.
    #[error("http client: {0}")]
    Client(String),
    /// No connection: nothing left this process.
    #[error("cannot connect to {url}: {reason}")]
    NotConnected {
        /// Address asked.
        url: String,
        /// What the operating system or TLS says.
        reason: String,
    },
    /// The connection broke, or the time was up, after the request may have left.
    #[error("no answer to {what}: {reason}")]
    NoAnswer {
        /// Method and path.
        what: String,
        /// Why.
        reason: String,
    },
    /// The answer is larger than it may be.
    #[error("answer to {what} is larger than {max_bytes} bytes")]
    TooLarge {
        /// Method and path.
        what: String,
        /// The limit.
        max_bytes: usize,
    },
    /// The answer is not what it should be.
    #[error("unreadable answer {status} to {what}: {error}")]
    Unreadable {
        /// Method and path.
        what: String,
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        error: JsonError,
    },
    /// There is no such endpoint: the service is not switched on, or this is something else.
    #[error("{what} is not served (HTTP {status}: {text})")]
    NotServed {
        /// Method and path.
        what: String,
        /// HTTP status.
        status: u16,
        /// What the node says about it, cut.
        text: String,
    },
    /// The node says that it is not ready.
    #[error("not ready (HTTP {status}: {text})")]
    NotReady {
        /// HTTP status.
        status: u16,
        /// What it says, cut.
        text: String,
    },
    /// HTTP 200, and yet the text is an error. nwaku does so for unknown errors (LD `filter/handlers.nim`,
    /// `convertErrorKindToHttpStatus`), go-waku when a part of a subscription failed (GO `filter.go`, `subscribe`).
    #[error("{what} was answered with HTTP {status}, but says {text:?}")]
    Contradiction {
        /// Method and path.
        what: String,
        /// HTTP status.
        status: u16,
        /// The text.
        text: String,
    },
    /// The node does not tell who it is.
    #[error("neither listenAddresses nor enrUri of {what} holds a peer id")]
    NoPeerId {
        /// Method and path.
        what: String,
    },
    /// The node's record names another cluster.
    #[error(
        "service node is on cluster {told}, this client on cluster {ours}: start this client with cluster id {told}, or \
         choose another service node"
    )]
    OtherCluster {
        /// Its cluster.
        told: u16,
        /// Ours.
        ours: u16,
    },
    /// Behind the address is another node than before.
    #[error("the node calls itself {told}, before it was {known}: its identity changed; give nodes a fixed key")]
    OtherPeer {
        /// Who it was.
        known: Box<PeerId>,
        /// Who it says it is.
        told: Box<PeerId>,
    },
}

impl RestError {
    /// Whether the node may have read the request, so that its effect is unknown.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer { .. } | Self::TooLarge { .. } | Self::Unreadable { .. } | Self::Contradiction { .. }
        )
    }

    /// Whether asking again later makes no sense.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::OtherPeer { .. } | Self::OtherCluster { .. })
    }
}

/// Why a poll gave no messages.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The node has no mailbox for this topic: it was restarted, or somebody took the subscription back.
    #[error("the node has no mailbox for this topic (HTTP {status}: {text})")]
    NotSubscribed {
        /// HTTP status: 400 from nwaku, 404 from go-waku.
        status: u16,
        /// What it says.
        text: String,
    },
    /// Everything else.
    #[error(transparent)]
    Rest(#[from] RestError),
}
