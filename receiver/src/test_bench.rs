//! Service nodes made of closures, and one client that talks to them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use event_log::{Event, EventLog, NumberedMessage, Padding, Timestamp, event::RunEnded};
use libp2p::PeerId;
use rand::{SeedableRng, rngs::StdRng};
use runtime::{
    Shutdown,
    light::{Board, NodeEvents, NodeFeed, NodeId, ServiceNode, testing::Memory},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep},
};
use waku::{Status, WakuMessage, net::ClientEvent, wire::protocol_id};
use waku_rest::RestEvent;

use crate::{
    Settings, args,
    client::{Client, Shared},
    ending::Activity,
    link::Link,
    metrics::Metrics,
    seen::PageBudget,
    statistics::Statistics,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const PUBSUB: &str = "/waku/2/rs/0/0";
pub(crate) const TOPIC: &str = "/tester/2/light-pubsub-test/proto";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    Subscribe(usize),
    Ping,
    UnsubscribeAll,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) at: Duration,
    pub(crate) peer: NodeId,
    pub(crate) ask: Ask,
}

type Behaviour = dyn Fn(&Call, usize) -> (Duration, Result<Status, String>) + Send + Sync;

/// Answers by a closure of the call and the number of calls before it.
#[derive(Clone)]
pub(crate) struct FakeLink {
    pub(crate) behaviour: Arc<Behaviour>,
    pub(crate) calls: Arc<Mutex<Vec<Call>>>,
    pub(crate) kept: Arc<Mutex<Vec<NodeId>>>,
    pub(crate) started: Instant,
}

impl FakeLink {
    async fn answer(&self, peer: &NodeId, ask: Ask) -> Result<Status, String> {
        let call = Call {
            at: self.started.elapsed(),
            peer: peer.clone(),
            ask,
        };
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
    async fn subscribe(&self, peer: &NodeId, pubsub_topic: &str, content_topics: &[String]) -> Result<Status, String> {
        assert_eq!(pubsub_topic, PUBSUB);
        self.answer(peer, Ask::Subscribe(content_topics.len())).await
    }

    async fn ping(&self, peer: &NodeId) -> Result<Status, String> {
        self.answer(peer, Ask::Ping).await
    }

    async fn unsubscribe_all(&self, peer: &NodeId) -> Result<Status, String> {
        self.answer(peer, Ask::UnsubscribeAll).await
    }

    fn keep_connected(&self, node: ServiceNode) {
        self.kept.lock().unwrap().push(node.id());
    }

    fn forget(&self, peer: &NodeId) {
        self.kept.lock().unwrap().retain(|kept| kept != peer);
    }
}

pub(crate) fn status(code: u32) -> Result<Status, String> {
    Ok(Status::new(code, None))
}

pub(crate) fn always_ok(_: &Call, _: usize) -> (Duration, Result<Status, String>) {
    (Duration::ZERO, status(200))
}

/// A running client and everything it does.
pub(crate) struct Bench {
    pub(crate) link: FakeLink,
    pub(crate) shared: Arc<Shared>,
    pub(crate) memory: Memory,
    pub(crate) nodes: Vec<PeerId>,
    pub(crate) events: mpsc::Sender<ClientEvent>,
    pub(crate) rest: mpsc::Sender<RestEvent>,
    pub(crate) stop: Shutdown,
    pub(crate) task: JoinHandle<()>,
}

impl Bench {
    pub(crate) fn new(
        nodes: usize,
        options: &[String],
        behaviour: impl Fn(&Call, usize) -> (Duration, Result<Status, String>) + Send + Sync + 'static,
    ) -> Self {
        Self::with_feed(nodes, options, NodeFeed::none(), behaviour)
    }

