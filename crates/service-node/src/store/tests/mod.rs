//! Tests of the store as a whole: queries against a model, and the thread behind its handle.

mod paging;
mod queries;
mod service;

use std::sync::Arc;

use rusqlite::Connection;
use waku::{
    MessageHash, WakuMessage, message_hash,
    wire::{StoreQueryRequest, StoreQueryResponse},
};

use super::{database, entry::StoreEntry, insert};

pub(super) const PUBSUB: &str = "/waku/2/rs/1/0";

/// A message whose payload is `payload`.
pub(super) fn entry(
    pubsub_topic: &str,
    content_topic: &str,
    timestamp_ns: i64,
    payload: impl Into<Vec<u8>>,
) -> StoreEntry {
    let message = WakuMessage::new(payload.into(), content_topic, timestamp_ns);
    StoreEntry {
        hash: message_hash(pubsub_topic, &message),
        pubsub_topic: Arc::from(pubsub_topic),
        message,
    }
}

/// A database with these messages.
pub(super) fn filled(entries: &[StoreEntry]) -> Connection {
    let mut connection = database::open(None).unwrap();
    let transaction = connection.transaction().unwrap();
    for entry in entries {
        insert::write(&transaction, entry).unwrap();
    }
    transaction.commit().unwrap();
    connection
}

/// A request for hashes only, forward, with the default page size.
fn request() -> StoreQueryRequest {
    StoreQueryRequest {
        request_id: Some("id".to_owned()),
        ..StoreQueryRequest::default()
    }
}

fn hashes(response: &StoreQueryResponse) -> Vec<MessageHash> {
    response
        .messages
        .iter()
        .map(|entry| entry.hash().expect("every entry has a hash of 32 bytes"))
        .collect()
}

/// The hashes of `entries` in the order of pages.
fn in_order(entries: &[StoreEntry]) -> Vec<MessageHash> {
    let mut keys: Vec<_> = entries
        .iter()
        .map(|entry| (entry.message.timestamp(), entry.hash))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(|(_, hash)| hash).collect()
}
