//! Over which transports clients of ours were served, as their event logs and the report tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use event_log::{Event, MessageHash, event::Transport};
use serde::Deserialize;

use crate::{failure::Failure, lab::Lab, party::events};

/// One line of an event log, whatever the event is.
#[derive(Debug, Deserialize)]
struct Line {
    service_node: Option<String>,
    transport: Option<Transport>,
}

/// Every event of `log` that names a service node must name `peer_id`, and over one of `transports`; each of these must
/// have been used.
///
/// # Errors
/// [`Failure::Content`] with what the log names instead; [`Failure::Read`].
pub(crate) fn must_have_used(log: &Path, peer_id: &str, transports: &[Transport]) -> Result<(), Failure> {
    let unreadable = |source| Failure::Read {
        path: log.to_owned(),
        source,
    };
    let mut used = BTreeSet::new();
    for text in BufReader::new(File::open(log).map_err(unreadable)?).lines() {
        let text = text.map_err(unreadable)?;
        let line: Line = serde_json::from_str(&text).map_err(|error| wrong(log, error.to_string()))?;
        if let Some(node) = line.service_node {
            used.insert((node, line.transport));
        }
    }
    let wanted: BTreeSet<_> = transports
        .iter()
        .map(|transport| (peer_id.to_owned(), Some(*transport)))
        .collect();
    if used == wanted {
        return Ok(());
    }
    Err(wrong(log, format!("service nodes {used:?}, expected {wanted:?}")))
}

/// How many copies of each message arrived over `transport`, numbered messages of this run or not.
pub(crate) fn arrivals(log: &Path, transport: Transport) -> BTreeMap<MessageHash, usize> {
    let mut copies = BTreeMap::new();
    for event in events(log) {
        let (hash, over) = match event {
            Event::Received(event) => (event.hash, event.transport),
            Event::CorruptReceived(event) => (event.hash, event.transport),
            Event::ForeignReceived(event) => (event.hash, event.transport),
            _ => continue,
        };
        if over == Some(transport) {
            *copies.entry(hash).or_default() += 1;
        }
    }
    copies
}

/// A receiver must not have noticed that its mailbox may have overflowed, or that an answer was cut off.
///
/// # Errors
/// [`Failure::Content`] with the first such event.
pub(crate) fn nothing_was_at_risk(log: &Path) -> Result<(), Failure> {
    let at_risk = |event| match event {
        Event::MessagesAtRisk(event) => Some(event),
        _ => None,
    };
    match events(log).into_iter().find_map(at_risk) {
        None => Ok(()),
        Some(event) => Err(wrong(log, format!("messages at risk: {event:?}"))),
    }
}

/// The two names of one service node in a report: itself, and its REST API.
pub(crate) fn rows_of(peer_id: &str) -> [String; 2] {
    [peer_id.to_owned(), format!("{peer_id} ({})", Transport::Rest.name())]
}

#[derive(Debug, Deserialize)]
struct Report {
    latency_groups: Groups,
}

#[derive(Debug, Deserialize)]
struct Groups {
    by_push_node: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    name: String,
    from_intended: Series,
}

#[derive(Debug, Deserialize)]
struct Series {
    n: u64,
}

/// The report that `tracer_passes` left behind must show a row for each of `names` in its table by service node pushed
/// to, with `deliveries` each, and no other.
///
/// # Errors
/// [`Failure::Content`] with the rows it has; [`Failure::Read`].
pub(crate) fn report_must_show(lab: &Lab<'_>, names: &[String], deliveries: u64) -> Result<(), Failure> {
    let path = lab.folder.join("report.json");
    let text = fs::read_to_string(&path).map_err(|source| Failure::Read {
        path: path.clone(),
        source,
    })?;
    let report: Report = serde_json::from_str(&text).map_err(|error| wrong(&path, error.to_string()))?;
    let rows = report.latency_groups.by_push_node.into_iter();
    let shown: BTreeMap<_, _> = rows.map(|row| (row.name, row.from_intended.n)).collect();
    let wanted: BTreeMap<_, _> = names.iter().map(|name| (name.clone(), deliveries)).collect();
    if shown == wanted {
        return Ok(());
    }
    Err(wrong(
        &path,
        format!("deliveries by service node pushed to {shown:?}, expected {wanted:?}"),
    ))
}

fn wrong(path: &Path, reason: String) -> Failure {
    Failure::Content {
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

    use std::io::Write;

    use event_log::{
        EventLog,
        event::{ForeignReceived, MessagesAtRisk, RiskCause, RunEnded},
    };

    use super::*;

    const REST: &str = r#"{"event":"connected","service_node":"G","transport":"rest"}"#;
    const LIBP2P: &str = r#"{"event":"connected","service_node":"G","transport":"libp2p"}"#;

    fn used(lines: &[&str], transports: &[Transport]) -> Result<(), Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{{\"event\":\"run_started\"}}\n{}", lines.join("\n")).unwrap();
        must_have_used(file.path(), "G", transports)
    }

    #[test]
    fn every_path_must_have_been_used_and_no_other() {
        let both = [Transport::Libp2p, Transport::Rest];
        assert!(used(&[REST], &[Transport::Rest]).is_ok());
        assert!(used(&[REST, LIBP2P, REST], &both).is_ok());
        for (lines, transports) in [
            (&[REST][..], &both[..]),
            (&[REST, LIBP2P], &[Transport::Rest]),
            (
                &[REST, r#"{"service_node":"other","transport":"rest"}"#],
                &[Transport::Rest],
            ),
            (&[r#"{"service_node":"G"}"#], &[Transport::Rest]),
            (&[], &[Transport::Rest]),
        ] {
            assert!(used(lines, transports).is_err(), "{lines:?}");
        }
    }
    #[test]
    fn a_full_mailbox_and_the_path_of_an_arrival_are_found_in_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = |name: &str, at_risk: bool| {
            let path = folder.path().join(name);
            let events = EventLog::create(&path).unwrap();
            for transport in [Transport::Rest, Transport::Rest, Transport::Libp2p] {
                events.log(ForeignReceived {
                    client: 0,
                    hash: MessageHash([7; 32]),
                    size_bytes: 1,
                    service_node: "G".to_owned(),
                    transport: Some(transport),
                    content_topic: "/a/1/b/proto".to_owned(),
                    reason: "not JSON".to_owned(),
                });
            }
            if at_risk {
                events.log(MessagesAtRisk {
                    client: 0,
                    service_node: "G".to_owned(),
                    transport: Some(Transport::Rest),
                    content_topic: None,
                    cause: RiskCause::CacheFull,
                    messages: Some(30),
                    capacity: Some(30),
                    error: None,
                });
            }
            let reason = "completed".to_owned();
            let counters = BTreeMap::new();
            events.close(RunEnded { reason, counters }).unwrap();
            path
        };
        let quiet = log("quiet.jsonl", false);
        assert!(nothing_was_at_risk(&quiet).is_ok());
        assert!(nothing_was_at_risk(&log("full.jsonl", true)).is_err());
        let copies = |transport| arrivals(&quiet, transport).into_values().collect::<Vec<_>>();
        assert_eq!((copies(Transport::Rest), copies(Transport::Libp2p)), (vec![2], vec![1]));
    }
}
