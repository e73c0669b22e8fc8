//! Starting the swarm task, and the services' way to it.

use std::{sync::Arc, time::Duration};

use event_log::EventLog;
use libp2p::{Multiaddr, PeerId};
use runtime::Shutdown;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};
use waku::net::{
    kept::KeptNodes,
    streams::{InboundStream, StreamControl},
    text::error_text,
};

use super::{
    behaviour::{self, BuildError},
    mesh::Shards,
    peers::Peers,
    task::Task,
};
use crate::{
    config::NodeConfig,
    delivery::{Delivery, PublishOutcome},
    filter::RecentHashes,
    metrics::Metrics,
};

/// Publish requests waiting for the swarm. A full queue holds back the lightpush handlers, each of which serves one
/// waiting client.
const PUBLISH_QUEUE: usize = 4096;

/// Pauses between dials of a static peer: short at first so that a fleet meshes at once, long for a dead peer.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Something the services ask of the network.
#[derive(Debug)]
pub(super) enum Command {
    Publish {
        delivery: Arc<Delivery>,
        reply: oneshot::Sender<PublishOutcome>,
    },
    Disconnect {
        peer: PeerId,
        reason: String,
    },
}

/// The services' way to the network; cheap to clone.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    commands: mpsc::Sender<Command>,
}

impl NetworkHandle {
    /// Hands a message to relay and, when it was accepted, to this node's own services.
    pub async fn publish(&self, delivery: Arc<Delivery>) -> PublishOutcome {
        let gone = || PublishOutcome::Failed("service node is shutting down".into());
        let (reply, outcome) = oneshot::channel();
        if self.commands.send(Command::Publish { delivery, reply }).await.is_err() {
            return gone();
        }
        outcome.await.unwrap_or_else(|_| gone())
    }

    /// Sends a peer away.
    pub async fn disconnect(&self, peer: PeerId, reason: String) {
        let _ = self.commands.send(Command::Disconnect { peer, reason }).await;
    }
}

/// What the services need of the network.
pub struct NetworkParts {
    /// Commands to it.
    pub handle: NetworkHandle,
    /// Opens streams to peers.
    pub streams: StreamControl,
    /// Streams peers opened.
    pub inbound: mpsc::Receiver<InboundStream>,
    /// Peers that have introduced themselves by identify.
    pub identified: mpsc::Receiver<PeerId>,
    /// Who is connected.
    pub peers: Peers,
    /// Full listen addresses so far.
    pub addresses: watch::Receiver<Vec<Multiaddr>>,
    /// The smallest mesh is as large as expected.
    pub is_meshed: watch::Receiver<bool>,
}

/// Takes a message that this node has accepted. Must not block: it runs on the swarm's task.
pub type Deliver = Box<dyn FnMut(&Arc<Delivery>) + Send>;

/// Starts the swarm task, which runs until `shutdown`.
///
/// # Errors
/// When the swarm cannot be set up or an address cannot be listened at.
pub fn start(
    config: &NodeConfig,
    log: EventLog,
    metrics: Arc<Metrics>,
    shutdown: Shutdown,
) -> Result<(NetworkParts, impl FnOnce(Deliver) -> JoinHandle<()>), StartError> {
    let (mut swarm, streams, inbound) = behaviour::build(config)?;
    for address in &config.listen {
        swarm.listen_on(address.clone()).map_err(|source| StartError::Listen {
            address: address.clone(),
            reason: error_text(&source),
        })?;
    }
    let (commands, command_queue) = mpsc::channel(PUBLISH_QUEUE);
    let (identified_tx, identified) = mpsc::channel(PUBLISH_QUEUE);
    let (addresses_tx, addresses) = watch::channel(Vec::new());
    let (is_meshed_tx, is_meshed) = watch::channel(config.expect_peers == 0);
    let peers = Peers::default();
    let mut kept = KeptNodes::new(BACKOFF_FIRST, BACKOFF_MAX);
    for peer in &config.static_peers {
        kept.keep(peer.clone(), Instant::now());
    }
    let handle = NetworkHandle { commands };
    let parts = NetworkParts {
        handle,
        streams,
        inbound,
        identified,
        peers: peers.clone(),
        addresses,
        is_meshed,
    };
    let config = config.clone();
    let run = move |deliver: Deliver| {
        let task = Task {
            swarm,
            commands: command_queue,
            shards: Shards::new(config.topics().iter().map(ToString::to_string)),
            kept,
            peers,
            addresses: addresses_tx,
            is_meshed: is_meshed_tx,
            identified: identified_tx,
            deliver,
            accepted_alone: RecentHashes::default(),
            log,
            metrics,
            config,
        };
        tokio::spawn(task.run(shutdown))
    };
    Ok((parts, run))
}

/// Why a node could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The swarm could not be set up.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An address is taken or not ours.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
}
