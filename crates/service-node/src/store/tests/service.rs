//! The handle and its thread: order, outcomes, limits, retention, and the end.

use std::{
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

use super::*;
use crate::store::{
    INSERT_QUEUE_BYTES, INSERT_QUEUE_MAX, InsertError, InsertOutcome, Store, StoreConfig, StoreError,
    worker::unix_now_ns,
};

type Outcomes = Arc<Mutex<Vec<(MessageHash, String, InsertOutcome)>>>;

fn open(config: StoreConfig) -> (Store, Outcomes) {
    let outcomes = Outcomes::default();
    let told = outcomes.clone();
    let store = Store::open(config, move |hash, pubsub_topic, outcome| {
        told.lock().unwrap().push((hash, pubsub_topic.to_owned(), outcome));
    });
    (store.unwrap(), outcomes)
}

/// Takes any timestamp and keeps it.
fn lenient() -> StoreConfig {
    StoreConfig {
        max_timestamp_skew: None,
        max_age: Duration::MAX,
        ..StoreConfig::default()
    }
}

fn numbered(count: i64) -> Vec<StoreEntry> {
    (1..=count)
        .map(|number| entry(PUBSUB, "/a/1/b/c", number, number.to_be_bytes()))
        .collect()
}

#[tokio::test]
async fn a_query_sees_every_message_accepted_before_it() {
    let (store, _) = open(lenient());
    let entries = numbered(1_000);
    for (index, entry) in entries.iter().enumerate() {
        store.try_insert(entry.clone()).unwrap();
        if index % 100 == 99 {
            let lookup = StoreQueryRequest {
                message_hashes: vec![entry.hash.to_bytes()],
                ..request()
            };
            assert_eq!(hashes(&store.query(lookup).await), [entry.hash]);
        }
    }
    assert_eq!(store.message_count(), 1_000);
}

#[tokio::test]
async fn every_message_has_one_outcome() {
    let (store, outcomes) = open(StoreConfig::default());
    let now_ns = unix_now_ns();
    let stored = entry(PUBSUB, "/a/1/b/c", now_ns, "stored");
    let mut ephemeral = entry(PUBSUB, "/a/1/b/c", now_ns, "ephemeral");
    ephemeral.message.ephemeral = Some(true);
    let past = entry(PUBSUB, "/a/1/b/c", now_ns - 3_600_000_000_000, "past");
    let future = entry("/waku/2/rs/1/1", "/a/1/b/c", now_ns + 3_600_000_000_000, "future");
    for entry in [&stored, &ephemeral, &past, &future, &stored] {
        store.try_insert(entry.clone()).unwrap();
    }
    assert_eq!(hashes(&store.query(request()).await), [stored.hash]);
    let outcomes = outcomes.lock().unwrap();
    let told: Vec<_> = outcomes
        .iter()
        .map(|(hash, topic, outcome)| (*hash, topic.as_str(), outcome))
        .collect();
    assert_eq!(told.len(), 5);
    assert_eq!(told[0], (stored.hash, PUBSUB, &InsertOutcome::Stored));
    assert_eq!(told[1], (ephemeral.hash, PUBSUB, &InsertOutcome::Ephemeral));
    assert!(matches!(told[2], (hash, _, InsertOutcome::Past { .. }) if hash == past.hash));
    assert!(matches!(told[3], (hash, "/waku/2/rs/1/1", InsertOutcome::Future { .. }) if hash == future.hash));
    assert_eq!(told[4], (stored.hash, PUBSUB, &InsertOutcome::Duplicate));
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many() {
    let (store, outcomes) = open(StoreConfig {
        max_messages: 10,
        ..lenient()
    });
    let entries = numbered(25);
    for entry in entries.iter().rev() {
        store.try_insert(entry.clone()).unwrap();
    }
    assert_eq!(hashes(&store.query(request()).await), in_order(&entries)[15..]);
    assert_eq!(store.message_count(), 10);
    assert_eq!(outcomes.lock().unwrap().len(), 25);
}

#[tokio::test]
async fn the_too_old_go_and_the_rest_stays() {
    let hour = Duration::from_secs(3_600);
    let (store, _) = open(StoreConfig {
        max_age: hour,
        ..lenient()
    });
    let (now_ns, minute_ns) = (unix_now_ns(), 60_000_000_000);
    let old = entry(PUBSUB, "/a/1/b/c", now_ns - 61 * minute_ns, "old");
    let young = entry(PUBSUB, "/a/1/b/c", now_ns - 59 * minute_ns, "young");
    store.try_insert(old).unwrap();
    store.try_insert(young.clone()).unwrap();
    assert_eq!(hashes(&store.query(request()).await), [young.hash]);
    assert_eq!(store.message_count(), 1);
}

#[test]
fn dropping_the_last_handle_waits_for_what_is_queued() {
    let outcomes = Outcomes::default();
    let told = outcomes.clone();
    let store = Store::open(lenient(), move |hash, pubsub_topic, outcome| {
        // Slower than the test, so that it must wait.
        std::thread::sleep(Duration::from_millis(2));
        told.lock().unwrap().push((hash, pubsub_topic.to_owned(), outcome));
    });
    let store = store.unwrap();
    for entry in numbered(50) {
        store.try_insert(entry).unwrap();
    }
    drop(store);
    assert_eq!(outcomes.lock().unwrap().len(), 50);
}

#[tokio::test]
async fn a_file_is_complete_after_the_last_handle_is_dropped_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        path: Some(folder.path().join("store.sqlite")),
        ..lenient()
    };
    let entries = numbered(100);
    let (store, outcomes) = open(config.clone());
    let clone = store.clone();
    for entry in &entries {
        store.try_insert(entry.clone()).unwrap();
    }
    drop(store);
    assert!(matches!(
        Store::open(config.clone(), |_, _, _| {}),
        Err(StoreError::InUse { .. })
    ));
    drop(clone);
    assert_eq!(outcomes.lock().unwrap().len(), 100);

    let (reopened, outcomes) = open(config.clone());
    assert_eq!(reopened.message_count(), 100);
    reopened.try_insert(entries[0].clone()).unwrap();
    let all = StoreQueryRequest {
        pagination_limit: Some(100),
        ..request()
    };
    assert_eq!(hashes(&reopened.query(all).await), in_order(&entries));
    assert_eq!(outcomes.lock().unwrap()[0].2, InsertOutcome::Duplicate);
    drop(reopened);

    let (smaller, _) = open(StoreConfig {
        max_messages: 3,
        ..config
    });
    assert_eq!(hashes(&smaller.query(request()).await), in_order(&entries)[97..]);
}

