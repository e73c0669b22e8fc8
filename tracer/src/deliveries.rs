//! What arrived at one client, packed: some five bytes a delivery, so that a hundred million fit into memory.
//!
//! A delivery follows the one before it: a little later, and with a hash that was met just behind that of the last message
//! of the same sender. Sender and index mostly are what every line with that hash says, and need not be written again.
//!
//! A delivery is written as a tag byte, the rest of the hash's number where the tag does not hold it, the time since the
//! delivery before, and sender and index where they are not those of the hash.

use std::sync::Arc;

use crate::{
    hashes::{Claim, HashId, Hashes},
    model::Delivery,
    renumbering::Renumbering,
    symbols::Symbol,
};

/// Senders whose last hash is remembered, by the low bits of their number: a tag holds five bits of it.
const LANES: usize = 32;

/// Tag: sender and index are written out.
const EXPLICIT: u8 = 1;
/// Place of the lane in a tag.
const LANE_SHIFT: u32 = 1;
/// Place of the step in a tag: how far the number of the hash is behind that of the lane's last.
const STEP_SHIFT: u32 = 6;
/// Steps of the number of the hash that a tag holds; what is none of them is written out.
const STEPS: [i64; 3] = [1, 2, -1];
/// The step is written out.
const FAR: u8 = STEPS.len() as u8;

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
    /// The last ones written; `None` when the run is complete.
    last: Option<Box<Position>>,
    /// From the reader's own numbers to those of all; `None` until the readers' tables are brought together.
    renumbering: Option<Arc<Renumbering>>,
}

/// What the next delivery is written relative to.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    arrived_ns: i64,
    /// By lane.
    hashes: [u32; LANES],
}

/// A delivery as it is read back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackedDelivery<'a> {
    pub(crate) arrived_ns: i64,
    pub(crate) hash: HashId,
    /// The reader's own number of the hash.
    own: HashId,
    /// Sender, index, and whether the payload named another run; `None`: what every line with that hash says.
    explicit: Option<(Symbol, u32, bool)>,
    renumbering: &'a Renumbering,
}

impl PackedDelivery<'_> {
    /// The whole of it, with the hashes of all.
    pub(crate) fn unpack(&self, hashes: &Hashes) -> Delivery {
        let (sender, index, other_run) = self.explicit.unwrap_or_else(|| {
            let claim = self.renumbering.claim(self.own, hashes);
            let claim = claim.expect("it was written so because there is one");
            (claim.sender, claim.index, false)
        });
        Delivery {
            arrived_ns: self.arrived_ns,
            sender,
            index,
            hash: self.hash,
            other_run,
        }
    }
}

impl Deliveries {
    /// Adds a delivery with the reader's own numbers. `claim` is the message its hash was first said to be.
    #[inline]
    pub(crate) fn push(&mut self, delivery: &Delivery, claim: Option<Claim>) {
        if let Some(run) = self.runs.last_mut()
            && let Some(last) = &mut run.last
        {
            write(&mut run.packed, last, delivery, claim);
            run.count += 1;
            return;
        }
        self.runs.push(Run {
            last: Some(Box::default()),
            ..Run::default()
        });
        self.push(delivery, claim);
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// Puts `more` behind these.
    pub(crate) fn append(&mut self, mut more: Self) {
        self.runs.append(&mut more.runs);
    }

    /// Gives back memory that was set aside for more; to be called at the end of a chunk.
    pub(crate) fn shrink(&mut self) {
        for run in &mut self.runs {
            run.packed.shrink_to_fit();
            run.last = None;
        }
    }

    /// Says what the numbers of these deliveries stand for.
    pub(crate) fn renumber(&mut self, renumbering: &Arc<Renumbering>) {
        for run in &mut self.runs {
            run.renumbering = Some(Arc::clone(renumbering));
        }
    }

    /// The deliveries in the order of reading, with the numbers of all.
    pub(crate) fn iter(&self) -> impl Iterator<Item = PackedDelivery<'_>> {
        self.runs.iter().flat_map(Run::iter)
    }
}

impl Run {
    fn iter(&self) -> impl Iterator<Item = PackedDelivery<'_>> {
        let renumbering = self
            .renumbering
            .as_deref()
            .expect("the readers' tables were brought together");
        let mut rest = self.packed.as_slice();
        let mut last = Position::default();
        (0..self.count).map(move |_| {
            let tag = rest.split_off_first().copied().unwrap_or_default();
            let lane = usize::from(tag >> LANE_SHIFT) % LANES;
            let further = match STEPS.get(usize::from(tag >> STEP_SHIFT)) {
                Some(step) => *step,
                None => unzigzag(get(&mut rest)),
            };
            let hash = i64::from(last.hashes[lane]) + further;
            let own = HashId(u32::try_from(hash).expect("it was written from 32 bits"));
            last.hashes[lane] = own.0;
            last.arrived_ns = last.arrived_ns.wrapping_add(unzigzag(get(&mut rest)));
            let explicit = (tag & EXPLICIT != 0).then(|| {
                let tagged = get(&mut rest);
                let sender = renumbering.symbol(Symbol(narrow(tagged >> 1)));
                (sender, narrow(get(&mut rest)), tagged & 1 == 1)
            });
            PackedDelivery {
                arrived_ns: last.arrived_ns,
                hash: renumbering.hash(own),
                own,
                explicit,
                renumbering,
            }
        })
    }
}

