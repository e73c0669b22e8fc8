//! The values of every quantity, with the range in which the true value lies.

use std::collections::BTreeMap;

use super::{
    facts::{DistributionFacts, Facts, GroupFacts, ReceiverFacts, SenderFacts, group_name},
    metric::{Aggregate, Kind, Metric, Quantity, Scope},
    pairs::PairFacts,
    range::Range,
};
use crate::report::Offset;

/// The run, a receiver, a publisher or a service node, with everything it is judged by.
#[derive(Debug)]
pub(crate) struct Entity<'a> {
    /// Its name; of the run `run`.
    pub(crate) name: &'a str,
    facts: &'a Facts,
    pairs: PairFacts,
    receivers: Vec<&'a ReceiverFacts>,
    senders: Vec<&'a SenderFacts>,
    /// Lines that cannot be read and may have been deliveries.
    unreadable: u64,
    /// Lines that cannot be read and may have told of an attempt.
    unreadable_of_senders: u64,
    from_intended: Option<&'a DistributionFacts>,
    from_sent: Option<&'a DistributionFacts>,
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
    let mut pairs = PairFacts::default();
    facts.receivers.iter().for_each(|r| pairs.merge(&r.pairs));
    pairs.counts = facts.totals.counts;
    Entity {
        name: Scope::Run.word(),
        facts,
        pairs,
        receivers: facts.receivers.iter().collect(),
        senders: facts.senders.iter().collect(),
        unreadable: facts.unreadable_lines(facts.receivers.iter().map(|r| &r.log)),
        unreadable_of_senders: facts.unreadable_lines(facts.senders.iter().flat_map(|s| &s.logs)),
        from_intended: Some(&facts.totals.from_intended),
        from_sent: Some(&facts.totals.from_sent),
    }
}

fn receiver<'a>(facts: &'a Facts, receiver: &'a ReceiverFacts) -> Entity<'a> {
    Entity {
        name: &receiver.receiver,
        facts,
        pairs: receiver.pairs,
        receivers: vec![receiver],
        senders: facts.senders.iter().collect(),
        unreadable: facts.unreadable_lines(std::iter::once(&receiver.log)),
        unreadable_of_senders: 0,
        from_intended: Some(&receiver.from_intended),
        from_sent: Some(&receiver.from_sent),
    }
}

fn publishers<'a>(facts: &'a Facts) -> Vec<Entity<'a>> {
    let unreadable = run(facts).unreadable;
    let latency_of = by_name(&facts.by_sender);
    let publisher = |sender: &'a SenderFacts| {
        let latency = latency_of.get(group_name(&sender.sender));
        Entity {
            name: &sender.sender,
            facts,
            pairs: sender.pairs,
            receivers: facts.receivers.iter().collect(),
            senders: vec![sender],
            unreadable,
            unreadable_of_senders: facts.unreadable_lines(sender.logs.iter()),
            from_intended: latency.map(|latency| &latency.from_intended),
            from_sent: latency.map(|latency| &latency.from_sent),
        }
    };
    facts.senders.iter().map(publisher).collect()
}

/// A service node stands for the receivers that were ever subscribed at it; its latency is of what it brought first.
fn service_nodes<'a>(facts: &'a Facts) -> Vec<Entity<'a>> {
    let mut receivers_at: BTreeMap<&str, Vec<&ReceiverFacts>> = BTreeMap::new();
    for receiver in &facts.receivers {
        for node in receiver.named_service_nodes() {
            receivers_at.entry(node).or_default().push(receiver);
        }
    }
    for group in &facts.by_service_node {
        // It brought something though no subscription at it was logged.
        let unsubscribed = || facts.receivers.iter().filter(|r| r.service_nodes.is_empty()).collect();
        receivers_at.entry(&group.name).or_insert_with(unsubscribed);
    }
    let latency_of = by_name(&facts.by_service_node);
    let node = |(name, receivers): (&'a str, Vec<&'a ReceiverFacts>)| {
        let mut pairs = PairFacts::default();
        receivers.iter().for_each(|r| pairs.merge(&r.pairs));
        let latency = latency_of.get(name);
        Entity {
            name,
            facts,
            pairs,
            unreadable: facts.unreadable_lines(receivers.iter().map(|r| &r.log)),
            unreadable_of_senders: 0,
            receivers,
            senders: facts.senders.iter().collect(),
            from_intended: latency.map(|latency| &latency.from_intended),
            from_sent: latency.map(|latency| &latency.from_sent),
        }
    };
    receivers_at.into_iter().map(node).collect()
}

