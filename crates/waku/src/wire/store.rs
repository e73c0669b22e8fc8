//! Store query version 3 (RFC 13).

use bytes::Bytes;

use super::frame_cap::STORE_PAGE_MAX_SIZE;
use super::message::WakuMessage;
use crate::hash::MessageHash;
use crate::status::{Status, code};

/// Entries a nwaku store answers with when the request names no limit (`waku_archive/common.nim`).
pub const PAGE_DEFAULT_SIZE: usize = 20;

/// Most hashes to ask for in one presence query.
///
/// With Postgres, nwaku splits a hash query into groups of 100 with an inclusive loop bound: exactly 100 hashes run one
/// more group without any hash, that is an unfiltered query whose rows join the answer
/// (`driver/postgres_driver/postgres_driver.nim`).
pub const PRESENCE_HASHES_MAX: usize = 99;

/// Most content topics in one query: nwaku enforces it when a cursor is present, go-waku always.
pub const CONTENT_TOPICS_MAX: usize = 10;

/// A query that a store would answer wrongly or not at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreRequestError {
    /// Too many hashes for one query.
    #[error("{count} hashes in one presence query, at most {max} are answered correctly: split the query")]
    TooManyHashes {
        /// How many were given.
        count: usize,
        /// [`PRESENCE_HASHES_MAX`].
        max: usize,
    },
    /// A presence query for nothing would be an unfiltered query.
    #[error("presence query without hashes")]
    NoHashes,
    /// Too many content topics for one query.
    #[error("{count} content topics in one store query, at most {max} are allowed: split the query")]
    TooManyContentTopics {
        /// How many were given.
        count: usize,
        /// [`CONTENT_TOPICS_MAX`].
        max: usize,
    },
}

/// What a content query filters by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFilter {
    /// Only this pubsub topic.
    pub pubsub_topic: Option<String>,
    /// Only these content topics; empty means all.
    pub content_topics: Vec<String>,
    /// From this time on, inclusive, Unix nanoseconds.
    pub time_start_ns: Option<i64>,
    /// Up to this time, Unix nanoseconds: inclusive in nwaku, exclusive in the RFC.
    pub time_end_ns: Option<i64>,
}

/// Which part of a long answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorePage {
    /// Where the previous page ended; `None` for the first.
    pub cursor: Option<MessageHash>,
    /// True from old to new, false from new to old; the entries of a page ascend by time either way.
    pub forward: bool,
    /// Entries per page; stores cut it to [`STORE_PAGE_MAX_SIZE`].
    pub limit: usize,
}

impl Default for StorePage {
    fn default() -> Self {
        Self {
            cursor: None,
            forward: true,
            limit: STORE_PAGE_MAX_SIZE,
        }
    }
}

/// A query. nwaku requires field 1 to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StoreQueryRequest {
    /// Any non-empty text.
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// True returns whole messages, false their hashes only.
    #[prost(bool, optional, tag = "2")]
    pub include_data: Option<bool>,
    /// Only this pubsub topic.
    #[prost(string, optional, tag = "10")]
    pub pubsub_topic: Option<String>,
    /// Only these content topics.
    #[prost(string, repeated, tag = "11")]
    pub content_topics: Vec<String>,
    /// Inclusive, Unix nanoseconds.
    #[prost(sint64, optional, tag = "12")]
    pub time_start: Option<i64>,
    /// Unix nanoseconds.
    #[prost(sint64, optional, tag = "13")]
    pub time_end: Option<i64>,
    /// Only these hashes, 32 bytes each.
    #[prost(bytes = "bytes", repeated, tag = "20")]
    pub message_hashes: Vec<Bytes>,
    /// The hash where the previous page ended.
    #[prost(bytes = "bytes", optional, tag = "51")]
    pub pagination_cursor: Option<Bytes>,
    /// Absent means forward to nwaku and backward to the RFC, so our constructors always write it.
    #[prost(bool, optional, tag = "52")]
    pub pagination_forward: Option<bool>,
    /// Entries per page.
    #[prost(uint64, optional, tag = "53")]
    pub pagination_limit: Option<u64>,
}

impl StoreQueryRequest {
    /// "Which of these do you have?" Answer by hash; order, cursor and strangers in the answer mean nothing.
    ///
    /// The limit is set to the number of hashes: without it nwaku returns 20 and the rest look missing.
    pub fn presence(request_id: impl Into<String>, hashes: &[MessageHash]) -> Result<Self, StoreRequestError> {
        Self::by_hash(request_id, hashes, false)
    }

    /// "Give me these messages", under the same limits as [`Self::presence`].
    pub fn by_hash(
        request_id: impl Into<String>,
        hashes: &[MessageHash],
        include_data: bool,
    ) -> Result<Self, StoreRequestError> {
        let count = hashes.len();
        if count == 0 {
            return Err(StoreRequestError::NoHashes);
        }
        if count > PRESENCE_HASHES_MAX {
            let max = PRESENCE_HASHES_MAX;
            return Err(StoreRequestError::TooManyHashes { count, max });
        }
        Ok(Self {
            request_id: Some(request_id.into()),
            include_data: Some(include_data),
            message_hashes: hashes.iter().map(MessageHash::to_bytes).collect(),
            pagination_forward: Some(true),
            pagination_limit: Some(count as u64),
            ..Self::default()
        })
    }

