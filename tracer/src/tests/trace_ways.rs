//! What a trace says of the ways a message went, and the places that hang on them: one test for each thing that a trace
//! once told otherwise than the report.

use std::fs;

use event_log::event::{LightpushHandled, RelayReceived, Role, Subscribed, Transport};

use super::fixture::*;
use crate::{
    place::Place,
    trace::{Fate, Trace, render_trace, trace},
};

const SENDER: &str = "publisher-1/0";
const OTHER: &str = "16Uiu2HAmOther";

fn traced(logs: &[LogText]) -> Trace {
    let folder = tempfile::tempdir().unwrap();
    for log in logs {
        fs::write(folder.path().join(&log.path), log.text()).unwrap();
    }
    trace(
        &[folder.path().to_owned()],
        &format!("{SENDER}:1").parse().unwrap(),
        None,
    )
    .unwrap()
}

/// What the trace and the report say of message 1 at the first receiver.
#[track_caller]
fn place(logs: &[LogText]) -> Option<Place> {
    let told = traced(logs);
    let reported = report_on(logs).receivers[0].senders[0]
        .losses
        .first()
        .map(|loss| loss.place);
    assert_eq!(told.receivers[0].place, reported, "{}", render_trace(&told));
    reported
}

fn node(name: &str) -> LogText {
    LogText::start(Role::ServiceNode, name, |started| {
        started.clients = 0;
        started.peer_id = Some(NODE.to_owned());
    })
}

fn relay_received(log: &mut LogText, index: u32) {
    let event = RelayReceived {
        hash: hash(SENDER, index, 1),
        from_peer: OTHER.to_owned(),
        pubsub_topic: "t".to_owned(),
        content_topic: "t".to_owned(),
        size_bytes: 1024,
    };
    log.log(intended(index) + 10, event);
}

/// The same as the role would have written it over REST.
fn over_rest(mut log: LogText) -> LogText {
    let node = format!("\"service_node\":\"{NODE}\"");
    for line in &mut log.lines {
        *line = line.replace(&node, &format!("{node},\"transport\":\"rest\""));
    }
    log
}

/// A message that a node without log acknowledged.
fn lost_at(receiver: LogText, node: LogText) -> Vec<LogText> {
    let mut sent = clean_publisher(1);
    sent.lines.iter_mut().for_each(|line| *line = line.replace(NODE, OTHER));
    vec![sent, receiver, node]
}

fn deaf(from: LogText) -> LogText {
    let mut log = from;
    log.end(30_000, "idle");
    log
}

#[test]
fn the_log_of_a_node_does_not_tell_what_its_rest_clients_got() {
    let mut silent = node("node-1");
    silent.end(30_000, "signal");
    let logs = lost_at(deaf(receiver("receiver-1")), silent.clone());
    assert_eq!(place(&logs), Some(Place::AckedNotRelayed));
    let logs = lost_at(over_rest(deaf(receiver("receiver-1"))), silent);
    assert_eq!(place(&logs), Some(Place::UnknownNoNodeLog));
    let text = render_trace(&traced(&logs));
    assert!(
        text.contains("Whether it came to node-1 over REST is not logged here."),
        "{text}"
    );
    assert!(
        text.contains("serves its REST clients as a filter client of yet another node"),
        "{text}"
    );
}

#[test]
fn a_node_that_acknowledged_over_rest_may_have_handed_it_on() {
    let mut kept = node("node-1");
    let handled = LightpushHandled {
        peer: "p".to_owned(),
        protocol: "v3".to_owned(),
        request_id: "r".to_owned(),
        hash: Some(hash(SENDER, 1, 1)),
        pubsub_topic: None,
        content_topic: None,
        size_bytes: 1024,
        received: at(1002),
        status: 200,
        status_text: None,
        relay_peers: Some(0),
    };
    kept.log(1003, handled).end(30_000, "signal");
    let mut heard = deaf(receiver("receiver-1"));
    heard
        .lines
        .iter_mut()
        .for_each(|line| *line = line.replace(NODE, OTHER));
    let logs = |publisher| vec![publisher, heard.clone(), kept.clone()];
    assert_eq!(place(&logs(clean_publisher(1))), Some(Place::AckedNotRelayed));
    assert_eq!(
        place(&logs(over_rest(clean_publisher(1)))),
        Some(Place::UnknownNoNodeLog)
    );
}

