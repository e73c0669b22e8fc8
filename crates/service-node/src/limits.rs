//! How many connections the node takes, in all, per IP address, and per peer.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    net::IpAddr,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
        ToSwarm, dummy,
    },
};

/// The limits. nwaku disconnects the *oldest* peer of a crowded address; we refuse the newest, so that a client which
/// works is not thrown out by one that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Most connections, both directions, those being set up included.
    pub max_connections: usize,
    /// Most inbound connections from one IP address, those being set up included; 0 = no limit. nwaku's default is 5,
    /// which is too few for a fleet of clients on one machine.
    pub max_connections_per_ip: usize,
    /// Most connections with one peer, both directions. Two, because both sides may dial at the same time; one of the
    /// two connections would else be refused by one side and kept by the other.
    pub max_connections_per_peer: usize,
}

impl ConnectionLimits {
    /// See [`ConnectionLimits::max_connections_per_peer`].
    pub const PER_PEER_DEFAULT: usize = 2;
}

impl Default for ConnectionLimits {
    /// 150 connections, as nwaku's command line has it, no limit per IP address, 2 per peer.
    fn default() -> Self {
        Self {
            max_connections: 150,
            max_connections_per_ip: 0,
            max_connections_per_peer: Self::PER_PEER_DEFAULT,
        }
    }
}

/// Why a connection was denied; the cause in libp2p's `Denied` errors: `cause.downcast::<LimitReached>()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// [`ConnectionLimits::max_connections`].
    #[error("limit of {limit} connections reached")]
    Total {
        /// The limit.
        limit: usize,
    },
    /// [`ConnectionLimits::max_connections_per_ip`].
    #[error("limit of {limit} connections per IP address reached by {ip}")]
    PerIp {
        /// The limit.
        limit: usize,
        /// Whose.
        ip: IpAddr,
    },
    /// [`ConnectionLimits::max_connections_per_peer`].
    #[error("limit of {limit} connections per peer reached by {peer}")]
    PerPeer {
        /// The limit.
        limit: usize,
        /// Whose.
        peer: PeerId,
    },
}

/// Denies connections beyond the limits. Opens no streams and emits no events.
///
/// A connection is counted from the moment it is pending until its failure or its close, under its id; the swarm
/// reports exactly one of these for every id it asked about, also when another behaviour denies the connection.
#[derive(Debug)]
pub struct Behaviour {
    limits: ConnectionLimits,
    connections: HashMap<ConnectionId, Counted>,
    inbound_by_ip: HashMap<IpAddr, usize>,
    by_peer: HashMap<PeerId, usize>,
}

/// What a connection is counted under besides the total.
#[derive(Debug, Default)]
struct Counted {
    inbound_ip: Option<IpAddr>,
    peer: Option<PeerId>,
}

impl Behaviour {
    /// Nothing connected yet.
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            connections: HashMap::new(),
            inbound_by_ip: HashMap::new(),
            by_peer: HashMap::new(),
        }
    }

    /// Connections counted against the total: established ones and those being set up.
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    fn check_total(&self) -> Result<(), LimitReached> {
        let limit = self.limits.max_connections;
        if self.connections.len() >= limit {
            Err(LimitReached::Total { limit })
        } else {
            Ok(())
        }
    }

    fn check_ip(&self, ip: IpAddr) -> Result<(), LimitReached> {
        let limit = self.limits.max_connections_per_ip;
        let count = self.inbound_by_ip.get(&ip).copied().unwrap_or_default();
        if limit > 0 && count >= limit {
            Err(LimitReached::PerIp { limit, ip })
        } else {
            Ok(())
        }
    }

    fn check_peer(&self, peer: PeerId) -> Result<(), LimitReached> {
        let limit = self.limits.max_connections_per_peer;
        let count = self.by_peer.get(&peer).copied().unwrap_or_default();
        if count >= limit {
            Err(LimitReached::PerPeer { limit, peer })
        } else {
            Ok(())
        }
    }

    fn count_inbound(&mut self, connection: ConnectionId, remote: &Multiaddr) -> Result<(), LimitReached> {
        self.check_total()?;
        let inbound_ip = ip_of(remote);
        if let Some(ip) = inbound_ip {
            self.check_ip(ip)?;
            increment(&mut self.inbound_by_ip, ip);
        }
        self.connections.insert(connection, Counted { inbound_ip, peer: None });
        Ok(())
    }

    fn count_outbound(&mut self, connection: ConnectionId) -> Result<(), LimitReached> {
        self.check_total()?;
        self.connections.insert(connection, Counted::default());
        Ok(())
    }

    /// The peer behind `connection` is known now.
    fn count_peer(&mut self, connection: ConnectionId, peer: PeerId) -> Result<(), LimitReached> {
        self.check_peer(peer)?;
        self.connections.entry(connection).or_default().peer = Some(peer);
        increment(&mut self.by_peer, peer);
        Ok(())
    }

    fn forget(&mut self, connection: ConnectionId) {
        let Some(counted) = self.connections.remove(&connection) else {
            return;
        };
        if let Some(ip) = counted.inbound_ip {
            decrement(&mut self.inbound_by_ip, ip);
        }
        if let Some(peer) = counted.peer {
            decrement(&mut self.by_peer, peer);
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.count_inbound(connection, remote).map_err(ConnectionDenied::new)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.count_peer(connection, peer).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        _addresses: &[Multiaddr],
        _role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        peer.map_or(Ok(()), |peer| self.check_peer(peer))
            .map_err(ConnectionDenied::new)?;
        self.count_outbound(connection).map_err(ConnectionDenied::new)?;
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.count_peer(connection, peer).map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.forget(closed.connection_id),
            FromSwarm::ListenFailure(failure) => self.forget(failure.connection_id),
            FromSwarm::DialFailure(failure) => self.forget(failure.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// The IP address in front of an address. An IPv4 address mapped into IPv6 is the IPv4 address, since a dual-stack
/// socket shows the same client either way.
fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip).to_canonical()),
        _ => None,
    })
}

fn increment<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

fn decrement<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;
