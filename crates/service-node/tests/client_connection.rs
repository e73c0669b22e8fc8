//! How the light client holds its connections: refusals, gaps, restarts, silence.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{proxy::Proxy, *};
use libp2p::{Multiaddr, PeerId, identity::Keypair, multiaddr::Protocol};
use service_node::Node;
use waku::{
    ServiceNodeAddr,
    net::{ClientConfig, ClientEvent, ClientLimits, LightpushVersion, RequestError},
};

fn socket_address(node: &TestNode) -> SocketAddr {
    let address = node.node.addresses()[0].clone();
    let mut parts = address.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => (ip, port).into(),
        other => panic!("unexpected {other:?}"),
    }
}

fn at(peer_id: PeerId, socket: SocketAddr) -> ServiceNodeAddr {
    let address: Multiaddr = format!("/ip4/{}/tcp/{}", socket.ip(), socket.port()).parse().unwrap();
    ServiceNodeAddr {
        peer_id,
        addresses: vec![address],
    }
}

/// Short pauses, so that nothing is waited for longer than it must be.
fn impatient() -> ClientConfig {
    let limits = ClientLimits {
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(100),
        ..ClientLimits::default()
    };
    ClientConfig {
        limits,
        ..client_config()
    }
}

/// Waits for `Disconnected` and returns its reason.
async fn disconnected(client: &mut TestClient, node: PeerId) -> String {
    match client.next().await {
        ClientEvent::Disconnected { peer, reason } => {
            assert_eq!(peer, node);
            reason
        }
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_identity_at_the_address_is_refused_for_good() {
    let node = start(config()).await;
    let expected = PeerId::random();
    let mut client = client_with(impatient());
    client.client.keep_connected(at(expected, socket_address(&node)));
    match client.next().await {
        ClientEvent::Refused { peer, error } => {
            assert_eq!(peer, expected);
            assert!(error.contains(&node.peer().to_string()), "{error}");
            assert!(error.contains("/p2p/"), "{error}");
        }
        other => panic!("unexpected {other:?}"),
    }
    // It is not dialled again: the right address is the next thing heard of.
    client.client.keep_connected(node.node.address());
    assert!(matches!(client.next().await, ClientEvent::Ready { peer, .. } if peer == node.peer()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_address_is_tried_again_and_again() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let peer_id = PeerId::random();
    let mut client = client_with(impatient());
    client.client.keep_connected(at(peer_id, dead));
    for _ in 0..4 {
        match client.next().await {
            ClientEvent::DialFailed { peer, error, retry_in } => {
                assert_eq!(peer, peer_id);
                assert!(error.contains(&format!("/tcp/{}", dead.port())), "{error}");
                assert!(error.to_lowercase().contains("refused"), "{error}");
                let retry_in = retry_in.unwrap();
                assert!(retry_in >= Duration::from_millis(10) && retry_in <= Duration::from_millis(100));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    let error = client.client.filter_ping(peer_id).await.unwrap_err();
    assert!(matches!(error, RequestError::NotConnected { .. }) && !error.may_have_arrived());
    client.client.forget(peer_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_at_the_same_place_is_found_again() {
    let keypair = Keypair::generate_secp256k1();
    let first = start(with_key(&keypair)).await;
    let listen = first.node.addresses()[0].clone();
    let mut client = client_with(impatient());
    client.client.keep_connected(first.node.address());
    client.ready().await;
    assert_eq!(client.subscribe(&first).await.code, 200);
    let peer = first.peer();
    first.node.stop().await;
    disconnected(&mut client, peer).await;
    let error = client.client.filter_ping(peer).await.unwrap_err();
    assert!(matches!(error, RequestError::NotConnected { .. }), "{error}");

    let mut again = with_key(&keypair);
    again.listen = vec![listen.iter().take(2).collect()];
    again.standalone = true;
    let second = start(again).await;
    assert_eq!(client.ready().await, peer);
    // The new process knows nothing of the subscription.
    assert_eq!(client.client.filter_ping(peer).await.unwrap().code, 404);
    assert_eq!(client.subscribe(&second).await.code, 200);
    let sent = message("after the restart");
    client
        .client
        .lightpush(peer, LightpushVersion::V3, PUBSUB, &sent)
        .await
        .unwrap();
    assert_eq!(client.pushed().await.0, sent);
}

fn with_key(keypair: &Keypair) -> service_node::NodeConfig {
    service_node::NodeConfig::local(keypair.clone(), CLUSTER, vec![SHARD])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_open_connection_is_noticed_and_replaced() {
    let node = start(config()).await;
    let proxy = Proxy::start(socket_address(&node)).await;
    let mut config = impatient();
    config.limits.ping_interval = Duration::from_millis(200);
    config.limits.ping_timeout = Duration::from_millis(300);
    let mut client = client_with(config);
    client.client.keep_connected(at(node.peer(), proxy.address));
    client.ready().await;
    proxy.freeze();
    // The sockets stay open, so only the pings can tell, and with the default limits they would take 35 s.
    disconnected(&mut client, node.peer()).await;
    proxy.thaw();
    client.ready().await;
    assert_eq!(client.client.filter_ping(node.peer()).await.unwrap().code, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_stays() {
    let node = start(config()).await;
    let mut config = impatient();
    config.limits.ping_interval = Duration::from_millis(10);
    config.limits.ping_timeout = Duration::from_secs(20);
    let mut idle = client_with(config);
    idle.client.keep_connected(node.node.address());
    idle.ready().await;
    // While another client comes and goes, the idle one hears nothing.
    for _ in 0..20 {
        client_at(&node).await.client.shutdown().await;
    }
    assert!(idle.events.try_recv().is_err());
    assert_eq!(idle.client.filter_ping(node.peer()).await.unwrap().code, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_forgotten_is_left_alone() {
    let node = start(config()).await;
    let mut client = client_with(impatient());
    client.client.keep_connected(node.node.address());
    client.ready().await;
    client.client.forget(node.peer());
    let gone = |event: &event_log::Event| matches!(event, event_log::Event::PeerDisconnected(_)).then_some(());
    node.wait_for_events(1, gone).await;
    let error = client.client.filter_ping(node.peer()).await.unwrap_err();
    assert!(matches!(error, RequestError::NotConnected { .. }));
    assert!(client.events.try_recv().is_err(), "what was asked for is no event");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_with_one_shutdown_each_can_be_stopped_alone() {
    let shutdown = runtime::Shutdown::new();
    let log = event_log::EventLog::with_sink(std::io::sink()).unwrap();
    let first = Node::start(config(), log.clone(), shutdown.clone()).await.unwrap();
    let second = Node::start(config(), log, shutdown.clone()).await.unwrap();
    let mut client = client_with(impatient());
    client.client.keep_connected(second.address());
    client.ready().await;
    first.stop().await;
    assert_eq!(client.client.filter_ping(second.peer_id()).await.unwrap().code, 404);
    shutdown.request();
    disconnected(&mut client, second.peer_id()).await;
}

/// The dial found the old connection still closing, and told that as a failure of the service node.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_left_and_taken_up_again_at_once_is_no_failed_dial() {
    let node = start(config()).await;
    let mut client = client_at(&node).await;
    for _ in 0..10 {
        client.client.forget(node.peer());
        client.client.keep_connected(node.node.address());
        let event = client.next().await;
        assert!(matches!(event, ClientEvent::Ready { .. }), "{event:?}");
    }
}
