//! Messages that arrive: both lightpush versions, redundant receivers, many clients in one process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use common::*;
use event_log::Event;

#[test]
fn v2_and_v3_publishers_reach_redundant_receivers_over_two_relaying_nodes() {
    let bench = Bench::new();
    let [(node_1, address_1), (node_2, address_2)] = bench.two_nodes(&[]);
    let second = format!("--service-node={address_2}");
    let receiver_1 = bench.receiver("receiver-1", &address_1, &[&second, "--redundancy=2"], 2);
    let receiver_2 = bench.receiver("receiver-2", &address_1, &[&second, "--redundancy=1"], 1);
    let mut publishers: Vec<_> = [("v2", &address_1), ("v3", &address_2)]
        .into_iter()
        .map(|(version, address)| {
            let (node, version_flag) = (format!("--service-node={address}"), format!("--lightpush={version}"));
            let args = [&node, &version_flag, "--messages=20", "--rate=100/s"];
            bench.start("publisher", &format!("publisher-{version}"), &args)
        })
        .collect();
    for publisher in &mut publishers {
        assert!(publisher.wait().success(), "{}", publisher.said());
    }
    receiver_1.wait_for_count("received", 80, |event| matches!(event, Event::Received(_)));
    receiver_2.wait_for_count("received", 40, |event| matches!(event, Event::Received(_)));
    receiver_1.end();
    receiver_2.end();
    node_1.end();
    node_2.end();
    let (code, report) = bench.report(&["--max-slip=1h"]);
    assert_eq!(code, 0, "{:#}", report["reasons"]);
    let counts = |receiver: usize| &report["receivers"][receiver]["counts"];
    assert_eq!(
        (counts(0)["received"].as_u64(), counts(0)["duplicates"].as_u64()),
        (Some(40), Some(40))
    );
    assert_eq!(
        (counts(1)["received"].as_u64(), counts(1)["duplicates"].as_u64()),
        (Some(40), Some(0))
    );
}

#[test]
fn a_hundred_clients_in_one_process_hear_everything() {
    let bench = Bench::new();
    let (node, address) = bench.node("node-1", &["--standalone"]);
    let receiver = bench.receiver("receiver-1", &address, &["--clients=100"], 100);
    let service_node = format!("--service-node={address}");
    let args = [&service_node, "--clients=5", "--messages=4", "--rate=20/s"];
    let mut publisher = bench.start("publisher", "publisher-1", &args);
    assert!(publisher.wait().success(), "{}", publisher.said());
    receiver.wait_for_count("received", 100 * 20, |event| matches!(event, Event::Received(_)));
    receiver.end();
    node.end();
    let (code, report) = bench.report(&["--max-slip=1h"]);
    assert_eq!(code, 0, "{:#}", report["reasons"]);
    assert_eq!(report["totals"]["counts"]["received"], 2000);
    assert_eq!(report["totals"]["counts"]["duplicates"], 0);
}
