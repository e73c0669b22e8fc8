//! Fleets at random: service nodes with event logs and native ones, whole, torn, damaged or missing; receivers at two of
//! them, over libp2p and REST, that come and go. The report and the traces must tell one story of each message.

use std::fs;

use event_log::event::{
    FailureOutcome, FilterPushed, LightpushHandled, PushOutcome, RelayOrigin, RelayReceived, RelaySent, Role,
    Subscribed, Transport,
};
use proptest::prelude::*;

use super::fixture::*;
use crate::{
    report::Report,
    trace::{Fate, Trace, render_trace, trace},
};

const SENDER: &str = "publisher-1/0";
const MESSAGES: u32 = 3;
const NODES: usize = 3;
const RECEIVERS: usize = 2;

/// How an attempt ended; `None`: no word of it.
type Attempt = (Option<Result<(), FailureOutcome>>, Spoken);
/// The service node that is spoken to, and how.
type Spoken = (usize, Option<Transport>);

#[derive(Debug, Clone)]
pub(super) struct Fleet {
    /// By message.
    attempts: Vec<Vec<Attempt>>,
    publisher_torn: bool,
    receivers: Vec<Heard>,
    nodes: Vec<Option<Node>>,
}

#[derive(Debug, Clone)]
struct Heard {
    subscribed: Vec<(i64, Spoken)>,
    arrivals: Vec<(u32, u32, Spoken)>,
    gaps: Vec<(i64, i64)>,
    ends: bool,
}

#[derive(Debug, Clone)]
struct Node {
    is_native: bool,
    /// Of a native log: whether its first line names the node in full.
    names_itself: bool,
    end: End,
    lines: Vec<(u32, u32, Line)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Whole,
    Torn,
    /// Whole, with a line that cannot be read.
    Damaged,
}

#[derive(Debug, Clone, Copy)]
enum Line {
    Handled,
    RelayGot,
    RelaySent(Option<usize>),
    Pushed(usize, PushOutcome),
}

fn spoken() -> impl Strategy<Value = Spoken> {
    let transport = prop_oneof![2 => Just(None), 1 => Just(Some(Transport::Libp2p)), 2 => Just(Some(Transport::Rest))];
    (0..NODES, transport)
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let failure = prop_oneof![
        Just(FailureOutcome::Refused),
        Just(FailureOutcome::NoAnswer),
        Just(FailureOutcome::NotSent)
    ];
    let end = prop_oneof![5 => Just(Some(Ok(()))), 1 => failure.prop_map(|f| Some(Err(f))), 1 => Just(None)];
    (end, spoken())
}

fn heard() -> impl Strategy<Value = Heard> {
    (
        proptest::collection::vec((prop_oneof![4 => Just(-500), 1 => 0..4000_i64], spoken()), 0..4),
        proptest::collection::vec((1..=MESSAGES, 1..=2_u32, spoken()), 0..5),
        proptest::collection::vec((0..6000_i64, 1..3000_i64), 0..2),
        proptest::bool::weighted(0.8),
    )
        .prop_map(|(subscribed, arrivals, gaps, ends)| Heard {
            subscribed,
            arrivals,
            gaps,
            ends,
        })
}

