//! The swarm's loop: keeps static peers, watches the meshes, and passes on what the network and the services say.

use std::{sync::Arc, time::Duration};

use event_log::{
    EventLog,
    event::{Listening, MeshChanged, PeerConnected, PeerDisconnected},
};
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    gossipsub::IdentTopic,
    identify, ping,
    swarm::{ListenError, SwarmEvent},
};
use runtime::Shutdown;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};
use waku::net::{
    kept::{Due, KeptNodes, Phase, dial_opts},
    streams::StreamRefused,
    text::{dial_error_text, error_text},
};

use super::{
    behaviour::{NodeBehaviour, NodeBehaviourEvent},
    mesh::Shards,
    peers::Peers,
    start::{Command, Deliver},
};
use crate::{config::NodeConfig, filter::RecentHashes, metrics::Metrics, relay::KEEP_ALIVE_TOPIC};

/// How often mesh sizes are looked at: gossipsub's own heartbeat.
const MESH_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How often relay links get a sign of life. Below half of the 5 minutes after which nwaku resets a quiet stream.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(120);

/// Size of nwaku's lowest healthy mesh (D_low): more is not asked of readiness.
const HEALTHY_MESH_COUNT: u32 = 4;

/// The swarm and everything it works on.
pub(super) struct Task {
    pub(super) swarm: Swarm<NodeBehaviour>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) shards: Shards,
    pub(super) kept: KeptNodes,
    pub(super) peers: Peers,
    pub(super) addresses: watch::Sender<Vec<Multiaddr>>,
    pub(super) is_meshed: watch::Sender<bool>,
    pub(super) identified: mpsc::Sender<PeerId>,
    pub(super) deliver: Deliver,
    /// Gossip ids of messages a standalone node accepted lately.
    pub(super) accepted_alone: RecentHashes,
    pub(super) log: EventLog,
    pub(super) metrics: Arc<Metrics>,
    pub(super) config: NodeConfig,
}

/// What the task wakes up for.
enum WakeUp {
    Swarm(Box<SwarmEvent<NodeBehaviourEvent>>),
    Command(Command),
    DialDue,
    CheckMesh,
    KeepAlive,
    End,
}

