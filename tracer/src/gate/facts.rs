//! What gates and comparisons take from a report: of one that was made just now from its data (`fresh`), of one on disk
//! from its JSON form (`stored`). What a report says of each receiver and sender is summed up on the way, because there
//! may be millions of such pairs.

use std::collections::{BTreeMap, BTreeSet};

use event_log::Timestamp;
use serde::Deserialize;

use super::{pairs::PairFacts, stored::StoredReport};
use crate::{report::Verdict, series::NOT_LOGGED};

/// Percentiles nearer than this are the same: a number may change in its last digit on its way through JSON.
const SAME_PERCENT: f64 = 1e-9;

/// A report, as far as it can be compared with limits or with another report. `docs/report.schema.json` explains the
/// fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "StoredReport")]
pub(crate) struct Facts {
    pub(crate) verdict: Verdict,
    pub(crate) run: Option<String>,
    /// Why the run, or a part of it, cannot be judged.
    pub(crate) unknown: Vec<String>,
    pub(crate) totals: TotalFacts,
    pub(crate) senders: Vec<SenderFacts>,
    pub(crate) receivers: Vec<ReceiverFacts>,
    /// Latency by sender.
    pub(crate) by_sender: Vec<GroupFacts>,
    /// Latency by the service node that brought a message first.
    pub(crate) by_service_node: Vec<GroupFacts>,
    pub(crate) latency_histogram: Vec<BinFacts>,
    pub(crate) late_after_ns: i64,
    /// Whether the publishers' logs are all there and whole: only then is an unknown message one that nobody sent.
    pub(crate) knows_all_published: bool,
    /// Lines that may have been events, of the logs that have any, by path.
    pub(super) unreadable: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TotalFacts {
    pub(crate) counts: CountFacts,
    pub(crate) from_intended: DistributionFacts,
    pub(crate) from_sent: DistributionFacts,
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

/// Sums never wrap, whatever a report on disk claims.
impl std::ops::AddAssign for CountFacts {
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.expected, other.expected);
        add(&mut self.received, other.received);
        add(&mut self.lost, other.lost);
        add(&mut self.recovered, other.recovered);
        add(&mut self.not_observed_before, other.not_observed_before);
        add(&mut self.not_observed_after, other.not_observed_after);
        add(&mut self.duplicates, other.duplicates);
        add(&mut self.retry_twins, other.retry_twins);
        add(&mut self.late, other.late);
        add(&mut self.out_of_order, other.out_of_order);
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct SenderFacts {
    pub(crate) sender: String,
    pub(crate) logs: Vec<String>,
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
    /// Of its messages at all receivers.
    #[serde(skip)]
    pub(crate) pairs: PairFacts,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReceiverFacts {
    pub(crate) receiver: String,
    pub(crate) log: String,
    /// Service nodes it was ever subscribed at.
    pub(crate) service_nodes: Vec<String>,
    pub(crate) subscribed: Option<Timestamp>,
    pub(crate) observed_until: Option<Timestamp>,
    pub(crate) gaps: Vec<GapFacts>,
    pub(crate) corrupt: u64,
    pub(crate) foreign: u64,
    pub(crate) malformed: u64,
    pub(crate) other_run: u64,
    pub(crate) unexpected: u64,
    pub(crate) from_intended: DistributionFacts,
    pub(crate) from_sent: DistributionFacts,
    /// Of the messages of all senders at it.
    pub(crate) pairs: PairFacts,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct GapFacts {
    pub(crate) since: Timestamp,
    pub(crate) until: Option<Timestamp>,
}

/// Latency of a group of first arrivals.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct GroupFacts {
    pub(crate) name: String,
    pub(crate) from_intended: DistributionFacts,
    pub(crate) from_sent: DistributionFacts,
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
    pub(crate) few_samples: bool,
}

/// Latencies from `from_ns` on, below `to_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct BinFacts {
    pub(crate) from_ns: Option<i64>,
    pub(crate) to_ns: i64,
    pub(crate) count: u64,
}

impl Facts {
    /// Lines of the logs `paths` that cannot be read: each may have been an event that is missed. A log counts once,
    /// however many clients wrote it.
    pub(crate) fn unreadable_lines<'a>(&self, paths: impl Iterator<Item = &'a String>) -> u64 {
        if self.unreadable.is_empty() {
            return 0;
        }
        let paths: BTreeSet<&String> = paths.collect();
        let lines = paths.into_iter().filter_map(|path| self.unreadable.get(path));
        lines.fold(0, |sum, lines| sum.saturating_add(*lines))
    }
}

impl ReceiverFacts {
    /// The service nodes it was ever subscribed at, as the groups of latency name them.
    pub(crate) fn named_service_nodes(&self) -> impl Iterator<Item = &str> {
        self.service_nodes.iter().map(|node| group_name(node))
    }

    /// How long it observed, and how much of this it was absent, nanoseconds. `None` where it observed nothing.
    pub(super) fn observed_and_absent_ns(&self) -> Option<(f64, f64)> {
        let (from, until) = self.subscribed.zip(self.observed_until)?;
        let absent_ns = |gap: &GapFacts| {
            let (since, end) = (gap.since.max(from), gap.until.unwrap_or(until).min(until));
            end.since_ns(since).max(0) as f64
        };
        (until > from).then(|| (until.since_ns(from) as f64, self.gaps.iter().map(absent_ns).sum()))
    }
}

/// What a group of latencies is called whose members are called `name`.
pub(super) fn group_name(name: &str) -> &str {
    if name.is_empty() { NOT_LOGGED } else { name }
}

impl DistributionFacts {
    /// One of its percentiles.
    pub(crate) fn percentile(&self, percent: f64) -> Option<&PercentileFacts> {
        let mut percentiles = self.percentiles.iter();
        percentiles.find(|p| (p.percent - percent).abs() < SAME_PERCENT)
    }
}
