//! Where a message was lost, from the service nodes' logs.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    hashes::HashId,
    join::{Book, Slot},
    model::{Archive, AttemptRecord, Log, NodeFactKind, Outcome},
    node_log::{self, Shows},
    receivers::Receiver,
    select::Selection,
    symbols::Symbol,
};

/// Where a message was lost: the first three on the publisher's side (it was never acknowledged), the others on the way
/// to one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Nothing left the publisher, in no attempt.
    PublisherOffline,
    /// A service node refused it, and no attempt was left without answer.
    RefusedByServiceNode,
    /// An attempt was left without answer: it may have been relayed.
    NoAnswer,
    /// The receiver had no live subscription while the message was on its way.
    ReceiverNotSubscribed,
    /// A service node acknowledged it, and none of the receiver's service nodes ever had it.
    AckedNotRelayed,
    /// A service node of the receiver had it and did not push it, or its push failed.
    RelayedNotPushed,
    /// A service node pushed it to the receiver, which did not log it.
    PushedNotReceived,
    /// The logs of the service nodes concerned are not given, or are torn.
    UnknownNoNodeLog,
}

impl Place {
    /// In the order of the message's way.
    pub const ALL: [Self; 8] = [
        Self::PublisherOffline,
        Self::RefusedByServiceNode,
        Self::NoAnswer,
        Self::AckedNotRelayed,
        Self::RelayedNotPushed,
        Self::PushedNotReceived,
        Self::ReceiverNotSubscribed,
        Self::UnknownNoNodeLog,
    ];

    /// The place in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::PublisherOffline => "publisher offline",
            Self::RefusedByServiceNode => "refused by service node",
            Self::NoAnswer => "no answer from service node",
            Self::ReceiverNotSubscribed => "receiver was not subscribed",
            Self::AckedNotRelayed => "acked but not relayed to the receiver's service node",
            Self::RelayedNotPushed => "relayed but not pushed",
            Self::PushedNotReceived => "pushed but not received",
            Self::UnknownNoNodeLog => "unknown: no log of the service node",
        }
    }
}

/// Where a message that was never acknowledged got stuck.
pub(crate) fn place_of_failure(attempts: &[AttemptRecord]) -> Place {
    let any = |outcomes: &[Outcome]| attempts.iter().any(|attempt| outcomes.contains(&attempt.outcome));
    if any(&[Outcome::NoAnswer, Outcome::Open]) {
        Place::NoAnswer
    } else if any(&[Outcome::Refused]) {
        Place::RefusedByServiceNode
    } else {
        Place::PublisherOffline
    }
}

/// What the service nodes' logs say, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// In the order of hash and node.
    facts: Vec<Fact>,
    nodes: Vec<NodeLog>,
    /// Peer ids of the nodes whose logs would show any message they had: all whole.
    shows_had: BTreeSet<Symbol>,
    /// Peer ids of the nodes whose logs would show any message handed to a relay peer.
    shows_sent: BTreeSet<Symbol>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    hash: HashId,
    node: u32,
    kind: NodeFactKind,
    peer: Option<Symbol>,
}

/// A service node's log. Only a whole one proves that something did *not* happen; a native one only of what its level
/// shows.
#[derive(Debug)]
struct NodeLog {
    peer_id: Option<Symbol>,
    shows_had: bool,
    shows_sent: bool,
    shows_pushes: bool,
}

impl NodeLog {
    /// `from_ns` to `until_ns` is the time of the run, by the publishers' logs.
    fn new(log: &Log, (from_ns, until_ns): (i64, i64)) -> Self {
        let peer_id = log.header.as_ref().and_then(|header| header.peer_id);
        let (whole, shown) = match &log.native {
            Some(native) => (node_log::covers(native, from_ns, until_ns), native.shows),
            None => (log.ended.is_some() && log.lines.unreadable() == 0, Shows::ALL),
        };
        Self {
            peer_id,
            shows_had: whole && shown.received,
            shows_sent: whole && shown.sent,
            shows_pushes: whole && shown.pushes,
        }
    }
}

/// First and last time in the logs of the run's publishers.
pub(crate) fn time_of_run(archive: &Archive, publishers: &[usize]) -> (i64, i64) {
    let mut time = (i64::MAX, i64::MIN);
    for log in publishers.iter().map(|log| &archive.logs[*log]) {
        if let Some(header) = &log.header {
            time.0 = time.0.min(header.started_ns);
            time.1 = time.1.max(log.last_ns.unwrap_or(header.started_ns));
        }
    }
    time
}

impl Evidence {
    /// Takes the facts of the service-node logs.
    pub(crate) fn new(archive: &Archive, selection: &Selection) -> Self {
        let mut evidence = Self::default();
        let time = time_of_run(archive, &selection.publishers);
        for (node, log) in (0_u32..).zip(selection.nodes.iter().map(|log| &archive.logs[*log])) {
            let fact = |f: &crate::model::NodeFact| Fact {
                hash: f.hash,
                node,
                kind: f.kind,
                peer: f.peer,
            };
            evidence.facts.extend(log.node_facts.iter().map(fact));
            evidence.nodes.push(NodeLog::new(log, time));
        }
        evidence.facts.sort_unstable();
        evidence.shows_had = evidence.nodes_that(|node| node.shows_had);
        evidence.shows_sent = evidence.nodes_that(|node| node.shows_sent);
        evidence
    }

