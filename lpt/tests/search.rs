//! Service nodes found instead of given: real processes, peer exchange and node lists over loopback sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::*;
use discovery::testing::{NameServer, publish};
use event_log::{
    Event,
    event::{BootstrapVia, CandidateTested, ServiceNodesChosen},
};
use libp2p::identity::{Keypair, secp256k1};
use waku::{
    Capability, NodeRecord, NodeRecordBuilder, ServiceNodeAddr,
    net::{ClientConfig, ClientEvent, ClientLimits, LightClient},
};

const CLUSTER: u16 = 5;

/// A network with one entry, two nodes of use, and others of none: on a wrong shard, without filter and lightpush, dead.
struct Network {
    bench: Bench,
    /// Serves nothing but peer exchange.
    entry: String,
    good: [(Role, String); 2],
    wrong_shard: String,
    /// Serves neither filter nor lightpush.
    bare: String,
    dead: String,
    _others: [Role; 3],
}

fn peer_of(address: &str) -> String {
    address.rsplit('/').next().unwrap().to_owned()
}

impl Network {
    fn start() -> Self {
        let bench = Bench::new();
        let node = |name: &str, more: &[&str]| {
            let key = format!("--key-file={}", bench.path(&format!("{name}.key")).display());
            bench.node(name, &[&["--cluster-id=5", &key], more].concat())
        };
        let good = [node("good-1", &[]), node("good-2", &[])];
        let wrong_shard = node("wrong-shard", &["--shard=7"]);
        let bare = node("bare", &["--filter=false", "--lightpush=false"]);
        let dead = node("dead", &[]);
        let peers = [&good[0], &good[1], &wrong_shard, &bare, &dead].map(|(_, address)| address.clone());
        let static_peers = peers.map(|address| format!("--static-peer={address}"));
        let mut args = vec!["--filter=false", "--lightpush=false"];
        args.extend(static_peers.iter().map(String::as_str));
        let entry = node("entry", &args);
        // Everybody's record and its own.
        let records = exchange(&entry.1, 6);
        assert_eq!(records.len(), 6);
        for (role, _) in &good {
            role.wait_for_event("its mesh is up", |event| match event {
                Event::MeshChanged(mesh) if mesh.peers > 0 => Some(()),
                _ => None,
            });
        }
        dead.0.kill();
        Self {
            bench,
            entry: entry.1,
            good,
            wrong_shard: wrong_shard.1,
            bare: bare.1,
            dead: dead.1,
            _others: [entry.0, wrong_shard.0, bare.0],
        }
    }

    /// A record of the node called `name`, newer than its own, that promises filter on shard 0.
    fn lying_record(&self, name: &str, address: &str) -> NodeRecord {
        let digits = std::fs::read_to_string(self.bench.path(&format!("{name}.key"))).unwrap();
        let byte = |index: usize| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
        let mut secret: Vec<u8> = (0..32).map(byte).collect();
        let secret = secp256k1::SecretKey::try_from_bytes(&mut secret).unwrap();
        promise(&secp256k1::Keypair::from(secret).into(), address, CLUSTER)
    }

    fn good_peers(&self) -> BTreeSet<String> {
        self.good.iter().map(|(_, address)| peer_of(address)).collect()
    }
}

/// A record that promises filter on shard 0.
fn promise(key: &Keypair, address: &str, cluster: u16) -> NodeRecord {
    NodeRecordBuilder::new()
        .sequence(9)
        .address(address.parse().unwrap())
        .capabilities([Capability::Relay, Capability::Filter])
        .shards(cluster, &[0])
        .build(key)
        .unwrap()
}

/// The records that the node at `address` hands out, once there are `count`.
fn exchange(address: &str, count: usize) -> Vec<NodeRecord> {
    let node: ServiceNodeAddr = address.parse().unwrap();
    let asking = async {
        let (client, mut events) = LightClient::start(ClientConfig {
            keypair: Keypair::generate_secp256k1(),
            cluster_id: CLUSTER,
            shards: vec![0],
            agent: "test".into(),
            limits: ClientLimits::default(),
        })
        .unwrap();
        let peer = node.peer_id;
        client.keep_connected(node);
        while !matches!(events.recv().await, Some(ClientEvent::Ready { .. })) {}
        loop {
            let records = client.peer_exchange(peer, 60).await.unwrap().records;
            if records.len() >= count {
                client.shutdown().await;
                return records;
            }
            tokio::time::sleep(Duration::from_millis(10)).await; // it is still asking its peers
        }
    };
    let asked = runtime::threads::block_on(async { tokio::time::timeout(PATIENCE, asking).await });
    asked.unwrap().unwrap()
}

