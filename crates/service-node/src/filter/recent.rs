//! Which messages were pushed lately, so that each is pushed once however often relay delivers it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use waku::MessageHash;

/// How long a message counts as seen after its last arrival, as in nwaku (`waku_filter_v2`, `MessageCacheTTL`).
pub const RECENT_TTL: Duration = Duration::from_secs(2 * 60);

/// Most hashes remembered: 8 700 messages a second for two minutes, in about 150 MB when full.
pub const RECENT_HASHES_MAX: usize = 1 << 20;

/// The end of the list.
const NIL: u32 = u32::MAX;

/// The hashes seen within the last [`RECENT_TTL`], least recently seen first.
///
/// A duplicate renews its entry, as in nwaku: bytes repeated every minute are never pushed again, and a subscriber who
/// missed them must ask a store. Each operation takes constant time; the order is a doubly linked list through a
/// vector, because a queue would grow with every duplicate.
#[derive(Debug)]
pub struct RecentHashes {
    ttl: Duration,
    max_entries: usize,
    slots: HashMap<MessageHash, u32>,
    nodes: Vec<Node>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
    latest: Option<Instant>,
    dropped_count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    hash: MessageHash,
    seen: Instant,
    older: u32,
    newer: u32,
}

impl RecentHashes {
    /// Remembers a hash for `ttl` after it was last seen, and at most `max_entries` hashes; that is clamped to
    /// 1..=[`RECENT_HASHES_MAX`].
    pub fn new(ttl: Duration, max_entries: usize) -> Self {
        Self {
            ttl,
            max_entries: max_entries.clamp(1, RECENT_HASHES_MAX),
            slots: HashMap::new(),
            nodes: Vec::new(),
            free: Vec::new(),
            oldest: NIL,
            newest: NIL,
            latest: None,
            dropped_count: 0,
        }
    }

    /// Notes that `hash` was seen; true if it was not remembered.
    ///
    /// A `now` before that of an earlier call counts as that.
    pub fn insert(&mut self, hash: MessageHash, now: Instant) -> bool {
        let now = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(now);
        self.forget_expired(now);
        if let Some(&slot) = self.slots.get(&hash) {
            self.unlink(slot);
            self.append(slot, now);
            return false;
        }
        if self.slots.len() >= self.max_entries {
            self.forget_oldest();
            self.dropped_count += 1;
        }
        let slot = self.new_slot(hash, now);
        self.append(slot, now);
        self.slots.insert(hash, slot);
        true
    }

    /// Hashes remembered as of the last [`Self::insert`].
    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots.len()
    }

    /// Hashes forgotten before their time because the table was full. Each may have been pushed twice.
    pub fn dropped_count(&self) -> u64 {
        self.dropped_count
    }

    fn forget_expired(&mut self, now: Instant) {
        while self.oldest != NIL && now.duration_since(self.node(self.oldest).seen) >= self.ttl {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let slot = self.oldest;
        if slot != NIL {
            let hash = self.node(slot).hash;
            self.unlink(slot);
            self.slots.remove(&hash);
            self.free.push(slot);
        }
    }

    fn new_slot(&mut self, hash: MessageHash, now: Instant) -> u32 {
        let node = Node {
            hash,
            seen: now,
            older: NIL,
            newer: NIL,
        };
        if let Some(slot) = self.free.pop() {
            *self.node_mut(slot) = node;
            return slot;
        }
        let slot = u32::try_from(self.nodes.len()).expect("at most RECENT_HASHES_MAX nodes, which fits 32 bits");
        self.nodes.push(node);
        slot
    }

    fn append(&mut self, slot: u32, seen: Instant) {
        let older = self.newest;
        let node = self.node_mut(slot);
        (node.seen, node.older, node.newer) = (seen, older, NIL);
        match older {
            NIL => self.oldest = slot,
            older => self.node_mut(older).newer = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: u32) {
        let Node { older, newer, .. } = *self.node(slot);
        match older {
            NIL => self.oldest = newer,
            older => self.node_mut(older).newer = newer,
        }
        match newer {
            NIL => self.newest = older,
            newer => self.node_mut(newer).older = older,
        }
    }

    fn node(&self, slot: u32) -> &Node {
        &self.nodes[slot as usize]
    }

    fn node_mut(&mut self, slot: u32) -> &mut Node {
        &mut self.nodes[slot as usize]
    }
}

impl Default for RecentHashes {
    fn default() -> Self {
        Self::new(RECENT_TTL, RECENT_HASHES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn hash(number: u8) -> MessageHash {
        MessageHash::from([number; 32])
    }

    #[test]
    fn a_hash_is_new_once_within_its_lifetime() {
        let mut recent = RecentHashes::default();
        let start = Instant::now();
        assert!(recent.insert(hash(1), start));
        assert!(!recent.insert(hash(1), start));
        assert!(recent.insert(hash(2), start));
        assert!(recent.insert(hash(1), start + 2 * MINUTE));
        assert_eq!(recent.len(), 1);
    }

    #[test]
    fn a_duplicate_renews_its_entry() {
        let mut recent = RecentHashes::default();
        let start = Instant::now();
        assert!(recent.insert(hash(1), start));
        for minute in 1..10 {
            assert!(!recent.insert(hash(1), start + minute * MINUTE));
        }
        assert!(recent.insert(hash(1), start + 11 * MINUTE));
    }

    #[test]
    fn a_full_table_drops_the_one_not_seen_for_longest_and_counts_it() {
        let mut recent = RecentHashes::new(MINUTE, 2);
        let start = Instant::now();
        recent.insert(hash(1), start);
        recent.insert(hash(2), start);
        recent.insert(hash(1), start);
        assert!(recent.insert(hash(3), start));
        assert_eq!((recent.len(), recent.dropped_count()), (2, 1));
        assert!(!recent.insert(hash(1), start));
        assert!(recent.insert(hash(2), start));
    }

    #[test]
    fn duplicates_do_not_grow_the_table() {
        let mut recent = RecentHashes::new(MINUTE, 10);
        let start = Instant::now();
        for step in 0..10_000 {
            recent.insert(hash((step % 5) as u8), start + Duration::from_millis(step));
        }
        assert_eq!((recent.nodes.len(), recent.len(), recent.dropped_count()), (5, 5, 0));
    }

    proptest! {
        /// The model keeps everything and scans.
        #[test]
        fn equals_a_scan(max_entries in 1_usize..6, steps in prop::collection::vec((0_u8..8, 0_u64..40), 1..300)) {
            let ttl = Duration::from_secs(60);
            let mut recent = RecentHashes::new(ttl, max_entries);
            let mut model: Vec<(u8, Instant)> = Vec::new();
            let mut now = Instant::now();
            let mut dropped = 0;
            for (number, step_s) in steps {
                now += Duration::from_secs(step_s);
                model.retain(|(_, seen)| now.duration_since(*seen) < ttl);
                let before = model.len();
                model.retain(|(other, _)| *other != number);
                let is_new = before == model.len();
                if model.len() == max_entries {
                    model.remove(0);
                    dropped += 1;
                }
                model.push((number, now));
                prop_assert_eq!(recent.insert(hash(number), now), is_new);
                prop_assert_eq!((recent.len(), recent.dropped_count()), (model.len(), dropped));
            }
        }
    }
}
