//! The swarm of a raw peer.

use std::{collections::HashSet, time::Duration};

use futures::{AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    gossipsub::{self, IdentTopic},
    identify,
    identity::Keypair,
    noise, ping,
    swarm::{self, NetworkBehaviour, SwarmEvent, behaviour::toggle::Toggle, dial_opts::DialOpts},
    tcp,
};
use service_node::relay::{RelayLimits, new_behaviour};
use tokio::sync::{mpsc, watch};
use waku::{
    PubsubTopic, ServiceNodeAddr,
    frame::{read_frame, write_frame},
    net::{
        streams::{self, InboundStream, StreamControl},
        transport,
    },
    wire::{WakuMetadata, frame_cap, protocol_id},
};

use super::{PUBSUB, RawConfig};

/// How long a connection without streams lives: a raw peer never hangs up by itself.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(NetworkBehaviour)]
pub(super) struct RawBehaviour {
    streams: streams::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    relay: Toggle<gossipsub::Behaviour>,
}

pub(super) enum Command {
    Dial(ServiceNodeAddr),
    Publish(Vec<u8>),
}

/// Assembles the swarm and listens.
pub(super) fn build(config: &RawConfig) -> (Swarm<RawBehaviour>, StreamControl, mpsc::Receiver<InboundStream>) {
    let protocols = config.serves.iter().copied().map(StreamProtocol::new).collect();
    let (streams, control, inbound) = streams::new(protocols, 1024);
    let identify = identify::Config::new("ipfs/0.1.0".into(), config.keypair.public());
    let topic: PubsubTopic = PUBSUB.parse().unwrap();
    let limits = RelayLimits {
        max_message_bytes: 150 * 1024,
        ip_colocation_threshold: 0,
    };
    let behaviour = RawBehaviour {
        streams,
        identify: identify::Behaviour::new(identify.with_agent_version(config.agent.clone())),
        ping: ping::Behaviour::default(),
        relay: config.relay.then(|| new_behaviour(&limits, &[topic]).unwrap()).into(),
    };
    let (transport, carrier) = match config.mplex_websocket {
        true => (mplex_websocket(&config.keypair), "/ws"),
        false => (transport::build(&config.keypair).unwrap(), ""),
    };
    let patient = swarm::Config::with_tokio_executor().with_idle_connection_timeout(NEVER);
    let mut swarm = Swarm::new(transport, behaviour, config.keypair.public().to_peer_id(), patient);
    swarm
        .listen_on(format!("/ip4/127.0.0.1/tcp/0{carrier}").parse().unwrap())
        .unwrap();
    (swarm, control, inbound)
}

#[derive(Clone)]
pub(super) struct State {
    connected: watch::Sender<HashSet<PeerId>>,
    met: watch::Sender<HashSet<PeerId>>,
    introduced: watch::Sender<HashSet<PeerId>>,
    relay_peers: watch::Sender<HashSet<PeerId>>,
    addresses: watch::Sender<Vec<Multiaddr>>,
}

type Peers = watch::Receiver<HashSet<PeerId>>;

impl State {
    pub(super) fn new() -> (Self, [Peers; 4], watch::Receiver<Vec<Multiaddr>>) {
        let (connected, connected_seen) = watch::channel(HashSet::new());
        let (met, met_seen) = watch::channel(HashSet::new());
        let (introduced, introduced_seen) = watch::channel(HashSet::new());
        let (relay_peers, relay_peers_seen) = watch::channel(HashSet::new());
        let (addresses, addresses_seen) = watch::channel(Vec::new());
        let state = Self {
            connected,
            met,
            introduced,
            relay_peers,
            addresses,
        };
        (
            state,
            [connected_seen, met_seen, introduced_seen, relay_peers_seen],
            addresses_seen,
        )
    }
}

pub(super) async fn run(
    mut swarm: Swarm<RawBehaviour>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    state: State,
    messages: mpsc::UnboundedSender<Vec<u8>>,
) {
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
                    state.met.send_modify(|peers| _ = peers.insert(peer_id));
                }
                SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                    state.introduced.send_modify(|peers| _ = peers.remove(&peer_id));
                    state.connected.send_modify(|peers| _ = peers.remove(&peer_id));
                }
                SwarmEvent::Behaviour(RawBehaviourEvent::Relay(gossipsub::Event::Subscribed { peer_id, .. })) => {
                    state.relay_peers.send_modify(|peers| _ = peers.insert(peer_id));
                }
                SwarmEvent::Behaviour(RawBehaviourEvent::Relay(gossipsub::Event::Message { message, .. })) => {
                    let _ = messages.send(message.data);
                }
                _ => {}
            },
        }
    }
}

pub(super) async fn answer_metadata(
    mut streams: mpsc::Receiver<InboundStream>,
    others: mpsc::Sender<InboundStream>,
    ours: Option<WakuMetadata>,
    state: State,
) {
    let mut held_open = Vec::new();
    while let Some(mut inbound) = streams.recv().await {
        if inbound.protocol.as_ref() != protocol_id::METADATA {
            let _ = others.send(inbound).await;
            continue;
        }
        state.introduced.send_modify(|peers| _ = peers.insert(inbound.peer));
        let Some(ours) = &ours else {
            held_open.push(inbound.stream);
            continue;
        };
        if read_frame::<WakuMetadata, _>(&mut inbound.stream, frame_cap::METADATA_BYTES)
            .await
            .is_ok()
        {
            let _ = write_frame(&mut inbound.stream, ours, frame_cap::METADATA_BYTES).await;
            let _ = inbound.stream.close().await;
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
