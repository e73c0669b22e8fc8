//! Which service node a client uses, and when it turns to another. Pure state: whoever holds it does the talking.

use std::num::NonZeroU32;

use runtime::light::{NodeId, ServiceNode};

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
        from: NodeId,
        /// The node to use from now on.
        to: ServiceNode,
    },
    /// No node is left that has not refused this client for good.
    NoneLeft,
}

/// The service nodes a client may use, in the order of turns.
#[derive(Debug, Clone)]
pub struct NodeChoice {
    nodes: Vec<(ServiceNode, bool)>,
    current: usize,
    link: Link,
    failures: u32,
    /// Failures in a row that make the client turn; `None` never.
    switch_after: Option<NonZeroU32>,
}

impl NodeChoice {
    /// `nodes` (at least one), beginning with number `first` modulo their number, so that clients spread over them.
    #[must_use]
    pub fn new(nodes: &[ServiceNode], first: u32, switch_after: Option<NonZeroU32>) -> Self {
        let current = first as usize % nodes.len().max(1);
        let nodes = nodes.iter().map(|node| (node.clone(), false)).collect();
        Self {
            nodes,
            current,
            link: Link::Connecting,
            failures: 0,
            switch_after,
        }
    }

    /// The node in use.
    #[must_use]
    pub fn current(&self) -> &ServiceNode {
        &self.nodes[self.current].0
    }

    /// The node in use, when requests may go to it.
    #[must_use]
    pub fn ready_peer(&self) -> Option<NodeId> {
        (self.link == Link::Ready).then(|| self.current().id())
    }

    fn is_current(&self, peer: &NodeId) -> bool {
        self.current().id() == *peer
    }

    /// The connection to `peer` is up.
    pub fn on_ready(&mut self, peer: &NodeId) {
        if self.is_current(peer) {
            self.link = Link::Ready;
        }
    }

    /// The connection to `peer` is gone. Not a failure by itself: what fails because of it is.
    pub fn on_disconnected(&mut self, peer: &NodeId) {
        if self.is_current(peer) {
            self.link = Link::Down;
        }
    }

    /// A dial of `peer` failed.
    pub fn on_dial_failed(&mut self, peer: &NodeId) -> Turn {
        self.on_disconnected(peer);
        self.on_failure(peer)
    }

    /// A request to `peer` succeeded.
    pub fn on_success(&mut self, peer: &NodeId) {
        if self.is_current(peer) {
            self.failures = 0;
        }
    }

    /// A request to `peer` failed, in whatever way. Answers that a node left meanwhile still owed do not count against
    /// its successor.
    pub fn on_failure(&mut self, peer: &NodeId) -> Turn {
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
        self.on_failure(&self.current().id())
    }

    /// `peer` refused this client for good.
    pub fn on_refused(&mut self, peer: &NodeId) -> Turn {
        if let Some((_, is_refused)) = self.nodes.iter_mut().find(|(node, _)| node.id() == *peer) {
            *is_refused = true;
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

    /// Turns to the next node that has not refused, if there is another.
    fn turn(&mut self) -> Option<Turn> {
        let count = self.nodes.len();
        let next = (1..count)
            .map(|step| (self.current + step) % count)
            .find(|index| !self.nodes[*index].1)?;
        let from = self.current().id();
        (self.current, self.link, self.failures) = (next, Link::Connecting, 0);
        Some(Turn::To {
            from,
            to: self.current().clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    fn nodes(count: u16) -> Vec<ServiceNode> {
        let node = |port| format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", PeerId::random());
        (1..=count)
            .map(|port| node(port).parse().expect("valid address"))
            .collect()
    }

    fn choice(nodes: &[ServiceNode], switch_after: u32) -> NodeChoice {
        NodeChoice::new(nodes, 0, NonZeroU32::new(switch_after))
    }

    #[test]
    fn any_three_failures_in_a_row_turn_to_the_next() {
        let nodes = nodes(2);
        let [a, b] = [nodes[0].id(), nodes[1].id()];
        let mut choice = choice(&nodes, 3);
        choice.on_ready(&a);
        assert_eq!(choice.on_failure(&a), Turn::Stay);
        choice.on_disconnected(&a);
        assert_eq!(choice.on_not_connected(), Turn::Stay);
        assert_eq!(
            choice.on_dial_failed(&a),
            Turn::To {
                from: a.clone(),
                to: nodes[1].clone()
            }
        );
        assert_eq!(choice.ready_peer(), None);
        choice.on_ready(&b);
        assert_eq!(choice.ready_peer(), Some(b.clone()));
    }

    #[test]
    fn success_starts_the_count_again() {
        let nodes = nodes(2);
        let a = nodes[0].id();
        let mut choice = choice(&nodes, 2);
        for _ in 0..5 {
            assert_eq!(choice.on_failure(&a), Turn::Stay);
            choice.on_success(&a);
        }
    }

    #[test]
    fn late_failures_of_a_node_left_do_not_count_against_the_next() {
        let nodes = nodes(3);
        let a = nodes[0].id();
        let mut choice = choice(&nodes, 1);
        assert!(matches!(choice.on_failure(&a), Turn::To { .. }));
        assert_eq!(choice.on_failure(&a), Turn::Stay);
        assert_eq!(choice.current().id(), nodes[1].id());
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
        assert_eq!(single.on_failure(&one[0].id()), Turn::Stay);
        let two = nodes(2);
        let mut fixed = NodeChoice::new(&two, 1, None);
        assert_eq!(fixed.current(), &two[1]);
        for _ in 0..10 {
            assert_eq!(fixed.on_failure(&two[1].id()), Turn::Stay);
        }
    }

    #[test]
    fn refusal_turns_at_once_until_nobody_is_left() {
        let nodes = nodes(2);
        let [a, b] = [nodes[0].id(), nodes[1].id()];
        let mut choice = choice(&nodes, 3);
        assert_eq!(
            choice.on_refused(&a),
            Turn::To {
                from: a.clone(),
                to: nodes[1].clone()
            }
        );
        assert_eq!(choice.on_refused(&b), Turn::NoneLeft);
        let mut fixed = NodeChoice::new(&nodes, 0, None);
        assert_eq!(fixed.on_refused(&a), Turn::NoneLeft);
    }
}
