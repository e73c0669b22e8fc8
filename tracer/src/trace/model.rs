//! The life of one message, as data.

use event_log::{MessageHash, Timestamp, event::Transport};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{clock::Clocks, place::Place};

/// Version of the structure: changes when a field changes its meaning or goes.
pub const TRACE_VERSION: u32 = 1;

/// The life of one message.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Trace {
    /// Version of this structure.
    pub trace_version: u32,
    /// What became of it, in one sentence.
    pub summary: String,
    /// Run it belongs to, when a log tells.
    pub run: Option<String>,
    /// Sender named in the payload, when a log tells.
    pub sender: Option<String>,
    /// Its index, from 1.
    pub index: Option<u32>,
    /// The hashes of its attempts.
    pub hashes: Vec<AttemptHash>,
    /// Payload size, bytes.
    pub size_bytes: Option<u64>,
    /// Content topic.
    pub content_topic: Option<String>,
    /// When the schedule wanted it sent.
    pub intended: Option<Timestamp>,
    /// Time 0 of the time line: `intended`, or else the first event.
    pub zero: Timestamp,
    /// Everything that was logged about it, in the order of time.
    pub events: Vec<TraceEvent>,
    /// The way of each hash between service nodes.
    pub relays: Vec<RelayTree>,
    /// What became of it at each receiver of the run.
    pub receivers: Vec<ReceiverFate>,
    /// What to bear in mind.
    pub notes: Vec<String>,
}

/// One hash of the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttemptHash {
    /// The hash.
    pub hash: MessageHash,
    /// The attempts that had it, from 1; empty when no publisher log knows it.
    pub attempts: Vec<u32>,
}

/// One line of the time line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TraceEvent {
    /// When, by the clock of the log.
    pub at: Timestamp,
    /// The same, nanoseconds from time 0.
    pub since_zero_ns: i64,
    /// Who logged it.
    pub who: String,
    /// Name of the event in the log, or of what it shows.
    pub event: &'static str,
    /// What happened, in words.
    pub what: String,
    /// Of an attempt, its end and an arrival: how the service node was spoken to; absent from older logs and elsewhere.
    pub transport: Option<Transport>,
    /// The log.
    pub log: String,
    /// How this log's clock and the publisher's agree.
    pub clocks: Clocks,
}

/// The way of one hash between service nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RelayTree {
    /// The hash.
    pub hash: MessageHash,
    /// The nodes that had it from outside, or from a node without log.
    pub roots: Vec<Hop>,
}

/// A service node that had the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hop {
    /// Its name, or its short peer id.
    pub node: String,
    /// Its peer id.
    pub peer_id: String,
    /// When it had the message, nanoseconds from time 0; absent when its log does not tell.
    pub since_zero_ns: Option<i64>,
    /// How it came, or why nothing is known.
    pub how: String,
    /// The nodes that had it first from this one, and those it was sent to whose logs do not have it.
    pub next: Vec<Hop>,
}

/// What became of the message at a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It arrived.
    Received,
    /// Acknowledged while the receiver observed, and it did not arrive.
    Lost,
    /// Never acknowledged, and it did not arrive.
    NeverAcked,
    /// Sent before the receiver's first subscription, and it did not arrive.
    NotObservedBefore,
    /// Acknowledged after the receiver's end, and it did not arrive.
    NotObservedAfter,
    /// No publisher log tells of it, and it did not arrive.
    NotPublished,
}

/// One receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReceiverFate {
    /// Name of the client.
    pub receiver: String,
    /// Its peer id.
    pub peer_id: Option<String>,
    /// Its log.
    pub log: String,
    /// What became of the message.
    pub fate: Fate,
    /// Where it ended, when it did not arrive.
    pub place: Option<Place>,
    /// How the service node of the first arrival was spoken to; absent without one, and from older logs.
    pub transport: Option<Transport>,
    /// First arrival − intended, nanoseconds.
    pub latency_ns: Option<i64>,
    /// Arrivals after the first.
    pub repeats: Vec<Repeat>,
    /// Why we believe so, or how it came.
    pub why: Vec<String>,
    /// Which logs would tell more.
    pub missing: Vec<String>,
}

/// An arrival after the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Repeat {
    /// When.
    pub at: Timestamp,
    /// This arrival − first arrival, nanoseconds.
    pub age_ns: i64,
    /// Service node that pushed it.
    pub service_node: String,
    /// How it was spoken to; absent from older logs.
    pub transport: Option<Transport>,
    /// Whether it was another hash: the publisher repeated the message.
    pub retry_twin: bool,
}
