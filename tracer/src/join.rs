//! What was published: senders, their indices, the attempts at each, and which hash belongs to which.
//!
//! Identity is the hash. Everything else hangs on *slots*: one for each (sender, index) attempted, numbered without
//! holes over the whole run, so that what a receiver saw is an array and not a map.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use crate::{
    model::{Archive, AttemptRecord, Outcome},
    symbols::{HashId, Symbol},
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
    slot_of_attempt: Vec<u32>,
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
    pub(crate) sender: usize,
    pub(crate) index: u32,
    pub(crate) attempts: Range<usize>,
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

impl Book {
    /// Joins the publisher logs `logs` of the archive.
    pub(crate) fn new(archive: &Archive, logs: &[usize]) -> Self {
        let (mut senders, rank_of) = senders(archive, logs);
        let records = logs
            .iter()
            .flat_map(|log| &archive.logs[*log].attempts)
            .copied()
            .collect();
        let attempts = merge(archive, &rank_of, records);
        let mut slots: Vec<Slot> = Vec::new();
        for (number, attempt) in attempts.iter().enumerate() {
            let sender = rank_of[attempt.sender.0 as usize] as usize;
            match slots.last_mut() {
                Some(slot) if (slot.sender, slot.index) == (sender, attempt.index) => slot.attempts.end = number + 1,
                _ => slots.push(Slot {
                    sender,
                    index: attempt.index,
                    attempts: number..number + 1,
                    state: SlotState::Failed,
                }),
            }
        }
        let mut slot_of_attempt = vec![NONE; attempts.len()];
        for (number, slot) in slots.iter_mut().enumerate() {
            slot.state = state(&attempts[slot.attempts.clone()]);
            slot_of_attempt[slot.attempts.clone()].fill(narrow(number));
        }
        for (number, sender) in senders.iter_mut().enumerate() {
            sender.slots =
                slots.partition_point(|slot| slot.sender < number)..slots.partition_point(|slot| slot.sender <= number);
        }
        let mut attempt_of_hash = vec![NONE; archive.hashes.count()];
        for (number, attempt) in attempts.iter().enumerate().rev() {
            // Identical bytes sent again have the same hash: the first attempt stands for them all.
            attempt_of_hash[attempt.hash.0 as usize] = narrow(number);
        }
        Self {
            senders,
            slots,
            attempts,
            attempt_of_hash,
            slot_of_attempt,
        }
    }

    /// The attempt a hash belongs to; `None` when no publisher log knows it.
    pub(crate) fn attempt_of(&self, hash: HashId) -> Option<usize> {
        let number = self.attempt_of_hash[hash.0 as usize];
        (number != NONE).then_some(number as usize)
    }

    /// The slot of an attempt.
    pub(crate) fn slot_of(&self, attempt: usize) -> usize {
        self.slot_of_attempt[attempt] as usize
    }

    /// The attempts at a slot.
    pub(crate) fn attempts_at(&self, slot: &Slot) -> &[AttemptRecord] {
        &self.attempts[slot.attempts.clone()]
    }

    /// The acknowledged attempts at a slot.
    pub(crate) fn acked_at(&self, slot: &Slot) -> impl Iterator<Item = &AttemptRecord> {
        self.attempts_at(slot)
            .iter()
            .filter(|attempt| attempt.outcome == Outcome::Acked)
    }
}

/// The senders by name, and the rank of each by number of its symbol.
fn senders(archive: &Archive, logs: &[usize]) -> (Vec<Sender>, Vec<u32>) {
    let mut logs_of: BTreeMap<&str, (Symbol, Vec<usize>)> = BTreeMap::new();
    for &log in logs {
        let clients = archive.logs[log].clients.iter().map(|client| client.name);
        let named: HashSet<Symbol> = archive.logs[log]
            .attempts
            .iter()
            .map(|attempt| attempt.sender)
            .chain(clients)
            .collect();
        for symbol in named {
            logs_of
                .entry(archive.symbols.name(symbol))
                .or_insert((symbol, Vec::new()))
                .1
                .push(log);
        }
    }
    let mut rank_of = vec![NONE; archive.symbols.count()];
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

/// One record for each attempt, made of the line before it and the line after it: the strongest outcome stands.
fn merge(archive: &Archive, rank_of: &[u32], mut records: Vec<AttemptRecord>) -> Vec<AttemptRecord> {
    let key = |a: &AttemptRecord| (rank_of[a.sender.0 as usize], a.index, a.attempt);
    records.sort_unstable_by(|a, b| {
        key(a)
            .cmp(&key(b))
            .then_with(|| archive.hashes.bytes(a.hash).cmp(archive.hashes.bytes(b.hash)))
            .then_with(|| Reverse(a.outcome).cmp(&Reverse(b.outcome)))
            .then_with(|| (a.ended_ns, a.sent_ns, a.intended_ns).cmp(&(b.ended_ns, b.sent_ns, b.intended_ns)))
            .then_with(|| (a.status, a.retry_follows, a.size_class).cmp(&(b.status, b.retry_follows, b.size_class)))
            .then_with(|| {
                let node = |a: &AttemptRecord| a.service_node.map(|node| archive.symbols.name(node));
                node(a).cmp(&node(b))
            })
    });
    records.dedup_by(|next, kept| {
        let same = key(next) == key(kept) && next.hash == kept.hash;
        if same {
            // Only the line before an attempt names the topic; of several the last by alphabet stands.
            let name = |a: &AttemptRecord| archive.symbols.name(a.content_topic);
            if name(next) > name(kept) {
                kept.content_topic = next.content_topic;
            }
        }
        same
    });
    records
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