    /// A client that hears of further service nodes by `feed`.
    pub(crate) fn with_feed(
        nodes: usize,
        options: &[String],
        feed: NodeFeed,
        behaviour: impl Fn(&Call, usize) -> (Duration, Result<Status, String>) + Send + Sync + 'static,
    ) -> Self {
        let nodes: Vec<_> = (0..nodes).map(|_| PeerId::random()).collect();
        let mut line: Vec<std::ffi::OsString> = vec!["receiver".into()];
        line.extend(
            nodes
                .iter()
                .map(|peer| format!("--service-node=/ip4/127.0.0.1/tcp/1/p2p/{peer}").into()),
        );
        line.extend(options.iter().map(Into::into));
        let parsed = runtime::config::parse(&args::command(), args::EXCLUSIVE, &line, |_| None).expect("valid");
        let memory = Memory::default();
        let shared = Arc::new(Shared {
            settings: Settings::resolve(&parsed.args).expect("valid"),
            run: "run".into(),
            log: EventLog::with_sink(memory.clone()).expect("thread"),
            metrics: Metrics::default(),
            board: Board::new(1),
            feed,
            activity: Activity::new(1),
            statistics: Statistics::default(),
            pages: PageBudget::new(1_000),
        });
        let behaviour = Arc::new(behaviour);
        let link = FakeLink {
            behaviour,
            calls: Arc::default(),
            kept: Arc::default(),
            started: Instant::now(),
        };
        let (events, queue) = mpsc::channel(64);
        let (rest, rest_queue) = mpsc::channel(64);
        let stop = Shutdown::new();
        let task = tokio::spawn(
            Client::new(0, link.clone(), shared.clone())
                .run(NodeEvents::new(Some(queue), Some(rest_queue)), stop.clone()),
        );
        Self {
            link,
            shared,
            memory,
            nodes,
            events,
            rest,
            stop,
            task,
        }
    }

    pub(crate) async fn send(&self, event: ClientEvent) {
        self.events.send(event).await.expect("client reads");
        // Every task has run as far as it can before a paused clock moves on.
        sleep(Duration::from_millis(1)).await;
    }

    pub(crate) async fn ready(&self, node: usize) {
        self.ready_peer(self.nodes[node]).await;
    }

    pub(crate) async fn ready_peer(&self, peer: PeerId) {
        self.ready_serving(peer, vec![protocol_id::FILTER_SUBSCRIBE.to_owned()])
            .await;
    }

    /// A connection to a node that lists these protocols.
    pub(crate) async fn ready_serving(&self, peer: PeerId, protocols: Vec<String>) {
        let address = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
        self.send(ClientEvent::Ready {
            peer,
            address,
            agent: None,
            protocols,
        })
        .await;
    }

    pub(crate) async fn send_rest(&self, event: RestEvent) {
        self.rest.send(event).await.expect("client reads");
        sleep(Duration::from_millis(1)).await;
    }

    pub(crate) async fn lost(&self, node: usize) {
        self.send(ClientEvent::Disconnected {
            peer: self.nodes[node],
            reason: "gone".into(),
        })
        .await;
    }

    pub(crate) async fn push(&self, node: usize, payload: Vec<u8>, arrived: SystemTime) -> WakuMessage {
        let message = WakuMessage::new(payload, TOPIC, 1);
        let (peer, pubsub_topic) = (self.nodes[node], PUBSUB.to_owned());
        self.send(ClientEvent::Push {
            peer,
            pubsub_topic,
            message: message.clone(),
            arrived,
        })
        .await;
        message
    }

    pub(crate) fn asks(&self) -> Vec<Ask> {
        self.link
            .calls
            .lock()
            .unwrap()
            .iter()
            .map(|call| call.ask.clone())
            .collect()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.shared.board.ready_clients() == 1
    }

    /// Stops the client and returns its counters and log.
    pub(crate) async fn end(self) -> (BTreeMap<String, u64>, Vec<Event>) {
        self.stop.request();
        self.task.await.expect("no panic");
        let counters = self.shared.metrics.counters();
        let ended = RunEnded {
            reason: "test".into(),
            counters: counters.clone(),
        };
        self.shared.log.clone().close(ended).expect("memory is never full");
        let events = self.memory.events().into_iter();
        (counters, events.filter(|event| event.name() != "run_ended").collect())
    }
}

pub(crate) fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

pub(crate) fn numbered(index: u32, attempt: u32) -> NumberedMessage {
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

pub(crate) fn payload(message: &NumberedMessage) -> Vec<u8> {
    message.encode(600, &Padding::new(&mut StdRng::seed_from_u64(1)))
}
