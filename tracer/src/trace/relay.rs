//! The way of one hash between service nodes, as a tree: who had it first from whom.

use std::collections::{BTreeMap, BTreeSet};

use event_log::{Event, MessageHash, Timestamp, event::Role};

use super::{
    gather::LogFacts,
    model::{Hop, RelayTree},
    names::Names,
    native::{Native, Sighting, What},
};
use crate::units::show_ns;

/// Deepest tree that is drawn: a message crosses a few nodes, a log written to deceive has endless ways.
const MAX_HOPS: usize = 64;

/// A service node that had the hash, and how.
struct Holder {
    at: Timestamp,
    /// The relay peer it came from; `None` when a client pushed it here.
    from: Option<String>,
    pushed_by: Option<String>,
}

/// All that is known about the way of one hash.
struct Way<'a> {
    names: &'a Names,
    zero: Timestamp,
    holders: BTreeMap<&'a str, Holder>,
    sent: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Service nodes with a log.
    logs: BTreeMap<&'a str, Told>,
}

/// How much the log of a service node tells.
enum Told {
    Whole,
    /// It is torn; its end.
    Until(Timestamp),
    Native,
}

/// The tree of `hash`; `None` when no service node logged it.
pub(super) fn tree(logs: &[LogFacts], names: &Names, hash: MessageHash, zero: Timestamp) -> Option<RelayTree> {
    let way = Way::new(logs, names, hash, zero);
    let is_root = |holder: &Holder| {
        holder
            .from
            .as_deref()
            .is_none_or(|from| !way.holders.contains_key(from))
    };
    let mut seen = BTreeSet::new();
    let mut roots: Vec<&str> = way
        .holders
        .iter()
        .filter(|(_, h)| is_root(h))
        .map(|(peer, _)| *peer)
        .collect();
    roots.sort_by_key(|peer| (way.holders[peer].at, *peer));
    let mut roots: Vec<Hop> = roots.into_iter().map(|peer| way.hop(peer, 0, &mut seen)).collect();
    // Whoever is left stands in a circle, which honest logs do not have.
    for peer in way.holders.keys() {
        if !seen.contains(peer) {
            roots.push(way.hop(peer, 0, &mut seen));
        }
    }
    (!roots.is_empty()).then_some(RelayTree { hash, roots })
}

impl<'a> Way<'a> {
    fn new(logs: &'a [LogFacts], names: &'a Names, hash: MessageHash, zero: Timestamp) -> Self {
        let mut way = Self {
            names,
            zero,
            holders: BTreeMap::new(),
            sent: BTreeMap::new(),
            logs: BTreeMap::new(),
        };
        for log in logs.iter().filter(|log| log.role() == Some(Role::ServiceNode)) {
            let Some(own) = log.peer_id() else { continue };
            if let Some(native) = &log.native {
                way.logs.insert(own, Told::Native);
                way.take_native(own, native, hash);
                continue;
            }
            let told = log.last.filter(|_| !log.is_whole());
            way.logs.insert(own, told.map_or(Told::Whole, Told::Until));
            for record in &log.records {
                way.take(own, record.time, &record.event, hash);
            }
        }
        way
    }

    fn take(&mut self, own: &'a str, at: Timestamp, event: &'a Event, hash: MessageHash) {
        let holder = match event {
            Event::LightpushHandled(e) if e.hash == Some(hash) => Holder {
                at: e.received,
                from: None,
                pushed_by: Some(e.peer.clone()),
            },
            Event::RelayReceived(e) if e.hash == hash => Holder {
                at,
                from: Some(e.from_peer.clone()),
                pushed_by: None,
            },
            Event::RelaySent(e) if e.hash == hash => {
                self.sent
                    .entry(own)
                    .or_default()
                    .extend(e.to_peers.iter().map(String::as_str));
                return;
            }
            _ => return,
        };
        let first = self.holders.get(own).is_none_or(|known| holder.at < known.at);
        if first {
            self.holders.insert(own, holder);
        }
    }

    fn take_native(&mut self, own: &'a str, native: &'a Native, hash: MessageHash) {
        let mut of_hash = native.sightings.iter().filter(|sighting| sighting.hash == hash);
        let sent = of_hash.clone().filter(|sighting| sighting.what == What::RelaySent);
        self.sent
            .entry(own)
            .or_default()
            .extend(sent.flat_map(|sighting| sighting.peers.iter().map(String::as_str)));
        // The first line that tells how it came; lines of the services within the node may have earlier times.
        let came = |sighting: &&Sighting| matches!(sighting.what, What::Requested | What::RelayReceived);
        let Some(first) = of_hash.clone().find(came).or_else(|| of_hash.find(|s| s.what.had())) else {
            return;
        };
        let peer = first.peers.first().cloned();
        let holder = Holder {
            at: first.at,
            from: peer.clone().filter(|_| first.what == What::RelayReceived),
            pushed_by: peer.filter(|_| first.what == What::Requested),
        };
        if self.holders.get(own).is_none_or(|known| holder.at < known.at) {
            self.holders.insert(own, holder);
        }
    }

    fn hop(&self, peer: &'a str, depth: usize, seen: &mut BTreeSet<&'a str>) -> Hop {
        seen.insert(peer);
        let holder = &self.holders[peer];
        let how = match (&holder.pushed_by, &holder.from) {
            (Some(client), _) => format!("pushed here by {}", self.names.of(client)),
            (None, Some(from)) if depth == 0 => {
                format!("relayed by {}, of which nothing is known", self.names.of(from))
            }
            (None, None) => "its log does not say from whom".to_owned(),
            (None, Some(_)) => String::new(),
        };
        let mut children: Vec<&str> = self
            .holders
            .iter()
            .filter(|(child, h)| h.from.as_deref() == Some(peer) && !seen.contains(*child))
            .map(|(child, _)| *child)
            .collect();
        children.sort_by_key(|child| (self.holders[child].at, *child));
        let mut next = Vec::new();
        if depth < MAX_HOPS {
            for child in children {
                if !seen.contains(child) {
                    next.push(self.hop(child, depth + 1, seen));
                }
            }
        }
        next.extend(self.lost_ends(peer));
        Hop {
            node: self.names.of(peer),
            peer_id: peer.to_owned(),
            since_zero_ns: Some(holder.at.since_ns(self.zero)),
            how,
            next,
        }
    }

    /// The peers it was handed to that do not tell of it.
    fn lost_ends(&self, peer: &str) -> Vec<Hop> {
        let silent = self
            .sent
            .get(peer)
            .into_iter()
            .flatten()
            .filter(|to| !self.holders.contains_key(**to));
        let how = |to: &str| match self.logs.get(to) {
            None => "was handed it, and has no log here".to_owned(),
            Some(Told::Whole) => "was handed it, and its whole log does not have it".to_owned(),
            Some(Told::Native) => "was handed it, and its native log does not have it".to_owned(),
            Some(Told::Until(last)) => {
                let last = show_ns(last.since_ns(self.zero));
                format!("was handed it; its log breaks off at {last} and does not have it")
            }
        };
        silent
            .map(|to| Hop {
                node: self.names.of(to),
                peer_id: (*to).to_owned(),
                since_zero_ns: None,
                how: how(to),
                next: Vec::new(),
            })
            .collect()
    }
}
