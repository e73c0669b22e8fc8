//! Bounds by way of native logs: clients on two hosts, each at an nwaku node of other people.

use std::fs;

use event_log::{
    Event, MessageHash, Record, RunInfo, Timestamp,
    event::{ClientStarted, Connected, PublishAttempt, Published, Received, Role},
};
use proptest::prelude::*;

use super::{ClockBounds, Clocks, clock_key};

const MS: i64 = 1_000_000;

/// The clocks: one host of clients, its service node, the other's service node, the other host.
const HOSTS: [&str; 4] = ["a", "node-a", "node-b", "b"];

/// Peer ids of the receivers and of the nodes.
const IDS: [&str; 4] = [
    "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPaaaaaa1",
    "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPbbbbbb2",
    "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPcccccc3",
    "16Uiu2HAmB4NoAP5rrqPzkFZEdkWmdKWbsNzVjyHLJnGTPdddddd4",
];

/// The log of each host's publisher and receiver, or of each node.
type Logs = [[String; 2]; 4];

/// By how much each clock is off; by how much that of the first node is set in the middle of the run; of each message, sent
/// from one host and from the other by turns, the time to the node, to the other node, to the receiver, and of the answer.
#[derive(Debug, Clone)]
struct Fleet {
    offsets_ns: [i64; 4],
    step_ns: i64,
    delays_ns: Vec<[i64; 4]>,
}

fn fleet() -> impl Strategy<Value = Fleet> {
    let delays = proptest::array::uniform4(0..200 * MS);
    let offsets = proptest::array::uniform4(-600_000 * MS..600_000 * MS);
    (offsets, proptest::collection::vec(delays, 2..6)).prop_map(|(offsets_ns, delays_ns)| Fleet {
        offsets_ns,
        step_ns: 0,
        delays_ns,
    })
}

fn short(host: usize) -> String {
    format!("16U*{}", &IDS[host][IDS[host].len() - 6..])
}

impl Fleet {
    /// What the clock of a host shows at a true time.
    fn shown_ns(&self, host: usize, true_ns: i64) -> i64 {
        let half_ns = i64::try_from(self.delays_ns.len()).unwrap() * 500 * MS;
        let set_ns = if host == 1 && true_ns >= half_ns {
            self.step_ns
        } else {
            0
        };
        1_700_000_000_000_000_000 + true_ns + self.offsets_ns[host] + set_ns
    }

    /// A time in nanoseconds as nwaku shows it.
    fn explicit_ns(&self, host: usize, true_ns: i64) -> i64 {
        self.shown_ns(host, true_ns) / 256 * 256
    }

    fn shown(&self, host: usize, true_ns: i64) -> Timestamp {
        Timestamp::from_unix_ns(self.shown_ns(host, true_ns))
    }

    fn event(&self, host: usize, true_ns: i64, event: impl Into<Event>) -> String {
        let (time, event) = (self.shown(host, true_ns), event.into());
        Record { time, event }.to_line().unwrap() + "\n"
    }

    /// A line of nwaku: its time is that of a clock of 4 ms ago.
    fn line(&self, host: usize, true_ns: i64, text: &str) -> String {
        let time = self.shown(host, true_ns - 4 * MS).to_string();
        let (date, time) = (&time[..10], &time[11..23]);
        format!("NTC {date} {time}+00:00 {text} my_peer_id={}\n", short(host))
    }

