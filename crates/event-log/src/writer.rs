//! Writes an event log from many tasks, through one background thread.
//!
//! What is promised: lines reach the file whole and in the order in which they were logged; at most
//! [`FLUSH_INTERVAL`] after an event was logged it has been handed to the operating system, so a killed process loses no
//! more than that tail; a full disk leaves whole lines only and is reported once, through [`EventLog::failed`]. A caller
//! waits when [`MAX_UNFLUSHED_BYTES`] are pending: a log that loses events is worth less than a slow one.

use std::{
    fs::{File, OpenOptions},
    future::{Future, poll_fn},
    io,
    path::Path,
    sync::{Arc, Mutex},
    task::Poll,
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    event::{Event, Record, RunEnded},
    line::MAX_LINE_BYTES,
    queue::Queue,
    sink::Sink,
    timestamp::Timestamp,
};

/// The longest an event stays in memory before it is written: what `kill -9` can cost.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// Pending bytes at which the background thread writes without waiting for the interval.
pub const FLUSH_BYTES: usize = 64 * 1024;

/// Pending bytes at which callers wait: several seconds of the fastest publisher, and small beside a process's memory.
pub const MAX_UNFLUSHED_BYTES: usize = 64 * 1024 * 1024;

/// Why an event log cannot be written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The file is there already; a log of an earlier run is never overwritten.
    #[error("event log {path} exists already: remove it, or give another path")]
    Exists {
        /// The path as given.
        path: String,
    },
    /// The file cannot be created.
    #[error("cannot create event log {path}: {error}")]
    Create {
        /// The path as given.
        path: String,
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// Writing failed; the log ends with the last whole line before.
    #[error("cannot write event log after {written_lines} lines ({written_bytes} bytes): {error}")]
    Write {
        /// Lines that are in the log.
        written_lines: u64,
        /// Bytes that are in the log.
        written_bytes: u64,
        /// What the system said.
        error: Arc<io::Error>,
    },
    /// The background thread cannot be started.
    #[error("cannot start the event log's thread: {0}")]
    Thread(Arc<io::Error>),
    /// Another handle closed the log before.
    #[error("the event log is closed already")]
    Closed,
}

/// What a log came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenStats {
    /// Lines in the log.
    pub lines: u64,
    /// Bytes in the log.
    pub bytes: u64,
    /// Events that are not in the log: logged after it was closed or had failed, or longer than a line may be.
    pub dropped_events: u64,
}

/// A handle on an event log; clones write to the same log.
///
/// When the last handle is dropped without [`Self::close`], what is pending is written, and the log stays without
/// `run_ended`: torn, as it should be for a role that did not end in order.
#[derive(Clone)]
pub struct EventLog {
    worker: Arc<Worker>,
}

