//! Messages that get lost, and a report that says so: never a pass, and the indices exactly.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::BTreeSet;

use common::*;
use event_log::{Event, event::FailureOutcome};

/// Schedule slip does not matter here, and a test machine may be busy.
const MAX_SLIP: &str = "--max-slip=1h";

/// The indices of ranges such as `[[3, 7], [12, 12]]` or `"3-7, 12"`, whichever form the report has.
fn indices(value: &serde_json::Value) -> BTreeSet<u32> {
    let number = |value: &serde_json::Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    match value {
        serde_json::Value::Array(ranges) => ranges
            .iter()
            .flat_map(|range| match range {
                serde_json::Value::Array(ends) => number(&ends[0])..=number(&ends[1]),
                serde_json::Value::Object(ends) => number(&ends["first"])..=number(&ends["last"]),
                single => number(single)..=number(single),
            })
            .collect(),
        other => panic!("no index ranges: {other}"),
    }
}

fn cell<'a>(report: &'a serde_json::Value, receiver: &str) -> &'a serde_json::Value {
    let receivers = report["receivers"].as_array().unwrap();
    let found = receivers.iter().find(|entry| entry["receiver"] == receiver).unwrap();
    &found["senders"][0]
}

#[test]
fn a_restarted_service_node_is_a_gap_with_exactly_the_lost_indices() {
    let bench = Bench::new();
    // The third node keeps the first one's pushes acknowledged while the second is away.
    let [(node_1, address_1), (node_3, _)] = bench.two_nodes(&[]);
    let peer = format!("--static-peer={address_1}");
    // The same key twice: the node comes back as itself.
    let key = format!("--key-file={}", bench.path("node-2.key").display());
    let args = [key.as_str(), "--expect-peers=1", peer.as_str()];
    let (node_2, address_2) = bench.node("restarted-a", &args);
    let port = address_2.split('/').nth(4).unwrap().to_owned();
    let receiver = bench.receiver("receiver-1", &address_2, &["--ping-interval=1s"], 1);
    let node = format!("--service-node={address_1}");
    let mut publisher = bench.start("publisher", "publisher-1", &[&node, "--messages=400", "--rate=50/s"]);
    receiver.wait_for_count("received", 20, |event| matches!(event, Event::Received(_)));
    node_2.kill();
    receiver.wait_for_event("it notices", |event| {
        matches!(event, Event::PresenceLost(_)).then_some(())
    });
    // Some messages fall into the gap for certain.
    let acked_at_loss = acked_indices(&publisher.log).len();
    wait_for("messages in the gap", || {
        (acked_indices(&publisher.log).len() > acked_at_loss + 20).then_some(())
    });
    let listen = format!("--listen=/ip4/127.0.0.1/tcp/{port}");
    let again = [&args[..], &[listen.as_str()]].concat();
    let (node_2, _) = bench.node("restarted-b", &again);
    receiver.wait_for_event("it is back", |event| match event {
        Event::Subscribed(subscribed) if subscribed.renewed => Some(()),
        _ => None,
    });
    receiver.wait_for_event("the gap has an end", |event| {
        matches!(event, Event::PresenceRestored(_)).then_some(())
    });
    assert!(publisher.wait().success(), "{}", publisher.said());
    let last = acked_indices(&publisher.log).last().copied().unwrap();
    wait_for("the last message", || {
        received_indices(&receiver.log).contains(&last).then_some(())
    });
    receiver.end();
    node_2.end();
    node_3.end();
    node_1.end();

    let expected: BTreeSet<_> = acked_indices(&bench.path("publisher-1.jsonl"))
        .difference(&received_indices(&bench.path("receiver-1.jsonl")))
        .copied()
        .collect();
    assert!(!expected.is_empty());
    let (code, report) = bench.report(&[MAX_SLIP]);
    assert_eq!(code, 1, "{:#}", report["reasons"]);
    let cell = cell(&report, "receiver-1/0");
    assert_eq!(indices(&cell["lost_indices"]), expected);
    let places = report["losses_by_place"].to_string();
    assert!(
        places.contains("not_subscribed") || places.contains("receiver was not subscribed"),
        "{places}"
    );
}

