//! The true offset always lies within the bounds, and what contradicts itself is not believed.

use std::fs;

use event_log::{
    Event, MessageHash, Record, Timestamp,
    event::{
        ClientStarted, Connected, FilterHandled, LightpushHandled, PeerConnected, PublishAttempt, Published, Received,
        RelayReceived, Role, RunStarted,
    },
};
use proptest::prelude::*;

use crate::report::Clock;

use super::{ClockBounds, Clocks, clock_key};

const MS: i64 = 1_000_000;

/// Hosts by their clocks: publisher, its service node, the receiver's service node, receiver.
const NAMES: [&str; 4] = ["publisher", "node-1", "node-2", "receiver"];

/// A run on four hosts: when each step of a message took place after the one before, and by how much each clock is off.
#[derive(Debug, Clone)]
struct Skewed {
    offsets_ns: [i64; 4],
    /// Of each message: publisher to node 1, answer, its way back, node 1 to node 2, node 2 to receiver.
    delays_ns: Vec<[i64; 5]>,
    connect_ns: i64,
}

fn skewed() -> impl Strategy<Value = Skewed> {
    let offset = -3_600_000 * MS..3_600_000 * MS;
    let delay = 0..200 * MS;
    (
        proptest::array::uniform4(offset),
        proptest::collection::vec(proptest::array::uniform5(delay.clone()), 1..6),
        delay,
    )
        .prop_map(|(offsets_ns, delays_ns, connect_ns)| Skewed {
            offsets_ns,
            delays_ns,
            connect_ns,
        })
}

impl Skewed {
    /// What the clock of a host shows at a true time.
    fn shown(&self, host: usize, true_ns: i64) -> Timestamp {
        Timestamp::from_unix_ns(1_700_000_000_000_000_000 + true_ns + self.offsets_ns[host])
    }

    fn logs(&self) -> [String; 4] {
        let mut logs = [0, 1, 2, 3].map(|host| vec![self.line(host, -1000 * MS, started(host))]);
        let mut log = |host: usize, true_ns: i64, event: Event| logs[host].push(self.line(host, true_ns, event));
        for (host, client) in [(0, "p"), (3, "r")] {
            let event = ClientStarted {
                client: 0,
                name: client.to_owned(),
                peer_id: client.to_owned(),
            };
            log(host, -900 * MS, event.into());
        }
        log(1, -950 * MS + self.connect_ns, met("n2").into());
        log(2, -950 * MS + self.connect_ns, met("n1").into());
        log(3, -500 * MS, connected().into());
        log(2, -500 * MS + self.connect_ns, subscribed().into());
        for (number, [push, answer, back, relay, deliver]) in (0_u8..).zip(&self.delays_ns) {
            let hash = MessageHash([number; 32]);
            let sent = i64::from(number) * 1000 * MS;
            let (read, had) = (sent + push, sent + push + relay);
            let [sent_p, acked_p] = [sent, read + answer + back].map(|at| self.shown(0, at));
            log(0, sent, attempt(hash, sent_p).into());
            log(1, read + answer, handled(hash, self.shown(1, read)).into());
            log(0, read + answer + back, published(hash, sent_p, acked_p).into());
            log(2, had, relayed(hash).into());
            log(3, had + deliver, received(hash).into());
        }
        logs.map(|lines| lines.concat())
    }

    fn line(&self, host: usize, true_ns: i64, event: Event) -> String {
        let time = self.shown(host, true_ns);
        Record { time, event }.to_line().unwrap() + "\n"
    }

    fn bounds(&self) -> ClockBounds {
        bounds_of(&self.logs())
    }
}

