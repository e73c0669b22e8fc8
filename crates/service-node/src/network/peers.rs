//! What connected peers say about themselves, shared with the services.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use libp2p::PeerId;

/// Longest agent string kept.
const MAX_AGENT_CHARS: usize = 128;

/// The agent strings of connected peers.
#[derive(Debug, Clone, Default)]
pub struct Peers(Arc<RwLock<HashMap<PeerId, Option<String>>>>);

impl Peers {
    pub(super) fn connected(&self, peer: PeerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(peer).or_default();
    }

    pub(super) fn identified(&self, peer: PeerId, agent: &str) {
        let agent = agent.chars().take(MAX_AGENT_CHARS).collect();
        if let Some(known) = self.0.write().unwrap_or_else(PoisonError::into_inner).get_mut(&peer) {
            *known = Some(agent);
        }
    }

    pub(super) fn disconnected(&self, peer: PeerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&peer);
    }

    /// The agent string of a connected peer, once it has told.
    #[must_use]
    pub fn agent(&self, peer: PeerId) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&peer).cloned().flatten()
    }

    /// How many peers are connected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
