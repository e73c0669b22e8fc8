//! Which messages a query matches: their keys, in order, from the indices.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use waku::MessageHash;

/// Where a message stands among all others, and its row. Ordered as pages are: by timestamp, then by hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Unix nanoseconds.
    pub(super) timestamp_ns: i64,
    pub(super) hash: MessageHash,
    pub(super) row: i64,
}

/// A place between keys: a timestamp and bytes that sort among hashes as SQLite sorts them, by content, then length.
type Place = (i64, Vec<u8>);

/// Sorts after every hash.
const AFTER_ALL_HASHES: [u8; 33] = [0xff; 33];

/// The keys strictly between two places.
#[derive(Clone, Debug)]
pub(super) struct Span {
    after: Place,
    before: Place,
}

impl Span {
    /// The keys with timestamps from `start_ns` to `end_ns`, both inclusive as in nwaku (the RFC excludes the end).
    pub(super) fn of_time(start_ns: Option<i64>, end_ns: Option<i64>) -> Self {
        Self {
            after: (start_ns.unwrap_or(i64::MIN), Vec::new()),
            before: (end_ns.unwrap_or(i64::MAX), AFTER_ALL_HASHES.to_vec()),
        }
    }

    /// Without the keys up to `cursor` when walking forward, from `cursor` on when walking backward.
    pub(super) fn beyond(mut self, cursor: &Key, forward: bool) -> Self {
        let place = (cursor.timestamp_ns, cursor.hash.as_bytes().to_vec());
        if forward {
            self.after = self.after.max(place);
        } else {
            self.before = self.before.min(place);
        }
        self
    }

    fn contains(&self, key: &Key) -> bool {
        let place = (key.timestamp_ns, key.hash.as_bytes().to_vec());
        self.after < place && place < self.before
    }
}

/// What a query asks for.
#[derive(Clone, Debug)]
pub(super) struct Selection<'a> {
    pub(super) pubsub_topic: Option<&'a str>,
    /// Empty means all.
    pub(super) content_topics: BTreeSet<&'a str>,
    /// Empty means all; combined with the topics by AND, as in nwaku.
    pub(super) hashes: BTreeSet<MessageHash>,
    pub(super) span: Span,
    pub(super) forward: bool,
    /// Most keys wanted.
    pub(super) limit: usize,
}

impl Selection<'_> {
    /// The first `limit` matching keys, walking forward from the oldest or backward from the newest.
    pub(super) fn keys(&self, connection: &Connection) -> rusqlite::Result<Vec<Key>> {
        let mut keys = if !self.hashes.is_empty() {
            self.keys_of_hashes(connection)?
        } else if !self.content_topics.is_empty() {
            self.keys_of_content_topics(connection)?
        } else {
            self.keys_of_walk(connection)?
        };
        keys.sort_unstable();
        if !self.forward {
            keys.reverse();
        }
        keys.truncate(self.limit);
        Ok(keys)
    }

    fn keys_of_hashes(&self, connection: &Connection) -> rusqlite::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for hash in &self.hashes {
            let Some(found) = find(connection, hash)? else { continue };
            let is_topic = self.content_topics.is_empty() || self.content_topics.contains(found.content_topic.as_str());
            let is_pubsub = self.pubsub_topic.is_none_or(|topic| topic == found.pubsub_topic);
            if is_topic && is_pubsub && self.span.contains(&found.key) {
                keys.push(found.key);
            }
        }
        Ok(keys)
    }

    /// One walk per content topic, each up to the limit. A pubsub topic is checked row by row: one content topic on
    /// several pubsub topics is rare.
    fn keys_of_content_topics(&self, connection: &Connection) -> rusqlite::Result<Vec<Key>> {
        let mut keys = Vec::new();
        for content_topic in &self.content_topics {
            let walk = match &self.pubsub_topic {
                Some(pubsub_topic) => {
                    let condition = "content_topic = ?6 AND +pubsub_topic = ?7";
                    self.walk(
                        connection,
                        "messages_by_content_topic",
                        condition,
                        &[content_topic, pubsub_topic],
                    )?
                }
                None => self.walk(
                    connection,
                    "messages_by_content_topic",
                    "content_topic = ?6",
                    &[content_topic],
                )?,
            };
            keys.extend(walk);
        }
        Ok(keys)
    }

    fn keys_of_walk(&self, connection: &Connection) -> rusqlite::Result<Vec<Key>> {
        match &self.pubsub_topic {
            Some(topic) => self.walk(connection, "messages_by_pubsub_topic", "pubsub_topic = ?6", &[topic]),
            None => self.walk(connection, "messages_by_time", "TRUE", &[]),
        }
    }

    fn walk(
        &self,
        connection: &Connection,
        index: &'static str,
        condition: &'static str,
        arguments: &[&dyn ToSql],
    ) -> rusqlite::Result<Vec<Key>> {
        let sql = walk_sql(index, condition, self.forward);
        let Span { after, before } = &self.span;
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let mut parameters: Vec<&dyn ToSql> = vec![&after.0, &after.1, &before.0, &before.1, &limit];
        parameters.extend(arguments);
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(&parameters[..], key_of)?;
        rows.collect()
    }
}

