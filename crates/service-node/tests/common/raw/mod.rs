//! A peer that does what it is told: opens any protocol, writes any bytes, takes push streams in any way, and says of
//! itself what it likes.

mod swarm;

use std::collections::HashSet;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, identity::Keypair};
use prost::Message;
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use waku::{
    ServiceNodeAddr,
    frame::read_frame,
    net::streams::{InboundStream, StreamControl},
    wire::{FilterSubscribeRequest, FilterSubscribeResponse, MessagePush, WakuMetadata, frame_cap, protocol_id},
};

use self::swarm::{Command, State};
use super::{CLUSTER, CONTENT, PATIENCE, PUBSUB, SHARD, TestNode, wait_for};

pub struct RawConfig {
    pub keypair: Keypair,
    pub agent: String,
    /// Protocols listed and accepted. [`protocol_id::METADATA`] is answered by itself.
    pub serves: Vec<&'static str>,
    pub cluster: u16,
    /// As js-waku: WebSocket and Mplex, nothing else.
    pub mplex_websocket: bool,
    /// Takes part in relay.
    pub relay: bool,
    /// Never answers a metadata question.
    pub is_silent: bool,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            keypair: Keypair::generate_secp256k1(),
            agent: "raw".into(),
            serves: vec![protocol_id::METADATA, protocol_id::FILTER_PUSH],
            cluster: CLUSTER,
            mplex_websocket: false,
            relay: false,
            is_silent: false,
        }
    }
}

pub struct RawPeer {
    pub peer_id: PeerId,
    pub inbound: mpsc::Receiver<InboundStream>,
    control: StreamControl,
    commands: mpsc::UnboundedSender<Command>,
    connected: watch::Receiver<HashSet<PeerId>>,
    /// Who has ever been connected: a node that sends us away at once may be gone before anybody looks.
    met: watch::Receiver<HashSet<PeerId>>,
    /// Who has asked for our metadata: such a node has read our identify message.
    introduced: watch::Receiver<HashSet<PeerId>>,
    relay_peers: watch::Receiver<HashSet<PeerId>>,
    relayed: mpsc::UnboundedReceiver<Vec<u8>>,
    addresses: watch::Receiver<Vec<Multiaddr>>,
}

impl RawPeer {
    pub fn start(config: RawConfig) -> Self {
        let peer_id = config.keypair.public().to_peer_id();
        let (swarm, control, inbound) = swarm::build(&config);
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (state, [connected, met, introduced, relay_peers], addresses) = State::new();
        let (messages, relayed) = mpsc::unbounded_channel();
        tokio::spawn(swarm::run(swarm, command_queue, state.clone(), messages));
        let (others, other_streams) = mpsc::channel(1024);
        let ours = (!config.is_silent).then(|| WakuMetadata::new(config.cluster, &[SHARD]));
        tokio::spawn(swarm::answer_metadata(inbound, others, ours, state));
        let inbound = other_streams;
        Self {
            peer_id,
            inbound,
            control,
            commands,
            connected,
            met,
            introduced,
            relay_peers,
            relayed,
            addresses,
        }
    }

    /// A raw peer that `node` knows by its agent string.
    pub async fn at(node: &TestNode, config: RawConfig) -> Self {
        let peer = Self::start(config);
        peer.connect(node).await;
        peer.introduced(node).await;
        peer
    }

    /// Waits until there is a connection, even if it is gone again already.
    pub async fn connect(&self, node: &TestNode) {
        self.commands.send(Command::Dial(node.node.address())).ok().unwrap();
        self.until(&self.met, |peers| peers.contains(&node.peer())).await;
    }

    /// Waits until `node` has read who we are.
    pub async fn introduced(&self, node: &TestNode) {
        self.until(&self.introduced, |peers| peers.contains(&node.peer())).await;
    }

    pub async fn disconnected(&self, node: &TestNode) {
        self.until(&self.connected, |peers| !peers.contains(&node.peer())).await;
    }

    pub fn is_connected(&self, node: &TestNode) -> bool {
        self.connected.borrow().contains(&node.peer())
    }

