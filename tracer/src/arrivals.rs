//! What reached one receiver first, by attempt and by message.
//!
//! A receiver's deliveries are never brought into their order: the first arrival of a hash is the least of its times, and
//! what overtook a message is found from the far end of its sender's indices. So the work is a walk along arrays.

use std::ops::Range;

use crate::{
    join::{Book, Slot},
    model::{Archive, Delivery},
    series::{Distances, Latencies},
    symbols::Symbol,
    ways::Ways,
};

/// "Has not arrived" in the array of arrival times.
const NEVER: i64 = i64::MIN;

/// How far behind a message one looks step by step, before the steps get longer: about as far as messages overtake
/// each other in a healthy network.
const NEAR: usize = 8;

/// The first arrival of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FirstArrival {
    /// Number of the message in the book.
    pub(crate) slot: u32,
    /// Number of the attempt that arrived.
    pub(crate) attempt: u32,
    pub(crate) arrived_ns: i64,
}

/// First arrivals at one receiver; the arrays are used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// By attempt.
    first_of_attempt_ns: Vec<i64>,
    /// In the order of the book.
    pub(crate) firsts: Vec<FirstArrival>,
    /// Arrival − intended of each of `firsts`.
    pub(crate) from_intended_ns: Vec<i64>,
    /// Arrival − sent of each of `firsts`.
    pub(crate) from_sent_ns: Vec<i64>,
    /// Attempts that arrived again and when, in no order.
    pub(crate) again: Vec<(u32, i64)>,
    /// What no publisher log knows, in no order.
    pub(crate) unknown: Vec<Delivery>,
    /// Slots in which further attempts arrived, with their number; ascending.
    pub(crate) twins: Vec<(u32, u32)>,
    /// Least arrival time from a place of `firsts` on, of one sender.
    least_ns: Vec<i64>,
    /// By attempt: by which way it arrived first. Empty where there is one way only.
    way_of_attempt: Vec<u32>,
    /// The service nodes that brought `firsts`.
    pub(crate) brought_by: BroughtBy,
}

/// The service nodes that brought the first arrivals of one receiver.
#[derive(Debug, Default)]
pub(crate) struct BroughtBy {
    /// In the order of their names.
    service_nodes: Vec<Symbol>,
    /// By first arrival. Empty where there is one service node only.
    ways: Vec<u32>,
}

impl BroughtBy {
    /// The service node that brought the first arrival `at`.
    #[inline]
    pub(crate) fn service_node(&self, at: usize) -> Symbol {
        let way = self.ways.get(at).copied().unwrap_or_default();
        self.service_nodes[way as usize]
    }
}

impl Arrivals {
    /// Takes the deliveries to one receiver in place of those before.
    pub(crate) fn take(&mut self, book: &Book, archive: &Archive, ways: Option<&Ways>) {
        self.first_of_attempt_ns.clear();
        self.first_of_attempt_ns.resize(book.attempts.len(), NEVER);
        self.way_of_attempt.clear();
        self.again.clear();
        self.unknown.clear();
        self.brought_by.service_nodes.clear();
        if let Some(ways) = ways {
            self.note(book, archive, ways);
        }
        self.brought_by.ways.clear();
        self.firsts.clear();
        self.twins.clear();
        self.from_intended_ns.clear();
        self.from_sent_ns.clear();
        for (number, slot) in (0..).zip(&book.slots) {
            if let Some(first) = self.first_of(book, archive, number, slot) {
                let times = book.times(first.attempt as usize);
                let way = self.way_of_attempt.get(first.attempt as usize);
                self.brought_by.ways.extend(way);
                self.firsts.push(first);
                self.from_intended_ns
                    .push(first.arrived_ns.saturating_sub(times.intended_ns));
                self.from_sent_ns.push(first.arrived_ns.saturating_sub(times.sent_ns));
            }
        }
    }

    /// Notes the first time of each attempt, and by which way: of several at one time by the first by name.
    fn note(&mut self, book: &Book, archive: &Archive, ways: &Ways) {
        let ways = ways.by_name(&archive.symbols);
        if ways.len() > 1 {
            self.way_of_attempt.resize(book.attempts.len(), 0);
        }
        for (number, way) in (0..).zip(&ways) {
            self.brought_by.service_nodes.push(way.service_node);
            way.deliveries.iter().for_each(|delivery| {
                let Some(attempt) = book.attempt_of(delivery.hash) else {
                    self.unknown.push(delivery.unpack(&archive.hashes));
                    return;
                };
                // A time that is no time cannot be the least one.
                let arrived_ns = delivery.arrived_ns.max(NEVER + 1);
                let first_ns = &mut self.first_of_attempt_ns[attempt];
                let before_ns = std::mem::replace(first_ns, arrived_ns);
                if before_ns != NEVER {
                    *first_ns = before_ns.min(arrived_ns);
                    let attempt = u32::try_from(attempt).expect("the book numbers attempts with 32 bits");
                    self.again.push((attempt, before_ns.max(arrived_ns)));
                }
                if (before_ns == NEVER || arrived_ns < before_ns)
                    && let Some(way) = self.way_of_attempt.get_mut(attempt)
                {
                    *way = number;
                }
            });
        }
    }

