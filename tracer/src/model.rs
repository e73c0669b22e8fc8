//! What is kept of the logs: flat records with interned names, in no particular order.

use event_log::event::{PushOutcome, Role};

use crate::symbols::{HashId, Hashes, Symbol, Symbols};

/// Everything that was read, before a run was chosen.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    pub(crate) symbols: Symbols,
    pub(crate) hashes: Hashes,
    pub(crate) logs: Vec<Log>,
}

/// One log: a file, or a part of a file that begins with a `run_started` of its own.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Path of the file; parts after the first have `#2`, `#3`.
    pub(crate) path: String,
    /// Whether the user means it to be an event log.
    pub(crate) meant: bool,
    pub(crate) header: Option<Header>,
    pub(crate) ended: Option<Ended>,
    /// Time of the last event (the latest, not the lowest line).
    pub(crate) last_ns: Option<i64>,
    pub(crate) lines: LineCounts,
    pub(crate) attempts: Vec<AttemptRecord>,
    pub(crate) clients: Vec<ClientRecord>,
    pub(crate) subscriptions: Vec<SubscriptionRecord>,
    pub(crate) presence: Vec<PresenceRecord>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) strays: Vec<Stray>,
    pub(crate) node_facts: Vec<NodeFact>,
    /// Status texts and errors of failed attempts, smallest of each kind.
    pub(crate) failure_texts: std::collections::BTreeMap<(Outcome, Option<u32>), String>,
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
    pub(crate) status: Option<u32>,
    pub(crate) intended_ns: i64,
    pub(crate) sent_ns: i64,
    /// When it was acknowledged or given up; `sent_ns` while open.
    pub(crate) ended_ns: i64,
}

/// A light client of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientRecord {
    pub(crate) client: u32,
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
    pub(crate) client: u32,
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
    /// It came in by relay.
    RelayReceived,
    /// It was handed to at least one relay peer.
    RelaySent,
    /// A push to `peer` went well.
    Pushed,
    /// A push to `peer` did not.
    PushFailed,
}

/// One fact of a service node about one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeFact {
    pub(crate) hash: HashId,
    pub(crate) kind: NodeFactKind,
    /// Subscriber of a push.
    pub(crate) peer: Option<Symbol>,
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
    fn a_million_deliveries_fit_in_32_megabytes() {
        assert!(size_of::<Delivery>() <= 32);
        assert!(size_of::<AttemptRecord>() <= 64);
        assert!(size_of::<NodeFact>() <= 16);
    }
}
