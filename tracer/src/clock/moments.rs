//! When one message was where, and what that says about the clocks: an effect never comes before its cause.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use super::constraints::Constraints;

/// First moment of each key as (clock, nanoseconds). A key that was seen on several clocks proves nothing: `None`.
pub(super) type Firsts<K> = BTreeMap<K, Option<(usize, i64)>>;

/// Keeps the earliest moment of each key.
pub(super) fn earliest<K: Ord>(firsts: &mut Firsts<K>, key: K, moment: (usize, i64)) {
    earliest_or_none(firsts, key, Some(moment));
}

/// Puts two of them together.
pub(super) fn earliest_of_both<K: Ord>(firsts: &mut Firsts<K>, more: Firsts<K>) {
    for (key, moment) in more {
        earliest_or_none(firsts, key, moment);
    }
}

fn earliest_or_none<K: Ord>(firsts: &mut Firsts<K>, key: K, moment: Option<(usize, i64)>) {
    match firsts.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(moment);
        }
        Entry::Occupied(mut entry) => {
            let known = entry.get_mut();
            *known = match (*known, moment) {
                (Some(known), Some(moment)) if known.0 == moment.0 => Some((known.0, known.1.min(moment.1))),
                _ => None,
            };
        }
    }
}

/// Who got a message where: (clock, the service node that got it, whom it names as the sender).
type Got = (usize, Option<String>, Option<String>);

/// The first moments of one message. Only the first of each place is kept: each effect has a cause, so the first effect
/// comes after the first cause. So thousands of receivers on one host are one moment.
#[derive(Debug, Default)]
pub(super) struct Moments {
    /// Sent by a publisher, by service node.
    sent_to: Firsts<String>,
    /// Sent by a publisher, by clock.
    sent_by: BTreeMap<usize, i64>,
    /// The publisher has the answer, by its clock and service node.
    acked: BTreeMap<(usize, String), i64>,
    /// A service node has read the request.
    read: Firsts<String>,
    /// A service node was about to answer it.
    answered: Firsts<String>,
    /// A service node has it, and may hand it on from now on.
    had: Firsts<String>,
    /// A service node begins to push it to its subscribers.
    pushing: Firsts<String>,
    /// A service node hands it to a relay peer: (from, to).
    handed: Firsts<(String, String)>,
    got: BTreeMap<Got, i64>,
}

/// One moment of a message; strings are peer ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moment {
    Sent { to: String },
    Acked { by: String },
    Read { own: String },
    Answered { own: String },
    Had { own: String },
    Pushing { own: String },
    Handed { own: String, to: String },
    Got { own: Option<String>, from: Option<String> },
}

impl Moments {
    /// Adds a moment on a clock.
    pub(super) fn add(&mut self, clock: usize, at_ns: i64, moment: Moment) {
        let first = (clock, at_ns);
        match moment {
            Moment::Sent { to } => {
                earliest(&mut self.sent_to, to, first);
                least(&mut self.sent_by, clock, at_ns);
            }
            Moment::Acked { by } => least(&mut self.acked, (clock, by), at_ns),
            Moment::Read { own } => earliest(&mut self.read, own, first),
            Moment::Answered { own } => earliest(&mut self.answered, own, first),
            Moment::Had { own } => earliest(&mut self.had, own, first),
            Moment::Pushing { own } => earliest(&mut self.pushing, own, first),
            Moment::Handed { own, to } => earliest(&mut self.handed, (own, to), first),
            Moment::Got { own, from } => least(&mut self.got, (clock, own, from), at_ns),
        }
    }

    /// Puts those of two readers together.
    pub(super) fn append(&mut self, more: Self) {
        earliest_of_both(&mut self.sent_to, more.sent_to);
        earliest_of_both(&mut self.read, more.read);
        earliest_of_both(&mut self.answered, more.answered);
        earliest_of_both(&mut self.had, more.had);
        earliest_of_both(&mut self.pushing, more.pushing);
        earliest_of_both(&mut self.handed, more.handed);
        let add_all = |clocks: &mut BTreeMap<usize, i64>| {
            for (clock, at_ns) in more.sent_by {
                least(clocks, clock, at_ns);
            }
        };
        add_all(&mut self.sent_by);
        for (key, at_ns) in more.acked {
            least(&mut self.acked, key, at_ns);
        }
        for (key, at_ns) in more.got {
            least(&mut self.got, key, at_ns);
        }
    }

    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        let firsts = [&self.sent_to, &self.read, &self.answered, &self.had, &self.pushing];
        let firsts: usize = firsts.iter().map(|firsts| firsts.len()).sum();
        firsts + self.sent_by.len() + self.acked.len() + self.handed.len() + self.got.len()
    }

    /// Adds what they say about the clocks.
    pub(super) fn compare(&self, constraints: &mut Constraints) {
        let mut add = |cause: Option<&Option<(usize, i64)>>, clock: usize, at_ns: i64| {
            if let Some(Some((cause_clock, cause_ns))) = cause {
                constraints.add(*cause_clock, *cause_ns, clock, at_ns);
            }
        };
        for (node, read) in &self.read {
            if let Some((clock, at_ns)) = read {
                add(self.sent_to.get(node), *clock, *at_ns);
            }
        }
        for ((clock, node), at_ns) in &self.acked {
            add(self.answered.get(node), *clock, *at_ns);
        }
        // Of what several publishers sent it is not known whose arrived.
        let sent_by: Vec<_> = self
            .sent_by
            .iter()
            .map(|(clock, at_ns)| Some((*clock, *at_ns)))
            .collect();
        let only_sender = sent_by.first().filter(|_| sent_by.len() == 1);
        for ((clock, own, from), at_ns) in &self.got {
            add(only_sender, *clock, *at_ns);
            let Some(from) = from else { continue };
            add(self.had.get(from), *clock, *at_ns);
            match own {
                Some(own) => add(self.handed.get(&(from.clone(), own.clone())), *clock, *at_ns),
                None => add(self.pushing.get(from), *clock, *at_ns),
            }
        }
    }
}

fn least<K: Ord>(moments: &mut BTreeMap<K, i64>, key: K, at_ns: i64) {
    let known = moments.entry(key).or_insert(at_ns);
    *known = (*known).min(at_ns);
}

/// The smallest `count` of these.
pub(super) fn smallest<T: Ord>(all: impl Iterator<Item = T>, count: usize) -> BTreeSet<T> {
    let mut kept = BTreeSet::new();
    for one in all {
        if kept.len() < count || kept.last().is_some_and(|last| one < *last) {
            kept.insert(one);
        }
        if kept.len() > count {
            kept.pop_last();
        }
    }
    kept
}
