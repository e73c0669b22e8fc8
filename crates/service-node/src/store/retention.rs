//! Which messages are kept: the newest so many, and none that is too old.

use std::time::Duration;

use rusqlite::{Connection, params};

/// Deletes what is older than `max_age` at `now_ns` (Unix nanoseconds), then the oldest beyond `max_messages` of the
/// `count` messages there are. Returns how many were deleted.
///
/// Age and order are those of the messages' own timestamps, as in nwaku.
pub(super) fn apply(
    connection: &Connection,
    count: u64,
    max_messages: u64,
    max_age: Duration,
    now_ns: i64,
) -> rusqlite::Result<u64> {
    let max_age_ns = i64::try_from(max_age.as_nanos()).unwrap_or(i64::MAX);
    let oldest_ns = now_ns.saturating_sub(max_age_ns);
    let too_old = connection
        .prepare_cached("DELETE FROM messages INDEXED BY messages_by_time WHERE timestamp < ?1")?
        .execute([oldest_ns])? as u64;
    let excess = count.saturating_sub(too_old).saturating_sub(max_messages);
    if excess == 0 {
        return Ok(too_old);
    }
    let excess = i64::try_from(excess).unwrap_or(i64::MAX);
    let too_many = connection
        .prepare_cached(
            "DELETE FROM messages WHERE id IN
             (SELECT id FROM messages INDEXED BY messages_by_time ORDER BY timestamp, hash LIMIT ?1)",
        )?
        .execute(params![excess])? as u64;
    Ok(too_old + too_many)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        database,
        tests::{PUBSUB, entry, filled},
    };

    /// Messages at 1, 2, … `count` seconds.
    fn seconds(count: i64) -> Connection {
        let at = |second: i64| entry(PUBSUB, "/a/1/b/c", second * 1_000_000_000, "x");
        filled(&(1..=count).map(at).collect::<Vec<_>>())
    }

    fn oldest_ns(connection: &Connection) -> i64 {
        let sql = "SELECT min(timestamp) FROM messages";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn age_comes_first_and_count_takes_the_rest() {
        let connection = seconds(17);
        let now_ns = 20_000_000_000;
        let deleted_count = apply(&connection, 17, 10, Duration::from_secs(14), now_ns);
        assert_eq!(deleted_count, Ok(7));
        assert_eq!(database::count(&connection), Ok(10));
        assert_eq!(oldest_ns(&connection), 8_000_000_000);
        assert_eq!(apply(&connection, 10, 10, Duration::from_secs(12), now_ns), Ok(0));
    }

    #[test]
    fn a_message_exactly_at_the_age_stays() {
        let connection = seconds(3);
        assert_eq!(apply(&connection, 3, 10, Duration::from_secs(1), 3_000_000_000), Ok(1));
        assert_eq!(oldest_ns(&connection), 2_000_000_000);
    }

    #[test]
    fn extreme_ages_and_times_do_not_overflow() {
        let connection = seconds(3);
        assert_eq!(apply(&connection, 3, 10, Duration::MAX, i64::MIN), Ok(0));
        assert_eq!(apply(&connection, 3, u64::MAX, Duration::MAX, i64::MAX), Ok(0));
        assert_eq!(apply(&connection, 3, u64::MAX, Duration::ZERO, i64::MAX), Ok(3));
    }
}
