//! The bytes between those who log and the thread that writes.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Instant,
};

use crate::{
    sink::Sink,
    writer::{FLUSH_BYTES, FLUSH_INTERVAL, LogError, MAX_UNFLUSHED_BYTES, WrittenStats},
};

#[derive(Default)]
struct State {
    /// Whole lines not yet taken by the thread.
    pending: Vec<u8>,
    /// Lines in `pending`.
    pending_lines: u64,
    /// Bytes the thread has taken and not yet written.
    taken_bytes: usize,
    /// Callers held back at the limit.
    waiting_callers: usize,
    closing: bool,
    error: Option<LogError>,
    /// Who is to be told of the error.
    wakers: Vec<Waker>,
    lines: u64,
    bytes: u64,
    dropped_events: u64,
}

/// What became of one batch.
struct Batch {
    lines: u64,
    bytes: u64,
    error: Option<io::Error>,
}

/// Lines on their way to the sink.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// There is something to write, or the end has come.
    work: Condvar,
    /// Something was written, or never will be.
    room: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole after each statement, so a panicking caller leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line; an empty one stands for an event that has no line and is counted as dropped.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        state.waiting_callers += 1;
        let mut state = self
            .room
            .wait_while(state, |state| {
                state.error.is_none()
                    && !state.closing
                    && state.pending.len() + state.taken_bytes >= MAX_UNFLUSHED_BYTES
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting_callers -= 1;
        if line.is_empty() || state.closing || state.error.is_some() {
            state.dropped_events += 1;
            return;
        }
        let before_bytes = state.pending.len();
        state.pending.extend_from_slice(line);
        state.pending_lines += 1;
        if before_bytes == 0 || before_bytes < FLUSH_BYTES && state.pending.len() >= FLUSH_BYTES {
            self.work.notify_one();
        }
    }

    /// Adds the last line and lets the thread end. `false` when that was done before.
    pub(crate) fn close(&self, last_line: &[u8]) -> bool {
        let mut state = self.lock();
        if state.closing {
            return false;
        }
        state.closing = true;
        if !last_line.is_empty() {
            if state.error.is_some() {
                state.dropped_events += 1;
            } else {
                state.pending.extend_from_slice(last_line);
                state.pending_lines += 1;
            }
        }
        self.work.notify_one();
        self.room.notify_all();
        true
    }

    pub(crate) fn error(&self) -> Option<LogError> {
        self.lock().error.clone()
    }

    /// The error, or a promise to wake `waker` when there is one.
    pub(crate) fn error_or_wake(&self, waker: &Waker) -> Option<LogError> {
        let mut state = self.lock();
        if state.error.is_none() && !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        state.error.clone()
    }

    pub(crate) fn stats(&self) -> WrittenStats {
        let state = self.lock();
        WrittenStats {
            lines: state.lines,
            bytes: state.bytes,
            dropped_events: state.dropped_events,
        }
    }

    /// The thread: writes batches until the queue is closed and empty, or the sink fails.
    pub(crate) fn write_until_closed(&self, mut sink: impl Sink) {
        let mut batch = Vec::new();
        loop {
            batch.clear();
            let batch_lines = self.take(&mut batch);
            if batch.is_empty() {
                if let Err(error) = sink.sync() {
                    self.fail(error, 0);
                }
                return;
            }
            let written_bytes = self.lock().bytes;
            let outcome = write_batch(&mut sink, &batch, batch_lines, written_bytes);
            let mut state = self.lock();
            state.taken_bytes = 0;
            state.lines += outcome.lines;
            state.bytes += outcome.bytes;
            drop(state);
            if let Some(error) = outcome.error {
                self.fail(error, batch_lines - outcome.lines);
                return;
            }
            self.room.notify_all();
        }
    }

    /// Waits for a batch worth writing and swaps it out; returns its number of lines. Empty means the end.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let state = self.lock();
        let mut state = self
            .work
            .wait_while(state, |state| state.pending.is_empty() && !state.closing)
            .unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + FLUSH_INTERVAL;
        while state.pending.len() < FLUSH_BYTES && !state.closing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self
                .work
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        std::mem::swap(&mut state.pending, batch);
        state.taken_bytes = batch.len();
        std::mem::take(&mut state.pending_lines)
    }

    fn fail(&self, error: io::Error, unwritten_lines: u64) {
        let mut state = self.lock();
        state.error = Some(LogError::Write {
            written_lines: state.lines,
            written_bytes: state.bytes,
            error: Arc::new(error),
        });
        state.dropped_events += unwritten_lines + std::mem::take(&mut state.pending_lines);
        state.pending = Vec::new();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.room.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Writes a batch of whole lines. On an error what was written of the last line is cut off again.
fn write_batch(sink: &mut impl Sink, batch: &[u8], batch_lines: u64, before_bytes: u64) -> Batch {
    let mut written_bytes = 0;
    while written_bytes < batch.len() {
        let error = match sink.write(&batch[written_bytes..]) {
            Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
            Ok(taken_bytes) => {
                written_bytes += taken_bytes;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        let whole_bytes = batch[..written_bytes]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines = batch[..whole_bytes].iter().filter(|byte| **byte == b'\n').count() as u64;
        if whole_bytes < written_bytes {
            // A sink that cannot be cut keeps half a line at its end; readers count it as torn.
            let _ = sink.cut_to(before_bytes + whole_bytes as u64);
        }
        return Batch {
            lines,
            bytes: whole_bytes as u64,
            error: Some(error),
        };
    }
    Batch {
        lines: batch_lines,
        bytes: batch.len() as u64,
        error: None,
    }
}

#[cfg(test)]
impl Queue {
    pub(crate) fn waiting_callers(&self) -> usize {
        self.lock().waiting_callers
    }

    pub(crate) fn unflushed_bytes(&self) -> usize {
        let state = self.lock();
        state.pending.len() + state.taken_bytes
    }
}
