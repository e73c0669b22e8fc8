//! What becomes of a push: told apart, counted, logged.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use event_log::{
    EventLog, MessageHash, NumberedMessage, Timestamp,
    event::{CorruptReceived, ForeignReceived, MalformedFrame, Received},
};
use runtime::light::NodeId;
use waku::{WakuMessage, message_hash, wire::protocol_id};

use crate::{
    client::Shared,
    seen::{Novelty, Seen},
    statistics::MAX_SENDERS,
};

/// Lines of one kind (foreign, corrupt, malformed) that one client logs. Somebody else's traffic on the topic, or a
/// broken peer, must not fill the disk; beyond this they are only counted.
pub(crate) const MAX_STRANGE_LINES: u64 = 10_000;

/// The deliveries to one client.
#[derive(Debug)]
pub(crate) struct Deliveries {
    client: u32,
    shared: Arc<Shared>,
    /// By run (empty for none) and sender.
    senders: HashMap<String, HashMap<String, Seen>>,
    known_senders: usize,
    distinct: u64,
    foreign_lines: u64,
    corrupt_lines: u64,
    malformed_lines: u64,
}

impl Deliveries {
    pub(crate) fn new(client: u32, shared: Arc<Shared>) -> Self {
        Self {
            client,
            shared,
            senders: HashMap::new(),
            known_senders: 0,
            distinct: 0,
            foreign_lines: 0,
            corrupt_lines: 0,
            malformed_lines: 0,
        }
    }

    fn log(&self) -> &EventLog {
        &self.shared.log
    }

    /// A message arrived from `peer`, its frame read at `arrived`.
    pub(crate) fn on_push(&mut self, peer: &NodeId, pubsub_topic: &str, message: &WakuMessage, arrived: SystemTime) {
        let arrived = Timestamp::from(arrived);
        let pubsub_topic = self.pubsub_topic(pubsub_topic, message.content_topic());
        let hash = MessageHash(*message_hash(&pubsub_topic, message).as_bytes());
        let payload = message.payload();
        match NumberedMessage::decode(payload) {
            Err(foreign) => self.on_foreign(peer, message, hash, foreign.to_string(), arrived),
            Ok(numbered) => match numbered.check(payload) {
                Ok(()) => self.on_numbered(peer, message, hash, numbered, arrived),
                Err(corrupt) => self.on_corrupt(peer, message, hash, numbered, corrupt.to_string(), arrived),
            },
        }
    }

    /// The topic the push names; when it names none, the one its content topic was subscribed on.
    fn pubsub_topic(&self, named: &str, content_topic: &str) -> Arc<str> {
        let routes = &self.shared.settings.routes;
        let by_name = routes.iter().find(|route| &*route.pubsub_topic == named);
        let known = by_name.or_else(|| {
            routes
                .iter()
                .find(|route| named.is_empty() && &*route.content_topic == content_topic)
        });
        known.map_or_else(|| named.into(), |route| route.pubsub_topic.clone())
    }

    fn on_numbered(
        &mut self,
        peer: &NodeId,
        message: &WakuMessage,
        hash: MessageHash,
        numbered: NumberedMessage,
        arrived: Timestamp,
    ) {
        let size_bytes = message.payload().len() as u64;
        let is_own_run = numbered.run.as_ref().is_none_or(|run| *run == *self.shared.run);
        let novelty = self.novelty(&numbered);
        self.count(&numbered, novelty, size_bytes, arrived);
        if is_own_run || self.shared.settings.any_run {
            self.shared.activity.message();
            self.count_towards_end(novelty);
        }
        self.log().log_at(
            arrived,
            Received {
                client: self.client,
                sender: numbered.sender,
                index: numbered.index,
                attempt: numbered.attempt,
                hash,
                size_bytes,
                service_node: peer.to_string(),
                transport: Some(peer.transport()),
                content_topic: message.content_topic().to_owned(),
                run: numbered.run.filter(|_| !is_own_run),
                intended: numbered.intended_at,
                sent: numbered.sent_at,
            },
        );
    }

