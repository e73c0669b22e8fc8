//! The swarm task: dials, introduces, pings, notices losses.
//!
//! A service node is *ready* after three steps on one connection: Noise proves its peer id, identify lists its
//! protocols, metadata names its cluster. A node of another cluster is refused for good; everything else is tried again.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm,
    core::upgrade::Version,
    identify, ping,
    swarm::{self, DialError, NetworkBehaviour, SwarmEvent},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{ClientConfig, ClientEvent, StartError, inbound, introduction::MetadataAnswer, known_peers::KnownPeers};
use crate::{
    ServiceNodeAddr,
    net::{
        kept::{Due, KeptNodes, Phase, dial_opts},
        streams::{self, InboundStream, StreamControl, StreamRefused},
        text::{dial_error_text, error_text},
        transport::{self, IDENTIFY_PROTOCOL_VERSION, IDLE_CONNECTION_TIMEOUT, NEGOTIATING_STREAMS},
    },
    wire::{WakuMetadata, protocol_id},
};

/// Inbound streams waiting for the reader task. A go-waku opens one for each message it pushes, so a burst of messages
/// must fit.
const INBOUND_QUEUE: usize = 1024;

/// Metadata answers waiting for the driver.
const ANSWER_QUEUE: usize = 64;

/// Pause before a dial that an older connection to the same peer stood in the way of. Closing takes a round trip at most.
const CLOSING_PAUSE: Duration = Duration::from_millis(50);

/// How long shutdown waits for connections to close.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// What the handle tells the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Keep(ServiceNodeAddr),
    Forget(PeerId),
    Shutdown(oneshot::Sender<()>),
}

#[derive(NetworkBehaviour)]
pub(super) struct ClientBehaviour {
    streams: streams::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// What the driver wakes up for.
enum WakeUp {
    Command(Option<Command>),
    Swarm(Box<SwarmEvent<ClientBehaviourEvent>>),
    Metadata(Box<MetadataAnswer>),
    /// A dial or an introduction is due.
    Due,
    /// The first event of the outbox was handed over.
    EventTaken,
    OwnerGone,
}

pub(crate) struct Driver {
    pub(super) swarm: Swarm<ClientBehaviour>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) events: mpsc::Sender<ClientEvent>,
    /// Events the owner has not taken yet. The swarm never waits for the owner: the owner may be waiting for an answer.
    pub(super) outbox: VecDeque<ClientEvent>,
    pub(super) known: KnownPeers,
    pub(super) kept: KeptNodes,
    pub(super) addresses: HashMap<PeerId, Multiaddr>,
    pub(super) metadata: Arc<WakuMetadata>,
    pub(super) answers: (mpsc::Sender<MetadataAnswer>, mpsc::Receiver<MetadataAnswer>),
    pub(super) cluster_id: u16,
    pub(super) introduction_timeout: Duration,
    /// Refused streams are told only while fewer events than this wait: they are the peers' to make.
    pub(super) outbox_refusals_max: usize,
}

