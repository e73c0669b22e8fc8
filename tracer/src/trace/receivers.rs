//! The receivers of the run as far as the message is concerned: when they were subscribed, and what reached them.

use std::collections::BTreeSet;

use event_log::{Event, MessageHash, Record, Timestamp, event::Transport};

use super::{
    gather::LogFacts,
    judged::{Judged, Settled},
};
use crate::{
    model::Archive,
    receivers::{Gap as Absence, Receiver, Window},
};

/// A light client of a receiver log.
pub(super) struct Client<'a> {
    pub(super) name: String,
    pub(super) peer_id: Option<&'a str>,
    pub(super) log: &'a LogFacts,
    pub(super) window: Window,
    /// What the report says; `None` when no publisher log knows the message.
    pub(super) settled: Option<Settled>,
    /// Service nodes it was ever subscribed at.
    pub(super) service_nodes: BTreeSet<ServiceNode<'a>>,
    pub(super) gaps: Vec<Gap<'a>>,
    /// In the order of time.
    pub(super) arrivals: Vec<Arrival<'a>>,
    /// What claims to be the message under a hash that its publisher does not know.
    pub(super) strangers: Vec<Arrival<'a>>,
}

/// A service node as a client knows it. Its REST API is another than the node itself: see `docs/measuring.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServiceNode<'a> {
    pub(super) peer: &'a str,
    pub(super) is_rest: bool,
}

impl<'a> ServiceNode<'a> {
    pub(super) fn new(peer: &'a str, transport: Option<Transport>) -> Self {
        Self {
            peer,
            is_rest: transport == Some(Transport::Rest),
        }
    }
}

/// A time without a live subscription.
pub(super) struct Gap<'a> {
    pub(super) since: Timestamp,
    /// `None` when it never ended.
    pub(super) until: Option<Timestamp>,
    pub(super) reason: &'a str,
}

/// The message reached a client.
pub(super) struct Arrival<'a> {
    pub(super) at: Timestamp,
    pub(super) hash: MessageHash,
    pub(super) service_node: ServiceNode<'a>,
    pub(super) transport: Option<Transport>,
}

impl Gap<'_> {
    pub(super) fn overlaps(&self, from: Timestamp, to: Timestamp) -> bool {
        self.since <= to && self.until.is_none_or(|until| until >= from)
    }
}

/// The clients of all receiver logs, in the order of their names. Where a publisher log knows the message, only the
/// hashes `published` are it.
pub(super) fn clients<'a>(
    archive: &'a Archive,
    logs: &'a [LogFacts],
    judged: &Judged<'_>,
    published: &BTreeSet<MessageHash>,
) -> Vec<Client<'a>> {
    let client = |(receiver, settled): &(Receiver<'_>, Option<Settled>)| {
        let log = logs.iter().find(|log| log.number == receiver.log)?;
        Some(client(archive, log, receiver, *settled))
    };
    let mut all: Vec<Client<'_>> = judged.receivers.iter().filter_map(client).collect();
    if !published.is_empty() {
        for client in &mut all {
            client.strangers = client
                .arrivals
                .extract_if(.., |arrival| !published.contains(&arrival.hash))
                .collect();
        }
    }
    all
}

fn client<'a>(
    archive: &'a Archive,
    log: &'a LogFacts,
    receiver: &Receiver<'_>,
    settled: Option<Settled>,
) -> Client<'a> {
    let mut client = Client {
        name: receiver.name.clone(),
        peer_id: receiver.peer_id.map(|peer| archive.symbols.name(peer)),
        log,
        window: receiver.window,
        settled,
        service_nodes: BTreeSet::new(),
        gaps: Vec::new(),
        arrivals: Vec::new(),
        strangers: Vec::new(),
    };
    let own = || {
        log.records
            .iter()
            .filter(|record| client_of(&record.event) == Some(receiver.client))
    };
    client.gaps = receiver.gaps.iter().map(|gap| with_reason(gap, own())).collect();
    for record in own() {
        match &record.event {
            Event::Subscribed(e) => {
                client
                    .service_nodes
                    .insert(ServiceNode::new(&e.service_node, e.transport));
            }
            Event::Received(e) => client.arrivals.push(Arrival {
                at: record.time,
                hash: e.hash,
                service_node: ServiceNode::new(&e.service_node, e.transport),
                transport: e.transport,
            }),
            _ => {}
        }
    }
    client
}

fn client_of(event: &Event) -> Option<u32> {
    match event {
        Event::Subscribed(e) => Some(e.client),
        Event::PresenceLost(e) => Some(e.client),
        Event::Received(e) => Some(e.client),
        _ => None,
    }
}

/// A gap with the reason of its first loss of presence.
fn with_reason<'a>(gap: &Absence, mut records: impl Iterator<Item = &'a Record>) -> Gap<'a> {
    let within = gap.since_ns..=gap.until_ns;
    let reason = records.find_map(|record| match &record.event {
        Event::PresenceLost(e) if within.contains(&e.since.unix_ns()) => Some(e.reason.as_str()),
        _ => None,
    });
    Gap {
        since: Timestamp::from_unix_ns(gap.since_ns),
        until: (gap.until_ns != i64::MAX).then(|| Timestamp::from_unix_ns(gap.until_ns)),
        reason: reason.unwrap_or_default(),
    }
}
