//! The page: verdict, reasons, charts, tables.

use super::{charts, tables::table, text::text};
use crate::{
    report::{
        Report,
        escape::short,
        tables::{self, MAX_NAME_CHARS, MAX_TEXT_CHARS, Table},
        words::{show_loss, show_percentile, show_time, show_verdict, show_width},
    },
    series::{GroupLatency, MIN_OUTAGE_MESSAGES},
    units::show_ns,
};

const STYLE: &str = include_str!("style.css");

/// Filters the table of lost messages; without it the table is whole.
const SEARCH: &str = include_str!("search.js");

/// Nothing is fetched; the page's own style and script are all there is.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Most reasons and warnings shown.
const MAX_LISTED: usize = 100;

/// Most rows of a table other than that of lost messages: a page has to open on a telephone.
const MAX_ROWS: usize = 500;

/// Most lost messages in the page; the JSON report and `lost.csv` have more.
const MAX_LOST: usize = 5_000;

/// The report as one HTML page.
#[must_use]
pub fn render_html(report: &Report) -> String {
    let run = report.run.as_deref().map_or(String::new(), name);
    let verdict = show_verdict(report.verdict);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{verdict}: run {run}</title>\n<style>{STYLE}</style></head><body>\n"
    );
    head(&mut out, report);
    charts_and_tables(&mut out, report);
    lost(&mut out, report);
    out.push_str("</body></html>\n");
    out
}

fn head(out: &mut String, report: &Report) {
    let verdict = show_verdict(report.verdict);
    let word = verdict.to_uppercase();
    out.push_str(&format!("<h1><span class=\"{verdict}\">{word}</span></h1>\n"));
    let run = report.run.as_deref().map_or("no single run".to_owned(), |run| {
        format!("run <code>{}</code>", name(run))
    });
    let begin = report.over_time.buckets.first().map_or(String::new(), |bucket| {
        format!(", first message {}", show_time(bucket.begin))
    });
    out.push_str(&format!("<p class=\"dim\">{run}{begin}</p>\n"));
    let list = |out: &mut String, items: Vec<String>| {
        if items.is_empty() {
            return;
        }
        out.push_str("<ul>");
        items
            .iter()
            .take(MAX_LISTED)
            .for_each(|item| out.push_str(&format!("<li>{item}</li>\n")));
        if items.len() > MAX_LISTED {
            out.push_str(&format!("<li>and {} more</li>", items.len() - MAX_LISTED));
        }
        out.push_str("</ul>\n");
    };
    let reason = |reason: &crate::report::Reason| {
        let verdict = show_verdict(reason.verdict);
        format!("<b class=\"{verdict}\">{verdict}</b> {}", long_text(&reason.text))
    };
    list(out, report.reasons.iter().map(reason).collect());
    facts(out, report);
    if !report.warnings.is_empty() {
        out.push_str("<details><summary>Warnings</summary>");
        list(out, report.warnings.iter().map(|warning| long_text(warning)).collect());
        out.push_str("</details>\n");
    }
}

fn facts(out: &mut String, report: &Report) {
    let t = &report.totals;
    let c = &t.counts;
    let d = &t.latency.from_intended;
    let facts = [
        (format!("{} of {}", t.acked, t.attempted), "messages acknowledged"),
        (
            format!("{} of {}", c.expected - c.lost, c.expected),
            "expected deliveries arrived",
        ),
        (show_loss(c.lost, c.expected), "lost"),
        (show_percentile(d.permille(500)), "latency p50, since intended"),
        (show_percentile(d.permille(990)), "latency p99, since intended"),
        (c.duplicates.to_string(), "duplicates"),
        (report.outages.len().to_string(), "outages"),
    ];
    out.push_str("<div class=\"facts\">");
    for (value, name) in facts {
        out.push_str(&format!("<div><b>{value}</b><span>{name}</span></div>"));
    }
    out.push_str("</div>\n");
}

