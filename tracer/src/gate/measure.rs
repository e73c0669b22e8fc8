//! The values of every quantity, with the range in which the true value lies.

use super::{
    facts::{CountFacts, DistributionFacts, Facts, LatencyFacts, NodeFacts, ReceiverFacts, SenderFacts},
    metric::{Aggregate, Kind, Metric, Quantity, Scope},
};

/// Percentiles nearer than this are the same: a number may change in its last digit on its way through JSON.
const SAME_PERCENT: f64 = 1e-9;

/// A measured value and what is known for certain about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    /// The value as the report shows it.
    pub(crate) value: f64,
    /// The true value is not below.
    pub(crate) low: f64,
    /// The true value is not above.
    pub(crate) high: f64,
}

impl Range {
    fn exact(value: f64) -> Self {
        Self {
            value,
            low: value,
            high: value,
        }
    }

    fn count(value: u64) -> Self {
        Self::exact(value as f64)
    }

    /// A count that may be larger by `more`.
    fn at_least(value: u64, more: u64) -> Self {
        Self {
            high: (value + more) as f64,
            ..Self::count(value)
        }
    }

    /// A count that may be smaller by `less`.
    fn at_most(value: u64, less: u64) -> Self {
        Self {
            low: value.saturating_sub(less) as f64,
            ..Self::count(value)
        }
    }

    fn scaled(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            low: self.low * factor,
            high: self.high * factor,
        }
    }
}

/// The run, a receiver or a publisher, with everything it is judged by.
#[derive(Debug)]
pub(crate) struct Entity<'a> {
    /// Its name; of the run `run`.
    pub(crate) name: &'a str,
    facts: &'a Facts,
    counts: CountFacts,
    receivers: Vec<&'a ReceiverFacts>,
    senders: Vec<&'a SenderFacts>,
    /// Lines that cannot be read and may have been deliveries.
    unreadable: u64,
    from_intended: Option<&'a DistributionFacts>,
    from_sent: Option<&'a DistributionFacts>,
    /// How far its latencies may be off to either side, nanoseconds; `None`: by any amount.
    clock_error_ns: Option<u64>,
}

/// What there is of one scope, in the order of names. Empty where the logs know of none.
pub(crate) fn entities(facts: &Facts, scope: Scope) -> Vec<Entity<'_>> {
    match scope {
        Scope::Run => vec![run(facts)],
        Scope::Receiver => facts.receivers.iter().map(|r| receiver(facts, r)).collect(),
        Scope::Publisher => publishers(facts),
        Scope::ServiceNode => service_nodes(facts),
    }
}

fn run(facts: &Facts) -> Entity<'_> {
    Entity {
        name: Scope::Run.word(),
        facts,
        counts: facts.totals.counts,
        receivers: facts.receivers.iter().collect(),
        senders: facts.senders.iter().collect(),
        unreadable: facts.receivers.iter().map(|r| facts.unreadable_lines(r)).sum(),
        from_intended: Some(&facts.totals.latency.from_intended),
        from_sent: Some(&facts.totals.latency.from_sent),
        clock_error_ns: clock_error_ns(&facts.totals.latency),
    }
}

fn receiver<'a>(facts: &'a Facts, receiver: &'a ReceiverFacts) -> Entity<'a> {
    Entity {
        name: &receiver.receiver,
        facts,
        counts: receiver.counts,
        receivers: vec![receiver],
        senders: facts.senders.iter().collect(),
        unreadable: facts.unreadable_lines(receiver),
        from_intended: Some(&receiver.latency.from_intended),
        from_sent: Some(&receiver.latency.from_sent),
        clock_error_ns: clock_error_ns(&receiver.latency),
    }
}

fn publishers<'a>(facts: &'a Facts) -> Vec<Entity<'a>> {
    let counts = facts.counts_by_sender();
    let unreadable = run(facts).unreadable;
    let publisher = |sender: &'a SenderFacts| Entity {
        name: &sender.sender,
        facts,
        counts: counts.get(sender.sender.as_str()).copied().unwrap_or_default(),
        receivers: facts.receivers.iter().collect(),
        senders: vec![sender],
        unreadable,
        from_intended: None,
        from_sent: None,
        clock_error_ns: None,
    };
    facts.senders.iter().map(publisher).collect()
}

