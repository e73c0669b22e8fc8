//! Whether a percentile moved: an exact test by order statistics, of any distribution and any number of values.
//!
//! Were *q* the percentile of both sides, then the number of values below *q* on one side, and of those up to *q* on the
//! other, would each be binomial. The two chances - of so many below *q* here, of so few up to *q* there - are joined by
//! Fisher's product, and of all *q* the one that excuses the data best counts, since nobody knows it. So noise is called
//! a change no more often than promised; and as nothing is drawn at random, no number of draws is the smallest p-value
//! there can be: a comparison of a thousand receivers still finds what is there.

use std::cmp::Ordering;

use super::{MAX_TESTED, values::Values};

/// Chances below this part of the likeliest one are taken for this much: nobody tells such p-values apart.
const NEGLIGIBLE: f64 = 1e-30;

/// The product of two chances that [`joint`] turns into 0.005: the chance that the true change lies beyond one end of the
/// interval, so that both ends make the 99 % interval.
const BEYOND_AN_END_PRODUCT: f64 = 5.931_107e-4;

/// What can be said of a percentile after less the same before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moved {
    /// Two-sided p-value of "it did not move".
    pub(super) p_value: f64,
    /// To which side it moved, if it did.
    pub(super) direction: Ordering,
    /// Ends of the 99 % interval of the measured change, nanoseconds; `None`: no end.
    pub(super) interval_ns: (Option<i64>, Option<i64>),
}

/// Compares the percentile `permille` of two sides. It has not moved as long as the change lies from `excused_ns.0` to
/// `excused_ns.1`: what the clocks may have added. `None` without values, or with more than [`MAX_TESTED`].
pub(super) fn compare(before: &Values, after: &Values, permille: u32, excused_ns: (i64, i64)) -> Option<Moved> {
    let tails_of = |values: &Values| {
        let n = values.n();
        (1..=MAX_TESTED).contains(&n).then(|| Tails::new(n, permille))
    };
    let a = Side(before, tails_of(before)?);
    let b = Side(after, tails_of(after)?);
    let up = p_above(&a, &b, excused_ns.1);
    let down = p_above(&b, &a, excused_ns.0.saturating_neg());
    Some(Moved {
        p_value: (2.0 * up.min(down)).min(1.0),
        // The smaller chance of an excuse is the direction of the change.
        direction: down.total_cmp(&up),
        interval_ns: (least_change(&a, &b), least_change(&b, &a).map(i64::saturating_neg)),
    })
}

/// One side: its values, and how many of them lie below their percentile by chance.
struct Side<'a>(&'a Values, Tails);

/// The chance, at most, of data that speak so strongly for a percentile of `high` above that of `low`, were it by
/// `excused_ns` at most.
fn p_above(low: &Side<'_>, high: &Side<'_>, excused_ns: i64) -> f64 {
    let (Side(low, low_tails), Side(high, high_tails)) = (low, high);
    let mut product = NEGLIGIBLE;
    // The product falls behind a value of `low` and rises at one of `high`: it is largest at one of `low`, or beyond all.
    for rank in low_tails.ranks() {
        let reach = high.may_reach(low.most(rank).saturating_add(excused_ns));
        product = product.max(low_tails.at_least(rank - 1) * high_tails.at_most(reach));
    }
    joint(product.max(low_tails.at_least(low.n())))
}

/// Lower end of the interval of the percentile of `high` less that of `low`: the smallest excuse with which
/// [`p_above`] is no longer below that of an end. `None`: any excuse will do.
fn least_change(low: &Side<'_>, high: &Side<'_>) -> Option<i64> {
    let (Side(low, low_tails), Side(high, high_tails)) = (low, high);
    if low_tails.at_least(low.n()) > BEYOND_AN_END_PRODUCT {
        return None;
    }
    let mut least_ns = i64::MAX;
    for rank in low_tails.ranks() {
        let chance = low_tails.at_least(rank - 1);
        if chance <= BEYOND_AN_END_PRODUCT {
            break;
        }
        // The value of `high` that must be reached for the product to be large enough.
        let reached = high_tails.first_above(BEYOND_AN_END_PRODUCT / chance);
        if reached == 0 {
            return None;
        }
        least_ns = least_ns.min(high.least(reached).saturating_sub(low.most(rank)));
    }
    Some(least_ns)
}

/// The chance of a product as small as this of two independent chances (Fisher 1932, of two).
fn joint(product: f64) -> f64 {
    (product * (1.0 - product.ln())).min(1.0)
}

