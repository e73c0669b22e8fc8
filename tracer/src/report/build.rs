//! Builds the report of an archive: choose, join, judge, sum up.

use std::collections::BTreeMap;

use event_log::{MessageHash, Timestamp};

use super::{
    CellReport, Clock, Counts, Definitions, DuplicateReport, GapReport, Latency, PlaceCount, PlacedLoss,
    REPORT_VERSION, ReceiverReport, Report, SenderReport, Totals, UnexpectedReport, Verdict,
    clock::clock_between,
    inventory::{log_report, reasons, warnings},
};
use crate::{
    join::Book,
    judge::{Cell, Judge, Judgement},
    latency::{Distribution, PERCENTILE_RULE},
    model::{Archive, StrayKind},
    options::Options,
    place::{Evidence, Place},
    publish,
    ranges::IndexRanges,
    receivers::{Receiver, receivers},
    select::select,
    series::{PairLatency, ReceiverSeries, Series},
    verdict,
};

/// The report: a pure function of the logs' content, whatever the order of files and lines.
pub(crate) fn build(archive: &Archive, options: &Options) -> Report {
    let selection = select(archive, options);
    let book = Book::new(archive, &selection.publishers);
    let evidence = Evidence::new(archive, &selection.nodes);
    let receivers = receivers(archive, &selection.receivers, options.late_after_ns);
    let mut judge = Judge::new(&book, &archive.hashes, &evidence, options);
    let mut run = RunData {
        archive,
        book: &book,
        all_intended_ns: Vec::new(),
        all_sent_ns: Vec::new(),
    };
    let mut received_by_any = vec![false; book.slots.len()];
    let mut receiver_reports = Vec::with_capacity(receivers.len());
    let mut series = Series::new(archive, &book);
    for receiver in &receivers {
        let judgement = judge.judge(receiver);
        judge.mark_received(&mut received_by_any);
        let shown = series.add(receiver, &judgement);
        receiver_reports.push(run.receiver(receiver, judgement, shown));
    }
    let senders = publish::senders(archive, &book, &received_by_any, options);
    let unreadable_lines: Vec<u64> = receivers
        .iter()
        .map(|r| archive.logs[r.log].lines.unreadable())
        .collect();
    let judged = verdict::judge(&verdict::Evidence {
        publishers: selection.publishers.len(),
        senders: &senders,
        receivers: &receiver_reports,
        unreadable_lines: &unreadable_lines,
        knows_all_published: selection.knows_all_published(archive),
        options,
    });
    let reasons = reasons(&selection, &receiver_reports, judged.reasons);
    let totals = run.totals(&senders, &receiver_reports);
    let series = series.finish(&run.all_intended_ns);
    Report {
        report_version: REPORT_VERSION,
        verdict: reasons
            .iter()
            .fold(Verdict::Pass, |verdict, reason| verdict.and(reason.verdict)),
        reasons,
        warnings: warnings(archive, &selection, &receiver_reports),
        run: selection.run.clone(),
        gates: judged.gates,
        totals,
        publish_outcomes: publish::outcomes(archive, &book, &selection.publishers),
        losses_by_place: losses_by_place(&senders, &receiver_reports),
        over_time: series.over_time,
        outages: series.outages,
        latency_groups: series.groups,
        latency_histogram: series.latency_histogram,
        duplicates: series.duplicates,
        reordering: series.reordering,
        lost_messages: series.lost_messages,
        senders,
        receivers: receiver_reports,
        logs: archive
            .logs
            .iter()
            .enumerate()
            .map(|(number, log)| log_report(log, number, &selection))
            .collect(),
        definitions: Definitions {
            percentiles: PERCENTILE_RULE,
            latency: "first arrival of an index minus its intended send time (headline), or minus the send time of the \
                      attempt that arrived",
            lost: "acknowledged by a service node, sent and acknowledged while the receiver observed, and no attempt of \
                   the index arrived",
            late_after_ns: options.late_after_ns,
        },
    }
}

