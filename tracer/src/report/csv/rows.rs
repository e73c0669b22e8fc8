//! What the logs say, as rows.
//!
//! The analyzer takes `received` from the lines *received relay message* and *handling lightpush request* of all nodes, and
//! `sent` from *sent relay message*. Its plot of the time to reach all nodes is, for each hash, the latest time in
//! `received.csv` less the earliest: so the service node that a message was pushed to has to be in it.

use std::io::{self, BufRead};

use event_log::{
    Event, Timestamp,
    event::{LightpushHandled, PublishAttempt, Received, RelayReceived, RelaySent, Transport},
};

use super::{
    authors::{Author, Authors},
    cell::{shard, show_time},
    sorter::Sorter,
};
use crate::{
    node_log::{NodeEvent, NodeEventKind},
    trace::{
        native::{scan_native, sniff},
        scan::{Scanned, Sources, event_name, scan},
    },
};

/// Columns of `received.csv`: the analyzer's five, then ours.
pub(super) const RECEIVED: [&str; 10] = [
    "shard",
    "msg_hash",
    "timestamp",
    "receiver_peer_id",
    "sender_peer_id",
    "delayMs",
    "receiver",
    "sender",
    "index",
    "via",
];

/// Columns of `sent.csv`: the analyzer's five, then ours.
pub(super) const SENT: [&str; 9] = [
    "shard",
    "msg_hash",
    "timestamp",
    "sender_peer_id",
    "receiver_peer_id",
    "sender",
    "index",
    "attempt",
    "via",
];

/// Events with rows, and the one that begins a log.
const WANTED: [&[u8]; 6] = [
    b"publish_attempt",
    b"received",
    b"lightpush_handled",
    b"relay_received",
    b"relay_sent",
    b"run_started",
];

/// Answer of a service node that took a message.
const STATUS_OK: u32 = 200;

/// The ways of a message.
const LIGHTPUSH: &str = "lightpush";
const RELAY: &str = "relay";
const FILTER: &str = "filter";
const REST: &str = "rest";

/// Both tables under way.
pub(super) struct Rows {
    pub(super) received: Sorter,
    pub(super) sent: Sorter,
}

impl Rows {
    /// Reads all logs that were used.
    pub(super) fn read(&mut self, sources: &Sources, authors: &Authors) -> io::Result<()> {
        let read = |path: &str, input: &mut dyn BufRead| {
            let (is_native, mut input) = sniff(input)?;
            if is_native {
                self.native(path, &mut input, authors)
            } else {
                self.event_log(path, &mut input, authors)
            }
        };
        sources.each(read).map_err(io::Error::other)
    }

    fn event_log(&mut self, path: &str, input: &mut dyn BufRead, authors: &Authors) -> io::Result<()> {
        let (mut part, mut began) = (0, false);
        let mut author = authors.log(path, part);
        let mut done = Ok(());
        let is_wanted = |line: &[u8]| event_name(line).is_none_or(|name| WANTED.contains(&name));
        scan(input, is_wanted, |scanned| {
            let Scanned::Event(record) = scanned else { return };
            if matches!(record.event, Event::RunStarted(_)) && std::mem::replace(&mut began, true) {
                part += 1;
                author = authors.log(path, part);
            }
            if let (Some(author), Ok(())) = (author, &done) {
                done = self.add(record.time, &record.event, author, authors);
            }
        })?;
        done
    }

    fn add(&mut self, time: Timestamp, event: &Event, author: &Author, authors: &Authors) -> io::Result<()> {
        match event {
            Event::PublishAttempt(e) => self.published(e, author),
            Event::Received(e) => self.delivered(time, e, author, authors),
            Event::LightpushHandled(e) => self.pushed(e, author),
            Event::RelayReceived(e) => self.relayed_here(time, e, author),
            Event::RelaySent(e) => self.relayed_on(time, e, author),
            _ => Ok(()),
        }
    }

    fn published(&mut self, e: &PublishAttempt, author: &Author) -> io::Result<()> {
        let cells = [
            shard(&e.pubsub_topic),
            &e.hash.to_string(),
            &show_time(e.sent),
            author.peer_id_of(&e.sender),
            &e.service_node,
            &e.sender,
            &e.index.to_string(),
            &e.attempt.to_string(),
            LIGHTPUSH,
        ];
        self.sent.push(e.sent.unix_ns(), cells)
    }

