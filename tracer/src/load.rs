//! Reads the logs into an [`Archive`], counting every line that is not an event.
//!
//! Files are cut into chunks that are read at the same time, each into tables of its own; what comes out does not
//! depend on the number of threads or on which of them was first.

mod chunks;

use std::{
    cmp::Reverse,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use event_log::{Event, LineError, LineParser, ParsedLine, RawLines, raw_lines::BLOCK_BYTES};

use crate::{
    collect::Collector,
    input::{self, Input, InputError},
    load::chunks::{Chunk, Chunks},
    model::{Archive, Log},
    node_log::{SNIFF_BYTES, load_native, looks_native, resolve_peers},
    parallel::{in_order, on_threads},
    progress::Progress,
    renumbering::{Renumbering, Tables},
};

/// Size of a chunk: the cores end at nearly the same time, because the last chunk takes a few milliseconds, and each is
/// long beside the tens of microseconds in which it is begun.
const CHUNK_BYTES: u64 = 4 * 1024 * 1024;

/// The logs of a chunk in the order of the file. The first may be the continuation of the last of the chunk before.
type Parts = Vec<Log>;

/// Reads all inputs, on as many threads as there are cores.
pub(crate) fn load(inputs: &[Input]) -> Result<Archive, InputError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    load_chunked(inputs, threads, CHUNK_BYTES)
}

fn load_chunked(inputs: &[Input], threads: usize, chunk_bytes: u64) -> Result<Archive, InputError> {
    let chunks = Chunks::of(inputs, chunk_bytes);
    let progress = Progress::new("reading logs", chunks.total_bytes);
    let mut archive = Archive::default();
    let mut by_input: Vec<Vec<ChunkRead>> = inputs.iter().map(|_| Vec::new()).collect();
    // What the first readers have met is shared by the others: no message takes room in the tables of each.
    for chunks in [chunks.first, chunks.then] {
        let tables = || Tables::behind(&archive.symbols, &archive.hashes);
        let read = read_all(&chunks, threads, tables, |tables, chunk| {
            read_chunk(tables, &inputs[chunk.input], chunk, &progress)
        });
        take_over(&mut archive, &mut by_input, read);
    }
    drop(progress);
    put_together(archive, inputs, by_input)
}

/// What one thread has read, chunk by chunk.
type ChunksRead = (Tables, Vec<(Chunk, io::Result<Parts>)>);

/// Reads chunks, each thread with tables of its own.
fn read_all(
    chunks: &[Chunk],
    threads: usize,
    tables: impl Fn() -> Tables + Sync,
    read: impl Fn(&mut Tables, &Chunk) -> io::Result<Parts> + Sync,
) -> Vec<ChunksRead> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tables = tables();
        let mut mine = Vec::new();
        while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            mine.push((*chunk, read(&mut tables, chunk)));
        }
        (tables, mine)
    };
    on_threads(threads.min(chunks.len()), work)
}

/// A chunk that was read, and what the numbers of its reader are in the archive.
struct ChunkRead {
    chunk: Chunk,
    parts: io::Result<Parts>,
    renumbering: Arc<Renumbering>,
}

/// Brings the tables of the threads together.
fn take_over(archive: &mut Archive, by_input: &mut [Vec<ChunkRead>], mut read: Vec<ChunksRead>) {
    // The largest tables are taken over as they are, where nothing was known before.
    read.sort_by_key(|(tables, _)| Reverse(tables.hashes.count()));
    read.iter_mut().for_each(|(tables, _)| tables.hashes.detach());
    for (tables, mine) in read {
        let renumbering = Arc::new(archive.take_tables(tables));
        for (chunk, parts) in mine {
            by_input[chunk.input].push(ChunkRead {
                chunk,
                parts,
                renumbering: Arc::clone(&renumbering),
            });
        }
    }
}

/// Puts the parts of each input together in their order, on all cores.
fn put_together(mut archive: Archive, inputs: &[Input], by_input: Vec<Vec<ChunkRead>>) -> Result<Archive, InputError> {
    let by_input: Vec<Mutex<Vec<ChunkRead>>> = by_input.into_iter().map(Mutex::new).collect();
    let mut logs_of_inputs = Vec::with_capacity(inputs.len());
    in_order(
        inputs.len(),
        || (),
        |(), number| logs_of(&inputs[number], std::mem::take(&mut *lock(&by_input[number]))),
        |logs| logs_of_inputs.push(logs),
    );
    for logs in logs_of_inputs {
        archive.logs.append(&mut logs?);
    }
    archive.logs.sort_by(|a, b| a.path.cmp(&b.path));
    resolve_peers(&mut archive);
    Ok(archive)
}

/// A panic of another thread is told when it is joined.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The logs of one input, with the numbers of the archive.
fn logs_of(input: &Input, mut chunks: Vec<ChunkRead>) -> Result<Vec<Log>, InputError> {
    chunks.sort_by_key(|read| (read.chunk.part, read.chunk.from_bytes));
    let last_part = chunks.last().and_then(|read| read.chunk.part);
    let mut logs: Vec<Log> = Vec::new();
    for read in chunks {
        let path = read.chunk.part.filter(|_| !input.earlier.is_empty());
        let path = path.and_then(|part| input.parts().nth(part));
        let parts = read.parts.map_err(|error| InputError::Unreadable {
            path: path.map_or_else(|| input.shown(), |path| path.display().to_string()),
            error,
        })?;
        for mut part in parts {
            part.renumber(&read.renumbering);
            // A line that is cut where the log was rotated is not at its end.
            part.lines.torn_line &= read.chunk.part == last_part;
            join(&mut logs, part);
        }
    }
    name(&mut logs, &input.shown(), input.meant);
    logs.iter_mut().for_each(|log| log.parts = input.shown_parts());
    Ok(logs)
}

