//! (a) What libp2p alone does: one frame there, one frame back, on a new stream each.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{AsyncWriteExt, StreamExt};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm,
    core::upgrade::Version,
    identity::Keypair,
    swarm::{self, SwarmEvent},
};
use tokio::sync::mpsc;
use waku::{
    WakuMessage, frame,
    net::{
        streams::{self, InboundStream, StreamControl},
        transport,
    },
    wire::{LightpushRequest, LightpushResponse},
};

use super::{IN_FLIGHT, SIZE_BYTES};

/// Set in the child that serves.
pub(super) const SERVER_VARIABLE: &str = "THROUGHPUT_BARE_SERVER";

const PROTOCOL: StreamProtocol = StreamProtocol::new("/throughput/bare/1");
const CAP_BYTES: usize = 64 * 1024;

type Bare = (
    Swarm<streams::Behaviour>,
    StreamControl,
    mpsc::Receiver<InboundStream>,
    PeerId,
);

fn bare_swarm() -> Bare {
    let keypair = Keypair::generate_secp256k1();
    let peer = keypair.public().to_peer_id();
    let (behaviour, control, inbound) = streams::new(vec![PROTOCOL], 4096);
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(Duration::from_secs(600))
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    let transport = transport::build(&keypair).expect("a secp256k1 key can sign");
    (Swarm::new(transport, behaviour, peer, config), control, inbound, peer)
}

/// The child: answers every request until it is killed.
pub(super) fn serve() {
    runtime::threads::block_on(async {
        let (mut swarm, _control, mut inbound, peer) = bare_swarm();
        swarm
            .listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("a literal"))
            .expect("loopback");
        tokio::spawn(async move {
            while let Some(InboundStream { mut stream, .. }) = inbound.recv().await {
                tokio::spawn(async move {
                    let request: LightpushRequest = frame::read_frame(&mut stream, CAP_BYTES).await.ok()?;
                    let response = LightpushResponse::ok(request.request_id(), 1);
                    frame::write_frame(&mut stream, &response, CAP_BYTES).await.ok()?;
                    stream.close().await.ok()
                });
            }
        });
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                println!("{address}/p2p/{peer}");
            }
        }
    })
    .expect("a runtime");
}

/// Requests a second over `length`.
pub(super) fn measure(length: Duration) -> f64 {
    let own = std::env::current_exe().expect("own path");
    let mut server = Command::new(own)
        .env(SERVER_VARIABLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("piped"))
        .read_line(&mut address)
        .expect("the server's address");
    let rate =
        runtime::threads::block_on(ask(address.trim().parse().expect("a multiaddr"), length)).expect("a runtime");
    server.kill().expect("the server can be killed");
    server.wait().expect("the server ends");
    rate
}

async fn ask(address: Multiaddr, length: Duration) -> f64 {
    let (mut swarm, control, _inbound, _) = bare_swarm();
    swarm.dial(address).expect("a dialable address");
    let peer = loop {
        if let SwarmEvent::ConnectionEstablished { peer_id, .. } = swarm.select_next_some().await {
            break peer_id;
        }
    };
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    let answered = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let workers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (control, answered) = (control.clone(), answered.clone());
            tokio::spawn(async move {
                while start.elapsed() < length {
                    exchange(&control, peer).await;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.expect("a worker ends well");
    }
    answered.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

async fn exchange(control: &StreamControl, peer: PeerId) {
    let message = WakuMessage::new(vec![7_u8; SIZE_BYTES], "/throughput/1/bare/proto", 1);
    let request = LightpushRequest::new("00000000000000000000", "/waku/2/rs/2/0", message);
    let mut stream = control.open(peer, PROTOCOL).await.expect("a stream");
    frame::write_frame(&mut stream, &request, CAP_BYTES)
        .await
        .expect("written");
    stream.close().await.expect("ended");
    let _: LightpushResponse = frame::read_frame(&mut stream, CAP_BYTES).await.expect("answered");
}
