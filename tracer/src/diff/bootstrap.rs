//! The bootstrap of a percentile's difference, without drawing a single sample twice.
//!
//! A resample of *n* values has at rank *r* the value that stands at rank ceil(*U n*) of the original, *U* the *r*-th
//! smallest of *n* uniform numbers, and that has the beta distribution of *r* and *n* + 1 - *r*. So one draw of *U*
//! stands for *n* draws, and the result is that of the plain bootstrap, for any *n*.

/// Resamples. Enough for the ends of a 99 % interval to rest on 50 values each.
pub(super) const RESAMPLES: usize = 10_000;

/// Seed of every test: the same logs give the same answer.
const SEED: u64 = 0x6c70_745f_6469_6666;

/// What a percentile's difference may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Difference {
    /// Ends of the 99 % interval of after - before, nanoseconds.
    pub(super) interval_ns: (i64, i64),
    /// Resamples in which the difference was zero or below, and zero or above.
    not_above: usize,
    not_below: usize,
}

impl Difference {
    /// Two-sided p-value of "there is no difference".
    pub(super) fn p_value(&self) -> f64 {
        let fewer = self.not_above.min(self.not_below);
        (2.0 * (fewer + 1) as f64 / (RESAMPLES + 1) as f64).min(1.0)
    }
}

/// Resamples the percentile `permille` of two sorted series. `None` where one is empty.
///
/// A difference counts as zero up to `allowance_ns`: what clocks may have added.
pub(super) fn percentile_difference(
    before_ns: &[i64],
    after_ns: &[i64],
    permille: u32,
    allowance_ns: i64,
) -> Option<Difference> {
    if before_ns.is_empty() || after_ns.is_empty() {
        return None;
    }
    let mut random = Random(SEED);
    let mut differences_ns: Vec<i64> = (0..RESAMPLES)
        .map(|_| {
            let before = resample(before_ns, permille, &mut random);
            resample(after_ns, permille, &mut random).saturating_sub(before)
        })
        .collect();
    differences_ns.sort_unstable();
    let tail = RESAMPLES / 200;
    Some(Difference {
        interval_ns: (differences_ns[tail], differences_ns[RESAMPLES - 1 - tail]),
        not_above: differences_ns.partition_point(|d| *d <= allowance_ns),
        not_below: RESAMPLES - differences_ns.partition_point(|d| *d < allowance_ns.saturating_neg()),
    })
}

/// The rank of a percentile among `n` values, from 1.
pub(super) fn rank(n: usize, permille: u32) -> usize {
    let rank = (n as u64).saturating_mul(u64::from(permille)).div_ceil(1000);
    usize::try_from(rank).unwrap_or(n).clamp(1, n.max(1))
}

/// The percentile of one resample.
fn resample(sorted_ns: &[i64], permille: u32, random: &mut Random) -> i64 {
    let n = sorted_ns.len();
    let rank = rank(n, permille);
    let (low, high) = (random.gamma(rank as f64), random.gamma((n + 1 - rank) as f64));
    let u = low / (low + high);
    let place = (u * n as f64).ceil() as usize;
    sorted_ns[place.clamp(1, n) - 1]
}

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

    /// Uniform, above 0 and below 1.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma of a shape of 1 at least, by Marsaglia and Tsang (2000).
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(before: &[i64], after: &[i64], permille: u32) -> Difference {
        percentile_difference(before, after, permille, 0).unwrap()
    }

    #[test]
    fn the_short_way_is_the_bootstrap() {
        // The share of plain resamples whose median is at most each value, against the short way.
        let values: Vec<i64> = (1..=9).collect();
        let (mut plain, mut short) = ([0_u32; 10], [0_u32; 10]);
        let mut random = Random(7);
        for _ in 0..40_000 {
            let mut drawn: Vec<i64> = (0..9).map(|_| values[(random.next() % 9) as usize]).collect();
            drawn.sort_unstable();
            plain[drawn[4] as usize] += 1;
            short[resample(&values, 500, &mut random) as usize] += 1;
        }
        for (plain, short) in plain.iter().zip(short) {
            assert!(plain.abs_diff(short) < 600, "{plain} {short}");
        }
    }

    #[test]
    fn a_shift_is_seen_and_noise_is_not() {
        let series = |shift: i64, salt: u64| {
            let mut random = Random(salt);
            let mut values: Vec<i64> = (0..500).map(|_| shift + (random.next() % 1000) as i64).collect();
            values.sort_unstable();
            values
        };
        let (one, other, slower) = (series(0, 1), series(0, 2), series(200, 3));
        assert!(test(&one, &other, 500).p_value() > 0.01);
        assert!(test(&one, &one, 500).p_value() > 0.5);
        let shift = test(&one, &slower, 500);
        assert!(
            shift.p_value() < 0.001 && shift.interval_ns.0 > 0 && shift.interval_ns.1 < 400,
            "{shift:?}"
        );
        assert!(test(&slower, &one, 500).interval_ns.1 < 0);
        let excused = percentile_difference(&one, &slower, 500, 1000).unwrap();
        assert_eq!(excused.p_value(), 1.0, "within what the clocks may have added");
        assert_eq!(shift, test(&one, &slower, 500), "the same each time");
    }

    #[test]
    fn ranks_are_nearest_ranks() {
        for (n, permille, expected) in [(1, 500, 1), (10, 900, 9), (1000, 999, 999), (3, 500, 2)] {
            assert_eq!(rank(n, permille), expected);
        }
        assert_eq!(percentile_difference(&[], &[1], 500, 0), None);
    }
}