#[test]
fn a_line_about_another_message_that_cannot_be_read_damages_the_log() {
    let mut log = node("node-1");
    relay_received(&mut log, 1);
    relay_received(&mut log, 2);
    log.end(30_000, "signal");
    let logs = lost_at(deaf(receiver("receiver-1")), log);
    assert_eq!(place(&logs), Some(Place::RelayedNotPushed));
    let mut damaged = logs;
    damaged[2].lines[2] = damaged[2].lines[2].replace("\"size_bytes\":1024", "\"size_bytes\":\"many\"");
    assert_eq!(place(&damaged), Some(Place::UnknownNoNodeLog));
}

#[test]
fn a_torn_log_that_shares_its_file_ends_at_its_last_line() {
    let mut torn = receiver("receiver-1");
    (2..=20).for_each(|index| {
        torn.received(SENDER, index, 1);
    });
    let mut shared = torn.clone();
    shared.lines.extend(deaf(receiver_of("receiver-2", 1..=20)).lines);
    for receiver in [torn, shared] {
        let logs = vec![clean_publisher(20), receiver];
        assert_eq!(place(&logs), Some(Place::UnknownNoNodeLog));
        assert_eq!(traced(&logs).receivers[0].fate, Fate::Lost);
    }
}

#[test]
fn ways_over_rest_are_named() {
    let mut heard = receiver("receiver-1");
    let rest = Subscribed {
        client: 0,
        service_node: NODE.to_owned(),
        transport: Some(Transport::Rest),
        pubsub_topic: "/waku/2/rs/0/0".to_owned(),
        content_topics: 1,
        renewed: false,
    };
    heard.log(-400, rest.clone());
    heard.log(
        -300,
        Subscribed {
            service_node: OTHER.to_owned(),
            ..rest
        },
    );
    let via = |log: &mut LogText, ms, node: &str, transport| {
        log.received_with(ms, SENDER, 1, 1, |e| {
            e.service_node = node.to_owned();
            e.transport = transport;
        });
    };
    via(&mut heard, 1051, NODE, None);
    via(&mut heard, 1081, NODE, Some(Transport::Rest));
    via(&mut heard, 1091, OTHER, Some(Transport::Rest));
    via(&mut heard, 1095, NODE, Some(Transport::Libp2p));
    let mut log = node("node-1");
    log.end(30_000, "signal");
    let told = traced(&[over_rest(clean_publisher(1)), deaf(heard), log]);
    let text = render_trace(&told);
    for said in [
        "attempt 1 leaves for node-1 over REST, 1024 bytes",
        "attempt 1 acknowledged by node-1 over REST with status 200",
        "RECEIVES it from node-1\n",
        "RECEIVES IT AGAIN from node-1 over REST: a duplicate, 30.0 ms old",
        "A duplicate arrived from node-1 over REST, 30.0 ms after the first: the receiver uses this service node by \
         filter over libp2p and over REST, and each delivers.",
        "HAmOther over REST, 40.0 ms after the first: one service node pushes it by filter over libp2p, the other hands it \
         out over REST.",
        "A duplicate arrived from node-1, 44.0 ms after the first: the same service node delivered it twice.",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    let fate = &told.receivers[0];
    let transports: Vec<_> = fate.repeats.iter().map(|repeat| repeat.transport).collect();
    assert_eq!(
        transports,
        [Some(Transport::Rest), Some(Transport::Rest), Some(Transport::Libp2p)]
    );
    assert_eq!(fate.transport, None);
    let of_events = |name| {
        let events = told.events.iter().filter(move |event| event.event == name);
        events.map(|event| event.transport).collect::<Vec<_>>()
    };
    assert_eq!(of_events("publish_attempt"), [Some(Transport::Rest)]);
    assert_eq!(of_events("published"), [Some(Transport::Rest)]);
    assert_eq!(of_events("received")[1], Some(Transport::Rest));
}
