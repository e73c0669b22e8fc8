//! The report for a job summary or a comment.

use std::fmt::Write as _;

use super::{
    Report, Verdict, escape,
    words::{show_optional_ns, show_percentile, show_verdict},
};
use crate::{
    latency::PERMILLES,
    units::{show_ns, show_number},
};

/// Largest document, bytes: GitHub refuses job summaries above 1024 KiB, and other steps of the job want room too.
const MAX_BYTES: usize = 900 * 1024;

/// Most rows of one table: beyond it nobody reads in a summary.
const MAX_ROWS: usize = 200;

/// Most ranges of indices in one cell.
const MAX_RANGES: usize = 12;

/// The report as GitHub-flavoured Markdown of at most 900 KiB.
#[must_use]
pub fn render_markdown(report: &Report) -> String {
    let mut sections = vec![head(report), gates(report)];
    sections.extend([
        outages(report),
        cells(report),
        places(report),
        latency(report),
        logs(report),
    ]);
    let mut out = String::new();
    let mut cut = 0;
    for section in sections.iter().filter(|section| !section.is_empty()) {
        if out.len() + section.len() > MAX_BYTES {
            cut += 1;
        } else {
            out.push_str(section);
        }
    }
    if cut > 0 {
        out.push_str(&format!("\n_cut, {cut} more sections; the JSON report has them all_\n"));
    }
    out
}

fn head(report: &Report) -> String {
    let sign = match report.verdict {
        Verdict::Pass => "✅ PASS",
        Verdict::Fail => "❌ FAIL",
        Verdict::Unknown => "❔ UNKNOWN",
    };
    let t = &report.totals;
    let mut out = format!("## {sign}\n\n");
    line(
        &mut out,
        format_args!(
            "{} of {} messages acked, {} of {} expected deliveries arrived.",
            t.acked,
            t.attempted,
            t.counts.expected - t.counts.lost,
            t.counts.expected
        ),
    );
    if let Some(run) = &report.run {
        line(&mut out, format_args!("Run {}.", code(run)));
    }
    out.push('\n');
    list(
        &mut out,
        report
            .reasons
            .iter()
            .map(|reason| format!("**{}**: {}", show_verdict(reason.verdict), cell(&reason.text))),
    );
    list(&mut out, report.warnings.iter().map(|warning| cell(warning)));
    out
}

fn gates(report: &Report) -> String {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), show_number);
    let rows = report.gates.iter().map(|gate| {
        let limits = [gate.value, gate.limit, gate.margin].map(number);
        let mut row = vec![
            cell(&gate.name),
            show_verdict(gate.verdict).to_owned(),
            code(&gate.scope),
        ];
        row.extend(limits);
        row.push(gate.unit.to_owned());
        row
    });
    table(
        "Gates",
        &["gate", "verdict", "worst at", ">value", ">limit", ">margin", "unit"],
        rows,
    )
}

fn outages(report: &Report) -> String {
    let rows = report.outages.iter().map(|outage| {
        let places: Vec<String> = outage
            .by_place
            .iter()
            .map(|place| format!("{} {}", place.count, place.place.describe()))
            .collect();
        let indices: Vec<String> = outage
            .losses
            .iter()
            .take(MAX_RANGES)
            .map(|loss| format!("{}: {}", code(&loss.sender), loss.indices.show(MAX_RANGES)))
            .collect();
        let end = outage.end.map_or("end of run".to_owned(), |end| end.to_string());
        vec![
            outage.begin.to_string(),
            end,
            outage.lost.to_string(),
            places.join(", "),
            indices.join("; "),
        ]
    });
    table("Outages", &["begin", "end", ">lost", "place", "messages"], rows)
}

