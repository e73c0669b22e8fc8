//! Tables of receivers and senders: sets, presence, latency.

use super::{Cell, MAX_RANGES, Row, Table, alike, counts};
use crate::{
    latency::{Distribution, PERMILLES},
    report::{
        CellReport, Counts, Latency, ReceiverReport, Report,
        words::{show_ages, show_clock, show_loss, show_optional_ns, show_percentile},
    },
    series::GroupLatency,
    units::{show_ns, show_number},
};

/// A receiver over all senders, or a sender over all receivers.
pub(in crate::report) struct Sum<'a> {
    /// Which of both.
    pub(in crate::report) of: &'static str,
    pub(in crate::report) name: &'a str,
    pub(in crate::report) counts: Counts,
}

/// The sums of each receiver and of each sender, where they are of more than one pair.
pub(in crate::report) fn sums_of(report: &Report) -> Vec<Sum<'_>> {
    let mut sums = Vec::new();
    if report.senders.len() > 1 {
        sums.extend(report.receivers.iter().map(|r| Sum {
            of: "receiver",
            name: &r.receiver,
            counts: r.counts,
        }));
    }
    if report.receivers.len() > 1 {
        sums.extend(report.senders.iter().enumerate().map(|(number, sender)| {
            let mut counts = Counts::default();
            let cells = report.receivers.iter().filter_map(|r| r.senders.get(number));
            cells.for_each(|cell| counts += cell.counts);
            Sum {
                of: "sender",
                name: &sender.sender,
                counts,
            }
        }));
    }
    sums
}

pub(in crate::report) fn sums(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "of|name|>expected|>received|>lost|>loss|>duplicates|>retry twins|>late|>out of order|>recovered|>no answer|>unobserved";
    let weight = |sum: &Sum<'_>| sum.counts.lost + sum.counts.indeterminate;
    Table::of(head, max_rows, sums_of(report).into_iter(), weight, |sum| {
        let c = &sum.counts;
        let mut row = vec![sum.of.into(), Cell::Name(sum.name)];
        row.extend(counts([c.expected, c.expected - c.lost, c.lost]));
        row.push(show_loss(c.lost, c.expected).into());
        row.extend(counts([
            c.duplicates,
            c.retry_twins,
            c.late,
            c.out_of_order,
            c.recovered,
        ]));
        row.extend(counts([c.indeterminate, c.not_observed_before + c.not_observed_after]));
        row
    })
}

/// Each receiver and sender.
type Pair<'a> = (&'a ReceiverReport, &'a CellReport);

fn each_pair(report: &Report) -> impl Iterator<Item = Pair<'_>> {
    fn of_receiver(r: &ReceiverReport) -> impl Iterator<Item = Pair<'_>> {
        std::iter::repeat(r).zip(&r.senders)
    }
    report.receivers.iter().flat_map(of_receiver)
}

pub(in crate::report) fn pairs(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "receiver|sender|>expected|>received|>lost|>loss|>duplicates|>retry twins|>late|>out of order|>p50|>p99|lost indices";
    let weight = |(_, pair): &Pair<'_>| pair.counts.lost + pair.counts.indeterminate;
    Table::of(head, max_rows, each_pair(report), weight, |(r, pair)| {
        let c = &pair.counts;
        let mut row = vec![Cell::Name(&r.receiver), Cell::Name(&pair.sender)];
        row.extend(counts([c.expected, c.expected - c.lost, c.lost]));
        row.push(show_loss(c.lost, c.expected).into());
        row.extend(counts([c.duplicates, c.retry_twins, c.late, c.out_of_order]));
        row.extend([500, 990].map(|permille| show_percentile(pair.from_intended.permille(permille)).into()));
        row.push(pair.lost_indices.show(MAX_RANGES).into());
        row
    })
}