    /// Waits until what we publish goes to `node`.
    pub async fn relays_to(&self, node: &TestNode) {
        self.until(&self.relay_peers, |peers| peers.contains(&node.peer()))
            .await;
    }

    /// Waits until what `node`, which has no other relay peer, publishes comes to us, and the other way round.
    pub async fn meshed(&self, node: &TestNode) {
        self.relays_to(node).await;
        wait_for(|| (node.node.metrics().mesh_peers.get() >= 1).then_some(())).await;
    }

    async fn until(&self, watched: &watch::Receiver<HashSet<PeerId>>, holds: impl FnMut(&HashSet<PeerId>) -> bool) {
        timeout(PATIENCE, watched.clone().wait_for(holds))
            .await
            .expect("in time")
            .expect("the raw peer lives");
    }

    /// Where others reach this peer.
    pub async fn address(&self) -> ServiceNodeAddr {
        let mut addresses = self.addresses.clone();
        let addresses = addresses
            .wait_for(|addresses| !addresses.is_empty())
            .await
            .unwrap()
            .clone();
        ServiceNodeAddr {
            peer_id: self.peer_id,
            addresses,
        }
    }

    pub fn publish(&self, data: Vec<u8>) {
        self.commands.send(Command::Publish(data)).ok().unwrap();
    }

    /// The next message that came by relay, as its bytes.
    pub async fn relayed(&mut self) -> Vec<u8> {
        timeout(PATIENCE, self.relayed.recv())
            .await
            .expect("a message in time")
            .expect("the raw peer lives")
    }

    pub async fn open(&self, peer: PeerId, protocol: &'static str) -> Stream {
        timeout(PATIENCE, self.control.open(peer, StreamProtocol::new(protocol)))
            .await
            .expect("in time")
            .unwrap()
    }

    /// Writes `bytes` as they are and returns all that comes back. Our side stays open until the end.
    pub async fn exchange(&self, peer: PeerId, protocol: &'static str, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.open(peer, protocol).await;
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("an end in time")
            .unwrap();
        answer
    }

    /// One request and its answer, and nothing behind it.
    pub async fn ask<A: Message + Default>(&self, peer: PeerId, protocol: &'static str, request: &impl Message) -> A {
        let answer = self
            .exchange(peer, protocol, &request.encode_length_delimited_to_vec())
            .await;
        only_frame(&answer)
    }

    pub async fn filter(&self, node: &TestNode, request: &FilterSubscribeRequest) -> FilterSubscribeResponse {
        self.ask(node.peer(), protocol_id::FILTER_SUBSCRIBE, request).await
    }

    pub async fn subscribe(&self, node: &TestNode) {
        let request = FilterSubscribeRequest::subscribe("s", PUBSUB, vec![CONTENT.into()]);
        assert_eq!(self.filter(node, &request).await.status().code, 200);
    }

    /// Whatever we sent before this has been processed by the node's side of the connection afterwards.
    pub async fn ping(&self, node: &TestNode) -> u32 {
        self.filter(node, &FilterSubscribeRequest::ping("p"))
            .await
            .status()
            .code
    }

    pub async fn next_stream(&mut self) -> Stream {
        timeout(PATIENCE, self.inbound.recv())
            .await
            .expect("a stream in time")
            .expect("the raw peer lives")
            .stream
    }
}

/// Decodes bytes that must be exactly one frame.
pub fn only_frame<A: Message + Default>(bytes: &[u8]) -> A {
    let mut rest = bytes;
    let message = A::decode_length_delimited(&mut rest).unwrap();
    assert!(rest.is_empty(), "{} bytes behind the frame", rest.len());
    message
}

/// The payload of the next push on a stream.
pub async fn read_push(stream: &mut Stream) -> Vec<u8> {
    let read = read_frame::<MessagePush, _>(stream, frame_cap::FILTER_PUSH_BYTES);
    let push = timeout(PATIENCE, read).await.expect("a push in time").unwrap();
    push.waku_message.unwrap().payload().to_vec()
}
