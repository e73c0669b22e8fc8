//! What lightpush answers, in both versions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{Event, event::LightpushHandled};
use futures::future::join_all;
use prost::Message;
use service_node::rate_limit::RateLimit;
use waku::{
    WakuMessage,
    net::LightpushVersion,
    wire::{PushRpc, protocol_id},
};

const BOTH: [LightpushVersion; 2] = [LightpushVersion::V2, LightpushVersion::V3];

/// A message of exactly `size_bytes` when encoded.
fn message_of(size_bytes: usize) -> WakuMessage {
    let mut message = message("sized");
    let unique = message.payload().to_vec();
    let mut payload_bytes = size_bytes;
    loop {
        let mut payload = unique.clone();
        payload.resize(payload_bytes, b'.');
        message.payload = Some(payload.into());
        match message.encoded_len() {
            encoded if encoded > size_bytes => payload_bytes -= encoded - size_bytes,
            encoded => {
                assert_eq!(encoded, size_bytes);
                return message;
            }
        }
    }
}

fn handled(event: &Event) -> Option<LightpushHandled> {
    match event {
        Event::LightpushHandled(handled) => Some(handled.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_160_kib_is_refused_with_420_and_logged() {
    let node = start(config()).await;
    let publisher = client_at(&node).await;
    for version in BOTH {
        let large = message_of(160 * 1024);
        let answer = publisher
            .client
            .lightpush(node.peer(), version, PUBSUB, &large)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 420, "{version:?}");
        let text = answer.status.text.unwrap();
        assert!(
            text.starts_with("Message size exceeded maximum of 153576 bytes"),
            "{version:?}: {text}"
        );
    }
    let logged = node.wait_for_events(2, handled).await;
    for (logged, protocol) in logged.iter().zip(["v2", "v3"]) {
        assert_eq!((logged.status, logged.protocol.as_str()), (420, protocol));
        assert!(logged.size_bytes > 163_000 && logged.size_bytes < 163_840);
        assert!(logged.hash.is_some());
        assert_eq!(logged.peer, publisher.client.peer_id().to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_message_that_fits_is_relayed_and_one_byte_more_is_refused() {
    let nodes = start_line(2).await;
    let publisher = client_at(&nodes[0]).await;
    let mut far = client_at(&nodes[1]).await;
    assert_eq!(far.subscribe(&nodes[1]).await.code, 200);
    let frame_limit_bytes = 150 * 1024;
    let overhead_bytes = 24; // with the 14 characters of the topic
    for version in BOTH {
        let fits = message_of(frame_limit_bytes - overhead_bytes);
        let answer = publisher
            .client
            .lightpush(nodes[0].peer(), version, PUBSUB, &fits)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200, "{version:?}: {}", answer.status);
        assert_eq!(far.pushed().await.0, fits);
        let too_large = message_of(frame_limit_bytes - overhead_bytes + 1);
        let answer = publisher
            .client
            .lightpush(nodes[0].peer(), version, PUBSUB, &too_large)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 420, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_is_505_the_second_time() {
    let nodes = start_line(2).await;
    let publisher = client_at(&nodes[0]).await;
    for (first, second) in [(BOTH[0], BOTH[1]), (BOTH[1], BOTH[0])] {
        let twice = message("twice");
        let answer = publisher
            .client
            .lightpush(nodes[0].peer(), first, PUBSUB, &twice)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200);
        let answer = publisher
            .client
            .lightpush(nodes[0].peer(), second, PUBSUB, &twice)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 505, "{second:?}: {}", answer.status);
    }
    // The same through the other node: it has the message by relay.
    let relayed = message("relayed");
    publisher
        .client
        .lightpush(nodes[0].peer(), BOTH[1], PUBSUB, &relayed)
        .await
        .unwrap();
    nodes[1]
        .wait_for_events(3, |event| matches!(event, Event::RelayReceived(_)).then_some(()))
        .await;
    let other = client_at(&nodes[1]).await;
    let answer = other
        .client
        .lightpush(nodes[1].peer(), BOTH[1], PUBSUB, &relayed)
        .await
        .unwrap();
    assert_eq!(answer.status.code, 505);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_rate_a_peer_gets_429_and_others_are_served() {
    let mut config = config();
    config.standalone = true;
    config.lightpush_rate = Some(RateLimit {
        volume: 2,
        period: Duration::from_secs(3600),
    });
    let node = start(config).await;
    let greedy = client_at(&node).await;
    let peer = node.peer();
    for _ in 0..2 {
        let answer = greedy
            .client
            .lightpush(peer, LightpushVersion::V3, PUBSUB, &message("x"))
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200);
    }
    for version in BOTH {
        let answer = greedy
            .client
            .lightpush(peer, version, PUBSUB, &message("x"))
            .await
            .unwrap();
        assert_eq!(answer.status.code, 429, "{version:?}: {}", answer.status);
    }
    assert_eq!(node.node.metrics().rate_limited.get(), 2);
    let modest = RawPeer::at(&node, RawConfig::default()).await;
    for expected in ["OK", "OK", "TOO_MANY_REQUESTS"] {
        let request = PushRpc::request("r", PUBSUB, message("x"));
        let answer: PushRpc = modest.ask(peer, protocol_id::LIGHTPUSH_V2, &request).await;
        assert_eq!(answer.response.unwrap().info(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_relay_peers_a_push_is_505_and_reaches_nobody() {
    let node = start(config()).await;
    let mut client = client_at(&node).await;
    assert!(client.subscribe(&node).await.is_ok());
    for version in BOTH {
        let answer = client
            .client
            .lightpush(node.peer(), version, PUBSUB, &message("x"))
            .await
            .unwrap();
        assert_eq!(answer.status.code, 505, "{version:?}: {}", answer.status);
    }
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let request = PushRpc::request("r", PUBSUB, message("x"));
    let answer: PushRpc = raw.ask(node.peer(), protocol_id::LIGHTPUSH_V2, &request).await;
    assert_eq!(answer.response.unwrap().info(), "not_published_to_any_peer");
    // With a relay peer the next push passes, and is the first thing the subscriber hears.
    let relay = RawPeer::at(
        &node,
        RawConfig {
            relay: true,
            ..RawConfig::default()
        },
    )
    .await;
    relay.meshed(&node).await;
    let sent = message("with a relay peer");
    let answer = client
        .client
        .lightpush(node.peer(), BOTH[1], PUBSUB, &sent)
        .await
        .unwrap();
    assert_eq!((answer.status.code, answer.relay_peers), (200, Some(1)));
    assert_eq!(client.pushed().await.0, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_node_serves_its_own_subscribers() {
    let mut config = config();
    config.standalone = true;
    let node = start(config).await;
    let mut client = client_at(&node).await;
    assert!(client.subscribe(&node).await.is_ok());
    for version in BOTH {
        let sent = message("alone");
        let answer = client
            .client
            .lightpush(node.peer(), version, PUBSUB, &sent)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200, "{version:?}");
        assert_eq!(client.pushed().await, (sent, PUBSUB.to_owned()));
    }
    let twice = message("twice");
    let mut codes = Vec::new();
    for version in [BOTH[0], BOTH[1], BOTH[0]] {
        let answer = client
            .client
            .lightpush(node.peer(), version, PUBSUB, &twice)
            .await
            .unwrap();
        codes.push(answer.status.code);
    }
    assert_eq!(codes, [200, 505, 505]);
}

/// As many as a publisher has unanswered at the most, on one connection.
#[tokio::test(flavor = "multi_thread")]
async fn pushes_at_once_on_one_connection_are_all_answered() {
    let mut config = config();
    config.standalone = true;
    let node = start(config).await;
    let mut client = client_at(&node).await;
    assert!(client.subscribe(&node).await.is_ok());
    let messages: Vec<_> = (0..256).map(|_| message("at once")).collect();
    let pushes = messages.iter().map(|message| {
        let version = BOTH[message.payload().len() % 2];
        client.client.lightpush(node.peer(), version, PUBSUB, message)
    });
    for answer in join_all(pushes).await {
        assert_eq!(answer.unwrap().status.code, 200);
    }
    let mut received = BTreeSet::new();
    for _ in 0..messages.len() {
        received.insert(client.pushed().await.0.payload().to_vec());
    }
    assert_eq!(
        received,
        messages.iter().map(|message| message.payload().to_vec()).collect()
    );
}
