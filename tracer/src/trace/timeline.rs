//! The time line: one line for each thing that was logged about the message.

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{FailureOutcome, PushOutcome, Transport},
};

use super::{gather::LogFacts, names::Names, receivers::ServiceNode};
use crate::units::{show_count, show_ns};

/// What happened, told from one log's point of view.
pub(super) struct Told {
    pub(super) at: Timestamp,
    pub(super) who: String,
    pub(super) event: &'static str,
    pub(super) what: String,
    pub(super) transport: Option<Transport>,
}

/// What the logs tell, without receivers' arrivals and gaps.
pub(super) struct Teller<'a> {
    pub(super) names: &'a Names,
    pub(super) log: &'a LogFacts,
    /// Whether to name the hash: the message had several.
    pub(super) name_hashes: bool,
}

impl Teller<'_> {
    /// The lines of one event; a lightpush request has two.
    pub(super) fn tell(&self, record: &Record) -> Vec<Told> {
        let own = self.log.header.as_ref().map_or("?", |header| header.node.as_str());
        let event = record.event.name();
        let told = |at: Timestamp, who: &str, what: String| Told {
            at,
            who: who.to_owned(),
            event,
            what,
            transport: transport_of(&record.event),
        };
        let names = self.names;
        match &record.event {
            Event::PublishAttempt(e) => {
                let (hash, to) = (
                    self.hash(e.hash),
                    names.of_service(ServiceNode::new(&e.service_node, e.transport)),
                );
                let what = format!("attempt {}{hash} leaves for {to}, {} bytes", e.attempt, e.size_bytes);
                vec![told(e.sent, &e.sender, what)]
            }
            Event::Published(e) => {
                let relayed = e
                    .relay_peers
                    .map(|peers| format!(", says it relays to {}", show_count(peers.into(), "peer")));
                let what = format!(
                    "attempt {} acknowledged by {} with status {} after {}{}",
                    e.attempt,
                    names.of_service(ServiceNode::new(&e.service_node, e.transport)),
                    e.status,
                    show_ns(e.acked.since_ns(e.sent)),
                    relayed.unwrap_or_default()
                );
                vec![told(e.acked, &e.sender, what)]
            }
            Event::PublishFailed(e) => vec![told(e.failed, &e.sender, self.failed(e))],
            Event::LightpushHandled(e) => {
                let from = names.of(&e.peer);
                let read = format!(
                    "reads the lightpush request of {from}{}",
                    e.hash.map(|h| self.hash(h)).unwrap_or_default()
                );
                let text = e
                    .status_text
                    .as_deref()
                    .map(|text| format!(" ({text})"))
                    .unwrap_or_default();
                let relayed = e
                    .relay_peers
                    .map(|peers| format!(", relayed to {}", show_count(peers.into(), "peer")))
                    .unwrap_or_default();
                let answer = format!("answers {from} with status {}{text}{relayed}", e.status);
                vec![told(e.received, own, read), told(record.time, own, answer)]
            }
            Event::RelaySent(e) => {
                vec![told(
                    record.time,
                    own,
                    format!("hands it to {}{}", names.list(&e.to_peers), self.hash(e.hash)),
                )]
            }
            Event::RelayReceived(e) => {
                vec![told(
                    record.time,
                    own,
                    format!("gets it from {}{}", names.of(&e.from_peer), self.hash(e.hash)),
                )]
            }
            Event::Stored(e) => vec![told(record.time, own, format!("stores it{}", self.hash(e.hash)))],
            Event::StoreSkipped(e) => {
                vec![told(
                    record.time,
                    own,
                    format!("does not store it{}: {}", self.hash(e.hash), e.reason),
                )]
            }
            Event::FilterPushed(e) => {
                let error = e.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
                let (to, hash) = (names.of(&e.peer), self.hash(e.hash));
                let what = match e.outcome {
                    PushOutcome::Ok => format!("has pushed it to {to}{hash}"),
                    PushOutcome::Failed => format!("could not push it to {to}{hash}{error}"),
                    PushOutcome::Dropped => format!("dropped it for {to}{hash}, whose queue was full{error}"),
                    PushOutcome::TimedOut => format!("gave up pushing it to {to}{hash}, which did not take it{error}"),
                };
                vec![told(record.time, own, what)]
            }
            _ => Vec::new(),
        }
    }

    /// The lines of a native log.
    pub(super) fn tell_native(&self) -> Vec<Told> {
        let Some(native) = &self.log.native else {
            return Vec::new();
        };
        let own = native
            .peer_id
            .as_deref()
            .map_or_else(|| native.name.clone(), |own| self.names.of(own));
        let told = native.sightings.iter().map(|sighting| Told {
            at: sighting.at,
            who: own.clone(),
            event: sighting.event,
            what: format!("{}{}", sighting.describe(self.names), self.hash(sighting.hash)),
            transport: None,
        });
        told.collect()
    }

    fn failed(&self, e: &event_log::event::PublishFailed) -> String {
        let node = e.service_node.as_deref().map_or("no service node".to_owned(), |node| {
            self.names.of_service(ServiceNode::new(node, e.transport))
        });
        let status = e
            .status
            .map(|status| format!(" with status {status}"))
            .unwrap_or_default();
        let after = show_ns(e.failed.since_ns(e.sent));
        let how = match e.outcome {
            FailureOutcome::Refused => format!("refused by {node}{status} after {after}"),
            FailureOutcome::NoAnswer => format!("got no answer from {node} within {after}"),
            FailureOutcome::NotSent => format!("never left for {node}"),
        };
        let then = if e.retry {
            "; another attempt follows"
        } else {
            "; no further attempt"
        };
        format!("attempt {}{} {how}: {}{then}", e.attempt, self.hash(e.hash), e.error)
    }

    fn hash(&self, hash: MessageHash) -> String {
        if self.name_hashes {
            format!(" ({})", short_hash(hash))
        } else {
            String::new()
        }
    }
}

/// How the service node of an attempt was spoken to.
fn transport_of(event: &Event) -> Option<Transport> {
    match event {
        Event::PublishAttempt(e) => e.transport,
        Event::Published(e) => e.transport,
        Event::PublishFailed(e) => e.transport,
        _ => None,
    }
}

/// The beginning of a hash, enough to tell the attempts of one message apart.
pub(super) fn short_hash(hash: MessageHash) -> String {
    hash.to_string().chars().take(10).collect()
}
