//! Everything the logs say about one message, and what is needed to understand it: the second reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead},
};

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{Role, RunStarted},
};

use super::{
    native::{self, Native, sniff},
    peers,
    scan::{Scanned, Sources, contains, event_name, scan},
};
use crate::{input::InputError, node_log::read_node_log};

/// Events that are about one message each.
const MESSAGE_EVENTS: [&[u8]; 12] = [
    b"publish_attempt",
    b"published",
    b"publish_failed",
    b"received",
    b"corrupt_received",
    b"foreign_received",
    b"lightpush_handled",
    b"relay_received",
    b"relay_sent",
    b"filter_pushed",
    b"stored",
    b"store_skipped",
];

/// What one log says of the message.
#[derive(Debug, Default)]
pub(super) struct LogFacts {
    pub(super) path: String,
    pub(super) header: Option<Box<RunStarted>>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    /// Its latest event.
    pub(super) last: Option<Timestamp>,
    /// Lines that may have been events and could not be read.
    pub(super) unreadable: u64,
    /// Events about the message and about who its author is, in the order of time.
    pub(super) records: Vec<Record>,
    /// What it says if it is no event log but the native log of a service node.
    pub(super) native: Option<Box<Native>>,
}

impl LogFacts {
    pub(super) fn role(&self) -> Option<Role> {
        match &self.native {
            Some(_) => Some(Role::ServiceNode),
            None => self.header.as_ref().map(|header| header.role),
        }
    }

    /// Name of the process that wrote it.
    pub(super) fn node(&self) -> Option<&str> {
        match &self.native {
            Some(native) => Some(&native.name),
            None => self.header.as_ref().map(|header| header.node.as_str()),
        }
    }

    /// Peer id of the process that wrote it.
    pub(super) fn peer_id(&self) -> Option<&str> {
        match &self.native {
            Some(native) => native.peer_id.as_deref(),
            None => self.header.as_ref()?.peer_id.as_deref(),
        }
    }

    /// Only a whole event log proves that something did not happen; of native ones `Evidence` knows what they prove.
    pub(super) fn is_whole(&self) -> bool {
        self.ended.is_some() && self.unreadable == 0
    }

    fn add(&mut self, record: Record) {
        self.last = self.last.max(Some(record.time));
        match record.event {
            Event::RunStarted(started) => {
                self.started = Some(record.time);
                self.header = Some(Box::new(started));
            }
            Event::RunEnded(_) => self.ended = self.ended.max(Some(record.time)),
            event => self.records.push(Record {
                time: record.time,
                event,
            }),
        }
    }

    fn sort(&mut self) {
        // Lines of one moment in a fixed order, whatever theirs was.
        self.records
            .sort_by_cached_key(|record| (record.time, record.to_line().unwrap_or_default()));
    }
}

/// Gathers what is logged about the hashes; logs in the order of their paths.
pub(super) fn gather(sources: &Sources, hashes: &BTreeSet<MessageHash>) -> Result<Vec<LogFacts>, InputError> {
    let mut logs = Vec::new();
    let mut native = BTreeMap::new();
    sources.each(|path, input| {
        let (is_native, mut input) = sniff(input)?;
        if is_native {
            native.insert(path.to_owned(), Native::new(path, read_node_log(input)?));
        } else {
            logs.extend(event_logs(path, &mut input, hashes)?);
        }
        Ok(())
    })?;
    if !native.is_empty() {
        // A second time: which lines are wanted a whole log does not keep.
        sources.each(|path, input| {
            if let Some(native) = native.get_mut(path) {
                native.sightings = native::sightings(input, hashes)?;
            }
            Ok(())
        })?;
    }
    logs.extend(native.into_iter().map(|(path, native)| of_native(path, native)));
    logs.sort_by(|a, b| a.path.cmp(&b.path));
    peers::resolve(&mut logs);
    Ok(logs)
}

fn of_native(path: String, native: Native) -> LogFacts {
    LogFacts {
        path,
        started: native.log.first_ns.map(Timestamp::from_unix_ns),
        last: native.log.last_ns.map(Timestamp::from_unix_ns),
        native: Some(Box::new(native)),
        ..LogFacts::default()
    }
}

