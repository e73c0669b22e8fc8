//! Asking service nodes: one stream, one request, one answer.

use std::time::Duration;

use futures::AsyncWriteExt;
use libp2p::{PeerId, StreamProtocol};
use prost::Message;
use tokio::time::timeout;

use super::{
    LightClient,
    error::{RequestError, is_unsupported},
    known_peers::KnownPeers,
};
use crate::{
    NodeRecord, Status, WakuMessage, frame,
    net::streams::{OpenError, StreamControl},
    wire::{
        FilterSubscribeRequest, FilterSubscribeResponse, LightpushRequest, LightpushResponse, PeerExchangeRpc, PushRpc,
        WakuMetadata, frame_cap, protocol_id,
    },
};

/// Which lightpush protocol to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LightpushVersion {
    /// `/vac/waku/lightpush/2.0.0-beta1`: the only one go-waku has.
    V2,
    /// `/vac/waku/lightpush/3.0.0`.
    V3,
}

/// What a service node answered to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAnswer {
    /// Status; a v2 success is 200.
    pub status: Status,
    /// To how many relay peers it says the message went (v3 only).
    pub relay_peers: Option<u32>,
}

/// The fixed parts of one kind of exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) protocol: &'static str,
    pub(crate) request_cap_bytes: usize,
    pub(crate) response_cap_bytes: usize,
    pub(crate) deadline: Duration,
}

impl Exchange {
    /// Opens a stream, writes one frame, ends our side, reads one frame, drops the stream.
    ///
    /// Our side is ended right after the request, as js-waku does: nim servers wait for our end of stream after their
    /// answer. Lazy negotiation discovers a missing protocol only when the answer is read.
    pub(crate) async fn run<Q, A>(self, streams: &StreamControl, peer: PeerId, request: &Q) -> Result<A, RequestError>
    where
        Q: Message,
        A: Message + Default,
    {
        let mut sent = false;
        let exchange = async {
            let mut stream =
                streams
                    .open(peer, StreamProtocol::new(self.protocol))
                    .await
                    .map_err(|error| match error {
                        OpenError::NotConnected { peer } => RequestError::NotConnected { peer },
                        OpenError::Unsupported { .. } => RequestError::Unsupported {
                            peer,
                            protocol: self.protocol,
                        },
                        error => RequestError::Open(error),
                    })?;
            // From the first byte on: under back-pressure the whole frame may be on its way before the write returns.
            sent = true;
            frame::write_frame(&mut stream, request, self.request_cap_bytes)
                .await
                .map_err(RequestError::Write)?;
            // A failure to end our side shows up in the read.
            let _ = stream.close().await;
            frame::read_frame(&mut stream, self.response_cap_bytes)
                .await
                .map_err(|error| {
                    if is_unsupported(&error) {
                        RequestError::Unsupported {
                            peer,
                            protocol: self.protocol,
                        }
                    } else {
                        RequestError::Read(error)
                    }
                })
        };
        let outcome = timeout(self.deadline, exchange).await;
        outcome.unwrap_or(Err(RequestError::TimedOut {
            after_ms: self.deadline.as_millis(),
            sent,
        }))
    }
}

pub(super) fn new_request_id() -> String {
    // Ten random bytes as hex, the form nwaku uses.
    hex::encode(rand::random::<[u8; 10]>())
}

impl LightClient {
    /// Pushes one message to a service node for relaying.
    ///
    /// # Errors
    /// See [`RequestError`]; a refusal by the node is not an error but a [`Status`].
    pub async fn lightpush(
        &self,
        peer: PeerId,
        version: LightpushVersion,
        pubsub_topic: &str,
        message: &WakuMessage,
    ) -> Result<PushAnswer, RequestError> {
        let id = new_request_id();
        let exchange = Exchange {
            protocol: match version {
                LightpushVersion::V2 => protocol_id::LIGHTPUSH_V2,
                LightpushVersion::V3 => protocol_id::LIGHTPUSH_V3,
            },
            request_cap_bytes: frame_cap::LIGHTPUSH_REQUEST_BYTES,
            response_cap_bytes: frame_cap::LIGHTPUSH_RESPONSE_BYTES,
            deadline: self.limits.lightpush_timeout,
        };
        match version {
            LightpushVersion::V3 => {
                let request = LightpushRequest::new(id.as_str(), pubsub_topic, message.clone());
                let answer: LightpushResponse = self.ask(peer, exchange, &request).await?;
                check_id(answer.answers(&id), answer.request_id(), &id)?;
                Ok(PushAnswer {
                    status: answer.status(),
                    relay_peers: answer.relay_peer_count,
                })
            }
            LightpushVersion::V2 => {
                let request = PushRpc::request(id.as_str(), pubsub_topic, message.clone());
                let answer: PushRpc = self.ask(peer, exchange, &request).await?;
                check_id(answer.answers(&id), answer.request_id(), &id)?;
                let status = answer
                    .status()
                    .ok_or_else(|| mismatch("no response in the lightpush v2 answer"))?;
                Ok(PushAnswer {
                    status,
                    relay_peers: None,
                })
            }
        }
    }

