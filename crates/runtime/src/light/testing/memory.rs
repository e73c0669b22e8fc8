//! An event log in memory.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use event_log::{Event, Sink, parse_line};

/// Takes what an event log writes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    /// The events of the whole lines written so far.
    ///
    /// # Panics
    /// When a line cannot be read.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let text = String::from_utf8(self.bytes().clone()).expect("event logs are UTF-8");
        text.lines()
            .map(|line| parse_line(line).expect("what was written is readable").event)
            .collect()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().expect("nobody panics with the lock in hand")
    }
}

impl Sink for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut_to(&mut self, _: u64) -> io::Result<bool> {
        Ok(false)
    }
}
