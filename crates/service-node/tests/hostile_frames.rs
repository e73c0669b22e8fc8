//! Frames that are no frames: each gets its answer or its end, is counted, and harms nobody.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer, only_frame},
    *,
};
use event_log::{Event, event::MalformedFrame};
use futures::{AsyncReadExt, AsyncWriteExt};
use prost::Message;
use waku::{
    WakuMessage,
    net::LightpushVersion,
    wire::{FilterSubscribeRequest, LightpushRequest, LightpushResponse, PushRpc, protocol_id},
};

/// A field of a wire type that does not exist, in a frame of two bytes.
const GARBAGE: [u8; 3] = [2, 0x0f, 0xff];

/// The length prefix of a frame of 2^60 bytes.
const HUGE: [u8; 9] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];

/// A length prefix with a superfluous zero.
const NOT_SHORTEST: [u8; 2] = [0x82, 0x00];

async fn standalone() -> TestNode {
    let mut config = config();
    config.standalone = true;
    config.store = Some(service_node::StoreSettings {
        path: None,
        max_messages: 10,
        max_age: std::time::Duration::from_secs(3600),
    });
    start(config).await
}

/// Waits for `count` malformed frames and returns them.
async fn malformed(node: &TestNode, count: usize) -> Vec<MalformedFrame> {
    let pick = |event: &Event| match event {
        Event::MalformedFrame(frame) => Some(frame.clone()),
        _ => None,
    };
    node.wait_for_events(count, pick).await
}

async fn assert_alive(node: &TestNode) {
    let client = client_at(node).await;
    let answer = client
        .client
        .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &message("alive"))
        .await
        .unwrap();
    assert_eq!(answer.status.code, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lightpush_frame_that_does_not_decode_is_400_with_an_unknown_id() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    for frame in [&GARBAGE[..], &HUGE, &NOT_SHORTEST] {
        let v3 = raw.exchange(node.peer(), protocol_id::LIGHTPUSH_V3, frame).await;
        let v3: LightpushResponse = only_frame(&v3);
        assert_eq!((v3.request_id(), v3.status_code()), ("N/A", 400));
        assert!(
            v3.status_desc().starts_with("decode_rpc_failure: "),
            "{}",
            v3.status_desc()
        );
        let v2 = raw.exchange(node.peer(), protocol_id::LIGHTPUSH_V2, frame).await;
        let v2: PushRpc = only_frame(&v2);
        assert_eq!(v2.request_id(), "N/A");
        let response = v2.response.unwrap();
        assert_eq!(response.is_success, Some(false));
        assert!(
            response.info().starts_with("decode_rpc_failure: "),
            "{}",
            response.info()
        );
    }
    let logged = malformed(&node, 6).await;
    assert!(
        logged
            .iter()
            .all(|frame| frame.peer == raw.peer_id.to_string() && frame.client.is_none())
    );
    assert_eq!(
        logged
            .iter()
            .filter(|frame| frame.protocol == protocol_id::LIGHTPUSH_V3)
            .count(),
        3
    );
    let huge = logged
        .iter()
        .filter(|frame| frame.error.contains("1152921504606846976 bytes exceeds the limit"));
    assert_eq!(huge.count(), 2);
    assert_eq!(node.node.metrics().malformed_frames.get(), 6);
    assert!(raw.is_connected(&node));
    assert_alive(&node).await;
}

/// Without a byte of the body there is an answer, so the node does not even wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_frame_one_byte_above_the_cap_is_refused_by_its_prefix_alone() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let mut prefix = Vec::new();
    prost::encode_length_delimiter(1_114_113, &mut prefix).unwrap();
    let answer = raw.exchange(node.peer(), protocol_id::LIGHTPUSH_V3, &prefix).await;
    assert_eq!(only_frame::<LightpushResponse>(&answer).status_code(), 400);
    let logged = malformed(&node, 1).await;
    assert_eq!(logged[0].error, "frame of 1114113 bytes exceeds the limit of 1114112");
}