    /// Peer ids of the nodes all of whose logs are so.
    fn nodes_that(&self, is_so: fn(&NodeLog) -> bool) -> BTreeSet<Symbol> {
        let mut ids: BTreeSet<Symbol> = self.nodes.iter().filter_map(|node| node.peer_id).collect();
        for other in self.nodes.iter().filter(|node| !is_so(node)) {
            other.peer_id.inspect(|peer| {
                ids.remove(peer);
            });
        }
        ids
    }

    /// The place of a loss. The rules, first match wins:
    ///
    /// 1. Never subscribed, or each acknowledged attempt lay in a gap of presence: *receiver was not subscribed*.
    /// 2. A push of any attempt to this receiver went well: *pushed but not received*.
    /// 3. A push to it failed, or a service node of the receiver had the message: *relayed but not pushed*. For the
    ///    second half the logs of all nodes that had it must be whole, or a push may be missing from them, and none must
    ///    have begun a push to it whose end is not logged.
    /// 4. The logs of all the receiver's service nodes are given and whole, and none had it: *acked but not relayed*.
    /// 5. The node that acknowledged is none of the receiver's, its log is whole, and it sent the message to no relay
    ///    peer: *acked but not relayed*.
    /// 6. Otherwise *unknown*.
    pub(crate) fn place(&self, book: &Book, slot: &Slot, receiver: &Receiver) -> Place {
        if receiver.window.subscribed_ns.is_none() || book.acked_at(slot).all(|attempt| in_gap(receiver, attempt)) {
            return Place::ReceiverNotSubscribed;
        }
        let facts: Vec<Fact> = book
            .attempts_at(slot)
            .iter()
            .flat_map(|attempt| self.facts_of(attempt.hash).filter(|fact| self.is_proof(fact, attempt)))
            .collect();
        let pushed_here = |kind| {
            facts
                .iter()
                .any(|f| f.kind == kind && f.peer.is_some() && f.peer == receiver.peer_id)
        };
        if pushed_here(NodeFactKind::Pushed) {
            return Place::PushedNotReceived;
        }
        if pushed_here(NodeFactKind::PushFailed) {
            return Place::RelayedNotPushed;
        }
        if pushed_here(NodeFactKind::PushUnclear) {
            return Place::UnknownNoNodeLog;
        }
        let is_own = |node: &NodeLog| node.peer_id.is_some_and(|peer| receiver.service_nodes.contains(&peer));
        let mut had_it = facts
            .iter()
            .map(|f| &self.nodes[f.node as usize])
            .filter(|node| is_own(node))
            .peekable();
        if had_it.peek().is_some() {
            return if had_it.all(|node| node.shows_pushes) {
                Place::RelayedNotPushed
            } else {
                Place::UnknownNoNodeLog
            };
        }
        if !receiver.service_nodes.is_empty() && receiver.service_nodes.is_subset(&self.shows_had) {
            return Place::AckedNotRelayed;
        }
        let stayed_there = |attempt: &AttemptRecord| {
            attempt
                .service_node
                .is_some_and(|peer| self.shows_sent.contains(&peer) && !receiver.service_nodes.contains(&peer))
                && !self.facts_of(attempt.hash).any(|f| f.kind == NodeFactKind::RelaySent)
        };
        let acked = |attempt: &&AttemptRecord| attempt.outcome == Outcome::Acked;
        if book.attempts_at(slot).iter().filter(acked).all(stayed_there) {
            return Place::AckedNotRelayed;
        }
        Place::UnknownNoNodeLog
    }

    /// Whether a fact proves that its node had the message. That a request came in does so only if its node acknowledged it.
    fn is_proof(&self, fact: &Fact, attempt: &AttemptRecord) -> bool {
        let node = self.nodes[fact.node as usize].peer_id;
        let acked = attempt.outcome == Outcome::Acked && node.is_some() && attempt.service_node == node;
        fact.kind != NodeFactKind::Requested || acked
    }

    fn facts_of(&self, hash: HashId) -> impl Iterator<Item = Fact> {
        let from = self.facts.partition_point(|f| f.hash < hash);
        self.facts[from..].iter().copied().take_while(move |f| f.hash == hash)
    }
}

/// Whether a gap overlaps the attempt. The gaps are in order and none touches another, so that the first which ends late
/// enough also begins first.
fn in_gap(receiver: &Receiver, attempt: &AttemptRecord) -> bool {
    let gaps = &receiver.gaps;
    let next = gaps.partition_point(|gap| gap.until_ns < attempt.sent_ns);
    gaps.get(next)
        .is_some_and(|gap| gap.overlaps(attempt.sent_ns, attempt.ended_ns))
}
