//! The receivers of a run: who they are, when they listened, and what reached them in order of arrival.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{Archive, ClientRecord, Log, PresenceRecord, StrayKind},
    symbols::Symbol,
    ways::Ways,
};

/// Most clients a log's header is believed to have; beyond it only clients that logged something are shown.
pub(crate) const MAX_CLIENTS: u32 = 100_000;

/// A light client of a receiver process.
#[derive(Debug)]
pub(crate) struct Receiver<'a> {
    pub(crate) name: String,
    pub(crate) log: usize,
    /// Its number in the log.
    pub(crate) client: u32,
    pub(crate) peer_id: Option<Symbol>,
    /// Service nodes it was ever subscribed at.
    pub(crate) service_nodes: BTreeSet<Symbol>,
    pub(crate) window: Window,
    /// Times without a live subscription, in order.
    pub(crate) gaps: Vec<Gap>,
    /// What arrived; `None` when nothing did.
    pub(crate) ways: Option<&'a Ways>,
    pub(crate) strays: BTreeMap<StrayKind, u64>,
}

/// From when to when a receiver observed, by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// First accepted subscription; `None`: it never had one.
    pub(crate) subscribed_ns: Option<i64>,
    /// `run_ended`, or for a torn log the last event less the time a delivery may take.
    pub(crate) until_ns: Option<i64>,
    /// Whether the log is whole.
    pub(crate) complete: bool,
}

/// When an attempt lay, as seen from a receiver's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Observation {
    Before,
    After,
    Within,
}

/// A time without a live subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gap {
    pub(crate) since_ns: i64,
    /// `i64::MAX` when it never ended.
    pub(crate) until_ns: i64,
}

impl Window {
    /// Where an attempt sent and settled (acknowledged) at these times lies.
    pub(crate) fn observe(&self, sent_ns: i64, settled_ns: i64) -> Observation {
        match self.subscribed_ns {
            Some(subscribed_ns) if sent_ns < subscribed_ns => Observation::Before,
            // Who never subscribed heard nothing, however short its life was.
            None if self.complete => Observation::Within,
            _ if self.until_ns.is_none_or(|until_ns| settled_ns > until_ns) => Observation::After,
            _ => Observation::Within,
        }
    }
}

impl Gap {
    pub(crate) fn overlaps(&self, from_ns: i64, to_ns: i64) -> bool {
        from_ns <= self.until_ns && to_ns >= self.since_ns
    }
}

/// The receivers of the logs `logs`, in the order of name and log.
pub(crate) fn receivers<'a>(archive: &'a Archive, logs: &[usize], late_after_ns: i64) -> Vec<Receiver<'a>> {
    let mut found: Vec<Receiver<'_>> = logs
        .iter()
        .flat_map(|log| of_log(archive, *log, late_after_ns))
        .collect();
    found.sort_by(|a, b| (&a.name, &archive.logs[a.log].path).cmp(&(&b.name, &archive.logs[b.log].path)));
    let mut uses: BTreeMap<String, u32> = BTreeMap::new();
    for receiver in &found {
        *uses.entry(receiver.name.clone()).or_default() += 1;
    }
    for receiver in found.iter_mut().filter(|receiver| uses[&receiver.name] > 1) {
        receiver.name = format!("{} in {}", receiver.name, archive.logs[receiver.log].path);
    }
    found
}

fn of_log(archive: &Archive, number: usize, late_after_ns: i64) -> Vec<Receiver<'_>> {
    let log = &archive.logs[number];
    let Some(header) = &log.header else { return Vec::new() };
    let until_ns = match &log.ended {
        Some(ended) => Some(ended.at_ns),
        // What arrived in the moments before the log broke off is not in it.
        None => log.last_ns.map(|last_ns| last_ns.saturating_sub(late_after_ns)),
    };
    let mut presence: BTreeMap<u32, Vec<PresenceRecord>> = BTreeMap::new();
    for record in &log.presence {
        presence.entry(record.client).or_default().push(*record);
    }
    let mut clients: BTreeMap<u32, Receiver<'_>> = BTreeMap::new();
    for client in clients_of(log, header.clients) {
        let window = Window {
            subscribed_ns: None,
            until_ns,
            complete: log.ended.is_some(),
        };
        clients.insert(
            client,
            Receiver {
                name: format!("{}/{client}", header.node),
                log: number,
                client,
                peer_id: None,
                service_nodes: BTreeSet::new(),
                window,
                gaps: presence.get(&client).map(|records| gaps(records)).unwrap_or_default(),
                ways: log.deliveries.get(&client),
                strays: BTreeMap::new(),
            },
        );
    }
    fill(archive, log, &mut clients);
    clients.into_values().collect()
}

