//! What the light client makes of filter pushes, whoever writes them and however.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::BTreeSet;

use common::{
    raw::{RawConfig, RawPeer},
    *,
};
use futures::{AsyncReadExt, AsyncWriteExt, future::join_all};
use libp2p::Stream;
use prost::Message;
use waku::{
    net::ClientEvent,
    wire::{MessagePush, protocol_id},
};

/// A raw service node, and a client that is ready there.
async fn raw_node() -> (RawPeer, TestClient) {
    let raw = RawPeer::start(RawConfig::default());
    let mut client = client_with(client_config());
    client.client.keep_connected(raw.address().await);
    assert_eq!(client.ready().await, raw.peer_id);
    (raw, client)
}

fn frame_of(text: &str) -> (Vec<u8>, Vec<u8>) {
    let message = message(text);
    let payload = message.payload().to_vec();
    (
        MessagePush::new(PUBSUB, message).encode_length_delimited_to_vec(),
        payload,
    )
}

async fn malformed(client: &mut TestClient) -> String {
    match client.next().await {
        ClientEvent::MalformedPush { error, .. } => error,
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_push_ends_its_stream_and_nothing_else() {
    let (raw, mut client) = raw_node().await;
    let peer = client.client.peer_id();
    let cases: [(&[u8], &str); 4] = [
        (&[2, 0x0f, 0xff], "does not decode"),
        // 1 601 537 bytes announced, one too many; not a byte of them comes.
        (
            &[0x81, 0xe0, 0x61],
            "frame of 1601537 bytes exceeds the limit of 1601536",
        ),
        (&[0x82, 0x00], "not a canonical"),
        (&[0xff; 10], "not a canonical"),
    ];
    let mut healthy = raw.open(peer, protocol_id::FILTER_PUSH).await;
    for (bytes, expected) in cases {
        let mut stream = raw.open(peer, protocol_id::FILTER_PUSH).await;
        let (good, payload) = frame_of("before");
        stream.write_all(&good).await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(client.pushed().await.0.payload(), payload);
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        let error = malformed(&mut client).await;
        assert!(error.contains(expected), "{error}");
        assert!(
            stream.read_to_end(&mut Vec::new()).await.is_ok(),
            "the client ends the stream"
        );

        let (good, payload) = frame_of("on another stream");
        healthy.write_all(&good).await.unwrap();
        healthy.flush().await.unwrap();
        assert_eq!(client.pushed().await.0.payload(), payload);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_a_message_is_told_and_the_stream_goes_on() {
    let (raw, mut client) = raw_node().await;
    let mut stream = raw.open(client.client.peer_id(), protocol_id::FILTER_PUSH).await;
    let empty = MessagePush {
        waku_message: None,
        pubsub_topic: Some(PUBSUB.into()),
    };
    stream.write_all(&empty.encode_length_delimited_to_vec()).await.unwrap();
    let (good, payload) = frame_of("after it");
    stream.write_all(&good).await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(malformed(&mut client).await, "push without a message");
    assert_eq!(client.pushed().await.0.payload(), payload);
}

/// The way go-waku pushes.
#[tokio::test(flavor = "multi_thread")]
async fn pushes_on_a_stream_each_all_arrive() {
    let (raw, mut client) = raw_node().await;
    let mut sent = BTreeSet::new();
    for _ in 0..300 {
        let mut stream = raw.open(client.client.peer_id(), protocol_id::FILTER_PUSH).await;
        let (good, payload) = frame_of("one each");
        stream.write_all(&good).await.unwrap();
        stream.close().await.unwrap();
        sent.insert(payload);
    }
    let mut received = BTreeSet::new();
    for _ in 0..sent.len() {
        received.insert(client.pushed().await.0.payload().to_vec());
    }
    assert_eq!(received, sent);
}

/// A go-waku that has a hundred messages at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_pushes_on_a_stream_each_all_arrive() {
    let (raw, mut client) = raw_node().await;
    let peer = client.client.peer_id();
    let pushes = (0..500).map(|_| async {
        let (good, payload) = frame_of("burst");
        let mut stream = raw.open(peer, protocol_id::FILTER_PUSH).await;
        stream.write_all(&good).await.unwrap();
        stream.close().await.unwrap();
        payload
    });
    let sent: BTreeSet<_> = join_all(pushes).await.into_iter().collect();
    let mut received = BTreeSet::new();
    for _ in 0..sent.len() {
        received.insert(client.pushed().await.0.payload().to_vec());
    }
    assert_eq!(received, sent);
}

/// Streams beyond the limit cost messages, so each is told.
#[tokio::test(flavor = "multi_thread")]
async fn push_streams_beyond_the_limit_are_told() {
    const LIMIT: usize = 1024;
    const EACH: usize = 400; // Yamux has at most 512 a connection
    let mut client = client_with(client_config());
    let peer = client.client.peer_id();
    let mut held_open: Vec<Stream> = Vec::new();
    let mut raws = Vec::new();
    for _ in 0..3 {
        let raw = RawPeer::start(RawConfig::default());
        client.client.keep_connected(raw.address().await);
        assert_eq!(client.ready().await, raw.peer_id);
        held_open.extend(join_all((0..EACH).map(|_| raw.open(peer, protocol_id::FILTER_PUSH))).await);
        raws.push(raw);
    }
    for _ in LIMIT..3 * EACH {
        let error = malformed(&mut client).await;
        assert!(error.contains("more than 1024 streams"), "{error}");
    }
    drop(held_open);
    drop(raws);
}
