//! What a receiver counts: one set of counters for Prometheus, the progress line and `run_ended`.

use std::collections::BTreeMap;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use runtime::{
    light::{DURATION_BUCKETS_S, Label, SearchMetrics},
    progress::Snapshot,
};

/// Counters, gauges and histograms of one process. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    by_kind: Family<Label, Counter>,
    /// Deliveries of numbered messages, duplicates included.
    pub received: Counter,
    /// First deliveries of an index to a client.
    pub distinct: Counter,
    /// Deliveries of another attempt at an index a client already had.
    pub retry_twins: Counter,
    /// Deliveries of an attempt a client already had.
    pub duplicates: Counter,
    /// Deliveries too many to be told apart.
    pub untracked: Counter,
    /// Deliveries that are no numbered messages.
    pub foreign: Counter,
    /// Numbered messages that contradict themselves.
    pub corrupt: Counter,
    /// Frames that do not decode.
    pub malformed: Counter,
    /// Foreign, corrupt and malformed ones beyond what the log takes.
    pub unlogged: Counter,
    /// Payload bytes of numbered messages.
    pub received_bytes: Counter,
    /// Filter pings without success.
    pub pings_failed: Counter,
    /// Subscriptions refused or unanswered.
    pub subscribes_failed: Counter,
    /// Subscriptions renewed after a loss.
    pub resubscribes: Counter,
    /// Turns to another service node.
    pub switches: Counter,
    /// Searches for service nodes.
    pub search: SearchMetrics,
    /// Times a client had no live subscription left.
    pub gaps: Counter,
    /// Times messages may have been lost between two polls of a REST service node.
    pub at_risk: Counter,
    /// Clients subscribed at all service nodes they should be.
    pub subscribed_clients: Gauge,
    /// From the intended send time to the arrival, by both hosts' wall clocks; negative ones are not in it.
    pub latency: Histogram,
    /// Arrivals before the intended send time: the clocks disagree.
    pub negative_latencies: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let by_kind = Family::<Label, Counter>::default();
        let kind = |name| by_kind.get_or_create_owned(&[("kind", name)]);
        Self {
            received: Counter::default(),
            distinct: kind("distinct"),
            retry_twins: kind("retry_twin"),
            duplicates: kind("duplicate"),
            untracked: kind("untracked"),
            foreign: kind("foreign"),
            corrupt: kind("corrupt"),
            malformed: kind("malformed"),
            by_kind,
            unlogged: Counter::default(),
            received_bytes: Counter::default(),
            pings_failed: Counter::default(),
            subscribes_failed: Counter::default(),
            resubscribes: Counter::default(),
            switches: Counter::default(),
            search: SearchMetrics::default(),
            gaps: Counter::default(),
            at_risk: Counter::default(),
            subscribed_clients: Gauge::default(),
            latency: Histogram::new(DURATION_BUCKETS_S),
            negative_latencies: Counter::default(),
        }
    }
}

impl Metrics {
    /// Makes all of them known to `registry`, prefixed `lpt_receiver_`. Labels are closed sets of our own.
    pub fn register(&self, registry: &mut Registry) {
        let top = registry.sub_registry_with_prefix("lpt_receiver");
        top.register("deliveries", "What filter delivered, by kind", self.by_kind.clone());
        top.register(
            "messages",
            "Deliveries of numbered messages, duplicates included",
            self.received.clone(),
        );
        top.register(
            "received_bytes",
            "Payload bytes of numbered messages",
            self.received_bytes.clone(),
        );
        top.register(
            "unlogged",
            "Strange deliveries beyond what the log takes",
            self.unlogged.clone(),
        );
        top.register(
            "pings_failed",
            "Filter pings without success",
            self.pings_failed.clone(),
        );
        top.register(
            "subscribes_failed",
            "Subscriptions refused or unanswered",
            self.subscribes_failed.clone(),
        );
        top.register(
            "resubscribes",
            "Subscriptions renewed after a loss",
            self.resubscribes.clone(),
        );
        top.register("peer_switches", "Turns to another service node", self.switches.clone());
        self.search.register(top);
        top.register(
            "presence_gaps",
            "Times a client had no live subscription left",
            self.gaps.clone(),
        );
        top.register(
            "messages_at_risk",
            "Times messages may have been lost between two polls of a REST service node",
            self.at_risk.clone(),
        );
        top.register(
            "subscribed_clients",
            "Clients subscribed everywhere",
            self.subscribed_clients.clone(),
        );
        top.register(
            "latency_seconds",
            "From intended sending to arrival, by wall clocks",
            self.latency.clone(),
        );
        top.register(
            "negative_latencies",
            "Arrivals before the intended send time: the clocks disagree",
            self.negative_latencies.clone(),
        );
    }

    /// The counters of `run_ended`.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let counters = [
            ("received", &self.received),
            ("distinct", &self.distinct),
            ("retry_twins", &self.retry_twins),
            ("duplicates", &self.duplicates),
            ("untracked", &self.untracked),
            ("foreign", &self.foreign),
            ("corrupt", &self.corrupt),
            ("malformed", &self.malformed),
            ("unlogged", &self.unlogged),
            ("pings_failed", &self.pings_failed),
            ("subscribes_failed", &self.subscribes_failed),
            ("resubscribes", &self.resubscribes),
            ("switches", &self.switches),
            ("gaps", &self.gaps),
            ("at_risk", &self.at_risk),
        ];
        counters
            .into_iter()
            .map(|(name, counter)| (name, counter.get()))
            .chain(self.search.counters())
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    }

    /// Where the run stands, of `total` expected messages of all clients together.
    #[must_use]
    pub fn snapshot(&self, total: Option<u64>) -> Snapshot {
        let line = format!(
            "distinct, duplicates {} twins {} foreign {} corrupt {} gaps {} subscribed {}",
            self.duplicates.get(),
            self.retry_twins.get(),
            self.foreign.get(),
            self.corrupt.get(),
            self.gaps.get(),
            self.subscribed_clients.get(),
        );
        Snapshot {
            done: self.distinct.get(),
            total,
            line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_format_has_clean_names_and_closed_labels() {
        let metrics = Metrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        metrics.distinct.inc_by(3);
        metrics.foreign.inc();
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        for line in [
            "lpt_receiver_deliveries_total{kind=\"distinct\"} 3",
            "lpt_receiver_deliveries_total{kind=\"foreign\"} 1",
            "lpt_receiver_messages_total 0",
            "lpt_receiver_subscribed_clients 0",
            "lpt_receiver_latency_seconds_count 0",
        ] {
            assert!(text.lines().any(|got| got == line), "{line} in\n{text}");
        }
    }
}
