//! The sets of one receiver: what it should have received, what it did, and what is left over.

use std::collections::BTreeMap;

use crate::{
    join::{Book, Slot, SlotState},
    model::{AttemptRecord, Delivery},
    options::Options,
    place::{Evidence, Place},
    receivers::{Observation, Receiver},
    report::Counts,
    symbols::{HashId, Hashes, Symbol},
};

/// "Has not arrived" in the arrays of arrival times.
const NEVER: i64 = i64::MIN;

/// What became of the messages of all senders at one receiver.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// By sender, as in the book.
    pub(crate) cells: Vec<Cell>,
    pub(crate) duplicates: Vec<Duplicate>,
    /// Hashes that no publisher log knows, with what the payload says.
    pub(crate) unexpected: Vec<(Symbol, u32)>,
    pub(crate) other_run: u64,
    /// The attempt that arrived (its number in the book), of each first arrival in the order of arrival.
    pub(crate) first_attempts: Vec<u32>,
    /// Arrival − intended, of each first arrival.
    pub(crate) from_intended_ns: Vec<i64>,
    /// Arrival − sent of the attempt that arrived, of each first arrival.
    pub(crate) from_sent_ns: Vec<i64>,
}

/// One sender at one receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    /// Lost indices in ascending order.
    pub(crate) lost: Vec<(u32, Place)>,
    /// Indices neither acknowledged nor received that may have been relayed.
    pub(crate) indeterminate: Vec<u32>,
}

/// A hash that arrived again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Duplicate {
    pub(crate) sender: usize,
    pub(crate) index: u32,
    pub(crate) hash: HashId,
    pub(crate) age_ns: i64,
}

/// Judges receivers one after the other, with arrays that are used again.
pub(crate) struct Judge<'a> {
    book: &'a Book,
    hashes: &'a Hashes,
    evidence: &'a Evidence,
    options: &'a Options,
    first_of_hash_ns: Vec<i64>,
    first_of_slot_ns: Vec<i64>,
    /// Deliveries of the receiver at hand, unpacked.
    deliveries: Vec<Delivery>,
}

