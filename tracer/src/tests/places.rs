//! Where a loss happened: one test for each rule.

use event_log::event::{FilterPushed, LightpushHandled, PushOutcome, RelayOrigin, RelayReceived, RelaySent, Role};

use super::fixture::*;
use crate::place::Place;

const SENDER: &str = "publisher-1/0";
const OTHER: &str = "16Uiu2HAmOther";

/// A service node's log.
fn node(name: &str, peer_id: &str) -> LogText {
    LogText::start(Role::ServiceNode, name, |started| {
        started.clients = 0;
        started.peer_id = Some(peer_id.to_owned());
    })
}

impl LogText {
    fn handled(&mut self, index: u32) -> &mut Self {
        let event = LightpushHandled {
            peer: "p".to_owned(),
            protocol: "v3".to_owned(),
            request_id: "r".to_owned(),
            hash: Some(hash(SENDER, index, 1)),
            pubsub_topic: None,
            content_topic: None,
            size_bytes: 1024,
            received: at(intended(index)),
            status: 200,
            status_text: None,
            relay_peers: Some(1),
        };
        self.log(intended(index) + 5, event)
    }

    fn relayed(&mut self, index: u32, to_peers: &[&str]) -> &mut Self {
        let event = RelaySent {
            hash: hash(SENDER, index, 1),
            to_peers: to_peers.iter().map(|peer| (*peer).to_owned()).collect(),
            pubsub_topic: "/waku/2/rs/0/0".to_owned(),
            origin: RelayOrigin::Lightpush,
        };
        self.log(intended(index) + 6, event)
    }

    fn relay_received(&mut self, index: u32) -> &mut Self {
        let event = RelayReceived {
            hash: hash(SENDER, index, 1),
            from_peer: OTHER.to_owned(),
            pubsub_topic: "/waku/2/rs/0/0".to_owned(),
            content_topic: TOPIC.to_owned(),
            size_bytes: 1024,
        };
        self.log(intended(index) + 10, event)
    }

    fn pushed(&mut self, index: u32, peer: &str, outcome: PushOutcome) -> &mut Self {
        let event = FilterPushed {
            hash: hash(SENDER, index, 1),
            peer: peer.to_owned(),
            outcome,
            error: None,
        };
        self.log(intended(index) + 12, event)
    }
}

/// The place of the only loss (message 2 of 3) with these node logs.
#[track_caller]
fn place(nodes: &[LogText]) -> Place {
    let mut heard = receiver_of("receiver-1", [1, 3]);
    heard.end(30_000, "idle");
    place_at(heard, clean_publisher(3), nodes)
}

#[track_caller]
fn place_at(heard: LogText, sent: LogText, nodes: &[LogText]) -> Place {
    let mut logs = vec![sent, heard];
    logs.extend_from_slice(nodes);
    let report = report_on(&logs);
    assert_eq!(report.totals.counts.lost, 1);
    assert_eq!(report.losses_by_place.len(), 1);
    let loss = &report.receivers[0].senders[0].losses[0];
    assert_eq!((loss.count, loss.indices.show(9).as_str()), (1, "2"));
    report.losses_by_place[0].place
}

const RECEIVER_PEER: &str = "peer of receiver-1/0";

#[test]
fn without_node_logs_the_place_is_unknown() {
    assert_eq!(place(&[]), Place::UnknownNoNodeLog);
}

#[test]
fn pushed_but_not_received() {
    let mut log = node("node-1", NODE);
    log.handled(2)
        .pushed(2, "somebody", PushOutcome::Failed)
        .pushed(2, RECEIVER_PEER, PushOutcome::Ok);
    // Even a torn log shows what did happen.
    assert_eq!(place(&[log.clone()]), Place::PushedNotReceived);
    log.end(30_000, "signal");
    assert_eq!(place(&[log]), Place::PushedNotReceived);
}

#[test]
fn a_push_that_failed_is_not_pushed() {
    for outcome in [PushOutcome::Failed, PushOutcome::Dropped, PushOutcome::TimedOut] {
        let mut log = node("node-1", NODE);
        log.handled(2).pushed(2, RECEIVER_PEER, outcome);
        assert_eq!(place(&[log]), Place::RelayedNotPushed);
    }
}

#[test]
fn the_receivers_node_had_it_and_did_not_push_it() {
    let mut log = node("node-1", NODE);
    log.relay_received(2).pushed(2, "somebody else", PushOutcome::Ok);
    assert_eq!(
        place(&[log.clone()]),
        Place::UnknownNoNodeLog,
        "a torn log cannot show that there was no push"
    );
    log.end(30_000, "signal");
    assert_eq!(place(&[log]), Place::RelayedNotPushed);
}

#[test]
fn the_receivers_node_never_had_it() {
    let mut log = node("node-1", NODE);
    log.relay_received(1).relay_received(3);
    assert_eq!(place(&[log.clone()]), Place::UnknownNoNodeLog);
    log.end(30_000, "signal");
    assert_eq!(place(&[log]), Place::AckedNotRelayed);
}

#[test]
fn a_node_that_refused_a_message_did_not_have_it() {
    let mut log = node("node-1", NODE);
    log.handled(2).end(30_000, "signal");
    assert_eq!(place(&[log.clone()]), Place::RelayedNotPushed);
    log.lines[1] = log.lines[1].replace("\"status\":200", "\"status\":429");
    assert_eq!(place(&[log]), Place::AckedNotRelayed);
}

