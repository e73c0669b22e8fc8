//! How many connections and streams a node takes, and what becomes of one too many.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::{
    raw::{RawConfig, RawPeer, only_frame},
    *,
};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use prost::Message;
use service_node::limits::ConnectionLimits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use waku::{
    net::{ClientConfig, ClientEvent, ClientLimits, LightpushVersion},
    wire::{LightpushRequest, LightpushResponse, protocol_id},
};

fn impatient() -> ClientConfig {
    let limits = ClientLimits {
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(100),
        ..ClientLimits::default()
    };
    ClientConfig {
        limits,
        ..client_config()
    }
}

async fn node_with(limits: ConnectionLimits) -> TestNode {
    let mut config = config();
    config.connections = limits;
    start(config).await
}

/// A client that is not let in, seen to fail twice.
async fn kept_out(node: &TestNode) -> TestClient {
    let mut client = client_with(impatient());
    client.client.keep_connected(node.node.address());
    for _ in 0..2 {
        match client.next().await {
            ClientEvent::DialFailed { peer, retry_in, .. } => {
                assert_eq!(peer, node.peer());
                assert!(retry_in.is_some());
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_maximum_is_refused_counted_and_let_in_when_there_is_room() {
    let node = node_with(ConnectionLimits {
        max_connections: 2,
        ..ConnectionLimits::default()
    })
    .await;
    let (first, second) = (client_at(&node).await, client_at(&node).await);
    let mut third = kept_out(&node).await;
    wait_for(|| (node.node.metrics().refused_connections.get() >= 2).then_some(())).await;
    assert_eq!(node.node.metrics().connected_peers.get(), 2);
    for client in [&first, &second] {
        assert_eq!(client.client.filter_ping(node.peer()).await.unwrap().code, 404);
    }
    first.client.shutdown().await;
    third.ready().await;
    assert_eq!(second.client.filter_ping(node.peer()).await.unwrap().code, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_of_its_ip_address_is_refused() {
    let node = node_with(ConnectionLimits {
        max_connections_per_ip: 1,
        ..ConnectionLimits::default()
    })
    .await;
    let first = client_at(&node).await;
    let mut second = kept_out(&node).await;
    wait_for(|| (node.node.metrics().refused_connections.get() >= 2).then_some(())).await;
    first.client.shutdown().await;
    second.ready().await;
}

/// One identity, several processes: beyond the limit the newest is refused, and those that work go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_of_its_peer_is_refused() {
    let node = node_with(ConnectionLimits {
        max_connections_per_peer: 1,
        ..ConnectionLimits::default()
    })
    .await;
    let identity = impatient();
    let mut first = client_with(identity.clone());
    first.client.keep_connected(node.node.address());
    first.ready().await;
    let mut second = client_with(identity);
    second.client.keep_connected(node.node.address());
    assert!(matches!(second.next().await, ClientEvent::DialFailed { .. }));
    assert_eq!(first.client.filter_ping(node.peer()).await.unwrap().code, 404);
    assert!(first.events.try_recv().is_err());
    first.client.shutdown().await;
    second.ready().await;
}

/// A port scanner is no client that was refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_fails_is_not_counted_as_refused() {
    let node = node_with(ConnectionLimits {
        max_connections: 1,
        ..ConnectionLimits::default()
    })
    .await;
    let address = node.node.addresses()[0].to_string();
    let port: u16 = address.split('/').nth(4).unwrap().parse().unwrap();
    let mut scanner = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let no_noise = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(200));
    scanner.write_all(no_noise.as_bytes()).await.unwrap();
    let _ = scanner.read_to_end(&mut Vec::new()).await;
    // The only place there is becomes free for a real client, which counts how often it was turned away.
    let mut client = client_with(impatient());
    client.client.keep_connected(node.node.address());
    let mut refused_count = 0;
    while !matches!(client.next().await, ClientEvent::Ready { .. }) {
        refused_count += 1;
    }
    assert_eq!(node.node.metrics().refused_connections.get(), refused_count);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_limit_of_a_peer_are_reset_and_counted() {
    const LIMIT: usize = 512;
    let mut config = config();
    config.standalone = true;
    let node = start(config).await;
    let raw = RawPeer::at(&node, RawConfig::default()).await;
    let mut idle = Vec::new();
    for _ in 0..LIMIT {
        idle.push(raw.open(node.peer(), protocol_id::LIGHTPUSH_V3).await);
    }
    for _ in 0..3 {
        let mut beyond = raw.open(node.peer(), protocol_id::LIGHTPUSH_V3).await;
        let mut answer = Vec::new();
        beyond.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty());
    }
    assert_eq!(node.node.metrics().refused_streams.get(), 3);
    // Others have places of their own, and one that is given back is free again.
    let other = client_at(&node).await;
    let answer = other
        .client
        .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &message("other"))
        .await
        .unwrap();
    assert_eq!(answer.status.code, 200);
    idle.clear();
    let request = LightpushRequest::new("r", PUBSUB, message("again")).encode_length_delimited_to_vec();
    let answer = async {
        loop {
            let mut stream = raw.open(node.peer(), protocol_id::LIGHTPUSH_V3).await;
            let mut answer = Vec::new();
            // Both fail while there is no place yet.
            let _ = stream.write_all(&request).await;
            let _ = stream.read_to_end(&mut answer).await;
            if !answer.is_empty() {
                return only_frame::<LightpushResponse>(&answer);
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap();
    assert_eq!(answer.status_code(), 200);
}