#[tokio::test(flavor = "multi_thread")]
async fn protocols_without_a_refusal_for_it_end_the_stream() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let protocols = [protocol_id::FILTER_SUBSCRIBE, protocol_id::METADATA];
    for protocol in protocols {
        for frame in [&GARBAGE[..], &HUGE, &NOT_SHORTEST] {
            assert!(
                raw.exchange(node.peer(), protocol, frame).await.is_empty(),
                "{protocol}"
            );
        }
    }
    for protocol in [protocol_id::STORE_QUERY, protocol_id::PEER_EXCHANGE] {
        for frame in [&HUGE[..], &NOT_SHORTEST] {
            assert!(
                raw.exchange(node.peer(), protocol, frame).await.is_empty(),
                "{protocol}"
            );
        }
        assert!(
            !raw.exchange(node.peer(), protocol, &GARBAGE).await.is_empty(),
            "{protocol}"
        );
    }
    assert_eq!(malformed(&node, 12).await.len(), 12);
    assert!(raw.is_connected(&node));
    assert_alive(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_message_is_400() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let request = LightpushRequest {
        message: None,
        ..LightpushRequest::new("r", PUBSUB, message("x"))
    };
    let v3: LightpushResponse = raw.ask(node.peer(), protocol_id::LIGHTPUSH_V3, &request).await;
    assert_eq!((v3.request_id(), v3.status_code()), ("r", 400));
    let request = PushRpc {
        request: None,
        ..PushRpc::request("r", PUBSUB, message("x"))
    };
    let v2: PushRpc = raw.ask(node.peer(), protocol_id::LIGHTPUSH_V2, &request).await;
    assert_eq!(v2.response.unwrap().is_success, Some(false));
    assert_alive(&node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_ends_early_is_counted_and_a_stream_without_a_byte_is_not() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let mut silent = raw.open(node.peer(), protocol_id::LIGHTPUSH_V3).await;
    silent.close().await.unwrap();
    let mut answer = Vec::new();
    silent.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty());

    let whole = LightpushRequest::new("r", PUBSUB, message("cut")).encode_length_delimited_to_vec();
    let mut cut = raw.open(node.peer(), protocol_id::LIGHTPUSH_V3).await;
    cut.write_all(&whole[..whole.len() - 1]).await.unwrap();
    cut.close().await.unwrap();
    cut.read_to_end(&mut answer).await.unwrap();
    assert_eq!(only_frame::<LightpushResponse>(&answer).status_code(), 400);
    let logged = malformed(&node, 1).await;
    assert_eq!(logged.len(), 1);
    assert!(logged[0].error.starts_with("stream ended after"), "{}", logged[0].error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_opened_in_advance_is_served_when_its_request_comes() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let mut early = raw.open(node.peer(), protocol_id::LIGHTPUSH_V3).await;
    let later: LightpushResponse = raw
        .ask(
            node.peer(),
            protocol_id::LIGHTPUSH_V3,
            &LightpushRequest::new("later", PUBSUB, message("later")),
        )
        .await;
    assert_eq!(later.status_code(), 200);
    let request = LightpushRequest::new("early", PUBSUB, message("early")).encode_length_delimited_to_vec();
    early.write_all(&request).await.unwrap();
    early.close().await.unwrap();
    let mut answer = Vec::new();
    early.read_to_end(&mut answer).await.unwrap();
    let answer: LightpushResponse = only_frame(&answer);
    assert_eq!((answer.request_id(), answer.status_code()), ("early", 200));
}

/// A bug: such texts came back in answers too large for their protocol, on which the handler panicked.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_a_megabyte_are_refused_and_cut_in_answers_and_logs() {
    let node = standalone().await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let long = "\u{1}".repeat(1_000_000);
    let ask = async |request: LightpushRequest| -> LightpushResponse {
        raw.ask(node.peer(), protocol_id::LIGHTPUSH_V3, &request).await
    };
    let by_id = ask(LightpushRequest::new(long.as_str(), PUBSUB, message("x"))).await;
    assert_eq!((by_id.request_id(), by_id.status_code()), ("N/A", 400));
    let by_pubsub_topic = ask(LightpushRequest::new("r", long.as_str(), message("x"))).await;
    assert_eq!(
        (by_pubsub_topic.request_id(), by_pubsub_topic.status_code()),
        ("r", 421)
    );
    assert!(by_pubsub_topic.status_desc().len() <= 1024);
    let content = WakuMessage {
        content_topic: Some(long.clone()),
        ..message("x")
    };
    assert_eq!(
        ask(LightpushRequest::new("r", PUBSUB, content)).await.status_code(),
        420
    );
    // Within the size of a message, but beyond what a log line should hold.
    let content = WakuMessage {
        content_topic: Some("t".repeat(100_000)),
        ..message("x")
    };
    assert_eq!(
        ask(LightpushRequest::new("r", PUBSUB, content)).await.status_code(),
        200
    );

    let v2: PushRpc = raw
        .ask(
            node.peer(),
            protocol_id::LIGHTPUSH_V2,
            &PushRpc::request(long.as_str(), PUBSUB, message("x")),
        )
        .await;
    assert_eq!(v2.request_id(), "N/A");
    assert_eq!(v2.response.unwrap().is_success, Some(false));
    let by_id = raw
        .filter(
            &node,
            &FilterSubscribeRequest::subscribe(long.as_str(), PUBSUB, vec![CONTENT.into()]),
        )
        .await;
    assert_eq!((by_id.request_id(), by_id.status().code), ("N/A", 400));
    assert_eq!(node.node.filter_subscriber_count(), 0);
    let by_topic = FilterSubscribeRequest::subscribe("r", long.as_str(), vec![CONTENT.into()]);
    assert_eq!(raw.filter(&node, &by_topic).await.status().code, 400);

    let handled = |event: &Event| match event {
        Event::LightpushHandled(handled) => Some(handled.clone()),
        _ => None,
    };
    for handled in node.wait_for_events(3, handled).await {
        let texts = [handled.pubsub_topic, handled.content_topic, handled.status_text];
        assert!(texts.into_iter().flatten().all(|text| text.len() <= 1024));
    }
    assert_eq!(malformed(&node, 3).await.len(), 3);
    let logged_bytes = node.wait_for_events(1, |event| match event {
        Event::FilterHandled(handled) => Some(handled.pubsub_topic.as_ref().map_or(0, String::len)),
        _ => None,
    });
    assert!(logged_bytes.await[0] <= 1024);
    assert_alive(&node).await;
}