fn cells(report: &Report) -> String {
    let rows = report.receivers.iter().flat_map(|r| {
        r.senders.iter().map(move |pair| {
            let c = &pair.counts;
            let mut row = vec![code(&r.receiver), code(&pair.sender)];
            row.extend([c.expected, c.lost, c.duplicates, c.late, c.out_of_order].map(|count| count.to_string()));
            row.push(show_percentile(pair.from_intended.permille(500)));
            row.push(show_percentile(pair.from_intended.permille(990)));
            row.push(pair.lost_indices.show(MAX_RANGES));
            row
        })
    });
    let head = [
        "receiver",
        "sender",
        ">expected",
        ">lost",
        ">duplicates",
        ">late",
        ">out of order",
        ">p50",
        ">p99",
        "lost indices",
    ];
    table("Received, by receiver and sender", &head, rows)
}

fn places(report: &Report) -> String {
    let rows = report.losses_by_place.iter().map(|place| {
        vec![
            place.place.describe().to_owned(),
            place.count.to_string(),
            place.unit.to_owned(),
        ]
    });
    table("Losses by place", &["place", ">count", "of"], rows)
}

fn latency(report: &Report) -> String {
    let d = &report.totals.latency;
    let rows = [("since intended", &d.from_intended), ("since sent", &d.from_sent)].map(|(since, d)| {
        let mut row = vec![
            since.to_owned(),
            d.n.to_string(),
            d.negative.to_string(),
            show_optional_ns(d.min_ns),
        ];
        row.extend(PERMILLES.map(|permille| show_percentile(d.permille(permille))));
        row.push(show_optional_ns(d.max_ns));
        row
    });
    let head = [
        "latency",
        ">n",
        ">negative",
        ">min",
        ">p50",
        ">p90",
        ">p95",
        ">p99",
        ">p99.9",
        ">max",
    ];
    table("Latency of first arrivals", &head, rows.into_iter())
}

fn logs(report: &Report) -> String {
    let rows = report.logs.iter().map(|log| {
        let s = &log.skipped;
        let skipped = s.other_text + s.unknown_events + s.not_an_event + s.wrong_version + s.bad_fields + s.damaged;
        let end = super::words::show_end(log);
        let role = super::words::show_role(log.role).to_owned();
        vec![
            code(&log.path),
            role,
            cell(end),
            log.events.to_string(),
            skipped.to_string(),
        ]
    });
    let mut out = table("Logs", &["log", "role", "end", ">events", ">skipped"], rows);
    line(
        &mut out,
        format_args!(
            "\nA percentile with * has fewer than 10 values beyond it. Late: more than {} after the intended time.",
            show_ns(report.definitions.late_after_ns)
        ),
    );
    out
}

fn table(title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!("\n### {title}\n\n");
    let names: Vec<&str> = head.iter().map(|name| name.trim_start_matches('>')).collect();
    let rules: Vec<&str> = head
        .iter()
        .map(|name| if name.starts_with('>') { "--:" } else { "---" })
        .collect();
    line(
        &mut out,
        format_args!("| {} |\n|{}|", names.join(" | "), rules.join("|")),
    );
    for row in rows.iter().take(MAX_ROWS) {
        line(&mut out, format_args!("| {} |", row.join(" | ")));
    }
    more(&mut out, rows.len());
    out
}

fn list(out: &mut String, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    for item in items.iter().take(MAX_ROWS) {
        line(out, format_args!("- {item}"));
    }
    more(out, items.len());
}

fn more(out: &mut String, count: usize) {
    if count > MAX_ROWS {
        line(out, format_args!("\n_cut, {} more_", count - MAX_ROWS));
    }
}

/// Text of a log in a cell or list: nothing in it is markup, and it stays on its line.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An entity cannot be taken for markup, for the end of a cell, for a mention or for a link.
            '|' | '`' | '*' | '_' | '[' | ']' | '~' | '\\' | '#' | '@' | '!' | '$' => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.replace("://", "&#58;//")
}

/// A name. As HTML, since a code span of Markdown has no way to hold a backtick or a pipe safely.
fn code(text: &str) -> String {
    format!("<code>{}</code>", cell(text))
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a String does not fail");
}
