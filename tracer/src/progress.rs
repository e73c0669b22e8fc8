//! How far the work has come, for a person who waits at a terminal.

use std::{
    io::{self, IsTerminal as _, Read, Write as _},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Below this nobody asks how long it takes.
const QUIET: Duration = Duration::from_secs(1);

/// Time between two updates: fast enough to look alive, slow enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(200);

/// Counts what any number of threads has done and shows it on standard error, if that is a terminal, as long as it lives.
#[derive(Debug)]
pub(crate) struct Progress {
    phase: String,
    unit: Unit,
    total: u64,
    done: AtomicU64,
    /// Answers that bytes come in, one after the other; 0 where it is one stream.
    pages: AtomicU64,
    started: Instant,
    /// When the line was shown last; `None` where it is never shown.
    shown: Option<Mutex<Option<Instant>>>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Things(&'static str),
}

impl Progress {
    /// How often a reader of files should tell: rarely beside the time a line takes, often beside [`INTERVAL`].
    pub(crate) const STEP_BYTES: u64 = 4 * 1024 * 1024;

    /// Of `total_bytes`, 0 if that is not known. `phase` says what is done.
    pub(crate) fn new(phase: impl Into<String>, total_bytes: u64) -> Self {
        Self::of(phase.into(), Unit::Bytes, total_bytes)
    }

    /// Of `total` things such as `receivers`.
    pub(crate) fn of_things(phase: &str, things: &'static str, total: usize) -> Self {
        Self::of(phase.to_owned(), Unit::Things(things), total as u64)
    }

    fn of(phase: String, unit: Unit, total: u64) -> Self {
        Self {
            phase,
            unit,
            total,
            done: AtomicU64::new(0),
            pages: AtomicU64::new(0),
            started: Instant::now(),
            shown: io::stderr().is_terminal().then(Mutex::default),
        }
    }

    pub(crate) fn add(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let Some(shown) = &self.shown else { return };
        // Whoever finds another thread at it has nothing to add.
        let Ok(mut shown) = shown.try_lock() else { return };
        let since = shown.map_or(self.started.elapsed().saturating_sub(QUIET - INTERVAL), |at| {
            at.elapsed()
        });
        if since >= INTERVAL {
            *shown = Some(Instant::now());
            // Standard error that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{}", self.describe(done));
        }
    }

    /// Another page of a store begins.
    pub(crate) fn next_page(&self) {
        self.pages.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells of what is read from `input`, in steps of [`Self::STEP_BYTES`].
    pub(crate) fn counting<R: Read>(&self, input: R) -> Counting<'_, R> {
        self.counting_by(input, Self::STEP_BYTES)
    }

    /// Tells of what is read from `input` as it comes: a network is slow beside the telling.
    pub(crate) fn counting_at_once<R: Read>(&self, input: R) -> Counting<'_, R> {
        self.counting_by(input, 1)
    }

    fn counting_by<R: Read>(&self, input: R, step_bytes: u64) -> Counting<'_, R> {
        Counting {
            progress: self,
            input,
            step_bytes,
            untold_bytes: 0,
        }
    }

    fn describe(&self, done: u64) -> String {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let is_within = done <= self.total;
        let percent = u128::from(done) * 100 / u128::from(self.total.max(1));
        let amount = match self.unit {
            Unit::Bytes if is_within => {
                format!("{} of {} MB ({percent} %)", megabytes(done), megabytes(self.total))
            }
            Unit::Bytes => format!("{} MB", megabytes(done)),
            Unit::Things(things) if is_within => format!("{done} of {} {things} ({percent} %)", self.total),
            Unit::Things(things) => format!("{done} {things}"),
        };
        let page = match self.pages.load(Ordering::Relaxed) {
            0 => String::new(),
            page => format!(", page {page}"),
        };
        format!("{}: {amount}{page}", self.phase)
    }
}

/// Wipes the line away, also where the work ends in an error.
impl Drop for Progress {
    fn drop(&mut self) {
        let was_shown = self.shown.as_ref().and_then(|shown| *shown.lock().ok()?).is_some();
        if was_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A stream whose bytes count as progress.
#[derive(Debug)]
pub(crate) struct Counting<'a, R> {
    progress: &'a Progress,
    input: R,
    step_bytes: u64,
    untold_bytes: u64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read_bytes = self.input.read(buffer)?;
        self.untold_bytes += read_bytes as u64;
        if self.untold_bytes >= self.step_bytes {
            self.progress.add(std::mem::take(&mut self.untold_bytes));
        }
        Ok(read_bytes)
    }
}

impl<R> Drop for Counting<'_, R> {
    fn drop(&mut self) {
        self.progress.add(self.untold_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_counts() {
        let progress = Progress::new("reading logs", 7);
        let mut out = Vec::new();
        progress.counting(&b"a log\n"[..]).read_to_end(&mut out).unwrap();
        assert_eq!(
            (out.as_slice(), progress.done.load(Ordering::Relaxed)),
            (&b"a log\n"[..], 6)
        );
    }

    #[test]
    fn a_known_size_has_a_share() {
        let described = |total_bytes, done| Progress::new("reading logs", total_bytes).describe(done);
        assert_eq!(described(20_000_000, 5_000_000), "reading logs: 5 of 20 MB (25 %)");
        assert_eq!(described(0, 5_000_000), "reading logs: 5 MB");
        assert_eq!(described(0, 0), "reading logs: 0 of 0 MB (0 %)");
    }

    #[test]
    fn things_and_pages_are_counted() {
        let judging = Progress::of_things("judging", "receivers", 10);
        assert_eq!(judging.describe(3), "judging: 3 of 10 receivers (30 %)");
        let fetching = Progress::new("fetching loki", 0);
        fetching.next_page();
        fetching.next_page();
        assert_eq!(fetching.describe(5_000_000), "fetching loki: 5 MB, page 2");
    }
}
