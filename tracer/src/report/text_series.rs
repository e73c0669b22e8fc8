//! The parts of the text report that look at time and groups.

use super::{
    Report,
    text::MAX_LISTED,
    text_tables::table,
    words::{show_optional_ns, show_percentile},
};
use crate::{
    latency::PERMILLES,
    report::escape::short,
    series::{GroupLatency, Outage, OutageKind},
    units::{show_count, show_ns, show_number},
};

/// Longest name in a table.
const MAX_NAME_CHARS: usize = 16;

/// Longest name of a group.
const MAX_GROUP_CHARS: usize = 28;

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

/// Latency by each kind of group of which there are several.
pub(super) fn groups(report: &Report) -> Option<String> {
    let groups = &report.latency_groups;
    let kinds = [
        ("pushed to", &groups.by_push_node),
        ("subscribed at", &groups.by_filter_node),
        ("topic", &groups.by_content_topic),
        ("size", &groups.by_size),
    ];
    let several = kinds.into_iter().filter(|(_, groups)| groups.len() > 1);
    let row = |kind: &str, group: &GroupLatency| {
        let d = &group.from_intended;
        let mut row = vec![kind.to_owned(), short(&group.name, MAX_GROUP_CHARS), d.n.to_string()];
        row.extend([PERMILLES[0], PERMILLES[3]].map(|permille| show_percentile(d.permille(permille))));
        row.push(show_optional_ns(d.max_ns));
        (d.max_ns.unwrap_or(0).unsigned_abs(), row)
    };
    let rows = several.flat_map(|(kind, groups)| groups.iter().map(move |group| row(kind, group)));
    table("by|group|>n|>p50|>p99|>max", rows.collect())
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
