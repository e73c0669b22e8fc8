//! How far the reading has come, for a person who waits at a terminal.

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

/// Counts bytes read by any number of threads and shows them on standard error, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    total_bytes: u64,
    read_bytes: AtomicU64,
    started: Instant,
    /// When the line was shown last; `None` where it is never shown.
    shown: Option<Mutex<Option<Instant>>>,
}

impl Progress {
    /// How often a reader should tell: rarely beside the time a line takes, often beside [`INTERVAL`].
    pub(crate) const STEP_BYTES: u64 = 4 * 1024 * 1024;

    /// Of `total_bytes`, 0 if that is not known.
    pub(crate) fn new(total_bytes: u64) -> Self {
        Self {
            total_bytes,
            read_bytes: AtomicU64::new(0),
            started: Instant::now(),
            shown: io::stderr().is_terminal().then(Mutex::default),
        }
    }

    pub(crate) fn add(&self, bytes: u64) {
        let read_bytes = self.read_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let Some(shown) = &self.shown else { return };
        // Whoever finds another thread at it has nothing to add.
        let Ok(mut shown) = shown.try_lock() else { return };
        let since = shown.map_or(self.started.elapsed().saturating_sub(QUIET - INTERVAL), |at| {
            at.elapsed()
        });
        if since >= INTERVAL {
            *shown = Some(Instant::now());
            // Standard error that is gone is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{}", describe(read_bytes, self.total_bytes));
        }
    }

    /// Tells of what is read from `input`, which is read in blocks.
    pub(crate) fn counting<R: Read>(&self, input: R) -> Counting<'_, R> {
        Counting { progress: self, input }
    }

    /// Wipes the line away.
    pub(crate) fn end(&self) {
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
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read_bytes = self.input.read(buffer)?;
        self.progress.add(read_bytes as u64);
        Ok(read_bytes)
    }
}

fn describe(read_bytes: u64, total_bytes: u64) -> String {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    if read_bytes <= total_bytes {
        let percent = u128::from(read_bytes) * 100 / u128::from(total_bytes.max(1));
        format!(
            "reading: {} of {} MB ({percent} %)",
            megabytes(read_bytes),
            megabytes(total_bytes)
        )
    } else {
        format!("reading: {} MB", megabytes(read_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_counts() {
        let progress = Progress::new(7);
        let mut out = Vec::new();
        progress.counting(&b"a log\n"[..]).read_to_end(&mut out).unwrap();
        assert_eq!((out.as_slice(), progress.read_bytes.into_inner()), (&b"a log\n"[..], 6));
    }

    #[test]
    fn a_known_size_has_a_share() {
        assert_eq!(describe(5_000_000, 20_000_000), "reading: 5 of 20 MB (25 %)");
        assert_eq!(describe(5_000_000, 0), "reading: 5 MB");
        assert_eq!(describe(0, 0), "reading: 0 of 0 MB (0 %)");
    }
}
