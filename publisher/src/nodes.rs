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

/// One of the nodes.
#[derive(Debug, Clone)]
struct Node {
    address: ServiceNode,
    /// Refused this client for good.
    is_refused: bool,
    /// Is or was in use.
    is_used: bool,
}

impl Node {
    fn new(address: &ServiceNode) -> Self {
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
    pub fn new(nodes: &[ServiceNode], first: u32, switch_after: Option<NonZeroU32>) -> Self {
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
    pub fn add(&mut self, nodes: Vec<ServiceNode>) -> Turn {
        for node in nodes {
            if !self.nodes.iter().any(|known| known.address.id() == node.id()) {
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
    pub fn current(&self) -> &ServiceNode {
        &self.nodes[self.current].address
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
        if let Some(node) = self.nodes.iter_mut().find(|node| node.address.id() == *peer) {
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
        let from = self.current().id();
        (self.current, self.link, self.failures) = (next, Link::Connecting, 0);
        self.nodes[next].is_used = true;
        Some(Turn::To {
            from,
            to: self.current().clone(),
        })
    }
}

#[cfg(test)]
mod tests;
