//! One client at service nodes over both transports.

use std::time::SystemTime;

use event_log::{
    Event,
    event::{RiskCause, Transport},
};
use libp2p::PeerId;
use runtime::light::NodeId;
use waku::{WakuMessage, wire::protocol_id};
use waku_rest::{RestEvent, RestNode, Risk};

use crate::test_bench::{Ask, Bench, PUBSUB, TOPIC, always_ok, names, numbered, payload};

const URL: &str = "http://127.0.0.1:1";

/// A client at one libp2p service node, ready, and at one REST service node, which calls itself `peer`.
async fn at_both(peer: Option<PeerId>) -> (Bench, RestNode) {
    let bench = Bench::new(1, &[format!("--service-node={URL}")], always_ok);
    bench.ready(0).await;
    let Some(NodeId::Rest(node)) = bench.link.kept.lock().unwrap().last().cloned() else {
        panic!("the REST node is kept too")
    };
    node.learn_peer_id(peer.unwrap_or(bench.nodes[0])).expect("the first");
    bench
        .send_rest(RestEvent::Ready {
            node: node.clone(),
            agent: Some("v0.38.1".into()),
            protocols: vec![protocol_id::FILTER_SUBSCRIBE.to_owned()],
        })
        .await;
    (bench, node)
}

fn transports(events: &[Event]) -> Vec<(&str, Option<Transport>)> {
    let transport = |event: &Event| match event {
        Event::Connected(event) => event.transport,
        Event::Subscribed(event) => event.transport,
        Event::Received(event) => event.transport,
        other => panic!("{other:?}"),
    };
    events.iter().map(|event| (event.name(), transport(event))).collect()
}

#[tokio::test(start_paused = true)]
async fn both_transports_of_one_node_are_subscribed_and_told_apart() {
    let (bench, node) = at_both(None).await;
    assert!(bench.is_ready());
    let message = WakuMessage::new(payload(&numbered(1, 1)), TOPIC, 1);
    bench.push(0, payload(&numbered(1, 1)), SystemTime::now()).await;
    bench
        .send_rest(RestEvent::Push {
            node,
            pubsub_topic: PUBSUB.into(),
            message,
            arrived: SystemTime::now(),
        })
        .await;
    let peer = bench.nodes[0].to_string();
    let (counters, events) = bench.end().await;
    let (libp2p, rest) = (Some(Transport::Libp2p), Some(Transport::Rest));
    let expected = [
        ("connected", libp2p),
        ("subscribed", libp2p),
        ("connected", rest),
        ("subscribed", rest),
        ("received", libp2p),
        ("received", rest),
    ];
    assert_eq!(transports(&events), expected);
    assert_eq!((counters["received"], counters["duplicates"]), (2, 1));
    assert!(matches!(&events[5], Event::Received(received) if received.service_node == peer));
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_mailbox_is_subscribed_again_without_a_turn() {
    let (bench, node) = at_both(Some(PeerId::random())).await;
    let error = "it has no mailbox".to_owned();
    bench.send_rest(RestEvent::Forgotten { node, error }).await;
    assert_eq!(bench.asks(), [Ask::Subscribe(1), Ask::Subscribe(1), Ask::Subscribe(1)]);
    assert!(bench.is_ready());
    let (counters, events) = bench.end().await;
    assert_eq!(names(&events[4..]), ["subscription_lost", "subscribed"]);
    assert!(matches!(&events[4], Event::SubscriptionLost(lost) if lost.transport == Some(Transport::Rest)));
    assert_eq!(
        (counters["gaps"], counters["resubscribes"], counters["switches"]),
        (0, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn messages_at_risk_are_logged_and_counted() {
    let (bench, node) = at_both(Some(PeerId::random())).await;
    for risk in [
        Risk::CacheFull {
            messages: 50,
            capacity: 50,
        },
        Risk::NoAnswer { error: "cut".into() },
    ] {
        bench
            .send_rest(RestEvent::AtRisk {
                node: node.clone(),
                content_topic: None,
                risk,
            })
            .await;
    }
    let (counters, events) = bench.end().await;
    assert_eq!(names(&events[4..]), ["messages_at_risk", "messages_at_risk"]);
    assert!(matches!(&events[4], Event::MessagesAtRisk(risk)
        if risk.cause == RiskCause::CacheFull && (risk.messages, risk.capacity) == (Some(50), Some(50))));
    assert!(matches!(&events[5], Event::MessagesAtRisk(risk)
        if risk.cause == RiskCause::NoAnswer && risk.error.as_deref() == Some("cut")));
    assert_eq!(counters["at_risk"], 2);
}
