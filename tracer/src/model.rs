//! What is kept of the logs: flat records with interned names, in no particular order.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use event_log::event::{PushOutcome, Role};

use crate::{
    hashes::{HashId, Hashes},
    node_log::PushEnd,
    renumbering::{Renumbering, Tables},
    symbols::{Symbol, Symbols},
    ways::Ways,
};

/// Everything that was read, before a run was chosen.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    pub(crate) symbols: Symbols,
    /// Shared with readers, as what is known before they begin.
    pub(crate) hashes: Arc<Hashes>,
    pub(crate) logs: Vec<Log>,
    /// How the clocks of the logs agree, where that was measured.
    pub(crate) clocks: crate::clock::ClockBounds,
}

impl Archive {
    /// Takes over what a reader has met; gives what the numbers in its logs are here.
    pub(crate) fn take_tables(&mut self, tables: Tables) -> Renumbering {
        // No reader holds the hashes any more, so nothing is copied.
        tables.join(&mut self.symbols, Arc::make_mut(&mut self.hashes))
    }
}

/// One log: a file, or a part of a file that begins with a `run_started` of its own.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Path of the file; parts after the first have `#2`, `#3`.
    pub(crate) path: String,
    /// The files of a rotated log, oldest first; empty where it is one file.
    pub(crate) parts: Vec<String>,
    /// Whether the user means it to be an event log.
    pub(crate) meant: bool,
    pub(crate) header: Option<Header>,
    pub(crate) ended: Option<Ended>,
    /// Time of the last event (the latest, not the lowest line).
    pub(crate) last_ns: Option<i64>,
    pub(crate) lines: LineCounts,
    pub(crate) attempts: Attempts,
    pub(crate) clients: Vec<ClientRecord>,
    pub(crate) subscriptions: Vec<SubscriptionRecord>,
    pub(crate) presence: Vec<PresenceRecord>,
    /// By client.
    pub(crate) deliveries: BTreeMap<u32, Ways>,
    pub(crate) strays: Vec<Stray>,
    pub(crate) node_facts: Vec<NodeFact>,
    /// What a native log (nwaku, go-waku) has beyond that; absent from event logs.
    pub(crate) native: Option<Box<crate::node_log::NodeLog>>,
    /// Times messages may have been lost between two polls of a REST service node.
    pub(crate) at_risk: u64,
    /// Status texts and errors of failed attempts, smallest of each kind.
    pub(crate) failure_texts: BTreeMap<(Outcome, Option<u32>), String>,
}

impl Log {
    /// Takes note of a `run_ended`: the last one counts, by time, so that the order of lines does not matter.
    pub(crate) fn end(&mut self, ended: Ended) {
        let known = self.ended.as_ref().map(|known| (known.at_ns, &known.reason));
        if known.is_none_or(|known| known < (ended.at_ns, &ended.reason)) {
            self.ended = Some(ended);
        }
    }

    /// Keeps the smallest text of each kind of failure as its example.
    pub(crate) fn note_failure(&mut self, outcome: Outcome, status: Option<u32>, text: String) {
        let kept = self
            .failure_texts
            .entry((outcome, status))
            .or_insert_with(|| text.clone());
        if text < *kept {
            *kept = text;
        }
    }

    /// Puts what a later part of the same log says behind what this one does.
    pub(crate) fn append(&mut self, part: Self) {
        self.header = self.header.take().or(part.header);
        if let Some(ended) = part.ended {
            self.end(ended);
        }
        self.last_ns = self.last_ns.max(part.last_ns);
        self.lines.add(&part.lines);
        self.attempts.append(part.attempts);
        self.clients.extend(part.clients);
        self.subscriptions.extend(part.subscriptions);
        self.presence.extend(part.presence);
        for (client, deliveries) in part.deliveries {
            self.deliveries.entry(client).or_default().append(deliveries);
        }
        self.strays.extend(part.strays);
        self.node_facts.extend(part.node_facts);
        self.at_risk += part.at_risk;
        self.native = self.native.take().or(part.native);
        for ((outcome, status), text) in part.failure_texts {
            self.note_failure(outcome, status, text);
        }
    }

    /// Gives back memory that was set aside for more; to be called at the end of a chunk.
    pub(crate) fn shrink(&mut self) {
        self.attempts.shrink();
        self.node_facts.shrink_to_fit();
        self.deliveries.values_mut().for_each(Ways::shrink);
    }

    /// The senders it speaks of.
    pub(crate) fn senders(&self) -> HashSet<Symbol> {
        // A log has many attempts of few senders, mostly one after the other.
        let attempts = self.attempts.of_senders();
        let clients = self.clients.iter().map(|client| client.name);
        attempts.map(|same| same[0].sender).chain(clients).collect()
    }

