//! What a log says about each message, most compactly.

use std::collections::HashMap;

use super::{
    event::{NodeEventKind, PeerList},
    fields::{HASH_DIGITS, hash_of_digits},
    pushes::PushLines,
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
    /// Row, peer, what one line says about the push.
    pub(super) pushes: Vec<(u32, u32, PushLines)>,
    /// The bits of all messages together.
    pub(super) all_bits: u8,
    /// Whether a line about pushes names no subscriber (nwaku before 0.28).
    pub(super) pushes_unnamed: bool,
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
    /// That it was here, and this about the pushes to these subscribers.
    Push(PeerList<'a>, PushLines),
    /// Nothing.
    Nothing,
}

impl<'a> Tells<'a> {
    pub(super) fn of(kind: NodeEventKind<'a>) -> Self {
        if let Some(lines) = PushLines::of(kind) {
            return Self::Push(kind.peers(), lines);
        }
        match kind {
            NodeEventKind::Lightpush { .. } => Self::Mark(bit::REQUESTED),
            NodeEventKind::RelayReceived { .. } => Self::Mark(bit::RECEIVED),
            NodeEventKind::RelayPublished { peers_count: Some(0) } => Self::Mark(bit::PRESENT),
            NodeEventKind::RelaySent { .. } | NodeEventKind::RelayPublished { .. } => Self::Mark(bit::SENT),
            NodeEventKind::FilterHandling
            | NodeEventKind::FilterDuplicate
            | NodeEventKind::FilterNobody
            | NodeEventKind::ArchiveHandling
            | NodeEventKind::Stored => Self::Mark(bit::PRESENT),
            // By store synchronisation a message comes to the archive alone: relay and filter never had it.
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
            Tells::Push(peers, lines) => self.push(hash, peers, lines),
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
            self.all_bits |= bits;
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
        self.all_bits |= bits;
        row
    }

    fn push(&mut self, hash: [u8; 32], peers: PeerList<'_>, lines: PushLines) {
        let row = self.mark(hash, bit::PRESENT);
        self.pushes_unnamed |= peers.first().is_none();
        for peer in peers.iter() {
            let peer = self.peer(peer);
            self.pushes.push((row, peer, lines));
        }
    }

    /// What all lines say about each push, by row and peer.
    pub(super) fn pushes(&mut self) -> impl Iterator<Item = (u32, u32, PushLines)> {
        self.pushes.sort_unstable();
        let same = self.pushes.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        same.map(|same| {
            let lines = same.iter().fold(PushLines::default(), |lines, push| lines.and(push.2));
            (same[0].0, same[0].1, lines)
        })
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
