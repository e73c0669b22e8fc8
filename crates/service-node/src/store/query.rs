//! From a store query to its answer.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::{Message, length_delimiter_len};
use rusqlite::Connection;
use waku::{
    MessageHash, WakuMessage,
    status::code,
    wire::{
        StoreQueryRequest, StoreQueryResponse,
        store::{CONTENT_TOPICS_MAX, WakuMessageKeyValue},
    },
};

use super::select::{Key, Selection, Span, key_of_hash};

/// The tag of `messages` (20) in the answer.
const ENTRY_TAG_BYTES: usize = 2;

/// What is answered instead of a page. nwaku's refusals carry an empty request id.
#[derive(Debug)]
enum Refusal {
    /// 400: the request cannot be understood.
    BadRequest(String),
    /// 300: nwaku's text for a query its archive refuses.
    Archive(&'static str),
    /// 300: the database failed.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Refusal {
    fn into_response(self) -> StoreQueryResponse {
        let (code, text) = match self {
            Self::BadRequest(text) => (code::BAD_REQUEST, text),
            Self::Archive(text) => (code::ARCHIVE_ERROR, text.to_owned()),
            Self::Database(error) => (code::ARCHIVE_ERROR, format!("DRIVER_ERROR: {error}")),
        };
        StoreQueryResponse::refused("", code, text)
    }
}

/// Answers `request` with a page whose encoding has at most `max_bytes`, but at least one entry if any matches.
pub(super) fn answer(connection: &Connection, request: &StoreQueryRequest, max_bytes: usize) -> StoreQueryResponse {
    page(connection, request, max_bytes).unwrap_or_else(Refusal::into_response)
}

fn page(connection: &Connection, request: &StoreQueryRequest, max_bytes: usize) -> Result<StoreQueryResponse, Refusal> {
    let page_size = request.page_size();
    let selection = selection(connection, request, page_size + 1)?;
    let keys = selection.keys(connection)?;

    let widest_cursor = MessageHash::from([0; 32]);
    let mut size_bytes = StoreQueryResponse::ok(request.request_id(), Vec::new(), Some(&widest_cursor)).encoded_len();
    let mut entries = Vec::new();
    for key in keys.iter().take(page_size) {
        let entry = entry(connection, key, request.include_data())?;
        let entry_bytes = entry.encoded_len();
        size_bytes += ENTRY_TAG_BYTES + length_delimiter_len(entry_bytes) + entry_bytes;
        if size_bytes > max_bytes && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    let has_more = entries.len() < keys.len();
    // The last of the walk: forward the newest of the page, backward the oldest.
    let last = entries.len().checked_sub(1).map(|index| keys[index].hash);
    if !request.is_forward() {
        entries.reverse();
    }
    Ok(StoreQueryResponse::ok(
        request.request_id(),
        entries,
        last.as_ref().filter(|_| has_more),
    ))
}

fn selection<'a>(
    connection: &Connection,
    request: &'a StoreQueryRequest,
    limit: usize,
) -> Result<Selection<'a>, Refusal> {
    let forward = request.is_forward();
    let mut span = Span::of_time(request.time_start, request.time_end);
    if let Some(cursor) = &request.pagination_cursor {
        let hash = hash_of(cursor, "pagination cursor")?;
        if request.content_topics.len() > CONTENT_TOPICS_MAX {
            return Err(Refusal::Archive("too many content topics"));
        }
        // Any stored hash will do, not only one we returned: js-waku takes the page's last or first message.
        let key = key_of_hash(connection, &hash)?.ok_or(Refusal::Archive("cursor not found"))?;
        span = span.beyond(&key, forward);
    }
    let hashes = request.message_hashes.iter().map(|hash| hash_of(hash, "message hash"));
    Ok(Selection {
        pubsub_topic: request.pubsub_topic.as_deref(),
        content_topics: request.content_topics.iter().map(String::as_str).collect(),
        hashes: hashes.collect::<Result<BTreeSet<_>, _>>()?,
        span,
        forward,
        limit,
    })
}

fn hash_of(bytes: &Bytes, what: &str) -> Result<MessageHash, Refusal> {
    let got_bytes = bytes.len();
    let wrong = |_| Refusal::BadRequest(format!("{what} has {got_bytes} bytes, expected 32"));
    MessageHash::try_from(&bytes[..]).map_err(wrong)
}

fn entry(connection: &Connection, key: &Key, include_data: bool) -> rusqlite::Result<WakuMessageKeyValue> {
    if !include_data {
        return Ok(WakuMessageKeyValue::hash_only(&key.hash));
    }
    let mut statement = connection
        .prepare_cached("SELECT pubsub_topic, content_topic, version, meta, payload FROM messages WHERE id = ?1")?;
    statement.query_row([key.row], |row| {
        let pubsub_topic: String = row.get(0)?;
        let meta: Option<Vec<u8>> = row.get(3)?;
        let payload: Vec<u8> = row.get(4)?;
        let message = WakuMessage {
            payload: Some(payload.into()),
            content_topic: Some(row.get(1)?),
            version: row.get(2)?,
            timestamp: Some(key.timestamp_ns),
            meta: meta.map(Bytes::from),
            ..WakuMessage::default()
        };
        Ok(WakuMessageKeyValue::with_data(&key.hash, pubsub_topic, message))
    })
}
