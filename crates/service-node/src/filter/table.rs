//! Who subscribed to what: the state behind the filter service.

mod limits;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use libp2p::PeerId;

pub use limits::{FilterLimits, Refusal};

/// The subscriptions, by subscriber and by topic.
///
/// A request succeeds as a whole or changes nothing. Every success renews the subscriber's lifetime. A subscription
/// whose lifetime is over stays, and can be renewed, until [`Self::expire`] is called, as in nwaku, whose maintenance
/// runs once a minute.
#[derive(Debug)]
pub struct SubscriptionTable {
    limits: FilterLimits,
    subscribers: HashMap<PeerId, Subscriber>,
    by_topic: HashMap<Arc<str>, HashMap<Arc<str>, HashSet<PeerId>>>,
    criteria_count: usize,
}

#[derive(Debug)]
struct Subscriber {
    renewed: Instant,
    /// Content topics by pubsub topic; no set is empty. Their texts are shared with the table's.
    topics: HashMap<Arc<str>, HashSet<Arc<str>>>,
    criteria_count: usize,
}

impl SubscriptionTable {
    /// An empty table.
    pub fn new(limits: FilterLimits) -> Self {
        Self {
            limits,
            subscribers: HashMap::new(),
            by_topic: HashMap::new(),
            criteria_count: 0,
        }
    }

    /// Adds `content_topics` of `pubsub_topic` to what `peer` gets.
    ///
    /// The limit on criteria counts distinct pairs: subscribing again to what one has always succeeds. (nwaku adds the
    /// size of the request even if all of it is known.)
    ///
    /// # Errors
    /// 400 for a missing, too long, or too many topics; 503 when a limit is reached.
    pub fn subscribe(
        &mut self,
        peer: PeerId,
        pubsub_topic: &str,
        content_topics: &[String],
        now: Instant,
    ) -> Result<(), Refusal> {
        self.limits.check_topics(pubsub_topic, content_topics)?;
        let known = self.subscribers.get(&peer);
        if known.is_none() && self.subscribers.len() >= self.limits.max_subscribers {
            let max = self.limits.max_subscribers;
            return Err(Refusal::full(format!(
                "node has reached maximum number of subscriptions: {max}"
            )));
        }
        let held = known.and_then(|subscriber| subscriber.topics.get(pubsub_topic));
        let added: HashSet<&str> = content_topics
            .iter()
            .map(String::as_str)
            .filter(|topic| held.is_none_or(|held| !held.contains(*topic)))
            .collect();
        let criteria_count = known.map_or(0, |subscriber| subscriber.criteria_count) + added.len();
        if criteria_count > self.limits.max_criteria_per_peer {
            return Err(Refusal::full("peer has reached maximum number of filter criteria"));
        }
        self.add(peer, pubsub_topic, &added, now);
        Ok(())
    }

    /// Takes `content_topics` of `pubsub_topic` from what `peer` gets; with the last one the subscriber goes.
    ///
    /// # Errors
    /// 400 for a missing, too long, or too many topics; 404 if `peer` held none of them. (nwaku answers 404 only if
    /// the peer has no subscription at all or *nobody* holds a criterion; a client cannot tell the difference.)
    pub fn unsubscribe(
        &mut self,
        peer: PeerId,
        pubsub_topic: &str,
        content_topics: &[String],
        now: Instant,
    ) -> Result<(), Refusal> {
        self.limits.check_topics(pubsub_topic, content_topics)?;
        let subscriber = self.subscribers.get_mut(&peer).ok_or_else(Refusal::not_found)?;
        let held = subscriber.topics.get_mut(pubsub_topic).ok_or_else(Refusal::not_found)?;
        let mut removed_count = 0;
        for topic in content_topics {
            if held.remove(topic.as_str()) {
                removed_count += 1;
                unlink(&mut self.by_topic, pubsub_topic, topic, &peer);
            }
        }
        if removed_count == 0 {
            return Err(Refusal::not_found());
        }
        if held.is_empty() {
            subscriber.topics.remove(pubsub_topic);
        }
        subscriber.criteria_count -= removed_count;
        subscriber.renewed = now;
        self.criteria_count -= removed_count;
        if subscriber.criteria_count == 0 {
            self.subscribers.remove(&peer);
        }
        Ok(())
    }

