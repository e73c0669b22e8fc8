//! Streams that peers open: one task each, one request each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::AsyncWriteExt;
use libp2p::{PeerId, Stream};
use prost::Message;
use tokio::{sync::mpsc, time::timeout};
use waku::{
    frame::{self, FrameError},
    net::streams::InboundStream,
    wire::{WakuMetadata, frame_cap, protocol_id},
};

use crate::{filter, lightpush, metadata, peer_exchange, services::Services, store_server};

/// How long a stream may wait for its request. js-waku opens the stream of its next request in advance, so this must be
/// minutes; nwaku resets idle streams after 5 to 10.
const REQUEST_READ_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a peer may take to read its answer.
const ANSWER_WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Streams of one peer handled at a time: twice what a client with 128 requests in flight needs. Further ones are reset.
const MAX_STREAMS_PER_PEER: u32 = 512;

/// Longest request id taken. It comes back in the answer, which has a limit; nwaku's have 20 characters.
const REQUEST_ID_MAX_BYTES: usize = 1024;

/// A request id that is not taken.
#[derive(Debug, thiserror::Error)]
#[error("request id of {size_bytes} bytes, at most {REQUEST_ID_MAX_BYTES} are taken")]
pub(crate) struct RequestIdTooLong {
    size_bytes: usize,
}

/// Checks that an answer can carry a request's id.
pub(crate) fn check_request_id(request_id: &str) -> Result<(), RequestIdTooLong> {
    match request_id.len() {
        size_bytes if size_bytes > REQUEST_ID_MAX_BYTES => Err(RequestIdTooLong { size_bytes }),
        _ => Ok(()),
    }
}

/// Handles inbound streams until the network is gone.
pub(crate) async fn serve(mut streams: mpsc::Receiver<InboundStream>, services: Arc<Services>) {
    let open = Arc::new(OpenStreams::default());
    while let Some(inbound) = streams.recv().await {
        let Some(place) = open.clone().enter(inbound.peer) else {
            services.metrics.refused_streams.inc();
            continue;
        };
        let services = services.clone();
        tokio::spawn(async move {
            handle(inbound, &services).await;
            drop(place);
        });
    }
}

async fn handle(inbound: InboundStream, services: &Arc<Services>) {
    let InboundStream {
        peer,
        protocol,
        mut stream,
        ..
    } = inbound;
    let protocol = protocol.as_ref();
    let Some(cap_bytes) = request_cap_bytes(protocol) else {
        return;
    };
    let request = match timeout(REQUEST_READ_TIMEOUT, frame::read_frame_bytes(&mut stream, cap_bytes)).await {
        Ok(Ok(request)) => request,
        Ok(Err(FrameError::Closed | FrameError::Io(_))) | Err(_) => return,
        Ok(Err(error)) => {
            services.note_malformed(peer, protocol, &error);
            if let Some(answer) = lightpush::refuse_unreadable(protocol, &error) {
                answer.send(&mut stream).await;
            }
            return;
        }
    };
    let answer = match protocol {
        protocol_id::LIGHTPUSH_V3 => Some(lightpush::answer_v3(services, peer, request).await),
        protocol_id::LIGHTPUSH_V2 => Some(lightpush::answer_v2(services, peer, request).await),
        protocol_id::FILTER_SUBSCRIBE => filter::answer(services, peer, request),
        protocol_id::STORE_QUERY => store_server::answer(services, peer, request).await,
        protocol_id::PEER_EXCHANGE => peer_exchange::answer(services, peer, request),
        protocol_id::METADATA => metadata::answer(services, peer, request).await,
        _ => None,
    };
    if let Some(answer) = answer {
        answer.send(&mut stream).await;
    }
}

fn request_cap_bytes(protocol: &str) -> Option<usize> {
    match protocol {
        protocol_id::LIGHTPUSH_V3 | protocol_id::LIGHTPUSH_V2 => Some(frame_cap::LIGHTPUSH_REQUEST_BYTES),
        protocol_id::FILTER_SUBSCRIBE => Some(frame_cap::FILTER_SUBSCRIBE_REQUEST_BYTES),
        protocol_id::STORE_QUERY => Some(frame_cap::STORE_REQUEST_BYTES),
        protocol_id::PEER_EXCHANGE => Some(frame_cap::PEER_EXCHANGE_BYTES),
        protocol_id::METADATA => Some(frame_cap::METADATA_BYTES),
        _ => None,
    }
}

/// An encoded answer.
pub(crate) struct Answer(bytes::Bytes);

impl Answer {
    /// Encodes an answer; `None` when it is larger than its protocol allows.
    pub(crate) fn new<M: Message>(message: &M, cap_bytes: usize) -> Option<Self> {
        frame::encode_frame(message, cap_bytes).ok().map(Self)
    }

    /// Encodes metadata.
    pub(crate) fn metadata(metadata: &WakuMetadata) -> Option<Self> {
        Self::new(metadata, frame_cap::METADATA_BYTES)
    }

    /// Writes the answer and ends our side at once: js-waku reads until we do.
    async fn send(self, stream: &mut Stream) {
        let write = async {
            stream.write_all(&self.0).await?;
            stream.close().await
        };
        // A client that does not take its answer has given up on it.
        let _ = timeout(ANSWER_WRITE_TIMEOUT, write).await;
    }
}

/// How many streams of each peer are being handled.
#[derive(Debug, Default)]
struct OpenStreams(Mutex<HashMap<PeerId, u32>>);

impl OpenStreams {
    fn enter(self: Arc<Self>, peer: PeerId) -> Option<Place> {
        {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = open.entry(peer).or_default();
            if *count >= MAX_STREAMS_PER_PEER {
                return None;
            }
            *count += 1;
        }
        Some(Place { open: self, peer })
    }
}

/// Frees its place when dropped.
struct Place {
    open: Arc<OpenStreams>,
    peer: PeerId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_a_bounded_number_of_places_and_gets_them_back() {
        let open = Arc::new(OpenStreams::default());
        let peer = PeerId::random();
        let mut places: Vec<_> = (0..MAX_STREAMS_PER_PEER)
            .map(|_| open.clone().enter(peer).unwrap())
            .collect();
        assert!(open.clone().enter(peer).is_none());
        assert!(open.clone().enter(PeerId::random()).is_some());
        places.pop();
        assert!(open.clone().enter(peer).is_some());
        places.clear();
        assert!(open.0.lock().unwrap().is_empty());
    }
}
