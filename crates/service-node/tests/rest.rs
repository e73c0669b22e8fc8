//! The REST API of a node, asked with plain HTTP: nwaku's status codes and texts, and bodies that are none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{CONTENT, PUBSUB, TestNode, client_at, config, message, start};
use event_log::Event;
use reqwest::Method;
use serde_json::{Value, json};
use waku::{net::LightpushVersion, wire::frame_cap};

const ENCODED_TOPIC: &str = "%2Ftest%2F1%2Fe2e%2Fproto";

async fn rest_node() -> TestNode {
    let mut config = config();
    config.http = Some("127.0.0.1:0".parse().unwrap());
    config.standalone = true;
    config.rest = true;
    start(config).await
}

async fn ask(node: &TestNode, method: Method, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
    let url = format!("http://{}{path}", node.node.http_address().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.request(method, url).body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn ask_json(node: &TestNode, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = ask(node, method, path, body.to_string()).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn push(payload: &str) -> Value {
    json!({ "pubsubTopic": PUBSUB, "message": { "payload": payload, "contentTopic": CONTENT, "timestamp": 1 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn filter_answers_are_those_of_nwaku() {
    let node = rest_node().await;
    let messages = format!("/filter/v2/messages/{ENCODED_TOPIC}");
    let (status, text) = ask(&node, Method::GET, &messages, "").await;
    assert_eq!(
        (status, text.as_str()),
        (400, "Not subscribed to topic: /test/1/e2e/proto")
    );
    let (status, answer) = ask_json(&node, Method::GET, "/filter/v2/subscriptions/9977", &Value::Null).await;
    let expected = json!({ "requestId": "9977", "statusDesc": "NOT_FOUND: peer has no subscriptions" });
    assert_eq!((status, answer), (404, expected));
    let subscribe = json!({ "requestId": "1234", "pubsubTopic": PUBSUB, "contentFilters": [CONTENT] });
    for method in [Method::POST, Method::PUT] {
        let answer = ask_json(&node, method, "/filter/v2/subscriptions", &subscribe).await;
        assert_eq!(answer, (200, json!({ "requestId": "1234", "statusDesc": "OK" })));
    }
    let client = client_at(&node).await;
    let sent = message("by libp2p");
    let pushed = client
        .client
        .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &sent)
        .await;
    assert!(pushed.unwrap().status.is_ok());
    let polled = loop {
        let (status, polled) = ask_json(&node, Method::GET, &messages, &Value::Null).await;
        assert_eq!(status, 200);
        if polled != json!([]) {
            break polled;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(polled.as_array().unwrap().len(), 1);
    assert_eq!(polled[0]["contentTopic"], CONTENT);
    assert_eq!(ask(&node, Method::GET, &messages, "").await, (200, "[]".into()));
    let all = json!({ "requestId": "5" });
    let answer = ask_json(&node, Method::DELETE, "/filter/v2/subscriptions/all", &all).await;
    assert_eq!(answer, (200, json!({ "requestId": "5", "statusDesc": "OK" })));
    assert_eq!(ask(&node, Method::GET, &messages, "").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_of_both_versions_are_logged_as_such() {
    let node = rest_node().await;
    let v3 = ask_json(&node, Method::POST, "/lightpush/v3/message", &push("AQID")).await;
    assert_eq!(v3, (200, json!({ "relayPeerCount": 0 })));
    let v1 = ask(&node, Method::POST, "/lightpush/v1/message", push("AQIE").to_string()).await;
    assert_eq!(v1, (200, "OK".into()));
    let mut other = push("AQID");
    other["pubsubTopic"] = "/waku/2/rs/2/9".into();
    let (status, answer) = ask_json(&node, Method::POST, "/lightpush/v3/message", &other).await;
    assert_eq!(
        (status, answer["statusDesc"].as_str()),
        (421, Some("this node does not relay the pubsub topic"))
    );
    let (status, text) = ask(&node, Method::POST, "/lightpush/v1/message", other.to_string()).await;
    assert_eq!(status, 503);
    assert!(text.starts_with("Failed to request a message push: "), "{text}");
    let handled = |event: &Event| match event {
        Event::LightpushHandled(event) => Some((event.protocol.clone(), event.status)),
        _ => None,
    };
    let protocols = node.wait_for_events(4, handled).await;
    let expected = [("rest-v3", 200), ("rest-v1", 200), ("rest-v3", 421), ("rest-v1", 421)];
    let expected = expected.map(|(protocol, status)| (protocol.to_owned(), status));
    assert_eq!(protocols, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_message_fits_into_a_body_and_more_does_not() {
    let node = rest_node().await;
    let payload = "A".repeat(frame_cap::LARGEST_MESSAGE_BYTES / 3 * 4);
    let (status, answer) = ask_json(&node, Method::POST, "/lightpush/v3/message", &push(&payload)).await;
    assert_eq!(status, 420, "refused for its size as a message: {answer}");
    let endless = "A".repeat(frame_cap::LARGEST_MESSAGE_BYTES * 4);
    let url = format!("http://{}/lightpush/v3/message", node.node.http_address().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    // The node may hang up before the body is written, which is an error here.
    let answer = client.post(url).body(endless).send().await;
    assert_eq!(answer.map_or(413, |answer| answer.status().as_u16()), 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_requests_are_refused() {
    let node = rest_node().await;
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"message":{}}"#,
        r#"{"message":{"payload":"%","contentTopic":"x"}}"#,
        r#"{"message":{"payload":"","contentTopic":"x"}}"#,
    ] {
        let (status, answer) = ask(&node, Method::POST, "/lightpush/v3/message", body).await;
        assert!(
            status == 400 && answer.contains("Invalid push request"),
            "{body}: {status} {answer}"
        );
        assert_eq!(
            ask(&node, Method::POST, "/lightpush/v1/message", body).await.0,
            400,
            "{body}"
        );
    }
    let many: Vec<_> = (0..101).map(|n| format!("/a/1/{n}/proto")).collect();
    for body in [
        json!({}),
        json!({ "requestId": "1" }),
        json!({ "requestId": "1", "pubsubTopic": PUBSUB, "contentFilters": [] }),
        json!({ "requestId": "1", "contentFilters": ["/a/1/b/proto"] }),
        json!({ "requestId": "1", "pubsubTopic": PUBSUB, "contentFilters": many }),
    ] {
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let (status, answer) = ask_json(&node, method, "/filter/v2/subscriptions", &body).await;
            let text = answer["statusDesc"].as_str().unwrap_or_default();
            assert!(
                status == 400 && text.starts_with("BAD_REQUEST: "),
                "{body}: {status} {answer}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rest_nothing_of_it_is_served() {
    let mut config = config();
    config.http = Some("127.0.0.1:0".parse().unwrap());
    let node = start(config).await;
    for path in ["/lightpush/v3/message", "/filter/v2/subscriptions"] {
        assert_eq!(ask(&node, Method::POST, path, "{}").await.0, 404, "{path}");
    }
    assert_eq!(ask(&node, Method::GET, "/version", "").await.0, 200);
}
