//! Pauses between dials: doubling from a first to a longest one, with jitter.

use std::time::Duration;

use rand::Rng;

/// The pause before dial number `failures` + 1, after that many failures in a row.
///
/// Doubles from `first` up to `max`, then takes a random share between one half and the whole, so that a fleet cut off
/// at one moment does not come back at one moment.
pub fn pause(failures: u32, first: Duration, max: Duration, rng: &mut impl Rng) -> Duration {
    let doubled = first.saturating_mul(1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX));
    doubled.min(max).mul_f64(rng.random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn doubles_with_jitter_up_to_the_maximum() {
        let (first, max) = (Duration::from_millis(250), Duration::from_secs(30));
        let mut rng = StdRng::seed_from_u64(7);
        for failures in 0..100 {
            let whole = if failures < 7 { first * 2_u32.pow(failures) } else { max };
            for _ in 0..20 {
                let pause = pause(failures, first, max, &mut rng);
                assert!(
                    pause >= whole / 2 && pause <= whole,
                    "{failures} failures: {pause:?} of {whole:?}"
                );
            }
        }
    }

    #[test]
    fn two_clients_do_not_return_together() {
        let mut pauses: Vec<_> = (0..16)
            .map(|seed| {
                pause(
                    3,
                    Duration::from_secs(1),
                    Duration::from_secs(60),
                    &mut StdRng::seed_from_u64(seed),
                )
            })
            .collect();
        pauses.dedup();
        assert!(pauses.len() > 8);
    }
}
