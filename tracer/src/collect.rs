//! Puts one event into the records of its log.

use std::collections::HashMap;

use event_log::{
    MessageHash, Record, Timestamp,
    event::{self, Event, FailureOutcome, Transport},
    fast::{HotEvent, HotPublishAttempt, HotPublished, HotReceived, HotRecord},
};

use crate::{
    hashes::{HashId, Hashes},
    model::{
        AttemptRecord, ClientRecord, Delivery, Ended, Header, Log, NodeFact, NodeFactKind, Outcome, PresenceRecord,
        Stray, StrayKind, SubscriptionRecord, size_class,
    },
    symbols::{Symbol, Symbols},
};

/// Longest status text or error kept as the example of its kind.
const MAX_FAILURE_TEXT_CHARS: usize = 120;

/// How far back the beginning of an attempt is looked for: a publisher has a few messages on their way at a time. What
/// lies further back is joined later.
const MAX_LINES_BACK: usize = 16;

/// Lightpush answers of version 2 and 3 that mean success.
const STATUS_OK: u32 = 200;

/// Takes the events of one log.
pub(crate) struct Collector<'a> {
    pub(crate) symbols: &'a mut Symbols,
    pub(crate) hashes: &'a mut Hashes,
    /// What service nodes are called that are used over REST, by what they are called otherwise.
    rest_nodes: HashMap<Symbol, Symbol>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(symbols: &'a mut Symbols, hashes: &'a mut Hashes) -> Self {
        Self {
            symbols,
            hashes,
            rest_nodes: HashMap::new(),
        }
    }

    /// Adds an event to `log`.
    pub(crate) fn add(&mut self, log: &mut Log, record: &Record) {
        if let Some(event) = record.event.as_hot() {
            let time = record.time;
            return self.add_hot(log, &HotRecord { time, event });
        }
        let at_ns = seen(log, record.time);
        match &record.event {
            Event::RunStarted(started) => log.header = Some(self.header(at_ns, started)),
            Event::RunEnded(ended) => log.end(Ended {
                at_ns,
                reason: ended.reason.clone(),
            }),
            Event::ClientStarted(client) => log.clients.push(ClientRecord {
                client: client.client,
                at_ns,
                name: self.symbols.intern(&client.name),
                peer_id: self.symbols.intern(&client.peer_id),
            }),
            Event::PublishFailed(failed) => {
                let record = self.failed(log, failed);
                self.settle(log, &record);
            }
            other => self.receive(log, at_ns, other),
        }
    }

    /// Adds one of the events that logs are full of.
    #[inline]
    pub(crate) fn add_hot(&mut self, log: &mut Log, record: &HotRecord<'_>) {
        let at_ns = seen(log, record.time);
        match &record.event {
            HotEvent::Received(e) => self.delivery(log, at_ns, e),
            HotEvent::PublishAttempt(e) => log.attempts.push(self.attempt(e)),
            HotEvent::Published(e) => {
                let record = self.published(e);
                self.settle(log, &record);
            }
            HotEvent::LightpushHandled(e) if e.status == STATUS_OK => {
                if let Some(hash) = e.hash {
                    self.node_fact(log, hash, NodeFactKind::Accepted, None);
                }
            }
            HotEvent::RelayReceived(e) => self.node_fact(log, e.hash, NodeFactKind::RelayReceived, None),
            HotEvent::RelaySent(e) if !e.to_peers.is_empty() => {
                self.node_fact(log, e.hash, NodeFactKind::RelaySent, None);
            }
            HotEvent::FilterPushed(e) => self.node_fact(log, e.hash, NodeFactKind::from(e.outcome), Some(e.peer)),
            HotEvent::LightpushHandled(_) | HotEvent::RelaySent(_) | HotEvent::Stored(_) => {}
        }
    }

    /// Takes of an event what counts whichever message it is about: its time, the client it reached, the peers it names.
    pub(crate) fn pass_over(&mut self, log: &mut Log, record: &HotRecord<'_>) {
        seen(log, record.time);
        match &record.event {
            HotEvent::Received(e) => {
                self.service_node(e.service_node, e.transport);
                log.deliveries.entry(e.client).or_default();
            }
            HotEvent::PublishAttempt(e) => {
                self.service_node(e.service_node, e.transport);
            }
            HotEvent::Published(e) => {
                self.service_node(e.service_node, e.transport);
            }
            HotEvent::FilterPushed(e) => {
                self.symbols.intern(e.peer);
            }
            HotEvent::LightpushHandled(_)
            | HotEvent::RelayReceived(_)
            | HotEvent::RelaySent(_)
            | HotEvent::Stored(_) => {}
        }
    }

    fn header(&mut self, at_ns: i64, started: &event::RunStarted) -> Header {
        Header {
            role: started.role,
            run: started.run.clone(),
            node: started.node.clone(),
            host: started.host.clone(),
            boot: started.boot.clone(),
            version: started.version.clone(),
            clients: started.clients,
            peer_id: started.peer_id.as_ref().map(|peer| self.symbols.intern(peer)),
            messages: started.messages,
            interval_ns: started.interval_ns,
            expect_publishers: started.expect_publishers,
            expect_receivers: started.expect_receivers,
            clock_error_ns: started.clock_error_ns,
            started_ns: at_ns,
        }
    }

    /// What tables and places call a service node. Its REST API is another than the node itself: nwaku and go-waku
    /// serve filter there as clients of yet another node, so their own log does not tell what a REST client was given.
    #[inline]
    fn service_node(&mut self, peer: &str, transport: Option<Transport>) -> Symbol {
        let node = self.symbols.intern(peer);
        match transport {
            Some(Transport::Rest) => *self
                .rest_nodes
                .entry(node)
                .or_insert_with(|| self.symbols.intern(&format!("{peer} ({})", Transport::Rest.name()))),
            Some(Transport::Libp2p) | None => node,
        }
    }

    fn attempt(&mut self, e: &HotPublishAttempt<'_>) -> AttemptRecord {
        let sender = self.symbols.intern(e.sender);
        AttemptRecord {
            sender,
            service_node: Some(self.service_node(e.service_node, e.transport)),
            hash: self.hashes.intern_numbered(sender, e.index, e.hash.0),
            index: e.index,
            attempt: e.attempt,
            outcome: Outcome::Open,
            retry_follows: false,
            size_class: size_class(e.size_bytes),
            content_topic: self.symbols.intern(e.content_topic),
            status: None,
            intended_ns: e.intended.unix_ns(),
            sent_ns: e.sent.unix_ns(),
            ended_ns: e.sent.unix_ns(),
        }
    }

    fn published(&mut self, e: &HotPublished<'_>) -> AttemptRecord {
        let sender = self.symbols.intern(e.sender);
        AttemptRecord {
            sender,
            service_node: Some(self.service_node(e.service_node, e.transport)),
            hash: self.hashes.intern_numbered(sender, e.index, e.hash.0),
            index: e.index,
            attempt: e.attempt,
            outcome: Outcome::Acked,
            retry_follows: false,
            size_class: size_class(e.size_bytes),
            content_topic: self.symbols.intern(""),
            status: Some(e.status),
            intended_ns: e.intended.unix_ns(),
            sent_ns: e.sent.unix_ns(),
            ended_ns: e.acked.unix_ns(),
        }
    }

    /// Adds the end of an attempt to its beginning, where that is not far: one record instead of two.
    fn settle(&self, log: &mut Log, record: &AttemptRecord) {
        let begun = log
            .attempts
            .latest_mut(MAX_LINES_BACK)
            .find(|known| known.is_of(record));
        if let Some(known) = begun {
            known.add(record, self.symbols);
            return;
        }
        log.attempts.push(*record);
    }

    fn failed(&mut self, log: &mut Log, e: &event::PublishFailed) -> AttemptRecord {
        let outcome = match e.outcome {
            FailureOutcome::Refused => Outcome::Refused,
            FailureOutcome::NoAnswer => Outcome::NoAnswer,
            FailureOutcome::NotSent => Outcome::NotSent,
        };
        let text: String = e.error.chars().take(MAX_FAILURE_TEXT_CHARS).collect();
        log.note_failure(outcome, e.status, text);
        let sender = self.symbols.intern(&e.sender);
        AttemptRecord {
            sender,
            service_node: e.service_node.as_ref().map(|node| self.service_node(node, e.transport)),
            hash: self.hashes.intern_numbered(sender, e.index, e.hash.0),
            index: e.index,
            attempt: e.attempt,
            outcome,
            retry_follows: e.retry,
            size_class: size_class(e.size_bytes),
            content_topic: self.symbols.intern(""),
            status: e.status,
            intended_ns: e.intended.unix_ns(),
            sent_ns: e.sent.unix_ns(),
            ended_ns: e.failed.unix_ns(),
        }
    }

    #[inline]
    fn delivery(&mut self, log: &mut Log, at_ns: i64, e: &HotReceived<'_>) {
        let sender = self.symbols.intern(e.sender);
        let hash = self.hashes.intern_numbered(sender, e.index, e.hash.0);
        let delivery = Delivery {
            arrived_ns: at_ns,
            sender,
            index: e.index,
            hash,
            other_run: e.run.is_some(),
        };
        let service_node = self.service_node(e.service_node, e.transport);
        let ways = log.deliveries.entry(e.client).or_default();
        ways.push(service_node, &delivery, self.hashes.claim(hash));
    }

    fn receive(&mut self, log: &mut Log, at_ns: i64, event: &Event) {
        let stray = |client, kind| Stray { client, kind };
        match event {
            Event::Subscribed(e) => log.subscriptions.push(SubscriptionRecord {
                client: e.client,
                at_ns,
                service_node: self.service_node(&e.service_node, e.transport),
            }),
            Event::PresenceLost(e) => {
                let since_ns = e.since.unix_ns();
                log.presence.push(PresenceRecord {
                    client: e.client,
                    at_ns,
                    since_ns,
                    restored: false,
                });
            }
            Event::PresenceRestored(e) => {
                let since_ns = e.since.unix_ns();
                log.presence.push(PresenceRecord {
                    client: e.client,
                    at_ns,
                    since_ns,
                    restored: true,
                });
            }
            Event::CorruptReceived(e) => log.strays.push(stray(e.client, StrayKind::Corrupt)),
            Event::ForeignReceived(e) => log.strays.push(stray(e.client, StrayKind::Foreign)),
            Event::MalformedFrame(e) => log
                .strays
                .extend(e.client.map(|client| stray(client, StrayKind::Malformed))),
            Event::MessagesAtRisk(_) => log.at_risk += 1,
            // Known to all logs: a native one may name these peers by their short ids.
            Event::Connected(e) => {
                self.symbols.intern(&e.service_node);
            }
            Event::PeerConnected(e) => {
                self.symbols.intern(&e.peer);
            }
            _ => {}
        }
    }

    fn node_fact(&mut self, log: &mut Log, hash: MessageHash, kind: NodeFactKind, peer: Option<&str>) {
        let peer = peer.map(|peer| self.symbols.intern(peer));
        let hash: HashId = self.hashes.intern(hash.0);
        log.node_facts.push(NodeFact { hash, kind, peer });
    }
}

/// Takes note of the time of an event.
#[inline]
fn seen(log: &mut Log, time: Timestamp) -> i64 {
    log.last_ns = log.last_ns.max(Some(time.unix_ns()));
    time.unix_ns()
}