fn bounds_of(logs: &[String]) -> ClockBounds {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in NAMES.iter().zip(logs) {
        fs::write(folder.path().join(format!("{name}.jsonl")), text).unwrap();
    }
    let options = crate::Options::default();
    crate::run::read(&crate::input::resolve(&[folder.path().to_owned()]).unwrap(), &options)
        .unwrap()
        .clocks
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_opened_again_for_its_clock() {
    let run = Skewed {
        offsets_ns: [0, 5 * MS, -7 * MS, 900 * MS],
        delays_ns: vec![[MS; 5]; 3],
        connect_ns: MS,
    };
    let logs = run.logs();
    let folder = tempfile::tempdir().unwrap();
    let path = |host: usize| folder.path().join(format!("{}.jsonl", NAMES[host]));
    for host in [1, 2, 3] {
        fs::write(path(host), &logs[host]).unwrap();
    }
    assert!(
        std::process::Command::new("mkfifo")
            .arg(path(0))
            .status()
            .unwrap()
            .success()
    );
    let given = [0, 1, 2, 3].map(path);
    let report = std::thread::scope(|scope| {
        // Opening it once more would wait for another writer for ever.
        scope.spawn(|| fs::write(path(0), &logs[0]).unwrap());
        crate::report(&given, &crate::Options::default()).unwrap()
    });
    let told = format!("{} can be read only once", path(0).display());
    assert!(
        report.warnings.iter().any(|warning| warning.starts_with(&told)),
        "{:?}",
        report.warnings
    );
    assert_eq!(report.receivers[0].latency.clock, Clock::Unknown);
}

fn key(host: usize) -> String {
    clock_key(Some(NAMES[host]), "")
}

fn started(host: usize) -> Event {
    RunStarted {
        role: [Role::Publisher, Role::ServiceNode, Role::ServiceNode, Role::Receiver][host],
        run: "run".to_owned(),
        node: NAMES[host].to_owned(),
        host: NAMES[host].to_owned(),
        boot: Some(NAMES[host].to_owned()),
        pid: 1,
        version: "0".to_owned(),
        clients: 1,
        peer_id: [None, Some("n1"), Some("n2"), None][host].map(str::to_owned),
        messages: None,
        interval_ns: None,
        expect_publishers: None,
        expect_receivers: None,
        clock_error_ns: None,
        config: std::collections::BTreeMap::new(),
    }
    .into()
}

fn connected() -> Connected {
    Connected {
        client: 0,
        service_node: "n2".to_owned(),
        transport: None,
        address: "a".to_owned(),
        agent: None,
    }
}

fn met(peer: &str) -> PeerConnected {
    PeerConnected {
        peer: peer.to_owned(),
        address: "a".to_owned(),
        inbound: true,
    }
}

fn subscribed() -> FilterHandled {
    FilterHandled {
        peer: "r".to_owned(),
        request: "subscribe".to_owned(),
        pubsub_topic: None,
        content_topics: 1,
        status: 200,
        status_text: None,
    }
}

fn attempt(hash: MessageHash, sent: Timestamp) -> PublishAttempt {
    PublishAttempt {
        sender: "p".to_owned(),
        index: 1,
        attempt: 1,
        hash,
        size_bytes: 1,
        service_node: "n1".to_owned(),
        transport: None,
        pubsub_topic: "t".to_owned(),
        content_topic: "t".to_owned(),
        intended: sent,
        sent,
    }
}

fn published(hash: MessageHash, sent: Timestamp, acked: Timestamp) -> Published {
    Published {
        sender: "p".to_owned(),
        index: 1,
        attempt: 1,
        hash,
        size_bytes: 1,
        service_node: "n1".to_owned(),
        transport: None,
        intended: sent,
        sent,
        acked,
        status: 200,
        status_text: None,
        relay_peers: None,
    }
}

fn handled(hash: MessageHash, received: Timestamp) -> LightpushHandled {
    LightpushHandled {
        peer: "p".to_owned(),
        protocol: "v3".to_owned(),
        request_id: "1".to_owned(),
        hash: Some(hash),
        pubsub_topic: None,
        content_topic: None,
        size_bytes: 1,
        received,
        status: 200,
        status_text: None,
        relay_peers: None,
    }
}

fn relayed(hash: MessageHash) -> RelayReceived {
    RelayReceived {
        hash,
        from_peer: "n1".to_owned(),
        pubsub_topic: "t".to_owned(),
        content_topic: "t".to_owned(),
        size_bytes: 1,
    }
}

fn received(hash: MessageHash) -> Received {
    Received {
        client: 0,
        sender: "p".to_owned(),
        index: 1,
        attempt: None,
        hash,
        size_bytes: 1,
        service_node: "n2".to_owned(),
        transport: None,
        content_topic: "t".to_owned(),
        run: None,
        intended: None,
        sent: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_true_offset_lies_within_the_bounds(run in skewed()) {
        let bounds = run.bounds();
        prop_assert!(!bounds.is_contradictory());
        for a in 0..4 {
            for b in 0..4 {
                let offset_ns = run.offsets_ns[b] - run.offsets_ns[a];
                if let Clocks::Within { lo_ns, hi_ns } = bounds.between(&key(a), &key(b)) {
                    prop_assert!(lo_ns <= offset_ns && offset_ns <= hi_ns, "{a} {b}: {lo_ns} {offset_ns} {hi_ns}");
                }
            }
        }
        // One exchange bounds it from both sides, no wider than the exchange took.
        let Clocks::Within { lo_ns, hi_ns } = bounds.between(&key(0), &key(1)) else { panic!("no bounds") };
        let quickest_ns = run.delays_ns.iter().map(|[push, _, back, ..]| push + back).min().unwrap();
        prop_assert!(hi_ns - lo_ns <= quickest_ns);
    }

    #[test]
    fn the_order_of_lines_does_not_matter(run in skewed()) {
        let backward = run.logs().map(|text| {
            let mut lines: Vec<&str> = text.lines().collect();
            lines.reverse();
            lines.join("\n")
        });
        let (bounds, again) = (run.bounds(), bounds_of(&backward));
        for (a, b) in [(0, 1), (0, 3), (3, 2), (1, 2)] {
            prop_assert_eq!(bounds.between(&key(a), &key(b)), again.between(&key(a), &key(b)));
        }
    }
}

#[test]
fn one_exchange_is_read_off_by_hand() {
    let run = Skewed {
        offsets_ns: [0, 500 * MS, 0, 0],
        delays_ns: vec![[10 * MS, 5 * MS, 20 * MS, 0, 0]],
        connect_ns: 0,
    };
    let expected = Clocks::Within {
        lo_ns: 480 * MS,
        hi_ns: 510 * MS,
    };
    assert_eq!(run.bounds().between(&key(0), &key(1)), expected);
    assert_eq!(run.bounds().between(&key(1), &key(1)), Clocks::Same);
}

#[test]
fn latency_across_hosts_comes_with_the_bound() {
    let run = Skewed {
        offsets_ns: [0, 500 * MS, -300 * MS, 2000 * MS],
        delays_ns: vec![[10 * MS, 5 * MS, 20 * MS, 30 * MS, 40 * MS]],
        connect_ns: 15 * MS,
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in NAMES.iter().zip(run.logs()) {
        fs::write(folder.path().join(format!("{name}.jsonl")), text).unwrap();
    }
    let report = crate::report(&[folder.path().to_owned()], &crate::Options::default()).unwrap();
    // The receiver's clock is 2 s ahead. It cannot be further ahead than the message was under way (10 + 30 + 40 ms).
    // It is no less ahead than that after what the first request took on both hosts.
    let Clock::Bounded { bound_ns, lo_ns, hi_ns } = report.receivers[0].latency.clock else {
        panic!("{:?}", report.receivers[0].latency.clock);
    };
    assert_eq!(bound_ns, 2080 * MS.unsigned_abs());
    assert_eq!(hi_ns, 2080 * MS);
    assert!(1500 * MS < lo_ns && lo_ns <= 2000 * MS, "{lo_ns}");
    assert_eq!(report.receivers[0].senders[0].clock, report.receivers[0].latency.clock);
    assert_eq!(report.receivers[0].latency.from_sent.max_ns, Some(2080 * MS));
}

#[test]
fn one_direction_bounds_nothing() {
    let mut bounds = ClockBounds::default();
    let (a, b) = (bounds.clock("a"), bounds.clock("b"));
    bounds.add(a, 0, b, 5);
    bounds.close();
    assert_eq!(bounds.between("a", "b"), Clocks::Unknown);
    assert_eq!(bounds.between("a", "nobody"), Clocks::Unknown);
}

#[test]
fn bounds_add_up_along_a_way() {
    let mut bounds = ClockBounds::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| bounds.clock(name));
    for (from, to, w) in [(a, b, 5), (b, a, -3), (b, c, 10), (c, b, 10)] {
        bounds.add(from, 0, to, w);
    }
    bounds.close();
    assert_eq!(bounds.between("a", "c"), Clocks::Within { lo_ns: -7, hi_ns: 15 });
    assert_eq!(bounds.between("c", "a"), Clocks::Within { lo_ns: -15, hi_ns: 7 });
}

#[test]
fn stated_errors_bound_the_offset() {
    let mut bounds = ClockBounds::default();
    for (name, error_ns) in [("a", 3), ("b", 4)] {
        let clock = bounds.clock(name);
        bounds.add_error(clock, error_ns);
    }
    bounds.close();
    assert_eq!(bounds.between("a", "b"), Clocks::Within { lo_ns: -7, hi_ns: 7 });
}

#[test]
fn a_clock_that_was_set_is_not_believed() {
    let mut bounds = ClockBounds::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| bounds.clock(name));
    // Between two messages the clock of b was set back by 100.
    for (from, to, w) in [(a, b, 5), (b, a, 5), (a, b, -95), (b, a, 105), (a, c, 1), (c, a, 1)] {
        bounds.add(from, 0, to, w);
    }
    bounds.close();
    assert!(bounds.is_contradictory());
    assert_eq!(bounds.between("a", "b"), Clocks::Contradictory);
    assert_eq!(bounds.between("a", "c"), Clocks::Within { lo_ns: -1, hi_ns: 1 });
    assert_eq!(
        bounds.between("b", "c"),
        Clocks::Unknown,
        "only by way of the clock that was set"
    );
}

#[test]
fn a_clock_that_contradicts_another_is_not_believed_about_itself() {
    let mut bounds = ClockBounds::default();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| bounds.clock(name));
    for clock in [a, b, c, d] {
        bounds.add_error(clock, 3);
    }
    // Between two messages the clock of b was set back by 100.
    for (from, to, w) in [(a, b, 5), (b, a, 5), (a, b, -95), (b, a, 105)] {
        bounds.add(from, 0, to, w);
    }
    bounds.close();
    for (one, other) in [("b", "c"), ("c", "b"), ("a", "c")] {
        assert_eq!(bounds.between(one, other), Clocks::Unknown, "{one} {other}");
    }
    // Nothing speaks against these.
    assert_eq!(bounds.between("c", "d"), Clocks::Within { lo_ns: -6, hi_ns: 6 });
}

