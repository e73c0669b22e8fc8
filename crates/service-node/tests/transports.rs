//! TCP with Yamux is everywhere; here is the rest: WebSocket, and Mplex as js-waku speaks it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::{
    raw::{RawConfig, RawPeer, read_push},
    *,
};
use waku::{
    net::LightpushVersion,
    wire::{LightpushRequest, LightpushResponse, PushRpc, protocol_id},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_address_works_end_to_end() {
    let mut config = config();
    config.listen = vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()];
    config.standalone = true;
    let node = start(config).await;
    assert!(node.node.addresses()[0].to_string().contains("/ws"));
    let mut client = client_at(&node).await;
    assert_eq!(client.subscribe(&node).await.code, 200);
    for version in [LightpushVersion::V2, LightpushVersion::V3] {
        let sent = message("by websocket");
        let answer = client
            .client
            .lightpush(node.peer(), version, PUBSUB, &sent)
            .await
            .unwrap();
        assert_eq!(answer.status.code, 200);
        assert_eq!(client.pushed().await.0, sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_with_nothing_but_mplex_over_websocket_can_push_and_receive() {
    let mut config = config();
    config.listen = vec!["/ip4/127.0.0.1/tcp/0/ws".parse().unwrap()];
    config.standalone = true;
    let node = start(config).await;
    let js = RawConfig {
        mplex_websocket: true,
        agent: "js-waku".into(),
        ..RawConfig::default()
    };
    let mut js = RawPeer::at(&node, js).await;
    js.subscribe(&node).await;
    let mut stream = None;
    for number in 0..150 {
        let pushed = message("by mplex");
        let payload = pushed.payload().to_vec();
        if number % 2 == 0 {
            let request = LightpushRequest::new("r", PUBSUB, pushed);
            let answer: LightpushResponse = js.ask(node.peer(), protocol_id::LIGHTPUSH_V3, &request).await;
            assert_eq!(answer.status_code(), 200);
        } else {
            let request = PushRpc::request("r", PUBSUB, pushed);
            let answer: PushRpc = js.ask(node.peer(), protocol_id::LIGHTPUSH_V2, &request).await;
            assert_eq!(answer.response.unwrap().is_success, Some(true));
        }
        // Mplex has no windows: a stream nobody reads stops the whole connection.
        let stream = match &mut stream {
            Some(stream) => stream,
            None => stream.insert(js.next_stream().await),
        };
        assert_eq!(read_push(stream).await, payload);
    }
    assert!(js.inbound.try_recv().is_err());
    assert_eq!(js.ping(&node).await, 200);
}
