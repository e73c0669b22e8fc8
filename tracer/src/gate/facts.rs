//! What gates and comparisons take from a report, read from its JSON form: so a report of yesterday, on disk, and one
//! that was made just now go one way.

use std::collections::BTreeMap;

use event_log::Timestamp;
use serde::Deserialize;

use crate::report::Report;

/// A report, as far as it can be compared with limits or with another report. `docs/report.schema.json` explains the
/// fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Facts {
    pub(crate) report_version: u32,
    pub(crate) verdict: String,
    pub(crate) run: Option<String>,
    pub(crate) reasons: Vec<ReasonFacts>,
    pub(crate) totals: TotalFacts,
    pub(crate) senders: Vec<SenderFacts>,
    pub(crate) receivers: Vec<ReceiverFacts>,
    pub(crate) latency_groups: GroupFacts,
    pub(crate) logs: Vec<LogFacts>,
    pub(crate) definitions: DefinitionFacts,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ReasonFacts {
    pub(crate) code: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct TotalFacts {
    pub(crate) counts: CountFacts,
    pub(crate) latency: LatencyFacts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub(crate) struct CountFacts {
    pub(crate) expected: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) recovered: u64,
    pub(crate) not_observed_before: u64,
    pub(crate) not_observed_after: u64,
    pub(crate) duplicates: u64,
    pub(crate) retry_twins: u64,
    pub(crate) late: u64,
    pub(crate) out_of_order: u64,
}

impl std::ops::AddAssign for CountFacts {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.recovered += other.recovered;
        self.not_observed_before += other.not_observed_before;
        self.not_observed_after += other.not_observed_after;
        self.duplicates += other.duplicates;
        self.retry_twins += other.retry_twins;
        self.late += other.late;
        self.out_of_order += other.out_of_order;
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct SenderFacts {
    pub(crate) sender: String,
    pub(crate) attempted: u64,
    pub(crate) attempts: u64,
    pub(crate) acked: u64,
    pub(crate) failed: u64,
    pub(crate) indeterminate: u64,
    pub(crate) unfinished: u64,
    pub(crate) never_acked: u64,
    pub(crate) not_published: u64,
    pub(crate) ack_latency: DistributionFacts,
    pub(crate) slip: DistributionFacts,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ReceiverFacts {
    pub(crate) receiver: String,
    pub(crate) log: String,
    pub(crate) subscribed: Option<Timestamp>,
    pub(crate) observed_until: Option<Timestamp>,
    pub(crate) gaps: Vec<GapFacts>,
    pub(crate) counts: CountFacts,
    pub(crate) corrupt: u64,
    pub(crate) foreign: u64,
    pub(crate) malformed: u64,
    pub(crate) other_run: u64,
    pub(crate) unexpected: u64,
    pub(crate) senders: Vec<CellFacts>,
    pub(crate) latency: LatencyFacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct GapFacts {
    pub(crate) since: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct CellFacts {
    pub(crate) sender: String,
    pub(crate) counts: CountFacts,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct LatencyFacts {
    pub(crate) from_intended: DistributionFacts,
    pub(crate) from_sent: DistributionFacts,
    pub(crate) clock: ClockFacts,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct GroupFacts {
    pub(crate) by_filter_node: Vec<NodeFacts>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct NodeFacts {
    pub(crate) name: String,
    pub(crate) from_intended: DistributionFacts,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct ClockFacts {
    pub(crate) quality: String,
    pub(crate) bound_ns: Option<u64>,
}

impl ClockFacts {
    /// How far a latency may be off to either side, nanoseconds; `None`: by any amount.
    pub(crate) fn error_ns(&self) -> Option<u64> {
        match self.quality.as_str() {
            "same" => Some(0),
            _ => self.bound_ns,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct DistributionFacts {
    pub(crate) n: u64,
    pub(crate) negative: u64,
    pub(crate) min_ns: Option<i64>,
    pub(crate) percentiles: Vec<PercentileFacts>,
    pub(crate) max_ns: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct PercentileFacts {
    pub(crate) percent: f64,
    pub(crate) value_ns: i64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct LogFacts {
    pub(crate) path: String,
    pub(crate) used: bool,
    pub(crate) role: Option<String>,
    pub(crate) torn: bool,
    pub(crate) skipped: SkippedFacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct SkippedFacts {
    pub(crate) not_an_event: u64,
    pub(crate) wrong_version: u64,
    pub(crate) bad_fields: u64,
    pub(crate) damaged: u64,
}

impl SkippedFacts {
    /// Lines that may have been events.
    fn unreadable(self) -> u64 {
        self.not_an_event + self.wrong_version + self.bad_fields + self.damaged
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct DefinitionFacts {
    pub(crate) late_after_ns: i64,
}

/// Reasons that say that a publisher's log may be missing.
const PUBLISHER_LOG_MISSING: [&str; 4] = ["log_count", "empty_log", "no_run_started", "no_publisher_log"];

impl Facts {
    /// The facts of a report.
    pub(crate) fn of(report: &Report) -> Self {
        let json = serde_json::to_value(report).expect("a report has string keys only and no other obstacle");
        serde_json::from_value(json).expect("a report has every field of its facts; a test holds them together")
    }

    /// Lines of `receiver`'s log that cannot be read: each may have been a delivery.
    pub(crate) fn unreadable_lines(&self, receiver: &ReceiverFacts) -> u64 {
        let log = self.logs.iter().find(|log| log.path == receiver.log);
        log.map_or(0, |log| log.skipped.unreadable())
    }

    /// Whether the publishers' logs are all there and whole: only then is an unknown message one that nobody sent.
    pub(crate) fn knows_all_published(&self) -> bool {
        let mut publishers = self
            .logs
            .iter()
            .filter(|log| log.used && log.role.as_deref() == Some("publisher"));
        publishers.all(|log| !log.torn && log.skipped.unreadable() == 0)
            && !self
                .reasons
                .iter()
                .any(|reason| PUBLISHER_LOG_MISSING.contains(&reason.code.as_str()))
    }

    /// The sets of each sender, over all receivers.
    pub(crate) fn counts_by_sender(&self) -> BTreeMap<&str, CountFacts> {
        let mut sums: BTreeMap<&str, CountFacts> = BTreeMap::new();
        for cell in self.receivers.iter().flat_map(|r| &r.senders) {
            *sums.entry(&cell.sender).or_default() += cell.counts;
        }
        sums
    }
}
