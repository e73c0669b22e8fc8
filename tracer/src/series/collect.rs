//! Gathers the series while the receivers are judged one after the other.

use std::mem;

use super::{
    DuplicateSummary, LatencyBin, LatencyGroups, LostMessages, Outage, OutageKind, OverTime, Presence, Reordering,
    buckets::Grid,
    groups::{Arrival, Groups},
    histogram::histogram,
    outages::{Part, Step, merge, parts},
    reordering::Front,
};
use crate::{
    join::{Book, Slot, SlotState},
    judge::Judgement,
    latency::Distribution,
    model::Archive,
    place::{Place, place_of_failure},
    receivers::Receiver,
};

/// Latency of one receiver and one sender.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PairLatency {
    pub(crate) from_intended: Distribution,
    pub(crate) from_sent: Distribution,
}

/// What is shown of one receiver.
#[derive(Debug)]
pub(crate) struct ReceiverSeries {
    /// By sender, as in the book.
    pub(crate) pairs: Vec<PairLatency>,
    pub(crate) presence: Presence,
    pub(crate) reordering: Reordering,
}

/// What is shown of the run.
#[derive(Debug)]
pub(crate) struct RunSeries {
    pub(crate) over_time: OverTime,
    pub(crate) outages: Vec<Outage>,
    pub(crate) groups: LatencyGroups,
    pub(crate) latency_histogram: Vec<LatencyBin>,
    pub(crate) duplicates: DuplicateSummary,
    pub(crate) reordering: Reordering,
    pub(crate) lost_messages: LostMessages,
}

/// What became of a slot at the receiver at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Neither expected nor received.
    None,
    Received,
    Lost(Place),
}

/// The series of a run under way.
pub(crate) struct Series<'a> {
    archive: &'a Archive,
    book: &'a Book,
    /// The slots in the order of intended times, then as in the book.
    by_time: Vec<u32>,
    bucket_of_slot: Vec<u8>,
    over_time: OverTime,
    delivery_parts: Vec<(Option<String>, Part)>,
    groups: Groups,
    ages_ns: Vec<i64>,
    distances: Vec<u32>,
    lost_messages: LostMessages,
    fates: Vec<Fate>,
}

impl<'a> Series<'a> {
    pub(crate) fn new(archive: &'a Archive, book: &'a Book) -> Self {
        let intended_ns = |slot: &Slot| intended_ns(book, slot);
        let mut by_time: Vec<u32> = (0..book.slots.len())
            .map(|number| u32::try_from(number).expect("the book numbers slots with 32 bits"))
            .collect();
        by_time.sort_by_key(|number| intended_ns(&book.slots[*number as usize]));
        let at = |number: Option<&u32>| number.map(|number| intended_ns(&book.slots[*number as usize]));
        let (mut over_time, mut bucket_of_slot) = (OverTime::default(), Vec::new());
        if let (Some(first_ns), Some(last_ns)) = (at(by_time.first()), at(by_time.last())) {
            let grid = Grid::new(first_ns, last_ns);
            over_time = grid.buckets(last_ns);
            let bucket = |slot: &Slot| u8::try_from(grid.bucket(intended_ns(slot))).unwrap_or(u8::MAX);
            bucket_of_slot = book.slots.iter().map(bucket).collect();
        }
        for (slot, bucket) in book.slots.iter().zip(&bucket_of_slot) {
            let bucket = &mut over_time.buckets[usize::from(*bucket)];
            bucket.messages += 1;
            bucket.never_acked += u64::from(slot.state != SlotState::Acked);
        }
        let mut lost_messages = LostMessages::default();
        for slot in book.slots.iter().filter(|slot| slot.state != SlotState::Acked) {
            lost_messages.add(archive, book, None, slot, place_of_failure(book.attempts_at(slot)));
        }
        Self {
            archive,
            book,
            by_time,
            bucket_of_slot,
            over_time,
            delivery_parts: Vec::new(),
            groups: Groups::default(),
            ages_ns: Vec::new(),
            distances: Vec::new(),
            lost_messages,
            fates: Vec::new(),
        }
    }

    /// Adds a receiver, whose latencies are in the order of arrival still.
    pub(crate) fn add(&mut self, receiver: &Receiver, judgement: &Judgement) -> ReceiverSeries {
        self.ages_ns.extend(judgement.duplicates.iter().map(|d| d.age_ns));
        let (pairs, mut distances) = self.arrivals(receiver, judgement);
        self.fates(judgement);
        self.lost(receiver, judgement);
        self.count();
        self.outages(receiver);
        self.distances.extend_from_slice(&distances);
        ReceiverSeries {
            pairs,
            presence: Presence::of(&receiver.window, &receiver.gaps),
            reordering: Reordering::of(&mut distances),
        }
    }

