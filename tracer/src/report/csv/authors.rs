//! Who wrote a log, learned in a reading of its own: the lines that say so may stand behind those that need it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead},
};

use event_log::{Event, event::RunStarted};

use crate::{
    node_log::{NodeLog, PeerBook, own_id, read_node_log},
    report::Report,
    symbols::Symbols,
    trace::{
        native::sniff,
        scan::{Scanned, Sources, event_name, scan},
    },
};

/// Most content topics whose pubsub topics are kept: tests have a handful, a hostile log millions.
const MAX_TOPICS: usize = 100_000;

/// The authors of the logs that the report used.
#[derive(Default)]
pub(super) struct Authors {
    /// By path as shown and number of the part, from 0.
    logs: BTreeMap<(String, usize), Author>,
    /// Every full peer id that the logs name as somebody's own.
    ids: Symbols,
    /// The same by their short forms, which nwaku logs.
    short_ids: PeerBook,
    /// The pubsub topics that messages of a content topic were published on; learned when it matters.
    pubsub_topics: BTreeMap<String, BTreeSet<String>>,
}

/// The author of one log.
#[derive(Default)]
pub(super) struct Author {
    started: Option<Box<RunStarted>>,
    /// Peer id and name by number.
    clients: BTreeMap<u32, (String, String)>,
    /// Pubsub topics each client subscribed to.
    topics: BTreeMap<u32, BTreeSet<String>>,
    /// Of a native log: what it says of itself.
    native: Option<NodeLog>,
    /// Of a native log: its full peer id, where that is certain.
    own_id: Option<String>,
}

impl Authors {
    /// Reads who wrote the logs.
    pub(super) fn of(sources: &Sources, report: &Report) -> io::Result<Self> {
        let mut authors = Self::default();
        let read = |path: &str, input: &mut dyn BufRead| {
            let (is_native, mut input) = sniff(input)?;
            if is_native {
                let log = read_node_log(input)?;
                authors.native(path, log);
                return Ok(());
            }
            authors.event_log(path, &mut input)
        };
        sources.each(read).map_err(io::Error::other)?;
        authors.resolve();
        let used = report.logs.iter().filter(|log| log.used);
        let used: BTreeSet<&str> = used.map(|log| log.path.as_str()).collect();
        let is_used = |(path, part): &(String, usize)| used.contains(part_path(path, *part).as_str());
        authors.logs.retain(|log, _| is_used(log));
        if authors.logs.values().any(Author::has_several_topics) {
            authors.pubsub_topics = pubsub_topics(sources)?;
        }
        Ok(authors)
    }

    /// The author of a log that was used.
    pub(super) fn log(&self, path: &str, part: usize) -> Option<&Author> {
        self.logs.get(&(path.to_owned(), part))
    }

    /// The full form of a peer id where it is certain, otherwise the id as it was logged.
    pub(super) fn full<'a>(&'a self, id: &'a str) -> &'a str {
        self.short_ids.only(id).map_or(id, |full| self.ids.name(full))
    }