fn fill(archive: &Archive, log: &Log, clients: &mut BTreeMap<u32, Receiver<'_>>) {
    // Of several starts of one client the latest tells its name, whatever the order of lines.
    let name = |symbol| archive.symbols.name(symbol);
    let mut started: Vec<&ClientRecord> = log.clients.iter().collect();
    started.sort_by_key(|record| (record.at_ns, name(record.name), name(record.peer_id)));
    for record in started {
        if let Some(receiver) = clients.get_mut(&record.client) {
            receiver.name = archive.symbols.name(record.name).to_owned();
            receiver.peer_id = Some(record.peer_id);
        }
    }
    for record in &log.subscriptions {
        if let Some(receiver) = clients.get_mut(&record.client) {
            receiver.service_nodes.insert(record.service_node);
            let subscribed_ns = &mut receiver.window.subscribed_ns;
            *subscribed_ns = Some(subscribed_ns.map_or(record.at_ns, |known| known.min(record.at_ns)));
        }
    }
    for stray in &log.strays {
        if let Some(receiver) = clients.get_mut(&stray.client) {
            *receiver.strays.entry(stray.kind).or_default() += 1;
        }
    }
}

/// The clients the header announces and those that logged anything.
fn clients_of(log: &Log, announced: u32) -> BTreeSet<u32> {
    let mut clients: BTreeSet<u32> = if announced <= MAX_CLIENTS {
        (0..announced).collect()
    } else {
        BTreeSet::new()
    };
    clients.extend(log.clients.iter().map(|record| record.client));
    clients.extend(log.subscriptions.iter().map(|record| record.client));
    clients.extend(log.deliveries.keys());
    clients.extend(log.strays.iter().map(|record| record.client));
    clients
}

/// The gaps in a client's presence: from each loss to the next restoration, overlapping ones joined.
fn gaps(records: &[PresenceRecord]) -> Vec<Gap> {
    let mut restored_ns: Vec<i64> = records
        .iter()
        .filter(|record| record.restored)
        .map(|record| record.at_ns)
        .collect();
    restored_ns.sort_unstable();
    let until_ns = |record: &PresenceRecord| {
        let next = restored_ns.partition_point(|at_ns| *at_ns < record.at_ns);
        restored_ns.get(next).copied().unwrap_or(i64::MAX)
    };
    let mut gaps: Vec<Gap> = records
        .iter()
        .map(|record| Gap {
            since_ns: record.since_ns,
            until_ns: until_ns(record),
        })
        .collect();
    gaps.sort_unstable();
    let mut joined: Vec<Gap> = Vec::new();
    for gap in gaps {
        match joined.last_mut() {
            Some(last) if gap.since_ns <= last.until_ns => last.until_ns = last.until_ns.max(gap.until_ns),
            _ => joined.push(gap),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(presence: &[(i64, i64, bool)]) -> Vec<PresenceRecord> {
        let record = |&(since_ns, at_ns, restored): &(i64, i64, bool)| PresenceRecord {
            client: 0,
            at_ns,
            since_ns,
            restored,
        };
        presence.iter().map(record).collect()
    }

    #[test]
    fn a_gap_runs_from_the_last_proof_of_life_to_the_restoration() {
        let gaps = gaps(&records(&[(10, 15, false), (10, 30, true), (50, 60, false)]));
        assert_eq!(
            gaps,
            [
                Gap {
                    since_ns: 10,
                    until_ns: 30
                },
                Gap {
                    since_ns: 50,
                    until_ns: i64::MAX
                }
            ]
        );
    }

    #[test]
    fn the_order_of_lines_does_not_matter_to_gaps() {
        let forward = records(&[(10, 15, false), (10, 30, true), (40, 41, false), (40, 45, true)]);
        let backward: Vec<_> = forward.iter().rev().copied().collect();
        assert_eq!(gaps(&forward), gaps(&backward));
        assert_eq!(gaps(&forward).len(), 2);
    }

    #[test]
    fn a_window_places_attempts() {
        let window = Window {
            subscribed_ns: Some(100),
            until_ns: Some(200),
            complete: true,
        };
        assert_eq!(window.observe(99, 150), Observation::Before);
        assert_eq!(window.observe(100, 200), Observation::Within);
        assert_eq!(window.observe(150, 201), Observation::After);
        let deaf = Window {
            subscribed_ns: None,
            ..window
        };
        assert_eq!(deaf.observe(5000, 5001), Observation::Within);
        let deaf_and_torn = Window {
            complete: false,
            ..deaf
        };
        assert_eq!(
            (deaf_and_torn.observe(1, 200), deaf_and_torn.observe(1, 201)),
            (Observation::Within, Observation::After)
        );
        let unborn = Window {
            until_ns: None,
            ..deaf_and_torn
        };
        assert_eq!(unborn.observe(1, 2), Observation::After);
    }

    #[test]
    fn a_gap_overlaps_what_touches_it() {
        let gap = Gap {
            since_ns: 10,
            until_ns: 20,
        };
        assert!(gap.overlaps(0, 10) && gap.overlaps(20, 25) && gap.overlaps(12, 13) && gap.overlaps(0, 99));
        assert!(!gap.overlaps(0, 9) && !gap.overlaps(21, 30));
    }
}