    fn novelty(&mut self, numbered: &NumberedMessage) -> Novelty {
        let run = numbered.run.as_deref().unwrap_or_default();
        let is_known = self
            .senders
            .get(run)
            .is_some_and(|senders| senders.contains_key(&numbered.sender));
        if !is_known {
            if self.known_senders == MAX_SENDERS {
                return Novelty::Untracked;
            }
            self.known_senders += 1;
            self.senders
                .entry(run.to_owned())
                .or_default()
                .insert(numbered.sender.clone(), Seen::default());
        }
        let seen = self
            .senders
            .get_mut(run)
            .and_then(|senders| senders.get_mut(&numbered.sender));
        seen.map_or(Novelty::Untracked, |seen| {
            seen.insert(numbered.index, numbered.attempt, &self.shared.pages)
        })
    }

    fn count(&self, numbered: &NumberedMessage, novelty: Novelty, size_bytes: u64, arrived: Timestamp) {
        let metrics = &self.shared.metrics;
        metrics.received.inc();
        metrics.received_bytes.inc_by(size_bytes);
        match novelty {
            Novelty::New => &metrics.distinct,
            Novelty::Twin => &metrics.retry_twins,
            Novelty::Duplicate => &metrics.duplicates,
            Novelty::Untracked => &metrics.untracked,
        }
        .inc();
        self.shared.statistics.count(&numbered.sender, numbered.index, novelty);
        if let (Some(intended), Novelty::New | Novelty::Twin) = (numbered.intended_at, novelty) {
            match u64::try_from(arrived.since_ns(intended)) {
                Ok(ns) => metrics
                    .latency
                    .observe(std::time::Duration::from_nanos(ns).as_secs_f64()),
                Err(_) => drop(metrics.negative_latencies.inc()),
            }
        }
    }

    fn count_towards_end(&mut self, novelty: Novelty) {
        if novelty == Novelty::New {
            self.distinct += 1;
            if Some(self.distinct) == self.shared.settings.end.expect_messages {
                self.shared.activity.complete();
            }
        }
    }

    fn on_corrupt(
        &mut self,
        peer: &NodeId,
        message: &WakuMessage,
        hash: MessageHash,
        numbered: NumberedMessage,
        reason: String,
        arrived: Timestamp,
    ) {
        self.shared.metrics.corrupt.inc();
        if !may_log(&mut self.corrupt_lines, &self.shared) {
            return;
        }
        self.log().log_at(
            arrived,
            CorruptReceived {
                client: self.client,
                sender: numbered.sender,
                index: numbered.index,
                hash,
                size_bytes: message.payload().len() as u64,
                service_node: peer.to_string(),
                transport: Some(peer.transport()),
                reason,
            },
        );
    }

    fn on_foreign(
        &mut self,
        peer: &NodeId,
        message: &WakuMessage,
        hash: MessageHash,
        reason: String,
        arrived: Timestamp,
    ) {
        self.shared.metrics.foreign.inc();
        if !may_log(&mut self.foreign_lines, &self.shared) {
            return;
        }
        self.log().log_at(
            arrived,
            ForeignReceived {
                client: self.client,
                hash,
                size_bytes: message.payload().len() as u64,
                service_node: peer.to_string(),
                transport: Some(peer.transport()),
                content_topic: message.content_topic().chars().take(MAX_TOPIC_CHARS).collect(),
                reason,
            },
        );
    }

    /// A push frame from `peer` did not decode.
    pub(crate) fn on_malformed(&mut self, peer: &NodeId, error: &str) {
        self.shared.metrics.malformed.inc();
        if !may_log(&mut self.malformed_lines, &self.shared) {
            return;
        }
        self.log().log(MalformedFrame {
            client: Some(self.client),
            peer: peer.to_string(),
            transport: Some(peer.transport()),
            protocol: protocol_id::FILTER_PUSH.to_owned(),
            error: error.to_owned(),
        });
    }
}

/// Longest content topic of a stranger's message that is logged; anything may stand there.
const MAX_TOPIC_CHARS: usize = 256;

fn may_log(lines: &mut u64, shared: &Shared) -> bool {
    if *lines == MAX_STRANGE_LINES {
        shared.metrics.unlogged.inc();
        return false;
    }
    *lines += 1;
    true
}