/// Puts a part behind the logs before it. Each further `run_started` begins a log of its own.
fn join(logs: &mut Vec<Log>, part: Log) {
    match logs.last_mut() {
        Some(last) if last.header.is_none() || part.header.is_none() => last.append(part),
        _ => logs.push(part),
    }
}

fn name(logs: &mut [Log], path: &str, meant: bool) {
    for (number, log) in (1..).zip(logs) {
        log.path = if number == 1 {
            path.to_owned()
        } else {
            format!("{path}#{number}")
        };
        log.meant = meant;
    }
}

/// The beginning of a stream, and all of it.
fn sniff<R: Read>(mut stream: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut start = Vec::new();
    stream.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut start)?;
    Ok((start.clone(), io::Cursor::new(start).chain(stream)))
}

fn read_chunk(tables: &mut Tables, input: &Input, chunk: &Chunk, progress: &Progress) -> io::Result<Parts> {
    let path = chunk.part.and_then(|part| input.parts().nth(part));
    let path = path.filter(|_| !input.is_stdin());
    let Some(path) = path else {
        return read_stream(tables, input, input.open()?, None, progress);
    };
    if chunk.from_bytes == 0 {
        return read_stream(tables, input, input::open(path)?, chunk.to_bytes, progress);
    }
    let mut file = File::open(path)?;
    // The line that reaches into this chunk belongs to the one before; one that begins just here follows a newline.
    let before = chunk.from_bytes - 1;
    file.seek(SeekFrom::Start(before))?;
    let mut lines = RawLines::new(file, before);
    lines.skip_line(chunk.to_bytes.unwrap_or(u64::MAX))?;
    read_lines(tables, lines, chunk.to_bytes, progress)
}

/// Reads an input from its beginning, an event log or a native one.
fn read_stream(
    tables: &mut Tables,
    input: &Input,
    stream: impl Read,
    to_bytes: Option<u64>,
    progress: &Progress,
) -> io::Result<Parts> {
    let (start, stream) = sniff(stream)?;
    if !looks_native(&start) {
        return read_lines(tables, RawLines::new(stream, 0), to_bytes, progress);
    }
    let stream = BufReader::with_capacity(BLOCK_BYTES, progress.counting(stream));
    let log = load_native(
        &mut tables.symbols,
        &mut tables.hashes,
        &input.shown(),
        input.meant,
        stream,
    )?;
    Ok(vec![log])
}

fn read_lines(
    tables: &mut Tables,
    mut lines: RawLines<impl Read>,
    to_bytes: Option<u64>,
    progress: &Progress,
) -> io::Result<Parts> {
    let mut collector = Collector::new(&mut tables.symbols, &mut tables.hashes);
    let mut parser = LineParser::default();
    let mut parts = Vec::new();
    let mut log = Log::default();
    let mut told_bytes = lines.offset_bytes();
    while to_bytes.is_none_or(|to_bytes| lines.offset_bytes() < to_bytes) {
        let offset_bytes = lines.offset_bytes();
        if offset_bytes - told_bytes >= Progress::STEP_BYTES {
            progress.add(offset_bytes - told_bytes);
            told_bytes = offset_bytes;
        }
        let Some(line) = lines.next_line()? else { break };
        match parser.parse(&line) {
            Some(ParsedLine::Hot(record)) => {
                log.lines.events += 1;
                collector.add_hot(&mut log, &record);
            }
            Some(ParsedLine::Other(Ok(record))) => {
                if matches!(record.event, Event::RunStarted(_)) {
                    parts.push(std::mem::take(&mut log));
                }
                log.lines.events += 1;
                collector.add(&mut log, &record);
            }
            Some(ParsedLine::Other(Err(error))) => {
                log.lines.torn_line |= line.torn;
                count(&mut log, &error);
            }
            None => {}
        }
    }
    progress.add(lines.offset_bytes() - told_bytes);
    parts.push(log);
    parts.iter_mut().for_each(Log::shrink);
    Ok(parts)
}

/// Counts a line that is no event.
pub(crate) fn count(log: &mut Log, error: &LineError) {
    let lines = &mut log.lines;
    let counter = match error {
        LineError::NotAnObject => &mut lines.other_text,
        LineError::UnknownEvent(_) => &mut lines.unknown_events,
        LineError::NotAnEvent(_) => &mut lines.not_an_event,
        LineError::WrongVersion(_) => &mut lines.wrong_version,
        LineError::BadFields { .. } => &mut lines.bad_fields,
        LineError::NotJson(_) | LineError::TooLong | LineError::NotUtf8 { .. } | LineError::Nul { .. } => {
            &mut lines.damaged
        }
    };
    *counter += 1;
}

/// Reads one stream as a log called `path`.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn load_one(archive: &mut Archive, path: &str, meant: bool, input: impl Read) -> io::Result<()> {
    let mut tables = Tables::behind(&archive.symbols, &archive.hashes);
    let given = Input::file(path.into(), meant);
    let mut parts = read_stream(&mut tables, &given, input, None, &Progress::new("", 0))?;
    tables.hashes.detach();
    let renumbering = Arc::new(archive.take_tables(tables));
    parts.iter_mut().for_each(|part| part.renumber(&renumbering));
    let mut logs = Vec::new();
    parts.into_iter().for_each(|part| join(&mut logs, part));
    name(&mut logs, path, meant);
    archive.logs.append(&mut logs);
    Ok(())
}

#[cfg(test)]
mod tests;
