//! Exact percentiles of series that are gone through several times instead of being kept.
//!
//! First every value is counted in narrow bins ([`Tally`]), which says in which bin the value of each rank lies. Then the
//! values are gone through again, and those of these few bins are kept and put in order. Where even one bin holds too
//! many for that, it is counted in narrower ones first. (Munro and Paterson, *Selection and sorting with limited
//! storage*, 1980.)

use crate::{
    latency::{Distribution, PERMILLES, rank_of},
    tally::{Span, Tally},
};

/// Most values of a bin that are kept: two megabytes. Of a hundred million values in the usual spread a bin holds fewer.
const MAX_KEPT: u64 = 1 << 18;
/// How many parts a bin is cut into that holds more, as a power of two.
const PART_BITS: u32 = 10;

/// The way to the percentiles of one series.
#[derive(Debug)]
pub(crate) struct Narrowing {
    summary: Distribution,
    /// Value at each rank of [`PERMILLES`], once it is known.
    found: [Option<i64>; PERMILLES.len()],
    /// What is looked at in the next round, in ascending order.
    windows: Vec<Window>,
}

/// A span of values in which some rank lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    span: Span,
    /// Values of the series below the span.
    below: u64,
    /// Values in it.
    count: u64,
}

/// What one thread has met of a window's values in one round.
#[derive(Debug)]
enum Met {
    Values(Vec<i64>),
    /// Counts by part of the window.
    Parts(Vec<u64>),
}

/// What one thread has met of one series in one round.
#[derive(Debug)]
pub(crate) struct Catch {
    windows: Vec<(Span, Met)>,
}

impl Narrowing {
    /// From the first look at the series.
    pub(crate) fn new(tally: &Tally) -> Self {
        let mut narrowing = Self {
            summary: Distribution {
                n: tally.n(),
                negative: tally.negative(),
                min_ns: tally.min(),
                max_ns: tally.max(),
                percentiles: Vec::new(),
            },
            found: [None; PERMILLES.len()],
            windows: Vec::new(),
        };
        narrowing.look_into(&mut tally.spans(), 0);
        narrowing
    }

    /// Whether the values need not be gone through again.
    pub(crate) fn is_done(&self) -> bool {
        self.windows.is_empty()
    }

    /// The spans that are looked at in the next round, each within a bin of a [`Tally`].
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> + Clone {
        self.windows.iter().map(|window| window.span)
    }

    /// An empty catch for one thread.
    pub(crate) fn catch(&self) -> Catch {
        let met = |window: &Window| {
            let met = if window.count <= MAX_KEPT {
                Met::Values(Vec::new())
            } else {
                Met::Parts(vec![0; 1 << PART_BITS.min(window.span.bits)])
            };
            (window.span, met)
        };
        Catch {
            windows: self.windows.iter().map(met).collect(),
        }
    }

    /// Takes what was met of all values.
    pub(crate) fn take(&mut self, mut caught: Catch) {
        let windows = std::mem::take(&mut self.windows);
        for (window, (span, met)) in windows.iter().zip(&mut caught.windows) {
            match met {
                Met::Values(values) => {
                    values.sort_unstable();
                    for (found, rank) in self.found.iter_mut().zip(ranks(self.summary.n)) {
                        if found.is_none() && rank > window.below {
                            *found = values.get((rank - window.below - 1) as usize).copied();
                        }
                    }
                }
                Met::Parts(counts) => {
                    let bits = span.bits.saturating_sub(PART_BITS);
                    let part = |(number, count): (i64, &u64)| {
                        let low = span.low + (number << bits);
                        (Span { low, bits }, *count)
                    };
                    self.look_into(&mut (0..).zip(&*counts).map(part), window.below);
                }
            }
        }
    }

    /// Finds the spans in which ranks lie that are not found yet. `spans` are in ascending order with the values in each,
    /// and `below` values lie below the first.
    fn look_into(&mut self, spans: &mut dyn Iterator<Item = (Span, u64)>, mut below: u64) {
        for (span, count) in spans {
            let mut wanted = false;
            for (found, rank) in self.found.iter_mut().zip(ranks(self.summary.n)) {
                if found.is_none() && (below + 1..=below + count).contains(&rank) {
                    if span.bits == 0 {
                        *found = Some(span.low);
                    } else {
                        wanted = true;
                    }
                }
            }
            if wanted {
                self.windows.push(Window { span, below, count });
            }
            below += count;
        }
    }

    /// The distribution; of a series that [is done](Self::is_done).
    pub(crate) fn finish(&self) -> Distribution {
        let mut distribution = self.summary.clone();
        distribution.set_percentiles(&self.found);
        distribution
    }
}

impl Catch {
    /// Looks at `values`.
    pub(crate) fn look(&mut self, values: &[i64]) {
        for (span, met) in &mut self.windows {
            // A distance below the width of the span; of smaller values it wraps around and is large.
            let offset = |value: i64| value.wrapping_sub(span.low).cast_unsigned();
            let inside = values.iter().copied().filter(|value| offset(*value) >> span.bits == 0);
            match met {
                Met::Values(kept) => kept.extend(inside),
                Met::Parts(counts) => {
                    let shift = span.bits.saturating_sub(PART_BITS);
                    inside.for_each(|value| counts[(offset(value) >> shift) as usize] += 1);
                }
            }
        }
    }

    /// Adds what another thread has met of the same windows.
    pub(crate) fn merge(&mut self, other: Self) {
        for ((_, met), (_, more)) in self.windows.iter_mut().zip(other.windows) {
            match (met, more) {
                (Met::Values(values), Met::Values(more)) => values.extend(more),
                (Met::Parts(counts), Met::Parts(more)) => {
                    counts.iter_mut().zip(more).for_each(|(count, n)| *count += n)
                }
                // Both were made from the same windows.
                _ => {}
            }
        }
    }
}

/// The ranks of [`PERMILLES`] among `n` values, from 1 on.
fn ranks(n: u64) -> [u64; PERMILLES.len()] {
    PERMILLES.map(|permille| rank_of(n, permille))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn narrowed(values: &[i64]) -> (Distribution, usize) {
        let mut tally = Tally::default();
        tally.add_all(values);
        let mut narrowing = Narrowing::new(&tally);
        let mut rounds = 0;
        while !narrowing.is_done() {
            let mut caught = narrowing.catch();
            let (a, b) = values.split_at(values.len() / 3);
            caught.look(a);
            let mut other = narrowing.catch();
            other.look(b);
            caught.merge(other);
            narrowing.take(caught);
            rounds += 1;
        }
        (narrowing.finish(), rounds)
    }

    #[test]
    fn a_bin_of_many_values_is_cut() {
        // All in one bin, 2^42 wide: more than are kept, twice.
        let values: Vec<i64> = (0..3 << 18).map(|n| (1 << 52) + n % 7 + (n & 1) * 5000).collect();
        let (distribution, rounds) = narrowed(&values);
        assert_eq!(distribution, Distribution::of(&mut values.clone()));
        assert!(rounds > 2, "{rounds}");
    }

    proptest! {
        #[test]
        fn they_are_the_percentiles_of_all_values(
            values in proptest::collection::vec(prop_oneof![any::<i64>(), -9..9_i64, 4_000_000..4_100_000_i64], 0..400),
        ) {
            prop_assert_eq!(narrowed(&values).0, Distribution::of(&mut values.clone()));
        }
    }
}
