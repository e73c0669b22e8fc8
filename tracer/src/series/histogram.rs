//! Latencies in bins of equal relative width, for charts.

use schemars::JsonSchema;
use serde::Serialize;

use crate::tally::Tally;

/// Bins in which a latency may double.
const BINS_PER_OCTAVE: u32 = 16;

/// Everything from zero up to this is one bin, nanoseconds: about a microsecond, below what clocks resolve.
const FIRST_BOUND_NS: i64 = 1 << 10;

/// Values of one range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LatencyBin {
    /// Smallest value, nanoseconds; absent from the bin of negative values.
    pub from_ns: Option<i64>,
    /// The value it stays below, nanoseconds.
    pub to_ns: i64,
    /// Values in it.
    pub count: u64,
}

/// The bins that hold any of the values. Each is made of whole bins of the tally, which are narrower.
pub(crate) fn histogram(tally: &Tally) -> Vec<LatencyBin> {
    let mut bins: Vec<LatencyBin> = Vec::new();
    for (span, count) in tally.spans() {
        let (from_ns, to_ns) = bounds(span.low);
        match bins.last_mut() {
            Some(last) if (last.from_ns, last.to_ns) == (from_ns, to_ns) => last.count += count,
            _ => bins.push(LatencyBin { from_ns, to_ns, count }),
        }
    }
    bins
}

fn bounds(value_ns: i64) -> (Option<i64>, i64) {
    if value_ns < 0 {
        return (None, 0);
    }
    if value_ns < FIRST_BOUND_NS {
        return (Some(0), FIRST_BOUND_NS);
    }
    let octave = value_ns.ilog2();
    let step_ns = (1_i64 << octave) / i64::from(BINS_PER_OCTAVE);
    let from_ns = value_ns - (value_ns % step_ns);
    (Some(from_ns), from_ns.saturating_add(step_ns))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_octave_has_sixteen_bins() {
        assert_eq!(bounds(1 << 20), (Some(1 << 20), (1 << 20) + (1 << 16)));
        assert_eq!(bounds((1 << 21) - 1), (Some((1 << 20) + 15 * (1 << 16)), 1 << 21));
        assert_eq!(bounds(-5), (None, 0));
        assert_eq!(bounds(0), (Some(0), 1024));
    }

    proptest! {
        #[test]
        fn no_value_is_left_out(values_ns in proptest::collection::vec(any::<i64>(), 0..200)) {
            let mut tally = Tally::default();
            tally.add_all(&values_ns);
            let bins = histogram(&tally);
            for bin in &bins {
                // The largest bound is no bound: what reaches it belongs to the bin as well.
                let below = |ns: i64| ns < bin.to_ns || bin.to_ns == i64::MAX;
                let inside = |ns: i64| below(ns) && bin.from_ns.is_none_or(|from_ns| from_ns <= ns);
                prop_assert_eq!(values_ns.iter().filter(|ns| inside(**ns)).count() as u64, bin.count);
            }
            prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), values_ns.len() as u64);
            prop_assert!(bins.windows(2).all(|pair| pair[1].from_ns.is_some_and(|from_ns| pair[0].to_ns <= from_ns)));
        }
    }
}
