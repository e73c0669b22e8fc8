//! The latencies of the text report.

use std::collections::BTreeMap;

use super::{
    Latency, Report,
    escape::short,
    text_tables::{WeightedRow, table},
    words::{show_clock, show_optional_ns, show_percentile},
};
use crate::{
    latency::{Distribution, PERMILLES},
    series::GroupLatency,
    units::show_count,
};

/// Longest name in the table of latencies, which has many columns.
const MAX_NAME_CHARS: usize = 13;

/// The same where the table has a column more.
const NARROW_NAME_CHARS: usize = 9;

/// Longest name of a pair.
const MAX_PAIR_NAME_CHARS: usize = 16;

/// Longest name of a group.
const MAX_GROUP_CHARS: usize = 28;

/// Most pairs whose latencies are shown: beyond it nobody compares them in a terminal, and the other forms have them.
const MAX_PAIRS: usize = 20;

/// Latency of all receivers and of each.
pub(super) fn latency(report: &Report) -> Option<String> {
    let totals = &report.totals.latency;
    // Negative latencies tell of clocks that disagree: a column of their own, when there are any.
    let any_negative = totals.from_intended.negative + totals.from_sent.negative > 0;
    let (head, name_chars) = if any_negative {
        (
            "receiver|since|>n|>neg|>min|>p50|>p90|>p95|>p99|>p99.9|>max",
            NARROW_NAME_CHARS,
        )
    } else {
        ("receiver|since|>n|>min|>p50|>p90|>p95|>p99|>p99.9|>max", MAX_NAME_CHARS)
    };
    let rows_of = |who: String, latency: &Latency| {
        both(latency).map(|(since, d)| {
            let mut row = vec![who.clone(), since.to_owned(), d.n.to_string()];
            row.extend(any_negative.then(|| d.negative.to_string()));
            row.push(show_optional_ns(d.min_ns));
            row.extend(PERMILLES.map(|permille| percentile(d, permille)));
            row.push(show_optional_ns(d.max_ns));
            row
        })
    };
    let mut rows: Vec<WeightedRow> = Vec::new();
    if report.receivers.len() > 1 {
        // The sum over all receivers is never cut.
        rows.extend(rows_of("all".to_owned(), totals).map(|row| (u64::MAX, row)));
    }
    for r in report.receivers.iter().filter(|r| r.latency.from_intended.n > 0) {
        let slowest_ns = slowest(&r.latency.from_intended);
        rows.extend(rows_of(short(&r.receiver, name_chars), &r.latency).map(|row| (slowest_ns, row)));
    }
    let mut text = table(head, rows)?;
    text.push_str(&clocks(report));
    Some(text)
}

/// The clocks behind the latencies, one line for each kind.
fn clocks(report: &Report) -> String {
    let mut receivers_by_clock: BTreeMap<String, u64> = BTreeMap::new();
    for r in report.receivers.iter().filter(|r| r.latency.from_intended.n > 0) {
        *receivers_by_clock.entry(show_clock(r.latency.clock)).or_default() += 1;
    }
    let line =
        |(clock, receivers): (&String, &u64)| format!("  clock: {clock} ({})\n", show_count(*receivers, "receiver"));
    receivers_by_clock.iter().map(line).collect()
}

/// Latency of each receiver and sender, where there are several and not too many.
pub(super) fn pairs(report: &Report) -> Option<String> {
    let pairs = report
        .receivers
        .iter()
        .flat_map(|r| std::iter::repeat(r).zip(&r.senders));
    let heard: Vec<_> = pairs.filter(|(_, pair)| pair.from_intended.n > 0).collect();
    if !(2..=MAX_PAIRS).contains(&heard.len()) {
        return None;
    }
    let rows = heard.into_iter().map(|(r, pair)| {
        let d = &pair.from_intended;
        let names = [&r.receiver, &pair.sender].map(|name| short(name, MAX_PAIR_NAME_CHARS));
        let mut row = Vec::from(names);
        row.extend(few_measures(d));
        (slowest(d), row)
    });
    table("receiver|sender|>n|>p50|>p90|>p99|>max", rows.collect())
}

/// Latency by each kind of group of which there are several.
pub(super) fn groups(report: &Report) -> Option<String> {
    let groups = &report.latency_groups;
    let kinds = [
        ("pushed to", &groups.by_push_node),
        ("subscribed at", &groups.by_filter_node),
        ("topic", &groups.by_content_topic),
        ("size", &groups.by_size),
    ];
    // By sender only where the table of receivers and senders is left out.
    let by_sender = pairs(report).is_none().then_some(("sender", &groups.by_sender));
    let several = kinds
        .into_iter()
        .chain(by_sender)
        .filter(|(_, groups)| groups.len() > 1);
    let rows_of = |kind: &'static str, group: &GroupLatency| {
        let name = short(&group.name, MAX_GROUP_CHARS);
        let slowest_ns = slowest(&group.from_intended);
        [("planned", &group.from_intended), ("sent", &group.from_sent)].map(|(since, d)| {
            let mut row = vec![kind.to_owned(), name.clone(), since.to_owned()];
            row.extend(few_measures(d));
            (slowest_ns, row)
        })
    };
    let rows = several.flat_map(|(kind, groups)| groups.iter().flat_map(move |group| rows_of(kind, group)));
    table("by|group|since|>n|>p50|>p90|>p99|>max", rows.collect())
}

fn both(latency: &Latency) -> [(&'static str, &Distribution); 2] {
    [("planned", &latency.from_intended), ("sent", &latency.from_sent)]
}

/// Number, median, p90, p99 and largest.
fn few_measures(d: &Distribution) -> Vec<String> {
    let mut cells = vec![d.n.to_string()];
    cells.extend([500, 900, 990].map(|permille| percentile(d, permille)));
    cells.push(show_optional_ns(d.max_ns));
    cells
}

fn slowest(d: &Distribution) -> u64 {
    d.max_ns.unwrap_or(0).unsigned_abs()
}

fn percentile(d: &Distribution, permille: u32) -> String {
    show_percentile(d.permille(permille))
}
