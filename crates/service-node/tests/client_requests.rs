//! What the light client makes of service nodes that answer late, wrongly, or not at all.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use prost::Message;
use waku::{
    FrameError,
    frame::{read_frame, write_frame},
    net::{ClientConfig, ClientEvent, LightpushVersion, RequestError},
    wire::{LightpushRequest, LightpushResponse, frame_cap, protocol_id},
};

/// A raw service node with these protocols beside metadata, and a client that is ready there.
async fn raw_node(protocols: &[&'static str], config: ClientConfig) -> (RawPeer, TestClient) {
    let serves = [&[protocol_id::METADATA], protocols].concat();
    let raw = RawPeer::start(RawConfig {
        serves,
        ..RawConfig::default()
    });
    let mut client = client_with(config);
    client.client.keep_connected(raw.address().await);
    assert_eq!(client.ready().await, raw.peer_id);
    (raw, client)
}

async fn push(client: &TestClient, peer: PeerId) -> Result<u32, RequestError> {
    let answer = client
        .client
        .lightpush(peer, LightpushVersion::V3, PUBSUB, &message("x"))
        .await;
    answer.map(|answer| answer.status.code)
}

/// Takes the next stream and the request on it.
async fn taken(raw: &mut RawPeer) -> (Stream, LightpushRequest) {
    let mut stream = raw.next_stream().await;
    let request = read_frame(&mut stream, frame_cap::LIGHTPUSH_REQUEST_BYTES)
        .await
        .unwrap();
    (stream, request)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_within_the_deadline_is_a_timeout_after_sending() {
    let mut config = client_config();
    config.limits.lightpush_timeout = Duration::from_millis(300);
    let (mut raw, client) = raw_node(&[protocol_id::LIGHTPUSH_V3], config).await;
    let (outcome, held_open) = tokio::join!(push(&client, raw.peer_id), taken(&mut raw));
    let error = outcome.unwrap_err();
    assert!(
        matches!(
            error,
            RequestError::TimedOut {
                after_ms: 300,
                sent: true
            }
        ),
        "{error:?}"
    );
    assert!(error.may_have_arrived());
    drop(held_open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_the_node_does_not_list_is_not_even_tried() {
    let (mut raw, client) = raw_node(&[protocol_id::LIGHTPUSH_V2], client_config()).await;
    let error = push(&client, raw.peer_id).await.unwrap_err();
    let is_named = matches!(
        error,
        RequestError::Unsupported {
            protocol: protocol_id::LIGHTPUSH_V3,
            ..
        }
    );
    assert!(is_named && !error.may_have_arrived(), "{error:?}");
    assert!(raw.inbound.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_or_breaks_without_an_answer_is_a_read_error() {
    let (mut raw, client) = raw_node(&[protocol_id::LIGHTPUSH_V3], client_config()).await;
    for is_polite in [true, false] {
        let (outcome, ()) = tokio::join!(push(&client, raw.peer_id), async {
            let (mut stream, _) = taken(&mut raw).await;
            if is_polite {
                stream.close().await.unwrap();
            }
        });
        let error = outcome.unwrap_err();
        assert!(matches!(error, RequestError::Read(FrameError::Closed)), "{error:?}");
        assert!(error.may_have_arrived());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_while_waiting_is_told_at_once() {
    let (mut raw, mut client) = raw_node(&[protocol_id::LIGHTPUSH_V3], client_config()).await;
    let peer = raw.peer_id;
    let (outcome, ()) = tokio::join!(push(&client, peer), async {
        let _held_open = taken(&mut raw).await;
        drop(raw);
    });
    let error = outcome.unwrap_err();
    assert!(matches!(error, RequestError::Read(_)), "{error:?}");
    assert!(error.may_have_arrived());
    assert!(matches!(client.next().await, ClientEvent::Disconnected { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_none_are_named() {
    let (mut raw, client) = raw_node(&[protocol_id::LIGHTPUSH_V3], client_config()).await;
    let wrong_id = LightpushResponse::ok("another", 1).encode_length_delimited_to_vec();
    let answers: [(&[u8], &str); 4] = [
        (&wrong_id, "request id \"another\""),
        (&[2, 0x0f, 0xff], "does not decode"),
        (&[5, 1], "stream ended after 1 of 5 bytes"),
        (&[0x81, 0x80, 0x04], "frame of 65537 bytes exceeds the limit of 65536"),
    ];
    for (answer, expected) in answers {
        let (outcome, ()) = tokio::join!(push(&client, raw.peer_id), async {
            let (mut stream, _) = taken(&mut raw).await;
            stream.write_all(answer).await.unwrap();
            stream.close().await.unwrap();
        });
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.may_have_arrived());
    }
    // A refusal may carry any id.
    let (outcome, ()) = tokio::join!(push(&client, raw.peer_id), async {
        let (mut stream, _) = taken(&mut raw).await;
        let refusal = LightpushResponse::refused("N/A", 429, "slow down");
        write_frame(&mut stream, &refusal, frame_cap::LIGHTPUSH_RESPONSE_BYTES)
            .await
            .unwrap();
        stream.close().await.unwrap();
    });
    assert_eq!(outcome.unwrap(), 429);
}

/// js-waku and nwaku differ in when they end their sides; ours ends right after the request.
#[tokio::test(flavor = "multi_thread")]
async fn the_clients_side_ends_right_after_the_request() {
    let (mut raw, client) = raw_node(&[protocol_id::LIGHTPUSH_V3], client_config()).await;
    let (outcome, ()) = tokio::join!(push(&client, raw.peer_id), async {
        let (mut stream, request) = taken(&mut raw).await;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
        let answer = LightpushResponse::ok(request.request_id(), 3);
        write_frame(&mut stream, &answer, frame_cap::LIGHTPUSH_RESPONSE_BYTES)
            .await
            .unwrap();
        // Our side stays open: the client must not wait for its end.
        assert!(stream.read_to_end(&mut rest).await.is_ok());
    });
    assert_eq!(outcome.unwrap(), 200);
}
