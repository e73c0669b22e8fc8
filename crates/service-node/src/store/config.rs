//! What a store needs to know, and why one cannot be opened.

use std::{path::PathBuf, time::Duration};

/// Everything about one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// Database file, created if missing and kept; `None` keeps the messages in memory.
    pub path: Option<PathBuf>,
    /// Messages kept, at least 1; beyond that those with the oldest timestamps go.
    pub max_messages: u64,
    /// Messages with a timestamp longer ago than this go.
    pub max_age: Duration,
    /// How far a message's timestamp may be from this node's clock when it arrives; `None` takes any.
    pub max_timestamp_skew: Option<Duration>,
}

impl StoreConfig {
    /// nwaku's tolerance for timestamps (`waku_archive/archive.nim`, `MaxMessageTimestampVariance`).
    pub const TIMESTAMP_SKEW_DEFAULT: Duration = Duration::from_secs(20);

    /// nwaku's retention policy, `time:172800`.
    pub const MAX_AGE_DEFAULT: Duration = Duration::from_secs(2 * 24 * 60 * 60);

    /// A run's worth of messages: a day at 11 a second; in memory about 1 GB at 1 KiB each.
    pub const MAX_MESSAGES_DEFAULT: u64 = 1_000_000;
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            path: None,
            max_messages: Self::MAX_MESSAGES_DEFAULT,
            max_age: Self::MAX_AGE_DEFAULT,
            max_timestamp_skew: Some(Self::TIMESTAMP_SKEW_DEFAULT),
        }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing could be kept.
    #[error("max_messages is 0: a store keeps at least 1 message")]
    NoMessages,
    /// The file cannot be opened, read or written as a database.
    #[error("cannot open {place}: {source}")]
    Open {
        /// The file, or `database in memory`.
        place: String,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Somebody has the file open.
    #[error("{place} is in use by another process: give each node a file of its own")]
    InUse {
        /// The file.
        place: String,
    },
    /// A database, but not of ours.
    #[error("{place} is a database of something else (application id {application_id:#x}): name another file")]
    Foreign {
        /// The file.
        place: String,
        /// What it says about itself.
        application_id: i64,
    },
    /// A database of another version of this program.
    #[error("{place} has schema version {found}, this version reads {expected}: move the file away to begin anew")]
    Version {
        /// The file.
        place: String,
        /// What it has.
        found: i64,
        /// What we have.
        expected: i64,
    },
    /// No thread for the store.
    #[error("cannot start the store's thread: {0}")]
    Thread(#[source] std::io::Error),
}
