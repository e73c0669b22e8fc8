//! Which mailboxes of a node are polled, and whether one may have overflowed between two polls.

use crate::{
    Flavour,
    limits::{GO_WAKU_CACHE_MESSAGES, NWAKU_CACHE_MESSAGES},
};

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mailbox {
    pub(crate) pubsub_topic: String,
    pub(crate) content_topic: String,
}

/// A cache that may have been full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) messages: usize,
    pub(crate) capacity: usize,
}

/// The mailboxes of one node. They are polled in rounds, all of them one right after the other.
#[derive(Debug)]
pub(crate) struct Mailboxes {
    boxes: Vec<Mailbox>,
    flavour: Flavour,
    /// Given by the user; otherwise the server's default.
    capacity: Option<usize>,
}

impl Mailboxes {
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        Self {
            boxes: Vec::new(),
            flavour: Flavour::Nwaku,
            capacity,
        }
    }

    pub(crate) fn set_flavour(&mut self, flavour: Flavour) {
        self.flavour = flavour;
    }

    pub(crate) fn flavour(&self) -> Flavour {
        self.flavour
    }

    pub(crate) fn boxes(&self) -> &[Mailbox] {
        &self.boxes
    }

    pub(crate) fn clear(&mut self) {
        self.boxes.clear();
    }

    pub(crate) fn add(&mut self, pubsub_topic: &str, content_topics: &[String]) {
        for content_topic in content_topics {
            let new = Mailbox {
                pubsub_topic: pubsub_topic.to_owned(),
                content_topic: content_topic.clone(),
            };
            if !self.boxes.contains(&new) {
                self.boxes.push(new);
            }
        }
    }

    fn capacity(&self) -> usize {
        self.capacity.unwrap_or(match self.flavour {
            Flavour::Nwaku => NWAKU_CACHE_MESSAGES,
            Flavour::GoWaku => GO_WAKU_CACHE_MESSAGES,
        })
    }

    /// Whether the cache behind one mailbox may have been full, after a poll of it gave so many messages. go-waku has one
    /// cache a mailbox, nwaku one for all of them, which [`Mailboxes::judge_round`] judges.
    pub(crate) fn judge_poll(&self, messages: usize) -> Option<Full> {
        let capacity = self.capacity();
        (self.flavour == Flavour::GoWaku && messages >= capacity).then_some(Full { messages, capacity })
    }

    /// Whether nwaku's common cache may have been full, after a round gave so many messages.
    ///
    /// With one mailbox a poll hands out all of the cache. With several, what arrives during the round can push out what
    /// has not been polled yet, so half of the capacity is taken as a sign: a full cache hands out that much unless more
    /// than the other half arrives within one round.
    pub(crate) fn judge_round(&self, messages: usize) -> Option<Full> {
        let capacity = self.capacity();
        let sign = if self.boxes.len() > 1 { capacity / 2 } else { capacity };
        (self.flavour == Flavour::Nwaku && messages >= sign.max(1)).then_some(Full { messages, capacity })
    }

    /// Whether a round gave so many messages that the next should follow at once.
    pub(crate) fn is_filling(&self, messages: usize) -> bool {
        messages * 2 >= self.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;

    fn mailboxes(topics: usize, flavour: Flavour, capacity: Option<usize>) -> Mailboxes {
        let mut mailboxes = Mailboxes::new(capacity);
        mailboxes.set_flavour(flavour);
        let topics: Vec<_> = (0..topics).map(|n| format!("/a/1/{n}/proto")).collect();
        mailboxes.add("/waku/2/rs/0/0", &topics);
        mailboxes.add("/waku/2/rs/0/0", &topics);
        assert_eq!(mailboxes.boxes().len(), topics.len(), "added once");
        mailboxes
    }

    #[test]
    fn nwaku_is_full_at_50_in_a_round_and_go_waku_at_30_in_a_poll() {
        let nwaku = mailboxes(1, Flavour::Nwaku, None);
        let full = |messages, capacity| Some(Full { messages, capacity });
        assert_eq!((nwaku.judge_round(49), nwaku.judge_round(50)), (None, full(50, 50)));
        assert_eq!(nwaku.judge_poll(50), None);
        let go = mailboxes(3, Flavour::GoWaku, None);
        assert_eq!((go.judge_poll(29), go.judge_poll(30)), (None, full(30, 30)));
        assert_eq!(go.judge_round(90), None);
    }

    #[test]
    fn the_users_capacity_wins() {
        let mailboxes = mailboxes(1, Flavour::Nwaku, Some(200));
        assert_eq!(mailboxes.judge_round(199), None);
        assert!(mailboxes.judge_round(200).is_some());
        assert!(mailboxes.is_filling(100) && !mailboxes.is_filling(99));
    }

    /// Plays nwaku's common cache against the judgement: a round that began with, or saw, an overflow is told.
    #[test]
    fn every_overflow_of_the_common_cache_is_noticed() {
        let mut rng = StdRng::seed_from_u64(5);
        for topics in 1..8 {
            let mailboxes = mailboxes(topics, Flavour::Nwaku, None);
            let mut cache = VecDeque::new();
            let arrive = |cache: &mut VecDeque<usize>, rng: &mut StdRng, count| {
                let mut overflowed = false;
                // All of one topic: the worst case for the others.
                let topic = rng.random_range(0..topics);
                for _ in 0..count {
                    cache.push_back(topic);
                    overflowed |= cache.len() > NWAKU_CACHE_MESSAGES;
                    cache.truncate_front_to(NWAKU_CACHE_MESSAGES);
                }
                overflowed
            };
            let (mut overflows, mut quiet) = (0, 0);
            for _ in 0..5_000 {
                let between = rng.random_range(0..120);
                let mut overflowed = arrive(&mut cache, &mut rng, between);
                let mut left = if topics > 1 { NWAKU_CACHE_MESSAGES / 2 } else { 0 };
                let mut given = 0;
                for topic in 0..topics {
                    let before = cache.len();
                    cache.retain(|of| *of != topic);
                    given += before - cache.len();
                    let during = rng.random_range(0..=left);
                    left -= during;
                    overflowed |= arrive(&mut cache, &mut rng, during);
                }
                let told = mailboxes.judge_round(given).is_some();
                assert!(told || !overflowed, "{topics} topics, {given} messages");
                overflows += u32::from(overflowed);
                quiet += u32::from(!told);
            }
            assert!(
                overflows > 100 && quiet > 100,
                "{overflows} overflows, {quiet} quiet rounds"
            );
        }
    }

    trait TruncateFront {
        fn truncate_front_to(&mut self, len: usize);
    }

    impl TruncateFront for VecDeque<usize> {
        fn truncate_front_to(&mut self, len: usize) {
            self.drain(..self.len().saturating_sub(len));
        }
    }
}
