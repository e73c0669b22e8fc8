//! Reads the logs for what they say about each other's clocks. Only runs on several hosts need this reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
};

use event_log::{Event, MessageHash, Record, event::RunStarted};

use super::{
    ClockBounds,
    observe::{LogClock, Observer, clock_key},
};
use crate::{
    input::InputError,
    model::{Archive, Log},
    trace::scan::{Scanned, Sources, event_name, scan},
};

/// Events that are causes or effects of a message.
const MOMENTS: [&[u8]; 5] = [
    b"publish_attempt",
    b"published",
    b"lightpush_handled",
    b"relay_received",
    b"received",
];

/// Events that are causes or effects without a message, and those that say who is who.
const OTHERS: [&[u8]; 5] = [
    b"run_started",
    b"client_started",
    b"connected",
    b"peer_connected",
    b"filter_handled",
];

/// Who wrote a log: the further logs of a file are numbered from 0.
type LogNumber = (String, usize);

/// What is needed of a log before its events.
#[derive(Default)]
struct Author {
    header: Option<Box<RunStarted>>,
    clients: Vec<Record>,
}

/// Bounds of the offsets between the clocks of the logs of `archive`, which was read from `inputs`. Nothing when there
/// is one clock only, or when the logs came by standard input, which cannot be read again. Native logs name no host and
/// hold no event that would bound a clock.
///
/// # Errors
/// [`InputError`] when a log cannot be read.
pub(crate) fn measure(archive: &Archive, inputs: &[PathBuf]) -> Result<ClockBounds, InputError> {
    let key = |log: &Log| {
        let header = log.header.as_ref().filter(|_| log.native.is_none())?;
        Some(clock_key(header.boot.as_deref(), &log.path))
    };
    let keys: BTreeSet<String> = archive.logs.iter().filter_map(key).collect();
    if keys.len() < 2 || inputs.iter().any(|input| input.as_os_str() == "-") {
        return Ok(ClockBounds::default());
    }
    let native = archive.logs.iter().filter(|log| log.native.is_some());
    read(inputs, &native.map(|log| log.path.as_str()).collect())
}

/// The bounds, from a reading of the logs but those whose paths are `left_out`.
pub(super) fn read(inputs: &[PathBuf], left_out: &BTreeSet<&str>) -> Result<ClockBounds, InputError> {
    let sources = Sources::open(inputs)?;
    let authors = authors(&sources, left_out)?;
    let mut observer = Observer::default();
    sources.each(|path, input| {
        if left_out.contains(path) {
            return Ok(());
        }
        let mut number = 0;
        let mut started = false;
        let mut log = begin(
            &mut observer,
            &part_path(path, number),
            authors.get(&(path.to_owned(), number)),
        );
        // The filter and the taker of lines both ask the observer, one after the other.
        let shared = std::cell::RefCell::new(&mut observer);
        scan(
            input,
            |line| is_wanted(line, &shared.borrow()),
            |scanned| {
                let Scanned::Event(record) = scanned else { return };
                if matches!(record.event, Event::RunStarted(_)) && std::mem::replace(&mut started, true) {
                    number += 1;
                    log = begin(
                        &mut shared.borrow_mut(),
                        &part_path(path, number),
                        authors.get(&(path.to_owned(), number)),
                    );
                }
                shared.borrow_mut().add(&log, &record);
            },
        )
    })?;
    Ok(observer.finish())
}

/// The path of a log as reports show it.
fn part_path(path: &str, number: usize) -> String {
    if number == 0 {
        path.to_owned()
    } else {
        format!("{path}#{}", number + 1)
    }
}

fn begin(observer: &mut Observer, path: &str, author: Option<&Author>) -> LogClock {
    let mut log = observer.log(path, author.and_then(|author| author.header.as_deref()));
    for record in author.iter().flat_map(|author| &author.clients) {
        observer.client(&mut log, record);
    }
    log
}

/// The headers and clients of all logs, because they may stand behind the events that need them.
fn authors(sources: &Sources, left_out: &BTreeSet<&str>) -> Result<BTreeMap<LogNumber, Author>, InputError> {
    let mut authors: BTreeMap<LogNumber, Author> = BTreeMap::new();
    sources.each(|path, input| -> io::Result<()> {
        if left_out.contains(path) {
            return Ok(());
        }
        let mut number = 0;
        scan(
            input,
            |line| matches!(event_name(line), None | Some(b"run_started" | b"client_started")),
            |scanned| {
                let Scanned::Event(record) = scanned else { return };
                let author = authors.entry((path.to_owned(), number)).or_default();
                match record.event {
                    Event::RunStarted(header) if author.header.is_some() => {
                        number += 1;
                        let author = authors.entry((path.to_owned(), number)).or_default();
                        author.header = Some(Box::new(header));
                    }
                    Event::RunStarted(header) => author.header = Some(Box::new(header)),
                    Event::ClientStarted(_) => author.clients.push(*record),
                    _ => {}
                }
            },
        )
    })?;
    Ok(authors)
}

fn is_wanted(line: &[u8], observer: &Observer) -> bool {
    match event_name(line) {
        Some(name) if MOMENTS.contains(&name) => hash_of(line).is_none_or(|hash| observer.wants(&hash)),
        Some(name) => OTHERS.contains(&name),
        None => true,
    }
}

/// The hash of a line as our writer writes it.
fn hash_of(line: &[u8]) -> Option<MessageHash> {
    const KEY: &[u8] = b"\"hash\":\"";
    let from = memchr::memmem::find(line, KEY)? + KEY.len();
    let digits = line.get(from..from + 66)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