fn tested(events: &[Event]) -> Vec<&CandidateTested> {
    let tested = events.iter().filter_map(|event| match event {
        Event::CandidateTested(tested) => Some(tested),
        _ => None,
    });
    tested.collect()
}

fn chosen(events: &[Event]) -> &ServiceNodesChosen {
    let mut chosen = events.iter().filter_map(|event| match event {
        Event::ServiceNodesChosen(chosen) => Some(chosen),
        _ => None,
    });
    chosen.next().unwrap()
}

#[test]
fn messages_travel_between_nodes_found_by_peer_exchange() {
    let network = Network::start();
    let entry = format!("--bootstrap-node={}", network.entry);
    let args = [entry.as_str(), "--cluster-id=5", "--choose=fastest"];
    let receiver = network.bench.start("receiver", "receiver-1", &args);
    receiver.wait_for_count("subscribed", 1, |event| matches!(event, Event::Subscribed(_)));
    let args = [&args[..], &["--messages=20", "--rate=50/s"]].concat();
    let mut publisher = network.bench.start("publisher", "publisher-1", &args);
    assert!(publisher.wait().success(), "{}", publisher.said());
    receiver.wait_for_count("received", 20, |event| matches!(event, Event::Received(_)));

    for (role, protocol) in [(&receiver, "filter"), (&publisher, "lightpush")] {
        let events = role.events();
        let asked = events.iter().find_map(|event| match event {
            Event::BootstrapAsked(asked) => Some(asked),
            _ => None,
        });
        let asked = asked.unwrap();
        assert_eq!(
            (asked.via, asked.records, asked.bad_records),
            (BootstrapVia::PeerExchange, 6, 0)
        );
        let chosen = chosen(&events);
        assert_eq!((chosen.round, chosen.candidates), (1, 6), "{protocol}");
        assert_eq!((chosen.other_shard, chosen.no_capability), (1, 2), "{chosen:?}");
        assert_eq!((chosen.tested, chosen.usable), (3, 2), "{chosen:?}");
        assert_eq!(
            chosen.service_nodes.iter().cloned().collect::<BTreeSet<_>>(),
            network.good_peers()
        );
        for test in tested(&events) {
            let passed = network.good_peers().contains(&test.service_node);
            assert_eq!(test.round_trip_ns.is_some(), passed, "{test:?}");
            assert_eq!(test.error.is_none(), passed, "{test:?}");
            assert!(passed || test.service_node == peer_of(&network.dead), "{test:?}");
            assert!(
                !passed || test.agent.as_deref().unwrap().starts_with("lite-protocol-tester"),
                "{test:?}"
            );
        }
        let said = role.said();
        assert!(
            said.contains("candidates by agent") && said.contains("(not reached)"),
            "{said}"
        );
    }
    let Some(Event::RunEnded(ended)) = publisher.events().pop() else {
        panic!("no run_ended")
    };
    assert_eq!(
        (
            ended.counters["candidates_dialled"],
            ended.counters["candidates_failed"]
        ),
        (3, 1)
    );
    receiver.end();
    let (code, report) = network.bench.report(&["--max-slip=1h"]);
    assert_eq!(
        (code, &report["receivers"][0]["counts"]["received"]),
        (0, &20.into()),
        "{report:#}"
    );
}