fn charts_and_tables(out: &mut String, report: &Report) {
    time_and_places(out, report);
    let caption = "First arrivals since the intended time of their messages, logarithmic axis.";
    let chart = figure(charts::latency(report), caption);
    section(out, "Latency", &[chart, table(&tables::latency(report, MAX_ROWS))]);
    let map = figure(
        charts::heat_map(report),
        "Loss by receiver (rows) and sender (columns): blue none, the redder the more, by its square root.",
    );
    let cut = charts::heat_cut(report).map_or(String::new(), |cut| format!("<p class=\"dim\">{cut}</p>"));
    let pairs = table(&tables::pairs(report, MAX_ROWS));
    section(out, "Receivers and senders", &[map, cut, pairs]);
    one(out, "Sums by receiver and by sender", &tables::sums(report, MAX_ROWS));
    one(
        out,
        "Latency by receiver and sender",
        &tables::pair_latency(report, MAX_ROWS),
    );
    let groups = &report.latency_groups;
    let group = |out: &mut String, by: &str, groups: &[GroupLatency]| {
        one(out, &format!("Latency by {by}"), &tables::groups(groups, MAX_ROWS));
    };
    group(out, "sender", &groups.by_sender);
    group(out, "service node pushed to", &groups.by_push_node);
    group(out, "service node subscribed at", &groups.by_filter_node);
    group(out, "content topic", &groups.by_content_topic);
    group(out, "size", &groups.by_size);
    one(out, "Receivers", &tables::receivers(report, MAX_ROWS));
    one(out, "Duplicates by age", &tables::ages(report, MAX_ROWS));
    let publishing = [tables::senders(report, MAX_ROWS), tables::outcomes(report, MAX_ROWS)];
    section(out, "Publishing", &publishing.map(|content| table(&content)));
    one(out, "Logs", &tables::logs(report, MAX_ROWS));
    let d = &report.definitions;
    out.push_str(&format!(
        "<h2>Definitions</h2><ul class=\"dim\"><li>lost: {}</li><li>latency: {}</li><li>percentiles: {}; * fewer than 10 \
         values beyond it</li><li>late: more than {} after the intended time</li></ul>\n",
        d.lost, d.latency, d.percentiles, show_ns(d.late_after_ns)
    ));
}

fn time_and_places(out: &mut String, report: &Report) {
    one(out, "Gates", &tables::gates(report, MAX_ROWS));
    let caption = format!(
        "Expected deliveries by the intended time of their messages, {} a bar. Blue arrived, red lost, shaded: outages.",
        show_width(&report.over_time)
    );
    let chart = figure(charts::over_time(report), &caption);
    section(out, "Delivery over time", &[chart]);
    let outages = table(&tables::outages(report, MAX_ROWS));
    if !outages.is_empty() {
        let rule = format!(
            "<p class=\"dim\">An outage is at least {MIN_OUTAGE_MESSAGES} messages in a row, by intended time, that one receiver \
             lost all of (or that one sender never got acknowledged). It ends with the next message that arrived.</p>"
        );
        section(out, "Outages", &[outages, rule]);
    }
    section(out, "Loss by place", &[figure(charts::places(report), "")]);
}

fn lost(out: &mut String, report: &Report) {
    if report.lost_messages.listed.is_empty() {
        return;
    }
    out.push_str("<section id=\"lost\"><h2>Lost messages</h2><input id=\"search\" type=\"search\" hidden placeholder=\"Search: receiver, sender, index, place, node, hash\" aria-label=\"Search lost messages\">");
    out.push_str(&table(&tables::lost(report, MAX_LOST)));
    if report.lost_messages.more > 0 {
        out.push_str(&format!(
            "<p class=\"dim\">{} more are in no list; their indices are above.</p>",
            report.lost_messages.more
        ));
    }
    out.push_str(&format!("</section>\n<script>{SEARCH}</script>\n"));
}

/// A name from a log.
fn name(name: &str) -> String {
    text(&short(name, MAX_NAME_CHARS))
}

/// A text with names from logs in it.
fn long_text(long: &str) -> String {
    text(&short(long, MAX_TEXT_CHARS))
}

/// A section of one table.
fn one(out: &mut String, title: &str, content: &Table<'_>) {
    section(out, title, &[table(content)]);
}

/// A heading with its parts; nothing when all of them are empty.
fn section(out: &mut String, title: &str, parts: &[String]) {
    if parts.iter().all(String::is_empty) {
        return;
    }
    out.push_str(&format!("<h2>{title}</h2>\n"));
    parts.iter().for_each(|part| out.push_str(part));
    out.push('\n');
}

fn figure(svg: Option<String>, caption: &str) -> String {
    svg.map_or(String::new(), |svg| {
        format!("<figure><div class=\"wide\">{svg}</div><figcaption>{caption}</figcaption></figure>\n")
    })
}
