//! A service node as a light client uses it: over libp2p or over REST.

use std::{fmt, str::FromStr};

use event_log::event::Transport;
use libp2p::PeerId;
use waku::{AddressError, ServiceNodeAddr};
use waku_rest::{RestAddressError, RestNode};

/// Why a text names no service node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceNodeError {
    /// No multiaddr and no ENR.
    #[error("{0}; or give the address of its REST API, http://host:port")]
    Libp2p(#[from] AddressError),
    /// No address of a REST API.
    #[error(transparent)]
    Rest(#[from] RestAddressError),
}

/// Where a service node is, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceNode {
    /// The Waku protocols over libp2p.
    Libp2p(ServiceNodeAddr),
    /// Its REST API.
    Rest(RestNode),
}

impl ServiceNode {
    /// Who it is.
    #[must_use]
    pub fn id(&self) -> NodeId {
        match self {
            Self::Libp2p(address) => NodeId::Libp2p(address.peer_id),
            Self::Rest(node) => NodeId::Rest(node.clone()),
        }
    }
}

impl From<ServiceNodeAddr> for ServiceNode {
    fn from(address: ServiceNodeAddr) -> Self {
        Self::Libp2p(address)
    }
}

impl FromStr for ServiceNode {
    type Err = ServiceNodeError;

    fn from_str(text: &str) -> Result<Self, ServiceNodeError> {
        let scheme = text
            .trim()
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => Ok(Self::Rest(text.parse()?)),
            _ => Ok(Self::Libp2p(text.parse()?)),
        }
    }
}

impl fmt::Display for ServiceNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libp2p(address) => address.fmt(f),
            Self::Rest(node) => node.fmt(f),
        }
    }
}

/// One service node over one transport. The same node over the other is another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeId {
    /// Over libp2p, by its peer id.
    Libp2p(PeerId),
    /// Over REST, by its address.
    Rest(RestNode),
}

impl NodeId {
    /// How it is spoken to.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Libp2p(_) => Transport::Libp2p,
            Self::Rest(_) => Transport::Rest,
        }
    }
}

impl From<PeerId> for NodeId {
    fn from(peer: PeerId) -> Self {
        Self::Libp2p(peer)
    }
}

impl fmt::Display for NodeId {
    /// The name in logs: the peer id, and the address of a REST API that has not told it yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libp2p(peer) => peer.fmt(f),
            Self::Rest(node) => match node.peer_id() {
                Some(peer) => peer.fmt(f),
                None => node.fmt(f),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_tells_the_transport() {
        let peer = PeerId::random();
        let libp2p: ServiceNode = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}").parse().expect("valid");
        assert_eq!(libp2p.id(), peer.into());
        let rest: ServiceNode = "HTTP://127.0.0.1:8645/".parse().expect("valid");
        assert_eq!(rest.id().transport(), Transport::Rest);
        assert_eq!(rest.to_string(), "http://127.0.0.1:8645");
        let error = "127.0.0.1:8645"
            .parse::<ServiceNode>()
            .expect_err("no form")
            .to_string();
        assert!(
            error.contains("multiaddr") && error.contains("http://host:port"),
            "{error}"
        );
        let error = "http://u:p@h"
            .parse::<ServiceNode>()
            .expect_err("credentials")
            .to_string();
        assert!(error.contains("user name or password"), "{error}");
    }

    #[test]
    fn a_rest_node_is_called_by_its_peer_id_once_that_is_known() {
        let rest: RestNode = "http://127.0.0.1:8645".parse().expect("valid");
        let id = NodeId::Rest(rest.clone());
        assert_eq!(id.to_string(), "http://127.0.0.1:8645");
        let peer = PeerId::random();
        rest.learn_peer_id(peer).expect("the first");
        assert_eq!(id.to_string(), peer.to_string());
        assert_ne!(id, NodeId::Libp2p(peer), "two transports of one node are told apart");
    }
}
