//! Relay peers that send what no node may forward.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{Event, event::RelayRejected};
use prost::Message;
use waku::WakuMessage;

fn rejected(event: &Event) -> Option<RelayRejected> {
    match event {
        Event::RelayRejected(rejected) => Some(rejected.clone()),
        _ => None,
    }
}

fn received(event: &Event) -> Option<()> {
    matches!(event, Event::RelayReceived(_)).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_no_message_are_rejected_not_forwarded_and_the_link_lives() {
    let nodes = start_line(2).await;
    let raw = RawPeer::at(
        &nodes[0],
        RawConfig {
            relay: true,
            ..RawConfig::default()
        },
    )
    .await;
    raw.relays_to(&nodes[0]).await;
    let mut far = client_at(&nodes[1]).await;
    far.subscribe(&nodes[1]).await;

    let no_payload = WakuMessage {
        payload: None,
        ..message("x")
    };
    let no_topic = WakuMessage {
        content_topic: None,
        ..message("x")
    };
    let long_meta = message("x").with_meta(vec![0; 65]);
    let mut too_large = message("x");
    too_large.payload = Some(vec![b'.'; 160 * 1024].into());
    let frames = [
        (vec![0xff; 40], "decode"),
        (no_payload.encode_to_vec(), "without payload"),
        (no_topic.encode_to_vec(), "without content topic"),
        (long_meta.encode_to_vec(), "meta has 65 bytes"),
        (too_large.encode_to_vec(), "exceeds the limit of 153576"),
    ];
    let count = frames.len();
    let mut reasons = Vec::new();
    for (number, (frame, reason)) in frames.into_iter().enumerate() {
        raw.publish(frame);
        reasons.push(reason);
        nodes[0].wait_for_events(number + 1, rejected).await;
    }
    let logged = nodes[0].wait_for_events(count, rejected).await;
    for (logged, reason) in logged.iter().zip(reasons) {
        assert_eq!(
            (&logged.from_peer, &logged.pubsub_topic),
            (&raw.peer_id.to_string(), &PUBSUB.to_owned())
        );
        assert!(logged.reason.contains(reason), "{:?} lacks {reason:?}", logged.reason);
    }
    assert_eq!(nodes[0].node.metrics().relay_rejected.get(), count as u64);

    // The link lives, and what comes out at the far end is the good message alone.
    let good = message("good");
    raw.publish(good.encode_to_vec());
    nodes[0].wait_for_events(1, received).await;
    assert_eq!(far.pushed().await.0, good);
    assert!(raw.is_connected(&nodes[0]));
    assert_eq!(nodes[1].wait_for_events(1, received).await.len(), 1);
    assert_eq!(nodes[1].events().iter().filter_map(rejected).count(), 0);
}

/// nwaku and go-waku encode differently, and neither may be changed on the way: the gossip id is a hash of the bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_default_values_written_out_or_unknown_fields_is_relayed() {
    let nodes = start_line(2).await;
    let raw = RawPeer::at(
        &nodes[0],
        RawConfig {
            relay: true,
            ..RawConfig::default()
        },
    )
    .await;
    raw.relays_to(&nodes[0]).await;
    let mut far = client_at(&nodes[1]).await;
    far.subscribe(&nodes[1]).await;
    let verbose = WakuMessage {
        version: Some(0),
        ephemeral: Some(false),
        ..message("verbose")
    };
    raw.publish(verbose.encode_to_vec());
    assert_eq!(far.pushed().await.0, verbose);
    let plain = message("with an unknown field");
    let mut bytes = plain.encode_to_vec();
    bytes.extend([0xf8, 0x3f, 0x01]); // field 1023, varint 1
    raw.publish(bytes);
    assert_eq!(far.pushed().await.0, plain);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_pushed_here_reach_a_foreign_relay_peer_and_come_back_to_nobody() {
    let node = start(config()).await;
    let mut raw = RawPeer::at(
        &node,
        RawConfig {
            relay: true,
            ..RawConfig::default()
        },
    )
    .await;
    raw.meshed(&node).await;
    let mut client = client_at(&node).await;
    client.subscribe(&node).await;
    let mut sent = Vec::new();
    for _ in 0..20 {
        let message = message("out");
        let answer = client
            .client
            .lightpush(node.peer(), waku::net::LightpushVersion::V3, PUBSUB, &message)
            .await
            .unwrap();
        assert_eq!((answer.status.code, answer.relay_peers), (200, Some(1)));
        assert_eq!(client.pushed().await.0, message);
        sent.push(message.encode_to_vec());
    }
    for expected in sent {
        assert_eq!(raw.relayed().await, expected);
    }
}
