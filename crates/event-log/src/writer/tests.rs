//! Tests of the writer: small disks, slow disks, many threads.

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
