use std::time::Duration;

use proptest::{prelude::*, sample::Index};

use super::*;

const PUBSUB: &str = "/waku/2/rs/1/0";

fn topics(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers
        .into_iter()
        .map(|number| format!("/app/1/topic-{number}/proto"))
        .collect()
}

fn table() -> (SubscriptionTable, PeerId, Instant) {
    (
        SubscriptionTable::new(FilterLimits::default()),
        PeerId::random(),
        Instant::now(),
    )
}

fn refusal(result: Result<(), Refusal>) -> (u32, String) {
    let refusal = result.expect_err("must be refused");
    (refusal.code, refusal.text)
}

#[test]
fn requests_without_topics_or_with_too_many_are_bad() {
    let (mut table, peer, now) = table();
    let missing = (400, "pubsubTopic and contentTopics must be specified".to_owned());
    let too_many = (400, "exceeds maximum content topics: 100".to_owned());
    let too_long = (400, "topic has 257 bytes, at most 256 are taken".to_owned());
    assert_eq!(refusal(table.subscribe(peer, "", &topics([1]), now)), missing);
    assert_eq!(refusal(table.subscribe(peer, PUBSUB, &[], now)), missing);
    assert_eq!(refusal(table.subscribe(peer, PUBSUB, &topics(0..101), now)), too_many);
    assert_eq!(
        refusal(table.subscribe(peer, PUBSUB, &["x".repeat(257)], now)),
        too_long
    );
    assert_eq!(
        refusal(table.subscribe(peer, &"x".repeat(257), &topics([1]), now)),
        too_long
    );
    assert_eq!(refusal(table.unsubscribe(peer, "", &topics([1]), now)), missing);
    assert_eq!(refusal(table.unsubscribe(peer, PUBSUB, &topics(0..101), now)), too_many);
    assert!(table.is_empty());
    assert_eq!(table.subscribe(peer, PUBSUB, &topics(0..100), now), Ok(()));
}

#[test]
fn a_peer_without_subscription_is_told_so() {
    let (mut table, peer, now) = table();
    let not_found = (404, "peer has no subscriptions".to_owned());
    assert_eq!(refusal(table.ping(peer, now)), not_found);
    assert_eq!(refusal(table.unsubscribe(peer, PUBSUB, &topics([1]), now)), not_found);
    assert_eq!(refusal(table.unsubscribe_all(peer)), not_found);
    table.subscribe(peer, PUBSUB, &topics([1]), now).unwrap();
    assert_eq!(refusal(table.unsubscribe(peer, PUBSUB, &topics([2]), now)), not_found);
    assert_eq!(
        refusal(table.unsubscribe(peer, "/waku/2/rs/1/1", &topics([1]), now)),
        not_found
    );
    assert_eq!(table.ping(peer, now), Ok(()));
    assert_eq!(table.unsubscribe_all(peer), Ok(()));
    assert_eq!(refusal(table.ping(peer, now)), not_found);
}

#[test]
fn the_last_unsubscribe_removes_the_subscriber() {
    let (mut table, peer, now) = table();
    table.subscribe(peer, PUBSUB, &topics(0..3), now).unwrap();
    assert_eq!(table.unsubscribe(peer, PUBSUB, &topics(1..5), now), Ok(()));
    assert_eq!((table.len(), table.criteria_count()), (1, 1));
    assert_eq!(table.unsubscribe(peer, PUBSUB, &topics([0]), now), Ok(()));
    assert_eq!((table.len(), table.criteria_count()), (0, 0));
    assert!(table.by_topic.is_empty());
}

#[test]
fn a_peer_holds_at_most_1000_distinct_criteria() {
    let (mut table, peer, now) = table();
    for chunk in 0..10 {
        table
            .subscribe(peer, PUBSUB, &topics(chunk * 100..(chunk + 1) * 100), now)
            .unwrap();
    }
    let full = (503, "peer has reached maximum number of filter criteria".to_owned());
    assert_eq!(refusal(table.subscribe(peer, PUBSUB, &topics([1000]), now)), full);
    assert_eq!(
        refusal(table.subscribe(peer, "/waku/2/rs/1/1", &topics([0]), now)),
        full
    );
    assert_eq!(table.subscribe(peer, PUBSUB, &topics(0..100), now), Ok(()));
    assert_eq!(table.criteria_count(), 1000);
}

