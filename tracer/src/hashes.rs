//! Message hashes as small numbers. The way from a numbered message to its hash is an array.
//!
//! The numbers depend on the order of reading and are never shown or sorted by.

use std::{
    hash::{BuildHasher as _, RandomState},
    iter,
    sync::Arc,
};

use hashbrown::{HashTable, hash_table::Entry};

use crate::symbols::{NONE, Symbol, next_number};

/// Rows of [`Numbered`] grow to this many times the messages in them, so that invented indices cost a file's size in
/// memory and not four thousand million entries.
const MAX_SPARSITY: usize = 16;

/// Entries a row may have before it counts what is in it.
const FREE_ENTRIES: usize = 1024;

/// A message hash that occurred in the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HashId(pub(crate) u32);

/// What the first line that named a sender and an index together with a hash said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) sender: Symbol,
    pub(crate) index: u32,
}

/// The hashes themselves, with the message each stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hashes {
    /// What was known before, under its own numbers. Readers share it and keep only what they meet besides.
    known: Option<Arc<Hashes>>,
    /// Numbers below this are of `known`.
    known_count: u32,
    table: HashTable<u32>,
    hashes: Vec<[u8; 32]>,
    claims: Vec<Option<Claim>>,
    numbered: Vec<Numbered>,
    seed: Seed,
}

/// Hashes of one sender's messages by index.
///
/// It begins where its reader met the sender first, and that may be in the middle of a log. Where the reader goes on far
/// away, it begins there anew. What is not in it is found by hash, a good deal slower.
#[derive(Debug, Clone, Default)]
struct Numbered {
    /// Index of the first entry.
    from_index: usize,
    by_index: Vec<u32>,
    filled: usize,
    /// Times an index lay too far away since the row was begun.
    missed: usize,
}

impl Hashes {
    /// Further hashes, numbered behind those that are known.
    pub(crate) fn behind(known: &Arc<Self>) -> Self {
        Self {
            known: Some(Arc::clone(known)),
            known_count: known.count(),
            seed: known.seed.clone(),
            ..Self::default()
        }
    }

    /// Lets go of what was known before: nothing can be found or added any more, and what was met besides can be read.
    pub(crate) fn detach(&mut self) {
        self.known = None;
    }

    /// The number of a hash of which nothing else is known.
    pub(crate) fn intern(&mut self, hash: [u8; 32]) -> HashId {
        let mixed = self.seed.mix(&hash);
        if let Some(id) = self.known.as_deref().and_then(|known| known.find(mixed, &hash)) {
            return id;
        }
        let (known_count, hashes, seed) = (self.known_count, &mut self.hashes, &self.seed);
        let of_number = |number: &u32| hashes[(number - known_count) as usize];
        let entry = self.table.entry(
            mixed,
            |number| of_number(number) == hash,
            |number| seed.mix(&of_number(number)),
        );
        match entry {
            Entry::Occupied(entry) => HashId(*entry.get()),
            Entry::Vacant(entry) => {
                let number = next_number(known_count as usize + hashes.len());
                entry.insert(number);
                hashes.push(hash);
                self.claims.push(None);
                HashId(number)
            }
        }
    }

    fn find(&self, mixed: u64, hash: &[u8; 32]) -> Option<HashId> {
        let is_it = |number: &u32| self.bytes(HashId(*number)) == hash;
        self.table.find(mixed, is_it).map(|number| HashId(*number))
    }

    /// The number of a hash that a line calls message `index` of `sender`.
    #[inline]
    pub(crate) fn intern_numbered(&mut self, sender: Symbol, index: u32, hash: [u8; 32]) -> HashId {
        let known = self.known.as_deref();
        if let Some(id) = known.and_then(|known| known.numbered(sender, index, &hash)) {
            return id;
        }
        if let Some(id) = self.numbered(sender, index, &hash) {
            return id;
        }
        self.intern_claimed(Claim { sender, index }, hash)
    }

    /// The number of a hash where it was met under this sender and index before.
    #[inline]
    fn numbered(&self, sender: Symbol, index: u32, hash: &[u8; 32]) -> Option<HashId> {
        let number = self.numbered.get(sender.0 as usize)?.get(index as usize)?;
        (number != NONE && self.bytes(HashId(number)) == hash).then_some(HashId(number))
    }

