//! What publishers and service nodes logged about the message, ready to be asked. The rules of where a message was
//! lost are those of `docs/measuring.md`.

use std::collections::{BTreeMap, BTreeSet};

use event_log::{
    Event, MessageHash, Timestamp,
    event::{FailureOutcome, PushOutcome, Role},
};

use super::{gather::LogFacts, native_evidence::native_log, receivers::Client};
use crate::{node_log::Shows, place::Place};

/// Lightpush answers of version 2 and 3 that mean success.
const STATUS_OK: u32 = 200;

/// An acknowledged attempt.
pub(super) struct Acked<'a> {
    pub(super) hash: MessageHash,
    pub(super) sent: Timestamp,
    pub(super) acked: Timestamp,
    pub(super) service_node: &'a str,
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
    /// Hashes it handed to relay peers.
    pub(super) relayed: BTreeSet<MessageHash>,
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
    failures: BTreeMap<(MessageHash, u32), FailureOutcome>,
    attempts: BTreeSet<(MessageHash, u32)>,
    pub(super) nodes: Vec<NodeLog<'a>>,
}

/// The place of a loss, and the node whose log shows it.
pub(super) struct Placed<'a, 'b> {
    pub(super) place: Place,
    pub(super) node: Option<&'b NodeLog<'a>>,
    pub(super) push: Option<&'b Push<'a>>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(logs: &'a [LogFacts]) -> Self {
        let mut evidence = Self {
            attempted: false,
            published: BTreeSet::new(),
            acked: Vec::new(),
            failures: BTreeMap::new(),
            attempts: BTreeSet::new(),
            nodes: Vec::new(),
        };
        let time = time_of_run(logs);
        let publishers = logs.iter().filter(|log| log.role() == Some(Role::Publisher));
        publishers.for_each(|log| evidence.publisher(log));
        for log in logs {
            match (log.role(), &log.native) {
                (_, Some(native)) => {
                    let acked = evidence.acked_by(log.peer_id());
                    evidence.nodes.push(native_log(log, native, time, &acked));
                }
                (Some(Role::ServiceNode), None) => evidence.nodes.push(node_log(log)),
                _ => {}
            }
        }
        evidence
    }

    /// The hashes that this service node acknowledged.
    fn acked_by(&self, node: Option<&str>) -> BTreeSet<MessageHash> {
        let by_it = self.acked.iter().filter(|acked| Some(acked.service_node) == node);
        by_it.map(|acked| acked.hash).collect()
    }

    fn publisher(&mut self, log: &'a LogFacts) {
        for record in &log.records {
            let hash = match &record.event {
                Event::PublishAttempt(e) => {
                    self.attempts.insert((e.hash, e.attempt));
                    e.hash
                }
                Event::Published(e) => {
                    self.acked.push(Acked {
                        hash: e.hash,
                        sent: e.sent,
                        acked: e.acked,
                        service_node: &e.service_node,
                    });
                    e.hash
                }
                Event::PublishFailed(e) => {
                    self.failures.insert((e.hash, e.attempt), e.outcome);
                    e.hash
                }
                _ => continue,
            };
            self.published.insert(hash);
            self.attempted = true;
        }
    }

    /// Where a message that was never acknowledged got stuck.
    pub(super) fn place_of_failure(&self) -> Place {
        let any = |outcome| self.failures.values().any(|failed| *failed == outcome);
        let open = self.attempts.iter().any(|attempt| !self.failures.contains_key(attempt));
        if open || any(FailureOutcome::NoAnswer) {
            Place::NoAnswer
        } else if any(FailureOutcome::Refused) {
            Place::RefusedByServiceNode
        } else {
            Place::PublisherOffline
        }
    }

    /// Where an acknowledged message was lost on its way to `client`: the first rule that matches.
    pub(super) fn place(&self, client: &Client<'a>) -> Placed<'a, '_> {
        let nowhere = |place| Placed {
            place,
            node: None,
            push: None,
        };
        let in_gap = |a: &Acked<'_>| client.gaps.iter().any(|gap| gap.overlaps(a.sent, a.acked));
        if client.window.subscribed_ns.is_none() || self.acked.iter().all(in_gap) {
            return nowhere(Place::ReceiverNotSubscribed);
        }
        for (ok, place) in [(true, Place::PushedNotReceived), (false, Place::RelayedNotPushed)] {
            if let Some((node, push)) = self.push_to(client, ok) {
                return Placed {
                    place,
                    node: Some(node),
                    push: Some(push),
                };
            }
        }
        if let Some(node) = self.nodes.iter().find(|node| node.unclear_to(client)) {
            return Placed {
                place: Place::UnknownNoNodeLog,
                node: Some(node),
                push: None,
            };
        }
        let mut had_it = self
            .nodes
            .iter()
            .filter(|node| node.had.is_some() && node.peer_id.is_some_and(|peer| client.service_nodes.contains(peer)))
            .peekable();
        if let Some(first) = had_it.peek().copied() {
            let torn = had_it.find(|node| !node.shows.pushes);
            return Placed {
                place: if torn.is_some() {
                    Place::UnknownNoNodeLog
                } else {
                    Place::RelayedNotPushed
                },
                node: torn.or(Some(first)),
                push: None,
            };
        }
        let none_had_it = !client.service_nodes.is_empty()
            && client
                .service_nodes
                .iter()
                .all(|peer| self.would_show(peer, |shows| shows.received));
        let stayed = |a: &Acked<'_>| {
            self.would_show(a.service_node, |shows| shows.sent)
                && !client.service_nodes.contains(a.service_node)
                && !self.nodes.iter().any(|node| node.relayed.contains(&a.hash))
        };
        if none_had_it || self.acked.iter().all(stayed) {
            return nowhere(Place::AckedNotRelayed);
        }
        nowhere(Place::UnknownNoNodeLog)
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

    /// Whether there is a log of this service node, and all of them would show what `what` picks.
    fn would_show(&self, peer: &str, what: fn(Shows) -> bool) -> bool {
        let mut logs = self.logs_of(peer).peekable();
        logs.peek().is_some() && logs.all(|node| what(node.shows))
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
        relayed: BTreeSet::new(),
        shows: if log.is_whole() { Shows::ALL } else { Shows::NOTHING },
    };
    let mut moments = Vec::new();
    for record in &log.records {
        match &record.event {
            Event::LightpushHandled(e) if e.hash.is_some() && e.status == STATUS_OK => moments.push(e.received),
            Event::RelayReceived(_) => moments.push(record.time),
            Event::RelaySent(e) if !e.to_peers.is_empty() => {
                node.relayed.insert(e.hash);
                moments.push(record.time);
            }
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

/// First and last time in the logs of publishers.
fn time_of_run(logs: &[LogFacts]) -> (i64, i64) {
    let mut time = (i64::MAX, i64::MIN);
    for log in logs.iter().filter(|log| log.role() == Some(Role::Publisher)) {
        let Some(started) = log.started else { continue };
        time.0 = time.0.min(started.unix_ns());
        time.1 = time.1.max(log.last.unwrap_or(started).unix_ns());
    }
    time
}
