//! Finds causes and effects on different clocks in the events of the logs.
//!
//! The constraints, each sound whatever the queues between log line and wire do:
//!
//! - A publisher sends before the service node has read the request, and gets the answer after it was ready: one
//!   exchange bounds the offset from both sides.
//! - A service node has a message before its relay peers receive it from there, and before its subscribers do.
//! - A client connects to a service node before that node answers a filter request of it.
//! - A peer has started before anybody is connected to it.
//! - A message is received after it was sent.

use std::collections::{BTreeMap, BTreeSet};

use event_log::{Event, MessageHash, Record, event::Transport};

use super::{
    ClockBounds, NativeMoment,
    constraints::Constraints,
    moments::{Firsts, Moment, Moments, earliest, earliest_of_both},
};

/// Messages whose events are compared: those with the smallest hashes, which is a fair sample and the same one in
/// whatever order the logs are read. Ten thousand tighten a bound no more than a few do and take 10 MB.
pub const MAX_SAMPLED_HASHES: usize = 10_000;

/// Most moments of all sampled messages together, which take 100 MB at most. A message has a few at each node and host, so
/// of a fleet of a thousand native logs some hundred messages are compared.
const MAX_MOMENTS: usize = 500_000;

/// Most peers, and pairs of peers, whose first moments are kept.
const MAX_PEERS: usize = 100_000;

/// The clock of a log: that of its kernel, or one of its own when the kernel is not named.
pub(crate) fn clock_key(boot: Option<&str>, path: &str) -> String {
    boot.map_or_else(|| format!("log {path}"), |boot| format!("boot {boot}"))
}

/// Whose log it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Author<'a> {
    /// Path of the log as reports show it.
    pub(crate) path: &'a str,
    /// Boot id of its host.
    pub(crate) boot: Option<&'a str>,
    /// The service node that wrote it.
    pub(crate) own: Option<&'a str>,
    /// What its host states about the error of its clock.
    pub(crate) clock_error_ns: Option<u64>,
    /// Whether it is a native log.
    pub(crate) is_native: bool,
}

/// The log whose events are being added.
#[derive(Debug, Clone)]
pub(crate) struct LogClock {
    clock: usize,
    own: Option<String>,
    /// Peer ids of its clients.
    clients: BTreeMap<u32, String>,
}

impl LogClock {
    /// Makes a client of the log known; before its other events.
    pub(crate) fn client(&mut self, client: u32, peer_id: &str) {
        self.clients.insert(client, peer_id.to_owned());
    }
}

/// Collects moments, log by log. Several readers may have one each, for the clocks of one of them.
#[derive(Debug)]
pub(crate) struct Observer {
    max_moments: usize,
    constraints: Constraints,
    by_hash: BTreeMap<MessageHash, Moments>,
    /// Moments in `by_hash`.
    moments: usize,
    /// This hash and all larger ones did not fit.
    too_large: Option<MessageHash>,
    /// First connection of (client's peer id, service node), by the client's clock.
    connected: Firsts<(String, String)>,
    /// First filter request of (client's peer id, service node), by the node's clock.
    answered: Firsts<(String, String)>,
    /// Start of a peer, by its own clock.
    born: Firsts<String>,
    /// When (peer) was first connected to (service node), by the node's clock.
    met: Firsts<(String, String)>,
}

impl Default for Observer {
    fn default() -> Self {
        Self::with_room(MAX_MOMENTS)
    }
}

impl Observer {
    fn with_room(max_moments: usize) -> Self {
        Self {
            max_moments,
            constraints: Constraints::default(),
            by_hash: BTreeMap::new(),
            moments: 0,
            too_large: None,
            connected: Firsts::new(),
            answered: Firsts::new(),
            born: Firsts::new(),
            met: Firsts::new(),
        }
    }

    /// Makes a log known.
    pub(crate) fn log(&mut self, author: Author<'_>) -> LogClock {
        let key = clock_key(author.boot, author.path);
        let clock = self.constraints.clock(key, author.is_native);
        if let Some(error_ns) = author.clock_error_ns {
            self.constraints.add_error(clock, error_ns);
        }
        LogClock {
            clock,
            own: author.own.map(str::to_owned),
            clients: BTreeMap::new(),
        }
    }

    /// Adds an event.
    pub(crate) fn add(&mut self, log: &LogClock, record: &Record) {
        let at_ns = record.time.unix_ns();
        let now = (log.clock, at_ns);
        match &record.event {
            Event::PublishAttempt(e) => self.sent(log, e.hash, e.sent.unix_ns(), &e.service_node),
            Event::Published(e) => {
                self.sent(log, e.hash, e.sent.unix_ns(), &e.service_node);
                let by = e.service_node.clone();
                self.put(log, e.hash, e.acked.unix_ns(), Moment::Acked { by });
            }
            Event::LightpushHandled(e) => {
                let (Some(hash), Some(own)) = (e.hash, log.own.clone()) else {
                    return;
                };
                let read_ns = e.received.unix_ns();
                self.put(log, hash, read_ns, Moment::Read { own: own.clone() });
                self.put(log, hash, read_ns, Moment::Had { own: own.clone() });
                self.put(log, hash, at_ns, Moment::Answered { own });
            }
            Event::RelayReceived(e) => {
                let Some(own) = log.own.clone() else { return };
                self.put(log, e.hash, at_ns, Moment::Had { own: own.clone() });
                let (own, from) = (Some(own), Some(e.from_peer.clone()));
                self.put(log, e.hash, at_ns, Moment::Got { own, from });
            }
            Event::Received(e) => {
                // A relaying go-waku may hand out over REST what its own filter peer sent it, before its relay has it.
                let from = (e.transport != Some(Transport::Rest)).then(|| e.service_node.clone());
                self.put(log, e.hash, at_ns, Moment::Got { own: None, from });
            }
            Event::RunStarted(e) => {
                if let Some(own) = &e.peer_id {
                    first(&mut self.born, own.clone(), now);
                }
            }
            Event::ClientStarted(e) => first(&mut self.born, e.peer_id.clone(), now),
            Event::PeerConnected(e) => {
                if let Some(own) = &log.own {
                    first(&mut self.met, (e.peer.clone(), own.clone()), now);
                }
            }
            Event::Connected(e) => {
                if let Some(peer) = log.clients.get(&e.client) {
                    first(&mut self.connected, (peer.clone(), e.service_node.clone()), now);
                }
            }
            Event::FilterHandled(e) => {
                if let Some(own) = &log.own {
                    first(&mut self.answered, (e.peer.clone(), own.clone()), now);
                }
            }
            _ => {}
        }
    }