    /// Replaces a reader's own numbers by those of all.
    pub(crate) fn renumber(&mut self, renumbering: &Arc<Renumbering>) {
        if let Some(peer_id) = self.header.as_mut().and_then(|header| header.peer_id.as_mut()) {
            *peer_id = renumbering.symbol(*peer_id);
        }
        for record in self.attempts.iter_mut() {
            record.sender = renumbering.symbol(record.sender);
            record.service_node = record.service_node.map(|node| renumbering.symbol(node));
            record.content_topic = renumbering.symbol(record.content_topic);
            record.hash = renumbering.hash(record.hash);
        }
        for record in &mut self.clients {
            record.name = renumbering.symbol(record.name);
            record.peer_id = renumbering.symbol(record.peer_id);
        }
        for record in &mut self.subscriptions {
            record.service_node = renumbering.symbol(record.service_node);
        }
        for deliveries in self.deliveries.values_mut() {
            deliveries.renumber(renumbering);
        }
        for fact in &mut self.node_facts {
            fact.hash = renumbering.hash(fact.hash);
            fact.peer = fact.peer.map(|peer| renumbering.symbol(peer));
        }
    }
}

/// What the tracer needs of `run_started`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) role: Role,
    pub(crate) run: String,
    pub(crate) node: String,
    pub(crate) host: String,
    pub(crate) boot: Option<String>,
    pub(crate) version: String,
    pub(crate) clients: u32,
    pub(crate) peer_id: Option<Symbol>,
    pub(crate) messages: Option<u64>,
    pub(crate) interval_ns: Option<u64>,
    pub(crate) expect_publishers: Option<u32>,
    pub(crate) expect_receivers: Option<u32>,
    pub(crate) clock_error_ns: Option<u64>,
    pub(crate) started_ns: i64,
}

/// What the tracer needs of `run_ended`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) at_ns: i64,
    pub(crate) reason: String,
}

/// Lines of a log by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LineCounts {
    /// Events recognised.
    pub(crate) events: u64,
    /// Lines that do not begin with `{`: text of another program on the same stream.
    pub(crate) other_text: u64,
    /// Events of a name this version does not know.
    pub(crate) unknown_events: u64,
    /// JSON that is no event.
    pub(crate) not_an_event: u64,
    /// Events of another schema version.
    pub(crate) wrong_version: u64,
    /// Known events with fields missing or of a wrong kind.
    pub(crate) bad_fields: u64,
    /// Damaged: cut JSON, over-long, not UTF-8, NUL bytes.
    pub(crate) damaged: u64,
    /// Whether the last line has no newline and is no event.
    pub(crate) torn_line: bool,
}

impl LineCounts {
    fn add(&mut self, more: &Self) {
        self.events += more.events;
        self.other_text += more.other_text;
        self.unknown_events += more.unknown_events;
        self.not_an_event += more.not_an_event;
        self.wrong_version += more.wrong_version;
        self.bad_fields += more.bad_fields;
        self.damaged += more.damaged;
        self.torn_line |= more.torn_line;
    }

    /// Lines that may have been events of this log and could not be used.
    pub(crate) fn unreadable(&self) -> u64 {
        self.not_an_event + self.wrong_version + self.bad_fields + self.damaged
    }
}

/// What became of an attempt, from the weakest knowledge to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    /// Only the attempt itself is logged.
    Open,
    NotSent,
    NoAnswer,
    Refused,
    Acked,
}

/// One line about an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptRecord {
    pub(crate) sender: Symbol,
    pub(crate) service_node: Option<Symbol>,
    pub(crate) hash: HashId,
    pub(crate) index: u32,
    pub(crate) attempt: u32,
    pub(crate) outcome: Outcome,
    pub(crate) retry_follows: bool,
    /// [`size_class`] of the payload.
    pub(crate) size_class: u8,
    /// The empty name where the line does not say.
    pub(crate) content_topic: Symbol,
    pub(crate) status: Option<u32>,
    pub(crate) intended_ns: i64,
    pub(crate) sent_ns: i64,
    /// When it was acknowledged or given up; `sent_ns` while open.
    pub(crate) ended_ns: i64,
}

/// The lines about attempts of one log, in the pieces in which it was read: there may be millions, which are not moved
/// again.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pieces: Vec<Vec<AttemptRecord>>,
}

impl Attempts {
    pub(crate) fn push(&mut self, record: AttemptRecord) {
        match self.pieces.last_mut() {
            Some(piece) => piece.push(record),
            None => self.pieces.push(vec![record]),
        }
    }

    /// The last `count` of the piece that is being read, the latest first.
    pub(crate) fn latest_mut(&mut self, count: usize) -> impl Iterator<Item = &mut AttemptRecord> {
        let piece = self.pieces.last_mut();
        piece
            .into_iter()
            .flat_map(move |piece| piece.iter_mut().rev().take(count))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.pieces.iter().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut AttemptRecord> {
        self.pieces.iter_mut().flatten()
    }

    /// Lines of one sender that follow each other.
    pub(crate) fn of_senders(&self) -> impl Iterator<Item = &[AttemptRecord]> {
        let pieces = self.pieces.iter();
        pieces.flat_map(|piece| piece.chunk_by(|a, b| a.sender == b.sender))
    }

    fn append(&mut self, mut more: Self) {
        self.pieces.append(&mut more.pieces);
    }

    fn shrink(&mut self) {
        self.pieces.iter_mut().for_each(Vec::shrink_to_fit);
    }
}

impl AttemptRecord {
    /// Whether both lines are about one attempt.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        (self.sender, self.index, self.attempt, self.hash) == (other.sender, other.index, other.attempt, other.hash)
    }

