//! The tables of the text report.

use tabled::{
    builder::Builder,
    settings::{Alignment, Padding, Style, object::Columns},
};

use super::{
    Report, Verdict,
    escape::short,
    tables::{Sum, sums_of},
    words::{show_end, show_loss, show_percentile, show_role, skipped},
};
use crate::{
    latency::Distribution,
    units::{show_ns, show_number},
};

/// Most rows of one table; the rows that matter most are kept, the JSON report has them all.
const MAX_ROWS: usize = 20;

/// Longest name in a table.
const MAX_NAME_CHARS: usize = 16;

/// Longest path in a table.
const MAX_PATH_CHARS: usize = 40;

/// Longest status text in a table.
const MAX_EXAMPLE_CHARS: usize = 50;

/// Rows with the weight by which they are kept when there are too many.
pub(super) type WeightedRow = (u64, Vec<String>);

pub(super) fn gates(report: &Report) -> Option<String> {
    let row = |gate: &super::Gate| {
        // A number of messages needs no unit, a share or a time does.
        let unit = if matches!(gate.unit, "%" | "ms") {
            format!(" {}", gate.unit)
        } else {
            String::new()
        };
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{}{unit}", show_number(value)));
        let verdict = match gate.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "FAIL",
            Verdict::Unknown => "unknown",
        };
        let mut cells = vec![gate.name.to_string(), verdict.to_owned(), name(&gate.scope)];
        cells.push(gate.show_value(number));
        cells.extend([gate.limit, gate.margin].map(number));
        (0, cells)
    };
    table(
        "gate|verdict|worst at|>value|>limit|>margin",
        report.gates.iter().map(row).collect(),
    )
}

pub(super) fn cells(report: &Report) -> Option<String> {
    let mut rows: Vec<WeightedRow> = Vec::new();
    for r in &report.receivers {
        for cell in &r.senders {
            let c = &cell.counts;
            let loss = show_loss(c.lost, c.expected);
            let unobserved = c.not_observed_before + c.not_observed_after;
            let mut row = vec![name(&r.receiver), name(&cell.sender)];
            row.extend([c.expected, c.expected - c.lost, c.lost].map(|count| count.to_string()));
            row.extend([loss, c.indeterminate.to_string(), unobserved.to_string()]);
            rows.push((c.lost + c.indeterminate, row));
        }
    }
    table(
        "receiver|sender|>expected|>received|>lost|>loss|>no answer|>unobserved",
        rows,
    )
}

pub(super) fn sums(report: &Report) -> Option<String> {
    let row = |sum: &Sum<'_>| {
        let c = &sum.counts;
        let mut row = vec![sum.of.to_owned(), name(sum.name)];
        row.extend([c.expected, c.expected - c.lost, c.lost].map(|count| count.to_string()));
        row.push(show_loss(c.lost, c.expected));
        row.extend([c.duplicates, c.late, c.out_of_order].map(|count| count.to_string()));
        (c.lost + c.indeterminate, row)
    };
    table(
        "of|name|>expected|>received|>lost|>loss|>duplicates|>late|>out of order",
        sums_of(report).iter().map(row).collect(),
    )
}

pub(super) fn places(report: &Report) -> Option<String> {
    let row = |p: &super::PlaceCount| {
        let place = p.place.describe().to_owned();
        (0, vec![place, p.count.to_string(), p.unit.to_owned()])
    };
    table("place|>count|of", report.losses_by_place.iter().map(row).collect())
}

pub(super) fn arrivals(report: &Report) -> Option<String> {
    let row = |r: &super::ReceiverReport| {
        let c = &r.counts;
        let age = r
            .duplicates
            .first()
            .map_or("-".to_owned(), |oldest| show_ns(oldest.age_ns));
        let mut row = vec![name(&r.receiver), c.duplicates.to_string(), age];
        row.extend([c.retry_twins, c.late, c.out_of_order, c.recovered, r.unexpected].map(|count| count.to_string()));
        (c.duplicates + c.retry_twins + c.late + r.unexpected, row)
    };
    let head = "receiver|>duplicates|>max age|>retry twins|>late|>out of order|>recovered|>unexpected";
    table(head, report.receivers.iter().map(row).collect())
}

pub(super) fn senders(report: &Report) -> Option<String> {
    let row = |s: &super::SenderReport| {
        let mut row = vec![
            name(&s.sender),
            s.planned.map_or("-".to_owned(), |planned| planned.to_string()),
        ];
        row.extend([s.attempted, s.attempts, s.acked, s.never_acked].map(|count| count.to_string()));
        row.extend([percentile(&s.ack_latency, 500), percentile(&s.ack_latency, 990)]);
        row.extend([percentile(&s.slip, 500), percentile(&s.slip, 990)]);
        (s.never_acked, row)
    };
    let head = "sender|>planned|>tried|>attempts|>acked|>never|>ack p50|>ack p99|>slip p50|>slip p99";
    table(head, report.senders.iter().map(row).collect())
}

pub(super) fn outcomes(report: &Report) -> Option<String> {
    let row = |o: &super::OutcomeCount| {
        let status = o.status.map_or("-".to_owned(), |status| status.to_string());
        let example = o
            .example
            .as_deref()
            .map_or(String::new(), |text| short(text, MAX_EXAMPLE_CHARS));
        (
            o.attempts,
            vec![o.outcome.replace('_', " "), status, o.attempts.to_string(), example],
        )
    };
    table(
        "outcome|status|>attempts|such as",
        report.publish_outcomes.iter().map(row).collect(),
    )
}

pub(super) fn logs(report: &Report) -> Option<String> {
    let row = |log: &super::LogReport| {
        let skipped = skipped(&log.skipped);
        let weight = skipped + u64::from(log.torn || !log.used);
        let row = vec![
            short(&log.path, MAX_PATH_CHARS),
            show_role(log.role).to_owned(),
            short(show_end(log), MAX_NAME_CHARS),
            log.events.to_string(),
            skipped.to_string(),
        ];
        (weight, row)
    };
    table("log|role|end|>events|>skipped", report.logs.iter().map(row).collect())
}

fn percentile(d: &Distribution, permille: u32) -> String {
    show_percentile(d.permille(permille))
}

fn name(text: &str) -> String {
    short(text, MAX_NAME_CHARS)
}

/// The table; `None` without rows. `head` names the columns, `>` before a name aligns the column to the right.
pub(super) fn table(head: &str, mut rows: Vec<WeightedRow>) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let cut = rows.len().saturating_sub(MAX_ROWS);
    if cut > 0 {
        // A stable sort: rows of equal weight stay in the order of their names.
        rows.sort_by(|(a, _), (b, _)| b.cmp(a));
        rows.truncate(MAX_ROWS);
    }
    let mut builder = Builder::default();
    builder.push_record(head.split('|').map(|name| name.trim_start_matches('>')));
    rows.into_iter().for_each(|(_, row)| builder.push_record(row));
    let mut table = builder.build();
    table.with(Style::empty()).with(Padding::new(2, 0, 0, 0));
    for (column, _) in head.split('|').enumerate().filter(|(_, name)| name.starts_with('>')) {
        table.modify(Columns::one(column), Alignment::right());
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if cut > 0 {
        text.push_str(&format!("  and {cut} more rows, these weigh most\n"));
    }
    Some(text)
}
