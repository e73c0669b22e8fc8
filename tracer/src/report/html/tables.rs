//! The tables of the page.

use super::text::text;
use crate::{
    latency::{Distribution, PERMILLES},
    report::{
        Latency, Report, SenderReport,
        words::{show_clock, show_end, show_optional_ns, show_percentile, show_role, show_verdict},
    },
    series::GroupLatency,
    units::{show_ns, show_number},
};

/// Most rows of a table other than that of lost messages: a page has to open on a telephone.
const MAX_ROWS: usize = 500;

/// Most lost messages in the page; the JSON report and `lost.csv` have more.
const MAX_LOST: usize = 5_000;

/// Most ranges of indices in one cell.
const MAX_RANGES: usize = 20;

type Row = Vec<String>;

pub(super) fn gates(report: &Report) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), show_number);
    let rows = report.gates.iter().map(|gate| {
        let verdict = show_verdict(gate.verdict);
        let mut row = vec![
            text(&gate.name),
            format!(r#"<b class="{verdict}">{verdict}</b>"#),
            text(&gate.scope),
        ];
        row.extend([gate.value, gate.limit, gate.margin].map(number));
        row.push(gate.unit.to_owned());
        row
    });
    table("gate|verdict|worst at|>value|>limit|>margin|unit", rows, MAX_ROWS)
}

pub(super) fn outages(report: &Report) -> String {
    let rows = report.outages.iter().map(|outage| {
        let length = outage.end.map_or("-".to_owned(), |end| {
            show_ns(end.unix_ns().saturating_sub(outage.begin.unix_ns()))
        });
        let places: Vec<String> = outage
            .by_place
            .iter()
            .map(|place| format!("{} {}", place.count, place.place.describe()))
            .collect();
        let loss = |loss: &crate::series::OutageLoss| {
            let receiver = loss
                .receiver
                .as_ref()
                .map_or(String::new(), |name| format!("{} from ", text(name)));
            format!("{receiver}{}: {}", text(&loss.sender), loss.indices.show(MAX_RANGES))
        };
        let shown: Vec<String> = outage.losses.iter().take(MAX_RANGES).map(loss).collect();
        let kind = match outage.kind {
            crate::series::OutageKind::Publishing => "publishing",
            crate::series::OutageKind::Delivery => "delivery",
        };
        vec![
            kind.to_owned(),
            outage.begin.to_string(),
            super::charts::show_end(outage.end),
            length,
            outage.lost.to_string(),
            places.join("<br>"),
            shown.join("<br>"),
        ]
    });
    table("of|begin|end|>length|>lost|place|messages", rows, MAX_ROWS)
}

pub(super) fn pairs(report: &Report) -> String {
    let rows = report.receivers.iter().flat_map(|r| {
        r.senders.iter().map(move |pair| {
            let c = &pair.counts;
            let mut row = vec![text(&r.receiver), text(&pair.sender)];
            let counts = [c.expected, c.lost, c.duplicates, c.retry_twins, c.late, c.out_of_order];
            row.extend(counts.map(|count| count.to_string()));
            row.extend([500, 990].map(|permille| show_percentile(pair.from_intended.permille(permille))));
            row.push(pair.lost_indices.show(MAX_RANGES));
            row
        })
    });
    table(
        "receiver|sender|>expected|>lost|>duplicates|>retry twins|>late|>out of order|>p50|>p99|lost indices",
        rows,
        MAX_ROWS,
    )
}

pub(super) fn receivers(report: &Report) -> String {
    let rows = report.receivers.iter().map(|r| {
        let present = r
            .presence
            .present_percent
            .map_or("-".to_owned(), |percent| format!("{} %", show_number(percent)));
        let mut row = vec![
            text(&r.receiver),
            present,
            r.gaps.len().to_string(),
            show_ns(r.presence.longest_gap_ns),
        ];
        let most = |distance: Option<u32>| distance.map_or("-".to_owned(), |distance| distance.to_string());
        row.extend([r.reordering.n.to_string(), most(r.reordering.max)]);
        row.extend([r.unexpected, r.corrupt, r.foreign, r.malformed].map(|count| count.to_string()));
        row.push(show_clock(r.latency.clock));
        row
    });
    let head = "receiver|>present|>gaps|>longest gap|>out of order|>max distance|>unexpected|>corrupt|>foreign|>malformed|clock";
    table(head, rows, MAX_ROWS)
}

pub(super) fn latency(report: &Report) -> String {
    let of = |name: &str, l: &Latency| {
        [("since intended", &l.from_intended), ("since sent", &l.from_sent)].map(|(since, d)| {
            let mut row = vec![name.to_owned(), since.to_owned()];
            row.extend(distribution(d));
            row
        })
    };
    let receivers = report.receivers.iter().flat_map(|r| of(&text(&r.receiver), &r.latency));
    let rows = of("all receivers", &report.totals.latency).into_iter().chain(receivers);
    table(
        "of|since|>n|>negative|>min|>p50|>p90|>p95|>p99|>p99.9|>max",
        rows,
        MAX_ROWS,
    )
}

