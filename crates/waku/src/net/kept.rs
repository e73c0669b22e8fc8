//! The service nodes a client wants to be connected to, and where each stands. Time comes in as an argument.

use std::{collections::HashMap, time::Duration};

use libp2p::{
    PeerId,
    swarm::dial_opts::{DialOpts, PeerCondition},
};
use rand::Rng;
use tokio::time::Instant;

use super::backoff;
use crate::ServiceNodeAddr;

/// How a kept node is dialled: at all its addresses, unless it is connected or being dialled already.
#[must_use]
pub fn dial_opts(node: ServiceNodeAddr) -> DialOpts {
    DialOpts::peer_id(node.peer_id)
        .addresses(node.addresses)
        .condition(PeerCondition::DisconnectedAndNotDialing)
        .build()
}

/// Where one kept service node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// To be dialled at this moment.
    Waiting(Instant),
    /// A dial is under way.
    Dialling,
    /// Connected; identify and metadata are due by this moment.
    Introducing(Instant),
    /// Usable.
    Ready,
}

#[derive(Debug)]
struct Kept {
    address: ServiceNodeAddr,
    phase: Phase,
    failures: u32,
}

/// All kept service nodes.
#[derive(Debug)]
pub struct KeptNodes {
    nodes: HashMap<PeerId, Kept>,
    backoff_first: Duration,
    backoff_max: Duration,
}

/// Something that is due now.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// Dial this address.
    Dial(ServiceNodeAddr),
    /// This peer did not introduce itself in time.
    IntroductionOverdue(PeerId),
}

impl KeptNodes {
    /// No nodes yet; the pauses between dials grow from `backoff_first` to `backoff_max`.
    #[must_use]
    pub fn new(backoff_first: Duration, backoff_max: Duration) -> Self {
        Self {
            nodes: HashMap::new(),
            backoff_first,
            backoff_max,
        }
    }

    /// Adds a node, due at once. A known node only has its addresses renewed.
    pub fn keep(&mut self, address: ServiceNodeAddr, now: Instant) {
        match self.nodes.get_mut(&address.peer_id) {
            Some(kept) => kept.address = address,
            None => {
                let peer = address.peer_id;
                self.nodes.insert(
                    peer,
                    Kept {
                        address,
                        phase: Phase::Waiting(now),
                        failures: 0,
                    },
                );
            }
        }
    }

    /// Removes a node; false when it was not kept.
    pub fn forget(&mut self, peer: PeerId) -> bool {
        self.nodes.remove(&peer).is_some()
    }

    /// Where a node stands; `None` when it is not kept.
    #[must_use]
    pub fn phase(&self, peer: PeerId) -> Option<Phase> {
        self.nodes.get(&peer).map(|kept| kept.phase)
    }

    /// Moves a node on; [`Phase::Ready`] forgets its failures.
    pub fn set_phase(&mut self, peer: PeerId, phase: Phase) {
        if let Some(kept) = self.nodes.get_mut(&peer) {
            kept.phase = phase;
            if phase == Phase::Ready {
                kept.failures = 0;
            }
        }
    }

    /// Notes a failed dial, introduction or connection and says how long to wait; `None` for a node not kept.
    pub fn failed(&mut self, peer: PeerId, now: Instant, rng: &mut impl Rng) -> Option<Duration> {
        let kept = self.nodes.get_mut(&peer)?;
        let pause = backoff::pause(kept.failures, self.backoff_first, self.backoff_max, rng);
        kept.failures = kept.failures.saturating_add(1);
        kept.phase = Phase::Waiting(now + pause);
        Some(pause)
    }

    /// When something is due next.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.nodes
            .values()
            .filter_map(|kept| match kept.phase {
                Phase::Waiting(at) | Phase::Introducing(at) => Some(at),
                Phase::Dialling | Phase::Ready => None,
            })
            .min()
    }

    /// Takes what is due at `now`; a node to dial becomes [`Phase::Dialling`].
    pub fn take_due(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        for (peer, kept) in &mut self.nodes {
            match kept.phase {
                Phase::Waiting(at) if at <= now => {
                    kept.phase = Phase::Dialling;
                    due.push(Due::Dial(kept.address.clone()));
                }
                Phase::Introducing(at) if at <= now => due.push(Due::IntroductionOverdue(*peer)),
                _ => {}
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn node() -> ServiceNodeAddr {
        let peer_id = PeerId::random();
        ServiceNodeAddr {
            peer_id,
            addresses: vec!["/ip4/127.0.0.1/tcp/1".parse().unwrap()],
        }
    }

    fn kept() -> KeptNodes {
        KeptNodes::new(Duration::from_millis(100), Duration::from_secs(1))
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_node_is_due_at_once_and_only_once() {
        let (mut nodes, node, now) = (kept(), node(), Instant::now());
        nodes.keep(node.clone(), now);
        assert_eq!(nodes.take_due(now), vec![Due::Dial(node)]);
        assert_eq!(nodes.take_due(now), vec![]);
        assert_eq!(nodes.next_due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_lengthen_the_pause_and_success_resets_it() {
        let (mut nodes, node, now) = (kept(), node(), Instant::now());
        let mut rng = StdRng::seed_from_u64(1);
        nodes.keep(node.clone(), now);
        let first = nodes.failed(node.peer_id, now, &mut rng).unwrap();
        nodes.failed(node.peer_id, now, &mut rng);
        let third = nodes.failed(node.peer_id, now, &mut rng).unwrap();
        assert!(third > first);
        assert_eq!(nodes.next_due(), Some(now + third));
        nodes.set_phase(node.peer_id, Phase::Ready);
        assert!(nodes.failed(node.peer_id, now, &mut rng).unwrap() <= Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn an_overdue_introduction_is_told() {
        let (mut nodes, node, now) = (kept(), node(), Instant::now());
        nodes.keep(node.clone(), now);
        nodes.take_due(now);
        nodes.set_phase(node.peer_id, Phase::Introducing(now + Duration::from_secs(5)));
        assert_eq!(nodes.take_due(now), vec![]);
        let later = now + Duration::from_secs(5);
        assert_eq!(nodes.take_due(later), vec![Due::IntroductionOverdue(node.peer_id)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_node_is_not_dialled() {
        let (mut nodes, node, now) = (kept(), node(), Instant::now());
        nodes.keep(node.clone(), now);
        assert!(nodes.forget(node.peer_id));
        assert_eq!(nodes.failed(node.peer_id, now, &mut StdRng::seed_from_u64(1)), None);
        assert_eq!(nodes.take_due(now), vec![]);
    }
}
