//! What causes and effects say about clocks, and which of it is believed.
//!
//! The clocks of native logs help to bound the others, and must not spoil them: one that was set would contradict its
//! neighbours, and then nothing but direct constraints would count. So native clocks that contradict others are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::{ClockBounds, MAX_CLOCKS};

/// A clock among others.
#[derive(Debug)]
struct Clock {
    key: String,
    is_native: bool,
    error_ns: Option<u64>,
}

/// The tightest constraint between each two clocks.
#[derive(Debug, Default)]
pub(super) struct Constraints {
    numbers: BTreeMap<String, usize>,
    clocks: Vec<Clock>,
    /// Clock *b* is ahead of clock *a* by this at most.
    least: BTreeMap<(usize, usize), i64>,
}

impl Constraints {
    /// The number of the clock `key`, which is made known.
    pub(super) fn clock(&mut self, key: String, is_native: bool) -> usize {
        let Self { numbers, clocks, .. } = self;
        *numbers.entry(key).or_insert_with_key(|key| {
            clocks.push(Clock {
                key: key.clone(),
                is_native,
                error_ns: None,
            });
            clocks.len() - 1
        })
    }

    /// Adds what a host states about the error of its clock.
    pub(super) fn add_error(&mut self, clock: usize, error_ns: u64) {
        let known = &mut self.clocks[clock].error_ns;
        *known = Some(known.map_or(error_ns, |known| known.min(error_ns)));
    }

    /// Adds a cause at `cause_ns` by clock `a` and an effect at `effect_ns` by clock `b`.
    pub(super) fn add(&mut self, a: usize, cause_ns: i64, b: usize, effect_ns: i64) {
        let at_most_ns = effect_ns.saturating_sub(cause_ns);
        let least = self.least.entry((a, b)).or_insert(at_most_ns);
        *least = (*least).min(at_most_ns);
    }

    /// The bounds, with as many native clocks as agree with the others.
    pub(super) fn bounds(&self) -> ClockBounds {
        let native = self.native_in_agreement();
        if !native.is_empty() {
            let bounds = self.bounds_with(&native);
            if !bounds.is_contradictory() {
                return bounds;
            }
        }
        self.bounds_with(&BTreeSet::new())
    }

    fn bounds_with(&self, native: &BTreeSet<usize>) -> ClockBounds {
        let mut bounds = ClockBounds::default();
        let counts = |number: usize| !self.clocks[number].is_native || native.contains(&number);
        let mut numbers = BTreeMap::new();
        for (number, clock) in self.clocks.iter().enumerate().filter(|(number, _)| counts(*number)) {
            let of_bounds = bounds.clock(&clock.key);
            numbers.insert(number, of_bounds);
            if let Some(error_ns) = clock.error_ns {
                bounds.add_error(of_bounds, error_ns);
            }
        }
        for ((a, b), at_most_ns) in &self.least {
            if let (Some(a), Some(b)) = (numbers.get(a), numbers.get(b)) {
                bounds.add(*a, 0, *b, *at_most_ns);
            }
        }
        bounds.close();
        bounds
    }

    /// The native clocks that no other contradicts. Of two that contradict each other the one with more such others goes.
    fn native_in_agreement(&self) -> BTreeSet<usize> {
        let clocks = || self.clocks.iter().enumerate();
        let mut native: BTreeSet<usize> = clocks().filter(|(_, clock)| clock.is_native).map(|(n, _)| n).collect();
        let mut pairs: Vec<(usize, usize)> = self
            .least
            .keys()
            .copied()
            .filter(|(a, b)| self.contradict(*a, *b))
            .collect();
        loop {
            let mut others: BTreeMap<usize, usize> = BTreeMap::new();
            for clock in pairs
                .iter()
                .flat_map(|(a, b)| [*a, *b])
                .filter(|clock| native.contains(clock))
            {
                *others.entry(clock).or_default() += 1;
            }
            let key = |clock: usize| self.clocks[clock].key.as_str();
            let worst = others.into_iter().max_by_key(|(clock, count)| (*count, key(*clock)));
            let Some((worst, _)) = worst else { break };
            native.remove(&worst);
            pairs.retain(|(a, b)| *a != worst && *b != worst);
        }
        self.limit(native)
    }

    fn contradict(&self, a: usize, b: usize) -> bool {
        let back = self.least.get(&(b, a));
        a < b && back.is_some_and(|back| self.least[&(a, b)].saturating_add(*back) < 0)
    }

    /// No more of them than clocks are combined, those first that are next to a clock of an event log.
    fn limit(&self, native: BTreeSet<usize>) -> BTreeSet<usize> {
        let event_logs = self.clocks.iter().filter(|clock| !clock.is_native).count();
        // One more stands for true time.
        let room = MAX_CLOCKS.saturating_sub(event_logs + 1);
        if native.len() <= room {
            return native;
        }
        let is_native = |clock: usize| self.clocks[clock].is_native;
        let near: BTreeSet<usize> = (self.least.keys())
            .filter(|(a, b)| is_native(*a) != is_native(*b))
            .flat_map(|(a, b)| [*a, *b])
            .collect();
        let mut by_use: Vec<usize> = native.into_iter().collect();
        by_use.sort_by_key(|clock| (!near.contains(clock), &self.clocks[*clock].key));
        by_use.into_iter().take(room).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_native_clocks_those_next_to_event_logs_stay() {
        let mut constraints = Constraints::default();
        let client = constraints.clock("client".to_owned(), false);
        let native: Vec<usize> = (0..MAX_CLOCKS + 100)
            .map(|number| constraints.clock(format!("node {number:04}"), true))
            .collect();
        let last = *native.last().unwrap();
        constraints.add(client, 0, last, 5);
        let kept = constraints.native_in_agreement();
        assert_eq!(kept.len(), MAX_CLOCKS - 2);
        assert!(kept.contains(&last) && kept.contains(&native[0]));
    }

    #[test]
    fn of_native_clocks_the_one_that_contradicts_most_is_left_out() {
        let mut constraints = Constraints::default();
        let client = constraints.clock("client".to_owned(), false);
        let [set, a, b] = ["set", "a", "b"].map(|key| constraints.clock(key.to_owned(), true));
        for (other, back_ns) in [(client, -10), (a, -20), (b, -30)] {
            constraints.add(set, 0, other, 5);
            constraints.add(other, 0, set, back_ns);
        }
        for (from, to) in [(client, a), (a, client), (a, b), (b, a)] {
            constraints.add(from, 0, to, 5);
        }
        assert_eq!(constraints.native_in_agreement(), BTreeSet::from([a, b]));
        let bounds = constraints.bounds();
        assert!(!bounds.is_contradictory());
        let within = super::super::Clocks::Within { lo_ns: -10, hi_ns: 10 };
        assert_eq!(bounds.between("client", "b"), within);
    }
}
