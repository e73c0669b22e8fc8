//! Builds the report of an archive: choose, join, judge, sum up.

use std::collections::BTreeMap;

use super::{
    Clock, Counts, Definitions, JudgedBy, Latency, PlaceCount, REPORT_VERSION, ReceiverReport, Report, SenderReport,
    Totals, Verdict,
    inventory::{log_report, reasons, warnings},
    judging::{Desk, Judged},
};
use crate::{
    join::Book,
    latency::PERCENTILE_RULE,
    model::Archive,
    options::Options,
    parallel::both,
    place::{Evidence, Place},
    publish,
    receivers::receivers,
    select::select,
    series::{Frame, Kinds, RunLatency},
    verdict,
};

/// The report: a pure function of the logs' content, whatever the order of files and lines.
pub(crate) fn build(archive: &Archive, options: &Options) -> Report {
    let selection = select(archive, options);
    let book = Book::new(archive, &selection.publishers);
    let evidence = Evidence::new(archive, &selection);
    let receivers = receivers(archive, &selection.receivers, options.late_after_ns);
    let (kinds, frame) = both(|| Kinds::new(&book), || Frame::new(archive, &book));
    let desk = Desk {
        archive,
        book: &book,
        evidence: &evidence,
        options,
        kinds: &kinds,
        frame: &frame,
        receivers: &receivers,
    };
    let Judged {
        receiver_reports,
        series,
        latency,
        ages,
        received_by_any,
    } = desk.judge_all();
    let senders = publish::senders(archive, &book, &received_by_any, options);
    let unreadable_lines: Vec<u64> = receivers
        .iter()
        .map(|r| archive.logs[r.log].lines.unreadable())
        .collect();
    let unreadable = |logs: &[usize]| logs.iter().map(|log| archive.logs[*log].lines.unreadable()).sum();
    let unreadable_of_senders: Vec<u64> = book.senders.iter().map(|s| unreadable(&s.logs)).collect();
    let judged = verdict::judge(&verdict::Evidence {
        publishers: selection.publishers.len(),
        senders: &senders,
        receivers: &receiver_reports,
        unreadable_lines: &unreadable_lines,
        unreadable_of_senders: &unreadable_of_senders,
        knows_all_published: selection.knows_all_published(archive),
        options,
    });
    let reasons = reasons(&selection, &receiver_reports, judged.reasons);
    let totals = totals(&senders, &receiver_reports, &latency);
    let series = series.finish(&received_by_any);
    let (latency_groups, latency_histogram) = latency.finish();
    Report {
        report_version: REPORT_VERSION,
        verdict: reasons
            .iter()
            .fold(Verdict::Pass, |verdict, reason| verdict.and(reason.verdict)),
        reasons,
        warnings: warnings(archive, &selection, &receiver_reports),
        run: selection.run.clone(),
        judged_by: JudgedBy::Limits,
        gates: judged.gates,
        totals,
        publish_outcomes: publish::outcomes(archive, &book, &selection.publishers),
        losses_by_place: losses_by_place(&senders, &receiver_reports),
        over_time: series.over_time,
        outages: series.outages,
        latency_groups,
        latency_histogram,
        duplicates: ages.finish(),
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

fn totals(senders: &[SenderReport], receivers: &[ReceiverReport], latency: &RunLatency) -> Totals {
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
            from_intended: latency.since_intended(),
            from_sent: latency.since_sent(),
            clock: receivers
                .iter()
                .map(|r| r.latency.clock)
                .reduce(Clock::worse)
                .unwrap_or(Clock::Unknown),
        },
    }
}
