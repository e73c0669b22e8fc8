//! Reads a stream ahead on a thread of its own: a log is taken apart while its next blocks are being expanded.

use std::{
    fmt,
    io::{self, Read},
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread,
};

/// Bytes handed over at once: few enough for the cache of a core, many beside the time that waking a thread takes.
const BLOCK_BYTES: usize = 256 * 1024;

/// Blocks that wait to be taken: enough that neither side waits for the other's short breaks.
const MAX_WAITING_BLOCKS: usize = 4;

/// Bytes read in place before a thread is started, which costs more than it gives to a short log.
pub(super) const IN_PLACE_BYTES: u64 = 4 << 20;

/// A stream that is read ahead when it turns out to be long.
pub(super) struct ReadAhead {
    state: State,
    read_bytes: u64,
}

enum State {
    InPlace(Box<dyn Read + Send>),
    Ahead(Blocks),
    End,
}

/// The blocks another thread has read.
struct Blocks {
    full: Receiver<io::Result<Vec<u8>>>,
    /// Blocks to be used again.
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    taken_bytes: usize,
}

impl fmt::Debug for ReadAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead")
            .field("read_bytes", &self.read_bytes)
            .finish_non_exhaustive()
    }
}

impl ReadAhead {
    pub(super) fn new(input: impl Read + Send + 'static) -> Self {
        let state = State::InPlace(Box::new(input));
        Self { state, read_bytes: 0 }
    }

    /// Starts the thread, once enough was read. It ends with the input, or when this is dropped and it has a block to
    /// hand over.
    fn start(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::End) {
            State::InPlace(input) if self.read_bytes >= IN_PLACE_BYTES => {
                self.state = State::Ahead(Blocks::start(input)?);
            }
            other => self.state = other,
        }
        Ok(())
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.start()?;
        let got_bytes = match &mut self.state {
            State::InPlace(input) => input.read(buffer)?,
            State::Ahead(blocks) => blocks.take(buffer)?,
            State::End => 0,
        };
        self.read_bytes += got_bytes as u64;
        if got_bytes == 0 && !buffer.is_empty() {
            self.state = State::End;
        }
        Ok(got_bytes)
    }
}

impl Blocks {
    fn start(input: Box<dyn Read + Send>) -> io::Result<Self> {
        let (to_reader, full) = sync_channel(MAX_WAITING_BLOCKS);
        let (empty, to_fill) = channel();
        thread::Builder::new()
            .name("read-ahead".to_owned())
            .spawn(move || fill_blocks(input, &to_fill, &to_reader))?;
        Ok(Self {
            full,
            empty,
            block: Vec::new(),
            taken_bytes: 0,
        })
    }

    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken_bytes == self.block.len() {
            // The other thread ends behind an empty block or an error; without either it has panicked.
            let next = self.full.recv().map_err(io::Error::other)??;
            // Nobody is there to use it again when that was the last one.
            let _ = self.empty.send(std::mem::replace(&mut self.block, next));
            self.taken_bytes = 0;
        }
        let got_bytes = (&self.block[self.taken_bytes..]).read(buffer)?;
        self.taken_bytes += got_bytes;
        Ok(got_bytes)
    }
}

/// Hands blocks over until the input ends, which an empty one says, or fails, or nobody wants more.
fn fill_blocks(mut input: impl Read, to_fill: &Receiver<Vec<u8>>, to_reader: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = to_fill.try_recv().unwrap_or_default();
        let filled = fill(&mut input, &mut block);
        let is_last = filled.is_err() || block.is_empty();
        if to_reader.send(filled.map(|()| block)).is_err() || is_last {
            return;
        }
    }
}

fn fill(input: &mut impl Read, block: &mut Vec<u8>) -> io::Result<()> {
    block.clear();
    block.reserve(BLOCK_BYTES);
    input.take(BLOCK_BYTES as u64).read_to_end(block)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that do not repeat at the block size.
    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn long_and_short_streams_come_out_as_they_are() {
        let in_place = IN_PLACE_BYTES as usize;
        for length in [0, 1, in_place, in_place + 1, in_place + BLOCK_BYTES, 3 * in_place + 7] {
            let input = bytes(length);
            let mut read = ReadAhead::new(io::Cursor::new(input.clone()));
            let mut out = Vec::new();
            read.read_to_end(&mut out).unwrap();
            assert!(out == input, "{length}");
            assert_eq!(read.read(&mut [0; 8]).unwrap(), 0, "the end stays the end");
        }
    }

    #[test]
    fn an_error_comes_through() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("it broke"))
            }
        }
        for length in [10, 2 * IN_PLACE_BYTES as usize] {
            let mut read = ReadAhead::new(io::Cursor::new(bytes(length)).chain(Fails));
            let error = read.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), "it broke", "{length}");
        }
    }

    #[test]
    fn who_stops_reading_stops_the_thread() {
        let (alive, ended) = channel::<()>();
        struct Endless(#[expect(dead_code, reason = "its drop is what is waited for")] Sender<()>);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(1);
                Ok(buffer.len())
            }
        }
        let mut read = ReadAhead::new(Endless(alive));
        let mut taken_bytes = 0;
        while taken_bytes <= IN_PLACE_BYTES as usize + BLOCK_BYTES {
            taken_bytes += read.read(&mut [0; BLOCK_BYTES]).unwrap();
        }
        assert!(matches!(read.state, State::Ahead(_)));
        drop(read);
        assert!(ended.recv().is_err(), "the stream is dropped");
    }
}