fn line() -> impl Strategy<Value = Line> {
    let outcome = prop_oneof![
        2 => Just(PushOutcome::Ok),
        1 => Just(PushOutcome::Failed),
        1 => Just(PushOutcome::TimedOut)
    ];
    prop_oneof![
        Just(Line::Handled),
        Just(Line::RelayGot),
        proptest::option::of(0..NODES).prop_map(Line::RelaySent),
        (0..RECEIVERS, outcome).prop_map(|(receiver, outcome)| Line::Pushed(receiver, outcome)),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let end = prop_oneof![4 => Just(End::Whole), 1 => Just(End::Torn), 1 => Just(End::Damaged)];
    (
        any::<bool>(),
        proptest::bool::weighted(0.7),
        end,
        proptest::collection::vec((1..=MESSAGES, 1..=2_u32, line()), 0..9),
    )
        .prop_map(|(is_native, names_itself, end, lines)| Node {
            is_native,
            names_itself,
            end,
            lines,
        })
}

pub(super) fn fleet() -> impl Strategy<Value = Fleet> {
    (
        proptest::collection::vec(proptest::collection::vec(attempt(), 1..3), MESSAGES as usize),
        proptest::bool::weighted(0.1),
        proptest::collection::vec(heard(), RECEIVERS),
        proptest::collection::vec(proptest::option::weighted(0.9, node()), NODES),
    )
        .prop_map(|(attempts, publisher_torn, receivers, nodes)| Fleet {
            attempts,
            publisher_torn,
            receivers,
            nodes,
        })
}

/// Full peer ids of which nwaku's short form is known; 0 to 2 are of nodes, the rest of receivers.
fn full_id(number: usize) -> String {
    format!("16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPGiNg{number}X")
}

fn short_id(number: usize) -> String {
    let full = full_id(number);
    format!("{}*{}", &full[..3], &full[full.len() - 6..])
}

impl Fleet {
    pub(super) fn logs(&self) -> Vec<LogText> {
        let mut logs = vec![self.publisher()];
        logs.extend(
            self.receivers
                .iter()
                .enumerate()
                .map(|(number, heard)| heard.log(number)),
        );
        let nodes = self.nodes.iter().enumerate();
        logs.extend(nodes.filter_map(|(number, node)| Some(node.as_ref()?.log(number))));
        logs
    }

    fn publisher(&self) -> LogText {
        let mut log = publisher("publisher-1", MESSAGES.into());
        for (index, attempts) in (1..).zip(&self.attempts) {
            for (number, (end, (node, transport))) in (1..).zip(attempts) {
                let from = log.lines.len();
                match end {
                    Some(Ok(())) => log.acked(index, number),
                    Some(Err(outcome)) => log.failed(index, number, *outcome, number < attempts.len() as u32),
                    None => log.attempt(index, number),
                };
                speak(&mut log.lines[from..], *node, *transport);
            }
        }
        if !self.publisher_torn {
            log.end(9000, "completed");
        }
        log
    }
}

/// Puts a service node in the place of the fixture's.
fn speak(lines: &mut [String], node: usize, transport: Option<Transport>) {
    let named = match transport {
        Some(transport) => format!("{}\",\"transport\":\"{}\"", full_id(node), transport.name()),
        None => full_id(node) + "\"",
    };
    for line in lines {
        *line = line.replace(&format!("{NODE}\""), &named);
    }
}

impl Heard {
    fn log(&self, number: usize) -> LogText {
        let mut log = deaf_receiver(&format!("receiver-{number}"));
        let own = full_id(NODES + number);
        for line in &mut log.lines {
            *line = line.replace(&format!("peer of receiver-{number}/0"), &own);
        }
        for (ms, (node, transport)) in &self.subscribed {
            let event = Subscribed {
                client: 0,
                service_node: full_id(*node),
                transport: *transport,
                pubsub_topic: "/waku/2/rs/0/0".to_owned(),
                content_topics: 1,
                renewed: false,
            };
            log.log(*ms, event);
        }
        for (index, attempt, (node, transport)) in &self.arrivals {
            let from = log.lines.len();
            log.received(SENDER, *index, *attempt);
            speak(&mut log.lines[from..], *node, *transport);
        }
        for (since, long) in &self.gaps {
            log.gap(*since, since + 1, since + long);
        }
        if self.ends {
            log.end(30_000, "idle");
        }
        log
    }
}

impl Node {
    fn log(&self, number: usize) -> LogText {
        let mut log = if self.is_native {
            self.native(number)
        } else {
            self.events(number)
        };
        if self.end == End::Damaged {
            let damaged = if self.is_native {
                "msg_hash=cut"
            } else {
                r#"{"v":1,"event":"relay_received"}"#
            };
            log.lines.insert(1, damaged.to_owned());
        }
        log
    }

    fn events(&self, number: usize) -> LogText {
        let mut log = LogText::start(Role::ServiceNode, &format!("node-{number}"), |started| {
            started.clients = 0;
            started.peer_id = Some(full_id(number));
        });
        for (index, attempt, line) in &self.lines {
            let (ms, hash) = (intended(*index) + 10, hash(SENDER, *index, *attempt));
            match line {
                Line::Handled => log.log(ms, handled(hash, ms)),
                Line::RelayGot => log.log(
                    ms,
                    RelayReceived {
                        hash,
                        from_peer: full_id(NODES + RECEIVERS),
                        pubsub_topic: "t".to_owned(),
                        content_topic: "t".to_owned(),
                        size_bytes: 1024,
                    },
                ),
                Line::RelaySent(to) => log.log(
                    ms,
                    RelaySent {
                        hash,
                        to_peers: to.iter().map(|to| full_id(*to)).collect(),
                        pubsub_topic: "t".to_owned(),
                        origin: RelayOrigin::Lightpush,
                    },
                ),
                Line::Pushed(receiver, outcome) => log.log(
                    ms,
                    FilterPushed {
                        hash,
                        peer: full_id(NODES + receiver),
                        outcome: *outcome,
                        error: None,
                    },
                ),
            };
        }
        if self.end != End::Torn {
            log.end(30_000, "signal");
        }
        log
    }

    fn native(&self, number: usize) -> LogText {
        let mut log = LogText::empty(&format!("node-{number}.log"));
        let full = full_id(number);
        let own = if self.names_itself { full.as_str() } else { "nobody" };
        let topics = "topics=\"waku node\" tid=1 file=x.nim:1";
        log.lines.push(format!(
            "INF {} Listening on {topics} full=[/ip4/10.0.0.1/tcp/1/p2p/{own}]",
            native_time(-3000)
        ));
        let own = short_id(number);
        for (index, attempt, line) in &self.lines {
            let time = native_time(intended(*index) + 10);
            let hash = hash(SENDER, *index, *attempt);
            let rest = format!("my_peer_id={own} msg_hash={hash}");
            let push = |receiver: &usize| {
                let to = short_id(NODES + receiver);
                format!("msg_hash={hash} numPeers=1 target_peer_ids=\"@[\\\"{to}\\\"]\"")
            };
            log.lines.extend(match line {
                Line::Handled => vec![format!(
                    "NTC {time} handling lightpush request topics=\"waku lightpush\" tid=1 file=x.nim:1 my_peer_id={own} \
                     peer_id=16U*GiNg99 requestId=1 pubsubTopic=/waku/2/rs/0/0 msg_hash={hash} receivedTime=1"
                )],
                Line::RelayGot => vec![format!(
                    "NTC {time} received relay message topics=\"waku relay\" tid=1 file=x.nim:1 {rest} from_peer_id={}",
                    short_id(0)
                )],
                Line::RelaySent(to) => to
                    .iter()
                    .map(|to| {
                        let to = short_id(*to);
                        format!("NTC {time} sent relay message topics=\"waku relay\" tid=1 file=x.nim:1 {rest} to_peer_id={to}")
                    })
                    .collect(),
                Line::Pushed(receiver, outcome) => {
                    let filter = "topics=\"waku filter\" tid=1 file=x.nim:1";
                    let begun = format!("NTC {time} pushing message to subscribed peers {filter} {}", push(receiver));
                    let end = match outcome {
                        PushOutcome::Ok => Some("NTC {time} pushed message succesfully to all subscribers"),
                        PushOutcome::TimedOut => Some("ERR {time} timed out pushing message to peers"),
                        // Its end is not logged.
                        PushOutcome::Failed | PushOutcome::Dropped => None,
                    };
                    let ended = |end: &str| format!("{} {filter} {}", end.replace("{time}", &time), push(receiver));
                    std::iter::once(begun).chain(end.map(ended)).collect()
                }
            });
        }
        let end_ms = if self.end == End::Torn { 4000 } else { 30_000 };
        log.lines
            .push(format!("INF {} Stopping node {topics}", native_time(end_ms)));
        log
    }
}

fn handled(hash: event_log::MessageHash, ms: i64) -> LightpushHandled {
    LightpushHandled {
        peer: "p".to_owned(),
        protocol: "v3".to_owned(),
        request_id: "r".to_owned(),
        hash: Some(hash),
        pubsub_topic: None,
        content_topic: None,
        size_bytes: 1024,
        received: at(ms - 2),
        status: 200,
        status_text: None,
        relay_peers: Some(1),
    }
}

/// The time as nwaku writes it.
fn native_time(ms: i64) -> String {
    let text = at(ms).to_string();
    format!("{} {}+00:00", &text[..10], &text[11..23])
}

/// Every message of the run as the report has it, in a form that the traces have to give too.
fn told_by_report(report: &Report, receiver: &str, index: u32) -> (Fate, Option<crate::place::Place>) {
    let receiver = report.receivers.iter().find(|r| r.receiver == receiver).unwrap();
    let cell = &receiver.senders[0];
    let holds = |ranges: &crate::ranges::IndexRanges| ranges.0.iter().any(|r| (r.first..=r.last).contains(&index));
    if let Some(loss) = cell.losses.iter().find(|loss| holds(&loss.indices)) {
        let listed = report.lost_messages.listed.iter();
        let mut listed = listed.filter(|m| m.receiver.as_ref() == Some(&receiver.receiver) && m.index == index);
        assert_eq!(listed.next().map(|m| m.place), Some(loss.place));
        return (Fate::Lost, Some(loss.place));
    }
    let never = report.senders[0]
        .never_acked_by_place
        .iter()
        .find(|loss| holds(&loss.indices));
    (Fate::NeverAcked, never.map(|loss| loss.place))
}

/// What a whole receiver log counts, from the traces.
fn counted(traces: &[Trace], receiver: usize, fate: Fate) -> u64 {
    traces
        .iter()
        .filter(|trace| trace.receivers[receiver].fate == fate)
        .count() as u64
}

fn agree(fleet: &Fleet) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    for log in fleet.logs() {
        fs::write(folder.path().join(&log.path), log.text()).unwrap();
    }
    let inputs = [folder.path().to_owned()];
    let report = crate::report(&inputs, &crate::Options::default()).unwrap();
    let traces: Vec<Trace> = (1..=MESSAGES)
        .map(|index| trace(&inputs, &format!("{SENDER}:{index}").parse().unwrap(), None).unwrap())
        .collect();
    for (trace, index) in traces.iter().zip(1..) {
        prop_assert_eq!(trace.receivers.len(), report.receivers.len());
        for fate in &trace.receivers {
            let (expected, place) = told_by_report(&report, &fate.receiver, index);
            if fate.fate == Fate::Lost || expected == Fate::Lost {
                prop_assert_eq!((fate.fate, fate.place), (expected, place), "{}", render_trace(trace));
                prop_assert!(!fate.why.is_empty());
            } else if fate.fate == Fate::NeverAcked && place.is_some() {
                prop_assert_eq!(fate.place, place, "{}", render_trace(trace));
            }
        }
    }
    for (number, receiver) in report.receivers.iter().enumerate() {
        let counts = &receiver.senders[0].counts;
        let counted = |fate| counted(&traces, number, fate);
        prop_assert_eq!(counted(Fate::Received), counts.received);
        prop_assert_eq!(counted(Fate::Lost), counts.lost);
        prop_assert_eq!(counted(Fate::NeverAcked), counts.indeterminate + counts.failed);
        prop_assert_eq!(counted(Fate::NotObservedBefore), counts.not_observed_before);
        prop_assert_eq!(counted(Fate::NotObservedAfter), counts.not_observed_after);
        let repeats: usize = traces.iter().map(|trace| trace.receivers[number].repeats.len()).sum();
        prop_assert_eq!(repeats as u64, counts.duplicates + counts.retry_twins);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]
    #[test]
    fn a_trace_names_the_place_that_the_report_names(fleet in fleet()) {
        agree(&fleet)?;
    }
}

/// Random fleets must come to all the places, or they would prove little.
#[test]
fn fleets_come_to_every_place() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let fleet = fleet().new_tree(&mut runner).unwrap().current();
        let mut archive = crate::model::Archive::default();
        for log in fleet.logs() {
            crate::load::load_one(&mut archive, &log.path, true, log.text().as_bytes()).unwrap();
        }
        crate::node_log::resolve_peers(&mut archive);
        let report = crate::report::build(&archive, &crate::Options::default());
        seen.extend(report.lost_messages.listed.iter().map(|message| message.place));
    }
    assert_eq!(seen.len(), crate::place::Place::ALL.len(), "{seen:?}");
}
