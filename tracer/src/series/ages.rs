//! How long after the first arrival duplicates came.

use schemars::JsonSchema;
use serde::Serialize;

use crate::latency::Distribution;

/// Upper bounds of the ages, nanoseconds: ordinary redelivery lies below a second, and 2 minutes is the window in which
/// relay nodes remember what they have seen.
const BOUNDS_NS: [i64; 7] = [
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    60_000_000_000,
    120_000_000_000,
    600_000_000_000,
];

/// Duplicates of one range of ages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgeBin {
    /// Youngest age, nanoseconds.
    pub from_ns: i64,
    /// The age it stays below, nanoseconds; absent from the last.
    pub to_ns: Option<i64>,
    /// Duplicates of such an age.
    pub count: u64,
}

/// All duplicates of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct DuplicateSummary {
    /// This arrival − first arrival, of each duplicate.
    pub age: Distribution,
    /// The ages in fixed ranges; empty without duplicates.
    pub histogram: Vec<AgeBin>,
}

impl DuplicateSummary {
    /// Of these ages.
    pub(super) fn of(ages_ns: &mut [i64]) -> Self {
        let age = Distribution::of(ages_ns);
        ages_ns.sort_unstable();
        if ages_ns.is_empty() {
            return Self::default();
        }
        let below = |bound_ns: Option<i64>| {
            bound_ns.map_or(ages_ns.len(), |bound_ns| {
                ages_ns.partition_point(|age_ns| *age_ns < bound_ns)
            })
        };
        let mut histogram = Vec::with_capacity(BOUNDS_NS.len() + 1);
        let (mut from_ns, mut before) = (0, 0);
        for to_ns in BOUNDS_NS.iter().copied().map(Some).chain([None]) {
            let until = below(to_ns);
            histogram.push(AgeBin {
                from_ns,
                to_ns,
                count: (until - before) as u64,
            });
            (from_ns, before) = (to_ns.unwrap_or(0), until);
        }
        Self { age, histogram }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_age_falls_into_one_bin() {
        let mut ages_ns = [0, 9_999_999, 10_000_000, 119_999_999_999, 120_000_000_000, i64::MAX];
        let summary = DuplicateSummary::of(&mut ages_ns);
        let counts: Vec<u64> = summary.histogram.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(summary.age.n, 6);
        assert_eq!(summary.histogram.last().unwrap().to_ns, None);
    }

    #[test]
    fn no_duplicates_have_no_histogram() {
        assert_eq!(DuplicateSummary::of(&mut []), DuplicateSummary::default());
    }
}
