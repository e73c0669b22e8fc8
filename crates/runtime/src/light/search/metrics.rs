//! What searches count.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::agents::family;
use crate::light::Label;

/// Counters of the searches of one process. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct SearchMetrics {
    dialled: Family<Label, Counter>,
    failed: Family<Label, Counter>,
    dialled_total: Counter,
    failed_total: Counter,
    named: Gauge,
}

impl SearchMetrics {
    /// Makes them known to the role's part of the registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "candidates_dialled",
            "Candidates for a service node that were tested, by agent",
            self.dialled.clone(),
        );
        registry.register(
            "candidates_failed",
            "Candidates that did not pass their test, by agent",
            self.failed.clone(),
        );
        registry.register(
            "candidates_named",
            "Peers named in the last round of a search",
            self.named.clone(),
        );
    }

    pub(super) fn tested(&self, agent: Option<&str>, passed: bool) {
        let label = [("agent", family(agent))];
        self.dialled.get_or_create(&label).inc();
        self.dialled_total.inc();
        if !passed {
            self.failed.get_or_create(&label).inc();
            self.failed_total.inc();
        }
    }

    pub(super) fn named(&self, count: usize) {
        self.named.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// For `run_ended`: candidates tested, and those that did not pass.
    #[must_use]
    pub fn counters(&self) -> [(&'static str, u64); 2] {
        [
            ("candidates_dialled", self.dialled_total.get()),
            ("candidates_failed", self.failed_total.get()),
        ]
    }
}
