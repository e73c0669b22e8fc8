//! What the message is: its size, topic, intended time, and the attempts at it.

use std::collections::{BTreeMap, BTreeSet};

use event_log::{Event, MessageHash, Timestamp, event::Role};

use super::{find::Found, gather::LogFacts, model::AttemptHash};

/// What the publisher says of the message.
#[derive(Default)]
pub(super) struct About {
    pub(super) intended: Option<Timestamp>,
    pub(super) size_bytes: Option<u64>,
    pub(super) content_topic: Option<String>,
    attempts: BTreeMap<MessageHash, BTreeSet<u32>>,
}

impl About {
    pub(super) fn new(logs: &[LogFacts]) -> Self {
        let mut about = Self::default();
        let records = |role| {
            logs.iter()
                .filter(move |log| log.role() == Some(role))
                .flat_map(|log| &log.records)
        };
        for record in records(Role::Publisher) {
            let (intended, size_bytes, hash, attempt) = match &record.event {
                Event::PublishAttempt(e) => {
                    about.content_topic.get_or_insert_with(|| e.content_topic.clone());
                    (e.intended, e.size_bytes, e.hash, e.attempt)
                }
                Event::Published(e) => (e.intended, e.size_bytes, e.hash, e.attempt),
                Event::PublishFailed(e) => (e.intended, e.size_bytes, e.hash, e.attempt),
                _ => continue,
            };
            about.intended = Some(about.intended.map_or(intended, |known| known.min(intended)));
            about.size_bytes.get_or_insert(size_bytes);
            about.attempts.entry(hash).or_default().insert(attempt);
        }
        for record in records(Role::Receiver) {
            if let Event::Received(e) = &record.event {
                about.intended = about.intended.or(e.intended);
                about.size_bytes.get_or_insert(e.size_bytes);
                about.content_topic.get_or_insert_with(|| e.content_topic.clone());
            }
        }
        about
    }

    pub(super) fn hashes(&self, found: &Found) -> Vec<AttemptHash> {
        let mut hashes: Vec<AttemptHash> = found
            .hashes
            .iter()
            .map(|hash| AttemptHash {
                hash: *hash,
                attempts: self.attempts.get(hash).into_iter().flatten().copied().collect(),
            })
            .collect();
        hashes.sort_by(|a, b| (&a.attempts, a.hash).cmp(&(&b.attempts, b.hash)));
        hashes
    }
}
