//! One client against service nodes made of closures, on a paused clock.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use event_log::{Event, EventLog, NumberedMessage, Padding, Sink, Timestamp, event::RunEnded, parse_line};
use libp2p::PeerId;
use rand::{SeedableRng, rngs::StdRng};
use runtime::{Shutdown, light::Board};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep},
};
use waku::{ServiceNodeAddr, Status, WakuMessage, message_hash, net::ClientEvent, wire::protocol_id};

use crate::{
    Settings, args,
    client::{Client, Shared},
    deliveries::MAX_STRANGE_LINES,
    ending::Activity,
    link::Link,
    metrics::Metrics,
    seen::PageBudget,
    statistics::Statistics,
};

const SECOND: Duration = Duration::from_secs(1);
const PUBSUB: &str = "/waku/2/rs/0/0";
const TOPIC: &str = "/tester/2/light-pubsub-test/proto";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Ask {
    Subscribe(usize),
    Ping,
    UnsubscribeAll,
}

#[derive(Debug, Clone)]
struct Call {
    at: Duration,
    peer: PeerId,
    ask: Ask,
}

type Behaviour = dyn Fn(&Call, usize) -> (Duration, Result<Status, String>) + Send + Sync;

/// Answers by a closure of the call and the number of calls before it.
#[derive(Clone)]
struct FakeLink {
    behaviour: Arc<Behaviour>,
    calls: Arc<Mutex<Vec<Call>>>,
    kept: Arc<Mutex<Vec<PeerId>>>,
    started: Instant,
}

impl FakeLink {
    async fn answer(&self, peer: PeerId, ask: Ask) -> Result<Status, String> {
        let call = Call { at: self.started.elapsed(), peer, ask };
        let before = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call.clone());
            calls.len() - 1
        };
        let (delay, answer) = (self.behaviour)(&call, before);
        sleep(delay).await;
        answer
    }
}

impl Link for FakeLink {
    async fn subscribe(&self, peer: PeerId, pubsub_topic: &str, content_topics: &[String]) -> Result<Status, String> {
        assert_eq!(pubsub_topic, PUBSUB);
        self.answer(peer, Ask::Subscribe(content_topics.len())).await
    }

    async fn ping(&self, peer: PeerId) -> Result<Status, String> {
        self.answer(peer, Ask::Ping).await
    }

    async fn unsubscribe_all(&self, peer: PeerId) -> Result<Status, String> {
        self.answer(peer, Ask::UnsubscribeAll).await
    }

    fn keep_connected(&self, node: ServiceNodeAddr) {
        self.kept.lock().unwrap().push(node.peer_id);
    }

    fn forget(&self, peer: PeerId) {
        self.kept.lock().unwrap().retain(|kept| *kept != peer);
    }
}

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Sink for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn cut_to(&mut self, _: u64) -> io::Result<bool> {
        Ok(false)
    }
}

fn status(code: u32) -> Result<Status, String> {
    Ok(Status::new(code, None))
}

fn always_ok(_: &Call, _: usize) -> (Duration, Result<Status, String>) {
    (Duration::ZERO, status(200))
}

/// A running client and everything it does.
struct Bench {
    link: FakeLink,
    shared: Arc<Shared>,
    memory: Memory,
    nodes: Vec<PeerId>,
    events: mpsc::Sender<ClientEvent>,
    stop: Shutdown,
    task: JoinHandle<()>,
}

