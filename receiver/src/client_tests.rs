//! How one client keeps its subscriptions, on a paused clock.

use std::time::{Duration, SystemTime};

use event_log::{Event, Timestamp};
use libp2p::PeerId;
use runtime::light::search::TestFeed;
use tokio::time::{Instant, sleep};
use waku::net::ClientEvent;

use crate::test_bench::{Ask, Bench, Call, PUBSUB, SECOND, always_ok, names, numbered, payload, status};

#[tokio::test(start_paused = true)]
async fn subscribes_in_requests_of_a_hundred_and_counts_as_ready_after_the_last() {
    let topics: Vec<_> = (0..250).map(|n| format!("--content-topic=/a/1/{n}/proto")).collect();
    let bench = Bench::new(1, &topics, |_, _| (SECOND, status(200)));
    bench.ready(0).await;
    sleep(SECOND * 5 / 2).await;
    assert!(!bench.is_ready(), "two of three requests answered");
    sleep(SECOND).await;
    assert!(bench.is_ready());
    assert_eq!(
        bench.asks(),
        [Ask::Subscribe(100), Ask::Subscribe(100), Ask::Subscribe(50)]
    );
    let (_, events) = bench.end().await;
    assert_eq!(names(&events), ["connected", "subscribed"]);
    assert!(
        matches!(&events[1], Event::Subscribed(s) if s.content_topics == 250 && !s.renewed && s.pubsub_topic == PUBSUB)
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_subscription_goes_on_where_it_was_refused() {
    let topics: Vec<_> = (0..150).map(|n| format!("--content-topic=/a/1/{n}/proto")).collect();
    let bench = Bench::new(1, &topics, |_, before| {
        (Duration::ZERO, status(if before == 1 { 429 } else { 200 }))
    });
    bench.ready(0).await;
    sleep(2 * SECOND).await;
    assert_eq!(
        bench.asks(),
        [Ask::Subscribe(100), Ask::Subscribe(50), Ask::Subscribe(50)]
    );
    let calls = bench.link.calls.lock().unwrap().clone();
    let pause = calls[2].at - calls[1].at;
    assert!(pause >= SECOND, "{pause:?}");
    assert!(bench.is_ready());
    let (counters, events) = bench.end().await;
    assert_eq!(names(&events), ["connected", "subscribe_failed", "subscribed"]);
    assert_eq!(counters["subscribes_failed"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_ping_answered_404_renews_the_subscription_at_once() {
    let answer = |call: &Call, before| {
        (
            Duration::ZERO,
            status(if call.ask == Ask::Ping && before == 1 { 404 } else { 200 }),
        )
    };
    let bench = Bench::new(1, &[], answer);
    bench.ready(0).await;
    sleep(35 * SECOND).await;
    assert_eq!(bench.asks(), [Ask::Subscribe(1), Ask::Ping, Ask::Subscribe(1)]);
    let (counters, events) = bench.end().await;
    let expected = [
        "connected",
        "subscribed",
        "ping_failed",
        "subscription_lost",
        "presence_lost",
        "subscribed",
        "presence_restored",
    ];
    assert_eq!(names(&events), expected);
    assert!(matches!(&events[5], Event::Subscribed(subscribed) if subscribed.renewed));
    assert_eq!(
        (counters["pings_failed"], counters["resubscribes"], counters["gaps"]),
        (1, 1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn one_unanswered_ping_is_forgiven_and_two_in_a_row_are_not() {
    let silent = |call: &Call, before| {
        let is_silent = call.ask == Ask::Ping && [1, 3, 4].contains(&before);
        (
            Duration::ZERO,
            if is_silent {
                Err("no answer within 5000 ms".into())
            } else {
                status(200)
            },
        )
    };
    let bench = Bench::new(1, &["--ping-interval=10s".to_owned()], silent);
    bench.ready(0).await;
    sleep(16 * SECOND).await;
    assert_eq!(
        bench.asks(),
        [Ask::Subscribe(1), Ask::Ping, Ask::Ping],
        "asked again after 5 s, and answered"
    );
    assert!(bench.is_ready());
    sleep(18 * SECOND).await;
    assert_eq!(bench.asks()[3..], [Ask::Ping, Ask::Ping, Ask::Subscribe(1)]);
    let (_, events) = bench.end().await;
    let failures: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::PingFailed(ping) => Some(ping.failures),
            _ => None,
        })
        .collect();
    assert_eq!(failures, [1, 1, 2]);
    assert_eq!(
        names(&events)
            .iter()
            .filter(|name| **name == "subscription_lost")
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_gap_begins_at_the_last_push_and_ends_with_the_new_subscription() {
    let bench = Bench::new(1, &[], always_ok);
    bench.ready(0).await;
    let arrived = SystemTime::now() + 1_000 * SECOND;
    bench.push(0, payload(&numbered(1, 1)), arrived).await;
    bench.lost(0).await;
    assert!(!bench.is_ready());
    bench.ready(0).await;
    assert!(bench.is_ready());
    let (_, events) = bench.end().await;
    let since = Timestamp::from(arrived);
    assert!(
        matches!(&events[4], Event::SubscriptionLost(lost) if lost.since == since && lost.reason == "gone"),
        "{events:?}"
    );
    assert!(matches!(&events[5], Event::PresenceLost(lost) if lost.since == since));
    assert_eq!(names(&events[6..]), ["reconnected", "subscribed", "presence_restored"]);
    assert!(matches!(&events[8], Event::PresenceRestored(restored) if restored.since == since));
}

#[tokio::test(start_paused = true)]
async fn presence_lasts_as_long_as_one_of_two_subscriptions() {
    let bench = Bench::new(2, &[], always_ok);
    bench.ready(0).await;
    assert!(!bench.is_ready(), "one of two");
    bench.ready(1).await;
    assert!(bench.is_ready());
    bench.lost(0).await;
    assert!(!bench.is_ready());
    bench.lost(1).await;
    let (counters, events) = bench.end().await;
    let expected = [
        "connected",
        "subscribed",
        "connected",
        "subscribed",
        "disconnected",
        "subscription_lost",
        "disconnected",
        "subscription_lost",
        "presence_lost",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(counters["gaps"], 1);
}

#[tokio::test(start_paused = true)]
async fn three_failures_turn_to_the_node_that_stands_by() {
    let bench = Bench::new(2, &["--redundancy=1".to_owned()], |_, before| {
        (Duration::ZERO, status(if before < 3 { 503 } else { 200 }))
    });
    let [first, second] = [bench.nodes[0], bench.nodes[1]];
    assert_eq!(bench.link.kept.lock().unwrap().len(), 0);
    bench.ready(0).await;
    assert_eq!(*bench.link.kept.lock().unwrap(), [first.into()]);
    sleep(4 * SECOND).await;
    assert_eq!(*bench.link.kept.lock().unwrap(), [second.into()]);
    bench.ready(1).await;
    assert!(bench.is_ready());
    assert_eq!(
        bench.link.calls.lock().unwrap().last().map(|call| call.peer.clone()),
        Some(second.into())
    );
    let (counters, events) = bench.end().await;
    assert_eq!(counters["switches"], 1);
    let switched = events.iter().find_map(|event| match event {
        Event::PeerSwitched(switched) => Some((switched.from.clone(), switched.to.clone())),
        _ => None,
    });
    assert_eq!(switched, Some((first.to_string(), second.to_string())));
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_disconnection_means_nothing() {
    let bench = Bench::new(1, &[], |_, before| {
        (if before == 0 { 5 * SECOND } else { SECOND }, status(200))
    });
    bench.ready(0).await;
    bench.lost(0).await;
    sleep(6 * SECOND).await;
    assert!(!bench.is_ready(), "the late answer came over a connection that is gone");
    bench.ready(0).await;
    sleep(2 * SECOND).await;
    assert!(bench.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_node_without_filter_is_refused_and_ends_the_wait() {
    let bench = Bench::new(1, &[], always_ok);
    bench.ready_serving(bench.nodes[0], Vec::new()).await;
    let deadline = Instant::now() + 60 * SECOND;
    let started = Instant::now();
    let error = bench
        .shared
        .board
        .all_ready(deadline)
        .await
        .expect_err("hopeless")
        .to_string();
    assert_eq!(Instant::now(), started, "at once");
    assert!(error.contains("filter-subscribe/2.0.0-beta1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_end_takes_subscriptions_back_and_waits_only_briefly() {
    let bench = Bench::new(1, &[], |call, _| {
        (
            if call.ask == Ask::UnsubscribeAll {
                3_600 * SECOND
            } else {
                Duration::ZERO
            },
            status(200),
        )
    });
    bench.ready(0).await;
    let link = bench.link.clone();
    let started = Instant::now();
    let (_, events) = bench.end().await;
    assert_eq!(started.elapsed().as_secs(), 2);
    assert_eq!(
        link.calls.lock().unwrap().last().map(|call| call.ask.clone()),
        Some(Ask::UnsubscribeAll)
    );
    assert!(!names(&events).contains(&"subscription_lost"), "leaving is no loss");
}

#[tokio::test(start_paused = true)]
async fn a_client_refused_by_all_waits_for_a_search_and_takes_what_it_finds() {
    let (mut test_feed, feed) = TestFeed::new();
    let bench = Bench::with_feed(1, &[], feed, always_ok);
    bench.ready_serving(bench.nodes[0], Vec::new()).await;
    test_feed.asked().await;
    let found = PeerId::random();
    let address = format!("/ip4/127.0.0.1/tcp/1/p2p/{found}");
    test_feed.give(vec![address.parse().expect("valid address")]);
    sleep(SECOND).await;
    assert_eq!(*bench.link.kept.lock().unwrap(), [found.into()]);
    bench.ready_peer(found).await;
    assert!(bench.is_ready());
    let (counters, _) = bench.end().await;
    assert_eq!(counters["switches"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_refused_by_all_gives_up_when_nothing_more_is_found() {
    let (test_feed, feed) = TestFeed::new();
    let bench = Bench::with_feed(1, &[], feed, always_ok);
    let (peer, error) = (bench.nodes[0], "another cluster".to_owned());
    bench.send(ClientEvent::Refused { peer, error }).await;
    let waiting = bench.shared.board.all_ready(Instant::now() + 60 * SECOND);
    assert!(tokio::time::timeout(SECOND, waiting).await.is_err(), "a search is on");
    test_feed.exhaust();
    let error = bench.shared.board.all_ready(Instant::now() + 60 * SECOND).await;
    assert!(error.expect_err("hopeless").to_string().contains("another cluster"));
}

#[tokio::test(start_paused = true)]
async fn more_service_nodes_are_asked_for_only_when_all_were_used() {
    let (mut test_feed, feed) = TestFeed::new();
    let bench = Bench::with_feed(2, &["--redundancy=1".to_owned()], feed, always_ok);
    let dial_failed = |peer| ClientEvent::DialFailed {
        peer,
        error: "connection refused".into(),
        retry_in: None,
    };
    for _ in 0..3 {
        bench.send(dial_failed(bench.nodes[0])).await;
    }
    assert_eq!(*bench.link.kept.lock().unwrap(), [bench.nodes[1].into()]);
    assert!(!test_feed.was_asked(), "the second had not been used");
    for _ in 0..3 {
        bench.send(dial_failed(bench.nodes[1])).await;
    }
    assert!(test_feed.was_asked());
    assert_eq!(
        *bench.link.kept.lock().unwrap(),
        [bench.nodes[0].into()],
        "meanwhile the first again"
    );
}
