//! The parts of the text report that look at time and groups.

use super::{
    Report,
    tables::buckets_with_losses,
    text::MAX_LISTED,
    text_tables::table,
    words::{show_loss, show_offset},
};
use crate::{
    report::escape::short,
    series::{Bucket, Outage, OutageKind},
    units::{show_count, show_ns, show_number},
};

/// Longest name in a table.
const MAX_NAME_CHARS: usize = 16;

/// Most buckets listed: the line below them shows all.
const MAX_BUCKETS_LISTED: usize = 10;

/// Most ranges of indices of one sender in a line.
const MAX_RANGES: usize = 6;

/// The outages as lines, each with what was lost.
pub(super) fn outages(report: &Report) -> Vec<String> {
    let begin = report.over_time.buckets.first().map(|bucket| bucket.begin);
    report.outages.iter().map(|outage| show_outage(outage, begin)).collect()
}

fn show_outage(outage: &Outage, run_begin: Option<event_log::Timestamp>) -> String {
    let what = match outage.kind {
        OutageKind::Publishing => "never acknowledged",
        OutageKind::Delivery => "lost",
    };
    let until = match outage.end {
        Some(end) => {
            let length_ns = end.unix_ns().saturating_sub(outage.begin.unix_ns());
            format!("to {end} ({})", show_ns(length_ns))
        }
        None => "to the end".to_owned(),
    };
    let into = run_begin.map_or(String::new(), |run_begin| {
        let into_ns = outage.begin.unix_ns().saturating_sub(run_begin.unix_ns());
        format!(", {} into the run", show_ns(into_ns))
    });
    let places: Vec<String> = outage
        .by_place
        .iter()
        .map(|place| format!("{} {}", place.count, place.place.describe()))
        .collect();
    let losses: Vec<String> = outage
        .losses
        .iter()
        .take(MAX_LISTED)
        .map(|loss| {
            let receiver = loss
                .receiver
                .as_ref()
                .map_or(String::new(), |name| format!("{} from ", short(name, MAX_NAME_CHARS)));
            let sender = short(&loss.sender, MAX_NAME_CHARS);
            format!("{receiver}{sender}: {}", loss.indices.show(MAX_RANGES))
        })
        .collect();
    let more = outage.losses.len().saturating_sub(MAX_LISTED);
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    format!(
        "{} {until}{into}: {} {what} ({}); {}{more}",
        outage.begin,
        outage.lost,
        places.join(", "),
        losses.join("; ")
    )
}

/// Presence and reordering of each receiver that was absent or had messages overtaken.
pub(super) fn presence(report: &Report) -> Option<String> {
    let rows = report.receivers.iter().filter_map(|r| {
        if r.gaps.is_empty() && r.reordering.n == 0 && r.presence.present_percent.is_some() {
            return None;
        }
        let present = r
            .presence
            .present_percent
            .map_or("never subscribed".to_owned(), |percent| {
                format!("{} %", show_number(percent))
            });
        let distance = |distance: Option<u32>| distance.map_or("-".to_owned(), |distance| distance.to_string());
        let row = vec![
            short(&r.receiver, MAX_NAME_CHARS),
            present,
            r.gaps.len().to_string(),
            show_ns(r.presence.longest_gap_ns),
            r.reordering.n.to_string(),
            distance(r.reordering.p50),
            distance(r.reordering.max),
        ];
        Some((r.presence.absent_ns.unsigned_abs() + r.reordering.n, row))
    });
    table(
        "receiver|>present|>gaps|>longest gap|>overtaken|>distance p50|>max",
        rows.collect(),
    )
}

/// The buckets in which most was lost or never acknowledged, in the order of time.
pub(super) fn over_time(report: &Report) -> Option<String> {
    let mut worst: Vec<&Bucket> = buckets_with_losses(report).collect();
    let more = worst.len().saturating_sub(MAX_BUCKETS_LISTED);
    worst.sort_by_key(|bucket| std::cmp::Reverse(bucket.lost + bucket.never_acked));
    worst.truncate(MAX_BUCKETS_LISTED);
    worst.sort_by_key(|bucket| bucket.begin);
    let row = |bucket: &Bucket| {
        let mut row = vec![show_offset(&report.over_time, bucket)];
        row.extend([bucket.messages, bucket.never_acked, bucket.expected, bucket.lost].map(|count| count.to_string()));
        row.push(show_loss(bucket.lost, bucket.expected));
        (0, row)
    };
    let mut text = table(
        ">into the run|>messages|>never acked|>expected|>lost|>loss",
        worst.into_iter().map(row).collect(),
    )?;
    if more > 0 {
        text.push_str(&format!("  and {more} more steps, these weigh most\n"));
    }
    Some(text)
}

/// The loss of every bucket as a row of characters: a dot where nothing was lost, a space where nothing was expected.
pub(super) fn sparkline(report: &Report) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mark = |bucket: &Bucket| {
        if bucket.expected == 0 {
            return ' ';
        }
        match (bucket.lost * HEIGHTS.len() as u64).div_ceil(bucket.expected) {
            0 => '·',
            height => HEIGHTS[(height as usize - 1).min(HEIGHTS.len() - 1)],
        }
    };
    let marks: String = report.over_time.buckets.iter().map(mark).collect();
    format!("loss, from the first message to the last: [{marks}]")
}

/// The ages of duplicates in one line; `None` without duplicates.
pub(super) fn ages(report: &Report) -> Option<String> {
    let bins = report.duplicates.histogram.iter().filter(|bin| bin.count > 0);
    let shown: Vec<String> = bins
        .map(|bin| match bin.to_ns {
            Some(to_ns) => format!("{} below {}", bin.count, show_ns(to_ns)),
            None => format!("{} at {} or more", bin.count, show_ns(bin.from_ns)),
        })
        .collect();
    let count = show_count(report.duplicates.age.n, "duplicate");
    (!shown.is_empty()).then(|| format!("{count} by age: {}", shown.join(", ")))
}
