//! The thread that owns the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use waku::{
    MessageHash,
    wire::{StoreQueryRequest, StoreQueryResponse, frame_cap::STORE_RESPONSE_BYTES},
};

use super::{
    config::StoreConfig,
    entry::{InsertOutcome, StoreEntry},
    insert, query, retention,
};

/// Most messages in one transaction. A commit costs as much as some ten inserts, so more would gain nothing and let
/// queries wait longer.
pub const BATCH_MAX: usize = 256;

/// How often old messages are looked for when none arrives. nwaku looks every 30 minutes; with this a store does not
/// answer with messages that are past their age by more than this.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(60);

/// Tells what became of a message: its hash, its pubsub topic, and the outcome. Called on the store's thread.
pub(super) type OnOutcome = Box<dyn Fn(MessageHash, &str, InsertOutcome) + Send>;

/// Work for the thread. The permits give the place in the queue back when the job is dropped.
#[derive(Debug)]
pub(super) enum Job {
    Insert(QueuedEntry),
    Query {
        request: StoreQueryRequest,
        reply: oneshot::Sender<StoreQueryResponse>,
        permit: OwnedSemaphorePermit,
    },
    Flush {
        reply: oneshot::Sender<()>,
        permit: OwnedSemaphorePermit,
    },
}

/// A message on its way into the database.
#[derive(Debug)]
pub(super) struct QueuedEntry {
    pub(super) entry: StoreEntry,
    /// Unix nanoseconds; the time in the queue must not count against the message's timestamp.
    pub(super) arrived_ns: i64,
    #[expect(dead_code, reason = "held for their drop")]
    pub(super) permits: [OwnedSemaphorePermit; 2],
}

/// The thread's state.
pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) config: StoreConfig,
    pub(super) on_outcome: OnOutcome,
    /// Messages in the database; written here, read by the handle.
    pub(super) message_count: Arc<AtomicU64>,
}

impl Worker {
    /// Serves jobs until every sender is gone and the queue is empty.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut retention_due = Instant::now();
        loop {
            if Instant::now() >= retention_due {
                self.retain();
                retention_due = Instant::now() + RETENTION_INTERVAL;
            }
            match jobs.recv_timeout(retention_due.saturating_duration_since(Instant::now())) {
                Ok(job) => self.serve(job, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "cannot close the store's database");
        }
    }

    /// Serves `first` and whatever waits behind it, up to one batch of inserts and one query or flush.
    fn serve(&mut self, first: Job, jobs: &Receiver<Job>) {
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Insert(queued) => batch.push(queued),
                Job::Query {
                    request,
                    reply,
                    permit: _permit,
                } => {
                    self.insert(std::mem::take(&mut batch));
                    // The asker may have gone; nothing is lost then.
                    let _ = reply.send(query::answer(&self.connection, &request, STORE_RESPONSE_BYTES));
                    return;
                }
                Job::Flush { reply, permit: _permit } => {
                    self.insert(std::mem::take(&mut batch));
                    let _ = reply.send(());
                    return;
                }
            }
            next = if batch.len() < BATCH_MAX {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        self.insert(batch);
    }

    /// Writes a batch in one transaction and tells what became of each message. If the transaction fails, every message
    /// in it has failed.
    fn insert(&mut self, batch: Vec<QueuedEntry>) {
        if batch.is_empty() {
            return;
        }
        let max_skew = self.config.max_timestamp_skew;
        let refusals: Vec<Option<InsertOutcome>> = batch
            .iter()
            .map(|queued| insert::refusal(&queued.entry, queued.arrived_ns, max_skew))
            .collect();
        let accepted = batch.iter().zip(&refusals).filter(|(_, refusal)| refusal.is_none());
        let accepted: Vec<&StoreEntry> = accepted.map(|(queued, _)| &queued.entry).collect();
        let written = self.write(&accepted).unwrap_or_else(|error| {
            tracing::warn!(%error, message_count = accepted.len(), "cannot store messages");
            vec![InsertOutcome::Failed(error.to_string()); accepted.len()]
        });
        let mut written = written.into_iter();
        for (queued, refusal) in batch.iter().zip(refusals) {
            if let Some(outcome) = refusal.or_else(|| written.next()) {
                (self.on_outcome)(queued.entry.hash, &queued.entry.pubsub_topic, outcome);
            }
        }
    }

