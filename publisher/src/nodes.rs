//! Which service node a client uses, and when it turns to another. Pure state: whoever holds it does the talking.

use std::num::NonZeroU32;

use libp2p::PeerId;
use waku::ServiceNodeAddr;

/// Where the connection to the node in use stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Being dialled for the first time since the client turned to it.
    Connecting,
    /// Requests may go.
    Ready,
    /// Lost, or the last dial failed.
    Down,
}

/// What a change of mind asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Stay.
    Stay,
    /// Leave the first, connect to the second.
    To {
        /// The node left.
        from: PeerId,
        /// The node to use from now on.
        to: ServiceNodeAddr,
    },
    /// No node is left that has not refused this client for good.
    NoneLeft,
}

/// One of the nodes.
#[derive(Debug, Clone)]
struct Node {
    address: ServiceNodeAddr,
    /// Refused this client for good.
    is_refused: bool,
    /// Is or was in use.
    is_used: bool,
}

impl Node {
    fn new(address: &ServiceNodeAddr) -> Self {
        Self {
            address: address.clone(),
            is_refused: false,
            is_used: false,
        }
    }
}

/// The service nodes a client may use, in the order of turns: those never used first, then round and round.
#[derive(Debug, Clone)]
pub struct NodeChoice {
    nodes: Vec<Node>,
    current: usize,
    link: Link,
    failures: u32,
    /// Failures in a row that make the client turn; `None` never.
    switch_after: Option<NonZeroU32>,
    /// A turn was due, and every node had been used before.
    wants_more: bool,
}

impl NodeChoice {
    /// `nodes` (at least one), beginning with number `first` modulo their number, so that clients spread over them.
    #[must_use]
    pub fn new(nodes: &[ServiceNodeAddr], first: u32, switch_after: Option<NonZeroU32>) -> Self {
        let current = first as usize % nodes.len().max(1);
        let mut nodes: Vec<_> = nodes.iter().map(Node::new).collect();
        if let Some(first) = nodes.get_mut(current) {
            first.is_used = true;
        }
        Self {
            nodes,
            current,
            link: Link::Connecting,
            failures: 0,
            switch_after,
            wants_more: false,
        }
    }

    /// Adds nodes that a search has found; turns to the first at once when the node in use has refused this client.
    pub fn add(&mut self, nodes: Vec<ServiceNodeAddr>) -> Turn {
        for node in nodes {
            if !self.nodes.iter().any(|known| known.address.peer_id == node.peer_id) {
                self.nodes.push(Node::new(&node));
            }
        }
        match self.nodes[self.current].is_refused && self.may_turn() {
            true => self.turn().unwrap_or(Turn::Stay),
            false => Turn::Stay,
        }
    }

    /// Whether a node is ever left for another.
    #[must_use]
    pub fn may_turn(&self) -> bool {
        self.switch_after.is_some()
    }

