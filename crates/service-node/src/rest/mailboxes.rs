//! What REST clients have subscribed to, and the messages that wait for their polls.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use event_log::{EventLog, event::PushOutcome};
use libp2p::PeerId;
use waku::WakuMessage;
use waku_rest::limits::NWAKU_CACHE_MESSAGES;

use crate::{
    delivery::Delivery,
    filter::{RecentHashes, note_push},
    metrics::Metrics,
};

/// Content topics of all REST clients together: what the filter service grants one subscriber of nwaku.
const MAX_TOPICS: usize = 1000;

/// More topics than the node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("node has reached maximum number of topics subscribed to by REST: {MAX_TOPICS}")]
pub(crate) struct TooManyTopics;

/// The mailboxes of a node. As in nwaku there is one cache for all topics, and all clients share it: who polls first
/// gets the messages.
pub(crate) struct Mailboxes {
    /// In event logs, where a subscriber has a peer id, the node stands for its REST clients.
    peer: PeerId,
    state: Mutex<State>,
    log: EventLog,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    /// Content and pubsub topics.
    topics: BTreeSet<(String, String)>,
    /// Oldest first.
    waiting: Vec<Arc<Delivery>>,
    recent: RecentHashes,
}

impl Mailboxes {
    pub(crate) fn new(peer: PeerId, log: EventLog, metrics: Arc<Metrics>) -> Self {
        Self {
            peer,
            state: Mutex::default(),
            log,
            metrics,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self, pubsub_topic: &str, content_topics: &[String]) -> Result<(), TooManyTopics> {
        let mut state = self.state();
        let new = content_topics
            .iter()
            .map(|topic| (topic.clone(), pubsub_topic.to_owned()));
        let new: BTreeSet<_> = new.filter(|topic| !state.topics.contains(topic)).collect();
        if state.topics.len() + new.len() > MAX_TOPICS {
            return Err(TooManyTopics);
        }
        state.topics.extend(new);
        Ok(())
    }

    pub(crate) fn unsubscribe(&self, pubsub_topic: &str, content_topics: &[String]) {
        let mut state = self.state();
        for topic in content_topics {
            state.topics.remove(&(topic.clone(), pubsub_topic.to_owned()));
        }
        let State { topics, waiting, .. } = &mut *state;
        waiting.retain(|delivery| {
            topics.contains(&(delivery.content_topic().to_owned(), delivery.pubsub_topic.to_string()))
        });
    }

    pub(crate) fn unsubscribe_all(&self) {
        let mut state = self.state();
        state.topics.clear();
        state.waiting.clear();
    }

    pub(crate) fn has_topics(&self) -> bool {
        !self.state().topics.is_empty()
    }

    /// Keeps a message for the next poll, if anybody subscribed to it; the oldest by its time stamp makes room.
    pub(crate) fn deliver(&self, delivery: &Arc<Delivery>) {
        let mut state = self.state();
        let topic = (delivery.content_topic().to_owned(), delivery.pubsub_topic.to_string());
        if !state.topics.contains(&topic) || !state.recent.insert(delivery.hash, std::time::Instant::now()) {
            return;
        }
        if state.waiting.len() >= NWAKU_CACHE_MESSAGES {
            let oldest = (0..state.waiting.len()).min_by_key(|index| state.waiting[*index].message.timestamp());
            if let Some(oldest) = oldest {
                let dropped = state.waiting.remove(oldest);
                let error = format!("the mailbox holds {NWAKU_CACHE_MESSAGES} messages");
                self.note(&dropped, PushOutcome::Dropped, Some(error));
            }
        }
        state.waiting.push(delivery.clone());
    }

    /// Takes what waits on a content topic; `None` when nobody subscribed to it.
    pub(crate) fn take(&self, content_topic: &str) -> Option<Vec<WakuMessage>> {
        let mut state = self.state();
        let from = (content_topic.to_owned(), String::new());
        let next = state.topics.range(from..).next();
        if next.is_none_or(|(topic, _)| topic != content_topic) {
            return None;
        }
        let (taken, left) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|delivery: &Arc<Delivery>| delivery.content_topic() == content_topic);
        state.waiting = left;
        taken
            .iter()
            .for_each(|delivery| self.note(delivery, PushOutcome::Ok, None));
        Some(taken.iter().map(|delivery| delivery.message.clone()).collect())
    }

    fn note(&self, delivery: &Delivery, outcome: PushOutcome, error: Option<String>) {
        note_push(&self.log, &self.metrics, delivery.hash, self.peer, outcome, error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBSUB: &str = "/waku/2/rs/0/0";

    fn mailboxes() -> Mailboxes {
        let log = EventLog::with_sink(std::io::sink()).expect("thread");
        Mailboxes::new(PeerId::random(), log, Arc::default())
    }

    fn delivery(topic: &str, timestamp: i64) -> Arc<Delivery> {
        let message = WakuMessage::new("x", topic, timestamp);
        Arc::new(Delivery::new(PUBSUB.into(), message, bytes::Bytes::new()))
    }

    fn timestamps(messages: Option<Vec<WakuMessage>>) -> Option<Vec<i64>> {
        messages.map(|messages| messages.iter().map(WakuMessage::timestamp).collect())
    }

    #[test]
    fn a_poll_takes_what_came_since_the_subscription_and_no_more() {
        let mailboxes = mailboxes();
        mailboxes.deliver(&delivery("/a", 1));
        assert_eq!(mailboxes.take("/a"), None);
        mailboxes.subscribe(PUBSUB, &["/a".into(), "/b".into()]).expect("room");
        for (topic, timestamp) in [("/a", 2), ("/b", 3), ("/a", 4), ("/a", 4), ("/c", 5)] {
            mailboxes.deliver(&delivery(topic, timestamp));
        }
        assert_eq!(timestamps(mailboxes.take("/a")), Some(vec![2, 4]), "the same hash once");
        assert_eq!(timestamps(mailboxes.take("/a")), Some(Vec::new()));
        mailboxes.unsubscribe(PUBSUB, &["/b".into()]);
        assert_eq!(mailboxes.take("/b"), None);
        assert!(mailboxes.has_topics());
        mailboxes.unsubscribe_all();
        assert!(!mailboxes.has_topics());
    }

    #[test]
    fn the_oldest_of_all_topics_makes_room() {
        let mailboxes = mailboxes();
        mailboxes.subscribe(PUBSUB, &["/a".into(), "/b".into()]).expect("room");
        mailboxes.deliver(&delivery("/a", 1));
        for timestamp in 2..=51 {
            mailboxes.deliver(&delivery("/b", timestamp));
        }
        assert_eq!(timestamps(mailboxes.take("/a")), Some(Vec::new()));
        assert_eq!(
            mailboxes.take("/b").map(|messages| messages.len()),
            Some(NWAKU_CACHE_MESSAGES)
        );
    }

    #[test]
    fn topics_are_limited() {
        let mailboxes = mailboxes();
        let topics: Vec<_> = (0..MAX_TOPICS).map(|n| format!("/{n}")).collect();
        mailboxes.subscribe(PUBSUB, &topics).expect("room");
        mailboxes.subscribe(PUBSUB, &topics).expect("known ones take no room");
        assert_eq!(mailboxes.subscribe(PUBSUB, &["/x".into()]), Err(TooManyTopics));
    }
}
