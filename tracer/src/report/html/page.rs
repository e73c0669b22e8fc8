//! The page: verdict, reasons, charts, tables.

use super::{charts, tables, text::text};
use crate::{
    report::{
        Report,
        words::{show_percentile, show_verdict},
    },
    series::MIN_OUTAGE_MESSAGES,
    units::{show_ns, show_number},
};

const STYLE: &str = include_str!("style.css");

/// Filters the table of lost messages; without it the table is whole.
const SEARCH: &str = include_str!("search.js");

/// Nothing is fetched; the page's own style and script are all there is.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Most reasons and warnings shown.
const MAX_LISTED: usize = 100;

/// The report as one HTML page.
#[must_use]
pub fn render_html(report: &Report) -> String {
    let run = report.run.as_deref().map_or(String::new(), text);
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
        format!("run <code>{}</code>", text(run))
    });
    let begin = report
        .over_time
        .buckets
        .first()
        .map_or(String::new(), |bucket| format!(", first message {}", bucket.begin));
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
        format!("<b class=\"{verdict}\">{verdict}</b> {}", text(&reason.text))
    };
    list(out, report.reasons.iter().map(reason).collect());
    facts(out, report);
    if !report.warnings.is_empty() {
        out.push_str("<details><summary>Warnings</summary>");
        list(out, report.warnings.iter().map(|warning| text(warning)).collect());
        out.push_str("</details>\n");
    }
}

fn facts(out: &mut String, report: &Report) {
    let t = &report.totals;
    let c = &t.counts;
    let loss = if c.expected > 0 {
        format!("{} %", show_number(100.0 * c.lost as f64 / c.expected as f64))
    } else {
        "-".to_owned()
    };
    let d = &t.latency.from_intended;
    let facts = [
        (format!("{} of {}", t.acked, t.attempted), "messages acknowledged"),
        (
            format!("{} of {}", c.expected - c.lost, c.expected),
            "expected deliveries arrived",
        ),
        (loss, "lost"),
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
    let caption = format!(
        "Expected deliveries by the intended time of their messages, {} a bar. Blue arrived, red lost, shaded: outages.",
        show_ns(i64::try_from(report.over_time.width_ns).unwrap_or(i64::MAX))
    );
    section(out, "Gates", &[tables::gates(report)]);
    section(
        out,
        "Delivery over time",
        &[figure(charts::over_time(report), &caption)],
    );
    let rule = format!(
        "<p class=\"dim\">An outage is at least {MIN_OUTAGE_MESSAGES} messages in a row, by intended time, that one receiver lost all \
         of (or that one sender never got acknowledged). It ends with the next message that arrived.</p>"
    );
    let outages = tables::outages(report);
    if !outages.is_empty() {
        section(out, "Outages", &[outages, rule]);
    }
    section(out, "Loss by place", &[figure(charts::places(report), "")]);
    let caption = "First arrivals since the intended time of their messages, logarithmic axis.";
    section(
        out,
        "Latency",
        &[figure(charts::latency(report), caption), tables::latency(report)],
    );
    let map = figure(
        charts::heat_map(report),
        "Loss by receiver (rows) and sender (columns): blue none, the redder the more.",
    );
    let cut = charts::heat_cut(report).map_or(String::new(), |cut| format!("<p class=\"dim\">{cut}</p>"));
    section(out, "Receivers and senders", &[map, cut, tables::pairs(report)]);
    let groups = &report.latency_groups;
    section(
        out,
        "Latency by service node pushed to",
        &[tables::groups(&groups.by_push_node)],
    );
    section(
        out,
        "Latency by service node subscribed at",
        &[tables::groups(&groups.by_filter_node)],
    );
    section(
        out,
        "Latency by content topic",
        &[tables::groups(&groups.by_content_topic)],
    );
    section(out, "Latency by size", &[tables::groups(&groups.by_size)]);
    section(out, "Receivers", &[tables::receivers(report)]);
    section(out, "Duplicates by age", &[tables::duplicates(report)]);
    section(out, "Publishing", &[tables::senders(report), tables::outcomes(report)]);
    section(out, "Logs", &[tables::logs(report)]);
    let d = &report.definitions;
    out.push_str(&format!(
        "<h2>Definitions</h2><ul class=\"dim\"><li>lost: {}</li><li>latency: {}</li><li>percentiles: {}; * fewer than 10 \
         values beyond it</li><li>late: more than {} after the intended time</li></ul>\n",
        d.lost, d.latency, d.percentiles, show_ns(d.late_after_ns)
    ));
}

fn lost(out: &mut String, report: &Report) {
    if report.lost_messages.listed.is_empty() {
        return;
    }
    out.push_str("<section id=\"lost\"><h2>Lost messages</h2><input id=\"search\" type=\"search\" hidden placeholder=\"Search: receiver, sender, index, place, hash\" aria-label=\"Search lost messages\">");
    out.push_str(&tables::lost(report));
    out.push_str(&format!("</section>\n<script>{SEARCH}</script>\n"));
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
