//! One light client over both transports.

use libp2p::PeerId;
use waku::net::{ClientConfig, LightClient};
use waku_rest::{RestClient, RestConfig, RestError, RestLightClient};

use super::{NodeEvents, NodeId, ServiceNode};

/// Why a client could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The libp2p part.
    #[error(transparent)]
    Libp2p(#[from] waku::net::client::StartError),
    /// The REST part.
    #[error(transparent)]
    Rest(#[from] RestError),
}

/// How the clients of a process reach their service nodes.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    rest: Option<(RestClient, RestConfig)>,
    needs_libp2p: bool,
}

impl TransportConfig {
    /// For these service nodes, and with `may_find_more` for others that are found later and speak libp2p; HTTP servers
    /// are told `agent`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(nodes: &[ServiceNode], may_find_more: bool, agent: &str, rest: RestConfig) -> Result<Self, StartError> {
        let is_rest = |node: &ServiceNode| matches!(node, ServiceNode::Rest(_));
        let rest = match nodes.iter().any(is_rest) {
            // One for all clients of the process, which then share its connections: HTTP knows no client identity.
            true => Some((RestClient::new(agent)?, rest)),
            false => None,
        };
        Ok(Self {
            rest,
            needs_libp2p: may_find_more || nodes.is_empty() || !nodes.iter().all(is_rest),
        })
    }
}

/// A light client over both transports, each as far as it is needed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transports {
    peer_id: PeerId,
    libp2p: Option<LightClient>,
    rest: Option<RestLightClient>,
}

impl Transports {
    /// Starts a client on the current tokio runtime. Its events must be read.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn start(client: ClientConfig, config: &TransportConfig) -> Result<(Self, NodeEvents), StartError> {
        let peer_id = client.keypair.public().to_peer_id();
        let (libp2p, libp2p_events) = match config.needs_libp2p {
            true => LightClient::start(client).map(|(client, events)| (Some(client), Some(events)))?,
            false => (None, None),
        };
        let started = config
            .rest
            .clone()
            .map(|(rest, config)| RestLightClient::start(rest, config));
        let (rest, rest_events) = started.unzip();
        let client = Self { peer_id, libp2p, rest };
        Ok((client, NodeEvents::new(libp2p_events, rest_events)))
    }

    /// The client's own peer id. REST knows no such thing.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// The libp2p part; there is one when any service node needs it.
    #[must_use]
    pub fn libp2p(&self) -> Option<&LightClient> {
        self.libp2p.as_ref()
    }

    /// The REST part; there is one when any service node needs it.
    #[must_use]
    pub fn rest(&self) -> Option<&RestLightClient> {
        self.rest.as_ref()
    }

    /// Connects, again and again.
    pub fn keep_connected(&self, node: ServiceNode) {
        match (node, &self.libp2p, &self.rest) {
            (ServiceNode::Libp2p(node), Some(client), _) => client.keep_connected(node),
            (ServiceNode::Rest(node), _, Some(client)) => client.keep_connected(node),
            (node, ..) => tracing::error!(%node, "no client for this transport was started"),
        }
    }

    /// Disconnects and stops dialling.
    pub fn forget(&self, peer: &NodeId) {
        match (peer, &self.libp2p, &self.rest) {
            (NodeId::Libp2p(peer), Some(client), _) => client.forget(*peer),
            (NodeId::Rest(node), _, Some(client)) => client.forget(node),
            _ => {}
        }
    }

    /// Closes all connections.
    pub async fn shutdown(&self) {
        if let Some(client) = &self.rest {
            client.shutdown();
        }
        if let Some(client) = &self.libp2p {
            client.shutdown().await;
        }
    }
}
