//! What filter answers: limits, lifetimes, rates.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use event_log::{
    Event,
    event::{FilterExpired, FilterHandled},
};
use service_node::{NodeConfig, rate_limit::RateLimit};
use waku::{WakuMessage, net::LightpushVersion, wire::FilterSubscribeRequest};

fn topics(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("/test/1/topic-{number}/proto")).collect()
}

/// No rate limit: these tests ask more than 30 times a minute.
fn unlimited() -> NodeConfig {
    let mut config = config();
    config.filter.rate = None;
    config
}

fn handled(event: &Event) -> Option<FilterHandled> {
    match event {
        Event::FilterHandled(handled) => Some(handled.clone()),
        _ => None,
    }
}

fn expired(event: &Event) -> Option<FilterExpired> {
    match event {
        Event::FilterExpired(expired) => Some(expired.clone()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_takes_100_topics_and_not_101() {
    let node = start(unlimited()).await;
    let client = client_at(&node).await;
    let ask = async |count| {
        client
            .client
            .filter_subscribe(node.peer(), PUBSUB, &topics(0..count))
            .await
            .unwrap()
    };
    assert_eq!(ask(100).await.code, 200);
    let refused = ask(101).await;
    assert_eq!(
        (refused.code, refused.text.as_deref()),
        (400, Some("exceeds maximum content topics: 100"))
    );
    assert_eq!(ask(0).await.code, 400);
    assert_eq!(
        client
            .client
            .filter_subscribe(node.peer(), "", &topics(0..1))
            .await
            .unwrap()
            .code,
        400
    );
    let logged = node.wait_for_events(4, handled).await;
    let asked: Vec<_> = logged
        .iter()
        .map(|handled| (handled.content_topics, handled.status))
        .collect();
    assert_eq!(asked, [(100, 200), (101, 400), (0, 400), (1, 400)]);
    assert!(logged.iter().all(|handled| handled.request == "subscribe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_criteria_limit_a_subscription_is_503_and_the_old_ones_stay() {
    let mut config = unlimited();
    config.filter.limits.max_criteria_per_peer = 150;
    config.standalone = true;
    let node = start(config).await;
    let mut client = client_at(&node).await;
    let peer = node.peer();
    let (first, second) = (topics(0..100), topics(100..200));
    assert_eq!(
        client.client.filter_subscribe(peer, PUBSUB, &first).await.unwrap().code,
        200
    );
    assert_eq!(
        client
            .client
            .filter_subscribe(peer, PUBSUB, &second)
            .await
            .unwrap()
            .code,
        503
    );
    assert_eq!(
        client
            .client
            .filter_subscribe(peer, PUBSUB, &second[..50])
            .await
            .unwrap()
            .code,
        200
    );
    // What one has already, one may ask for again.
    assert_eq!(
        client.client.filter_subscribe(peer, PUBSUB, &first).await.unwrap().code,
        200
    );
    assert_eq!(
        client
            .client
            .filter_unsubscribe(peer, PUBSUB, &first)
            .await
            .unwrap()
            .code,
        200
    );
    assert_eq!(
        client
            .client
            .filter_subscribe(peer, PUBSUB, &second)
            .await
            .unwrap()
            .code,
        200
    );
    let sent = WakuMessage {
        content_topic: Some(second[99].clone()),
        ..message("x")
    };
    client
        .client
        .lightpush(peer, LightpushVersion::V3, PUBSUB, &sent)
        .await
        .unwrap();
    assert_eq!(client.pushed().await.0, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_subscriber_limit_a_newcomer_is_503_until_one_leaves() {
    let mut config = unlimited();
    config.filter.limits.max_subscribers = 2;
    let node = start(config).await;
    let (first, second, third) = (client_at(&node).await, client_at(&node).await, client_at(&node).await);
    assert_eq!(first.subscribe(&node).await.code, 200);
    assert_eq!(second.subscribe(&node).await.code, 200);
    assert_eq!(third.subscribe(&node).await.code, 503);
    assert_eq!(first.subscribe(&node).await.code, 200);
    assert_eq!(node.node.filter_subscriber_count(), 2);
    assert_eq!(
        first.client.filter_unsubscribe_all(node.peer()).await.unwrap().code,
        200
    );
    assert_eq!(third.subscribe(&node).await.code, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_subscription_is_told_404() {
    let node = start(unlimited()).await;
    let client = client_at(&node).await;
    let (peer, topic) = (node.peer(), [CONTENT.to_owned()]);
    assert_eq!(client.client.filter_ping(peer).await.unwrap().code, 404);
    assert_eq!(
        client
            .client
            .filter_unsubscribe(peer, PUBSUB, &topic)
            .await
            .unwrap()
            .code,
        404
    );
    assert_eq!(client.client.filter_unsubscribe_all(peer).await.unwrap().code, 404);
    for way_out in ["unsubscribe", "unsubscribe_all"] {
        assert_eq!(client.subscribe(&node).await.code, 200);
        assert_eq!(client.client.filter_ping(peer).await.unwrap().code, 200);
        let left = match way_out {
            "unsubscribe" => client.client.filter_unsubscribe(peer, PUBSUB, &topic).await,
            _ => client.client.filter_unsubscribe_all(peer).await,
        };
        assert_eq!(left.unwrap().code, 200, "{way_out}");
        assert_eq!(client.client.filter_ping(peer).await.unwrap().code, 404, "{way_out}");
    }
    assert_eq!(node.node.filter_subscriber_count(), 0);
    assert_eq!(node.node.metrics().filter_subscribers.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_unsubscribing_nothing_is_pushed() {
    let mut config = unlimited();
    config.standalone = true;
    let node = start(config).await;
    let mut client = client_at(&node).await;
    let publisher = client_at(&node).await;
    let push = async |text: &str| {
        let sent = message(text);
        let answer = publisher
            .client
            .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &sent)
            .await;
        assert_eq!(answer.unwrap().status.code, 200);
        sent
    };
    client.subscribe(&node).await;
    let first = push("first").await;
    assert_eq!(client.pushed().await.0, first);
    client.client.filter_unsubscribe_all(node.peer()).await.unwrap();
    push("unheard").await;
    client.subscribe(&node).await;
    let last = push("last").await;
    assert_eq!(client.pushed().await.0, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_without_ping_expires_and_one_with_pings_does_not() {
    let mut config = unlimited();
    config.filter.limits.ttl = Duration::from_secs(1);
    config.filter.maintenance_interval = Duration::from_millis(20);
    let node = start(config).await;
    let (silent, pinging) = (client_at(&node).await, client_at(&node).await);
    assert_eq!(pinging.subscribe(&node).await.code, 200);
    let two_lifetimes = async {
        for lifetime in 1..=2 {
            assert_eq!(silent.subscribe(&node).await.code, 200);
            node.wait_for_events(lifetime, expired).await;
            assert_eq!(silent.client.filter_ping(node.peer()).await.unwrap().code, 404);
        }
    };
    let ping = async {
        loop {
            assert_eq!(pinging.client.filter_ping(node.peer()).await.unwrap().code, 200);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = two_lifetimes => {}
        () = ping => unreachable!("pings for ever"),
    }
    let logged: Vec<_> = node
        .events()
        .iter()
        .filter_map(expired)
        .map(|expired| expired.peer)
        .collect();
    assert_eq!(logged, vec![silent.client.peer_id().to_string(); 2]);
    assert_eq!(node.node.filter_subscriber_count(), 1);
    assert_eq!(node.node.metrics().filter_subscribers.get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_rate_requests_are_429() {
    let mut config = config();
    config.filter.rate = Some(RateLimit {
        volume: 2,
        period: Duration::from_secs(3600),
    });
    let node = start(config).await;
    let (greedy, modest) = (client_at(&node).await, client_at(&node).await);
    assert_eq!(greedy.subscribe(&node).await.code, 200);
    assert_eq!(greedy.client.filter_ping(node.peer()).await.unwrap().code, 200);
    assert_eq!(greedy.client.filter_ping(node.peer()).await.unwrap().code, 429);
    assert_eq!(greedy.subscribe(&node).await.code, 429);
    assert_eq!(modest.subscribe(&node).await.code, 200);
    assert_eq!(node.node.filter_subscriber_count(), 2);
    assert_eq!(node.node.metrics().rate_limited.get(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_as_js_waku_writes_it_is_a_ping() {
    let node = start(unlimited()).await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let ping = FilterSubscribeRequest {
        request_id: Some("js".into()),
        filter_subscribe_type: None,
        pubsub_topic: Some(String::new()),
        content_topics: Vec::new(),
    };
    let answer = raw.filter(&node, &ping).await;
    assert_eq!((answer.request_id(), answer.status().code), ("js", 404));
    raw.subscribe(&node).await;
    assert_eq!(raw.filter(&node, &ping).await.status().code, 200);
    let unknown = FilterSubscribeRequest {
        filter_subscribe_type: Some(9),
        ..ping
    };
    assert_eq!(raw.filter(&node, &unknown).await.status().code, 400);
}
