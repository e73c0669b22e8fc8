//! A service node made of closures, and one client that talks to it.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use event_log::{Event, EventLog, NumberedMessage, Timestamp, event::FailureOutcome};
use libp2p::PeerId;
use runtime::{
    Shutdown,
    light::{Board, NodeEvents, NodeFeed, NodeId, ServiceNode, testing::Memory},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};
use waku::{
    Status, WakuMessage,
    net::{ClientEvent, PushAnswer},
    wire::protocol_id,
};

use crate::{
    Settings, args,
    client::{Client, Shared, Start},
    link::Link,
    metrics::Metrics,
    retry::Outcome,
};

pub(crate) const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) at: Duration,
    pub(crate) peer: NodeId,
    pub(crate) index: u32,
    pub(crate) attempt: u32,
    pub(crate) intended: Timestamp,
}

type Behaviour = dyn Fn(&Call) -> (Duration, Result<PushAnswer, Outcome>) + Send + Sync;

#[derive(Clone)]
pub(crate) struct FakeLink {
    pub(crate) behaviour: Arc<Behaviour>,
    pub(crate) calls: Arc<Mutex<Vec<Call>>>,
    pub(crate) kept: Arc<Mutex<Vec<NodeId>>>,
    pub(crate) open: Arc<Mutex<(usize, usize)>>,
    pub(crate) started: Instant,
}

impl Link for FakeLink {
    async fn push(&self, peer: &NodeId, _: &str, message: &WakuMessage) -> Result<PushAnswer, Outcome> {
        let read = NumberedMessage::decode(message.payload()).expect("numbered");
        let call = Call {
            at: self.started.elapsed(),
            peer: peer.clone(),
            index: read.index,
            attempt: read.attempt.expect("ours"),
            intended: read.intended_at.expect("ours"),
        };
        self.calls.lock().unwrap().push(call.clone());
        {
            let mut open = self.open.lock().unwrap();
            open.0 += 1;
            open.1 = open.1.max(open.0);
        }
        let (delay, answer) = (self.behaviour)(&call);
        sleep(delay).await;
        self.open.lock().unwrap().0 -= 1;
        answer
    }

    fn keep_connected(&self, node: ServiceNode) {
        self.kept.lock().unwrap().push(node.id());
    }

    fn forget(&self, peer: &NodeId) {
        self.kept.lock().unwrap().retain(|kept| kept != peer);
    }
}

pub(crate) fn acked() -> Result<PushAnswer, Outcome> {
    Ok(PushAnswer {
        status: Status::new(200, None),
        relay_peers: Some(1),
    })
}

pub(crate) fn refused(code: u32) -> Result<PushAnswer, Outcome> {
    Ok(PushAnswer {
        status: Status::new(code, Some("no".into())),
        relay_peers: None,
    })
}

/// A running client and everything it does.
pub(crate) struct Bench {
    pub(crate) link: FakeLink,
    pub(crate) shared: Arc<Shared>,
    pub(crate) memory: Memory,
    pub(crate) nodes: Vec<PeerId>,
    pub(crate) events: mpsc::Sender<ClientEvent>,
    pub(crate) stop: Shutdown,
    pub(crate) task: JoinHandle<()>,
    pub(crate) wall: Timestamp,
}

impl Bench {
    /// A client with these options and two service nodes, connected to the first, whose first message is due now.
    pub(crate) async fn begun(
        options: &[&str],
        behaviour: impl Fn(&Call) -> (Duration, Result<PushAnswer, Outcome>) + Send + Sync + 'static,
    ) -> Self {
        let bench = Self::new(options, behaviour);
        bench.ready(0).await;
        bench
            .shared
            .board
            .all_ready(Instant::now() + Duration::from_secs(1))
            .await
            .expect("ready");
        bench.begin();
        bench
    }

    pub(crate) fn begin(&self) {
        self.shared.start.send_replace(Some(Start {
            instant: self.link.started,
            wall: self.wall,
        }));
    }

