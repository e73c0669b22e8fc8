//! Names as small numbers, so that a delivery takes a few bytes instead of several strings.
//!
//! The numbers depend on the order of reading and are never shown or sorted by.

use std::collections::HashMap;

/// Names remembered as just met: a log speaks of few senders, service nodes and topics at a time.
const RECENT_NAMES: usize = 64;

/// "No number", in the tables of numbers.
pub(crate) const NONE: u32 = u32::MAX;

/// A name that occurred in the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

/// The names themselves.
#[derive(Debug, Clone, Default)]
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

    pub(crate) fn count(&self) -> u32 {
        next_number(self.names.len())
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

/// The number of what comes behind `count` others.
pub(crate) fn next_number(count: usize) -> u32 {
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
}
