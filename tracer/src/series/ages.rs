//! How long after the first arrival duplicates came.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{latency::Distribution, narrowing::Narrowing, tally::Tally};

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

/// The ages at the receivers of one thread, counted and never kept: with redundant subscriptions there are as many
/// duplicates as messages.
#[derive(Debug, Default)]
pub(crate) struct AgeTally {
    tally: Tally,
    bins: [u64; BOUNDS_NS.len() + 1],
}

/// The ages of all duplicates of the run, their percentiles on the way.
#[derive(Debug)]
pub(crate) struct RunAges {
    pub(crate) narrowing: Narrowing,
    bins: [u64; BOUNDS_NS.len() + 1],
}

impl AgeTally {
    /// Counts one.
    pub(crate) fn add(&mut self, age_ns: i64) {
        self.tally.add_all(&[age_ns]);
        self.bins[BOUNDS_NS.partition_point(|bound_ns| *bound_ns <= age_ns)] += 1;
    }

    /// Adds what another thread has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        for (bin, more) in self.bins.iter_mut().zip(other.bins) {
            *bin += more;
        }
    }

    /// Begins to look for the percentiles.
    pub(crate) fn finish(self) -> RunAges {
        RunAges {
            narrowing: Narrowing::new(&self.tally),
            bins: self.bins,
        }
    }
}

impl RunAges {
    /// What is shown of them.
    pub(crate) fn finish(&self) -> DuplicateSummary {
        let age = self.narrowing.finish();
        if age.n == 0 {
            return DuplicateSummary::default();
        }
        let from = [0].into_iter().chain(BOUNDS_NS);
        let to = BOUNDS_NS.into_iter().map(Some).chain([None]);
        let bin = |((from_ns, to_ns), count)| AgeBin { from_ns, to_ns, count };
        DuplicateSummary {
            age,
            histogram: from.zip(to).zip(self.bins).map(bin).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(ages_ns: &[i64]) -> DuplicateSummary {
        let (mut some, mut more) = (AgeTally::default(), AgeTally::default());
        let (a, b) = ages_ns.split_at(ages_ns.len() / 2);
        a.iter().for_each(|age_ns| some.add(*age_ns));
        b.iter().for_each(|age_ns| more.add(*age_ns));
        some.merge(&more);
        let mut run = some.finish();
        while !run.narrowing.is_done() {
            let mut catch = run.narrowing.catch();
            catch.look(ages_ns);
            run.narrowing.take(catch);
        }
        run.finish()
    }

    #[test]
    fn every_age_falls_into_one_bin() {
        let ages_ns = [0, 9_999_999, 10_000_000, 119_999_999_999, 120_000_000_000, i64::MAX];
        let summary = summary(&ages_ns);
        let counts: Vec<u64> = summary.histogram.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 1, 1, 1]);
        assert_eq!(summary.age, Distribution::of(&mut ages_ns.clone()));
        assert_eq!(summary.histogram.last().unwrap().to_ns, None);
    }

    #[test]
    fn no_duplicates_have_no_histogram() {
        assert_eq!(summary(&[]), DuplicateSummary::default());
    }
}
