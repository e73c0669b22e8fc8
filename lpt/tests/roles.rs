//! Publisher and receiver as processes: errors that help, endings that keep what was written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::time::Duration;

use common::*;
use event_log::Event;
use libp2p::identity::Keypair;
use rustix::process::Signal;
use waku::{
    ServiceNodeAddr, WakuMessage,
    net::{ClientConfig, ClientEvent, ClientLimits, LightClient, LightpushVersion},
};

const TOPIC: &str = "/tester/2/light-pubsub-test/proto";
const PUBSUB: &str = "/waku/2/rs/0/0";

#[test]
fn another_cluster_is_refused_at_once_with_both_numbers() {
    let bench = Bench::new();
    let (_node, address) = bench.node("node-1", &["--cluster-id=7"]);
    let node = format!("--service-node={address}");
    for role in ["publisher", "receiver"] {
        let mut client = bench.start(role, &format!("{role}-1"), &[&node, "--cluster-id=3"]);
        assert_eq!(client.wait().code(), Some(69), "{}", client.said());
        let said = client.said();
        assert!(said.contains("cluster 7") && said.contains("cluster 3"), "{said}");
    }
}

#[test]
fn a_publisher_whose_only_node_refuses_it_in_mid_run_sends_on_and_says_so_at_the_end() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone", "--key-seed=same", "--cluster-id=3"]);
    let service_node = format!("--service-node={address}");
    let args = [&service_node, "--cluster-id=3", "--messages=100", "--rate=20/s"];
    let mut publisher = bench.start("publisher", "publisher-1", &args);
    publisher.wait_for_event("it publishes", |event| {
        matches!(event, Event::Published(_)).then_some(())
    });
    node.kill();
    std::fs::remove_file(bench.path("node-1.jsonl")).unwrap();
    let listen = format!("--listen={}", address.split("/p2p/").next().unwrap());
    let other = ["--standalone", "--key-seed=same", "--cluster-id=7", &listen];
    let (_node, same_address) = bench.node("node-1", &other);
    assert_eq!(same_address, address);
    assert_eq!(publisher.wait().code(), Some(69), "{}", publisher.said());
    let ended = publisher.events().into_iter().find_map(|event| match event {
        Event::RunEnded(ended) => Some(ended),
        _ => None,
    });
    let ended = ended.expect("the log is whole");
    assert_eq!(ended.counters["attempted"], 100, "the schedule ran to its end");
    assert!(ended.reason.contains("cluster 7"), "{}", ended.reason);
}

