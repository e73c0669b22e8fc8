//! What a trace says in sentences: its first line, and what to bear in mind.

use super::{
    evidence::Evidence,
    gather::LogFacts,
    model::{Fate, ReceiverFate, Trace},
};
use crate::{
    clock::Clocks,
    units::{show_count, show_ns},
};

pub(super) fn summary(receivers: &[ReceiverFate], evidence: &Evidence<'_>) -> String {
    let count = |fate: Fate| receivers.iter().filter(|r| r.fate == fate).count() as u64;
    let (received, lost) = (count(Fate::Received), count(Fate::Lost));
    let repeats: usize = receivers.iter().map(|r| r.repeats.len()).sum();
    let all = show_count(receivers.len() as u64, "receiver");
    let sent = match (evidence.attempted, evidence.acked.is_empty()) {
        (true, false) => "Acknowledged",
        (true, true) => "Never acknowledged",
        (false, _) => "Known to no publisher log",
    };
    let mut text = if receivers.is_empty() {
        format!("{sent}; there is no receiver log")
    } else {
        format!("{sent}; received by {received} of {all}")
    };
    if lost > 0 {
        let names = receivers.iter().filter(|r| r.fate == Fate::Lost).map(|r| {
            let place = r.place.map_or("", crate::place::Place::describe);
            format!("{} ({place})", r.receiver)
        });
        text.push_str(&format!("; LOST at {}", crate::select::list(names)));
    }
    if repeats > 0 {
        text.push_str(&format!("; {} after the first", show_count(repeats as u64, "arrival")));
    }
    text
}

pub(super) fn notes(trace: &Trace, logs: &[LogFacts]) -> Vec<String> {
    let mut notes = Vec::new();
    if trace.events.iter().any(|event| event.clocks != Clocks::Same) {
        notes.push(
            "The events are of several clocks, and each stands at the time its own clock showed; the clock column says \
             how far a clock is ahead of the publisher's, as far as the logs bound it."
                .to_owned(),
        );
    }
    for log in logs.iter().filter(|log| log.last.is_none()) {
        notes.push(format!(
            "{} holds neither an event nor a line of a node; `tracer logs` says what it is",
            log.path
        ));
    }
    let native = |log: &LogFacts| log.native.as_ref().map(|native| native.notes(&log.path));
    notes.extend(logs.iter().filter_map(native).flatten());
    if let Some(error_ns) = native_error_ns(logs) {
        notes.push(format!(
            "The times of native logs may be off by up to {} besides.",
            show_ns(error_ns)
        ));
    }
    for log in logs.iter().filter(|log| log.unreadable > 0 && log.last.is_some()) {
        let lines = show_count(log.unreadable, "line");
        notes.push(format!(
            "{}: {lines} could not be read and may have told of this message",
            log.path
        ));
    }
    notes
}

/// The largest error of a time on the time line that comes from a native log.
fn native_error_ns(logs: &[LogFacts]) -> Option<i64> {
    let native = logs.iter().filter_map(|log| log.native.as_ref());
    native
        .flat_map(|native| &native.sightings)
        .map(|sighting| sighting.quality.error_ns())
        .max()
}
