//! Logs what becomes of one client's connections.

use std::{collections::HashMap, time::Duration};

use event_log::{
    EventLog,
    event::{Connected, DialFailed, Disconnected, Reconnected},
};
use tokio::time::Instant;

use super::{NodeEvent, NodeId};
use crate::escape::escape;

/// Where one service node's connection stands.
#[derive(Debug, Clone, Copy)]
enum Link {
    Up,
    DownSince(Instant),
}

/// Turns connection events of one client into log lines: the first connection to a peer is `connected`, later ones are
/// `reconnected` with the time it was away.
#[derive(Debug)]
pub struct ConnectionLog {
    client: u32,
    log: EventLog,
    links: HashMap<NodeId, Link>,
}

impl ConnectionLog {
    /// For client `client` of this process.
    #[must_use]
    pub fn new(client: u32, log: EventLog) -> Self {
        Self {
            client,
            log,
            links: HashMap::new(),
        }
    }

    /// Logs `event` if it is about a connection.
    pub fn observe(&mut self, event: &NodeEvent) {
        match event {
            NodeEvent::Ready {
                peer, address, agent, ..
            } => {
                self.up(peer, address.clone(), agent.clone());
            }
            NodeEvent::Disconnected { peer, reason } => self.down(peer, reason),
            NodeEvent::DialFailed { peer, error, retry_in } => self.dial_failed(peer, error, *retry_in),
            NodeEvent::Refused { peer, error } => self.dial_failed(peer, error, None),
            NodeEvent::Push { .. }
            | NodeEvent::MalformedPush { .. }
            | NodeEvent::Forgotten { .. }
            | NodeEvent::AtRisk { .. } => {}
        }
    }

    /// Logs that a connection was given up by this side.
    pub fn left(&mut self, peer: &NodeId, reason: &str) {
        if matches!(self.links.get(peer), Some(Link::Up)) {
            self.down(peer, reason);
        }
    }

    fn up(&mut self, peer: &NodeId, address: String, agent: Option<String>) {
        let (client, service_node, transport) = (self.client, peer.to_string(), Some(peer.transport()));
        match self.links.insert(peer.clone(), Link::Up) {
            Some(Link::DownSince(since)) => {
                let down_ms = millis(since.elapsed());
                tracing::info!(client, %peer, down_ms, "connected again");
                self.log.log(Reconnected {
                    client,
                    service_node,
                    transport,
                    address,
                    down_ms,
                });
            }
            _ => {
                tracing::debug!(client, %peer, %address, "connected");
                self.log.log(Connected {
                    client,
                    service_node,
                    transport,
                    address,
                    agent,
                });
            }
        }
    }

    fn down(&mut self, peer: &NodeId, reason: &str) {
        self.links.insert(peer.clone(), Link::DownSince(Instant::now()));
        tracing::warn!(client = self.client, %peer, reason = %escape(reason), "connection lost");
        let reason = reason.to_owned();
        self.log.log(Disconnected {
            client: self.client,
            service_node: peer.to_string(),
            transport: Some(peer.transport()),
            reason,
        });
    }

    fn dial_failed(&mut self, peer: &NodeId, error: &str, retry_in: Option<Duration>) {
        tracing::warn!(client = self.client, %peer, error = %escape(error), "service node not reached");
        self.log.log(DialFailed {
            client: self.client,
            service_node: peer.to_string(),
            transport: Some(peer.transport()),
            error: error.to_owned(),
            retry_in_ms: retry_in.map(millis),
        });
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
