//! Examples of every event for the tests, in the order of [`Event::NAMES`]: with all optional fields, and without any.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{event::*, hash::MessageHash, timestamp::Timestamp};

const PEER: &str = "16Uiu2HAmPeer";
const PUBSUB_TOPIC: &str = "/waku/2/rs/0/0";
const CONTENT_TOPIC: &str = "/tester/2/light-pubsub-test/proto";

fn text(text: &str) -> String {
    text.to_owned()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ns(1_700_000_000_000_000_000 + seconds * 1_000_000_000)
}

fn hash() -> MessageHash {
    MessageHash([0xab; 32])
}

/// At least one example of every event.
pub(crate) fn examples() -> Vec<Event> {
    [
        run_examples(),
        connection_examples(),
        search_examples(),
        publisher_examples(),
        receiver_examples(),
        node_examples(),
    ]
    .concat()
}

fn run_examples() -> Vec<Event> {
    let full = RunStarted {
        role: Role::Publisher,
        run: text("0f3c"),
        node: text("publisher-1"),
        host: text("box"),
        boot: Some(text("4ee7c3c0-2c1f-4b3a-9e53-4f1f6a1d1f6e")),
        pid: 42,
        version: text("0.1.0"),
        clients: 1,
        peer_id: Some(text(PEER)),
        messages: Some(120),
        interval_ns: Some(1_000_000_000),
        expect_publishers: Some(1),
        expect_receivers: Some(2),
        clock_error_ns: Some(1000),
        config: BTreeMap::from([(text("messages"), json!(120)), (text("service-node"), json!([PEER]))]),
    };
    let bare = RunStarted {
        role: Role::ServiceNode,
        boot: None,
        peer_id: None,
        messages: None,
        interval_ns: None,
        expect_publishers: None,
        expect_receivers: None,
        clock_error_ns: None,
        config: BTreeMap::new(),
        ..full.clone()
    };
    let ended = RunEnded {
        reason: text("completed"),
        counters: BTreeMap::from([(text("acked"), 120)]),
    };
    let client = ClientStarted {
        client: 0,
        name: text("publisher-1/0"),
        peer_id: text(PEER),
    };
    vec![full.into(), bare.into(), ended.into(), client.into()]
}

fn connection_examples() -> Vec<Event> {
    let connected = Connected {
        client: 0,
        service_node: text(PEER),
        transport: Some(Transport::Libp2p),
        address: text("/ip4/127.0.0.1/tcp/60000"),
        agent: Some(text("nwaku-v0.38.0")),
    };
    let address = connected.address.clone();
    vec![
        connected.clone().into(),
        Connected {
            transport: None,
            agent: None,
            ..connected
        }
        .into(),
        Disconnected {
            client: 0,
            service_node: text(PEER),
            transport: Some(Transport::Libp2p),
            reason: text("reset by peer"),
        }
        .into(),
        Reconnected {
            client: 0,
            service_node: text(PEER),
            transport: Some(Transport::Libp2p),
            address,
            down_ms: 1500,
        }
        .into(),
        DialFailed {
            client: 0,
            service_node: text(PEER),
            transport: Some(Transport::Libp2p),
            error: text("refused"),
            retry_in_ms: Some(1000),
        }
        .into(),
        DialFailed {
            client: 0,
            service_node: text(PEER),
            transport: Some(Transport::Libp2p),
            error: text("refused"),
            retry_in_ms: None,
        }
        .into(),
        PeerSwitched {
            client: 0,
            from: text(PEER),
            to: text("16Uiu2HAmOther"),
            reason: text("3 failures"),
            from_transport: Some(Transport::Libp2p),
            to_transport: Some(Transport::Rest),
        }
        .into(),
    ]
}

fn search_examples() -> Vec<Event> {
    let asked = BootstrapAsked {
        round: 1,
        bootstrap: text("enrtree://KEY@nodes.example.org"),
        via: BootstrapVia::Dns,
        records: 3,
        bad_records: 1,
        error: Some(text("no such name")),
    };
    let tested = CandidateTested {
        round: 1,
        service_node: text(PEER),
        address: Some(text("/ip4/127.0.0.1/tcp/60000")),
        agent: Some(text("nwaku-v0.38.0")),
        connect_ms: Some(12),
        round_trip_ns: Some(850_000),
        error: None,
    };
    let failed = CandidateTested {
        address: None,
        agent: None,
        connect_ms: None,
        round_trip_ns: None,
        error: Some(text("refused")),
        ..tested.clone()
    };
    let bare = BootstrapAsked {
        via: BootstrapVia::PeerExchange,
        error: None,
        ..asked.clone()
    };
    let chosen = ServiceNodesChosen {
        round: 1,
        choice: text("random"),
        seed: 7,
        candidates: 9,
        other_cluster: 1,
        other_shard: 1,
        no_capability: 1,
        no_address: 1,
        known: 1,
        over_limit: 0,
        tested: 4,
        usable: 3,
        service_nodes: vec![text(PEER)],
    };
    vec![asked.into(), bare.into(), tested.into(), failed.into(), chosen.into()]
}