impl EventLog {
    /// Opens a new log at `path`; `-` is standard output. Devices and pipes are written to as they are.
    ///
    /// # Errors
    /// [`LogError::Exists`] when there is such a file, [`LogError::Create`] when the system refuses.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, LogError> {
        let path = path.as_ref();
        if path == Path::new("-") {
            return Self::with_sink(io::stdout());
        }
        Self::with_sink(create_file(path)?)
    }

    /// Opens a log on any sink.
    ///
    /// # Errors
    /// [`LogError::Thread`] when the background thread cannot be started.
    pub fn with_sink(sink: impl Sink) -> Result<Self, LogError> {
        let queue = Arc::new(Queue::default());
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn({
                let queue = Arc::clone(&queue);
                move || queue.write_until_closed(sink)
            })
            .map_err(|error| LogError::Thread(Arc::new(error)))?;
        Ok(Self {
            worker: Arc::new(Worker {
                queue,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Logs an event with the present time. Blocks only while [`MAX_UNFLUSHED_BYTES`] are pending.
    pub fn log(&self, event: impl Into<Event>) {
        self.log_at(Timestamp::now(), event);
    }

    /// Logs an event that happened at `time`.
    pub fn log_at(&self, time: Timestamp, event: impl Into<Event>) {
        let record = Record {
            time,
            event: event.into(),
        };
        self.worker.queue.push(&line_of(&record));
    }

    /// Completes when the log can no longer be written, with the reason. Never completes for a healthy log.
    pub fn failed(&self) -> impl Future<Output = LogError> + Send + 'static {
        let queue = Arc::clone(&self.worker.queue);
        poll_fn(move |context| match queue.error_or_wake(context.waker()) {
            Some(error) => Poll::Ready(error),
            None => Poll::Pending,
        })
    }

    /// Why the log can no longer be written, if so.
    #[must_use]
    pub fn error(&self) -> Option<LogError> {
        self.worker.queue.error()
    }

    /// Writes `run_ended` as the last line, syncs the file and ends the background thread. Blocks until that is done.
    ///
    /// # Errors
    /// [`LogError::Write`] when anything could not be written, now or before; [`LogError::Closed`] the second time.
    pub fn close(self, ended: RunEnded) -> Result<WrittenStats, LogError> {
        let record = Record {
            time: Timestamp::now(),
            event: ended.into(),
        };
        if !self.worker.queue.close(&line_of(&record)) {
            return Err(LogError::Closed);
        }
        self.worker.join();
        match self.worker.queue.error() {
            Some(error) => Err(error),
            None => Ok(self.worker.queue.stats()),
        }
    }
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog")
            .field("stats", &self.worker.queue.stats())
            .finish()
    }
}

/// The background thread, ended when the last handle goes.
struct Worker {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic of the thread is already on standard error; the queue then holds no error and no new lines.
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue.close(&[]);
        self.join();
    }
}

/// The line of `record`; empty when it would be longer than a reader takes.
fn line_of(record: &Record) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    match record.write_line(&mut line) {
        Ok(()) if line.len() <= MAX_LINE_BYTES + 1 => line,
        _ => Vec::new(),
    }
}

