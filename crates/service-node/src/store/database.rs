//! Opening the database: its schema, its indices, and whether it is ours at all.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use super::config::StoreError;

/// Marks a database file as ours: "LPTS" in ASCII.
const APPLICATION_ID: i64 = 0x4c50_5453;

/// Raised with every change to [`SCHEMA`].
const SCHEMA_VERSION: i64 = 1;

/// Statements kept prepared; the store has fewer different ones.
const STATEMENT_CACHE_SIZE: usize = 32;

/// The hash fixes the timestamp, so it alone is unique. Each index but the first ends with the order of pages,
/// (timestamp, hash), so that every page is one walk along an index: over all messages, over one pubsub topic, or over
/// one content topic. The payload comes last, so that reading the other columns does not walk its overflow pages.
const SCHEMA: &str = "
    CREATE TABLE messages (
        id            INTEGER PRIMARY KEY,
        hash          BLOB NOT NULL,
        timestamp     INTEGER NOT NULL,
        pubsub_topic  TEXT NOT NULL,
        content_topic TEXT NOT NULL,
        version       INTEGER,
        meta          BLOB,
        payload       BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX messages_by_hash ON messages (hash);
    CREATE INDEX messages_by_time ON messages (timestamp, hash);
    CREATE INDEX messages_by_pubsub_topic ON messages (pubsub_topic, timestamp, hash);
    CREATE INDEX messages_by_content_topic ON messages (content_topic, timestamp, hash);
";

/// Opens the file, or a database in memory, and creates the schema in an empty one.
///
/// A file is locked for this process alone: two nodes writing the same store would each enforce retention with a count
/// of their own.
pub(super) fn open(path: Option<&Path>) -> Result<Connection, StoreError> {
    let place = place(path);
    let explain = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { place: place.clone() },
        _ => StoreError::Open {
            place: place.clone(),
            source,
        },
    };
    let mut connection = path
        .map_or_else(Connection::open_in_memory, Connection::open)
        .map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_SIZE);
    set_up(&connection).map_err(explain)?;
    let found = identify(&mut connection).map_err(explain)?;
    match found {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(connection),
        (APPLICATION_ID, found) => Err(StoreError::Version {
            place,
            found,
            expected: SCHEMA_VERSION,
        }),
        (application_id, _) => Err(StoreError::Foreign { place, application_id }),
    }
}

/// What to call the database in errors.
pub(super) fn place(path: Option<&Path>) -> String {
    path.map_or_else(
        || "database in memory".to_owned(),
        |path| format!("store {}", path.display()),
    )
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    // A moment's grace for a node that is just closing the file.
    connection.busy_timeout(Duration::from_millis(500))?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")
}

/// The application id and schema version of the database; an empty one gets ours.
///
/// With the exclusive locking mode, the transaction also takes the lock on the file, which is then kept.
fn identify(connection: &mut Connection) -> rusqlite::Result<(i64, i64)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let table: Option<i64> = transaction
        .query_row("SELECT 1 FROM sqlite_schema", [], |row| row.get(0))
        .optional()?;
    if table.is_none() {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    let application_id = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.commit()?;
    if application_id == APPLICATION_ID {
        // Write-ahead logging with one sync per checkpoint: a power cut may lose the last messages, never the file.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
    }
    Ok((application_id, version))
}

/// Messages in the database.
pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let count: i64 = connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once_and_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        for _ in 0..2 {
            let connection = open(Some(&path)).unwrap();
            assert_eq!(count(&connection), Ok(0));
        }
    }

    #[test]
    fn a_file_open_elsewhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let _held = open(Some(&path)).unwrap();
        let error = open(Some(&path)).unwrap_err();
        assert!(
            matches!(&error, StoreError::InUse { place } if place.ends_with("store.sqlite")),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_no_database_of_ours_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "not a database, but longer than the header of one ".repeat(40)).unwrap();
        assert!(matches!(open(Some(&text)), Err(StoreError::Open { .. })));

        for id in [0, 7] {
            let other = folder.path().join(format!("other-{id}.sqlite"));
            let connection = Connection::open(&other).unwrap();
            let tables = format!("CREATE TABLE t (x); PRAGMA application_id = {id}; PRAGMA user_version = 1");
            connection.execute_batch(&tables).unwrap();
            drop(connection);
            let before = std::fs::read(&other).unwrap();
            let error = open(Some(&other)).unwrap_err();
            assert!(
                matches!(error, StoreError::Foreign { application_id, .. } if application_id == id),
                "{error}"
            );
            assert_eq!(std::fs::read(&other).unwrap(), before);
        }
    }

    #[test]
    fn a_database_of_a_later_version_is_refused_with_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        open(Some(&path))
            .unwrap()
            .pragma_update(None, "user_version", 2)
            .unwrap();
        assert!(matches!(
            open(Some(&path)),
            Err(StoreError::Version {
                found: 2,
                expected: 1,
                ..
            })
        ));
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named_in_the_error() {
        let error = open(Some(Path::new("/no/such/folder/store.sqlite"))).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder/store.sqlite"), "{error}");
    }
}
