//! The values behind a percentile: each of them from logs, bins of them from a report.

use crate::gate::facts::{BinFacts, DistributionFacts};

/// Durations in ascending order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Values {
    Each(Vec<i64>),
    /// Only known to lie between the ends of its bin.
    Binned(Vec<Bin>),
}

/// Values from `low_ns` to `high_ns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bin {
    low_ns: i64,
    high_ns: i64,
    /// Values in this bin and those below it.
    upto: u64,
}

impl Values {
    /// Takes values in any order.
    pub(super) fn each(mut values_ns: Vec<i64>) -> Self {
        values_ns.sort_unstable();
        Self::Each(values_ns)
    }

    /// The bins of a report. `None` when they are no histogram, or not that of `all`.
    pub(super) fn binned(bins: &[BinFacts], all: &DistributionFacts) -> Option<Self> {
        let (min_ns, max_ns) = all.min_ns.zip(all.max_ns)?;
        let mut taken: Vec<Bin> = Vec::with_capacity(bins.len());
        for bin in bins {
            let low_ns = bin.from_ns.map_or(min_ns, |from_ns| from_ns.max(min_ns));
            // The largest end is no end: what reaches it belongs to the bin as well.
            let last_ns = if bin.to_ns == i64::MAX {
                max_ns
            } else {
                bin.to_ns.checked_sub(1)?
            };
            let (high_ns, below) = (last_ns.min(max_ns), taken.last().copied());
            let ascends = below.is_none_or(|below| below.high_ns < low_ns);
            if low_ns > high_ns || !ascends {
                return None;
            }
            let upto = below.map_or(0, |below| below.upto).checked_add(bin.count)?;
            taken.push(Bin { low_ns, high_ns, upto });
        }
        (taken.last()?.upto == all.n).then_some(Self::Binned(taken))
    }

    /// How many there are.
    pub(super) fn n(&self) -> u64 {
        match self {
            Self::Each(values_ns) => values_ns.len() as u64,
            Self::Binned(bins) => bins.last().map_or(0, |last| last.upto),
        }
    }

    /// The least that the value at `rank` (from 1) can be. Beyond the last rank there is no end.
    pub(super) fn least(&self, rank: u64) -> i64 {
        self.at(rank).0
    }

    /// The most that the value at `rank` (from 1) can be.
    pub(super) fn most(&self, rank: u64) -> i64 {
        self.at(rank).1
    }

    /// How many values may be `limit_ns` or below.
    pub(super) fn may_reach(&self, limit_ns: i64) -> u64 {
        match self {
            Self::Each(values_ns) => values_ns.partition_point(|ns| *ns <= limit_ns) as u64,
            Self::Binned(bins) => {
                let reached = bins.partition_point(|bin| bin.low_ns <= limit_ns);
                reached.checked_sub(1).map_or(0, |last| bins[last].upto)
            }
        }
    }

    fn at(&self, rank: u64) -> (i64, i64) {
        const NONE: (i64, i64) = (i64::MAX, i64::MAX);
        match self {
            Self::Each(values_ns) => {
                let place = usize::try_from(rank.saturating_sub(1)).unwrap_or(usize::MAX);
                values_ns.get(place).map_or(NONE, |ns| (*ns, *ns))
            }
            Self::Binned(bins) => {
                let place = bins.partition_point(|bin| bin.upto < rank);
                bins.get(place).map_or(NONE, |bin| (bin.low_ns, bin.high_ns))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bin(from_ns: Option<i64>, to_ns: i64, count: u64) -> BinFacts {
        BinFacts { from_ns, to_ns, count }
    }

    fn all(n: u64, min_ns: i64, max_ns: i64) -> DistributionFacts {
        DistributionFacts {
            n,
            min_ns: Some(min_ns),
            max_ns: Some(max_ns),
            ..DistributionFacts::default()
        }
    }

    #[test]
    fn a_histogram_that_cannot_be_is_none() {
        let good = [bin(None, 0, 1), bin(Some(0), 1024, 2), bin(Some(2048), 4096, 3)];
        assert!(Values::binned(&good, &all(6, -5, 4000)).is_some());
        for (bins, all) in [
            (vec![], all(0, 0, 0)),
            (good.to_vec(), all(7, -5, 4000)),
            (good.to_vec(), DistributionFacts::default()),
            (vec![good[1], good[0]], all(3, -5, 4000)),
            (vec![good[1], good[1]], all(4, 0, 4000)),
            (vec![bin(Some(0), 9, u64::MAX), bin(Some(9), 10, 9)], all(8, 0, 9)),
            (vec![bin(Some(0), i64::MIN, 1)], all(1, 0, 9)),
            (vec![bin(Some(100), 200, 1)], all(1, 0, 50)),
        ] {
            assert_eq!(Values::binned(&bins, &all), None, "{bins:?}");
        }
    }

    proptest! {
        #[test]
        fn bins_hold_what_the_values_are(values_ns in proptest::collection::vec(-3000..3_000_000_i64, 1..200)) {
            let mut tally = crate::tally::Tally::default();
            tally.add_all(&values_ns);
            let bins: Vec<BinFacts> = crate::series::histogram(&tally).iter().map(BinFacts::from).collect();
            let ends = all(values_ns.len() as u64, *values_ns.iter().min().unwrap(), *values_ns.iter().max().unwrap());
            let (binned, each) = (Values::binned(&bins, &ends).unwrap(), Values::each(values_ns));
            prop_assert_eq!(binned.n(), each.n());
            for rank in 1..=each.n() {
                let value_ns = each.least(rank);
                prop_assert!(binned.least(rank) <= value_ns && value_ns <= binned.most(rank));
                prop_assert!(binned.may_reach(value_ns) >= each.may_reach(value_ns));
            }
            prop_assert_eq!((binned.least(each.n() + 1), each.most(each.n() + 1)), (i64::MAX, i64::MAX));
        }
    }
}