fn publisher_examples() -> Vec<Event> {
    let attempt = PublishAttempt {
        sender: text("publisher-1/0"),
        index: 1,
        attempt: 1,
        hash: hash(),
        size_bytes: 1024,
        service_node: text(PEER),
        transport: Some(Transport::Libp2p),
        pubsub_topic: text(PUBSUB_TOPIC),
        content_topic: text(CONTENT_TOPIC),
        intended: at(0),
        sent: at(0),
    };
    let published = Published {
        sender: text("publisher-1/0"),
        index: 1,
        attempt: 1,
        hash: hash(),
        size_bytes: 1024,
        service_node: text(PEER),
        transport: Some(Transport::Libp2p),
        intended: at(0),
        sent: at(0),
        acked: at(1),
        status: 200,
        status_text: Some(text("OK \u{1b}[31m \"quoted\"")),
        relay_peers: Some(4),
    };
    let failed = PublishFailed {
        sender: text("publisher-1/0"),
        index: 1,
        attempt: 1,
        hash: hash(),
        size_bytes: 1024,
        service_node: Some(text(PEER)),
        transport: Some(Transport::Libp2p),
        intended: at(0),
        sent: at(0),
        failed: at(20),
        outcome: FailureOutcome::Refused,
        status: Some(505),
        error: text("NO_PEERS_TO_RELAY"),
        retry: true,
    };
    let unsent = PublishFailed {
        service_node: None,
        outcome: FailureOutcome::NotSent,
        transport: None,
        status: None,
        ..failed.clone()
    };
    vec![
        attempt.clone().into(),
        PublishAttempt {
            transport: None,
            ..attempt
        }
        .into(),
        published.clone().into(),
        Published {
            transport: Some(Transport::Rest),
            status_text: None,
            relay_peers: None,
            ..published
        }
        .into(),
        failed.clone().into(),
        unsent.into(),
        PublishFailed {
            outcome: FailureOutcome::NoAnswer,
            ..failed
        }
        .into(),
    ]
}

fn receiver_examples() -> Vec<Event> {
    let received = Received {
        client: 0,
        sender: text("publisher-1/0"),
        index: 1,
        attempt: Some(1),
        hash: hash(),
        size_bytes: 1024,
        service_node: text(PEER),
        transport: Some(Transport::Libp2p),
        content_topic: text(CONTENT_TOPIC),
        run: Some(text("another")),
        intended: Some(at(0)),
        sent: Some(at(0)),
    };
    let from_nim = Received {
        transport: None,
        attempt: None,
        run: None,
        intended: None,
        sent: None,
        ..received.clone()
    };
    let mut events = subscription_examples();
    events.extend([Event::from(received), from_nim.into()]);
    events.extend(bad_message_examples());
    events
}

fn subscription_examples() -> Vec<Event> {
    let node = || text(PEER);
    let refused = SubscribeFailed {
        client: 0,
        service_node: node(),
        transport: Some(Transport::Libp2p),
        status: Some(429),
        error: text("rate"),
    };
    vec![
        Subscribed {
            client: 0,
            service_node: node(),
            transport: Some(Transport::Libp2p),
            pubsub_topic: text(PUBSUB_TOPIC),
            content_topics: 1,
            renewed: false,
        }
        .into(),
        SubscriptionLost {
            client: 0,
            service_node: node(),
            transport: Some(Transport::Libp2p),
            since: at(0),
            reason: text("disconnected"),
        }
        .into(),
        refused.clone().into(),
        SubscribeFailed {
            status: None,
            ..refused
        }
        .into(),
        PresenceLost {
            client: 0,
            since: at(0),
            reason: text("disconnected"),
        }
        .into(),
        PresenceRestored {
            client: 0,
            since: at(0),
        }
        .into(),
    ]
}

