//! Named limits of the REST client.

use std::time::Duration;

/// Longest wait for a TCP connection and its TLS handshake.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the answer to an introduction, a check or a poll, all answered from memory.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// Time between two checks of a node that is not polled. A publisher notices a dead node by its pushes; the check tells
/// when nothing is being pushed.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A node that was well for this long is met with the shortest pause again when it is lost.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);

/// Pause before the first new introduction, as in the libp2p client.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(250);

/// Longest pause between two introductions, as in the libp2p client.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Largest answer but for polls: a status and a text, or a list of addresses.
pub const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// Largest answer to a poll: three times the 50 messages of 150 KiB in base64 that a nwaku can hold.
pub const POLL_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Messages nwaku keeps between two polls, all content topics together; the oldest by its time stamp makes room
/// (`DefaultMessageCacheCapacity` in `rest_api/message_cache.nim`, which `endpoint/builder.nim` does not change).
pub const NWAKU_CACHE_MESSAGES: usize = 50;

/// Messages go-waku keeps between two polls of one content topic (`--rest-filter-cache-capacity` in
/// `cmd/waku/flags.go`); the oldest arrival makes room (`filter_cache.go`).
pub const GO_WAKU_CACHE_MESSAGES: usize = 30;

/// Idle connections kept to one node: as many as a publisher has requests in flight by default.
pub const IDLE_CONNECTIONS: usize = 64;
