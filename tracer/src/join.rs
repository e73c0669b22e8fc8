//! What was published: senders, their indices, the attempts at each, and which hash belongs to which.
//!
//! Identity is the hash. Everything else hangs on *slots*: one for each (sender, index) attempted, numbered without
//! holes over the whole run, so that what a receiver saw is an array and not a map.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    hashes::HashId,
    model::{Archive, AttemptRecord, Outcome},
    parallel::both,
    symbols::Symbol,
};

const NONE: u32 = u32::MAX;

/// All that the publishers' logs say.
#[derive(Debug)]
pub(crate) struct Book {
    /// In the order of their names.
    pub(crate) senders: Vec<Sender>,
    /// In the order of sender and index.
    pub(crate) slots: Vec<Slot>,
    /// One for each attempt, in the order of slot and attempt.
    pub(crate) attempts: Vec<AttemptRecord>,
    /// By number of the hash.
    attempt_of_hash: Vec<u32>,
    /// Rank of a sender by number of its symbol.
    rank_of: Vec<u32>,
    /// Of each attempt: what every receiver asks for, apart from the rest, which few ask for.
    times: Vec<Times>,
}

/// When an attempt was to be sent and when it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) intended_ns: i64,
    pub(crate) sent_ns: i64,
}

/// A sending client.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) name: String,
    /// The logs that speak of it, in the order of the archive.
    pub(crate) logs: Vec<usize>,
    /// Its slots.
    pub(crate) slots: Range<usize>,
}

/// One message: an index of a sender.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    sender: u32,
    pub(crate) index: u32,
    /// Half open; four bytes a number, because there may be millions of slots and each receiver goes through them.
    attempts: (u32, u32),
    pub(crate) state: SlotState,
}

/// What the publisher knows about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// Acknowledged in one attempt at least.
    Acked,
    /// Never acknowledged; one attempt at least may have been relayed.
    Indeterminate,
    /// Refused or not sent in every attempt.
    Failed,
}

impl Slot {
    /// The number of its sender.
    pub(crate) fn sender(&self) -> usize {
        self.sender as usize
    }

    /// The numbers of its attempts.
    pub(crate) fn attempts(&self) -> Range<usize> {
        self.attempts.0 as usize..self.attempts.1 as usize
    }
}

impl Book {
    /// Joins the publisher logs `logs` of the archive.
    pub(crate) fn new(archive: &Archive, logs: &[usize]) -> Self {
        let (mut senders, rank_of) = senders(archive, logs);
        let attempts = merge(archive, &rank_of, logs);
        let (slots, (times, attempt_of_hash)) = both(
            || slots(&attempts, &rank_of),
            || {
                (
                    times(&attempts),
                    attempts_of_hashes(&attempts, archive.hashes.count() as usize),
                )
            },
        );
        for (number, sender) in senders.iter_mut().enumerate() {
            let upto = |end: usize| slots.partition_point(|slot| slot.sender() < end);
            sender.slots = upto(number)..upto(number + 1);
        }
        Self {
            senders,
            slots,
            attempts,
            attempt_of_hash,
            rank_of,
            times,
        }
    }

    /// The attempt a hash belongs to; `None` when no publisher log knows it.
    pub(crate) fn attempt_of(&self, hash: HashId) -> Option<usize> {
        let number = self.attempt_of_hash[hash.0 as usize];
        (number != NONE).then_some(number as usize)
    }

    /// The times of an attempt.
    #[inline]
    pub(crate) fn times(&self, attempt: usize) -> Times {
        self.times[attempt]
    }

    /// The number of the sender of an attempt of the book.
    pub(crate) fn sender_of(&self, attempt: &AttemptRecord) -> usize {
        self.rank_of[attempt.sender.0 as usize] as usize
    }

    /// The attempts at a slot.
    pub(crate) fn attempts_at(&self, slot: &Slot) -> &[AttemptRecord] {
        &self.attempts[slot.attempts()]
    }

    /// The acknowledged attempts at a slot.
    pub(crate) fn acked_at(&self, slot: &Slot) -> impl Iterator<Item = &AttemptRecord> {
        self.attempts_at(slot)
            .iter()
            .filter(|attempt| attempt.outcome == Outcome::Acked)
    }
}

/// One slot for all attempts at an index.
fn slots(attempts: &[AttemptRecord], rank_of: &[u32]) -> Vec<Slot> {
    // What is too much is never touched, and given back.
    let mut slots: Vec<Slot> = Vec::with_capacity(attempts.len());
    for (number, attempt) in (0..).zip(attempts) {
        let sender = rank_of[attempt.sender.0 as usize];
        match slots.last_mut() {
            Some(slot) if (slot.sender, slot.index) == (sender, attempt.index) => slot.attempts.1 = number + 1,
            _ => slots.push(Slot {
                sender,
                index: attempt.index,
                attempts: (number, number + 1),
                state: SlotState::Failed,
            }),
        }
    }
    slots.shrink_to_fit();
    for slot in &mut slots {
        slot.state = state(&attempts[slot.attempts()]);
    }
    slots
}

