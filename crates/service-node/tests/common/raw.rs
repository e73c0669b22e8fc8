//! A peer that does what it is told: opens any protocol, writes any bytes, takes push streams in any way, and says of
//! itself what it likes.

use std::collections::HashSet;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, Swarm, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    gossipsub::{self, IdentTopic},
    identify,
    identity::Keypair,
    noise, ping,
    swarm::{self, NetworkBehaviour, SwarmEvent, behaviour::toggle::Toggle, dial_opts::DialOpts},
    tcp,
};
use prost::Message;
use service_node::relay::{RelayLimits, new_behaviour};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use waku::{
    PubsubTopic, ServiceNodeAddr,
    frame::{read_frame, write_frame},
    net::{
        streams::{self, InboundStream, StreamControl},
        transport,
    },
    wire::{FilterSubscribeRequest, FilterSubscribeResponse, MessagePush, WakuMetadata, frame_cap, protocol_id},
};

use super::{CLUSTER, CONTENT, PATIENCE, PUBSUB, SHARD, TestNode};

/// Days without a stream: a raw peer never hangs up by itself.
const NEVER: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

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
        }
    }
}

#[derive(NetworkBehaviour)]
struct RawBehaviour {
    streams: streams::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: Toggle<gossipsub::Behaviour>,
}

enum Command {
    Dial(ServiceNodeAddr),
    Publish(Vec<u8>),
}

pub struct RawPeer {
    pub peer_id: PeerId,
    pub inbound: mpsc::Receiver<InboundStream>,
    control: StreamControl,
    commands: mpsc::UnboundedSender<Command>,
    connected: watch::Receiver<HashSet<PeerId>>,
    /// Who has asked for our metadata: such a node has read our identify message.
    introduced: watch::Receiver<HashSet<PeerId>>,
    relay_peers: watch::Receiver<HashSet<PeerId>>,
    addresses: watch::Receiver<Vec<Multiaddr>>,
}

impl RawPeer {
    pub fn start(config: RawConfig) -> Self {
        let peer_id = config.keypair.public().to_peer_id();
        let protocols = config.serves.iter().copied().map(StreamProtocol::new).collect();
        let (streams, control, inbound) = streams::new(protocols, 1024);
        let identify =
            identify::Config::new("ipfs/0.1.0".into(), config.keypair.public()).with_agent_version(config.agent);
        let topic: PubsubTopic = PUBSUB.parse().unwrap();
        let limits = RelayLimits { max_message_bytes: 150 * 1024, ip_colocation_threshold: 0 };
        let behaviour = RawBehaviour {
            streams,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            relay: config.relay.then(|| new_behaviour(&limits, &[topic]).unwrap()).into(),
        };
        let transport = match config.mplex_websocket {
            true => mplex_websocket(&config.keypair),
            false => transport::build(&config.keypair).unwrap(),
        };
        let patient = swarm::Config::with_tokio_executor().with_idle_connection_timeout(NEVER);
        let mut swarm = Swarm::new(transport, behaviour, peer_id, patient);
        let carrier = if config.mplex_websocket { "/ws" } else { "" };
        swarm.listen_on(format!("/ip4/127.0.0.1/tcp/0{carrier}").parse().unwrap()).unwrap();
        let (commands, command_queue) = mpsc::unbounded_channel();
        let (state, [connected, introduced, relay_peers], addresses) = State::new();
        tokio::spawn(run(swarm, command_queue, state.clone()));
        let (others, other_streams) = mpsc::channel(1024);
        tokio::spawn(answer_metadata(inbound, others, WakuMetadata::new(config.cluster, &[SHARD]), state));
        Self { peer_id, inbound: other_streams, control, commands, connected, introduced, relay_peers, addresses }
    }

    /// A raw peer that `node` knows by its agent string.
    pub async fn at(node: &TestNode, config: RawConfig) -> Self {
        let peer = Self::start(config);
        peer.connect(node).await;
        peer.introduced(node).await;
        peer
    }

