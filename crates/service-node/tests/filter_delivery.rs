//! Which messages filter pushes, how often, and that one subscriber's trouble is nobody else's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{
    Event, MessageHash,
    event::{FilterPushed, PushOutcome},
};
use prost::Message;
use waku::{WakuMessage, gossip_id, message_hash, net::LightpushVersion};

/// The same message to people and to the hash, in other bytes: a default value is written out.
fn re_encoded(message: &WakuMessage) -> WakuMessage {
    let other = WakuMessage {
        version: Some(0),
        ..message.clone()
    };
    assert_eq!(message_hash(PUBSUB, &other), message_hash(PUBSUB, message));
    assert_ne!(gossip_id(&other.encode_to_vec()), gossip_id(&message.encode_to_vec()));
    other
}

async fn push(publisher: &TestClient, node: &TestNode, message: &WakuMessage) {
    let answer = publisher
        .client
        .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, message)
        .await
        .unwrap();
    assert_eq!(answer.status.code, 200, "{}", answer.status);
}

fn pushed(event: &Event) -> Option<FilterPushed> {
    match event {
        Event::FilterPushed(pushed) => Some(pushed.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_hash_in_other_bytes_is_relayed_but_pushed_once() {
    let nodes = start_line(2).await;
    let publisher = client_at(&nodes[0]).await;
    let (mut near, mut far) = (client_at(&nodes[0]).await, client_at(&nodes[1]).await);
    near.subscribe(&nodes[0]).await;
    far.subscribe(&nodes[1]).await;
    let sent = message("once");
    push(&publisher, &nodes[0], &sent).await;
    push(&publisher, &nodes[0], &re_encoded(&sent)).await;
    let last = message("last");
    push(&publisher, &nodes[0], &last).await;
    for client in [&mut near, &mut far] {
        let (first, second) = (client.pushed().await.0, client.pushed().await.0);
        assert_eq!(message_hash(PUBSUB, &first), message_hash(PUBSUB, &sent));
        assert_eq!(message_hash(PUBSUB, &second), message_hash(PUBSUB, &last));
    }
    let relayed = nodes[1]
        .wait_for_events(3, |event| matches!(event, Event::RelayReceived(_)).then_some(()))
        .await;
    assert_eq!(relayed.len(), 3);
    for node in &nodes {
        assert_eq!(node.node.metrics().filter_duplicates.get(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_subscribed_content_and_pubsub_topic_is_pushed() {
    let mut config = config();
    config.standalone = true;
    config.shards = vec![0, 1];
    let node = start(config).await;
    let publisher = client_at(&node).await;
    let mut receiver = client_at(&node).await;
    receiver.subscribe(&node).await;
    let other_content = WakuMessage {
        content_topic: Some("/test/1/other/proto".into()),
        ..message("x")
    };
    push(&publisher, &node, &other_content).await;
    let other_shard = publisher
        .client
        .lightpush(node.peer(), LightpushVersion::V3, "/waku/2/rs/2/1", &message("x"))
        .await;
    assert_eq!(other_shard.unwrap().status.code, 200);
    let mine = message("mine");
    push(&publisher, &node, &mine).await;
    assert_eq!(receiver.pushed().await, (mine, PUBSUB.to_owned()));
}

/// A subscriber that opens its arms and never reads: neither the publisher's answers nor another subscriber's messages
/// depend on it, and each message for it is accounted for once.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_subscriber_holds_nobody_back_and_its_queue_is_bounded() {
    const MESSAGES: usize = 40;
    let mut config = config();
    config.standalone = true;
    config.filter.push_timeout = Duration::from_secs(1);
    config.filter.push_queue = 4;
    let node = start(config).await;
    let publisher = client_at(&node).await;
    let stuck = RawPeer::at(&node, RawConfig::default()).await;
    stuck.subscribe(&node).await;
    let mut healthy = client_at(&node).await;
    healthy.subscribe(&node).await;
    let mut sent = Vec::new();
    for _ in 0..MESSAGES {
        let mut large = message("large");
        let mut payload = large.payload().to_vec();
        payload.resize(100 * 1024, b'.');
        large.payload = Some(payload.into());
        push(&publisher, &node, &large).await;
        assert_eq!(healthy.pushed().await.0, large);
        sent.push(MessageHash(message_hash(PUBSUB, &large).into()));
    }
    let logged = node.wait_for_events(2 * MESSAGES, pushed).await;
    let mut by_peer: HashMap<_, Vec<_>> = HashMap::new();
    for pushed in logged {
        by_peer.entry(pushed.peer.clone()).or_default().push(pushed);
    }
    let healthy = &by_peer[&healthy.client.peer_id().to_string()];
    assert!(healthy.iter().all(|pushed| pushed.outcome == PushOutcome::Ok));
    assert_eq!(healthy.iter().map(|pushed| pushed.hash).collect::<Vec<_>>(), sent);
    let stuck = &by_peer[&stuck.peer_id.to_string()];
    let mut accounted: Vec<_> = stuck.iter().map(|pushed| pushed.hash).collect();
    accounted.sort();
    sent.sort();
    assert_eq!(accounted, sent);
    let mut counts = BTreeMap::new();
    for pushed in stuck {
        *counts.entry(format!("{:?}", pushed.outcome)).or_insert(0) += 1;
    }
    assert!(counts["TimedOut"] >= 1 && counts["Dropped"] >= 1, "{counts:?}");
    let dropped = stuck
        .iter()
        .find(|pushed| pushed.outcome == PushOutcome::Dropped)
        .unwrap();
    assert_eq!(dropped.error.as_deref(), Some("subscriber has 4 messages waiting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_went_away_is_a_failed_push_and_gets_the_next_one_when_back() {
    let mut config = config();
    config.standalone = true;
    let node = start(config).await;
    let publisher = client_at(&node).await;
    let identity = client_config();
    let mut first = client_with(identity.clone());
    first.client.keep_connected(node.node.address());
    first.ready().await;
    first.subscribe(&node).await;
    first.client.shutdown().await;
    node.wait_for_events(1, |event| matches!(event, Event::PeerDisconnected(_)).then_some(()))
        .await;
    push(&publisher, &node, &message("unheard")).await;
    let failed = node.wait_for_events(1, pushed).await;
    assert_eq!(failed[0].outcome, PushOutcome::Failed);
    assert!(
        failed[0].error.as_ref().unwrap().contains("not connected"),
        "{:?}",
        failed[0].error
    );
    // Subscriptions belong to the peer, not to its connection.
    let mut second = client_with(identity);
    second.client.keep_connected(node.node.address());
    second.ready().await;
    assert_eq!(second.client.filter_ping(node.peer()).await.unwrap().code, 200);
    let heard = message("heard");
    push(&publisher, &node, &heard).await;
    assert_eq!(second.pushed().await.0, heard);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_without_the_push_protocol_is_removed() {
    let mut config = config();
    config.standalone = true;
    let node = start(config).await;
    let publisher = client_at(&node).await;
    let serves = vec![waku::wire::protocol_id::METADATA];
    let deaf = RawPeer::at(
        &node,
        RawConfig {
            serves,
            ..RawConfig::default()
        },
    )
    .await;
    deaf.subscribe(&node).await;
    push(&publisher, &node, &message("x")).await;
    let pick = |event: &Event| match event {
        Event::FilterExpired(expired) => Some(expired.clone()),
        _ => None,
    };
    let removed = node.wait_for_events(1, pick).await;
    assert_eq!(removed[0].peer, deaf.peer_id.to_string());
    assert_eq!(removed[0].reason, "does not accept filter pushes");
    assert_eq!(deaf.ping(&node).await, 404);
}