    fn logs(&self) -> Logs {
        let mut logs = Logs::default();
        for (host, node) in [(0, 1), (3, 2)] {
            for (role, log) in [Role::Publisher, Role::Receiver].into_iter().zip(&mut logs[host]) {
                let mut started = RunInfo::of_this_process("0").started(role, "run", HOSTS[host]);
                (started.boot, started.clock_error_ns) = (Some(HOSTS[host].to_owned()), None);
                *log += &self.event(host, -1000 * MS, started);
            }
            let receiver = ClientStarted {
                client: 0,
                name: HOSTS[host].to_owned(),
                peer_id: IDS[host].to_owned(),
            };
            logs[host][1] += &self.event(host, -900 * MS, receiver);
            let address = format!(
                "Listening on topics=\"waku node\" full=[/ip4/1.2.3.4/tcp/1/p2p/{}]",
                IDS[node]
            );
            logs[node][0] += &self.line(node, -950 * MS, &address);
            let connected = Connected {
                client: 0,
                service_node: IDS[node].to_owned(),
                transport: None,
                address: "a".to_owned(),
                agent: None,
            };
            logs[host][1] += &self.event(host, -500 * MS, connected);
            let request = format!(
                "received filter subscribe request topics=\"waku filter\" peerId={}",
                short(host)
            );
            logs[node][0] += &self.line(node, -480 * MS, &request);
        }
        for (number, delays_ns) in (0..).zip(&self.delays_ns) {
            self.message(&mut logs, number, delays_ns);
        }
        logs
    }

    fn message(&self, logs: &mut Logs, number: u8, [push_ns, relay_ns, deliver_ns, answer_ns]: &[i64; 4]) {
        let (hash, sent_ns) = (MessageHash([number; 32]), i64::from(number) * 1000 * MS);
        let [host, node, other, receiver] = if number.is_multiple_of(2) {
            [0, 1, 2, 3]
        } else {
            [3, 2, 1, 0]
        };
        let (read_ns, acked_ns) = (sent_ns + push_ns, sent_ns + push_ns + answer_ns);
        let got_ns = read_ns + relay_ns;
        let [sent, acked] = [sent_ns, acked_ns].map(|at_ns| self.shown(host, at_ns));
        logs[host][0] += &self.event(host, sent_ns, attempt(hash, sent, IDS[node]));
        logs[host][0] += &self.event(host, acked_ns, published(hash, sent, acked, IDS[node]));
        let read = self.explicit_ns(node, read_ns);
        let text = format!("handling lightpush request topics=\"waku lightpush\" msg_hash={hash} receivedTime={read}");
        logs[node][0] += &self.line(node, read_ns, &text);
        let text = format!(
            "sent relay message topics=\"waku relay\" msg_hash={hash} to_peer_id={} sentTime={read}",
            short(other)
        );
        logs[node][0] += &self.line(node, read_ns, &text);
        let text = format!(
            "received relay message topics=\"waku relay\" msg_hash={hash} from_peer_id={} receivedTime={}",
            short(node),
            self.explicit_ns(other, got_ns)
        );
        logs[other][0] += &self.line(other, got_ns, &text);
        let text = format!(
            "pushing message to subscribed peers topics=\"waku filter\" target_peer_ids=\"[{}]\" msg_hash={hash}",
            short(receiver)
        );
        logs[other][0] += &self.line(other, got_ns, &text);
        logs[receiver][1] += &self.event(receiver, got_ns + deliver_ns, received(hash, IDS[other]));
    }

    fn bounds(&self) -> (ClockBounds, [String; 4]) {
        Self::bounds_of(self.logs())
    }

    /// The bounds, and the keys of the clocks.
    fn bounds_of(logs: Logs) -> (ClockBounds, [String; 4]) {
        let folder = tempfile::tempdir().unwrap();
        for (host, [first, second]) in HOSTS.iter().zip(logs) {
            let is_node = host.starts_with("node");
            let ending = if is_node { "log" } else { "jsonl" };
            fs::write(folder.path().join(format!("{host}.{ending}")), first).unwrap();
            if !is_node {
                fs::write(folder.path().join(format!("{host}-2.jsonl")), second).unwrap();
            }
        }
        let path = |node: &str| folder.path().join(format!("{node}.log")).display().to_string();
        let keys = HOSTS.map(|host| {
            let boot = (!host.starts_with("node")).then_some(host);
            clock_key(boot, &path(host))
        });
        (
            crate::run::read(
                &crate::input::resolve(&[folder.path().to_owned()]).unwrap(),
                &crate::Options::default(),
            )
            .unwrap()
            .clocks,
            keys,
        )
    }

