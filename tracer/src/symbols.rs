//! Names and hashes as small numbers, so that a delivery takes a few bytes instead of several strings.
//!
//! The numbers depend on the order of reading and are never shown or sorted by.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use hashbrown::HashTable;

/// Names remembered as just met: a log speaks of few senders, service nodes and topics at a time.
const RECENT_NAMES: usize = 64;

/// "No number", in the tables of numbers.
const NONE: u32 = u32::MAX;

/// Rows of [`Numbered`] grow to this many times the messages in them, so that invented indices cost a file's size in
/// memory and not four thousand million entries.
const MAX_SPARSITY: usize = 16;

/// Entries a row may have before it counts what is in it.
const FREE_ENTRIES: usize = 1024;

/// A name that occurred in the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

/// The names themselves.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    by_name: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
    /// Numbers by the end of the name.
    recent: Vec<u32>,
}

impl Symbols {
    #[inline]
    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        let place = recent_place(name);
        if let Some(&number) = self.recent.get(place)
            && number != NONE
            && *self.names[number as usize] == *name
        {
            return Symbol(number);
        }
        self.intern_slow(name, place)
    }

    #[cold]
    fn intern_slow(&mut self, name: &str, place: usize) -> Symbol {
        let number = match self.by_name.get(name) {
            Some(&number) => number,
            None => {
                let number = next_number(self.names.len());
                self.by_name.insert(name.into(), number);
                self.names.push(name.into());
                number
            }
        };
        self.recent.resize(RECENT_NAMES, NONE);
        self.recent[place] = number;
        Symbol(number)
    }

    pub(crate) fn name(&self, symbol: Symbol) -> &str {
        &self.names[symbol.0 as usize]
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// The names in the order of their numbers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }
}

/// Names that are alike mostly differ at the end.
#[inline]
fn recent_place(name: &str) -> usize {
    let bytes = name.as_bytes();
    let end = match bytes.last_chunk::<8>() {
        Some(end) => u64::from_le_bytes(*end),
        None => bytes.iter().fold(0, |end, byte| end << 8 | u64::from(*byte)),
    };
    let mixed = (end ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 58) as usize
}

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
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    table: HashTable<u32>,
    hashes: Vec<[u8; 32]>,
    claims: Vec<Option<Claim>>,
    numbered: Vec<Numbered>,
    seed: Seed,
}

/// Hashes of one sender's messages by index: the way from a numbered message to its hash is an array.
///
/// It begins where its reader met the sender first, and that may be in the middle of a log. Where the reader goes on far
/// away, it begins there anew. What is not in it is found by hash, a good deal slower.
#[derive(Debug, Default)]
struct Numbered {
    /// Index of the first entry.
    from_index: usize,
    by_index: Vec<u32>,
    filled: usize,
    /// Times an index lay too far away since the row was begun.
    missed: usize,
}

