//! What the report says of the message: its own rules, on the records of this one message.

use event_log::event::Role;

use super::{find::Numbered, gather::LogFacts, model::Fate};
use crate::{
    join::{Book, Slot},
    judge::{self, Cell, Judge},
    model::Archive,
    options::Options,
    place::{Evidence, Place, place_of_failure},
    receivers::{Receiver, receivers},
    select::Selection,
};

/// What the report would say of the message at each receiver.
pub(super) struct Judged<'a> {
    /// First and last time in the logs of the publishers, nanoseconds since the epoch.
    pub(super) time_of_run: (i64, i64),
    /// In the order of their names.
    pub(super) receivers: Vec<(Receiver<'a>, Option<Settled>)>,
}

/// What became of a message that a publisher log knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) fate: Fate,
    /// Where it ended, when it did not arrive and should have.
    pub(super) place: Option<Place>,
}

impl<'a> Judged<'a> {
    /// Judges `message` by the logs `logs` of the archive.
    pub(super) fn new(archive: &'a Archive, logs: &[LogFacts], message: Option<&Numbered>) -> Self {
        let of_role = |role| {
            let of_role = logs.iter().filter(move |log| log.role() == Some(role));
            of_role.map(|log| log.number).collect::<Vec<usize>>()
        };
        let selection = Selection {
            publishers: of_role(Role::Publisher),
            receivers: of_role(Role::Receiver),
            nodes: of_role(Role::ServiceNode),
            ..Selection::default()
        };
        let options = Options::default();
        let book = Book::new(archive, &selection.publishers);
        let evidence = Evidence::new(archive, &selection);
        let mut judge = Judge::new(archive, &book, &evidence, &options);
        let slot = message.and_then(|message| slot_of(&book, message));
        let all = receivers(archive, &selection.receivers, options.late_after_ns).into_iter();
        let judged = all.map(|receiver| {
            let settled = slot.map(|slot| settle(&mut judge, &book, slot, &receiver));
            (receiver, settled)
        });
        Self {
            receivers: judged.collect(),
            time_of_run: crate::place::time_of_run(archive, &selection.publishers),
        }
    }
}

fn slot_of(book: &Book, message: &Numbered) -> Option<usize> {
    let is_it = |slot: &Slot| slot.index == message.index && book.senders[slot.sender()].name == message.sender;
    book.slots.iter().position(is_it)
}

fn settle(judge: &mut Judge<'_>, book: &Book, number: usize, receiver: &Receiver<'_>) -> Settled {
    let slot = &book.slots[number];
    let firsts = &judge.arrivals(receiver).firsts;
    let arrived = firsts.iter().any(|first| first.slot as usize == number);
    let mut cell = Cell::default();
    let settled = |fate, place| Settled { fate, place };
    match judge.settle(slot, arrived, receiver, &mut cell) {
        judge::Fate::Received | judge::Fate::Recovered => settled(Fate::Received, None),
        judge::Fate::Lost(place) => settled(Fate::Lost, Some(place)),
        judge::Fate::None if cell.counts.not_observed_before > 0 => settled(Fate::NotObservedBefore, None),
        judge::Fate::None if cell.counts.not_observed_after > 0 => settled(Fate::NotObservedAfter, None),
        judge::Fate::None => settled(Fate::NeverAcked, Some(place_of_failure(book.attempts_at(slot)))),
    }
}
