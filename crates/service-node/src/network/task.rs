//! The swarm's loop: relays, keeps static peers, and hands valid messages to the node's services.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use event_log::{
    EventLog,
    event::{
        Listening, MeshChanged, PeerConnected, PeerDisconnected, RelayOrigin, RelayReceived, RelayRejected, RelaySent,
    },
};
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    gossipsub::{self, IdentTopic, MessageAcceptance, PublishError, TopicHash},
    identify, ping,
    swarm::{
        ListenError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use runtime::Shutdown;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};
use waku::{
    MessageHash, WakuMessage, gossip_id,
    net::{
        kept::{Due, KeptNodes, Phase},
        streams::{InboundStream, StreamControl, StreamRefused},
        text::{dial_error_text, error_text},
    },
};

use super::{
    behaviour::{self, BuildError, NodeBehaviour, NodeBehaviourEvent},
    mesh::Shards,
    peers::Peers,
};
use crate::{
    config::NodeConfig,
    delivery::{Delivery, PublishOutcome, log_hash, log_text},
    filter::RecentHashes,
    metrics::Metrics,
    relay::{KEEP_ALIVE_TOPIC, max_message_bytes},
};

/// Publish requests waiting for the swarm. A full queue holds back the lightpush handlers, each of which serves one
/// waiting client.
const PUBLISH_QUEUE: usize = 4096;

/// How often mesh sizes are looked at: gossipsub's own heartbeat.
const MESH_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How often relay links get a sign of life. Below half of the 5 minutes after which nwaku resets a quiet stream.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(120);

/// Pauses between dials of a static peer: short at first so that a fleet meshes at once, long for a dead peer.
const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Size of nwaku's lowest healthy mesh (D_low): more is not asked of readiness.
const HEALTHY_MESH_COUNT: u32 = 4;

/// Something the services ask of the network.
#[derive(Debug)]
enum Command {
    Publish {
        delivery: Arc<Delivery>,
        reply: oneshot::Sender<PublishOutcome>,
    },
    Disconnect {
        peer: PeerId,
        reason: String,
    },
}

/// The services' way to the network; cheap to clone.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    commands: mpsc::Sender<Command>,
}

impl NetworkHandle {
    /// Hands a message to relay and, when it was accepted, to this node's own services.
    pub async fn publish(&self, delivery: Arc<Delivery>) -> PublishOutcome {
        let gone = || PublishOutcome::Failed("service node is shutting down".into());
        let (reply, outcome) = oneshot::channel();
        if self.commands.send(Command::Publish { delivery, reply }).await.is_err() {
            return gone();
        }
        outcome.await.unwrap_or_else(|_| gone())
    }

    /// Sends a peer away.
    pub async fn disconnect(&self, peer: PeerId, reason: String) {
        let _ = self.commands.send(Command::Disconnect { peer, reason }).await;
    }
}

/// What the services need of the network.
pub struct NetworkParts {
    /// Commands to it.
    pub handle: NetworkHandle,
    /// Opens streams to peers.
    pub streams: StreamControl,
    /// Streams peers opened.
    pub inbound: mpsc::Receiver<InboundStream>,
    /// Peers that have introduced themselves by identify.
    pub identified: mpsc::Receiver<PeerId>,
    /// Who is connected.
    pub peers: Peers,
    /// Full listen addresses so far.
    pub addresses: watch::Receiver<Vec<Multiaddr>>,
    /// The smallest mesh is as large as expected.
    pub is_meshed: watch::Receiver<bool>,
}

/// Takes a message that this node has accepted. Must not block: it runs on the swarm's task.
pub type Deliver = Box<dyn FnMut(&Arc<Delivery>) + Send>;

