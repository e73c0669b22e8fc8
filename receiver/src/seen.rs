//! Which messages of one sender a client has: compact, because a thousand clients may each hear a million messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Indices in one page.
const PAGE_INDICES: u32 = 1024;

/// Words of 64 bits in one page: 128 bytes.
const PAGE_WORDS: usize = PAGE_INDICES as usize / 64;

/// Pages of one process: 32 MiB, or 268 million consecutive messages. A payload may name any index, so without a bound
/// a stranger could make each message cost a page.
pub(crate) const MAX_PAGES: usize = 262_144;

/// What one more delivery is, compared with those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// An index not seen before.
    New,
    /// Another attempt at an index seen before: a retry twin.
    Twin,
    /// An attempt seen before.
    Duplicate,
    /// Not known: the budget is used up.
    Untracked,
}

/// The pages left, shared by all clients of a process.
#[derive(Debug)]
pub(crate) struct PageBudget(AtomicUsize);

impl PageBudget {
    pub(crate) const fn new(pages: usize) -> Self {
        Self(AtomicUsize::new(pages))
    }

    fn take(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }
}

/// The deliveries of one sender to one client.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// First attempts, one bit an index, by page number.
    first: BTreeMap<u32, Box<[u64; PAGE_WORDS]>>,
    /// Later attempts as (index, attempt); rare, so not packed. Each is charged as a page.
    later: BTreeSet<(u32, u32)>,
}

impl Seen {
    /// Notes a delivery. Without an attempt in the payload (the Nim tester's) every delivery of an index counts as the
    /// first attempt, so that retry twins look like duplicates here.
    pub(crate) fn insert(&mut self, index: u32, attempt: Option<u32>, budget: &PageBudget) -> Novelty {
        let attempt = attempt.unwrap_or(1);
        let had_first = self.has_first(index);
        let had_later = self.later.range((index, 0)..=(index, u32::MAX)).next().is_some();
        let is_new = if attempt <= 1 {
            if !had_first && !self.set_first(index, budget) {
                return Novelty::Untracked;
            }
            !had_first
        } else {
            if !self.later.contains(&(index, attempt)) && !budget.take() {
                return Novelty::Untracked;
            }
            self.later.insert((index, attempt))
        };
        match (is_new, had_first || had_later) {
            (true, false) => Novelty::New,
            (true, true) => Novelty::Twin,
            (false, _) => Novelty::Duplicate,
        }
    }

    fn has_first(&self, index: u32) -> bool {
        let (page, word, bit) = place(index);
        self.first.get(&page).is_some_and(|words| words[word] & bit != 0)
    }

    /// False when a page is needed and none is left.
    fn set_first(&mut self, index: u32, budget: &PageBudget) -> bool {
        let (page, word, bit) = place(index);
        if !self.first.contains_key(&page) && !budget.take() {
            return false;
        }
        self.first.entry(page).or_insert_with(|| Box::new([0; PAGE_WORDS]))[word] |= bit;
        true
    }
}

fn place(index: u32) -> (u32, usize, u64) {
    let within = index % PAGE_INDICES;
    (index / PAGE_INDICES, within as usize / 64, 1 << (within % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_twin_and_duplicate_are_told_apart() {
        let budget = PageBudget::new(100);
        let mut seen = Seen::default();
        assert_eq!(seen.insert(5, Some(1), &budget), Novelty::New);
        assert_eq!(seen.insert(5, Some(1), &budget), Novelty::Duplicate);
        assert_eq!(seen.insert(5, Some(2), &budget), Novelty::Twin);
        assert_eq!(seen.insert(5, Some(2), &budget), Novelty::Duplicate);
        assert_eq!(seen.insert(6, Some(3), &budget), Novelty::New);
        assert_eq!(seen.insert(6, None, &budget), Novelty::Twin);
        assert_eq!(seen.insert(6, None, &budget), Novelty::Duplicate);
    }

    #[test]
    fn hostile_indices_end_with_the_budget_and_known_pages_go_on() {
        let budget = PageBudget::new(2);
        let mut seen = Seen::default();
        assert_eq!(seen.insert(1, None, &budget), Novelty::New);
        assert_eq!(seen.insert(u32::MAX, None, &budget), Novelty::New);
        assert_eq!(seen.insert(1 << 20, None, &budget), Novelty::Untracked);
        assert_eq!(seen.insert(9, Some(7), &budget), Novelty::Untracked);
        assert_eq!(seen.insert(2, None, &budget), Novelty::New);
        assert_eq!(seen.insert(1, None, &budget), Novelty::Duplicate);
    }

    proptest! {
        #[test]
        fn agrees_with_plain_sets(deliveries in prop::collection::vec((0_u32..3000, 1_u32..4), 0..400)) {
            let budget = PageBudget::new(10_000);
            let (mut seen, mut attempts, mut indices) = (Seen::default(), HashSet::new(), HashSet::new());
            for (index, attempt) in deliveries {
                let is_new = attempts.insert((index, attempt));
                let expected = match (is_new, indices.insert(index)) {
                    (false, _) => Novelty::Duplicate,
                    (true, false) => Novelty::Twin,
                    (true, true) => Novelty::New,
                };
                prop_assert_eq!(seen.insert(index, Some(attempt), &budget), expected);
            }
        }
    }
}