    /// A client that waits for its first connection and the start.
    pub(crate) fn new(
        options: &[&str],
        behaviour: impl Fn(&Call) -> (Duration, Result<PushAnswer, Outcome>) + Send + Sync + 'static,
    ) -> Self {
        Self::with_feed(options, NodeFeed::none(), behaviour)
    }

    /// A client that hears of further service nodes by `feed`.
    pub(crate) fn with_feed(
        options: &[&str],
        feed: NodeFeed,
        behaviour: impl Fn(&Call) -> (Duration, Result<PushAnswer, Outcome>) + Send + Sync + 'static,
    ) -> Self {
        let nodes = vec![PeerId::random(), PeerId::random()];
        let mut line: Vec<std::ffi::OsString> = vec!["publisher".into()];
        line.extend(
            nodes
                .iter()
                .map(|peer| format!("--service-node=/ip4/127.0.0.1/tcp/1/p2p/{peer}").into()),
        );
        line.extend(options.iter().map(Into::into));
        let parsed = runtime::config::parse(&args::command(), args::EXCLUSIVE, &line, |_| None).expect("valid");
        let settings = Settings::resolve(&parsed.args).expect("valid");
        let memory = Memory::default();
        let metrics = Metrics::default();
        metrics
            .planned
            .store(settings.schedule().planned().unwrap_or(0).into(), Ordering::Relaxed);
        let shared = Arc::new(Shared {
            factory: settings.factory_plan("run"),
            board: Board::new(1),
            feed,
            start: watch::Sender::new(None),
            log: EventLog::with_sink(memory.clone()).expect("thread"),
            settings,
            metrics,
        });
        let started = Instant::now();
        let link = FakeLink {
            behaviour: Arc::new(behaviour),
            calls: Arc::default(),
            kept: Arc::default(),
            open: Arc::default(),
            started,
        };
        let (events, queue) = mpsc::channel(16);
        let stop = Shutdown::new();
        let client = Client::new(0, "p/0", link.clone(), shared.clone());
        let task = tokio::spawn(client.run(NodeEvents::new(Some(queue), None), stop.clone()));
        let wall = Timestamp::from_unix_ns(1_700_000_000_000_000_000);
        Self {
            link,
            shared,
            memory,
            nodes,
            events,
            stop,
            task,
            wall,
        }
    }

    pub(crate) async fn ready(&self, node: usize) {
        self.ready_peer(self.nodes[node]).await;
    }

    pub(crate) async fn ready_peer(&self, peer: PeerId) {
        let address = "/ip4/127.0.0.1/tcp/1".parse().expect("address");
        let protocols = vec![protocol_id::LIGHTPUSH_V3.to_owned()];
        self.events
            .send(ClientEvent::Ready {
                peer,
                address,
                agent: None,
                protocols,
            })
            .await
            .expect("client reads");
    }

    pub(crate) async fn lost(&self, node: usize) {
        let event = ClientEvent::Disconnected {
            peer: self.nodes[node],
            reason: "gone".into(),
        };
        self.events.send(event).await.expect("client reads");
    }

    /// Waits for the client's own end and returns its calls, counters and log.
    pub(crate) async fn end(self) -> (Vec<Call>, std::collections::BTreeMap<String, u64>, Vec<Event>) {
        self.task.await.expect("no panic");
        let counters = self.shared.metrics.counters();
        let ended = event_log::event::RunEnded {
            reason: "test".into(),
            counters: counters.clone(),
        };
        self.shared.log.clone().close(ended).expect("memory is never full");
        let events = self.memory.events();
        let calls = self.link.calls.lock().unwrap().clone();
        (calls, counters, events)
    }
}

pub(crate) fn failures(events: &[Event]) -> Vec<(u32, u32, FailureOutcome, bool, bool)> {
    let failed = events.iter().filter_map(|event| match event {
        Event::PublishFailed(failed) => Some(failed),
        _ => None,
    });
    failed
        .map(|f| (f.index, f.attempt, f.outcome, f.service_node.is_some(), f.retry))
        .collect()
}
