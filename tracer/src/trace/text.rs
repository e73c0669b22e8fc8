//! The life of a message for people.

use std::fmt::Write as _;

use super::model::{Fate, Hop, ReceiverFate, Trace};
use crate::{
    clock::Clocks,
    place::Place,
    report::escape,
    units::{show_count, show_ns},
};

/// A time on the time line: with sign, so that it is not taken for a duration.
pub(super) fn relative(ns: i64) -> String {
    if ns == 0 {
        return "0".to_owned();
    }
    format!("{}{}", if ns > 0 { "+" } else { "" }, show_ns(ns))
}

/// The trace as text; what comes from logs is escaped for a terminal.
#[must_use]
pub fn render_trace(trace: &Trace) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut out, trace);
    out
}

fn write_all(out: &mut String, trace: &Trace) -> std::fmt::Result {
    writeln!(out, "{}\n", escape(&trace.summary))?;
    head(out, trace)?;
    timeline(out, trace)?;
    for tree in &trace.relays {
        if trace.relays.len() > 1 {
            writeln!(out, "\nRelay of {}", tree.hash)?;
        } else {
            writeln!(out, "\nRelay")?;
        }
        tree.roots.iter().try_for_each(|root| hop(out, root, "  ", "  "))?;
    }
    if !trace.receivers.is_empty() {
        writeln!(out, "\nReceivers")?;
    }
    trace.receivers.iter().try_for_each(|receiver| fate(out, receiver))?;
    if !trace.notes.is_empty() {
        writeln!(out, "\nNotes")?;
    }
    trace
        .notes
        .iter()
        .try_for_each(|note| writeln!(out, "  {}", escape(note)))
}

fn head(out: &mut String, trace: &Trace) -> std::fmt::Result {
    if let (Some(sender), Some(index)) = (&trace.sender, trace.index) {
        let run = trace
            .run
            .as_deref()
            .map(|run| format!(" of run {run}"))
            .unwrap_or_default();
        writeln!(out, "message   {}", escape(&format!("{sender}:{index}{run}")))?;
    }
    for hash in &trace.hashes {
        let attempts: Vec<String> = hash.attempts.iter().map(u32::to_string).collect();
        let attempts = if attempts.is_empty() {
            String::new()
        } else {
            format!("  attempt {}", attempts.join(", "))
        };
        writeln!(out, "hash      {}{attempts}", hash.hash)?;
    }
    if let Some(size_bytes) = trace.size_bytes {
        let topic = trace
            .content_topic
            .as_deref()
            .map(|topic| format!(" on {topic}"))
            .unwrap_or_default();
        writeln!(out, "payload   {size_bytes} bytes{}", escape(&topic))?;
    }
    let what = if trace.intended.is_some() {
        "intended"
    } else {
        "first    "
    };
    writeln!(out, "{what}  {}  (0 on the time line)", trace.zero)
}

fn timeline(out: &mut String, trace: &Trace) -> std::fmt::Result {
    writeln!(out, "\nTime line")?;
    let several_clocks = trace.events.iter().any(|event| event.clocks != Clocks::Same);
    let rows: Vec<[String; 5]> = trace
        .events
        .iter()
        .map(|event| {
            let time_of_day = event.at.to_string().get(11..26).unwrap_or_default().to_owned();
            [
                relative(event.since_zero_ns),
                time_of_day,
                escape(&event.who).into_owned(),
                if several_clocks {
                    event.clocks.describe()
                } else {
                    String::new()
                },
                escape(&event.what).into_owned(),
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    for [since, at, who, clocks, what] in &rows {
        let [a, b, c, d] = widths;
        write!(out, "  {since:>a$}  {at:b$}  {who:c$}  ")?;
        if several_clocks {
            write!(out, "{clocks:d$}  ")?;
        }
        writeln!(out, "{what}")?;
    }
    Ok(())
}

/// One node of a tree and what hangs on it.
fn hop(out: &mut String, hop_: &Hop, first: &str, rest: &str) -> std::fmt::Result {
    let at = hop_
        .since_zero_ns
        .map(|ns| format!("  {}", relative(ns)))
        .unwrap_or_default();
    let how = if hop_.how.is_empty() {
        String::new()
    } else {
        format!("  {}", escape(&hop_.how))
    };
    writeln!(out, "{first}{}{at}{how}", escape(&hop_.node))?;
    for (number, next) in hop_.next.iter().enumerate() {
        let (branch, below) = if number + 1 == hop_.next.len() {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        hop(out, next, &format!("{rest}{branch}"), &format!("{rest}{below}"))?;
    }
    Ok(())
}

fn fate(out: &mut String, receiver: &ReceiverFate) -> std::fmt::Result {
    let latency = receiver
        .latency_ns
        .map(|ns| format!(" {} after its intended time", show_ns(ns)))
        .unwrap_or_default();
    let place = receiver.place.map_or("", Place::describe);
    let what = match receiver.fate {
        Fate::Received if receiver.repeats.is_empty() => format!("received{latency}"),
        Fate::Received => {
            format!(
                "received{latency}, and {} after that",
                show_count(receiver.repeats.len() as u64, "time")
                    .replace("1 time", "once more")
                    .replace(" times", " times more")
            )
        }
        Fate::Lost => format!("LOST: {place}"),
        Fate::NeverAcked => format!("not received: {place}"),
        Fate::NotObservedBefore => "not due: sent before it was subscribed".to_owned(),
        Fate::NotObservedAfter => "not due: acknowledged after its observation".to_owned(),
        Fate::NotPublished => "not received".to_owned(),
    };
    writeln!(out, "  {}  {}", escape(&receiver.receiver), what)?;
    for line in &receiver.why {
        writeln!(out, "    {}", escape(line))?;
    }
    if !receiver.missing.is_empty() {
        writeln!(out, "    To know more: {}.", escape(&receiver.missing.join("; ")))?;
    }
    Ok(())
}