/// Starts the swarm task, which runs until `shutdown`.
///
/// # Errors
/// When the swarm cannot be set up or an address cannot be listened at.
pub fn start(
    config: &NodeConfig,
    log: EventLog,
    metrics: Arc<Metrics>,
    shutdown: Shutdown,
) -> Result<(NetworkParts, impl FnOnce(Deliver) -> JoinHandle<()>), StartError> {
    let (mut swarm, streams, inbound) = behaviour::build(config)?;
    for address in &config.listen {
        swarm.listen_on(address.clone()).map_err(|source| StartError::Listen {
            address: address.clone(),
            reason: error_text(&source),
        })?;
    }
    let (commands, command_queue) = mpsc::channel(PUBLISH_QUEUE);
    let (identified_tx, identified) = mpsc::channel(PUBLISH_QUEUE);
    let (addresses_tx, addresses) = watch::channel(Vec::new());
    let (is_meshed_tx, is_meshed) = watch::channel(config.expect_peers == 0);
    let peers = Peers::default();
    let mut kept = KeptNodes::new(BACKOFF_FIRST, BACKOFF_MAX);
    for peer in &config.static_peers {
        kept.keep(peer.clone(), Instant::now());
    }
    let handle = NetworkHandle { commands };
    let parts = NetworkParts {
        handle,
        streams,
        inbound,
        identified,
        peers: peers.clone(),
        addresses,
        is_meshed,
    };
    let config = config.clone();
    let run = move |deliver: Deliver| {
        let task = Task {
            swarm,
            commands: command_queue,
            shards: Shards::new(config.topics().iter().map(ToString::to_string)),
            kept,
            peers,
            addresses: addresses_tx,
            is_meshed: is_meshed_tx,
            identified: identified_tx,
            deliver,
            accepted_alone: RecentHashes::default(),
            log,
            metrics,
            config,
        };
        tokio::spawn(task.run(shutdown))
    };
    Ok((parts, run))
}

/// Why a node could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The swarm could not be set up.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An address is taken or not ours.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
}

