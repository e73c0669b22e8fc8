//! What arrived at one client, packed: some six bytes a delivery, so that a hundred million fit into memory.
//!
//! A delivery follows the one before it: a little later, with a hash that was met a little before or after. Sender and
//! index mostly are what every line with that hash says, and need not be written again.

use std::sync::Arc;

use crate::{
    model::Delivery,
    symbols::{Claim, HashId, Renumbering, Symbol},
};

/// Deliveries to one client in the order of reading.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    runs: Vec<Run>,
}

/// Deliveries read one after the other, with the numbers of one reader.
#[derive(Debug, Default)]
struct Run {
    packed: Vec<u8>,
    count: usize,
    /// The last one written.
    last: Position,
    /// From the reader's own numbers to those of all; `None` until the readers' tables are brought together.
    renumbering: Option<Arc<Renumbering>>,
}

/// What the next delivery is written relative to.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    arrived_ns: i64,
    hash: u32,
}

impl Deliveries {
    /// Adds a delivery with the reader's own numbers. `claim` is the message its hash was first said to be.
    #[inline]
    pub(crate) fn push(&mut self, delivery: &Delivery, claim: Option<Claim>) {
        if self.runs.is_empty() {
            self.runs.push(Run::default());
        }
        let run = self.runs.last_mut().expect("there is one");
        run.push(delivery, claim);
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// Puts `more` behind these.
    pub(crate) fn append(&mut self, mut more: Self) {
        self.runs.append(&mut more.runs);
    }

    /// Says what the numbers of these deliveries stand for.
    pub(crate) fn renumber(&mut self, renumbering: &Arc<Renumbering>) {
        for run in &mut self.runs {
            run.packed.shrink_to_fit();
            run.renumbering = Some(Arc::clone(renumbering));
        }
    }

    /// The deliveries in the order of reading, with the numbers of all.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Delivery> {
        self.runs.iter().flat_map(Run::iter)
    }
}

impl Run {
    #[inline]
    fn push(&mut self, delivery: &Delivery, claim: Option<Claim>) {
        let later_ns = delivery.arrived_ns.wrapping_sub(self.last.arrived_ns);
        put(&mut self.packed, zigzag(later_ns));
        let further = i64::from(delivery.hash.0) - i64::from(self.last.hash);
        let plain = !delivery.other_run
            && claim.is_some_and(|claim| (claim.sender, claim.index) == (delivery.sender, delivery.index));
        put(&mut self.packed, zigzag(further) << 1 | u64::from(!plain));
        if !plain {
            put(
                &mut self.packed,
                u64::from(delivery.sender.0) << 1 | u64::from(delivery.other_run),
            );
            put(&mut self.packed, u64::from(delivery.index));
        }
        self.last = Position {
            arrived_ns: delivery.arrived_ns,
            hash: delivery.hash.0,
        };
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = Delivery> {
        let renumbering = self
            .renumbering
            .as_deref()
            .expect("the readers' tables were brought together");
        let mut rest = self.packed.as_slice();
        let mut last = Position::default();
        (0..self.count).map(move |_| {
            last.arrived_ns = last.arrived_ns.wrapping_add(unzigzag(get(&mut rest)));
            let tagged = get(&mut rest);
            let hash = i64::from(last.hash) + unzigzag(tagged >> 1);
            last.hash = narrow(u64::try_from(hash).expect("numbers of hashes are not negative"));
            let own = HashId(last.hash);
            let (sender, index, other_run) = if tagged & 1 == 0 {
                let claim = renumbering.claim(own).expect("it was written because there is one");
                (claim.sender, claim.index, false)
            } else {
                let tagged = get(&mut rest);
                let sender = renumbering.symbol(Symbol(narrow(tagged >> 1)));
                (sender, narrow(get(&mut rest)), tagged & 1 == 1)
            };
            Delivery {
                arrived_ns: last.arrived_ns,
                sender,
                index,
                hash: renumbering.hash(own),
                other_run,
            }
        })
    }
}

/// Small numbers of either sign as small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
#[inline]
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
fn get(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    let mut shift = 0;
    while let Some((byte, more)) = rest.split_first() {
        *rest = more;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if *byte < 0x80 {
            break;
        }
    }
    value
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).expect("it was written from 32 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::symbols::{Hashes, Symbols};

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(
            given in proptest::collection::vec((any::<i64>(), 0..3_u8, any::<u8>(), any::<bool>(), 0..4_u8), 0..50)
        ) {
            let (mut symbols, mut hashes) = (Symbols::default(), Hashes::default());
            let mut deliveries = Deliveries::default();
            let mut expected = Vec::new();
            for (arrived_ns, sender, hash, other_run, index) in given {
                let sender = symbols.intern(&sender.to_string());
                let index = u32::from(index).wrapping_sub(2);
                let hash = hashes.intern_numbered(sender, index, [hash; 32]);
                let delivery = Delivery { arrived_ns, sender, index, hash, other_run };
                deliveries.push(&delivery, hashes.claim(hash));
                expected.push(delivery);
            }
            // Tables of all in which the numbers are others.
            let (mut all_symbols, mut all_hashes) = (Symbols::default(), Hashes::default());
            all_symbols.intern("another");
            all_hashes.intern([255; 32]);
            let own_bytes: Vec<[u8; 32]> = expected.iter().map(|d| *hashes.bytes(d.hash)).collect();
            let renumbering = Renumbering::new(&mut all_symbols, &mut all_hashes, &symbols, hashes);
            deliveries.renumber(&Arc::new(renumbering));
            prop_assert_eq!(deliveries.count(), expected.len());
            for ((read, wrote), bytes) in deliveries.iter().zip(&expected).zip(own_bytes) {
                prop_assert_eq!(all_symbols.name(read.sender), symbols.name(wrote.sender));
                prop_assert_eq!(*all_hashes.bytes(read.hash), bytes);
                prop_assert_eq!(
                    (read.arrived_ns, read.index, read.other_run),
                    (wrote.arrived_ns, wrote.index, wrote.other_run)
                );
            }
        }
    }

    #[test]
    fn a_steady_stream_takes_eight_bytes_a_delivery_at_most() {
        let mut hashes = Hashes::default();
        let mut deliveries = Deliveries::default();
        for index in 0..100_000_u32 {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&index.to_le_bytes());
            let hash = hashes.intern_numbered(Symbol(0), index, hash);
            let arrived_ns = 1_700_000_000_000_000_000 + i64::from(index) * 1_000_000_007;
            let delivery = Delivery {
                arrived_ns,
                sender: Symbol(0),
                index,
                hash,
                other_run: false,
            };
            deliveries.push(&delivery, hashes.claim(hash));
        }
        assert!(deliveries.runs[0].packed.len() <= 800_000);
    }
}
