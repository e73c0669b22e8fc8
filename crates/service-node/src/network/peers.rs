//! What connected peers say about themselves, shared with the services.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use libp2p::PeerId;

/// Longest agent string kept.
const MAX_AGENT_CHARS: usize = 128;

/// The connected peers and their agent strings.
#[derive(Debug, Clone, Default)]
pub struct Peers(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    peers: HashMap<PeerId, Session>,
    last_session_id: u64,
}

/// From a peer's first connection to the end of its last.
#[derive(Debug)]
struct Session {
    id: u64,
    agent: Option<Arc<str>>,
}

impl Peers {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connected(&self, peer: PeerId) {
        let mut state = self.write();
        state.last_session_id += 1;
        let id = state.last_session_id;
        state.peers.entry(peer).or_insert(Session { id, agent: None });
    }

    /// Notes what a peer calls itself; true the first time it tells since it connected.
    pub(super) fn identified(&self, peer: PeerId, agent: &str) -> bool {
        let agent: String = agent.chars().take(MAX_AGENT_CHARS).collect();
        let mut state = self.write();
        let Some(session) = state.peers.get_mut(&peer) else {
            return false;
        };
        session.agent.replace(agent.into()).is_none()
    }

    pub(super) fn disconnected(&self, peer: PeerId) {
        self.write().peers.remove(&peer);
    }

    /// A number that changes whenever the peer connects anew, and its agent string once it has told; `None` when it is
    /// not connected.
    #[must_use]
    pub fn session(&self, peer: PeerId) -> Option<(u64, Option<Arc<str>>)> {
        self.read()
            .peers
            .get(&peer)
            .map(|session| (session.id, session.agent.clone()))
    }

    /// How many peers are connected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read().peers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_comes_back_is_in_another_session_and_has_to_introduce_itself_again() {
        let (peers, peer) = (Peers::default(), PeerId::random());
        assert!(!peers.identified(peer, "nobody is connected"));
        peers.connected(peer);
        let (first, agent) = peers.session(peer).unwrap();
        assert_eq!(agent, None);
        assert!(peers.identified(peer, "go-waku"));
        assert!(!peers.identified(peer, "go-waku"));
        peers.connected(peer); // a second connection
        assert_eq!(peers.session(peer).unwrap(), (first, Some("go-waku".into())));
        peers.disconnected(peer);
        assert_eq!((peers.session(peer), peers.count()), (None, 0));
        peers.connected(peer);
        let (second, agent) = peers.session(peer).unwrap();
        assert!(second != first && agent.is_none());
    }
}
