//! The node records handed out by peer exchange.

use std::collections::VecDeque;

use bytes::Bytes;
use libp2p::PeerId;
use rand::{Rng, seq::index};

pub use waku::wire::peer_exchange::PEERS_MAX;

/// Longest node record (EIP-778), in bytes of RLP.
pub const RECORD_MAX_BYTES: usize = 300;

/// A record that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefused {
    /// Nothing in it.
    #[error("node record is empty")]
    Empty,
    /// Too long to be one.
    #[error("node record has {size_bytes} bytes, at most {max_bytes} are allowed")]
    TooLong {
        /// What it has.
        size_bytes: usize,
        /// [`RECORD_MAX_BYTES`].
        max_bytes: usize,
    },
}

/// Records of known relay peers as RLP bytes: at most [`PEERS_MAX`], one per peer, and beside them our own.
///
/// The pool does not verify records; the caller decodes them, and so knows whose they are.
#[derive(Clone, Debug, Default)]
pub struct PeerExchangePool {
    own: Option<Bytes>,
    /// Least recently inserted first.
    records: VecDeque<(PeerId, Bytes)>,
    replaced_count: u64,
}

impl PeerExchangePool {
    /// A pool that hands out `own` too, if given; it takes no place of another.
    ///
    /// # Errors
    /// If `own` is empty or too long.
    pub fn new(own: Option<Bytes>) -> Result<Self, RecordRefused> {
        own.as_ref().map(check).transpose()?;
        Ok(Self { own, ..Self::default() })
    }

    /// Takes the record of `peer` in place of an earlier one. A full pool forgets the least recently inserted.
    ///
    /// # Errors
    /// If the record is empty or too long; an earlier one of that peer stays.
    pub fn insert(&mut self, peer: PeerId, record: Bytes) -> Result<(), RecordRefused> {
        check(&record)?;
        self.remove(&peer);
        if self.records.len() >= PEERS_MAX {
            self.records.pop_front();
            self.replaced_count += 1;
        }
        self.records.push_back((peer, record));
        Ok(())
    }

    /// Forgets the record of `peer`, for example when it is not reachable any more; false if there is none.
    pub fn remove(&mut self, peer: &PeerId) -> bool {
        let position = self.records.iter().position(|(known, _)| known == peer);
        position.and_then(|position| self.records.remove(position)).is_some()
    }

    /// Up to `n` records, each as likely as any other, in random order.
    pub fn sample(&self, n: usize, rng: &mut impl Rng) -> Vec<Bytes> {
        self.pick(n, None, rng)
    }

    /// As [`Self::sample`], without the record of the one who asks.
    pub fn sample_for(&self, requester: &PeerId, n: usize, rng: &mut impl Rng) -> Vec<Bytes> {
        self.pick(n, Some(requester), rng)
    }

    /// Records that can be handed out, ours included.
    pub fn len(&self) -> usize {
        self.records.len() + usize::from(self.own.is_some())
    }

    /// True if there is no record, not even ours.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records forgotten because the pool was full.
    pub fn replaced_count(&self) -> u64 {
        self.replaced_count
    }

    fn pick(&self, n: usize, except: Option<&PeerId>, rng: &mut impl Rng) -> Vec<Bytes> {
        let others = self
            .records
            .iter()
            .filter(|(peer, _)| Some(peer) != except)
            .map(|(_, record)| record);
        let candidates: Vec<&Bytes> = self.own.iter().chain(others).collect();
        let amount = n.min(candidates.len()).min(PEERS_MAX);
        index::sample(rng, candidates.len(), amount)
            .into_iter()
            .map(|index| candidates[index].clone())
            .collect()
    }
}

fn check(record: &Bytes) -> Result<(), RecordRefused> {
    match record.len() {
        0 => Err(RecordRefused::Empty),
        size_bytes if size_bytes > RECORD_MAX_BYTES => Err(RecordRefused::TooLong {
            size_bytes,
            max_bytes: RECORD_MAX_BYTES,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn record(number: usize) -> Bytes {
        Bytes::from(format!("record {number}"))
    }

    fn filled(own: Option<Bytes>, count: usize) -> (PeerExchangePool, Vec<PeerId>) {
        let mut pool = PeerExchangePool::new(own).unwrap();
        let peers: Vec<PeerId> = (0..count).map(|_| PeerId::random()).collect();
        for (number, peer) in peers.iter().enumerate() {
            pool.insert(*peer, record(number)).unwrap();
        }
        (pool, peers)
    }

    #[test]
    fn a_sample_has_no_record_twice_and_no_more_than_asked_for() {
        let (pool, _) = filled(Some(Bytes::from_static(b"own")), 10);
        let mut rng = StdRng::seed_from_u64(1);
        for n in 0..20 {
            let sample = pool.sample(n, &mut rng);
            assert_eq!(sample.len(), n.min(11));
            assert_eq!(sample.iter().collect::<HashSet<_>>().len(), sample.len());
        }
    }

    #[test]
    fn every_record_is_drawn_about_equally_often() {
        let (pool, _) = filled(Some(record(4)), 4);
        let mut rng = StdRng::seed_from_u64(2);
        let mut draws = [0; 5];
        for _ in 0..5_000 {
            for drawn in pool.sample(2, &mut rng) {
                draws[(0..5).position(|number| record(number) == drawn).unwrap()] += 1;
            }
        }
        assert_eq!(draws.iter().sum::<i32>(), 10_000);
        assert!(draws.iter().all(|count| (1_800..2_200).contains(count)), "{draws:?}");
    }

    #[test]
    fn a_full_pool_forgets_the_oldest_and_never_our_own() {
        let (pool, _) = filled(Some(Bytes::from_static(b"own")), PEERS_MAX + 3);
        assert_eq!((pool.len(), pool.replaced_count()), (PEERS_MAX + 1, 3));
        assert_eq!(pool.records.front().unwrap().1, record(3));
        let sample = pool.sample(usize::MAX, &mut StdRng::seed_from_u64(3));
        assert_eq!(sample.len(), PEERS_MAX);
    }

    #[test]
    fn a_newer_record_takes_the_place_of_an_older_one() {
        let (mut pool, peers) = filled(None, 2);
        pool.insert(peers[0], record(9)).unwrap();
        assert_eq!((pool.len(), pool.replaced_count()), (2, 0));
        let sample: HashSet<Bytes> = pool.sample(9, &mut StdRng::seed_from_u64(4)).into_iter().collect();
        assert_eq!(sample, HashSet::from([record(1), record(9)]));
    }

    #[test]
    fn the_one_who_asks_does_not_get_its_own_record() {
        let (pool, peers) = filled(None, 3);
        let sample = pool.sample_for(&peers[1], 9, &mut StdRng::seed_from_u64(5));
        assert_eq!(
            sample.into_iter().collect::<HashSet<_>>(),
            HashSet::from([record(0), record(2)])
        );
    }

    #[test]
    fn what_cannot_be_a_record_is_refused() {
        let (mut pool, peers) = filled(None, 1);
        let long = RecordRefused::TooLong {
            size_bytes: 301,
            max_bytes: 300,
        };
        assert_eq!(pool.insert(peers[0], Bytes::from(vec![1; 301])), Err(long));
        assert_eq!(pool.insert(peers[0], Bytes::new()), Err(RecordRefused::Empty));
        assert_eq!(pool.sample(1, &mut StdRng::seed_from_u64(6)), [record(0)]);
        assert!(PeerExchangePool::new(Some(Bytes::new())).is_err());
        assert!(pool.remove(&peers[0]) && !pool.remove(&peers[0]) && pool.is_empty());
    }
}
