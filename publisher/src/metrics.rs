//! What a publisher counts: one set of counters for Prometheus, the progress line and `run_ended`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use runtime::{
    light::{DURATION_BUCKETS_S, Label, SearchMetrics},
    progress::Snapshot,
};
use waku::StatusClass;

/// Counters, gauges and histograms of one process. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Messages due by the schedule; 0 while open-ended.
    pub planned: Arc<AtomicU64>,
    /// Messages with at least one attempt.
    pub attempted: Counter,
    /// Attempts, the first at each index included.
    pub attempts: Counter,
    by_outcome: Family<Label, Counter>,
    by_class: Family<Label, Counter>,
    /// Attempts acknowledged.
    pub acked: Counter,
    /// Attempts refused by the service node.
    pub refused: Counter,
    /// Attempts never answered.
    pub no_answer: Counter,
    /// Attempts that did not leave this process.
    pub not_sent: Counter,
    /// Messages whose last attempt failed.
    pub failed: Counter,
    /// Retries announced in the log that the end of the run left undone.
    pub retries_abandoned: Counter,
    /// Turns to another service node.
    pub switches: Counter,
    /// Searches for service nodes.
    pub search: SearchMetrics,
    /// Payload bytes of attempts that went to a service node.
    pub sent_bytes: Counter,
    /// Requests without an answer yet.
    pub in_flight: Gauge,
    /// Clients connected to their service node.
    pub ready_clients: Gauge,
    /// From the request to the acknowledgement.
    pub ack_duration: Histogram,
    /// From the intended to the real time of sending, first attempts only.
    pub slip: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram = || Histogram::new(DURATION_BUCKETS_S);
        let by_outcome = Family::<Label, Counter>::default();
        let outcome = |name| by_outcome.get_or_create_owned(&[("outcome", name)]);
        let by_class = Family::<Label, Counter>::default();
        // There from the start, so that a graph of failures shows zeros rather than nothing.
        for class in ["retry", "other_peer", "permanent"] {
            drop(by_class.get_or_create(&[("class", class)]));
        }
        Self {
            planned: Arc::default(),
            attempted: Counter::default(),
            attempts: Counter::default(),
            acked: outcome("acked"),
            refused: outcome("refused"),
            no_answer: outcome("no_answer"),
            not_sent: outcome("not_sent"),
            by_outcome,
            by_class,
            failed: Counter::default(),
            retries_abandoned: Counter::default(),
            switches: Counter::default(),
            search: SearchMetrics::default(),
            sent_bytes: Counter::default(),
            in_flight: Gauge::default(),
            ready_clients: Gauge::default(),
            ack_duration: histogram(),
            slip: histogram(),
        }
    }
}

impl Metrics {
    /// Makes all of them known to `registry`, prefixed `lpt_publisher_`. Labels are closed sets of our own.
    pub fn register(&self, registry: &mut Registry) {
        let top = registry.sub_registry_with_prefix("lpt_publisher");
        top.register(
            "messages_attempted",
            "Messages with at least one attempt",
            self.attempted.clone(),
        );
        top.register(
            "messages_failed",
            "Messages whose last attempt failed",
            self.failed.clone(),
        );
        top.register(
            "retries_abandoned",
            "Retries the end of the run left undone",
            self.retries_abandoned.clone(),
        );
        top.register("peer_switches", "Turns to another service node", self.switches.clone());
        top.register(
            "sent_bytes",
            "Payload bytes handed to service nodes",
            self.sent_bytes.clone(),
        );
        top.register(
            "in_flight_requests",
            "Requests without an answer yet",
            self.in_flight.clone(),
        );
        top.register(
            "ready_clients",
            "Clients connected to their service node",
            self.ready_clients.clone(),
        );
        top.register(
            "ack_duration_seconds",
            "From request to acknowledgement",
            self.ack_duration.clone(),
        );
        top.register(
            "schedule_slip_seconds",
            "From intended to real time of sending",
            self.slip.clone(),
        );
        self.search.register(top);
        top.register("attempts", "Attempts by outcome", self.by_outcome.clone());
        top.register(
            "refusals",
            "Refused attempts by class of status code",
            self.by_class.clone(),
        );
    }

    /// Counts a refusal.
    pub fn count_refusal(&self, class: StatusClass) {
        self.refused.inc();
        let class = match class {
            StatusClass::Ok => "ok",
            StatusClass::Retry => "retry",
            StatusClass::OtherPeer => "other_peer",
            StatusClass::Permanent => "permanent",
        };
        self.by_class.get_or_create(&[("class", class)]).inc();
    }

    /// The counters of `run_ended`.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let planned = self.planned.load(Ordering::Relaxed).max(self.attempted.get());
        let counters = [
            ("planned", planned),
            ("attempted", self.attempted.get()),
            ("not_attempted", planned - self.attempted.get()),
            ("attempts", self.attempts.get()),
            ("retries", self.attempts.get() - self.attempted.get()),
            ("retries_abandoned", self.retries_abandoned.get()),
            ("acked", self.acked.get()),
            ("refused", self.refused.get()),
            ("no_answer", self.no_answer.get()),
            ("not_sent", self.not_sent.get()),
            ("failed", self.failed.get()),
            ("switches", self.switches.get()),
        ];
        counters
            .into_iter()
            .chain(self.search.counters())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// Where the run stands.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let total = Some(self.planned.load(Ordering::Relaxed)).filter(|planned| *planned > 0);
        let line = format!(
            "acked {} refused {} unanswered {} unsent {} retries {} in flight {}",
            self.acked.get(),
            self.refused.get(),
            self.no_answer.get(),
            self.not_sent.get(),
            self.attempts.get().saturating_sub(self.attempted.get()),
            self.in_flight.get(),
        );
        Snapshot {
            done: self.attempted.get(),
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
        metrics.acked.inc();
        metrics.count_refusal(StatusClass::Permanent);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        for line in [
            "lpt_publisher_attempts_total{outcome=\"acked\"} 1",
            "lpt_publisher_attempts_total{outcome=\"refused\"} 1",
            "lpt_publisher_refusals_total{class=\"permanent\"} 1",
            "lpt_publisher_refusals_total{class=\"retry\"} 0",
            "lpt_publisher_messages_attempted_total 0",
            "lpt_publisher_in_flight_requests 0",
            "lpt_publisher_ack_duration_seconds_count 0",
        ] {
            assert!(text.lines().any(|got| got == line), "{line} in\n{text}");
        }
        let families = text
            .lines()
            .filter(|line| line.starts_with("# TYPE lpt_publisher_attempts "))
            .count();
        assert_eq!(families, 1, "one family must be described once:\n{text}");
    }

    #[test]
    fn what_was_planned_and_not_tried_is_counted() {
        let metrics = Metrics::default();
        metrics.planned.store(10, Ordering::Relaxed);
        metrics.attempted.inc_by(4);
        metrics.attempts.inc_by(6);
        let counters = metrics.counters();
        assert_eq!(
            (counters["planned"], counters["not_attempted"], counters["retries"]),
            (10, 6, 2)
        );
    }
}
