//! Delivery over time: messages by the time the schedule wanted them sent.

use event_log::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// Most buckets of a run: about what a chart can show side by side on a telephone.
pub const MAX_BUCKETS: u64 = 60;

/// Widths that people can read a time axis by, nanoseconds: 100 ms to a day.
const WIDTHS_NS: [u64; 19] = [
    100_000_000,
    200_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
    15_000_000_000,
    30_000_000_000,
    60_000_000_000,
    120_000_000_000,
    300_000_000_000,
    600_000_000_000,
    1_800_000_000_000,
    3_600_000_000_000,
    7_200_000_000_000,
    21_600_000_000_000,
    43_200_000_000_000,
    86_400_000_000_000,
];

/// The messages of one span of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bucket {
    /// Where the bucket begins; it ends where the next begins.
    pub begin: Timestamp,
    /// Messages that should have been sent in it.
    pub messages: u64,
    /// Of these: never acknowledged.
    pub never_acked: u64,
    /// Deliveries expected of these messages, over all receivers.
    pub expected: u64,
    /// Deliveries lost of these messages, over all receivers.
    pub lost: u64,
    /// The slowest first arrival of these messages, since intended, nanoseconds.
    pub slowest_ns: Option<i64>,
}

/// The run in buckets of equal width.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OverTime {
    /// Width of a bucket, nanoseconds: the smallest of a fixed list with which the run has at most 60.
    pub width_ns: u64,
    /// The buckets without holes; empty without messages.
    pub buckets: Vec<Bucket>,
}

/// Turns times into buckets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    first_ns: i64,
    width_ns: u64,
}

impl Grid {
    /// For times from `first_ns` to `last_ns`.
    pub(super) fn new(first_ns: i64, last_ns: i64) -> Self {
        let span_ns = last_ns.abs_diff(first_ns);
        let fits = |width_ns: &u64| span_ns / width_ns < MAX_BUCKETS;
        let width_ns = WIDTHS_NS.into_iter().find(fits).unwrap_or(span_ns / MAX_BUCKETS + 1);
        Self { first_ns, width_ns }
    }

    /// The bucket of a time that is not before the first.
    pub(super) fn bucket(&self, at_ns: i64) -> usize {
        usize::try_from(at_ns.abs_diff(self.first_ns) / self.width_ns).unwrap_or(usize::MAX)
    }

    /// The buckets up to the one of `last_ns`, empty.
    pub(super) fn buckets(&self, last_ns: i64) -> OverTime {
        let begin = |number: usize| {
            let offset_ns = i64::try_from(self.width_ns.saturating_mul(number as u64)).unwrap_or(i64::MAX);
            Timestamp::from_unix_ns(self.first_ns.saturating_add(offset_ns))
        };
        let bucket = |number| Bucket {
            begin: begin(number),
            messages: 0,
            never_acked: 0,
            expected: 0,
            lost: 0,
            slowest_ns: None,
        };
        OverTime {
            width_ns: self.width_ns,
            buckets: (0..=self.bucket(last_ns)).map(bucket).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_width_comes_from_the_length_of_the_run() {
        for (span_ns, width_ns) in [
            (0, 100_000_000),
            (5_999_999_999, 100_000_000),
            (6_000_000_000, 200_000_000),
            (3_600_000_000_000, 120_000_000_000),
            (86_400_000_000_000, 1_800_000_000_000),
        ] {
            assert_eq!(Grid::new(0, span_ns).width_ns, width_ns, "{span_ns}");
        }
    }

    proptest! {
        #[test]
        fn every_time_has_a_bucket(a in any::<i64>(), b in any::<i64>(), share in 0.0..1.0_f64) {
            let (first_ns, last_ns) = (a.min(b), a.max(b));
            let grid = Grid::new(first_ns, last_ns);
            let over_time = grid.buckets(last_ns);
            prop_assert!(over_time.buckets.len() as u64 <= MAX_BUCKETS);
            let at_ns = first_ns.saturating_add((last_ns.abs_diff(first_ns) as f64 * share) as i64).clamp(first_ns, last_ns);
            prop_assert!(grid.bucket(at_ns) < over_time.buckets.len());
        }
    }
}
