//! Peer exchange: answers with the node records this node knows, and asks its static peers for theirs.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use libp2p::PeerId;
use prost::Message;
use waku::{
    Capability,
    net::client::peer_exchange,
    status::code,
    wire::{PeerExchangeRpc, frame_cap, protocol_id},
};

use crate::{inbound::Answer, services::Services};

/// Records asked of each static peer: as many as the pool holds for one answer.
const ASKED_RECORDS: u64 = 60;

/// How long a static peer may take to answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks a static peer for the records it knows, its own among them, and keeps those of relays on this cluster.
///
/// Without discovery of its own, this is how a node has anything to exchange. Peers that merely connected are not asked:
/// what they would answer is theirs to choose.
pub(crate) async fn learn_from(services: &Services, peer: PeerId) {
    if !services.config.static_peers.iter().any(|known| known.peer_id == peer) {
        return;
    }
    let Ok(answer) = peer_exchange(&services.streams, peer, ASKED_RECORDS, ASK_TIMEOUT).await else {
        return;
    };
    let ours = services.config.keypair.public().to_peer_id();
    let mut pool = services.pool.lock().unwrap_or_else(PoisonError::into_inner);
    for record in answer.records {
        let is_relay = record.capabilities.contains(Capability::Relay);
        if is_relay && record.cluster == Some(services.config.cluster_id) && record.peer_id != ours {
            // A record that is too long for the pool is none that we could pass on.
            let _ = pool.insert(record.peer_id, record.rlp().clone());
        }
    }
}

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