impl Driver {
    pub(crate) fn new(
        config: &ClientConfig,
        known: KnownPeers,
        commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::Sender<ClientEvent>,
    ) -> Result<(Self, StreamControl, mpsc::Receiver<InboundStream>), StartError> {
        let limits = &config.limits;
        // Identify lists these from the first moment: nwaku drops the subscriptions of a peer that lacks filter-push.
        let served = [protocol_id::METADATA, protocol_id::FILTER_PUSH]
            .map(StreamProtocol::new)
            .to_vec();
        let (streams, control, inbound) = streams::new(served, INBOUND_QUEUE);
        let identify = identify::Config::new(IDENTIFY_PROTOCOL_VERSION.into(), config.keypair.public())
            .with_agent_version(config.agent.clone())
            .with_cache_size(0);
        let ping = ping::Config::new()
            .with_interval(limits.ping_interval)
            .with_timeout(limits.ping_timeout);
        let behaviour = ClientBehaviour {
            streams,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping),
        };
        // Lazy negotiation saves one round trip a request; the bytes on the wire are the same.
        let swarm_config = swarm::Config::with_tokio_executor()
            .with_idle_connection_timeout(IDLE_CONNECTION_TIMEOUT)
            .with_max_negotiating_inbound_streams(NEGOTIATING_STREAMS)
            .with_substream_upgrade_protocol_override(Version::V1Lazy);
        let peer_id = config.keypair.public().to_peer_id();
        let driver = Self {
            swarm: Swarm::new(transport::build(&config.keypair)?, behaviour, peer_id, swarm_config),
            commands,
            events,
            outbox: VecDeque::new(),
            known,
            kept: KeptNodes::new(limits.backoff_first, limits.backoff_max),
            addresses: HashMap::new(),
            metadata: Arc::new(WakuMetadata::new(config.cluster_id, &config.shards)),
            answers: mpsc::channel(ANSWER_QUEUE),
            cluster_id: config.cluster_id,
            introduction_timeout: limits.metadata_timeout,
            outbox_refusals_max: limits.event_queue,
        };
        Ok((driver, control, inbound))
    }

    /// Runs until the last handle is gone or shutdown is asked for.
    pub(crate) async fn run(mut self, streams: StreamControl) {
        let mut done = None;
        loop {
            match self.next_wake_up().await {
                WakeUp::Command(Some(Command::Keep(node))) => self.kept.keep(node, Instant::now()),
                WakeUp::Command(Some(Command::Forget(peer))) => self.forget(peer),
                WakeUp::Command(Some(Command::Shutdown(reply))) => {
                    done = Some(reply);
                    break;
                }
                WakeUp::Command(None) => break,
                WakeUp::Swarm(event) => self.on_swarm_event(*event, &streams),
                WakeUp::Metadata(answer) => self.on_metadata(*answer),
                WakeUp::Due => self.do_due(),
                WakeUp::EventTaken => {
                    self.outbox.pop_front();
                }
                // The owner does not listen, which is its right.
                WakeUp::OwnerGone => self.outbox.clear(),
            }
        }
        self.close_connections().await;
        if let Some(reply) = done {
            let _ = reply.send(());
        }
    }

    async fn next_wake_up(&mut self) -> WakeUp {
        let next_due = self.kept.next_due();
        tokio::select! {
            command = self.commands.recv() => WakeUp::Command(command),
            event = self.swarm.select_next_some() => WakeUp::Swarm(Box::new(event)),
            Some(answer) = self.answers.1.recv() => WakeUp::Metadata(Box::new(answer)),
            () = sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => WakeUp::Due,
            permit = self.events.reserve(), if !self.outbox.is_empty() => match (permit, self.outbox.front()) {
                (Ok(permit), Some(event)) => {
                    permit.send(event.clone());
                    WakeUp::EventTaken
                }
                _ => WakeUp::OwnerGone,
            },
        }
    }

    async fn close_connections(&mut self) {
        let peers: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closing = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, closing).await;
    }

    fn forget(&mut self, peer: PeerId) {
        self.kept.forget(peer);
        self.known.remove(peer);
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn do_due(&mut self) {
        for due in self.kept.take_due(Instant::now()) {
            match due {
                Due::Dial(node) => self.dial(node),
                Due::IntroductionOverdue(peer) => {
                    let after_ms = self.introduction_timeout.as_millis();
                    self.retry(peer, format!("no identify and metadata within {after_ms} ms"));
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
        }
    }

    fn dial(&mut self, node: ServiceNodeAddr) {
        let peer = node.peer_id;
        match self.swarm.dial(dial_opts(node)) {
            Ok(()) => {}
            // The connection that was given up a moment ago is still closing: no failure of the service node.
            Err(DialError::DialPeerConditionFalse(_)) => {
                self.kept
                    .set_phase(peer, Phase::Waiting(Instant::now() + CLOSING_PAUSE));
            }
            Err(error) => self.retry(peer, dial_error_text(&error)),
        }
    }

    /// Notes a failure of a kept node and tells when it is tried again.
    pub(super) fn retry(&mut self, peer: PeerId, error: String) {
        let retry_in = self.kept.failed(peer, Instant::now(), &mut rand::rng());
        if retry_in.is_some() {
            self.outbox.push_back(ClientEvent::DialFailed { peer, error, retry_in });
        }
    }

    pub(super) fn refuse(&mut self, peer: PeerId, error: String) {
        self.forget(peer);
        self.outbox.push_back(ClientEvent::Refused { peer, error });
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<ClientBehaviourEvent>, streams: &StreamControl) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                self.addresses.insert(peer_id, endpoint.get_remote_address().clone());
                self.kept
                    .set_phase(peer_id, Phase::Introducing(Instant::now() + self.introduction_timeout));
            }
            SwarmEvent::ConnectionClosed {
                peer_id,
                num_established: 0,
                cause,
                ..
            } => {
                let reason = cause.map_or_else(|| "closed".to_owned(), |cause| error_text(&cause));
                self.on_connection_lost(peer_id, reason);
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error,
                ..
            } => match error {
                DialError::WrongPeerId { obtained, .. } => {
                    let hint = "check the /p2p/ part of its address";
                    self.refuse(
                        peer,
                        format!("another peer answers at this address: {obtained} ({hint})"),
                    );
                }
                error => self.retry(peer, dial_error_text(&error)),
            },
            // An owner that is a whole queue behind does not learn more by still more events.
            SwarmEvent::Behaviour(ClientBehaviourEvent::Streams(StreamRefused { peer, protocol }))
                if protocol.as_ref() == protocol_id::FILTER_PUSH && self.outbox.len() < self.outbox_refusals_max =>
            {
                self.outbox.push_back(inbound::push_stream_refused(peer, INBOUND_QUEUE));
            }
            SwarmEvent::Behaviour(ClientBehaviourEvent::Identify(event)) => self.on_identify(event, streams),
            SwarmEvent::Behaviour(ClientBehaviourEvent::Ping(ping::Event {
                connection,
                result: Err(error),
                ..
            })) if !matches!(error, ping::Failure::Unsupported) => {
                self.swarm.close_connection(connection);
            }
            _ => {}
        }
    }

    fn on_connection_lost(&mut self, peer: PeerId, reason: String) {
        self.addresses.remove(&peer);
        if self.known.remove(peer) {
            self.kept.failed(peer, Instant::now(), &mut rand::rng());
            self.outbox.push_back(ClientEvent::Disconnected { peer, reason });
        } else if matches!(self.kept.phase(peer), Some(Phase::Introducing(_))) {
            self.retry(
                peer,
                format!("connection lost before the introduction was complete: {reason}"),
            );
        }
    }
}
