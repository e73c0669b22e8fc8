//! Push streams as the four kinds of clients take them: many messages on one, one on each, closed early, reset.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer, read_push},
    *,
};
use event_log::{Event, event::PushOutcome};
use futures::AsyncWriteExt;
use libp2p::Stream;
use waku::net::LightpushVersion;

async fn standalone() -> TestNode {
    let mut config = config();
    config.standalone = true;
    start(config).await
}

async fn subscriber(node: &TestNode, agent: &str) -> RawPeer {
    let raw = RawPeer::at(
        node,
        RawConfig {
            agent: agent.into(),
            ..RawConfig::default()
        },
    )
    .await;
    raw.subscribe(node).await;
    raw
}

/// Pushes `count` messages, one after the other, and returns their payloads.
async fn push(publisher: &TestClient, node: &TestNode, count: usize) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for _ in 0..count {
        let message = message("push");
        let answer = publisher
            .client
            .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &message)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200);
        payloads.push(message.payload().to_vec());
    }
    payloads
}

/// Waits until every push so far has been written, and asserts that none was lost on the node's side.
async fn all_ok(node: &TestNode, count: usize) {
    let pick = |event: &Event| match event {
        Event::FilterPushed(pushed) => Some(pushed.outcome),
        _ => None,
    };
    let outcomes = node.wait_for_events(count, pick).await;
    assert!(
        outcomes.iter().all(|outcome| *outcome == PushOutcome::Ok),
        "{outcomes:?}"
    );
}

/// Takes a stream as go-waku does: one message, then closes.
async fn take_one(raw: &mut RawPeer) -> Vec<u8> {
    let mut stream = raw.next_stream().await;
    let payload = read_push(&mut stream).await;
    close(stream).await;
    payload
}

async fn close(mut stream: Stream) {
    let _ = stream.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_read_on_get_160_messages_on_one_stream() {
    let node = standalone().await;
    let publisher = client_at(&node).await;
    for (round, agent) in ["js-waku", "logos-delivery-v0.38.1", ""].into_iter().enumerate() {
        let mut raw = subscriber(&node, agent).await;
        let sent = push(&publisher, &node, 160).await;
        let mut stream = raw.next_stream().await;
        for expected in &sent {
            assert_eq!(read_push(&mut stream).await, *expected, "{agent:?}");
        }
        all_ok(&node, 160 * (round + 1)).await;
        assert!(raw.inbound.try_recv().is_err(), "{agent:?} got a second stream");
        assert_eq!(
            raw.filter(&node, &waku::wire::FilterSubscribeRequest::unsubscribe_all("u"))
                .await
                .status()
                .code,
            200
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn go_waku_gets_each_of_50_messages_on_a_stream_of_its_own() {
    let node = standalone().await;
    let publisher = client_at(&node).await;
    let mut raw = subscriber(&node, "go-waku").await;
    let sent = push(&publisher, &node, 50).await;
    for expected in &sent {
        assert_eq!(take_one(&mut raw).await, *expected);
    }
    all_ok(&node, 50).await;
    assert!(raw.inbound.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closes_after_one_message_gets_a_stream_for_each_from_then_on() {
    let node = standalone().await;
    let publisher = client_at(&node).await;
    let mut raw = subscriber(&node, "unlabelled").await;
    let first = push(&publisher, &node, 1).await;
    assert_eq!(take_one(&mut raw).await, first[0]);
    // The node's side of the connection has seen the end of the stream before it sees this.
    assert_eq!(raw.ping(&node).await, 200);
    let sent = push(&publisher, &node, 30).await;
    for expected in &sent {
        assert_eq!(take_one(&mut raw).await, *expected);
    }
    all_ok(&node, 31).await;
}

/// The first stream may carry several messages before its end is seen; what comes after must not be lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closes_after_one_of_many_messages_loses_only_those_of_the_first_stream() {
    let node = standalone().await;
    let publisher = client_at(&node).await;
    let mut raw = subscriber(&node, "unlabelled").await;
    let burst = push(&publisher, &node, 20).await;
    all_ok(&node, 20).await;
    assert_eq!(take_one(&mut raw).await, burst[0]);
    assert_eq!(raw.ping(&node).await, 200);
    let sent = push(&publisher, &node, 30).await;
    for expected in &sent {
        assert_eq!(take_one(&mut raw).await, *expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_resets_its_stream_gets_the_next_message_on_a_new_one() {
    let node = standalone().await;
    let publisher = client_at(&node).await;
    let mut raw = subscriber(&node, "unlabelled").await;
    for round in 1..=5 {
        let sent = push(&publisher, &node, 1).await;
        let mut stream = raw.next_stream().await;
        assert_eq!(read_push(&mut stream).await, sent[0]);
        drop(stream); // before its end: a reset
        assert_eq!(raw.ping(&node).await, 200);
        all_ok(&node, round).await;
    }
}

/// The subscription outlives the connection; what was learnt about the stream must not.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_connects_anew_gets_one_stream_again() {
    let node = standalone().await;
    let publisher = client_at(&node).await;
    let config = RawConfig::default();
    let again = RawConfig {
        keypair: config.keypair.clone(),
        ..RawConfig::default()
    };
    let mut first = RawPeer::at(&node, config).await;
    first.subscribe(&node).await;
    let sent = push(&publisher, &node, 1).await;
    assert_eq!(take_one(&mut first).await, sent[0]);
    assert_eq!(first.ping(&node).await, 200);
    let sent = push(&publisher, &node, 1).await;
    assert_eq!(take_one(&mut first).await, sent[0]);
    drop(first);
    node.wait_for_events(1, |event| matches!(event, Event::PeerDisconnected(_)).then_some(()))
        .await;

    let mut second = RawPeer::at(&node, again).await;
    let sent = push(&publisher, &node, 20).await;
    let mut stream = second.next_stream().await;
    for expected in &sent {
        assert_eq!(read_push(&mut stream).await, *expected);
    }
    assert!(second.inbound.try_recv().is_err());
}
