//! Where an event log goes: a file, standard output, or what a test puts in their place.

use std::{
    fs::File,
    io::{self, Stdout, Write},
};

/// A place for bytes that may take fewer than it was given, and may be cut back.
pub trait Sink: Send + 'static {
    /// Takes some of `bytes` and says how many, like [`io::Write::write`].
    ///
    /// # Errors
    /// Whatever the system says.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Forces what was written down to the disk, as far as there is one.
    ///
    /// # Errors
    /// Whatever the system says.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts everything after the first `len_bytes` bytes that were written; `false` where that is impossible.
    ///
    /// # Errors
    /// Whatever the system says.
    fn cut_to(&mut self, len_bytes: u64) -> io::Result<bool>;
}

impl Sink for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // Devices and pipes have nothing to sync and say so with an error.
        if self.metadata()?.is_file() {
            self.sync_all()
        } else {
            Ok(())
        }
    }

    fn cut_to(&mut self, len_bytes: u64) -> io::Result<bool> {
        if !self.metadata()?.is_file() {
            return Ok(false);
        }
        self.set_len(len_bytes)?;
        Ok(true)
    }
}

/// Nowhere: for a role that was not asked to keep a log.
impl Sink for io::Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut_to(&mut self, _: u64) -> io::Result<bool> {
        Ok(true)
    }
}

impl Sink for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken_bytes = Write::write(self, bytes)?;
        Write::flush(self)?;
        Ok(taken_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Write::flush(self)
    }

    fn cut_to(&mut self, _: u64) -> io::Result<bool> {
        // Standard output may be a file of somebody else's, with more in it than this log.
        Ok(false)
    }
}