/// How many of `n` values lie below a percentile: the tails of the binomial distribution, where they are neither
/// negligible nor certain.
struct Tails {
    n: u64,
    /// The number that the first entries stand for.
    first: u64,
    /// Chance of this number or more.
    at_least: Vec<f64>,
    /// Chance of this number or less.
    at_most: Vec<f64>,
}

impl Tails {
    fn new(n: u64, permille: u32) -> Self {
        let share = f64::from(permille) / 1000.0;
        let odds = share / (1.0 - share);
        let mode = (((n + 1) as f64 * share) as u64).min(n);
        // Weights as parts of that of the likeliest number, downwards from there and upwards.
        let mut down = Vec::new();
        let (mut k, mut weight) = (mode, 1.0);
        while k > 0 && weight > NEGLIGIBLE {
            weight *= k as f64 / ((n - k + 1) as f64 * odds);
            k -= 1;
            down.push(weight);
        }
        let first = k;
        let mut weights: Vec<f64> = down.into_iter().rev().collect();
        (k, weight) = (mode, 1.0);
        weights.push(weight);
        while k < n && weight > NEGLIGIBLE {
            weight *= (n - k) as f64 * odds / (k + 1) as f64;
            k += 1;
            weights.push(weight);
        }
        let all: f64 = weights.iter().sum();
        let running = |sum: &mut f64, weight: &f64| {
            *sum += weight / all;
            Some(sum.min(1.0))
        };
        let at_most = weights.iter().scan(0.0, running).collect();
        let mut at_least: Vec<f64> = weights.iter().rev().scan(0.0, running).collect();
        at_least.reverse();
        Self {
            n,
            first,
            at_least,
            at_most,
        }
    }

    /// The ranks from 1 at which the number of values below, one less, has a chance worth looking at.
    fn ranks(&self) -> impl Iterator<Item = u64> {
        let last = self.first + self.at_least.len() as u64;
        self.first + 1..=last.min(self.n)
    }

    /// Chance of `k` or more.
    fn at_least(&self, k: u64) -> f64 {
        match k.checked_sub(self.first) {
            None => 1.0,
            Some(place) => self.entry(&self.at_least, place),
        }
    }

    /// Chance of `k` or less.
    fn at_most(&self, k: u64) -> f64 {
        self.entry(&self.at_most, k.saturating_sub(self.first))
    }

    /// The smallest number of which so many or less have a chance above `chance`; above `n` where none has.
    fn first_above(&self, chance: f64) -> u64 {
        let place = self.at_most.partition_point(|at_most| *at_most <= chance) as u64;
        // Below the first entry the chances are negligible.
        if place == 0 { 0 } else { self.first + place }
    }

    fn entry(&self, of: &[f64], place: u64) -> f64 {
        let place = usize::try_from(place).unwrap_or(usize::MAX).min(of.len() - 1);
        of[place]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BEYOND_AN_END: f64 = 0.005;

    /// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        /// Like latencies: 50 ms and an exponential tail of 20 ms, whole milliseconds so that there are ties.
        fn latencies(&mut self, n: usize, shift_ns: i64) -> Values {
            let uniform = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            let value = |bits| 50 + (-20.0 * uniform(bits).ln()) as i64;
            Values::each((0..n).map(|_| value(self.next()) * 1_000_000 + shift_ns).collect())
        }
    }

    fn p_value(before: &Values, after: &Values, permille: u32) -> f64 {
        compare(before, after, permille, (0, 0)).unwrap().p_value
    }

    #[test]
    fn tails_are_those_of_the_binomial_distribution() {
        let tails = Tails::new(4, 500);
        let at_most = [0, 1, 2, 3, 4].map(|k| tails.at_most(k) * 16.0);
        let at_least = [0, 1, 2, 3, 4].map(|k| tails.at_least(k) * 16.0);
        for (found, expected) in at_most.into_iter().zip([1.0, 5.0, 11.0, 15.0, 16.0]) {
            assert!((found - expected).abs() < 1e-12, "{at_most:?}");
        }
        for (found, expected) in at_least.into_iter().zip([16.0, 15.0, 11.0, 5.0, 1.0]) {
            assert!((found - expected).abs() < 1e-12, "{at_least:?}");
        }
        // The 990 permille of 1001 values lies beyond all of them with a chance of 0.99^1001.
        let all_below = Tails::new(1001, 990).at_least(1001);
        assert!((all_below / 0.99_f64.powi(1001) - 1.0).abs() < 1e-9, "{all_below}");
        assert!((joint(BEYOND_AN_END_PRODUCT) - BEYOND_AN_END).abs() < 1e-6);
    }