    /// Goes through the first arrivals in their order.
    fn arrivals(&mut self, receiver: &Receiver, judgement: &Judgement) -> (Vec<PairLatency>, Vec<u32>) {
        let senders = self.book.senders.len();
        let mut fronts = vec![Front::default(); senders];
        let mut values_ns: Vec<(Vec<i64>, Vec<i64>)> = vec![Default::default(); senders];
        let mut distances = Vec::new();
        let filter_node = match receiver.service_nodes.first() {
            Some(only) if receiver.service_nodes.len() == 1 => Some(*only),
            _ => None,
        };
        let latencies = judgement.from_intended_ns.iter().zip(&judgement.from_sent_ns);
        for (number, (from_intended_ns, from_sent_ns)) in judgement.first_attempts.iter().zip(latencies) {
            let attempt = &self.book.attempts[*number as usize];
            let slot = self.book.slot_of(*number as usize);
            let sender = self.book.slots[slot].sender;
            values_ns[sender].0.push(*from_intended_ns);
            values_ns[sender].1.push(*from_sent_ns);
            let arrived_ns = attempt.sent_ns.saturating_add(*from_sent_ns);
            distances.extend(fronts[sender].distance(attempt.index, arrived_ns));
            self.groups.add(Arrival {
                attempt,
                filter_node,
                from_intended_ns: *from_intended_ns,
            });
            let bucket = &mut self.over_time.buckets[usize::from(self.bucket_of_slot[slot])];
            bucket.slowest_ns = bucket.slowest_ns.max(Some(*from_intended_ns));
        }
        let pair = |(mut from_intended_ns, mut from_sent_ns): (Vec<i64>, Vec<i64>)| PairLatency {
            from_intended: Distribution::of(&mut from_intended_ns),
            from_sent: Distribution::of(&mut from_sent_ns),
        };
        (values_ns.into_iter().map(pair).collect(), distances)
    }

    /// Notes what became of each slot.
    fn fates(&mut self, judgement: &Judgement) {
        self.fates.clear();
        self.fates.resize(self.book.slots.len(), Fate::None);
        for number in &judgement.first_attempts {
            let slot = self.book.slot_of(*number as usize);
            if self.book.slots[slot].state == SlotState::Acked {
                self.fates[slot] = Fate::Received;
            }
        }
        for (sender, cell) in self.book.senders.iter().zip(&judgement.cells) {
            let mut numbers = sender.slots.clone();
            for (index, place) in &cell.lost {
                // Both are in ascending order of index.
                if let Some(number) = numbers.find(|number| self.book.slots[*number].index == *index) {
                    self.fates[number] = Fate::Lost(*place);
                }
            }
        }
    }

    fn lost(&mut self, receiver: &Receiver, judgement: &Judgement) {
        if judgement.cells.iter().all(|cell| cell.lost.is_empty()) {
            return;
        }
        for (slot, fate) in self.book.slots.iter().zip(&self.fates) {
            if let Fate::Lost(place) = fate {
                self.lost_messages
                    .add(self.archive, self.book, Some(&receiver.name), slot, *place);
            }
        }
    }

    fn count(&mut self) {
        for (fate, bucket) in self.fates.iter().zip(&self.bucket_of_slot) {
            let bucket = &mut self.over_time.buckets[usize::from(*bucket)];
            bucket.expected += u64::from(*fate != Fate::None);
            bucket.lost += u64::from(matches!(fate, Fate::Lost(_)));
        }
    }

    fn outages(&mut self, receiver: &Receiver) {
        if !self.fates.iter().any(|fate| matches!(fate, Fate::Lost(_))) {
            return;
        }
        let step = |number: &u32| {
            let slot = &self.book.slots[*number as usize];
            let lost = match self.fates[*number as usize] {
                Fate::None => return None,
                Fate::Received => None,
                Fate::Lost(place) => Some(place),
            };
            Some(step(self.book, slot, lost))
        };
        let steps: Vec<Step> = self.by_time.iter().filter_map(step).collect();
        let parts = parts(&steps, self.book.senders.len());
        self.delivery_parts
            .extend(parts.into_iter().map(|part| (Some(receiver.name.clone()), part)));
    }

    /// The outages of publishing: of each sender on its own.
    fn publishing_parts(&self) -> Vec<(Option<String>, Part)> {
        let of_sender = |number: usize| {
            let slots = self.by_time.iter().map(|slot| &self.book.slots[*slot as usize]);
            let steps: Vec<Step> = slots
                .filter(|slot| slot.sender == number)
                .map(|slot| {
                    let lost = slot.state != SlotState::Acked;
                    step(
                        self.book,
                        slot,
                        lost.then(|| place_of_failure(self.book.attempts_at(slot))),
                    )
                })
                .collect();
            parts(&steps, self.book.senders.len())
        };
        let failed = |number: &usize| {
            let slots = &self.book.slots[self.book.senders[*number].slots.clone()];
            slots.iter().any(|slot| slot.state != SlotState::Acked)
        };
        let senders = (0..self.book.senders.len()).filter(failed);
        senders.flat_map(of_sender).map(|part| (None, part)).collect()
    }

    /// The series of the whole run. `sorted_ns` are all latencies since intended, in ascending order.
    pub(crate) fn finish(mut self, sorted_ns: &[i64]) -> RunSeries {
        let names: Vec<&str> = self.book.senders.iter().map(|sender| sender.name.as_str()).collect();
        let mut outages = merge(OutageKind::Publishing, self.publishing_parts(), &names);
        outages.extend(merge(OutageKind::Delivery, mem::take(&mut self.delivery_parts), &names));
        outages.sort_by_key(|outage| (outage.begin, outage.kind));
        RunSeries {
            over_time: self.over_time,
            outages,
            groups: self.groups.finish(&self.archive.symbols),
            latency_histogram: histogram(sorted_ns),
            duplicates: DuplicateSummary::of(&mut self.ages_ns),
            reordering: Reordering::of(&mut self.distances),
            lost_messages: self.lost_messages,
        }
    }
}

fn step(book: &Book, slot: &Slot, lost: Option<Place>) -> Step {
    Step {
        at_ns: intended_ns(book, slot),
        sender: slot.sender,
        index: slot.index,
        lost,
    }
}

/// When the schedule wanted the first attempt sent.
fn intended_ns(book: &Book, slot: &Slot) -> i64 {
    book.attempts_at(slot).first().map_or(0, |attempt| attempt.intended_ns)
}