    #[cold]
    fn intern_claimed(&mut self, claim: Claim, hash: [u8; 32]) -> HashId {
        let id = self.intern(hash);
        // One that was known before keeps what was first said of it.
        if let Some(at) = id.0.checked_sub(self.known_count) {
            self.claims[at as usize].get_or_insert(claim);
        }
        let sender = claim.sender.0 as usize;
        if self.numbered.len() <= sender {
            self.numbered.resize_with(sender + 1, Numbered::default);
        }
        self.numbered[sender].put(claim.index as usize, id);
        id
    }

    #[inline]
    pub(crate) fn bytes(&self, id: HashId) -> &[u8; 32] {
        match &self.known {
            Some(known) if id.0 < self.known_count => known.bytes(id),
            _ => &self.hashes[(id.0 - self.known_count) as usize],
        }
    }

    /// How many there are, with those that were known before.
    pub(crate) fn count(&self) -> u32 {
        self.known_count + self.own_count()
    }

    fn own_count(&self) -> u32 {
        next_number(self.hashes.len())
    }

    /// How many were known before.
    pub(crate) fn known_count(&self) -> u32 {
        self.known_count
    }

    /// Those that were not known before, in the order of their numbers, with the message each was first said to be.
    pub(crate) fn own(&self) -> impl ExactSizeIterator<Item = (&[u8; 32], Option<Claim>)> {
        iter::zip(&self.hashes, self.claims.iter().copied())
    }

    /// Makes room for `count` more.
    pub(crate) fn reserve(&mut self, count: usize) {
        let (known_count, hashes, seed) = (self.known_count, &mut self.hashes, &self.seed);
        let mixed = |number: &u32| seed.mix(&hashes[(number - known_count) as usize]);
        self.table.reserve(count, mixed);
        self.hashes.reserve(count);
        self.claims.reserve(count);
    }

    /// The message a hash was first said to be.
    #[inline]
    pub(crate) fn claim(&self, id: HashId) -> Option<Claim> {
        match &self.known {
            Some(known) if id.0 < self.known_count => known.claim(id),
            _ => self.claims[(id.0 - self.known_count) as usize],
        }
    }
}

impl Numbered {
    #[inline]
    fn get(&self, index: usize) -> Option<u32> {
        self.by_index.get(index.wrapping_sub(self.from_index)).copied()
    }

    /// Notes the first hash of an index, if that does not make the row too sparse.
    fn put(&mut self, index: usize, id: HashId) {
        if !self.reach(index) {
            self.missed += 1;
            if self.missed <= self.filled {
                return;
            }
            *self = Self {
                from_index: index,
                by_index: vec![NONE],
                ..Self::default()
            };
        }
        let entry = &mut self.by_index[index - self.from_index];
        if *entry == NONE {
            *entry = id.0;
            self.filled += 1;
        }
    }

    /// Extends the row to an index; `false` when it would have too many entries for what is in it.
    fn reach(&mut self, index: usize) -> bool {
        let most_entries = FREE_ENTRIES + self.filled * MAX_SPARSITY;
        let entries = self.by_index.len();
        if let Some(at) = index.checked_sub(self.from_index) {
            let reached = at < entries.max(most_entries);
            if reached && at >= entries {
                self.by_index.resize(at + 1, NONE);
            }
            return reached;
        }
        let missing = self.from_index - index;
        if entries + missing > most_entries {
            return false;
        }
        // At least as many as there are, so that entries are not moved again and again.
        let added = missing.max(entries).min(self.from_index);
        self.by_index.splice(0..0, std::iter::repeat_n(NONE, added));
        self.from_index -= added;
        true
    }
}

/// Keys of the table's hash function: hashes in a hostile log cannot be chosen so that they collide.
#[derive(Debug, Clone)]
struct Seed([u64; 4]);

impl Default for Seed {
    fn default() -> Self {
        let random = RandomState::new();
        Self([0, 1, 2, 3].map(|number| random.hash_one(number)))
    }
}

