//! Makes the numbered messages of one client.

use std::sync::Arc;

use event_log::{MessageHash, NumberedMessage, Padding, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use runtime::light::Route;
use waku::{WakuMessage, message_hash};

/// A message on its way through its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Index, from 1.
    pub index: u32,
    /// The attempt to be made, from 1.
    pub attempt: u32,
    /// When the schedule wanted the index sent.
    pub intended: Timestamp,
    /// Wanted payload size, bytes; the same for every attempt.
    pub size_bytes: usize,
}

/// One attempt, ready to go.
#[derive(Debug, Clone)]
pub struct Built {
    /// Which one.
    pub planned: Planned,
    /// The message.
    pub message: WakuMessage,
    /// Its deterministic hash.
    pub hash: MessageHash,
    /// Where it goes.
    pub route: Route,
    /// When it was made: the time stamp of the message and `sentAt` of its payload.
    pub sent: Timestamp,
    /// Real payload size, bytes.
    pub size_bytes: u64,
}

/// Makes messages: picks sizes and topics, stamps, hashes.
#[derive(Debug)]
pub struct MessageFactory {
    /// Name of the client.
    pub sender: Arc<str>,
    /// Run id.
    pub run: Arc<str>,
    /// `count` in the payload.
    pub count: u32,
    /// Topics, used in turn by index.
    pub routes: Arc<[Route]>,
    /// Smallest and largest payload, bytes.
    pub size_range_bytes: (usize, usize),
    /// Whether stores are asked not to keep the messages.
    pub ephemeral: bool,
    /// Filler.
    pub padding: Padding,
    started: Timestamp,
    previous: Option<Timestamp>,
    sizes: StdRng,
}

/// What every client's factory has in common.
#[derive(Debug, Clone)]
pub struct FactoryPlan {
    /// See [`MessageFactory`].
    pub run: Arc<str>,
    /// See [`MessageFactory`].
    pub count: u32,
    /// See [`MessageFactory`].
    pub routes: Arc<[Route]>,
    /// See [`MessageFactory`].
    pub size_range_bytes: (usize, usize),
    /// See [`MessageFactory`].
    pub ephemeral: bool,
    /// Seed of sizes and filler.
    pub seed: u64,
    /// Filler, drawn from the seed.
    pub padding: Padding,
}

