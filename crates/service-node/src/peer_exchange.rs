//! Peer exchange: answers with the node records this node knows.

use std::{
    sync::{Arc, PoisonError},
    time::Instant,
};

use bytes::Bytes;
use libp2p::PeerId;
use prost::Message;
use waku::{
    status::code,
    wire::{PeerExchangeRpc, frame_cap, protocol_id},
};

use crate::{inbound::Answer, services::Services};

/// Answers a request for node records.
pub(crate) fn answer(services: &Arc<Services>, peer: PeerId, frame: Bytes) -> Option<Answer> {
    let response = match PeerExchangeRpc::decode(frame) {
        Ok(_) if !services.peer_exchange_limiter.admit(peer, Instant::now()) => {
            services.metrics.rate_limited.inc();
            PeerExchangeRpc::refused(code::TOO_MANY_REQUESTS, "too many requests")
        }
        Ok(PeerExchangeRpc {
            request: Some(request), ..
        }) => {
            let wanted = usize::try_from(request.num_peers()).unwrap_or(usize::MAX);
            let pool = services.pool.lock().unwrap_or_else(PoisonError::into_inner);
            let records = pool.sample_for(&peer, wanted, &mut rand::rng());
            if records.is_empty() {
                PeerExchangeRpc::refused(code::SERVICE_NOT_AVAILABLE, "no node records known")
            } else {
                PeerExchangeRpc::ok(records)
            }
        }
        Ok(_) => PeerExchangeRpc::refused(code::BAD_REQUEST, "missing required field request"),
        Err(error) => {
            services.note_malformed(peer, protocol_id::PEER_EXCHANGE, &error);
            PeerExchangeRpc::refused(code::BAD_REQUEST, error.to_string())
        }
    };
    Answer::new(&response, frame_cap::PEER_EXCHANGE_BYTES)
}
