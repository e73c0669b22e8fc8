//! Traces of runs whose story is known, and of random ones against the report.

use std::{fs, path::PathBuf};

use event_log::event::{
    FailureOutcome, FilterPushed, LightpushHandled, PushOutcome, RelayOrigin, RelayReceived, RelaySent, Role,
};
use proptest::prelude::*;

use super::{fixture::*, reference::history};
use crate::{
    place::Place,
    report::Report,
    trace::{Fate, MAX_CANDIDATES, Trace, TraceError, render_trace, trace},
};

/// A second service node, which the publisher pushes into; the receivers are at `NODE`.
const FAR: &str = "16Uiu2HAmFar";
const SENDER: &str = "publisher-1/0";

fn node(name: &str, peer_id: &str) -> LogText {
    LogText::start(Role::ServiceNode, name, |started| {
        started.peer_id = Some(peer_id.to_owned());
    })
}

trait NodeLines {
    fn handled(&mut self, ms: i64, index: u32) -> &mut Self;
    fn relay_sent(&mut self, ms: i64, index: u32, to: &[&str]) -> &mut Self;
    fn relay_got(&mut self, ms: i64, index: u32, from: &str) -> &mut Self;
    fn pushed(&mut self, ms: i64, index: u32, receiver: &str, outcome: PushOutcome) -> &mut Self;
}

impl NodeLines for LogText {
    fn handled(&mut self, ms: i64, index: u32) -> &mut Self {
        let event = LightpushHandled {
            peer: format!("peer of {SENDER}"),
            protocol: "v3".to_owned(),
            request_id: "1".to_owned(),
            hash: Some(hash(SENDER, index, 1)),
            pubsub_topic: None,
            content_topic: None,
            size_bytes: 1024,
            received: at(ms),
            status: 200,
            status_text: None,
            relay_peers: Some(1),
        };
        self.log(ms + 1, event)
    }

    fn relay_sent(&mut self, ms: i64, index: u32, to: &[&str]) -> &mut Self {
        let event = RelaySent {
            hash: hash(SENDER, index, 1),
            to_peers: to.iter().map(|peer| (*peer).to_owned()).collect(),
            pubsub_topic: "t".to_owned(),
            origin: RelayOrigin::Lightpush,
        };
        self.log(ms, event)
    }

    fn relay_got(&mut self, ms: i64, index: u32, from: &str) -> &mut Self {
        let event = RelayReceived {
            hash: hash(SENDER, index, 1),
            from_peer: from.to_owned(),
            pubsub_topic: "t".to_owned(),
            content_topic: "t".to_owned(),
            size_bytes: 1024,
        };
        self.log(ms, event)
    }

    fn pushed(&mut self, ms: i64, index: u32, receiver: &str, outcome: PushOutcome) -> &mut Self {
        let event = FilterPushed {
            hash: hash(SENDER, index, 1),
            peer: format!("peer of {receiver}"),
            outcome,
            error: (outcome != PushOutcome::Ok).then(|| "broken pipe".to_owned()),
        };
        self.log(ms, event)
    }
}

fn folder(logs: &[LogText]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for log in logs {
        fs::write(folder.path().join(&log.path), log.text()).unwrap();
    }
    folder
}

fn traced_as(logs: &[LogText], id: &str, run: Option<&str>) -> Result<Trace, TraceError> {
    let folder = folder(logs);
    trace(&[folder.path().to_owned()], &id.parse().unwrap(), run)
}

fn traced(logs: &[LogText], index: u32) -> Trace {
    traced_as(logs, &format!("{SENDER}:{index}"), None).unwrap()
}

fn reported(logs: &[LogText]) -> Report {
    let folder = folder(logs);
    crate::report(&[folder.path().to_owned()], &crate::Options::default()).unwrap()
}