/// Writes a delivery behind those before, of which `last` were the last.
#[inline]
fn write(packed: &mut Vec<u8>, last: &mut Position, delivery: &Delivery, claim: Option<Claim>) {
    let lane = delivery.sender.0 as usize % LANES;
    let further = i64::from(delivery.hash.0) - i64::from(last.hashes[lane]);
    let step = STEPS.iter().position(|step| *step == further);
    let plain = !delivery.other_run
        && claim.is_some_and(|claim| (claim.sender, claim.index) == (delivery.sender, delivery.index));
    let tag = u8::from(!plain) | (lane as u8) << LANE_SHIFT | step.map_or(FAR, |step| step as u8) << STEP_SHIFT;
    packed.push(tag);
    if step.is_none() {
        put(packed, zigzag(further));
    }
    put(packed, zigzag(delivery.arrived_ns.wrapping_sub(last.arrived_ns)));
    if !plain {
        put(
            packed,
            u64::from(delivery.sender.0) << 1 | u64::from(delivery.other_run),
        );
        put(packed, u64::from(delivery.index));
    }
    last.arrived_ns = delivery.arrived_ns;
    last.hashes[lane] = delivery.hash.0;
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
    use crate::{renumbering::Tables, symbols::Symbols};

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(
            given in proptest::collection::vec((any::<i64>(), 0..3_u8, 0..12_u8, any::<bool>(), 0..4_u8), 0..50)
        ) {
            // Some of it is known before; then another reader adds to the tables of all, in which the numbers become others.
            let (mut all_symbols, mut known) = (Symbols::default(), Hashes::default());
            let sender = all_symbols.intern("1");
            known.intern_numbered(sender, 1, [7; 32]);
            known.intern([8; 32]);
            let mut all_hashes = Arc::new(known);
            let mut tables = Tables::behind(&all_symbols, &all_hashes);
            let mut other = Tables::behind(&all_symbols, &all_hashes);
            other.symbols.intern("another");
            other.hashes.intern([255; 32]);
            let mut deliveries = Deliveries::default();
            let mut expected = Vec::new();
            let mut own_bytes = Vec::new();
            for (arrived_ns, sender, hash, other_run, index) in given {
                let sender = tables.symbols.intern(&sender.to_string());
                let index = u32::from(index).wrapping_sub(2);
                let hash = tables.hashes.intern_numbered(sender, index, [hash; 32]);
                let delivery = Delivery { arrived_ns, sender, index, hash, other_run };
                deliveries.push(&delivery, tables.hashes.claim(hash));
                own_bytes.push(*tables.hashes.bytes(hash));
                expected.push(delivery);
            }
            let own_symbols = tables.symbols.clone();
            for tables in [&mut other, &mut tables] {
                tables.hashes.detach();
            }
            let hashes = Arc::make_mut(&mut all_hashes);
            other.join(&mut all_symbols, hashes);
            let renumbering = tables.join(&mut all_symbols, hashes);
            deliveries.renumber(&Arc::new(renumbering));
            prop_assert_eq!(deliveries.count(), expected.len());
            deliveries.shrink();
            for ((read, wrote), bytes) in deliveries.iter().zip(&expected).zip(own_bytes) {
                let read = read.unpack(hashes);
                prop_assert_eq!(all_symbols.name(read.sender), own_symbols.name(wrote.sender));
                prop_assert_eq!(*hashes.bytes(read.hash), bytes);
                prop_assert_eq!(
                    (read.arrived_ns, read.index, read.other_run),
                    (wrote.arrived_ns, wrote.index, wrote.other_run)
                );
            }
        }
    }

    #[test]
    fn steady_streams_take_five_bytes_a_delivery_at_most() {
        const SENDERS: u32 = 10;
        const MESSAGES: u32 = 10_000;
        let mut hashes = Hashes::default();
        let hash = |sender: u32, index: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&index.to_le_bytes());
            hash[4..8].copy_from_slice(&sender.to_le_bytes());
            hash
        };
        // As when the logs of the publishers are read first: the numbers of one sender's hashes are neighbours.
        for sender in 0..SENDERS {
            for index in 0..MESSAGES {
                hashes.intern_numbered(Symbol(sender), index, hash(sender, index));
            }
        }
        let mut deliveries = Deliveries::default();
        for number in 0..SENDERS * MESSAGES {
            let (sender, index) = (Symbol(number % SENDERS), number / SENDERS);
            let hash = hashes.intern_numbered(sender, index, hash(sender.0, index));
            let delivery = Delivery {
                arrived_ns: 1_700_000_000_000_000_000 + i64::from(number) * 100_000_007,
                sender,
                index,
                hash,
                other_run: false,
            };
            deliveries.push(&delivery, hashes.claim(hash));
        }
        assert!(deliveries.runs[0].packed.len() <= 5 * (SENDERS * MESSAGES) as usize + 100);
    }
}