    fn write(&mut self, entries: &[&StoreEntry]) -> rusqlite::Result<Vec<InsertOutcome>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut count = self.message_count.load(Ordering::Relaxed);
        let transaction = self.connection.transaction()?;
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            let outcome = insert::write(&transaction, entry)?;
            count += u64::from(outcome == InsertOutcome::Stored);
            outcomes.push(outcome);
        }
        let StoreConfig {
            max_messages, max_age, ..
        } = self.config;
        let deleted_count = retention::apply(&transaction, count, max_messages, max_age, unix_now_ns())?;
        transaction.commit()?;
        self.message_count
            .store(count.saturating_sub(deleted_count), Ordering::Relaxed);
        Ok(outcomes)
    }

    fn retain(&mut self) {
        let StoreConfig {
            max_messages, max_age, ..
        } = self.config;
        let count = self.message_count.load(Ordering::Relaxed);
        match retention::apply(&self.connection, count, max_messages, max_age, unix_now_ns()) {
            Ok(deleted_count) => self
                .message_count
                .store(count.saturating_sub(deleted_count), Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "cannot delete old messages from the store"),
        }
    }
}

/// This machine's clock, Unix nanoseconds.
pub(super) fn unix_now_ns() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::Semaphore;
    use waku::WakuMessage;

    use super::*;
    use crate::store::database;

    fn worker(config: StoreConfig) -> (Worker, Arc<Mutex<Vec<InsertOutcome>>>) {
        let outcomes = Arc::new(Mutex::new(Vec::new()));
        let told = outcomes.clone();
        let on_outcome: OnOutcome = Box::new(move |_, _, outcome| told.lock().unwrap().push(outcome));
        let connection = database::open(None).unwrap();
        (
            Worker {
                connection,
                config,
                on_outcome,
                message_count: Arc::default(),
            },
            outcomes,
        )
    }

    fn queued(number: u8, timestamp_ns: i64) -> QueuedEntry {
        let places = Arc::new(Semaphore::new(2));
        let permit = || places.clone().try_acquire_owned().unwrap();
        let message = WakuMessage::new(vec![number], "/a/1/b/c", timestamp_ns);
        let entry = StoreEntry {
            hash: MessageHash::from([number; 32]),
            pubsub_topic: Arc::from("/waku/2/rs/1/0"),
            message,
        };
        QueuedEntry {
            entry,
            arrived_ns: unix_now_ns(),
            permits: [permit(), permit()],
        }
    }

    #[test]
    fn a_failed_transaction_fails_every_message_in_it_and_counts_none() {
        let (mut worker, outcomes) = worker(StoreConfig::default());
        // The second insert breaks, the first has worked by then.
        worker
            .connection
            .execute_batch(
                "CREATE TRIGGER full BEFORE INSERT ON messages WHEN (SELECT count(*) FROM messages) = 1
                 BEGIN SELECT RAISE(ABORT, 'disk is full'); END",
            )
            .unwrap();
        worker.insert(vec![queued(1, unix_now_ns()), queued(2, 0), queued(3, unix_now_ns())]);
        let told = outcomes.lock().unwrap();
        assert_eq!(told[0], InsertOutcome::Failed("disk is full".to_owned()));
        assert!(matches!(told[1], InsertOutcome::Past { .. }));
        assert_eq!(told[2].to_string(), "database error: disk is full");
        assert_eq!(told.len(), 3);
        assert_eq!(worker.message_count.load(Ordering::Relaxed), 0);
        assert_eq!(database::count(&worker.connection), Ok(0));
    }

    #[test]
    fn messages_that_grew_too_old_go_without_any_insert() {
        let max_age = Duration::from_secs(3_600);
        let (mut worker, _) = worker(StoreConfig {
            max_age,
            max_timestamp_skew: None,
            ..StoreConfig::default()
        });
        worker.insert(vec![queued(1, unix_now_ns()), queued(2, unix_now_ns())]);
        worker.retain();
        assert_eq!(worker.message_count.load(Ordering::Relaxed), 2);
        worker.config.max_age = Duration::ZERO;
        worker.retain();
        assert_eq!(worker.message_count.load(Ordering::Relaxed), 0);
        assert_eq!(database::count(&worker.connection), Ok(0));
    }
}
