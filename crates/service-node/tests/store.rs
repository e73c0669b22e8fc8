//! Store queries over the wire, for what came by lightpush and by relay.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{collections::HashSet, time::Duration};

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{Event, event::StoreSkipped};
use service_node::{NodeConfig, StoreSettings, rate_limit::RateLimit};
use waku::{
    MessageHash, WakuMessage, message_hash,
    net::{LightpushVersion, RequestError},
    wire::{
        StoreQueryRequest,
        store::{StoreFilter, StorePage},
    },
};

fn with_store() -> NodeConfig {
    let mut config = config();
    config.standalone = true;
    config.store = Some(StoreSettings {
        path: None,
        max_messages: 10_000,
        max_age: Duration::from_secs(2 * 24 * 3600),
    });
    config
}

async fn push(client: &TestClient, node: &TestNode, message: &WakuMessage) -> MessageHash {
    let answer = client
        .client
        .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, message)
        .await
        .unwrap();
    assert_eq!(answer.status.code, 200, "{}", answer.status);
    message_hash(PUBSUB, message)
}

async fn stored(node: &TestNode, count: usize) {
    node.wait_for_events(count, |event| matches!(event, Event::Stored(_)).then_some(()))
        .await;
}

fn skipped(event: &Event) -> Option<StoreSkipped> {
    match event {
        Event::StoreSkipped(skipped) => Some(skipped.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_message_is_found_by_its_hash_and_by_its_topic() {
    let node = start(with_store()).await;
    let client = client_at(&node).await;
    let sent = message("kept").with_meta(vec![7; 64]);
    let hash = push(&client, &node, &sent).await;
    stored(&node, 1).await;
    let unknown = MessageHash::from([9; 32]);
    let present = client
        .client
        .store_presence(node.peer(), &[hash, unknown])
        .await
        .unwrap();
    assert_eq!(present, HashSet::from([hash]));

    let filter = StoreFilter {
        pubsub_topic: Some(PUBSUB.into()),
        content_topics: vec![CONTENT.into()],
        time_start_ns: Some(sent.timestamp()),
        time_end_ns: Some(sent.timestamp()),
    };
    let query = StoreQueryRequest::page("q", filter, StorePage::default(), true).unwrap();
    let page = client.client.store_query(node.peer(), &query).await.unwrap();
    assert_eq!((page.request_id(), page.status().code), ("q", 200));
    assert_eq!(page.messages.len(), 1);
    let entry = &page.messages[0];
    assert_eq!(entry.hash(), Some(hash));
    assert_eq!(entry.pubsub_topic(), PUBSUB);
    let found = entry.message.as_ref().unwrap();
    assert_eq!(
        (found.payload(), found.meta(), found.timestamp()),
        (sent.payload(), sent.meta(), sent.timestamp())
    );
    assert_eq!(message_hash(PUBSUB, found), hash);

    let elsewhere = StoreFilter {
        content_topics: vec!["/test/1/other/proto".into()],
        ..StoreFilter::default()
    };
    let query = StoreQueryRequest::page("q", elsewhere, StorePage::default(), true).unwrap();
    assert!(
        client
            .client
            .store_query(node.peer(), &query)
            .await
            .unwrap()
            .messages
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_of_many_hashes_and_pages_of_many_messages_are_complete() {
    const MESSAGES: usize = 250;
    let node = start(with_store()).await;
    let client = client_at(&node).await;
    let mut sent = Vec::new();
    for _ in 0..MESSAGES {
        sent.push(push(&client, &node, &message("many")).await);
    }
    stored(&node, MESSAGES).await;
    let present = client.client.store_presence(node.peer(), &sent).await.unwrap();
    assert_eq!(present, HashSet::from_iter(sent.iter().copied()));

    let mut paged = Vec::new();
    let mut page = StorePage::default();
    loop {
        let query = StoreQueryRequest::page("p", StoreFilter::default(), page, false).unwrap();
        let answer = client.client.store_query(node.peer(), &query).await.unwrap();
        assert_eq!(answer.status().code, 200);
        assert!(answer.messages.iter().all(|entry| entry.message.is_none()));
        paged.extend(answer.messages.iter().map(|entry| entry.hash().unwrap()));
        match answer.cursor() {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(paged, sent, "in the order of their timestamps, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn ephemeral_and_old_messages_are_relayed_but_not_stored() {
    let far = start(with_store()).await;
    let mut near = with_store();
    near.static_peers = vec![far.node.address()];
    near.expect_peers = 1;
    let near = start(near).await;
    tokio::time::timeout(PATIENCE, near.node.meshed()).await.unwrap();
    let client = client_at(&near).await;
    let mut receiver = client_at(&far).await;
    receiver.subscribe(&far).await;
    let now_ns = event_log::Timestamp::now().unix_ns();
    let hour_ns = 3600 * 1_000_000_000;
    let ephemeral = message("ephemeral").with_ephemeral(true);
    let old = WakuMessage {
        timestamp: Some(now_ns - hour_ns),
        ..message("old")
    };
    let early = WakuMessage {
        timestamp: Some(now_ns + hour_ns),
        ..message("early")
    };
    let kept = message("kept");
    let mut hashes = Vec::new();
    for sent in [&ephemeral, &old, &early, &kept] {
        hashes.push(push(&client, &near, sent).await);
        assert_eq!(receiver.pushed().await.0, *sent);
    }
    for node in [&near, &far] {
        stored(node, 1).await;
        let reasons: Vec<_> = node
            .wait_for_events(3, skipped)
            .await
            .into_iter()
            .map(|skipped| (skipped.hash.0, skipped.reason))
            .collect();
        assert_eq!(
            reasons
                .iter()
                .map(|(hash, _)| (*hash).into())
                .collect::<Vec<MessageHash>>(),
            hashes[..3]
        );
        assert!(reasons[0].1.contains("ephemeral"), "{reasons:?}");
        assert!(reasons[1].1.contains("in the past"), "{reasons:?}");
        assert!(reasons[2].1.contains("in the future"), "{reasons:?}");
        let asker = client_at(node).await;
        let present = asker.client.store_presence(node.peer(), &hashes).await.unwrap();
        assert_eq!(present, HashSet::from([hashes[3]]));
        assert_eq!(
            (
                node.node.metrics().stored.get(),
                node.node.metrics().store_skipped.get()
            ),
            (1, 3)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_stored_once_however_often_it_is_pushed() {
    let node = start(with_store()).await;
    let relay = RawPeer::at(
        &node,
        RawConfig {
            relay: true,
            ..RawConfig::default()
        },
    )
    .await;
    relay.meshed(&node).await;
    let client = client_at(&node).await;
    let sent = message("twice");
    push(&client, &node, &sent).await;
    // Other bytes, the same hash.
    push(
        &client,
        &node,
        &WakuMessage {
            version: Some(0),
            ..sent.clone()
        },
    )
    .await;
    let skipped = node.wait_for_events(1, skipped).await;
    assert_eq!(MessageHash::from(skipped[0].hash.0), message_hash(PUBSUB, &sent));
    let query = StoreQueryRequest::page("q", StoreFilter::default(), StorePage::default(), false).unwrap();
    assert_eq!(
        client
            .client
            .store_query(node.peer(), &query)
            .await
            .unwrap()
            .messages
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_makes_no_sense_or_comes_too_often_is_refused() {
    let mut config = with_store();
    config.store_rate = Some(RateLimit {
        volume: 2,
        period: Duration::from_secs(3600),
    });
    let node = start(config).await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let protocol = waku::wire::protocol_id::STORE_QUERY;
    let odd = StoreQueryRequest {
        request_id: Some("odd".into()),
        message_hashes: vec![vec![1, 2, 3].into()],
        ..StoreQueryRequest::default()
    };
    let fine = StoreQueryRequest::page("fine", StoreFilter::default(), StorePage::default(), true).unwrap();
    let mut codes = Vec::new();
    for query in [&odd, &fine, &fine] {
        let answer: waku::wire::StoreQueryResponse = raw.ask(node.peer(), protocol, query).await;
        codes.push(answer.status().code);
    }
    assert_eq!(codes, [400, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_store_does_not_offer_one() {
    let node = start(config()).await;
    let client = client_at(&node).await;
    let error = client
        .client
        .store_presence(node.peer(), &[MessageHash::from([1; 32])])
        .await
        .unwrap_err();
    assert!(matches!(error, RequestError::Unsupported { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_read_page_by_page_each_message_once() {
    let node = start(with_store()).await;
    let client = client_at(&node).await;
    let mut hashes = Vec::new();
    for _ in 0..250 {
        hashes.push(push(&client, &node, &message("history")).await);
    }
    stored(&node, 250).await;
    let filter = StoreFilter {
        content_topics: vec![CONTENT.into()],
        ..StoreFilter::default()
    };
    let history = |max_entries| client.client.store_history(node.peer(), &filter, false, max_entries);
    let found: Vec<_> = history(1000)
        .await
        .unwrap()
        .iter()
        .filter_map(|entry| entry.hash())
        .collect();
    assert_eq!(found, hashes, "three pages, from old to new");
    assert_eq!(history(120).await.unwrap().len(), 120);
}
