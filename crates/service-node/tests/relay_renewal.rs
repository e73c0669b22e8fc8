//! A relay link whose streams are reset again and again keeps working.
//!
//! nwaku resets a relay stream that was quiet for 5 to 10 minutes and opens another; rust gossipsub alone goes deaf and
//! mute at the fifth. The peer here speaks relay by hand, so that it can do in a second what takes nwaku an hour.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{sync::Arc, time::Duration};

use common::*;
use event_log::Event;
use futures::{AsyncWriteExt, StreamExt};
use libp2p::{
    PeerId, Stream, StreamProtocol, Swarm, identify,
    identity::Keypair,
    swarm::{self, NetworkBehaviour, dial_opts::DialOpts},
};
use prost::Message;
use tokio::sync::{Mutex, mpsc};
use waku::{
    frame,
    net::{
        LightpushVersion,
        streams::{self, InboundStream, StreamControl},
        transport,
    },
    wire::{WakuMetadata, protocol_id},
};

/// More than twice what gossipsub alone survives.
const RESETS: usize = 12;

/// A gossipsub RPC, as far as this test needs it.
#[derive(Clone, PartialEq, prost::Message)]
struct Rpc {
    #[prost(message, repeated, tag = "1")]
    subscriptions: Vec<Subscription>,
    #[prost(message, repeated, tag = "2")]
    publish: Vec<Published>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Subscription {
    #[prost(bool, optional, tag = "1")]
    subscribe: Option<bool>,
    #[prost(string, optional, tag = "2")]
    topic: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Published {
    #[prost(bytes = "vec", optional, tag = "2")]
    data: Option<Vec<u8>>,
    #[prost(string, optional, tag = "4")]
    topic: Option<String>,
}

#[derive(NetworkBehaviour)]
struct RawBehaviour {
    streams: streams::Behaviour,
    identify: identify::Behaviour,
}

/// A relay peer made of plain streams.
struct RawRelay {
    control: StreamControl,
    node: PeerId,
    relay_streams: Mutex<mpsc::Receiver<InboundStream>>,
}

async fn raw_relay_at(node: &TestNode) -> Arc<RawRelay> {
    let keypair = Keypair::generate_secp256k1();
    let protocols = [protocol_id::RELAY, protocol_id::METADATA]
        .map(StreamProtocol::new)
        .to_vec();
    let (behaviour, control, mut inbound) = streams::new(protocols, 64);
    let identify = identify::Config::new("ipfs/0.1.0".into(), keypair.public()).with_agent_version("nim-like".into());
    let behaviour = RawBehaviour {
        streams: behaviour,
        identify: identify::Behaviour::new(identify),
    };
    let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(Duration::from_secs(600));
    let peer = keypair.public().to_peer_id();
    let mut swarm = Swarm::new(transport::build(&keypair).unwrap(), behaviour, peer, config);
    let address = node.node.address();
    swarm
        .dial(DialOpts::peer_id(address.peer_id).addresses(address.addresses).build())
        .unwrap();
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let (relay_tx, relay_streams) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(mut stream) = inbound.recv().await {
            if stream.protocol.as_ref() == protocol_id::RELAY {
                relay_tx.send(stream).await.unwrap();
                continue;
            }
            tokio::spawn(async move {
                let _: WakuMetadata = frame::read_frame(&mut stream.stream, 1024).await.unwrap();
                frame::write_frame(&mut stream.stream, &WakuMetadata::new(CLUSTER, &[SHARD]), 1024)
                    .await
                    .unwrap();
                stream.stream.close().await.unwrap();
            });
        }
    });
    Arc::new(RawRelay {
        control,
        node: node.peer(),
        relay_streams: Mutex::new(relay_streams),
    })
}

impl RawRelay {
    /// Opens our sending stream and subscribes on it.
    async fn open(&self) -> Stream {
        let protocol = StreamProtocol::new(protocol_id::RELAY);
        let opening = async {
            loop {
                match self.control.open(self.node, protocol.clone()).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await, // not connected yet
                }
            }
        };
        let mut stream = tokio::time::timeout(PATIENCE, opening)
            .await
            .expect("the node accepts a relay stream");
        let subscription = Subscription {
            subscribe: Some(true),
            topic: Some(PUBSUB.into()),
        };
        let hello = Rpc {
            subscriptions: vec![subscription],
            publish: vec![],
        };
        frame::write_frame(&mut stream, &hello, 1 << 20).await.unwrap();
        stream
    }

    async fn publish(&self, stream: &mut Stream, text: &str) -> waku::MessageHash {
        let message = message(text);
        let published = Published {
            data: Some(message.encode_to_vec()),
            topic: Some(PUBSUB.into()),
        };
        let rpc = Rpc {
            subscriptions: vec![],
            publish: vec![published],
        };
        frame::write_frame(stream, &rpc, 1 << 20).await.unwrap();
        waku::message_hash(PUBSUB, &message)
    }

    /// Takes the stream the node opened to us, reads until a published message or the end, and resets it.
    async fn read_one_and_reset(&self) -> Option<Vec<u8>> {
        let mut inbound = self
            .relay_streams
            .lock()
            .await
            .recv()
            .await
            .expect("the node opens a relay stream");
        loop {
            let rpc: Rpc = frame::read_frame(&mut inbound.stream, 1 << 20).await.ok()?;
            if let Some(data) = rpc.publish.into_iter().find_map(|published| published.data) {
                return Some(data); // dropping the stream resets it
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_may_reset_its_own_stream_any_number_of_times() {
    let node = start(config()).await;
    let relay = raw_relay_at(&node).await;
    for _ in 0..RESETS {
        let mut stream = relay.open().await;
        let hash = relay.publish(&mut stream, "after reset").await;
        node.wait_for_events(1, |event| match event {
            Event::RelayReceived(received) if received.hash.0 == <[u8; 32]>::from(hash) => Some(()),
            _ => None,
        })
        .await;
        drop(stream); // resets it
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_may_reset_our_stream_any_number_of_times() {
    let node = start(config()).await;
    let relay = raw_relay_at(&node).await;
    let mut stream = relay.open().await;
    relay.publish(&mut stream, "hello").await;
    node.wait_for_events(1, |event| matches!(event, Event::RelayReceived(_)).then_some(()))
        .await;
    let publisher = client_at(&node).await;
    for _ in 0..RESETS {
        let reader = tokio::spawn({
            let relay = relay.clone();
            async move { relay.read_one_and_reset().await }
        });
        // A message written into a stream that was just reset is lost on this link; the next one opens another.
        while !reader.is_finished() {
            let sent = message("until heard");
            let answer = publisher
                .client
                .lightpush(node.peer(), LightpushVersion::V3, PUBSUB, &sent)
                .await
                .unwrap();
            assert_eq!(answer.status.code, 200, "{}", answer.status);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        reader.await.unwrap();
    }
    // The node still hears this peer, too.
    let hash = relay.publish(&mut stream, "still here").await;
    node.wait_for_events(1, |event| match event {
        Event::RelayReceived(received) if received.hash.0 == <[u8; 32]>::from(hash) => Some(()),
        _ => None,
    })
    .await;
}
