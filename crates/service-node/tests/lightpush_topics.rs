//! Which pubsub topic a push goes to, and which it cannot go to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{Event, event::LightpushHandled};
use waku::{
    ContentTopic, ShardCount, WakuMessage, autoshard,
    net::LightpushVersion,
    wire::{LightpushRequest, LightpushResponse, protocol_id},
};

fn handled(event: &Event) -> Option<LightpushHandled> {
    match event {
        Event::LightpushHandled(handled) => Some(handled.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pubsub_topic_static_sharding_refuses_with_420() {
    let node = start(config()).await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let request = LightpushRequest {
        pubsub_topic: None,
        ..LightpushRequest::new("r", "", message("x"))
    };
    let answer: LightpushResponse = raw.ask(node.peer(), protocol_id::LIGHTPUSH_V3, &request).await;
    assert_eq!((answer.request_id(), answer.status_code()), ("r", 420));
    assert_eq!(
        answer.status_desc(),
        "Pubsub topic must be specified when static sharding is enabled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pubsub_topic_autosharding_derives_it() {
    let mut config = config();
    config.shards = (0..8).collect();
    config.shard_count = Some(ShardCount::new(8).unwrap());
    config.standalone = true;
    let node = start(config).await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let mut receiver = client_at(&node).await;
    let mut shards_hit = std::collections::BTreeSet::new();
    for application in ["a", "b", "c", "d", "e"] {
        let content_topic = format!("/{application}/1/name/proto");
        let topic: ContentTopic = content_topic.parse().unwrap();
        let expected = autoshard(CLUSTER, ShardCount::new(8).unwrap(), &topic).to_string();
        let status = receiver
            .client
            .filter_subscribe(node.peer(), &expected, std::slice::from_ref(&content_topic))
            .await;
        assert!(status.unwrap().is_ok());
        let message = WakuMessage {
            content_topic: Some(content_topic),
            ..message("auto")
        };
        let request = LightpushRequest {
            pubsub_topic: None,
            ..LightpushRequest::new("r", "", message.clone())
        };
        let answer: LightpushResponse = raw.ask(node.peer(), protocol_id::LIGHTPUSH_V3, &request).await;
        assert_eq!(answer.status_code(), 200, "{}", answer.status_desc());
        assert_eq!(receiver.pushed().await, (message, expected.clone()));
        shards_hit.insert(expected);
    }
    assert!(
        shards_hit.len() > 1,
        "the topics of this test lie on one shard: {shards_hit:?}"
    );
    let odd = WakuMessage {
        content_topic: Some("no content topic".into()),
        ..message("x")
    };
    let request = LightpushRequest {
        pubsub_topic: None,
        ..LightpushRequest::new("r", "", odd)
    };
    let answer: LightpushResponse = raw.ask(node.peer(), protocol_id::LIGHTPUSH_V3, &request).await;
    assert_eq!(answer.status_code(), 420);
    assert!(
        answer.status_desc().starts_with("Invalid content-topic"),
        "{}",
        answer.status_desc()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_topic_is_400_and_a_shard_not_relayed_is_421() {
    let mut config = config();
    config.standalone = true;
    let node = start(config).await;
    let publisher = client_at(&node).await;
    for (topic, expected) in [
        ("", 400),
        (" ", 400),
        ("/waku/2/rs/2/7", 421),
        ("/waku/2/rs/3/0", 421),
        ("my-topic", 421),
        (PUBSUB, 200),
    ] {
        let v3 = publisher
            .client
            .lightpush(node.peer(), LightpushVersion::V3, topic, &message("x"))
            .await
            .unwrap();
        assert_eq!(v3.status.code, expected, "{topic:?}: {}", v3.status);
        // Version 2 has texts only, and a class for each: what matters is that only the right topic succeeds.
        let v2 = publisher
            .client
            .lightpush(node.peer(), LightpushVersion::V2, topic, &message("x"))
            .await
            .unwrap();
        assert_eq!(v2.status.is_ok(), expected == 200, "{topic:?}: {}", v2.status);
    }
    let logged = node.wait_for_events(12, handled).await;
    let v2_codes: Vec<_> = logged
        .iter()
        .filter(|logged| logged.protocol == "v2")
        .map(|logged| logged.status)
        .collect();
    assert_eq!(v2_codes, [400, 400, 421, 421, 421, 200]);
}
