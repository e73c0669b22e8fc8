//! Everything the node's swarm speaks.

use std::time::Duration;

use libp2p::{
    StreamProtocol, Swarm, identify, ping,
    swarm::{self, NetworkBehaviour},
};
use tokio::sync::mpsc;
use waku::{
    net::{
        streams::{self, InboundStream, StreamControl},
        transport::{self, IDENTIFY_PROTOCOL_VERSION, IDLE_CONNECTION_TIMEOUT, NEGOTIATING_STREAMS, TransportError},
    },
    wire::protocol_id,
};

use crate::{
    config::NodeConfig,
    limits,
    relay::{self, Relay, RelayConfigError},
};

/// Inbound streams waiting for a handler. A burst of 1,000 clients that ask for metadata and subscribe must fit.
const INBOUND_QUEUE: usize = 8192;

/// Time between pings; nwaku closes a connection that was silent for 5 to 10 minutes.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a peer may take to answer a ping before the connection counts as dead.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// All behaviours of the node. The limits come first: they must be asked before anything else holds the connection.
#[derive(NetworkBehaviour)]
pub(super) struct NodeBehaviour {
    pub(super) limits: limits::Behaviour,
    pub(super) relay: Relay,
    pub(super) streams: streams::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
}

/// Why the swarm could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The identity is of no use.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Relay refuses its parameters.
    #[error(transparent)]
    Relay(#[from] RelayConfigError),
}

pub(super) type Built = (Swarm<NodeBehaviour>, StreamControl, mpsc::Receiver<InboundStream>);

/// Assembles the swarm. Protocols are listed in identify from the first moment: peers choose and keep us by them.
pub(super) fn build(config: &NodeConfig) -> Result<Built, BuildError> {
    let mut served = vec![protocol_id::METADATA, protocol_id::PEER_EXCHANGE];
    if config.serves_lightpush {
        served.extend([protocol_id::LIGHTPUSH_V3, protocol_id::LIGHTPUSH_V2]);
    }
    if config.serves_filter {
        served.push(protocol_id::FILTER_SUBSCRIBE);
    }
    if config.store.is_some() {
        served.push(protocol_id::STORE_QUERY);
    }
    let served = served.into_iter().map(StreamProtocol::new).collect();
    let (streams, control, inbound) = streams::new(served, INBOUND_QUEUE);
    let identify = identify::Config::new(IDENTIFY_PROTOCOL_VERSION.into(), config.keypair.public())
        .with_agent_version(config.agent.clone())
        .with_cache_size(0);
    let behaviour = NodeBehaviour {
        limits: limits::Behaviour::new(config.connections.clone()),
        relay: Relay::new(relay::new_behaviour(&config.relay, &config.topics())?),
        streams,
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(
            ping::Config::new()
                .with_interval(PING_INTERVAL)
                .with_timeout(PING_TIMEOUT),
        ),
    };
    // Plain negotiation, unlike the light client's: gossipsub must learn at once that a light client does not relay.
    let swarm_config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE_CONNECTION_TIMEOUT)
        .with_max_negotiating_inbound_streams(NEGOTIATING_STREAMS);
    let peer_id = config.keypair.public().to_peer_id();
    Ok((
        Swarm::new(transport::build(&config.keypair)?, behaviour, peer_id, swarm_config),
        control,
        inbound,
    ))
}
