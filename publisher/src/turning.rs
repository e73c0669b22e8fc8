//! What the connections do, and the turns to other service nodes that follow.

use event_log::event::PeerSwitched;
use runtime::{
    escape::Escaped,
    light::{FeedNews, NodeEvent, NodeId},
};
use waku::{net::LightpushVersion, wire::protocol_id};

use crate::{client::Client, link::Link, nodes::Turn};

impl<L: Link> Client<L> {
    pub(crate) fn on_event(&mut self, event: &NodeEvent) {
        self.connections.observe(event);
        let board = &self.shared.board;
        let (turn, reason) = match event {
            NodeEvent::Ready { peer, protocols, .. } => return self.on_ready(peer, protocols),
            NodeEvent::Disconnected { peer, .. } => {
                self.nodes.on_disconnected(peer);
                self.mark_ready();
                return;
            }
            NodeEvent::DialFailed { peer, error, .. } => {
                board.failed(peer, error);
                (self.nodes.on_dial_failed(peer), error)
            }
            NodeEvent::Refused { peer, error } => {
                board.failed(peer, error);
                (self.nodes.on_refused(peer), error)
            }
            NodeEvent::Push { .. }
            | NodeEvent::MalformedPush { .. }
            | NodeEvent::Forgotten { .. }
            | NodeEvent::AtRisk { .. } => return,
        };
        self.follow(turn, || reason.clone());
    }

    fn on_ready(&mut self, peer: &NodeId, protocols: &[String]) {
        let (wanted, other) = match self.shared.settings.version {
            LightpushVersion::V3 => (protocol_id::LIGHTPUSH_V3, "v2"),
            LightpushVersion::V2 => (protocol_id::LIGHTPUSH_V2, "v3"),
        };
        if protocols.iter().any(|protocol| protocol == wanted) {
            self.nodes.on_ready(peer);
            return self.mark_ready();
        }
        let error = format!("it does not serve {wanted}: try --lightpush {other}, or another service node");
        tracing::warn!(client = self.id, %peer, "service node refused: {error}");
        self.shared.board.failed(peer, &error);
        self.connections.left(peer, &error);
        self.link.forget(peer);
        let turn = self.nodes.on_refused(peer);
        self.follow(turn, || error);
    }

    /// A search has found further service nodes, or never will.
    pub(crate) fn on_news(&mut self, news: FeedNews) {
        match news {
            FeedNews::Nodes(nodes) => {
                let turn = self.nodes.add(nodes);
                self.follow(turn, || "refused by all others; a search found this one".to_owned());
            }
            FeedNews::Exhausted if self.nodes.is_hopeless() => self.shared.board.give_up(),
            FeedNews::Exhausted => {}
        }
    }

    /// Does what a change of service node asks for.
    pub(crate) fn follow(&mut self, turn: Turn, reason: impl FnOnce() -> String) {
        if self.nodes.take_wants_more() {
            self.feed.ask();
        }
        match turn {
            Turn::Stay => return,
            Turn::NoneLeft if self.nodes.may_turn() && self.feed.is_open() => {}
            Turn::NoneLeft => self.shared.board.give_up(),
            Turn::To { from, to } => {
                let reason = reason();
                tracing::info!(client = self.id, %from, to = %to, reason = %Escaped(&reason), "turns to another service node");
                self.shared.metrics.switches.inc();
                self.shared.log.log(PeerSwitched {
                    client: self.id,
                    from: from.to_string(),
                    to: to.id().to_string(),
                    reason,
                    from_transport: Some(from.transport()),
                    to_transport: Some(to.id().transport()),
                });
                self.connections.left(&from, "turned to another service node");
                self.link.forget(&from);
                self.link.keep_connected(to);
            }
        }
        self.mark_ready();
    }

    fn mark_ready(&self) {
        self.shared.board.set_ready(self.id, self.nodes.ready_peer().is_some());
        self.shared
            .metrics
            .ready_clients
            .set(i64::from(self.shared.board.ready_clients()));
    }
}
