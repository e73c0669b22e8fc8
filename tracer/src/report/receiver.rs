//! What a report says about one receiver.

use std::collections::BTreeMap;

use event_log::{MessageHash, Timestamp};

use super::{
    CellReport, Clock, Counts, DuplicateReport, GapReport, Latency, PlacedLoss, ReceiverReport, UnexpectedReport,
    clock::clock_between,
};
use crate::{
    join::Book,
    judge::{Cell, Judgement},
    latency::Distribution,
    model::{Archive, StrayKind},
    place::Place,
    ranges::IndexRanges,
    receivers::Receiver,
    series::{PairLatency, ReceiverSeries},
};

/// Shows what was judged.
pub(super) struct ReceiverReporter<'a> {
    pub(super) archive: &'a Archive,
    pub(super) book: &'a Book,
}

impl ReceiverReporter<'_> {
    /// The report on one receiver. Changes the order of the latencies.
    pub(super) fn report(
        &self,
        receiver: &Receiver<'_>,
        judgement: &mut Judgement,
        series: ReceiverSeries,
    ) -> ReceiverReport {
        let mut counts = Counts::default();
        judgement.cells.iter().for_each(|cell| counts += cell.counts);
        let clocks: Vec<Clock> = self
            .book
            .senders
            .iter()
            .map(|s| self.clock(receiver, &s.logs))
            .collect();
        let stray = |kind| receiver.strays.get(&kind).copied().unwrap_or(0);
        ReceiverReport {
            receiver: receiver.name.clone(),
            log: self.archive.logs[receiver.log].path.clone(),
            peer_id: receiver.peer_id.map(|peer| self.archive.symbols.name(peer).to_owned()),
            service_nodes: self.service_nodes(receiver),
            subscribed: receiver.window.subscribed_ns.map(Timestamp::from_unix_ns),
            observed_until: receiver.window.until_ns.map(Timestamp::from_unix_ns),
            gaps: gaps(receiver),
            presence: series.presence,
            reordering: series.reordering,
            counts,
            loss_percent: (counts.expected > 0).then(|| 100.0 * counts.lost as f64 / counts.expected as f64),
            corrupt: stray(StrayKind::Corrupt),
            foreign: stray(StrayKind::Foreign),
            malformed: stray(StrayKind::Malformed),
            other_run: judgement.other_run,
            unexpected: judgement.unexpected.len() as u64,
            unexpected_by_sender: self.unexpected(judgement),
            latency: Latency {
                from_intended: Distribution::of(&mut judgement.from_intended_ns),
                from_sent: Distribution::of(&mut judgement.from_sent_ns),
                clock: worst_of_heard(&clocks, &judgement.cells),
            },
            senders: judgement
                .cells
                .iter()
                .zip(&self.book.senders)
                .zip(series.pairs)
                .zip(&clocks)
                .map(|(((cell, s), latency), clock)| cell_report(cell, &s.name, latency, *clock))
                .collect(),
            duplicates: self.duplicates(judgement),
        }
    }

    fn service_nodes(&self, receiver: &Receiver<'_>) -> Vec<String> {
        let names = receiver.service_nodes.iter();
        let mut names: Vec<String> = names.map(|node| self.archive.symbols.name(*node).to_owned()).collect();
        names.sort();
        names
    }

    fn unexpected(&self, judgement: &Judgement) -> Vec<UnexpectedReport> {
        let mut reports: Vec<UnexpectedReport> = judgement
            .unexpected_by_sender()
            .into_iter()
            .map(|(sender, mut indices)| {
                let count = indices.len() as u64;
                indices.sort_unstable();
                indices.dedup();
                let sender = self.archive.symbols.name(sender).to_owned();
                UnexpectedReport {
                    sender,
                    count,
                    indices: indices.into_iter().collect(),
                }
            })
            .collect();
        reports.sort_by(|a, b| a.sender.cmp(&b.sender));
        reports
    }

    fn duplicates(&self, judgement: &Judgement) -> Vec<DuplicateReport> {
        let report = |d: &crate::judge::Duplicate| DuplicateReport {
            sender: self.book.senders[d.sender].name.clone(),
            index: d.index,
            hash: MessageHash(*self.archive.hashes.bytes(d.hash)),
            age_ns: d.age_ns,
        };
        judgement.duplicates.iter().map(report).collect()
    }

    /// How the clock of `receiver` stands to that of the sender who wrote `logs`.
    fn clock(&self, receiver: &Receiver<'_>, logs: &[usize]) -> Clock {
        let clocks = logs.iter().map(|log| {
            let (publisher, receiver) = (&self.archive.logs[*log], &self.archive.logs[receiver.log]);
            clock_between(publisher, receiver, &self.archive.clocks)
        });
        clocks.reduce(Clock::worse).unwrap_or(Clock::Unknown)
    }
}

/// The worst clock relation among the senders a receiver heard; of all senders when it heard none.
fn worst_of_heard(clocks: &[Clock], cells: &[Cell]) -> Clock {
    let heard_any = cells.iter().any(|cell| cell.counts.received > 0);
    let pairs = clocks.iter().zip(cells);
    let heard = pairs.filter(|(_, cell)| !heard_any || cell.counts.received > 0);
    heard
        .map(|(clock, _)| *clock)
        .reduce(Clock::worse)
        .unwrap_or(Clock::Unknown)
}

fn gaps(receiver: &Receiver) -> Vec<GapReport> {
    let until = |until_ns: i64| (until_ns != i64::MAX).then(|| Timestamp::from_unix_ns(until_ns));
    let report = |gap: &crate::receivers::Gap| GapReport {
        since: Timestamp::from_unix_ns(gap.since_ns),
        until: until(gap.until_ns),
    };
    receiver.gaps.iter().map(report).collect()
}

fn cell_report(cell: &Cell, sender: &str, latency: PairLatency, clock: Clock) -> CellReport {
    let mut by_place: BTreeMap<Place, Vec<u32>> = BTreeMap::new();
    for (index, place) in &cell.lost {
        by_place.entry(*place).or_default().push(*index);
    }
    CellReport {
        sender: sender.to_owned(),
        counts: cell.counts,
        lost_indices: cell.lost.iter().map(|(index, _)| *index).collect::<IndexRanges>(),
        losses: PlacedLoss::list(&by_place),
        indeterminate_indices: cell.indeterminate.iter().copied().collect(),
        from_intended: latency.from_intended,
        from_sent: latency.from_sent,
        clock,
    }
}