    fn offset_ns(&self, a: usize, b: usize) -> i64 {
        self.offsets_ns[b] - self.offsets_ns[a]
    }
}

fn attempt(hash: MessageHash, sent: Timestamp, service_node: &str) -> PublishAttempt {
    PublishAttempt {
        sender: "p".to_owned(),
        index: u32::from(hash.0[0]),
        attempt: 1,
        hash,
        size_bytes: 1,
        service_node: service_node.to_owned(),
        transport: None,
        pubsub_topic: "t".to_owned(),
        content_topic: "t".to_owned(),
        intended: sent,
        sent,
    }
}

fn published(hash: MessageHash, sent: Timestamp, acked: Timestamp, service_node: &str) -> Published {
    Published {
        sender: "p".to_owned(),
        index: u32::from(hash.0[0]),
        attempt: 1,
        hash,
        size_bytes: 1,
        service_node: service_node.to_owned(),
        transport: None,
        intended: sent,
        sent,
        acked,
        status: 200,
        status_text: None,
        relay_peers: None,
    }
}

fn received(hash: MessageHash, service_node: &str) -> Received {
    Received {
        client: 0,
        sender: "p".to_owned(),
        index: u32::from(hash.0[0]),
        attempt: None,
        hash,
        size_bytes: 1,
        service_node: service_node.to_owned(),
        transport: None,
        content_topic: "t".to_owned(),
        run: None,
        intended: None,
        sent: None,
    }
}

/// Width of a bound that contains the true offset.
#[track_caller]
fn width_ns(fleet: &Fleet, bounds: &ClockBounds, keys: &[String; 4], (a, b): (usize, usize)) -> i64 {
    let Clocks::Within { lo_ns, hi_ns } = bounds.between(&keys[a], &keys[b]) else {
        panic!("{} and {}: {:?}", keys[a], keys[b], bounds.between(&keys[a], &keys[b]))
    };
    let offset_ns = fleet.offset_ns(a, b);
    assert!(
        lo_ns <= offset_ns && offset_ns <= hi_ns,
        "{a} {b}: {lo_ns} {offset_ns} {hi_ns}"
    );
    hi_ns - lo_ns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_true_offset_lies_within_the_bounds_of_native_logs(fleet in fleet()) {
        let (bounds, keys) = fleet.bounds();
        prop_assert!(!bounds.is_contradictory());
        for pair in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            width_ns(&fleet, &bounds, &keys, pair);
        }
        // One exchange of lightpush, and 256 ns at each end.
        let quickest_ns = fleet.delays_ns.iter().step_by(2).map(|[push, _, _, answer]| push + answer).min().unwrap();
        prop_assert!(width_ns(&fleet, &bounds, &keys, (0, 1)) <= quickest_ns + 4 * 256);
    }
}

fn by_hand() -> Fleet {
    Fleet {
        offsets_ns: [0, 90_000 * MS, -120_000 * MS, 30_000 * MS],
        step_ns: 0,
        delays_ns: vec![[10 * MS, 20 * MS, 5 * MS, 7 * MS]; 4],
    }
}

#[test]
fn relayed_messages_both_ways_bound_two_nodes() {
    let fleet = by_hand();
    let (bounds, keys) = fleet.bounds();
    // 20 ms each way, and the float at either end of both.
    let width_ns = width_ns(&fleet, &bounds, &keys, (1, 2));
    assert!((34 * MS..=40 * MS + 4 * 256).contains(&width_ns), "{width_ns}");
}

#[test]
fn lightpush_and_filter_of_native_nodes_bound_publisher_and_receiver() {
    let mut fleet = by_hand();
    // A message from the first host to the other, and none back.
    fleet.delays_ns.truncate(1);
    let (bounds, keys) = fleet.bounds();
    // The subscription of the receiver, 20 ms on its way, bounds the other side; the push and its answer took 17 ms.
    let width_ns = width_ns(&fleet, &bounds, &keys, (2, 3));
    assert!(width_ns <= (20 + 5 + 5 + 5) * MS, "{width_ns}");
    assert_eq!(
        bounds.between(&keys[0], &keys[3]),
        Clocks::Unknown,
        "nothing went from the second node to the first"
    );
}

