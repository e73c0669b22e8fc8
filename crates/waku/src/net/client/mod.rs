//! The light client: keeps connections to service nodes, asks them things, and hears what they push.

mod config;
mod driver;
mod error;
mod event;
mod inbound;
mod introduction;
mod known_peers;
mod requests;
mod store;

pub use config::{ClientConfig, ClientLimits};
pub use error::{RequestError, StartError};
pub use event::ClientEvent;
pub use requests::{ExchangedPeers, LightpushVersion, PushAnswer, metadata, peer_exchange};

use std::sync::Arc;

use libp2p::PeerId;
use tokio::sync::{mpsc, oneshot};

use self::{
    driver::{Command, Driver},
    known_peers::KnownPeers,
};
use super::streams::StreamControl;
use crate::ServiceNodeAddr;

/// A light client. Cheap to clone; the client ends when the last clone is dropped or [`LightClient::shutdown`] is
/// called.
#[derive(Debug, Clone)]
pub struct LightClient {
    peer_id: PeerId,
    commands: mpsc::UnboundedSender<Command>,
    streams: StreamControl,
    known: KnownPeers,
    limits: Arc<ClientLimits>,
}

impl LightClient {
    /// Starts a client on the current tokio runtime: one task for its swarm, one for inbound streams.
    ///
    /// The events must be read: the queue is bounded ([`ClientLimits::event_queue`]) and a full one holds back the
    /// service nodes' pushes.
    ///
    /// # Errors
    /// When the identity cannot be used.
    pub fn start(config: ClientConfig) -> Result<(Self, mpsc::Receiver<ClientEvent>), StartError> {
        let peer_id = config.keypair.public().to_peer_id();
        let limits = Arc::new(config.limits.clone());
        let known = KnownPeers::default();
        // Unbounded: only our own code sends here, a handful of commands in a client's life.
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (events, event_queue) = mpsc::channel(limits.event_queue);
        let (driver, streams, inbound_streams) = Driver::new(&config, known.clone(), command_queue, events.clone())?;
        tokio::spawn(inbound::serve(
            inbound_streams,
            config.cluster_id,
            config.shards,
            events,
        ));
        let client = Self {
            peer_id,
            commands,
            streams: streams.clone(),
            known,
            limits,
        };
        tokio::spawn(driver.run(streams));
        Ok((client, event_queue))
    }

    /// This client's peer id.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Dials a service node and dials it again whenever it is lost, until [`LightClient::forget`]. Progress is told by
    /// [`ClientEvent`]s; requests may go from [`ClientEvent::Ready`] on.
    pub fn keep_connected(&self, node: ServiceNodeAddr) {
        let _ = self.commands.send(Command::Keep(node));
    }

    /// Closes the connection to a service node and stops dialling it.
    pub fn forget(&self, peer: PeerId) {
        let _ = self.commands.send(Command::Forget(peer));
    }

    /// Closes all connections and waits until they are closed, or a second has passed.
    pub async fn shutdown(&self) {
        let (done, closed) = oneshot::channel();
        if self.commands.send(Command::Shutdown(done)).is_ok() {
            let _ = closed.await;
        }
    }
}
