//! The service nodes by which messages came, and the two transports of one, side by side.

use event_log::event::{MessagesAtRisk, RiskCause, Transport};

use super::fixture::*;
use crate::{report::Report, series::GroupLatency};

/// The log as its role would have written it over REST, or over libp2p since transports are named.
fn over(transport: Transport, mut log: LogText) -> LogText {
    let node = format!("\"service_node\":\"{NODE}\"");
    let named = format!("{node},\"transport\":\"{}\"", transport.name());
    for line in &mut log.lines {
        *line = line.replace(&node, &named);
    }
    log
}

fn names(groups: &[GroupLatency]) -> Vec<(&str, u64)> {
    groups
        .iter()
        .map(|group| (group.name.as_str(), group.from_intended.n))
        .collect()
}

fn run(transports: [Transport; 2]) -> Report {
    let logs = [1, 2].map(|number| {
        let name = format!("publisher-{number}");
        let mut publisher = publisher(&name, 3);
        let mut receiver = receiver(&format!("receiver-{number}"));
        for index in 1..=3 {
            publisher.acked(index, 1);
        }
        for sender in ["publisher-1/0", "publisher-2/0"] {
            (1..=3).for_each(|index| {
                receiver.received(sender, index, 1);
            });
        }
        publisher.end(10_000, "completed");
        receiver.end(30_000, "idle");
        let transport = transports[number - 1];
        [over(transport, publisher), over(transport, receiver)]
    });
    report_on(&logs.concat())
}

#[test]
fn the_rest_path_of_a_node_has_its_own_row() {
    let report = run([Transport::Libp2p, Transport::Rest]);
    let rest = format!("{NODE} (rest)");
    let expected = [(NODE, 6), (rest.as_str(), 6)];
    assert_eq!(names(&report.latency_groups.by_push_node), expected);
    assert_eq!(names(&report.latency_groups.by_filter_node), expected);
}

#[test]
fn a_log_without_transports_reads_as_libp2p() {
    let named = run([Transport::Libp2p; 2]);
    let logs = clean_run(3);
    let old = report_on(&logs);
    let new = logs.into_iter().map(|log| over(Transport::Libp2p, log));
    let new = report_on(&new.collect::<Vec<_>>());
    assert_eq!(
        serde_json::to_value(&old).unwrap()["latency_groups"],
        serde_json::to_value(&new).unwrap()["latency_groups"]
    );
    assert_eq!(names(&named.latency_groups.by_push_node), [(NODE, 12)]);
}

#[test]
fn messages_at_risk_are_a_warning() {
    let report = changed(|logs| {
        let at_risk = MessagesAtRisk {
            client: 0,
            service_node: NODE.to_owned(),
            transport: Some(Transport::Rest),
            content_topic: None,
            cause: RiskCause::CacheFull,
            messages: Some(50),
            capacity: Some(50),
            error: None,
        };
        let end = logs[1].lines.pop().unwrap();
        logs[1].log(5000, at_risk.clone()).log(6000, at_risk);
        logs[1].lines.push(end);
    });
    let told = report.warnings.iter().filter(|text| text.contains("messages_at_risk"));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "receiver-1.jsonl: 2 times messages may have been lost between two polls of a REST service node (messages_at_risk)"
        ]
    );
    assert!(changed(|_| {}).warnings.is_empty());
}

/// A receiver at two service nodes: the first brings messages 1 and 2 first, the second 3; 4 comes from both at once.
#[test]
fn the_node_that_brought_a_message_first_counts() {
    const OTHER: &str = "16Uiu2HAmOther";
    let arrivals = [(1, 60, 70), (2, 60, 65), (3, 90, 55), (4, 80, 80)];
    let from = |log: &mut LogText, node: &str, ms: i64, index: u32| {
        log.received_at(intended(index) + ms, "publisher-1/0", index, 1);
        let line = log.lines.last_mut().unwrap();
        *line = line.replace(NODE, node);
    };
    let report_of = |reversed: bool| {
        let mut receiver = receiver("receiver-1");
        for (index, first_ms, other_ms) in arrivals {
            from(&mut receiver, NODE, first_ms, index);
            from(&mut receiver, OTHER, other_ms, index);
        }
        receiver.end(30_000, "idle");
        if reversed {
            receiver.lines.reverse();
        }
        report_on(&[clean_publisher(4), receiver])
    };
    let report = report_of(false);
    let least = NODE.min(OTHER);
    let expected = [NODE, OTHER].map(|node| {
        let count = if node == NODE { 2 } else { 1 };
        (node, count + u64::from(node == least))
    });
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(names(&report.latency_groups.by_filter_node), expected);
    assert_eq!(report.totals.counts.duplicates, 4);
    assert_eq!(report_of(true).latency_groups, report.latency_groups);
}