    /// The pubsub topic on which a message of `content_topic` reached a client; empty where that is not certain.
    pub(super) fn topic<'a>(&self, author: &'a Author, client: u32, content_topic: &str) -> &'a str {
        let Some(topics) = author.topics.get(&client) else {
            return "";
        };
        // Of the topics the client listens on those that such messages were published on.
        let published = self.pubsub_topics.get(content_topic);
        let may_be = |topic: &&String| topics.len() == 1 || published.is_some_and(|on| on.contains(*topic));
        let mut candidates = topics.iter().filter(may_be);
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => only,
            _ => "",
        }
    }

    fn native(&mut self, path: &str, mut log: NodeLog) {
        log.own_full_ids.iter().for_each(|id| {
            self.ids.intern(id);
        });
        // The rest, and most of all what it says of each message, is not needed.
        let mut slim = NodeLog::default();
        slim.own_ids = std::mem::take(&mut log.own_ids);
        slim.own_full_ids = std::mem::take(&mut log.own_full_ids);
        let native = Some(slim);
        self.logs.insert(
            (path.to_owned(), 0),
            Author {
                native,
                ..Author::default()
            },
        );
    }

    fn event_log(&mut self, path: &str, input: &mut dyn BufRead) -> io::Result<()> {
        const WANTED: [&[u8]; 3] = [b"run_started", b"client_started", b"subscribed"];
        let mut part = 0;
        let is_wanted = |line: &[u8]| event_name(line).is_none_or(|name| WANTED.contains(&name));
        scan(input, is_wanted, |scanned| {
            let Scanned::Event(record) = scanned else { return };
            let author = self.logs.entry((path.to_owned(), part)).or_default();
            match record.event {
                Event::RunStarted(started) => {
                    started.peer_id.iter().for_each(|id| {
                        self.ids.intern(id);
                    });
                    if author.started.is_some() {
                        part += 1;
                    }
                    let author = self.logs.entry((path.to_owned(), part)).or_default();
                    author.started = Some(Box::new(started));
                }
                Event::ClientStarted(e) => {
                    self.ids.intern(&e.peer_id);
                    author.clients.insert(e.client, (e.peer_id, e.name));
                }
                Event::Subscribed(e) => {
                    author.topics.entry(e.client).or_default().insert(e.pubsub_topic);
                }
                _ => {}
            }
        })
    }

    /// Finds out whose the native logs are, now that all ids are known.
    fn resolve(&mut self) {
        self.short_ids = PeerBook::new(&self.ids);
        for author in self.logs.values_mut() {
            let Some(native) = &author.native else { continue };
            let own = own_id(native, &self.short_ids, &mut self.ids, &mut BTreeSet::new());
            author.own_id = own.map(|id| self.ids.name(id).to_owned());
        }
    }
}

impl Author {
    /// Peer id and name of a client.
    pub(super) fn client(&self, client: u32) -> (&str, String) {
        match self.clients.get(&client) {
            Some((peer_id, name)) => (peer_id, name.clone()),
            None => ("", format!("{}/{client}", self.node())),
        }
    }

    /// Peer id of the client called `name`.
    pub(super) fn peer_id_of(&self, name: &str) -> &str {
        let clients = self.clients.values();
        let found = clients.into_iter().find(|(_, known)| known == name);
        found.map_or("", |(peer_id, _)| peer_id)
    }

    /// Name of the process.
    pub(super) fn node(&self) -> &str {
        self.started.as_ref().map_or("", |started| &started.node)
    }

    /// Peer id of a service node; empty where it is not known.
    pub(super) fn peer_id(&self) -> &str {
        let stated = self.started.as_ref().and_then(|started| started.peer_id.as_deref());
        stated.or(self.own_id.as_deref()).unwrap_or_default()
    }

    fn has_several_topics(&self) -> bool {
        self.topics.values().any(|topics| topics.len() > 1)
    }
}

/// The path of a log as reports show it.
fn part_path(path: &str, part: usize) -> String {
    if part == 0 {
        path.to_owned()
    } else {
        format!("{path}#{}", part + 1)
    }
}

/// The pubsub topics that messages of each content topic were published on.
fn pubsub_topics(sources: &Sources) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut topics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut read = |input: &mut dyn BufRead| {
        let is_wanted = |line: &[u8]| event_name(line).is_none_or(|name| name == b"publish_attempt");
        scan(input, is_wanted, |scanned| {
            let Scanned::Event(record) = scanned else { return };
            let Event::PublishAttempt(e) = record.event else { return };
            if topics.contains_key(&e.content_topic) || topics.len() < MAX_TOPICS {
                topics.entry(e.content_topic).or_default().insert(e.pubsub_topic);
            }
        })
    };
    let of_event_logs = |_: &str, input: &mut dyn BufRead| {
        let (is_native, mut input) = sniff(input)?;
        if is_native { Ok(()) } else { read(&mut input) }
    };
    sources.each(of_event_logs).map_err(io::Error::other)?;
    Ok(topics)
}
