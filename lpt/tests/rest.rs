//! Publisher and receiver over the REST API of real nodes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::collections::BTreeSet;

use common::*;
use event_log::{
    Event,
    event::{PushOutcome, RiskCause, Transport},
};

const REST: [&str; 2] = ["--rest", "--http-address=127.0.0.1:0"];

/// The address a node says its HTTP server has.
fn url(node: &Role) -> String {
    wait_for("the node tells its HTTP address", || {
        let said = node.said();
        let (_, rest) = said.split_once("http://")?;
        let (address, _) = rest.split_once('/')?;
        Some(format!("http://{address}"))
    })
}

fn peer_id(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

fn received(role: &Role) -> Vec<(u32, Option<Transport>, String)> {
    let events = role.events().into_iter();
    let received = events.filter_map(|event| match event {
        Event::Received(event) => Some((event.index, event.transport, event.service_node)),
        _ => None,
    });
    received.collect()
}

#[test]
fn a_run_over_rest_alone_loses_nothing() {
    for version in ["v3", "v2"] {
        let bench = Bench::new();
        let [(near, near_address), (far, far_address)] = bench.two_nodes(&REST);
        let receiver = bench.receiver("receiver-1", &url(&far), &[], 1);
        let node = format!("--service-node={}", url(&near));
        let args = [&node, "--messages=40", "--rate=100/s", "--lightpush", version];
        let mut publisher = bench.start("publisher", "publisher-1", &args);
        assert!(publisher.wait().success(), "{}", publisher.said());
        receiver.wait_for_count("message", 40, |event| matches!(event, Event::Received(_)));
        let received = received(&receiver);
        receiver.end();
        near.end();
        far.end();
        let expected: BTreeSet<_> = (1..=40).collect();
        assert_eq!(
            received.iter().map(|received| received.0).collect::<BTreeSet<_>>(),
            expected
        );
        assert!(
            received
                .iter()
                .all(|(_, transport, node)| *transport == Some(Transport::Rest) && node == peer_id(&far_address))
        );
        let published = publisher.events().into_iter().filter_map(|event| match event {
            Event::Published(event) => Some((event.service_node, event.transport, event.relay_peers)),
            _ => None,
        });
        let relay_peers = (version == "v3").then_some(1);
        let expected = (peer_id(&near_address).to_owned(), Some(Transport::Rest), relay_peers);
        assert!(published.clone().count() == 40 && published.into_iter().all(|published| published == expected));
        let (code, report) = bench.report(&[]);
        assert_eq!(code, 0, "{report:#}");
    }
}

#[test]
fn both_paths_of_one_node_are_used_side_by_side() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone", REST[0], REST[1]]);
    let both = [
        format!("--service-node={}", url(&node)),
        format!("--service-node={address}"),
    ];
    let receiver = bench.receiver("receiver-1", &address, &[&both[0]], 2);
    let args = [
        both[0].as_str(),
        &both[1],
        "--messages=10",
        "--rate=100/s",
        "--clients=2",
    ];
    let mut publisher = bench.start("publisher", "publisher-1", &args);
    assert!(publisher.wait().success(), "{}", publisher.said());
    receiver.wait_for_count("message", 40, |event| matches!(event, Event::Received(_)));
    for transport in [Transport::Libp2p, Transport::Rest] {
        let of_it = received(&receiver)
            .iter()
            .filter(|received| received.1 == Some(transport))
            .count();
        assert_eq!(of_it, 20, "{transport:?}");
        let pushed = publisher.events();
        let pushed = pushed.iter().filter(|event| {
            matches!(event, Event::Published(event) if event.transport == Some(transport) && event.service_node == peer_id(&address))
        });
        assert_eq!(pushed.count(), 10, "one client each: {transport:?}");
    }
    receiver.end();
    node.end();
}

