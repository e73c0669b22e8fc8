//! What one client makes of what is pushed to it.

use std::time::SystemTime;

use event_log::{Event, NumberedMessage, Timestamp};
use tokio::time::Instant;
use waku::{WakuMessage, message_hash, net::ClientEvent};

use crate::{
    deliveries::MAX_STRANGE_LINES,
    test_bench::{Bench, PUBSUB, SECOND, TOPIC, always_ok, names, numbered, payload},
};

#[tokio::test(start_paused = true)]
async fn every_delivery_is_logged_for_what_it_is() {
    let bench = Bench::new(1, &["--run-id=run".to_owned()], always_ok);
    bench.ready(0).await;
    let now = SystemTime::now();
    let message = bench.push(0, payload(&numbered(1, 1)), now).await;
    bench.push(0, payload(&numbered(1, 1)), now).await;
    bench.push(0, payload(&numbered(1, 2)), now).await;
    bench
        .push(
            0,
            payload(&NumberedMessage {
                run: Some("other".into()),
                ..numbered(1, 1)
            }),
            now,
        )
        .await;
    let mut cut = payload(&numbered(2, 1));
    cut.pop();
    bench.push(0, cut, now).await;
    bench.push(0, b"hello".to_vec(), now).await;
    let malformed = ClientEvent::MalformedPush {
        peer: bench.nodes[0],
        error: "bad varint".into(),
    };
    bench.send(malformed).await;
    let (counters, events) = bench.end().await;
    let expected = [
        "received",
        "received",
        "received",
        "received",
        "corrupt_received",
        "foreign_received",
        "malformed_frame",
    ];
    assert_eq!(names(&events[2..]), expected);
    let Event::Received(first) = &events[2] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (first.sender.as_str(), first.index, first.attempt),
        ("publisher-1/0", 1, Some(1))
    );
    assert_eq!(first.hash.0, *message_hash(PUBSUB, &message).as_bytes());
    assert_eq!(
        (first.size_bytes, first.run.clone(), first.intended),
        (600, None, Some(Timestamp::from_unix_ns(5)))
    );
    assert!(matches!(&events[5], Event::Received(received) if received.run.as_deref() == Some("other")));
    let got = [
        "received",
        "distinct",
        "duplicates",
        "retry_twins",
        "corrupt",
        "foreign",
        "malformed",
    ]
    .map(|name| counters[name]);
    assert_eq!(got, [4, 2, 1, 1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn foreign_traffic_does_not_fill_the_log() {
    let bench = Bench::new(1, &[], always_ok);
    let peer = bench.nodes[0];
    for _ in 0..MAX_STRANGE_LINES + 5 {
        let message = WakuMessage::new("hello", TOPIC, 1);
        let event = ClientEvent::Push {
            peer,
            pubsub_topic: PUBSUB.into(),
            message,
            arrived: SystemTime::now(),
        };
        bench.events.send(event).await.expect("client reads");
    }
    let (counters, events) = bench.end().await;
    assert_eq!((counters["foreign"], counters["unlogged"]), (MAX_STRANGE_LINES + 5, 5));
    assert_eq!(events.len() as u64, MAX_STRANGE_LINES);
}

#[tokio::test(start_paused = true)]
async fn only_messages_of_the_own_run_count_towards_the_end() {
    let options = ["--run-id=run", "--expect-messages=2"].map(str::to_owned);
    let bench = Bench::new(1, &options, always_ok);
    bench.ready(0).await;
    let now = SystemTime::now();
    let started = Instant::now();
    let rules = bench.shared.settings.end;
    for message in [
        numbered(1, 1),
        NumberedMessage {
            run: Some("other".into()),
            ..numbered(2, 1)
        },
        numbered(1, 2),
    ] {
        bench.push(0, payload(&message), now).await;
    }
    let wait = rules.wait(&bench.shared.activity, started);
    assert!(tokio::time::timeout(SECOND, wait).await.is_err(), "one of two");
    bench.push(0, payload(&numbered(2, 1)), now).await;
    assert_eq!(rules.wait(&bench.shared.activity, started).await, "completed");
}