    /// Removes `peer` and all it subscribed to.
    ///
    /// # Errors
    /// 404 if there is nothing to remove.
    pub fn unsubscribe_all(&mut self, peer: PeerId) -> Result<(), Refusal> {
        if self.remove(&peer) {
            Ok(())
        } else {
            Err(Refusal::not_found())
        }
    }

    /// Renews the lifetime of `peer`.
    ///
    /// # Errors
    /// 404 if it has no subscription.
    pub fn ping(&mut self, peer: PeerId, now: Instant) -> Result<(), Refusal> {
        let subscriber = self.subscribers.get_mut(&peer).ok_or_else(Refusal::not_found)?;
        subscriber.renewed = now;
        Ok(())
    }

    /// Who gets messages of this pubsub and content topic, in no particular order. Allocates nothing.
    pub fn subscribers<'table>(
        &'table self,
        pubsub_topic: &str,
        content_topic: &str,
    ) -> impl Iterator<Item = PeerId> + use<'table> {
        let peers = self
            .by_topic
            .get(pubsub_topic)
            .and_then(|contents| contents.get(content_topic));
        peers.into_iter().flatten().copied()
    }

    /// Removes the subscribers whose last renewal is longer ago than the lifetime, and tells which.
    pub fn expire(&mut self, now: Instant) -> Vec<PeerId> {
        let ttl = self.limits.ttl;
        let is_over = |subscriber: &Subscriber| now.saturating_duration_since(subscriber.renewed) > ttl;
        let expired: Vec<PeerId> = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| is_over(subscriber))
            .map(|(peer, _)| *peer)
            .collect();
        for peer in &expired {
            self.remove(peer);
        }
        expired
    }

    /// Removes `peer` and all it subscribed to; false if it had nothing.
    pub fn remove(&mut self, peer: &PeerId) -> bool {
        let Some(subscriber) = self.subscribers.remove(peer) else {
            return false;
        };
        for (pubsub_topic, content_topics) in &subscriber.topics {
            for content_topic in content_topics {
                unlink(&mut self.by_topic, pubsub_topic, content_topic, peer);
            }
        }
        self.criteria_count -= subscriber.criteria_count;
        true
    }

    /// True if `peer` has a subscription.
    pub fn contains(&self, peer: &PeerId) -> bool {
        self.subscribers.contains_key(peer)
    }

    /// Every subscriber, in no particular order.
    pub fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.subscribers.keys().copied()
    }

    /// Subscribers.
    pub fn len(&self) -> usize {
        self.subscribers.len()
    }

    /// True if there is no subscriber.
    pub fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    /// (subscriber, pubsub topic, content topic) triples.
    pub fn criteria_count(&self) -> usize {
        self.criteria_count
    }

    fn add(&mut self, peer: PeerId, pubsub_topic: &str, added: &HashSet<&str>, now: Instant) {
        let fresh = || Subscriber {
            renewed: now,
            topics: HashMap::new(),
            criteria_count: 0,
        };
        let subscriber = self.subscribers.entry(peer).or_insert_with(fresh);
        subscriber.renewed = now;
        if added.is_empty() {
            return;
        }
        let pubsub_key = shared_key(&self.by_topic, pubsub_topic);
        let contents = self.by_topic.entry(Arc::clone(&pubsub_key)).or_default();
        let held = subscriber.topics.entry(pubsub_key).or_default();
        for content_topic in added {
            let content_key = shared_key(contents, content_topic);
            contents.entry(Arc::clone(&content_key)).or_default().insert(peer);
            held.insert(content_key);
        }
        subscriber.criteria_count += added.len();
        self.criteria_count += added.len();
    }
}

/// The map's own copy of `text`, or a new one.
fn shared_key<V>(map: &HashMap<Arc<str>, V>, text: &str) -> Arc<str> {
    map.get_key_value(text)
        .map_or_else(|| Arc::from(text), |(key, _)| Arc::clone(key))
}

/// Removes one triple from the topic side, and levels that became empty.
fn unlink(
    by_topic: &mut HashMap<Arc<str>, HashMap<Arc<str>, HashSet<PeerId>>>,
    pubsub_topic: &str,
    content_topic: &str,
    peer: &PeerId,
) {
    let Some(contents) = by_topic.get_mut(pubsub_topic) else {
        return;
    };
    if let Some(peers) = contents.get_mut(content_topic) {
        peers.remove(peer);
        if peers.is_empty() {
            contents.remove(content_topic);
        }
    }
    if contents.is_empty() {
        by_topic.remove(pubsub_topic);
    }
}

#[cfg(test)]
mod tests;