/// How far one sender's indices had got, to see what arrives behind them.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    at_ns: i64,
    /// Highest index that arrived at `at_ns`.
    highest_now: u32,
    /// Highest index that arrived earlier.
    highest_before: u32,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(book: &'a Book, hashes: &'a Hashes, evidence: &'a Evidence, options: &'a Options) -> Self {
        Self {
            first_of_hash_ns: vec![NEVER; hashes.count()],
            first_of_slot_ns: vec![NEVER; book.slots.len()],
            deliveries: Vec::new(),
            book,
            hashes,
            evidence,
            options,
        }
    }

    /// Judges one receiver.
    pub(crate) fn judge(&mut self, receiver: &Receiver<'_>) -> Judgement {
        self.first_of_hash_ns.fill(NEVER);
        self.first_of_slot_ns.fill(NEVER);
        let mut judgement = Judgement {
            cells: vec![Cell::default(); self.book.senders.len()],
            ..Judgement::default()
        };
        let mut progress = vec![Progress::default(); self.book.senders.len()];
        let mut deliveries = std::mem::take(&mut self.deliveries);
        self.unpack(receiver, &mut deliveries);
        for delivery in &deliveries {
            self.deliver(delivery, &mut judgement, &mut progress);
        }
        self.deliveries = deliveries;
        for (number, slot) in self.book.slots.iter().enumerate() {
            let arrived = self.first_of_slot_ns[number] != NEVER;
            self.settle(slot, arrived, receiver, &mut judgement.cells[slot.sender]);
        }
        let bytes = |d: &Duplicate| self.hashes.bytes(d.hash);
        judgement.duplicates.sort_by(|a, b| {
            b.age_ns
                .cmp(&a.age_ns)
                .then_with(|| (a.sender, a.index, bytes(a)).cmp(&(b.sender, b.index, bytes(b))))
        });
        judgement
    }

    /// Adds what the receiver judged last has received.
    pub(crate) fn mark_received(&self, received_by_any: &mut [bool]) {
        for (received, first_ns) in received_by_any.iter_mut().zip(&self.first_of_slot_ns) {
            *received |= *first_ns != NEVER;
        }
    }

    /// The deliveries of a receiver in the order of arrival, then of hashes.
    fn unpack(&self, receiver: &Receiver<'_>, deliveries: &mut Vec<Delivery>) {
        deliveries.clear();
        deliveries.extend(receiver.deliveries.iter().flat_map(|packed| packed.iter()));
        deliveries.sort_unstable_by(|a, b| {
            let tie = |d: &Delivery| (self.hashes.bytes(d.hash), d.index, d.other_run);
            a.arrived_ns.cmp(&b.arrived_ns).then_with(|| tie(a).cmp(&tie(b)))
        });
    }

    /// Takes one delivery; they come in the order of arrival.
    fn deliver(&mut self, delivery: &Delivery, judgement: &mut Judgement, progress: &mut [Progress]) {
        let first_ns = &mut self.first_of_hash_ns[delivery.hash.0 as usize];
        let again = *first_ns != NEVER;
        let age_ns = delivery.arrived_ns.saturating_sub(*first_ns);
        if !again {
            *first_ns = delivery.arrived_ns;
        }
        let Some(attempt) = self.book.attempt_of(delivery.hash) else {
            if delivery.other_run {
                judgement.other_run += 1;
            } else if !again {
                judgement.unexpected.push((delivery.sender, delivery.index));
            }
            return;
        };
        let slot_number = self.book.slot_of(attempt);
        let (sender, index) = (self.book.slots[slot_number].sender, self.book.slots[slot_number].index);
        let counts = &mut judgement.cells[sender].counts;
        let first_of_slot_ns = &mut self.first_of_slot_ns[slot_number];
        if again {
            counts.duplicates += 1;
            judgement.duplicates.push(Duplicate {
                sender,
                index,
                hash: delivery.hash,
                age_ns,
            });
        } else if *first_of_slot_ns != NEVER {
            counts.retry_twins += 1;
        } else {
            *first_of_slot_ns = delivery.arrived_ns;
            let number = u32::try_from(attempt).expect("the book numbers attempts with 32 bits");
            judgement.first_attempts.push(number);
            let attempt = &self.book.attempts[attempt];
            let from_intended_ns = delivery.arrived_ns.saturating_sub(attempt.intended_ns);
            counts.late += u64::from(from_intended_ns > self.options.late_after_ns);
            counts.out_of_order += u64::from(progress[sender].is_overtaken(index, delivery.arrived_ns));
            judgement.from_intended_ns.push(from_intended_ns);
            judgement
                .from_sent_ns
                .push(delivery.arrived_ns.saturating_sub(attempt.sent_ns));
        }
    }

    /// Puts one message into its set.
    fn settle(&self, slot: &Slot, arrived: bool, receiver: &Receiver<'_>, cell: &mut Cell) {
        let counts = &mut cell.counts;
        counts.attempted += 1;
        counts.received += u64::from(arrived);
        match slot.state {
            SlotState::Acked => {
                counts.acked += 1;
                match self.observation(slot, receiver) {
                    _ if arrived => counts.expected += 1,
                    Observation::Before => counts.not_observed_before += 1,
                    Observation::After => counts.not_observed_after += 1,
                    Observation::Within => {
                        counts.expected += 1;
                        counts.lost += 1;
                        cell.lost
                            .push((slot.index, self.evidence.place(self.book, slot, receiver)));
                    }
                }
            }
            _ if arrived => counts.recovered += 1,
            SlotState::Indeterminate => {
                counts.indeterminate += 1;
                cell.indeterminate.push(slot.index);
            }
            SlotState::Failed => counts.failed += 1,
        }
    }

    /// A message was observable when one of its acknowledged attempts was.
    fn observation(&self, slot: &Slot, receiver: &Receiver<'_>) -> Observation {
        let observe = |attempt: &AttemptRecord| receiver.window.observe(attempt.sent_ns, attempt.ended_ns);
        self.book
            .acked_at(slot)
            .map(observe)
            .max()
            .unwrap_or(Observation::After)
    }
}

impl Progress {
    /// Whether a higher index arrived strictly before; then takes note of this one.
    fn is_overtaken(&mut self, index: u32, arrived_ns: i64) -> bool {
        if arrived_ns > self.at_ns || self.highest_now == 0 {
            self.highest_before = self.highest_before.max(self.highest_now);
            self.highest_now = 0;
            self.at_ns = arrived_ns;
        }
        self.highest_now = self.highest_now.max(index);
        index < self.highest_before
    }
}

impl Judgement {
    /// Unexpected messages by sender.
    pub(crate) fn unexpected_by_sender(&self) -> BTreeMap<Symbol, Vec<u32>> {
        let mut by_sender: BTreeMap<Symbol, Vec<u32>> = BTreeMap::new();
        for (sender, index) in &self.unexpected {
            by_sender.entry(*sender).or_default().push(*index);
        }
        by_sender
    }
}