    /// Adds another line about the same attempt: the strongest outcome stands, whatever the order of the lines.
    pub(crate) fn add(&mut self, other: &Self, symbols: &Symbols) {
        let name = |topic: Symbol| symbols.name(topic);
        // Only the line before an attempt names the topic; of several the last by alphabet stands.
        let content_topic = if name(other.content_topic) > name(self.content_topic) {
            other.content_topic
        } else {
            self.content_topic
        };
        if other.by_strength(self, symbols).is_lt() {
            *self = *other;
        }
        self.content_topic = content_topic;
    }

    /// The order of lines about one attempt, the strongest first.
    fn by_strength(&self, other: &Self, symbols: &Symbols) -> Ordering {
        let times = |a: &Self| (a.ended_ns, a.sent_ns, a.intended_ns);
        let rest = |a: &Self| (a.status, a.retry_follows, a.size_class);
        let node = |a: &Self| a.service_node.map(|node| symbols.name(node));
        (other.outcome.cmp(&self.outcome))
            .then_with(|| times(self).cmp(&times(other)))
            .then_with(|| rest(self).cmp(&rest(other)))
            .then_with(|| node(self).cmp(&node(other)))
    }
}

/// Sizes by powers of two: class *c* holds the sizes above 2^(*c* − 1) and up to 2^*c* bytes, class 0 those of 0 and 1.
pub(crate) fn size_class(size_bytes: u64) -> u8 {
    let bits = u64::BITS - size_bytes.saturating_sub(1).leading_zeros();
    u8::try_from(bits).expect("a number of 64 bits has at most 64")
}

/// A light client of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientRecord {
    pub(crate) client: u32,
    pub(crate) at_ns: i64,
    pub(crate) name: Symbol,
    pub(crate) peer_id: Symbol,
}

/// A subscription was accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SubscriptionRecord {
    pub(crate) client: u32,
    pub(crate) at_ns: i64,
    pub(crate) service_node: Symbol,
}

/// Presence was lost (`restored_ns` absent) or restored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PresenceRecord {
    pub(crate) client: u32,
    pub(crate) at_ns: i64,
    pub(crate) since_ns: i64,
    pub(crate) restored: bool,
}

/// A numbered message arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    pub(crate) arrived_ns: i64,
    pub(crate) sender: Symbol,
    pub(crate) index: u32,
    pub(crate) hash: HashId,
    /// Whether the payload named another run than the receiver's.
    pub(crate) other_run: bool,
}

/// What else arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StrayKind {
    Corrupt,
    Foreign,
    Malformed,
}

/// Something that arrived and is no numbered message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stray {
    pub(crate) client: u32,
    pub(crate) kind: StrayKind,
}

/// What a service node logged about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NodeFactKind {
    /// A lightpush request for it was answered with success.
    Accepted,
    /// A lightpush request for it came in; native logs do not say with it how it was answered.
    Requested,
    /// The node had it, in one of its services.
    Present,
    /// It came in by relay.
    RelayReceived,
    /// It was handed to at least one relay peer.
    RelaySent,
    /// A push to `peer` went well.
    Pushed,
    /// A push to `peer` did not.
    PushFailed,
    /// A push to `peer` was begun, and how it ended is not logged.
    PushUnclear,
}

/// One fact of a service node about one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeFact {
    pub(crate) hash: HashId,
    pub(crate) kind: NodeFactKind,
    /// Subscriber of a push.
    pub(crate) peer: Option<Symbol>,
}

impl From<PushEnd> for NodeFactKind {
    fn from(end: PushEnd) -> Self {
        match end {
            PushEnd::WentWell => Self::Pushed,
            PushEnd::Failed => Self::PushFailed,
            PushEnd::Unclear => Self::PushUnclear,
        }
    }
}

impl From<PushOutcome> for NodeFactKind {
    fn from(outcome: PushOutcome) -> Self {
        match outcome {
            PushOutcome::Ok => Self::Pushed,
            PushOutcome::Failed | PushOutcome::Dropped | PushOutcome::TimedOut => Self::PushFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_fall_into_classes() {
        let classes = [0, 1, 2, 3, 1024, 1025, u64::MAX].map(size_class);
        assert_eq!(classes, [0, 0, 1, 2, 10, 11, 64]);
    }

    #[test]
    fn records_stay_small() {
        assert!(size_of::<Delivery>() <= 32);
        assert!(size_of::<AttemptRecord>() <= 64);
        assert!(size_of::<NodeFact>() <= 16);
    }
}
