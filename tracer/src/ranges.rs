//! Sets of indices as ranges: `3-7, 12`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A run of neighbouring indices, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IndexRange {
    /// First index.
    pub first: u32,
    /// Last index.
    pub last: u32,
}

/// Indices in ascending order, written as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct IndexRanges(pub Vec<IndexRange>);

impl IndexRanges {
    /// Adds an index above all that are in.
    pub(crate) fn push(&mut self, index: u32) {
        match self.0.last_mut() {
            Some(range) if range.last.checked_add(1) == Some(index) => range.last = index,
            _ => self.0.push(IndexRange {
                first: index,
                last: index,
            }),
        }
    }

    /// At most `max_ranges` ranges as text, and how many more there are.
    #[must_use]
    pub fn show(&self, max_ranges: usize) -> String {
        let shown: Vec<String> = self.0.iter().take(max_ranges).map(ToString::to_string).collect();
        let mut text = shown.join(", ");
        if self.0.len() > max_ranges {
            text.push_str(&format!(" and {} more", self.0.len() - max_ranges));
        }
        text
    }
}

impl fmt::Display for IndexRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl FromIterator<u32> for IndexRanges {
    fn from_iter<T: IntoIterator<Item = u32>>(indices: T) -> Self {
        let mut ranges = Self::default();
        indices.into_iter().for_each(|index| ranges.push(index));
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_join() {
        let ranges: IndexRanges = [3, 4, 5, 6, 7, 12, 20, 21].into_iter().collect();
        assert_eq!(ranges.show(10), "3-7, 12, 20-21");
        assert_eq!(ranges.show(1), "3-7 and 2 more");
        assert_eq!(IndexRanges::default().show(3), "");
    }

    #[test]
    fn the_largest_index_does_not_overflow() {
        let ranges: IndexRanges = [u32::MAX - 1, u32::MAX].into_iter().collect();
        assert_eq!(ranges.show(1), "4294967294-4294967295");
    }
}
