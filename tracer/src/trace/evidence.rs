//! What publishers and service nodes logged about the message, ready to be asked for what shows where it was lost. The
//! place itself is the report's.

use std::collections::BTreeSet;

use event_log::{
    Event, MessageHash, Timestamp,
    event::{PushOutcome, Role},
};

use super::{
    gather::LogFacts,
    native_evidence::native_log,
    receivers::{Client, ServiceNode},
};
use crate::{model::Archive, node_log::Shows, place::Place};

/// Lightpush answers of version 2 and 3 that mean success.
const STATUS_OK: u32 = 200;

/// An acknowledged attempt.
pub(super) struct Acked<'a> {
    hash: MessageHash,
    pub(super) sent: Timestamp,
    pub(super) acked: Timestamp,
    pub(super) service_node: ServiceNode<'a>,
}

/// One log of a service node.
pub(super) struct NodeLog<'a> {
    pub(super) peer_id: Option<&'a str>,
    pub(super) log: &'a LogFacts,
    /// First moment it had the message.
    pub(super) had: Option<Timestamp>,
    pub(super) pushes: Vec<Push<'a>>,
    /// Subscribers to whom pushes were begun whose end is not logged.
    pub(super) unclear: BTreeSet<&'a str>,
    /// What it would show if it had happened: all or nothing of an event log, of a native one what its level shows.
    pub(super) shows: Shows,
}

/// A push to a subscriber.
pub(super) struct Push<'a> {
    pub(super) at: Timestamp,
    pub(super) peer: &'a str,
    pub(super) outcome: PushOutcome,
    pub(super) error: Option<&'a str>,
}

/// All of it.
pub(super) struct Evidence<'a> {
    pub(super) attempted: bool,
    /// The hashes that a publisher log knows.
    pub(super) published: BTreeSet<MessageHash>,
    pub(super) acked: Vec<Acked<'a>>,
    pub(super) nodes: Vec<NodeLog<'a>>,
}

/// The place of a loss, and the node whose log shows it.
pub(super) struct Placed<'a, 'b> {
    pub(super) place: Place,
    pub(super) node: Option<&'b NodeLog<'a>>,
    pub(super) push: Option<&'b Push<'a>>,
}

impl<'a> Evidence<'a> {
    /// `time` is the time of the run, by the publishers' logs.
    pub(super) fn new(archive: &'a Archive, logs: &'a [LogFacts], time: (i64, i64)) -> Self {
        let mut evidence = Self {
            attempted: false,
            published: BTreeSet::new(),
            acked: Vec::new(),
            nodes: Vec::new(),
        };
        let publishers = logs.iter().filter(|log| log.role() == Some(Role::Publisher));
        publishers.for_each(|log| evidence.publisher(log));
        for log in logs {
            match (log.role(), &log.native) {
                (_, Some(native)) => {
                    let acked = evidence.acked_by(log.peer_id());
                    let whole = archive.logs[log.number].native.as_deref();
                    evidence.nodes.push(native_log(log, native, whole, time, &acked));
                }
                (Some(Role::ServiceNode), None) => evidence.nodes.push(node_log(log)),
                _ => {}
            }
        }
        evidence
    }

    /// The hashes that this service node acknowledged.
    fn acked_by(&self, node: Option<&str>) -> BTreeSet<MessageHash> {
        let node = node.map(|peer| ServiceNode { peer, is_rest: false });
        let by_it = self.acked.iter().filter(|acked| Some(acked.service_node) == node);
        by_it.map(|acked| acked.hash).collect()
    }

    fn publisher(&mut self, log: &'a LogFacts) {
        for record in &log.records {
            let hash = match &record.event {
                Event::PublishAttempt(e) => e.hash,
                Event::Published(e) => {
                    self.acked.push(Acked {
                        hash: e.hash,
                        sent: e.sent,
                        acked: e.acked,
                        service_node: ServiceNode::new(&e.service_node, e.transport),
                    });
                    e.hash
                }
                Event::PublishFailed(e) => e.hash,
                _ => continue,
            };
            self.published.insert(hash);
            self.attempted = true;
        }
    }

    /// What shows that the message was lost on its way to `client` at `place`.
    pub(super) fn of_place(&self, place: Place, client: &Client<'a>) -> Placed<'a, '_> {
        let (node, push) = match place {
            Place::PushedNotReceived => self.push_to(client, true).unzip(),
            Place::RelayedNotPushed => match self.push_to(client, false) {
                Some((node, push)) => (Some(node), Some(push)),
                None => (self.holders(client).next(), None),
            },
            Place::UnknownNoNodeLog => (self.silent_about(client), None),
            _ => (None, None),
        };
        Placed { place, node, push }
    }

    /// The node that may have pushed it to `client`, and whose log does not tell.
    fn silent_about(&self, client: &Client<'a>) -> Option<&NodeLog<'a>> {
        let unclear = self.nodes.iter().find(|node| node.unclear_to(client));
        unclear.or_else(|| self.holders(client).find(|node| !node.shows.pushes))
    }

    /// The service nodes of `client` that had the message.
    fn holders(&self, client: &Client<'a>) -> impl Iterator<Item = &NodeLog<'a>> {
        let own = |peer| client.service_nodes.contains(&ServiceNode { peer, is_rest: false });
        self.nodes
            .iter()
            .filter(move |node| node.had.is_some() && node.peer_id.is_some_and(own))
    }

    fn push_to(&self, client: &Client<'a>, ok: bool) -> Option<(&NodeLog<'a>, &Push<'a>)> {
        let pushes = self
            .nodes
            .iter()
            .flat_map(|node| node.pushes.iter().map(move |push| (node, push)));
        pushes
            .filter(|(_, push)| client.peer_id == Some(push.peer) && (push.outcome == PushOutcome::Ok) == ok)
            .min_by_key(|(node, push)| (push.at, node.peer_id))
    }

    pub(super) fn logs_of(&self, peer: &str) -> impl Iterator<Item = &NodeLog<'a>> {
        self.nodes.iter().filter(move |node| node.peer_id == Some(peer))
    }
}

impl NodeLog<'_> {
    /// Whether a push to this receiver was begun whose end is not logged.
    pub(super) fn unclear_to(&self, client: &Client<'_>) -> bool {
        client.peer_id.is_some_and(|peer| self.unclear.contains(peer))
    }
}

fn node_log(log: &LogFacts) -> NodeLog<'_> {
    let mut node = NodeLog {
        peer_id: log.peer_id(),
        log,
        had: None,
        pushes: Vec::new(),
        unclear: BTreeSet::new(),
        shows: if log.is_whole() { Shows::ALL } else { Shows::NOTHING },
    };
    let mut moments = Vec::new();
    for record in &log.records {
        match &record.event {
            Event::LightpushHandled(e) if e.hash.is_some() && e.status == STATUS_OK => moments.push(e.received),
            Event::RelayReceived(_) => moments.push(record.time),
            Event::RelaySent(e) if !e.to_peers.is_empty() => moments.push(record.time),
            Event::FilterPushed(e) => {
                node.pushes.push(Push {
                    at: record.time,
                    peer: &e.peer,
                    outcome: e.outcome,
                    error: e.error.as_deref(),
                });
                moments.push(record.time);
            }
            _ => {}
        }
    }
    node.had = moments.into_iter().min();
    node
}