#[test]
fn a_full_disk_is_said_and_ends_the_run_with_its_own_code() {
    let bench = Bench::new();
    let (_node, address) = bench.node("node-1", &["--standalone"]);
    let output = run(&[
        "publisher",
        "--service-node",
        &address,
        "--messages=0",
        "--rate=100/s",
        "--event-log=/dev/full",
        "--progress=none",
    ]);
    assert_eq!(output.status.code(), Some(74), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("cannot write event log"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn an_event_log_that_exists_is_never_overwritten() {
    let bench = Bench::new();
    let (_node, address) = bench.node("node-1", &["--standalone"]);
    let log = bench.path("old.jsonl");
    std::fs::write(&log, "precious\n").unwrap();
    let output = run(&[
        "receiver",
        "--service-node",
        &address,
        "--event-log",
        log.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(73), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(log).unwrap(), "precious\n");
}

#[test]
fn bad_flags_are_usage_errors() {
    for args in [
        &["publisher", "--service-node=/ip4/127.0.0.1/tcp/1"][..],
        &["publisher", "--interval=5s", "--rate=3/s"],
        &["receiver", "--no-such-flag"],
        &["node", "--filter-rate=often"],
        &["no-such-role"],
        &["run", "--nodes=0"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(64), "{args:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "talk belongs on standard error");
    }
}

#[test]
fn the_first_signal_drains_and_writes_the_last_line() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone"]);
    let receiver = bench.receiver("receiver-1", &address, &[], 1);
    let service_node = format!("--service-node={address}");
    let mut publisher = bench.start(
        "publisher",
        "publisher-1",
        &[&service_node, "--messages=0", "--rate=50/s"],
    );
    publisher.wait_for_count("published", 10, |event| matches!(event, Event::Published(_)));
    publisher.signal(Signal::INT);
    assert!(publisher.wait().success(), "{}", publisher.said());
    let Some(Event::RunEnded(ended)) = publisher.events().pop() else {
        panic!("no run_ended")
    };
    assert_eq!(ended.reason, "signal");
    assert_eq!(ended.counters["acked"], acked_indices(&publisher.log).len() as u64);
    receiver.end();
    node.end();
    assert_eq!(bench.report(&["--max-slip=1h"]).0, 0);
}

#[test]
fn the_receiver_ends_by_itself_when_nothing_comes() {
    let bench = Bench::new();
    let (_node, address) = bench.node("node-1", &["--standalone"]);
    let mut receiver = bench.receiver("receiver-1", &address, &["--until-idle=300ms", "--idle-grace=300ms"], 1);
    assert!(receiver.wait().success(), "{}", receiver.said());
    assert!(matches!(receiver.events().pop(), Some(Event::RunEnded(ended)) if ended.reason == "idle"));
}

/// Foreign payloads, the Nim tester's payload, and the same message pushed twice, next to a normal publisher.
#[test]
fn strangers_on_the_topic_are_counted_and_hurt_nobody() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone"]);
    let receiver = bench.receiver("receiver-1", &address, &[], 1);
    let nim = concat!(
        r#"{"sender":"16Uiu2HAmNim","index":1,"count":2,"startedAt":1700000000000000000,"sinceStart":5,"#,
        r#""sincePrev":5,"size":160}"#,
        " \0"
    );
    let payloads = [b"\xff\x00 not ours".to_vec(), b"{}".to_vec(), nim_payload(nim, 160)];
    let pushes = runtime::threads::block_on(push_all(address.parse().unwrap(), &payloads)).unwrap();
    assert_eq!(pushes, [200, 200, 200, 505], "the last repeats the one before");
    let service_node = format!("--service-node={address}");
    let mut publisher = bench.start(
        "publisher",
        "publisher-1",
        &[&service_node, "--messages=10", "--rate=0"],
    );
    assert!(publisher.wait().success(), "{}", publisher.said());
    receiver.wait_for_count("received", 11, |event| matches!(event, Event::Received(_)));
    receiver.wait_for_count("foreign", 2, |event| matches!(event, Event::ForeignReceived(_)));
    receiver.end();
    node.end();
    let (_, report) = bench.report(&["--max-slip=1h", "--max-unexpected=1"]);
    assert_eq!(
        report["receivers"][0]["counts"]["lost"], 0,
        "{:#}",
        report["receivers"][0]
    );
    assert_eq!(report["receivers"][0]["counts"]["received"], 10);
    assert_eq!(report["receivers"][0]["foreign"], 2);
}

/// What the Nim tester sends: one byte longer than it says.
fn nim_payload(text: &str, size_bytes: usize) -> Vec<u8> {
    let mut payload = text.as_bytes().to_vec();
    payload.resize(size_bytes.max(text.len()) + 1, b'x');
    payload
}

/// Pushes each payload once and the last one twice, and returns the status codes.
async fn push_all(node: ServiceNodeAddr, payloads: &[Vec<u8>]) -> Vec<u32> {
    let config = ClientConfig {
        keypair: Keypair::generate_secp256k1(),
        cluster_id: 0,
        shards: vec![0],
        agent: "test".into(),
        limits: ClientLimits::default(),
    };
    let (client, mut events) = LightClient::start(config).unwrap();
    let peer = node.peer_id;
    client.keep_connected(node);
    while !matches!(events.recv().await, Some(ClientEvent::Ready { .. })) {}
    let now = event_log::Timestamp::now().unix_ns();
    let mut messages: Vec<_> = (0_i64..)
        .zip(payloads)
        .map(|(n, payload)| WakuMessage::new(payload.clone(), TOPIC, now + n))
        .collect();
    messages.extend(messages.last().cloned());
    let mut codes = Vec::new();
    for message in &messages {
        let answer = client.lightpush(peer, LightpushVersion::V3, PUBSUB, message);
        codes.push(
            tokio::time::timeout(Duration::from_secs(60), answer)
                .await
                .unwrap()
                .unwrap()
                .status
                .code,
        );
    }
    codes
}