    pub async fn connect(&self, node: &TestNode) {
        self.commands.send(Command::Dial(node.node.address())).ok().unwrap();
        self.until(&self.connected, |peers| peers.contains(&node.peer())).await;
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

    /// Waits until `node` has told that it relays our shard.
    pub async fn meshed(&self, node: &TestNode) {
        self.until(&self.relay_peers, |peers| peers.contains(&node.peer())).await;
    }

    async fn until(&self, watched: &watch::Receiver<HashSet<PeerId>>, holds: impl FnMut(&HashSet<PeerId>) -> bool) {
        timeout(PATIENCE, watched.clone().wait_for(holds)).await.expect("in time").expect("the raw peer lives");
    }

    /// Where others reach this peer.
    pub async fn address(&self) -> ServiceNodeAddr {
        let mut addresses = self.addresses.clone();
        let addresses = addresses.wait_for(|addresses| !addresses.is_empty()).await.unwrap().clone();
        ServiceNodeAddr { peer_id: self.peer_id, addresses }
    }

    pub fn publish(&self, data: Vec<u8>) {
        self.commands.send(Command::Publish(data)).ok().unwrap();
    }

    pub async fn open(&self, peer: PeerId, protocol: &'static str) -> Stream {
        timeout(PATIENCE, self.control.open(peer, StreamProtocol::new(protocol))).await.expect("in time").unwrap()
    }

    /// Writes `bytes` as they are and returns all that comes back. Our side stays open until the end.
    pub async fn exchange(&self, peer: PeerId, protocol: &'static str, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.open(peer, protocol).await;
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end in time").unwrap();
        answer
    }

    /// One request and its answer, and nothing behind it.
    pub async fn ask<A: Message + Default>(&self, peer: PeerId, protocol: &'static str, request: &impl Message) -> A {
        let answer = self.exchange(peer, protocol, &request.encode_length_delimited_to_vec()).await;
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
        self.filter(node, &FilterSubscribeRequest::ping("p")).await.status().code
    }

    pub async fn next_stream(&mut self) -> Stream {
        timeout(PATIENCE, self.inbound.recv()).await.expect("a stream in time").expect("the raw peer lives").stream
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

#[derive(Clone)]
struct State {
    connected: watch::Sender<HashSet<PeerId>>,
    introduced: watch::Sender<HashSet<PeerId>>,
    relay_peers: watch::Sender<HashSet<PeerId>>,
    addresses: watch::Sender<Vec<Multiaddr>>,
}

type Peers = watch::Receiver<HashSet<PeerId>>;

impl State {
    fn new() -> (Self, [Peers; 3], watch::Receiver<Vec<Multiaddr>>) {
        let (connected, connected_seen) = watch::channel(HashSet::new());
        let (introduced, introduced_seen) = watch::channel(HashSet::new());
        let (relay_peers, relay_peers_seen) = watch::channel(HashSet::new());
        let (addresses, addresses_seen) = watch::channel(Vec::new());
        let state = Self { connected, introduced, relay_peers, addresses };
        (state, [connected_seen, introduced_seen, relay_peers_seen], addresses_seen)
    }
}

async fn run(mut swarm: Swarm<RawBehaviour>, mut commands: mpsc::UnboundedReceiver<Command>, state: State) {
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Dial(node)) => {
                    swarm.dial(DialOpts::peer_id(node.peer_id).addresses(node.addresses).build()).unwrap();
                }
                Some(Command::Publish(data)) => {
                    let relay = swarm.behaviour_mut().relay.as_mut().expect("a peer with relay");
                    relay.publish(IdentTopic::new(PUBSUB), data).unwrap();
                }
                None => return,
            },
            event = swarm.select_next_some() => match event {
                SwarmEvent::NewListenAddr { address, .. } => state.addresses.send_modify(|all| all.push(address)),
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    state.connected.send_modify(|peers| _ = peers.insert(peer_id));
                }
                SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                    state.introduced.send_modify(|peers| _ = peers.remove(&peer_id));
                    state.connected.send_modify(|peers| _ = peers.remove(&peer_id));
                }
                SwarmEvent::Behaviour(RawBehaviourEvent::Relay(gossipsub::Event::Subscribed { peer_id, .. })) => {
                    state.relay_peers.send_modify(|peers| _ = peers.insert(peer_id));
                }
                _ => {}
            },
        }
    }
}

async fn answer_metadata(
    mut streams: mpsc::Receiver<InboundStream>,
    others: mpsc::Sender<InboundStream>,
    ours: WakuMetadata,
    state: State,
) {
    while let Some(mut inbound) = streams.recv().await {
        if inbound.protocol.as_ref() != protocol_id::METADATA {
            let _ = others.send(inbound).await;
            continue;
        }
        if read_frame::<WakuMetadata, _>(&mut inbound.stream, frame_cap::METADATA_BYTES).await.is_ok() {
            let _ = write_frame(&mut inbound.stream, &ours, frame_cap::METADATA_BYTES).await;
            let _ = inbound.stream.close().await;
            state.introduced.send_modify(|peers| _ = peers.insert(inbound.peer));
        }
    }
}

fn mplex_websocket(keypair: &Keypair) -> Boxed<(PeerId, StreamMuxerBox)> {
    libp2p_websocket::Config::new(tcp::tokio::Transport::new(tcp::Config::default()))
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(keypair).unwrap())
        .multiplex(libp2p_mplex::Config::default())
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed()
}
