//! How far behind messages came that were overtaken.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// First arrivals after a higher index of the same sender, and how far behind it they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reordering {
    /// Messages overtaken: *out of order*.
    pub n: u64,
    /// Distance (highest index that had arrived strictly before, less this index), median by nearest rank.
    pub p50: Option<u32>,
    /// 99th percentile of the distance.
    pub p99: Option<u32>,
    /// Largest distance.
    pub max: Option<u32>,
}

/// Distances below this are counted in an array; they are nearly all.
const NEAR: u32 = 4096;

/// Distances, counted: their number says little about a run of millions, and few of them are different.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Distances {
    n: u64,
    /// By distance, as far as any was met.
    near: Vec<u64>,
    far: BTreeMap<u32, u64>,
}

impl Distances {
    /// Counts one.
    #[inline]
    pub(crate) fn add(&mut self, distance: u32) {
        self.add_many(distance, 1);
    }

    /// Number of distances.
    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// Adds those of another.
    pub(super) fn merge(&mut self, other: &Self) {
        other
            .iter()
            .for_each(|(distance, count)| self.add_many(distance, count));
    }

    fn add_many(&mut self, distance: u32, count: u64) {
        self.n += count;
        if distance >= NEAR {
            *self.far.entry(distance).or_default() += count;
            return;
        }
        if self.near.len() <= distance as usize {
            self.near.resize(distance as usize + 1, 0);
        }
        self.near[distance as usize] += count;
    }

    /// The distances met in ascending order, each with its count.
    fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        let near = (0..).zip(self.near.iter().copied()).filter(|(_, count)| *count > 0);
        near.chain(self.far.iter().map(|(distance, count)| (*distance, *count)))
    }
}

impl Reordering {
    /// Of these distances.
    pub(super) fn of(distances: &Distances) -> Self {
        let rank = |percent: u64| {
            let rank = (distances.n * percent).div_ceil(100);
            let mut upto = 0;
            let mut reached = distances.iter().skip_while(|(_, count)| {
                upto += count;
                upto < rank
            });
            reached.next().map(|(distance, _)| distance)
        };
        Self {
            n: distances.n,
            p50: rank(50),
            p99: rank(99),
            max: rank(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_counted_distances() {
        let of = |given: &[u32]| {
            let (mut distances, mut more) = (Distances::default(), Distances::default());
            let (a, b) = given.split_at(given.len() / 2);
            a.iter().for_each(|distance| distances.add(*distance));
            b.iter().for_each(|distance| more.add(*distance));
            distances.merge(&more);
            let r = Reordering::of(&distances);
            (r.n, r.p50, r.p99, r.max)
        };
        assert_eq!(of(&[3, 1, 3]), (3, Some(3), Some(3), Some(3)));
        assert_eq!(
            of(&[NEAR + 7, 1, NEAR - 1, NEAR]),
            (4, Some(NEAR - 1), Some(NEAR + 7), Some(NEAR + 7))
        );
        assert_eq!(of(&[2; 200]), (200, Some(2), Some(2), Some(2)));
        let mut one_far = vec![1; 99];
        one_far.push(u32::MAX);
        assert_eq!(of(&one_far), (100, Some(1), Some(1), Some(u32::MAX)));
        assert_eq!(of(&[]), (0, None, None, None));
    }
}