/// Of a service node there is the latency alone; its clock relation is the worst of the run.
fn service_nodes<'a>(facts: &'a Facts) -> Vec<Entity<'a>> {
    let nodes = facts.latency_groups.by_filter_node.iter();
    let node = |NodeFacts { name, from_intended }: &'a NodeFacts| Entity {
        name,
        facts,
        counts: CountFacts::default(),
        receivers: Vec::new(),
        senders: Vec::new(),
        unreadable: 0,
        from_intended: Some(from_intended),
        from_sent: None,
        clock_error_ns: clock_error_ns(&facts.totals.latency),
    };
    nodes.map(node).collect()
}

impl Entity<'_> {
    /// The value of `quantity`, in percent, a number or nanoseconds; as a share of its base where `as_share`. `None`
    /// where there is nothing to measure.
    pub(crate) fn measure(&self, quantity: Quantity, as_share: bool) -> Option<Range> {
        let range = match quantity.metric.kind() {
            Kind::Series => return self.series(quantity.metric, quantity.aggregate?),
            Kind::Share | Kind::Count { .. } => self.number(quantity.metric)?,
        };
        if !as_share || quantity.metric.kind() == Kind::Share {
            return Some(range);
        }
        let base = self.base(quantity.metric)?;
        (base > 0).then(|| range.scaled(100.0 / base as f64))
    }

    /// What a share of `metric` is a share of.
    pub(crate) fn base(&self, metric: Metric) -> Option<u64> {
        match metric {
            Metric::Loss | Metric::Lost => Some(self.counts.expected),
            Metric::Duplicates | Metric::RetryTwins | Metric::Late | Metric::OutOfOrder => Some(self.counts.received),
            Metric::Acked
            | Metric::Published
            | Metric::NeverAcked
            | Metric::Failed
            | Metric::Indeterminate
            | Metric::Unfinished => Some(self.sum(|s| s.attempted)),
            _ => None,
        }
    }

    fn number(&self, metric: Metric) -> Option<Range> {
        let counts = &self.counts;
        let listened = || self.receivers.iter().any(|r| r.subscribed.is_some());
        let arrivals = |count| (counts.received > 0).then(|| Range::at_least(count, self.unreadable));
        let strays = |of: fn(&ReceiverFacts) -> u64| {
            let count = self.receivers.iter().map(|r| of(r)).sum();
            listened().then(|| Range::at_least(count, self.unreadable))
        };
        let heard = |range| (!self.receivers.is_empty() && !self.senders.is_empty()).then_some(range);
        let tried = self.sum(|s| s.attempted) > 0;
        let published = |of: fn(&SenderFacts) -> u64| tried.then(|| Range::count(self.sum(of)));
        match metric {
            Metric::Loss => {
                let lost = Range::at_most(counts.lost, self.unreadable);
                (counts.expected > 0).then(|| lost.scaled(100.0 / counts.expected as f64))
            }
            Metric::Lost => (counts.expected > 0).then(|| Range::at_most(counts.lost, self.unreadable)),
            Metric::Expected => heard(Range::count(counts.expected)),
            Metric::Received => heard(Range::at_least(counts.received, self.unreadable)),
            Metric::Recovered => heard(Range::at_least(counts.recovered, self.unreadable)),
            Metric::NotObserved => heard(Range::count(counts.not_observed_before + counts.not_observed_after)),
            Metric::Duplicates => arrivals(counts.duplicates),
            Metric::RetryTwins => arrivals(counts.retry_twins),
            Metric::OutOfOrder => arrivals(counts.out_of_order),
            Metric::Late => arrivals(counts.late).map(|late| self.late(late)),
            Metric::Unexpected => strays(|r| r.unexpected).map(|range| match self.facts.knows_all_published() {
                true => range,
                false => Range { low: 0.0, ..range },
            }),
            Metric::OtherRun => strays(|r| r.other_run),
            Metric::Corrupt => strays(|r| r.corrupt),
            Metric::Foreign => strays(|r| r.foreign),
            Metric::Malformed => strays(|r| r.malformed),
            Metric::Presence => self.presence(),
            Metric::Gaps => listened().then(|| Range::count(self.receivers.iter().map(|r| r.gaps.len() as u64).sum())),
            Metric::Attempted => (!self.senders.is_empty()).then(|| Range::count(self.sum(|s| s.attempted))),
            Metric::Attempts => (!self.senders.is_empty()).then(|| Range::count(self.sum(|s| s.attempts))),
            Metric::Acked => published(|s| s.acked),
            Metric::Published => published(|s| s.attempted.saturating_sub(s.not_published)),
            Metric::NeverAcked => published(|s| s.never_acked),
            Metric::Failed => published(|s| s.failed),
            Metric::Indeterminate => published(|s| s.indeterminate),
            Metric::Unfinished => published(|s| s.unfinished),
            Metric::Latency | Metric::LatencySent | Metric::Ack | Metric::Slip => None,
        }
    }

    fn sum(&self, of: impl Fn(&SenderFacts) -> u64) -> u64 {
        self.senders.iter().map(|sender| of(sender)).sum()
    }

    /// Lateness goes by two clocks: where they may be off so far that it matters, any number may be late.
    fn late(&self, late: Range) -> Range {
        let error_of = |r: &&ReceiverFacts| {
            let error_ns = i64::try_from(clock_error_ns(&r.latency)?).ok()?;
            let largest_ns = r.latency.from_intended.max_ns.unwrap_or(0);
            let none_late = largest_ns.saturating_add(error_ns) <= self.facts.definitions.late_after_ns;
            Some(if none_late { 0 } else { error_ns })
        };
        if self.receivers.iter().all(|r| error_of(r) == Some(0)) {
            return late;
        }
        Range {
            low: 0.0,
            high: late.high.max(self.counts.received as f64),
            ..late
        }
    }

    /// Share of the observed time with a live subscription. A receiver that never subscribed was never present.
    fn presence(&self) -> Option<Range> {
        let (mut observed_ns, mut absent_ns) = (0.0, 0.0);
        for r in &self.receivers {
            let (from, until) = match (r.subscribed, r.observed_until) {
                (Some(from), Some(until)) if until > from => (from, until),
                // Nothing is known about how long it should have been there: it counts as absent altogether.
                _ => return Some(Range::exact(0.0)),
            };
            observed_ns += until.since_ns(from) as f64;
            for gap in &r.gaps {
                let (since, end) = (gap.since.max(from), gap.until.unwrap_or(until).min(until));
                absent_ns += end.since_ns(since).max(0) as f64;
            }
        }
        (observed_ns > 0.0).then(|| Range::exact(100.0 * (1.0 - absent_ns / observed_ns)))
    }

    fn series(&self, metric: Metric, aggregate: Aggregate) -> Option<Range> {
        let (distribution, error_ns) = match (metric, self.senders.as_slice()) {
            (Metric::Latency, _) => (self.from_intended?, self.clock_error_ns),
            (Metric::LatencySent, _) => (self.from_sent?, self.clock_error_ns),
            // Both ends of these are read off the publisher's clock.
            (Metric::Ack, [sender]) => (&sender.ack_latency, Some(0)),
            (Metric::Slip, [sender]) => (&sender.slip, Some(0)),
            _ => return None,
        };
        aggregate_of(distribution, aggregate, error_ns)
    }
}