impl Seed {
    fn mix(&self, hash: &[u8; 32]) -> u64 {
        let (words, _) = hash.as_chunks::<8>();
        let keyed = |at: usize| u64::from_le_bytes(words[at]) ^ self.0[at];
        let folded = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            (product >> 64) as u64 ^ product as u64
        };
        folded(keyed(0), keyed(1)) ^ folded(keyed(2), keyed(3)).rotate_left(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_share_a_number() {
        let mut hashes = Hashes::default();
        let (a, b) = (hashes.intern([1; 32]), hashes.intern([2; 32]));
        assert_eq!(
            (hashes.intern([1; 32]), hashes.intern([2; 32]), hashes.count()),
            (a, b, 2)
        );
        assert_eq!(hashes.bytes(b), &[2; 32]);
    }

    #[test]
    fn a_hash_has_one_number_whatever_message_it_is_said_to_be() {
        let mut hashes = Hashes::default();
        let a = hashes.intern_numbered(Symbol(1), 7, [1; 32]);
        let b = hashes.intern_numbered(Symbol(1), 7, [2; 32]);
        assert_ne!(a, b, "two attempts at one index");
        assert_eq!(hashes.intern_numbered(Symbol(2), 8, [1; 32]), a);
        assert_eq!(hashes.intern_numbered(Symbol(1), u32::MAX, [2; 32]), b);
        assert_eq!(hashes.intern([1; 32]), a);
        assert_eq!((hashes.claim(a).unwrap().index, hashes.count()), (7, 2));
    }

    #[test]
    fn invented_indices_take_no_room() {
        let mut hashes = Hashes::default();
        for (number, index) in (0..20_u8).zip((0..20).map(|power| 4096_u32 << power)) {
            hashes.intern_numbered(Symbol(0), index, [number; 32]);
        }
        let row = &hashes.numbered[0];
        assert!(row.by_index.len() <= FREE_ENTRIES, "{}", row.by_index.len());
        assert_eq!(hashes.count(), 20);
    }

    #[test]
    fn a_row_is_of_the_part_of_a_log_that_its_reader_reads() {
        let numbers_found = |hashes: &Hashes, indices: std::ops::Range<u32>| {
            let found = indices.filter(|index| hashes.numbered[0].get(*index as usize).is_some_and(|at| at != NONE));
            found.count()
        };
        let mut hashes = Hashes::default();
        let mut read = |indices: &mut dyn Iterator<Item = u32>| {
            for index in indices {
                let mut hash = [0; 32];
                hash[..4].copy_from_slice(&index.to_le_bytes());
                assert_eq!(hashes.intern_numbered(Symbol(0), index, hash), hashes.intern(hash));
            }
            [0..3000, 1_000_000..1_003_000, 9_000_000..9_007_000].map(|part| numbers_found(&hashes, part))
        };
        // From the middle on, with messages that overtook others, downwards too.
        assert_eq!(read(&mut (1_000_000..1_003_000).map(|index| index ^ 7)), [0, 3000, 0]);
        assert_eq!(
            read(&mut (0..3000)),
            [0, 3000, 0],
            "one stray part does not displace another"
        );
        assert_eq!(read(&mut (9_000_000..9_007_000).rev()), [0, 0, 7000]);
    }

    #[test]
    fn what_is_known_before_keeps_its_number_and_its_message() {
        let sender = Symbol(3);
        let mut known = Hashes::default();
        let numbered = known.intern_numbered(sender, 7, [1; 32]);
        let unnumbered = known.intern([2; 32]);
        let known = Arc::new(known);
        let mut hashes = Hashes::behind(&known);
        assert_eq!(hashes.intern_numbered(sender, 7, [1; 32]), numbered);
        assert_eq!(hashes.intern([1; 32]), numbered);
        let other = hashes.intern_numbered(sender, 7, [3; 32]);
        assert_eq!((other, hashes.count(), hashes.known_count()), (HashId(2), 3, 2));
        // Under another message too, again and again.
        for _ in 0..2 {
            assert_eq!(hashes.intern_numbered(sender, 8, [1; 32]), numbered);
            assert_eq!(hashes.intern_numbered(sender, 9, [2; 32]), unnumbered);
        }
        assert_eq!(hashes.claim(numbered), Some(Claim { sender, index: 7 }));
        assert_eq!(hashes.claim(unnumbered), None, "what others share does not change");
        assert_eq!((hashes.bytes(unnumbered), hashes.bytes(other)), (&[2; 32], &[3; 32]));
        hashes.detach();
        let claim = Claim { sender, index: 7 };
        assert!(hashes.own().eq([(&[3; 32], Some(claim))]));
    }
}
