//! The publishers' side: what was planned, attempted, acknowledged, and whether the schedule was kept.

use std::collections::BTreeMap;

use crate::{
    join::{Book, Sender, Slot, SlotState},
    latency::Distribution,
    model::{Archive, AttemptRecord, Outcome},
    options::{Options, SLIP_FLOOR_NS, SLIP_INTERVAL_PERCENT},
    parallel::in_order,
    place::{Place, place_of_failure},
    ranges::IndexRanges,
    report::{OutcomeCount, PlacedLoss, SenderReport},
};

/// The senders of the book. `received_by_any` says of each slot whether any receiver has it.
pub(crate) fn senders(
    archive: &Archive,
    book: &Book,
    received_by_any: &[bool],
    options: &Options,
) -> Vec<SenderReport> {
    let mut reports = Vec::with_capacity(book.senders.len());
    in_order(
        book.senders.len(),
        || (),
        |(), number| report(archive, book, &book.senders[number], received_by_any, options),
        |report| reports.push(report),
    );
    reports
}

fn report(
    archive: &Archive,
    book: &Book,
    sender: &Sender,
    received_by_any: &[bool],
    options: &Options,
) -> SenderReport {
    let slots = &book.slots[sender.slots.clone()];
    let attempts = || slots.iter().flat_map(|slot| book.attempts_at(slot));
    let count = |state: SlotState| slots.iter().filter(|slot| slot.state == state).count() as u64;
    let unacked = slots.iter().filter(|slot| slot.state != SlotState::Acked).count();
    let never_acked = || slots.iter().filter(|slot| is_never_acked(archive, book, slot));
    let not_published = sender
        .slots
        .clone()
        .filter(|at| is_never_acked(archive, book, &book.slots[*at]) && !received_by_any[*at]);
    let header = sender.logs.first().and_then(|log| archive.logs[*log].header.as_ref());
    let mut ack_ns: Vec<i64> = attempts()
        .filter(|a| a.outcome == Outcome::Acked)
        .map(|a| a.ended_ns.saturating_sub(a.sent_ns))
        .collect();
    let mut slip_ns: Vec<i64> = slots
        .iter()
        .filter_map(|slot| book.attempts_at(slot).first())
        .map(|a| a.sent_ns.saturating_sub(a.intended_ns))
        .collect();
    SenderReport {
        sender: sender.name.clone(),
        logs: sender.logs.iter().map(|log| archive.logs[*log].path.clone()).collect(),
        planned: header.and_then(|header| header.messages),
        attempted: slots.len() as u64,
        attempts: attempts().count() as u64,
        acked: count(SlotState::Acked),
        failed: count(SlotState::Failed),
        indeterminate: count(SlotState::Indeterminate),
        unfinished: (unacked - never_acked().count()) as u64,
        never_acked: never_acked().count() as u64,
        not_published: not_published.count() as u64,
        never_acked_indices: never_acked().map(|slot| slot.index).collect::<IndexRanges>(),
        never_acked_by_place: by_place(never_acked(), book),
        ack_latency: Distribution::of(&mut ack_ns),
        slip: Distribution::of(&mut slip_ns),
        slip_limit_ns: slip_limit_ns(header.and_then(|header| header.interval_ns), options),
    }
}

fn by_place<'a>(slots: impl Iterator<Item = &'a Slot>, book: &Book) -> Vec<PlacedLoss> {
    let mut by_place: BTreeMap<Place, Vec<u32>> = BTreeMap::new();
    for slot in slots {
        by_place
            .entry(place_of_failure(book.attempts_at(slot)))
            .or_default()
            .push(slot.index);
    }
    PlacedLoss::list(&by_place)
}

/// Whether a message was never acknowledged. One that a publisher was still busy with when its log broke off is *unfinished*
/// and does not count.
pub(crate) fn is_never_acked(archive: &Archive, book: &Book, slot: &Slot) -> bool {
    slot.state != SlotState::Acked && {
        let logs = &book.senders[slot.sender()].logs;
        let torn = logs.iter().any(|log| archive.logs[*log].ended.is_none());
        !(torn && is_unfinished(book.attempts_at(slot)))
    }
}

/// Whether the publisher was not done with a message: its last attempt has no outcome, or another was to follow.
fn is_unfinished(attempts: &[AttemptRecord]) -> bool {
    attempts
        .last()
        .is_some_and(|last| last.outcome == Outcome::Open || last.retry_follows)
}

fn slip_limit_ns(interval_ns: Option<u64>, options: &Options) -> i64 {
    let interval_ns = i64::try_from(interval_ns.unwrap_or(0)).unwrap_or(i64::MAX);
    options
        .max_slip_ns
        .unwrap_or_else(|| SLIP_FLOOR_NS.max(interval_ns / 100 * SLIP_INTERVAL_PERCENT))
}

/// All attempts by outcome and status.
pub(crate) fn outcomes(archive: &Archive, book: &Book, logs: &[usize]) -> Vec<OutcomeCount> {
    let mut counts: BTreeMap<(Outcome, Option<u32>), u64> = BTreeMap::new();
    let ended = |attempt: &AttemptRecord| (attempt.outcome, attempt.status);
    for same in book.attempts.chunk_by(|a, b| ended(a) == ended(b)) {
        *counts.entry(ended(&same[0])).or_default() += same.len() as u64;
    }
    let example = |key: &(Outcome, Option<u32>)| {
        logs.iter()
            .filter_map(|log| archive.logs[*log].failure_texts.get(key))
            .min()
            .cloned()
    };
    let row = |(key, attempts): (&(Outcome, Option<u32>), &u64)| OutcomeCount {
        outcome: name(key.0),
        status: key.1,
        attempts: *attempts,
        example: example(key),
    };
    counts.iter().rev().map(row).collect()
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acked => "acked",
        Outcome::Refused => "refused",
        Outcome::NoAnswer => "no_answer",
        Outcome::NotSent => "not_sent",
        Outcome::Open => "no_outcome_logged",
    }
}