#[test]
fn a_receiver_that_hears_nothing_has_lost_everything() {
    let bench = Bench::new();
    let [(node_1, address_1), (node_2, address_2)] = bench.two_nodes(&[]);
    let receiver = bench.receiver("receiver-1", &address_2, &["--content-topic=/other/1/topic/proto"], 1);
    let node = format!("--service-node={address_1}");
    let mut publisher = bench.start("publisher", "publisher-1", &[&node, "--messages=20", "--rate=0"]);
    assert!(publisher.wait().success(), "{}", publisher.said());
    receiver.end();
    node_1.end();
    node_2.end();
    let (code, report) = bench.report(&[MAX_SLIP]);
    assert_eq!(code, 1, "{:#}", report["reasons"]);
    assert_eq!(report["verdict"], "fail");
    assert_eq!(
        indices(&cell(&report, "receiver-1/0")["lost_indices"]),
        (1..=20).collect()
    );
}

#[test]
fn without_a_publisher_log_nothing_is_known() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone"]);
    let receiver = bench.receiver("receiver-1", &address, &[], 1);
    let service_node = format!("--service-node={address}");
    let mut publisher = bench.start("publisher", "publisher-1", &[&service_node, "--messages=5", "--rate=0"]);
    assert!(publisher.wait().success(), "{}", publisher.said());
    receiver.wait_for_count("received", 5, |event| matches!(event, Event::Received(_)));
    receiver.end();
    node.end();
    assert_eq!(bench.report(&[MAX_SLIP]).0, 0, "with the log it is a pass");
    std::fs::remove_file(bench.path("publisher-1.jsonl")).unwrap();
    let (code, report) = bench.report(&[MAX_SLIP]);
    assert_eq!((code, report["verdict"].as_str()), (2, Some("unknown")));
}

#[test]
fn a_message_of_160_kib_is_refused_and_its_status_logged() {
    let bench = Bench::new();
    let (_node, address) = bench.node("node-1", &["--standalone"]);
    let receiver = bench.receiver("receiver-1", &address, &[], 1);
    let node = format!("--service-node={address}");
    let args = [&node, "--messages=1", "--min-size=160KiB", "--max-size=160KiB"];
    let mut publisher = bench.start("publisher", "publisher-1", &args);
    assert!(publisher.wait().success(), "{}", publisher.said());
    let refused = publisher.wait_for_event("the refusal", |event| match event {
        Event::PublishFailed(failed) => Some(failed.clone()),
        _ => None,
    });
    assert_eq!((refused.outcome, refused.status), (FailureOutcome::Refused, Some(420)));
    assert!(refused.error.contains("exceeded maximum of"), "{}", refused.error);
    assert!(!refused.retry, "a permanent refusal is not repeated");
    receiver.end();
    assert_eq!(bench.report(&[MAX_SLIP]).0, 1);
}

#[test]
fn a_killed_publisher_leaves_a_torn_log_and_no_pass() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone"]);
    let receiver = bench.receiver("receiver-1", &address, &[], 1);
    let service_node = format!("--service-node={address}");
    let publisher = bench.start(
        "publisher",
        "publisher-1",
        &[&service_node, "--messages=100000", "--rate=100/s"],
    );
    publisher.wait_for_count("published", 30, |event| matches!(event, Event::Published(_)));
    publisher.kill();
    receiver.end();
    node.end();
    let log = std::fs::read_to_string(bench.path("publisher-1.jsonl")).unwrap();
    assert!(log.ends_with('\n'), "whole lines only");
    // At most the unflushed tail is missing: what was received but is not in the publisher's log.
    let received = received_indices(&bench.path("receiver-1.jsonl")).len();
    let acked = acked_indices(&bench.path("publisher-1.jsonl")).len();
    assert!(
        received <= acked + 100,
        "{received} received, {acked} in the log: 200 ms at 100/s are 20 messages"
    );
    let (code, report) = bench.report(&[MAX_SLIP]);
    assert_ne!(code, 0, "{:#}", report["reasons"]);
    assert!(
        report["reasons"].to_string().contains("torn"),
        "{:#}",
        report["reasons"]
    );
}