/// How far a latency may be off, nanoseconds; `None`: by any amount. A message does not arrive before it is sent: where
/// one did by more than the bound, the clocks did not keep what they promised.
fn clock_error_ns(latency: &LatencyFacts) -> Option<u64> {
    let error_ns = latency.clock.error_ns()?;
    let earliest_ns = latency.from_sent.min_ns.unwrap_or(0);
    (earliest_ns >= 0 || earliest_ns.unsigned_abs() <= error_ns).then_some(error_ns)
}

fn aggregate_of(distribution: &DistributionFacts, aggregate: Aggregate, error_ns: Option<u64>) -> Option<Range> {
    let value_ns = match aggregate {
        Aggregate::N => return Some(Range::count(distribution.n)).filter(|_| distribution.n > 0),
        Aggregate::Negative => return Some(Range::count(distribution.negative)).filter(|_| distribution.n > 0),
        Aggregate::Min => distribution.min_ns?,
        Aggregate::Max => distribution.max_ns?,
        Aggregate::Percentile(percent) => {
            let mut percentiles = distribution.percentiles.iter();
            percentiles
                .find(|p| (p.percent - percent).abs() < SAME_PERCENT)?
                .value_ns
        }
    };
    let value = value_ns as f64;
    let error = error_ns.map_or(f64::INFINITY, |error_ns| error_ns as f64);
    Some(Range {
        value,
        low: value - error,
        high: value + error,
    })
}