impl Hashes {
    /// The number of a hash of which nothing else is known.
    pub(crate) fn intern(&mut self, hash: [u8; 32]) -> HashId {
        let (hashes, seed) = (&mut self.hashes, &self.seed);
        let of_number = |number: &u32| seed.mix(&hashes[*number as usize]);
        let entry = self
            .table
            .entry(seed.mix(&hash), |number| hashes[*number as usize] == hash, of_number);
        match entry {
            hashbrown::hash_table::Entry::Occupied(entry) => HashId(*entry.get()),
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let number = next_number(hashes.len());
                entry.insert(number);
                hashes.push(hash);
                self.claims.push(None);
                HashId(number)
            }
        }
    }

    /// The number of a hash that a line calls message `index` of `sender`.
    #[inline]
    pub(crate) fn intern_numbered(&mut self, sender: Symbol, index: u32, hash: [u8; 32]) -> HashId {
        if let Some(row) = self.numbered.get(sender.0 as usize)
            && let Some(number) = row.get(index as usize)
            && number != NONE
            && self.hashes[number as usize] == hash
        {
            return HashId(number);
        }
        self.intern_claimed(Claim { sender, index }, hash)
    }

    #[cold]
    fn intern_claimed(&mut self, claim: Claim, hash: [u8; 32]) -> HashId {
        let id = self.intern(hash);
        self.claims[id.0 as usize].get_or_insert(claim);
        let sender = claim.sender.0 as usize;
        if self.numbered.len() <= sender {
            self.numbered.resize_with(sender + 1, Numbered::default);
        }
        self.numbered[sender].put(claim.index as usize, id);
        id
    }

    pub(crate) fn bytes(&self, id: HashId) -> &[u8; 32] {
        &self.hashes[id.0 as usize]
    }

    pub(crate) fn count(&self) -> usize {
        self.hashes.len()
    }

    /// The hashes in the order of their numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.hashes.iter()
    }

    /// The message a hash was first said to be.
    #[inline]
    pub(crate) fn claim(&self, id: HashId) -> Option<Claim> {
        self.claims[id.0 as usize]
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
#[derive(Debug)]
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

/// What the numbers of one reader's tables are in those of all.
#[derive(Debug, Default)]
pub(crate) struct Renumbering {
    symbols: Vec<Symbol>,
    hashes: Vec<HashId>,
    /// By the reader's own number, with the names of all.
    claims: Vec<Option<Claim>>,
}

impl Renumbering {
    /// Adds the names and hashes of one reader to those of all.
    pub(crate) fn new(symbols: &mut Symbols, hashes: &mut Hashes, own_symbols: &Symbols, own_hashes: Hashes) -> Self {
        // The first reader's numbers stay what they are.
        let is_first = symbols.count() == 0 && hashes.count() == 0;
        let symbols: Vec<Symbol> = own_symbols.names().map(|name| symbols.intern(name)).collect();
        let renamed = |claim: Claim| Claim {
            sender: symbols[claim.sender.0 as usize],
            ..claim
        };
        let claims: Vec<Option<Claim>> = own_hashes.claims.iter().map(|claim| claim.map(renamed)).collect();
        let hashes = if is_first {
            let numbers = (0..).map(HashId).take(own_hashes.count()).collect();
            *hashes = own_hashes;
            numbers
        } else {
            let number = |(hash, claim): (&[u8; 32], &Option<Claim>)| match claim {
                Some(claim) => hashes.intern_numbered(claim.sender, claim.index, *hash),
                None => hashes.intern(*hash),
            };
            own_hashes.hashes.iter().zip(&claims).map(number).collect()
        };
        Self {
            symbols,
            hashes,
            claims,
        }
    }

    pub(crate) fn symbol(&self, own: Symbol) -> Symbol {
        self.symbols[own.0 as usize]
    }

    pub(crate) fn hash(&self, own: HashId) -> HashId {
        self.hashes[own.0 as usize]
    }

    /// The message that the reader's own hash was first said to be.
    pub(crate) fn claim(&self, own: HashId) -> Option<Claim> {
        self.claims[own.0 as usize]
    }
}

fn next_number(count: usize) -> u32 {
    u32::try_from(count)
        .ok()
        .filter(|number| *number != NONE)
        .expect("four thousand million names need more memory than a machine has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_a_number() {
        let mut symbols = Symbols::default();
        let (a, b) = (symbols.intern("a"), symbols.intern("b"));
        assert_ne!(a, b);
        assert_eq!(symbols.intern("a"), a);
        assert_eq!((symbols.name(a), symbols.name(b)), ("a", "b"));
    }

    #[test]
    fn names_that_share_a_place_are_kept_apart() {
        let mut symbols = Symbols::default();
        let names: Vec<String> = (0..1000).map(|number| format!("publisher-{number}/0")).collect();
        for _ in 0..2 {
            for (number, name) in (0..).zip(&names) {
                assert_eq!(symbols.intern(name), Symbol(number));
            }
        }
        assert_eq!(symbols.count(), 1000);
    }

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
}