fn create_file(path: &Path) -> Result<File, LogError> {
    let shown = || path.display().to_string();
    let refused = |error| LogError::Create {
        path: shown(),
        error: Arc::new(error),
    };
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let there = path.metadata().map_err(refused)?;
            if there.is_file() || there.is_dir() {
                return Err(LogError::Exists { path: shown() });
            }
            OpenOptions::new().write(true).open(path).map_err(refused)
        }
        Err(error) => Err(refused(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Instant};

    use super::*;
    use crate::{event::Listening, reader::read_log};

    fn listening(number: usize) -> Listening {
        Listening {
            address: format!("/ip4/127.0.0.1/tcp/{number}"),
        }
    }

    fn ended() -> RunEnded {
        RunEnded {
            reason: "completed".to_owned(),
            counters: BTreeMap::new(),
        }
    }

    fn wait_for(what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition() {
            assert!(Instant::now() < deadline, "waited in vain for: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A disk of `capacity_bytes` that takes at most `step_bytes` at a time.
    #[derive(Clone)]
    struct SmallDisk {
        content: Arc<Mutex<Vec<u8>>>,
        capacity_bytes: usize,
        step_bytes: usize,
        can_cut: bool,
    }

    impl SmallDisk {
        fn new(capacity_bytes: usize, step_bytes: usize) -> Self {
            Self {
                content: Arc::default(),
                capacity_bytes,
                step_bytes,
                can_cut: true,
            }
        }

        fn content(&self) -> Vec<u8> {
            self.content.lock().unwrap().clone()
        }
    }

    impl Sink for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut content = self.content.lock().unwrap();
            let room = self.capacity_bytes - content.len();
            if room == 0 {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            let taken = bytes.len().min(room).min(self.step_bytes);
            content.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn cut_to(&mut self, len_bytes: u64) -> io::Result<bool> {
            if self.can_cut {
                self.content
                    .lock()
                    .unwrap()
                    .truncate(usize::try_from(len_bytes).unwrap());
            }
            Ok(self.can_cut)
        }
    }

    #[test]
    fn every_line_of_many_threads_parses() {
        let disk = SmallDisk::new(usize::MAX, 1000);
        let log = EventLog::with_sink(disk.clone()).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let log = log.clone();
                scope.spawn(move || (0..2500).for_each(|n| log.log(listening(thread * 2500 + n))));
            }
        });
        let stats = log.close(ended()).unwrap();
        let content = disk.content();
        let lines: Vec<_> = read_log(content.as_slice())
            .map(|line| line.unwrap().record.unwrap())
            .collect();
        assert_eq!(lines.len(), 10_001);
        assert_eq!(
            stats,
            WrittenStats {
                lines: 10_001,
                bytes: content.len() as u64,
                dropped_events: 0
            }
        );
        assert_eq!(lines.last().unwrap().event.name(), "run_ended");
        let mut seen: Vec<_> = lines.iter().map(|line| format!("{:?}", line.event)).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 10_001, "no line twice");
    }

    #[test]
    fn the_tail_is_written_within_the_interval_without_close() {
        let disk = SmallDisk::new(usize::MAX, usize::MAX);
        let log = EventLog::with_sink(disk.clone()).unwrap();
        log.log(listening(1));
        wait_for("the line to be written", || disk.content().ends_with(b"\n"));
        log.log(listening(2));
        wait_for("the second line", || {
            disk.content().iter().filter(|byte| **byte == b'\n').count() == 2
        });
    }

    #[test]
    fn a_dropped_log_is_whole_but_torn() {
        let disk = SmallDisk::new(usize::MAX, 3);
        let log = EventLog::with_sink(disk.clone()).unwrap();
        (0..100).for_each(|n| log.log(listening(n)));
        drop(log);
        let content = disk.content();
        let lines: Vec<_> = read_log(content.as_slice()).map(Result::unwrap).collect();
        assert_eq!(lines.len(), 100);
        assert!(lines.iter().all(|line| line.record.is_ok() && !line.torn));
    }

    #[test]
    fn a_full_disk_leaves_whole_lines_and_one_error() {
        for capacity_bytes in [0, 1, 50, 100, 1000, 4321] {
            for step_bytes in [1, 7, usize::MAX] {
                let disk = SmallDisk::new(capacity_bytes, step_bytes);
                let log = EventLog::with_sink(disk.clone()).unwrap();
                (0..100).for_each(|n| log.log(listening(n)));
                let Err(LogError::Write {
                    written_lines,
                    written_bytes,
                    error,
                }) = log.clone().close(ended())
                else {
                    panic!("a disk of {capacity_bytes} bytes took a log of 100 lines");
                };
                let content = disk.content();
                assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                assert_eq!(written_bytes, content.len() as u64);
                let lines: Vec<_> = read_log(content.as_slice()).map(Result::unwrap).collect();
                assert_eq!(lines.len() as u64, written_lines);
                assert!(
                    lines.iter().all(|line| line.record.is_ok() && !line.torn),
                    "no torn line"
                );
                assert_eq!(log.worker.queue.stats().dropped_events, 101 - written_lines);
            }
        }
    }

    #[test]
    fn a_pipe_that_cannot_be_cut_still_reports_whole_lines_only() {
        let disk = SmallDisk {
            can_cut: false,
            ..SmallDisk::new(500, 7)
        };
        let log = EventLog::with_sink(disk.clone()).unwrap();
        (0..100).for_each(|n| log.log(listening(n)));
        let Err(LogError::Write { written_lines, .. }) = log.close(ended()) else {
            panic!("500 bytes held it all")
        };
        let content = disk.content();
        let whole = read_log(content.as_slice())
            .filter(|line| line.as_ref().unwrap().record.is_ok())
            .count();
        assert_eq!(whole as u64, written_lines);
    }

    #[test]
    fn failure_wakes_whoever_waits_and_later_events_are_counted() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let log = EventLog::with_sink(SmallDisk::new(10, 10)).unwrap();
        let flag = Arc::new(Flag(std::sync::atomic::AtomicBool::new(false)));
        let waker = std::task::Waker::from(Arc::clone(&flag));
        let mut context = std::task::Context::from_waker(&waker);
        let mut failed = Box::pin(log.failed());
        assert!(failed.as_mut().poll(&mut context).is_pending());
        assert!(log.error().is_none());
        log.log(listening(1));
        wait_for("the failure to be told", || {
            flag.0.load(std::sync::atomic::Ordering::SeqCst)
        });
        let Poll::Ready(LogError::Write {
            written_lines: 0,
            written_bytes: 0,
            ..
        }) = failed.as_mut().poll(&mut context)
        else {
            panic!("failed() did not complete");
        };
        log.log(listening(2));
        assert_eq!(log.worker.queue.stats().dropped_events, 2);
    }

    #[test]
    fn a_caller_waits_when_the_disk_cannot_keep_up() {
        /// Takes bytes only while the gate is open.
        struct Gate(Arc<(Mutex<bool>, std::sync::Condvar)>);
        impl Sink for Gate {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let (open, changed) = &*self.0;
                drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
                Ok(bytes.len())
            }
            fn sync(&mut self) -> io::Result<()> {
                Ok(())
            }
            fn cut_to(&mut self, _: u64) -> io::Result<bool> {
                Ok(false)
            }
        }
        let gate = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
        let log = EventLog::with_sink(Gate(Arc::clone(&gate))).unwrap();
        let big = Listening {
            address: "x".repeat(1_000_000),
        };
        let writer = std::thread::spawn({
            let log = log.clone();
            move || (0..80).for_each(|_| log.log(big.clone()))
        });
        wait_for("the caller to be held back", || log.worker.queue.waiting_callers() == 1);
        assert!(log.worker.queue.unflushed_bytes() >= MAX_UNFLUSHED_BYTES);
        assert!(log.worker.queue.unflushed_bytes() < MAX_UNFLUSHED_BYTES + 2 * MAX_LINE_BYTES);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        writer.join().unwrap();
        assert_eq!(log.close(ended()).unwrap().lines, 81);
    }

    #[test]
    fn an_event_longer_than_a_line_is_dropped_and_counted() {
        let log = EventLog::with_sink(SmallDisk::new(usize::MAX, usize::MAX)).unwrap();
        log.log(Listening {
            address: "x".repeat(MAX_LINE_BYTES),
        });
        let stats = log.close(ended()).unwrap();
        assert_eq!((stats.lines, stats.dropped_events), (1, 1));
    }

    #[test]
    fn nothing_follows_run_ended() {
        let disk = SmallDisk::new(usize::MAX, usize::MAX);
        let log = EventLog::with_sink(disk.clone()).unwrap();
        let other = log.clone();
        log.close(ended()).unwrap();
        other.log(listening(1));
        assert_eq!(other.worker.queue.stats().dropped_events, 1);
        assert!(matches!(other.close(ended()), Err(LogError::Closed)));
        assert_eq!(disk.content().iter().filter(|byte| **byte == b'\n').count(), 1);
    }

    #[test]
    fn an_earlier_log_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        EventLog::create(&path).unwrap().close(ended()).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(EventLog::create(&path), Err(LogError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert!(matches!(
            EventLog::create(folder.path().join("no/such/folder")),
            Err(LogError::Create { .. })
        ));
        assert!(matches!(EventLog::create(folder.path()), Err(LogError::Exists { .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_own_full_device_is_an_error() {
        let log = EventLog::create("/dev/full").unwrap();
        log.log(listening(1));
        let Err(LogError::Write { error, .. }) = log.close(ended()) else {
            panic!("/dev/full took a log")
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