struct Task {
    swarm: Swarm<NodeBehaviour>,
    commands: mpsc::Receiver<Command>,
    shards: Shards,
    kept: KeptNodes,
    peers: Peers,
    addresses: watch::Sender<Vec<Multiaddr>>,
    is_meshed: watch::Sender<bool>,
    identified: mpsc::Sender<PeerId>,
    deliver: Deliver,
    /// Gossip ids of messages a standalone node accepted lately.
    accepted_alone: RecentHashes,
    log: EventLog,
    metrics: Arc<Metrics>,
    config: NodeConfig,
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
    async fn run(mut self, shutdown: Shutdown) {
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
                    tracing::info!(%peer, reason, "sending peer away");
                    self.kept.forget(peer);
                }
            }
        }
    }

    fn publish(&mut self, delivery: &Arc<Delivery>) -> PublishOutcome {
        let topic = TopicHash::from_raw(delivery.pubsub_topic.to_string());
        if self.shards.topic(&topic).is_none() {
            return PublishOutcome::UnsupportedTopic;
        }
        let outcome = match self
            .swarm
            .behaviour_mut()
            .relay
            .publish(topic.clone(), delivery.encoded.clone())
        {
            Ok(_) => PublishOutcome::Sent(self.shards.subscribers(&topic)),
            // gossipsub remembers only what it could send; alone, the node has to remember by itself.
            Err(PublishError::NoPeersSubscribedToTopic) if self.config.standalone => {
                let id = MessageHash::from(gossip_id(&delivery.encoded));
                let is_new = self.accepted_alone.insert(id, std::time::Instant::now());
                if is_new {
                    PublishOutcome::Sent(Vec::new())
                } else {
                    PublishOutcome::Duplicate
                }
            }
            Err(PublishError::NoPeersSubscribedToTopic) => PublishOutcome::NoPeers,
            Err(PublishError::Duplicate) => PublishOutcome::Duplicate,
            Err(PublishError::AllQueuesFull(_)) => PublishOutcome::QueuesFull,
            Err(error) => PublishOutcome::Failed(error.to_string()),
        };
        if let PublishOutcome::Sent(to_peers) = &outcome {
            self.note_sent(delivery, to_peers, RelayOrigin::Lightpush);
            (self.deliver)(delivery);
        }
        outcome
    }

    fn note_sent(&self, delivery: &Delivery, to_peers: &[PeerId], origin: RelayOrigin) {
        if to_peers.is_empty() {
            return;
        }
        self.metrics.relay_sent.inc_by(to_peers.len() as u64);
        self.log.log(RelaySent {
            hash: log_hash(delivery.hash),
            to_peers: to_peers.iter().map(ToString::to_string).collect(),
            pubsub_topic: delivery.pubsub_topic.to_string(),
            origin,
        });
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

    fn on_relay_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => {
                let acceptance = self.on_relayed(propagation_source, message);
                let relay = &mut self.swarm.behaviour_mut().relay;
                relay.report_message_validation_result(&message_id, &propagation_source, acceptance);
            }
            gossipsub::Event::Subscribed { peer_id, topic, .. } => {
                self.shards.subscribed(&topic, peer_id);
                self.check_mesh();
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => self.shards.unsubscribed(&topic, peer_id),
            _ => {}
        }
    }

    /// Validates a relayed message, delivers it, and says whether gossipsub may forward it.
    fn on_relayed(&mut self, from: PeerId, message: gossipsub::Message) -> MessageAcceptance {
        let Some(topic) = self.shards.topic(&message.topic).cloned() else {
            return MessageAcceptance::Ignore;
        };
        let encoded = Bytes::from(message.data);
        let decoded = match self.validate(&topic, &encoded) {
            Ok(decoded) => decoded,
            Err(reason) => {
                self.metrics.relay_rejected.inc();
                let (from_peer, pubsub_topic) = (from.to_string(), topic.to_string());
                self.log.log(RelayRejected {
                    from_peer,
                    pubsub_topic,
                    reason,
                });
                return MessageAcceptance::Reject;
            }
        };
        let delivery = Arc::new(Delivery::new(topic, decoded, encoded));
        self.metrics.relay_received.inc();
        self.log.log(RelayReceived {
            hash: log_hash(delivery.hash),
            from_peer: from.to_string(),
            pubsub_topic: delivery.pubsub_topic.to_string(),
            content_topic: log_text(delivery.content_topic()),
            size_bytes: delivery.size_bytes(),
        });
        let onward: Vec<_> = {
            let relay = &self.swarm.behaviour().relay;
            relay
                .mesh_peers(&message.topic)
                .filter(|peer| **peer != from)
                .copied()
                .collect()
        };
        self.note_sent(&delivery, &onward, RelayOrigin::Relay);
        (self.deliver)(&delivery);
        MessageAcceptance::Accept
    }

    fn validate(&self, topic: &str, encoded: &Bytes) -> Result<WakuMessage, String> {
        let limit_bytes = max_message_bytes(&self.config.relay, topic);
        if encoded.len() > limit_bytes {
            return Err(format!(
                "message of {} bytes exceeds the limit of {limit_bytes}",
                encoded.len()
            ));
        }
        let message = <WakuMessage as prost::Message>::decode(encoded.clone()).map_err(|error| error.to_string())?;
        waku::message::check_shape(&message).map_err(|error| error.to_string())?;
        Ok(message)
    }

    fn dial_due(&mut self) {
        for due in self.kept.take_due(Instant::now()) {
            let Due::Dial(node) = due else { continue };
            let peer = node.peer_id;
            let opts = DialOpts::peer_id(peer)
                .addresses(node.addresses)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .build();
            if self.swarm.dial(opts).is_err() {
                if self.swarm.is_connected(&peer) {
                    self.kept.set_phase(peer, Phase::Ready); // it dialled us
                } else {
                    self.kept.failed(peer, Instant::now(), &mut rand::rng());
                }
            }
        }
    }

    fn check_mesh(&mut self) {
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
