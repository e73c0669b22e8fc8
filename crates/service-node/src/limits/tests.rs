use std::time::Duration;

use futures::StreamExt;
use libp2p::{
    Swarm,
    identity::Keypair,
    swarm::{Config, DialError, DialFailure, ListenError, ListenFailure, SwarmEvent},
};
use tokio::{net::TcpStream, time::timeout};

use super::*;

/// Fails a test that would hang; nothing waits for it otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

fn limits(max_connections: usize, max_connections_per_ip: usize) -> ConnectionLimits {
    ConnectionLimits {
        max_connections,
        max_connections_per_ip,
        ..ConnectionLimits::default()
    }
}

/// Calls the behaviour as the swarm does, with made-up connections.
struct Driver {
    behaviour: Behaviour,
    local: Multiaddr,
    next_id: usize,
}

impl Driver {
    fn new(limits: ConnectionLimits) -> Self {
        Self {
            behaviour: Behaviour::new(limits),
            local: "/ip4/10.0.0.9/tcp/1".parse().unwrap(),
            next_id: 0,
        }
    }

    fn id(&mut self) -> ConnectionId {
        self.next_id += 1;
        ConnectionId::new_unchecked(self.next_id)
    }

    fn inbound(&mut self, remote: &str) -> Result<ConnectionId, LimitReached> {
        let (id, remote) = (self.id(), remote.parse().unwrap());
        let pending = self
            .behaviour
            .handle_pending_inbound_connection(id, &self.local, &remote);
        self.settle(id, pending)
    }

    fn outbound(&mut self, peer: Option<PeerId>) -> Result<ConnectionId, LimitReached> {
        let id = self.id();
        let pending = self
            .behaviour
            .handle_pending_outbound_connection(id, peer, &[], Endpoint::Dialer);
        self.settle(id, pending)
    }

    fn establish(&mut self, id: ConnectionId, peer: PeerId) -> Result<ConnectionId, LimitReached> {
        let remote = self.local.clone();
        let established = self
            .behaviour
            .handle_established_inbound_connection(id, peer, &self.local, &remote);
        self.settle(id, established)
    }

    fn settle<T>(
        &mut self,
        id: ConnectionId,
        result: Result<T, ConnectionDenied>,
    ) -> Result<ConnectionId, LimitReached> {
        match result {
            Ok(_) => Ok(id),
            Err(denied) => {
                self.fail_inbound(id);
                Err(denied.downcast().expect("the cause is a LimitReached"))
            }
        }
    }

    fn fail_inbound(&mut self, connection_id: ConnectionId) {
        let (local_addr, send_back_addr) = (&self.local.clone(), &self.local.clone());
        let (error, peer_id) = (&ListenError::Aborted, None);
        let failure = ListenFailure {
            local_addr,
            send_back_addr,
            error,
            connection_id,
            peer_id,
        };
        self.behaviour.on_swarm_event(FromSwarm::ListenFailure(failure));
    }

    fn fail_outbound(&mut self, connection_id: ConnectionId) {
        let failure = DialFailure {
            peer_id: None,
            error: &DialError::Aborted,
            connection_id,
        };
        self.behaviour.on_swarm_event(FromSwarm::DialFailure(failure));
    }
}

#[test]
fn one_address_gets_no_more_than_its_share() {
    let mut driver = Driver::new(limits(100, 5));
    for port in 1..=5 {
        driver.inbound(&format!("/ip4/10.0.0.1/tcp/{port}")).unwrap();
    }
    let denied = driver.inbound("/ip4/10.0.0.1/tcp/6").unwrap_err();
    assert_eq!(
        denied.to_string(),
        "limit of 5 connections per IP address reached by 10.0.0.1"
    );
    assert_eq!(driver.inbound("/ip6/::ffff:10.0.0.1/tcp/7"), Err(denied));
    assert!(driver.inbound("/ip4/10.0.0.2/tcp/1").is_ok());
    assert!(driver.outbound(None).is_ok());
    for _ in 0..10 {
        assert!(driver.inbound("/memory/1").is_ok());
    }
}

#[test]
fn zero_is_no_limit_per_address() {
    let mut driver = Driver::new(limits(100, 0));
    assert!((0..100).all(|_| driver.inbound("/ip4/10.0.0.1/tcp/1").is_ok()));
}

#[test]
fn the_total_counts_both_directions() {
    let mut driver = Driver::new(limits(3, 0));
    driver.inbound("/ip4/10.0.0.1/tcp/1").unwrap();
    driver.outbound(None).unwrap();
    let last = driver.outbound(Some(PeerId::random())).unwrap();
    let denied = LimitReached::Total { limit: 3 };
    assert_eq!(denied.to_string(), "limit of 3 connections reached");
    assert_eq!(driver.outbound(None), Err(denied));
    assert_eq!(driver.inbound("/ip4/10.0.0.2/tcp/1"), Err(denied));
    driver.fail_outbound(last);
    assert!(driver.inbound("/ip4/10.0.0.2/tcp/1").is_ok());
}