#[test]
fn one_topic_named_many_times_counts_once() {
    let limits = FilterLimits {
        max_criteria_per_peer: 1,
        ..FilterLimits::default()
    };
    let mut table = SubscriptionTable::new(limits);
    let (peer, now) = (PeerId::random(), Instant::now());
    assert_eq!(table.subscribe(peer, PUBSUB, &topics([7; 50]), now), Ok(()));
    assert_eq!(table.criteria_count(), 1);
    assert_eq!(table.subscribers(PUBSUB, &topics([7])[0]).collect::<Vec<_>>(), [peer]);
}

#[test]
fn a_full_node_refuses_new_subscribers_and_serves_the_old() {
    let limits = FilterLimits {
        max_subscribers: 2,
        ..FilterLimits::default()
    };
    let mut table = SubscriptionTable::new(limits);
    let now = Instant::now();
    let peers = [PeerId::random(), PeerId::random(), PeerId::random()];
    assert_eq!(table.subscribe(peers[0], PUBSUB, &topics([1]), now), Ok(()));
    assert_eq!(table.subscribe(peers[1], PUBSUB, &topics([1]), now), Ok(()));
    let full = (503, "node has reached maximum number of subscriptions: 2".to_owned());
    assert_eq!(refusal(table.subscribe(peers[2], PUBSUB, &topics([1]), now)), full);
    assert_eq!(table.subscribe(peers[0], PUBSUB, &topics([2]), now), Ok(()));
    assert!(table.remove(&peers[0]));
    assert_eq!(table.subscribe(peers[2], PUBSUB, &topics([1]), now), Ok(()));
}