fn walk_sql(index: &str, condition: &str, forward: bool) -> String {
    let order = if forward { "ASC" } else { "DESC" };
    format!(
        "SELECT id, timestamp, hash FROM messages INDEXED BY {index}
         WHERE {condition} AND (timestamp, hash) > (?1, ?2) AND (timestamp, hash) < (?3, ?4)
         ORDER BY timestamp {order}, hash {order} LIMIT ?5"
    )
}

/// A message as its hash leads to it.
#[derive(Debug)]
struct Found {
    key: Key,
    pubsub_topic: String,
    content_topic: String,
}

fn find(connection: &Connection, hash: &MessageHash) -> rusqlite::Result<Option<Found>> {
    let mut statement = connection
        .prepare_cached("SELECT id, timestamp, hash, pubsub_topic, content_topic FROM messages WHERE hash = ?1")?;
    let found = |row: &Row<'_>| {
        Ok(Found {
            key: key_of(row)?,
            pubsub_topic: row.get(3)?,
            content_topic: row.get(4)?,
        })
    };
    statement.query_row([hash.as_bytes()], found).optional()
}

/// The key of a stored message, for a cursor.
pub(super) fn key_of_hash(connection: &Connection, hash: &MessageHash) -> rusqlite::Result<Option<Key>> {
    Ok(find(connection, hash)?.map(|found| found.key))
}

fn key_of(row: &Row<'_>) -> rusqlite::Result<Key> {
    let hash: [u8; 32] = row.get(2)?;
    Ok(Key {
        row: row.get(0)?,
        timestamp_ns: row.get(1)?,
        hash: hash.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database;

    /// The plan SQLite makes of a walk.
    fn plan(index: &str, condition: &str, forward: bool, argument_count: usize) -> Vec<String> {
        let connection = database::open(None).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", walk_sql(index, condition, forward));
        let mut statement = connection.prepare(&sql).unwrap();
        let arguments = vec![1; 5 + argument_count];
        let lines = statement
            .query_map(rusqlite::params_from_iter(arguments), |row| row.get(3))
            .unwrap();
        lines.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_page_is_one_walk_along_an_index_without_sorting() {
        let cases = [
            (
                "messages_by_time",
                "TRUE",
                0,
                "((timestamp,hash)>(?,?) AND (timestamp,hash)<(?,?))",
            ),
            (
                "messages_by_pubsub_topic",
                "pubsub_topic = ?6",
                1,
                "(pubsub_topic=? AND (timestamp,hash)>(?,?) AND",
            ),
            (
                "messages_by_content_topic",
                "content_topic = ?6",
                1,
                "(content_topic=? AND (timestamp,hash)>(?,?) AND",
            ),
            (
                "messages_by_content_topic",
                "content_topic = ?6 AND +pubsub_topic = ?7",
                2,
                "(content_topic=? AND (timestamp,hash)>(?,?) AND",
            ),
        ];
        for (index, condition, argument_count, expected) in cases {
            for forward in [true, false] {
                let plan = plan(index, condition, forward, argument_count);
                assert_eq!(plan.len(), 1, "{plan:?}");
                assert!(plan[0].starts_with("SEARCH messages USING"), "{plan:?}");
                assert!(plan[0].contains(expected), "{plan:?}");
            }
        }
    }

    #[test]
    fn a_span_holds_both_ends_of_time_and_never_its_cursor() {
        let key = |timestamp_ns, byte| Key {
            timestamp_ns,
            hash: MessageHash::from([byte; 32]),
            row: 0,
        };
        let span = Span::of_time(Some(5), Some(7));
        for (timestamp_ns, byte, inside) in [(4, 0xff, false), (5, 0, true), (7, 0xff, true), (8, 0, false)] {
            assert_eq!(span.contains(&key(timestamp_ns, byte)), inside, "{timestamp_ns} {byte}");
        }
        let all = Span::of_time(None, None);
        assert!(all.contains(&key(i64::MIN, 0)) && all.contains(&key(i64::MAX, 0xff)));
        let cursor = key(6, 0x80);
        let later = span.clone().beyond(&cursor, true);
        let earlier = span.clone().beyond(&cursor, false);
        assert!(!later.contains(&cursor) && !earlier.contains(&cursor));
        assert!(later.contains(&key(6, 0x81)) && !later.contains(&key(6, 0x7f)) && !later.contains(&key(8, 0)));
        assert!(earlier.contains(&key(6, 0x7f)) && !earlier.contains(&key(6, 0x81)) && !earlier.contains(&key(4, 0)));
        let outside = span.beyond(&key(2, 0), true);
        assert!(!outside.contains(&key(4, 0)) && outside.contains(&key(5, 0)));
    }
}
