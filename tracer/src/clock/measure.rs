//! Reads the logs for what they say about each other's clocks. Only runs on several hosts need this reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use event_log::{Event, LineParser, MessageHash, ParsedLine, RawLines, Record};

use super::{
    ClockBounds, NativeMoment,
    observe::{Author, LogClock, Observer, clock_key, sample},
};
use crate::{
    input::{self, Input, InputError},
    model::{Archive, Log},
    node_log::{self, PeerBook, hashes_in},
    parallel::in_order,
    progress::Progress,
    trace::scan::{contains, event_name},
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

/// Bounds of the offsets between the clocks of the logs `chosen` of `archive`, which was read from `inputs`: the logs of one
/// run, because what other runs say of the same hosts was said at another time. Nothing when there is one clock only. What
/// cannot be read again (standard input, a pipe) is left out and named: opening a pipe once more would wait for ever.
///
/// # Errors
/// [`InputError`] when a log cannot be read.
pub(crate) fn measure(archive: &Archive, chosen: &[usize], inputs: &[Input]) -> Result<ClockBounds, InputError> {
    let chosen: Vec<&Log> = chosen.iter().map(|log| &archive.logs[*log]).collect();
    let key = |log: &&Log| {
        let header = log.header.as_ref().filter(|_| log.native.is_none())?;
        Some(clock_key(header.boot.as_deref(), &log.path))
    };
    let keys: BTreeSet<String> = chosen.iter().filter_map(key).collect();
    if keys.len() < 2 {
        return Ok(ClockBounds::default());
    }
    let (inputs, streams): (Vec<&Input>, Vec<&Input>) = inputs.iter().partition(|input| input.is_repeatable());
    let mut observer = Observer::default();
    let reading = Reading::new(archive, &chosen, &mut observer);
    let inputs: Vec<&Input> = inputs
        .into_iter()
        .filter(|input| reading.holds_chosen(&input.shown()))
        .collect();
    let progress = Progress::new("reading clocks", input::total_bytes(inputs.iter().copied()));
    let mut outcome = Ok(());
    let observers = in_order(
        inputs.len(),
        Observer::default,
        |observer, number| reading.read(observer, inputs[number], &progress),
        |read| outcome = std::mem::replace(&mut outcome, Ok(())).and(read),
    );
    outcome?;
    observers.into_iter().for_each(|more| observer.append(more));
    let mut bounds = observer.finish();
    bounds.unread = streams
        .into_iter()
        .map(Input::shown)
        .filter(|path| reading.holds_chosen(path))
        .collect();
    Ok(bounds)
}

/// The same of a log in memory, whose clocks are compared however many there are.
#[cfg(feature = "fuzzing")]
pub(crate) fn measure_bytes(archive: &Archive, log: &[u8]) -> io::Result<ClockBounds> {
    let chosen: Vec<&Log> = archive.logs.iter().collect();
    let Some(path) = chosen.first().map(|log| log.path.as_str()) else {
        return Ok(ClockBounds::default());
    };
    let mut observer = Observer::default();
    let reading = Reading::new(archive, &chosen, &mut observer);
    if reading.native.contains(path) {
        reading.native_log(&mut observer, path, log)?;
    } else {
        reading.event_logs(&mut observer, path, log)?;
    }
    Ok(observer.finish())
}

/// What is known of the logs before they are read again.
struct Reading<'a> {
    archive: &'a Archive,
    /// By path.
    logs: BTreeMap<&'a str, LogClock>,
    native: BTreeSet<&'a str>,
    /// The messages that are compared.
    sample: BTreeSet<MessageHash>,
    peers: PeerBook,
}

