//! How far behind messages came that were overtaken.

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

impl Reordering {
    /// Of these distances.
    pub(super) fn of(distances: &mut [u32]) -> Self {
        distances.sort_unstable();
        let rank = |percent: usize| {
            let rank = (distances.len() * percent).div_ceil(100);
            distances.get(rank.checked_sub(1)?).copied()
        };
        Self {
            n: distances.len() as u64,
            p50: rank(50),
            p99: rank(99),
            max: distances.last().copied(),
        }
    }
}

/// How far the indices of one sender had got at a receiver.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Front {
    at_ns: i64,
    highest_now: u32,
    highest_before: u32,
}

impl Front {
    /// By how much `index` was overtaken: `None` when it was not. Arrivals come in order of time.
    pub(super) fn distance(&mut self, index: u32, arrived_ns: i64) -> Option<u32> {
        if arrived_ns > self.at_ns || self.highest_now == 0 {
            self.highest_before = self.highest_before.max(self.highest_now);
            self.highest_now = 0;
            self.at_ns = arrived_ns;
        }
        self.highest_now = self.highest_now.max(index);
        (index < self.highest_before).then(|| self.highest_before - index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_to_the_highest_that_came_before() {
        let mut front = Front::default();
        let arrivals = [(1, 10), (5, 20), (2, 30), (6, 40), (4, 40), (3, 50)];
        let mut distances: Vec<u32> = arrivals
            .iter()
            .filter_map(|(index, at_ns)| front.distance(*index, *at_ns))
            .collect();
        assert_eq!(distances, [3, 1, 3]);
        let reordering = Reordering::of(&mut distances);
        assert_eq!((reordering.n, reordering.p50, reordering.max), (3, Some(3), Some(3)));
        assert_eq!(Reordering::of(&mut []), Reordering::default());
    }
}