/// The event logs in one file; a `run_started` begins each.
fn event_logs(path: &str, input: &mut dyn BufRead, hashes: &BTreeSet<MessageHash>) -> io::Result<Vec<LogFacts>> {
    let needles: Vec<String> = hashes.iter().map(ToString::to_string).collect();
    let mut parts = vec![LogFacts::default()];
    let mut last_time = LastTime::default();
    scan(
        input,
        |line| {
            last_time.see(line);
            match event_name(line) {
                Some(name) if MESSAGE_EVENTS.contains(&name) => {
                    needles.iter().any(|needle| contains(line, needle.as_bytes()))
                }
                _ => true,
            }
        },
        |scanned| {
            let part = parts.last_mut().expect("there is always one");
            match scanned {
                Scanned::Unreadable => part.unreadable += 1,
                Scanned::Event(record) if begins_another(part, &record) => {
                    let mut another = LogFacts::default();
                    another.add(*record);
                    parts.push(another);
                }
                Scanned::Event(record) if is_about(&record.event, hashes) => part.add(*record),
                Scanned::Event(record) => part.last = part.last.max(Some(record.time)),
            }
        },
    )?;
    // Lines that were not parsed have a time too; of several logs in one file the last one was cut, if any.
    if let [only] = parts.as_mut_slice() {
        only.last = only.last.max(last_time.latest());
    }
    for (number, part) in (1..).zip(&mut parts) {
        part.path = if number == 1 {
            path.to_owned()
        } else {
            format!("{path}#{number}")
        };
        part.sort();
    }
    Ok(parts)
}

fn begins_another(part: &LogFacts, record: &Record) -> bool {
    part.header.is_some() && matches!(record.event, Event::RunStarted(_))
}

/// Whether an event tells of one of the hashes, or of the state its author was in.
fn is_about(event: &Event, hashes: &BTreeSet<MessageHash>) -> bool {
    match event {
        Event::PublishAttempt(e) => hashes.contains(&e.hash),
        Event::Published(e) => hashes.contains(&e.hash),
        Event::PublishFailed(e) => hashes.contains(&e.hash),
        Event::Received(e) => hashes.contains(&e.hash),
        Event::CorruptReceived(e) => hashes.contains(&e.hash),
        Event::ForeignReceived(e) => hashes.contains(&e.hash),
        Event::LightpushHandled(e) => e.hash.is_some_and(|hash| hashes.contains(&hash)),
        Event::RelayReceived(e) => hashes.contains(&e.hash),
        Event::RelaySent(e) => hashes.contains(&e.hash),
        Event::FilterPushed(e) => hashes.contains(&e.hash),
        Event::Stored(e) => hashes.contains(&e.hash),
        Event::StoreSkipped(e) => hashes.contains(&e.hash),
        Event::RunStarted(_)
        | Event::RunEnded(_)
        | Event::ClientStarted(_)
        | Event::Connected(_)
        | Event::Subscribed(_)
        | Event::PresenceLost(_)
        | Event::PresenceRestored(_)
        | Event::FilterExpired(_) => true,
        Event::FilterHandled(e) => e.request != "ping",
        _ => false,
    }
}

/// The latest time of the lines of our writer, whose texts sort like the times.
#[derive(Default)]
struct LastTime(Vec<u8>);

impl LastTime {
    fn see(&mut self, line: &[u8]) {
        const KEY: &[u8] = b"\",\"time\":\"";
        const TIME_BYTES: usize = "2023-11-14T22:13:20.000000000Z".len();
        let Some(name) = event_name(line) else { return };
        let from = b"{\"v\":1,\"event\":\"".len() + name.len();
        let Some(time) = line[from..].strip_prefix(KEY).and_then(|rest| rest.get(..TIME_BYTES)) else {
            return;
        };
        if time.last() == Some(&b'Z') && time > self.0.as_slice() {
            self.0.clear();
            self.0.extend_from_slice(time);
        }
    }

    fn latest(&self) -> Option<Timestamp> {
        std::str::from_utf8(&self.0).ok()?.parse().ok()
    }
}
