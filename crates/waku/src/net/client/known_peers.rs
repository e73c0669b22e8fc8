//! What ready peers speak, shared by the driver, which learns it, and the requests, which ask.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use libp2p::PeerId;

/// The protocols of the peers that are ready, shared with the requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownPeers(Arc<RwLock<HashMap<PeerId, HashSet<String>>>>);

impl KnownPeers {
    /// Whether a peer speaks a protocol; `None` when it is not ready.
    pub(crate) fn speaks(&self, peer: PeerId, protocol: &str) -> Option<bool> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&peer).map(|protocols| protocols.contains(protocol))
    }

    pub(super) fn insert(&self, peer: PeerId, protocols: &[String]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(peer, protocols.iter().cloned().collect());
    }

    pub(super) fn remove(&self, peer: PeerId) -> bool {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&peer)
            .is_some()
    }
}