#[test]
fn the_publishers_node_kept_it_for_itself() {
    // The receiver hangs on another node, whose log is missing.
    let mut heard = LogText::start(Role::Receiver, "receiver-1", |_| {});
    heard
        .subscribed(-500)
        .received(SENDER, 1, 1)
        .received(SENDER, 3, 1)
        .end(30_000, "idle");
    heard
        .lines
        .iter_mut()
        .for_each(|line| *line = line.replace(NODE, OTHER));
    let mut log = node("node-1", NODE);
    log.handled(2).relayed(2, &[]);
    let silent = log.clone();
    log.end(30_000, "signal");
    assert_eq!(
        place_at(heard.clone(), clean_publisher(3), &[log]),
        Place::AckedNotRelayed
    );
    assert_eq!(
        place_at(heard.clone(), clean_publisher(3), &[silent]),
        Place::UnknownNoNodeLog,
        "torn"
    );
    let mut sent_on = node("node-1", NODE);
    sent_on.handled(2).relayed(2, &[OTHER]).end(30_000, "signal");
    assert_eq!(
        place_at(heard, clean_publisher(3), &[sent_on]),
        Place::UnknownNoNodeLog,
        "it was relayed"
    );
}

#[test]
fn a_gap_of_presence_comes_before_all_other_evidence() {
    let mut log = node("node-1", NODE);
    log.handled(2)
        .pushed(2, RECEIVER_PEER, PushOutcome::Ok)
        .end(30_000, "signal");
    let heard = |since: i64, until: i64| {
        let mut heard = receiver_of("receiver-1", [1, 3]);
        heard.gap(since, since + 1, until).end(30_000, "idle");
        heard
    };
    // Message 2 was sent at 2001 and acknowledged at 2021 ms.
    let at = |since, until| place_at(heard(since, until), clean_publisher(3), &[log.clone()]);
    assert_eq!(at(1500, 2500), Place::ReceiverNotSubscribed);
    assert_eq!(at(2021, 2500), Place::ReceiverNotSubscribed);
    assert_eq!(at(1500, 2001), Place::ReceiverNotSubscribed);
    assert_eq!(at(2022, 2500), Place::PushedNotReceived);
    assert_eq!(at(1500, 2000), Place::PushedNotReceived);
}

#[test]
fn only_a_gap_that_covers_every_acknowledged_attempt_explains_a_loss() {
    let mut sent = publisher("publisher-1", 3);
    sent.acked(1, 1)
        .acked(2, 1)
        .acked(2, 2)
        .acked(3, 1)
        .end(9000, "completed");
    let mut heard = receiver_of("receiver-1", [1, 3]);
    heard.gap(1900, 1901, 2100).end(30_000, "idle");
    assert_eq!(
        place_at(heard, sent.clone(), &[]),
        Place::UnknownNoNodeLog,
        "the second attempt lay outside"
    );
    let mut heard = receiver_of("receiver-1", [1, 3]);
    heard.gap(1900, 1901, 2900).end(30_000, "idle");
    assert_eq!(place_at(heard, sent, &[]), Place::ReceiverNotSubscribed);
}

#[test]
fn who_never_subscribed_was_not_subscribed() {
    let mut deaf = deaf_receiver("receiver-1");
    deaf.end(30_000, "idle");
    let report = report_on(&[clean_publisher(3), deaf]);
    assert_eq!(report.losses_by_place[0].place, Place::ReceiverNotSubscribed);
    assert_eq!(report.losses_by_place[0].count, 3);
}

#[test]
fn messages_never_acknowledged_have_a_place_too() {
    use event_log::event::FailureOutcome::{NoAnswer, NotSent, Refused};
    let mut sent = publisher("publisher-1", 5);
    sent.acked(1, 1)
        .failed(2, 1, NotSent, true)
        .failed(2, 2, NotSent, false);
    sent.failed(3, 1, Refused, true).failed(3, 2, NotSent, false);
    sent.failed(4, 1, NoAnswer, true).failed(4, 2, Refused, false);
    sent.failed(5, 1, NotSent, true).acked(5, 2).end(9000, "completed");
    let mut heard = receiver_of("receiver-1", [1]);
    heard.received(SENDER, 5, 2).end(30_000, "idle");
    let report = report_on(&[sent, heard]);
    let places: Vec<_> = report.senders[0]
        .never_acked_by_place
        .iter()
        .map(|loss| (loss.place, loss.indices.show(9)))
        .collect();
    let text = |text: &str| text.to_owned();
    let expected = [
        (Place::PublisherOffline, text("2")),
        (Place::RefusedByServiceNode, text("3")),
        (Place::NoAnswer, text("4")),
    ];
    assert_eq!(places, expected);
    assert!(
        report
            .losses_by_place
            .iter()
            .all(|p| p.count == 1 && p.unit == "messages")
    );
}

#[test]
fn places_add_up_to_the_losses() {
    let mut heard = receiver_of("receiver-1", [1]);
    heard.gap(2900, 2901, 3500).end(30_000, "idle");
    let mut log = node("node-1", NODE);
    log.handled(2)
        .pushed(2, RECEIVER_PEER, PushOutcome::Ok)
        .handled(4)
        .end(30_000, "signal");
    let report = report_on(&[clean_publisher(5), heard, log]);
    let places: Vec<_> = report.losses_by_place.iter().map(|p| (p.place, p.count)).collect();
    let expected = [
        (Place::AckedNotRelayed, 1),
        (Place::RelayedNotPushed, 1),
        (Place::PushedNotReceived, 1),
        (Place::ReceiverNotSubscribed, 1),
    ];
    assert_eq!(places, expected);
    assert_eq!(report.totals.counts.lost, 4);
}