/// Latency of each receiver and sender that had any.
pub(in crate::report) fn pair_latency(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "receiver|sender|since|>n|>negative|>min|>p50|>p90|>p95|>p99|>p99.9|>max";
    let heard = each_pair(report).filter(|(_, pair)| pair.from_intended.n > 0);
    let both = heard.flat_map(|(r, pair)| {
        [
            (r, pair, "intended", &pair.from_intended),
            (r, pair, "sent", &pair.from_sent),
        ]
    });
    let weight = |(.., d): &(&ReceiverReport, &CellReport, &str, &Distribution)| slowest(d);
    Table::of(head, max_rows, both, weight, |(r, pair, since, d)| {
        let mut row = vec![Cell::Name(&r.receiver), Cell::Name(&pair.sender), since.into()];
        row.extend(distribution(d));
        row
    })
}

pub(in crate::report) fn receivers(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "receiver|>present|>gaps|>longest gap|>overtaken|>max distance|>unexpected|>corrupt|>foreign|>malformed|>other run|clock";
    let weight = |r: &&ReceiverReport| r.presence.absent_ns.unsigned_abs() + r.reordering.n + r.unexpected;
    Table::of(head, max_rows, report.receivers.iter(), weight, |r| {
        let present = r.presence.present_percent;
        let present = present.map_or("-".to_owned(), |percent| format!("{} %", show_number(percent)));
        let distance = r.reordering.max.map_or("-".to_owned(), |max| max.to_string());
        let mut row = vec![Cell::Name(&r.receiver), present.into(), (r.gaps.len() as u64).into()];
        row.extend([
            show_ns(r.presence.longest_gap_ns).into(),
            r.reordering.n.into(),
            distance.into(),
        ]);
        row.extend(counts([r.unexpected, r.corrupt, r.foreign, r.malformed, r.other_run]));
        row.push(show_clock(r.latency.clock).into());
        row
    })
}

pub(in crate::report) fn latency(report: &Report, max_rows: usize) -> Table<'_> {
    fn both<'a>(of: Cell<'a>, l: &'a Latency) -> [(Cell<'a>, &'static str, &'a Distribution); 2] {
        [(of.clone(), "intended", &l.from_intended), (of, "sent", &l.from_sent)]
    }
    let several = (report.receivers.len() > 1).then_some(&report.totals.latency);
    let all = several.map(|totals| both("all receivers".into(), totals));
    let each = report
        .receivers
        .iter()
        .flat_map(|r| both(Cell::Name(&r.receiver), &r.latency));
    let head = "of|since|>n|>negative|>min|>p50|>p90|>p95|>p99|>p99.9|>max";
    let weight = |(of, _, d): &(Cell<'_>, &str, &Distribution)| match of {
        // The sum over all receivers is never cut.
        Cell::Own(_) => u64::MAX,
        _ => slowest(d),
    };
    Table::of(
        head,
        max_rows,
        all.into_iter().flatten().chain(each),
        weight,
        |(of, since, d)| {
            let mut row = vec![of, since.into()];
            row.extend(distribution(d));
            row
        },
    )
}

pub(in crate::report) fn groups(groups: &[GroupLatency], max_rows: usize) -> Table<'_> {
    let both = groups.iter().flat_map(|group| {
        let name = group.name.as_str();
        [
            (name, "intended", &group.from_intended),
            (name, "sent", &group.from_sent),
        ]
    });
    let head = "group|since|>n|>negative|>min|>p50|>p90|>p95|>p99|>p99.9|>max";
    let weight = |(.., d): &(&str, &str, &Distribution)| slowest(d);
    Table::of(head, max_rows, both, weight, |(name, since, d)| {
        let mut row = vec![Cell::Name(name), since.into()];
        row.extend(distribution(d));
        row
    })
}

pub(in crate::report) fn ages(report: &Report, max_rows: usize) -> Table<'_> {
    let bins = report.duplicates.histogram.iter().filter(|bin| bin.count > 0);
    Table::of("age|>duplicates", max_rows, bins, alike, |bin| {
        vec![show_ages(bin).into(), bin.count.into()]
    })
}

fn slowest(d: &Distribution) -> u64 {
    d.max_ns.unwrap_or(0).unsigned_abs()
}

fn distribution<'a>(d: &Distribution) -> Row<'a> {
    let mut row = vec![d.n.into(), d.negative.into(), show_optional_ns(d.min_ns).into()];
    row.extend(PERMILLES.map(|permille| show_percentile(d.permille(permille)).into()));
    row.push(show_optional_ns(d.max_ns).into());
    row
}