pub(super) fn groups(groups: &[GroupLatency]) -> String {
    let rows = groups.iter().map(|group| {
        let mut row = vec![text(&group.name)];
        row.extend(distribution(&group.from_intended));
        row
    });
    table(
        "group|>n|>negative|>min|>p50|>p90|>p95|>p99|>p99.9|>max",
        rows,
        MAX_ROWS,
    )
}

pub(super) fn senders(report: &Report) -> String {
    let row = |s: &SenderReport| {
        let mut row = vec![text(&s.sender)];
        row.extend([s.attempted, s.attempts, s.acked, s.never_acked].map(|count| count.to_string()));
        row.extend([500, 990].map(|permille| show_percentile(s.ack_latency.permille(permille))));
        row.extend([500, 990].map(|permille| show_percentile(s.slip.permille(permille))));
        row.push(show_optional_ns(s.slip.max_ns));
        row
    };
    let head = "sender|>messages|>attempts|>acked|>never acked|>ack p50|>ack p99|>slip p50|>slip p99|>slip max";
    table(head, report.senders.iter().map(row), MAX_ROWS)
}

pub(super) fn outcomes(report: &Report) -> String {
    let rows = report.publish_outcomes.iter().map(|o| {
        let status = o.status.map_or("-".to_owned(), |status| status.to_string());
        let example = o.example.as_deref().map_or(String::new(), text);
        vec![o.outcome.replace('_', " "), status, o.attempts.to_string(), example]
    });
    table("outcome|>status|>attempts|such as", rows, MAX_ROWS)
}

pub(super) fn duplicates(report: &Report) -> String {
    let rows = report.duplicates.histogram.iter().map(|bin| {
        let until = bin
            .to_ns
            .map_or("and more".to_owned(), |to_ns| format!("to {}", show_ns(to_ns)));
        vec![format!("{} {until}", show_ns(bin.from_ns)), bin.count.to_string()]
    });
    table("age|>duplicates", rows, MAX_ROWS)
}

pub(super) fn logs(report: &Report) -> String {
    let rows = report.logs.iter().map(|log| {
        let s = &log.skipped;
        let skipped = s.other_text + s.unknown_events + s.not_an_event + s.wrong_version + s.bad_fields + s.damaged;
        let role = show_role(log.role).to_owned();
        vec![
            text(&log.path),
            role,
            text(show_end(log)),
            log.events.to_string(),
            skipped.to_string(),
        ]
    });
    table("log|role|end|>events|>skipped", rows, MAX_ROWS)
}

pub(super) fn lost(report: &Report) -> String {
    let rows = report.lost_messages.listed.iter().map(|lost| {
        vec![
            lost.receiver.as_deref().map_or("every receiver".to_owned(), text),
            text(&lost.sender),
            lost.index.to_string(),
            lost.place.describe().to_owned(),
            lost.intended.to_string(),
            format!("<code>{}</code>", lost.hash),
        ]
    });
    let mut table = table("receiver|sender|>index|place|intended|hash", rows, MAX_LOST);
    if report.lost_messages.more > 0 {
        table.push_str(&format!(
            "<p class=\"dim\">{} more are in no list; their indices are above.</p>",
            report.lost_messages.more
        ));
    }
    table
}

fn distribution(d: &Distribution) -> Row {
    let mut row = vec![d.n.to_string(), d.negative.to_string(), show_optional_ns(d.min_ns)];
    row.extend(PERMILLES.map(|permille| show_percentile(d.permille(permille))));
    row.push(show_optional_ns(d.max_ns));
    row
}

/// The table, whose cells are HTML; empty without rows. `>` before a name aligns the column to the right.
fn table(head: &str, rows: impl Iterator<Item = Row>, max_rows: usize) -> String {
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let class = |name: &str| if name.starts_with('>') { " class=\"n\"" } else { "" };
    let mut out = "<div class=\"wide\"><table><thead><tr>".to_owned();
    for name in head.split('|') {
        out.push_str(&format!("<th{}>{}</th>", class(name), name.trim_start_matches('>')));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows.iter().take(max_rows) {
        out.push_str("<tr>");
        for (name, cell) in head.split('|').zip(row) {
            let class = if name.starts_with('>') { "n" } else { "name" };
            out.push_str(&format!("<td class=\"{class}\">{cell}</td>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>");
    if rows.len() > max_rows {
        out.push_str(&format!(
            "<p class=\"dim\">cut, {} more rows; the JSON report has them</p>",
            rows.len() - max_rows
        ));
    }
    out
}
