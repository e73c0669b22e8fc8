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

use std::collections::{BTreeMap, btree_map::Entry};

use event_log::{
    Event, MessageHash, Record,
    event::{RunStarted, Transport},
};

use super::ClockBounds;

/// Messages whose events are compared: those with the smallest hashes, which is a fair sample and the same one in
/// whatever order the logs are read. Ten thousand tighten a bound no more than a few do and take 10 MB.
pub const MAX_SAMPLED_HASHES: usize = 10_000;

/// Most events of one message that are compared: a message has a few at each node, and a hostile log has millions.
const MAX_EVENTS_OF_HASH: usize = 4096;

/// Most peers, and pairs of peers, whose first moments are kept.
const MAX_PEERS: usize = 100_000;

/// First moment of each key, as (clock, nanoseconds).
type Firsts<K> = BTreeMap<K, Option<(usize, i64)>>;

/// The clock of a log: that of its kernel, or one of its own when the kernel is not named.
pub(crate) fn clock_key(boot: Option<&str>, path: &str) -> String {
    boot.map_or_else(|| format!("log {path}"), |boot| format!("boot {boot}"))
}

/// Moments of one message, each with its clock.
#[derive(Debug, Default)]
struct Moments {
    sent: Vec<Moment>,
    acked: Vec<Moment>,
    answered: Vec<Moment>,
    /// When a service node had it.
    had: Vec<Moment>,
    /// When a node or receiver got it from `peer`.
    got: Vec<Moment>,
    count: usize,
}

/// A moment on a clock; `peer` is whom the event names, `own` the service node that logged it.
#[derive(Debug)]
struct Moment {
    clock: usize,
    at_ns: i64,
    peer: Option<String>,
    own: Option<String>,
}

/// Collects moments, log by log.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    bounds: ClockBounds,
    by_hash: BTreeMap<MessageHash, Moments>,
    /// First connection of (client's peer id, service node), by the client's clock.
    connected: Firsts<(String, String)>,
    /// First filter request of (client's peer id, service node), by the node's clock.
    answered: Firsts<(String, String)>,
    /// Start of a peer, by its own clock.
    born: Firsts<String>,
    /// When (peer) was first connected to (service node), by the node's clock.
    met: Firsts<(String, String)>,
}

/// The log whose events are being added.
#[derive(Debug)]
pub(crate) struct LogClock {
    clock: usize,
    own: Option<String>,
    /// Peer ids of its clients.
    clients: BTreeMap<u32, String>,
}

impl Observer {
    /// Begins a log.
    pub(crate) fn log(&mut self, path: &str, header: Option<&RunStarted>) -> LogClock {
        let boot = header.and_then(|header| header.boot.as_deref());
        let clock = self.bounds.clock(&clock_key(boot, path));
        if let Some(error_ns) = header.and_then(|header| header.clock_error_ns) {
            self.bounds.add_error(clock, error_ns);
        }
        LogClock {
            clock,
            own: header.and_then(|header| header.peer_id.clone()),
            clients: BTreeMap::new(),
        }
    }

    /// Makes a client of the log known; before its other events.
    pub(crate) fn client(&mut self, log: &mut LogClock, record: &Record) {
        if let Event::ClientStarted(e) = &record.event {
            log.clients.insert(e.client, e.peer_id.clone());
        }
    }

    /// Adds an event.
    pub(crate) fn add(&mut self, log: &LogClock, record: &Record) {
        let at_ns = record.time.unix_ns();
        let moment = |at_ns: i64, peer: Option<&String>| Moment {
            clock: log.clock,
            at_ns,
            peer: peer.cloned(),
            own: log.own.clone(),
        };
        match &record.event {
            Event::PublishAttempt(e) => {
                self.put(e.hash, |m| &mut m.sent, moment(e.sent.unix_ns(), Some(&e.service_node)))
            }
            Event::Published(e) => {
                self.put(e.hash, |m| &mut m.sent, moment(e.sent.unix_ns(), Some(&e.service_node)));
                self.put(
                    e.hash,
                    |m| &mut m.acked,
                    moment(e.acked.unix_ns(), Some(&e.service_node)),
                );
            }
            Event::LightpushHandled(e) => {
                let Some(hash) = e.hash else { return };
                self.put(hash, |m| &mut m.had, moment(e.received.unix_ns(), None));
                self.put(hash, |m| &mut m.answered, moment(at_ns, None));
            }
            Event::RelayReceived(e) => {
                self.put(e.hash, |m| &mut m.had, moment(at_ns, None));
                self.put(e.hash, |m| &mut m.got, moment(at_ns, Some(&e.from_peer)));
            }
            Event::Received(e) => {
                // A relaying go-waku may hand out over REST what its own filter peer sent it, before its relay has it.
                let from = Some(&e.service_node).filter(|_| e.transport != Some(Transport::Rest));
                self.put(e.hash, |m| &mut m.got, moment(at_ns, from));
            }
            Event::RunStarted(e) => {
                if let Some(own) = &e.peer_id {
                    earliest(&mut self.born, own.clone(), (log.clock, at_ns));
                }
            }
            Event::ClientStarted(e) => earliest(&mut self.born, e.peer_id.clone(), (log.clock, at_ns)),
            Event::PeerConnected(e) => {
                if let Some(own) = &log.own {
                    earliest(&mut self.met, (e.peer.clone(), own.clone()), (log.clock, at_ns));
                }
            }
            Event::Connected(e) => {
                if let Some(peer) = log.clients.get(&e.client) {
                    earliest(
                        &mut self.connected,
                        (peer.clone(), e.service_node.clone()),
                        (log.clock, at_ns),
                    );
                }
            }
            Event::FilterHandled(e) => {
                if let Some(own) = &log.own {
                    earliest(&mut self.answered, (e.peer.clone(), own.clone()), (log.clock, at_ns));
                }
            }
            _ => {}
        }
    }

