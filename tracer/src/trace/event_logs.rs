//! Reads the event logs of a file for one message: into the records that the report judges by, and into those that a
//! trace tells. Each line is parsed, because a line that cannot be read counts whichever message it was about.

use std::{
    collections::BTreeSet,
    io::{self, BufRead},
};

use event_log::{
    Event, LineParser, MessageHash, ParsedLine, RawLines, Record, Timestamp,
    fast::{HotEvent, HotRecord},
};

use super::gather::{LogFacts, is_about};
use crate::{collect::Collector, load::count, model::Log, renumbering::Tables};

/// One log; a `run_started` begins each.
#[derive(Default)]
pub(super) struct Part {
    pub(super) log: Log,
    pub(super) facts: LogFacts,
}

/// The event logs in one file.
pub(super) fn event_logs(
    tables: &mut Tables,
    path: &str,
    input: &mut dyn BufRead,
    hashes: &BTreeSet<MessageHash>,
) -> io::Result<Vec<Part>> {
    let mut collector = Collector::new(&mut tables.symbols, &mut tables.hashes);
    let mut lines = RawLines::new(input, 0);
    let mut parser = LineParser::default();
    let (mut parts, mut part) = (Vec::new(), Part::default());
    while let Some(line) = lines.next_line()? {
        match parser.parse(&line) {
            Some(ParsedLine::Hot(record)) => part.take_hot(&mut collector, &record, hashes),
            Some(ParsedLine::Other(Ok(record))) => {
                if part.log.header.is_some() && matches!(record.event, Event::RunStarted(_)) {
                    parts.push(std::mem::take(&mut part));
                }
                part.take(&mut collector, record, hashes);
            }
            Some(ParsedLine::Other(Err(error))) => count(&mut part.log, &error),
            None => {}
        }
    }
    parts.push(part);
    for (number, part) in (1..).zip(&mut parts) {
        part.finish(match number {
            1 => path.to_owned(),
            _ => format!("{path}#{number}"),
        });
    }
    Ok(parts)
}

impl Part {
    fn take_hot(&mut self, collector: &mut Collector<'_>, record: &HotRecord<'_>, hashes: &BTreeSet<MessageHash>) {
        self.log.lines.events += 1;
        if hash_of(&record.event).is_some_and(|hash| hashes.contains(&hash)) {
            collector.add_hot(&mut self.log, record);
            self.facts.add(record.to_record());
        } else {
            collector.pass_over(&mut self.log, record);
        }
    }

    fn take(&mut self, collector: &mut Collector<'_>, record: Record, hashes: &BTreeSet<MessageHash>) {
        if let Some(event) = record.event.as_hot() {
            let time = record.time;
            return self.take_hot(collector, &HotRecord { time, event }, hashes);
        }
        self.log.lines.events += 1;
        collector.add(&mut self.log, &record);
        if is_about(&record.event, hashes) {
            self.facts.add(record);
        }
    }

    fn finish(&mut self, path: String) {
        self.facts.last = self.log.last_ns.map(Timestamp::from_unix_ns);
        self.facts.unreadable = self.log.lines.unreadable();
        self.facts.sort();
        self.facts.path.clone_from(&path);
        self.log.path = path;
        self.log.meant = true;
    }
}

fn hash_of(event: &HotEvent<'_>) -> Option<MessageHash> {
    match event {
        HotEvent::Received(e) => Some(e.hash),
        HotEvent::PublishAttempt(e) => Some(e.hash),
        HotEvent::Published(e) => Some(e.hash),
        HotEvent::LightpushHandled(e) => e.hash,
        HotEvent::RelayReceived(e) => Some(e.hash),
        HotEvent::RelaySent(e) => Some(e.hash),
        HotEvent::FilterPushed(e) => Some(e.hash),
        HotEvent::Stored(e) => Some(e.hash),
    }
}