    /// Subscribes to content topics of one pubsub topic; at most 100 in one request.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn filter_subscribe(
        &self,
        peer: PeerId,
        pubsub_topic: &str,
        content_topics: &[String],
    ) -> Result<Status, RequestError> {
        let request = FilterSubscribeRequest::subscribe(new_request_id(), pubsub_topic, content_topics.to_vec());
        self.filter(peer, request, self.limits.filter_timeout).await
    }

    /// Takes content topics of one pubsub topic back.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn filter_unsubscribe(
        &self,
        peer: PeerId,
        pubsub_topic: &str,
        content_topics: &[String],
    ) -> Result<Status, RequestError> {
        let request = FilterSubscribeRequest::unsubscribe(new_request_id(), pubsub_topic, content_topics.to_vec());
        self.filter(peer, request, self.limits.filter_timeout).await
    }

    /// Takes every subscription at a service node back.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn filter_unsubscribe_all(&self, peer: PeerId) -> Result<Status, RequestError> {
        let request = FilterSubscribeRequest::unsubscribe_all(new_request_id());
        self.filter(peer, request, self.limits.filter_timeout).await
    }

    /// Asks a service node whether it still has our subscription, which renews it. 404 means it has not.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn filter_ping(&self, peer: PeerId) -> Result<Status, RequestError> {
        let request = FilterSubscribeRequest::ping(new_request_id());
        self.filter(peer, request, self.limits.filter_ping_timeout).await
    }

    async fn filter(
        &self,
        peer: PeerId,
        request: FilterSubscribeRequest,
        deadline: Duration,
    ) -> Result<Status, RequestError> {
        let exchange = Exchange {
            protocol: protocol_id::FILTER_SUBSCRIBE,
            request_cap_bytes: frame_cap::FILTER_SUBSCRIBE_REQUEST_BYTES,
            response_cap_bytes: frame_cap::FILTER_SUBSCRIBE_RESPONSE_BYTES,
            deadline,
        };
        let answer: FilterSubscribeResponse = self.ask(peer, exchange, &request).await?;
        check_id(
            answer.answers(request.request_id()),
            answer.request_id(),
            request.request_id(),
        )?;
        Ok(answer.status())
    }

    /// Asks for up to `count` other nodes.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn peer_exchange(&self, peer: PeerId, count: u64) -> Result<ExchangedPeers, RequestError> {
        require_protocol(&self.known, peer, protocol_id::PEER_EXCHANGE)?;
        peer_exchange(&self.streams, peer, count, self.limits.metadata_timeout).await
    }

    /// Asks a service node for its cluster and shards.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn metadata(&self, peer: PeerId, ours: &WakuMetadata) -> Result<WakuMetadata, RequestError> {
        metadata(&self.streams, peer, ours, self.limits.metadata_timeout).await
    }

    pub(super) async fn ask<Q: Message, A: Message + Default>(
        &self,
        peer: PeerId,
        exchange: Exchange,
        request: &Q,
    ) -> Result<A, RequestError> {
        require_protocol(&self.known, peer, exchange.protocol)?;
        exchange.run(&self.streams, peer, request).await
    }
}

/// Asks `peer` for its cluster and shards, telling it `ours`: the light client's driver does so before a peer counts as
/// ready, a service node with every peer.
///
/// # Errors
/// See [`RequestError`].
pub async fn metadata(
    streams: &StreamControl,
    peer: PeerId,
    ours: &WakuMetadata,
    deadline: Duration,
) -> Result<WakuMetadata, RequestError> {
    let exchange = Exchange {
        protocol: protocol_id::METADATA,
        request_cap_bytes: frame_cap::METADATA_BYTES,
        response_cap_bytes: frame_cap::METADATA_BYTES,
        deadline,
    };
    exchange.run(streams, peer, ours).await
}

/// What a peer-exchange answer holds.
#[derive(Debug, Clone)]
pub struct ExchangedPeers {
    /// Status; 200 with records, 503 without.
    pub status: Status,
    /// Records whose signature holds.
    pub records: Vec<NodeRecord>,
    /// Records left out because they do not decode or verify.
    pub bad_count: usize,
}

/// Asks `peer` for up to `count` other nodes: for light clients, and for service nodes that fill their own pool.
///
/// # Errors
/// See [`RequestError`].
pub async fn peer_exchange(
    streams: &StreamControl,
    peer: PeerId,
    count: u64,
    deadline: Duration,
) -> Result<ExchangedPeers, RequestError> {
    let exchange = Exchange {
        protocol: protocol_id::PEER_EXCHANGE,
        request_cap_bytes: frame_cap::PEER_EXCHANGE_BYTES,
        response_cap_bytes: frame_cap::PEER_EXCHANGE_BYTES,
        deadline,
    };
    let answer: PeerExchangeRpc = exchange.run(streams, peer, &PeerExchangeRpc::request(count)).await?;
    let response = answer
        .response
        .ok_or_else(|| mismatch("no response in the peer exchange answer"))?;
    let mut bad_count = 0;
    let records = response
        .records()
        .filter_map(|rlp| NodeRecord::from_rlp(rlp).inspect_err(|_| bad_count += 1).ok())
        .collect();
    Ok(ExchangedPeers {
        status: response.status(),
        records,
        bad_count,
    })
}

/// Refuses early what lazy negotiation would only find out after the request was written.
fn require_protocol(known: &KnownPeers, peer: PeerId, protocol: &'static str) -> Result<(), RequestError> {
    match known.speaks(peer, protocol) {
        Some(true) => Ok(()),
        Some(false) => Err(RequestError::Unsupported { peer, protocol }),
        None => Err(RequestError::NotConnected { peer }),
    }
}

pub(super) fn check_id(fits: bool, got: &str, asked: &str) -> Result<(), RequestError> {
    if fits {
        Ok(())
    } else {
        Err(mismatch(&format!("request id {got:?} instead of {asked:?}")))
    }
}

pub(super) fn mismatch(what: &str) -> RequestError {
    RequestError::Mismatch { what: what.to_owned() }
}
