//! Which values of a series need a closer look: of millions only those in a few bins of a [`Tally`](crate::tally::Tally).

use crate::tally::{Span, bin};

/// A set of bins.
#[derive(Debug, Default)]
pub(crate) struct Sieve {
    /// The lowest bin that is in it.
    first_bin: i32,
    /// A bit for each bin from there on.
    bits: Vec<u64>,
}

impl Sieve {
    /// Of the bins in which the spans lie; each lies in one.
    pub(crate) fn new(spans: impl Iterator<Item = Span> + Clone) -> Self {
        let bins = spans.map(|span| bin(span.low));
        let mut sieve = Self {
            first_bin: bins.clone().min().unwrap_or_default(),
            bits: Vec::new(),
        };
        for bin in bins {
            let at = sieve.place_of(bin);
            if sieve.bits.len() <= at / 64 {
                sieve.bits.resize(at / 64 + 1, 0);
            }
            sieve.bits[at / 64] |= 1 << (at % 64);
        }
        sieve
    }

    /// Whether `value` lies in a bin that is in it.
    #[inline]
    pub(crate) fn keeps(&self, value: i64) -> bool {
        let at = self.place_of(bin(value));
        // What is below the first bin wraps around and is beyond the last.
        self.bits.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    #[inline]
    fn place_of(&self, bin: i32) -> usize {
        bin.wrapping_sub(self.first_bin).cast_unsigned() as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -3000..3000_i64, 4_000_000..4_100_000_i64]
    }

    proptest! {
        #[test]
        fn it_keeps_the_values_of_its_bins_alone(
            lows in proptest::collection::vec(values(), 0..9), others in proptest::collection::vec(values(), 0..50)
        ) {
            let sieve = Sieve::new(lows.iter().map(|low| Span { low: *low, bits: 0 }));
            for value in others.iter().chain(&lows) {
                let expected = lows.iter().any(|low| bin(*low) == bin(*value));
                prop_assert_eq!(sieve.keeps(*value), expected, "{}", value);
            }
        }
    }
}