impl MessageFactory {
    /// The factory of client `client`, called `sender`.
    #[must_use]
    pub fn new(plan: &FactoryPlan, sender: &str, client: u32) -> Self {
        // Neighbouring seeds are expanded by the generator's own seeding, so clients draw unrelated sizes.
        let sizes = StdRng::seed_from_u64(
            plan.seed
                .wrapping_add(u64::from(client).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        );
        Self {
            sender: sender.into(),
            run: plan.run.clone(),
            count: plan.count,
            routes: plan.routes.clone(),
            size_range_bytes: plan.size_range_bytes,
            ephemeral: plan.ephemeral,
            padding: plan.padding.clone(),
            started: Timestamp::from_unix_ns(0),
            previous: None,
            sizes,
        }
    }

    /// Sets the moment from which `sinceStart` counts.
    pub fn start(&mut self, started: Timestamp) {
        self.started = started;
    }

    /// The first attempt at an index.
    pub fn plan(&mut self, index: u32, intended: Timestamp) -> Planned {
        let (min, max) = self.size_range_bytes;
        Planned {
            index,
            attempt: 1,
            intended,
            size_bytes: self.sizes.random_range(min..=max.max(min)),
        }
    }

    /// Builds the message of an attempt at the moment `now`. Time stamps of one client never repeat: `now` is moved on
    /// by a nanosecond where the clock has not.
    pub fn build(&mut self, planned: Planned, now: Timestamp) -> Built {
        let sent = match self.previous {
            Some(previous) if now <= previous => previous.saturating_add_ns(1),
            _ => now,
        };
        let numbered = NumberedMessage {
            sender: self.sender.to_string(),
            index: planned.index,
            count: self.count,
            started_at_ns: self.started.unix_ns(),
            since_start_ns: sent.since_ns(self.started),
            since_prev_ns: self.previous.map_or(0, |previous| sent.since_ns(previous)),
            size_bytes: 0,
            run: Some(self.run.to_string()),
            attempt: Some(planned.attempt),
            intended_at: Some(planned.intended),
            sent_at: Some(sent),
        };
        self.previous = Some(sent);
        let payload = numbered.encode(planned.size_bytes, &self.padding);
        let size_bytes = payload.len() as u64;
        let route = self.routes[(planned.index as usize - 1) % self.routes.len()].clone();
        let message = WakuMessage::new(payload, &*route.content_topic, sent.unix_ns())
            .with_version(0)
            .with_ephemeral(self.ephemeral);
        let hash = MessageHash(*message_hash(&route.pubsub_topic, &message).as_bytes());
        Built {
            planned,
            message,
            hash,
            route,
            sent,
            size_bytes,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn plan(count: u32) -> FactoryPlan {
        let routes = ["/a/1/x/proto", "/a/1/y/proto"].map(|topic| Route {
            pubsub_topic: "/waku/2/rs/0/0".into(),
            content_topic: topic.into(),
            shard: 0,
        });
        FactoryPlan {
            run: "run-1".into(),
            count,
            routes: routes.into(),
            size_range_bytes: (1024, 4096),
            ephemeral: false,
            seed: 7,
            padding: Padding::new(&mut StdRng::seed_from_u64(7)),
        }
    }

    #[test]
    fn a_receiver_reads_back_what_was_built() {
        let mut factory = MessageFactory::new(&plan(9), "publisher-1/0", 0);
        let (start, now) = (Timestamp::from_unix_ns(1_000), Timestamp::from_unix_ns(5_000));
        factory.start(start);
        let planned = factory.plan(3, Timestamp::from_unix_ns(4_000));
        let built = factory.build(planned, now);
        let read = NumberedMessage::decode(built.message.payload()).expect("numbered");
        assert_eq!(read.check(built.message.payload()), Ok(()));
        assert_eq!((read.sender.as_str(), read.index, read.count), ("publisher-1/0", 3, 9));
        assert_eq!(
            (read.started_at_ns, read.since_start_ns, read.since_prev_ns),
            (1_000, 4_000, 0)
        );
        assert_eq!(
            (read.attempt, read.intended_at, read.sent_at),
            (Some(1), Some(planned.intended), Some(now))
        );
        assert_eq!(read.run.as_deref(), Some("run-1"));
        assert_eq!(built.size_bytes as usize, planned.size_bytes);
        assert_eq!(built.message.timestamp(), now.unix_ns());
    }

    #[test]
    fn a_retry_of_one_index_has_its_own_time_and_hash_but_the_same_size() {
        let mut factory = MessageFactory::new(&plan(9), "p/0", 0);
        let now = Timestamp::from_unix_ns(5_000);
        let planned = factory.plan(1, now);
        let first = factory.build(planned, now);
        let second = factory.build(Planned { attempt: 2, ..planned }, now);
        assert_eq!(
            second.sent,
            now.saturating_add_ns(1),
            "a clock that stands still is moved on"
        );
        assert_ne!(first.hash, second.hash);
        assert_eq!(first.size_bytes, second.size_bytes);
    }

    #[test]
    fn topics_take_turns_by_index_and_sizes_stay_in_range() {
        let mut factory = MessageFactory::new(&plan(9), "p/0", 0);
        let now = Timestamp::from_unix_ns(5_000);
        for index in 1..=50 {
            let planned = factory.plan(index, now);
            assert!((1024..=4096).contains(&planned.size_bytes));
            let topic = factory.build(planned, now).route.content_topic;
            assert_eq!(&*topic, if index % 2 == 1 { "/a/1/x/proto" } else { "/a/1/y/proto" });
        }
    }

    #[test]
    fn the_seed_repeats_the_sizes_and_clients_differ() {
        let sizes = |client| {
            let mut factory = MessageFactory::new(&plan(9), "p", client);
            (1..=8)
                .map(|index| factory.plan(index, Timestamp::from_unix_ns(0)).size_bytes)
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(0), sizes(0));
        assert_ne!(sizes(0), sizes(1));
    }
}
