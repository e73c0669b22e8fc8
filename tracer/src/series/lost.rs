//! The lost messages one by one.

use event_log::{MessageHash, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    join::{Book, Slot},
    model::Archive,
    place::Place,
};

/// Most lost messages listed one by one: enough for a person to search, small beside a page. The ranges of indices in
/// the report are complete.
pub const MAX_LOST_LISTED: usize = 10_000;

/// A message that did not reach a receiver that should have it, or nobody at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostMessage {
    /// The receiver; absent when the message was never acknowledged and nobody received it.
    pub receiver: Option<String>,
    /// The sender.
    pub sender: String,
    /// The index.
    pub index: u32,
    /// Hash of its last attempt.
    pub hash: MessageHash,
    /// When the schedule wanted it sent.
    pub intended: Timestamp,
    /// Service node its last attempt went to.
    pub service_node: Option<String>,
    /// Where it was lost.
    pub place: Place,
}

/// The lost messages: those that receivers lost, by receiver, sender and index; then those never acknowledged (unfinished
/// ones excluded) that nobody received, by sender and index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostMessages {
    /// The first 10,000.
    pub listed: Vec<LostMessage>,
    /// How many more there are.
    pub more: u64,
}

impl LostMessages {
    pub(super) fn add(&mut self, archive: &Archive, book: &Book, receiver: Option<&str>, slot: &Slot, place: Place) {
        let Some(last) = book.attempts_at(slot).last() else {
            return;
        };
        if self.listed.len() >= MAX_LOST_LISTED {
            self.more += 1;
            return;
        }
        self.listed.push(LostMessage {
            receiver: receiver.map(str::to_owned),
            sender: book.senders[slot.sender()].name.clone(),
            index: slot.index,
            hash: MessageHash(*archive.hashes.bytes(last.hash)),
            intended: Timestamp::from_unix_ns(last.intended_ns),
            service_node: last.service_node.map(|node| archive.symbols.name(node).to_owned()),
            place,
        });
    }
}
