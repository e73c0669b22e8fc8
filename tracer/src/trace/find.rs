//! Which message is meant, and under which hashes it went: the first reading of the logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead},
};

use event_log::{Event, MessageHash};

use super::{
    TraceError,
    id::MessageId,
    native::{scan_native, sniff},
    scan::{Scanned, Sources, contains, event_name, scan},
};
use crate::input::InputError;

/// Most candidates of an ambiguous id that are listed.
pub const MAX_CANDIDATES: usize = 20;

/// A numbered message of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbered {
    /// Run id; `None` when the log that knows it has no header.
    pub(super) run: Option<String>,
    pub(super) sender: String,
    pub(super) index: u32,
}

/// The message that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What its payload says; `None` when no log tells.
    pub(super) numbered: Option<Numbered>,
    /// The hashes of all its attempts.
    pub(super) hashes: BTreeSet<MessageHash>,
}

/// What a line says about a message.
#[derive(Debug, Clone)]
struct Sighting {
    hash: MessageHash,
    numbered: Option<Numbered>,
    by_publisher: bool,
}

/// Finds the message `id`, of run `run` where one is asked for.
pub(super) fn find(sources: &Sources, id: &MessageId, run: Option<&str>) -> Result<Found, TraceError> {
    let of_run = |s: &Sighting| match (run, s.numbered.as_ref().and_then(|n| n.run.as_deref())) {
        (Some(run), Some(its)) => run == its,
        _ => true,
    };
    let mut sightings = sight(sources, id)?;
    sightings.retain(of_run);
    let mut messages = distinct(&sightings);
    if messages.len() > 1 {
        return Err(ambiguous(id, &messages));
    }
    let ((numbered, _), mut hashes) = messages.pop_first().ok_or_else(|| TraceError::NotFound(show(id)))?;
    if let (Some(message), MessageId::Hash(_)) = (&numbered, id) {
        // Its other attempts have hashes of their own.
        let id = MessageId::Numbered {
            sender: message.sender.clone(),
            index: message.index,
        };
        let others = distinct(&sight(sources, &id)?);
        hashes.extend(others.get(&(numbered.clone(), None)).into_iter().flatten());
    }
    Ok(Found { numbered, hashes })
}

/// Messages by name; those no payload names by their hash.
type Messages = BTreeMap<(Option<Numbered>, Option<MessageHash>), BTreeSet<MessageHash>>;

/// The messages of all sightings, each with its hashes.
fn distinct(sightings: &[Sighting]) -> Messages {
    let mut by_hash: BTreeMap<MessageHash, BTreeSet<(bool, &Numbered)>> = BTreeMap::new();
    let mut published: BTreeSet<&Numbered> = BTreeSet::new();
    for sighting in sightings {
        let names = by_hash.entry(sighting.hash).or_default();
        if let Some(name) = &sighting.numbered {
            names.insert((!sighting.by_publisher, name));
            if sighting.by_publisher {
                published.insert(name);
            }
        }
    }
    let mut messages = Messages::new();
    for (hash, names) in by_hash {
        // The publisher knows best; what a payload claims may be anything.
        let name = names.first().map(|(_, name)| *name);
        let merely_claimed = name.is_some_and(|name| !published.contains(name));
        if merely_claimed && !published.is_empty() {
            continue;
        }
        let key = (name.cloned(), name.is_none().then_some(hash));
        messages.entry(key).or_default().insert(hash);
    }
    messages
}

fn sight(sources: &Sources, id: &MessageId) -> Result<Vec<Sighting>, InputError> {
    let needles = needles(id);
    let mut sightings = Vec::new();
    sources.each(|_, input| {
        let (is_native, mut input) = sniff(input)?;
        if is_native {
            return sight_native(&mut input, id, &mut sightings);
        }
        let mut part = Part::default();
        scan(
            &mut input,
            |line| {
                matches!(event_name(line), None | Some(b"run_started"))
                    || needles.iter().all(|needle| contains(line, needle))
            },
            |scanned| {
                let Scanned::Event(record) = scanned else { return };
                if let Event::RunStarted(started) = &record.event {
                    part.begin(&started.run, &mut sightings);
                } else {
                    part.sightings
                        .extend(sighting(&record.event).filter(|s| is_meant(s, id)));
                }
            },
        )?;
        part.close(&mut sightings);
        Ok(())
    })?;
    Ok(sightings)
}

