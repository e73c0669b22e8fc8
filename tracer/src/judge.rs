//! The sets of one receiver: what it should have received, what it did, and what is left over.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    arrivals::{Arrivals, BroughtBy, FirstArrival},
    hashes::HashId,
    join::{Book, Slot, SlotState},
    model::{Archive, AttemptRecord},
    options::Options,
    place::{Evidence, Place},
    receivers::{Observation, Receiver},
    report::Counts,
    series::Distances,
    symbols::Symbol,
};

/// Most duplicates of one receiver that are listed one by one: with redundant subscriptions every message is one, by
/// design. A person looks at the oldest few; all are counted, and so are their ages.
pub(crate) const MAX_DUPLICATES_LISTED: usize = 100;

/// What became of the messages of all senders at one receiver.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// By sender, as in the book.
    pub(crate) cells: Vec<Cell>,
    /// Of each slot of the book.
    pub(crate) fates: Vec<Fate>,
    /// The oldest, [`MAX_DUPLICATES_LISTED`] at most.
    pub(crate) duplicates: Vec<Duplicate>,
    /// Hashes that no publisher log knows, with what the payload says.
    pub(crate) unexpected: Vec<(Symbol, u32)>,
    pub(crate) other_run: u64,
    /// First arrivals in the order of the book.
    pub(crate) firsts: Vec<FirstArrival>,
    /// Arrival − intended, of each first arrival.
    pub(crate) from_intended_ns: Vec<i64>,
    /// Arrival − sent of the attempt that arrived, of each first arrival.
    pub(crate) from_sent_ns: Vec<i64>,
    /// The service nodes that brought them.
    pub(crate) brought_by: BroughtBy,
    /// By how much first arrivals were overtaken.
    pub(crate) distances: Distances,
}

/// What became of a message at one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Neither expected nor received.
    None,
    /// Acknowledged and received.
    Received,
    /// Received though never acknowledged.
    Recovered,
    /// Expected and not received.
    Lost(Place),
}

