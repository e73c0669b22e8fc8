//! Tables of the run as a whole: gates, time, places, publishing, logs.

use super::{Cell, MAX_RANGES, Table, alike, counts};
use crate::{
    report::{
        Gate, Report, SenderReport, Verdict,
        words::{show_end, show_kind, show_loss, show_offset, show_optional_ns, show_percentile, show_role, skipped},
    },
    series::{Bucket, LostMessage, Outage, OutageLoss},
    units::{show_ns, show_number},
};

pub(in crate::report) fn gates(report: &Report, max_rows: usize) -> Table<'_> {
    let show = |value: Option<f64>| value.map_or("-".to_owned(), show_number);
    let number = |value: Option<f64>| Cell::from(show(value));
    let weight = |gate: &&Gate| match gate.verdict {
        Verdict::Fail => 2,
        Verdict::Unknown => 1,
        Verdict::Pass => 0,
    };
    let head = "gate|verdict|worst at|>value|>limit|>margin|unit";
    Table::of(head, max_rows, report.gates.iter(), weight, |gate| {
        let mut row = vec![
            Cell::Text(&gate.name),
            Cell::Verdict(gate.verdict),
            Cell::Name(&gate.scope),
        ];
        row.push(gate.show_value(show).into());
        row.extend([gate.limit, gate.margin].map(number));
        row.push(gate.unit.into());
        row
    })
}

pub(in crate::report) fn outages(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "of|begin|end|>length|>lost|place|messages";
    let weight = |outage: &&Outage| outage.lost;
    Table::of(head, max_rows, report.outages.iter(), weight, |outage| {
        let length = outage.end.map_or("-".to_owned(), |end| {
            show_ns(end.unix_ns().saturating_sub(outage.begin.unix_ns()))
        });
        let places = outage.by_place.iter();
        let places = places.map(|place| vec![format!("{} {}", place.count, place.place.describe()).into()]);
        vec![
            show_kind(outage.kind).into(),
            Cell::Time(outage.begin),
            outage.end.map_or("end of run".into(), Cell::Time),
            length.into(),
            outage.lost.into(),
            Cell::Lines(places.collect()),
            Cell::Lines(outage_losses(outage)),
        ]
    })
}

/// What an outage lost, a line for each receiver and sender.
fn outage_losses(outage: &Outage) -> Vec<Vec<Cell<'_>>> {
    fn line(loss: &OutageLoss) -> Vec<Cell<'_>> {
        let mut parts = Vec::new();
        if let Some(receiver) = &loss.receiver {
            parts.extend([Cell::Name(receiver), " from ".into()]);
        }
        let indices = format!(": {}", loss.indices.show(MAX_RANGES));
        parts.extend([Cell::Name(&loss.sender), indices.into()]);
        parts
    }
    let mut lines: Vec<_> = outage.losses.iter().take(MAX_RANGES).map(line).collect();
    let more = outage.losses.len().saturating_sub(MAX_RANGES);
    if more > 0 {
        lines.push(vec![format!("and {more} more").into()]);
    }
    lines
}

/// The buckets in which anything was lost or never acknowledged.
pub(in crate::report) fn buckets_with_losses(report: &Report) -> impl Iterator<Item = &Bucket> {
    let buckets = report.over_time.buckets.iter();
    buckets.filter(|bucket| bucket.lost + bucket.never_acked > 0)
}

pub(in crate::report) fn over_time(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "begin|>into the run|>messages|>never acked|>expected|>lost|>loss|>slowest";
    let weight = |bucket: &&Bucket| bucket.lost + bucket.never_acked;
    Table::of(head, max_rows, buckets_with_losses(report), weight, |bucket| {
        let mut row = vec![Cell::Time(bucket.begin), show_offset(&report.over_time, bucket).into()];
        row.extend(counts([
            bucket.messages,
            bucket.never_acked,
            bucket.expected,
            bucket.lost,
        ]));
        row.push(show_loss(bucket.lost, bucket.expected).into());
        row.push(show_optional_ns(bucket.slowest_ns).into());
        row
    })
}

pub(in crate::report) fn places(report: &Report, max_rows: usize) -> Table<'_> {
    let places = report.losses_by_place.iter();
    Table::of("place|>count|of", max_rows, places, alike, |place| {
        vec![place.place.describe().into(), place.count.into(), place.unit.into()]
    })
}

pub(in crate::report) fn senders(report: &Report, max_rows: usize) -> Table<'_> {
    let head = "sender|>messages|>attempts|>acked|>never acked|>ack p50|>ack p99|>slip p50|>slip p99|>slip max";
    let weight = |s: &&SenderReport| s.never_acked;
    Table::of(head, max_rows, report.senders.iter(), weight, |s| {
        let mut row = vec![Cell::Name(&s.sender)];
        row.extend(counts([s.attempted, s.attempts, s.acked, s.never_acked]));
        for d in [&s.ack_latency, &s.slip] {
            row.extend([500, 990].map(|permille| show_percentile(d.permille(permille)).into()));
        }
        row.push(show_optional_ns(s.slip.max_ns).into());
        row
    })
}

pub(in crate::report) fn outcomes(report: &Report, max_rows: usize) -> Table<'_> {
    let outcomes = report.publish_outcomes.iter();
    let head = "outcome|>status|>attempts|such as";
    let weight = |o: &&crate::report::OutcomeCount| o.attempts;
    Table::of(head, max_rows, outcomes, weight, |o| {
        let status = o.status.map_or("-".to_owned(), |status| status.to_string());
        let example = o.example.as_deref().map_or("".into(), Cell::Text);
        vec![
            o.outcome.replace('_', " ").into(),
            status.into(),
            o.attempts.into(),
            example,
        ]
    })
}

pub(in crate::report) fn logs(report: &Report, max_rows: usize) -> Table<'_> {
    let weight =
        |log: &&crate::report::LogReport| skipped(&log.skipped).saturating_add(u64::from(log.torn || !log.used));
    let head = "log|role|end|>events|>skipped";
    Table::of(head, max_rows, report.logs.iter(), weight, |log| {
        vec![
            Cell::Name(&log.path),
            show_role(log.role).into(),
            Cell::Text(show_end(log)),
            log.events.into(),
            skipped(&log.skipped).into(),
        ]
    })
}

pub(in crate::report) fn lost(report: &Report, max_rows: usize) -> Table<'_> {
    let listed = report.lost_messages.listed.iter();
    let head = "receiver|sender|>index|place|intended|service node|hash";
    Table::of(head, max_rows, listed, alike, |lost: &LostMessage| {
        vec![
            lost.receiver.as_deref().map_or("every receiver".into(), Cell::Name),
            Cell::Name(&lost.sender),
            u64::from(lost.index).into(),
            lost.place.describe().into(),
            Cell::Time(lost.intended),
            lost.service_node.as_deref().map_or("-".into(), Cell::Name),
            Cell::Code(lost.hash.to_string()),
        ]
    })
}