    /// Adds a line of a native log, mostly about the message `hash`; `peer` is whom it names, in full.
    pub(crate) fn add_native(
        &mut self,
        log: &LogClock,
        hash: Option<MessageHash>,
        moment: NativeMoment,
        peer: Option<&str>,
    ) {
        let Some(own) = &log.own else { return };
        if let (Some(at_ns), Some(peer)) = (moment.filter_request_ns(), peer) {
            first(&mut self.answered, (peer.to_owned(), own.clone()), (log.clock, at_ns));
        }
        let Some(hash) = hash else { return };
        for (at_ns, moment) in moment.moments(own, peer) {
            self.put(log, hash, at_ns, moment);
        }
    }

    fn sent(&mut self, log: &LogClock, hash: MessageHash, sent_ns: i64, to: &str) {
        let to = to.to_owned();
        self.put(log, hash, sent_ns, Moment::Sent { to });
    }

    /// Whether moments of this hash still fit.
    pub(crate) fn wants(&self, hash: &MessageHash) -> bool {
        self.too_large.is_none_or(|too_large| *hash < too_large)
    }

    fn put(&mut self, log: &LogClock, hash: MessageHash, at_ns: i64, moment: Moment) {
        if !self.wants(&hash) {
            return;
        }
        let moments = self.by_hash.entry(hash).or_default();
        let before = moments.count();
        moments.add(log.clock, at_ns, moment);
        self.moments += moments.count() - before;
        self.fit();
    }

    /// Lets go of the largest hashes until the rest fits. What stays is the same in whatever order the moments came: a hash
    /// goes only when those up to it are too many.
    fn fit(&mut self) {
        while self.moments > self.max_moments || self.by_hash.len() > MAX_SAMPLED_HASHES {
            let Some((hash, moments)) = self.by_hash.pop_last() else {
                return;
            };
            self.moments -= moments.count();
            self.too_large = Some(hash);
        }
    }

    /// Takes over what another has collected for the same clocks.
    pub(crate) fn append(&mut self, more: Self) {
        earliest_of_both(&mut self.connected, more.connected);
        earliest_of_both(&mut self.answered, more.answered);
        earliest_of_both(&mut self.met, more.met);
        earliest_of_both(&mut self.born, more.born);
        for pairs in [&mut self.connected, &mut self.answered, &mut self.met] {
            keep_few(pairs);
        }
        keep_few(&mut self.born);
        self.too_large = [self.too_large, more.too_large].into_iter().flatten().min();
        if let Some(too_large) = self.too_large {
            let beyond = self.by_hash.split_off(&too_large);
            self.moments -= beyond.values().map(Moments::count).sum::<usize>();
        }
        for (hash, moments) in more.by_hash {
            if self.wants(&hash) {
                let known = self.by_hash.entry(hash).or_default();
                let before = known.count();
                known.append(moments);
                self.moments += known.count() - before;
                self.fit();
            }
        }
    }

    /// The bounds of all offsets.
    pub(crate) fn finish(mut self) -> ClockBounds {
        let constraints = &mut self.constraints;
        self.by_hash.values().for_each(|moments| moments.compare(constraints));
        let mut add = |cause: Option<&Option<(usize, i64)>>, effect: &Option<(usize, i64)>| {
            if let (Some(Some((a, cause_ns))), Some((b, effect_ns))) = (cause, effect) {
                constraints.add(*a, *cause_ns, *b, *effect_ns);
            }
        };
        for (pair, answered) in &self.answered {
            add(self.connected.get(pair), answered);
        }
        for ((peer, _), met) in &self.met {
            add(self.born.get(peer), met);
        }
        for ((_, node), connected) in &self.connected {
            add(self.born.get(node), connected);
        }
        self.constraints.bounds()
    }
}

/// Keeps the earliest moment of each key, of a limited number of keys.
fn first<K: Ord>(firsts: &mut Firsts<K>, key: K, moment: (usize, i64)) {
    earliest(firsts, key, moment);
    keep_few(firsts);
}

/// Of too many keys the smallest stay, whatever the order.
fn keep_few<K: Ord>(firsts: &mut Firsts<K>) {
    while firsts.len() > MAX_PEERS {
        firsts.pop_last();
    }
}

/// The messages whose events are compared, of all that were sent.
pub(super) fn sample(hashes: impl Iterator<Item = MessageHash>) -> BTreeSet<MessageHash> {
    super::moments::smallest(hashes, MAX_SAMPLED_HASHES)
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