/// One sender at one receiver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) counts: Counts,
    /// Lost indices in ascending order.
    pub(crate) lost: Vec<(u32, Place)>,
    /// Indices neither acknowledged nor received that may have been relayed.
    pub(crate) indeterminate: Vec<u32>,
    /// Its part of the first arrivals.
    pub(crate) firsts: Range<usize>,
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
    archive: &'a Archive,
    book: &'a Book,
    evidence: &'a Evidence,
    options: &'a Options,
    arrivals: Arrivals,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(archive: &'a Archive, book: &'a Book, evidence: &'a Evidence, options: &'a Options) -> Self {
        Self {
            arrivals: Arrivals::default(),
            archive,
            book,
            evidence,
            options,
        }
    }

    /// The arrivals at one receiver and nothing else.
    pub(crate) fn arrivals(&mut self, receiver: &Receiver<'_>) -> &Arrivals {
        self.arrivals.take(self.book, self.archive, receiver.ways);
        &self.arrivals
    }

    /// Judges one receiver.
    pub(crate) fn judge(&mut self, receiver: &Receiver<'_>) -> Judgement {
        self.arrivals(receiver);
        let mut judgement = Judgement {
            cells: vec![Cell::default(); self.book.senders.len()],
            fates: Vec::with_capacity(self.book.slots.len()),
            ..Judgement::default()
        };
        self.settle_all(receiver, &mut judgement);
        self.count_arrivals(&mut judgement);
        self.duplicates(&mut judgement);
        self.leftover(&mut judgement);
        judgement.firsts = std::mem::take(&mut self.arrivals.firsts);
        judgement.from_intended_ns = std::mem::take(&mut self.arrivals.from_intended_ns);
        judgement.from_sent_ns = std::mem::take(&mut self.arrivals.from_sent_ns);
        judgement.brought_by = std::mem::take(&mut self.arrivals.brought_by);
        judgement
    }

    /// Takes back the arrays of a judgement that is done with.
    pub(crate) fn recycle(&mut self, judgement: Judgement) {
        self.arrivals.firsts = judgement.firsts;
        self.arrivals.from_intended_ns = judgement.from_intended_ns;
        self.arrivals.from_sent_ns = judgement.from_sent_ns;
        self.arrivals.brought_by = judgement.brought_by;
    }

    /// Puts every message into its set.
    fn settle_all(&self, receiver: &Receiver<'_>, judgement: &mut Judgement) {
        let firsts = &self.arrivals.firsts;
        let mut at = 0;
        for (sender, cell) in self.book.senders.iter().zip(&mut judgement.cells) {
            let from = at;
            for number in sender.slots.clone() {
                let arrived = firsts.get(at).is_some_and(|first| first.slot as usize == number);
                at += usize::from(arrived);
                let fate = self.settle(&self.book.slots[number], arrived, receiver, cell);
                judgement.fates.push(fate);
            }
            cell.firsts = from..at;
        }
    }

    /// Puts one message into its set.
    #[inline]
    pub(crate) fn settle(&self, slot: &Slot, arrived: bool, receiver: &Receiver<'_>, cell: &mut Cell) -> Fate {
        let counts = &mut cell.counts;
        counts.attempted += 1;
        counts.received += u64::from(arrived);
        match slot.state {
            SlotState::Acked => {
                counts.acked += 1;
                if arrived {
                    counts.expected += 1;
                    return Fate::Received;
                }
                match self.observation(slot, receiver) {
                    Observation::Before => counts.not_observed_before += 1,
                    Observation::After => counts.not_observed_after += 1,
                    Observation::Within => {
                        counts.expected += 1;
                        counts.lost += 1;
                        let place = self.evidence.place(self.book, slot, receiver);
                        cell.lost.push((slot.index, place));
                        return Fate::Lost(place);
                    }
                }
            }
            _ if arrived => {
                counts.recovered += 1;
                return Fate::Recovered;
            }
            SlotState::Indeterminate => {
                counts.indeterminate += 1;
                cell.indeterminate.push(slot.index);
            }
            SlotState::Failed => counts.failed += 1,
        }
        Fate::None
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

    /// Counts how the messages of each sender arrived: late, overtaken, in several attempts.
    fn count_arrivals(&mut self, judgement: &mut Judgement) {
        for cell in &mut judgement.cells {
            let late_after_ns = self.options.late_after_ns;
            let latencies_ns = &self.arrivals.from_intended_ns[cell.firsts.clone()];
            cell.counts.late = latencies_ns.iter().filter(|ns| **ns > late_after_ns).count() as u64;
            let before = judgement.distances.n();
            let index_of_slot = |slot: u32| self.book.slots[slot as usize].index;
            self.arrivals
                .count_overtaken(cell.firsts.clone(), index_of_slot, &mut judgement.distances);
            cell.counts.out_of_order = judgement.distances.n() - before;
        }
        for (slot, count) in &self.arrivals.twins {
            let sender = self.book.slots[*slot as usize].sender();
            judgement.cells[sender].counts.retry_twins += u64::from(*count);
        }
    }

    /// Counts the arrivals of hashes that had arrived before, and keeps the oldest.
    fn duplicates(&self, judgement: &mut Judgement) {
        let oldest = &mut judgement.duplicates;
        let mut least_age_ns = i64::MIN;
        for (attempt, age_ns) in self.ages() {
            let record = &self.book.attempts[attempt as usize];
            let sender = self.book.sender_of(record);
            judgement.cells[sender].counts.duplicates += 1;
            if age_ns < least_age_ns {
                continue;
            }
            oldest.push(Duplicate {
                sender,
                index: record.index,
                hash: record.hash,
                age_ns,
            });
            if oldest.len() >= 2 * MAX_DUPLICATES_LISTED {
                self.keep_oldest(oldest);
                least_age_ns = oldest.last().map_or(least_age_ns, |least| least.age_ns);
            }
        }
        self.keep_oldest(oldest);
    }

    /// The attempts that arrived again at the receiver judged last, each time with its age: that arrival less the first.
    pub(crate) fn ages(&self) -> impl Iterator<Item = (u32, i64)> {
        self.arrivals.again.iter().map(|(attempt, again_ns)| {
            let age_ns = again_ns.saturating_sub(self.arrivals.first_of_attempt_ns(*attempt));
            (*attempt, age_ns)
        })
    }

    /// Puts duplicates into their order, the oldest first, and forgets those beyond the limit.
    fn keep_oldest(&self, duplicates: &mut Vec<Duplicate>) {
        let bytes = |d: &Duplicate| self.archive.hashes.bytes(d.hash);
        duplicates.sort_by(|a, b| {
            b.age_ns
                .cmp(&a.age_ns)
                .then_with(|| (a.sender, a.index, bytes(a)).cmp(&(b.sender, b.index, bytes(b))))
        });
        duplicates.truncate(MAX_DUPLICATES_LISTED);
    }

    /// What no publisher log knows: of another run when its payload says so, and otherwise unexpected, once a hash.
    fn leftover(&mut self, judgement: &mut Judgement) {
        let Archive { symbols, hashes, .. } = self.archive;
        self.arrivals.unknown.sort_unstable_by(|a, b| {
            let when = |d: &crate::model::Delivery| (d.arrived_ns, d.index, d.other_run);
            hashes
                .bytes(a.hash)
                .cmp(hashes.bytes(b.hash))
                .then_with(|| when(a).cmp(&when(b)))
                .then_with(|| symbols.name(a.sender).cmp(symbols.name(b.sender)))
        });
        for same in self.arrivals.unknown.chunk_by(|a, b| a.hash == b.hash) {
            judgement.other_run += same.iter().filter(|d| d.other_run).count() as u64;
            let first = &same[0];
            if !first.other_run {
                judgement.unexpected.push((first.sender, first.index));
            }
        }
    }
}

impl Judgement {
    /// Notes which messages arrived.
    pub(crate) fn mark_received(&self, received_by_any: &mut [bool]) {
        for (received, fate) in received_by_any.iter_mut().zip(&self.fates) {
            *received |= matches!(fate, Fate::Received | Fate::Recovered);
        }
    }

    /// Unexpected messages by sender.
    pub(crate) fn unexpected_by_sender(&self) -> BTreeMap<Symbol, Vec<u32>> {
        let mut by_sender: BTreeMap<Symbol, Vec<u32>> = BTreeMap::new();
        for (sender, index) in &self.unexpected {
            by_sender.entry(*sender).or_default().push(*index);
        }
        by_sender
    }
}
