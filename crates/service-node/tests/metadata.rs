//! Who is on the right cluster stays, who is not is sent away, and is told why.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::Event;
use waku::{
    net::{ClientConfig, ClientEvent},
    wire::{WakuMetadata, protocol_id},
};

fn departures(event: &Event) -> Option<String> {
    match event {
        Event::PeerDisconnected(gone) => Some(gone.peer.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_cluster_is_refused_with_both_clusters_named() {
    let node = start(config()).await;
    let mut client = client_with(ClientConfig {
        cluster_id: 9,
        ..client_config()
    });
    client.client.keep_connected(node.node.address());
    match client.next().await {
        ClientEvent::Refused { peer, error } => {
            assert_eq!(peer, node.peer());
            assert!(error.contains("cluster 2") && error.contains("cluster 9"), "{error}");
        }
        other => panic!("unexpected {other:?}"),
    }
    node.wait_for_events(1, departures).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_metadata_is_refused_by_the_client() {
    let serves = vec![protocol_id::LIGHTPUSH_V3];
    let raw = RawPeer::start(RawConfig {
        serves,
        ..RawConfig::default()
    });
    let mut client = client_with(client_config());
    client.client.keep_connected(raw.address().await);
    match client.next().await {
        ClientEvent::Refused { error, .. } => assert!(error.contains(protocol_id::METADATA), "{error}"),
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_another_cluster_is_sent_away() {
    let node = start(config()).await;
    let raw = RawPeer::start(RawConfig {
        cluster: 9,
        ..RawConfig::default()
    });
    raw.connect(&node).await;
    raw.disconnected(&node).await;
    assert_eq!(node.wait_for_events(1, departures).await, [raw.peer_id.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_metadata_is_sent_away() {
    let node = start(config()).await;
    let serves = vec![protocol_id::FILTER_PUSH];
    let raw = RawPeer::start(RawConfig {
        serves,
        ..RawConfig::default()
    });
    raw.connect(&node).await;
    raw.disconnected(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_as_another_cluster_gets_its_answer_before_it_is_sent_away() {
    let node = start(config()).await;
    for question in [WakuMetadata::new(9, &[SHARD]), WakuMetadata::default()] {
        let raw = RawPeer::at(&node, RawConfig::default()).await;
        let answer: WakuMetadata = raw.ask(node.peer(), protocol_id::METADATA, &question).await;
        assert_eq!(answer, WakuMetadata::new(CLUSTER, &[SHARD]));
        raw.disconnected(&node).await;
    }
}

/// A bug: a peer that the node asked first was cut off before its own question, took that for a lost connection, and
/// came back for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_another_cluster_that_was_asked_first_can_still_ask() {
    let node = start(config()).await;
    let raw = RawPeer::at(
        &node,
        RawConfig {
            cluster: 9,
            ..RawConfig::default()
        },
    )
    .await;
    for _ in 0..5 {
        let answer: WakuMetadata = raw
            .ask(node.peer(), protocol_id::METADATA, &WakuMetadata::new(9, &[]))
            .await;
        assert_eq!(answer.cluster_id, Some(u32::from(CLUSTER)));
    }
    raw.disconnected(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_the_same_cluster_stays_while_its_answer_is_out() {
    let node = start(config()).await;
    let right = RawPeer::at(&node, RawConfig::default()).await;
    let answer: WakuMetadata = right
        .ask(node.peer(), protocol_id::METADATA, &WakuMetadata::new(CLUSTER, &[]))
        .await;
    assert_eq!(answer, WakuMetadata::new(CLUSTER, &[SHARD]));
    // Nobody reads this peer's metadata streams, so it never answers.
    let silent = RawPeer::start(RawConfig {
        is_silent: true,
        ..RawConfig::default()
    });
    silent.connect(&node).await;
    silent.introduced(&node).await;
    // A stranger that comes later goes first.
    let stranger = RawPeer::start(RawConfig {
        cluster: 9,
        ..RawConfig::default()
    });
    stranger.connect(&node).await;
    stranger.disconnected(&node).await;
    assert_eq!(
        node.wait_for_events(1, departures).await,
        [stranger.peer_id.to_string()]
    );
    assert!(right.is_connected(&node) && silent.is_connected(&node));
}