/// Of groups of one name, what is not logged and what is called so, the first.
fn by_name(groups: &[GroupFacts]) -> BTreeMap<&str, &GroupFacts> {
    groups.iter().rev().map(|group| (group.name.as_str(), group)).collect()
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
            Metric::Loss | Metric::Lost => Some(self.pairs.counts.expected),
            Metric::Duplicates | Metric::RetryTwins | Metric::Late | Metric::OutOfOrder => {
                Some(self.pairs.counts.received)
            }
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
        let counts = &self.pairs.counts;
        let listened = || self.receivers.iter().any(|r| r.subscribed.is_some());
        let arrivals = |count| (counts.received > 0).then(|| Range::at_least(count, self.unreadable));
        let strays = |of: fn(&ReceiverFacts) -> u64| {
            let count = self.receivers.iter().map(|r| of(r)).fold(0, u64::saturating_add);
            listened().then(|| Range::at_least(count, self.unreadable))
        };
        let heard = |range| (!self.receivers.is_empty() && !self.senders.is_empty()).then_some(range);
        let tried = self.sum(|s| s.attempted) > 0;
        let sent = |count| Range::at_least(count, self.unreadable_of_senders);
        let begun = |of: fn(&SenderFacts) -> u64| (!self.senders.is_empty()).then(|| sent(self.sum(of)));
        let settled = |of: fn(&SenderFacts) -> u64| tried.then(|| sent(self.sum(of)));
        // A line that cannot be read may settle such a message, or tell of another.
        let unsettled =
            |of: fn(&SenderFacts) -> u64| tried.then(|| Range::about(self.sum(of), self.unreadable_of_senders));
        match metric {
            Metric::Loss => {
                let lost = Range::at_most(counts.lost, self.unreadable);
                (counts.expected > 0).then(|| lost.scaled(100.0 / counts.expected as f64))
            }
            Metric::Lost => (counts.expected > 0).then(|| Range::at_most(counts.lost, self.unreadable)),
            Metric::Expected => heard(Range::count(counts.expected)),
            Metric::Received => heard(Range::at_least(counts.received, self.unreadable)),
            Metric::Recovered => heard(Range::at_least(counts.recovered, self.unreadable)),
            Metric::NotObserved => heard(Range::count(
                counts.not_observed_before.saturating_add(counts.not_observed_after),
            )),
            Metric::Duplicates => arrivals(counts.duplicates),
            Metric::RetryTwins => arrivals(counts.retry_twins),
            Metric::OutOfOrder => arrivals(counts.out_of_order),
            Metric::Late => (counts.received > 0).then(|| Range {
                value: counts.late as f64,
                low: self.pairs.late.0 as f64,
                high: self.pairs.late.1.saturating_add(self.unreadable) as f64,
            }),
            Metric::Unexpected => strays(|r| r.unexpected).map(|range| match self.facts.knows_all_published {
                true => range,
                false => Range { low: 0.0, ..range },
            }),
            Metric::OtherRun => strays(|r| r.other_run),
            Metric::Corrupt => strays(|r| r.corrupt),
            Metric::Foreign => strays(|r| r.foreign),
            Metric::Malformed => strays(|r| r.malformed),
            Metric::Presence => self.presence(),
            Metric::Gaps => listened().then(|| Range::count(self.receivers.iter().map(|r| r.gaps.len() as u64).sum())),
            Metric::Attempted => begun(|s| s.attempted),
            Metric::Attempts => begun(|s| s.attempts),
            Metric::Acked => settled(|s| s.acked),
            Metric::Published => settled(|s| s.attempted.saturating_sub(s.not_published)),
            Metric::NeverAcked => unsettled(|s| s.never_acked),
            Metric::Failed => unsettled(|s| s.failed),
            Metric::Indeterminate => unsettled(|s| s.indeterminate),
            Metric::Unfinished => unsettled(|s| s.unfinished),
            Metric::Latency | Metric::LatencySent | Metric::Ack | Metric::Slip => None,
        }
    }

    fn sum(&self, of: impl Fn(&SenderFacts) -> u64) -> u64 {
        let counts = self.senders.iter().map(|sender| of(sender));
        counts.fold(0, u64::saturating_add)
    }

    /// Share of the observed time with a live subscription. A receiver that never subscribed was absent for as long as the
    /// longest observation beside it; one whose observation has no length says nothing.
    fn presence(&self) -> Option<Range> {
        let never = self.receivers.iter().filter(|r| r.subscribed.is_none()).count();
        let times = self.receivers.iter().filter_map(|r| r.observed_and_absent_ns());
        let (mut observed_ns, mut absent_ns, mut longest_ns) = (0.0, 0.0, 0.0_f64);
        for (observed, absent) in times {
            observed_ns += observed;
            absent_ns += absent;
            longest_ns = longest_ns.max(observed);
        }
        if never > 0 && observed_ns == 0.0 {
            return Some(Range::exact(0.0));
        }
        let missed_ns = never as f64 * longest_ns;
        let share = 1.0 - (absent_ns + missed_ns) / (observed_ns + missed_ns);
        (observed_ns > 0.0).then(|| Range::exact(100.0 * share))
    }

    fn series(&self, metric: Metric, aggregate: Aggregate) -> Option<Range> {
        let offset = match metric {
            Metric::Latency | Metric::LatencySent => self.offset(),
            // Both ends of these are read off the publisher's clock.
            _ => Some(Offset::default()),
        };
        aggregate_of(self.distribution(metric)?, aggregate, offset)
    }

    fn distribution(&self, metric: Metric) -> Option<&DistributionFacts> {
        match (metric, self.senders.as_slice()) {
            (Metric::Latency, _) => self.from_intended,
            (Metric::LatencySent, _) => self.from_sent,
            (Metric::Ack, [sender]) => Some(&sender.ack_latency),
            (Metric::Slip, [sender]) => Some(&sender.slip),
            _ => None,
        }
    }

    /// Whether `quantity` is a percentile that rests on a handful of values.
    pub(crate) fn has_few_samples(&self, quantity: Quantity) -> bool {
        let Some(Aggregate::Percentile(percent)) = quantity.aggregate else {
            return false;
        };
        let found = self.distribution(quantity.metric).and_then(|d| d.percentile(percent));
        found.is_some_and(|percentile| percentile.few_samples)
    }

    /// From when on an arrival is late.
    pub(crate) fn late_after_ns(&self) -> i64 {
        self.facts.late_after_ns
    }

    /// How far the clocks behind its latencies may be off; `None`: by any amount.
    pub(crate) fn offset(&self) -> Option<Offset> {
        self.pairs.offset()
    }
}

fn aggregate_of(distribution: &DistributionFacts, aggregate: Aggregate, offset: Option<Offset>) -> Option<Range> {
    let value_ns = match aggregate {
        Aggregate::N => return Some(Range::count(distribution.n)).filter(|_| distribution.n > 0),
        Aggregate::Negative => return Some(Range::count(distribution.negative)).filter(|_| distribution.n > 0),
        Aggregate::Min => distribution.min_ns?,
        Aggregate::Max => distribution.max_ns?,
        Aggregate::Percentile(percent) => distribution.percentile(percent)?.value_ns,
    };
    let truth = offset.map(|offset| offset.truth(value_ns));
    Some(Range {
        value: value_ns as f64,
        low: truth.map_or(f64::NEG_INFINITY, |(low_ns, _)| low_ns as f64),
        high: truth.map_or(f64::INFINITY, |(_, high_ns)| high_ns as f64),
    })
}
