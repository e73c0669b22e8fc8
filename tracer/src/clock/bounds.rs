//! Bounds of the offsets between all clocks of a run, from constraints of the form *clock b − clock a ≤ w*.
//!
//! Each pair of cause (on clock a) and effect (on clock b) is such a constraint, with *w* the time between them as the
//! two clocks show it. Constraints add up along a way, so the tightest bound between two clocks is the shortest way
//! between them (a *simple temporal network*: Dechter, Meiri and Pearl, 1991). A cycle of negative length says that no
//! constant offsets fit.

use std::collections::{BTreeMap, BTreeSet};

use super::Clocks;

/// Most clocks among which bounds are combined, because the work grows with the third power: a second for a thousand.
/// Beyond it only direct constraints count.
pub const MAX_CLOCKS: usize = 512;

/// Name of the clock that is right: stated errors are bounds against it.
const TRUE_TIME: &str = "true time";

/// What is known of the offsets between clocks, by their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockBounds {
    numbers: BTreeMap<String, usize>,
    /// Least `w` seen of each (a, b).
    direct: BTreeMap<(usize, usize), i64>,
    /// The same along the shortest way; `None` when some cycle is negative, or there are too many clocks.
    shortest: Option<Vec<Option<i64>>>,
    /// Pairs of clocks that contradict each other, in both orders.
    contradictory: BTreeSet<(usize, usize)>,
    /// The clocks of these pairs; what their hosts state is worth nothing.
    suspects: BTreeSet<usize>,
    /// Logs of several clocks that could not be read for this, because they can be read only once.
    pub(crate) unread: Vec<String>,
}

impl ClockBounds {
    /// The clock of this key, which is made known.
    pub(crate) fn clock(&mut self, key: &str) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(key.to_owned()).or_insert(next)
    }

    /// Adds a cause at `cause_ns` by clock `a` and an effect at `effect_ns` by clock `b`.
    pub(crate) fn add(&mut self, a: usize, cause_ns: i64, b: usize, effect_ns: i64) {
        self.constrain(a, b, effect_ns.saturating_sub(cause_ns));
    }

    /// Adds what a host states about the error of its clock.
    pub(crate) fn add_error(&mut self, clock: usize, error_ns: u64) {
        let error_ns = i64::try_from(error_ns).unwrap_or(i64::MAX);
        let truth = self.clock(TRUE_TIME);
        self.constrain(truth, clock, error_ns);
        self.constrain(clock, truth, error_ns);
    }

    fn constrain(&mut self, a: usize, b: usize, at_most_ns: i64) {
        if a != b {
            let least = self.direct.entry((a, b)).or_insert(at_most_ns);
            *least = (*least).min(at_most_ns);
        }
    }

    /// Combines all constraints; to be called when all are added.
    pub(crate) fn close(&mut self) {
        let n = self.numbers.len();
        self.shortest = None;
        self.contradictory = self.contradictory_pairs();
        self.suspects = self.contradictory.iter().map(|(a, _)| *a).collect();
        if n > MAX_CLOCKS {
            return;
        }
        let mut ways: Vec<Option<i64>> = vec![None; n * n];
        for (&(a, b), &w) in &self.direct {
            ways[a * n + b] = Some(w);
        }
        for via in 0..n {
            for a in 0..n {
                let Some(first) = ways[a * n + via] else { continue };
                for b in 0..n {
                    let Some(second) = ways[via * n + b] else { continue };
                    let way = first.saturating_add(second);
                    if a == b && way < 0 {
                        return;
                    }
                    let known = &mut ways[a * n + b];
                    *known = Some(known.map_or(way, |known| known.min(way)));
                }
            }
        }
        self.shortest = Some(ways);
    }

    /// The clocks.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.numbers.keys().map(String::as_str)
    }

    /// How clock `b` stands to clock `a`.
    #[must_use]
    pub fn between(&self, a: &str, b: &str) -> Clocks {
        if a == b {
            return Clocks::Same;
        }
        let (Some(&a), Some(&b)) = (self.numbers.get(a), self.numbers.get(b)) else {
            return Clocks::Unknown;
        };
        if self.contradictory.contains(&(a, b)) {
            return Clocks::Contradictory;
        }
        let hi_ns = self.at_most(a, b);
        let lo_ns = self.at_most(b, a).map(i64::saturating_neg);
        Clocks::of_bounds(lo_ns, hi_ns)
    }

    /// Whether some constraints contradict each other, whichever clock is to blame.
    #[must_use]
    pub fn is_contradictory(&self) -> bool {
        self.shortest.is_none() && !self.direct.is_empty() && self.numbers.len() <= MAX_CLOCKS
    }

    fn at_most(&self, a: usize, b: usize) -> Option<i64> {
        match &self.shortest {
            Some(ways) => ways[a * self.numbers.len() + b],
            // What other clocks say cannot be trusted; what these two say of each other, or state themselves, can be
            // tested.
            None => {
                let trusted = !self.suspects.contains(&a) && !self.suspects.contains(&b);
                let stated = self.stated(a, b).filter(|_| trusted);
                self.direct.get(&(a, b)).copied().into_iter().chain(stated).min()
            }
        }
    }

    /// What both hosts state of their clocks.
    fn stated(&self, a: usize, b: usize) -> Option<i64> {
        let truth = *self.numbers.get(TRUE_TIME)?;
        let (first, second) = (self.direct.get(&(a, truth))?, self.direct.get(&(truth, b))?);
        Some(first.saturating_add(*second))
    }

    /// The pairs that cannot be as they say of each other and of themselves, whichever of the two is to blame.
    fn contradictory_pairs(&self) -> BTreeSet<(usize, usize)> {
        let at_most = |a: usize, b: usize| {
            self.direct
                .get(&(a, b))
                .copied()
                .into_iter()
                .chain(self.stated(a, b))
                .min()
        };
        let pairs = self.direct.keys().copied();
        let contradictory = pairs.filter(|(a, b)| {
            let both = at_most(*a, *b).zip(at_most(*b, *a));
            both.is_some_and(|(there, back)| there.saturating_add(back) < 0)
        });
        contradictory.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
    }

    /// Whether anything was asked of the clock of this key.
    pub(crate) fn knows(&self, clock: &str) -> bool {
        self.numbers.contains_key(clock)
    }
}
