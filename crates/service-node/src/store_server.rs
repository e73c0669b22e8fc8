//! Store queries: from the wire to the database and back.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use libp2p::PeerId;
use prost::Message;
use waku::{
    status::code,
    wire::{StoreQueryRequest, StoreQueryResponse, frame_cap, protocol_id},
};

use crate::{inbound::Answer, services::Services};

/// The request id nwaku answers a rate-limited query with.
const REQUEST_ID_UNKNOWN: &str = "N/A";

/// Answers a store query.
pub(crate) async fn answer(services: &Arc<Services>, peer: PeerId, frame: Bytes) -> Option<Answer> {
    let store = services.store.as_ref()?;
    let response = match StoreQueryRequest::decode(frame) {
        Ok(_) if !services.store_limiter.admit(peer, Instant::now()) => {
            services.metrics.rate_limited.inc();
            StoreQueryResponse::refused(REQUEST_ID_UNKNOWN, code::TOO_MANY_REQUESTS, "too many requests")
        }
        Ok(request) => store.query(request).await,
        Err(error) => {
            services.note_malformed(peer, protocol_id::STORE_QUERY, &error);
            StoreQueryResponse::refused("", code::BAD_REQUEST, error.to_string())
        }
    };
    Answer::new(&response, frame_cap::STORE_RESPONSE_BYTES)
}
