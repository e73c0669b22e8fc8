//! What is in one log.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
};

use event_log::{Event, LineError, Timestamp, raw_lines::BLOCK_BYTES};
use schemars::JsonSchema;
use serde::Serialize;

use crate::node_log::{self, NodeLog, SNIFF_BYTES};

/// What `tracer logs --format json` writes: every log, in the order of their paths.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Inventory<'a>(pub(crate) &'a [LogDescription]);

/// What was recognised in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogDescription {
    /// The path as given or found; of a rotated log that of its last part.
    pub path: String,
    /// The files of a rotated log, oldest first; empty where it is one file.
    pub parts: Vec<String>,
    /// `event log`, `nwaku text`, …; several where a file is a mixture, none where no line was recognised.
    pub formats: Vec<&'static str>,
    /// Roles and nodes of the `run_started` in it, such as `publisher publisher-1`; own peer ids of a native log.
    pub authors: Vec<String>,
    /// Events recognised.
    pub events: u64,
    /// Events by name.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Lines of a node or a role that tell nothing the tracer knows: native lines of other subjects, events of unknown
    /// names.
    pub other_lines: u64,
    /// Lines of neither.
    pub unknown_lines: u64,
    /// Lines that cannot be read: cut, over-long, not UTF-8, NUL bytes, fields missing, another version.
    pub damaged_lines: u64,
    /// Native lines by level.
    pub levels: BTreeMap<&'static str, u64>,
    /// Whether the end is missing: of an event log `run_ended`, of a native log the last newline.
    pub torn: bool,
    /// Time of the first line or event.
    pub first: Option<Timestamp>,
    /// Time of the last line or event.
    pub last: Option<Timestamp>,
    /// What is wrong with it and what to do.
    pub warnings: Vec<String>,
}

/// Describes one log.
///
/// # Errors
/// What the reader says.
pub fn describe(path: &str, mut input: impl Read) -> io::Result<LogDescription> {
    let mut start = Vec::new();
    input.by_ref().take(SNIFF_BYTES as u64).read_to_end(&mut start)?;
    let is_native = node_log::looks_native(&start);
    let input = BufReader::with_capacity(BLOCK_BYTES, io::Cursor::new(start).chain(input));
    let mut description = if is_native {
        native(&node_log::read_node_log(input)?)
    } else {
        event_log(input)?
    };
    path.clone_into(&mut description.path);
    Ok(description)
}

fn empty() -> LogDescription {
    LogDescription {
        path: String::new(),
        parts: Vec::new(),
        formats: Vec::new(),
        authors: Vec::new(),
        events: 0,
        kinds: BTreeMap::new(),
        other_lines: 0,
        unknown_lines: 0,
        damaged_lines: 0,
        levels: BTreeMap::new(),
        torn: false,
        first: None,
        last: None,
        warnings: Vec::new(),
    }
}

fn native(log: &NodeLog) -> LogDescription {
    let authors = if log.own_full_ids.is_empty() {
        &log.own_ids
    } else {
        &log.own_full_ids
    };
    LogDescription {
        formats: log.formats.keys().map(|format| format.describe()).collect(),
        authors: authors.iter().map(|id| format!("service node {id}")).collect(),
        events: log.events(),
        kinds: log.kinds().collect(),
        other_lines: log.other_lines,
        // A node writes no events of ours: they came from elsewhere, and are not read.
        unknown_lines: log.unknown_lines + log.event_log_lines,
        damaged_lines: log.damaged_lines(),
        levels: log
            .levels
            .iter()
            .map(|(level, count)| (level.describe(), *count))
            .collect(),
        torn: log.torn,
        first: log.first_ns.map(Timestamp::from_unix_ns),
        last: log.last_ns.map(Timestamp::from_unix_ns),
        warnings: node_log::warnings(log),
        ..empty()
    }
}