    /// Whether events of this hash are still wanted: the sample is full of smaller ones otherwise.
    pub(crate) fn wants(&self, hash: &MessageHash) -> bool {
        self.by_hash.len() < MAX_SAMPLED_HASHES || self.by_hash.last_key_value().is_some_and(|(last, _)| hash <= last)
    }

    fn put(&mut self, hash: MessageHash, list: fn(&mut Moments) -> &mut Vec<Moment>, moment: Moment) {
        if !self.wants(&hash) {
            return;
        }
        let moments = self.by_hash.entry(hash).or_default();
        moments.count += 1;
        if moments.count <= MAX_EVENTS_OF_HASH {
            list(moments).push(moment);
        }
        if self.by_hash.len() > MAX_SAMPLED_HASHES {
            self.by_hash.pop_last();
        }
    }

    /// The bounds of all offsets.
    pub(crate) fn finish(mut self) -> ClockBounds {
        for moments in self.by_hash.values() {
            // Which of too many events were kept depends on their order, so none counts.
            if moments.count <= MAX_EVENTS_OF_HASH {
                compare(moments, &mut self.bounds);
            }
        }
        let bounds = &mut self.bounds;
        let mut add = |cause: Option<&Option<(usize, i64)>>, effect: &Option<(usize, i64)>| {
            if let (Some(Some((a, cause_ns))), Some((b, effect_ns))) = (cause, effect) {
                bounds.add(*a, *cause_ns, *b, *effect_ns);
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
        self.bounds.close();
        self.bounds
    }
}

/// Adds the constraints of one message. Of several moments at one place the earliest ones are compared: each effect
/// has a cause, so the first effect comes after the first cause.
fn compare(moments: &Moments, bounds: &mut ClockBounds) {
    let had = first_by(&moments.had, |m| m.own.as_deref());
    let answered = first_by(&moments.answered, |m| m.own.as_deref());
    let sent_to = first_by(&moments.sent, |m| m.peer.as_deref());
    for (node, (clock, sent_ns)) in &sent_to {
        // Only a node that was asked directly had it from here.
        if let (Some((node_clock, had_ns)), true) = (had.get(node), answered.contains_key(node))
            && !moments.got.iter().any(|m| m.own.as_deref() == Some(*node))
        {
            bounds.add(*clock, *sent_ns, *node_clock, *had_ns);
        }
    }
    for acked in &moments.acked {
        if let Some((node_clock, ready_ns)) = acked.peer.as_deref().and_then(|node| answered.get(node)) {
            bounds.add(*node_clock, *ready_ns, acked.clock, acked.at_ns);
        }
    }
    let first_sent = moments.sent.iter().min_by_key(|m| m.at_ns);
    let one_sender = first_sent.is_some_and(|first| moments.sent.iter().all(|m| m.clock == first.clock));
    for got in &moments.got {
        if let Some((from_clock, had_ns)) = got.peer.as_deref().and_then(|from| had.get(from)) {
            bounds.add(*from_clock, *had_ns, got.clock, got.at_ns);
        }
        if let Some(sent) = first_sent.filter(|_| one_sender) {
            bounds.add(sent.clock, sent.at_ns, got.clock, got.at_ns);
        }
    }
}

/// The first moment of each name. A name that was seen on several clocks proves nothing and is left out.
fn first_by<'a>(
    moments: &'a [Moment],
    name: impl Fn(&'a Moment) -> Option<&'a str>,
) -> BTreeMap<&'a str, (usize, i64)> {
    let mut first: BTreeMap<&str, Option<(usize, i64)>> = BTreeMap::new();
    for moment in moments {
        let Some(name) = name(moment) else { continue };
        match first.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(Some((moment.clock, moment.at_ns)));
            }
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                *known = known
                    .filter(|(clock, _)| *clock == moment.clock)
                    .map(|(clock, at_ns)| (clock, at_ns.min(moment.at_ns)));
            }
        }
    }
    first
        .into_iter()
        .filter_map(|(name, moment)| Some((name, moment?)))
        .collect()
}

/// Keeps the earliest moment of each key. A key seen on several clocks proves nothing (`None`), and of too many keys the
/// smallest stay, whatever the order.
fn earliest<K: Ord>(map: &mut Firsts<K>, key: K, moment: (usize, i64)) {
    match map.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(Some(moment));
        }
        Entry::Occupied(mut entry) => {
            let known = entry.get_mut();
            *known = known
                .filter(|(clock, _)| *clock == moment.0)
                .map(|(clock, at_ns)| (clock, at_ns.min(moment.1)));
        }
    }
    if map.len() > MAX_PEERS {
        map.pop_last();
    }
}