    #[test]
    fn noise_is_called_a_change_no_more_often_than_promised() {
        let mut random = Random(1);
        let (pairs, promised) = (400, 0.05);
        for (permille, n_before, n_after) in [(500, 60, 90), (900, 150, 120)] {
            let alarms = (0..pairs)
                .filter(|_| {
                    let (before, after) = (random.latencies(n_before, 0), random.latencies(n_after, 0));
                    p_value(&before, &after, permille) <= promised
                })
                .count();
            // The test keeps its promise for ties too, so the count stays well below 20; chance alone adds 13 at most.
            assert!(alarms <= 20 + 13, "{alarms} of {pairs} at {permille}");
        }
    }

    #[test]
    fn a_real_shift_is_found() {
        let mut random = Random(2);
        let (pairs, shift_ns) = (100, 10_000_000);
        let found = (0..pairs)
            .filter(|_| {
                let (before, after) = (random.latencies(300, 0), random.latencies(300, shift_ns));
                let moved = compare(&before, &after, 500, (0, 0)).unwrap();
                moved.p_value <= 0.01 && moved.direction == Ordering::Greater
            })
            .count();
        assert!(found >= 95, "{found} of {pairs}");
    }

    #[test]
    fn the_interval_holds_the_change_as_often_as_promised() {
        let mut random = Random(3);
        let (pairs, shift_ns) = (200, 7_000_000);
        let held = (0..pairs)
            .filter(|_| {
                let (before, after) = (random.latencies(120, 0), random.latencies(80, shift_ns));
                let (low_ns, high_ns) = compare(&before, &after, 500, (0, 0)).unwrap().interval_ns;
                low_ns.unwrap() <= shift_ns && shift_ns <= high_ns.unwrap()
            })
            .count();
        assert!(held >= 194, "{held} of {pairs}");
    }

    #[test]
    fn no_number_of_values_sets_a_floor_to_the_p_value() {
        let mut random = Random(4);
        let (before, after) = (random.latencies(1000, 0), random.latencies(1000, 5_000_000_000));
        let moved = compare(&before, &after, 500, (0, 0)).unwrap();
        assert!(moved.p_value < 1e-20, "{moved:?}");
        let back = compare(&after, &before, 500, (0, 0)).unwrap();
        assert_eq!((back.p_value, back.direction), (moved.p_value, Ordering::Less));
    }

    #[test]
    fn what_clocks_may_have_added_is_no_change() {
        let mut random = Random(5);
        let (before, after) = (random.latencies(300, 0), random.latencies(300, 2_000_000_000));
        let p_value = |excused_ns| compare(&before, &after, 500, excused_ns).unwrap().p_value;
        assert!(p_value((-1_000_000_000, 1_000_000_000)) < 1e-6);
        assert_eq!(p_value((-2_100_000_000, 2_100_000_000)), 1.0);
        // The clock of one side is known to be 5 s ahead: in truth it became faster.
        let moved = compare(&before, &after, 500, (4_990_000_000, 5_010_000_000)).unwrap();
        assert_eq!((moved.p_value < 1e-6, moved.direction), (true, Ordering::Less));
    }

    #[test]
    fn what_cannot_be_tested_is_none() {
        let one = Values::each(vec![5]);
        assert_eq!(compare(&Values::each(Vec::new()), &one, 500, (0, 0)), None);
        let moved = compare(&one, &one, 500, (0, 0)).unwrap();
        assert_eq!((moved.p_value, moved.interval_ns), (1.0, (None, None)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn interval_and_p_value_say_the_same(seed in any::<u64>(), shift_ms in -20..20_i64, n in 30..200_usize) {
            let mut random = Random(seed);
            let (before, after) = (random.latencies(n, 0), random.latencies(150, shift_ms * 1_000_000));
            let moved = compare(&before, &after, 500, (0, 0)).unwrap();
            let (low_ns, high_ns) = moved.interval_ns;
            let beyond = low_ns.is_some_and(|ns| ns > 0) || high_ns.is_some_and(|ns| ns < 0);
            prop_assert_eq!(moved.p_value < 2.0 * BEYOND_AN_END, beyond, "{:?}", moved);
        }
    }
}