#[test]
fn a_client_turns_from_a_dead_rest_node_to_the_same_node_over_libp2p() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let args = [
        format!("--service-node=http://{nobody}"),
        format!("--service-node={address}"),
        "--messages=5".into(),
        "--rate=50/s".into(),
    ];
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let mut publisher = bench.start("publisher", "publisher-1", &args);
    assert!(publisher.wait().success(), "{}", publisher.said());
    let switched = publisher.events().into_iter().find_map(|event| match event {
        Event::PeerSwitched(event) => Some(event),
        _ => None,
    });
    let switched = switched.unwrap();
    assert_eq!(switched.from, format!("http://{nobody}"));
    assert_eq!(switched.to, peer_id(&address));
    let transports = (switched.from_transport, switched.to_transport);
    assert_eq!(transports, (Some(Transport::Rest), Some(Transport::Libp2p)));
    assert_eq!(acked_indices(&publisher.log).len(), 5);
    node.end();
}

#[test]
fn a_mailbox_that_overflows_between_two_polls_is_told() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone", REST[0], REST[1]]);
    let receiver = bench.receiver("receiver-1", &url(&node), &["--rest-poll-interval=1h"], 1);
    let node_address = format!("--service-node={address}");
    let mut publisher = bench.start(
        "publisher",
        "publisher-1",
        &[&node_address, "--messages=60", "--rate=0"],
    );
    assert!(publisher.wait().success(), "{}", publisher.said());
    // The end of the receiver polls once more.
    let log = receiver.log.clone();
    receiver.end();
    let told = events(&log).into_iter().find_map(|event| match event {
        Event::MessagesAtRisk(event) => Some(event),
        _ => None,
    });
    let told = told.expect("the risk is logged");
    assert_eq!(
        (told.cause, told.messages, told.capacity),
        (RiskCause::CacheFull, Some(50), Some(50))
    );
    assert_eq!(told.service_node, peer_id(&address));
    let dropped = |event: &Event| matches!(event, Event::FilterPushed(push) if push.outcome == PushOutcome::Dropped);
    wait_for("the node tells what it dropped", || {
        (node.events().iter().filter(|event| dropped(event)).count() == 10).then_some(())
    });
    assert_eq!(received_indices(&log).len(), 50);
    node.end();
    let (code, _) = bench.report(&[]);
    assert_eq!(code, 1, "ten are lost");
}

#[test]
fn a_rest_node_that_comes_back_is_subscribed_again() {
    let bench = Bench::new();
    let args = ["--standalone", "--key-seed=rest", "--rest"];
    let (node, _) = bench.node("node-1", &[args[0], args[1], args[2], REST[1]]);
    let address = url(&node);
    let receiver = bench.receiver("receiver-1", &address, &[], 1);
    node.kill();
    receiver.wait_for_event("it notices", |event| {
        matches!(event, Event::PresenceLost(_)).then_some(())
    });
    std::fs::remove_file(bench.path("node-1.jsonl")).unwrap();
    let same = format!("--http-address={}", address.trim_start_matches("http://"));
    let (node, _) = bench.node("node-1", &[args[0], args[1], args[2], &same]);
    receiver.wait_for_event("it is back", |event| {
        matches!(event, Event::PresenceRestored(_)).then_some(())
    });
    let names: Vec<_> = receiver.events().iter().map(|event| event.name().to_owned()).collect();
    for name in ["disconnected", "subscription_lost", "reconnected"] {
        assert!(names.iter().any(|other| other == name), "{name} in {names:?}");
    }
    receiver.end();
    node.end();
}

#[test]
fn another_cluster_is_refused_over_rest_too() {
    let bench = Bench::new();
    let (node, _) = bench.node("node-1", &["--cluster-id=7", REST[0], REST[1], "--standalone"]);
    let service_node = format!("--service-node={}", url(&node));
    for role in ["publisher", "receiver"] {
        let mut client = bench.start(role, &format!("{role}-1"), &[&service_node, "--cluster-id=3"]);
        assert_eq!(client.wait().code(), Some(69), "{}", client.said());
        let said = client.said();
        assert!(said.contains("cluster 7") && said.contains("cluster 3"), "{said}");
    }
}

#[test]
fn rest_needs_an_http_address() {
    let output = run(&["node", "--rest"]);
    assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
}
