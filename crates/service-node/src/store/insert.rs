//! Which messages are stored, and writing a batch of them.

use std::time::Duration;

use prost::Message;
use rusqlite::{Transaction, params};
use waku::wire::frame_cap::LARGEST_MESSAGE_BYTES;

use super::entry::{InsertOutcome, StoreEntry};

/// Why `entry`, which arrived at `arrived_ns` (Unix nanoseconds), is not to be stored; `None` if it is.
///
/// An absent timestamp is 0, and so in the past unless any timestamp is taken.
pub(super) fn refusal(entry: &StoreEntry, arrived_ns: i64, max_skew: Option<Duration>) -> Option<InsertOutcome> {
    if entry.message.ephemeral() {
        return Some(InsertOutcome::Ephemeral);
    }
    let size_bytes = entry.message.encoded_len();
    if size_bytes > LARGEST_MESSAGE_BYTES {
        return Some(InsertOutcome::TooLarge {
            size_bytes,
            max_bytes: LARGEST_MESSAGE_BYTES,
        });
    }
    let max = max_skew?;
    let timestamp_ns = entry.message.timestamp();
    let by = Duration::from_nanos(timestamp_ns.abs_diff(arrived_ns));
    match timestamp_ns < arrived_ns {
        _ if by <= max => None,
        true => Some(InsertOutcome::Past { by, max }),
        false => Some(InsertOutcome::Future { by, max }),
    }
}

/// Writes one message; the outcome is valid once the transaction is committed.
pub(super) fn write(transaction: &Transaction<'_>, entry: &StoreEntry) -> rusqlite::Result<InsertOutcome> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO messages (hash, timestamp, pubsub_topic, content_topic, version, meta, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (hash) DO NOTHING",
    )?;
    let message = &entry.message;
    let inserted_count = statement.execute(params![
        entry.hash.as_bytes(),
        message.timestamp(),
        &*entry.pubsub_topic,
        message.content_topic(),
        message.version,
        message.meta.as_deref(),
        message.payload(),
    ])?;
    Ok(if inserted_count == 0 {
        InsertOutcome::Duplicate
    } else {
        InsertOutcome::Stored
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use waku::{MessageHash, WakuMessage};

    use super::*;

    const NOW_NS: i64 = 1_700_000_000_000_000_000;
    const SKEW: Duration = Duration::from_secs(20);

    fn entry(message: WakuMessage) -> StoreEntry {
        StoreEntry {
            hash: MessageHash::from([1; 32]),
            pubsub_topic: Arc::from("/waku/2/rs/1/0"),
            message,
        }
    }

    fn at(timestamp_ns: i64) -> StoreEntry {
        entry(WakuMessage::new("x", "/a/1/b/c", timestamp_ns))
    }

    #[test]
    fn timestamps_within_20_seconds_are_taken_and_no_others() {
        let skew_ns = 20_000_000_000;
        for offset_ns in [-skew_ns, -1, 0, 1, skew_ns] {
            assert_eq!(
                refusal(&at(NOW_NS + offset_ns), NOW_NS, Some(SKEW)),
                None,
                "{offset_ns}"
            );
        }
        let by = Duration::from_nanos(20_000_000_001);
        let past = refusal(&at(NOW_NS - skew_ns - 1), NOW_NS, Some(SKEW)).unwrap();
        assert_eq!(past, InsertOutcome::Past { by, max: SKEW });
        assert_eq!(
            past.to_string(),
            "timestamp 20.000000001s in the past, at most 20s are accepted"
        );
        let future = refusal(&at(NOW_NS + skew_ns + 1), NOW_NS, Some(SKEW));
        assert_eq!(future, Some(InsertOutcome::Future { by, max: SKEW }));
    }

    #[test]
    fn extreme_timestamps_do_not_overflow() {
        for (timestamp_ns, now_ns) in [
            (i64::MIN, i64::MAX),
            (i64::MAX, i64::MIN),
            (i64::MIN, NOW_NS),
            (0, NOW_NS),
        ] {
            assert!(refusal(&at(timestamp_ns), now_ns, Some(SKEW)).is_some());
            assert_eq!(refusal(&at(timestamp_ns), now_ns, None), None);
        }
        let untimed = entry(WakuMessage {
            timestamp: None,
            ..at(0).message
        });
        assert!(matches!(
            refusal(&untimed, NOW_NS, Some(SKEW)),
            Some(InsertOutcome::Past { .. })
        ));
    }

    #[test]
    fn an_ephemeral_message_is_never_taken_whatever_its_time() {
        let ephemeral = entry(at(NOW_NS).message.with_ephemeral(true));
        assert_eq!(refusal(&ephemeral, NOW_NS, None), Some(InsertOutcome::Ephemeral));
        let written_false = entry(at(NOW_NS).message.with_ephemeral(false));
        assert_eq!(refusal(&written_false, NOW_NS, None), None);
    }

    #[test]
    fn a_message_no_network_allows_is_not_taken() {
        let giant = entry(WakuMessage::new(vec![0; LARGEST_MESSAGE_BYTES], "/a/1/b/c", NOW_NS));
        let refused = refusal(&giant, NOW_NS, Some(SKEW)).unwrap();
        assert!(
            refused.to_string().ends_with("bytes, at most 1048576 are stored"),
            "{refused}"
        );
    }
}
