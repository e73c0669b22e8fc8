//! Everything the logs say about one message, and what is needed to understand it: the second reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{Role, RunStarted},
};

use super::{
    event_logs::{Part, event_logs},
    native::{self, Native, sniff},
    peers,
    scan::Sources,
};
use crate::{
    input::InputError,
    model::{Archive, Log},
    node_log::load_native,
    renumbering::Tables,
};

/// What one log says of the message.
#[derive(Debug, Default)]
pub(super) struct LogFacts {
    pub(super) path: String,
    /// Its number in the archive.
    pub(super) number: usize,
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

    pub(super) fn add(&mut self, record: Record) {
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

    pub(super) fn sort(&mut self) {
        // Lines of one moment in a fixed order, whatever theirs was.
        self.records
            .sort_by_cached_key(|record| (record.time, record.to_line().unwrap_or_default()));
    }
}

/// What was gathered: the logs as they tell of the message, and an archive of the records that the report judges it by.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) archive: Archive,
    pub(super) logs: Vec<LogFacts>,
}

/// Gathers what is logged about the hashes; logs in the order of their paths.
pub(super) fn gather(sources: &Sources, hashes: &BTreeSet<MessageHash>) -> Result<Gathered, InputError> {
    let mut archive = Archive::default();
    let mut tables = Tables::behind(&archive.symbols, &archive.hashes);
    let mut parts: Vec<Part> = Vec::new();
    sources.each(|path, input| {
        let (is_native, mut input) = sniff(input)?;
        if is_native {
            let Tables { symbols, hashes, .. } = &mut tables;
            parts.push(of_native(load_native(symbols, hashes, path, true, input)?));
        } else {
            parts.extend(event_logs(&mut tables, path, &mut input, hashes)?);
        }
        Ok(())
    })?;
    parts.sort_by(|a, b| a.log.path.cmp(&b.log.path));
    tables.hashes.detach();
    let renumbering = Arc::new(archive.take_tables(tables));
    let mut logs = Vec::with_capacity(parts.len());
    for (number, mut part) in parts.into_iter().enumerate() {
        part.log.renumber(&renumbering);
        archive.logs.push(part.log);
        part.facts.number = number;
        logs.push(part.facts);
    }
    add_sightings(sources, hashes, &mut logs)?;
    peers::resolve(&mut archive, &mut logs);
    Ok(Gathered { archive, logs })
}

fn of_native(log: Log) -> Part {
    let time = |ns: Option<i64>| ns.map(Timestamp::from_unix_ns);
    let facts = LogFacts {
        path: log.path.clone(),
        started: time(log.native.as_ref().and_then(|native| native.first_ns)),
        last: time(log.last_ns),
        native: Some(Box::new(Native::new(&log.path))),
        ..LogFacts::default()
    };
    Part { log, facts }
}

/// Reads native logs once more: which lines are wanted a whole log does not keep.
fn add_sightings(sources: &Sources, hashes: &BTreeSet<MessageHash>, logs: &mut [LogFacts]) -> Result<(), InputError> {
    let native = logs
        .iter_mut()
        .filter_map(|log| Some((log.path.as_str(), log.native.as_deref_mut()?)));
    let mut native: BTreeMap<&str, &mut Native> = native.collect();
    if native.is_empty() {
        return Ok(());
    }
    sources.each(|path, input| {
        if let Some(native) = native.get_mut(path) {
            native.sightings = native::sightings(input, hashes)?;
        }
        Ok(())
    })
}

/// Whether an event tells of one of the hashes, or of the state its author was in.
pub(super) fn is_about(event: &Event, hashes: &BTreeSet<MessageHash>) -> bool {
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