impl Task {
    /// Runs until shutdown.
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        let mut mesh_check = ticks(MESH_CHECK_INTERVAL);
        let mut keep_alive = ticks(KEEP_ALIVE_INTERVAL);
        loop {
            let next_due = self.kept.next_due();
            let wake_up = tokio::select! {
                event = self.swarm.select_next_some() => WakeUp::Swarm(Box::new(event)),
                Some(command) = self.commands.recv() => WakeUp::Command(command),
                () = sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => WakeUp::DialDue,
                _ = mesh_check.tick() => WakeUp::CheckMesh,
                _ = keep_alive.tick() => WakeUp::KeepAlive,
                () = shutdown.requested() => WakeUp::End,
            };
            match wake_up {
                WakeUp::Swarm(event) => self.on_swarm_event(*event),
                WakeUp::Command(command) => self.on_command(command),
                WakeUp::DialDue => self.dial_due(),
                WakeUp::CheckMesh => self.check_mesh(),
                WakeUp::KeepAlive => self.keep_links_alive(),
                WakeUp::End => return,
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Publish { delivery, reply } => {
                let outcome = self.publish(&delivery);
                let _ = reply.send(outcome);
            }
            Command::Disconnect { peer, reason } => {
                if self.swarm.disconnect_peer_id(peer).is_ok() {
                    // A static peer is dialled again, later and later: what it said may be mended.
                    tracing::info!(%peer, reason, "sending peer away");
                }
            }
        }
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<NodeBehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(NodeBehaviourEvent::Relay(event)) => self.on_relay_event(event),
            SwarmEvent::Behaviour(NodeBehaviourEvent::Streams(StreamRefused { .. })) => {
                self.metrics.refused_streams.inc();
            }
            // Once a session: peers may introduce themselves as often as they like.
            SwarmEvent::Behaviour(NodeBehaviourEvent::Identify(identify::Event::Received {
                peer_id, info, ..
            })) if self.peers.identified(peer_id, &info.agent_version) => {
                let _ = self.identified.try_send(peer_id);
            }
            SwarmEvent::Behaviour(NodeBehaviourEvent::Ping(ping::Event {
                connection,
                result: Err(error),
                ..
            })) if !matches!(error, ping::Failure::Unsupported) => {
                self.swarm.close_connection(connection);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                let full = address
                    .with_p2p(*self.swarm.local_peer_id())
                    .unwrap_or_else(|address| address);
                self.log.log(Listening {
                    address: full.to_string(),
                });
                self.addresses.send_modify(|addresses| addresses.push(full));
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                endpoint,
                num_established,
                ..
            } => {
                self.kept.set_phase(peer_id, Phase::Ready);
                if num_established.get() == 1 {
                    self.peers.connected(peer_id);
                    self.metrics.connected_peers.set(self.peers.count() as i64);
                    self.log.log(PeerConnected {
                        peer: peer_id.to_string(),
                        address: endpoint.get_remote_address().to_string(),
                        inbound: endpoint.is_listener(),
                    });
                }
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                cause,
                ..
            } => {
                self.peers.disconnected(peer_id);
                self.shards.disconnected(peer_id);
                self.metrics.connected_peers.set(self.peers.count() as i64);
                self.kept.failed(peer_id, Instant::now(), &mut rand::rng());
                let reason = cause.map_or_else(|| "closed".to_owned(), |cause| error_text(&cause));
                self.log.log(PeerDisconnected {
                    peer: peer_id.to_string(),
                    reason,
                });
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error,
                ..
            } => {
                self.kept.failed(peer, Instant::now(), &mut rand::rng());
                tracing::debug!(%peer, error = dial_error_text(&error), "static peer not reached");
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                // The other errors are handshakes that failed: port scanners, or peers that speak something else.
                if matches!(error, ListenError::Denied { .. }) {
                    self.metrics.refused_connections.inc();
                }
                tracing::debug!(error = error_text(&error), "incoming connection failed");
            }
            _ => {}
        }
    }

    fn dial_due(&mut self) {
        for due in self.kept.take_due(Instant::now()) {
            let Due::Dial(node) = due else { continue };
            let peer = node.peer_id;
            if self.swarm.dial(dial_opts(node)).is_err() {
                if self.swarm.is_connected(&peer) {
                    self.kept.set_phase(peer, Phase::Ready); // it dialled us
                } else {
                    self.kept.failed(peer, Instant::now(), &mut rand::rng());
                }
            }
        }
    }

    pub(super) fn check_mesh(&mut self) {
        for topic in self.shards.topic_hashes() {
            let peers = u32::try_from(self.swarm.behaviour().relay.mesh_peers(&topic).count()).unwrap_or(u32::MAX);
            if let Some(pubsub_topic) = self.shards.set_mesh_count(&topic, peers) {
                self.log.log(MeshChanged {
                    pubsub_topic: pubsub_topic.to_string(),
                    peers,
                });
            }
        }
        let smallest = self.shards.smallest_mesh();
        self.metrics.mesh_peers.set(i64::from(smallest));
        let is_meshed = smallest >= self.config.expect_peers.min(HEALTHY_MESH_COUNT);
        self.is_meshed
            .send_if_modified(|was| std::mem::replace(was, is_meshed) != is_meshed);
    }

    /// Puts two small RPCs on every relay link; see [`KEEP_ALIVE_TOPIC`].
    fn keep_links_alive(&mut self) {
        let relay = &mut self.swarm.behaviour_mut().relay;
        let topic = IdentTopic::new(KEEP_ALIVE_TOPIC);
        if relay.subscribe(&topic).is_ok() {
            relay.unsubscribe(&topic);
        }
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
