//! The receivers of the run as far as the message is concerned: when they were subscribed, and what reached them.

use std::collections::{BTreeMap, BTreeSet};

use event_log::{Event, MessageHash, Record, Timestamp, event::Role};

use super::gather::LogFacts;
use crate::{
    options::DEFAULT_LATE_AFTER_NS,
    receivers::{MAX_CLIENTS, Window},
};

/// A light client of a receiver log.
pub(super) struct Client<'a> {
    pub(super) name: String,
    pub(super) peer_id: Option<&'a str>,
    pub(super) log: &'a LogFacts,
    pub(super) window: Window,
    /// Service nodes it was ever subscribed at.
    pub(super) service_nodes: BTreeSet<&'a str>,
    pub(super) gaps: Vec<Gap<'a>>,
    /// In the order of time.
    pub(super) arrivals: Vec<Arrival<'a>>,
    /// What claims to be the message under a hash that its publisher does not know.
    pub(super) strangers: Vec<Arrival<'a>>,
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
    pub(super) service_node: &'a str,
}

impl Gap<'_> {
    pub(super) fn overlaps(&self, from: Timestamp, to: Timestamp) -> bool {
        self.since <= to && self.until.is_none_or(|until| until >= from)
    }
}

/// The clients of all receiver logs, in the order of their names. Where a publisher log knows the message, only the
/// hashes `published` are it.
pub(super) fn clients<'a>(logs: &'a [LogFacts], published: &BTreeSet<MessageHash>) -> Vec<Client<'a>> {
    let mut all: Vec<Client<'_>> = logs
        .iter()
        .filter(|log| log.role() == Some(Role::Receiver))
        .flat_map(of_log)
        .collect();
    if !published.is_empty() {
        for client in &mut all {
            client.strangers = client
                .arrivals
                .extract_if(.., |arrival| !published.contains(&arrival.hash))
                .collect();
        }
    }
    all.sort_by(|a, b| (&a.name, &a.log.path).cmp(&(&b.name, &b.log.path)));
    all
}

fn of_log(log: &LogFacts) -> Vec<Client<'_>> {
    let Some(header) = &log.header else { return Vec::new() };
    let mut numbers: BTreeSet<u32> = log
        .records
        .iter()
        .filter_map(|record| client_of(&record.event))
        .collect();
    if header.clients <= MAX_CLIENTS {
        numbers.extend(0..header.clients);
    }
    let until_ns = match log.ended {
        Some(ended) => Some(ended.unix_ns()),
        // What arrived in the moments before the log broke off is not in it.
        None => log
            .last
            .map(|last| last.unix_ns().saturating_sub(DEFAULT_LATE_AFTER_NS)),
    };
    let mut clients: BTreeMap<u32, Client<'_>> = BTreeMap::new();
    for number in numbers {
        let client = Client {
            name: format!("{}/{number}", header.node),
            peer_id: None,
            log,
            window: Window {
                subscribed_ns: None,
                until_ns,
                complete: log.ended.is_some(),
            },
            service_nodes: BTreeSet::new(),
            gaps: Vec::new(),
            arrivals: Vec::new(),
            strangers: Vec::new(),
        };
        clients.insert(number, client);
    }
    for record in &log.records {
        if let Some(client) = client_of(&record.event).and_then(|number| clients.get_mut(&number)) {
            take(client, record);
        }
    }
    clients.into_values().collect()
}

fn client_of(event: &Event) -> Option<u32> {
    match event {
        Event::ClientStarted(e) => Some(e.client),
        Event::Subscribed(e) => Some(e.client),
        Event::PresenceLost(e) => Some(e.client),
        Event::PresenceRestored(e) => Some(e.client),
        Event::Received(e) => Some(e.client),
        _ => None,
    }
}

/// Takes the next event of a client; they come in the order of time.
fn take<'a>(client: &mut Client<'a>, record: &'a Record) {
    match &record.event {
        Event::ClientStarted(e) => {
            client.name.clone_from(&e.name);
            client.peer_id = Some(&e.peer_id);
        }
        Event::Subscribed(e) => {
            client.service_nodes.insert(&e.service_node);
            client.window.subscribed_ns.get_or_insert(record.time.unix_ns());
        }
        Event::PresenceLost(e) => client.gaps.push(Gap {
            since: e.since,
            until: None,
            reason: &e.reason,
        }),
        Event::PresenceRestored(e) => {
            let mut closed = false;
            for gap in client.gaps.iter_mut().filter(|gap| gap.until.is_none()) {
                gap.until = Some(record.time);
                closed = true;
            }
            if !closed {
                client.gaps.push(Gap {
                    since: e.since,
                    until: Some(record.time),
                    reason: "",
                });
            }
        }
        Event::Received(e) => client.arrivals.push(Arrival {
            at: record.time,
            hash: e.hash,
            service_node: &e.service_node,
        }),
        _ => {}
    }
}