    /// A content query: one page of what matches `filter`.
    pub fn page(
        request_id: impl Into<String>,
        filter: StoreFilter,
        page: StorePage,
        include_data: bool,
    ) -> Result<Self, StoreRequestError> {
        let count = filter.content_topics.len();
        if count > CONTENT_TOPICS_MAX {
            let max = CONTENT_TOPICS_MAX;
            return Err(StoreRequestError::TooManyContentTopics { count, max });
        }
        Ok(Self {
            request_id: Some(request_id.into()),
            include_data: Some(include_data),
            pubsub_topic: filter.pubsub_topic,
            content_topics: filter.content_topics,
            time_start: filter.time_start_ns,
            time_end: filter.time_end_ns,
            message_hashes: Vec::new(),
            pagination_cursor: page.cursor.as_ref().map(MessageHash::to_bytes),
            pagination_forward: Some(page.forward),
            pagination_limit: Some(page.limit as u64),
        })
    }

    /// The direction a server serves: absent is forward, as nwaku reads it.
    pub fn is_forward(&self) -> bool {
        self.pagination_forward.unwrap_or(true)
    }

    /// The page size a server serves: absent or 0 is [`PAGE_DEFAULT_SIZE`], more than the maximum is the maximum.
    pub fn page_size(&self) -> usize {
        match self.pagination_limit() {
            0 => PAGE_DEFAULT_SIZE,
            limit => usize::try_from(limit).map_or(STORE_PAGE_MAX_SIZE, |n| n.min(STORE_PAGE_MAX_SIZE)),
        }
    }
}

/// One entry of a page.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct WakuMessageKeyValue {
    /// 32 bytes.
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub message_hash: Option<Bytes>,
    /// Only when data was asked for. nwaku stores neither proof nor ephemeral flag.
    #[prost(message, optional, tag = "2")]
    pub message: Option<WakuMessage>,
    /// Only when data was asked for; nwaku takes a message only together with it.
    #[prost(string, optional, tag = "3")]
    pub pubsub_topic: Option<String>,
}

impl WakuMessageKeyValue {
    /// An entry of a hashes-only answer.
    pub fn hash_only(hash: &MessageHash) -> Self {
        Self {
            message_hash: Some(hash.to_bytes()),
            ..Self::default()
        }
    }

    /// An entry with its message.
    pub fn with_data(hash: &MessageHash, pubsub_topic: impl Into<String>, message: WakuMessage) -> Self {
        Self {
            message_hash: Some(hash.to_bytes()),
            message: Some(message),
            pubsub_topic: Some(pubsub_topic.into()),
        }
    }

    /// The key, if it has 32 bytes.
    pub fn hash(&self) -> Option<MessageHash> {
        MessageHash::try_from(self.message_hash()).ok()
    }
}

/// A page, or a refusal. nwaku requires fields 1, 10 and 11 to be present.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct StoreQueryResponse {
    /// The id of the request; nwaku's errors carry an empty one, its rate limiter `N/A`.
    #[prost(string, optional, tag = "1")]
    pub request_id: Option<String>,
    /// See [`crate::status`].
    #[prost(uint32, optional, tag = "10")]
    pub status_code: Option<u32>,
    /// For people.
    #[prost(string, optional, tag = "11")]
    pub status_desc: Option<String>,
    /// The page, ascending by time.
    #[prost(message, repeated, tag = "20")]
    pub messages: Vec<WakuMessageKeyValue>,
    /// Present only when there is more.
    #[prost(bytes = "bytes", optional, tag = "51")]
    pub pagination_cursor: Option<Bytes>,
}

impl StoreQueryResponse {
    /// A page; `cursor` only when more entries exist beyond it.
    pub fn ok(request_id: impl Into<String>, messages: Vec<WakuMessageKeyValue>, cursor: Option<&MessageHash>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            status_code: Some(code::OK),
            status_desc: Some("OK".to_owned()),
            messages,
            pagination_cursor: cursor.map(MessageHash::to_bytes),
        }
    }

    /// Anything but success, with a text that says why.
    pub fn refused(request_id: impl Into<String>, status_code: u32, text: impl Into<String>) -> Self {
        Self {
            request_id: Some(request_id.into()),
            status_code: Some(status_code),
            status_desc: Some(text.into()),
            messages: Vec::new(),
            pagination_cursor: None,
        }
    }

    /// The status as sent; a response without a code has [`code::MISSING`].
    pub fn status(&self) -> Status {
        Status::new(self.status_code.unwrap_or(code::MISSING), self.status_desc.clone())
    }

    /// Where the next page starts, if the store says that there is one and the cursor has 32 bytes.
    pub fn cursor(&self) -> Option<MessageHash> {
        MessageHash::try_from(self.pagination_cursor()).ok()
    }

    /// True if this answers `request_id`; only a success has to carry it.
    pub fn answers(&self, request_id: &str) -> bool {
        self.status_code != Some(code::OK) || self.request_id() == request_id
    }
}

#[cfg(test)]
mod tests;