fn bad_message_examples() -> Vec<Event> {
    let node = || text(PEER);
    let malformed = MalformedFrame {
        client: Some(0),
        peer: node(),
        transport: Some(Transport::Rest),
        protocol: text("/vac/waku/filter-push/2.0.0-beta1"),
        error: text("cut short"),
    };
    let at_risk = MessagesAtRisk {
        client: 0,
        service_node: node(),
        transport: Some(Transport::Rest),
        content_topic: Some(text(CONTENT_TOPIC)),
        cause: RiskCause::CacheFull,
        messages: Some(50),
        capacity: Some(50),
        error: None,
    };
    let ping = PingFailed {
        client: 0,
        service_node: node(),
        transport: Some(Transport::Libp2p),
        status: Some(404),
        error: text("none"),
        failures: 1,
    };
    vec![
        CorruptReceived {
            client: 0,
            sender: text("publisher-1/0"),
            index: 0,
            hash: hash(),
            size_bytes: 9,
            service_node: node(),
            transport: Some(Transport::Libp2p),
            reason: text("index 0"),
        }
        .into(),
        ForeignReceived {
            client: 0,
            hash: hash(),
            size_bytes: 9,
            service_node: node(),
            transport: Some(Transport::Libp2p),
            content_topic: text(CONTENT_TOPIC),
            reason: text("not JSON"),
        }
        .into(),
        malformed.clone().into(),
        MalformedFrame {
            client: None,
            transport: None,
            ..malformed
        }
        .into(),
        at_risk.clone().into(),
        MessagesAtRisk {
            cause: RiskCause::NoAnswer,
            transport: None,
            content_topic: None,
            messages: None,
            capacity: None,
            error: Some(text("none within 5000 ms")),
            ..at_risk
        }
        .into(),
        ping.clone().into(),
        PingFailed { status: None, ..ping }.into(),
    ]
}

fn node_examples() -> Vec<Event> {
    let mut events: Vec<Event> = vec![
        Listening {
            address: text("/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAmPeer"),
        }
        .into(),
        PeerConnected {
            peer: text(PEER),
            address: text("/ip4/127.0.0.1/tcp/1"),
            inbound: true,
        }
        .into(),
        PeerDisconnected {
            peer: text(PEER),
            reason: text("closed"),
        }
        .into(),
        MeshChanged {
            pubsub_topic: text(PUBSUB_TOPIC),
            peers: 4,
        }
        .into(),
    ];
    events.extend(relay_examples());
    events.extend(filter_examples());
    events.extend([
        Event::from(Stored {
            hash: hash(),
            pubsub_topic: text(PUBSUB_TOPIC),
        }),
        StoreSkipped {
            hash: hash(),
            reason: text("ephemeral"),
        }
        .into(),
    ]);
    events
}

fn relay_examples() -> Vec<Event> {
    let handled = LightpushHandled {
        peer: text(PEER),
        protocol: text("v3"),
        request_id: text("r1"),
        hash: Some(hash()),
        pubsub_topic: Some(text(PUBSUB_TOPIC)),
        content_topic: Some(text(CONTENT_TOPIC)),
        size_bytes: 1024,
        received: at(0),
        status: 200,
        status_text: Some(text("OK")),
        relay_peers: Some(4),
    };
    let bare = LightpushHandled {
        hash: None,
        pubsub_topic: None,
        content_topic: None,
        status: 400,
        status_text: None,
        relay_peers: None,
        ..handled.clone()
    };
    let sent = RelaySent {
        hash: hash(),
        to_peers: vec![text(PEER), text("16Uiu2HAmOther")],
        pubsub_topic: text(PUBSUB_TOPIC),
        origin: RelayOrigin::Lightpush,
    };
    vec![
        handled.into(),
        bare.into(),
        RelayReceived {
            hash: hash(),
            from_peer: text(PEER),
            pubsub_topic: text(PUBSUB_TOPIC),
            content_topic: text(CONTENT_TOPIC),
            size_bytes: 1024,
        }
        .into(),
        sent.clone().into(),
        RelaySent {
            origin: RelayOrigin::Relay,
            to_peers: Vec::new(),
            ..sent
        }
        .into(),
        RelayRejected {
            from_peer: text(PEER),
            pubsub_topic: text(PUBSUB_TOPIC),
            reason: text("too large"),
        }
        .into(),
    ]
}

fn filter_examples() -> Vec<Event> {
    let handled = FilterHandled {
        peer: text(PEER),
        request: text("subscribe"),
        pubsub_topic: Some(text(PUBSUB_TOPIC)),
        content_topics: 1,
        status: 200,
        status_text: Some(text("OK")),
    };
    let mut events: Vec<Event> = vec![
        handled.clone().into(),
        FilterHandled {
            pubsub_topic: None,
            status_text: None,
            request: text("ping"),
            ..handled
        }
        .into(),
        FilterExpired {
            peer: text(PEER),
            reason: text("no ping for 5 minutes"),
        }
        .into(),
        FilterPushed {
            hash: hash(),
            peer: text(PEER),
            outcome: PushOutcome::Ok,
            error: None,
        }
        .into(),
    ];
    for outcome in [PushOutcome::Failed, PushOutcome::Dropped, PushOutcome::TimedOut] {
        events.push(
            FilterPushed {
                hash: hash(),
                peer: text(PEER),
                outcome,
                error: Some(text("why")),
            }
            .into(),
        );
    }
    events
}
