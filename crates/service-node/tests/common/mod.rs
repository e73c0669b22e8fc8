//! Nodes and light clients on loopback.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

pub mod proxy;
pub mod raw;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use event_log::{Event, EventLog, read_log};
use libp2p::{PeerId, identity::Keypair};
use runtime::Shutdown;
use service_node::{Node, NodeConfig};
use tokio::{sync::mpsc, time::timeout};
use waku::{
    Status, WakuMessage,
    net::{ClientConfig, ClientEvent, ClientLimits, LightClient},
};

pub const CLUSTER: u16 = 2;
pub const SHARD: u16 = 0;
pub const PUBSUB: &str = "/waku/2/rs/2/0";
pub const CONTENT: &str = "/test/1/e2e/proto";

/// How long a test waits for anything. Generous: it only passes when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct TestNode {
    pub node: Node,
    pub log: EventLog,
    path: PathBuf,
    dir: tempfile::TempDir,
}

pub fn config() -> NodeConfig {
    NodeConfig::local(Keypair::generate_secp256k1(), CLUSTER, vec![SHARD])
}

pub async fn start(config: NodeConfig) -> TestNode {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.jsonl");
    let log = EventLog::create(&path).unwrap();
    let node = Node::start(config, log.clone(), Shutdown::new()).await.unwrap();
    TestNode { node, log, path, dir }
}

/// `count` nodes in a line, each connected to the one before, meshes up.
pub async fn start_line(count: usize) -> Vec<TestNode> {
    let mut nodes: Vec<TestNode> = Vec::new();
    for _ in 0..count {
        let mut config = config();
        config.expect_peers = u32::from(count > 1);
        config.static_peers = nodes.last().map(|node| node.node.address()).into_iter().collect();
        nodes.push(start(config).await);
    }
    for node in &nodes {
        timeout(PATIENCE, node.node.meshed()).await.expect("the mesh comes up");
    }
    nodes
}

impl TestNode {
    /// A node that logs to `node.jsonl` in `dir`.
    pub fn of(node: Node, log: EventLog, dir: tempfile::TempDir) -> Self {
        Self {
            node,
            log,
            path: dir.path().join("node.jsonl"),
            dir,
        }
    }

    /// The parts, for tests that end the node themselves.
    pub fn into_parts(self) -> (Node, EventLog, tempfile::TempDir) {
        (self.node, self.log, self.dir)
    }

    pub fn peer(&self) -> PeerId {
        self.node.peer_id()
    }

    /// The events logged so far.
    pub fn events(&self) -> Vec<Event> {
        let file = std::io::BufReader::new(std::fs::File::open(&self.path).unwrap());
        read_log(file)
            .filter_map(|line| line.ok()?.record.ok().map(|record| record.event))
            .collect()
    }

    /// Waits until the log holds `count` events that `pick` picks, and returns what it made of them.
    pub async fn wait_for_events<T>(&self, count: usize, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        wait_for(|| {
            let found: Vec<T> = self.events().iter().filter_map(&pick).collect();
            (found.len() >= count).then_some(found)
        })
        .await
    }
}

/// Polls until `condition` holds.
pub async fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let polling = async {
        loop {
            if let Some(value) = condition() {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, polling).await.expect("the condition holds in time")
}

pub struct TestClient {
    pub client: LightClient,
    pub events: mpsc::Receiver<ClientEvent>,
}

pub fn client_config() -> ClientConfig {
    ClientConfig {
        keypair: Keypair::generate_secp256k1(),
        cluster_id: CLUSTER,
        shards: vec![SHARD],
        agent: "test".into(),
        limits: ClientLimits::default(),
    }
}

pub fn client_with(config: ClientConfig) -> TestClient {
    let (client, events) = LightClient::start(config).unwrap();
    TestClient { client, events }
}

/// A client that is ready at `node`.
pub async fn client_at(node: &TestNode) -> TestClient {
    let mut client = client_with(client_config());
    client.client.keep_connected(node.node.address());
    client.ready().await;
    client
}

impl TestClient {
    pub async fn next(&mut self) -> ClientEvent {
        timeout(PATIENCE, self.events.recv())
            .await
            .expect("an event in time")
            .expect("the client lives")
    }

    /// Waits until a service node is ready.
    pub async fn ready(&mut self) -> PeerId {
        loop {
            match self.next().await {
                ClientEvent::Ready { peer, .. } => return peer,
                ClientEvent::Push { .. } | ClientEvent::DialFailed { .. } | ClientEvent::Disconnected { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The next pushed message.
    pub async fn pushed(&mut self) -> (WakuMessage, String) {
        loop {
            match self.next().await {
                ClientEvent::Push {
                    message, pubsub_topic, ..
                } => return (message, pubsub_topic),
                ClientEvent::Ready { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    pub async fn subscribe(&self, node: &TestNode) -> Status {
        self.client
            .filter_subscribe(node.peer(), PUBSUB, &[CONTENT.into()])
            .await
            .unwrap()
    }
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A message unlike any other.
pub fn message(text: &str) -> WakuMessage {
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = event_log::Timestamp::now().unix_ns();
    WakuMessage::new(format!("{text} {unique}").into_bytes(), CONTENT, now)
}
