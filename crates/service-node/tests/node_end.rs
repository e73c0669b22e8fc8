//! A node that ends says first what became of the messages it had accepted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{path::Path, time::Duration};

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{
    Event, EventLog,
    event::{PushOutcome, RunEnded},
};
use runtime::Shutdown;
use service_node::{Node, StoreSettings};
use tokio::time::timeout;
use waku::net::LightpushVersion;

const MESSAGES: usize = 300;

async fn push_all(client: &TestClient, node: &Node, payload_bytes: usize) {
    for _ in 0..MESSAGES {
        let mut message = message("last");
        let mut payload = message.payload().to_vec();
        payload.resize(payload_bytes, b'.');
        message.payload = Some(payload.into());
        let answer = client
            .client
            .lightpush(node.peer_id(), LightpushVersion::V3, PUBSUB, &message)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200, "{}", answer.status);
    }
}

/// Ends the node, then closes its log, and reads what was in it by then.
async fn end(node: Node, log: EventLog, path: &Path) -> Vec<Event> {
    timeout(PATIENCE, node.stop()).await.unwrap();
    let ended = RunEnded {
        reason: "test".into(),
        counters: std::collections::BTreeMap::new(),
    };
    let stats = tokio::task::spawn_blocking(move || log.close(ended))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stats.dropped_events, 0);
    event_log::read_log(std::io::BufReader::new(std::fs::File::open(path).unwrap()))
        .map(|line| line.unwrap().record.unwrap().event)
        .collect()
}

async fn standalone_with_store() -> (Node, EventLog, tempfile::TempDir) {
    let mut config = config();
    config.standalone = true;
    config.filter.push_queue = 2 * MESSAGES;
    config.store = Some(StoreSettings {
        path: None,
        max_messages: 10_000,
        max_age: Duration::from_secs(3600),
    });
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::create(dir.path().join("node.jsonl")).unwrap();
    let node = Node::start(config, log.clone(), Shutdown::new()).await.unwrap();
    (node, log, dir)
}

fn client_of(node: &Node) -> TestClient {
    let client = client_with(client_config());
    client.client.keep_connected(node.address());
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_pushed_stored_and_logged_before_the_node_ends() {
    let (node, log, dir) = standalone_with_store().await;
    let (mut publisher, mut subscriber) = (client_of(&node), client_of(&node));
    publisher.ready().await;
    subscriber.ready().await;
    let subscribed = subscriber
        .client
        .filter_subscribe(node.peer_id(), PUBSUB, &[CONTENT.into()])
        .await
        .unwrap();
    assert_eq!(subscribed.code, 200);
    push_all(&publisher, &node, 100).await;
    let events = end(node, log, &dir.path().join("node.jsonl")).await;
    let count = |pick: fn(&Event) -> bool| events.iter().filter(|event| pick(event)).count();
    assert_eq!(count(|event| matches!(event, Event::Stored(_))), MESSAGES);
    let pushed = |event: &Event| matches!(event, Event::FilterPushed(pushed) if pushed.outcome == PushOutcome::Ok);
    assert_eq!(events.iter().filter(|event| pushed(event)).count(), MESSAGES);
    for _ in 0..MESSAGES {
        subscriber.pushed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_does_not_read_cannot_keep_the_node_and_is_named() {
    let (node, log, dir) = standalone_with_store().await;
    let mut publisher = client_of(&node);
    publisher.ready().await;
    let test_node = TestNode::of(node, log, dir);
    let stuck = RawPeer::at(&test_node, RawConfig::default()).await;
    stuck.subscribe(&test_node).await;
    let (node, log, dir) = test_node.into_parts();
    push_all(&publisher, &node, 50 * 1024).await;
    let events = end(node, log, &dir.path().join("node.jsonl")).await;
    let outcomes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::FilterPushed(pushed) => Some(pushed),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes.len(), MESSAGES, "each message is accounted for");
    let last = outcomes.last().unwrap();
    assert_eq!(last.outcome, PushOutcome::Failed);
    assert_eq!(last.error.as_deref(), Some("not taken before the node ended"));
}
