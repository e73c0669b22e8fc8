//! Why a cell does not hold.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use event_log::MessageHash;

/// Why a cell does not hold.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A party could not be started.
    #[error("cannot start {name}: {source}")]
    Start {
        /// Its name in the cell.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// A party did not do something in time.
    #[error("{name}: {what} not within {} s; it said: {last_words}", after.as_secs())]
    NotInTime {
        /// Its name in the cell.
        name: String,
        /// What was waited for.
        what: String,
        /// How long was waited.
        after: Duration,
        /// The end of its standard error.
        last_words: String,
    },
    /// A party ended otherwise than it should.
    #[error("{name} ended with {status}; it said: {last_words}")]
    Ended {
        /// Its name in the cell.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its standard error.
        last_words: String,
    },
    /// A file of a party cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A party wrote something that is not what it should be.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Not every message was acknowledged.
    #[error("{publisher}: {acked} of {planned} messages acknowledged; {reason}")]
    NotAcked {
        /// Its name in the cell.
        publisher: String,
        /// Messages acknowledged.
        acked: usize,
        /// Messages it should have sent.
        planned: usize,
        /// The first failure in its log.
        reason: String,
    },
    /// A party does not have what was published.
    #[error("{party}: {missing} of {published} messages are missing, such as {example}")]
    Missing {
        /// Its name in the cell.
        party: String,
        /// Messages it does not have.
        missing: usize,
        /// Messages published.
        published: usize,
        /// One of them.
        example: MessageHash,
    },
    /// A party has messages under hashes nobody published.
    #[error("{party}: {strange} messages that nobody published, such as {example}")]
    Strange {
        /// Its name in the cell.
        party: String,
        /// How many.
        strange: usize,
        /// One of them.
        example: MessageHash,
    },
    /// A party hands a message out more often than it should.
    #[error("{party}: {copies} copies of {example}")]
    Copies {
        /// Its name in the cell.
        party: String,
        /// How many.
        copies: usize,
        /// Of which message.
        example: MessageHash,
    },
    /// A party computed another hash from the bytes it had than we do.
    #[error("{party}: hash {theirs} for bytes that hash to {ours}")]
    HashDiffers {
        /// Its name in the cell.
        party: String,
        /// What it says.
        theirs: MessageHash,
        /// What its bytes hash to.
        ours: MessageHash,
    },
    /// The tracer does not pass the logs.
    #[error("the tracer says {verdict}: {reasons}")]
    Verdict {
        /// Its verdict.
        verdict: String,
        /// Its reasons.
        reasons: String,
    },
    /// The tracer does not recognise in a native log what the node did.
    #[error("the tracer found {found} × {kind} in {log}, expected at least {expected}")]
    NativeLog {
        /// The log's file name.
        log: String,
        /// Kind of event.
        kind: &'static str,
        /// How many it found.
        found: u64,
        /// How many there must be.
        expected: u64,
    },
    /// A request of our light client, or one to a REST API, went otherwise than it should.
    #[error("{what}: {reason}")]
    Request {
        /// What was asked of whom.
        what: String,
        /// What came of it.
        reason: String,
    },
}
