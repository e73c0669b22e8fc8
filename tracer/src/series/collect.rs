//! Gathers the series: what each receiver adds is found by itself, at the same time as for others, and then put together
//! in the order of the receivers.

use std::sync::OnceLock;

use super::{
    Distances, LostMessages, MAX_LOST_LISTED, Outage, OutageKind, OverTime, Presence, Reordering,
    buckets::Grid,
    outages::{NamedPart, Part, Step, merge, parts},
};
use crate::{
    join::{Book, Slot, SlotState},
    judge::{Fate, Judgement},
    latency::Distribution,
    model::Archive,
    place::{Place, place_of_failure},
    publish::is_never_acked,
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

/// What one receiver adds to the series of the run.
#[derive(Debug)]
pub(crate) struct Share {
    receiver: String,
    buckets: Vec<BucketShare>,
    parts: Vec<Part>,
    distances: Distances,
    /// The first lost slots, as many as are listed at most.
    lost: Vec<(u32, Place)>,
    lost_count: u64,
}

#[derive(Debug, Clone, Default)]
struct BucketShare {
    expected: u64,
    lost: u64,
    slowest_ns: Option<i64>,
}

/// What is shown of the run.
#[derive(Debug)]
pub(crate) struct RunSeries {
    pub(crate) over_time: OverTime,
    pub(crate) outages: Vec<Outage>,
    pub(crate) reordering: Reordering,
    pub(crate) lost_messages: LostMessages,
}

/// What all receivers share: the messages on the axis of time.
pub(crate) struct Frame<'a> {
    archive: &'a Archive,
    book: &'a Book,
    bucket_of_slot: Vec<u8>,
    /// With what the publishers say, and nothing of receivers.
    over_time: OverTime,
    /// The messages in the order of intended times, then as in the book. Made when something was lost.
    timeline: OnceLock<Vec<Moment>>,
}

/// A message on the axis of time.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at_ns: i64,
    slot: u32,
    sender: u32,
}

/// The series of a run under way.
pub(crate) struct Series<'a> {
    frame: &'a Frame<'a>,
    over_time: OverTime,
    delivery_parts: Vec<NamedPart>,
    distances: Distances,
    lost_messages: LostMessages,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(archive: &'a Archive, book: &'a Book) -> Self {
        let times = || book.slots.iter().map(|slot| intended_ns(book, slot));
        let (mut over_time, mut bucket_of_slot) = (OverTime::default(), Vec::new());
        if let (Some(first_ns), Some(last_ns)) = (times().min(), times().max()) {
            let grid = Grid::new(first_ns, last_ns);
            over_time = grid.buckets(last_ns);
            let bucket = |at_ns| u8::try_from(grid.bucket(at_ns)).unwrap_or(u8::MAX);
            bucket_of_slot = times().map(bucket).collect();
        }
        for (slot, bucket) in book.slots.iter().zip(&bucket_of_slot) {
            let bucket = &mut over_time.buckets[usize::from(*bucket)];
            bucket.messages += 1;
            bucket.never_acked += u64::from(is_never_acked(archive, book, slot));
        }
        Self {
            archive,
            book,
            bucket_of_slot,
            over_time,
            timeline: OnceLock::new(),
        }
    }

    /// What is shown of a receiver, and what it adds to the run. Changes the order of the latencies.
    pub(crate) fn share(&self, receiver: &Receiver<'_>, judgement: &mut Judgement) -> (ReceiverSeries, Share) {
        let (lost, lost_count) = lost(judgement);
        let share = Share {
            receiver: receiver.name.clone(),
            buckets: self.buckets(judgement),
            parts: if lost.is_empty() {
                Vec::new()
            } else {
                self.parts(judgement)
            },
            distances: std::mem::take(&mut judgement.distances),
            lost,
            lost_count,
        };
        let shown = ReceiverSeries {
            pairs: pairs(judgement),
            presence: Presence::of(&receiver.window, &receiver.gaps),
            reordering: Reordering::of(&share.distances),
        };
        (shown, share)
    }

    fn buckets(&self, judgement: &Judgement) -> Vec<BucketShare> {
        let mut buckets = vec![BucketShare::default(); self.over_time.buckets.len()];
        for (fate, bucket) in judgement.fates.iter().zip(&self.bucket_of_slot) {
            let bucket = &mut buckets[usize::from(*bucket)];
            bucket.expected += u64::from(matches!(fate, Fate::Received | Fate::Lost(_)));
            bucket.lost += u64::from(matches!(fate, Fate::Lost(_)));
        }
        for (first, from_intended_ns) in judgement.firsts.iter().zip(&judgement.from_intended_ns) {
            let bucket = &mut buckets[usize::from(self.bucket_of_slot[first.slot as usize])];
            bucket.slowest_ns = bucket.slowest_ns.max(Some(*from_intended_ns));
        }
        buckets
    }

    fn parts(&self, judgement: &Judgement) -> Vec<Part> {
        let step = |moment: &Moment| {
            let lost = match judgement.fates[moment.slot as usize] {
                Fate::None | Fate::Recovered => return None,
                Fate::Received => None,
                Fate::Lost(place) => Some(place),
            };
            Some(self.step(moment, lost))
        };
        parts(self.timeline().iter().filter_map(step), self.book.senders.len())
    }

    fn timeline(&self) -> &[Moment] {
        self.timeline.get_or_init(|| {
            let slots = (0..).zip(&self.book.slots);
            let mut moments: Vec<Moment> = slots.map(|(number, slot)| self.moment(number, slot)).collect();
            moments.sort_by_key(|moment| moment.at_ns);
            moments
        })
    }

    fn moment(&self, number: u32, slot: &Slot) -> Moment {
        Moment {
            at_ns: intended_ns(self.book, slot),
            slot: number,
            sender: u32::try_from(slot.sender()).expect("the book numbers senders with 32 bits"),
        }
    }

    fn step(&self, moment: &Moment, lost: Option<Place>) -> Step {
        Step {
            at_ns: moment.at_ns,
            sender: moment.sender,
            // Only lost messages are ever named.
            index: lost.map_or(0, |_| self.book.slots[moment.slot as usize].index),
            lost,
        }
    }

    /// The outages of publishing: of each sender on its own. An unfinished message neither lengthens one nor ends it.
    fn publishing_parts(&self) -> Vec<NamedPart> {
        let is_failed = |slot: &Slot| is_never_acked(self.archive, self.book, slot);
        let of_sender = |slots: std::ops::Range<usize>| {
            let numbered = (slots.start as u32..).zip(&self.book.slots[slots]);
            let mut moments: Vec<Moment> = numbered.map(|(number, slot)| self.moment(number, slot)).collect();
            moments.sort_by_key(|moment| moment.at_ns);
            let step = |moment: &Moment| {
                let slot = &self.book.slots[moment.slot as usize];
                let place = is_failed(slot).then(|| place_of_failure(self.book.attempts_at(slot)));
                let is_unfinished = place.is_none() && slot.state != SlotState::Acked;
                (!is_unfinished).then(|| self.step(moment, place))
            };
            parts(moments.iter().filter_map(step), self.book.senders.len())
        };
        let ranges = self.book.senders.iter().map(|sender| sender.slots.clone());
        let failed = ranges.filter(|slots| self.book.slots[slots.clone()].iter().any(is_failed));
        failed.flat_map(of_sender).map(|part| (None, part)).collect()
    }
}

