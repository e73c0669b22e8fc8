//! What can go wrong when starting a client or asking a service node.

use libp2p::{PeerId, core::upgrade::NegotiationError};

use crate::{
    frame::FrameError,
    net::{streams::OpenError, transport::TransportError},
};

/// Why a client could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The identity is of no use for the transport.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no usable connection.
    #[error("not connected to service node {peer}")]
    NotConnected {
        /// The service node.
        peer: PeerId,
    },
    /// The service node does not speak the protocol.
    #[error("service node {peer} does not support {protocol}")]
    Unsupported {
        /// The service node.
        peer: PeerId,
        /// Protocol id.
        protocol: &'static str,
    },
    /// The stream could not be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The request is too large or the connection broke while writing it.
    #[error("request not written: {0}")]
    Write(#[source] FrameError),
    /// The connection broke, or the answer was malformed.
    #[error("no readable answer: {0}")]
    Read(#[source] FrameError),
    /// No answer within the deadline.
    #[error("no answer within {after_ms} ms")]
    TimedOut {
        /// The deadline.
        after_ms: u128,
        /// Whether writing the request had begun.
        sent: bool,
    },
    /// The answer is for another request, or lacks what makes it one.
    #[error("answer does not fit the request: {what}")]
    Mismatch {
        /// What does not fit.
        what: String,
    },
}

impl RequestError {
    /// Whether the service node may have read the request, so that its effect is unknown.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::NotConnected { .. } | Self::Unsupported { .. } | Self::Open(_) => false,
            Self::Write(error) => !matches!(error, FrameError::TooLarge { .. }),
            Self::TimedOut { sent, .. } => *sent,
            Self::Read(_) | Self::Mismatch { .. } => true,
        }
    }
}

/// Whether an I/O error is the late discovery of lazy negotiation that the peer lacks the protocol.
pub(crate) fn is_unsupported(error: &FrameError) -> bool {
    let FrameError::Io(error) = error else { return false };
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<NegotiationError>())
        .is_some_and(|inner| matches!(inner, NegotiationError::Failed))
}
