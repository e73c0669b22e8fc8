//! What goes into the store, and what became of it.

use std::{fmt, sync::Arc, time::Duration};

use waku::{MessageHash, WakuMessage};

/// A message to be stored. Proof and ephemeral flag are not kept, as in nwaku.
#[derive(Clone, Debug)]
pub struct StoreEntry {
    /// The message's hash on `pubsub_topic`; the caller has computed it.
    pub hash: MessageHash,
    /// Where it was relayed.
    pub pubsub_topic: Arc<str>,
    /// The message.
    pub message: WakuMessage,
}

/// Why a message was not even queued. It is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// The database is slower than the messages come.
    #[error("store queue is full ({max_entries} messages or {max_bytes} bytes)")]
    QueueFull {
        /// [`super::INSERT_QUEUE_MAX`].
        max_entries: usize,
        /// [`super::INSERT_QUEUE_BYTES`].
        max_bytes: usize,
    },
    /// The store's thread has ended.
    #[error("store has stopped")]
    Stopped,
}

/// What became of a queued message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// It is in the database, committed.
    Stored,
    /// It was there already.
    Duplicate,
    /// Its sender asked for it not to be stored.
    Ephemeral,
    /// Its timestamp is too old.
    Past {
        /// How far behind this node's clock.
        by: Duration,
        /// The tolerance.
        max: Duration,
    },
    /// Its timestamp is in the future.
    Future {
        /// How far ahead of this node's clock.
        by: Duration,
        /// The tolerance.
        max: Duration,
    },
    /// It is larger than any network allows, and could not be answered in one frame.
    TooLarge {
        /// What it has.
        size_bytes: usize,
        /// [`waku::wire::frame_cap::LARGEST_MESSAGE_BYTES`].
        max_bytes: usize,
    },
    /// The database failed; what it says.
    Failed(String),
}

impl fmt::Display for InsertOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => f.write_str("stored"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Ephemeral => f.write_str("ephemeral"),
            Self::Past { by, max } => write!(f, "timestamp {by:?} in the past, at most {max:?} are accepted"),
            Self::Future { by, max } => write!(f, "timestamp {by:?} in the future, at most {max:?} are accepted"),
            Self::TooLarge { size_bytes, max_bytes } => {
                write!(f, "message has {size_bytes} bytes, at most {max_bytes} are stored")
            }
            Self::Failed(error) => write!(f, "database error: {error}"),
        }
    }
}