fn event_log(input: impl BufRead) -> io::Result<LogDescription> {
    let mut description = empty();
    let mut ended = false;
    for line in event_log::read_log(input) {
        match line?.record {
            Ok(record) => {
                description.events += 1;
                *description.kinds.entry(record.event.name()).or_default() += 1;
                let time = record.time;
                description.first = Some(description.first.map_or(time, |known| known.min(time)));
                description.last = description.last.max(Some(time));
                match &record.event {
                    Event::RunStarted(started) => {
                        description
                            .authors
                            .push(format!("{} {}", role(started.role), started.node));
                    }
                    Event::RunEnded(_) => ended = true,
                    _ => {}
                }
            }
            Err(LineError::NotAnObject) => description.unknown_lines += 1,
            Err(LineError::UnknownEvent(_)) => description.other_lines += 1,
            Err(_) => description.damaged_lines += 1,
        }
    }
    description.authors.sort();
    if description.events == 0 {
        description.warnings.push(no_event(&description));
        return Ok(description);
    }
    description.formats.push("event log");
    description.torn = !ended;
    if !ended {
        description
            .warnings
            .push("it has no run_ended: whoever wrote it was cut off, or still runs".to_owned());
    }
    if description.authors.is_empty() {
        description
            .warnings
            .push("it has no run_started: its beginning is missing".to_owned());
    }
    if description.damaged_lines > 0 {
        description.warnings.push("lines in it cannot be read".to_owned());
    }
    Ok(description)
}

fn role(role: event_log::event::Role) -> &'static str {
    use event_log::event::Role;
    match role {
        Role::Publisher => "publisher",
        Role::Receiver => "receiver",
        Role::ServiceNode => "service node",
    }
}

/// Why a file may hold nothing.
fn no_event(description: &LogDescription) -> String {
    let lines = description.unknown_lines + description.damaged_lines + description.other_lines;
    if lines == 0 {
        "the file is empty".to_owned()
    } else if description.other_lines > 0 {
        "its events are of names this version does not know: is it of a newer one?".to_owned()
    } else {
        "no line has a form that is known: is it the log of a service node, an event log, or of something else?"
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> LogDescription {
        describe("x.log", text.as_bytes()).unwrap()
    }

    #[test]
    fn a_native_log_is_described_by_kinds_and_levels() {
        let text = format!(
            "INF 2025-11-20 13:06:15.000+00:00 Starting node topics=\"waku node\"\n\
             NTC 2025-11-20 13:06:16.015+00:00 received relay message topics=\"waku relay\" my_peer_id=16U*GiNg1a \
             msg_hash=0x{}\nnoise\n",
            "ab".repeat(32)
        );
        let log = described(&text);
        assert_eq!(
            (log.formats.as_slice(), log.events, log.other_lines),
            (&["nwaku text"][..], 1, 1)
        );
        assert_eq!(
            (log.kinds["relay_received"], log.levels["notice"], log.unknown_lines),
            (1, 1, 1)
        );
        assert_eq!(log.authors, ["service node 16U*GiNg1a"]);
        assert!(
            log.warnings[0].contains("no message going out by relay"),
            "{:?}",
            log.warnings
        );
    }

    #[test]
    fn a_level_too_low_is_said_with_its_cure() {
        let log = described("INF 2025-11-20 13:06:15.000+00:00 Starting node topics=\"waku node\"\n");
        assert_eq!(log.events, 0);
        assert!(log.warnings[0].contains("--log-level=DEBUG"), "{:?}", log.warnings);
    }

    #[test]
    fn files_without_event_say_why() {
        for (text, word) in [
            ("", "empty"),
            ("hello\n", "form"),
            (
                "{\"v\":1,\"event\":\"warp\",\"time\":\"2026-11-21T07:00:00.000000000Z\"}\n",
                "newer",
            ),
        ] {
            let log = described(text);
            assert!(log.events == 0 && log.warnings[0].contains(word), "{log:?}");
        }
    }

    #[test]
    fn an_event_log_is_described_by_its_author() {
        let ended =
            r#"{"v":1,"event":"run_ended","time":"2026-11-21T07:00:00.000000000Z","reason":"idle","counters":{}}"#;
        let log = described(&format!("{ended}\n"));
        assert_eq!(
            (log.formats.as_slice(), log.kinds["run_ended"], log.torn),
            (&["event log"][..], 1, false)
        );
        assert_eq!(log.warnings, ["it has no run_started: its beginning is missing"]);
    }
}
