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
    /// Number of the file among the parts of the input; `None`: all of them in one go.
    pub(super) part: Option<usize>,
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
            |(), number| (number, looks_at(&inputs[number], chunk_bytes)),
            |(number, looks)| {
                for (part, look) in looks {
                    all.cut((number, part), &look, chunk_bytes);
                }
            },
        );
        // The long ones first, or one core would be left with such a one at the end.
        all.first.sort_by_key(|chunk| Reverse(chunk.size_bytes));
        all.then.sort_by_key(|chunk| Reverse(chunk.size_bytes));
        all
    }

    fn cut(&mut self, (input, part): (usize, Option<usize>), look: &Look, chunk_bytes: u64) {
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
                part,
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

/// The parts of an input, each by itself or all of them in one go: the native log of a service node is one log, whatever
/// each part of it would be taken for.
fn looks_at(input: &Input, chunk_bytes: u64) -> Vec<(Option<usize>, Look)> {
    let mut looks: Vec<(Option<usize>, Look)> = (0..)
        .zip(input.parts())
        .map(|(part, path)| (Some(part), Look::at(path, chunk_bytes)))
        .collect();
    if looks.len() == 1 {
        return looks;
    }
    let mut start = Vec::new();
    let read = input
        .open()
        .and_then(|stream| stream.take(SNIFF_BYTES as u64).read_to_end(&mut start));
    if read.is_ok() && looks_native(&start) {
        let whole = Look {
            size_bytes: looks.iter().map(|(_, look)| look.size_bytes).sum(),
            is_whole: true,
            is_of_publisher: false,
        };
        return vec![(None, whole)];
    }
    // All parts are of the author whom the first one names.
    let is_of_publisher = looks[0].1.is_of_publisher;
    looks
        .iter_mut()
        .for_each(|(_, look)| look.is_of_publisher = is_of_publisher);
    looks
}

impl Look {
    /// What cannot be read says so when its turn comes.
    fn at(path: &Path, chunk_bytes: u64) -> Self {
        let size_bytes = match fs::metadata(path) {
            Ok(there) if there.is_file() && path != Path::new("-") => there.len(),
            _ => return Self::default(),
        };
        let mut look = Self {
            size_bytes: Some(size_bytes),
            ..Self::default()
        };
        if input::is_compressed(path) {
            look.is_whole = true;
            return look;
        }
        // Only what would be cut must not be a native log.
        let is_long = size_bytes > chunk_bytes;
        let start = start_of(path, if is_long { SNIFF_BYTES } else { HEAD_BYTES }).unwrap_or_default();
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
