//! What a report says, as data. `docs/report.schema.json` is generated from here, `docs/measuring.md` explains the
//! words.

use std::collections::BTreeMap;

use event_log::{Timestamp, event::Role};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Clock, Counts, Gate, Latency, Reason, Verdict};
use crate::{
    latency::Distribution,
    place::Place,
    ranges::IndexRanges,
    series::{DuplicateSummary, LatencyBin, LatencyGroups, LostMessages, Outage, OverTime, Presence, Reordering},
};

/// Version of the report's structure: changes when a field changes its meaning or goes.
pub const REPORT_VERSION: u32 = 3;

/// One sender.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SenderReport {
    /// Name of the sending client.
    pub sender: String,
    /// Its log; several when the name was used twice.
    pub logs: Vec<String>,
    /// Messages it planned; absent when open-ended.
    pub planned: Option<u64>,
    /// Messages (indices) attempted.
    pub attempted: u64,
    /// Attempts, repeats included.
    pub attempts: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages refused or never sent in every attempt.
    pub failed: u64,
    /// Messages never acknowledged that may have been relayed.
    pub indeterminate: u64,
    /// Messages the publisher was still busy with when its log broke off; part of failed or indeterminate.
    pub unfinished: u64,
    /// Messages never acknowledged: failed and indeterminate less unfinished.
    pub never_acked: u64,
    /// Messages never acknowledged and received by nobody.
    pub not_published: u64,
    /// The indices never acknowledged, unfinished ones excluded.
    pub never_acked_indices: IndexRanges,
    /// The same, by place.
    pub never_acked_by_place: Vec<PlacedLoss>,
    /// Acknowledged − sent, of each acknowledged attempt.
    pub ack_latency: Distribution,
    /// Sent − intended, of each first attempt.
    pub slip: Distribution,
    /// Slip allowed (99th percentile), nanoseconds.
    pub slip_limit_ns: i64,
}

/// A time without a live subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GapReport {
    /// Last moment the client is known to have been subscribed.
    pub since: Timestamp,
    /// When it was subscribed again; absent when never.
    pub until: Option<Timestamp>,
}

/// Lost indices with one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlacedLoss {
    /// Where they were lost.
    pub place: Place,
    /// How many.
    pub count: u64,
    /// Which.
    pub indices: IndexRanges,
}

impl PlacedLoss {
    /// The places of `indices` (ascending at each place) in the order of the message's way.
    pub(crate) fn list(indices: &BTreeMap<Place, Vec<u32>>) -> Vec<Self> {
        let placed = |place: &Place| {
            let indices = indices.get(place)?;
            Some(Self {
                place: *place,
                count: indices.len() as u64,
                indices: indices.iter().copied().collect(),
            })
        };
        Place::ALL.iter().filter_map(placed).collect()
    }
}

/// One receiver and one sender.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellReport {
    /// The sender.
    pub sender: String,
    /// The sets.
    pub counts: Counts,
    /// Indices lost.
    pub lost_indices: IndexRanges,
    /// The same, by place.
    pub losses: Vec<PlacedLoss>,
    /// Indices neither acknowledged nor received that may have been relayed.
    pub indeterminate_indices: IndexRanges,
    /// Arrival − intended send time, of each first arrival.
    pub from_intended: Distribution,
    /// Arrival − actual send time of the attempt that arrived, of each first arrival.
    pub from_sent: Distribution,
    /// How the two clocks agree.
    pub clock: Clock,
}

/// A hash that arrived again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DuplicateReport {
    /// Sender of the message.
    pub sender: String,
    /// Its index.
    pub index: u32,
    /// Its hash.
    pub hash: event_log::MessageHash,
    /// This arrival − first arrival, nanoseconds.
    pub age_ns: i64,
}

/// Messages of one sender that no publisher log knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnexpectedReport {
    /// Sender named in the payload.
    pub sender: String,
    /// Different hashes.
    pub count: u64,
    /// Indices named in the payload.
    pub indices: IndexRanges,
}

/// One receiver: a light client of a receiver process.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReceiverReport {
    /// Name of the client.
    pub receiver: String,
    /// Its log.
    pub log: String,
    /// Its peer id.
    pub peer_id: Option<String>,
    /// Service nodes it was ever subscribed at, in the order of their peer ids.
    pub service_nodes: Vec<String>,
    /// When its first subscription was accepted; absent when never.
    pub subscribed: Option<Timestamp>,
    /// End of its observation; absent when there was none.
    pub observed_until: Option<Timestamp>,
    /// Times without a live subscription.
    pub gaps: Vec<GapReport>,
    /// How much of its observation it was subscribed.
    pub presence: Presence,
    /// Sums over all senders.
    pub counts: Counts,
    /// Lost, percent of expected; absent when nothing was expected.
    pub loss_percent: Option<f64>,
    /// Numbered messages that contradict themselves.
    pub corrupt: u64,
    /// Arrivals that are no numbered messages.
    pub foreign: u64,
    /// Frames that could not be decoded.
    pub malformed: u64,
    /// Numbered messages of another run.
    pub other_run: u64,
    /// Different messages no publisher log knows.
    pub unexpected: u64,
    /// The same, by sender.
    pub unexpected_by_sender: Vec<UnexpectedReport>,
    /// By sender.
    pub senders: Vec<CellReport>,
    /// The duplicates, the oldest first: 100 at most. `counts` counts them all.
    pub duplicates: Vec<DuplicateReport>,
    /// How far behind its out-of-order arrivals came.
    pub reordering: Reordering,
    /// Latency of its first arrivals.
    pub latency: Latency,
}