    /// Whether every node has refused this client.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.nodes.iter().all(|node| node.is_refused)
    }

    /// Whether a turn was due since the last call and every node had been used before.
    pub fn take_wants_more(&mut self) -> bool {
        std::mem::take(&mut self.wants_more)
    }

    /// The node in use.
    #[must_use]
    pub fn current(&self) -> &ServiceNodeAddr {
        &self.nodes[self.current].address
    }

    /// The node in use, when requests may go to it.
    #[must_use]
    pub fn ready_peer(&self) -> Option<PeerId> {
        (self.link == Link::Ready).then(|| self.current().peer_id)
    }

    fn is_current(&self, peer: PeerId) -> bool {
        self.current().peer_id == peer
    }

    /// The connection to `peer` is up.
    pub fn on_ready(&mut self, peer: PeerId) {
        if self.is_current(peer) {
            self.link = Link::Ready;
        }
    }

    /// The connection to `peer` is gone. Not a failure by itself: what fails because of it is.
    pub fn on_disconnected(&mut self, peer: PeerId) {
        if self.is_current(peer) {
            self.link = Link::Down;
        }
    }

    /// A dial of `peer` failed.
    pub fn on_dial_failed(&mut self, peer: PeerId) -> Turn {
        self.on_disconnected(peer);
        self.on_failure(peer)
    }

    /// A request to `peer` succeeded.
    pub fn on_success(&mut self, peer: PeerId) {
        if self.is_current(peer) {
            self.failures = 0;
        }
    }

    /// A request to `peer` failed, in whatever way. Answers that a node left meanwhile still owed do not count against
    /// its successor.
    pub fn on_failure(&mut self, peer: PeerId) -> Turn {
        if !self.is_current(peer) {
            return Turn::Stay;
        }
        self.failures = self.failures.saturating_add(1);
        self.turn_if_too_many()
    }

    /// A message was due while there was no connection. Counts unless the node is still being dialled for the first
    /// time: a busy schedule would otherwise run through all nodes before one could answer.
    pub fn on_not_connected(&mut self) -> Turn {
        if self.link == Link::Connecting {
            return Turn::Stay;
        }
        self.on_failure(self.current().peer_id)
    }

    /// `peer` refused this client for good.
    pub fn on_refused(&mut self, peer: PeerId) -> Turn {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.address.peer_id == peer) {
            node.is_refused = true;
        }
        if !self.is_current(peer) {
            return Turn::Stay;
        }
        self.link = Link::Down;
        if self.switch_after.is_none() {
            Turn::NoneLeft
        } else {
            self.turn().unwrap_or(Turn::NoneLeft)
        }
    }

    fn turn_if_too_many(&mut self) -> Turn {
        match self.switch_after {
            Some(limit) if self.failures >= limit.get() => self.turn().unwrap_or(Turn::Stay),
            _ => Turn::Stay,
        }
    }

    /// Turns to the next node that has not refused, one never used if there is any.
    fn turn(&mut self) -> Option<Turn> {
        let count = self.nodes.len();
        let others: Vec<_> = (1..count)
            .map(|step| (self.current + step) % count)
            .filter(|index| !self.nodes[*index].is_refused)
            .collect();
        let unused = others.iter().copied().find(|index| !self.nodes[*index].is_used);
        self.wants_more |= unused.is_none();
        let next = unused.or(others.first().copied())?;
        let from = self.current().peer_id;
        (self.current, self.link, self.failures) = (next, Link::Connecting, 0);
        self.nodes[next].is_used = true;
        Some(Turn::To {
            from,
            to: self.current().clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: u16) -> Vec<ServiceNodeAddr> {
        let node = |port| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", PeerId::random());
        (1..=count)
            .map(|port| node(port).parse().expect("valid address"))
            .collect()
    }

    fn choice(nodes: &[ServiceNodeAddr], switch_after: u32) -> NodeChoice {
        NodeChoice::new(nodes, 0, NonZeroU32::new(switch_after))
    }

    #[test]
    fn any_three_failures_in_a_row_turn_to_the_next() {
        let nodes = nodes(2);
        let [a, b] = [nodes[0].peer_id, nodes[1].peer_id];
        let mut choice = choice(&nodes, 3);
        choice.on_ready(a);
        assert_eq!(choice.on_failure(a), Turn::Stay);
        choice.on_disconnected(a);
        assert_eq!(choice.on_not_connected(), Turn::Stay);
        assert_eq!(
            choice.on_dial_failed(a),
            Turn::To {
                from: a,
                to: nodes[1].clone()
            }
        );
        assert_eq!(choice.ready_peer(), None);
        choice.on_ready(b);
        assert_eq!(choice.ready_peer(), Some(b));
    }

    #[test]
    fn success_starts_the_count_again() {
        let nodes = nodes(2);
        let a = nodes[0].peer_id;
        let mut choice = choice(&nodes, 2);
        for _ in 0..5 {
            assert_eq!(choice.on_failure(a), Turn::Stay);
            choice.on_success(a);
        }
    }

    #[test]
    fn late_failures_of_a_node_left_do_not_count_against_the_next() {
        let nodes = nodes(3);
        let a = nodes[0].peer_id;
        let mut choice = choice(&nodes, 1);
        assert!(matches!(choice.on_failure(a), Turn::To { .. }));
        assert_eq!(choice.on_failure(a), Turn::Stay);
        assert_eq!(choice.current().peer_id, nodes[1].peer_id);
    }

    #[test]
    fn a_busy_schedule_waits_for_the_first_dial() {
        let nodes = nodes(2);
        let mut choice = choice(&nodes, 1);
        for _ in 0..100 {
            assert_eq!(choice.on_not_connected(), Turn::Stay);
        }
    }

    #[test]
    fn a_single_or_fixed_node_is_never_left_for_failures() {
        let one = nodes(1);
        let mut single = choice(&one, 1);
        assert_eq!(single.on_failure(one[0].peer_id), Turn::Stay);
        let two = nodes(2);
        let mut fixed = NodeChoice::new(&two, 1, None);
        assert_eq!(fixed.current(), &two[1]);
        for _ in 0..10 {
            assert_eq!(fixed.on_failure(two[1].peer_id), Turn::Stay);
        }
    }

    #[test]
    fn refusal_turns_at_once_until_nobody_is_left() {
        let nodes = nodes(2);
        let [a, b] = [nodes[0].peer_id, nodes[1].peer_id];
        let mut choice = choice(&nodes, 3);
        assert_eq!(
            choice.on_refused(a),
            Turn::To {
                from: a,
                to: nodes[1].clone()
            }
        );
        assert_eq!(choice.on_refused(b), Turn::NoneLeft);
        let mut fixed = NodeChoice::new(&nodes, 0, None);
        assert_eq!(fixed.on_refused(a), Turn::NoneLeft);
    }

    #[test]
    fn nodes_never_used_come_first_and_more_are_wanted_when_there_are_none() {
        let (given, found) = (nodes(2), nodes(2));
        let mut choice = choice(&given, 1);
        assert_eq!(choice.add(vec![given[1].clone(), found[0].clone()]), Turn::Stay);
        let mut turns = Vec::new();
        for _ in 0..3 {
            assert!(matches!(choice.on_failure(choice.current().peer_id), Turn::To { .. }));
            turns.push((choice.current().peer_id, choice.take_wants_more()));
        }
        let expected = [
            (given[1].peer_id, false),
            (found[0].peer_id, false),
            (given[0].peer_id, true),
        ];
        assert_eq!(turns, expected);
        assert_eq!(choice.add(vec![found[1].clone()]), Turn::Stay);
        choice.on_failure(given[0].peer_id);
        assert_eq!(
            choice.current().peer_id,
            found[1].peer_id,
            "the new one, not the next in turn"
        );
    }

    #[test]
    fn a_client_refused_by_all_turns_to_a_new_node_at_once() {
        let (given, found) = (nodes(1), nodes(1));
        let mut choice = choice(&given, 3);
        assert_eq!(choice.on_refused(given[0].peer_id), Turn::NoneLeft);
        assert!(choice.take_wants_more() && choice.is_hopeless());
        let turn = choice.add(found.clone());
        assert_eq!(
            turn,
            Turn::To {
                from: given[0].peer_id,
                to: found[0].clone()
            }
        );
        assert!(!choice.is_hopeless());
        let mut fixed = NodeChoice::new(&given, 0, None);
        fixed.on_refused(given[0].peer_id);
        assert_eq!(fixed.add(found), Turn::Stay, "a fixed node is never left");
    }
}