/// A native log knows hashes alone.
fn sight_native(input: &mut dyn BufRead, id: &MessageId, sightings: &mut Vec<Sighting>) -> io::Result<()> {
    let MessageId::Hash(digits) = id else { return Ok(()) };
    scan_native(input, std::slice::from_ref(digits), |_, hash| {
        let sighting = Sighting {
            hash,
            numbered: None,
            by_publisher: false,
        };
        sightings.extend(Some(sighting).filter(|sighting| is_meant(sighting, id)));
    })
}

/// What every line about the message contains.
fn needles(id: &MessageId) -> Vec<Vec<u8>> {
    match id {
        MessageId::Hash(digits) => vec![format!("\"0x{digits}").into_bytes()],
        MessageId::Numbered { sender, index } => {
            // As the writer of the event logs quotes it.
            vec![
                serde_json::Value::from(sender.as_str()).to_string().into_bytes(),
                index.to_string().into_bytes(),
            ]
        }
    }
}

/// One log of a file, whose header may stand behind its lines.
#[derive(Default)]
struct Part {
    run: Option<String>,
    sightings: Vec<Sighting>,
}

impl Part {
    /// A header: the second one begins another log, and lines before the first belong to it.
    fn begin(&mut self, run: &str, all: &mut Vec<Sighting>) {
        if self.run.is_some() {
            self.close(all);
        }
        self.run = Some(run.to_owned());
    }

    fn close(&mut self, all: &mut Vec<Sighting>) {
        for mut sighting in self.sightings.drain(..) {
            if let Some(numbered) = &mut sighting.numbered
                && numbered.run.is_none()
            {
                numbered.run.clone_from(&self.run);
            }
            all.push(sighting);
        }
    }
}

fn sighting(event: &Event) -> Option<Sighting> {
    let numbered = |sender: &str, index: u32, run: Option<&String>| {
        Some(Numbered {
            run: run.cloned(),
            sender: sender.to_owned(),
            index,
        })
    };
    let (hash, numbered, by_publisher) = match event {
        Event::PublishAttempt(e) => (e.hash, numbered(&e.sender, e.index, None), true),
        Event::Published(e) => (e.hash, numbered(&e.sender, e.index, None), true),
        Event::PublishFailed(e) => (e.hash, numbered(&e.sender, e.index, None), true),
        Event::Received(e) => (e.hash, numbered(&e.sender, e.index, e.run.as_ref()), false),
        Event::CorruptReceived(e) => (e.hash, None, false),
        Event::ForeignReceived(e) => (e.hash, None, false),
        Event::LightpushHandled(e) => (e.hash?, None, false),
        Event::RelayReceived(e) => (e.hash, None, false),
        Event::RelaySent(e) => (e.hash, None, false),
        Event::FilterPushed(e) => (e.hash, None, false),
        Event::Stored(e) => (e.hash, None, false),
        Event::StoreSkipped(e) => (e.hash, None, false),
        _ => return None,
    };
    Some(Sighting {
        hash,
        numbered,
        by_publisher,
    })
}

fn is_meant(sighting: &Sighting, id: &MessageId) -> bool {
    match id {
        MessageId::Hash(digits) => sighting.hash.to_string()[2..].starts_with(digits.as_str()),
        MessageId::Numbered { sender, index } => sighting
            .numbered
            .as_ref()
            .is_some_and(|n| n.sender == *sender && n.index == *index),
    }
}

fn show(id: &MessageId) -> String {
    match id {
        MessageId::Hash(digits) => format!("0x{digits}"),
        MessageId::Numbered { sender, index } => format!("{sender}:{index}"),
    }
}

fn ambiguous(id: &MessageId, messages: &Messages) -> TraceError {
    let named = |name: &Numbered, hash: &MessageHash| {
        let run = name.run.as_deref().unwrap_or("an unnamed run");
        format!("{hash}  {}:{} of run {run}", name.sender, name.index)
    };
    let mut candidates: Vec<String> = messages
        .iter()
        .flat_map(|((name, _), hashes)| hashes.iter().map(move |hash| (name, hash)))
        .map(|(name, hash)| name.as_ref().map_or_else(|| hash.to_string(), |name| named(name, hash)))
        .collect();
    let more = candidates.len().saturating_sub(MAX_CANDIDATES);
    candidates.truncate(MAX_CANDIDATES);
    TraceError::Ambiguous {
        id: show(id),
        candidates,
        more,
    }
}
