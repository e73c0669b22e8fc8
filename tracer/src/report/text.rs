//! The report for people: the verdict first, then what it rests on.

use std::fmt::Write as _;

use super::{Report, Verdict, escape::short, text_latency, text_series, text_tables, words::show_width};
use crate::units::show_ns;

/// Most entries of one list; the JSON report has them all.
pub(super) const MAX_LISTED: usize = 10;

/// Most ranges of indices in one line.
const MAX_RANGES: usize = 12;

/// Longest text from a log in one line.
const MAX_TEXT_CHARS: usize = 300;

/// Longest name in a line.
const MAX_NAME_CHARS: usize = 40;

/// Width of running text, columns.
const WIDTH: usize = 100;

/// How the text is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextStyle {
    /// Text and nothing else.
    #[default]
    Plain,
    /// The verdict in colour, for a terminal.
    Coloured,
}

/// The report as text of about 100 columns.
#[must_use]
pub fn render_text(report: &Report, style: TextStyle) -> String {
    let mut out = String::new();
    verdict(&mut out, report, style);
    section(&mut out, "Gates", text_tables::gates(report));
    warnings(&mut out, report);
    section(&mut out, "Received, by receiver and sender", text_tables::cells(report));
    section(&mut out, "Sums by receiver and by sender", text_tables::sums(report));
    over_time(&mut out, report);
    outages(&mut out, report);
    losses(&mut out, report);
    section(&mut out, "Losses by place", text_tables::places(report));
    section(&mut out, "Arrivals, by receiver", text_tables::arrivals(report));
    if let Some(ages) = text_series::ages(report) {
        prose(&mut out, &ages);
    }
    strays(&mut out, report);
    section(
        &mut out,
        "Presence and reordering, where not perfect",
        text_series::presence(report),
    );
    section(&mut out, "Latency of first arrivals", text_latency::latency(report));
    section(
        &mut out,
        "Latency since planned, by receiver and sender",
        text_latency::pairs(report),
    );
    section(&mut out, "Latency, by group", text_latency::groups(report));
    section(&mut out, "Publishing, by sender", text_tables::senders(report));
    section(&mut out, "Attempts, by outcome", text_tables::outcomes(report));
    section(&mut out, "Logs", text_tables::logs(report));
    definitions(&mut out, report);
    out
}

fn verdict(out: &mut String, report: &Report, style: TextStyle) {
    let (word, colour) = match report.verdict {
        Verdict::Pass => ("PASS", 32),
        Verdict::Fail => ("FAIL", 31),
        Verdict::Unknown => ("UNKNOWN", 33),
    };
    match style {
        TextStyle::Plain => out.push_str(word),
        TextStyle::Coloured => line(out, format_args!("\u{1b}[1;{colour}m{word}\u{1b}[0m")),
    }
    let t = &report.totals;
    let summary = format!(
        "{} of {} messages acked, {} of {} expected deliveries arrived",
        t.acked,
        t.attempted,
        t.counts.expected - t.counts.lost,
        t.counts.expected
    );
    match report.reasons.first() {
        None => line(out, format_args!(": {summary}\n")),
        Some(first) => {
            line(out, format_args!(": {}\n", text(&first.text)));
            for reason in report.reasons.iter().skip(1).take(MAX_LISTED) {
                let word = if reason.verdict == Verdict::Fail {
                    "fail"
                } else {
                    "unknown"
                };
                prose(out, &format!("also {word}: {}", text(&reason.text)));
            }
            more(out, "reasons", report.reasons.len().saturating_sub(1 + MAX_LISTED));
            line(out, format_args!("{summary}\n"));
        }
    }
    if let Some(run) = &report.run {
        line(out, format_args!("run {}\n", text(run)));
    }
}

fn warnings(out: &mut String, report: &Report) {
    if report.warnings.is_empty() {
        return;
    }
    out.push_str("\nWarnings\n");
    for warning in report.warnings.iter().take(MAX_LISTED) {
        prose(out, &text(warning));
    }
    more(out, "warnings", report.warnings.len().saturating_sub(MAX_LISTED));
}

fn over_time(out: &mut String, report: &Report) {
    let Some(table) = text_series::over_time(report) else {
        return;
    };
    let title = format!("Loss over time, in steps of {}", show_width(&report.over_time));
    section(out, &title, Some(table));
    line(out, format_args!("  {}\n", text_series::sparkline(report)));
}

