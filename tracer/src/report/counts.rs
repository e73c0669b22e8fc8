//! The sets of messages, counted.

use schemars::JsonSchema;
use serde::Serialize;

/// The sets of one receiver and one sender, or their sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Messages (indices) the publisher tried.
    pub attempted: u64,
    /// Of these: acknowledged in one attempt at least.
    pub acked: u64,
    /// Acknowledged and within the receiver's observation, or received anyway.
    pub expected: u64,
    /// Messages (indices) that arrived in any attempt.
    pub received: u64,
    /// Expected and not received.
    pub lost: u64,
    /// Received although never acknowledged.
    pub recovered: u64,
    /// Not acknowledged, perhaps relayed (no answer, or no outcome logged), and not received.
    pub indeterminate: u64,
    /// Refused or never sent, and not received.
    pub failed: u64,
    /// Acknowledged, sent before the receiver first subscribed, and not received.
    pub not_observed_before: u64,
    /// Acknowledged, not settled before the receiver's observation ended, and not received.
    pub not_observed_after: u64,
    /// Arrivals of a hash that had arrived before.
    pub duplicates: u64,
    /// Other hashes (attempts) of an index that had arrived before.
    pub retry_twins: u64,
    /// First arrivals later than the bound after the intended time.
    pub late: u64,
    /// First arrivals after a higher index of the same sender.
    pub out_of_order: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.attempted += other.attempted;
        self.acked += other.acked;
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.recovered += other.recovered;
        self.indeterminate += other.indeterminate;
        self.failed += other.failed;
        self.not_observed_before += other.not_observed_before;
        self.not_observed_after += other.not_observed_after;
        self.duplicates += other.duplicates;
        self.retry_twins += other.retry_twins;
        self.late += other.late;
        self.out_of_order += other.out_of_order;
    }
}