/// A run of one message that `receiver-1` does not get; `far` relays it to `near`, where the receiver is.
fn lost_run(
    near: impl FnOnce(&mut LogText) -> &mut LogText,
    far: impl FnOnce(&mut LogText) -> &mut LogText,
) -> Vec<LogText> {
    let mut run = clean_run(1);
    // The publisher is at the far node.
    run[0].lines.iter_mut().for_each(|line| *line = line.replace(NODE, FAR));
    run[1] = receiver_of("receiver-1", []);
    run[1].end(30_000, "idle");
    let (mut one, mut two) = (node("node-far", FAR), node("node-near", NODE));
    far(&mut one);
    near(&mut two);
    one.end(30_000, "signal");
    two.end(30_000, "signal");
    run.extend([one, two]);
    run
}

#[track_caller]
fn expect_place(logs: &[LogText], place: Place, reason: &str) {
    let trace = traced(logs, 1);
    let fate = &trace.receivers[0];
    assert_eq!(
        (fate.fate, fate.place),
        (Fate::Lost, Some(place)),
        "{}",
        render_trace(&trace)
    );
    let why = fate.why.join(" ");
    assert!(why.contains(reason), "{why}");
    let losses = &reported(logs).receivers[0].senders[0].losses;
    assert_eq!(losses[0].place, place, "the report says the same");
}

#[test]
fn each_place_is_explained() {
    let pushed = lost_run(
        |n| n.handled(1005, 1).pushed(1010, 1, "receiver-1/0", PushOutcome::Ok),
        |n| n,
    );
    expect_place(
        &pushed,
        Place::PushedNotReceived,
        "node-near logged at +10.0 ms that it had written it",
    );
    let failed = lost_run(
        |n| n.handled(1005, 1).pushed(1010, 1, "receiver-1/0", PushOutcome::Failed),
        |n| n,
    );
    expect_place(&failed, Place::RelayedNotPushed, "broken pipe");
    let kept = lost_run(|n| n.handled(1005, 1), |n| n);
    expect_place(&kept, Place::RelayedNotPushed, "has no push of it to this receiver");
    let stuck = lost_run(|n| n, |n| n.handled(1005, 1).relay_sent(1006, 1, &[NODE]));
    expect_place(&stuck, Place::AckedNotRelayed, "It got as far as node-far");
    let mut torn = lost_run(|n| n.handled(1005, 1), |n| n);
    torn[3].lines.pop();
    expect_place(&torn, Place::UnknownNoNodeLog, "its log is torn or damaged");
    let mut unlogged = lost_run(|n| n, |n| n);
    unlogged.truncate(2);
    expect_place(
        &unlogged,
        Place::UnknownNoNodeLog,
        "The last that is known of it is its acknowledgement",
    );
    assert!(
        traced(&unlogged, 1).receivers[0]
            .missing
            .iter()
            .any(|missing| missing.contains(NODE))
    );
    let mut absent = unlogged;
    reopen(&mut absent[1]).gap(500, 600, 2000).end(30_000, "idle");
    expect_place(
        &absent,
        Place::ReceiverNotSubscribed,
        "no live subscription from -500 ms to +1.00 s",
    );
}

