//! gossipsub whose connections do not go deaf.
//!
//! rust-libp2p's gossipsub counts the streams of a connection and switches itself off, silently and for good, at the
//! fifth in either direction. nwaku resets a quiet stream every 5 to 10 minutes and opens another, so a relay link to
//! it would die after 20 to 40 quiet minutes. [`Relay`] gives a connection a fresh gossipsub handler before the old one
//! has used up its streams. Handlers of one peer share that peer's message queue, so nothing is lost at the change.

use std::{
    collections::VecDeque,
    fmt,
    ops::{Deref, DerefMut},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    gossipsub,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};

use super::renewing_handler::RenewingHandler;

/// gossipsub's own handler for one connection.
pub(super) type InnerHandler = THandler<gossipsub::Behaviour>;

/// What a handler tells the behaviour.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every value is the large one, and each is moved on at once"
)]
pub enum FromHandler {
    /// gossipsub's own event.
    Inner(THandlerOutEvent<gossipsub::Behaviour>),
    /// The streams of the current handler are nearly used up.
    NeedSpare,
}

/// What the behaviour tells a handler.
pub enum ToHandler {
    /// gossipsub's own event.
    Inner(THandlerInEvent<gossipsub::Behaviour>),
    /// A handler to go on with.
    Spare(Box<InnerHandler>),
}

impl fmt::Debug for ToHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(event) => f.debug_tuple("Inner").field(event).finish(),
            Self::Spare(_) => f.write_str("Spare"),
        }
    }
}

/// A gossipsub behaviour with handlers that renew themselves. Dereferences to gossipsub.
pub struct Relay {
    gossipsub: gossipsub::Behaviour,
    /// gossipsub lists its connections by id; a spare handler is registered under an id no real connection will have.
    last_spare_id: usize,
    spares: VecDeque<(PeerId, ConnectionId, Box<InnerHandler>)>,
    renewals: u64,
}

impl Relay {
    /// Wraps a gossipsub behaviour.
    #[must_use]
    pub fn new(gossipsub: gossipsub::Behaviour) -> Self {
        Self {
            gossipsub,
            last_spare_id: usize::MAX,
            spares: VecDeque::new(),
            renewals: 0,
        }
    }

    /// How many fresh handlers have been given out.
    #[must_use]
    pub fn renewals(&self) -> u64 {
        self.renewals
    }

    fn make_spare(&mut self, peer: PeerId, connection: ConnectionId) -> Result<(), ConnectionDenied> {
        let id = ConnectionId::new_unchecked(self.last_spare_id);
        self.last_spare_id -= 1;
        let nowhere = Multiaddr::empty();
        let spare = self
            .gossipsub
            .handle_established_inbound_connection(id, peer, &nowhere, &nowhere)?;
        self.spares.push_back((peer, connection, Box::new(spare)));
        self.renewals += 1;
        Ok(())
    }
}

impl Deref for Relay {
    type Target = gossipsub::Behaviour;

    fn deref(&self) -> &Self::Target {
        &self.gossipsub
    }
}

impl DerefMut for Relay {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.gossipsub
    }
}

impl NetworkBehaviour for Relay {
    type ConnectionHandler = RenewingHandler;
    type ToSwarm = gossipsub::Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gossipsub
            .handle_established_inbound_connection(id, peer, local, remote)
            .map(RenewingHandler::new)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.gossipsub
            .handle_established_outbound_connection(id, peer, address, role, port_use)
            .map(RenewingHandler::new)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.gossipsub.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {
            FromHandler::Inner(event) => self.gossipsub.on_connection_handler_event(peer, connection, event),
            FromHandler::NeedSpare => {
                if let Err(error) = self.make_spare(peer, connection) {
                    tracing::warn!(%peer, %error, "relay link cannot be renewed and will go quiet");
                }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some((peer_id, connection, spare)) = self.spares.pop_front() {
            let handler = NotifyHandler::One(connection);
            return Poll::Ready(ToSwarm::NotifyHandler {
                peer_id,
                handler,
                event: ToHandler::Spare(spare),
            });
        }
        self.gossipsub.poll(cx).map(|event| event.map_in(ToHandler::Inner))
    }
}