    /// The earliest of the attempts at a slot; of several at one time the one with the smallest hash.
    #[inline]
    fn first_of(&mut self, book: &Book, archive: &Archive, number: u32, slot: &Slot) -> Option<FirstArrival> {
        let mut first: Option<FirstArrival> = None;
        let mut twins = 0;
        for attempt in slot.attempts() {
            let arrived_ns = self.first_of_attempt_ns[attempt];
            if arrived_ns == NEVER {
                continue;
            }
            let bytes = |attempt: usize| archive.hashes.bytes(book.attempts[attempt].hash);
            let is_first = match &first {
                None => true,
                Some(known) if arrived_ns == known.arrived_ns => bytes(attempt) < bytes(known.attempt as usize),
                Some(known) => arrived_ns < known.arrived_ns,
            };
            twins += u32::from(first.is_some());
            if is_first {
                first = Some(FirstArrival {
                    slot: number,
                    attempt: u32::try_from(attempt).expect("the book numbers attempts with 32 bits"),
                    arrived_ns,
                });
            }
        }
        if twins > 0 {
            self.twins.push((number, twins));
        }
        first
    }

    /// The latencies, in the order of the book.
    pub(crate) fn latencies(&self) -> Latencies<'_> {
        Latencies {
            firsts: &self.firsts,
            from_intended_ns: &self.from_intended_ns,
            from_sent_ns: &self.from_sent_ns,
            brought_by: &self.brought_by,
        }
    }

    /// When an attempt arrived first.
    pub(crate) fn first_of_attempt_ns(&self, attempt: u32) -> i64 {
        self.first_of_attempt_ns[attempt as usize]
    }

    /// Counts in `distances` by how much messages were overtaken: of the messages `of_sender` (a range of `firsts`, all
    /// of one sender) those behind which a higher index had arrived strictly before, with the distance to the highest.
    pub(crate) fn count_overtaken(
        &mut self,
        of_sender: Range<usize>,
        index_of_slot: impl Fn(u32) -> u32,
        distances: &mut Distances,
    ) {
        let firsts = &self.firsts[of_sender];
        self.least_ns.clear();
        self.least_ns.resize(firsts.len(), i64::MAX);
        let mut least_ns = i64::MAX;
        for (least, first) in self.least_ns.iter_mut().zip(firsts).rev() {
            least_ns = least_ns.min(first.arrived_ns);
            *least = least_ns;
        }
        for (at, first) in firsts.iter().enumerate() {
            // The least time from a place on only grows, so what arrived before ends at one place.
            let behind = last_below(&self.least_ns[at + 1..], first.arrived_ns);
            if behind > 0 {
                distances.add(index_of_slot(firsts[at + behind].slot) - index_of_slot(first.slot));
            }
        }
    }
}

/// How many of `ascending` are below `limit`; quick when they are few.
#[inline]
fn last_below(ascending: &[i64], limit: i64) -> usize {
    let near = ascending.iter().take(NEAR).take_while(|value| **value < limit).count();
    if near < NEAR {
        return near;
    }
    let (mut below, mut step) = (near, NEAR);
    while ascending.get(below + step - 1).is_some_and(|value| *value < limit) {
        below += step;
        step *= 2;
    }
    let end = ascending.len().min(below + step);
    below + ascending[below..end].partition_point(|value| *value < limit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn overtaken_is_what_arrived_after_a_higher_index(times in proptest::collection::vec(0..60_i64, 0..120)) {
            // Every third index is missing.
            let index = |slot: u32| slot + slot / 2;
            let first = |(slot, arrived_ns): (u32, &i64)| FirstArrival { slot, attempt: slot, arrived_ns: *arrived_ns };
            let firsts: Vec<FirstArrival> = (0..).zip(&times).map(first).collect();
            let mut expected = Distances::default();
            for a in &firsts {
                let before = firsts.iter().filter(|b| b.slot > a.slot && b.arrived_ns < a.arrived_ns);
                if let Some(highest) = before.map(|b| b.slot).max() {
                    expected.add(index(highest) - index(a.slot));
                }
            }
            let mut distances = Distances::default();
            let all = 0..firsts.len();
            let mut arrivals = Arrivals { firsts, ..Arrivals::default() };
            arrivals.count_overtaken(all, index, &mut distances);
            prop_assert_eq!(distances, expected);
        }

        #[test]
        fn as_many_are_below_as_a_binary_search_says(
            mut values in proptest::collection::vec(0..100_i64, 0..200), limit in 0..101_i64,
        ) {
            values.sort_unstable();
            prop_assert_eq!(last_below(&values, limit), values.partition_point(|value| *value < limit));
        }
    }
}
