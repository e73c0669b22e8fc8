//! Exact percentiles by nearest rank.

use schemars::JsonSchema;
use serde::Serialize;

use crate::options::MIN_SAMPLES_BEYOND;

/// The rule, as reports state it.
pub const PERCENTILE_RULE: &str =
    "exact, nearest rank: the value at rank ceil(p/100 × n) of all n values in ascending order";

/// The percentiles taken, in tenths of a percent: p50, p90, p95, p99 and p99.9.
pub const PERMILLES: [u32; 5] = [500, 900, 950, 990, 999];

/// The same, as reports write them.
pub const PERCENTS: [f64; PERMILLES.len()] = [50.0, 90.0, 95.0, 99.0, 99.9];

/// One percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Percentile {
    /// Which, percent: 50, 90, 95, 99 or 99.9.
    pub percent: f64,
    /// Its value, nanoseconds.
    pub value_ns: i64,
    /// Whether fewer than ten samples lie beyond it, so that it rests on a handful of values.
    pub few_samples: bool,
}

/// A series of durations. Negative values are values like any other: counted, never dropped or set to zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Distribution {
    /// Number of values.
    pub n: u64,
    /// Values below zero.
    pub negative: u64,
    /// Smallest, nanoseconds.
    pub min_ns: Option<i64>,
    /// The percentiles; empty without values.
    pub percentiles: Vec<Percentile>,
    /// Largest, nanoseconds.
    pub max_ns: Option<i64>,
}

impl Distribution {
    /// Takes the measures of `values_ns`, which change their order.
    #[must_use]
    pub fn of(values_ns: &mut [i64]) -> Self {
        let n = values_ns.len() as u64;
        let mut found = [None; PERMILLES.len()];
        // The ranks ascend: behind one lie all the others.
        let (mut rest, mut before) = (&mut *values_ns, 0);
        for (found, permille) in found.iter_mut().zip(PERMILLES) {
            let Some(place) = rank_of(n, permille).checked_sub(before + 1) else {
                continue;
            };
            let Ok(place) = usize::try_from(place) else { continue };
            if place >= rest.len() {
                break;
            }
            *found = Some(*rest.select_nth_unstable(place).1);
            rest = &mut rest[place..];
            before += place as u64;
        }
        let mut distribution = Self {
            n,
            negative: values_ns.iter().filter(|value| **value < 0).count() as u64,
            min_ns: values_ns.iter().min().copied(),
            max_ns: values_ns.iter().max().copied(),
            percentiles: Vec::new(),
        };
        distribution.set_percentiles(&found);
        distribution
    }

    /// Sets the values at the ranks of [`PERMILLES`]; `None` leaves one out.
    pub(crate) fn set_percentiles(&mut self, values_ns: &[Option<i64>; PERMILLES.len()]) {
        let percentile = |(which, value_ns): (usize, &Option<i64>)| {
            Some(Percentile {
                percent: PERCENTS[which],
                value_ns: (*value_ns)?,
                few_samples: self.n - rank_of(self.n, PERMILLES[which]) < MIN_SAMPLES_BEYOND,
            })
        };
        self.percentiles = values_ns.iter().enumerate().filter_map(percentile).collect();
    }

    /// The value of a whole percentile of [`PERMILLES`].
    #[must_use]
    pub fn percentile_ns(&self, percent: u32) -> Option<i64> {
        self.permille(percent.checked_mul(10)?).map(|p| p.value_ns)
    }

    /// One of [`PERMILLES`]; `None` for any other and without values.
    #[must_use]
    pub fn permille(&self, permille: u32) -> Option<&Percentile> {
        let which = PERMILLES.iter().position(|known| *known == permille)?;
        self.percentiles.get(which)
    }
}

/// The nearest rank of a permille among `n` values, from 1 on.
pub(crate) fn rank_of(n: u64, permille: u32) -> u64 {
    (n * u64::from(permille)).div_ceil(1000).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nearest_rank_of_known_series() {
        let of = |n: i64| Distribution::of(&mut (1..=n).rev().collect::<Vec<_>>());
        let values = |d: &Distribution| PERMILLES.map(|p| d.permille(p).unwrap().value_ns);
        assert_eq!(values(&of(1)), [1, 1, 1, 1, 1]);
        assert_eq!(values(&of(2)), [1, 2, 2, 2, 2]);
        assert_eq!(values(&of(10)), [5, 9, 10, 10, 10]);
        assert_eq!(values(&of(100)), [50, 90, 95, 99, 100]);
        assert_eq!(values(&of(120)), [60, 108, 114, 119, 120]);
        assert_eq!(values(&of(1000)), [500, 900, 950, 990, 999]);
    }

    #[test]
    fn a_stall_is_seen_from_the_intended_time() {
        // One stall of 10 units at one message a unit: each message waits for what is left of it.
        let mut latencies: Vec<i64> = (1..=10).rev().collect();
        let stall = Distribution::of(&mut latencies);
        assert_eq!((stall.n, stall.min_ns, stall.max_ns), (10, Some(1), Some(10)));
        assert_eq!(stall.percentile_ns(50), Some(5));
    }

    #[test]
    fn percentiles_of_few_samples_are_marked() {
        let marks = |n: i64| {
            Distribution::of(&mut (0..n).collect::<Vec<_>>())
                .percentiles
                .iter()
                .map(|p| p.few_samples)
                .collect::<Vec<_>>()
        };
        assert_eq!(marks(19), [true, true, true, true, true]);
        assert_eq!(marks(20), [false, true, true, true, true]);
        assert_eq!(marks(100), [false, false, true, true, true]);
        assert_eq!(marks(1000), [false, false, false, false, true]);
    }

    #[test]
    fn negative_values_are_kept_and_counted() {
        let d = Distribution::of(&mut [5, -3, 0, -1]);
        assert_eq!(
            (d.negative, d.min_ns, d.percentile_ns(50), d.max_ns),
            (2, Some(-3), Some(-1), Some(5))
        );
    }

    #[test]
    fn no_values_have_no_measures() {
        let none = Distribution::of(&mut []);
        assert_eq!(none, Distribution::default());
        assert_eq!(none.percentile_ns(50), None);
    }

    proptest! {
        #[test]
        fn selected_and_sorted_values_are_the_same(mut values in proptest::collection::vec(-50..50_i64, 1..300)) {
            let d = Distribution::of(&mut values.clone());
            values.sort_unstable();
            let at = |permille| values[usize::try_from(rank_of(values.len() as u64, permille)).unwrap() - 1];
            prop_assert_eq!(PERMILLES.map(|p| d.permille(p).unwrap().value_ns), PERMILLES.map(at));
            prop_assert_eq!((d.min_ns, d.max_ns), (values.first().copied(), values.last().copied()));
        }

        #[test]
        fn at_least_the_share_lies_at_or_below(mut values in proptest::collection::vec(any::<i64>(), 1..300)) {
            let d = Distribution::of(&mut values);
            for p in &d.percentiles {
                let at_or_below = values.iter().filter(|value| **value <= p.value_ns).count() as u64;
                let below = values.iter().filter(|value| **value < p.value_ns).count() as u64;
                prop_assert!(at_or_below as f64 * 100.0 >= d.n as f64 * p.percent - 1e-6);
                prop_assert!((below as f64) * 100.0 < d.n as f64 * p.percent + 1e-6);
            }
        }
    }
}
