//! The facts of a report that was made just now.

use event_log::event::Role;

use super::{
    facts::{
        BinFacts, CountFacts, DistributionFacts, Facts, GapFacts, GroupFacts, PercentileFacts, ReceiverFacts,
        SenderFacts, TotalFacts,
    },
    pairs::{Pair, PairFacts, PairSums},
};
use crate::{
    latency::{Distribution, Percentile},
    report::{
        Counts, GapReport, LogReport, Reason, ReasonCode, ReceiverReport, Report, SenderReport, Skipped, Totals,
        Verdict,
    },
    series::{GroupLatency, LatencyBin},
};

impl Facts {
    /// The facts of a report.
    pub(crate) fn of(report: &Report) -> Self {
        let late_after_ns = report.definitions.late_after_ns;
        let mut pairs_of = PairSums::new(report.senders.iter().map(|s| s.sender.as_str()), late_after_ns);
        let receivers = report.receivers.iter().map(|r| {
            let pairs = r.senders.iter().map(|cell| (cell.sender.as_str(), Pair::from(cell)));
            ReceiverFacts::new(r, pairs_of.add(pairs))
        });
        let receivers = receivers.collect();
        let unknown = report.reasons.iter().filter(|r| r.verdict == Verdict::Unknown);
        let lines = report
            .logs
            .iter()
            .map(|log| (log.path.clone(), unreadable(&log.skipped)));
        Self {
            verdict: report.verdict,
            run: report.run.clone(),
            unknown: unknown.map(|reason| reason.text.clone()).collect(),
            totals: TotalFacts::from(&report.totals),
            senders: pairs_of.hand_out(report.senders.iter().map(SenderFacts::from).collect()),
            receivers,
            by_sender: groups(&report.latency_groups.by_sender),
            by_service_node: groups(&report.latency_groups.by_filter_node),
            latency_histogram: report.latency_histogram.iter().map(BinFacts::from).collect(),
            late_after_ns,
            knows_all_published: knows_all_published(report),
            unreadable: lines.filter(|(_, lines)| *lines > 0).collect(),
        }
    }
}

fn groups(groups: &[GroupLatency]) -> Vec<GroupFacts> {
    groups.iter().map(GroupFacts::from).collect()
}

fn knows_all_published(report: &Report) -> bool {
    let is_publisher = |log: &&LogReport| log.used && log.role == Some(Role::Publisher);
    let whole = |log: &LogReport| !log.torn && unreadable(&log.skipped) == 0;
    let missing = |reason: &Reason| ReasonCode::PUBLISHER_LOG_MISSING.contains(&reason.code);
    report.logs.iter().filter(is_publisher).all(whole) && !report.reasons.iter().any(missing)
}

/// Lines that may have been events.
fn unreadable(skipped: &Skipped) -> u64 {
    skipped.not_an_event + skipped.wrong_version + skipped.bad_fields + skipped.damaged
}

impl From<Counts> for CountFacts {
    fn from(counts: Counts) -> Self {
        Self {
            expected: counts.expected,
            received: counts.received,
            lost: counts.lost,
            recovered: counts.recovered,
            not_observed_before: counts.not_observed_before,
            not_observed_after: counts.not_observed_after,
            duplicates: counts.duplicates,
            retry_twins: counts.retry_twins,
            late: counts.late,
            out_of_order: counts.out_of_order,
        }
    }
}

impl From<&SenderReport> for SenderFacts {
    fn from(s: &SenderReport) -> Self {
        Self {
            sender: s.sender.clone(),
            logs: s.logs.clone(),
            attempted: s.attempted,
            attempts: s.attempts,
            acked: s.acked,
            failed: s.failed,
            indeterminate: s.indeterminate,
            unfinished: s.unfinished,
            never_acked: s.never_acked,
            not_published: s.not_published,
            ack_latency: (&s.ack_latency).into(),
            slip: (&s.slip).into(),
            pairs: PairFacts::default(),
        }
    }
}

impl ReceiverFacts {
    fn new(r: &ReceiverReport, pairs: PairFacts) -> Self {
        Self {
            receiver: r.receiver.clone(),
            log: r.log.clone(),
            service_nodes: r.service_nodes.clone(),
            subscribed: r.subscribed,
            observed_until: r.observed_until,
            gaps: r.gaps.iter().map(GapFacts::from).collect(),
            corrupt: r.corrupt,
            foreign: r.foreign,
            malformed: r.malformed,
            other_run: r.other_run,
            unexpected: r.unexpected,
            from_intended: (&r.latency.from_intended).into(),
            from_sent: (&r.latency.from_sent).into(),
            pairs,
        }
    }
}

impl From<&Totals> for TotalFacts {
    fn from(totals: &Totals) -> Self {
        Self {
            counts: totals.counts.into(),
            from_intended: (&totals.latency.from_intended).into(),
            from_sent: (&totals.latency.from_sent).into(),
        }
    }
}

impl From<&GapReport> for GapFacts {
    fn from(gap: &GapReport) -> Self {
        Self {
            since: gap.since,
            until: gap.until,
        }
    }
}

impl From<&GroupLatency> for GroupFacts {
    fn from(group: &GroupLatency) -> Self {
        Self {
            name: group.name.clone(),
            from_intended: (&group.from_intended).into(),
            from_sent: (&group.from_sent).into(),
        }
    }
}

impl From<&LatencyBin> for BinFacts {
    fn from(bin: &LatencyBin) -> Self {
        Self {
            from_ns: bin.from_ns,
            to_ns: bin.to_ns,
            count: bin.count,
        }
    }
}

impl From<&Distribution> for DistributionFacts {
    fn from(d: &Distribution) -> Self {
        let percentile = |p: &Percentile| PercentileFacts {
            percent: p.percent,
            value_ns: p.value_ns,
            few_samples: p.few_samples,
        };
        Self {
            n: d.n,
            negative: d.negative,
            min_ns: d.min_ns,
            percentiles: d.percentiles.iter().map(percentile).collect(),
            max_ns: d.max_ns,
        }
    }
}