    fn delivered(&mut self, time: Timestamp, e: &Received, author: &Author, authors: &Authors) -> io::Result<()> {
        let delay_ms = e.sent.map_or(String::new(), |sent| {
            let delay_ns = time.unix_ns().saturating_sub(sent.unix_ns());
            format!("{:.3}", delay_ns as f64 / 1e6)
        });
        let (peer_id, name) = author.client(e.client);
        let cells = [
            shard(authors.topic(author, e.client, &e.content_topic)),
            &e.hash.to_string(),
            &show_time(time),
            peer_id,
            &e.service_node,
            &delay_ms,
            &name,
            &e.sender,
            &e.index.to_string(),
            if e.transport == Some(Transport::Rest) {
                REST
            } else {
                FILTER
            },
        ];
        self.received.push(time.unix_ns(), cells)
    }

    fn pushed(&mut self, e: &LightpushHandled, author: &Author) -> io::Result<()> {
        let Some(hash) = e.hash.filter(|_| e.status == STATUS_OK) else {
            return Ok(());
        };
        let topic = e.pubsub_topic.as_deref().unwrap_or_default();
        self.at_node(e.received, topic, &hash.to_string(), author, &e.peer, LIGHTPUSH)
    }

    fn relayed_here(&mut self, time: Timestamp, e: &RelayReceived, author: &Author) -> io::Result<()> {
        self.at_node(time, &e.pubsub_topic, &e.hash.to_string(), author, &e.from_peer, RELAY)
    }

    fn at_node(
        &mut self,
        time: Timestamp,
        topic: &str,
        hash: &str,
        author: &Author,
        from: &str,
        via: &str,
    ) -> io::Result<()> {
        let (peer_id, name) = (author.peer_id(), author.node());
        let cells = [
            shard(topic),
            hash,
            &show_time(time),
            peer_id,
            from,
            "",
            name,
            "",
            "",
            via,
        ];
        self.received.push(time.unix_ns(), cells)
    }

    fn relayed_on(&mut self, time: Timestamp, e: &RelaySent, author: &Author) -> io::Result<()> {
        let (shard, hash, shown) = (shard(&e.pubsub_topic), e.hash.to_string(), show_time(time));
        for to in &e.to_peers {
            let cells = [shard, &hash, &shown, author.peer_id(), to, author.node(), "", "", RELAY];
            self.sent.push(time.unix_ns(), cells)?;
        }
        Ok(())
    }

    fn native(&mut self, path: &str, input: &mut dyn BufRead, authors: &Authors) -> io::Result<()> {
        let Some(author) = authors.log(path, 0) else {
            return Ok(());
        };
        // Every line with a row names a hash in a field of this end.
        let needles = ["ash".to_owned()];
        let mut done = Ok(());
        scan_native(input, &needles, |event, hash| {
            if done.is_ok() {
                done = self.native_event(path, event, &hash.to_string(), author, authors);
            }
        })?;
        done
    }

    fn native_event(
        &mut self,
        path: &str,
        event: &NodeEvent<'_>,
        hash: &str,
        author: &Author,
        authors: &Authors,
    ) -> io::Result<()> {
        let at = Timestamp::from_unix_ns(event.at_ns);
        let (shard, shown) = (shard(event.pubsub_topic.unwrap_or_default()), show_time(at));
        // A log that does not say in full whose it is says it in short.
        let own = match author.peer_id() {
            "" => event.my_peer_id.map_or("", |id| authors.full(id)),
            full => full,
        };
        let (from, via) = match event.kind {
            NodeEventKind::RelayReceived { from } => (from, RELAY),
            NodeEventKind::Lightpush { peer, .. } => (peer, LIGHTPUSH),
            NodeEventKind::RelaySent { to } => {
                for to in to.iter().map(|id| authors.full(id)) {
                    let cells = [shard, hash, &shown, own, to, path, "", "", RELAY];
                    self.sent.push(event.at_ns, cells)?;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let from = from.first().map_or("", |id| authors.full(id));
        let cells = [shard, hash, &shown, own, from, "", path, "", "", via];
        self.received.push(event.at_ns, cells)
    }
}