impl<'a> Series<'a> {
    /// Begins with what the publishers' logs say.
    pub(crate) fn new(frame: &'a Frame<'a>) -> Self {
        Self {
            frame,
            over_time: frame.over_time.clone(),
            delivery_parts: Vec::new(),
            distances: Distances::default(),
            lost_messages: LostMessages::default(),
        }
    }

    /// Takes what a receiver adds; in the order of the receivers.
    pub(crate) fn take(&mut self, share: Share) {
        for (bucket, more) in self.over_time.buckets.iter_mut().zip(&share.buckets) {
            bucket.expected += more.expected;
            bucket.lost += more.lost;
            bucket.slowest_ns = bucket.slowest_ns.max(more.slowest_ns);
        }
        self.distances.merge(&share.distances);
        let name = Some(share.receiver.as_str());
        let Frame { archive, book, .. } = self.frame;
        for (slot, place) in &share.lost {
            let slot = &book.slots[*slot as usize];
            self.lost_messages.add(archive, book, name, slot, *place);
        }
        self.lost_messages.more += share.lost_count - share.lost.len() as u64;
        let parts = share.parts.into_iter();
        self.delivery_parts
            .extend(parts.map(|part| (Some(share.receiver.clone()), part)));
    }

    /// The series of the whole run. `received_by_any` says of each slot whether any receiver has it.
    pub(crate) fn finish(mut self, received_by_any: &[bool]) -> RunSeries {
        let Frame { archive, book, .. } = self.frame;
        // Behind what receivers lost, so that ten thousand time-outs do not hide a loss.
        let by_nobody = book
            .slots
            .iter()
            .zip(received_by_any)
            .filter(|(_, received)| !**received);
        for (slot, _) in by_nobody.filter(|(slot, _)| is_never_acked(archive, book, slot)) {
            let place = place_of_failure(book.attempts_at(slot));
            self.lost_messages.add(archive, book, None, slot, place);
        }
        let senders = &book.senders;
        let names: Vec<&str> = senders.iter().map(|sender| sender.name.as_str()).collect();
        let mut outages = merge(OutageKind::Publishing, self.frame.publishing_parts(), &names);
        outages.extend(merge(OutageKind::Delivery, self.delivery_parts, &names));
        outages.sort_by_key(|outage| (outage.begin, outage.kind));
        RunSeries {
            over_time: self.over_time,
            outages,
            reordering: Reordering::of(&self.distances),
            lost_messages: self.lost_messages,
        }
    }
}

/// Latency by sender. Changes the order of each sender's latencies.
fn pairs(judgement: &mut Judgement) -> Vec<PairLatency> {
    let Judgement {
        cells,
        from_intended_ns,
        from_sent_ns,
        ..
    } = judgement;
    let pair = |cell: &crate::judge::Cell| PairLatency {
        from_intended: Distribution::of(&mut from_intended_ns[cell.firsts.clone()]),
        from_sent: Distribution::of(&mut from_sent_ns[cell.firsts.clone()]),
    };
    cells.iter().map(pair).collect()
}

/// The first lost slots, and how many there are.
fn lost(judgement: &Judgement) -> (Vec<(u32, Place)>, u64) {
    if judgement.cells.iter().all(|cell| cell.lost.is_empty()) {
        return (Vec::new(), 0);
    }
    let fates = (0..).zip(&judgement.fates);
    let lost = fates.filter_map(|(number, fate)| match fate {
        Fate::Lost(place) => Some((number, *place)),
        _ => None,
    });
    let count = judgement.cells.iter().map(|cell| cell.lost.len() as u64).sum();
    (lost.take(MAX_LOST_LISTED).collect(), count)
}

/// When the schedule wanted the first attempt sent.
fn intended_ns(book: &Book, slot: &Slot) -> i64 {
    book.times(slot.attempts().start).intended_ns
}
