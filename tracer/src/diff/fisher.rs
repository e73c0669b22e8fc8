//! Fisher's exact test: may two shares be of one and the same coin?

use super::MAX_TESTED;

/// Weights below this part of the largest one are left out: together they change no digit that is shown.
const NEGLIGIBLE: f64 = 1e-20;

/// Weights that differ by less than this part are equal; they come from different chains of multiplications.
const SAME_WEIGHT: f64 = 1e-7;

/// Two-sided p-value of `hits.0` of `trials.0` against `hits.1` of `trials.1`: the probability, were both of one rate, of
/// a table at most as probable as this one. Exact for any size; takes steps in the order of the square root of the trials.
///
/// `None` where there is nothing to test: no trials, more than [`MAX_TESTED`], or more hits than trials.
pub(super) fn two_sided(hits: (u64, u64), trials: (u64, u64)) -> Option<f64> {
    let testable = 1..=MAX_TESTED;
    if !testable.contains(&trials.0) || !testable.contains(&trials.1) || hits.0 > trials.0 || hits.1 > trials.1 {
        return None;
    }
    let all_hits = hits.0.checked_add(hits.1)?;
    let (lowest, highest) = (all_hits.saturating_sub(trials.1), all_hits.min(trials.0));
    let (all_hits_f, first, second) = (all_hits as f64, trials.0 as f64, trials.1 as f64);
    // Weight of x + 1 hits on the first side, as a part of that of x hits.
    let ratio = |x: u64| {
        let x = x as f64;
        (all_hits_f - x) * (first - x) / ((x + 1.0) * (second - all_hits_f + x + 1.0))
    };
    let mode = ((first + 1.0) * (all_hits_f + 1.0) / (first + second + 2.0)).floor() as u64;
    let mode = mode.clamp(lowest, highest);
    let mut weights: Vec<(u64, f64)> = vec![(mode, 1.0)];
    let (mut at, mut weight) = (mode, 1.0);
    while at < highest && weight > NEGLIGIBLE {
        weight *= ratio(at);
        at += 1;
        weights.push((at, weight));
    }
    (at, weight) = (mode, 1.0);
    while at > lowest && weight > NEGLIGIBLE {
        at -= 1;
        weight /= ratio(at);
        weights.push((at, weight));
    }
    let observed = weights
        .iter()
        .find(|(x, _)| *x == hits.0)
        .map_or(0.0, |(_, weight)| *weight);
    let bound = observed * (1.0 + SAME_WEIGHT);
    let sum = |bound: f64| weights.iter().map(|(_, w)| *w).filter(|w| *w <= bound).sum::<f64>();
    Some((sum(bound) / sum(f64::INFINITY)).min(1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by the definition, over all tables.
    fn by_definition(hits: (u64, u64), trials: (u64, u64)) -> f64 {
        let ln_factorial = |n: u64| (1..=n).map(|i| (i as f64).ln()).sum::<f64>();
        let ln_choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        let all = hits.0 + hits.1;
        let probability = |x: u64| {
            (ln_choose(trials.0, x) + ln_choose(trials.1, all - x) - ln_choose(trials.0 + trials.1, all)).exp()
        };
        let bound = probability(hits.0) * (1.0 + SAME_WEIGHT);
        let tables = all.saturating_sub(trials.1)..=all.min(trials.0);
        tables.map(probability).filter(|p| *p <= bound).sum::<f64>().min(1.0)
    }

    #[test]
    fn known_tables() {
        // The lady tasting tea: 3 of 4 against 1 of 4 has 34/70; 4 of 4 against 0 of 4 has 2/70.
        assert!((two_sided((3, 1), (4, 4)).unwrap() - 34.0 / 70.0).abs() < 1e-12);
        assert!((two_sided((4, 0), (4, 4)).unwrap() - 2.0 / 70.0).abs() < 1e-12);
        assert_eq!(two_sided((0, 0), (10, 10)), Some(1.0));
        assert_eq!(two_sided((5, 5), (5, 5)), Some(1.0));
        assert_eq!((two_sided((0, 1), (0, 5)), two_sided((6, 1), (5, 5))), (None, None));
    }

    #[test]
    fn large_tables_are_quick_and_sound() {
        let n = 100_000_000;
        assert!(two_sided((50_000, 50_100), (n, n)).unwrap() > 0.5);
        assert!(two_sided((50_000, 53_000), (n, n)).unwrap() < 1e-15);
        assert!(two_sided((0, n), (n, n)).unwrap() < 1e-15);
    }

    #[test]
    fn a_report_that_claims_any_number_is_not_tested() {
        for trials in [MAX_TESTED + 1, 1 << 60, u64::MAX] {
            assert_eq!(two_sided((trials / 2, trials / 2), (trials, trials)), None);
            assert_eq!(two_sided((1, 1), (trials, 10)), None);
        }
    }

    proptest! {
        #[test]
        fn equals_the_definition(a in 0_u64..40, b in 0_u64..40, more_a in 0_u64..40, more_b in 0_u64..40) {
            prop_assume!(a + more_a > 0 && b + more_b > 0);
            let (hits, trials) = ((a, b), (a + more_a, b + more_b));
            let p = two_sided(hits, trials).unwrap();
            prop_assert!((p - by_definition(hits, trials)).abs() < 1e-6, "{p}");
            let turned = two_sided((b, a), (trials.1, trials.0)).unwrap();
            prop_assert!((p - turned).abs() < 1e-9);
        }
    }
}