#[test]
fn a_lost_message_reads_like_an_explanation() {
    let mut logs = lost_run(|n| n, |n| n.relay_sent(1006, 1, &[NODE]).handled(1005, 1));
    let mut heard = receiver("receiver-2");
    heard
        .received(SENDER, 1, 1)
        .received_at(1071, SENDER, 1, 1)
        .end(30_000, "idle");
    logs.push(heard);
    insta::assert_snapshot!(render_trace(&traced(&logs, 1)), @r#"
    Acknowledged; received by 1 of 2 receivers; LOST at receiver-1/0 (acked but not relayed to the receiver's service node); 1 arrival after the first

    message   publisher-1/0:1 of run 0f3c
    hash      0x7075626c69736865722d312f3000000000000000000000000000000100000001  attempt 1
    payload   1024 bytes on /tester/2/light-pubsub-test/proto
    intended  2023-11-14T22:13:21.000000000Z  (0 on the time line)

    Time line
      +1.00 ms  22:13:21.001000  publisher-1/0  attempt 1 leaves for node-far, 1024 bytes
      +5.00 ms  22:13:21.005000  node-far       reads the lightpush request of publisher-1/0
      +6.00 ms  22:13:21.006000  node-far       answers publisher-1/0 with status 200, relayed to 1 peer
      +6.00 ms  22:13:21.006000  node-far       hands it to node-near
      +21.0 ms  22:13:21.021000  publisher-1/0  attempt 1 acknowledged by node-far with status 200 after 20.0 ms, says it relays to 4 peers
      +51.0 ms  22:13:21.051000  receiver-2/0   RECEIVES it from node-near
      +71.0 ms  22:13:21.071000  receiver-2/0   RECEIVES IT AGAIN from node-near: a duplicate, 20.0 ms old

    Relay
      node-far  +5.00 ms  pushed here by publisher-1/0
      └─ node-near  was handed it, and its whole log does not have it

    Receivers
      receiver-1/0  LOST: acked but not relayed to the receiver's service node
        node-far acknowledged it, and it never came to node-near, where this receiver was subscribed.
        It got as far as node-far (see the relay tree).
      receiver-2/0  received 51.0 ms after its intended time, and once more after that
        It arrived from node-near at +51.0 ms.
        A duplicate arrived from node-near, 20.0 ms after the first: the same service node delivered it twice.
    "#);
}

#[test]
fn relay_hops_make_a_tree() {
    let mut logs = lost_run(
        |n| n.relay_got(1010, 1, FAR).relay_sent(1011, 1, &["somebody"]),
        |n| n.handled(1005, 1).relay_sent(1006, 1, &[NODE, "torn"]),
    );
    logs.push(node("node-torn", "torn"));
    let trace = traced(&logs, 1);
    let root = &trace.relays[0].roots[0];
    assert_eq!((trace.relays[0].roots.len(), root.node.as_str()), (1, "node-far"));
    let next: Vec<&str> = root.next.iter().map(|hop| hop.node.as_str()).collect();
    assert_eq!(next, ["node-near", "node-torn"]);
    assert!(
        root.next[1].how.contains("breaks off at -3.00 s"),
        "{}",
        root.next[1].how
    );
    assert!(root.next[0].next[0].how.contains("has no log here"));
}

#[test]
fn a_log_that_broke_off_is_old_news_once_its_node_is_back() {
    let mut logs = clean_run(2);
    let killed = node("node-near", NODE);
    let mut back = killed.clone();
    back.path = "node-near-again.jsonl".to_owned();
    // After the first message is intended, and before the second.
    back.lines[0] = back.lines[0].replace(&at(-2000).to_string(), &at(1500).to_string());
    back.end(30_000, "signal");
    logs.extend([killed, back]);
    let tears = [1, 2].map(|index| {
        let trace = traced(&logs, index);
        trace.events.iter().filter(|event| event.event == "torn").count()
    });
    assert_eq!(tears, [1, 0]);
}

#[test]
fn a_circle_of_relays_ends() {
    let logs = lost_run(|n| n.relay_got(1010, 1, FAR), |n| n.relay_got(1010, 1, NODE));
    assert_eq!(traced(&logs, 1).relays[0].roots.len(), 1);
}

#[test]
fn all_attempts_are_found_from_the_hash_of_one() {
    let mut logs = clean_run(2);
    logs[0] = publisher("publisher-1", 2);
    logs[0]
        .failed(1, 1, FailureOutcome::NoAnswer, true)
        .acked(1, 2)
        .acked(2, 1)
        .end(9000, "completed");
    reopen(&mut logs[1]).received(SENDER, 1, 2).end(30_000, "idle");
    let (folder, whole) = (folder(&logs), hash(SENDER, 1, 2).to_string());
    let [trace, by_number] = [whole.as_str(), "publisher-1/0:1"]
        .map(|id| trace(&[folder.path().to_owned()], &id.parse().unwrap(), None).unwrap());
    assert_eq!(trace, by_number);
    assert_eq!(
        trace.hashes.iter().map(|h| h.attempts.as_slice()).collect::<Vec<_>>(),
        [[1], [2]]
    );
    assert_eq!(
        trace.receivers[0]
            .repeats
            .iter()
            .map(|r| r.retry_twin)
            .collect::<Vec<_>>(),
        [true]
    );
}

#[test]
fn a_prefix_of_several_messages_is_refused_with_their_names() {
    let Err(TraceError::Ambiguous { candidates, more, .. }) =
        traced_as(&clean_run(30), &hash(SENDER, 1, 1).to_string()[..10], None)
    else {
        panic!("not ambiguous");
    };
    assert_eq!((candidates.len(), more), (MAX_CANDIDATES, 10));
    assert!(
        candidates[0].ends_with("publisher-1/0:1 of run 0f3c"),
        "{}",
        candidates[0]
    );
}

#[test]
fn a_number_in_two_runs_needs_a_run() {
    let mut logs = clean_run(1);
    let mut other = clean_run(1);
    for log in &mut other {
        log.path = format!("other-{}", log.path);
        log.lines
            .iter_mut()
            .for_each(|line| *line = line.replace("\"run\":\"0f3c\"", "\"run\":\"beef\""));
        log.lines
            .iter_mut()
            .for_each(|line| *line = line.replace("\"hash\":\"0x70", "\"hash\":\"0x71"));
    }
    logs.extend(other);
    assert!(matches!(
        traced_as(&logs, "publisher-1/0:1", None),
        Err(TraceError::Ambiguous { .. })
    ));
    let chosen = traced_as(&logs, "publisher-1/0:1", Some("beef")).unwrap();
    assert_eq!((chosen.run.as_deref(), chosen.receivers.len()), (Some("beef"), 1));
}

#[test]
fn what_nobody_logged_is_not_found() {
    for id in ["publisher-1/0:9", "0xffffffff", "nobody:1"] {
        assert!(
            matches!(traced_as(&clean_run(3), id, None), Err(TraceError::NotFound(_))),
            "{id}"
        );
    }
    let none = trace(&[PathBuf::from("no such file")], &"abcd".parse().unwrap(), None);
    assert!(matches!(none, Err(TraceError::Input(_))));
}

#[test]
fn what_a_peer_wrote_is_harmless_on_a_terminal() {
    let mut logs = clean_run(1);
    logs[0] = publisher("publisher-1", 1);
    logs[0]
        .failed(1, 1, FailureOutcome::Refused, false)
        .end(9000, "completed");
    logs[0]
        .lines
        .iter_mut()
        .for_each(|line| *line = line.replace("not now", "\\u001b[2Jgone\\u202e"));
    let text = render_trace(&traced(&logs, 1));
    assert!(
        text.contains("\\u{1b}[2Jgone\\u{202e}") && !text.contains('\u{1b}'),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn trace_and_report_agree(run in history()) {
        let logs = run.logs();
        let report = reported(&logs);
        let folder = folder(&logs);
        for sender in &report.senders {
            for index in 1..=u32::try_from(sender.attempted).unwrap() {
                let id = format!("{}:{index}", sender.sender).parse().unwrap();
                let Ok(trace) = trace(&[folder.path().to_owned()], &id, None) else { continue };
                for fate in &trace.receivers {
                    let receiver = report.receivers.iter().find(|r| r.receiver == fate.receiver).unwrap();
                    let cell = receiver.senders.iter().find(|cell| cell.sender == sender.sender).unwrap();
                    let lost = cell.losses.iter().find(|loss| loss.indices.0.iter().any(|range| (range.first..=range.last).contains(&index)));
                    let expected = (fate.fate == Fate::Lost).then_some(fate.place).flatten();
                    prop_assert_eq!(lost.map(|loss| loss.place), expected, "{}", render_trace(&trace));
                }
            }
        }
    }
}