#[test]
fn a_node_list_leads_to_service_nodes_and_lies_in_it_are_found_out() {
    let network = Network::start();
    let mut records = exchange(&network.entry, 6);
    // Promises that are not kept: nobody answers, another cluster, no filter, another shard.
    let lies = [
        promise(&Keypair::generate_secp256k1(), "/ip4/127.0.0.1/tcp/9", CLUSTER),
        promise(&Keypair::generate_secp256k1(), "/ip4/127.0.0.1/tcp/9", CLUSTER + 1),
        network.lying_record("bare", &network.bare),
        network.lying_record("wrong-shard", &network.wrong_shard),
    ];
    records.retain(|record| lies.iter().all(|lie| lie.peer_id != record.peer_id));
    records.extend(lies);
    let (url, zone) = publish(7, "fleet.example", &records, &[]);
    let serving = tokio::runtime::Runtime::new().unwrap();
    let server = serving.block_on(NameServer::start(zone)).unwrap();
    let list = format!("--bootstrap-node={url}");
    let name_server = format!("--name-server={}", server.address());
    let mut receiver = network.bench.start(
        "receiver",
        "receiver-1",
        &[
            &list,
            &name_server,
            "--cluster-id=5",
            "--test-peers",
            "--redundancy=2",
            "--duration=100ms",
        ],
    );
    assert!(receiver.wait().success(), "{}", receiver.said());
    let events = receiver.events();
    let asked: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::BootstrapAsked(asked) if asked.via == BootstrapVia::Dns => Some(asked),
            _ => None,
        })
        .collect();
    assert_eq!((asked.len(), asked[0].records, &asked[0].error), (1, 8, &None));
    let chosen = chosen(&events);
    let left_out = (chosen.other_cluster, chosen.other_shard, chosen.no_capability);
    assert_eq!(left_out, (1, 0, 1), "{chosen:?}");
    assert_eq!((chosen.tested, chosen.usable), (6, 2), "{chosen:?}");
    let error_of = |address: &str| {
        let test = tested(&events)
            .into_iter()
            .find(|test| test.service_node == peer_of(address));
        test.unwrap().error.clone().unwrap()
    };
    assert_eq!(
        error_of(&network.bare),
        "it does not serve /vac/waku/filter-subscribe/2.0.0-beta1"
    );
    assert_eq!(error_of(&network.wrong_shard), "it relays the shards [7], not 0");
    let subscribed = events.iter().filter_map(|event| match event {
        Event::Subscribed(subscribed) => Some(subscribed.service_node.clone()),
        _ => None,
    });
    assert_eq!(
        subscribed.collect::<BTreeSet<_>>(),
        network.good_peers(),
        "at both, by --redundancy"
    );
}

#[test]
fn nobody_of_use_is_said_and_has_its_exit_code() {
    let network = Network::start();
    let [entry, wrong_shard, dead] =
        [&network.entry, &network.wrong_shard, &network.dead].map(|address| format!("--bootstrap-node={address}"));
    let mut publisher = network.bench.start(
        "publisher",
        "publisher-1",
        &[&wrong_shard, &dead, "--cluster-id=5", "--wait-timeout=3s"],
    );
    assert_eq!(publisher.wait().code(), Some(69), "{}", publisher.said());
    assert!(
        publisher.said().contains("no usable service node found in 1 rounds"),
        "{}",
        publisher.said()
    );
    let events = publisher.events();
    let chosen_by_first = chosen(&events);
    assert_eq!(
        (chosen_by_first.other_shard, chosen_by_first.tested),
        (1, 1),
        "asked, it hands out its own record"
    );
    assert_eq!(tested(&events)[0].service_node, peer_of(&network.dead));
    let mut publisher = network.bench.start(
        "publisher",
        "publisher-2",
        &[&entry, "--cluster-id=5", "--messages=1", "--choose-seed=1"],
    );
    assert!(publisher.wait().success(), "{}", publisher.said());
    assert_eq!(chosen(&publisher.events()).seed, 1);
}

#[test]
fn when_the_node_in_use_dies_another_is_searched_for() {
    let network = Network::start();
    let entry = format!("--bootstrap-node={}", network.entry);
    let receiver = network.bench.start(
        "receiver",
        "receiver-1",
        &[&entry, "--cluster-id=5", "--service-nodes-wanted=1"],
    );
    let used = receiver.wait_for_event("it subscribes", |event| match event {
        Event::Subscribed(subscribed) => Some(subscribed.service_node.clone()),
        _ => None,
    });
    let Network { good, .. } = network;
    let (dying, staying): (Vec<_>, Vec<_>) = good.into_iter().partition(|(_, address)| peer_of(address) == used);
    dying.into_iter().for_each(|(role, _)| role.kill());
    let other = peer_of(&staying[0].1);
    let reason = receiver.wait_for_event("it turns to the other", |event| match event {
        Event::PeerSwitched(switched) if switched.to == other => Some(switched.reason.clone()),
        _ => None,
    });
    assert!(!reason.is_empty());
    receiver.wait_for_event("it subscribes there", |event| match event {
        Event::Subscribed(subscribed) if subscribed.service_node == other => Some(()),
        _ => None,
    });
    receiver.end();
}

#[test]
fn networks_and_their_contradictions_are_told() {
    let help = text(&run(&["receiver", "--help"]).stdout);
    for name in [
        "twn",
        "sandbox",
        "status.prod",
        "status.staging",
        "--bootstrap-node",
        "enrtree://",
    ] {
        assert!(help.contains(name), "no {name} in\n{help}");
    }
    let output = run(&["publisher", "--network=twn", "--cluster-id=2"]);
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    assert!(said.contains("--cluster-id 2 contradicts --network twn"), "{said}");
}
