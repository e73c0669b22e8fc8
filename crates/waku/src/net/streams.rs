//! Plain negotiated streams, many at a time.
//!
//! A [`Behaviour`] that opens any number of outbound streams of one connection at once and hands over inbound streams
//! through a bounded queue. `libp2p-stream` negotiates one outbound stream at a time and silently drops inbound ones
//! under load; `request-response` has no place for filter's long-lived push streams.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    future::{Ready, ready},
    io,
    sync::Arc,
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{
        Endpoint, UpgradeInfo,
        transport::PortUse,
        upgrade::{InboundUpgrade, OutboundUpgrade},
    },
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm, NetworkBehaviour,
        NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

/// Open requests waiting for the swarm task. Callers wait beyond that; each holds a deadline of its own.
const OPEN_QUEUE: usize = 1024;

/// A stream a peer opened to us.
#[derive(Debug)]
pub struct InboundStream {
    /// Who opened it.
    pub peer: PeerId,
    /// On which connection.
    pub connection: ConnectionId,
    /// For which protocol.
    pub protocol: StreamProtocol,
    /// The stream; dropping it resets it.
    pub stream: Stream,
}

/// A stream a peer opened was reset because the queue of inbound streams was full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRefused {
    /// Who opened it.
    pub peer: PeerId,
    /// For which protocol.
    pub protocol: StreamProtocol,
}

/// Why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no connection to the peer.
    #[error("not connected to {peer}")]
    NotConnected {
        /// The peer asked for.
        peer: PeerId,
    },
    /// The peer does not speak the protocol.
    #[error("peer does not support {protocol}")]
    Unsupported {
        /// The protocol asked for.
        protocol: StreamProtocol,
    },
    /// The negotiation took too long.
    #[error("stream negotiation timed out")]
    TimedOut,
    /// The connection broke while negotiating.
    #[error("connection lost while opening a stream: {0}")]
    Io(#[from] io::Error),
    /// The connection was closed before the stream was open.
    #[error("connection closed while opening a stream")]
    Closed,
}

/// A request travelling from [`StreamControl::open`] to the connection.
#[derive(Debug)]
pub struct OpenRequest {
    peer: PeerId,
    protocol: StreamProtocol,
    reply: oneshot::Sender<Result<Stream, OpenError>>,
}

/// Opens streams; cheap to clone.
#[derive(Debug, Clone)]
pub struct StreamControl {
    open: mpsc::Sender<OpenRequest>,
}

impl StreamControl {
    /// Opens a stream for `protocol` on the first connection to `peer`.
    ///
    /// # Errors
    /// See [`OpenError`]. Under lazy negotiation a missing protocol shows up only when the stream is first read.
    pub async fn open(&self, peer: PeerId, protocol: StreamProtocol) -> Result<Stream, OpenError> {
        let (reply, answer) = oneshot::channel();
        self.open
            .send(OpenRequest { peer, protocol, reply })
            .await
            .map_err(|_| OpenError::Closed)?;
        answer.await.unwrap_or(Err(OpenError::Closed))
    }
}

/// The swarm's side of it.
pub struct Behaviour {
    protocols: Protocols,
    inbound: mpsc::Sender<InboundStream>,
    refused: VecDeque<StreamRefused>,
    requests: mpsc::Receiver<OpenRequest>,
    connections: HashMap<PeerId, Vec<ConnectionId>>,
}

/// Makes a behaviour that accepts streams for `protocols` and queues up to `inbound_queue` of them; further ones are
/// reset, and the behaviour tells of each by a [`StreamRefused`].
#[must_use]
pub fn new(
    protocols: Vec<StreamProtocol>,
    inbound_queue: usize,
) -> (Behaviour, StreamControl, mpsc::Receiver<InboundStream>) {
    let (open, requests) = mpsc::channel(OPEN_QUEUE);
    let (inbound, streams) = mpsc::channel(inbound_queue);
    let behaviour = Behaviour {
        protocols: Protocols(protocols.into()),
        inbound,
        refused: VecDeque::new(),
        requests,
        connections: HashMap::new(),
    };
    (behaviour, StreamControl { open }, streams)
}

