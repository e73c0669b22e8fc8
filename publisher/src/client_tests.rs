//! One client against a service node made of closures, on a paused clock.

use std::time::Duration;

use event_log::{Event, event::FailureOutcome};
use libp2p::PeerId;
use runtime::light::search::TestFeed;
use tokio::time::{Instant, sleep};
use waku::{net::ClientEvent, wire::protocol_id};

use crate::{
    retry::Outcome,
    test_bench::{Bench, Call, MS, acked, failures, refused},
};

/// Timers are exact to a millisecond.
const TIMER: Duration = Duration::from_millis(2);

#[tokio::test(start_paused = true)]
async fn every_message_is_sent_once_at_its_due_time() {
    let bench = Bench::begun(&["--interval=100ms", "--messages=10"], |_| (5 * MS, acked())).await;
    let wall = bench.wall;
    let (calls, counters, events) = bench.end().await;
    assert_eq!(
        calls.iter().map(|call| call.index).collect::<Vec<_>>(),
        (1..=10).collect::<Vec<_>>()
    );
    for (before, call) in (0_u32..).zip(&calls) {
        let due = before * 100 * MS;
        assert!(call.at >= due && call.at <= due + TIMER, "{call:?}");
        assert_eq!(call.intended, wall.saturating_add_ns(i64::from(before) * 100_000_000));
    }
    assert_eq!(
        (counters["planned"], counters["attempted"], counters["acked"]),
        (10, 10, 10)
    );
    let names: Vec<_> = events.iter().map(Event::name).collect();
    assert_eq!(names.iter().filter(|name| **name == "publish_attempt").count(), 10);
    assert_eq!(names.iter().filter(|name| **name == "published").count(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_node_does_not_slow_the_schedule() {
    let bench = Bench::begun(&["--interval=100ms", "--messages=20"], |_| {
        (Duration::from_secs(10), acked())
    })
    .await;
    let (calls, counters, _) = bench.end().await;
    assert!(
        calls
            .iter()
            .zip(0_u32..)
            .all(|(call, before)| call.at <= before * 100 * MS + TIMER),
        "{calls:?}"
    );
    assert_eq!(counters["acked"], 20);
}

#[tokio::test(start_paused = true)]
async fn a_full_window_makes_messages_late_but_drops_none() {
    let options = ["--interval=10ms", "--messages=40", "--in-flight=4"];
    let bench = Bench::begun(&options, |_| (100 * MS, acked())).await;
    let (wall, open) = (bench.wall, bench.link.open.clone());
    let (calls, counters, _) = bench.end().await;
    assert_eq!((calls.len(), counters["acked"]), (40, 40));
    assert_eq!(open.lock().unwrap().1, 4, "the window is used and not exceeded");
    let last = calls.last().expect("calls");
    assert_eq!(
        last.intended,
        wall.saturating_add_ns(390_000_000),
        "the intended time does not slip"
    );
    assert!(
        last.at >= 900 * MS,
        "4 in 100 ms: the last one leaves after 900 ms, not {:?}",
        last.at
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_waiting_cures_is_tried_again_as_a_new_message() {
    let answer = |call: &Call| (MS, if call.attempt == 1 { refused(429) } else { acked() });
    let bench = Bench::begun(&["--messages=1", "--retry-after=2s"], answer).await;
    let (calls, counters, events) = bench.end().await;
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2]);
    assert!(
        calls[1].at >= Duration::from_secs(2) && calls[1].intended == calls[0].intended,
        "{calls:?}"
    );
    assert_eq!(failures(&events), [(1, 1, FailureOutcome::Refused, true, true)]);
    let hashes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::PublishAttempt(attempt) => Some(attempt.hash),
            _ => None,
        })
        .collect();
    assert!(hashes.len() == 2 && hashes[0] != hashes[1], "{hashes:?}");
    assert_eq!(
        (
            counters["refused"],
            counters["acked"],
            counters["retries"],
            counters["failed"]
        ),
        (1, 1, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_are_limited_and_permanent_refusals_not_repeated() {
    let bench = Bench::begun(&["--messages=1", "--attempts=3", "--fixed-service-node"], |_| {
        (MS, refused(505))
    })
    .await;
    let (_, counters, events) = bench.end().await;
    let retries: Vec<_> = failures(&events).into_iter().map(|failure| failure.4).collect();
    assert_eq!(retries, [true, true, false]);
    assert_eq!((counters["attempts"], counters["failed"]), (3, 1));
    let bench = Bench::begun(&["--messages=1"], |_| (MS, refused(420))).await;
    assert_eq!(
        failures(&bench.end().await.2),
        [(1, 1, FailureOutcome::Refused, true, false)]
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_messages_count_as_not_sent_and_are_retried() {
    let bench = Bench::begun(
        &[
            "--messages=3",
            "--interval=1s",
            "--retry-after=5s",
            "--fixed-service-node",
        ],
        |_| (MS, acked()),
    )
    .await;
    sleep(500 * MS).await;
    bench.lost(0).await;
    sleep(Duration::from_secs(3)).await;
    bench.ready(0).await;
    let (calls, counters, events) = bench.end().await;
    let not_sent = FailureOutcome::NotSent;
    assert_eq!(
        failures(&events),
        [(2, 1, not_sent, false, true), (3, 1, not_sent, false, true)]
    );
    assert_eq!(
        calls.iter().map(|call| (call.index, call.attempt)).collect::<Vec<_>>(),
        [(1, 1), (2, 2), (3, 2)]
    );
    assert_eq!((counters["not_sent"], counters["acked"], counters["failed"]), (2, 3, 0));
    let attempts = events.iter().filter(|event| event.name() == "publish_attempt").count();
    assert_eq!(attempts, 3, "what never left has no publish_attempt");
}

#[tokio::test(start_paused = true)]
async fn three_failures_of_any_kind_turn_to_the_next_service_node() {
    let kinds = |call: &Call| match (call.index, call.attempt) {
        (1, 1) => (MS, refused(505)),
        (2, 1) => (MS, Err(Outcome::NoAnswer("timeout".into()))),
        (3, 1) => (MS, Err(Outcome::NotSent("reset".into()))),
        _ => (MS, acked()),
    };
    let bench = Bench::begun(
        &[
            "--messages=4",
            "--interval=100ms",
            "--switch-after=3",
            "--retry-after=1s",
        ],
        kinds,
    )
    .await;
    sleep(250 * MS).await;
    assert_eq!(
        *bench.link.kept.lock().unwrap(),
        [bench.nodes[1].into()],
        "connects to the second only"
    );
    bench.ready(1).await;
    let (from, to) = (bench.nodes[0].to_string(), bench.nodes[1].to_string());
    let (calls, counters, events) = bench.end().await;
    let switched: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::PeerSwitched(switched) => Some((switched.from.clone(), switched.to.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(switched, [(from, to.clone())]);
    assert!(
        calls.iter().skip(3).all(|call| call.peer.to_string() == to),
        "{calls:?}"
    );
    assert_eq!((counters["switches"], counters["acked"], counters["failed"]), (1, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_signal_stops_the_schedule_and_waits_for_answers() {
    let bench = Bench::begun(&["--messages=100", "--interval=100ms"], |_| {
        (Duration::from_secs(3), acked())
    })
    .await;
    sleep(450 * MS).await;
    bench.stop.request();
    let started = Instant::now();
    let (calls, counters, events) = bench.end().await;
    assert_eq!(calls.len(), 5);
    assert_eq!((counters["acked"], counters["not_attempted"]), (5, 95));
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "answers were waited for, and no longer"
    );
    assert_eq!(failures(&events), []);
}

#[tokio::test(start_paused = true)]
async fn a_signal_abandons_retries_and_says_so() {
    let bench = Bench::begun(&["--messages=2", "--interval=1s"], |call| match call.index {
        1 => (MS, refused(429)),
        _ => (Duration::from_secs(2), refused(429)),
    })
    .await;
    sleep(1_500 * MS).await;
    bench.stop.request();
    let (calls, counters, events) = bench.end().await;
    assert_eq!(calls.len(), 2, "{calls:?}");
    let retries: Vec<_> = failures(&events)
        .into_iter()
        .map(|failure| (failure.0, failure.4))
        .collect();
    assert_eq!(
        retries,
        [(1, true), (2, false)],
        "after the signal no retry is promised"
    );
    assert_eq!((counters["retries_abandoned"], counters["failed"]), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn answers_that_never_come_are_given_up_after_the_drain_timeout() {
    let bench = Bench::begun(&["--messages=2", "--interval=100ms", "--drain-timeout=5s"], |_| {
        (Duration::from_secs(3_600), acked())
    })
    .await;
    let started = Instant::now();
    let (_, counters, events) = bench.end().await;
    assert!(
        (started.elapsed().as_secs_f64() - 5.1).abs() < 0.05,
        "{:?}",
        started.elapsed()
    );
    let no_answer = FailureOutcome::NoAnswer;
    let mut failed = failures(&events);
    failed.sort_by_key(|failure| failure.0);
    assert_eq!(failed, [(1, 1, no_answer, true, false), (2, 1, no_answer, true, false)]);
    assert_eq!(counters["no_answer"], 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_pace_the_window_is_the_load_and_an_outage_spends_nothing() {
    let bench = Bench::new(&["--messages=50", "--rate=0", "--in-flight=8"], |_| (10 * MS, acked()));
    let open = bench.link.open.clone();
    bench.begin();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(bench.shared.metrics.attempts.get(), 0, "not connected yet");
    bench.ready(0).await;
    let (calls, counters, _) = bench.end().await;
    assert_eq!((calls.len(), counters["acked"], counters["not_sent"]), (50, 50, 0));
    assert_eq!(open.lock().unwrap().1, 8);
    assert!(calls.last().expect("calls").at < Duration::from_millis(5_000 + 80));
}

#[tokio::test(start_paused = true)]
async fn a_full_window_makes_messages_late_but_the_duration_drops_none() {
    let options = ["--duration=1s", "--interval=100ms", "--in-flight=1", "--attempts=1"];
    let bench = Bench::begun(&options, |_| (400 * MS, acked())).await;
    let (calls, counters, _) = bench.end().await;
    assert_eq!(calls.len(), 10, "one every 400 ms: {calls:?}");
    assert_eq!(
        (counters["planned"], counters["attempted"], counters["not_attempted"]),
        (10, 10, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_without_the_wanted_lightpush_is_left_at_once() {
    let bench = Bench::new(&["--messages=1"], |_| (MS, acked()));
    let event = ClientEvent::Ready {
        peer: bench.nodes[0],
        address: "/ip4/127.0.0.1/tcp/1".parse().expect("address"),
        agent: None,
        protocols: vec![protocol_id::LIGHTPUSH_V2.to_owned()],
    };
    bench.events.send(event).await.expect("client reads");
    bench.ready(1).await;
    bench
        .shared
        .board
        .all_ready(Instant::now() + Duration::from_secs(1))
        .await
        .expect("ready");
    bench.begin();
    let second = bench.nodes[1];
    let (calls, ..) = bench.end().await;
    assert!(calls.iter().all(|call| call.peer == second.into()), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_found_node_takes_over_when_all_others_refused() {
    let (mut test_feed, feed) = TestFeed::new();
    let options = ["--messages=2", "--interval=1s"];
    let bench = Bench::with_feed(&options, feed, |_| (MS, acked()));
    for node in 0..2 {
        let (peer, error) = (bench.nodes[node], "another cluster".to_owned());
        let refused = ClientEvent::Refused { peer, error };
        bench.events.send(refused).await.expect("client reads");
    }
    test_feed.asked().await;
    let found = PeerId::random();
    let address = format!("/ip4/127.0.0.1/tcp/1/p2p/{found}");
    test_feed.give(vec![address.parse().expect("valid address")]);
    sleep(MS).await;
    bench.ready_peer(found).await;
    let waiting = bench.shared.board.all_ready(Instant::now() + Duration::from_secs(1));
    waiting.await.expect("ready at the node that was found");
    bench.begin();
    let (calls, counters, _) = bench.end().await;
    assert!(calls.iter().all(|call| call.peer == found.into()), "{calls:?}");
    assert_eq!((counters["acked"], counters["switches"]), (2, 2));
}
