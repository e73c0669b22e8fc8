//! Puts one event into the records of its log.

use event_log::{
    MessageHash, Record,
    event::{self, Event, FailureOutcome},
};

use crate::{
    model::{
        AttemptRecord, ClientRecord, Delivery, Ended, Header, Log, NodeFact, NodeFactKind, Outcome, PresenceRecord,
        Stray, StrayKind, SubscriptionRecord,
    },
    symbols::{HashId, Hashes, Symbols},
};

/// Longest status text or error kept as the example of its kind.
const MAX_FAILURE_TEXT_CHARS: usize = 120;

/// Lightpush answers of version 2 and 3 that mean success.
const STATUS_OK: u32 = 200;

/// Takes the events of one log.
pub(crate) struct Collector<'a> {
    pub(crate) symbols: &'a mut Symbols,
    pub(crate) hashes: &'a mut Hashes,
}

impl Collector<'_> {
    /// Adds an event to `log`.
    pub(crate) fn add(&mut self, log: &mut Log, record: &Record) {
        let at_ns = record.time.unix_ns();
        log.last_ns = log.last_ns.max(Some(at_ns));
        match &record.event {
            Event::RunStarted(started) => log.header = Some(self.header(at_ns, started)),
            Event::RunEnded(ended) => {
                let ended = Ended {
                    at_ns,
                    reason: ended.reason.clone(),
                };
                // The last one counts, by time, so that the order of lines does not matter.
                if log
                    .ended
                    .as_ref()
                    .is_none_or(|known| (known.at_ns, &known.reason) < (ended.at_ns, &ended.reason))
                {
                    log.ended = Some(ended);
                }
            }
            Event::ClientStarted(client) => log.clients.push(ClientRecord {
                client: client.client,
                name: self.symbols.intern(&client.name),
                peer_id: self.symbols.intern(&client.peer_id),
            }),
            Event::PublishAttempt(_) | Event::Published(_) | Event::PublishFailed(_) => {
                self.publish(log, &record.event)
            }
            Event::LightpushHandled(_) | Event::RelayReceived(_) | Event::RelaySent(_) | Event::FilterPushed(_) => {
                self.node_fact(log, &record.event);
            }
            other => self.receive(log, at_ns, other),
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

    fn publish(&mut self, log: &mut Log, event: &Event) {
        let record = match event {
            Event::PublishAttempt(e) => AttemptRecord {
                sender: self.symbols.intern(&e.sender),
                service_node: Some(self.symbols.intern(&e.service_node)),
                hash: self.hash(e.hash),
                index: e.index,
                attempt: e.attempt,
                outcome: Outcome::Open,
                retry_follows: false,
                status: None,
                intended_ns: e.intended.unix_ns(),
                sent_ns: e.sent.unix_ns(),
                ended_ns: e.sent.unix_ns(),
            },
            Event::Published(e) => AttemptRecord {
                sender: self.symbols.intern(&e.sender),
                service_node: Some(self.symbols.intern(&e.service_node)),
                hash: self.hash(e.hash),
                index: e.index,
                attempt: e.attempt,
                outcome: Outcome::Acked,
                retry_follows: false,
                status: Some(e.status),
                intended_ns: e.intended.unix_ns(),
                sent_ns: e.sent.unix_ns(),
                ended_ns: e.acked.unix_ns(),
            },
            Event::PublishFailed(e) => self.failed(log, e),
            _ => return,
        };
        log.attempts.push(record);
    }

    fn failed(&mut self, log: &mut Log, e: &event::PublishFailed) -> AttemptRecord {
        let outcome = match e.outcome {
            FailureOutcome::Refused => Outcome::Refused,
            FailureOutcome::NoAnswer => Outcome::NoAnswer,
            FailureOutcome::NotSent => Outcome::NotSent,
        };
        let text: String = e.error.chars().take(MAX_FAILURE_TEXT_CHARS).collect();
        let kept = log
            .failure_texts
            .entry((outcome, e.status))
            .or_insert_with(|| text.clone());
        if text < *kept {
            *kept = text;
        }
        AttemptRecord {
            sender: self.symbols.intern(&e.sender),
            service_node: e.service_node.as_ref().map(|node| self.symbols.intern(node)),
            hash: self.hash(e.hash),
            index: e.index,
            attempt: e.attempt,
            outcome,
            retry_follows: e.retry,
            status: e.status,
            intended_ns: e.intended.unix_ns(),
            sent_ns: e.sent.unix_ns(),
            ended_ns: e.failed.unix_ns(),
        }
    }

    fn receive(&mut self, log: &mut Log, at_ns: i64, event: &Event) {
        let stray = |client, kind| Stray { client, kind };
        match event {
            Event::Received(e) => log.deliveries.push(Delivery {
                arrived_ns: at_ns,
                client: e.client,
                sender: self.symbols.intern(&e.sender),
                index: e.index,
                hash: self.hash(e.hash),
                other_run: e.run.is_some(),
            }),
            Event::Subscribed(e) => log.subscriptions.push(SubscriptionRecord {
                client: e.client,
                at_ns,
                service_node: self.symbols.intern(&e.service_node),
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
            _ => {}
        }
    }

    fn node_fact(&mut self, log: &mut Log, event: &Event) {
        let (hash, kind, peer) = match event {
            Event::LightpushHandled(e) if e.status == STATUS_OK => (e.hash, NodeFactKind::Accepted, None),
            Event::RelayReceived(e) => (Some(e.hash), NodeFactKind::RelayReceived, None),
            Event::RelaySent(e) if !e.to_peers.is_empty() => (Some(e.hash), NodeFactKind::RelaySent, None),
            Event::FilterPushed(e) => (Some(e.hash), NodeFactKind::from(e.outcome), Some(e.peer.as_str())),
            _ => return,
        };
        let Some(hash) = hash else { return };
        let peer = peer.map(|peer| self.symbols.intern(peer));
        log.node_facts.push(NodeFact {
            hash: self.hash(hash),
            kind,
            peer,
        });
    }

    fn hash(&mut self, hash: MessageHash) -> HashId {
        self.hashes.intern(hash.0)
    }
}
