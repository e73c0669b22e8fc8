//! What a log says about each message, most compactly.

use std::collections::HashMap;

use super::{
    event::{NodeEventKind, PeerList},
    fields::{HASH_DIGITS, hash_of_digits},
};
use crate::hashes::Hashes;

/// What is known about each message.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Numbers the messages; their numbers are rows.
    hashes: Hashes,
    /// By row, the [`bit`]s of what happened to it.
    bits: Vec<u8>,
    /// Digits and row of the message spoken of last: a node says several things about one in a row.
    recent: Option<([u8; HASH_DIGITS], u32)>,
    peer_of: HashMap<Box<str>, u32>,
    pub(super) peers: Vec<Box<str>>,
    /// Row, peer, whether the push went well.
    pub(super) pushes: Vec<(u32, u32, bool)>,
}

/// What may have happened to a message.
pub(super) mod bit {
    pub(in super::super) const REQUESTED: u8 = 1;
    pub(in super::super) const RECEIVED: u8 = 2;
    pub(in super::super) const SENT: u8 = 4;
    pub(in super::super) const PRESENT: u8 = 8;
}

/// What an event tells about its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells<'a> {
    /// That it was here, by these bits.
    Mark(u8),
    /// That it was pushed to these subscribers, well or not.
    Push(PeerList<'a>, bool),
    /// Nothing.
    Nothing,
}

impl<'a> Tells<'a> {
    pub(super) fn of(kind: NodeEventKind<'a>) -> Self {
        match kind {
            NodeEventKind::Lightpush { .. } => Self::Mark(bit::REQUESTED),
            NodeEventKind::RelayReceived { .. } => Self::Mark(bit::RECEIVED),
            NodeEventKind::RelayPublished { peers_count: Some(0) } => Self::Mark(bit::PRESENT),
            NodeEventKind::RelaySent { .. } | NodeEventKind::RelayPublished { .. } => Self::Mark(bit::SENT),
            NodeEventKind::FilterPushDone { peers, .. } => Self::Push(peers, true),
            NodeEventKind::FilterTimedOut { peers } => Self::Push(peers, false),
            NodeEventKind::FilterPushStart { .. }
            | NodeEventKind::FilterHandling
            | NodeEventKind::FilterDuplicate
            | NodeEventKind::FilterNobody
            | NodeEventKind::ArchiveHandling
            | NodeEventKind::Stored
            | NodeEventKind::SyncReceived => Self::Mark(bit::PRESENT),
            _ => Self::Nothing,
        }
    }
}

impl Facts {
    /// Hash and bits of each message, by row.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&[u8; 32], u8)> {
        self.hashes.own().map(|(hash, _)| hash).zip(self.bits.iter().copied())
    }

    /// Takes what an event tells about the message `hash`.
    pub(super) fn take(&mut self, hash: [u8; 32], tells: Tells<'_>) {
        match tells {
            Tells::Mark(bits) => {
                self.mark(hash, bits);
            }
            Tells::Push(peers, went_well) => self.push(hash, peers, went_well),
            Tells::Nothing => {}
        }
    }

    /// Marks the message whose hash has these digits. `false` if they are none, and nothing is marked.
    #[inline]
    pub(super) fn mark_digits(&mut self, digits: &[u8; HASH_DIGITS], bits: u8) -> bool {
        if let Some((recent, row)) = &self.recent
            && recent == digits
        {
            self.bits[*row as usize] |= bits;
            return true;
        }
        let Some(hash) = hash_of_digits(digits) else {
            return false;
        };
        self.recent = Some((*digits, self.mark(hash.0, bits)));
        true
    }

    fn mark(&mut self, hash: [u8; 32], bits: u8) -> u32 {
        let row = self.hashes.intern(hash).0;
        if row as usize == self.bits.len() {
            self.bits.push(0);
        }
        self.bits[row as usize] |= bits;
        row
    }

    fn push(&mut self, hash: [u8; 32], peers: PeerList<'_>, went_well: bool) {
        let row = self.mark(hash, bit::PRESENT);
        for peer in peers.iter() {
            let peer = self.peer(peer);
            self.pushes.push((row, peer, went_well));
        }
    }

    fn peer(&mut self, peer: &str) -> u32 {
        if let Some(known) = self.peer_of.get(peer) {
            return *known;
        }
        let number = u32::try_from(self.peers.len()).expect("four thousand million peers do not fit into memory");
        self.peers.push(peer.into());
        self.peer_of.insert(peer.into(), number);
        number
    }
}