#[test]
fn a_clock_far_from_what_its_host_states_is_not_believed() {
    let mut bounds = ClockBounds::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| bounds.clock(name));
    for clock in [a, b, c] {
        bounds.add_error(clock, 3);
    }
    for (from, to, w) in [(a, b, 101), (b, a, -99)] {
        bounds.add(from, 0, to, w);
    }
    bounds.close();
    assert_eq!(bounds.between("a", "b"), Clocks::Contradictory);
    assert_eq!(bounds.between("b", "c"), Clocks::Unknown);
}

#[test]
fn the_clocks_of_another_run_do_not_count() {
    // The same two hosts a day apart: between the runs the receiver's clock was set by a minute.
    let run = |receiver_ns: i64| Skewed {
        offsets_ns: [0, 0, receiver_ns, receiver_ns],
        delays_ns: vec![[10 * MS, 5 * MS, 20 * MS, 30 * MS, 40 * MS]],
        connect_ns: 15 * MS,
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, receiver_ns) in [("one", 0), ("two", 60_000 * MS)] {
        for (host, text) in NAMES.iter().zip(run(receiver_ns).logs()) {
            // Service nodes are used whatever run they name: here each run has its own.
            let text = text.replace("\"run\":\"run\"", &format!("\"run\":\"{name}\""));
            let text = [("n1", "N1"), ("n2", "N2"), ("node-1", "Node-1"), ("node-2", "Node-2")]
                .into_iter()
                .filter(|_| name == "two")
                .fold(text, |text, (from, to)| {
                    text.replace(&format!("\"{from}\""), &format!("\"{to}\""))
                });
            fs::write(folder.path().join(format!("{name}-{host}.jsonl")), text).unwrap();
        }
    }
    // Both runs of the publisher in one file: a part of a file is a log of its own.
    let publishers = ["one", "two"].map(|name| folder.path().join(format!("{name}-publisher.jsonl")));
    let both: String = publishers
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    publishers.iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::write(folder.path().join("publisher.jsonl"), both).unwrap();
    for (name, offset_ns) in [("one", 0), ("two", 60_000 * MS)] {
        let options = crate::Options {
            run: Some(name.to_owned()),
            ..crate::Options::default()
        };
        let report = crate::report(&[folder.path().to_owned()], &options).unwrap();
        let Clock::Bounded { lo_ns, hi_ns, .. } = report.receivers[0].latency.clock else {
            panic!("{name}: {:?}", report.receivers[0].latency.clock);
        };
        assert!(lo_ns <= offset_ns && offset_ns <= hi_ns, "{name}: {lo_ns} {hi_ns}");
    }
}