fn losses_by_place(senders: &[SenderReport], receivers: &[ReceiverReport]) -> Vec<PlaceCount> {
    let of_senders = senders
        .iter()
        .flat_map(|s| &s.never_acked_by_place)
        .map(|loss| (loss, "messages"));
    let of_receivers = receivers.iter().flat_map(|r| &r.senders).flat_map(|cell| &cell.losses);
    let mut counts: BTreeMap<Place, (u64, &'static str)> = BTreeMap::new();
    for (loss, unit) in of_senders.chain(of_receivers.map(|loss| (loss, "deliveries"))) {
        counts.entry(loss.place).or_insert((0, unit)).0 += loss.count;
    }
    let counted = Place::ALL.iter().filter_map(|place| Some((place, counts.get(place)?)));
    counted
        .map(|(place, (count, unit))| PlaceCount {
            place: *place,
            count: *count,
            unit,
        })
        .collect()
}

/// What grows while the receivers are gone through.
struct RunData<'a> {
    archive: &'a Archive,
    book: &'a Book,
    all_intended_ns: Vec<i64>,
    all_sent_ns: Vec<i64>,
}

impl RunData<'_> {
    fn receiver(&mut self, receiver: &Receiver, mut judgement: Judgement, series: ReceiverSeries) -> ReceiverReport {
        let mut counts = Counts::default();
        judgement.cells.iter().for_each(|cell| counts += cell.counts);
        self.all_intended_ns.extend_from_slice(&judgement.from_intended_ns);
        self.all_sent_ns.extend_from_slice(&judgement.from_sent_ns);
        let stray = |kind| receiver.strays.get(&kind).copied().unwrap_or(0);
        ReceiverReport {
            receiver: receiver.name.clone(),
            log: self.archive.logs[receiver.log].path.clone(),
            peer_id: receiver.peer_id.map(|peer| self.archive.symbols.name(peer).to_owned()),
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
            unexpected_by_sender: self.unexpected(&judgement),
            latency: Latency {
                from_intended: Distribution::of(&mut judgement.from_intended_ns),
                from_sent: Distribution::of(&mut judgement.from_sent_ns),
                clock: self.clock(receiver, &judgement.cells),
            },
            senders: judgement
                .cells
                .iter()
                .zip(&self.book.senders)
                .zip(series.pairs)
                .map(|((cell, s), latency)| cell_report(cell, &s.name, latency))
                .collect(),
            duplicates: self.duplicates(&judgement),
        }
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

    /// The worst clock relation among the senders this receiver heard; of all senders when it heard none.
    fn clock(&self, receiver: &Receiver, cells: &[Cell]) -> Clock {
        let heard_any = cells.iter().any(|cell| cell.counts.received > 0);
        let senders = self
            .book
            .senders
            .iter()
            .zip(cells)
            .filter(|(_, cell)| !heard_any || cell.counts.received > 0);
        let logs = senders.flat_map(|(sender, _)| &sender.logs);
        let clocks = logs.map(|log| {
            let (publisher, receiver) = (&self.archive.logs[*log], &self.archive.logs[receiver.log]);
            clock_between(publisher, receiver, &self.archive.clocks)
        });
        clocks.reduce(Clock::worse).unwrap_or(Clock::Unknown)
    }

    fn totals(&mut self, senders: &[SenderReport], receivers: &[ReceiverReport]) -> Totals {
        let mut counts = Counts::default();
        receivers.iter().for_each(|r| counts += r.counts);
        let sum = |of: fn(&SenderReport) -> u64| senders.iter().map(of).sum();
        Totals {
            attempted: sum(|s| s.attempted),
            acked: sum(|s| s.acked),
            never_acked: sum(|s| s.never_acked),
            not_published: sum(|s| s.not_published),
            counts,
            latency: Latency {
                from_intended: Distribution::of(&mut self.all_intended_ns),
                from_sent: Distribution::of(&mut self.all_sent_ns),
                clock: receivers
                    .iter()
                    .map(|r| r.latency.clock)
                    .reduce(Clock::worse)
                    .unwrap_or(Clock::Unknown),
            },
        }
    }
}

fn gaps(receiver: &Receiver) -> Vec<GapReport> {
    let until = |until_ns: i64| (until_ns != i64::MAX).then(|| Timestamp::from_unix_ns(until_ns));
    let report = |gap: &crate::receivers::Gap| GapReport {
        since: Timestamp::from_unix_ns(gap.since_ns),
        until: until(gap.until_ns),
    };
    receiver.gaps.iter().map(report).collect()
}

fn cell_report(cell: &Cell, sender: &str, latency: PairLatency) -> CellReport {
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
    }
}