#[test]
fn every_success_renews_and_a_refusal_does_not() {
    let minute = Duration::from_secs(60);
    let (mut table, peer, start) = table();
    let subscribed = |table: &mut SubscriptionTable, at| table.subscribe(peer, PUBSUB, &topics([1, 2]), at);
    subscribed(&mut table, start).unwrap();
    table.ping(peer, start + 4 * minute).unwrap();
    assert_eq!(table.expire(start + 9 * minute), []);
    table
        .unsubscribe(peer, PUBSUB, &topics([2]), start + 9 * minute)
        .unwrap();
    assert_eq!(table.expire(start + 14 * minute), []);
    subscribed(&mut table, start + 14 * minute).unwrap();
    assert_eq!(
        refusal(table.unsubscribe(peer, PUBSUB, &topics([9]), start + 18 * minute)).0,
        404
    );
    assert_eq!(refusal(table.subscribe(peer, PUBSUB, &[], start + 18 * minute)).0, 400);
    assert_eq!(table.expire(start + 19 * minute), []);
    assert_eq!(table.expire(start + 19 * minute + Duration::from_nanos(1)), [peer]);
    assert!(table.is_empty() && table.by_topic.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Subscribe {
        peer: usize,
        pubsub: usize,
        contents: Vec<usize>,
    },
    Unsubscribe {
        peer: usize,
        pubsub: usize,
        contents: Vec<usize>,
    },
    UnsubscribeAll {
        peer: usize,
    },
    Ping {
        peer: usize,
    },
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let request = || (0_usize..4, 0_usize..2, prop::collection::vec(0_usize..6, 0..5));
    let step = prop_oneof![
        4 => request().prop_map(|(peer, pubsub, contents)| Step::Subscribe { peer, pubsub, contents }),
        3 => request().prop_map(|(peer, pubsub, contents)| Step::Unsubscribe { peer, pubsub, contents }),
        1 => (0_usize..4).prop_map(|peer| Step::UnsubscribeAll { peer }),
        1 => (0_usize..4).prop_map(|peer| Step::Ping { peer }),
        1 => Just(Step::Expire),
    ];
    prop::collection::vec((0_u64..120, step), 1..150)
}

/// The table as a list of triples and a list of renewal times.
#[derive(Default)]
struct Model {
    triples: Vec<(usize, usize, usize)>,
    renewed: HashMap<usize, Instant>,
}

impl Model {
    fn held(&self, peer: usize) -> usize {
        self.triples.iter().filter(|triple| triple.0 == peer).count()
    }

    /// The code of the answer.
    fn apply(&mut self, step: &Step, limits: &FilterLimits, now: Instant) -> u32 {
        let code = match step {
            Step::Subscribe { peer, pubsub, contents } => self.subscribe(*peer, *pubsub, contents, limits),
            Step::Unsubscribe { contents, .. } if contents.is_empty() || contents.len() > 3 => 400,
            Step::Unsubscribe { peer, pubsub, contents } => {
                let before = self.triples.len();
                self.triples
                    .retain(|(p, s, c)| (p, s) != (peer, pubsub) || !contents.contains(c));
                if self.triples.len() < before { 200 } else { 404 }
            }
            Step::UnsubscribeAll { peer } | Step::Ping { peer } if self.held(*peer) == 0 => 404,
            Step::UnsubscribeAll { peer } => {
                self.triples.retain(|triple| triple.0 != *peer);
                200
            }
            Step::Ping { .. } => 200,
            Step::Expire => {
                let renewed = &self.renewed;
                self.triples
                    .retain(|(peer, _, _)| now.duration_since(renewed[peer]) <= limits.ttl);
                200
            }
        };
        match step {
            Step::Subscribe { peer, .. } | Step::Unsubscribe { peer, .. } | Step::Ping { peer } if code == 200 => {
                self.renewed.insert(*peer, now);
            }
            _ => {}
        }
        code
    }

    fn subscribe(&mut self, peer: usize, pubsub: usize, contents: &[usize], limits: &FilterLimits) -> u32 {
        if contents.is_empty() || contents.len() > limits.max_topics_per_request {
            return 400;
        }
        let others: HashSet<usize> = self
            .triples
            .iter()
            .map(|triple| triple.0)
            .filter(|other| *other != peer)
            .collect();
        if self.held(peer) == 0 && others.len() >= limits.max_subscribers {
            return 503;
        }
        let mut after = self.triples.clone();
        after.extend(contents.iter().map(|content| (peer, pubsub, *content)));
        after.sort_unstable();
        after.dedup();
        if after.iter().filter(|triple| triple.0 == peer).count() > limits.max_criteria_per_peer {
            return 503;
        }
        self.triples = after;
        200
    }
}

fn apply(table: &mut SubscriptionTable, peers: &[PeerId], step: &Step, now: Instant) -> u32 {
    let pubsub = |number: usize| format!("/waku/2/rs/1/{number}");
    let result = match step {
        Step::Subscribe {
            peer,
            pubsub: shard,
            contents,
        } => table.subscribe(peers[*peer], &pubsub(*shard), &topics(contents.iter().copied()), now),
        Step::Unsubscribe {
            peer,
            pubsub: shard,
            contents,
        } => table.unsubscribe(peers[*peer], &pubsub(*shard), &topics(contents.iter().copied()), now),
        Step::UnsubscribeAll { peer } => table.unsubscribe_all(peers[*peer]),
        Step::Ping { peer } => table.ping(peers[*peer], now),
        Step::Expire => {
            table.expire(now);
            Ok(())
        }
    };
    result.map_or_else(|refusal| refusal.code, |()| 200)
}

proptest! {
    #[test]
    fn equals_a_list_of_triples(steps in steps(), probe: Index) {
        let ttl = Duration::from_secs(300);
        let limits = FilterLimits { max_subscribers: 3, max_criteria_per_peer: 6, max_topics_per_request: 3, ttl };
        let peers: Vec<PeerId> = (0..4).map(|_| PeerId::random()).collect();
        let mut table = SubscriptionTable::new(limits.clone());
        let mut model = Model::default();
        let mut now = Instant::now();
        let probe = probe.index(steps.len());
        for (index, (pause_s, step)) in steps.iter().enumerate() {
            now += Duration::from_secs(*pause_s);
            let expected = model.apply(step, &limits, now);
            prop_assert_eq!(apply(&mut table, &peers, step, now), expected, "{:?}", step);
            prop_assert_eq!(table.criteria_count(), model.triples.len());
            let holders: HashSet<usize> = model.triples.iter().map(|triple| triple.0).collect();
            prop_assert_eq!(table.len(), holders.len());
            prop_assert!(holders.iter().all(|peer| table.contains(&peers[*peer])));
            let sets = || table.subscribers.values().flat_map(|subscriber| subscriber.topics.values());
            prop_assert!(sets().all(|contents| !contents.is_empty()));
            prop_assert_eq!(sets().map(HashSet::len).sum::<usize>(), model.triples.len());
            if index != probe && index + 1 != steps.len() {
                continue;
            }
            for (shard, content) in (0..2).flat_map(|shard| (0..6).map(move |content| (shard, content))) {
                let got = table.subscribers(&format!("/waku/2/rs/1/{shard}"), &topics([content])[0]);
                let got: HashSet<PeerId> = got.collect();
                let wanted = model.triples.iter().filter(|(_, s, c)| (*s, *c) == (shard, content));
                prop_assert_eq!(got, wanted.map(|triple| peers[triple.0]).collect::<HashSet<_>>());
            }
        }
    }
}
