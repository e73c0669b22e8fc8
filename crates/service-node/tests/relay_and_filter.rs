//! Push at one node, receive at another: lightpush, relay and filter together.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::*;
use waku::{message_hash, net::LightpushVersion};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_reaches_subscribers_of_both_nodes_once() {
    let nodes = start_line(2).await;
    let publisher = client_at(&nodes[0]).await;
    let mut near = client_at(&nodes[0]).await;
    let mut far = client_at(&nodes[1]).await;
    assert_eq!(near.subscribe(&nodes[0]).await.code, 200);
    assert_eq!(far.subscribe(&nodes[1]).await.code, 200);
    for version in [LightpushVersion::V2, LightpushVersion::V3] {
        let sent = message("both");
        let answer = publisher
            .client
            .lightpush(nodes[0].peer(), version, PUBSUB, &sent)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200, "{version:?}: {}", answer.status);
        for receiver in [&mut near, &mut far] {
            let (got, topic) = receiver.pushed().await;
            assert_eq!(got.payload(), sent.payload());
            assert_eq!(message_hash(&topic, &got), message_hash(PUBSUB, &sent));
        }
    }
    // Nothing else comes: a third message is the next thing both hear.
    let last = message("last");
    publisher
        .client
        .lightpush(nodes[0].peer(), LightpushVersion::V3, PUBSUB, &last)
        .await
        .unwrap();
    assert_eq!(near.pushed().await.0.payload(), last.payload());
    assert_eq!(far.pushed().await.0.payload(), last.payload());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_names_the_relay_peers() {
    let nodes = start_line(2).await;
    let publisher = client_at(&nodes[0]).await;
    let answer = publisher
        .client
        .lightpush(nodes[0].peer(), LightpushVersion::V3, PUBSUB, &message("x"))
        .await
        .unwrap();
    assert_eq!(answer.relay_peers, Some(1));
}