/// Losses at one place, over the whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlaceCount {
    /// The place.
    pub place: Place,
    /// Losses there.
    pub count: u64,
    /// What is counted: `messages` never acknowledged, or `deliveries` that did not come (one for each receiver).
    pub unit: &'static str,
}

/// Attempts with one outcome and status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutcomeCount {
    /// `acked`, `refused`, `no_answer`, `not_sent` or `no_outcome_logged`.
    pub outcome: &'static str,
    /// Status code answered.
    pub status: Option<u32>,
    /// Attempts.
    pub attempts: u64,
    /// One of the texts that came with it (the first by alphabet).
    pub example: Option<String>,
}

/// Sums over the run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// Messages (indices) attempted.
    pub attempted: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages never acknowledged, unfinished ones excluded.
    pub never_acked: u64,
    /// Messages never acknowledged and received by nobody.
    pub not_published: u64,
    /// Sums over all receivers: here a message counts once for each receiver.
    pub counts: Counts,
    /// Latency of all first arrivals at all receivers.
    pub latency: Latency,
}

/// One log of the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogReport {
    /// Path, as given or found; of a rotated log that of its last part.
    pub path: String,
    /// The files of a rotated log, oldest first; empty where it is one file.
    pub parts: Vec<String>,
    /// Whether it was judged; logs of other runs and files without events are not.
    pub used: bool,
    /// Role that wrote it.
    pub role: Option<Role>,
    /// Name of the process in the run.
    pub node: Option<String>,
    /// Run id.
    pub run: Option<String>,
    /// Host it was written on.
    pub host: Option<String>,
    /// Program version.
    pub version: Option<String>,
    /// When it begins; absent from logs without events of a role.
    pub started: Option<Timestamp>,
    /// Why the role ended; absent from a torn log.
    pub ended: Option<String>,
    /// Whether `run_ended` is missing.
    pub torn: bool,
    /// Events recognised.
    pub events: u64,
    /// Lines skipped, by cause.
    pub skipped: Skipped,
}

/// Lines that were not used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Skipped {
    /// Text of another program: lines that do not begin with `{`.
    pub other_text: u64,
    /// Events of a name this version does not know.
    pub unknown_events: u64,
    /// JSON that is no event.
    pub not_an_event: u64,
    /// Events of another schema version.
    pub wrong_version: u64,
    /// Events whose fields are missing or of a wrong kind.
    pub bad_fields: u64,
    /// Cut, over-long, not UTF-8, or with NUL bytes.
    pub damaged: u64,
}

/// The rules behind the numbers, so that a report explains itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Definitions {
    /// How percentiles are taken.
    pub percentiles: &'static str,
    /// What latency is measured from.
    pub latency: &'static str,
    /// What makes a message lost.
    pub lost: &'static str,
    /// From when on an arrival is late, nanoseconds after the intended time.
    pub late_after_ns: i64,
}

/// What the gates of a report are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// The limits of `tracer report`.
    Limits,
    /// The expressions given to `tracer gate`.
    Expressions,
}

/// The report on one run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub report_version: u32,
    /// The answer.
    pub verdict: Verdict,
    /// Why it is not pass; those of the verdict first.
    pub reasons: Vec<Reason>,
    /// What a reader should know and no gate judges.
    pub warnings: Vec<String>,
    /// Run id; absent when no single run was judged.
    pub run: Option<String>,
    /// What the gates are: limits, or expressions of the user.
    pub judged_by: JudgedBy,
    /// Limits with values and margins.
    pub gates: Vec<Gate>,
    /// Sums.
    pub totals: Totals,
    /// By sender, in the order of names.
    pub senders: Vec<SenderReport>,
    /// By receiver, in the order of names.
    pub receivers: Vec<ReceiverReport>,
    /// Losses by place, in the order of the message's way.
    pub losses_by_place: Vec<PlaceCount>,
    /// Delivery over time.
    pub over_time: OverTime,
    /// Times in which messages were lost one after the other, in the order of their beginnings.
    pub outages: Vec<Outage>,
    /// Latency by service node, content topic and size.
    pub latency_groups: LatencyGroups,
    /// All latencies since intended in bins; empty bins are left out.
    pub latency_histogram: Vec<LatencyBin>,
    /// Duplicates of all receivers.
    pub duplicates: DuplicateSummary,
    /// Out-of-order arrivals of all receivers.
    pub reordering: Reordering,
    /// The lost messages one by one.
    pub lost_messages: LostMessages,
    /// Attempts by outcome and status.
    pub publish_outcomes: Vec<OutcomeCount>,
    /// Everything that was read.
    pub logs: Vec<LogReport>,
    /// The rules.
    pub definitions: Definitions,
}

impl Report {
    /// The answer.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}
