//! Full peer ids for the short ones that nwaku logs.
//!
//! `16U*GiNg1a` keeps nine characters of an id. Which id is meant is known when exactly one of all the full ids in the
//! logs (of event logs, start-up lines, go-waku lines) has this short form. With two it is said and not guessed.

use std::collections::{BTreeMap, BTreeSet};

use super::{event::is_peer_id, read::NodeLog};
use crate::{
    model::Archive,
    symbols::{Symbol, Symbols},
};

/// The full ids of each short form.
#[derive(Debug, Default)]
pub(crate) struct Book {
    full_of: BTreeMap<String, BTreeSet<Symbol>>,
}

impl Book {
    pub(crate) fn new(symbols: &Symbols) -> Self {
        let mut book = Self::default();
        for number in 0..symbols.count() {
            let symbol = Symbol(number);
            if let Some(short) = short_form(symbols.name(symbol)) {
                book.full_of.entry(short).or_default().insert(symbol);
            }
        }
        book
    }

    /// The only full id of a short one.
    pub(crate) fn only(&self, short: &str) -> Option<Symbol> {
        let full = self.full_of.get(short)?;
        (full.len() == 1).then(|| full.first().copied()).flatten()
    }

    pub(crate) fn is_ambiguous(&self, short: &str) -> bool {
        self.full_of.get(short).is_some_and(|full| full.len() > 1)
    }
}

/// nwaku's short form of a full id: three characters, `*`, the last six. `None` for what is no full id.
fn short_form(id: &str) -> Option<String> {
    (is_peer_id(id.as_bytes()) && !id.contains('*')).then(|| format!("{}*{}", &id[..3], &id[id.len() - 6..]))
}

/// Puts full peer ids into the node logs of the archive where they are certain. Done when all logs are read.
pub(crate) fn resolve_peers(archive: &mut Archive) {
    if archive.logs.iter().all(|log| log.native.is_none()) {
        return;
    }
    let book = Book::new(&archive.symbols);
    for log in &mut archive.logs {
        let Some(native) = &mut log.native else { continue };
        let mut ambiguous = BTreeSet::new();
        let own = own_id(native, &book, &mut archive.symbols, &mut ambiguous);
        if let Some(header) = &mut log.header {
            header.peer_id = own;
        }
        for fact in &mut log.node_facts {
            let Some(peer) = fact.peer else { continue };
            let name = archive.symbols.name(peer);
            if book.is_ambiguous(name) {
                ambiguous.insert(name.to_owned());
            }
            fact.peer = book.only(name).or(fact.peer);
        }
        native.ambiguous_ids = ambiguous;
    }
}

/// The node's own id: of the addresses it announced the one that fits what it calls itself.
pub(crate) fn own_id(
    native: &NodeLog,
    book: &Book,
    symbols: &mut Symbols,
    ambiguous: &mut BTreeSet<String>,
) -> Option<Symbol> {
    let named =
        |id: &String| native.own_ids.contains(id) || short_form(id).is_some_and(|s| native.own_ids.contains(&s));
    let announced: Vec<&String> = native
        .own_full_ids
        .iter()
        .filter(|id| native.own_ids.is_empty() || named(id))
        .collect();
    if let [only] = announced[..] {
        return Some(symbols.intern(only));
    }
    let mut own = native.own_ids.iter();
    let (Some(id), None) = (own.next(), own.next()) else {
        // Several: logs of several nodes in one file.
        ambiguous.extend(native.own_ids.iter().cloned());
        return None;
    };
    if book.is_ambiguous(id) || announced.len() > 1 {
        ambiguous.insert(id.clone());
        return None;
    }
    if id.contains('*') {
        book.only(id)
    } else {
        Some(symbols.intern(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg1aX";

    #[test]
    fn the_short_form_is_that_of_nwaku() {
        assert_eq!(short_form(ID).as_deref(), Some("16U*iNg1aX"));
        assert_eq!(short_form("publisher-1/0"), None);
        assert_eq!(short_form("16U*iNg1aX"), None);
    }

    #[test]
    fn two_ids_of_one_short_form_are_not_guessed() {
        let mut symbols = Symbols::default();
        let first = symbols.intern(ID);
        assert_eq!(Book::new(&symbols).only("16U*iNg1aX"), Some(first));
        symbols.intern(&ID.replace("B4No", "C5Pq"));
        let book = Book::new(&symbols);
        assert_eq!((book.only("16U*iNg1aX"), book.is_ambiguous("16U*iNg1aX")), (None, true));
    }
}