impl<'a> Reading<'a> {
    fn new(archive: &'a Archive, chosen: &[&'a Log], observer: &mut Observer) -> Self {
        let native = chosen.iter().filter(|log| log.native.is_some());
        let attempts = chosen.iter().flat_map(|log| log.attempts.iter());
        Self {
            archive,
            logs: chosen
                .iter()
                .map(|log| (log.path.as_str(), known(archive, log, observer)))
                .collect(),
            native: native.map(|log| log.path.as_str()).collect(),
            sample: sample(attempts.map(|attempt| MessageHash(*archive.hashes.bytes(attempt.hash)))),
            peers: PeerBook::new(&archive.symbols),
        }
    }

    fn read(&self, observer: &mut Observer, input: &Input, progress: &Progress) -> Result<(), InputError> {
        let path = input.shown();
        let read = |file| {
            let file = progress.counting(file);
            if self.native.contains(path.as_str()) {
                self.native_log(observer, &path, file)
            } else {
                self.event_logs(observer, &path, file)
            }
        };
        let done = input.open().and_then(read);
        done.map_err(|error| InputError::Unreadable { path, error })
    }

    /// Whether a log of the file is compared.
    fn holds_chosen(&self, file: &str) -> bool {
        let further = format!("{file}#");
        let mut behind = self.logs.range(further.as_str()..);
        self.logs.contains_key(file) || behind.next().is_some_and(|(log, _)| log.starts_with(&further))
    }

    /// Reads the event logs of one file; a `run_started` begins each.
    fn event_logs(&self, observer: &mut Observer, path: &str, input: impl Read) -> io::Result<()> {
        let (mut number, mut started) = (1, false);
        let mut log = self.logs.get(path);
        let mut lines = RawLines::new(input, 0);
        let mut parser = LineParser::default();
        while let Some(line) = lines.next_line()? {
            if !self.is_wanted(line.bytes, observer) {
                continue;
            }
            let Some(record) = parser.parse(&line).and_then(record) else {
                continue;
            };
            if matches!(record.event, Event::RunStarted(_)) && std::mem::replace(&mut started, true) {
                number += 1;
                log = self.logs.get(format!("{path}#{number}").as_str());
            }
            if let Some(log) = log {
                observer.add(log, &record);
            }
        }
        Ok(())
    }

    fn native_log(&self, observer: &mut Observer, path: &str, input: impl Read) -> io::Result<()> {
        let Some(log) = self.logs.get(path) else { return Ok(()) };
        let mut lines = RawLines::new(input, 0);
        let mut parser = node_log::LineParser::default();
        while let Some(line) = lines.next_line()? {
            let compared = |hash| self.is_compared(&hash, observer);
            if !contains(line.bytes, b"request") && !hashes_in(line.bytes).any(compared) {
                continue;
            }
            let node_log::Parsed::Node { event: Some(event), .. } = parser.parse(line.bytes) else {
                continue;
            };
            if let Some(moment) = NativeMoment::of(&event)
                && event.hash.is_none_or(compared)
            {
                let peer = event.kind.peers().first().and_then(|peer| self.full(peer));
                observer.add_native(log, event.hash, moment, peer);
            }
        }
        Ok(())
    }

    /// The full peer id, where that is certain.
    fn full<'b>(&'b self, peer: &'b str) -> Option<&'b str> {
        if peer.contains('*') {
            let only = self.peers.only(peer)?;
            Some(self.archive.symbols.name(only))
        } else {
            Some(peer)
        }
    }

    fn is_compared(&self, hash: &MessageHash, observer: &Observer) -> bool {
        observer.wants(hash) && self.sample.contains(hash)
    }

    fn is_wanted(&self, line: &[u8], observer: &Observer) -> bool {
        match event_name(line) {
            Some(name) if MOMENTS.contains(&name) => hash_of(line).is_none_or(|hash| self.is_compared(&hash, observer)),
            Some(name) => OTHERS.contains(&name),
            None => true,
        }
    }
}

/// Makes a log of the archive known.
fn known(archive: &Archive, log: &Log, observer: &mut Observer) -> LogClock {
    let header = log.header.as_ref();
    let own = header.and_then(|header| header.peer_id);
    let mut clock = observer.log(Author {
        path: &log.path,
        boot: header.and_then(|header| header.boot.as_deref()),
        own: own.map(|own| archive.symbols.name(own)),
        clock_error_ns: header.and_then(|header| header.clock_error_ns),
        is_native: log.native.is_some(),
    });
    for client in &log.clients {
        clock.client(client.client, archive.symbols.name(client.peer_id));
    }
    clock
}

fn record(line: ParsedLine<'_>) -> Option<Record> {
    match line {
        ParsedLine::Hot(record) => Some(record.to_record()),
        ParsedLine::Other(record) => record.ok(),
    }
}

/// The hash of a line as our writer writes it.
fn hash_of(line: &[u8]) -> Option<MessageHash> {
    const KEY: &[u8] = b"\"hash\":\"";
    let from = memchr::memmem::find(line, KEY)? + KEY.len();
    let digits = line.get(from..from + 66)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