/// A store whose thread waits in its first outcome until the sender is dropped.
fn stuck() -> (Store, Outcomes, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let outcomes = Outcomes::default();
    let told = outcomes.clone();
    let (release, released) = mpsc::channel::<()>();
    let (reached, arrived) = mpsc::channel();
    let store = Store::open(lenient(), move |hash, pubsub_topic, outcome| {
        let _ = reached.send(());
        let _ = released.recv();
        told.lock().unwrap().push((hash, pubsub_topic.to_owned(), outcome));
    });
    (store.unwrap(), outcomes, release, arrived)
}

#[tokio::test]
async fn a_full_queue_refuses_without_waiting_and_loses_nothing_it_took() {
    let (store, outcomes, release, arrived) = stuck();
    let entries = numbered(INSERT_QUEUE_MAX as i64 + 5);
    store.try_insert(entries[0].clone()).unwrap();
    arrived.recv().unwrap();
    let accepted = entries
        .iter()
        .filter(|entry| store.try_insert((*entry).clone()).is_ok())
        .count();
    // The one being served still has its place.
    assert_eq!(accepted, INSERT_QUEUE_MAX - 1);
    let error = store.try_insert(entries[0].clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "store queue is full (4096 messages or 67108864 bytes)"
    );
    drop(release);
    let all = StoreQueryRequest {
        pagination_limit: Some(1),
        ..request()
    };
    assert_eq!(store.query(all).await.messages.len(), 1);
    assert_eq!(outcomes.lock().unwrap().len(), INSERT_QUEUE_MAX);
    assert!(store.try_insert(entries[0].clone()).is_ok());
}

#[test]
fn a_queue_of_large_messages_is_bounded_by_bytes() {
    let (store, _, _release, arrived) = stuck();
    store.try_insert(entry(PUBSUB, "/a/1/b/c", 1, "first")).unwrap();
    arrived.recv().unwrap();
    let mut accepted_bytes = 0;
    for number in 0..INSERT_QUEUE_MAX as i64 {
        let large = entry(PUBSUB, "/a/1/b/c", number, vec![0; 1 << 20]);
        match store.try_insert(large) {
            Ok(()) => accepted_bytes += 1 << 20,
            Err(error) => {
                assert!(matches!(error, InsertError::QueueFull { .. }));
                break;
            }
        }
    }
    assert_eq!(accepted_bytes, INSERT_QUEUE_BYTES - (1 << 20));
}

#[tokio::test]
async fn a_store_whose_thread_has_died_says_so() {
    let store = Store::open(lenient(), |_, _, _| panic!("the test wants the thread to end")).unwrap();
    store.try_insert(numbered(1).remove(0)).unwrap();
    let response = store.query(request()).await;
    assert_eq!(
        (response.status_code(), response.status_desc()),
        (503, "store has stopped")
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.try_insert(numbered(1).remove(0)) != Err(InsertError::Stopped) {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn queries_whose_asker_went_away_free_their_place() {
    let (store, _, release, arrived) = stuck();
    store.try_insert(numbered(1).remove(0)).unwrap();
    arrived.recv().unwrap();
    for _ in 0..100 {
        let asked = tokio::time::timeout(Duration::from_millis(1), store.query(request())).await;
        assert!(asked.is_err());
    }
    drop(release);
    assert_eq!(store.query(request()).await.status_code(), 200);
}

#[test]
fn a_store_that_keeps_nothing_is_refused() {
    let config = StoreConfig {
        max_messages: 0,
        ..StoreConfig::default()
    };
    assert!(matches!(Store::open(config, |_, _, _| {}), Err(StoreError::NoMessages)));
}