impl Bench {
    fn new(
        nodes: usize,
        options: &[String],
        behaviour: impl Fn(&Call, usize) -> (Duration, Result<Status, String>) + Send + Sync + 'static,
    ) -> Self {
        let nodes: Vec<_> = (0..nodes).map(|_| PeerId::random()).collect();
        let mut line: Vec<std::ffi::OsString> = vec!["receiver".into()];
        line.extend(nodes.iter().map(|peer| format!("--service-node=/ip4/127.0.0.1/tcp/1/p2p/{peer}").into()));
        line.extend(options.iter().map(Into::into));
        let parsed = runtime::config::parse(&args::command(), args::EXCLUSIVE, &line, |_| None).expect("valid");
        let memory = Memory::default();
        let shared = Arc::new(Shared {
            settings: Settings::resolve(&parsed.args).expect("valid"),
            run: "run".into(),
            log: EventLog::with_sink(memory.clone()).expect("thread"),
            metrics: Metrics::default(),
            board: Board::new(1),
            activity: Activity::new(1),
            statistics: Statistics::default(),
            pages: PageBudget::new(1_000),
        });
        let behaviour = Arc::new(behaviour);
        let link = FakeLink { behaviour, calls: Arc::default(), kept: Arc::default(), started: Instant::now() };
        let (events, queue) = mpsc::channel(64);
        let stop = Shutdown::new();
        let task = tokio::spawn(Client::new(0, link.clone(), shared.clone()).run(queue, stop.clone()));
        Self { link, shared, memory, nodes, events, stop, task }
    }

    async fn send(&self, event: ClientEvent) {
        self.events.send(event).await.expect("client reads");
        // Every task has run as far as it can before a paused clock moves on.
        sleep(Duration::from_millis(1)).await;
    }

    async fn ready(&self, node: usize) {
        let address = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
        let protocols = vec![protocol_id::FILTER_SUBSCRIBE.to_owned()];
        self.send(ClientEvent::Ready { peer: self.nodes[node], address, agent: None, protocols }).await;
    }

    async fn lost(&self, node: usize) {
        self.send(ClientEvent::Disconnected { peer: self.nodes[node], reason: "gone".into() }).await;
    }

    async fn push(&self, node: usize, payload: Vec<u8>, arrived: SystemTime) -> WakuMessage {
        let message = WakuMessage::new(payload, TOPIC, 1);
        let (peer, pubsub_topic) = (self.nodes[node], PUBSUB.to_owned());
        self.send(ClientEvent::Push { peer, pubsub_topic, message: message.clone(), arrived }).await;
        message
    }

    fn asks(&self) -> Vec<Ask> {
        self.link.calls.lock().unwrap().iter().map(|call| call.ask.clone()).collect()
    }

    fn is_ready(&self) -> bool {
        self.shared.board.ready_clients() == 1
    }