fn outages(out: &mut String, report: &Report) {
    let outages = text_series::outages(report);
    if outages.is_empty() {
        return;
    }
    out.push_str("\nOutages (3 messages in a row or more, by intended time)\n");
    for outage in outages.iter().take(MAX_LISTED) {
        prose(out, outage);
    }
    more(out, "outages", outages.len().saturating_sub(MAX_LISTED));
}

fn losses(out: &mut String, report: &Report) {
    let of_senders = report.senders.iter().flat_map(|s| {
        let name = short(&s.sender, MAX_NAME_CHARS);
        s.never_acked_by_place.iter().map(move |loss| (name.clone(), loss))
    });
    let of_receivers = report
        .receivers
        .iter()
        .flat_map(|r| &r.senders)
        .zip(receiver_names(report));
    let of_receivers = of_receivers.flat_map(|(cell, receiver)| {
        let name = format!("{receiver} from {}", short(&cell.sender, MAX_NAME_CHARS));
        cell.losses.iter().map(move |loss| (name.clone(), loss))
    });
    let all: Vec<_> = of_senders.chain(of_receivers).collect();
    if all.is_empty() {
        return;
    }
    out.push_str("\nLost indices\n");
    for (name, loss) in all.iter().take(MAX_LISTED) {
        prose(
            out,
            &format!("{name}: {} ({})", loss.indices.show(MAX_RANGES), loss.place.describe()),
        );
    }
    more(out, "lists of losses", all.len().saturating_sub(MAX_LISTED));
}

/// The receiver of each cell, in the order of the cells.
fn receiver_names(report: &Report) -> impl Iterator<Item = String> {
    report
        .receivers
        .iter()
        .flat_map(|r| std::iter::repeat_n(short(&r.receiver, MAX_NAME_CHARS), r.senders.len()))
}

fn strays(out: &mut String, report: &Report) {
    let kinds = |r: &super::ReceiverReport| {
        [
            (r.corrupt, "corrupt"),
            (r.foreign, "foreign"),
            (r.malformed, "malformed"),
            (r.other_run, "of another run"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect::<Vec<_>>()
        .join(", ")
    };
    let all: Vec<_> = report
        .receivers
        .iter()
        .map(|r| (r, kinds(r)))
        .filter(|(_, kinds)| !kinds.is_empty())
        .collect();
    for (r, kinds) in all.iter().take(MAX_LISTED) {
        line(
            out,
            format_args!("  {}: besides {kinds}\n", short(&r.receiver, MAX_NAME_CHARS)),
        );
    }
    more(
        out,
        "receivers with other arrivals",
        all.len().saturating_sub(MAX_LISTED),
    );
}

fn definitions(out: &mut String, report: &Report) {
    let d = &report.definitions;
    out.push_str("\nDefinitions (docs/measuring.md has them all)\n");
    prose(out, &format!("lost: {}", d.lost));
    prose(out, &format!("latency: {}", d.latency));
    prose(
        out,
        &format!("percentiles: {}; * fewer than 10 values beyond it", d.percentiles),
    );
    prose(
        out,
        &format!(
            "late: more than {} after the intended send time",
            show_ns(d.late_after_ns)
        ),
    );
}

fn section(out: &mut String, title: &str, table: Option<String>) {
    if let Some(table) = table {
        line(out, format_args!("\n{title}\n{table}"));
    }
}

fn more(out: &mut String, what: &str, count: usize) {
    if count > 0 {
        line(out, format_args!("  and {count} more {what}\n"));
    }
}

/// A text of a log: its middle goes, because it begins with a name and ends with the numbers.
fn text(text: &str) -> String {
    short(text, MAX_TEXT_CHARS)
}

/// Running text: indented, wrapped between words, further lines indented more.
fn prose(out: &mut String, text: &str) {
    let mut column = 0;
    for (number, word) in text.split(' ').enumerate() {
        let chars = word.chars().count();
        if number == 0 {
            out.push_str("  ");
            column = 2;
        } else if column + 1 + chars > WIDTH {
            out.push_str("\n    ");
            column = 4;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += chars;
    }
    out.push('\n');
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String does not fail");
}
