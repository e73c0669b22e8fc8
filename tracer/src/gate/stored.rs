//! The facts of a report on disk. Fields that reports of an earlier day lack have a default; what a report claims is not
//! believed where it cannot be.

use event_log::Timestamp;
use serde::Deserialize;

use super::{
    facts::{
        BinFacts, CountFacts, DistributionFacts, Facts, GapFacts, GroupFacts, ReceiverFacts, SenderFacts, TotalFacts,
    },
    pairs::{Pair, PairSums},
};
use crate::report::{Offset, ReasonCode, Verdict};

/// The fields of a JSON report that facts are made of.
#[derive(Debug, Deserialize)]
pub(super) struct StoredReport {
    verdict: Verdict,
    run: Option<String>,
    reasons: Vec<StoredReason>,
    totals: StoredTotals,
    senders: Vec<SenderFacts>,
    receivers: Vec<StoredReceiver>,
    latency_groups: StoredGroups,
    #[serde(default)]
    latency_histogram: Vec<BinFacts>,
    logs: Vec<StoredLog>,
    definitions: StoredDefinitions,
}

#[derive(Debug, Deserialize)]
struct StoredReason {
    verdict: Verdict,
    /// A text, because a later tracer may know further ones.
    code: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct StoredTotals {
    counts: CountFacts,
    latency: StoredLatency,
}

#[derive(Debug, Deserialize)]
struct StoredLatency {
    from_intended: DistributionFacts,
    from_sent: DistributionFacts,
    clock: StoredClock,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct StoredClock {
    quality: Quality,
    bound_ns: Option<u64>,
    lo_ns: Option<i64>,
    hi_ns: Option<i64>,
}

/// The word for a clock, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Quality {
    Same,
    Bounded,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
struct StoredReceiver {
    receiver: String,
    log: String,
    /// Absent from reports of an earlier day.
    #[serde(default)]
    service_nodes: Vec<String>,
    subscribed: Option<Timestamp>,
    observed_until: Option<Timestamp>,
    gaps: Vec<GapFacts>,
    corrupt: u64,
    foreign: u64,
    malformed: u64,
    other_run: u64,
    unexpected: u64,
    senders: Vec<StoredCell>,
    latency: StoredLatency,
}

#[derive(Debug, Deserialize)]
struct StoredCell {
    sender: String,
    counts: CountFacts,
    /// Absent from reports of an earlier day: then that of the receiver stands.
    clock: Option<StoredClock>,
    from_intended: StoredEnds,
    from_sent: StoredEnds,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct StoredEnds {
    min_ns: Option<i64>,
    max_ns: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct StoredGroups {
    /// Absent from reports of an earlier day.
    #[serde(default)]
    by_sender: Vec<GroupFacts>,
    by_filter_node: Vec<GroupFacts>,
}

#[derive(Debug, Deserialize)]
struct StoredLog {
    path: String,
    used: bool,
    role: Option<String>,
    torn: bool,
    skipped: StoredSkipped,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct StoredSkipped {
    not_an_event: u64,
    wrong_version: u64,
    bad_fields: u64,
    damaged: u64,
}

#[derive(Debug, Deserialize)]
struct StoredDefinitions {
    late_after_ns: i64,
}

impl StoredClock {
    fn offset(self) -> Option<Offset> {
        match self.quality {
            Quality::Same => Some(Offset::default()),
            Quality::Bounded => {
                let ends = self.lo_ns.zip(self.hi_ns).or_else(|| {
                    let bound_ns = i64::try_from(self.bound_ns?).unwrap_or(i64::MAX);
                    Some((-bound_ns, bound_ns))
                });
                ends.filter(|(lo_ns, hi_ns)| lo_ns <= hi_ns)
                    .map(|(lo_ns, hi_ns)| Offset { lo_ns, hi_ns })
            }
            Quality::Unknown => None,
        }
    }
}

impl StoredSkipped {
    fn unreadable(self) -> u64 {
        let more = [self.wrong_version, self.bad_fields, self.damaged];
        more.into_iter().fold(self.not_an_event, u64::saturating_add)
    }
}

impl From<StoredReport> for Facts {
    fn from(stored: StoredReport) -> Self {
        let late_after_ns = stored.definitions.late_after_ns;
        let mut pairs_of = PairSums::new(stored.senders.iter().map(|s| s.sender.as_str()), late_after_ns);
        let receivers = stored
            .receivers
            .into_iter()
            .map(|r| r.into_facts(&mut pairs_of))
            .collect();
        let missing = |reason: &StoredReason| {
            ReasonCode::PUBLISHER_LOG_MISSING
                .iter()
                .any(|code| serde_json::to_value(code).is_ok_and(|word| word == reason.code.as_str()))
        };
        let mut publishers = stored
            .logs
            .iter()
            .filter(|log| log.used && log.role.as_deref() == Some("publisher"));
        Self {
            verdict: stored.verdict,
            run: stored.run,
            knows_all_published: publishers.all(|log| !log.torn && log.skipped.unreadable() == 0)
                && !stored.reasons.iter().any(missing),
            unknown: stored
                .reasons
                .into_iter()
                .filter(|reason| reason.verdict == Verdict::Unknown)
                .map(|reason| reason.text)
                .collect(),
            totals: TotalFacts {
                counts: stored.totals.counts,
                from_intended: stored.totals.latency.from_intended,
                from_sent: stored.totals.latency.from_sent,
            },
            senders: pairs_of.hand_out(stored.senders),
            receivers,
            by_sender: stored.latency_groups.by_sender,
            by_service_node: stored.latency_groups.by_filter_node,
            latency_histogram: stored.latency_histogram,
            late_after_ns,
            unreadable: stored
                .logs
                .into_iter()
                .map(|log| (log.path, log.skipped.unreadable()))
                .filter(|(_, lines)| *lines > 0)
                .collect(),
        }
    }
}

impl StoredReceiver {
    fn into_facts(self, pairs_of: &mut PairSums) -> ReceiverFacts {
        let of_receiver = self.latency.clock;
        let pairs = self.senders.iter().map(|cell| {
            let pair = Pair {
                counts: cell.counts,
                offset: cell.clock.unwrap_or(of_receiver).offset(),
                from_intended_ns: cell.from_intended.min_ns.zip(cell.from_intended.max_ns),
                from_sent_ns: cell.from_sent.min_ns,
            };
            (cell.sender.as_str(), pair)
        });
        ReceiverFacts {
            pairs: pairs_of.add(pairs),
            receiver: self.receiver,
            log: self.log,
            service_nodes: self.service_nodes,
            subscribed: self.subscribed,
            observed_until: self.observed_until,
            gaps: self.gaps,
            corrupt: self.corrupt,
            foreign: self.foreign,
            malformed: self.malformed,
            other_run: self.other_run,
            unexpected: self.unexpected,
            from_intended: self.latency.from_intended,
            from_sent: self.latency.from_sent,
        }
    }
}
