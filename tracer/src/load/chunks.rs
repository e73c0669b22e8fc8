//! Cuts the inputs into chunks, and decides what is read first.

use std::{
    cmp::Reverse,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use memchr::memmem;

use crate::{
    input::{self, Input},
    node_log::{SNIFF_BYTES, looks_native},
    parallel::in_order,
};

/// Bytes of a log in which the first fields of its first line stand.
const HEAD_BYTES: usize = 256;

/// A part of an input that one thread reads in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) input: usize,
    pub(super) from_bytes: u64,
    /// Lines that begin here or later are not of this chunk; `None` for the last of an input.
    pub(super) to_bytes: Option<u64>,
    /// `u64::MAX` where nobody knows: a pipe.
    size_bytes: u64,
}

/// All chunks, in the order of reading.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// Of the logs of publishers: they name nearly all messages that the other logs speak of.
    pub(super) first: Vec<Chunk>,
    pub(super) then: Vec<Chunk>,
    /// As far as it is known.
    pub(super) total_bytes: u64,
}

/// What an input looks like from outside.
#[derive(Debug, Default)]
struct Look {
    /// `None` for what is no plain file (a pipe, a device): it has no length and is read from beginning to end.
    size_bytes: Option<u64>,
    /// Whether it must be read in one go: a compressed file, or the native log of a service node. Only event logs can be
    /// read from the middle.
    is_whole: bool,
    is_of_publisher: bool,
}

impl Chunks {
    pub(super) fn of(inputs: &[Input], chunk_bytes: u64) -> Self {
        let mut all = Self::default();
        in_order(
            inputs.len(),
            || (),
            |(), number| (number, Look::at(&inputs[number], chunk_bytes)),
            |(number, look)| all.cut(number, &look, chunk_bytes),
        );
        // The long ones first, or one core would be left with such a one at the end.
        all.first.sort_by_key(|chunk| Reverse(chunk.size_bytes));
        all.then.sort_by_key(|chunk| Reverse(chunk.size_bytes));
        all
    }

    fn cut(&mut self, input: usize, look: &Look, chunk_bytes: u64) {
        let size_bytes = look.size_bytes.unwrap_or(0);
        let chunk_bytes = if look.is_whole { u64::MAX } else { chunk_bytes };
        self.total_bytes += size_bytes;
        let chunks = if look.is_of_publisher {
            &mut self.first
        } else {
            &mut self.then
        };
        let mut from_bytes = 0_u64;
        loop {
            let to_bytes = from_bytes.saturating_add(chunk_bytes);
            let is_last = to_bytes >= size_bytes;
            let until_bytes = to_bytes.min(size_bytes);
            chunks.push(Chunk {
                input,
                from_bytes,
                to_bytes: (!is_last).then_some(to_bytes),
                size_bytes: look.size_bytes.map_or(u64::MAX, |_| until_bytes - from_bytes),
            });
            if is_last {
                break;
            }
            from_bytes = to_bytes;
        }
    }
}

impl Look {
    /// What cannot be read says so when its turn comes.
    fn at(input: &Input, chunk_bytes: u64) -> Self {
        let size_bytes = match fs::metadata(&input.path) {
            Ok(there) if there.is_file() && input.path != Path::new("-") => there.len(),
            _ => return Self::default(),
        };
        let mut look = Self {
            size_bytes: Some(size_bytes),
            ..Self::default()
        };
        if input::is_compressed(&input.path) {
            look.is_whole = true;
            return look;
        }
        // Only what would be cut must not be a native log.
        let is_long = size_bytes > chunk_bytes;
        let start = start_of(&input.path, if is_long { SNIFF_BYTES } else { HEAD_BYTES }).unwrap_or_default();
        look.is_whole = is_long && looks_native(&start);
        look.is_of_publisher = begins_as_publisher(&start[..start.len().min(HEAD_BYTES)]);
        look
    }
}

fn start_of(path: &Path, bytes: usize) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(bytes);
    File::open(path)?.take(bytes as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether this is the beginning of a publisher's event log as our writer writes it. It only decides what is read first.
fn begins_as_publisher(head: &[u8]) -> bool {
    memmem::find(head, b"\"event\":\"run_started\"").is_some()
        && memmem::find(head, b"\"role\":\"publisher\"").is_some()
}