    /// Stops the client and returns its counters and log.
    async fn end(self) -> (BTreeMap<String, u64>, Vec<Event>) {
        self.stop.request();
        self.task.await.expect("no panic");
        let counters = self.shared.metrics.counters();
        let ended = RunEnded { reason: "test".into(), counters: counters.clone() };
        self.shared.log.clone().close(ended).expect("memory is never full");
        let text = String::from_utf8(self.memory.0.lock().unwrap().clone()).expect("UTF-8");
        let events = text.lines().map(|line| parse_line(line).expect("readable").event);
        (counters, events.filter(|event| event.name() != "run_ended").collect())
    }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

fn numbered(index: u32, attempt: u32) -> NumberedMessage {
    NumberedMessage {
        sender: "publisher-1/0".into(),
        index,
        count: 100,
        started_at_ns: 0,
        since_start_ns: 0,
        since_prev_ns: 0,
        size_bytes: 0,
        run: Some("run".into()),
        attempt: Some(attempt),
        intended_at: Some(Timestamp::from_unix_ns(5)),
        sent_at: Some(Timestamp::from_unix_ns(6)),
    }
}

fn payload(message: &NumberedMessage) -> Vec<u8> {
    message.encode(600, &Padding::new(&mut StdRng::seed_from_u64(1)))
}

#[tokio::test(start_paused = true)]
async fn subscribes_in_requests_of_a_hundred_and_counts_as_ready_after_the_last() {
    let topics: Vec<_> = (0..250).map(|n| format!("--content-topic=/a/1/{n}/proto")).collect();
    let bench = Bench::new(1, &topics, |_, _| (SECOND, status(200)));
    bench.ready(0).await;
    sleep(SECOND * 5 / 2).await;
    assert!(!bench.is_ready(), "two of three requests answered");
    sleep(SECOND).await;
    assert!(bench.is_ready());
    assert_eq!(bench.asks(), [Ask::Subscribe(100), Ask::Subscribe(100), Ask::Subscribe(50)]);
    let (_, events) = bench.end().await;
    assert_eq!(names(&events), ["connected", "subscribed"]);
    assert!(matches!(&events[1], Event::Subscribed(s) if s.content_topics == 250 && !s.renewed && s.pubsub_topic == PUBSUB));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_subscription_goes_on_where_it_was_refused() {
    let topics: Vec<_> = (0..150).map(|n| format!("--content-topic=/a/1/{n}/proto")).collect();
    let bench = Bench::new(1, &topics, |_, before| (Duration::ZERO, status(if before == 1 { 429 } else { 200 })));
    bench.ready(0).await;
    sleep(2 * SECOND).await;
    assert_eq!(bench.asks(), [Ask::Subscribe(100), Ask::Subscribe(50), Ask::Subscribe(50)]);
    let pause = bench.link.calls.lock().unwrap()[2].at - bench.link.calls.lock().unwrap()[1].at;
    assert!(pause >= SECOND, "{pause:?}");
    assert!(bench.is_ready());
    let (counters, events) = bench.end().await;
    assert_eq!(names(&events), ["connected", "subscribe_failed", "subscribed"]);
    assert_eq!(counters["subscribes_failed"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_ping_answered_404_renews_the_subscription_at_once() {
    let answer = |call: &Call, before| (Duration::ZERO, status(if call.ask == Ask::Ping && before == 1 { 404 } else { 200 }));
    let bench = Bench::new(1, &[], answer);
    bench.ready(0).await;
    sleep(35 * SECOND).await;
    assert_eq!(bench.asks(), [Ask::Subscribe(1), Ask::Ping, Ask::Subscribe(1)]);
    let (counters, events) = bench.end().await;
    let expected = [
        "connected",
        "subscribed",
        "ping_failed",
        "subscription_lost",
        "presence_lost",
        "subscribed",
        "presence_restored",
    ];
    assert_eq!(names(&events), expected);
    assert!(matches!(&events[5], Event::Subscribed(subscribed) if subscribed.renewed));
    assert_eq!((counters["pings_failed"], counters["resubscribes"], counters["gaps"]), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_unanswered_ping_is_forgiven_and_two_in_a_row_are_not() {
    let silent = |call: &Call, before| {
        let is_silent = call.ask == Ask::Ping && [1, 3, 4].contains(&before);
        (Duration::ZERO, if is_silent { Err("no answer within 5000 ms".into()) } else { status(200) })
    };
    let bench = Bench::new(1, &["--ping-interval=10s".to_owned()], silent);
    bench.ready(0).await;
    sleep(16 * SECOND).await;
    assert_eq!(bench.asks(), [Ask::Subscribe(1), Ask::Ping, Ask::Ping], "asked again after 5 s, and answered");
    assert!(bench.is_ready());
    sleep(18 * SECOND).await;
    assert_eq!(bench.asks()[3..], [Ask::Ping, Ask::Ping, Ask::Subscribe(1)]);
    let (_, events) = bench.end().await;
    let failures: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::PingFailed(ping) => Some(ping.failures),
            _ => None,
        })
        .collect();
    assert_eq!(failures, [1, 1, 2]);
    assert_eq!(names(&events).iter().filter(|name| **name == "subscription_lost").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gap_begins_at_the_last_push_and_ends_with_the_new_subscription() {
    let bench = Bench::new(1, &[], always_ok);
    bench.ready(0).await;
    let arrived = SystemTime::now() + 1_000 * SECOND;
    bench.push(0, payload(&numbered(1, 1)), arrived).await;
    bench.lost(0).await;
    assert!(!bench.is_ready());
    bench.ready(0).await;
    assert!(bench.is_ready());
    let (_, events) = bench.end().await;
    let since = Timestamp::from(arrived);
    assert!(matches!(&events[4], Event::SubscriptionLost(lost) if lost.since == since && lost.reason == "gone"), "{events:?}");
    assert!(matches!(&events[5], Event::PresenceLost(lost) if lost.since == since));
    assert_eq!(names(&events[6..]), ["reconnected", "subscribed", "presence_restored"]);
    assert!(matches!(&events[8], Event::PresenceRestored(restored) if restored.since == since));
}

#[tokio::test(start_paused = true)]
async fn presence_lasts_as_long_as_one_of_two_subscriptions() {
    let bench = Bench::new(2, &[], always_ok);
    bench.ready(0).await;
    assert!(!bench.is_ready(), "one of two");
    bench.ready(1).await;
    assert!(bench.is_ready());
    bench.lost(0).await;
    assert!(!bench.is_ready());
    bench.lost(1).await;
    let (counters, events) = bench.end().await;
    let expected = [
        "connected",
        "subscribed",
        "connected",
        "subscribed",
        "disconnected",
        "subscription_lost",
        "disconnected",
        "subscription_lost",
        "presence_lost",
    ];
    assert_eq!(names(&events), expected);
    assert_eq!(counters["gaps"], 1);
}

#[tokio::test(start_paused = true)]
async fn three_failures_turn_to_the_node_that_stands_by() {
    let bench = Bench::new(2, &["--redundancy=1".to_owned()], |_, before| {
        (Duration::ZERO, status(if before < 3 { 503 } else { 200 }))
    });
    let [first, second] = [bench.nodes[0], bench.nodes[1]];
    assert_eq!(bench.link.kept.lock().unwrap().len(), 0);
    bench.ready(0).await;
    assert_eq!(*bench.link.kept.lock().unwrap(), [first]);
    sleep(4 * SECOND).await;
    assert_eq!(*bench.link.kept.lock().unwrap(), [second]);
    bench.ready(1).await;
    assert!(bench.is_ready());
    assert_eq!(bench.link.calls.lock().unwrap().last().map(|call| call.peer), Some(second));
    let (counters, events) = bench.end().await;
    assert_eq!(counters["switches"], 1);
    let switched = events.iter().find_map(|event| match event {
        Event::PeerSwitched(switched) => Some((switched.from.clone(), switched.to.clone())),
        _ => None,
    });
    assert_eq!(switched, Some((first.to_string(), second.to_string())));
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_disconnection_means_nothing() {
    let bench = Bench::new(1, &[], |_, before| (if before == 0 { 5 * SECOND } else { SECOND }, status(200)));
    bench.ready(0).await;
    bench.lost(0).await;
    sleep(6 * SECOND).await;
    assert!(!bench.is_ready(), "the late answer came over a connection that is gone");
    bench.ready(0).await;
    sleep(2 * SECOND).await;
    assert!(bench.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_node_without_filter_is_refused_and_ends_the_wait() {
    let bench = Bench::new(1, &[], always_ok);
    let address = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
    bench.send(ClientEvent::Ready { peer: bench.nodes[0], address, agent: None, protocols: Vec::new() }).await;
    let deadline = Instant::now() + 60 * SECOND;
    let started = Instant::now();
    let error = bench.shared.board.all_ready(deadline).await.expect_err("hopeless").to_string();
    assert_eq!(Instant::now(), started, "at once");
    assert!(error.contains("filter-subscribe/2.0.0-beta1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn every_delivery_is_logged_for_what_it_is() {
    let bench = Bench::new(1, &["--run-id=run".to_owned()], always_ok);
    bench.ready(0).await;
    let now = SystemTime::now();
    let message = bench.push(0, payload(&numbered(1, 1)), now).await;
    bench.push(0, payload(&numbered(1, 1)), now).await;
    bench.push(0, payload(&numbered(1, 2)), now).await;
    bench.push(0, payload(&NumberedMessage { run: Some("other".into()), ..numbered(1, 1) }), now).await;
    let mut cut = payload(&numbered(2, 1));
    cut.pop();
    bench.push(0, cut, now).await;
    bench.push(0, b"hello".to_vec(), now).await;
    let malformed = ClientEvent::MalformedPush { peer: bench.nodes[0], error: "bad varint".into() };
    bench.send(malformed).await;
    let (counters, events) = bench.end().await;
    let expected = ["received", "received", "received", "received", "corrupt_received", "foreign_received", "malformed_frame"];
    assert_eq!(names(&events[2..]), expected);
    let Event::Received(first) = &events[2] else { panic!("{events:?}") };
    assert_eq!((first.sender.as_str(), first.index, first.attempt), ("publisher-1/0", 1, Some(1)));
    assert_eq!(first.hash.0, *message_hash(PUBSUB, &message).as_bytes());
    assert_eq!((first.size_bytes, first.run.clone(), first.intended), (600, None, Some(Timestamp::from_unix_ns(5))));
    assert!(matches!(&events[5], Event::Received(received) if received.run.as_deref() == Some("other")));
    let got = ["received", "distinct", "duplicates", "retry_twins", "corrupt", "foreign", "malformed"].map(|name| counters[name]);
    assert_eq!(got, [4, 2, 1, 1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn foreign_traffic_does_not_fill_the_log() {
    let bench = Bench::new(1, &[], always_ok);
    let peer = bench.nodes[0];
    for _ in 0..MAX_STRANGE_LINES + 5 {
        let message = WakuMessage::new("hello", TOPIC, 1);
        let event = ClientEvent::Push { peer, pubsub_topic: PUBSUB.into(), message, arrived: SystemTime::now() };
        bench.events.send(event).await.expect("client reads");
    }
    let (counters, events) = bench.end().await;
    assert_eq!((counters["foreign"], counters["unlogged"]), (MAX_STRANGE_LINES + 5, 5));
    assert_eq!(events.len() as u64, MAX_STRANGE_LINES);
}

#[tokio::test(start_paused = true)]
async fn only_messages_of_the_own_run_count_towards_the_end() {
    let options = ["--run-id=run", "--expect-messages=2"].map(str::to_owned);
    let bench = Bench::new(1, &options, always_ok);
    bench.ready(0).await;
    let now = SystemTime::now();
    let started = Instant::now();
    let rules = bench.shared.settings.end;
    for message in [numbered(1, 1), NumberedMessage { run: Some("other".into()), ..numbered(2, 1) }, numbered(1, 2)] {
        bench.push(0, payload(&message), now).await;
    }
    let wait = rules.wait(&bench.shared.activity, started);
    assert!(tokio::time::timeout(SECOND, wait).await.is_err(), "one of two");
    bench.push(0, payload(&numbered(2, 1)), now).await;
    assert_eq!(rules.wait(&bench.shared.activity, started).await, "completed");
}

#[tokio::test(start_paused = true)]
async fn the_end_takes_subscriptions_back_and_waits_only_briefly() {
    let bench = Bench::new(1, &[], |call, _| {
        (if call.ask == Ask::UnsubscribeAll { 3_600 * SECOND } else { Duration::ZERO }, status(200))
    });
    bench.ready(0).await;
    let link = bench.link.clone();
    let started = Instant::now();
    let (_, events) = bench.end().await;
    assert_eq!(started.elapsed().as_secs(), 2);
    assert_eq!(link.calls.lock().unwrap().last().map(|call| call.ask.clone()), Some(Ask::UnsubscribeAll));
    assert!(!names(&events).contains(&"subscription_lost"), "leaving is no loss");
}