#[test]
fn one_native_node_bounds_a_publisher_and_a_receiver_there() {
    let fleet = Fleet {
        delays_ns: Vec::new(),
        ..by_hand()
    };
    let (mut logs, hash) = (fleet.logs(), MessageHash([7; 32]));
    let [sent, acked] = [0, 12 * MS].map(|at_ns| fleet.shown(0, at_ns));
    logs[0][0] += &fleet.event(0, 12 * MS, published(hash, sent, acked, IDS[2]));
    let read = fleet.explicit_ns(2, 8 * MS);
    let text = format!("handling lightpush request topics=\"waku lightpush\" msg_hash={hash} receivedTime={read}");
    logs[2][0] += &fleet.line(2, 8 * MS, &text);
    let to = short(3);
    let text = format!(
        "pushing message to subscribed peers topics=\"waku filter\" target_peer_ids=\"[{to}]\" msg_hash={hash}"
    );
    logs[2][0] += &fleet.line(2, 9 * MS, &text);
    logs[3][1] += &fleet.event(3, 14 * MS, received(hash, IDS[2]));
    let (bounds, keys) = Fleet::bounds_of(logs);
    // The exchange took 12 ms; the subscription 20 ms, the push 5, and the times of the node's lines 5 each.
    assert!(width_ns(&fleet, &bounds, &keys, (0, 2)) <= 13 * MS);
    assert!(width_ns(&fleet, &bounds, &keys, (0, 3)) <= (12 + 20 + 5 + 5 + 5 + 1) * MS);
}

#[test]
fn the_order_of_native_lines_does_not_matter_to_clocks() {
    let fleet = Fleet {
        step_ns: 5000 * MS,
        ..by_hand()
    };
    let backward = fleet
        .logs()
        .map(|logs| logs.map(|text| text.lines().rev().map(|line| format!("{line}\n")).collect()));
    let ((bounds, keys), (again, keys_again)) = (fleet.bounds(), Fleet::bounds_of(backward));
    for (a, b) in [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)] {
        let between = again.between(&keys_again[a], &keys_again[b]);
        assert_eq!(bounds.between(&keys[a], &keys[b]), between);
    }
}

#[test]
fn a_native_clock_that_was_set_spoils_no_other_bound() {
    let fleet = Fleet {
        step_ns: 5000 * MS,
        ..by_hand()
    };
    let (bounds, keys) = fleet.bounds();
    assert!(!bounds.is_contradictory());
    assert_eq!(bounds.between(&keys[0], &keys[1]), Clocks::Unknown);
    for pair in [(0, 3), (2, 3), (0, 2)] {
        width_ns(&fleet, &bounds, &keys, pair);
    }
}

#[test]
fn what_comes_after_the_fact_causes_nothing() {
    let mut fleet = by_hand();
    fleet.delays_ns.truncate(1);
    let mut logs = fleet.logs();
    let hash = MessageHash([0; 32]);
    let before: Vec<String> = logs[2][0]
        .lines()
        .filter(|line| !line.contains("pushing message"))
        .map(str::to_owned)
        .collect();
    logs[2][0] = before.join("\n") + "\n";
    for late in [
        "pushed message succesfully to all subscribers topics=\"waku filter\"",
        "waku.relay published topics=\"waku node\"",
        "message archived topics=\"waku archive\"",
    ] {
        logs[2][0] += &fleet.line(
            2,
            10_000 * MS,
            &format!("{late} msg_hash={hash} target_peer_ids=\"[{}]\"", short(3)),
        );
    }
    let (bounds, keys) = Fleet::bounds_of(logs);
    assert_eq!(bounds.between(&keys[2], &keys[3]), Clocks::Unknown);
}