fn times(attempts: &[AttemptRecord]) -> Vec<Times> {
    let times = |attempt: &AttemptRecord| Times {
        intended_ns: attempt.intended_ns,
        sent_ns: attempt.sent_ns,
    };
    attempts.iter().map(times).collect()
}

/// The number of the attempt of each hash.
fn attempts_of_hashes(attempts: &[AttemptRecord], hash_count: usize) -> Vec<u32> {
    let mut attempt_of_hash = vec![NONE; hash_count];
    for (number, attempt) in attempts.iter().enumerate().rev() {
        // Identical bytes sent again have the same hash: the first attempt stands for them all.
        attempt_of_hash[attempt.hash.0 as usize] = narrow(number);
    }
    attempt_of_hash
}

/// The senders by name, and the rank of each by number of its symbol.
fn senders(archive: &Archive, logs: &[usize]) -> (Vec<Sender>, Vec<u32>) {
    let mut logs_of: BTreeMap<&str, (Symbol, Vec<usize>)> = BTreeMap::new();
    for &log in logs {
        for symbol in archive.logs[log].senders() {
            logs_of
                .entry(archive.symbols.name(symbol))
                .or_insert((symbol, Vec::new()))
                .1
                .push(log);
        }
    }
    let mut rank_of = vec![NONE; archive.symbols.count() as usize];
    for (rank, (symbol, _)) in logs_of.values().enumerate() {
        rank_of[symbol.0 as usize] = narrow(rank);
    }
    let sender = |(name, (_, logs)): (&str, (Symbol, Vec<usize>))| Sender {
        name: name.to_owned(),
        logs,
        slots: 0..0,
    };
    (logs_of.into_iter().map(sender).collect(), rank_of)
}

/// One record for each attempt, made of the line before it and the line after it, in the order of slot and attempt.
fn merge(archive: &Archive, rank_of: &[u32], logs: &[usize]) -> Vec<AttemptRecord> {
    let place = |a: &AttemptRecord| {
        let rank = rank_of[a.sender.0 as usize];
        (u64::from(rank) << 32 | u64::from(a.index), a.attempt)
    };
    let logs = logs.iter().map(|log| &archive.logs[*log]);
    let mut pieces: Vec<&[AttemptRecord]> = logs.flat_map(|log| log.attempts.of_senders()).collect();
    pieces.sort_by_key(|piece| place(&piece[0]));
    let records = || pieces.iter().copied().flatten();
    // Nearly always both lines have become one record when they were read, and each log is in order.
    if records().is_sorted_by(|a, b| place(a) < place(b)) {
        return pieces.concat();
    }
    merge_unordered(archive, &records().collect::<Vec<_>>(), place)
}

/// Of several records of one attempt the strongest outcome stands.
fn merge_unordered(
    archive: &Archive,
    records: &[&AttemptRecord],
    place: impl Fn(&AttemptRecord) -> (u64, u32),
) -> Vec<AttemptRecord> {
    // What nearly always decides are three numbers, so that sorting does not move whole records or follow names.
    let mut order: Vec<((u64, u32), u32)> = (0..).zip(records).map(|(number, a)| (place(a), number)).collect();
    order.sort();
    // What is too much is never touched, and given back.
    let mut merged: Vec<AttemptRecord> = Vec::with_capacity(order.len());
    let mut same: Vec<&AttemptRecord> = Vec::new();
    for equal in order.chunk_by(|a, b| a.0 == b.0) {
        same.clear();
        same.extend(equal.iter().map(|(_, number)| records[*number as usize]));
        if same.len() > 1 {
            same.sort_unstable_by_key(|a| archive.hashes.bytes(a.hash));
        }
        for of_hash in same.chunk_by(|a, b| a.hash == b.hash) {
            let mut kept = *of_hash[0];
            of_hash[1..].iter().for_each(|more| kept.add(more, &archive.symbols));
            merged.push(kept);
        }
    }
    merged.shrink_to_fit();
    merged
}

fn state(attempts: &[AttemptRecord]) -> SlotState {
    let any = |outcomes: &[Outcome]| attempts.iter().any(|attempt| outcomes.contains(&attempt.outcome));
    if any(&[Outcome::Acked]) {
        SlotState::Acked
    } else if any(&[Outcome::NoAnswer, Outcome::Open]) {
        SlotState::Indeterminate
    } else {
        SlotState::Failed
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("four thousand million attempts need more memory than a machine has")
}
