//! Names and hashes as small numbers, so that a delivery takes 32 bytes instead of several strings.
//!
//! The numbers depend on the order of reading and are never shown or sorted by.

use std::collections::HashMap;

/// A name that occurred in the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

/// The names themselves.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    by_name: HashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
}

impl Symbols {
    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        if let Some(&number) = self.by_name.get(name) {
            return Symbol(number);
        }
        let number = next_number(self.names.len());
        self.by_name.insert(name.into(), number);
        self.names.push(name.into());
        Symbol(number)
    }

    pub(crate) fn name(&self, symbol: Symbol) -> &str {
        &self.names[symbol.0 as usize]
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }
}

/// A message hash that occurred in the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HashId(pub(crate) u32);

/// The hashes themselves.
#[derive(Debug, Default)]
pub(crate) struct Hashes {
    by_hash: HashMap<[u8; 32], u32>,
    hashes: Vec<[u8; 32]>,
}

impl Hashes {
    pub(crate) fn intern(&mut self, hash: [u8; 32]) -> HashId {
        let hashes = &mut self.hashes;
        let number = *self.by_hash.entry(hash).or_insert_with(|| {
            hashes.push(hash);
            next_number(hashes.len() - 1)
        });
        HashId(number)
    }

    pub(crate) fn bytes(&self, id: HashId) -> &[u8; 32] {
        &self.hashes[id.0 as usize]
    }

    pub(crate) fn count(&self) -> usize {
        self.hashes.len()
    }
}

fn next_number(count: usize) -> u32 {
    u32::try_from(count).expect("four thousand million names need more memory than a machine has")
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
    fn equal_hashes_share_a_number() {
        let mut hashes = Hashes::default();
        let (a, b) = (hashes.intern([1; 32]), hashes.intern([2; 32]));
        assert_eq!(
            (hashes.intern([1; 32]), hashes.intern([2; 32]), hashes.count()),
            (a, b, 2)
        );
        assert_eq!(hashes.bytes(b), &[2; 32]);
    }
}
