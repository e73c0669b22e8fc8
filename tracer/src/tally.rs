//! Values counted in narrow bins: what a series is known by that is too long to be kept.
//!
//! A bin is a 1024th of an octave wide (about a thousandth of its values), and a single value below 1024. Bins are
//! numbered in the order of their values, so that they say where each rank lies.

/// Binary digits of a value that tell its bin within an octave.
const DIGITS: u32 = 10;
/// Bins of an octave.
const BINS_PER_OCTAVE: i32 = 1 << DIGITS;
/// Bins that are counted in one piece of memory: a series of a few values takes a few hundred bytes.
const PAGE_BINS: usize = 64;

/// How many values of a series fall into each bin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    n: u64,
    min: Option<i64>,
    max: Option<i64>,
    /// Number of the first of `pages`.
    first_page: i32,
    pages: Vec<Option<Box<[u64; PAGE_BINS]>>>,
}

/// Values from `low` on, `1 << bits` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: i64,
    pub(crate) bits: u32,
}

impl Tally {
    /// Counts `values`.
    pub(crate) fn add_all(&mut self, values: &[i64]) {
        self.n += values.len() as u64;
        for value in values {
            self.min = Some(self.min.map_or(*value, |min| min.min(*value)));
            self.max = self.max.max(Some(*value));
            *self.count_of(bin(*value)) += 1;
        }
    }

    /// Adds what another has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.min = self.min.into_iter().chain(other.min).min();
        self.max = self.max.max(other.max);
        for (number, count) in other.bins() {
            *self.count_of(number) += count;
        }
    }

    /// Number of values.
    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// Values below zero.
    pub(crate) fn negative(&self) -> u64 {
        self.bins()
            .take_while(|(number, _)| *number < 0)
            .map(|(_, count)| count)
            .sum()
    }

    /// Smallest value.
    pub(crate) fn min(&self) -> Option<i64> {
        self.min
    }

    /// Largest value.
    pub(crate) fn max(&self) -> Option<i64> {
        self.max
    }

    /// The values of each bin that holds any, in ascending order, and how many are in it.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (Span, u64)> {
        self.bins().map(|(number, count)| (span(number), count))
    }

    #[inline]
    fn count_of(&mut self, bin: i32) -> &mut u64 {
        let page = bin >> PAGE_BINS.ilog2();
        let at = page.wrapping_sub(self.first_page) as usize;
        let there = self.pages.get(at).is_some_and(Option::is_some);
        let at = if there { at } else { self.make_page(page) };
        let page = self.pages[at].get_or_insert_with(|| Box::new([0; PAGE_BINS]));
        &mut page[bin as usize % PAGE_BINS]
    }

    #[cold]
    fn make_page(&mut self, page: i32) -> usize {
        if self.pages.is_empty() {
            self.first_page = page;
        }
        let missing = usize::try_from(self.first_page - page).unwrap_or(0);
        self.pages.splice(0..0, std::iter::repeat_n(None, missing));
        self.first_page = self.first_page.min(page);
        let at = (page - self.first_page) as usize;
        if self.pages.len() <= at {
            self.pages.resize(at + 1, None);
        }
        at
    }

    /// The numbers of the bins that hold any value, in ascending order, and how many each holds.
    fn bins(&self) -> impl Iterator<Item = (i32, u64)> {
        let pages = (self.first_page..).zip(&self.pages);
        let there = pages.filter_map(|(number, page)| Some((number, page.as_ref()?)));
        there.flat_map(|(number, page)| {
            let bins = (number * PAGE_BINS as i32..).zip(page.iter().copied());
            bins.filter(|(_, count)| *count > 0)
        })
    }
}

/// The bin of a value. Negative ones mirror the others: bin −1 is that of −1.
#[inline]
pub(crate) fn bin(value: i64) -> i32 {
    // All ones for negative values: `x ^ sign` is x or −1 − x.
    let sign = value >> 63;
    let magnitude = value ^ sign;
    let octave = (magnitude as u64 | 1).ilog2().max(DIGITS);
    let shift = octave - DIGITS;
    // In the lowest octave and below it the value itself.
    let bin = (shift as i32 * BINS_PER_OCTAVE) + (magnitude >> shift) as i32;
    bin ^ sign as i32
}

/// The values of a bin.
fn span(bin: i32) -> Span {
    let sign = bin >> 31;
    let magnitude = bin ^ sign;
    let bits = (magnitude / BINS_PER_OCTAVE - 1).max(0);
    let low = i64::from(magnitude - bits * BINS_PER_OCTAVE) << bits;
    let width = 1_i64 << bits;
    Span {
        low: if sign == 0 { low } else { -low - width },
        bits: bits as u32,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = i64> {
        prop_oneof![
            any::<i64>(),
            -3000..3000_i64,
            (0..63_u32, -2..3_i64).prop_map(|(bits, off)| (1 << bits) + off)
        ]
    }

    #[test]
    fn bins_touch_each_other() {
        let ends = |span: Span| (i128::from(span.low), i128::from(span.low) + (1 << span.bits));
        for number in bin(i64::MIN)..bin(i64::MAX) {
            assert_eq!(ends(span(number)).1, ends(span(number + 1)).0, "{number}");
        }
        assert_eq!(ends(span(bin(i64::MIN))).0, i128::from(i64::MIN));
        assert_eq!(ends(span(bin(i64::MAX))).1, i128::from(i64::MAX) + 1);
    }

    proptest! {
        #[test]
        fn a_value_lies_in_its_bin(value in values()) {
            let Span { low, bits } = span(bin(value));
            prop_assert!(low <= value && i128::from(value) < i128::from(low) + (1 << bits), "{value} {low} {bits}");
            let narrow = 1_i128 << bits <= (i128::from(value).abs() >> 10).max(1);
            prop_assert!(narrow, "{value} {bits}");
        }

        #[test]
        fn everything_is_counted(a in proptest::collection::vec(values(), 0..50), b in proptest::collection::vec(values(), 0..50)) {
            let (mut tally, mut more) = (Tally::default(), Tally::default());
            tally.add_all(&a);
            more.add_all(&b);
            tally.merge(&more);
            let mut all = [a, b].concat();
            all.sort_unstable();
            prop_assert_eq!((tally.n(), tally.min(), tally.max()), (all.len() as u64, all.first().copied(), all.last().copied()));
            prop_assert_eq!(tally.negative(), all.iter().filter(|value| **value < 0).count() as u64);
            let mut before = 0;
            for (span, count) in tally.spans() {
                let below = all.partition_point(|value| *value < span.low);
                prop_assert_eq!(below, before);
                before += usize::try_from(count).unwrap();
            }
            prop_assert_eq!(before, all.len());
        }
    }
}