#[test]
fn one_peer_gets_two_connections_whoever_dials() {
    let mut driver = Driver::new(limits(100, 0));
    let peer = PeerId::random();
    for _ in 0..2 {
        let id = driver.inbound("/ip4/10.0.0.1/tcp/1").unwrap();
        driver.establish(id, peer).unwrap();
    }
    let denied = LimitReached::PerPeer { limit: 2, peer };
    let id = driver.inbound("/ip4/10.0.0.1/tcp/1").unwrap();
    assert_eq!(driver.establish(id, peer), Err(denied));
    assert_eq!(driver.outbound(Some(peer)), Err(denied));
    assert_eq!(driver.behaviour.count(), 2);
    assert_eq!(driver.behaviour.by_peer[&peer], 2);
}

#[test]
fn failed_connections_leave_nothing_behind() {
    let mut driver = Driver::new(limits(2, 1));
    for _ in 0..10 {
        let pending = driver.inbound("/ip4/10.0.0.1/tcp/1").unwrap();
        driver.fail_inbound(pending);
        let established = driver.inbound("/ip4/10.0.0.1/tcp/1").unwrap();
        driver.establish(established, PeerId::random()).unwrap();
        driver.fail_inbound(established);
        let dialled = driver.outbound(None).unwrap();
        driver.fail_outbound(dialled);
        driver.fail_outbound(dialled);
    }
    let Behaviour {
        connections,
        inbound_by_ip,
        by_peer,
        ..
    } = &driver.behaviour;
    assert!(connections.is_empty() && inbound_by_ip.is_empty() && by_peer.is_empty());
}

fn swarm(limits: ConnectionLimits) -> Swarm<Behaviour> {
    let keypair = Keypair::generate_secp256k1();
    let transport = waku::net::transport::build(&keypair).unwrap();
    let config = Config::with_tokio_executor().with_idle_connection_timeout(PATIENCE);
    Swarm::new(transport, Behaviour::new(limits), keypair.public().to_peer_id(), config)
}

/// Polls `swarm` until `want` makes something of an event.
async fn until<T>(swarm: &mut Swarm<Behaviour>, want: impl Fn(SwarmEvent<Infallible>) -> Option<T>) -> T {
    let wanted = async {
        loop {
            if let Some(found) = want(swarm.select_next_some().await) {
                return found;
            }
        }
    };
    timeout(PATIENCE, wanted).await.expect("the event must come")
}

async fn listening(limits: ConnectionLimits) -> (Swarm<Behaviour>, Multiaddr) {
    let mut server = swarm(limits);
    server.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let address = until(&mut server, |event| match event {
        SwarmEvent::NewListenAddr { address, .. } => Some(address),
        _ => None,
    });
    let address = address.await;
    (server, address)
}

/// A client with a swarm task of its own, which ends, and with it the connection, when the handle is aborted.
fn client(address: &Multiaddr) -> tokio::task::JoinHandle<()> {
    let mut client = swarm(ConnectionLimits::default());
    client.dial(address.clone()).unwrap();
    tokio::spawn(async move {
        loop {
            client.select_next_some().await;
        }
    })
}

#[tokio::test]
async fn a_swarm_denies_the_connection_too_many_and_takes_one_again_when_another_closed() {
    let (mut server, address) = listening(limits(100, 2)).await;
    let is_established = |event| matches!(event, SwarmEvent::ConnectionEstablished { .. }).then_some(());
    let first = client(&address);
    until(&mut server, is_established).await;
    let second = client(&address);
    until(&mut server, is_established).await;
    let third = client(&address);
    let denied = until(&mut server, |event| match event {
        SwarmEvent::IncomingConnectionError {
            error: ListenError::Denied { cause },
            ..
        } => cause.downcast::<LimitReached>().ok(),
        _ => None,
    });
    assert_eq!(
        denied.await,
        LimitReached::PerIp {
            limit: 2,
            ip: "127.0.0.1".parse().unwrap()
        }
    );
    first.abort();
    until(&mut server, |event| {
        matches!(event, SwarmEvent::ConnectionClosed { .. }).then_some(())
    })
    .await;
    assert_eq!(server.behaviour().count(), 1);
    let fourth = client(&address);
    until(&mut server, is_established).await;
    assert_eq!(server.behaviour().count(), 2);
    [second, third, fourth].iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_connection_that_never_finishes_its_handshake_is_uncounted() {
    let (mut server, address) = listening(limits(100, 1)).await;
    let port = address.iter().find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    for _ in 0..3 {
        let stream = TcpStream::connect(("127.0.0.1", port.unwrap())).await.unwrap();
        until(&mut server, |event| {
            matches!(event, SwarmEvent::IncomingConnection { .. }).then_some(())
        })
        .await;
        assert_eq!(server.behaviour().count(), 1);
        drop(stream);
        until(&mut server, |event| {
            matches!(event, SwarmEvent::IncomingConnectionError { .. }).then_some(())
        })
        .await;
        assert_eq!(server.behaviour().count(), 0);
        assert!(server.behaviour().inbound_by_ip.is_empty());
    }
}
