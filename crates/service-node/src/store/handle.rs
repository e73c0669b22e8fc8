//! The store as the rest of the node sees it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::{Semaphore, oneshot};
use waku::{
    MessageHash,
    status::code,
    wire::{StoreQueryRequest, StoreQueryResponse},
};

use super::{
    config::{StoreConfig, StoreError},
    database,
    entry::{InsertError, InsertOutcome, StoreEntry},
    worker::{Job, QueuedEntry, Worker, unix_now_ns},
};

/// Most messages waiting to be stored. At 10 000 small messages a second it outlasts a pause of 0.4 s of the disk.
pub const INSERT_QUEUE_MAX: usize = 4096;

/// Most bytes of messages waiting to be stored: 4 096 messages of 150 KiB would be 600 MB.
pub const INSERT_QUEUE_BYTES: usize = 64 << 20;

/// Most queries waiting; further ones wait outside the queue, in the tasks that ask. Each answer may hold 15 MB.
pub const QUERY_QUEUE_MAX: usize = 16;

const QUEUE_FULL: InsertError = InsertError::QueueFull {
    max_entries: INSERT_QUEUE_MAX,
    max_bytes: INSERT_QUEUE_BYTES,
};

/// A store: cheap to clone, open until the last clone is gone.
///
/// Dropping the last clone stores what is queued, reports it, closes the database, and waits for that.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// Taken by `Drop` only.
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    insert_places: Arc<Semaphore>,
    insert_bytes: Arc<Semaphore>,
    query_places: Arc<Semaphore>,
    message_count: Arc<AtomicU64>,
}

impl Store {
    /// Opens the database and starts the thread that owns it.
    ///
    /// `on_outcome` is called on that thread, once for every message that [`Self::try_insert`] queued, after the commit:
    /// with its hash, its pubsub topic, and what became of it. While it runs the store does nothing else.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(
        config: StoreConfig,
        on_outcome: impl Fn(MessageHash, &str, InsertOutcome) + Send + 'static,
    ) -> Result<Self, StoreError> {
        if config.max_messages == 0 {
            return Err(StoreError::NoMessages);
        }
        let connection = database::open(config.path.as_deref())?;
        let count = database::count(&connection).map_err(|source| {
            let place = database::place(config.path.as_deref());
            StoreError::Open { place, source }
        })?;
        let message_count = Arc::new(AtomicU64::new(count));
        let on_outcome = Box::new(on_outcome);
        let worker = Worker {
            connection,
            config,
            on_outcome,
            message_count: message_count.clone(),
        };
        let (jobs, received) = sync_channel(INSERT_QUEUE_MAX + QUERY_QUEUE_MAX);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || worker.run(&received))
            .map_err(StoreError::Thread)?;
        let inner = Inner {
            jobs: Some(jobs),
            thread: Some(thread),
            insert_places: Arc::new(Semaphore::new(INSERT_QUEUE_MAX)),
            insert_bytes: Arc::new(Semaphore::new(INSERT_QUEUE_BYTES)),
            query_places: Arc::new(Semaphore::new(QUERY_QUEUE_MAX)),
            message_count,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Queues a message without ever waiting. What becomes of it is told to the `on_outcome` given at opening.
    ///
    /// # Errors
    /// If the queue is full or the store has stopped; then the message is not stored, and `on_outcome` not called.
    pub fn try_insert(&self, entry: StoreEntry) -> Result<(), InsertError> {
        let message = &entry.message;
        let held_bytes = message.payload().len() + message.meta().len() + message.content_topic().len();
        let held_bytes = u32::try_from(held_bytes).map_err(|_| QUEUE_FULL)?;
        let place = self
            .inner
            .insert_places
            .clone()
            .try_acquire_owned()
            .map_err(|_| QUEUE_FULL)?;
        let bytes = self
            .inner
            .insert_bytes
            .clone()
            .try_acquire_many_owned(held_bytes)
            .map_err(|_| QUEUE_FULL)?;
        let queued = QueuedEntry {
            entry,
            arrived_ns: unix_now_ns(),
            permits: [place, bytes],
        };
        self.send(Job::Insert(queued))
    }

    /// Answers a query, after every message queued before it was stored.
    ///
    /// | Code | When | Request id |
    /// |---|---|---|
    /// | 200 | a page, ascending by (timestamp, hash); a cursor only if there is more | the request's |
    /// | 300 | unknown cursor, more than 10 content topics with a cursor, database error | empty |
    /// | 400 | a hash or cursor that has not 32 bytes | empty |
    /// | 503 | the store has stopped | empty |
    ///
    /// Pages have 20 entries unless the request says otherwise, at most 100, and end early where the answer would
    /// exceed the frame cap [`waku::wire::frame_cap::STORE_RESPONSE_BYTES`].
    pub async fn query(&self, request: StoreQueryRequest) -> StoreQueryResponse {
        let stopped = || StoreQueryResponse::refused("", code::SERVICE_NOT_AVAILABLE, "store has stopped");
        let Ok(permit) = self.inner.query_places.clone().acquire_owned().await else {
            return stopped();
        };
        let (reply, answer) = oneshot::channel();
        match self.send(Job::Query { request, reply, permit }) {
            Ok(()) => answer.await.unwrap_or_else(|_| stopped()),
            Err(_) => stopped(),
        }
    }

    /// Completes when every message queued before was stored and told to `on_outcome`.
    pub async fn flush(&self) {
        // A query's place: the queue has one for it.
        let Ok(permit) = self.inner.query_places.clone().acquire_owned().await else {
            return;
        };
        let (reply, flushed) = oneshot::channel();
        if self.send(Job::Flush { reply, permit }).is_ok() {
            // An error says that the thread has ended, and then it has flushed.
            let _ = flushed.await;
        }
    }

    /// Messages in the database, those of running transactions aside.
    pub fn message_count(&self) -> u64 {
        self.inner.message_count.load(Ordering::Relaxed)
    }

    /// Never full: the queue has a place for every permit.
    fn send(&self, job: Job) -> Result<(), InsertError> {
        let jobs = self.inner.jobs.as_ref().ok_or(InsertError::Stopped)?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => QUEUE_FULL,
            TrySendError::Disconnected(_) => InsertError::Stopped,
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        // The last clone may be one that `on_outcome` held: a thread cannot wait for itself.
        if thread.thread().id() != thread::current().id() && thread.join().is_err() {
            tracing::error!("the store's thread has panicked");
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("message_count", &self.message_count)
            .finish_non_exhaustive()
    }
}