impl Behaviour {
    fn handler(&self, peer: PeerId, connection: ConnectionId) -> Handler {
        Handler {
            peer,
            connection,
            protocols: self.protocols.clone(),
            inbound: self.inbound.clone(),
            refused: VecDeque::new(),
            pending: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = StreamRefused;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(peer, connection))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(peer, connection))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(up) => {
                self.connections.entry(up.peer_id).or_default().push(up.connection_id);
            }
            FromSwarm::ConnectionClosed(down) => {
                if let Some(open) = self.connections.get_mut(&down.peer_id) {
                    open.retain(|id| *id != down.connection_id);
                    if open.is_empty() {
                        self.connections.remove(&down.peer_id);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, _: ConnectionId, protocol: THandlerOutEvent<Self>) {
        self.refused.push_back(StreamRefused { peer, protocol });
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(refused) = self.refused.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(refused));
        }
        while let Poll::Ready(Some(request)) = self.requests.poll_recv(cx) {
            if request.reply.is_closed() {
                continue; // the caller's deadline has passed
            }
            match self.connections.get(&request.peer).and_then(|open| open.first()) {
                Some(connection) => {
                    return Poll::Ready(ToSwarm::NotifyHandler {
                        peer_id: request.peer,
                        handler: NotifyHandler::One(*connection),
                        event: request,
                    });
                }
                None => {
                    let _ = request.reply.send(Err(OpenError::NotConnected { peer: request.peer }));
                }
            }
        }
        Poll::Pending
    }
}

/// The connection's side of it.
pub struct Handler {
    peer: PeerId,
    connection: ConnectionId,
    protocols: Protocols,
    inbound: mpsc::Sender<InboundStream>,
    /// The protocols of streams that were reset because the queue was full.
    refused: VecDeque<StreamProtocol>,
    pending: VecDeque<OpenRequest>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = OpenRequest;
    type ToBehaviour = StreamProtocol;
    type InboundProtocol = Protocols;
    type OutboundProtocol = Protocols;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = OpenRequest;

    fn listen_protocol(&self) -> SubstreamProtocol<Protocols, ()> {
        SubstreamProtocol::new(self.protocols.clone(), ())
    }

    fn on_behaviour_event(&mut self, request: OpenRequest) {
        self.pending.push_back(request);
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Protocols, OpenRequest, StreamProtocol>> {
        if let Some(protocol) = self.refused.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(protocol));
        }
        while let Some(request) = self.pending.pop_front() {
            if !request.reply.is_closed() {
                let protocol = SubstreamProtocol::new(Protocols([request.protocol.clone()].into()), request);
                return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
            }
        }
        Poll::Pending
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Protocols, Protocols, (), OpenRequest>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (stream, protocol),
                ..
            }) => {
                let inbound = InboundStream {
                    peer: self.peer,
                    connection: self.connection,
                    protocol,
                    stream,
                };
                if let Err(TrySendError::Full(inbound)) = self.inbound.try_send(inbound) {
                    self.refused.push_back(inbound.protocol);
                }
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: (stream, _),
                info,
            }) => {
                let _ = info.reply.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let error = match error {
                    StreamUpgradeError::Timeout => OpenError::TimedOut,
                    StreamUpgradeError::NegotiationFailed => OpenError::Unsupported {
                        protocol: info.protocol,
                    },
                    StreamUpgradeError::Io(error) => OpenError::Io(error),
                    StreamUpgradeError::Apply(never) => match never {},
                };
                let _ = info.reply.send(Err(error));
            }
            _ => {}
        }
    }
}

/// A set of protocol ids, negotiated to the raw stream and the id chosen.
#[derive(Debug, Clone)]
pub struct Protocols(Arc<[StreamProtocol]>);

impl UpgradeInfo for Protocols {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        Vec::from(&*self.0).into_iter()
    }
}

impl InboundUpgrade<Stream> for Protocols {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, stream: Stream, protocol: Self::Info) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}

impl OutboundUpgrade<Stream> for Protocols {
    type Output = (Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_outbound(self, stream: Stream, protocol: Self::Info) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}
