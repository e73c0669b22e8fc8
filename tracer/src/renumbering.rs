//! Each reader numbers the names and hashes it meets by itself; here its numbers become those of all.

use std::sync::Arc;

use crate::{
    hashes::{Claim, HashId, Hashes},
    symbols::{Symbol, Symbols},
};

/// The names and hashes one reader has met.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) symbols: Symbols,
    pub(crate) hashes: Hashes,
    /// How many of the names were known before.
    known_symbols: u32,
}

/// What the numbers of one reader's tables are in those of all.
#[derive(Debug, Default)]
pub(crate) struct Renumbering {
    /// Numbers below this are the same in both.
    known_symbols: u32,
    symbols: Vec<Symbol>,
    /// Numbers below this are the same in both.
    known_hashes: u32,
    hashes: Vec<HashId>,
    /// Of what was not known before, with the names of all.
    claims: Vec<Option<Claim>>,
}

impl Tables {
    /// For a reader that begins with what all know already.
    pub(crate) fn behind(symbols: &Symbols, hashes: &Arc<Hashes>) -> Self {
        Self {
            symbols: symbols.clone(),
            hashes: Hashes::behind(hashes),
            known_symbols: symbols.count(),
        }
    }

    /// Adds what was met to the tables of all.
    pub(crate) fn join(self, symbols: &mut Symbols, hashes: &mut Hashes) -> Renumbering {
        if symbols.count() == 0 && hashes.count() == 0 {
            // The first reader's numbers are those of all.
            *symbols = self.symbols;
            *hashes = self.hashes;
            return Renumbering {
                known_symbols: symbols.count(),
                known_hashes: hashes.count(),
                ..Renumbering::default()
            };
        }
        let mut renumbering = Renumbering {
            known_symbols: self.known_symbols,
            known_hashes: self.hashes.known_count(),
            ..Renumbering::default()
        };
        let own_names = self.symbols.names().skip(self.known_symbols as usize);
        renumbering.symbols = own_names.map(|name| symbols.intern(name)).collect();
        let own = self.hashes.own();
        hashes.reserve(own.len());
        renumbering.hashes.reserve(own.len());
        renumbering.claims.reserve(own.len());
        for (hash, claim) in own {
            let claim = claim.map(|claim| Claim {
                sender: renumbering.symbol(claim.sender),
                ..claim
            });
            renumbering.claims.push(claim);
            renumbering.hashes.push(match claim {
                Some(Claim { sender, index }) => hashes.intern_numbered(sender, index, *hash),
                None => hashes.intern(*hash),
            });
        }
        renumbering
    }
}

impl Renumbering {
    pub(crate) fn symbol(&self, own: Symbol) -> Symbol {
        match own.0.checked_sub(self.known_symbols) {
            None => own,
            Some(at) => self.symbols[at as usize],
        }
    }

    #[inline]
    pub(crate) fn hash(&self, own: HashId) -> HashId {
        match own.0.checked_sub(self.known_hashes) {
            None => own,
            Some(at) => self.hashes[at as usize],
        }
    }

    /// The message that a hash was first said to be, if the reader said so; otherwise it is what `hashes` say.
    pub(crate) fn claim(&self, own: HashId, hashes: &Hashes) -> Option<Claim> {
        match own.0.checked_sub(self.known_hashes) {
            None => hashes.claim(own),
            Some(at) => self.claims[at as usize],
        }
    }
}
